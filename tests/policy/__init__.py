"""The policy engine, judged by tables, laws and a second engine."""

from __future__ import annotations
