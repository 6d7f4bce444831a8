"""What may be done: inline and managed policies, their attachment, and what they come to."""

from __future__ import annotations
