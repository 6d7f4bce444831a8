"""Who brings an assertion gets the role that his provider says he may have, once, for as long as it says."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from authority.access.action import Decision, Facts, Minted
from authority.access.call import Call
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.access.vouched import STRANGER
from authority.federation.metadata import read_metadata
from authority.federation.saml import ACTION, AssumeRoleWithSAML, SamlIdentity, assume_role_with_saml, judged
from authority.kernel.ids import SealingKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.kernel.tags import Tag
from authority.model import authority, providers, roles
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, evolve
from authority.replay.validity import session_standing
from tests.access.test_action import OFFICE, context_of
from tests.federation.documents import ENTITY
from tests.federation.responses import (
    ACCOUNT,
    NOW,
    OURS,
    PROVIDER,
    RECIPIENT,
    ROLE,
    assertion,
    attribute,
    encoded,
    good,
    published,
    response,
    sign_assertion,
)

QUALIFIER = base64.b64encode(hashlib.sha1(f"{ENTITY}{ACCOUNT}/Corp".encode()).digest()).decode()
MINUTE = timedelta(minutes=1)


def trust(actions: Any = "sts:*", **conditions: Any) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": actions}
    if conditions:
        statement["Condition"] = conditions
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def role(document: str, name: str = "Staff") -> roles.RoleCreated:
    return roles.RoleCreated(
        account=ACCOUNT, role_id=f"AROA{name.upper()}", name=name, path="/", trust=roles.Trust(document)
    )


def metadata_of(name: str = "idp") -> providers.SamlMetadata:
    """Those of the provider, while it signs with the key called *name*."""
    metadata = read_metadata(published(name=name))
    assert not isinstance(metadata, Refusal)
    return metadata


def given(document: str | None = None, **settings: Any) -> Any:
    metadata = metadata_of()
    return evolve(
        EMPTY,
        (
            authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), **settings)),
            authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
            authority.AccountCreated(account=ACCOUNT, name="Corp"),
            providers.SamlProviderCreated(account=ACCOUNT, provider_id="SAML1", name="Corp", metadata=metadata),
            role(document or trust()),
            role(document or trust(), "Other"),
        ),
        NOW,
    )


def redeem(state: Any, root: Any, *, arn: str = ROLE, at: Any = NOW, claimed: Any = (), **more: Any) -> Decision:
    """What comes of an assertion; whoever does not get to a decision is a stranger."""
    wanted = AssumeRoleWithSAML(arn, PROVIDER, encoded(root), **more)
    identity = judged(state, wanted.principal_arn, wanted.saml_assertion, at)
    if isinstance(identity, Refusal):
        return Decision(answer=identity, subject="stranger")
    call = Call(STRANGER, wanted, OFFICE, identity)
    return assume_role_with_saml.decide(state, call, Facts(at, b"seed", 1, frozenset(claimed)))


def issued(decision: Decision) -> SessionIssued:
    assert not isinstance(decision.answer, Refusal), decision.answer
    (session,) = (fact for fact in decision.facts if isinstance(fact, SessionIssued))
    return session


def stranger(decision: Decision, reason: Reason = Reason.INVALID_IDENTITY_TOKEN, why: str = "") -> bool:
    """Refused before anything was decided."""
    assert isinstance(decision.answer, Refusal), decision
    assert decision.answer.reason is reason, decision.answer
    assert why in decision.answer.message, decision.answer
    return decision.subject == "stranger"


def denied(decision: Decision, action: str = ACTION) -> bool:
    assert decision.answer == Refusal(Reason.ACCESS_DENIED, f"Not authorized to perform {action}")
    return not decision.facts


def test_an_assertion_is_traded_for_a_session_of_the_role():
    decision = redeem(given(), good())
    session = issued(decision)
    assert session.arn("aws") == f"arn:aws:sts::{ACCOUNT}:assumed-role/Staff/ann@corp"
    assert (session.provider, session.evidence, session.ancestors) == (PROVIDER, "_a1", ())
    assert session.root_principal == session.caller_principal_id == f"{QUALIFIER}:ann"
    assert session.expires_at - NOW == timedelta(hours=1)
    assert isinstance(decision.answer, Minted)
    answer = decision.answer.shape({"SessionToken": Secret(b"t")})
    assert (answer.subject, answer.subject_type, answer.issuer) == ("ann", "persistent", ENTITY)
    assert (answer.audience, answer.name_qualifier) == (RECIPIENT, QUALIFIER)


def test_later_requests_of_the_session_know_whose_it_is():
    state = given()
    session = issued(redeem(state, good()))
    held = Credential(session.access_key_id, SessionClaims.of(session, 3))
    caller = caller_of(state, held, now=NOW, partition="aws")
    assert isinstance(caller, Caller)
    context = context_of(caller, OFFICE, NOW)
    assert context["aws:federatedprovider"] == PROVIDER
    assert context["saml:sub"] == "ann"
    assert context["saml:namequalifier"] == QUALIFIER
    assert "saml:aud" not in context


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("saml:aud", RECIPIENT),
        ("saml:iss", ENTITY),
        ("saml:sub", "ann"),
        ("saml:sub_type", "persistent"),
        ("saml:namequalifier", QUALIFIER),
        ("saml:doc", f"{ACCOUNT}/Corp"),
        ("sts:RoleSessionName", "ann@corp"),
        ("aws:FederatedProvider", PROVIDER),
    ],
)
def test_the_trust_policy_may_ask_for_what_the_provider_says(key: str, value: str):
    assert issued(redeem(given(trust(StringEquals={key: value})), good()))
    assert denied(redeem(given(trust(StringEquals={key: value + "x"})), good()))


def test_attributes_with_well_known_names_are_condition_keys_of_several_values():
    root = good(more=attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "staff", "student"))
    wanted = {"ForAnyValue:StringEquals": {"saml:eduPersonAffiliation": "staff"}}
    assert issued(redeem(given(trust(**wanted)), root))
    assert denied(redeem(given(trust(**wanted)), good()))


@pytest.mark.parametrize(
    "roles", [(f"{PROVIDER},{ROLE}",), (f"{ROLE} , {PROVIDER}",), (f"{ROLE}x,{PROVIDER}", f"{ROLE},{PROVIDER}")]
)
def test_m26_the_pair_stands_in_any_order_among_others(roles: Any):
    assert issued(redeem(given(), good(roles=roles)))


@pytest.mark.parametrize(
    "roles",
    [
        (f"{ROLE}x,{PROVIDER}",),
        (f"{ROLE},{PROVIDER}x",),
        (f"{ROLE.replace(ACCOUNT, '444455556666')},{PROVIDER}",),
        (),
    ],
)
def test_m26_another_pair_is_not_the_one(roles: Any):
    assert denied(redeem(given(), good(roles=roles)))


@pytest.mark.parametrize(
    "roles", [(ROLE,), (f"{ROLE},{ROLE}",), (f"{PROVIDER},{PROVIDER}",), (f"{ROLE},{PROVIDER},x",)]
)
def test_m26_what_is_no_pair_is_refused(roles: Any):
    decision = redeem(given(), good(roles=roles))
    assert isinstance(decision.answer, Refusal)


@pytest.mark.parametrize("partition", ["aws-cn", "zz"])
def test_m26_a_provider_bears_no_other_name_than_its_own(partition: str):
    other = PROVIDER.replace("aws", partition)
    found = judged(given(), other, encoded(good(roles=(f"{ROLE},{other}",))), NOW)
    assert found == Refusal(Reason.INVALID_IDENTITY_TOKEN, "Specified provider doesn't exist")


def test_a_role_that_is_not_there_is_refused_like_one_that_may_not_be_had():
    gone = ROLE.replace("Staff", "Nobody")
    assert denied(redeem(given(), good(roles=(f"{gone},{PROVIDER}",)), arn=gone))


def test_m20_a_provider_that_is_gone_vouches_for_nobody():
    state = evolve(given(), (providers.SamlProviderDeleted(account=ACCOUNT, provider_id="SAML1"),), NOW)
    assert stranger(redeem(state, good()), why="provider doesn't exist")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(providers.SamlProviderDeleted(account=ACCOUNT, provider_id="SAML1"), id="the provider is deleted"),
        pytest.param(
            providers.SamlProviderUpdated(account=ACCOUNT, provider_id="SAML1", metadata=metadata_of("another key")),
            id="the key that signed it is withdrawn",
        ),
    ],
)
def test_m20_nor_does_one_that_goes_between_the_check_and_the_decision(change: Any):
    before = given()
    identity = judged(before, PROVIDER, encoded(good()), NOW)
    assert isinstance(identity, SamlIdentity)
    after = evolve(before, (change,), NOW)
    call = Call(STRANGER, AssumeRoleWithSAML(ROLE, PROVIDER, "x"), OFFICE, identity)
    decision = assume_role_with_saml.decide(after, call, Facts(NOW, b"seed"))
    assert isinstance(decision.answer, Refusal)
    assert not decision.facts


@pytest.mark.parametrize("strict", [False, True])
def test_m20_what_it_led_to_ends_with_the_provider_where_an_operator_says_so(strict: bool):
    state = given(role_sessions_end_with_parent=strict)
    session = issued(redeem(state, good()))
    gone = evolve(state, (providers.SamlProviderDeleted(account=ACCOUNT, provider_id="SAML1"),), NOW)
    assert session_standing(state, session, 1, NOW, "aws").valid
    ended = session_standing(gone, session, 1, NOW, "aws")
    assert (ended.valid, ended.why) == ((False, "the provider that it came of is gone") if strict else (True, "counts"))


def test_m21_only_bearers_are_confirmed():
    assert stranger(
        redeem(given(), good(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")), Reason.IDP_REJECTED_CLAIM
    )


def test_m23_an_assertion_is_redeemed_once_for_each_role():
    root = good(roles=(f"{ROLE},{PROVIDER}", f"{ROLE.replace('Staff', 'Other')},{PROVIDER}"))
    first = redeem(given(), root)
    assert first.once == (f"saml:{ACCOUNT}:{ENTITY}:_a1:{ROLE}",)
    again = redeem(given(), root, claimed=first.once)
    assert isinstance(again.answer, Refusal)
    assert "used already" in again.answer.message
    assert issued(redeem(given(), root, arn=ROLE.replace("Staff", "Other"), claimed=first.once))


def test_m23_an_assertion_that_was_redeemed_stays_so_when_its_provider_is_made_anew():
    first = redeem(given(), good())
    anew = (
        providers.SamlProviderDeleted(account=ACCOUNT, provider_id="SAML1"),
        providers.SamlProviderCreated(account=ACCOUNT, provider_id="SAML2", name="Corp", metadata=metadata_of()),
    )
    again = redeem(evolve(given(), anew, NOW), good(), claimed=first.once)
    assert isinstance(again.answer, Refusal)
    assert "used already" in again.answer.message


@pytest.mark.parametrize("how", ["the operator", "the provider"])
def test_m23_or_once_at_all_where_somebody_says_so(how: str):
    state = given(assertions_count_once=how == "the operator")
    root = good(conditions="<saml:OneTimeUse/>" if how == "the provider" else "")
    assert redeem(state, root).once == (f"saml:{ACCOUNT}:{ENTITY}:_a1",)


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        pytest.param(5 * MINUTE - SECOND, None, id="just in time"),
        pytest.param(5 * MINUTE, Reason.EXPIRED_IDENTITY_TOKEN, id="five minutes after it was issued"),
        pytest.param(-61 * SECOND, Reason.INVALID_IDENTITY_TOKEN, id="more than a minute before it was issued"),
        pytest.param(-60 * SECOND, None, id="clocks may differ by a minute"),
    ],
)
def test_m24_an_assertion_is_redeemable_for_five_minutes(after: timedelta, reason: Reason | None):
    decision = redeem(given(), good(until=timedelta(hours=8)), at=NOW + after)
    assert issued(decision) if reason is None else stranger(decision, reason)


@pytest.mark.parametrize(("after", "counts"), [(119, True), (120, False)])
def test_m24_its_own_times_count_too(after: int, counts: bool):
    decision = redeem(given(), good(until=MINUTE), at=NOW + after * SECOND)
    assert issued(decision) if counts else stranger(decision, Reason.EXPIRED_IDENTITY_TOKEN)


def restriction(*audiences: str) -> str:
    inside = "".join(f"<saml:Audience>{one}</saml:Audience>" for one in audiences)
    return f"<saml:AudienceRestriction>{inside}</saml:AudienceRestriction>"


@pytest.mark.parametrize(
    ("audiences", "counts"),
    [
        (restriction("urn:amazon:webservices"), True),
        (restriction("https://elsewhere.example", "https://localhost/saml"), True),
        (restriction("https://elsewhere.example"), False),
        (restriction("urn:amazon:webservices") + restriction("https://elsewhere.example"), False),
        (restriction("urn:amazon:webservices.evil"), False),
        ("", False),
    ],
)
def test_m24_it_must_be_meant_for_us(audiences: str, counts: bool):
    decision = redeem(given(), good(audiences=audiences))
    assert issued(decision) if counts else stranger(decision, Reason.IDP_REJECTED_CLAIM)


@pytest.mark.parametrize(
    ("recipient", "counts"),
    [
        ("https://localhost/saml", True),
        ("https://us-east-1.signin.aws.amazon.com/saml", True),
        ("https://xx-east-1.signin.aws.amazon.com/saml", False),
        ("https://localhost/saml/", False),
        ("", False),
    ],
)
def test_m24_it_must_have_been_sent_to_us(recipient: str, counts: bool):
    decision = redeem(given(), good(recipient=recipient))
    assert issued(decision) if counts else stranger(decision, Reason.IDP_REJECTED_CLAIM)


@pytest.mark.parametrize(
    ("ends", "asked", "lasts"),
    [(1800, 3600, 1800), (7200, 3600, 3600), (60, 3600, 60)],
)
def test_m24_the_session_ends_when_the_providers_does(ends: int, asked: int, lasts: int):
    moment = (NOW + ends * SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
    session = issued(redeem(given(), good(session=f' SessionNotOnOrAfter="{moment}"'), duration_seconds=asked))
    assert session.expires_at - NOW == lasts * SECOND


def test_m24_a_session_that_is_over_gives_none():
    moment = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert stranger(redeem(given(), good(session=f' SessionNotOnOrAfter="{moment}"')), Reason.EXPIRED_IDENTITY_TOKEN)


def test_no_session_outlives_what_the_role_allows():
    decision = redeem(given(), good(), duration_seconds=3601)
    assert isinstance(decision.answer, Refusal)
    assert decision.answer.reason is Reason.VALIDATION_ERROR


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"issuer": "https://another.example"}, Reason.INVALID_IDENTITY_TOKEN),
        ({"conditions": "<saml:Condition/>"}, Reason.INVALID_IDENTITY_TOKEN),
        ({"name": ""}, Reason.INVALID_IDENTITY_TOKEN),
        ({"name": "a<saml:b/>"}, Reason.INVALID_IDENTITY_TOKEN),
        ({"session_name": ()}, Reason.IDP_REJECTED_CLAIM),
        ({"session_name": ("a b",)}, Reason.IDP_REJECTED_CLAIM),
        ({"session_name": ("ann", "bob")}, Reason.IDP_REJECTED_CLAIM),
        ({"more": attribute(OURS + "SessionDuration", "soon")}, Reason.IDP_REJECTED_CLAIM),
        ({"more": attribute(OURS + "SessionDuration", "899")}, Reason.IDP_REJECTED_CLAIM),
        ({"more": attribute(OURS + "SourceIdentity", "a b")}, Reason.IDP_REJECTED_CLAIM),
        ({"more": attribute(OURS + "PrincipalTag:Team", "a", "b")}, Reason.IDP_REJECTED_CLAIM),
        ({"more": attribute(OURS + "Role", f"{ROLE}x,{PROVIDER}")}, Reason.IDP_REJECTED_CLAIM),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_decided(how: dict[str, Any], reason: Reason):
    assert stranger(redeem(given(), good(**how)), reason)


TAGGED = (
    attribute(OURS + "PrincipalTag:Team", "red")
    + attribute(OURS + "TransitiveTagKeys", "Team")
    + attribute(OURS + "SourceIdentity", "ann")
)


def test_tags_and_source_identity_come_from_the_provider():
    session = issued(redeem(given(), good(more=TAGGED)))
    assert (session.tags, session.transitive_keys, session.source_identity) == ((Tag("Team", "red"),), ("Team",), "ann")


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        ([ACTION], "sts:TagSession"),
        ([ACTION, "sts:TagSession"], "sts:SetSourceIdentity"),
    ],
)
def test_and_need_permissions_of_their_own(allowed: list[str], missing: str):
    assert denied(redeem(given(trust(allowed)), good(more=TAGGED)), missing)


def test_a_signature_of_another_provider_counts_for_nothing():
    assert stranger(redeem(given(), sign_assertion(response(assertion()), name="attacker")))


def test_what_was_sent_is_never_shown():
    assert "secret" not in repr(AssumeRoleWithSAML(ROLE, PROVIDER, "secret"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(' Version="2.0" Issue', ' Version="1.1" Issue', id="another version"),
        pytest.param("<saml:Subject>", "<saml:Subject/><saml:Subject>", id="two subjects"),
        pytest.param('IssueInstant="2026', 'IssueInstant="26', id="a time that is none"),
        pytest.param("IssueInstant=", "Issued=", id="no time of issue"),
        pytest.param('NotBefore="2026-06-01T11', 'NotBefore="2026-06-01T13', id="not yet"),
        pytest.param("2026-06-01T12:05:00Z", "2026-13-01T12:05:00Z", id="a month that is none"),
        pytest.param("Recipient=", 'NotBefore="2026-06-01T11:59:00Z" Recipient=', id="confirmed from later on"),
        pytest.param("<saml:NameID", "<saml:BaseID/><saml:Nobody", id="nobody"),
        pytest.param("<saml:Attribute Name=", "<saml:Attribute Title=", id="an attribute without a name"),
    ],
)
def test_m24_whatever_is_missing_doubled_or_out_of_its_place_is_refused(before: str, after: str):
    text = assertion()
    assert before in text
    changed = text.replace(before, after).replace(
        "</saml:NameID>", "</saml:Nobody>" if "Nobody" in after else "</saml:NameID>"
    )
    decision = redeem(given(), sign_assertion(response(changed)))
    assert isinstance(decision.answer, Refusal)
    assert decision.subject == "stranger"


def test_an_attribute_that_is_no_text_is_no_condition_key():
    nested = '<saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10"><saml:AttributeValue><saml:NameID>x</saml:NameID></saml:AttributeValue></saml:Attribute>'
    decision = redeem(given(), good(more=nested))
    assert issued(decision)
    assert "saml:edupersontargetedid" not in decision.weighed[0].question.context


def test_metadata_that_has_ended_vouches_for_nobody():
    metadata = read_metadata(published())
    assert not isinstance(metadata, Refusal)
    ended = providers.SamlProviderUpdated(
        account=ACCOUNT, provider_id="SAML1", metadata=msgspec.structs.replace(metadata, valid_until=NOW)
    )
    assert stranger(redeem(evolve(given(), (ended,), NOW), good()), why="no longer valid")
