"""The organisation as condition keys know it: every account of an authority, right below one root.

Its names are made of the log's own id, and so are the same for ever.  Keys about the services that AWS lets act for its
customers (aws:SourceOrgID, aws:SourceOrgPaths) are nobody's here: no service calls for another.
"""

from __future__ import annotations

import functools
from hashlib import sha256
from typing import Final

from authority.access.beside import Beside
from authority.access.context import TYPES, Context
from authority.model.state import State
from authority.policy.principal import Principal


def organization_id(state: State) -> str:
    """`o-` and ten letters: the same for ever, for it is made of the log's own id."""
    return f"o-{_digest(state.ledger_id)[:10]}"


def root_id(state: State) -> str:
    """`r-` and four letters."""
    return f"r-{_digest(state.ledger_id)[10:14]}"


_KEYS: Final[Beside[tuple[str, str], Context]] = Beside()


def organized(state: State, principal: Principal, resource_account: str) -> Context:
    """The condition keys of the organisation that *principal* belongs to, and of the one that has *resource_account*.

    Who did not sign belongs to none, whatever a provider says of him (IAM User Guide, global condition context keys).
    """
    place = (principal.account if principal.kind in TYPES else "", resource_account)
    known = _KEYS.of(state)
    found = known.get(place)
    if found is None:
        found = known[place] = {**_keys(state, "principal", place[0]), **_keys(state, "resource", place[1])}
    return found


def _keys(state: State, whose: str, account: str) -> Context:
    if account not in state.accounts:
        return {}
    name = organization_id(state)
    return {f"aws:{whose}orgid": name, f"aws:{whose}orgpaths": (f"{name}/{root_id(state)}/",)}


@functools.lru_cache(maxsize=8)
def _digest(ledger_id: str) -> str:
    return sha256(ledger_id.encode()).hexdigest()
