"""The IAM guide's own stories, with real clients against a whole authority."""

from __future__ import annotations
