"""Properties of an account, and the version of session tokens that it prefers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import account_of
from authority.accounts.naming import the_account
from authority.kernel.refusal import Reason
from authority.model.account_settings import AccountPropertiesSet, TokenVersionSet
from authority.model.state import State

MOST_PROPERTIES: Final = 50
TOKEN_VERSIONS: Final[Mapping[str, int]] = {"v1Token": 1, "v2Token": 2}


class GetAccountProperties(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class AccountProperties(msgspec.Struct, frozen=True, rename="pascal"):
    """Properties by `Namespace/PropertyName`."""

    properties: Mapping[str, str]


@action("iam:GetAccountProperties", resource=the_account)
def get_account_properties(state: State, call: Call[GetAccountProperties], _facts: Facts) -> Decision:
    """Show the account's properties (IAM API, GetAccountProperties)."""
    properties = account_of(state, call).properties
    return Decision(answer=AccountProperties({name: properties[name] for name in sorted(properties)}))


class PutAccountProperties(msgspec.Struct, frozen=True, rename="pascal"):
    """Which properties shall have which values; the others stay as they are."""

    properties: dict[str, str]


@action("iam:PutAccountProperties", resource=the_account)
def put_account_properties(state: State, call: Call[PutAccountProperties], _facts: Facts) -> Decision:
    """Set some of the account's properties (IAM API, PutAccountProperties)."""
    account, wanted = account_of(state, call), call.input.properties
    parts = [name.split("/") for name in wanted]
    if any(len(part) != 2 or not all(part) for part in parts):
        return refuse(Reason.INVALID_INPUT, "A property is named Namespace/PropertyName.")
    if len({namespace for namespace, _ in parts}) > 1:
        return refuse(Reason.INVALID_INPUT, "All properties in one request must belong to the same namespace.")
    if len(account.properties.update(wanted)) > MOST_PROPERTIES:
        return refuse(Reason.INVALID_INPUT, f"An account has at most {MOST_PROPERTIES} properties.")
    if not wanted:
        return Decision()
    return Decision(facts=(AccountPropertiesSet(account=account.id, properties=wanted),))


class SetSecurityTokenServicePreferences(msgspec.Struct, frozen=True, rename="pascal"):
    """Which version."""

    global_endpoint_token_version: str


@action("iam:SetSecurityTokenServicePreferences", resource=the_account)
def set_security_token_service_preferences(
    _state: State, call: Call[SetSecurityTokenServicePreferences], _facts: Facts
) -> Decision:
    """Prefer a version of session tokens; here they are good in every region anyway (IAM API, same name)."""
    version = TOKEN_VERSIONS.get(call.input.global_endpoint_token_version)
    if version is None:
        return refuse(Reason.VALIDATION_ERROR, "GlobalEndpointTokenVersion must be v1Token or v2Token.")
    return Decision(facts=(TokenVersionSet(account=call.caller.account, version=version),))
