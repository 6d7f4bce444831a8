"""All actions by service and operation.  A room that decides something new adds its module to the list, no more."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from authority.access.action import Action
from authority.accounts import accounts
from authority.permissions import inline
from authority.principals import users
from authority.sessions import assume_role

MODULES: Final = (accounts, assume_role, inline)

ACTIONS: Final = MappingProxyType(
    {
        (found.service, found.operation): found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, Action)
    }
)
"""`("iam", "CreateRole")` leads to its action."""
