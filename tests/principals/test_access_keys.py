"""Access keys: the secret is said once, two at most, and what is off or gone counts no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.access.action import NewSecret
from authority.access.caller import Caller, Credential, caller_of
from authority.kernel.refusal import Reason, Refusal
from authority.model.principals import KeyStatus
from authority.model.state import canonical, from_canonical
from authority.principals import access_keys
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT as ROOT
from tests.principals.world import ANN, ANNS, DAN, DANS, IAM, ROOTS, SESSIONS, World, dan_may, refused


def test_a_new_key_says_its_secret_once_and_seals_it():
    world = World()
    decision = world.decide(access_keys.create_access_key, {"UserName": "dan"})
    made = decision.answer.access_key
    assert (made.user_name, made.status, made.create_date) == ("Dan", "Active", AT)
    assert made.access_key_id.startswith("AKIA")
    assert len(made.secret_access_key.reveal()) == 40
    assert decision.secrets == (NewSecret(made.access_key_id, "access-key", made.secret_access_key),)
    assert made.secret_access_key.reveal().decode() not in repr(decision)
    assert isinstance(caller_of(world.state, Credential(made.access_key_id), now=AT, partition="aws"), Caller)


@pytest.mark.parametrize(("who", "name", "owner"), [(ANNS, "Ann", ANN), (ROOTS, None, ROOT)])
def test_without_a_name_the_key_is_for_who_asks(who, name, owner):
    world = World()
    made = world.asks(access_keys.create_access_key, who=who).access_key
    assert made.user_name == name
    assert world.state.access_keys[made.access_key_id].owner == owner
    listed = world.asks(access_keys.list_access_keys, who=who)
    assert {key.access_key_id for key in listed.access_key_metadata} == {who.access_key_id, made.access_key_id}
    assert {key.user_name for key in listed.access_key_metadata} == {name}


def test_nobody_has_more_than_two_keys():
    world = World()
    world.asks(access_keys.create_access_key, UserName="Dan")
    text = "Cannot exceed quota for AccessKeysPerUser: 2"
    assert refused(world.asks(access_keys.create_access_key, UserName="Dan"), Reason.LIMIT_EXCEEDED, text)
    world.asks(access_keys.delete_access_key, UserName="Dan", AccessKeyId=DANS.access_key_id)
    assert world.asks(access_keys.create_access_key, UserName="Dan").access_key


EVERY = pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (access_keys.create_access_key, {}),
        (access_keys.list_access_keys, {}),
        (access_keys.update_access_key, {"AccessKeyId": DANS.access_key_id, "Status": "Inactive"}),
        (access_keys.delete_access_key, {"AccessKeyId": DANS.access_key_id}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)


@EVERY
def test_a_user_who_is_not_there_is_not_found(what, wanted):
    answer = World().asks(what, UserName="Nobody", **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The user with name Nobody cannot be found.")


@EVERY
def test_a_session_has_to_say_whose_key_it_means(what, wanted):
    text = "Must specify userName when calling with non-User credentials"
    assert refused(World().asks(what, who=SESSIONS, **wanted), Reason.VALIDATION_ERROR, text)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [(access_keys.update_access_key, {"Status": "Inactive"}), (access_keys.delete_access_key, {})],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("key", [ANNS.access_key_id, ROOTS.access_key_id, "AKIANOBODYATALL00000"])
def test_the_key_of_another_is_not_found(what, wanted, key):
    answer = World().asks(what, UserName="Dan", AccessKeyId=key, **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, f"The Access Key with id {key} cannot be found.")


def test_a_key_that_is_turned_off_counts_no_more_until_it_is_turned_on():
    world, dans = World(), {"UserName": "Dan", "AccessKeyId": DANS.access_key_id}
    assert world.asks(access_keys.update_access_key, **dans, Status="Inactive") is None
    assert isinstance(caller_of(world.state, DANS, now=AT, partition="aws"), Refusal)
    (listed,) = world.asks(access_keys.list_access_keys, UserName="Dan").access_key_metadata
    assert listed.status == "Inactive"
    assert world.decide(access_keys.update_access_key, {**dans, "Status": "Inactive"}).facts == ()
    world.asks(access_keys.update_access_key, **dans, Status="Active")
    assert isinstance(caller_of(world.state, DANS, now=AT, partition="aws"), Caller)


def test_a_key_cannot_be_made_expired():
    answer = World().asks(access_keys.update_access_key, AccessKeyId=ANNS.access_key_id, Status="Expired")
    assert refused(answer, Reason.INVALID_INPUT)


def test_a_deleted_key_is_gone_with_its_secret_and_its_id_stays_known():
    world = World()
    wanted = {"UserName": "Dan", "AccessKeyId": DANS.access_key_id}
    decision = world.decide(access_keys.delete_access_key, wanted)
    assert decision.dropped == (DANS.access_key_id,)
    assert world.state.access_keys[DANS.access_key_id].status is KeyStatus.DELETED
    assert world.asks(access_keys.list_access_keys, UserName="Dan").access_key_metadata == ()
    assert refused(world.asks(access_keys.delete_access_key, **wanted), Reason.NO_SUCH_ENTITY)
    revive = world.asks(access_keys.update_access_key, **wanted, Status="Active")
    assert refused(revive, Reason.NO_SUCH_ENTITY)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (access_keys.create_access_key, {}),
        (access_keys.list_access_keys, {}),
        (access_keys.update_access_key, {"AccessKeyId": DANS.access_key_id, "Status": "Inactive"}),
        (access_keys.delete_access_key, {"AccessKeyId": DANS.access_key_id}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_user_may_manage_his_own_keys_and_nobody_elses(what, wanted):
    own = dan_may({"Action": what.name, "Resource": f"{IAM}:user/${{aws:username}}"})
    decision = World(own).decide(what, wanted, who=DANS)
    assert decision.facts or decision.then
    assert refused(World(own).asks(what, who=DANS, UserName="Ann", **wanted), Reason.ACCESS_DENIED)
    assert decision.weighed[0].question.resource == f"{IAM}:user/Dan"
    assert decision.weighed[0].question.principal.unique_id == DAN


@given(st.lists(st.tuples(st.sampled_from(["create", "delete", "on", "off"]), st.integers(0, 3)), max_size=30))
def test_the_keys_found_by_their_owner_are_the_keys_there_are(acts):
    world = World()
    for act, which in acts:
        keys = sorted(world.state.access_keys)
        named = {"AccessKeyId": keys[which % len(keys)]}
        match act:
            case "create":
                world.asks(access_keys.create_access_key, UserName="Dan")
            case "delete":
                world.asks(access_keys.delete_access_key, UserName="Dan", **named)
            case _:
                status = "Active" if act == "on" else "Inactive"
                world.asks(access_keys.update_access_key, UserName="Dan", **named, Status=status)
    for owner in (DAN, ANN, ROOT):
        living = {
            key.id
            for key in world.state.access_keys.values()
            if key.owner == owner and key.status is not KeyStatus.DELETED
        }
        assert {key.id for key in world.state.keys_of(owner)} == living
    assert len(world.state.keys_of(DAN)) <= 2
    assert from_canonical(canonical(world.state)) == world.state
