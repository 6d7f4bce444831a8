"""Each session ends once in the log: those that were revoked together, too, with the moment and the cause."""

from __future__ import annotations

import msgspec

from authority.access.recording import act_of_authority
from authority.committer import folded
from authority.ledger.codec import new_entry
from authority.model.event import read_event
from authority.model.revocations import NONE
from authority.model.sessions import EndCause, SessionEnded
from authority.model.state import EMPTY
from authority.replay.folding import Version
from authority.sessions.revocation import revoke_descendants, revoke_role_sessions
from authority.workers import RevokedSessions, end_due_sessions
from tests.projections.conftest import ledger, projections, template
from tests.sessions.test_revocation import BOSSES, INCIDENT, incident, revoke
from tests.sessions.world import ANNS, AUDIT_ARN, GIVEN, World, held

__all__ = ["ledger", "projections", "template"]


class Scribe:
    """Writes what a world decides into a log, position by position."""

    def __init__(self, ledger, world: World, *first) -> None:
        self.ledger, self.world, self.written = ledger, world, [GIVEN, first]
        self.decide = world.decide
        world.decide = self.remember

    def remember(self, *args, **more):
        decision = self.decide(*args, **more)
        self.written.append((decision.facts, decision.once))
        return decision

    def now(self):
        return self.world.now

    async def write(self) -> Version:
        given, first, *decided = self.written
        for facts, once in ((given, ()), (first, ()), *decided):
            body = act_of_authority("Tested", tuple(facts), self.world.now)
            head = (await self.ledger.head()).position
            await self.ledger.append([new_entry(body, once=tuple(once))], folded=head)
        self.written = [(), ()]
        return await folded(self.ledger, Version(0, 0, EMPTY))

    async def ends(self) -> dict[str, SessionEnded]:
        entries = await self.ledger.read(0, 1000)
        facts = [fact for entry in entries for fact in read_event(entry.body).facts if isinstance(fact, SessionEnded)]
        ends = {fact.access_key_id: fact for fact in facts}
        assert len(ends) == len(facts), "a session ended twice"
        return ends


def scribe(ledger) -> Scribe:
    return Scribe(ledger, incident(), *INCIDENT)


async def test_each_session_of_the_role_ends_when_it_was_revoked_and_no_other_does(ledger, projections):
    book = scribe(ledger)
    world = book.world
    mine, other = held(world.assume()), held(world.assume(AUDIT_ARN))
    alone = held(world.assume())
    revoke(world, alone)
    world.decide(revoke_role_sessions, {"name": "Deploy"}, who=BOSSES)
    later = held(world.assume())
    moment = world.now
    version = await book.write()
    world.wait(minutes=1)
    worker = RevokedSessions(ledger, projections.answer, book)
    assert await worker.end(version) == 1
    ends = await book.ends()
    assert set(ends) == {mine.access_key_id, alone.access_key_id}
    assert (ends[mine.access_key_id].effective_at, ends[mine.access_key_id].cause) == (moment, EndCause.REVOKED)
    assert {other.access_key_id, later.access_key_id}.isdisjoint(ends)
    assert await worker.end(version) == 0


async def test_what_a_key_led_to_ends_in_every_account_and_at_every_depth(ledger, projections):
    book = scribe(ledger)
    world = book.world
    role = held(world.assume())
    sessions = [role, held(world.assume(AUDIT_ARN, who=role)), held(world.get_session_token())]
    world.decide(revoke_descendants, {"id": ANNS.access_key_id})
    world.assume()
    version = await book.write()
    assert await RevokedSessions(ledger, projections.answer, book).end(version) == 3
    assert set(await book.ends()) == {session.access_key_id for session in sessions}


async def test_what_was_revoked_did_not_expire_even_if_it_is_written_down_too_late(ledger, projections):
    book = scribe(ledger)
    world = book.world
    session = held(world.assume(DurationSeconds=900))
    world.decide(revoke_descendants, {"id": ANNS.access_key_id})
    moment = world.now
    version = await book.write()
    world.wait(hours=1)
    await RevokedSessions(ledger, projections.answer, book).end(version)
    head = (await ledger.head()).position
    await projections.caught_up(head)
    await end_due_sessions(ledger, projections.due_sessions, book)
    end = (await book.ends())[session.access_key_id]
    assert (end.cause, end.effective_at) == (EndCause.REVOKED, moment)


async def test_many_are_ended_page_by_page(ledger, projections, monkeypatch):
    monkeypatch.setattr("authority.workers.ENDS_AT_ONCE", 3)
    book = scribe(ledger)
    world = book.world
    for _ in range(10):
        world.assume()
    world.decide(revoke_descendants, {"id": ANNS.access_key_id})
    assert await RevokedSessions(ledger, projections.answer, book).end(await book.write()) == 10


async def test_nothing_is_remembered_of_a_revocation_that_is_forgotten(ledger, projections):
    book = scribe(ledger)
    world = book.world
    world.assume()
    world.decide(revoke_descendants, {"id": ANNS.access_key_id})
    worker = RevokedSessions(ledger, projections.answer, book)
    version = await book.write()
    assert await worker.end(version) == 1
    assert worker.known == {(ANNS.access_key_id, next(iter(version.state.revocations.ancestors.values())).through)}
    forgotten = msgspec.structs.replace(version.state, revocations=NONE)
    assert await worker.end(Version(version.position, version.configured, forgotten)) == 0
    assert worker.known == set()
