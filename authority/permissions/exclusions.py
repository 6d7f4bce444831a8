"""Policies that a simulation leaves out, to show what would be without them (IAM API, PolicyIdentifier)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from authority.kernel.arn import parse
from authority.kernel.refusal import Reason, Refusal
from authority.model.policies import CATALOGUE
from authority.policy.compiled import Source
from authority.policy.match import glob, tokens

Excludes: TypeAlias = Callable[[Source], bool]

BOUNDARY: Final = "permission-boundary"


class InlinePolicyIdentifier(msgspec.Struct, frozen=True, rename="pascal"):
    """An inline policy by its name and whose it is; `*` and `?` in whose name stand for any."""

    policy_name: str
    attachment_type: str
    attachment_name: str


class PolicyIdentifier(msgspec.Struct, frozen=True, rename="pascal"):
    """Policies of a kind, by ARN, or by an inline policy's name: one of the three."""

    policy_type: str = ""
    policy_arn: str = ""
    inline_policy_identifier: InlinePolicyIdentifier | None = None


def excluding(identifiers: Iterable[PolicyIdentifier]) -> Excludes | Refusal:
    """Say of a policy whether it is left out; what names nothing that is there leaves out nothing."""
    found: list[Excludes] = []
    for identifier in identifiers:
        one = _excludes(identifier)
        if isinstance(one, Refusal):
            return one
        found.append(one)
    return lambda source: any(excludes(source) for excludes in found)


def _excludes(identifier: PolicyIdentifier) -> Excludes | Refusal:
    inline = identifier.inline_policy_identifier
    if sum((bool(identifier.policy_type), bool(identifier.policy_arn), inline is not None)) != 1:
        text = "An excluded policy is identified by exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier."
        return Refusal(Reason.INVALID_INPUT, text)
    if identifier.policy_type:
        return lambda source: _type_of(source) == identifier.policy_type
    return _by_arn(identifier.policy_arn) if inline is None else _by_name(inline)


def _type_of(source: Source) -> str:
    if source.layer == "boundary":
        return BOUNDARY
    if source.owner:
        return "inline"
    arn = parse(source.policy)
    return "aws-managed" if arn is not None and arn.account == CATALOGUE else "user-managed"


def _by_arn(text: str) -> Excludes | Refusal:
    arn = parse(text)
    head, _, name = text.rpartition("/")
    if arn is None or arn.service != "iam" or arn.kind != "policy" or {"*", "?"} & set(head) or name.count("*") > 1:
        return Refusal(Reason.INVALID_INPUT, f"ARN {text} is not valid.")
    matches = glob(tokens(text))
    return lambda source: source.layer == "identity" and not source.owner and matches(source.policy)


def _by_name(inline: InlinePolicyIdentifier) -> Excludes | Refusal:
    if inline.attachment_name.count("*") > 1:
        return Refusal(Reason.INVALID_INPUT, f"{inline.attachment_name} is not valid.")
    matches = glob(tokens(inline.attachment_name))

    def excludes(source: Source) -> bool:
        owner = parse(source.owner)
        return (
            owner is not None
            and source.policy == inline.policy_name
            and owner.kind == inline.attachment_type
            and matches(owner.name)
        )

    return excludes
