"""Whatever was ever written is read for ever: a golden file for each type of fact, and one of a whole entry."""

from __future__ import annotations

import msgspec
import pytest

from authority.ledger.codec import upcast
from authority.model.event import read_event, read_folded
from authority.model.events import AnyFact
from tests.model.golden import ENTRY, HERE, holds, kept, unwritten

GOLDEN = sorted(HERE.glob("*.json"))
ENTRIES = [path for path in GOLDEN if path.name.startswith(f"{ENTRY}.")]


def test_every_field_of_every_type_stands_in_a_golden_file():
    assert sorted(unwritten()) == [], "run `python -m tests.model.golden`, and keep what was there"


@pytest.mark.parametrize("path", [path for path in GOLDEN if path not in ENTRIES], ids=lambda path: path.stem)
def test_a_fact_reads_as_it_was_written(path):
    fact = msgspec.json.decode(path.read_bytes(), type=AnyFact)
    assert holds(msgspec.json.decode(msgspec.json.encode(fact)), kept(path))


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_an_entry_reads_as_it_was_written(path):
    body = upcast(path.read_bytes())
    event = read_event(body)
    assert holds(msgspec.json.decode(msgspec.json.encode(event)), kept(path))
    assert read_folded(body).facts == event.facts
