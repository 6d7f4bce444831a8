"""The Bool operator: `true` and `false`, whatever their case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from authority.kernel.letters import folded
from authority.policy import silences
from authority.policy.conditions.comparison import Prepare, Satisfied
from authority.policy.variables import Context, fixed, resolve_text, template

_SPELLED: Final = {"true": True, "false": False}


def boolean(text: str) -> bool | None:
    """Read *text*, or say None when it is neither."""
    return _SPELLED.get(folded(text))


def _bool(values: Sequence[str], variables: bool) -> Satisfied:
    takes = variables and silences.BOOL_TAKES_VARIABLES
    templates = [template(value, variables=takes, wildcards=False) for value in values]
    plain = frozenset(boolean("".join(map(str, row))) for row in map(fixed, templates) if row is not None)
    moving = [parts for parts in templates if fixed(parts) is None]
    if not moving:
        truths = plain - {None}  # what cannot be read is equal to nothing, nor to what else cannot be read
        return lambda value, _: boolean(value) in truths

    def satisfied(value: str, context: Context) -> bool:
        asked = boolean(value)
        if asked is None:
            return False
        written = (resolve_text(parts, context) for parts in moving)
        return asked in plain or any(text is not None and boolean(text) is asked for text in written)

    return satisfied


OPERATORS: Mapping[str, Prepare] = {"Bool": _bool}
