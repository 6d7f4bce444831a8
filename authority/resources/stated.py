"""What a resource server may say of a request: keys that only it can know, and the resource's own policy.

What is proven, it may not say at all: who asks, since when, with which tags, with a second factor or without.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from authority.access.context import Context, is_address, unmapped
from authority.access.trusting import bearer
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State
from authority.policy.compiled import Policy, Source, compile_policy
from authority.policy.document import Document, Kind, parse
from authority.resources.authzen import Evaluate

STATEABLE: Final = frozenset(
    {
        "aws:referer", "aws:securetransport", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:tagkeys",
        "aws:useragent", "aws:vpcsourceip",
    }
)  # fmt: skip
"""Global keys of how a request reached the resource server, and of what it asks for (IAM User Guide, global condition
context keys)."""
STATEABLE_TAGS: Final = ("aws:requesttag/", "aws:resourcetag/")
ADDRESSES: Final = frozenset({"aws:sourceip", "aws:vpcsourceip"})


def stated_context(question: Evaluate) -> Context | Refusal:
    """The condition keys that the resource server vouches for, spelled as policies read them; or which it may not."""
    service = question.action.name.partition(":")[0]
    context: dict[str, str | tuple[str, ...]] = {}
    for name, value in question.context.items():
        key = folded(name)
        if key in context:
            return _refused(f"The context key {name} is stated twice.")
        if not (key in STATEABLE or key.startswith((*STATEABLE_TAGS, f"{service}:"))):
            return _refused(
                f"The context key {name} cannot be stated: what this authority proves itself, and keys of other "
                f"services, are left out; keys of {service} and those of how the request arrived can be stated."
            )
        spelled = _spelled(value)
        if key in ADDRESSES and (not isinstance(spelled, str) or not is_address(spelled)):
            # What cannot be compared matches nothing, so a Deny for other networks would not apply.
            return _refused(f"The context key {name} must be an IP address.")
        if key == "aws:securetransport" and spelled not in ("true", "false"):
            return _refused(f"The context key {name} must be true or false.")
        context[key] = unmapped(spelled) if key in ADDRESSES and isinstance(spelled, str) else spelled
    return context


def resource_policy(state: State, question: Evaluate, partition: str) -> tuple[Policy, ...] | Refusal:
    """The policy of the resource, as the resource server keeps it; or AWS's words for what is wrong with it.

    Users and roles that it names are those who bear the names now: we cannot know whom it meant when it was written.
    """
    text = question.resource.properties.policy
    if not text:
        return ()
    document = _read(text)
    if isinstance(document, Refusal):
        return document
    bound = tuple((arn, bearer(state, arn, partition) or None) for arn in document.named_principals)
    return (_compiled(text, question.resource.id, bound),)


@lru_cache(maxsize=256)
def _read(text: str) -> Document | Refusal:
    return parse(text, Kind.RESOURCE)


@lru_cache(maxsize=256)
def _compiled(text: str, resource: str, bound: tuple[tuple[str, str | None], ...]) -> Policy:
    document = _read(text)
    if isinstance(document, Refusal):
        raise TypeError("only what was read can be compiled")
    return compile_policy(document, Source("resource", resource), dict(bound))


def _spelled(value: str | bool | int | tuple[str, ...]) -> str | tuple[str, ...]:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return value


def _refused(message: str) -> Refusal:
    return Refusal(Reason.VALIDATION_ERROR, message)
