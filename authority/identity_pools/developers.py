"""Users of a pool's own application: it signs them in as it likes, and asks with its key for a token of theirs.

Gathered, for the token: the `Signer`, None while there is none.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from authority.access.action import Answer, Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import scope_of
from authority.access.session_contents import session_tags
from authority.federation import own_tokens
from authority.identity_pools import open_id_tokens
from authority.identity_pools.arriving import Arrived, by_user, somebody_new
from authority.identity_pools.naming import named, no_identity, own_identity, own_pool, worn_by_named
from authority.identity_pools.open_id_tokens import IdToken
from authority.kernel.paging import page
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.identity_pools import (
    Identity,
    IdentityDeleted,
    IdentityPool,
    Login,
    LoginsLinked,
    LoginsUnlinked,
)
from authority.model.state import State

TOKEN_SECONDS: Final = 900
TAKEN: Final = Refusal(
    Reason.DEVELOPER_USER_TAKEN,
    "The provided developer user identifier is already registered with a different identity.",
)


class GetOpenIdTokenForDeveloperIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """The pool, the user by the application's own name, and the identity that he is to have."""

    identity_pool_id: str
    logins: dict[str, str]
    identity_id: str | None = None
    principal_tags: dict[str, str] = {}
    token_duration: int = TOKEN_SECONDS


class LookupDeveloperIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """An identity or a user: who the other is."""

    identity_pool_id: str
    identity_id: str | None = None
    developer_user_identifier: str | None = None
    max_results: int | None = None
    next_token: str | None = None


class Users(msgspec.Struct, frozen=True, rename="pascal"):
    """An identity, and the users of the application who have it."""

    identity_id: str
    developer_user_identifier_list: tuple[str, ...]
    next_token: str | None = None


class UnlinkDeveloperIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user, and the identity that he shall have no more."""

    identity_id: str
    identity_pool_id: str
    developer_provider_name: str
    developer_user_identifier: str


class MergeDeveloperIdentities(msgspec.Struct, frozen=True, rename="pascal"):
    """Two users who are one: the source's logins lead to the destination from now on."""

    source_user_identifier: str
    destination_user_identifier: str
    developer_provider_name: str
    identity_pool_id: str


class Merged(msgspec.Struct, frozen=True, rename="pascal"):
    """The identity that is left."""

    identity_id: str


def _not_its_provider(provider: str) -> Refusal:
    return Refusal(Reason.INVALID_PARAMETER_VALUE, f"{provider} is not the developer provider of the identity pool.")


@action("cognito-identity:GetOpenIdTokenForDeveloperIdentity", resource=named, conditions=worn_by_named)
def get_open_id_token_for_developer_identity(
    state: State, call: Call[GetOpenIdTokenForDeveloperIdentity], facts: Facts
) -> Decision:
    """Issue a token for a user of the application (API, GetOpenIdTokenForDeveloperIdentity).

    1. the one login is the user, by the pool's developer provider: what is said here needs no other proof than the key;
    2. tags are such as a session can have;
    3. he has the identity that is named, or his own, or a new one.
    """
    wanted = call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    if len(wanted.logins) != 1:
        text = "The logins must be one, of the developer provider; others are linked by GetId."
        return refuse(Reason.INVALID_PARAMETER_VALUE, text)
    ((provider, user),) = wanted.logins.items()
    if not pool.settings.developer or provider != pool.settings.developer:
        return Decision(answer=_not_its_provider(provider))
    if len(user) > 1_024:
        return refuse(Reason.INVALID_PARAMETER_VALUE, "The developer user identifier is longer than 1024 characters.")
    tags = tuple(Tag(key, value) for key, value in wanted.principal_tags.items())
    fitting = session_tags(tags)
    if isinstance(fitting, Refusal):
        return Decision(answer=fitting)
    login = Login(provider, user)
    found = _having(state, call, pool, login, facts)
    if isinstance(found, Refusal):
        return Decision(answer=found)
    made = open_id_tokens.issued(
        state,
        facts,
        call.gathered,
        account=call.caller.account,
        pool=pool.id,
        identity=found.identity.id,
        methods=(own_tokens.AUTHENTICATED, provider, by_user(pool, login)),
        seconds=wanted.token_duration,
        tags=tags,
        by=call.caller.access_key_id,
    )
    if isinstance(made, Refusal):
        return Decision(answer=made)
    identity, signed = found.identity.id, made.signed
    return Decision(facts=(*found.facts, made.fact), then=lambda _state: IdToken(identity, signed()))


def _having(
    state: State,
    call: Call[GetOpenIdTokenForDeveloperIdentity],
    pool: IdentityPool,
    login: Login,
    facts: Facts,
) -> Arrived | Refusal:
    """The identity that a user has from now on."""
    wanted, behind = call.input.identity_id, state.identities.behind(pool.id, login)
    if behind is not None:
        return TAKEN if wanted not in (None, behind) else Arrived(pool, state.identities.known[behind], (), ())
    if wanted is None:
        return somebody_new(state, pool, (login,), facts)
    identity = own_identity(state, call, wanted, pool.id)
    if isinstance(identity, Refusal):
        return identity
    linked = LoginsLinked(account=call.caller.account, pool=pool.id, identity=identity.id, logins=(login,))
    return Arrived(pool, identity, (linked,), ())


def _behind(state: State, call: Call[Any], pool: IdentityPool, user: str) -> Identity | Refusal:
    """The identity of a user of the application."""
    found = state.identities.behind(pool.id, Login(pool.settings.developer, user)) if pool.settings.developer else None
    return no_identity(user) if found is None else own_identity(state, call, found, pool.id)


@action("cognito-identity:LookupDeveloperIdentity", resource=named, conditions=worn_by_named)
def lookup_developer_identity(state: State, call: Call[LookupDeveloperIdentity], _facts: Facts) -> Decision:
    """Say which users have an identity, by their names (API, LookupDeveloperIdentity)."""
    wanted = call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    if wanted.identity_id is None and wanted.developer_user_identifier is None:
        return refuse(Reason.INVALID_PARAMETER_VALUE, "Name an identity, a developer user identifier, or both.")
    identity: Identity | Refusal
    if wanted.identity_id is not None:
        identity = own_identity(state, call, wanted.identity_id, pool.id)
    else:
        identity = _behind(state, call, pool, wanted.developer_user_identifier or "")
    if isinstance(identity, Refusal):
        return Decision(answer=identity)
    users = tuple(login.subject for login in identity.logins if login.provider == pool.settings.developer)
    if wanted.developer_user_identifier is not None:
        if wanted.developer_user_identifier not in users:
            text = "The developer user identifier and the identity do not belong together."
            return refuse(Reason.RESOURCE_CONFLICT, text)
        return Decision(answer=Users(identity.id, (wanted.developer_user_identifier,)))
    scope = scope_of(call, f"cognito-identity:LookupDeveloperIdentity|{identity.id}")
    cut = page(users, str, marker=wanted.next_token, max_items=wanted.max_results, scope=scope)
    if isinstance(cut, Refusal):
        return Decision(answer=cut)
    return Decision(answer=Users(identity.id, cut.items, cut.marker))


@action("cognito-identity:UnlinkDeveloperIdentity", resource=named, conditions=worn_by_named)
def unlink_developer_identity(state: State, call: Call[UnlinkDeveloperIdentity], _facts: Facts) -> Decision:
    """Take an identity from a user (API, UnlinkDeveloperIdentity)."""
    wanted = call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    if wanted.developer_provider_name != pool.settings.developer:
        return Decision(answer=_not_its_provider(wanted.developer_provider_name))
    identity = own_identity(state, call, wanted.identity_id, pool.id)
    if isinstance(identity, Refusal):
        return Decision(answer=identity)
    login = Login(pool.settings.developer, wanted.developer_user_identifier)
    if login not in identity.logins:
        return Decision(answer=no_identity(wanted.developer_user_identifier))
    gone = LoginsUnlinked(account=call.caller.account, pool=pool.id, identity=identity.id, logins=(login,))
    return Decision(facts=(gone,))


@action("cognito-identity:MergeDeveloperIdentities", resource=named, conditions=worn_by_named)
def merge_developer_identities(state: State, call: Call[MergeDeveloperIdentities], _facts: Facts) -> Decision:
    """Make one of two users: all logins lead to the destination (API, MergeDeveloperIdentities)."""
    wanted = call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    if wanted.developer_provider_name != pool.settings.developer:
        return Decision(answer=_not_its_provider(wanted.developer_provider_name))
    source = _behind(state, call, pool, wanted.source_user_identifier)
    kept = _behind(state, call, pool, wanted.destination_user_identifier)
    if isinstance(source, Refusal):
        return Decision(answer=source)
    if isinstance(kept, Refusal):
        return Decision(answer=kept)

    def answer(_state: State) -> Answer:
        return Merged(kept.id)

    if source.id == kept.id:
        return Decision(then=answer)
    account = call.caller.account
    return Decision(
        facts=(
            IdentityDeleted(account=account, pool=pool.id, identity=source.id),
            LoginsLinked(account=account, pool=pool.id, identity=kept.id, logins=source.logins),
        ),
        then=answer,
    )
