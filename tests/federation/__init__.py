"""Federation: what is uploaded about identity providers, and who may change it."""

from __future__ import annotations
