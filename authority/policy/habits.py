"""What statements that keep to the grammar often get wrong, seen without knowing any service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from authority.kernel.letters import folded
from authority.policy.conditions import ALL_VALUES, NULL
from authority.policy.conditions.addresses import block
from authority.policy.conditions.arns import FIELDS
from authority.policy.conditions.binaries import binary
from authority.policy.conditions.booleans import boolean
from authority.policy.conditions.numbers import number
from authority.policy.finding import Finding, Written
from authority.policy.variables import names_in

MULTIVALUED: Final = frozenset(
    {
        "aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:resourceorgpaths",
        "aws:sourceorgpaths", "aws:tagkeys", "sts:transitivetagkeys",
    }
)  # fmt: skip
"""Condition keys that hold a set (IAM User Guide, global condition context keys: value type)."""
MFA: Final = "aws:multifactorauthpresent"

_READERS: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "Numeric": (number, "a number"),
    "Bool": (boolean, "`true` or `false`"),
    "Null": (boolean, "`true` or `false`"),
    "Binary": (binary, "base 64"),
    "IpAddress": (block, "an address or a CIDR block"),
    "NotIpAddress": (block, "an address or a CIDR block"),
    "Arn": (lambda text: True if text.count(":") >= FIELDS - 1 else None, "an ARN of six fields"),
}


def older_version(here: Written) -> Iterator[Finding]:
    """Variables in a document that has none."""
    values = [each for tried in here.tries() for each in tried.values]
    for node in (*here.texts("Resource", "NotResource"), *values):
        if not here.document.has_variables and names_in(node.value):
            message = 'variables are plain text without `"Version": "2012-10-17"`'
            yield here.warn("older-version", node.start, message)


def wildcards_as_text(here: Written) -> Iterator[Finding]:
    """Wildcards where an operator takes none."""
    for tried in here.tries():
        name = tried.operator.name
        if not name.startswith("String") or name.endswith("Like"):
            continue
        like = "StringNotLike" if tried.operator.negated else "StringLike"
        for node in tried.values:
            if "*" in node.value.replace("${*}", ""):
                message = f"`*` is a plain character to {name}; {like} takes wildcards"
                yield here.warn("wildcard-as-text", node.start, message)


def unreadable_values(here: Written) -> Iterator[Finding]:
    """Values that their operator cannot read, and so never match."""
    for tried in here.tries():
        name = tried.operator.name
        read, wanted = next((_READERS[kind] for kind in _READERS if name.startswith(kind)), (str, ""))
        for node in tried.values:
            if read(node.value) is None and not names_in(node.value):
                message = f"{name} wants {wanted}; `{node.value}` never matches"
                yield here.warn("never-matches", node.start, message)


def sets(here: Written) -> Iterator[Finding]:
    """Set operators: missing where a key holds a set, or letting pass a request without the key."""
    present = {
        tried.folded_key
        for tried in here.tries()
        if tried.operator.name == NULL and [folded(each.value) for each in tried.values] == ["false"]
    }
    for tried in here.tries():
        key, over = tried.key, tried.operator.over
        if tried.folded_key in MULTIVALUED and not over and tried.operator.name != NULL:
            message = f"{key} holds a set: without ForAllValues or ForAnyValue it never matches"
            yield here.warn("set-operator", tried.place, message)
        elif over == ALL_VALUES and here.allows and tried.folded_key not in present:
            message = f'ForAllValues is true where {key} is absent; add `"Null": {{"{key}": "false"}}`'
            yield here.warn("absent-passes", tried.place, message)


def keys_without_prefix(here: Written) -> Iterator[Finding]:
    """Condition keys that no service can have."""
    for tried in here.tries():
        if ":" not in tried.key:
            message = f"`{tried.key}` is no condition key: it has no prefix, as in `aws:{tried.key}`"
            yield here.warn("unknown-key", tried.place, message)


def absent_mfa(here: Written) -> Iterator[Finding]:
    """A Deny without MFA that long-term keys slip through, since they have no such key."""
    for tried in here.tries():
        plain = tried.operator.name == "Bool" and not tried.operator.if_exists and not here.allows
        if plain and tried.folded_key == MFA and "false" in {folded(each.value) for each in tried.values}:
            message = "requests with long-term keys have no such key and are not denied; BoolIfExists denies them"
            yield here.warn("absent-mfa", tried.place, message)


def everybody(here: Written) -> Iterator[Finding]:
    """Statements that take in more than their author may have had in mind."""
    if not here.allows:
        return
    if here.statement.not_principals:
        yield here.warn(
            "everybody-else", here.offset("NotPrincipal"), "takes in everybody who is not listed, strangers too"
        )
    if here.statement.not_actions:
        message = "allows every action that is not listed, of all services"
        yield here.warn("all-other-actions", here.offset("NotAction"), message)
    if here.statement.conditions:
        return
    for word, node in here.named():
        if word in ("*", "AWS") and node.value == "*" and here.statement.principals:
            yield here.warn("everybody", node.start, "allows everybody, in every account, without a condition")
        elif word == "Federated":
            message = f"lets in everybody whom {node.value} vouches for, without a condition"
            yield here.warn("everybody", node.start, message)


def bound_names(here: Written) -> Iterator[Finding]:
    """Names that are bound to whoever bears them when the policy is written."""
    named = {
        each.start for each in (*here.statement.principals, *here.statement.not_principals) if each.is_user_or_role
    }
    for _, node in here.named():
        if node.start in named:
            message = (
                f"{node.value} is bound to the user or role of that name when the policy is written; one that is made "
                "later, or made again, never matches"
            )
            yield here.remark("bound-when-written", node.start, message)


RULES: Final = (
    older_version,
    wildcards_as_text,
    unreadable_values,
    sets,
    keys_without_prefix,
    absent_mfa,
    everybody,
    bound_names,
)
