"""IAM, STS and Organizations by real clients against a live server."""

from __future__ import annotations
