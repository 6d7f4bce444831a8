"""Answers from the log, judged without a server."""

from __future__ import annotations
