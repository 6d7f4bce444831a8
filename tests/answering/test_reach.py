"""The state as of a point of a long log is folded from the nearest snapshot before it, and comes out as from nothing."""

from __future__ import annotations

import pytest

from authority.accounts.inquiry import Inquiry
from authority.accounts.travelling import GetStateAsOf
from authority.answering.reach import NEAR, Reach, Sources
from authority.ledger.codec import new_entry
from authority.ledger.port import Snapshot
from authority.model import authority, principals
from authority.model.event import write_event
from authority.model.state import canonical, state_format
from authority.replay.as_of import Versions, as_of
from tests.model.test_state import AT
from tests.replay.test_as_of import ACCOUNT, event

SNAPSHOTS = (NEAR + 1_000, NEAR + 2_000, NEAR + 3_000)
LENGTH = NEAR + 4_000
ASKED = Inquiry(of=GetStateAsOf(when="now"), eyes=None, about="", now=AT, partition="aws")


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    """One account, and a user in every hundredth entry; nothing else configures."""
    nothing = write_event(event(1, ()))
    made = [nothing] * LENGTH
    made[0] = write_event(event(1, (authority.AccountCreated(account=ACCOUNT, name="A"),)))
    for at in range(100, LENGTH, 100):
        user = principals.UserCreated(account=ACCOUNT, user_id=f"AIDA{at}", name=f"user-{at}", path="/")
        made[at - 1] = write_event(event(1, (user,)))
    return made


class Watched:
    """A real ledger, and from where on it was read."""

    def __init__(self, ledger):
        self._ledger, self.read_after = ledger, []

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def read(self, after, limit, lane=None):
        self.read_after.append(after)
        return await self._ledger.read(after, limit, lane)


async def test_as_of_answers_from_an_older_snapshot_what_a_fold_from_nothing_answers(ledger, bodies):
    for start in range(0, LENGTH, 4096):
        await ledger.append([new_entry(body) for body in bodies[start : start + 4096]], folded=start)
    for position in SNAPSHOTS:
        state = (await as_of(ledger, position)).state
        root = await ledger.root_at(position)
        await ledger.put_snapshot(Snapshot(position, root, state_format(), canonical(state)))
    live = await as_of(ledger, LENGTH)
    for position, nearest in (
        (SNAPSHOTS[0], SNAPSHOTS[0]),
        (SNAPSHOTS[1] - 1, SNAPSHOTS[0]),
        (SNAPSHOTS[1] + 150, SNAPSHOTS[1]),
        (LENGTH - 150, SNAPSHOTS[2]),
        (SNAPSHOTS[0] - 1, 0),
    ):
        assert await looked_from(ledger, live, position) == nearest
    root = await ledger.root_at(SNAPSHOTS[0])
    await ledger.put_snapshot(Snapshot(SNAPSHOTS[0], root, "of another release", b"{}"))
    assert await looked_from(ledger, live, SNAPSHOTS[0] + 150) == 0


async def looked_from(ledger, live, position) -> int:
    """From where on the state as of *position* was folded; it is what a fold from nothing is."""
    watched = Watched(ledger)
    reach = Reach(Sources(watched, None, Versions(), lambda: live), ASKED, LENGTH)
    found, wanted = await reach.version(position), await as_of(ledger, position)
    assert (found.position, found.configured) == (wanted.position, wanted.configured)
    assert canonical(found.state) == canonical(wanted.state)
    assert len(found.state.accounts[ACCOUNT].users) == position // 100
    return min(watched.read_after, default=position)
