"""The clients that people have, unmodified and configured as their own documentation says."""

from __future__ import annotations
