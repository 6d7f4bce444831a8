"""The rim: bytes on a socket, and what comes back."""

from __future__ import annotations
