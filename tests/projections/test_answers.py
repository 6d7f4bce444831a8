"""Every query is answered as a walk over the whole log would answer it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authority.audit import tokens
from authority.audit.accessing import Accessed, FindAccesses
from authority.audit.answers import LastUse
from authority.audit.queries import (
    AccessKeyLastUsed,
    FindEvents,
    FindSessions,
    LastUsed,
    OneEvent,
    Order,
    Query,
    RoleLastUsed,
    Status,
)
from authority.audit.terms import issued_by, terms_of, terms_of_session
from authority.audit.visibility import accounts_of, seen_by
from authority.kernel.refusal import Reason, Refusal
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import EndCause, SessionEnded, SessionIssued, SessionKind
from authority.projections.runner import Limits
from authority.projections.seeking import Effort
from tests.audit.stories import (
    ACCOUNTS,
    AT,
    DEV,
    DEVELOPMENT,
    EVERYWHERE,
    HOUR,
    MANAGEMENT,
    MIA,
    PRODUCTION,
    ROOT,
    SECOND,
    STRANGERS,
    assumes,
    ends,
    histories,
    in_session,
    judges,
    key_of,
    makes_key,
    makes_user,
    refused_role,
    role_arn,
    takes_session,
    tried,
)

from .conftest import append, ledger_at, projecting

STORY = (
    makes_key(MIA, "mia", request_id="req-1"),
    makes_key(DEV, "dev", request_id="req-2"),
    assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1", request_id="req-3", at=AT + SECOND),
    refused_role(DEV, "Absent", PRODUCTION, request_id="req-4", at=AT + 2 * SECOND, source=STRANGERS),
    makes_user(MIA, "x", request_id="req-5", at=AT + 3 * SECOND),
    makes_user(DEV, "y", request_id="req-6", at=AT + 4 * SECOND),
    tried(key_of("dev"), "", at=AT + 5 * SECOND),
)
SESSION = in_session(issued_by(STORY[2]))


async def found(projections, **query) -> list[int]:
    answer = await projections.answer(FindEvents(**{"account": None, **query}), projections.position)
    return [record.position for record in answer.events]


@pytest.fixture
async def story(ledger, projections):
    await projections.caught_up(await append(ledger, *STORY))
    return projections


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        pytest.param({}, [7, 6, 5, 4, 3, 2, 1], id="the whole log, newest first"),
        pytest.param({"order": Order.OLDEST}, [1, 2, 3, 4, 5, 6, 7], id="the whole log, oldest first"),
        pytest.param({"account": PRODUCTION}, [5, 4, 3, 1], id="one account's trail"),
        pytest.param({"account": DEVELOPMENT}, [7, 6, 4, 3, 2], id="another's"),
        pytest.param({"account": MANAGEMENT}, [], id="that of one to whom nothing happened"),
        pytest.param({"trail": PRODUCTION}, [5, 4, 3, 1], id="one trail, seen by who sees everything"),
        pytest.param({"trail": PRODUCTION, "access_key": DEV.access_key_id}, [4, 3], id="and nothing of it is withheld"),
        pytest.param({"account": PRODUCTION, "access_key": DEV.access_key_id}, [], id="as it is from the account"),
        pytest.param({"account": DEVELOPMENT, "access_key": DEV.access_key_id}, [7, 6, 4, 3, 2], id="a key's uses"),
        pytest.param({"outcome": "refused"}, [7, 4], id="refusals"),
        pytest.param({"outcome": "refused", "source_address": STRANGERS, "role": role_arn("Absent", PRODUCTION)}, [4]),
        pytest.param({"from_position": 3, "to_position": 5}, [5, 4, 3], id="between two positions"),
        pytest.param({"since": AT + SECOND, "until": AT + 3 * SECOND}, [4, 3], id="between two times"),
        pytest.param({"since": AT + 3 * SECOND, "outcome": "allowed"}, [6, 5], id="since a time, with a filter"),
        pytest.param({"since": AT + HOUR}, [], id="in a time that has not come"),
        pytest.param({"until": AT}, [], id="before the beginning"),
        pytest.param({"until": datetime.min.replace(tzinfo=UTC)}, [], id="before all time"),
        pytest.param({"since": datetime.min.replace(tzinfo=UTC), "to_position": 1}, [1], id="since before all time"),
        pytest.param({"until": datetime.max.replace(tzinfo=UTC), "to_position": 1}, [1], id="until the end of time"),
        pytest.param({"from_position": 900}, [], id="past the end"),
    ],
)  # fmt: skip
async def test_what_is_found(story, query, positions):
    assert await found(story, **query) == positions


@pytest.mark.parametrize(("name", "position"), [("3", 3), ("req-3", 3), ("7", 7)])
async def test_one_event_is_found_by_its_request_and_by_its_position(story, name, position):
    assert (await story.answer(OneEvent(id=name, account=DEVELOPMENT), 7)).position == position


@pytest.mark.parametrize(
    "name", ["6", "007", "8", "0", "-1", "", "9" * 40, "²", "absent", "' OR 1=1 --", "\x00", "%", "\ud800"], ids=repr
)
async def test_what_is_anothers_and_what_is_not_there_are_refused_alike(story, name):
    answer = await story.answer(OneEvent(id=name, account=PRODUCTION), 7)
    assert answer == Refusal(Reason.NO_SUCH_ENTITY, f"There is no event {name} on this trail.")


async def test_whoever_asks_may_say_in_which_words_it_is_missing(story):
    words = Refusal(Reason.INVALID_INPUT, "no such message")
    assert await story.answer(OneEvent(id="6", account=PRODUCTION, missing=words), 7) == words


@pytest.mark.parametrize(
    "hostile", ["' OR '1'='1", '"; DROP TABLE posting; --', "%", "_", "\x00", "\ud800", "*", "🔑" * 500]
)
async def test_a_filter_is_only_ever_a_value(story, hostile):
    for name in ("principal", "principal_id", "access_key", "session", "session_name", "role", "action", "outcome"):
        assert await found(story, **{name: hostile}) == []
    assert len(await found(story)) == 7


async def test_last_uses(story):
    uses = await story.answer(LastUsed(ids=(DEV.access_key_id, MIA.access_key_id, "AKIANONE", "AROAUPDATEAPP")), 7)
    assert uses == {
        DEV.access_key_id: LastUse(AT + 4 * SECOND, "iam", "us-east-1", 6),
        MIA.access_key_id: LastUse(AT + 3 * SECOND, "iam", "us-east-1", 5),
    }
    assert await story.answer(AccessKeyLastUsed(access_key_id=MIA.access_key_id), 7) == uses[MIA.access_key_id]
    assert await story.answer(AccessKeyLastUsed(access_key_id="AKIANONE"), 7) is None


async def test_a_role_is_used_by_its_sessions_and_by_those_a_resource_server_asks_about(ledger, story):
    assert await story.answer(RoleLastUsed(role_id="AROAUPDATEAPP"), 7) is None
    at = await append(ledger, makes_user(SESSION, "z", at=AT + 10 * SECOND))
    assert await story.answer(RoleLastUsed(role_id="AROAUPDATEAPP"), at) == LastUse(
        AT + 10 * SECOND, "iam", "us-east-1", 8
    )
    at = await append(ledger, judges(MIA, SESSION, at=AT + 11 * SECOND))
    assert (await story.answer(RoleLastUsed(role_id="AROAUPDATEAPP"), at)).service == "s3"


async def test_a_users_own_session_is_a_session_and_no_use_of_a_role(ledger, story):
    event = takes_session(DEV, "ASIA9", at=AT + 8 * SECOND)
    at = await append(ledger, event, makes_user(in_session(issued_by(event)), "z", at=AT + 9 * SECOND))
    (record,) = (await story.answer(FindSessions(account=DEVELOPMENT, now=AT), at)).sessions
    assert (record.kind, record.user_arn, record.arn, record.role_arn) == ("user", DEV.arn, DEV.arn, "")
    assert await found(story, account=DEVELOPMENT, principal=DEV.arn, access_key="ASIA9") == [9, 8]
    assert await story.answer(RoleLastUsed(role_id=DEV.principal_id), at) is None


async def test_the_newest_use_of_each_action_is_known_of_users_and_of_roles_and_of_nobody_else(ledger, tmp_path):
    federated = assumes(MIA, "UpdateAPP", PRODUCTION, "ASIA8")
    session = in_session(issued_by(federated))
    other = msgspec.structs.replace(session.session, kind=SessionKind.FEDERATED_USER)
    at = await append(
        ledger,
        federated,
        makes_user(MIA, "a", at=AT + 2 * SECOND),
        makes_user(MIA, "b", at=AT + 3 * SECOND),
        makes_user(session, "c", at=AT + 4 * SECOND),
        makes_user(msgspec.structs.replace(session, session=other), "d", at=AT + 5 * SECOND),
    )
    async with projecting(ledger, tmp_path / "p.sqlite") as projections:
        found = await projections.answer(FindAccesses(ids=(MIA.principal_id, "AROAUPDATEAPP", "AIDANOBODY")), at)
    assert set(found) == {
        Accessed(MIA.principal_id, "sts:AssumeRole", AT, "us-east-1"),
        Accessed(MIA.principal_id, "iam:CreateUser", AT + 3 * SECOND, "us-east-1"),
        Accessed("AROAUPDATEAPP", "iam:CreateUser", AT + 4 * SECOND, "us-east-1"),
    }


async def test_a_session_is_found_by_its_key_however_much_it_did(ledger, tmp_path):
    event = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1")
    others = [assumes(MIA, "Audit", PRODUCTION, f"ASIA{number}") for number in range(10, 60)]
    busy = [makes_user(in_session(issued_by(event)), f"u{number}") for number in range(50)]
    at = await append(ledger, event, *(one for both in zip(others, busy, strict=True) for one in both))
    async with projecting(
        ledger, tmp_path / "p.sqlite", limits=Limits(effort=Effort(steps=5, rounds=1))
    ) as projections:
        for account, count in ((PRODUCTION, 1), (None, 1), (DEVELOPMENT, 0)):
            for order in Order:
                answer = await projections.answer(
                    FindSessions(account=account, now=AT, session="ASIA1", order=order), at
                )
                assert len(answer.sessions) == count
        assert (await projections.answer(FindSessions(account=None, now=AT, session="ASIA0"), at)).sessions == ()


async def test_a_judged_key_whose_signature_did_not_count_was_not_used(ledger, story):
    before = await story.answer(AccessKeyLastUsed(access_key_id=DEV.access_key_id), 7)
    at = await append(ledger, judges(MIA, DEV, at=AT + HOUR, unproven="signature-does-not-match"))
    assert await story.answer(AccessKeyLastUsed(access_key_id=DEV.access_key_id), at) == before


async def test_the_answer_comes_in_the_shape_that_was_asked_for(story):
    shaped = await story.answer(AccessKeyLastUsed(access_key_id=MIA.access_key_id, shape=lambda use: use.position), 7)
    assert shaped == 5
    refused = await story.answer(OneEvent(id="99", account=None, shape=lambda _: "shaped"), 7)
    assert isinstance(refused, Refusal)


async def test_a_question_that_nobody_knows_is_a_fault(story):
    with pytest.raises(TypeError, match="nobody answers"):
        await story.answer(Query(), 7)


async def test_a_session_is_active_until_it_ends(ledger, story):
    async def positions(account, status, now, at, **more):
        query = FindSessions(account=account, status=status, now=now, **more)
        return [(one.position, one.status) for one in (await story.answer(query, at)).sessions]

    for account in (PRODUCTION, None):
        assert await positions(account, Status.ACTIVE, AT, 7) == [(3, "active")]
        assert await positions(account, Status.ENDED, AT, 7) == []
        assert await positions(account, Status.ACTIVE, AT + 2 * HOUR, 7) == []
        assert await positions(account, Status.ALL, AT + 2 * HOUR, 7) == [(3, "expired")]
    assert await positions(DEVELOPMENT, Status.ALL, AT, 7) == []
    at = await append(ledger, ends(issued_by(STORY[2]), at=AT + 6 * SECOND, cause=EndCause.REVOKED))
    for account in (PRODUCTION, None):
        assert await positions(account, Status.ACTIVE, AT, at) == []
        assert await positions(account, Status.ENDED, AT, at) == [(3, "revoked")]
    (record,) = (await story.answer(FindSessions(account=PRODUCTION, now=AT), at)).sessions
    assert (record.ended_at, record.ended_position) == (AT + 6 * SECOND, 8)


@pytest.mark.parametrize(
    ("account", "filters", "count"),
    [
        pytest.param(PRODUCTION, {"role": "AROAUPDATEAPP"}, 1, id="by role"),
        pytest.param(PRODUCTION, {"role": role_arn("UpdateAPP", PRODUCTION)}, 1, id="by the role's ARN"),
        pytest.param(PRODUCTION, {"principal": DEV.principal_id}, 1, id="by who took it on"),
        pytest.param(PRODUCTION, {"principal": DEV.arn}, 0, id="not by a foreign ARN"),
        pytest.param(PRODUCTION, {"descends_from": DEV.access_key_id}, 0, id="not by a foreign key"),
        pytest.param(None, {"principal": DEV.arn, "descends_from": DEV.access_key_id}, 1, id="but for who sees all"),
        pytest.param(PRODUCTION, {"session": "ASIA1"}, 1, id="by its own key"),
        pytest.param(PRODUCTION, {"session_name": "as-UpdateAPP", "source_address": EVERYWHERE}, 1, id="by where and as"),
        pytest.param(PRODUCTION, {"source_identity": "dev@corp"}, 0, id="another source identity"),
        pytest.param(None, {"trail": PRODUCTION}, 1, id="on one trail"),
        pytest.param(None, {"trail": DEVELOPMENT}, 0, id="on another trail"),
    ],
)  # fmt: skip
async def test_which_sessions_are_found(story, account, filters, count):
    answer = await story.answer(FindSessions(account=account, now=AT, **filters), 7)
    assert len(answer.sessions) == count


async def test_due_sessions_are_those_whose_time_is_over_and_whose_end_is_not_known(ledger, projections):
    one = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1", hours=2)
    two = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA2", hours=1)
    three = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA3", hours=3)
    await projections.caught_up(await append(ledger, one, two, three))
    assert await projections.due_sessions(AT, 10) == []
    due = await projections.due_sessions(AT + 2 * HOUR, 10)
    assert [(each.access_key_id, each.account, each.expires_at) for each in due] == [
        ("ASIA2", PRODUCTION, AT + HOUR),
        ("ASIA1", PRODUCTION, AT + 2 * HOUR),
    ]
    assert [each.access_key_id for each in await projections.due_sessions(AT + 9 * HOUR, 1)] == ["ASIA2"]
    await projections.caught_up(await append(ledger, ends(issued_by(two))))
    assert [each.access_key_id for each in await projections.due_sessions(AT + 2 * HOUR, 10)] == ["ASIA1"]


# --- against a walk over the whole log ------------------------------------------------------


class Walk:
    """The slow way: every entry, seen and judged one by one."""

    def __init__(self, history):
        self.history = list(enumerate(history, 1))
        facts = [fact for event in history for fact in event.facts]
        self.whose = {
            fact.access_key_id: fact.account for fact in facts if isinstance(fact, AccessKeyCreated | SessionIssued)
        }
        facts = [fact for event in history for fact in event.facts]
        self.ended = {fact.access_key_id: fact for fact in facts if isinstance(fact, SessionEnded)}

    def seen(self, query):
        for position, event in self.history:
            if query.account is not None:
                seen = seen_by(event, query.account, self.whose)
            else:
                seen = event if not query.trail or query.trail in accounts_of(event, self.whose) else None
            if seen is not None:
                yield position, seen

    def events(self, query):
        last = query.to_position or len(self.history)
        positions = [
            position
            for position, seen in self.seen(query)
            if query.conditions() <= terms_of(seen)
            and query.from_position <= position <= last
            and (query.since is None or seen.decided_at >= query.since)
            and (query.until is None or seen.decided_at < query.until)
        ]
        return positions[::-1] if query.order is Order.NEWEST else positions

    def sessions(self, query):
        positions = []
        for position, seen in self.seen(query):
            issued = issued_by(seen)
            if issued is None or issued.account != (query.account or query.trail or issued.account):
                continue
            wanted = {term for term in query.conditions() if term[0] != "session/status"}
            if not wanted <= terms_of(seen) | terms_of_session(seen, issued):
                continue
            over = issued.access_key_id in self.ended
            active = not over and query.now < issued.expires_at
            if {Status.ALL: True, Status.ACTIVE: active, Status.ENDED: over}[query.status]:
                positions.append(position)
        return positions[::-1] if query.order is Order.NEWEST else positions


FILTERS = {
    "principal": st.sampled_from([MIA.arn, DEV.arn, role_arn("UpdateAPP", PRODUCTION)]),
    "principal_id": st.sampled_from([MIA.principal_id, ROOT.principal_id, "AROABUILD"]),
    "access_key": st.sampled_from([DEV.access_key_id, MIA.access_key_id, "ASIA0000", "ASIA0003"]),
    "session_name": st.sampled_from(["as-UpdateAPP", "as-Deploy"]),
    "role": st.sampled_from(["AROAUPDATEAPP", role_arn("Audit", PRODUCTION), "AROADEPLOY"]),
    "action": st.sampled_from(["sts:AssumeRole", "iam:*", "s3:GetObject"]),
    "outcome": st.sampled_from(["allowed", "refused", "access-denied"]),
    "source_address": st.sampled_from([EVERYWHERE, STRANGERS]),
}
SESSION_FILTERS = {
    "role": FILTERS["role"],
    "principal": st.sampled_from([DEV.arn, MIA.principal_id, DEV.principal_id]),
    "descends_from": FILTERS["access_key"],
    "session_name": FILTERS["session_name"],
    "source_identity": st.just("dev@corp"),
    "source_address": FILTERS["source_address"],
    "min_depth": st.integers(1, 4),
    "status": st.sampled_from(list(Status)),
}
VIEW = {
    "account": st.sampled_from([*ACCOUNTS, None]),
    "trail": st.sampled_from(["", PRODUCTION]),
    "order": st.sampled_from(list(Order)),
}
BOUNDS = {
    "since": st.sampled_from([AT + SECOND, AT + 60 * SECOND]),
    "until": st.sampled_from([AT + 1800 * SECOND, AT + HOUR]),
    "from_position": st.integers(1, 20),
    "to_position": st.integers(5, 40),
}
FIND_EVENTS = st.fixed_dictionaries(VIEW, optional=FILTERS | BOUNDS).map(lambda asked: FindEvents(**asked))
FIND_SESSIONS = st.fixed_dictionaries(VIEW, optional=SESSION_FILTERS).map(
    lambda asked: FindSessions(now=AT + HOUR, **asked)
)
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


async def pages(projections, query, at, size, between=None):
    """All pages of *query*, each of *size*, with something done in between."""
    shown = []
    while True:
        paged = type(query)(**{name: getattr(query, name) for name in query.__struct_fields__} | {"max_results": size})
        answer = await projections.answer(paged, at)
        shown += [one.position for one in (answer.events if isinstance(query, FindEvents) else answer.sessions)]
        if answer.next_token is None:
            return shown
        left = tokens.read(query, answer.next_token)
        query = type(query)(**{name: getattr(query, name) for name in query.__struct_fields__} | {"resume": left})
        if between is not None:
            at = await between()


@SLOW
@given(history=histories(), events=st.lists(FIND_EVENTS, min_size=6, max_size=6), size=st.integers(1, 7),
       sessions=st.lists(FIND_SESSIONS, min_size=6, max_size=6))  # fmt: skip
def test_every_answer_is_that_of_a_walk_over_the_log(template, tmp_path_factory, history, events, sessions, size):
    async def compare():
        folder = tmp_path_factory.mktemp("walk")
        async with (
            ledger_at(template, folder) as ledger,
            projecting(ledger, folder / "projections.sqlite") as projections,
        ):
            at = await append(ledger, *history)
            walk = Walk(history)
            for query in events:
                assert await pages(projections, query, at, size) == walk.events(query)
            for query in sessions:
                assert await pages(projections, query, at, size) == walk.sessions(query)

    asyncio.run(compare())


@SLOW
@given(history=histories(), query=FIND_EVENTS, size=st.integers(1, 3))
def test_pages_neither_repeat_nor_miss_while_the_log_grows(template, tmp_path_factory, history, query, size):
    async def compare():
        folder = tmp_path_factory.mktemp("grows")
        async with (
            ledger_at(template, folder) as ledger,
            projecting(ledger, folder / "projections.sqlite") as projections,
        ):
            first = await append(ledger, *history)
            late = history[-1].decided_at

            async def more():
                return await append(ledger, makes_user(MIA, "new", at=late), makes_user(DEV, "new", at=late))

            shown = await pages(projections, query, first, size, between=more)
            assert shown == Walk(history).events(query)

    asyncio.run(compare())


async def test_a_page_ends_where_the_search_was_given_up_and_the_next_goes_on(ledger, tmp_path):
    """Two lists that never agree are not walked through in one request."""
    history = [
        event
        for number in range(40)
        for event in (makes_user(MIA, f"u{number}"), refused_role(MIA, "UpdateAPP", PRODUCTION))
    ]
    at = await append(ledger, *history, assumes(MIA, "Audit", PRODUCTION, "ASIA1"))
    async with projecting(
        ledger, tmp_path / "p.sqlite", limits=Limits(effort=Effort(steps=5, rounds=2))
    ) as projections:
        for order in Order:
            query = FindEvents(account=PRODUCTION, action="iam:CreateUser", outcome="refused", order=order)
            answer = await projections.answer(query, at)
            assert answer.events == ()
            assert answer.next_token is not None
            assert await pages(projections, query, at, 5) == []
            query = FindEvents(account=PRODUCTION, action="sts:AssumeRole", outcome="allowed", order=order)
            assert await pages(projections, query, at, 1) == [81]


async def test_an_index_that_lies_shows_nobody_anything(ledger, projections, tmp_path):
    """Hashes may collide, and files be tampered with: the entry itself decides."""
    at = await append(ledger, makes_user(MIA, "x", request_id="a"), refused_role(MIA, "R", PRODUCTION, request_id="b"))
    await projections.caught_up(at)
    with closing(sqlite3.connect(tmp_path / "projections.sqlite")) as connection:
        terms = [row for (row,) in connection.execute("SELECT DISTINCT term FROM posting")]
        lies = [(0, term, int(account), 0, 0b110) for term in terms for account in ACCOUNTS]
        connection.executemany("INSERT OR REPLACE INTO posting VALUES (?, ?, ?, ?, ?)", lies)
        connection.commit()
    assert await found(projections, account=DEVELOPMENT) == []
    assert await found(projections, account=PRODUCTION, action="iam:CreateUser") == [1]
    assert await found(projections, account=PRODUCTION, outcome="refused") == [2]
    assert (await projections.answer(OneEvent(id="b", account=PRODUCTION), at)).position == 2
    assert isinstance(await projections.answer(OneEvent(id="b", account=DEVELOPMENT), at), Refusal)
    assert (await projections.answer(FindSessions(account=PRODUCTION, now=AT), at)).sessions == ()
