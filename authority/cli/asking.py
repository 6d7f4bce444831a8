"""Who asks and what is known of the request, from words on a command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

from authority.kernel import arn as arns
from authority.kernel.letters import folded
from authority.policy.grammar import IDENTITY_PROVIDERS
from authority.policy.habits import MULTIVALUED
from authority.policy.principal import Principal, PrincipalKind

TYPES: Final = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ASSUMED_ROLE: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}
"""aws:PrincipalType (IAM User Guide, global condition context keys)."""


def principal_of(text: str, issuer: str = "") -> Principal:
    """The caller that *text* names; *issuer* is the role or user behind a session.

    An ARN of a user, an account's root, a session, a role (some session of it) or a provider (somebody it vouches for);
    an account id for its root; the name of a service or of a built-in issuer; `anonymous`.
    """
    if text in ("anonymous", "*"):
        return Principal(PrincipalKind.ANONYMOUS, "", "", "")
    if arns.ACCOUNT_ID.fullmatch(text):
        return Principal(PrincipalKind.ROOT, f"arn:aws:iam::{text}:root", text, text)
    if text in IDENTITY_PROVIDERS:
        return Principal(PrincipalKind.WEB_IDENTITY, "", "", "", text)
    arn = arns.parse(text)
    if arn is not None:
        return _of_arn(arn, issuer)
    if "." in text and ":" not in text:
        return Principal(PrincipalKind.SERVICE, text, "", "")
    raise click.BadParameter(f"`{text}` names nobody who could ask", param_hint="--principal")


def _of_arn(arn: arns.Arn, issuer: str) -> Principal:
    match arn.service, arn.kind:
        case "iam", "root":
            return Principal(PrincipalKind.ROOT, str(arn), arn.account, arn.account)
        case "iam", "user":
            return Principal(PrincipalKind.USER, str(arn), arn.account, "")
        case "iam", "role":
            session = f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/session"
            return Principal(PrincipalKind.ASSUMED_ROLE, session, arn.account, "", str(arn))
        case "iam", "saml-provider":
            return Principal(PrincipalKind.SAML, "", arn.account, "", str(arn))
        case "iam", "oidc-provider":
            return Principal(PrincipalKind.WEB_IDENTITY, "", arn.account, "", str(arn))
        case "sts", "assumed-role" if arn.path != "/":
            role = issuer or f"arn:{arn.partition}:iam::{arn.account}:role{arn.path.removesuffix('/')}"
            return Principal(PrincipalKind.ASSUMED_ROLE, str(arn), arn.account, "", role)
        case "sts", "federated-user":
            return Principal(PrincipalKind.FEDERATED_USER, str(arn), arn.account, "", issuer)
        case _:
            raise click.BadParameter(f"`{arn}` names nobody who could ask", param_hint="--principal")


def context_of(principal: Principal, stated: Iterable[str]) -> dict[str, str | tuple[str, ...]]:
    """The condition keys that follow from who asks, and over them those that are *stated* as `key=value`."""
    given: dict[str, list[str]] = {}
    for text in stated:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"`{text}` is no key=value", param_hint="--context")
        given.setdefault(folded(key), []).append(value)
    known: dict[str, str | tuple[str, ...]] = {}
    if principal.kind in TYPES:
        session = principal.kind is PrincipalKind.ASSUMED_ROLE
        known = {
            "aws:principalarn": principal.issuer if session else principal.arn,
            "aws:principalaccount": principal.account,
            "aws:principaltype": TYPES[principal.kind],
        }
    if principal.kind is PrincipalKind.USER:
        known["aws:username"] = principal.arn.rpartition("/")[2]
    return known | {
        key: tuple(values) if len(values) > 1 or key in MULTIVALUED else values[0] for key, values in given.items()
    }
