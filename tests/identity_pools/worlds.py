"""Accounts with identity pools, and people who come to them, without a wire."""

from __future__ import annotations

import json
from typing import Any

from authority.access.action import Decision, Facts
from authority.access.call import Call, Origin
from authority.access.caller import Credential, caller_of
from authority.access.vouched import STRANGER
from authority.federation import tokens, web_identity
from authority.identity_pools import logins
from authority.identity_pools.logins import Identified
from authority.kernel.ids import AccessKeyId, AccountId, SealingKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, identity_pools, principals, providers, roles, signing_keys
from authority.model.state import EMPTY, State, evolve
from authority.sessions.web_identity_token import Signer
from tests.access.test_action import OFFICE
from tests.federation.responses import ACCOUNT, NOW
from tests.federation.test_tokens import GOOD, ISSUER, keys, token

OTHER = AccountId("444455556666")
URL = ISSUER.removeprefix("https://")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{URL}"
POOL = "us-east-1:11111111-1111-4111-8111-111111111111"
COGNITO = "cognito-identity.amazonaws.com"
MEMBER, GUEST, BOSS = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Member", "Guest", "Boss"))
SIGNER = Signer(signing_keys.SigningKeyId("JWKSONE"), "RS256", lambda _message: b"signed")


def trusting(*came: str, pool: str = POOL) -> roles.Trust:
    condition: dict[str, Any] = {"StringEquals": {f"{COGNITO}:aud": pool}}
    if came:
        condition["ForAnyValue:StringEquals"] = {f"{COGNITO}:amr": list(came)}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": COGNITO},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return roles.Trust(json.dumps({"Version": "2012-10-17", "Statement": statement}))


SETTINGS = identity_pools.PoolSettings(
    name="App", guests=True, classic=True, developer="login.app", oidc_providers=(PROVIDER,)
)


def world(*more: Any, settings: identity_pools.PoolSettings = SETTINGS, mappings: tuple[Any, ...] = ()) -> State:
    """An account with a pool, and the roles of its members and guests."""
    facts = (
        authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",))),
        authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
        authority.AccountCreated(account=ACCOUNT, name="Corp"),
        authority.AccountCreated(account=OTHER, name="Other"),
        providers.OidcProviderCreated(account=ACCOUNT, provider_id="OIDC1", url=URL, client_ids=("app",)),
        *(
            roles.RoleCreated(account=ACCOUNT, role_id=f"AROA{name.upper()}", name=name, path="/", trust=trust)
            for name, trust in (
                ("Member", trusting("authenticated")),
                ("Guest", trusting("unauthenticated")),
                ("Boss", trusting("authenticated")),
            )
        ),
        identity_pools.IdentityPoolCreated(account=ACCOUNT, pool=POOL, settings=settings),
        identity_pools.IdentityPoolRolesSet(
            account=ACCOUNT, pool=POOL, authenticated_role=MEMBER, guest_role=GUEST, mappings=mappings
        ),
        signing_keys.SigningKeyCreated(key_id=SIGNER.key_id, algorithm="RS256", public='{"kty":"RSA"}'),
    )
    return evolve(EMPTY, (*facts, *more), NOW)


def login(subject: str = "ann", name: str = URL, **claims: Any) -> dict[str, str]:
    """What somebody brings who signed in at the provider."""
    return {name: token({**GOOD, "sub": subject, **claims})}


def came(state: State, given: dict[str, str], identity: str | None = None, pool: str = POOL) -> Identified | Refusal:
    """Whoever comes, as far as it can be said before anything is decided."""
    coming = logins.coming(state, pool, given, identity)
    if isinstance(coming, Refusal):
        return coming
    shown = []
    for one in coming.unverified:
        assert isinstance(one, logins.ByToken)
        known = one.sought.keys if one.sought.keys is not None else keys()
        who = web_identity.judged(one.sought, known, NOW)
        who = tokens.NOT_VERIFIED if who is None else who
        if isinstance(who, Refusal):
            return logins.refused(who)
        found = logins.shown_token(one, who)
        if isinstance(found, Refusal):
            return found
        shown.append(found)
    return logins.identified(state, coming.pool, tuple(shown), identity or "")


def decided(state: State, action: Any, wanted: Any, who: Any, seed: bytes = b"seed") -> Decision:
    """What is decided of somebody who came without a key."""
    assert not isinstance(who, Refusal), who
    decision: Decision = action.decide(state, Call(STRANGER, wanted, OFFICE, who), Facts(NOW, seed, 1))
    return decision


def after(state: State, decision: Decision) -> State:
    """The state after what was decided, which was no refusal."""
    assert not isinstance(decision.answer, Refusal), decision.answer
    return evolve(state, decision.facts, NOW)


def refused(outcome: Any, reason: Reason) -> bool:
    answer = outcome.answer if isinstance(outcome, Decision) else outcome
    assert isinstance(answer, Refusal), outcome
    assert answer.reason is reason, answer
    return True


def operator(state: State, *allowed: str, resource: str | list[str] = "*", condition: Any = None) -> State:
    """The state with a user of the account who may do this much."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(allowed), "Resource": resource}
    if condition is not None:
        statement["Condition"] = condition
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return evolve(
        state,
        (
            principals.UserCreated(account=ACCOUNT, user_id="AIDAOPS", name="ops", path="/"),
            principals.AccessKeyCreated(account=ACCOUNT, access_key_id=AccessKeyId("AKIAOPS"), owner="AIDAOPS"),
            holders.InlinePolicyPut(account=ACCOUNT, holder="AIDAOPS", name="p", document=document),
        ),
        NOW,
    )


def asked(state: State, action: Any, wanted: Any, gathered: object = SIGNER, origin: Origin = OFFICE) -> Decision:
    """What is decided of the operator's request."""
    caller = caller_of(state, Credential(AccessKeyId("AKIAOPS")), now=NOW, partition="aws")
    assert not isinstance(caller, Refusal), caller
    decision: Decision = action.decide(state, Call(caller, wanted, origin, gathered), Facts(NOW, b"ops", 1))
    return decision
