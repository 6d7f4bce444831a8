"""The policy language of IAM: text to document, document to tests, tests to a verdict.  Knows no state."""

from __future__ import annotations
