"""What every store promises (`ledger.port.Ledger`)."""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from authority.ledger.codec import digest_of
from authority.ledger.port import (
    BEGINNING,
    MAX_BODY,
    Claimed,
    DropSecret,
    Lane,
    LedgerCorrupt,
    LedgerUnavailable,
    Moved,
    PutSecret,
    SignedHead,
    Snapshot,
    Vault,
)
from authority.ledger.tlog import EMPTY_ROOT, Frontier, check_consistency, check_inclusion, leaf_hash

from .stores import EPOCH, SECOND, config, entries, entry


async def everything(ledger):
    found = []
    while more := await ledger.read(len(found), 500):
        found += more
    return found


async def subjects(ledger):
    return [found.subject for found in await everything(ledger)]


def root_over(new):
    frontier = Frontier()
    for one in new:
        frontier.append(leaf_hash(one.body))
    return frontier.root()


# --- order ---------------------------------------------------------------------------------


async def test_an_empty_ledger_ends_where_it_begins(ledger):
    head = await ledger.head()
    assert (head.position, head.root, head.at) == (0, EMPTY_ROOT, BEGINNING)
    assert await ledger.read(0, 10) == []
    assert await ledger.verify() == head


async def test_positions_start_at_one_and_have_no_gaps(ledger):
    assert await ledger.append(entries(3), folded=0) == 1
    assert await ledger.append(entries(1), folded=3) == 4
    assert await ledger.append(entries(200), folded=0) == 5
    assert [found.position for found in await everything(ledger)] == list(range(1, 205))


async def test_what_is_read_is_what_was_appended(ledger):
    new = [entry("me", at=1, type="x", v=3, pad=5000), config("ü\u2028\U0001f511", at=2), entry("", at=3)]
    await ledger.append(new, folded=0)
    for found, wanted in zip(await ledger.read(0, 10), new, strict=True):
        for field in ("body", "lane", "type", "v", "subject"):
            assert getattr(found, field) == getattr(wanted, field)
        assert found.leaf == leaf_hash(wanted.body)
        assert found.at == wanted.decided_at


async def test_recorded_time_never_goes_back(ledger):
    await ledger.append([entry(at=5), entry(at=3), entry(at=7)], folded=0)
    await ledger.append([entry(at=1)], folded=0)
    assert [found.at for found in await ledger.read(0, 10)] == [EPOCH + at * SECOND for at in (5, 5, 7, 7)]
    assert (await ledger.head()).at == EPOCH + 7 * SECOND


async def test_recorded_time_keeps_its_microseconds(ledger):
    moment = EPOCH + timedelta(microseconds=123_457)
    odd = entry()
    odd = msgspec.structs.replace(odd, decided_at=moment, body=odd.body.replace(b"00:00:00+00:00", b"00:00:00.123457Z"))
    await ledger.append([odd], folded=0)
    assert (await ledger.head()).at == moment


async def test_the_head_is_the_tree_over_all_entries(ledger):
    new = entries(300)
    await ledger.append(new[:7], folded=0)
    assert (await ledger.head()).root == root_over(new[:7])
    await ledger.append(new[7:], folded=0)
    assert (await ledger.head()).root == root_over(new)


async def test_a_read_is_bounded_and_keeps_to_its_lane(ledger):
    await ledger.append([entry("1"), config("2"), entry("3"), config("4"), entry("5")], folded=0)
    assert [found.position for found in await ledger.read(1, 2)] == [2, 3]
    assert [found.position for found in await ledger.read(0, 10, Lane.CONFIG)] == [2, 4]
    assert [found.position for found in await ledger.read(2, 10, Lane.CONFIG)] == [4]
    assert [found.position for found in await ledger.read(1, 1, Lane.SESSION)] == [3]
    assert await ledger.read(5, 10) == []


async def test_entries_come_in_the_order_asked_for(ledger):
    await ledger.append(entries(5), folded=0)
    assert [found.position for found in await ledger.entries_at([4, 1, 4])] == [4, 1, 4]
    assert await ledger.entries_at([]) == []


@pytest.mark.parametrize("position", [0, -1, 3])
async def test_a_position_that_never_was_is_a_lookup_error(ledger, position):
    await ledger.append(entries(2), folded=0)
    with pytest.raises(LookupError):
        await ledger.entries_at([1, position])


@pytest.mark.parametrize(
    ("asked", "position"), [(-1, 0), (0, 1), (1, 1), (2, 4), (3, 4), (9, 5), (-(10**9), 0)], ids=str
)
async def test_a_moment_is_found_by_halving(ledger, asked, position):
    await ledger.append([entry(at=at) for at in (0, 2, 2, 1, 5)], folded=0)
    assert await ledger.position_at(EPOCH + asked * SECOND) == position


# --- conditions ----------------------------------------------------------------------------


async def test_nothing_is_appended_when_configuration_moved(ledger):
    await ledger.append([entry(), config()], folded=0)
    assert await ledger.append(entries(2), folded=1) == Moved(1)
    assert await ledger.append([config(), config()], folded=2) == 3
    assert await ledger.append(entries(2), folded=1) == Moved(3)
    assert await ledger.append(entries(2), folded=4) == 5
    assert (await ledger.head()).position == 6


async def test_sessions_appended_since_do_not_matter(ledger):
    await ledger.append([config(), *entries(5)], folded=0)
    assert await ledger.append([config()], folded=1) == 7


async def test_having_folded_more_than_there_is_means_a_log_was_lost(ledger):
    await ledger.append(entries(2), folded=0)
    with pytest.raises(LedgerCorrupt) as told:
        await ledger.append(entries(1), folded=3)
    assert told.value.position == 3
    assert (await ledger.head()).position == 2


async def test_a_once_key_is_claimed_once(ledger):
    assert await ledger.append([entry(once=["a", "b"])], folded=0) == 1
    assert await ledger.append([entry(once=["c"]), entry(once=["b", "d"]), entry()], folded=0) == Claimed(
        frozenset("b")
    )
    assert await ledger.append([entry(once=["c"]), entry(once=["d"])], folded=0) == 2


async def test_a_once_key_is_claimed_once_within_a_batch(ledger):
    assert await ledger.append([entry(once=["a"]), entry(once=["b"]), entry(once=["a"])], folded=0) == Claimed(
        frozenset("a")
    )
    assert (await ledger.head()).position == 0
    assert await ledger.append([entry(once=["a"]), entry(once=["b"])], folded=0) == 1


async def test_all_taken_keys_are_named(ledger):
    keys = [f"key {number}" for number in range(150)]
    await ledger.append([entry(once=keys)], folded=0)
    assert await ledger.append([entry(once=[*keys, "free"])], folded=0) == Claimed(frozenset(keys))


async def test_a_refused_append_leaves_nothing_beside_the_log(ledger):
    await ledger.append([config(once=["taken"], rows=[PutSecret("old", "p", b"1")])], folded=0)
    rows = [PutSecret("new", "p", b"2"), DropSecret("old")]
    assert await ledger.append([config(rows=rows)], folded=0) == Moved(1)
    assert await ledger.append([config(rows=rows, once=["taken"])], folded=1) == Claimed(frozenset(["taken"]))
    assert await ledger.secrets("p") == [("old", b"1")]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(entry(pad=MAX_BODY), id="a body that is too large"),
        pytest.param(msgspec.structs.replace(entry(), subject="another"), id="a header that disagrees"),
        pytest.param(msgspec.structs.replace(entry(), body=b"{}"), id="a body without header"),
        pytest.param(entry(once=["a", "a"]), id="a key claimed twice by one"),
    ],
)
async def test_what_may_not_be_stored_takes_the_batch_with_it(ledger, bad):
    with pytest.raises(ValueError):
        await ledger.append([entry(), bad], folded=0)
    with pytest.raises(ValueError):
        await ledger.append_fresh([entry(), bad])
    assert (await ledger.head()).position == 0


async def test_an_empty_batch_is_a_mistake(ledger):
    with pytest.raises(ValueError, match="nothing to append"):
        await ledger.append([], folded=0)


# --- what several may propose ---------------------------------------------------------------


async def test_only_fresh_entries_are_numbered(ledger):
    await ledger.append([entry(once=["end:1"])], folded=0)
    proposed = [
        entry("again", once=["end:1"]),
        entry("two", once=["end:2"]),
        entry("two again", once=["end:2"]),
        entry("without a key"),
        entry("half taken", once=["end:3", "end:1"]),
        entry("three", once=["end:3"]),
    ]
    assert await ledger.append_fresh(proposed) == (None, 2, None, 3, None, 4)
    assert await subjects(ledger) == ["somebody", "two", "without a key", "three"]
    assert await ledger.append_fresh(proposed[:3]) == (None, None, None)
    assert await ledger.append_fresh([]) == ()


async def test_the_end_of_a_session_waits_for_no_configuration(ledger):
    await ledger.append([config()], folded=0)
    assert await ledger.append_fresh([entry(once=["end:1"])]) == (2,)


async def test_configuration_is_never_appended_without_its_condition(ledger):
    with pytest.raises(ValueError, match="condition"):
        await ledger.append_fresh([entry(), config()])
    assert (await ledger.head()).position == 0


# --- beside the log ---------------------------------------------------------------------------


async def test_secrets_are_kept_replaced_and_destroyed_with_entries(ledger):
    assert await ledger.secret("a") is None
    await ledger.append([entry(rows=[PutSecret("a", "totp", b"1"), PutSecret("b", "totp", b"2")])], folded=0)
    assert await ledger.secret("a") == ("totp", b"1")
    assert await ledger.secrets("totp") == [("a", b"1"), ("b", b"2")]
    await ledger.append([entry(rows=[PutSecret("a", "key", b"3")]), entry(rows=[DropSecret("b")])], folded=1)
    assert await ledger.vault() == Vault(3, {"a": digest_of("key", b"3")})
    assert await ledger.secrets("key") == [("a", b"3")]
    assert await ledger.secrets("totp") == []
    await ledger.append([entry(rows=[DropSecret("a"), DropSecret("never there")])], folded=3)
    assert await ledger.secret("a") is None


async def test_the_last_row_of_a_batch_counts(ledger):
    await ledger.append(
        [
            entry(rows=[PutSecret("put last", "p", b"1"), DropSecret("put last")]),
            entry(rows=[PutSecret("put last", "p", b"2"), PutSecret("dropped last", "p", b"3")]),
            entry(rows=[DropSecret("dropped last")]),
        ],
        folded=0,
    )
    assert await ledger.secrets("p") == [("put last", b"2")]


async def test_the_newest_snapshots_are_kept(ledger):
    assert await ledger.latest_snapshot() is None
    for size in range(1, 7):
        await ledger.append(entries(1), folded=0)
        made = Snapshot(size, (await ledger.head()).root, "state/1", b"state %d" % size)
        await ledger.put_snapshot(made)
        assert await ledger.latest_snapshot() == made


async def test_older_snapshots_are_kept_here_and_there(ledger):
    await ledger.append([*entries(7), config(), *entries(392)], folded=0)
    for position in range(4, 401, 4):
        await ledger.put_snapshot(Snapshot(position, await ledger.root_at(position), "1", b"%d" % position))
    kept = [one.position for one in await ledger.snapshots()]
    assert kept[-3:] == [392, 396, 400]
    assert 8 < len(kept) <= 19
    assert max(after - before for before, after in itertools.pairwise([0, *kept])) <= 3 * 400 / 17
    for position in (0, 3, kept[0], kept[5] + 1, 399):
        wanted = max((one for one in kept if one <= position), default=None)
        found = await ledger.latest_snapshot(position)
        assert (found and found.position) == wanted
    assert [await ledger.configured_at(at) for at in (0, 7, 8, 400)] == [0, 0, 8, 8]


async def test_a_snapshot_may_lag_behind(ledger):
    await ledger.append(entries(300), folded=0)
    made = Snapshot(260, await ledger.root_at(260), "state/1", b"")
    await ledger.put_snapshot(made)
    await ledger.put_snapshot(msgspec.structs.replace(made, body=b"made again"))
    assert (await ledger.latest_snapshot()).body == b"made again"


@pytest.mark.parametrize(
    ("position", "root"), [(2, bytes(32)), (3, EMPTY_ROOT), (0, bytes(32)), (-1, EMPTY_ROOT)], ids=str
)
async def test_a_snapshot_of_another_history_is_refused(ledger, position, root):
    await ledger.append(entries(2), folded=0)
    with pytest.raises(ValueError):
        await ledger.put_snapshot(Snapshot(position, root, "state/1", b""))
    assert await ledger.latest_snapshot() is None


# --- proofs -----------------------------------------------------------------------------------


async def test_the_root_at_every_size_is_that_of_its_entries(ledger):
    new = entries(530)
    await ledger.append(new, folded=0)
    for size in (0, 1, 2, 3, 100, 255, 256, 257, 511, 512, 513, 530):
        assert await ledger.root_at(size) == root_over(new[:size]), size
    for size in (-1, 531):
        with pytest.raises(LookupError):
            await ledger.root_at(size)


async def test_any_entry_can_be_proven_to_be_in_any_later_tree(ledger):
    new = entries(530)
    await ledger.append(new, folded=0)
    for position, size in [(1, 1), (1, 530), (256, 256), (257, 530), (512, 513), (530, 530), (300, 401)]:
        proof = await ledger.prove_inclusion(position, size)
        check_inclusion(leaf_hash(new[position - 1].body), position - 1, size, proof, root_over(new[:size]))


async def test_any_tree_can_be_proven_to_continue_an_earlier_one(ledger):
    new = entries(530)
    await ledger.append(new, folded=0)
    for old, size in [(1, 530), (256, 257), (255, 512), (512, 513), (300, 530), (530, 530)]:
        proof = await ledger.prove_consistency(old, size)
        check_consistency(old, size, proof, root_over(new[:old]), root_over(new[:size]))


async def test_nothing_is_proven_of_a_tree_that_never_was(ledger):
    await ledger.append(entries(3), folded=0)
    with pytest.raises(LookupError):
        await ledger.prove_inclusion(1, 4)
    with pytest.raises(LookupError):
        await ledger.prove_consistency(1, 4)


async def test_a_part_can_be_verified_from_a_root_that_is_trusted(ledger):
    new = entries(600, at=4)
    await ledger.append(new, folded=0)
    head = await ledger.head()
    assert await ledger.verify(300, root=root_over(new[:300])) == head
    assert await ledger.verify(600, root=head.root) == head
    part = await ledger.verify(0, to=513)
    assert (part.position, part.root, part.at) == (513, root_over(new[:513]), EPOCH + 4 * SECOND)
    with pytest.raises(LookupError):
        await ledger.verify(0, to=601)


async def test_a_root_that_is_not_the_logs_stops_the_verification(ledger):
    await ledger.append(entries(5), folded=0)
    with pytest.raises(LedgerCorrupt, match="trusted"):
        await ledger.verify(3, root=bytes(32))
    with pytest.raises(LedgerCorrupt) as told:
        await ledger.verify(9)
    assert told.value.position == 6


# --- waiting ----------------------------------------------------------------------------------


async def test_waiting_ends_at_once_when_the_head_is_past(ledger):
    await ledger.append(entries(2), folded=0)
    async with asyncio.timeout(5):
        await ledger.wait(1)


async def test_waiting_ends_when_enough_was_appended(ledger):
    waiting = [asyncio.ensure_future(ledger.wait(after)) for after in (0, 0, 1, 2)]
    await ledger.append(entries(1), folded=0)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting[:2])
    assert not waiting[2].done()
    await ledger.append(entries(2), folded=0)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_a_closed_ledger_is_unavailable(store, tmp_path):
    ledger = await store.open(store.make(tmp_path))
    await ledger.append(entries(1), folded=0)
    await ledger.close()
    await ledger.close()
    for call in (ledger.append(entries(1), folded=0), ledger.head(), ledger.read(0, 1), ledger.checkpoint()):
        with pytest.raises(LedgerUnavailable):
            await call


async def test_what_was_appended_is_there_after_opening_again(store, tmp_path):
    url = store.make(tmp_path)
    ledger = await store.open(url)
    await ledger.append([entry(once=["a"], rows=[PutSecret("s", "p", b"1")]), *entries(300)], folded=0)
    head = await ledger.head()
    await ledger.close()
    ledger = await store.open(url)
    assert await ledger.verify() == head
    assert await ledger.append([entry(once=["a"])], folded=1) == Claimed(frozenset("a"))
    assert await ledger.secret("s") == ("p", b"1")
    assert await ledger.append(entries(1), folded=1) == 302
    await ledger.close()


# --- races ------------------------------------------------------------------------------------


async def test_writers_that_race_leave_no_gap_and_a_reader_sees_none(ledger):
    dice = random.Random(7)
    done = asyncio.Event()

    async def write(name):
        for number in range(25):
            first = await ledger.append([entry(f"{name} {number}")] * dice.randint(1, 9), folded=0)
            found = (await ledger.entries_at([first]))[0]
            assert found.subject == f"{name} {number}"

    async def follow():
        seen = 0
        while not (done.is_set() and (await ledger.head()).position == seen):
            for found in await ledger.read(seen, 7):
                assert found.position == seen + 1
                seen += 1
        return seen

    reader = asyncio.ensure_future(follow())
    await asyncio.gather(*(write(name) for name in "abcd"))
    done.set()
    assert await reader == (await ledger.head()).position


async def test_one_of_many_claims_a_key(ledger):
    outcomes = await asyncio.gather(*(ledger.append([entry(once=["end:x"])], folded=0) for _ in range(40)))
    assert sorted(outcomes, key=str).count(1) == 1
    assert outcomes.count(Claimed(frozenset(["end:x"]))) == 39
    assert (await ledger.head()).position == 1


async def test_sessions_that_all_sweepers_end_end_exactly_once(ledger):
    due = [f"end:{number}" for number in range(300)]

    async def sweep(seed, cause):
        order = random.Random(seed).sample(due, len(due))
        numbered = []
        for start in range(0, len(order), 20):
            batch = order[start : start + 20]
            numbered += await ledger.append_fresh([entry(cause, once=[key]) for key in batch])
        return [position for position in numbered if position is not None]

    ended = await asyncio.gather(*(sweep(seed, cause) for seed, cause in enumerate(["expired"] * 3 + ["revoked"])))
    assert sorted(position for one in ended for position in one) == list(range(1, 301))
    assert (await ledger.head()).position == 300
    assert await ledger.append_fresh([entry(once=[key]) for key in due]) == (None,) * 300


@pytest.mark.parametrize("rounds", [50, pytest.param(1500, marks=pytest.mark.deep)])
async def test_nothing_is_issued_from_a_policy_that_was_changed(ledger, rounds):
    """The race that a revocation must win, each time: no issue that was decided before it may come after it."""
    dice = random.Random(rounds)
    folded = 0
    stale = 0

    async def issue():
        nonlocal stale
        seen = folded
        for _ in range(dice.randint(0, 3)):
            await asyncio.sleep(0)
        if isinstance(await ledger.append([entry(f"issued from {seen}")], folded=seen), Moved):
            stale += 1

    async def change():
        nonlocal folded
        folded = await ledger.append([config("change")], folded=folded)

    for _ in range(rounds):
        racing = [issue() for _ in range(7)]
        racing.insert(dice.randint(0, 7), change())
        await asyncio.gather(*racing)
    assert 0 < stale < 7 * rounds, "nothing raced"
    changed = 0
    for found in await everything(ledger):
        if found.lane is Lane.CONFIG:
            changed = found.position
        else:
            assert int(found.subject.removeprefix("issued from ")) >= changed


# --- beside the appends ------------------------------------------------------------------------


async def test_what_can_wait_is_done_while_an_append_is_under_way(ledger, monkeypatch):
    monkeypatch.setattr("authority.ledger.sql.sqlite.LULL_SECONDS", 60)
    for _ in range(20):
        await ledger.append([entry()], folded=0)
        waiting = asyncio.ensure_future(ledger.beside_append())
        await ledger.head()  # some turns of the loop, and nothing is written
        assert not waiting.done()
        appending = asyncio.ensure_future(ledger.append(entries(50), folded=0))
        await waiting
        assert not appending.done(), "it came too late"
        await ledger.beside_append()
        await appending


async def test_what_can_wait_is_done_at_once_where_nobody_appends(ledger, monkeypatch):
    monkeypatch.setattr("authority.ledger.sql.sqlite.LULL_SECONDS", 60)
    await ledger.beside_append()
    monkeypatch.setattr("authority.ledger.sql.sqlite.LULL_SECONDS", 0.01)
    await ledger.append([entry()], folded=0)
    await ledger.beside_append()
    await ledger.beside_append()


# --- cancellation -----------------------------------------------------------------------------


async def test_a_cancelled_append_is_all_there_or_not_at_all_and_the_head_says_which(ledger):
    dice = random.Random(11)
    kept = 0
    for round_ in range(60):
        before = (await ledger.head()).position
        appending = asyncio.ensure_future(ledger.append([entry(f"round {round_}")] * 5, folded=0))
        for _ in range(dice.randint(0, 3)):
            await asyncio.sleep(0)
        threshold = asyncio.get_running_loop().time() + dice.random() * 0.003
        while asyncio.get_running_loop().time() < threshold and not appending.done():
            await asyncio.sleep(0)
        appending.cancel()
        with suppress(asyncio.CancelledError):
            await appending
        after = (await ledger.head()).position
        assert after in (before, before + 5)
        kept += after - before
        # Nothing is under way any more: the next position is the one that the head promised.
        assert await ledger.append([entry("next")], folded=0) == after + 1
    assert 0 < kept <= 300


async def test_cancelling_twice_does_not_let_go_of_a_commit(ledger):
    for _ in range(10):
        appending = asyncio.ensure_future(ledger.append(entries(50), folded=0))
        for _ in range(3):
            await asyncio.sleep(0)
        while not appending.done():
            appending.cancel()
            await asyncio.sleep(0)
        head = (await ledger.head()).position
        assert await ledger.append(entries(1), folded=0) == head + 1


async def test_a_timeout_is_a_cancellation(ledger):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await ledger.append(entries(3), folded=0)
    head = (await ledger.head()).position
    assert await ledger.append(entries(1), folded=0) == head + 1


# --- checkpoints and tiles -----------------------------------------------------------------


async def test_checkpoints_are_kept_in_the_order_of_their_sizes(ledger):
    await ledger.append(entries(9), folded=0)
    assert await ledger.latest_signed_head() is None
    kept = [SignedHead(size, f"note {size}\n".encode()) for size in (2, 3, 9)]
    for signed in kept:
        await ledger.put_signed_head(signed)
    assert await ledger.latest_signed_head() == kept[-1]
    assert await ledger.signed_heads(0, 10) == kept
    assert await ledger.signed_heads(2, 1) == kept[1:2]
    assert await ledger.signed_heads(9, 10) == []


@pytest.mark.parametrize("size", [0, 2, 3, 6], ids=["of nothing", "of less", "of as much", "of more than there is"])
async def test_a_checkpoint_that_cannot_follow_is_refused(ledger, size):
    await ledger.append(entries(5), folded=0)
    await ledger.put_signed_head(SignedHead(3, b"note"))
    with pytest.raises(ValueError, match="cannot follow"):
        await ledger.put_signed_head(SignedHead(size, b"another"))
    assert await ledger.signed_heads(0, 10) == [SignedHead(3, b"note")]


async def test_whole_subtrees_are_the_tree_that_frontiers_make(ledger):
    new = entries(600)
    await ledger.append(new, folded=0)
    leaves = [leaf_hash(one.body) for one in new]
    assert await ledger.subtrees(0, 0, 256) == leaves[:256]
    assert await ledger.subtrees(0, 512, 88) == leaves[512:]
    assert await ledger.subtrees(8, 0, 2) == [root_over(new[:256]), root_over(new[256:512])]


@pytest.mark.parametrize(
    ("height", "first", "count"),
    [(0, 600, 1), (0, 0, 601), (8, 2, 1), (16, 0, 1), (4, 0, 1), (-8, 0, 1), (0, -1, 1), (0, 0, 0)],
)
async def test_a_subtree_that_is_not_whole_is_not_there(ledger, height, first, count):
    await ledger.append(entries(600), folded=0)
    with pytest.raises(LookupError):
        await ledger.subtrees(height, first, count)
