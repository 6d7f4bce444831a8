"""The state as of any position is the fold up to it, wherever the fold began; a history tells the same story."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.ids import AccountId, GroupId, PolicyId, RoleId, UserId
from authority.kernel.tags import Tag
from authority.ledger.codec import new_entry
from authority.ledger.port import Entry, Lane
from authority.ledger.tlog import leaf_hash
from authority.model import authority, holders, policies, principals, roles
from authority.model.event import Event, read_event, write_event
from authority.model.state import EMPTY, canonical, evolve
from authority.replay.as_of import Versions, as_of
from authority.replay.difference import difference
from authority.replay.folding import BEGINNING, one_by_one, refolded
from authority.replay.history import Following, replayed, told
from authority.replay.things import as_plain, thing
from tests.model.test_state import AT
from tests.projections.conftest import append

ACCOUNT = AccountId("111122223333")
DOCUMENTS = tuple(
    f'{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"s3:*","Resource":"*"}}]}}'
    for effect in ("Allow", "Deny")
)


@st.composite
def changes(draw) -> list[tuple]:
    """What each entry makes true: roles and users that come, change, go and come again under the same names."""
    entries = [(authority.AccountCreated(account=ACCOUNT, name="A"),)]
    there: dict[str, str] = {}
    for number in range(draw(st.integers(1, 25))):
        name = draw(st.sampled_from(["one", "two", "three"]))
        document = draw(st.sampled_from(DOCUMENTS))
        named = there.get(name)
        if named is None:
            named = there[name] = f"{'AROA' if name != 'three' else 'AIDA'}{number}"
            if name == "three":
                entries.append((principals.UserCreated(account=ACCOUNT, user_id=UserId(named), name=name, path="/"),))
            else:
                trust = roles.Trust(document)
                entries.append(
                    (roles.RoleCreated(account=ACCOUNT, role_id=RoleId(named), name=name, path="/", trust=trust),)
                )
            continue
        match draw(st.sampled_from(["put", "tag", "go", "nothing", "policy"])):
            case "put":
                entries.append((holders.InlinePolicyPut(account=ACCOUNT, holder=named, name="p", document=document),))
            case "tag":
                entries.append((holders.HolderTagged(account=ACCOUNT, holder=named, tags=(Tag("k", str(number)),)),))
            case "go":
                gone = (
                    principals.UserDeleted(account=ACCOUNT, user_id=UserId(named))
                    if name == "three"
                    else roles.RoleDeleted(account=ACCOUNT, role_id=RoleId(named))
                )
                entries.append((gone,))
                del there[name]
            case "policy":
                policy = PolicyId(f"ANPA{number}")
                made = policies.PolicyCreated(
                    account=ACCOUNT, policy_id=policy, name=f"p{number}", path="/", document=document
                )
                entries.append((made, holders.PolicyAttached(account=ACCOUNT, holder=named, policy_id=policy)))
            case _:
                entries.append((authority.AuthorityStarted(version="1", node="n"),))
    return entries


def event(number: int, facts: tuple) -> Event:
    lane = "config" if any(fact.CONFIG for fact in facts) else "session"
    at = AT + timedelta(seconds=number)
    return Event(type="iam:Change", v=1, decided_at=at, lane=lane, subject="", facts=facts)


def entry(position: int, facts: tuple) -> Entry:
    new = new_entry(write_event(event(position, facts)))
    return Entry(
        position=position, at=new.decided_at, lane=new.lane, type=new.type, v=1, subject="", body=new.body,
        leaf=leaf_hash(new.body),
    )  # fmt: skip


class InMemory:
    """What `as_of` reads of a ledger, from a list; the same is asked of a real one below."""

    def __init__(self, entries):
        self.entries = entries

    async def read(self, after, limit, lane=None):
        found = [one for one in self.entries if one.position > after and lane in (None, one.lane)]
        return found[:limit]


@given(changes(), st.data())
@settings(max_examples=50)
def test_as_of_any_position_is_a_fold_to_it_from_wherever_it_begins(facts, data):
    entries = [entry(position, made) for position, made in enumerate(facts, 1)]
    versions = Versions(most=3)
    live = refolded(BEGINNING, entries)
    for position in data.draw(st.lists(st.integers(0, len(entries)), min_size=1, max_size=6)):
        folded = refolded(BEGINNING, entries[:position])
        for version in (
            asyncio.run(as_of(InMemory(entries), position)),
            asyncio.run(versions.at(InMemory(entries), position)),
        ):
            assert (version.position, version.configured) == (position, folded.configured)
            assert canonical(version.state) == canonical(folded.state)
    head = asyncio.run(as_of(InMemory(entries), len(entries)))
    assert difference(head.state, live.state) == ()


@given(changes())
@settings(max_examples=50)
def test_a_history_replayed_is_what_the_thing_was_after_each_entry(facts):
    entries = [entry(position, made) for position, made in enumerate(facts, 1)]
    configuration = [one for one in entries if one.lane is Lane.CONFIG]
    for kind, name in (("role", "one"), ("role", "TWO"), ("user", "three")):
        following = Following(kind, name)
        for folded in one_by_one(EMPTY, configuration):
            following.take(folded)
        for life in told([(one, read_event(one.entry.body)) for one in following.touched]):
            turns = {turn.position: value for turn, value in zip(life.turns, replayed(life), strict=True)}
            value, state = None, EMPTY
            for folded in one_by_one(EMPTY, configuration):
                state = folded.after
                value = turns.get(folded.entry.position, value)
                real = thing(state, ACCOUNT, kind, life.id)
                assert value == (None if real is None else as_plain(real))


async def test_a_real_ledger_is_read_alike(ledger):
    facts = [
        (authority.AccountCreated(account=ACCOUNT, name="A"),),
        (authority.AuthorityStarted(version="1", node="n"),),
        (principals.GroupCreated(account=ACCOUNT, group_id=GroupId("AGPA1"), name="g", path="/"),),
        (principals.GroupDeleted(account=ACCOUNT, group_id=GroupId("AGPA1")),),
    ]
    for number, made in enumerate(facts, 1):
        await append(ledger, event(number, made))
    assert (await as_of(ledger, 0)).state == EMPTY
    for position in range(1, 5):
        folded = EMPTY
        for number, made in enumerate(facts[:position], 1):
            folded = evolve(folded, made, AT + timedelta(seconds=number))
        version = await as_of(ledger, position)
        assert canonical(version.state) == canonical(folded)
        assert version.configured == (position if position != 2 else 1)
    assert not (await as_of(ledger, 4)).state.accounts[ACCOUNT].groups
    assert len((await as_of(ledger, 3)).state.accounts[ACCOUNT].groups) == 1


async def test_nobody_folds_backwards(ledger):
    await append(ledger, event(1, (authority.AccountCreated(account=ACCOUNT, name="A"),)))
    version = await as_of(ledger, 1)
    with pytest.raises(ValueError, match="cannot be folded back"):
        await as_of(ledger, 0, version)


def test_a_name_that_was_borne_twice_has_two_lives():
    def role(named, document):
        return roles.RoleCreated(
            account=ACCOUNT, role_id=RoleId(named), name="one", path="/", trust=roles.Trust(document)
        )

    facts = [
        (authority.AccountCreated(account=ACCOUNT, name="A"),),
        (role("AROA1", DOCUMENTS[0]),),
        (roles.RoleDeleted(account=ACCOUNT, role_id=RoleId("AROA1")),),
        (role("AROA2", DOCUMENTS[1]),),
    ]
    entries = [entry(position, made) for position, made in enumerate(facts, 1)]
    following = Following("role", "ONE", ACCOUNT)
    for folded in one_by_one(EMPTY, entries):
        following.take(folded)
    lives = told([(one, read_event(one.entry.body)) for one in following.touched])
    assert [(life.id, life.began, life.ended) for life in lives] == [("AROA1", 2, 3), ("AROA2", 4, None)]
    assert [turn.what for turn in lives[0].turns] == ["added", "removed"]
    by_id = Following("role", "AROA1")
    for folded in one_by_one(EMPTY, entries):
        by_id.take(folded)
    assert [one.change.what for one in by_id.touched] == ["added", "removed"]
