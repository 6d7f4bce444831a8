"""Who is really behind a credential: the chain of keys and sessions that led to it, and whoever stands at its root."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from authority.audit.answers import SeenEvent, SessionRecord
from authority.kernel.ids import LONG_TERM_KEY


class Link(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One credential of a chain; of one that may not be seen, no more than that it is there."""

    access_key_id: str
    kind: str
    """`key`, `session`, or `withheld`."""
    account: str = ""
    arn: str = ""
    role_arn: str = ""
    position: int | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    status: str = ""
    source_address: str = ""
    """Where it was asked for from."""
    source_identity: str = ""
    mfa_at: datetime | None = None
    made_with: str = ""
    """What a long-term key was made with: whoever made it stands behind it too, if he kept its secret."""


class Root(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Whoever a chain began with; nothing of it where that may not be seen."""

    principal_id: str = ""
    arn: str = ""
    source_identity: str = ""
    """The name that was set for the whole chain."""


class Lineage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The way from the root to a credential; `whole` says that nothing of it is withheld."""

    access_key_id: str
    root: Root
    chain: tuple[Link, ...]
    whole: bool


def lineage(of: SessionRecord, forebears: Mapping[str, Link]) -> Lineage:
    """The lineage of a session, whose *forebears* are known as far as they may be seen."""
    chain = [forebears.get(key) or withheld(key) for key in of.ancestors]
    if of.caller.access_key_id and of.caller.access_key_id not in of.ancestors:
        chain.append(forebears.get(of.caller.access_key_id) or withheld(of.caller.access_key_id))
    first = chain[0] if chain else None
    begins = first is not None and first.access_key_id.startswith(LONG_TERM_KEY)
    alone = not of.ancestors and not of.caller.access_key_id  # a provider vouched for whoever it was, or it is withheld
    root = Root(
        principal_id=of.root_principal,
        arn=(first.arn if begins and first is not None else "") or (of.caller.arn if len(chain) <= 1 else ""),
        source_identity=of.source_identity,
    )
    whole = (
        bool(of.root_principal)
        and (begins or alone or _is_root(first))
        and all(one.kind != "withheld" for one in chain)
    )
    return Lineage(access_key_id=of.access_key_id, root=root, chain=(*chain, session_link(of)), whole=whole)


def of_key(key: Link, principal_id: str) -> Lineage:
    """The lineage of a long-term key: its owner, and nothing before."""
    root = Root(principal_id=principal_id, arn=key.arn)
    return Lineage(access_key_id=key.access_key_id, root=root, chain=(key,), whole=True)


def made_by(key: Link, seen: SeenEvent) -> Link:
    """The long-term *key* with what is *seen* of its making."""
    request, caller = seen.event.request, seen.event.caller
    return msgspec.structs.replace(
        key,
        position=seen.position,
        source_address="" if request is None else request.source_address,
        made_with="" if caller is None else caller.access_key_id,
    )


def session_link(session: SessionRecord) -> Link:
    """A session as a part of a chain."""
    return Link(
        access_key_id=session.access_key_id,
        kind="session",
        account=session.account,
        arn=session.arn,
        role_arn=session.role_arn,
        position=session.position,
        issued_at=session.issued_at,
        expires_at=session.expires_at,
        status=session.status,
        source_address=session.source_address,
        source_identity=session.source_identity,
        mfa_at=session.mfa_at,
    )


def withheld(access_key_id: str) -> Link:
    """A credential of which nothing may be seen."""
    return Link(access_key_id=access_key_id, kind="withheld")


def _is_root(first: Link | None) -> bool:
    """Whether a chain begins with a session that no key led to: somebody vouched for whoever it was."""
    return first is not None and first.kind == "session"
