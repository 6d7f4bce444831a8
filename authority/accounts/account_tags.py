"""Tags of accounts, as the clients of AWS Organizations set them."""

from __future__ import annotations

from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.wearing import tagging, untagging
from authority.accounts.naming import outsider
from authority.accounts.organization import account_arn, tags_unfit, worn
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.account_settings import AccountTagged, AccountUntagged
from authority.model.state import State


class Tagged(msgspec.Struct, frozen=True, rename="pascal"):
    """What, and how it is tagged from here on."""

    resource_id: str
    tags: tuple[Tag, ...]


class Untagged(msgspec.Struct, frozen=True, rename="pascal"):
    """What, and which tags it loses."""

    resource_id: str
    tag_keys: tuple[str, ...]


class ListTagsForResource(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose tags, and which page; there is never more than one."""

    resource_id: str
    next_token: str | None = None


class Tags(msgspec.Struct, frozen=True, rename="pascal"):
    """Tags by key."""

    tags: tuple[Tag, ...]


def _target(state: State, call: Call[Any]) -> str:
    return account_arn(state, call.input.resource_id, call.partition)


def _target_wears(state: State, call: Call[Any]) -> Context:
    return worn(state.accounts.get(call.input.resource_id))


def _tagged_account(state: State, call: Call[Any]) -> Account | Decision:
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    account = state.accounts.get(call.input.resource_id)
    if account is None:
        return refuse(Reason.TARGET_NOT_FOUND, "You specified a target that doesn't exist; only accounts have tags.")
    return account


@action("organizations:TagResource", resource=_target, conditions=tagging(_target_wears))
def tag_resource(state: State, call: Call[Tagged], _facts: Facts) -> Decision:
    """Lay tags over those of an account (Organizations API, TagResource)."""
    account = _tagged_account(state, call)
    if isinstance(account, Decision):
        return account
    refused = tags_unfit(call.input.tags, account.tags)
    if refused is not None:
        return Decision(answer=refused)
    return Decision(facts=(AccountTagged(account=account.id, tags=call.input.tags),))


@action("organizations:UntagResource", resource=_target, conditions=untagging(_target_wears))
def untag_resource(state: State, call: Call[Untagged], _facts: Facts) -> Decision:
    """Take tags off an account (Organizations API, UntagResource)."""
    account = _tagged_account(state, call)
    if isinstance(account, Decision):
        return account
    return Decision(facts=(AccountUntagged(account=account.id, keys=call.input.tag_keys),))


@action("organizations:ListTagsForResource", resource=_target, conditions=_target_wears)
def list_tags_for_resource(state: State, call: Call[ListTagsForResource], _facts: Facts) -> Decision:
    """List the tags of an account (Organizations API, ListTagsForResource)."""
    account = _tagged_account(state, call)
    if isinstance(account, Decision):
        return account
    if call.input.next_token is not None:
        return refuse(Reason.INVALID_INPUT, "NextToken is not one that this listing returned.")
    return Decision(answer=Tags(tuple(sorted(account.tags, key=lambda tag: tag.key))))
