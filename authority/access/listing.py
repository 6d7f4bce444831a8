"""What every List action is: its marker is checked at once, and its page cut from the state after the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from authority.access.action import Answer, Decision
from authority.access.call import Call
from authority.kernel.paging import Page, page
from authority.kernel.refusal import Refusal
from authority.model.state import State

Item = TypeVar("Item")


class Listing(msgspec.Struct, frozen=True, rename="pascal"):
    """What every List action may be asked for: where to go on, and how many items at most."""

    marker: str | None = None
    max_items: int | None = None


class PathListing(Listing, frozen=True):
    """A listing of what lies below a path."""

    path_prefix: str = "/"


def scope_of(call: Call[Any], listing: str) -> str:
    """What a marker of *listing* is good for: that listing, for who asks, whatever session he asks in."""
    return f"{listing}|{call.caller.account}|{call.caller.principal.unique_id}"


def listed(
    call: Call[Any],
    scope: str,
    items: Callable[[State], Sequence[Item]],
    order: Callable[[Item], str],
    shape: Callable[[Page[Item]], Answer],
) -> Decision:
    """Answer the page that the input asks for.

    *scope* is the action and all that narrows its list; who asks is added here.  *items* reads the published state,
    in which what the decision saw may be gone since.  *order* gives each item another text.
    """
    marker, most = call.input.marker, call.input.max_items
    scope = scope_of(call, scope)
    checked = page((), order, marker=marker, max_items=most, scope=scope)
    if isinstance(checked, Refusal):
        return Decision(answer=checked)

    def then(state: State) -> Answer:
        cut = page(items(state), order, marker=marker, max_items=most, scope=scope)
        return cut if isinstance(cut, Refusal) else shape(cut)

    return Decision(then=then)
