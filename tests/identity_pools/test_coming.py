"""Whoever comes to a pool has one identity, and what he gets is what the pool says and the role's trust policy lets be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from authority.access.action import Facts, Minted
from authority.access.call import Call
from authority.access.caller import INVALID_TOKEN, Caller, Credential, SessionClaims, caller_of
from authority.access.vouched import STRANGER
from authority.federation import own_tokens, saml, web_identity
from authority.federation.metadata import read_metadata
from authority.federation.web_identity import AssumeRoleWithWebIdentity, WebIdentity
from authority.identity_pools import coming as pool_calls
from authority.identity_pools import logins
from authority.identity_pools.coming import (
    GetCredentialsForIdentity,
    GetId,
    GetOpenIdToken,
    UnlinkIdentity,
    get_credentials_for_identity,
    get_id,
    get_open_id_token,
    unlink_identity,
)
from authority.kernel.refusal import Reason, Refusal
from authority.model import account_settings, authority, identity_pools, providers, roles
from authority.model.identity_pools import MappingRule, RoleMapping
from authority.model.sessions import SessionIssued
from authority.model.signing_keys import WebIdentityTokenIssued
from authority.model.state import State, evolve
from authority.policy.principal import PrincipalKind
from authority.replay.validity import session_standing
from tests.access.test_action import OFFICE
from tests.federation.responses import ACCOUNT, NOW, encoded, good, published
from tests.federation.test_tokens import GOOD, keys, token
from tests.identity_pools.worlds import (
    BOSS,
    COGNITO,
    OTHER,
    POOL,
    PROVIDER,
    SETTINGS,
    SIGNER,
    URL,
    after,
    came,
    decided,
    login,
    refused,
    trusting,
    world,
)

_replace = msgspec.structs.replace


def arrive(state: State, given: dict[str, str], seed: bytes = b"one") -> tuple[State, str]:
    """Ask for an identity: the state that follows, and the identity."""
    decision = decided(state, get_id, GetId(POOL, logins=given), came(state, given), seed)
    return after(state, decision), decision.answer.identity_id  # type: ignore[attr-defined]


def credentials(state: State, identity: str, given: dict[str, str], who: Any = None, **more: Any) -> Any:
    wanted = GetCredentialsForIdentity(identity, given, **more)
    return decided(state, get_credentials_for_identity, wanted, who or came(state, given, identity))


def session(decision: Any) -> SessionIssued:
    assert isinstance(decision.answer, Minted), decision.answer
    (found,) = [fact for fact in decision.facts if isinstance(fact, SessionIssued)]
    return found


def test_the_same_login_leads_to_the_same_identity_and_another_to_another():
    state, ann = arrive(world(), login("ann"))
    state, again = arrive(state, login("ann"), b"two")
    state, bob = arrive(state, login("bob"), b"three")
    assert ann == again != bob


def test_every_guest_is_somebody_new():
    state, one = arrive(world(), {}, b"one")
    _, other = arrive(state, {}, b"two")
    assert one != other


def test_a_member_has_the_role_of_members_and_the_log_says_by_what():
    state, identity = arrive(world(), login())
    found = session(credentials(state, identity, login()))
    assert (found.role_name, found.provider, found.session_name) == ("Member", COGNITO, "CognitoIdentityCredentials")
    assert found.root_principal == f"{COGNITO}:{POOL}:{identity}"
    assert found.vouched[f"{COGNITO}:amr"] == ("authenticated", URL)
    assert found.vouched[f"{COGNITO}:sub"] == identity


def test_a_guest_has_the_role_of_guests():
    state, identity = arrive(world(), {})
    assert session(credentials(state, identity, {})).role_name == "Guest"


def test_what_a_pool_led_to_ends_with_it_where_an_operator_says_so():
    strict = authority.SettingsChanged(
        settings=authority.Settings("1", ("us-east-1",), role_sessions_end_with_parent=True)
    )
    state, identity = arrive(world(), {})
    found = session(credentials(state, identity, {}))
    gone = identity_pools.IdentityPoolDeleted(account=ACCOUNT, pool=POOL)
    for facts, counts in (((), True), ((strict,), True), ((gone,), True), ((strict, gone), False)):
        later = evolve(state, facts, NOW)
        assert session_standing(later, found, 1, NOW, "aws").valid is counts


@pytest.mark.parametrize(
    ("gone", "counts"),
    [
        pytest.param(None, True, id="nothing is gone"),
        pytest.param(identity_pools.IdentityPoolDeleted(account=ACCOUNT, pool=POOL), False, id="the pool is"),
        pytest.param(account_settings.AccountClosed(account=ACCOUNT), False, id="the account of the pool is"),
    ],
)
def test_a_pool_stands_behind_sessions_in_other_accounts_for_as_long_as_it_is_there(gone: Any, counts: bool):
    strict = authority.Settings("1", ("us-east-1",), role_sessions_end_with_parent=True)
    state, identity = arrive(
        world(
            authority.SettingsChanged(settings=strict),
            roles.RoleCreated(account=OTHER, role_id="AROALENT", name="Lent", path="/", trust=trusting()),
        ),
        {},
    )
    told = {"iss": f"https://{COGNITO}", "aud": POOL, "sub": identity, "amr": ["unauthenticated"]}
    wanted = AssumeRoleWithWebIdentity(f"arn:aws:iam::{OTHER}:role/Lent", "phone", token({**GOOD, **told}))
    seeking = web_identity.sought(state, wanted)
    assert isinstance(seeking, web_identity.Sought)
    who = web_identity.judged(seeking, keys(), NOW)
    found = session(decided(state, web_identity.assume_role_with_web_identity, wanted, who))
    credential = Credential(found.access_key_id, SessionClaims.of(found, 2))
    later = state if gone is None else evolve(state, [gone], NOW)
    caller = caller_of(later, credential, now=NOW, partition="aws")
    assert caller is INVALID_TOKEN if not counts else isinstance(caller, Caller), caller


def test_a_guest_who_signs_in_stays_who_he_is_and_is_no_guest_any_more():
    state, identity = arrive(world(), {})
    decision = credentials(state, identity, login())
    assert session(decision).role_name == "Member"
    state = after(state, decision)
    assert arrive(state, login())[1] == identity
    assert refused(came(state, {}, identity), Reason.NOT_AUTHORIZED)


def test_between_the_proof_and_the_decision_a_guest_may_have_become_a_member():
    state, identity = arrive(world(), {})
    guest = came(state, {}, identity)
    state = after(state, credentials(state, identity, login()))
    assert refused(credentials(state, identity, {}, guest), Reason.NOT_AUTHORIZED)


def test_whoever_learns_the_id_of_a_member_does_not_become_him_by_a_login_of_his_own():
    state, ann = arrive(world(), login("ann"))
    assert refused(credentials(state, ann, login("mallory")), Reason.NOT_AUTHORIZED)
    state, _ = arrive(state, login("mallory"), b"two")
    assert refused(credentials(state, ann, login("mallory")), Reason.NOT_AUTHORIZED)


def test_logins_of_two_people_are_no_ones():
    state, _ = arrive(world(), login("ann"))
    state, guest = arrive(state, {}, b"two")
    assert refused(credentials(state, guest, login("ann")), Reason.RESOURCE_CONFLICT)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param({"unknown.example": "a.b.c"}, "Invalid login token", id="no token at all"),
        pytest.param(login(name="unknown.example"), "not from a supported provider", id="a provider the pool has not"),
        pytest.param(login(iss="https://other.example"), "not from a supported provider", id="another's token"),
        pytest.param(login(aud="another"), "audience", id="meant for another application"),
        pytest.param(login(exp=1), "expired", id="too old"),
        pytest.param({"login.app": "user-7"}, "GetOpenIdTokenForDeveloperIdentity", id="a user without the key"),
        pytest.param(login(name=COGNITO), "not from a supported provider", id="a provider's token as one of ours"),
        pytest.param({PROVIDER: login()[URL]}, "not from a supported provider", id="by the ARN of its provider"),
        pytest.param(
            {**login(), "x.example": "a.b.c"}, "Invalid login token", id="one that holds and one that does not"
        ),
    ],
)
def test_a_login_that_does_not_hold_lets_nobody_in(given: dict[str, str], why: str):
    refusal = came(world(), given)
    assert refused(refusal, Reason.NOT_AUTHORIZED)
    assert why in refusal.message  # type: ignore[union-attr]


def test_a_pool_without_guests_has_none_and_those_it_had_come_no_more():
    state, identity = arrive(world(), {})
    closed = _replace(SETTINGS, guests=False)
    state = evolve(state, [identity_pools.IdentityPoolUpdated(account=ACCOUNT, pool=POOL, settings=closed)], NOW)
    assert refused(came(state, {}), Reason.NOT_AUTHORIZED)
    assert refused(came(state, {}, identity), Reason.NOT_AUTHORIZED)


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(identity_pools.IdentityPoolDeleted(account=ACCOUNT, pool=POOL), id="the pool is gone"),
        pytest.param(account_settings.AccountClosed(account=ACCOUNT), id="the account is closed"),
    ],
)
def test_nobody_comes_to_a_pool_that_is_no_more(fact: Any):
    state, identity = arrive(world(), login())
    who = came(state, login(), identity)
    state = evolve(state, [fact], NOW)
    assert refused(came(state, login()), Reason.NO_SUCH_ENTITY)
    assert refused(credentials(state, identity, login(), who), Reason.NO_SUCH_ENTITY)


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(providers.OidcProviderDeleted(account=ACCOUNT, provider_id="OIDC1"), id="the provider is gone"),
        pytest.param(
            providers.OidcClientRemoved(account=ACCOUNT, provider_id="OIDC1", client_id="app"), id="the client is gone"
        ),
        pytest.param(
            identity_pools.IdentityPoolUpdated(
                account=ACCOUNT, pool=POOL, settings=_replace(SETTINGS, oidc_providers=())
            ),
            id="the pool trusts it no more",
        ),
    ],
)
def test_a_login_counts_only_while_its_provider_does(fact: Any):
    state, identity = arrive(world(), login())
    who = came(state, login(), identity)
    state = evolve(state, [fact], NOW)
    assert refused(credentials(state, identity, login(), who), Reason.NOT_AUTHORIZED)
    assert refused(came(state, login()), Reason.NOT_AUTHORIZED)


def test_a_full_pool_takes_nobody_new_and_keeps_who_is_there():
    quota = account_settings.QuotaSet(account=ACCOUNT, name="IdentitiesPerPoolQuota", value=1)
    state, identity = arrive(world(quota), login())
    decision = decided(state, get_id, GetId(POOL, logins=login("bob")), came(state, login("bob")))
    assert refused(decision, Reason.LIMIT_EXCEEDED)
    assert session(credentials(state, identity, login()))
    gone = identity_pools.IdentityDeleted(account=ACCOUNT, pool=POOL, identity=identity)
    assert arrive(evolve(state, [gone], NOW), login("bob"), b"two")[1] != identity


def test_an_identity_of_another_pool_is_none_of_this_one():
    other = POOL.replace("1111-1", "2222-1")
    state = world(identity_pools.IdentityPoolCreated(account=ACCOUNT, pool=other, settings=SETTINGS))
    state, identity = arrive(state, {})
    assert refused(came(state, {}, identity, other), Reason.NO_SUCH_ENTITY)


def test_the_account_that_is_named_must_be_the_pools():
    state = world()
    decision = decided(state, get_id, GetId(POOL, account_id=OTHER), came(state, {}))
    assert refused(decision, Reason.NOT_AUTHORIZED)
    assert decision.facts == ()


def test_whose_logins_are_all_unlinked_is_nobodys():
    state, identity = arrive(world(), login())
    wanted = UnlinkIdentity(identity, login(), logins_to_remove=(URL,))
    state = after(state, decided(state, unlink_identity, wanted, came(state, login(), identity)))
    assert refused(came(state, {}, identity), Reason.NOT_AUTHORIZED)
    assert refused(credentials(state, identity, login()), Reason.NOT_AUTHORIZED)
    assert arrive(state, login(), b"two")[1] != identity


def test_google_is_known_by_its_name_and_by_the_applications_of_the_pool():
    google = "accounts.google.com"
    state = world(settings=_replace(SETTINGS, logins=((google, "phone;app"),)))
    for issuer in (google, f"https://{google}"):
        state, identity = arrive(state, login(name=google, iss=issuer), issuer.encode())
        assert session(credentials(state, identity, login(name=google, iss=issuer))).role_name == "Member"
    assert refused(came(state, login(name=google, iss=google, aud="another")), Reason.NOT_AUTHORIZED)
    assert refused(came(state, login(name=google)), Reason.NOT_AUTHORIZED)
    assert refused(came(world(), login(name=google, iss=google)), Reason.NOT_AUTHORIZED)


@pytest.mark.parametrize("name", ["www.amazon.com", "graph.facebook.com"])
def test_a_token_that_amazon_or_facebook_judge_must_be_for_an_application_of_the_pool(name: str):
    state = world(settings=_replace(SETTINGS, logins=((name, "ours;too"),)))
    found = logins.coming(state, POOL, {name: "Atza|token"})
    assert isinstance(found, logins.Coming)
    (asked,) = found.unverified
    assert isinstance(asked, logins.ByAccessToken)
    assert "Atza" not in repr(found)
    who = WebIdentity(
        kind=PrincipalKind.WEB_IDENTITY, account=ACCOUNT, provider=name, principal_id="p", subject="ann", conditions={},
        lasting={}, evidence="e", issuer=name, audience="too",
    )  # fmt: skip
    assert isinstance(logins.shown_access_token(asked, who), logins.Shown)
    assert refused(logins.shown_access_token(asked, _replace(who, audience="another")), Reason.NOT_AUTHORIZED)


def test_an_assertion_leads_to_an_identity_and_is_good_once_for_the_credentials_of_a_role():
    arn = f"arn:aws:iam::{ACCOUNT}:saml-provider/Corp"
    metadata = read_metadata(published())
    assert not isinstance(metadata, Refusal)
    trusted = providers.SamlProviderCreated(account=ACCOUNT, provider_id="SAML1", name="Corp", metadata=metadata)
    state = world(
        trusted,
        settings=_replace(SETTINGS, saml_providers=(arn,)),
        mappings=(RoleMapping(provider=arn, kind="Token", otherwise="Deny"),),
    )
    given = {arn: encoded(good(roles=(f"{BOSS},{arn}",)))}
    found = logins.coming(state, POOL, given)
    assert isinstance(found, logins.Coming)
    (asked,) = found.unverified
    assert isinstance(asked, logins.ByAssertion)
    who = saml.judged(state, arn, asked.assertion, NOW)
    assert not isinstance(who, Refusal)
    shown = logins.shown_assertion(asked, who)
    somebody = logins.identified(state, found.pool, (shown,))
    decision = decided(state, get_id, GetId(POOL, logins=given), somebody)
    assert decision.once == ()
    state, identity = after(state, decision), decision.answer.identity_id  # type: ignore[attr-defined]
    issued = credentials(state, identity, given, somebody)
    assert session(issued).role_name == "Boss"
    assert issued.once == (f"saml:{ACCOUNT}:{who.assertion.issuer}:{who.assertion.id}:{BOSS}",)
    used = Facts(NOW, b"seed", 1, claimed=frozenset(issued.once))
    call = Call(STRANGER, GetCredentialsForIdentity(identity, given), OFFICE, somebody)
    assert refused(get_credentials_for_identity.decide(state, call, used), Reason.NOT_AUTHORIZED)
    state = evolve(state, [providers.SamlProviderDeleted(account=ACCOUNT, provider_id="SAML1")], NOW)
    assert refused(credentials(state, identity, given, somebody), Reason.NOT_AUTHORIZED)


@pytest.mark.parametrize("strict", [False, True])
def test_a_token_is_traded_once_in_all_where_the_operator_says_so(strict: bool):
    chosen = authority.Settings("1", ("us-east-1",), web_identity_tokens_count_once=strict)
    state, identity = arrive(world(authority.SettingsChanged(settings=chosen)), login())
    somebody = came(state, login(), identity)
    assert isinstance(somebody, logins.Identified)
    ((who,), used) = [one.who for one in somebody.logins], credentials(state, identity, login()).once
    assert isinstance(who, WebIdentity)
    assert used == web_identity.claims(state, who)
    assert bool(used) is strict
    for action, wanted in (
        (get_credentials_for_identity, GetCredentialsForIdentity(identity, login())),
        (get_open_id_token, GetOpenIdToken(identity, login())),
    ):
        ready = _replace(somebody, signer=SIGNER)
        again = action.decide(
            state, Call(STRANGER, wanted, OFFICE, ready), Facts(NOW, b"seed", 1, claimed=frozenset(used))
        )
        assert isinstance(again.answer, Refusal) is strict
        assert not strict or refused(again, Reason.NOT_AUTHORIZED)


def test_whoever_makes_a_pool_of_his_own_gets_no_role_that_names_another():
    theirs = POOL.replace("1111-1", "6666-1")
    made = identity_pools.IdentityPoolCreated(account=OTHER, pool=theirs, settings=SETTINGS)
    state = world(made)
    guest = identity_pools.IdentityCreated(account=OTHER, pool=theirs, identity="us-east-1:9")
    state = evolve(state, [guest], NOW)
    reaching = identity_pools.IdentityPoolRolesSet(account=OTHER, pool=theirs, guest_role=BOSS.replace("Boss", "Guest"))
    state = evolve(state, [reaching], NOW)
    decision = credentials(state, "us-east-1:9", {}, came(state, {}, "us-east-1:9", theirs))
    assert refused(decision, Reason.INVALID_POOL_CONFIGURATION)


# --- roles --------------------------------------------------------------------------------------


def rules(*given: MappingRule, otherwise: str = "Deny") -> tuple[RoleMapping, ...]:
    return (RoleMapping(provider=PROVIDER, kind="Rules", otherwise=otherwise, rules=given),)


def by_token(otherwise: str = "Deny") -> tuple[RoleMapping, ...]:
    return (RoleMapping(provider=PROVIDER, kind="Token", otherwise=otherwise),)


@pytest.mark.parametrize(
    ("mappings", "claims", "role"),
    [
        pytest.param(rules(MappingRule("title", "Equals", "boss", BOSS)), {"title": "boss"}, "Boss", id="equal"),
        pytest.param(rules(MappingRule("title", "Equals", "boss", BOSS)), {"title": "Boss"}, "", id="not quite equal"),
        pytest.param(rules(MappingRule("t", "Contains", "oss", BOSS)), {"t": "boss"}, "Boss", id="contained"),
        pytest.param(
            rules(MappingRule("t", "StartsWith", "bo", BOSS)), {"t": ["a", "boss"]}, "Boss", id="one begins so"
        ),
        pytest.param(rules(MappingRule("t", "NotEqual", "a", BOSS)), {"t": "b"}, "Boss", id="unequal"),
        pytest.param(rules(MappingRule("t", "NotEqual", "a", BOSS)), {}, "", id="what is not there is not unequal"),
        pytest.param(rules(MappingRule("t", "Equals", "7", BOSS)), {"t": 7}, "Boss", id="a number is compared as text"),
        pytest.param(rules(MappingRule("t", "Equals", "true", BOSS)), {"t": True}, "Boss", id="so is a truth value"),
        pytest.param(
            rules(MappingRule("t", "Equals", "x", BOSS), otherwise="AuthenticatedRole"),
            {},
            "Member",
            id="else a member",
        ),
        pytest.param(by_token(), {"cognito:roles": [BOSS]}, "Boss", id="the one role of the token"),
        pytest.param(
            by_token(),
            {"cognito:roles": [BOSS, "x"], "cognito:preferred_role": BOSS},
            "Boss",
            id="the preferred one of several",
        ),
        pytest.param(by_token(), {"cognito:roles": [BOSS, "x"]}, "", id="several, and none preferred"),
        pytest.param(by_token(), {"cognito:preferred_role": BOSS}, "", id="preferred, and not one of those it has"),
        pytest.param(by_token("AuthenticatedRole"), {}, "Member", id="a token without roles"),
        pytest.param(rules(), {"cognito:roles": [BOSS]}, "", id="by rules, what the token says of roles is nothing"),
    ],
)
def test_how_a_role_is_chosen(mappings: Any, claims: dict[str, Any], role: str):
    state, identity = arrive(world(mappings=mappings), login(**claims))
    decision = credentials(state, identity, login(**claims))
    if role:
        assert session(decision).role_name == role
    else:
        assert refused(decision, Reason.NOT_AUTHORIZED)


def test_a_role_of_ones_own_choice_must_be_one_that_the_login_carries():
    given = login(**{"cognito:roles": [BOSS, "arn:aws:iam::111122223333:role/Member"]})
    state, identity = arrive(world(mappings=by_token()), given)
    assert session(credentials(state, identity, given, custom_role_arn=BOSS)).role_name == "Boss"
    other = BOSS.replace("Boss", "Guest")
    assert refused(credentials(state, identity, given, custom_role_arn=other), Reason.NOT_AUTHORIZED)
    for mappings in ((), rules(MappingRule("sub", "Equals", "ann", BOSS))):
        state, identity = arrive(world(mappings=mappings), given)
        assert refused(credentials(state, identity, given, custom_role_arn=BOSS), Reason.NOT_AUTHORIZED)
    state, guest = arrive(world(), {})
    assert refused(credentials(state, guest, {}, custom_role_arn=BOSS), Reason.NOT_AUTHORIZED)


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("", id="no role is set"),
        pytest.param(BOSS.replace("Boss", "Nobody"), id="a role that is not there"),
        pytest.param(BOSS.replace("Boss", "Guest"), id="a role that does not trust members"),
        pytest.param(BOSS.replace(ACCOUNT, OTHER), id="a role of another account that trusts the pool"),
    ],
)
def test_a_pool_whose_roles_do_not_trust_it_gives_none(role: str):
    lent = roles.RoleCreated(account=OTHER, role_id="AROALENT", name="Boss", path="/", trust=trusting())
    changed = identity_pools.IdentityPoolRolesSet(account=ACCOUNT, pool=POOL, authenticated_role=role)
    state, identity = arrive(world(lent, changed), login())
    decision = credentials(state, identity, login())
    assert refused(decision, Reason.INVALID_POOL_CONFIGURATION)
    assert decision.facts == ()


# --- tokens -------------------------------------------------------------------------------------


def test_a_token_of_the_pool_is_written_down_before_it_is_signed():
    state, identity = arrive(world(), login())
    who = _replace(came(state, login(), identity), signer=SIGNER)
    decision = decided(state, get_open_id_token, GetOpenIdToken(identity, login()), who)
    (fact,) = decision.facts
    assert isinstance(fact, WebIdentityTokenIssued)
    assert (fact.issuer, fact.audience, fact.subject) == (f"https://{COGNITO}", (POOL,), identity)
    assert (fact.expires_at - fact.issued_at).total_seconds() == pool_calls.TOKEN_SECONDS
    assert decision.then is not None


def test_without_a_key_there_is_no_token():
    state, identity = arrive(world(), login())
    decision = decided(state, get_open_id_token, GetOpenIdToken(identity, login()), came(state, login(), identity))
    assert refused(decision, Reason.SERVICE_UNAVAILABLE)


def test_where_nobody_may_choose_there_is_no_token():
    state, identity = arrive(world(settings=_replace(SETTINGS, classic=False)), login())
    who = _replace(came(state, login(), identity), signer=SIGNER)
    decision = decided(state, get_open_id_token, GetOpenIdToken(identity, login()), who)
    assert refused(decision, Reason.INVALID_PARAMETER_VALUE)


@pytest.mark.parametrize(
    ("fact", "stands"),
    [
        pytest.param(None, True, id="as it was issued"),
        pytest.param(identity_pools.IdentityPoolDeleted(account=ACCOUNT, pool=POOL), False, id="the pool is gone"),
        pytest.param(account_settings.AccountClosed(account=ACCOUNT), False, id="the account is closed"),
        pytest.param(
            identity_pools.IdentityPoolUpdated(account=ACCOUNT, pool=POOL, settings=_replace(SETTINGS, classic=False)),
            False,
            id="nobody may choose any more",
        ),
        pytest.param(
            identity_pools.IdentityPoolUpdated(account=ACCOUNT, pool=POOL, settings=_replace(SETTINGS, guests=False)),
            False,
            id="guests may come no more",
        ),
    ],
)
def test_a_guests_token_counts_while_guests_do(fact: Any, stands: bool):
    state, identity = arrive(world(), {})
    state = state if fact is None else evolve(state, [fact], NOW)
    conditions = {f"{COGNITO}:amr": ("unauthenticated",)}
    assert own_tokens.stands(state, POOL, identity, conditions) is stands


def test_a_token_of_somebody_who_was_forgotten_counts_no_more():
    state, identity = arrive(world(), login())
    conditions = {f"{COGNITO}:amr": ("authenticated", URL)}
    assert own_tokens.stands(state, POOL, identity, conditions)
    gone = identity_pools.IdentityDeleted(account=ACCOUNT, pool=POOL, identity=identity)
    assert not own_tokens.stands(evolve(state, [gone], NOW), POOL, identity, conditions)
