"""What a caller packs into a session: policies that limit it, tags that describe it, within what a token has room for.

The same for every operation that issues one; who may do it is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from authority.access.applicable import policy_by_arn
from authority.access.context import Context
from authority.kernel.ids import PolicyId
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.state import State
from authority.policy.document import Kind, parse, size_of

MOST_PLAIN: Final = 2_048
"""Characters of the inline policy without white space, and of the ARNs beside it (STS API, Policy, PolicyArns)."""
MOST_ARNS: Final = 10
MOST_TAGS: Final = 50
PACKED: Final = 6_000
"""Bytes of policies and tags that a token has room for: however badly they compress, it fits into an HTTP header."""
BETWEEN: Final = 2
"""Bytes that stand between one packed text and the next."""
RESERVED: Final = "aws:"
NOT_ALONE: Final = "The specified transitive tag key must be included in the requested tags."
TWICE: Final = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
INHERITED: Final = (
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
    "calling session."
)

_TEXT_OR_BLANK: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[ \t\r\n]+', re.DOTALL)


class PolicyDescriptor(msgspec.Struct, frozen=True):
    """A managed policy that is passed by its ARN (STS API, PolicyDescriptorType)."""

    arn: str = ""


class SessionTags(msgspec.Struct, frozen=True):
    """The tags of a session to be: those of the calling session that are passed on, then those of the request.

    `transitive` are the keys that go on to the next session.
    """

    passed: tuple[Tag, ...] = ()
    inherited: tuple[Tag, ...] = ()
    transitive: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Tag, ...]:
        """Every tag of the session."""
        return self.inherited + self.passed

    def conditions(self) -> Context:
        """What policies may ask about them: `aws:RequestTag/...`, `aws:TagKeys`, `sts:TransitiveTagKeys`."""
        keys: dict[str, str | tuple[str, ...]] = {f"aws:requesttag/{folded(tag.key)}": tag.value for tag in self.passed}
        if self.passed:
            keys["aws:tagkeys"] = tuple(tag.key for tag in self.passed)
        if self.transitive:
            keys["sts:transitivetagkeys"] = self.transitive
        return keys


NO_TAGS: Final = SessionTags()


def session_tags(
    passed: Sequence[Tag], transitive: Sequence[str] = (), inherited: Sequence[Tag] = ()
) -> SessionTags | Refusal:
    """Lay *passed* beside the tags that are *inherited*, which nothing replaces; or AWS's words against it.

    *inherited* are all transitive; *transitive* are the keys of the request that are to be.
    """
    if not (passed or transitive or inherited):
        return NO_TAGS
    keys = [folded(tag.key) for tag in passed]
    if len(set(keys)) < len(keys):
        return Refusal(Reason.INVALID_PARAMETER_VALUE, TWICE)
    if any(key.startswith(RESERVED) for key in (*keys, *map(folded, transitive))):
        return Refusal(Reason.VALIDATION_ERROR, "Tag keys that begin with aws: are reserved and cannot be set.")
    kept = {folded(tag.key) for tag in inherited}
    wanted = {folded(key) for key in transitive}
    if not kept.isdisjoint(keys) or not kept.isdisjoint(wanted):
        return Refusal(Reason.INVALID_PARAMETER_VALUE, INHERITED)
    if not wanted.issubset(keys):
        return Refusal(Reason.INVALID_PARAMETER_VALUE, NOT_ALONE)
    if len(passed) + len(inherited) > MOST_TAGS:
        return Refusal(Reason.VALIDATION_ERROR, f"A session has at most {MOST_TAGS} tags.")
    going_on = (*(tag.key for tag in inherited), *(tag.key for tag in passed if folded(tag.key) in wanted))
    return SessionTags(tuple(passed), tuple(inherited), going_on)


class SessionPolicies(msgspec.Struct, frozen=True):
    """The policies of a session to be: the inline one, and managed ones with the version that is in force now.

    `ids` are the unique ids of the managed ones, in their order.
    """

    inline: str = ""
    managed: tuple[tuple[str, str], ...] = ()
    ids: tuple[PolicyId, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.inline or self.managed)


NO_POLICIES: Final = SessionPolicies()


def inline_session_policy(text: str | None) -> str | Refusal:
    """Read an inline session policy, and spell it without blanks; nothing where there is none.

    Never silently none: what was passed and says nothing is refused (CVE-2020-12690).
    """
    if text is None:
        return ""
    document = parse(text, Kind.SESSION)
    if isinstance(document, Refusal):
        return document
    return _TEXT_OR_BLANK.sub(lambda found: found[0] if found[0].startswith('"') else "", text)


def session_policies(
    state: State, account: Account, partition: str, inline: str, descriptors: Sequence[PolicyDescriptor] | None
) -> SessionPolicies | Refusal:
    """Put an *inline* policy that was read and the managed policies of *account* together; each ARN must name one."""
    if descriptors is None and not inline:
        return NO_POLICIES
    arns = () if descriptors is None else tuple(dict.fromkeys(one.arn for one in descriptors))
    if descriptors is not None and not descriptors:
        return _unfit("policyArns", "Member must have length greater than or equal to 1")
    if len(arns) > MOST_ARNS:
        return _unfit("policyArns", f"Member must have length less than or equal to {MOST_ARNS}")
    if size_of(inline) + sum(map(len, arns)) > MOST_PLAIN:
        return _unfit("policy", f"Member must have length less than or equal to {MOST_PLAIN}")
    managed: list[tuple[str, str]] = []
    ids: list[PolicyId] = []
    for arn in arns:
        policy = policy_by_arn(state, account, arn, partition)
        if policy is None or policy.retired:
            text = f"The policy {arn} does not exist or is not attachable." if arn else "A policy is named by its ARN."
            return Refusal(Reason.VALIDATION_ERROR, text)
        managed.append((arn, f"v{policy.default}"))
        ids.append(policy.id)
    return SessionPolicies(inline, tuple(managed), tuple(ids))


def packed_size(policies: SessionPolicies, tags: Sequence[Tag]) -> int:
    """The percentage of a token's room that is taken, rounded up (STS API, PackedPolicySize)."""
    if policies is NO_POLICIES and not tags:
        return 0
    texts = [policies.inline] if policies.inline else []
    texts += [arn for arn, _ in policies.managed]
    for tag in tags:
        texts += [tag.key, tag.value]
    taken = sum(len(text.encode()) + BETWEEN for text in texts)
    return -(-100 * taken // PACKED)


def too_large(percent: int, policies: SessionPolicies) -> Refusal | None:
    """AWS's words when a token has no room for it all."""
    if percent <= 100:
        return None
    if policies:
        text = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
    else:
        text = f"Packed size of session tags consumes {percent}% of allotted space."
    return Refusal(Reason.PACKED_POLICY_TOO_LARGE, text)


def _unfit(name: str, demand: str) -> Refusal:
    return Refusal(
        Reason.VALIDATION_ERROR,
        f"1 validation error detected: Value at '{name}' failed to satisfy constraint: {demand}",
    )
