"""What decisions need from outside, brought and verified before they are made."""

from __future__ import annotations

from collections.abc import Mapping

from authority.credentials import Keyring
from authority.pipeline import Gather


def gatherers(_keyring: Keyring) -> Mapping[str, Gather]:
    """By the action that needs it."""
    return {}
