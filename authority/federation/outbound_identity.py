"""Whether an account's principals may get tokens for others, who then trust us as an issuer.

IAM API, EnableOutboundWebIdentityFederation and its kin.  The issuer is one for each account, lies under the URL of
this authority, and stays the same once it was made: switched off and on again, it lies under the URL that counts now.
"""

from __future__ import annotations

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import account_of
from authority.kernel.refusal import Reason
from authority.model.authority import LOCALLY
from authority.model.providers import OutboundIdentityDisabled, OutboundIdentityEnabled
from authority.model.state import State

ID_BYTES = 16


class EnableOutboundWebIdentityFederation(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class Issuer(msgspec.Struct, frozen=True, rename="pascal"):
    """The issuer of the account's tokens."""

    issuer_identifier: str


@action("iam:EnableOutboundWebIdentityFederation", resource=lambda _state, _call: "*")
def enable_outbound_web_identity_federation(
    state: State, call: Call[EnableOutboundWebIdentityFederation], facts: Facts
) -> Decision:
    """Let the account's principals get tokens for others (IAM API, EnableOutboundWebIdentityFederation)."""
    account = account_of(state, call)
    known = account.outbound_identity
    if known is not None and known.enabled:
        text = "Outbound web identity federation is already enabled for this account."
        return refuse(Reason.FEATURE_ENABLED, text)
    base = LOCALLY if state.settings is None else state.settings.public_url
    name = facts.draw(ID_BYTES).hex() if known is None else known.issuer.rpartition("/")[2]
    issuer = f"{base}/outbound/{name}"
    return Decision(facts=(OutboundIdentityEnabled(account=account.id, issuer=issuer),), answer=Issuer(issuer))


class DisableOutboundWebIdentityFederation(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


@action("iam:DisableOutboundWebIdentityFederation", resource=lambda _state, _call: "*")
def disable_outbound_web_identity_federation(
    state: State, call: Call[DisableOutboundWebIdentityFederation], _facts: Facts
) -> Decision:
    """Let nobody in the account get such tokens any more (IAM API, DisableOutboundWebIdentityFederation)."""
    account = account_of(state, call)
    if account.outbound_identity is None or not account.outbound_identity.enabled:
        return _disabled()
    return Decision(facts=(OutboundIdentityDisabled(account=account.id),))


class GetOutboundWebIdentityFederationInfo(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class OutboundInfo(msgspec.Struct, frozen=True, rename="pascal"):
    """The issuer of the account's tokens, and whether it issues any."""

    issuer_identifier: str
    jwt_vending_enabled: bool


@action("iam:GetOutboundWebIdentityFederationInfo", resource=lambda _state, _call: "*")
def get_outbound_web_identity_federation_info(
    state: State, call: Call[GetOutboundWebIdentityFederationInfo], _facts: Facts
) -> Decision:
    """Say which issuer the account has (IAM API, GetOutboundWebIdentityFederationInfo)."""
    known = account_of(state, call).outbound_identity
    if known is None or not known.enabled:
        return _disabled()
    return Decision(answer=OutboundInfo(known.issuer, jwt_vending_enabled=True))


def _disabled() -> Decision:
    return refuse(Reason.FEATURE_DISABLED, "Outbound web identity federation is not enabled for this account.")
