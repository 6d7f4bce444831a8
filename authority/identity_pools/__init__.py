"""Identity pools: applications whose users sign in somewhere, or nowhere, and get a token or a role here."""

from __future__ import annotations
