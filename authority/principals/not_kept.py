"""What AWS keeps for users and this authority does not: certificates, SSH keys, credentials of single services.

Clients list them before they delete a user, so the lists are there, and empty (IAM API, the List actions named).
"""

from __future__ import annotations

from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import Listing, PathListing, listed
from authority.access.naming import account_of, iam_arn, listing
from authority.kernel.paging import Page
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State
from authority.principals.naming import user_or_caller, user_or_caller_arn, worn_by_user


def _none_of(call: Call[Any], shape: type[Any]) -> Decision:
    """An empty page, in the operation's own shape."""

    def empty(page: Page[str]) -> object:
        return shape(page.items)

    return listed(call, type(call.input).__name__, lambda _: (), str, empty)


def _none_of_user(state: State, call: Call[Any], shape: type[Any]) -> Decision:
    user = user_or_caller(account_of(state, call), call)
    return Decision(answer=user) if isinstance(user, Refusal) else _none_of(call, shape)


class ListSSHPublicKeys(Listing, frozen=True):
    """Whose keys; without a name, those of who asks."""

    user_name: str = ""


class SSHPublicKeys(msgspec.Struct, frozen=True, rename="pascal"):
    """No keys."""

    keys: tuple[str, ...] = msgspec.field(name="SSHPublicKeys")
    is_truncated: bool = False


@action("iam:ListSSHPublicKeys", resource=user_or_caller_arn, conditions=worn_by_user)
def list_ssh_public_keys(state: State, call: Call[ListSSHPublicKeys], _facts: Facts) -> Decision:
    """List the SSH keys of a user: there are none (IAM API, ListSSHPublicKeys)."""
    return _none_of_user(state, call, SSHPublicKeys)


class ListSigningCertificates(Listing, frozen=True):
    """Whose certificates; without a name, those of who asks."""

    user_name: str = ""


class SigningCertificates(msgspec.Struct, frozen=True, rename="pascal"):
    """No certificates."""

    certificates: tuple[str, ...]
    is_truncated: bool = False


@action("iam:ListSigningCertificates", resource=user_or_caller_arn, conditions=worn_by_user)
def list_signing_certificates(state: State, call: Call[ListSigningCertificates], _facts: Facts) -> Decision:
    """List the signing certificates of a user: there are none (IAM API, ListSigningCertificates)."""
    return _none_of_user(state, call, SigningCertificates)


class ListServiceSpecificCredentials(Listing, frozen=True):
    """Whose credentials, and for which service; without a name, those of who asks."""

    user_name: str = ""
    service_name: str = ""
    all_users: bool = False


class ServiceSpecificCredentials(msgspec.Struct, frozen=True, rename="pascal"):
    """No credentials."""

    service_specific_credentials: tuple[str, ...]
    is_truncated: bool = False


def _whose(state: State, call: Call[ListServiceSpecificCredentials]) -> str:
    return iam_arn(call, "user/*") if call.input.all_users else user_or_caller_arn(state, call)


@action("iam:ListServiceSpecificCredentials", resource=_whose, conditions=worn_by_user)
def list_service_specific_credentials(
    state: State, call: Call[ListServiceSpecificCredentials], _facts: Facts
) -> Decision:
    """List a user's credentials for single services: there are none (IAM API, ListServiceSpecificCredentials)."""
    if call.input.all_users:
        return _none_of(call, ServiceSpecificCredentials)
    return _none_of_user(state, call, ServiceSpecificCredentials)


class ListServerCertificates(PathListing, frozen=True):
    """Below which path."""


class ServerCertificates(msgspec.Struct, frozen=True, rename="pascal"):
    """No certificates."""

    server_certificate_metadata_list: tuple[str, ...]
    is_truncated: bool = False


@action("iam:ListServerCertificates", resource=listing("server-certificate"))
def list_server_certificates(_state: State, call: Call[ListServerCertificates], _facts: Facts) -> Decision:
    """List the server certificates of the account: there are none (IAM API, ListServerCertificates)."""
    return _none_of(call, ServerCertificates)


class ListServerCertificateTags(Listing, frozen=True, kw_only=True):
    """Which certificate."""

    server_certificate_name: str


@action(
    "iam:ListServerCertificateTags",
    resource=lambda _, call: iam_arn(call, f"server-certificate/{call.input.server_certificate_name}"),
)
def list_server_certificate_tags(_state: State, call: Call[ListServerCertificateTags], _facts: Facts) -> Decision:
    """List the tags of a server certificate, of which there is none (IAM API, ListServerCertificateTags)."""
    text = f"The Server Certificate with name {call.input.server_certificate_name} cannot be found."
    return refuse(Reason.NO_SUCH_ENTITY, text)
