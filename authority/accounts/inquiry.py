"""What every inquiry into the past has in common: whose things may be asked about, and as of when.

An account inquires into its own.  The management account may inquire into any account, or with `*` into all, with
nothing withheld; that is a permission on the log, as when it reads the trail.  The answer is worked out from the log
off the committer, as the log stands at the inquiry's own entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from authority.access.action import Decision, Facts
from authority.access.call import Call
from authority.accounts.trail import (
    POSITION,
    WHOLE_LOG,
    Text,
    asks_for_own,
    invalid,
    moment_of,
    outside,
)
from authority.audit.queries import Query
from authority.kernel.refusal import Refusal
from authority.model.state import State

NOW: Final = "now"
MOST: Final = 1_000
USUAL: Final = 100

WhenText = Annotated[str, msgspec.Meta(max_length=64)]
"""A position of the log, a moment in RFC 3339 with its zone, or `now`."""
_WHENS: Final = ("when", "as_of", "before", "after", "since", "until", "at")


class When(msgspec.Struct, frozen=True):
    """A point of the log: a position, or the last one recorded at a moment.  Neither is now."""

    position: int | None = None
    moment: datetime | None = None


class Asking(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What every inquiry may say.

    `account` is whose things are asked about, the caller's unless given; `*` is all accounts.
    """

    account: Text | None = None


class Paging(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An inquiry that is answered in pages."""

    max_results: int = USUAL
    next_token: Text | None = None


class Inquiry(Query, frozen=True, kw_only=True):
    """What is asked, whose eyes look (None sees everything), about which account (empty is all), and when."""

    of: Asking
    eyes: str | None
    about: str
    now: datetime
    partition: str


def inquire(state: State, call: Call[Any], facts: Facts) -> Decision:
    """Have the input answered from the log, if it may be asked and can be."""
    refusal = outside(state, call)
    if refusal is None:
        wrong = next(_wrong(call.input), None)
        refusal = None if wrong is None else invalid(wrong)
    return Decision(answer=refusal) if refusal is not None else Decision(query=inquiry(call, facts))


def inquiry(call: Call[Any], facts: Facts) -> Inquiry:
    """The question that the input is."""
    own = asks_for_own(call)
    asked = call.caller.account if own else call.input.account
    return Inquiry(
        of=call.input,
        eyes=call.caller.account if own else None,
        about="" if asked == WHOLE_LOG else asked,
        now=facts.now,
        partition=call.partition,
    )


def when(text: str | None) -> When | Refusal:
    """The point of the log that *text* names."""
    if text is None or text == NOW:
        return When()
    if text.isascii() and text.isdecimal():
        if len(text) <= len(str(POSITION)) and 1 <= int(text) <= POSITION:
            return When(position=int(text))
        return invalid(f"The position {text} must be 1 or more.")
    moment = moment_of(text)
    if moment is None:
        return invalid(f"{text} must be a position, a time with its zone such as 2026-01-31T12:00:00Z, or {NOW}.")
    return When(moment=moment)


def _wrong(given: Asking) -> Iterator[str]:
    """What cannot be asked like this, and what can."""
    for name in _WHENS:
        text = getattr(given, name, None)
        if isinstance(text, str):
            found = when(text)
            if isinstance(found, Refusal):
                yield found.message
    if not 1 <= getattr(given, "max_results", 1) <= MOST:
        yield f"The value of maxResults must be a number from 1 to {MOST}."
    yield from given.wrong() if isinstance(given, Particular) else ()


class Particular(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An inquiry that has rules of its own."""

    def wrong(self) -> Iterator[str]:
        """What cannot be asked like this, and what can."""
        raise NotImplementedError
