"""Who brings a token of a trusted issuer gets the role, if the role's trust policy says so at that point of the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authority.access.action import Decision, Facts
from authority.access.call import Call
from authority.access.vouched import STRANGER
from authority.federation.keysets import Issuer
from authority.federation.web_identity import (
    AssumeRoleWithWebIdentity,
    Sought,
    WebIdentity,
    assume_role_with_web_identity,
    judged,
    sought,
)
from authority.kernel.ids import SealingKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model import account_settings, authority, providers, roles
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, evolve
from tests.access.test_action import OFFICE
from tests.federation.responses import ACCOUNT, NOW
from tests.federation.test_tokens import GOOD, ISSUER, keys, token

URL = ISSUER.removeprefix("https://")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{URL}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Web"
READ = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})


def given(federated: str = PROVIDER, *more: Any, **conditions: Any) -> Any:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Federated": federated}, "Action": "sts:*"}
    if conditions:
        statement["Condition"] = {"StringEquals": conditions}
    trust = roles.Trust(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    facts = (
        authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",))),
        authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
        authority.AccountCreated(account=ACCOUNT, name="Corp"),
        providers.OidcProviderCreated(
            account=ACCOUNT, provider_id="OIDC1", url=URL, client_ids=("app",), thumbprints=("AB" * 20,)
        ),
        roles.RoleCreated(account=ACCOUNT, role_id="AROAWEB", name="Web", path="/", trust=trust),
    )
    return evolve(EMPTY, (*facts, *more), NOW)


def wanted(text: str | None = None, arn: str = ROLE, **more: Any) -> AssumeRoleWithWebIdentity:
    return AssumeRoleWithWebIdentity(arn, "web", token() if text is None else text, **more)


def identity(state: Any, asked: AssumeRoleWithWebIdentity | None = None) -> WebIdentity:
    seeking = sought(state, asked or wanted())
    assert isinstance(seeking, Sought), seeking
    found = judged(seeking, keys(), NOW)
    assert isinstance(found, WebIdentity), found
    return found


def decided(state: Any, who: WebIdentity, asked: AssumeRoleWithWebIdentity | None = None) -> Decision:
    call = Call(STRANGER, asked or wanted(), OFFICE, who)
    return assume_role_with_web_identity.decide(state, call, Facts(NOW, b"seed", 1))


def refused(decision: Decision, reason: Reason) -> bool:
    assert isinstance(decision.answer, Refusal), decision
    assert decision.answer.reason is reason, decision.answer
    return not any(isinstance(fact, SessionIssued) for fact in decision.facts)


@pytest.mark.parametrize(
    "issuer",
    [
        f"https://{URL}/",
        f"https://{URL.upper()}",
        f"HTTPS://{URL}",
        f"https://{URL}:443",
        f"http://{URL}",
        URL,
        f"https://{URL}.evil",
        f"https://evil.example/{URL}",
        f"https://{URL[:-1]}",
        f" https://{URL}",
        "",
    ],
)
def test_j09_an_issuer_is_a_provider_byte_for_byte_or_nobody(issuer: str):
    nobody = f"No OpenIDConnect provider found in your account for {issuer}"
    assert sought(given(), wanted(token({**GOOD, "iss": issuer}))) == Refusal(Reason.INVALID_IDENTITY_TOKEN, nobody)


def test_j18_a_token_is_traded_once_where_the_operator_says_so():
    strict = authority.Settings("1", ("us-east-1",), web_identity_tokens_count_once=True)
    state = evolve(given(), (authority.SettingsChanged(settings=strict),), NOW)
    who = identity(state)
    first = decided(state, who)
    assert first.once == (f"web-identity:{who.provider}:{who.evidence}",)
    call = Call(STRANGER, wanted(), OFFICE, who)
    again = assume_role_with_web_identity.decide(state, call, Facts(NOW, b"seed", 1, frozenset(first.once)))
    assert refused(again, Reason.INVALID_IDENTITY_TOKEN)
    assert decided(given(), identity(given())).once == ()


def test_j18_a_token_that_was_traded_stays_so_when_its_provider_is_made_anew():
    strict = authority.Settings("1", ("us-east-1",), web_identity_tokens_count_once=True)
    state = evolve(given(), (authority.SettingsChanged(settings=strict),), NOW)
    anew = (
        providers.OidcProviderDeleted(account=ACCOUNT, provider_id="OIDC1"),
        providers.OidcProviderCreated(account=ACCOUNT, provider_id="OIDC2", url=URL, client_ids=("app",)),
    )
    later = evolve(state, anew, NOW)
    assert decided(later, identity(later)).once == decided(state, identity(state)).once != ()


@pytest.mark.parametrize("partition", ["aws-cn", "zz"])
def test_t02_a_role_of_another_partition_is_none(partition: str):
    asked = wanted(arn=ROLE.replace("aws", partition))
    assert refused(decided(given(), identity(given()), asked), Reason.ACCESS_DENIED)


def test_a_session_says_who_vouched_for_whom():
    state = given()
    decision = decided(state, identity(state))
    (session,) = decision.facts
    assert isinstance(session, SessionIssued)
    assert (session.provider, session.root_principal) == (PROVIDER, f"{PROVIDER}:app:ann")
    assert session.vouched == {f"{URL}:aud": "app", f"{URL}:sub": "ann"}


def test_the_issuer_is_asked_by_its_url_and_with_the_providers_thumbprints():
    seeking = sought(given(), wanted())
    assert isinstance(seeking, Sought)
    assert seeking.issuer == Issuer(URL, ("ab" * 20,))


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:role/Nobody", "arn:aws:iam::999999999999:role/Web"])
def test_s14_an_issuer_that_everybody_knows_tells_nobody_which_accounts_there_are(arn: str):
    state = given("accounts.google.com")
    asked = wanted(token({**GOOD, "iss": "https://accounts.google.com"}), arn)
    denied = decided(state, identity(state, asked), asked)
    assert refused(denied, Reason.ACCESS_DENIED)
    assert denied.answer == Refusal(Reason.ACCESS_DENIED, "Not authorized to perform sts:AssumeRoleWithWebIdentity")


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
def test_google_is_known_by_its_name(issuer: str):
    state = given("accounts.google.com", **{"accounts.google.com:aud": "phone"})
    text = token({**GOOD, "iss": issuer, "aud": "backend", "azp": "phone"})
    who = identity(state, wanted(text))
    assert (who.provider, who.conditions["accounts.google.com:oaud"]) == ("accounts.google.com", "backend")
    assert decided(state, who).facts


def test_an_accounts_own_provider_counts_instead_of_the_name():
    own = providers.OidcProviderCreated(
        account=ACCOUNT, provider_id="OIDC2", url="accounts.google.com", client_ids=("app",)
    )
    state = given("accounts.google.com", own)
    who = identity(state, wanted(token({**GOOD, "iss": "https://accounts.google.com"})))
    assert who.provider == f"arn:aws:iam::{ACCOUNT}:oidc-provider/accounts.google.com"
    assert refused(decided(state, who), Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    "arn",
    [ROLE.replace(ACCOUNT, "444455556666"), ROLE.replace(":iam:", ":sts:"), "x" * 20, ROLE.replace("role/", "user/")],
)
def test_another_role_leads_to_no_issuer(arn: str):
    assert isinstance(sought(given(), wanted(arn=arn)), Refusal)


@pytest.mark.parametrize("partition", ["aws-cn", "AWS", "*", "anything"])
def test_a_role_is_there_under_one_name_only(partition: str):
    """Who asks would choose the name that policies compare and the log keeps."""
    state = given("accounts.google.com")
    text = token({**GOOD, "iss": "https://accounts.google.com"})
    spelled = wanted(text, ROLE.replace("arn:aws:", f"arn:{partition}:"))
    assert decided(state, identity(state, wanted(text)), wanted(text)).facts
    assert refused(decided(state, identity(state, spelled), spelled), Reason.ACCESS_DENIED)


def test_an_account_that_is_closed_trusts_nobody():
    closed = account_settings.AccountClosed(account=ACCOUNT)
    state = given()
    who = identity(state)
    after = evolve(state, (closed,), NOW)
    assert isinstance(sought(after, wanted()), Refusal)
    assert refused(decided(after, who), Reason.INVALID_IDENTITY_TOKEN)


@pytest.mark.parametrize(
    "fact",
    [
        providers.OidcProviderDeleted(account=ACCOUNT, provider_id="OIDC1"),
        providers.OidcClientRemoved(account=ACCOUNT, provider_id="OIDC1", client_id="app"),
    ],
)
def test_what_changes_between_the_check_and_the_decision_counts(fact: Any):
    other = providers.OidcClientAdded(account=ACCOUNT, provider_id="OIDC1", client_id="backend")
    state = evolve(given(), (other,), NOW)
    who = identity(state, wanted(token({**GOOD, "aud": "backend", "azp": "app"})))
    assert not isinstance(decided(state, who).answer, Refusal)
    assert refused(decided(evolve(state, (fact,), NOW), who), Reason.INVALID_IDENTITY_TOKEN)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"policy": "{"}, Reason.MALFORMED_POLICY_DOCUMENT),
        ({"policy_arns": ()}, Reason.VALIDATION_ERROR),
        ({"duration_seconds": 7200}, Reason.VALIDATION_ERROR),
    ],
)
def test_what_is_asked_for_beside_the_role_must_be_possible(more: dict[str, Any], reason: Reason):
    state = given()
    assert refused(decided(state, identity(state), wanted(**more)), reason)


def test_a_session_policy_is_carried():
    state = given()
    (session,) = decided(state, identity(state), wanted(policy=READ)).facts
    assert isinstance(session, SessionIssued)
    assert json.loads(session.policy) == json.loads(READ)


@pytest.mark.parametrize(
    "tags", [{"aws:x": "1"}, {"Team": "a", "team": "b"}, {f"k{number}": "x" for number in range(51)}]
)
def test_tags_that_no_session_can_have_are_refused(tags: dict[str, str]):
    state = given()
    who = identity(state, wanted(token(**{"https://aws.amazon.com/tags": {"principal_tags": tags}})))
    decision = decided(state, who)
    assert isinstance(decision.answer, Refusal)
    assert not decision.facts


def test_a_token_that_has_no_room_for_it_all_is_refused():
    state = given()
    tags = {f"key-{number:02}": "x" * 130 for number in range(50)}
    who = identity(state, wanted(token(**{"https://aws.amazon.com/tags": {"principal_tags": tags}})))
    assert refused(decided(state, who), Reason.PACKED_POLICY_TOO_LARGE)


def test_a_malformed_source_identity_vouches_for_nobody():
    seeking = sought(given(), wanted(token(**{"https://aws.amazon.com/source_identity": "a b"})))
    assert isinstance(seeking, Sought)
    assert isinstance(judged(seeking, keys(), NOW), Refusal)


def test_the_token_is_never_shown():
    assert token() not in repr(wanted())


def test_without_a_proof_nothing_is_decided():
    call = Call(STRANGER, wanted(), OFFICE, None)
    with pytest.raises(TypeError):
        assume_role_with_web_identity.decide(given(), call, Facts(NOW, b"seed"))
