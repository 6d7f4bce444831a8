"""Policy variables: `${key}`, `${key, 'default'}` and the plain characters `${*}`, `${?}`, `${$}`.

Knows how a text with variables becomes a row of tokens for one request; refuses to know where such texts may stand.
IAM User Guide, IAM policy elements: variables and tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.policy.match import Token, Tokens, Wild, tokens

Context: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""What is known of a request, by condition key in lower case (`match.folded`); a tuple for a multivalued key."""


class Reference(msgspec.Struct, frozen=True):
    """A variable in a text: the condition key it reads and what stands there when the key has no value."""

    key: str
    default: str | None


Template: TypeAlias = tuple[str | Wild | Reference, ...]

# A tag key may hold spaces, colons and slashes, but none of the characters that end or nest a variable.
_VARIABLE = re.compile(r"\$\{(?:(?P<plain>[*?$])|(?P<key>[^${}'*?,]++)(?:, '(?P<default>[^']*+)')?)\}")


def template(text: str, *, variables: bool, wildcards: bool) -> Template:
    """Read *text* once, when a policy is compiled.  What only looks like a variable stays text."""
    parts: list[str | Wild | Reference] = []
    at = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        _add(parts, text[at : found.start()], wildcards=wildcards)
        if (plain := found["plain"]) is not None:
            parts.append(plain)
        else:
            parts.append(Reference(folded(found["key"]), found["default"]))
        at = found.end()
    _add(parts, text[at:], wildcards=wildcards)
    return _joined(parts)


def fixed(parts: Template) -> Tokens | None:
    """The tokens of a text without variables; None when it has some."""
    row: list[Token] = []
    for part in parts:
        if isinstance(part, Reference):
            return None
        row.append(part)
    return tuple(row)


def keys_of(parts: Template) -> tuple[str, ...]:
    """The condition keys that the variables read."""
    return tuple(part.key for part in parts if isinstance(part, Reference))


def value_of(variable: Reference, context: Context) -> str | None:
    """What stands in the place of *variable*, as plain text; None when it has neither value nor default."""
    value = context.get(variable.key)
    # A multivalued key has no single value to insert, so it counts as having none.
    return value if isinstance(value, str) else variable.default


def resolve(parts: Template, context: Context) -> Tokens | None:
    """Put values in the place of variables, as plain text; None when a variable has neither value nor default."""
    row: list[Token] = []
    for part in parts:
        if isinstance(part, Reference):
            text = value_of(part, context)
            if text is None:
                return None
            row.append(text)
        else:
            row.append(part)
    return tuple(row)


def resolve_text(parts: Template, context: Context) -> str | None:
    """Like `resolve`, for texts that were read without wildcards."""
    row = resolve(parts, context)
    return None if row is None else "".join(str(token) for token in row)


def resource_template(text: str, *, variables: bool) -> Template:
    """Read a Resource value: variables live only after the fifth colon."""
    tail = resource_tail(text)
    head = text[: len(text) - len(tail)]
    return _joined([*tokens(head), *template(tail, variables=variables, wildcards=True)])


def resource_tail(text: str) -> str:
    """What stands after the fifth colon; nothing when there are fewer."""
    return (text.split(":", 5)[5:] or [""])[0]


def names_in(text: str) -> tuple[str, ...]:
    """The condition keys that the variables in *text* read, as they are written."""
    return tuple(found["key"] for found in _VARIABLE.finditer(text) if found["key"] is not None)


def _add(parts: list[str | Wild | Reference], text: str, *, wildcards: bool) -> None:
    if wildcards:
        parts.extend(tokens(text))
    elif text:
        parts.append(text)


def _joined(parts: list[str | Wild | Reference]) -> Template:
    """Neighbouring texts become one, so that equal patterns are equal rows."""
    row: list[str | Wild | Reference] = []
    for part in parts:
        if isinstance(part, str) and row and isinstance(row[-1], str):
            row[-1] += part
        else:
            row.append(part)
    return tuple(row)
