"""Two states held against each other: nothing between equals, and the steps lead from the one to the other."""

from __future__ import annotations

import msgspec
import pytest

from authority.kernel.ids import AccountId, RoleId, UserId
from authority.kernel.tags import Tag
from authority.model import authority, boundaries, holders, policies, principals, revocations, roles
from authority.model.account import Account
from authority.model.state import EMPTY, State, canonical, evolve, from_canonical
from authority.replay.difference import difference, in_words
from authority.replay.patch import patch, patched
from authority.replay.plain import camel
from authority.replay.things import DERIVED, OF_ACCOUNTS, OF_THE_AUTHORITY, as_plain, collections
from tests.model.test_state import AT, BOOKS, DEVELOPERS, KEY, MIA, PRODUCTION, UPDATE_APP, after

DENYING = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sqs:ListQueues","Resource":"*"}]}'


def everything(state: State) -> dict:
    """Every thing of a state, plain, by where it stands."""
    return {
        (account, kind, named): as_plain(value)
        for account, kind, held in collections(state)
        for named, value in held.items()
    }


def test_every_field_of_the_state_is_compared_or_only_finds_things():
    """A field that is new is shown with its account or with the authority until it has a kind of its own."""
    shown = {*as_plain(after()), *map(camel, (*OF_THE_AUTHORITY, *DERIVED, "accounts", "revocations", "identities"))}
    assert shown >= set(map(camel, State.__struct_fields__))
    shown = {*as_plain(after().accounts[PRODUCTION]), *map(camel, (*OF_ACCOUNTS, *DERIVED))}
    assert shown >= set(map(camel, Account.__struct_fields__))
    finding = {name for name in (*Account.__struct_fields__, *State.__struct_fields__) if name.endswith("_names")}
    assert finding | {"owned_keys"} == DERIVED


def test_a_state_does_not_differ_from_itself_nor_from_its_copy():
    state = after()
    assert difference(state, state) == ()
    assert difference(state, from_canonical(canonical(state))) == ()


CHANGES = [
    pytest.param(
        holders.InlinePolicyPut(account=PRODUCTION, holder=DEVELOPERS, name="p", document=DENYING),
        ["group Developers (AGPADEV) of 111122223333: inline.p.Statement[0].Effect was Allow and is Deny"],
        id="a word in a document",
    ),
    pytest.param(
        holders.HolderTagged(account=PRODUCTION, holder=MIA, tags=(Tag("cost", "7"),)),
        ["user Mia (AIDAMIA) of 111122223333: tags.cost came: 7"],
        id="a tag",
    ),
    pytest.param(
        holders.PolicyDetached(account=PRODUCTION, holder=UPDATE_APP, policy_id=BOOKS),
        ["role UpdateAPP (AROAAPP) of 111122223333: attached[0] went: ANPABOOKS"],
        id="an attachment",
    ),
    pytest.param(
        principals.AccessKeyStatusChanged(account=PRODUCTION, access_key_id=KEY, status=principals.KeyStatus.INACTIVE),
        ["access-key AKIAMIA of 111122223333: status was Active and is Inactive"],
        id="a key",
    ),
    pytest.param(
        roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP),
        ["role UpdateAPP (AROAAPP) of 111122223333 was removed"],
        id="a role that is gone",
    ),
    pytest.param(
        authority.AccountCreated(account=AccountId("444455556666"), name="New"),
        ["account New (444455556666) was added"],
        id="an account",
    ),
    pytest.param(
        authority.SettingsChanged(settings=authority.Settings("2", ("us-east-1",))),
        ["authority authority: settings.engine was 1 and is 2"],
        id="a setting",
    ),
    pytest.param(
        revocations.RoleSessionsRevoked(account=PRODUCTION, role_id=UPDATE_APP, through=7),
        ["revoked-sessions-of-role AROAAPP was added"],
        id="a revocation",
    ),
    pytest.param(
        policies.PolicyVersionCreated(account=PRODUCTION, policy_id=BOOKS, number=2, document=DENYING, default=True),
        None,
        id="another version of a policy",
    ),
    pytest.param(boundaries.BoundarySet(account=PRODUCTION, holder=MIA, policy_id=BOOKS), None, id="a boundary"),
]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param(None, {"a": 1}, 'it was nothing and is {"a":1}', id="what was not there"),
        pytest.param({"a": "x"}, {"a": None}, "a was x and is nothing", id="what was taken away"),
        pytest.param({"a": ["x"]}, {"a": ["x", "y"]}, "a[1] came: y", id="one more of a list"),
    ],
)
def test_a_step_is_said_as_people_say_it(before, after, words):
    assert [in_words(step) for step in patch(before, after)] == [words]


@pytest.mark.parametrize(("fact", "words"), CHANGES)
def test_what_a_fact_changed_is_said_and_leads_from_the_one_to_the_other(fact, words):
    before, now = after(), after(fact)
    changes = difference(before, now)
    if words is not None:
        assert [sentence for change in changes for sentence in change.words] == words
    assert reached(before, changes) == everything(now)
    assert reached(now, difference(now, before)) == everything(before)


def reached(state: State, changes) -> dict:
    """*state*, plain, after *changes*."""
    there = everything(state)
    for change in changes:
        account = "" if change.kind in ("account", "access-key") else change.account
        place = (account, change.kind, change.id)
        match change.what:
            case "added":
                there[place] = change.after
            case "removed":
                assert there.pop(place) == change.before
            case _:
                there[place] = patched(there[place], change.steps)
    return there


def test_from_nothing_everything_came():
    assert reached(EMPTY, difference(EMPTY, after())) == everything(after())


def test_an_account_sees_what_is_its_own():
    other = AccountId("444455556666")
    now = after(
        authority.AccountCreated(account=other, name="Other"),
        principals.UserCreated(account=other, user_id=UserId("AIDAO"), name="O", path="/"),
        principals.UserCreated(account=PRODUCTION, user_id=UserId("AIDAP"), name="P", path="/"),
    )
    assert {change.account for change in difference(EMPTY, now, PRODUCTION)} == {PRODUCTION}
    assert [change.name for change in difference(after(), now, PRODUCTION)] == ["P"]
    assert {change.kind for change in difference(after(), now, other)} == {"account", "user"}


def test_a_difference_is_json():
    changes = difference(EMPTY, after())
    assert msgspec.json.decode(msgspec.json.encode(changes))[-1]["what"] == "added"


def test_a_name_that_is_given_again_is_another_thing():
    gone = roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP)
    again = roles.RoleCreated(
        account=PRODUCTION, role_id=RoleId("AROANEW"), name="UpdateAPP", path="/", trust=roles.Trust("{}")
    )
    changes = difference(after(), after(gone, again))
    assert [(change.id, change.what) for change in changes] == [("AROAAPP", "removed"), ("AROANEW", "added")]


def test_who_was_not_touched_is_not_in_it():
    many = [
        principals.UserCreated(account=PRODUCTION, user_id=UserId(f"AIDA{n}"), name=f"u{n}", path="/")
        for n in range(99)
    ]
    before = after(*many)
    now = evolve(before, [principals.GroupJoined(account=PRODUCTION, user_id=UserId("AIDA7"), group_id=DEVELOPERS)], AT)
    assert [change.name for change in difference(before, now)] == ["u7"]
