"""Accounts: how they come to be, what they are called, what they may, and what is known of them."""

from __future__ import annotations
