"""Revocations: the facts, and the sessions they have ended.

A session is not in the state, so its token is held against what was revoked.  A revocation names the newest
configuration that stood when it was decided, *through*, and ends what was decided from that or older: everything that
stands before it in the log, whatever any clock said, and nothing after it.

It is forgotten when every daily key that was there at that moment is destroyed: no token that it ended can be opened
from then on, so none of their descendants can be alive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import msgspec
from immutables import Map

from authority.kernel.ids import AccessKeyId, RoleId, SealingKeyId
from authority.model.fact import AccountFact


class SessionRevoked(AccountFact, frozen=True, kw_only=True, tag="session-revoked"):
    """One session of the account is over."""

    access_key_id: AccessKeyId


class RoleSessionsRevoked(AccountFact, frozen=True, kw_only=True, tag="role-sessions-revoked"):
    """Every session of a role that was issued before this is over."""

    role_id: RoleId
    through: int


class DescendantsRevoked(AccountFact, frozen=True, kw_only=True, tag="descendants-revoked"):
    """Every session that a key or another session led to before this is over, in whatever account, at any depth."""

    ancestor: AccessKeyId
    through: int


class Revocation(msgspec.Struct, frozen=True):
    """What was decided from configuration up to position *through* is over since *at*.

    *sealed_by* are the daily keys under which its tokens can have been made.
    """

    through: int
    at: datetime
    sealed_by: tuple[SealingKeyId, ...]


class Revocations(msgspec.Struct, frozen=True, kw_only=True):
    """What was revoked and may still be presented: by session, by role, by the key or session that led there."""

    sessions: Map[str, Revocation] = Map()
    roles: Map[str, Revocation] = Map()
    ancestors: Map[str, Revocation] = Map()

    def ended(self, access_key_id: str, role_id: str, ancestors: Iterable[str], decided_from: int) -> Revocation | None:
        """What ended the session that says this of itself, if anything did."""
        found = self.sessions.get(access_key_id)
        if found is not None:
            return found
        for revocation in (self.roles.get(role_id), *(self.ancestors.get(key) for key in ancestors)):
            if revocation is not None and decided_from <= revocation.through:
                return revocation
        return None

    def taking(
        self, fact: SessionRevoked | RoleSessionsRevoked | DescendantsRevoked, at: datetime, sealed_by: Iterable[str]
    ) -> Revocations:
        """The revocations with one more."""
        living = tuple(SealingKeyId(key) for key in sorted(sealed_by))
        if isinstance(fact, SessionRevoked):
            revoked = Revocation(0, at, living)
            return msgspec.structs.replace(self, sessions=self.sessions.set(fact.access_key_id, revoked))
        revoked = Revocation(fact.through, at, living)
        if isinstance(fact, RoleSessionsRevoked):
            return msgspec.structs.replace(self, roles=self.roles.set(fact.role_id, revoked))
        return msgspec.structs.replace(self, ancestors=self.ancestors.set(fact.ancestor, revoked))

    def without_keys_but(self, living: Collection[str]) -> Revocations:
        """The revocations whose tokens one of the *living* daily keys may have made."""
        return Revocations(
            sessions=_kept(self.sessions, living),
            roles=_kept(self.roles, living),
            ancestors=_kept(self.ancestors, living),
        )


NONE: Final = Revocations()


def _kept(revocations: Map[str, Revocation], living: Collection[str]) -> Map[str, Revocation]:
    kept = revocations.mutate()
    for name, revocation in revocations.items():
        if not any(key in living for key in revocation.sealed_by):
            del kept[name]
    return kept.finish()
