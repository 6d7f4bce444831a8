"""The Principal element, prepared: whom a statement names, and how (AWS JSON policy elements: Principal, NotPrincipal).

Users and roles are known by the unique id they were bound to when the policy was written, so that a namesake made
later is a stranger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from authority.policy import silences
from authority.policy.grammar import Named
from authority.policy.principal import Grant, Principal, PrincipalKind

# Looking up a member of an enumeration costs more than testing a name.
_NONE: Final = Grant.NONE
_ACCOUNT: Final = Grant.ACCOUNT
_ROLE: Final = Grant.ROLE
_DIRECT: Final = Grant.DIRECT
_USER: Final = PrincipalKind.USER
_SERVICE: Final = PrincipalKind.SERVICE
_SESSIONS: Final = frozenset({PrincipalKind.ASSUMED_ROLE, PrincipalKind.FEDERATED_USER})
_VOUCHED: Final = frozenset({PrincipalKind.SAML, PrincipalKind.WEB_IDENTITY})
_MEMBERS: Final = _SESSIONS | {PrincipalKind.ROOT, _USER}


class Whom:
    """Everybody that one list of principals names."""

    __slots__ = ("_accounts", "_accounts_alone", "_arns", "_everybody", "_ids", "_providers", "_services")

    def __init__(self, names: Iterable[Named], bound: Mapping[str, str | None]) -> None:
        """Sort *names* by how they are compared; *bound* tells the unique ids of users and roles."""
        accounts, ids, arns, services, providers = set(), set(), set(), set(), set()
        self._everybody = False
        for named in names:
            if named.is_everybody:
                self._everybody = True
            elif named.account:
                accounts.add(named.account)
            elif named.is_user_or_role and named.name in bound:
                # What was bound to nothing matches nobody, whoever comes to bear the name.
                if (unique_id := bound[named.name]) is not None:
                    ids.add(unique_id)
            elif named.word == "AWS":
                arns.add(named.name)
            elif named.word == "Service":
                services.add(named.name)
            elif named.word == "Federated":
                providers.add(named.name)
        self._accounts = frozenset(accounts)
        self._ids = frozenset(ids)
        self._arns = frozenset(arns)
        self._services = frozenset(services)
        self._providers = frozenset(providers)
        self._accounts_alone = not (self._everybody or ids or arns or services or providers)

    def grant(self, principal: Principal) -> Grant:
        """Say in which way *principal* is named, the most direct one first."""
        if not self._accounts_alone:
            if self._everybody or self._names_itself(principal):
                return _DIRECT
            if self._names_issuer(principal):
                return _ROLE
        return _ACCOUNT if self._names_account(principal) else _NONE

    def spares(self, principal: Principal) -> bool:
        """Whether a Deny for all but these leaves *principal* alone."""
        if self._everybody or silences.SESSION_SPARED_BY_PART:
            return self.grant(principal) is not _NONE
        if principal.kind is _USER:
            return self._names_itself(principal) and self._names_account(principal)
        if principal.kind in _SESSIONS:
            named = self._names_itself(principal) and self._names_issuer(principal)
            return named and self._names_account(principal)
        return self.grant(principal) is not _NONE

    def _names_itself(self, principal: Principal) -> bool:
        kind = principal.kind
        if kind is _USER:
            return principal.unique_id in self._ids or principal.arn in self._arns
        if kind in _SESSIONS:
            return principal.arn in self._arns
        if kind is _SERVICE:
            return principal.arn in self._services
        # Root is named by its account, a stranger by nothing.
        return kind in _VOUCHED and principal.issuer in self._providers

    def _names_issuer(self, principal: Principal) -> bool:
        """Whether the role, or the federating user, behind a session is named."""
        if principal.kind not in _SESSIONS:
            return False
        return principal.unique_id in self._ids or principal.issuer in self._arns

    def _names_account(self, principal: Principal) -> bool:
        """Whether the account is named; who is vouched for by a provider belongs to none yet."""
        return principal.kind in _MEMBERS and principal.account in self._accounts
