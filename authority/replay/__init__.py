"""What the log alone tells: the state as of any position, and whether that is what was served."""

from __future__ import annotations
