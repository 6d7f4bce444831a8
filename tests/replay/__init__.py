"""What the log tells: time travel, what led where, and what would have been."""

from __future__ import annotations
