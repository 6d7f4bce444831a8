"""Tags of whatever wears them: laid on, taken off, listed (IAM User Guide, Tags for IAM resources)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from authority.access.action import Conditions, Decision
from authority.access.call import Call
from authority.access.listing import listed
from authority.access.tagging import QUOTA, request_tags, tag_keys, tags_refused
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.fact import Fact


class Wearer(Protocol):
    """Something that wears tags."""

    @property
    def id(self) -> str:
        """What it is called for ever."""
        ...

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags that it wears."""
        ...


class TagsPage(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of tags."""

    tags: tuple[Tag, ...]
    is_truncated: bool
    marker: str | None = None


def tagging(worn: Conditions) -> Conditions:
    """The condition keys of laying tags on: those that the thing wears already, and those that the request brings."""
    return lambda state, call: {**worn(state, call), **request_tags(call.input.tags)}


def untagging(worn: Conditions) -> Conditions:
    """The condition keys of taking tags off: those that the thing wears, and the keys that the request names."""
    return lambda state, call: {**worn(state, call), **tag_keys(call.input.tag_keys)}


def tagged(
    account: Account, wearer: Wearer, new: tuple[Tag, ...], laid_on: Fact, *, ignore_case: bool = False
) -> Decision:
    """Let *laid_on* become true, which lays *new* over the tags of *wearer*, or refuse as IAM does."""
    refused = tags_refused(new, wearer.tags, ignore_case=ignore_case, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    return Decision(facts=(laid_on,) if new else ())


def by_key(tag: Tag) -> str:
    """The order of most listings of tags."""
    return tag.key


def tags_listed(call: Call[Any], listing: str, wearer: Wearer, order: Callable[[Tag], str] = by_key) -> Decision:
    """List the tags of *wearer* in *order*; *listing* is the action."""
    return listed(
        call,
        f"{listing}|{wearer.id}",
        lambda _: wearer.tags,
        order,
        lambda page: TagsPage(page.items, page.is_truncated, page.marker),
    )
