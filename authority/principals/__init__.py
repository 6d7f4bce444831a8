"""Who can sign: users, groups, access keys, and the passwords and MFA devices that users sign in with."""

from __future__ import annotations
