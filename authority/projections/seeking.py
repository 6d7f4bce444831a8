"""Finding the positions at which several terms hold, by leaping from one list to the next.

Each term's positions stand in order.  A candidate is sought in every list; when all agree it is a hit, otherwise the
search goes on from the one that is farthest along.  So the work is that of the shortest list, whatever the others
hold, and no plan has to be guessed.  Lists that interleave for long without ever agreeing are given up after a bounded
number of steps, and taken up again from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from authority.audit.queries import Order, Range
from authority.projections.reading import rows_of
from authority.projections.tables import BLOCK_BITS, SEGMENT_BITS

_POSITION = f"((found.block << {BLOCK_BITS}) + place.number)"
"""What a bit of a block stands for."""


class Effort(msgspec.Struct, frozen=True):
    """How much work one page may be: `rounds` statements of `steps` leaps, a few milliseconds each.

    Then it is given as it is, with a token for the rest.
    """

    steps: int = 2_000
    rounds: int = 4


class Search(msgspec.Struct, frozen=True):
    """Lists whose positions must all agree, each a trail and a term; in which order; the leaps of one statement."""

    lists: Sequence[tuple[int, int]]
    order: Order
    steps: int


class Found(msgspec.Struct, frozen=True):
    """Positions in the order asked for, and where the search goes on; nothing is left when `left` is empty."""

    positions: list[int]
    left: Range


async def seek(connection: AsyncConnection, search: Search, within: Range, limit: int) -> Found:
    """The first *limit* positions that stand in all lists, of those *within* that one statement reaches."""
    positions, left = await _sought(connection, search, within, limit + 1)
    if len(positions) > limit:
        return Found(positions[:limit], _after(within, search.order, positions[limit - 1]))
    return Found(positions, left)


async def _sought(connection: AsyncConnection, search: Search, within: Range, limit: int) -> tuple[list[int], Range]:
    lists, order, steps = search.lists, search.order, search.steps
    low, high = within.low, within.high
    if len(lists) == 1:
        trail, term = lists[0]
        rows = await rows_of(connection, _listed(order), (term, trail, low, high, limit))
        return [position for (position,) in rows], _after(within, order, None)
    start, bound = (high, low) if order is Order.NEWEST else (low, high)
    parameters = [start, bound, steps, limit]
    for trail, term in lists:
        parameters += [term, trail]
    rows = await rows_of(connection, _leaping(order, len(lists)), tuple(parameters))
    positions = [hit for _, _, hit in rows if hit is not None]
    if len(positions) < limit and rows and rows[-1][1] == steps:
        candidate = rows[-1][0]
        return positions, Range(low, candidate) if order is Order.NEWEST else Range(candidate, high)
    return positions, _after(within, order, None)


def _after(within: Range, order: Order, last: int | None) -> Range:
    """What is left of *within* once *last* was found; nothing, when None was."""
    if order is Order.NEWEST:
        return Range(within.low, within.low - 1 if last is None else last - 1)
    return Range(within.high + 1 if last is None else last + 1, within.high)


@cache
def _listed(order: Order) -> str:
    """The statement for one term: segment by segment, and within each block by block."""
    direction, start = ("DESC", "?4") if order is Order.NEWEST else ("ASC", "?3")
    return f"""
        SELECT {_POSITION}
        FROM segment AS part CROSS JOIN posting AS found
            ON found.segment = part.number AND found.term = ?1 AND found.account = ?2
            AND found.block BETWEEN ?3 >> {BLOCK_BITS} AND ?4 >> {BLOCK_BITS}
            CROSS JOIN place ON {_bits(order, start)}
        WHERE part.number BETWEEN ?3 >> {SEGMENT_BITS} AND ?4 >> {SEGMENT_BITS} AND {_POSITION} BETWEEN ?3 AND ?4
        ORDER BY part.number {direction}, found.block {direction}, place.bit {direction}
        LIMIT ?5"""  # noqa: S608 - constants only


def _bits(order: Order, start: str) -> str:
    """The bits of a block that are set, from that of the position *start* on where it lies in the block."""
    place = f"{start} - (found.block << {BLOCK_BITS})"
    if order is Order.NEWEST:
        bound = f"place.bit <= min(found.bits, 1 << min({place}, {(1 << BLOCK_BITS) - 1}))"
    else:
        bound = f"place.bit >= max(found.bits & -found.bits, 1 << ({place}))"
    return f"{bound} AND found.bits & place.bit"


@cache
def _leaping(order: Order, count: int) -> str:
    """The statement for *count* terms.  Its rows: the next candidate, the number of the step, the hit if it was one.

    INVARIANT: it is made of constants and of *count*; what was asked for is bound.
    """
    newest = order is Order.NEWEST
    direction, compared, limited = ("DESC", "<=", ">=") if newest else ("ASC", ">=", "<=")
    names = [f"list{number}.value" for number in range(count)]
    lowest, highest = f"min({', '.join(names)})", f"max({', '.join(names)})"
    farthest, beyond = (lowest, "- 1") if newest else (highest, "+ 1")
    sought = [
        f"""
        SELECT {_POSITION}
        FROM segment AS part CROSS JOIN posting AS found
            ON found.segment = part.number AND found.term = ?{2 * number + 5} AND found.account = ?{2 * number + 6}
            AND found.block {compared} leap.candidate >> {BLOCK_BITS} AND found.block {limited} ?2 >> {BLOCK_BITS}
            CROSS JOIN place ON {_bits(order, "leap.candidate")}
        WHERE part.number {compared} leap.candidate >> {SEGMENT_BITS} AND part.number {limited} ?2 >> {SEGMENT_BITS}
            AND {_POSITION} {limited} ?2
        ORDER BY part.number {direction}, found.block {direction}, place.bit {direction} LIMIT 1"""  # noqa: S608
        for number in range(count)
    ]
    # A number is a JSON document of one value, so this gives what was sought a name; nothing gives no row, and an end.
    lists = " ".join(f"CROSS JOIN json_each(({one})) AS list{number}" for number, one in enumerate(sought))
    step = f"""
        SELECT CASE WHEN {lowest} = {highest} THEN {farthest} {beyond} ELSE {farthest} END,
               leap.step + 1, CASE WHEN {lowest} = {highest} THEN {lowest} END
        FROM leap {lists} WHERE leap.step < ?3"""  # noqa: S608
    return f"""
        WITH RECURSIVE leap(candidate, step, hit) AS (SELECT ?1, 0, NULL UNION ALL {step})
        SELECT candidate, step, hit FROM leap WHERE hit IS NOT NULL OR step = ?3 LIMIT ?4"""  # noqa: S608
