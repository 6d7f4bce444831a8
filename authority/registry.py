"""All actions by service and operation.  A room that decides something new adds its module to the list, no more."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from authority.access.action import Action
from authority.accounts import accounts, log
from authority.permissions import attachments, boundaries, inline, managed, versions
from authority.principals import access_keys, devices, groups, mfa, users
from authority.resources import evaluate
from authority.roles import roles
from authority.roles import tags as role_tags
from authority.sessions import assume_role, caller_identity
from authority.wire.dialects import Route

OWN_SERVICE: Final = "authority"
SERVICES: Final = ("iam", "sts")
"""The services that are spoken as AWS describes them, by the names of their models."""

MODULES: Final = (
    access_keys,
    accounts,
    assume_role,
    attachments,
    boundaries,
    caller_identity,
    devices,
    evaluate,
    groups,
    inline,
    log,
    managed,
    mfa,
    role_tags,
    roles,
    users,
    versions,
)

ACTIONS: Final = MappingProxyType(
    {
        (found.service, found.operation): found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, Action)
    }
)
"""`("iam", "CreateRole")` leads to its action."""

ROUTES: Final = (
    Route("GET", "/v1/events", "ListEvents"),
    Route("GET", "/v1/events/{id}", "GetEvent"),
    Route("GET", "/v1/sessions", "ListSessions"),
    Route("GET", "/v1/log", "DescribeLog"),
    Route("GET", "/v1/accounts", "ListAccounts"),
    Route("POST", "/v1/accounts", "CreateAccount"),
    Route("GET", "/v1/accounts/{accountId}", "GetAccount"),
    Route("POST", "/access/v1/evaluation", "Evaluate"),
    Route("POST", "/access/v1/evaluations", "BatchEvaluate"),
)
"""Our own operations, by method and path."""
