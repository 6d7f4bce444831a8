"""What all operator families share: one value of the request against all values of the statement.

Values of a statement are alternatives; under a negated operator none of them may hold (IAM User Guide, conditions
with multiple keys or values).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TypeAlias, TypeVar

from authority.policy import silences
from authority.policy.variables import Context

Satisfied: TypeAlias = Callable[[str, Context], bool]
"""Does one value of the request satisfy the operator against the statement's values?"""
Prepare: TypeAlias = Callable[[Sequence[str], bool], Satisfied]
"""Make the test from the values as written; the flag says whether variables exist in this document."""

Read = TypeVar("Read")


def one_holds(
    read_asked: Callable[[str], Read | None],
    read_written: Callable[[str], Read | None],
    holds: Callable[[Read, Read], bool],
) -> Prepare:
    """Make a positive operator: *holds(asked, written)* for at least one value that can be read."""

    def prepare(values: Sequence[str], variables: bool) -> Satisfied:  # noqa: ARG001 - these values take none
        written = [value for value in map(read_written, values) if value is not None]

        def satisfied(value: str, context: Context) -> bool:  # noqa: ARG001 - the shape of a test
            asked = read_asked(value)
            return asked is not None and any(map(holds, repeat(asked), written))

        return satisfied

    return prepare


def none_holds(
    read_asked: Callable[[str], Read | None],
    read_written: Callable[[str], Read | None],
    holds: Callable[[Read, Read], bool],
) -> Prepare:
    """Make a negated operator: *holds* for no value; one that cannot be read answers as `silences` says."""

    def prepare(values: Sequence[str], variables: bool) -> Satisfied:  # noqa: ARG001 - these values take none
        written = [read_written(value) for value in values]

        def satisfied(value: str, context: Context) -> bool:  # noqa: ARG001 - the shape of a test
            asked = read_asked(value)
            return all(
                silences.INCOMPARABLE_DIFFERS if asked is None or target is None else not holds(asked, target)
                for target in written
            )

        return satisfied

    return prepare
