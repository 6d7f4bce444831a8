"""What a witness answers is read whole, in however many pieces it comes, and no further than bounded."""

from __future__ import annotations

import pytest

from authority.outbound.witnesses import LARGEST, HttpWitness
from tests.pieces import answering


async def test_an_answer_is_read_to_its_end():
    async with answering(b"x" * LARGEST) as url:
        assert await HttpWitness(url).submit(b"note") == (200, b"x" * LARGEST)


async def test_and_no_further_than_bounded():
    async with answering(b"x" * (LARGEST + 1)) as url:
        with pytest.raises(OSError, match="more than 65536 bytes"):
            await HttpWitness(url).submit(b"note")
