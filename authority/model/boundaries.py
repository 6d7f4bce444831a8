"""Permissions boundaries: the managed policy that limits what a user or role can be given."""

from __future__ import annotations

from authority.kernel.ids import PolicyId
from authority.model.fact import AccountFact


class BoundarySet(AccountFact, frozen=True, kw_only=True, tag="boundary-set"):
    """A managed policy limits a user or role from here on, in the place of any other."""

    holder: str
    policy_id: PolicyId


class BoundaryRemoved(AccountFact, frozen=True, kw_only=True, tag="boundary-removed"):
    """Nothing limits a user or role any more but its own policies."""

    holder: str
