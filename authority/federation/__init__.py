"""Identities that live elsewhere: the providers an account trusts, and what their tokens and assertions say."""

from __future__ import annotations
