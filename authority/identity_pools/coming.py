"""What applications ask for their users, without a key: who they are, a token, or a role's credentials.

Gathered: `Identified`, whoever comes, with his logins verified.
(Amazon Cognito Federated Identities API; Amazon Cognito Developer Guide, Identity pools authentication flow.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.federation import saml, web_identity
from authority.federation.assuming import Asked, Issued, issue, trusting_account
from authority.federation.saml import SamlIdentity
from authority.identity_pools import open_id_tokens
from authority.identity_pools.arriving import Arrived, arrived
from authority.identity_pools.logins import Identified, as_session
from authority.identity_pools.open_id_tokens import IdToken
from authority.identity_pools.pool_tags import Nothing
from authority.identity_pools.roles import UNCONFIGURED, chosen
from authority.kernel.refusal import Reason, Refusal
from authority.model.identity_pools import LoginsUnlinked
from authority.model.state import State

TOKEN_SECONDS: Final = 600
CREDENTIAL_SECONDS: Final = 3_600
SESSION_NAME: Final = "CognitoIdentityCredentials"
CLASSIC_CLOSED: Final = Refusal(
    Reason.INVALID_PARAMETER_VALUE, "Basic (classic) flow is not enabled, please use enhanced flow."
)
NOT_ITS_ACCOUNT: Final = Refusal(Reason.NOT_AUTHORIZED, "The identity pool is not one of this account.")
USED: Final = Refusal(Reason.NOT_AUTHORIZED, "Invalid login token. It was used already.")


class GetId(msgspec.Struct, frozen=True, rename="pascal"):
    """The pool, and the logins of whoever comes; a guest has none."""

    identity_pool_id: str
    account_id: str | None = None
    logins: dict[str, str] = {}

    def __repr__(self) -> str:
        """Show which pool, and never the logins."""
        return f"GetId({self.identity_pool_id!r})"


class Id(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    identity_id: str


class OfIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """The identity, and the logins of whoever has it."""

    identity_id: str
    logins: dict[str, str] = {}

    def __repr__(self) -> str:
        """Show whose, and never the logins."""
        return f"{type(self).__name__}({self.identity_id!r})"


class GetOpenIdToken(OfIdentity, frozen=True):
    """For whom the token is."""


class GetCredentialsForIdentity(OfIdentity, frozen=True, rename="pascal"):
    """For whom the credentials are, and of which role, where his provider leaves him the choice."""

    custom_role_arn: str | None = None


class UnlinkIdentity(OfIdentity, frozen=True, kw_only=True, rename="pascal"):
    """Who it is, and which of his logins shall no longer lead to him."""

    logins_to_remove: tuple[str, ...]


class Credentials(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Temporary credentials, as this API names them."""

    access_key_id: object
    secret_key: object
    session_token: object
    expiration: object


class IdentityCredentials(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    identity_id: str
    credentials: Credentials


@action("cognito-identity:GetId", resource=None)
def get_id(state: State, call: Call[GetId], facts: Facts) -> Decision:
    """Say which identity somebody has in a pool; whoever was never there is somebody new (API, GetId)."""
    found = arrived(state, call.gathered, facts)
    if isinstance(found, Refusal):
        return Decision(answer=found, subject=call.input.identity_pool_id)
    if call.input.account_id not in (None, found.identity.account):
        return Decision(answer=NOT_ITS_ACCOUNT, subject=call.input.identity_pool_id)
    return Decision(facts=found.facts, answer=Id(found.identity.id), subject=found.pool.id)


@action("cognito-identity:GetOpenIdToken", resource=None)
def get_open_id_token(state: State, call: Call[GetOpenIdToken], facts: Facts) -> Decision:
    """Issue a token of the pool for somebody in it, if whoever comes may choose his role (API, GetOpenIdToken)."""
    found = arrived(state, call.gathered, facts, call.input.identity_id)
    if isinstance(found, Refusal):
        return Decision(answer=found, subject=call.input.identity_id)
    if not found.pool.settings.classic:
        return Decision(answer=CLASSIC_CLOSED, subject=call.input.identity_id)
    once = _once(state, call, "a token")
    if not facts.claimed.isdisjoint(once):
        return Decision(answer=USED, subject=call.input.identity_id)
    made = open_id_tokens.issued(
        state,
        facts,
        call.gathered.signer if isinstance(call.gathered, Identified) else None,
        account=found.identity.account,
        pool=found.pool.id,
        identity=found.identity.id,
        methods=found.methods,
        seconds=TOKEN_SECONDS,
    )
    if isinstance(made, Refusal):
        return Decision(answer=made, subject=call.input.identity_id)
    identity, signed = found.identity.id, made.signed
    # Signed after the entry is durable: there is no token that the log does not know.
    return Decision(
        facts=(*found.facts, made.fact),
        then=lambda _state: IdToken(identity, signed()),
        once=once,
        subject=identity,
    )


@action("cognito-identity:GetCredentialsForIdentity", resource=None)
def get_credentials_for_identity(state: State, call: Call[GetCredentialsForIdentity], facts: Facts) -> Decision:
    """Issue a session of the role that the pool gives to whoever comes (API, GetCredentialsForIdentity).

    1. who it is; 2. which role, of the pool's own account; 3. and on as `assuming.issue` says: the role must trust the
    pool, just as if the identity had brought a token of it.
    """
    wanted, came = call.input, call.gathered
    found = arrived(state, came, facts, wanted.identity_id)
    if isinstance(found, Refusal) or not isinstance(came, Identified):
        return Decision(answer=found, subject=wanted.identity_id)
    role = chosen(found.pool, tuple(one.carries for one in came.logins), wanted.custom_role_arn)
    if isinstance(role, Refusal):
        return Decision(answer=role, subject=wanted.identity_id)
    account = trusting_account(state, role)
    if isinstance(account, Refusal) or account is None or account.id != found.identity.account:
        return Decision(answer=UNCONFIGURED, subject=wanted.identity_id)
    vouched = as_session(found.pool, found.identity, came, found.methods)
    once = _once(state, call, role)
    if not facts.claimed.isdisjoint(once):
        return Decision(answer=USED, subject=wanted.identity_id)
    if isinstance(vouched, Refusal):
        return Decision(answer=vouched, subject=wanted.identity_id)
    asked = Asked(
        action=web_identity.ACTION, role_arn=role, session_name=SESSION_NAME, seconds=CREDENTIAL_SECONDS, once=once
    )
    decision = issue(state, call, facts, vouched, asked=asked, shape=lambda made: _answer(found, made))
    if isinstance(decision.answer, Refusal) and decision.answer.reason is Reason.ACCESS_DENIED:
        return msgspec.structs.replace(decision, answer=UNCONFIGURED)
    # Nobody is linked to anything by a request that was refused.
    return msgspec.structs.replace(decision, facts=(*found.facts, *decision.facts)) if decision.facts else decision


def _answer(found: Arrived, made: Issued) -> IdentityCredentials:
    given: Mapping[str, object] = made.credentials
    return IdentityCredentials(
        found.identity.id,
        Credentials(
            access_key_id=given["AccessKeyId"],
            secret_key=given["SecretAccessKey"],
            session_token=given["SessionToken"],
            expiration=given["Expiration"],
        ),
    )


def _once(state: State, call: Call[Any], what: str) -> tuple[str, ...]:
    """What the use of logins claims, the same as for STS, so that none is traded here and there."""
    logins = call.gathered.logins if isinstance(call.gathered, Identified) else ()
    return tuple(
        key
        for one in logins
        for key in (
            saml.claims(state, one.who, what)
            if isinstance(one.who, SamlIdentity)
            else web_identity.claims(state, one.who)
        )
    )


@action("cognito-identity:UnlinkIdentity", resource=None)
def unlink_identity(state: State, call: Call[UnlinkIdentity], facts: Facts) -> Decision:
    """Let logins lead to somebody no more; without any he is nobody's (API, UnlinkIdentity)."""
    wanted = call.input
    found = arrived(state, call.gathered, facts, wanted.identity_id)
    if isinstance(found, Refusal):
        return Decision(answer=found, subject=wanted.identity_id)
    gone = tuple(login for login in found.identity.logins if login.provider in wanted.logins_to_remove)
    if not gone:
        return Decision(facts=found.facts, answer=Nothing(), subject=wanted.identity_id)
    unlinked = LoginsUnlinked(
        account=found.identity.account, pool=found.pool.id, identity=found.identity.id, logins=gone
    )
    return Decision(facts=(*found.facts, unlinked), answer=Nothing(), subject=wanted.identity_id)
