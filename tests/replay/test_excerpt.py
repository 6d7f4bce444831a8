"""A part of a log proves what it shows with a public key alone, and nothing about it can be changed unseen."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from contextlib import closing
from hashlib import sha256
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authority.audit.visibility import seen_by
from authority.committer import Proposal
from authority.kernel.ids import AccessKeyId, AccountId
from authority.ledger.codec import new_entry
from authority.ledger.note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    Signature,
    Signer,
    VerifierKey,
    cosigned,
    read_note,
    signed_checkpoint,
)
from authority.ledger.port import LedgerCorrupt
from authority.ledger.sql.sqlite import SqliteLedger
from authority.ledger.tlog import leaf_hash
from authority.model.authority import UnprovenRequests, UnprovenRequestsSummarised
from authority.model.checkpoints import PURPOSE
from authority.model.event import CallerRecord, DecisionRecord, Event, SessionRecord, read_event, write_event
from authority.model.principals import AccessKeyCreated
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.policy.combine import Effect
from authority.replay.excerpt import Reader
from authority.replay.excerpting import NothingToShow, disputed, excerpted, whole_subtrees
from authority.replay.statement import Statement, signers
from tests.forging import bodies, rewritten, unguarded
from tests.sealed import AT, ROOT, begun, running

often = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

ANNS, BOBS, NOBODYS = "222222222222", "333333333333", "444444444444"


def read_by(number, asker, owner="", session=None):
    """Somebody of *asker*'s, or with a *session* that this key led to, read something of *owner*'s."""
    named = f"arn:aws:iam::{asker}:user/x"
    worn = session and SessionRecord(
        issuer_arn="", issuer_id="", name="s", issued_at=AT, ancestors=(session,), root_principal="r"
    )
    caller = CallerRecord(
        kind="User", arn=named, principal_id="AIDA1", account=asker, access_key_id="AKIA1", session=worn
    )
    decision = DecisionRecord(
        principal=named,
        action="iam:GetRole",
        resource="*",
        resource_account=owner or asker,
        effect=Effect.ALLOWED,
        context={},
    )
    return Event(
        type="iam:GetRole",
        v=1,
        decided_at=AT,
        lane="session",
        subject=f"{number}",
        caller=caller,
        decisions=(decision,),
    )


def made(account, key):
    fact = AccessKeyCreated(account=AccountId(account), access_key_id=AccessKeyId(key), owner="x")
    return Event(type="iam:CreateAccessKey", v=1, decided_at=AT, lane="session", subject="k", facts=(fact,))


def story():
    """Ann's entries, Bob's, some that both have a part in, and some of sessions whose keys are known or are not."""
    yield made(ANNS, "AKIAANN")
    yield made(BOBS, "AKIABOB")
    for number in range(290):
        match number % 7:
            case 0 | 3:
                yield read_by(number, ANNS)
            case 5 if number % 2:
                yield read_by(number, ANNS, BOBS)
            case 5:
                yield read_by(number, ANNS, session="AKIAANN")
            case 6 if number % 2:
                yield read_by(number, ANNS, session="AKIABOB")
            case _:
                yield read_by(number, BOBS)


def of_anns(number):
    return number % 7 in (0, 3) or (number % 7 == 5 and not number % 2)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log that was signed for up to its end but the last entry, and its key."""
    path = tmp_path_factory.mktemp("log") / "ledger.sqlite"

    async def build():
        await begun(path)
        async with running(path) as log:
            for event in story():
                entry = new_entry(write_event(event), once=(f"{uuid4()}",))
                await log.committer.submit(lambda *_, entry=entry: Proposal(entry, (), None))
            await log.sealer.seal()
            await log.grow(1)
            return path, log.keys()[0]

    return asyncio.run(build())


@pytest.fixture(scope="module")
def path(log):
    return log[0]


@pytest.fixture(scope="module")
def key(log):
    return log[1]


class Spelled(bytes):
    """Bytes that are too many to be shown."""

    __slots__ = ()

    def __repr__(self):
        return f"<{len(self)} bytes>"


def written(path, *what, **more):
    async def write():
        ledger = await SqliteLedger.open(f"sqlite:///{path}", only_read=True)
        try:
            return b"".join([lines async for _, _, lines in excerpted(ledger, *what, **more)])
        finally:
            await ledger.close()

    return Spelled(asyncio.run(write()))


def unseal(key_id, sealed):
    return Custody(ROOT, SystemEntropy()).unseal(key_id, PURPOSE, sealed)


@pytest.fixture(scope="module", params=["a range", "an account", "all of an account"])
def part(path, request):
    match request.param:
        case "a range":
            return written(path, 40, 60)
        case "an account":
            return written(path, 20, 250, ANNS)
        case _:
            return written(path, 20, 250, ANNS, unseal=unseal)


def signer_of(path, key):
    """Whoever signs for the log."""

    async def opened():
        ledger = await SqliteLedger.open(f"sqlite:///{path}", only_read=True)
        try:
            return await signers(ledger, unseal, (await ledger.latest_signed_head()).note)
        finally:
            await ledger.close()

    (found,) = asyncio.run(opened())
    assert found.verifier == key
    return found


def read(spelled, *keys):
    reader = Reader(keys)
    for line in spelled.splitlines(keepends=True):
        reader.take(line)
    return reader.conclude()


def refused(spelled, *keys):
    with pytest.raises(LedgerCorrupt) as found:
        read(spelled, *keys)
    return found.value


def shown(spelled):
    lines = [json.loads(line) for line in spelled.splitlines()]
    return {line["position"]: line["entry"] for line in lines if "position" in line}


# --- what holds --------------------------------------------------------------------------------


@settings(often, max_examples=25)
@given(st.data())
def test_any_range_shows_what_was_stored_there_without_a_gap_and_nothing_else(path, key, data):
    stored = bodies(path)
    first = data.draw(st.integers(1, len(stored) - 1))
    last = data.draw(st.integers(first, len(stored) - 1))
    spelled = written(path, first, last)
    assert shown(spelled) == {at: json.loads(stored[at - 1]) for at in range(first, last + 1)}
    found = read(spelled, key)
    assert (found.first, found.last, found.complete) == (first, last, True)
    assert (found.size, found.entries) == (len(stored) - 1, last - first + 1)


def test_an_accounts_part_shows_its_own_entries_and_hashes_of_all_others(path, key):
    spelled = written(path, account=ANNS)
    offset = len(bodies(path)) - 1 - 290
    expected = {offset + 1 + number for number in range(290) if of_anns(number)}
    assert set(shown(spelled)) - expected == {offset - 1}  # the entry that made Ann's key
    assert expected <= set(shown(spelled))
    for foreign in (BOBS, "AKIABOB", "111122223333"):
        assert foreign.encode() not in spelled
    found = read(spelled, key)
    assert (found.account, found.complete) == (ANNS, False)


def test_an_accounts_part_tells_what_it_leaves_out_in_the_fewest_subtrees(path):
    spelled = written(path, account=ANNS)
    size, at, expected = len(bodies(path)) - 1, 0, []
    for position in sorted(shown(spelled)):
        expected += whole_subtrees(at, position - 1)
        at = position
    expected += whole_subtrees(at, size)
    told = [json.loads(line) for line in spelled.splitlines() if line.startswith(b'{"subtree"')]
    assert [line["subtree"]["height"] for line in told] == [height for height, _ in expected]


def test_an_accounts_part_that_is_stated_to_be_all_shows_its_side_of_what_it_shares(path, key):
    """Against the trail, as the account itself would be shown it, entry by entry."""
    spelled = written(path, 3, 250, ANNS, unseal=unseal)
    events = [read_event(body) for body in bodies(path)]
    whose = {fact.access_key_id: fact.account for event in events for fact in event.facts if hasattr(fact, "owner")}
    trail = {at: seen_by(event, ANNS, whose) for at, event in enumerate(events, 1) if 3 <= at <= 250}
    trail = {at: seen for at, seen in trail.items() if seen is not None}
    own = {at for at, seen in trail.items() if seen is events[at - 1]}
    lines = [json.loads(line) for line in spelled.splitlines()]
    shared = {line["shared"]["position"]: line["shared"]["seen"] for line in lines if "shared" in line}
    assert set(shown(spelled)) == own
    assert shared == {at: json.loads(write_event(trail[at])) for at in trail.keys() - own}
    assert len(shared) > 30
    for foreign in ("AKIABOB", "111122223333"):
        assert foreign.encode() not in spelled
    found = read(spelled, key)
    assert (found.first, found.last, found.complete) == (3, 250, True)
    assert (found.entries, found.shared) == (len(own), len(shared))


def test_a_side_from_which_nothing_is_withheld_is_still_a_side(tmp_path):
    """Of what was tried in vain with his keys, an account sees all of a summary that speaks of nobody else's."""
    path = tmp_path / "ledger.sqlite"
    tried = UnprovenRequests(
        source="192.0.2.1", action="iam:GetRole", reason="x", access_key_id="AKIAANN", first=AT, last=AT, count=1
    )
    fact = UnprovenRequestsSummarised(requests=(tried,))
    summary = Event(type="authority:Summary", v=1, decided_at=AT, lane="session", subject="", facts=(fact,))

    async def build():
        await begun(path)
        async with running(path) as log:
            for event in (made(ANNS, "AKIAANN"), summary):
                entry = new_entry(write_event(event))
                await log.committer.submit(lambda *_, entry=entry: Proposal(entry, (), None))
            await log.sealer.seal()
            return log.keys()[0]

    key = asyncio.run(build())
    found = read(written(path, account=ANNS, unseal=unseal), key)
    assert (found.entries, found.shared, found.complete) == (1, 1, True)


def test_who_learns_only_of_what_he_shares_has_a_part_too(path, key):
    at = next(at for at, body in enumerate(bodies(path), 1) if read_event(body).subject == "5")
    found = read(written(path, at, at, ANNS, unseal=unseal), key)
    assert (found.entries, found.shared, found.complete) == (0, 1, True)
    with pytest.raises(NothingToShow):
        written(path, at, at, ANNS)


def test_an_account_and_a_range_go_together(path, key):
    found = read(written(path, 20, 250, ANNS), key)
    whole = shown(written(path, account=ANNS))
    assert found.entries == sum(20 <= at <= 250 for at in whole)
    assert 20 <= found.first <= found.last <= 250


@pytest.mark.parametrize(
    "what",
    [
        pytest.param((0, 5), id="before the beginning"),
        pytest.param((6, 5), id="backwards"),
        pytest.param((1, 10**6), id="past what was signed for"),
        pytest.param((1, None, NOBODYS), id="of an account that has nothing"),
        pytest.param((22, 22, NOBODYS), id="of an account that has nothing there"),
    ],
)
def test_there_is_no_part_that_shows_nothing_or_was_not_signed_for(path, what):
    with pytest.raises(NothingToShow):
        written(path, *what)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_whole_subtrees_follow_each_other_and_are_aligned(start, more):
    at = start
    for height, number in whole_subtrees(start, start + more):
        assert number << height == at
        at += 1 << height
    assert at == start + more


# --- what is refused ---------------------------------------------------------------------------


def test_without_a_key_nothing_is_believed():
    with pytest.raises(ValueError, match="noted before"):
        Reader([])


def test_a_key_that_did_not_sign_proves_nothing(part):
    assert "nobody who is trusted" in refused(part, Signer("log.example", bytes(32)).verifier).what


@often
@given(at=st.integers(0, 10**6), by=st.integers(1, 255))
def test_no_byte_of_a_part_can_be_another(part, key, at, by):
    spoilt = bytearray(part)
    spoilt[at % len(part)] ^= by
    refused(bytes(spoilt), key)


def resealed(lines):
    """An excerpt with an end that fits, as whoever changed it would write."""
    before = b"".join(lines[:-1])
    entries = sum(line.startswith(b'{"position"') for line in lines)
    end = {"end": {"entries": entries, "sha256": sha256(before).hexdigest()}}
    return before + json.dumps(end, separators=(",", ":")).encode() + b"\n"


@often
@given(st.data())
def test_no_line_of_a_part_can_be_another_even_with_an_end_that_fits(part, key, data):
    lines = part.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    line = bytearray(lines[at])
    line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))
    refused(resealed([*lines[:at], bytes(line), *lines[at + 1 :]]), key)


@often
@given(st.data())
def test_no_line_of_a_part_can_be_missing_doubled_or_elsewhere(part, key, data):
    lines = part.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    match data.draw(st.sampled_from(["missing", "doubled", "elsewhere"])):
        case "missing":
            changed = [*lines[:at], *lines[at + 1 :]]
        case "doubled":
            changed = [*lines[:at], lines[at], *lines[at:]]
        case _:
            to = data.draw(st.integers(0, len(lines) - 2).filter(lambda to: to != at))
            changed = [*lines[:at], *lines[at + 1 :]]
            changed.insert(to, lines[at])
    refused(resealed(changed), key)


@often
@given(st.data())
def test_no_two_entries_of_a_part_can_change_places(part, key, data):
    lines = part.splitlines(keepends=True)
    entries = [at for at, line in enumerate(lines) if line.startswith(b'{"position"')]
    one, two = data.draw(st.permutations(entries))[:2]
    (before, first), (under, second) = (lines[at].split(b',"entry":', 1) for at in (one, two))
    lines[one], lines[two] = before + b',"entry":' + second, under + b',"entry":' + first
    refused(resealed(lines), key)


def hidden(leaf):
    """The line that shows no more of an entry than its hash."""
    return b'{"subtree":{"height":0,"root":"%b"}}\n' % b64encode(leaf)


@often
@given(st.data())
def test_an_entry_of_a_range_cannot_be_hidden_behind_its_hash(path, key, data):
    lines = written(path, 40, 60).splitlines(keepends=True)
    entries = [at for at, line in enumerate(lines) if line.startswith(b'{"position"')]
    at = data.draw(st.sampled_from(entries[1:-1]))
    lines[at] = hidden(leaf_hash(bodies(path)[json.loads(lines[at])["position"] - 1]))
    assert "gap" in refused(resealed(lines), key).what


@often
@given(st.data())
def test_nothing_of_an_account_can_be_hidden_behind_its_hash_once_it_is_stated_to_be_all(path, key, data):
    lines = written(path, 20, 250, ANNS, unseal=unseal).splitlines(keepends=True)
    at = data.draw(st.sampled_from([at for at, line in enumerate(lines) if line.startswith((b'{"pos', b'{"sha'))]))
    line = json.loads(lines[at])
    position = line["position"] if "position" in line else line["shared"]["position"]
    lines[at] = hidden(leaf_hash(bodies(path)[position - 1]))
    assert "another part" in refused(resealed(lines), key).what


@pytest.mark.parametrize(
    ("what", "to"),
    [
        pytest.param(b"20 250", b"20 251", id="a range that was not looked through"),
        pytest.param(ANNS.encode() + b"\\n", BOBS.encode() + b"\\n", id="another account"),
    ],
)
def test_a_statement_cannot_be_made_to_say_more(path, key, what, to):
    lines = written(path, 20, 250, ANNS, unseal=unseal).splitlines(keepends=True)
    assert what in lines[-2]
    lines[-2] = lines[-2].replace(what, to)
    assert "counts for nothing" in refused(resealed(lines), key).what


def test_a_statement_of_a_range_that_the_entries_leave_is_refused(path, key):
    """As who has the key would sign it by mistake."""
    lines = written(path, 20, 250, ANNS, unseal=unseal).splitlines(keepends=True)
    digest = sha256(b"".join(lines[:-2])).digest()
    spelled = Statement(key.name, ANNS, 20, 100, digest).signed([signer_of(path, key)])
    lines[-2] = json.dumps({"statement": spelled}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    assert "another range" in refused(resealed(lines), key).what


def test_a_side_stands_where_it_says_and_is_an_entrys(path, key):
    lines = written(path, 20, 250, ANNS, unseal=unseal).splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(b'{"shared"'))
    line = json.loads(lines[at])["shared"]
    for shown, why in ((line | {"position": 7}, "is 7"), (line | {"seen": {"type": 1}}, "cannot be read")):
        lines[at] = json.dumps({"shared": shown}, separators=(",", ":")).encode() + b"\n"
        assert why in refused(resealed(lines), key).what


def test_the_key_that_followed_another_states_what_is_asked_after_it(tmp_path):
    path = tmp_path / "ledger.sqlite"

    async def build():
        await begun(path)
        async with running(path) as log:
            old = log.keys()
            entry = new_entry(write_event(made(ANNS, "AKIAANN")))
            await log.committer.submit(lambda *_: Proposal(entry, (), None))
            await log.sealer.seal()
            await log.rotate()
            await log.sealer.seal()
            return old, log.keys()

    old, new = asyncio.run(build())
    spelled = written(path, account=ANNS, unseal=unseal)
    assert read(spelled, *new).complete
    assert "nobody who is trusted" in refused(spelled, *old).what


def test_without_its_statement_a_part_is_not_all(path, key):
    lines = written(path, 20, 250, ANNS, unseal=unseal).splitlines(keepends=True)
    assert "no place" in refused(resealed([*lines[:-2], lines[-1]]), key).what
    assert "no place" in refused(resealed([lines[0].replace(b',"stated":true', b""), *lines[1:]]), key).what
    silent = written(path, 20, 250, ANNS).splitlines(keepends=True)
    assert "no place" in refused(resealed([*silent[:-1], lines[-2], silent[-1]]), key).what
    ranged = written(path, 40, 60).splitlines(keepends=True)
    ranged[0] = ranged[0].replace(b"}", b',"stated":true}')
    assert "stated of a range" in refused(resealed(ranged), key).what


def test_a_witness_vouches_for_the_tree_and_not_for_the_choice(path, key):
    lines = written(path, 20, 250, ANNS, unseal=unseal).splitlines(keepends=True)
    note = read_note(json.loads(lines[-3])["checkpoint"].encode())
    watching = Ed25519PrivateKey.from_private_bytes(bytes(32))
    witness = VerifierKey("witness.example", COSIGNATURE, watching.public_key().public_bytes_raw())
    over = (1).to_bytes(8, "big") + watching.sign(cosigned(note.text, 1))
    both = Note(note.text, (*note.signatures, Signature(witness.name, witness.id, over)))
    spelled = json.dumps({"checkpoint": bytes(both).decode()}, ensure_ascii=False, separators=(",", ":"))
    lines[-3] = spelled.encode() + b"\n"
    assert not read(resealed(lines), witness).complete
    assert "another part" in refused(resealed(lines), witness, key).what  # the statement is of the other bytes


def compared(path, spelled, key):
    async def compare():
        ledger = await SqliteLedger.open(f"sqlite:///{path}", only_read=True)
        try:
            return await disputed(ledger, read(spelled, key), spelled.splitlines(keepends=True))
        finally:
            await ledger.close()

    return asyncio.run(compare())


@pytest.mark.parametrize("which", [0, 10, -1])
@pytest.mark.parametrize("start", [b'{"position"', b'{"shared"'])
def test_who_sees_the_whole_log_finds_a_statement_that_is_false(path, key, start, which):
    """As who has the key, and the will, would leave something out."""
    true = written(path, 20, 250, ANNS, unseal=unseal)
    assert compared(path, true, key) is None
    lines = true.splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if line.startswith(start)][which]
    line = json.loads(lines[at])
    position = line["position"] if "position" in line else line["shared"]["position"]
    lines[at] = hidden(leaf_hash(bodies(path)[position - 1]))
    digest = sha256(b"".join(lines[:-2])).digest()
    spelled = Statement(key.name, ANNS, 20, 250, digest).signed([signer_of(path, key)])
    lines[-2] = json.dumps({"statement": spelled}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    assert read(resealed(lines), key).complete
    assert compared(path, resealed(lines), key) == position


def test_nothing_is_stated_of_a_log_that_another_key_signed(path, tmp_path):
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes(path.read_bytes())
    with closing(unguarded(copy)) as connection:
        ((number, spelled),) = connection.execute(
            "SELECT number, note FROM signed_head ORDER BY number DESC LIMIT 1"
        ).fetchall()
        stated = Checkpoint.unverified(read_note(spelled))
        forged = bytes(signed_checkpoint(stated, [Signer(stated.origin, bytes(32))]))
        connection.execute("UPDATE signed_head SET note = ? WHERE number = ?", (forged, number))
        connection.commit()
    with pytest.raises(LedgerCorrupt, match="not one that we signed"):
        written(copy, account=ANNS, unseal=unseal)


def test_a_part_of_another_account_cannot_be_passed_off_as_ones_own(path, key):
    spelled = written(path, account=ANNS)
    corrupt = refused(resealed(spelled.replace(ANNS.encode(), BOBS.encode(), 1).splitlines(keepends=True)), key)
    assert "not of the account" in corrupt.what


@pytest.mark.parametrize("lines", [0, 1, 2, -1, -2, -5])
def test_a_part_that_was_cut_off_is_known(part, key, lines):
    assert "cut off" in refused(b"".join(part.splitlines(keepends=True)[:lines]), key).what


def test_what_comes_after_the_end_has_no_place(part, key):
    lines = part.splitlines(keepends=True)
    assert "no place" in refused(part + lines[-1], key).what
    assert "no place" in refused(part + lines[1], key).what


def test_a_part_of_another_form_or_log_is_refused(part, key):
    first, *rest = part.splitlines(keepends=True)
    assert "form 2" in refused(resealed([first.replace(b"1", b"2", 1), *rest]), key).what
    assert "says another" in refused(resealed([first.replace(b"authority.", b"elsewhere."), *rest]), key).what


@pytest.mark.parametrize("depth", [10, 5_000, 100_000])
def test_an_entry_of_any_depth_is_refused_and_nothing_worse(part, key, depth):
    first, *rest = part.splitlines(keepends=True)
    deep = b'{"position":1,"entry":{"type":%b}}\n' % (b"[" * depth + b"]" * depth)
    refused(resealed([first, deep, *rest]), key)


@settings(often, max_examples=25)
@given(st.data())
def test_what_is_left_out_is_told_in_the_fewest_subtrees(path, data):
    first = data.draw(st.integers(1, 280))
    spelled = written(path, first, first)
    told = [json.loads(line) for line in spelled.splitlines() if line.startswith(b'{"subtree"')]
    size = len(bodies(path)) - 1
    expected = [*whole_subtrees(0, first - 1), *whole_subtrees(first, size)]
    assert [line["subtree"]["height"] for line in told] == [height for height, _ in expected]


def test_a_part_that_shows_nothing_proves_nothing(path, key):
    lines = written(path, 1, 1).splitlines(keepends=True)
    roots = [hidden(leaf_hash(body)) for body in bodies(path)[: read(b"".join(lines), key).size]]
    assert "shows nothing" in refused(resealed([lines[0], *roots, *lines[-2:]]), key).what


def test_another_history_with_the_same_key_name_is_refused(path, key, part):
    """Somebody signs his own tree in the log's name; his key has another id."""
    lines = part.splitlines(keepends=True)
    if b"statement" in lines[-2]:
        return  # it is refused for its statement, too
    stated = Checkpoint.unverified(read_note(json.loads(lines[-2])["checkpoint"].encode()))
    forger = Signer(key.name, bytes(32))
    note = bytes(signed_checkpoint(stated, [forger])).decode()
    lines[-2] = json.dumps({"checkpoint": note}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    assert "nobody who is trusted" in refused(resealed(lines), key).what
    assert read(resealed(lines), VerifierKey.parse(str(forger.verifier))).size == stated.size


def test_what_was_rewritten_after_it_was_signed_is_not_handed_on(path, tmp_path):
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes(path.read_bytes())
    rewritten(copy, lambda bodies: [body.replace(b'"AKIABOB"', b'"AKIAEVE"') for body in bodies])
    with pytest.raises(LedgerCorrupt, match="not the one that was signed for"):
        written(copy, 40, 60)
