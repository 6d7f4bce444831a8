"""Issuers of web identities that serve many customers: a trust policy must say which of them it means.

Whoever has an account with such an issuer gets tokens from it; only the subject, or what stands for it there, tells one
customer's from another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from authority.kernel.letters import folded
from authority.policy.conditions import ALL_VALUES
from authority.policy.finding import Finding, Written
from authority.policy.match import glob, tokens

SHARED: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts.google.com": ("sub",),
    "agent.buildkite.com": ("sub",),
    "api.pulumi.com/oidc": ("sub",),
    "app.terraform.io": ("sub",),
    "cognito-identity.amazonaws.com": ("sub", "aud"),
    "gitlab.com": ("sub",),
    "graph.facebook.com": ("id", "app_id"),
    "oidc.codefresh.io": ("sub",),
    "oidc.vercel.com": ("sub",),
    "scalr.io": ("sub",),
    "token.actions.githubusercontent.com": ("sub",),
    "www.amazon.com": ("user_id", "app_id"),
}
"""Issuers, and the claims of which one must be limited: the subject, or the application where it names one customer."""

_NAMED: Final = re.compile(r"[^:]*:[^:/]+[:/]")
_ACTION: Final = "sts:assumerolewithwebidentity"
_LIMITS: Final = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike"})
_PROVIDER: Final = ":oidc-provider/"


def issuer_of(principal: str) -> str:
    """The issuer behind a Federated principal, as condition keys spell it: no scheme, no ARN."""
    return folded(principal.partition(_PROVIDER)[2] or principal)


def unlimited(here: Written) -> Iterator[Finding]:
    """Trust in a shared issuer that any of its customers can use."""
    if not here.allows or not any(glob(tokens(folded(name)))(_ACTION) for name in here.statement.actions):
        return
    for word, node in here.named():
        issuer = issuer_of(node.value)
        claims = SHARED.get(issuer)
        if word != "Federated" or claims is None or _limits(here, issuer, claims):
            continue
        wanted = " or ".join(f"`{issuer}:{claim}`" for claim in claims)
        yield here.warn(
            "shared-issuer",
            node.start,
            f"{issuer} issues tokens to everybody who has an account there: without a condition on {wanted} each of "
            "them can assume this role",
        )


def _limits(here: Written, issuer: str, claims: tuple[str, ...]) -> bool:
    keys = {f"{issuer}:{claim}" for claim in claims}
    for tried in here.tries():
        operator = tried.operator
        # With IfExists or ForAllValues a token without the claim passes.
        certain = operator.name in _LIMITS and not operator.if_exists and operator.over != ALL_VALUES
        # One value that lets everybody in undoes the others.
        narrow = [_narrow(each.value, wild=operator.name == "StringLike") for each in tried.values]
        if certain and tried.folded_key in keys and narrow and all(narrow):
            return True
    return False


def _narrow(value: str, *, wild: bool) -> bool:
    """Whether *value* names somebody: a name after the kind of subject, and that to its end.

    Before a wildcard `repo:org/` is one, and `repo:org` the beginning of other people's as well (UNC6426).
    """
    head = value.replace("?", "*").partition("*")[0] if wild else value
    return bool(head) and (head == value or _NAMED.match(head) is not None)
