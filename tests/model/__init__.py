"""The model: facts and the state they fold into."""

from __future__ import annotations
