"""aiohttp: the last place that knows sockets, requests and responses."""

from __future__ import annotations
