"""What led where, against a brute-force walk over whole histories; and tables of what each question tells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings

from authority.audit.answers import SeenEvent, SessionRecord
from authority.audit.queries import Standing
from authority.audit.records import session_record
from authority.audit.terms import Field, depth_of, issued_by, terms_of
from authority.kernel.ids import AccessKeyId
from authority.model import principals
from authority.model.event import Event
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, evolve
from authority.replay.chains import Chain, Paths, sessions_before, step_of
from authority.replay.lineage import Link, lineage, session_link
from authority.replay.reaching import Reaching, led_to
from authority.replay.sightings import DeadKeys, Edges, Sighting, earlier, holds
from authority.replay.timeline import timeline
from tests.audit.stories import (
    AT,
    DEV,
    DEVELOPMENT,
    HOUR,
    MIA,
    PRODUCTION,
    SECOND,
    STRANGERS,
    TESTER,
    asked,
    assumes,
    histories,
    in_session,
    judges,
    key_of,
    makes_key,
    makes_user,
    refused_role,
    tried,
)


def seen(*events: Event) -> list[SeenEvent]:
    return [SeenEvent(position=n, recorded_at=event.decided_at, event=event) for n, event in enumerate(events, 1)]


def followed(start: str, entries: list[SeenEvent]) -> Reaching:
    """As the driver does it, with an index made of the terms."""
    reaching, pending = Reaching(start), [start]
    while pending:
        named = pending.pop()
        for one in entries:
            if (Field.ACCESS_KEY, named) in terms_of(one.event):
                pending += reaching.take(named, one)
    return reaching


def brute_force(start: str, entries: list[SeenEvent]) -> set[str]:
    """Every credential that a request made, which was signed with one that is in the set; until nothing is new."""
    found = {start}
    while True:
        new = {
            fact.access_key_id
            for one in entries
            if one.event.caller is not None and one.event.caller.access_key_id in found
            for fact in one.event.facts
            if isinstance(fact, (SessionIssued, principals.AccessKeyCreated))
        }
        if new <= found:
            return found
        found |= new


@given(histories())
@settings(max_examples=60)
def test_what_a_credential_led_to_is_what_a_walk_over_everything_finds(events):
    entries = seen(*events)
    issued = [one for event in events if (one := issued_by(event)) is not None]
    for start in [key_of("mia"), key_of("dev"), *(one.access_key_id for one in issued[:4])]:
        radius = followed(start, entries).answer()
        reached = {one.access_key_id for one in radius.credentials}
        assert reached == brute_force(start, entries)
        # A session carries the keys that led to it: both tell the same.
        descended = {one.access_key_id for one in issued if start in one.ancestors}
        assert descended <= reached
        edges = {child: parent for parent, child in led_to(radius)}
        assert set(edges) == reached - {start}
        uses = {one.access_key_id: one.uses for one in radius.credentials}
        for key, count in uses.items():
            asked_with = [e for e in events if e.caller is not None and e.caller.access_key_id == key]
            judged = [
                d for e in events for d in e.decisions if d.judged == key and not d.unproven and e not in asked_with
            ]
            assert count == len(asked_with) + len(judged)


def records(events: list[Event]) -> list[SessionRecord]:
    found = []
    for position, event in enumerate(events, 1):
        issued = issued_by(event)
        if issued is not None:
            found.append(session_record(position, event, issued, None, Standing.ACTIVE))
    return found


@given(histories())
@settings(max_examples=60)
def test_a_lineage_is_the_walk_from_caller_to_caller(events):
    issued = {one.access_key_id: one for event in events if (one := issued_by(event)) is not None}
    known = {one.access_key_id: session_link(one) for one in records(events)}
    for record in records(events):
        walk, at = [], issued[record.access_key_id]
        while True:
            walk.append(at.caller_access_key_id)
            if at.caller_access_key_id not in issued:
                break
            at = issued[at.caller_access_key_id]
        links = {walk[-1]: Link(access_key_id=walk[-1], kind="key", arn="the root"), **known}
        told = lineage(record, links)
        assert [link.access_key_id for link in told.chain] == [*reversed(walk), record.access_key_id]
        assert told.whole
        assert told.root.arn == "the root"
        assert told.root.principal_id == at.caller_principal_id


def test_of_what_is_withheld_a_lineage_says_no_more_than_that_it_is_there():
    chain = assumes(DEV, "Build", DEVELOPMENT, "ASIA1")
    (first,) = records([chain])
    told = lineage(first, {})
    assert [link.kind for link in told.chain] == ["withheld", "session"]
    assert not told.whole


def test_a_radius_says_what_was_made_and_where():
    issued = issued_by(assumes(DEV, "Audit", PRODUCTION, "ASIA1"))
    session = in_session(issued)
    plant = principals.AccessKeyCreated(account=PRODUCTION, access_key_id=AccessKeyId("AKIAPLANTED"), owner="AIDAX")
    entries = seen(
        assumes(DEV, "Audit", PRODUCTION, "ASIA1"),
        makes_user(session, "x", request_id="r2"),
        asked("iam:CreateAccessKey", session, plant, request_id="r3"),
        refused_role(session, "Deploy", PRODUCTION, request_id="r4"),
        refused_role(session, "Deploy", PRODUCTION, request_id="r5"),
        judges(MIA, session, request_id="r6"),
        judges(MIA, session, request_id="r7", unproven="expired-token"),
        makes_user(MIA, "innocent"),
    )
    radius = followed(key_of("dev"), entries).answer()
    assert [(one.access_key_id, one.parent, one.depth) for one in radius.credentials] == [
        (key_of("dev"), "", 0), ("ASIA1", key_of("dev"), 1), ("AKIAPLANTED", "ASIA1", 2),
    ]  # fmt: skip
    assert [(one.fact, one.access_key_id) for one in radius.changes] == [
        ("user-created", "ASIA1"), ("access-key-created", "ASIA1"),
    ]  # fmt: skip
    acts = {(act.action, act.outcome, act.judged): act.count for act in radius.acts}
    assert acts["sts:AssumeRole", "access-denied", False] == 2
    assert acts["s3:GetObject", "allowed", True] == 1
    assert radius.accounts == (PRODUCTION, DEVELOPMENT)
    assert (radius.credentials[1].uses, radius.credentials[1].refused) == (5, 2)


# --- sources, firsts, dead keys -------------------------------------------------------------


def test_sources_count_uses_by_address_and_say_how_long_after_the_first():
    sighting = Sighting(key_of("dev"))
    for one in seen(
        makes_user(DEV, "a"),
        makes_user(DEV, "b", at=AT + HOUR),
        refused_role(DEV, "Audit", PRODUCTION, at=AT + 90 * SECOND, source=STRANGERS),
        makes_user(MIA, "c"),
        tried(key_of("dev"), at=AT + 2 * HOUR),
    ):
        sighting.take(one)
    told = [
        (one.source_address, one.proven, one.count, one.refused, one.seconds_after_first)
        for one in sighting.answer().sources
    ]
    assert told == [
        ("192.0.2.7", True, 2, 0, None),
        (STRANGERS, True, 1, 1, 90.0),
        (STRANGERS, False, 2, 2, 7200.0),
    ]


def test_what_was_refused_was_not_done_but_its_source_was_seen():
    edges = Edges()
    for one in seen(refused_role(DEV, "Audit", PRODUCTION), assumes(MIA, "Audit", PRODUCTION, "ASIA1")):
        edges.take(one)
    assert {(edge.principal_id, edge.kind, edge.value) for edge in edges.found} == {
        ("AIDADEV", "source-address", "192.0.2.7"),
        ("AIDAMIA", "source-address", "192.0.2.7"),
        ("AIDAMIA", "action", "sts:AssumeRole"),
        ("AIDAMIA", "role", "AROAAUDIT"),
    }


@given(histories())
@settings(max_examples=30)
def test_an_edge_is_found_again_by_the_filters_that_look_for_it(events):
    field = {"principal_id": Field.PRINCIPAL_ID, "role": Field.ROLE, "source_address": Field.SOURCE_ADDRESS, "action": Field.ACTION}  # fmt: skip
    for one in seen(*events):
        edges = Edges()
        edges.take(one)
        for edge in edges.found:
            terms = {
                (field[name], value.lower() if name == "action" else value) for name, value in earlier(edge).items()
            }
            assert terms <= terms_of(one.event)
            assert holds(edge, one.event)


def test_dead_keys_are_told_by_key_source_and_reason():
    state = evolve(EMPTY, makes_key(DEV, "dev").facts, AT)
    keys = DeadKeys(state)
    for one in seen(tried(key_of("dev"), ""), tried(key_of("dev"), at=AT + HOUR)):
        keys.take(one)
    (use,) = keys.answer().uses
    assert (use.access_key_id, use.count, use.last - use.first, use.status) == (key_of("dev"), 4, HOUR, "Active")


# --- chains and timelines -------------------------------------------------------------------


def chains(ends, steps, *, cycles: bool = False) -> tuple[Chain, ...]:
    paths = Paths(min_depth=2, cycles=cycles)
    for end in ends:
        paths.take(end, steps)
    return paths.answer().chains


def test_chains_are_grouped_by_their_path_and_cycles_are_found():
    first = assumes(DEV, "Build", DEVELOPMENT, "ASIA1")
    second = assumes(in_session(issued_by(first)), "Audit", PRODUCTION, "ASIA2")
    third = assumes(in_session(issued_by(second)), "Build", DEVELOPMENT, "ASIA3")
    again = assumes(in_session(issued_by(first)), "Audit", PRODUCTION, "ASIA4", at=AT + HOUR)
    ends = records([first, second, third, again])
    steps = {one.access_key_id: step_of(one) for one in ends}
    assert [depth_of(one.ancestors) for one in ends] == [1, 2, 3, 2]
    build, audit = f"arn:aws:iam::{DEVELOPMENT}:role/Build", f"arn:aws:iam::{PRODUCTION}:role/Audit"
    told = chains(ends, steps)
    assert [(one.path, one.count, one.cycle, one.sample) for one in told] == [
        ((build, audit, build), 1, True, "ASIA3"),
        ((build, audit), 2, False, "ASIA4"),
    ]
    assert told[0].accounts == (DEVELOPMENT, PRODUCTION)
    assert [one.path for one in chains(ends, steps, cycles=True)] == [(build, audit, build)]
    assert list(sessions_before(ends[2])) == ["ASIA1", "ASIA2"]
    assert chains(ends[1:2], {})[0].path == ("?", audit)


def test_a_timeline_counts_what_was_refused_until_it_worked():
    events = (
        refused_role(TESTER, "Audit", PRODUCTION),
        refused_role(TESTER, "Audit", PRODUCTION, at=AT + SECOND),
        refused_role(TESTER, "UpdateAPP", PRODUCTION),
        assumes(TESTER, "Audit", PRODUCTION, "ASIA1", at=AT + HOUR),
        assumes(TESTER, "Audit", PRODUCTION, "ASIA2", at=AT + 2 * HOUR),
    )
    told = timeline(seen(*events), denials=False)
    assert [(one.refused_before, one.led_to) for one in told] == [(2, ("ASIA1",)), (0, ("ASIA2",))]
    assert told[0].because
    told = timeline(seen(*events), denials=True)
    assert [one.outcome for one in told] == ["access-denied"] * 3 + ["allowed"] * 2
    assert told[0].silent


@pytest.mark.parametrize("hours", [0, 5])
def test_times_are_those_of_the_decisions(hours):
    (one,) = timeline(seen(makes_user(DEV, "a", at=AT + timedelta(hours=hours))), denials=False)
    assert one.at == AT + timedelta(hours=hours)
