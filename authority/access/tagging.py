"""Tags in a request: the condition keys they become, and what IAM refuses about them (IAM User Guide, tags)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from authority.access.context import Context
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag, merged
from authority.model.quotas import DEFAULTS

RESERVED: Final = "aws:"
QUOTA: Final = "TagsPerEntityQuota"


def request_tags(tags: Iterable[Tag]) -> Context:
    """The condition keys of the tags that a request brings: `aws:RequestTag/...` and `aws:TagKeys`."""
    brought = tuple(tags)
    return {f"aws:requesttag/{folded(tag.key)}": tag.value for tag in brought} | tag_keys(tag.key for tag in brought)


def tag_keys(keys: Iterable[str]) -> dict[str, str | tuple[str, ...]]:
    """The condition key of the tag keys that a request names; none when it names none."""
    named = tuple(keys)
    return {"aws:tagkeys": named} if named else {}


def resource_tags(tags: Iterable[Tag]) -> Context:
    """The condition keys of the tags that a thing in IAM carries, under both their names."""
    worn = tuple(tags)
    return {f"aws:resourcetag/{folded(tag.key)}": tag.value for tag in worn} | {
        f"iam:resourcetag/{folded(tag.key)}": tag.value for tag in worn
    }


def tags_refused(
    new: Iterable[Tag], worn: Iterable[Tag] = (), *, ignore_case: bool = True, most: int = DEFAULTS[QUOTA]
) -> Refusal | None:
    """Why *new* tags may not be laid over those *worn*, if they may not."""
    brought = tuple(new)
    keys = [folded(tag.key) if ignore_case else tag.key for tag in brought]
    if len(set(keys)) < len(keys):
        text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        return Refusal(Reason.INVALID_INPUT, text if ignore_case else "Duplicate tag keys found.")
    if any(folded(tag.key).startswith(RESERVED) for tag in brought):
        return Refusal(Reason.INVALID_INPUT, "Tag keys that begin with aws: are reserved and cannot be set.")
    if len(merged(worn, brought, ignore_case=ignore_case)) > most:
        return Refusal(Reason.LIMIT_EXCEEDED, "The number of tags has reached the maximum limit.")
    return None
