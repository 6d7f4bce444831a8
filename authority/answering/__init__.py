"""Inquiries answered from the log: what `replay` needs is read in pages, and never on the path of a decision."""

from __future__ import annotations
