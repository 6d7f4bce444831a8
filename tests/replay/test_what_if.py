"""Decisions of the past under other policies: nothing changes that need not, and what cannot be told is not guessed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.access.caller import Credential
from authority.accounts.what_if import AskWhatIf, Replaced
from authority.kernel.refusal import Refusal
from authority.permissions.inline import put_role_policy
from authority.policy.combine import Effect
from authority.principals.access_keys import create_access_key
from authority.principals.users import create_user, get_user
from authority.roles.roles import update_assume_role_policy
from tests.replay.recorded import Recorded, supposed
from tests.sessions.world import (
    ALL,
    ANN,
    ANNS,
    AUDIT,
    AUDIT_ARN,
    BOBS,
    COMPANY,
    DENY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    READ,
    held,
    may,
    policy,
    retrust,
    trusting,
)

ANN_ARN = f"arn:aws:iam::{COMPANY}:user/Ann"
NO_TRUST = trusting("999999999999")
MFA = policy({"Principal": {"AWS": COMPANY}, "Action": "sts:AssumeRole", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})  # fmt: skip


def story() -> Recorded:
    """Ann takes Deploy on, goes on to Audit, and makes a user there who works; Bob is refused."""
    world = Recorded()
    first = held(world.assume())
    second = held(world.assume(AUDIT_ARN, who=first))
    world.assume(who=BOBS)
    world.decide(create_user, {"UserName": "Eve"}, who=second)
    made = world.decide(create_access_key, {"UserName": "Eve"}, who=second)
    eves = Credential(made.facts[0].access_key_id)
    world.decide(get_user, {}, who=eves)
    world.decide(get_user, {}, who=ANNS)
    return world


def trust(document: str, target: str = DEPLOY_ARN) -> Replaced:
    return Replaced(kind="trust", target=target, document=document)


def names(rows) -> list[tuple[int, str]]:
    return [(row.position, row.action) for row in rows]


def test_under_the_same_policies_nothing_changes_and_all_of_it_was_weighed():
    found = supposed(story().log)
    assert (found.requests, found.decisions, found.reweighed) == (7, 7, 7)
    assert (found.newly_denied, found.newly_allowed, found.undetermined, found.unreproduced) == ((), (), (), 0)


@pytest.mark.parametrize("cascade", [False, True])
def test_the_same_text_changes_nothing_nor_do_blanks(cascade):
    log = story().log
    same = trusting(COMPANY, PRODUCTION)
    assert supposed(log, trust(same), cascade=cascade).reweighed == 0
    spaced = supposed(log, trust(f"  {same}\n"), cascade=cascade)
    assert spaced.reweighed > 0
    assert (spaced.newly_denied, spaced.newly_allowed, spaced.undetermined, spaced.never) == ((), (), (), ())


def test_a_narrower_trust_denies_what_was_allowed_and_nothing_else():
    found = supposed(story().log, trust(NO_TRUST))
    assert names(found.newly_denied) == [(2, "sts:AssumeRole")]
    assert (found.newly_allowed, found.undetermined, found.never) == ((), (), ())
    assert found.newly_denied[0].becomes == "implicitDeny"


def test_in_a_cascade_nothing_comes_of_what_was_denied():
    found = supposed(story().log, trust(NO_TRUST), cascade=True)
    assert names(found.newly_denied) == [(2, "sts:AssumeRole")]
    assert [(row.position, row.because) for row in found.never] == [(2, None), (3, 2), (5, 2), (6, 2), (7, 2)]
    assert len([key for row in found.never for key in row.sessions]) == 3


def test_a_wider_policy_allows_what_was_refused():
    found = supposed(story().log, Replaced(kind="identity", target=f"arn:aws:iam::{COMPANY}:user/Bob", document=ALL))
    assert names(found.newly_allowed) == [(4, "sts:AssumeRole")]
    assert found.newly_denied == ()


@pytest.mark.parametrize(
    "replaced",
    [
        pytest.param(Replaced(kind="inline", target=ANN_ARN, name="all"), id="without the policy"),
        pytest.param(Replaced(kind="inline", target=ANN_ARN, name="all", document=READ), id="another inline policy"),
        pytest.param(Replaced(kind="identity", target=ANN_ARN, document=READ), id="another identity policy"),
        pytest.param(Replaced(kind="boundary", target=ANN_ARN, document=READ), id="a boundary"),
        pytest.param(Replaced(kind="control", target=COMPANY, document=READ), id="a control policy that allows little"),
        pytest.param(Replaced(kind="control", target=COMPANY, document=DENY), id="a control policy that denies"),
    ],
)
def test_each_kind_of_policy_can_be_supposed(replaced):
    found = supposed(story().log, replaced)
    assert names(found.newly_denied) == [(2, "sts:AssumeRole"), (8, "iam:GetUser")]
    assert found.newly_allowed == ()


def test_a_control_policy_gives_nothing():
    found = supposed(story().log, Replaced(kind="control", document=ALL))
    assert (found.newly_denied, found.newly_allowed, found.undetermined) == ((), (), ())


# --- what cannot be told --------------------------------------------------------------------


def test_a_key_that_the_record_lacks_is_never_taken_for_granted():
    found = supposed(story().log, trust(MFA))
    assert names(found.undetermined) == [(2, "sts:AssumeRole")]
    assert found.undetermined[0].unknown == ("aws:multifactorauthpresent",)
    assert (found.newly_denied, found.newly_allowed) == ((), ())


def test_whoever_knows_that_it_was_absent_may_say_so():
    found = supposed(story().log, trust(MFA), absent=["aws:MultiFactorAuthPresent"])
    assert names(found.newly_denied) == [(2, "sts:AssumeRole")]
    assert found.undetermined == ()


def test_a_key_that_cannot_change_the_outcome_is_not_asked_for():
    both = policy(
        {"Principal": {"AWS": COMPANY}, "Action": "sts:AssumeRole"},
        {
            "Principal": {"AWS": COMPANY},
            "Action": "sts:AssumeRole",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        },
    )
    assert supposed(story().log, trust(both)).undetermined == ()
    never = policy(
        {
            "Principal": {"AWS": "999999999999"},
            "Action": "sts:AssumeRole",
            "Condition": {"Null": {"aws:SourceVpc": "true"}},
        }
    )
    assert names(supposed(story().log, trust(never)).newly_denied) == [(2, "sts:AssumeRole")]


def test_a_key_that_was_missed_then_is_known_to_have_been_absent():
    world = Recorded(retrust(DEPLOY, MFA))
    world.assume()
    reworded = MFA.replace('"true"', '["true"]')
    found = supposed(world.log, trust(reworded))
    assert found.reweighed == 1
    assert (found.undetermined, found.newly_allowed) == ((), ())


def test_if_exists_does_not_let_in_whom_nothing_is_known_of():
    world = Recorded(retrust(DEPLOY, NO_TRUST))
    world.assume()
    lenient = MFA.replace('"Bool"', '"BoolIfExists"')
    found = supposed(world.log, trust(lenient))
    assert (len(found.undetermined), found.newly_allowed) == (1, ())


# --- the state then -------------------------------------------------------------------------


def test_each_decision_is_weighed_in_the_state_that_it_was_made_from():
    world = Recorded()
    world.assume()
    world.act(may(ANN, READ))
    world.assume()
    world.act(may(ANN, ALL))
    world.assume()
    found = supposed(world.log)
    assert (found.reweighed, found.unreproduced) == (3, 0)
    assert names(supposed(world.log, trust(NO_TRUST)).newly_denied) == [(2, "sts:AssumeRole"), (6, "sts:AssumeRole")]


def test_what_a_refused_change_would_have_changed_is_not_supposed_in_a_cascade():
    world = Recorded()
    admin = held(world.assume(AUDIT_ARN))
    world.decide(update_assume_role_policy, {"RoleName": "Deploy", "PolicyDocument": trusting(COMPANY)}, who=admin)
    world.act(retrust(AUDIT, NO_TRUST))
    world.assume()
    guard = Replaced(kind="trust", target=AUDIT_ARN, document=NO_TRUST)
    found = supposed(world.log, guard, cascade=True)
    assert names(found.newly_denied) == [(2, "sts:AssumeRole")]
    assert [row.position for row in found.never] == [2, 3]
    assert found.undetermined == ()


def test_a_record_that_lacks_something_is_said_not_to_be_reproduced():
    world = story()
    (entry,) = [seen for seen in world.log if seen.position == 4]
    wrong = msgspec.structs.replace(entry.event.decisions[0], effect=Effect.ALLOWED)
    event = msgspec.structs.replace(entry.event, decisions=(wrong,))
    log = [msgspec.structs.replace(seen, event=event) if seen is entry else seen for seen in world.log]
    found = supposed(log)
    assert (found.unreproduced, len(found.undetermined)) == (1, 1)


# --- properties -----------------------------------------------------------------------------

TRUSTS = [trusting(COMPANY, PRODUCTION), trusting(PRODUCTION), NO_TRUST]


@st.composite
def histories(draw):
    """Ann and Bob take roles on, go on, and change trust policies, as far as they may."""
    world = Recorded()
    holders = [ANNS, BOBS]
    for _ in range(draw(st.integers(1, 10))):
        who = draw(st.sampled_from(holders))
        match draw(st.sampled_from(["assume", "assume", "trust", "make", "put"])):
            case "assume":
                decision = world.assume(draw(st.sampled_from([DEPLOY_ARN, AUDIT_ARN])), who=who)
                if not isinstance(decision.answer, Refusal):
                    holders.append(held(decision))
            case "trust":
                name, document = draw(st.sampled_from(["Deploy", "Audit"])), draw(st.sampled_from(TRUSTS))
                world.decide(update_assume_role_policy, {"RoleName": name, "PolicyDocument": document}, who=who)
            case "make":
                decision = world.decide(create_user, {"UserName": f"u{world.position}"}, who=who)
                if not isinstance(decision.answer, Refusal):
                    made = world.decide(create_access_key, {"UserName": f"u{world.position - 1}"}, who=who)
                    if not isinstance(made.answer, Refusal):
                        holders.append(Credential(made.facts[0].access_key_id))
            case _:
                wanted = {
                    "RoleName": "Deploy",
                    "PolicyName": "all",
                    "PolicyDocument": draw(st.sampled_from([ALL, READ])),
                }
                world.decide(put_role_policy, wanted, who=who)
    return world


@given(histories())
@settings(max_examples=60)
def test_every_recorded_decision_comes_out_again(world):
    for cascade in (False, True):
        found = supposed(world.log, cascade=cascade)
        assert found.reweighed == found.decisions
        assert (found.newly_denied, found.newly_allowed, found.undetermined, found.never) == ((), (), (), ())


@given(histories(), st.sampled_from(TRUSTS), st.sampled_from([DEPLOY_ARN, AUDIT_ARN]))
@settings(max_examples=60)
def test_the_same_question_has_the_same_answer(world, document, target):
    once, twice = (msgspec.json.encode(supposed(world.log, trust(document, target), cascade=True)) for _ in range(2))
    assert once == twice


@given(histories(), st.sampled_from([DEPLOY_ARN, AUDIT_ARN]))
@settings(max_examples=60)
def test_what_descends_from_what_was_denied_never_was(world, target):
    """By brute force: whatever was asked for with a session or key that came, however far, of a denied request."""
    found = supposed(world.log, trust(NO_TRUST, target), cascade=True)
    denied = {row.position for row in found.newly_denied}
    gone: set[str] = set()
    never = set()
    for seen in world.log:
        asker = seen.event.caller.access_key_id if seen.event.caller else ""
        if asker in gone:
            never.add(seen.position)
        if asker in gone or seen.position in denied:
            gone |= {fact.access_key_id for fact in seen.event.facts if hasattr(fact, "access_key_id")}
    assert never <= {row.position for row in found.never}
    assert not denied & never


def test_what_cannot_be_supposed_is_said():
    for wrong in (
        Replaced(kind="trust", target=DEPLOY_ARN, document="{"),
        Replaced(kind="trust", target=DEPLOY_ARN, document=READ),
        Replaced(kind="policy", target="", document=READ),
        Replaced(kind="inline", target=ANN_ARN, document=READ),
        Replaced(kind="identity", target=ANN_ARN),
        Replaced(kind="trust", target=ANN_ARN, document=NO_TRUST),
    ):
        assert list(AskWhatIf(replacements=(wrong,)).wrong()), wrong
    assert list(AskWhatIf(cascade=True, role="R").wrong())
    assert not list(AskWhatIf(replacements=(trust(NO_TRUST),)).wrong())
