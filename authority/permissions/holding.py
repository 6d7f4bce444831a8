"""The three kinds of holder, side by side: what differs between a user's, a group's and a role's policies is here.

An operation that IAM has three times is written once, over a `HolderKind`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import msgspec

from authority.access.action import Conditions, Resource
from authority.access.boundaries import boundary_worn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of, existing, linked_role_protected
from authority.access.tagging import resource_tags
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.roles import Role
from authority.model.state import State
from authority.policy.document import Document, Kind, parse
from authority.policy.text import NOT_JSON, SYNTAX

Shape = TypeVar("Shape", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class HolderKind:
    """A kind of holder: its word in names of operations, and how one is found by name."""

    word: str
    find: Callable[[Account, str], Holder | None]

    @property
    def lower(self) -> str:
        """The word in ARNs and messages: `user`."""
        return self.word.lower()

    def holder(self, state: State, call: Call[Any]) -> Holder | Refusal:
        """The holder that a call names in `holder_name`, in the caller's account."""
        name = call.input.holder_name
        found = self.find(account_of(state, call), name)
        text = f"The {self.lower} with name {name} cannot be found."
        return Refusal(Reason.NO_SUCH_ENTITY, text) if found is None else found

    def changeable(self, state: State, call: Call[Any]) -> Holder | Refusal:
        """Like `holder`, for an operation that gives or takes permissions: a service's own role is out of reach."""
        found = self.holder(state, call)
        refusal = linked_role_protected(found) if isinstance(found, Role) else None
        return found if refusal is None else refusal

    @property
    def arn(self) -> Resource:
        """What an operation on such a holder is authorised on: the holder's ARN."""
        return existing(self.lower, lambda asked: asked.holder_name, self.find)

    def conditions(self, more: Callable[[Call[Any]], Context] | None = None, *, bounded: bool = False) -> Conditions:
        """The condition keys of an operation on such a holder: its tags, and what *more* says of the call.

        An operation that gives or takes permissions is *bounded*: it is judged by the holder's boundary too.
        """

        def context(state: State, call: Call[Any]) -> Context:
            account = account_of(state, call)
            holder = self.find(account, call.input.holder_name)
            keys = dict(resource_tags(() if holder is None else holder.tags))
            if bounded:
                keys |= boundary_worn(state, account, holder, call.partition)
            return keys if more is None else {**keys, **more(call)}

        return context

    def shape(self, name: str, base: type[Shape]) -> type[Shape]:
        """*base* under an operation's own *name*, with the holder's name as the wire spells it: `UserName`."""
        field = ("holder_name", str, msgspec.field(name=f"{self.word}Name"))
        return cast("type[Shape]", msgspec.defstruct(name, [field], bases=(base,), frozen=True, kw_only=True))


USER: Final = HolderKind("User", Account.user_named)
GROUP: Final = HolderKind("Group", Account.group_named)
ROLE: Final = HolderKind("Role", Account.role_named)
KINDS: Final = (USER, GROUP, ROLE)


class OfHolder(msgspec.Struct, frozen=True, kw_only=True):
    """What every operation on a holder's policies says: the holder's name."""

    holder_name: str


def on_the_wire(document: str) -> str:
    """A policy document as IAM gives it back: percent-encoded once (RFC 3986)."""
    return quote(document, safe="")


def readable_identity(text: str, *, current: bool = False) -> Document | Refusal:
    """The document of an identity policy, or why it is none; what is no JSON at all is told like any other fault."""
    document = parse(text, Kind.IDENTITY, current=current)
    if isinstance(document, Refusal) and document.message == NOT_JSON:
        return Refusal(document.reason, SYNTAX)
    return document
