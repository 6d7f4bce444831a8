"""Identity pools: applications that sign their own users in, the identities of those users, and the roles they get.

A pool names providers and roles as its operator wrote them, by ARN: what they mean is looked up whenever they are used,
and a role must trust the pool by itself.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from immutables import Map

from authority.kernel.ids import AccountId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class UserPool(msgspec.Struct, frozen=True):
    """An issuer of ID tokens that a pool trusts by its URL without the scheme, for one client."""

    name: str
    client_id: str
    checked: bool = False
    """What the operator said of ServerSideTokenCheck."""


class MappingRule(msgspec.Struct, frozen=True):
    """The role for whoever has a claim like this."""

    claim: str
    match: str
    value: str
    role: str


class RoleMapping(msgspec.Struct, frozen=True, kw_only=True):
    """How the role is chosen of whoever comes by one provider: what his token says, or rules over its claims.

    `otherwise` is `AuthenticatedRole`, `Deny`, or empty where the operator said nothing.
    """

    provider: str
    kind: str
    otherwise: str = ""
    rules: tuple[MappingRule, ...] = ()


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who may come to a pool, and in which way.

    `logins` are the providers that everybody knows, with the applications whose tokens count; `classic` says whether
    whoever comes may have a token and choose the role himself.
    """

    name: str
    guests: bool
    classic: bool = False
    logins: tuple[tuple[str, str], ...] = ()
    developer: str = ""
    oidc_providers: tuple[str, ...] = ()
    user_pools: tuple[UserPool, ...] = ()
    saml_providers: tuple[str, ...] = ()


class IdentityPool(msgspec.Struct, frozen=True, kw_only=True):
    """One pool; roles are empty where there is none."""

    id: str
    created_at: datetime
    settings: PoolSettings
    tags: tuple[Tag, ...] = ()
    authenticated_role: str = ""
    guest_role: str = ""
    mappings: tuple[RoleMapping, ...] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        return self.settings.name


class Login(msgspec.Struct, frozen=True):
    """Somebody as a provider knows him."""

    provider: str
    subject: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a pool.  Whoever was ever known to a provider is no guest any more, whatever he has left."""

    id: str
    account: AccountId
    pool: str
    created_at: datetime
    modified_at: datetime
    logins: tuple[Login, ...] = ()
    guest: bool = True


class IdentityPoolCreated(AccountFact, frozen=True, kw_only=True, tag="identity-pool-created"):
    """An account has another identity pool."""

    pool: str
    settings: PoolSettings
    tags: tuple[Tag, ...] = ()


class IdentityPoolUpdated(AccountFact, frozen=True, kw_only=True, tag="identity-pool-updated"):
    """Others may come to an identity pool, or in another way."""

    pool: str
    settings: PoolSettings


class IdentityPoolRolesSet(AccountFact, frozen=True, kw_only=True, tag="identity-pool-roles-set"):
    """Who comes to an identity pool gets other roles."""

    pool: str
    authenticated_role: str = ""
    guest_role: str = ""
    mappings: tuple[RoleMapping, ...] = ()


class IdentityPoolTagged(AccountFact, frozen=True, kw_only=True, tag="identity-pool-tagged"):
    """Tags were laid over those of an identity pool; keys keep their case."""

    pool: str
    tags: tuple[Tag, ...]


class IdentityPoolUntagged(AccountFact, frozen=True, kw_only=True, tag="identity-pool-untagged"):
    """Tags were taken off an identity pool."""

    pool: str
    keys: tuple[str, ...]


class IdentityPoolDeleted(AccountFact, frozen=True, kw_only=True, tag="identity-pool-deleted"):
    """An identity pool is gone, and with it every identity in it."""

    pool: str


class IdentityCreated(AccountFact, frozen=True, kw_only=True, tag="identity-created"):
    """Somebody new came to an identity pool; a guest has no logins."""

    pool: str
    identity: str
    logins: tuple[Login, ...] = ()


class LoginsLinked(AccountFact, frozen=True, kw_only=True, tag="logins-linked"):
    """Somebody in an identity pool is known to more providers."""

    pool: str
    identity: str
    logins: tuple[Login, ...]


class LoginsUnlinked(AccountFact, frozen=True, kw_only=True, tag="logins-unlinked"):
    """Logins lead to somebody in an identity pool no more."""

    pool: str
    identity: str
    logins: tuple[Login, ...]


class IdentityDeleted(AccountFact, frozen=True, kw_only=True, tag="identity-deleted"):
    """Somebody in an identity pool is forgotten."""

    pool: str
    identity: str


class PoolPlace(msgspec.Struct, frozen=True):
    """Whose a pool is, and how many identities it has."""

    account: AccountId
    size: int = 0


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody in every pool: by id, and by what providers call him."""

    known: Map[str, Identity] = Map()
    pools: Map[str, PoolPlace] = Map()
    logins: Map[str, str] = Map()

    def behind(self, pool: str, login: Login) -> str | None:
        """The identity that *login* leads to in a pool."""
        return self.logins.get(_key(pool, login))

    def in_pool(self, pool: str) -> list[Identity]:
        """Everybody in a pool, in no order."""
        return [identity for identity in self.known.values() if identity.pool == pool]

    def taking(self, fact: AccountFact, at: datetime) -> Identities:
        """Everybody there is after *fact*."""
        match fact:
            case IdentityPoolCreated():
                return _replace(self, pools=self.pools.set(fact.pool, PoolPlace(fact.account)))
            case IdentityPoolDeleted():
                known = self.known
                for identity in self.in_pool(fact.pool):
                    known = known.delete(identity.id)
                return Identities(
                    known=known,
                    pools=self.pools.delete(fact.pool),
                    logins=Map((key, who) for key, who in self.logins.items() if who in known),
                )
            case IdentityCreated():
                made = Identity(id=fact.identity, account=fact.account, pool=fact.pool, created_at=at, modified_at=at)
                place = self.pools[fact.pool]
                sized = self.pools.set(fact.pool, PoolPlace(place.account, place.size + 1))
                return _replace(self._linked(made, fact.logins, at), pools=sized)
            case LoginsLinked():
                return self._linked(self.known[fact.identity], fact.logins, at)
            case LoginsUnlinked():
                return self._unlinked(self.known[fact.identity], fact.logins, at)
            case IdentityDeleted():
                return self._without(self.known[fact.identity])
            case _:
                raise TypeError("a fact that says nothing of identities")

    def _linked(self, identity: Identity, logins: tuple[Login, ...], at: datetime) -> Identities:
        found = self.logins
        for login in logins:
            found = found.set(_key(identity.pool, login), identity.id)
        new = tuple(login for login in logins if login not in identity.logins)
        linked = _replace(
            identity, logins=(*identity.logins, *new), modified_at=at, guest=identity.guest and not logins
        )
        return _replace(self, logins=found, known=self.known.set(identity.id, linked))

    def _unlinked(self, identity: Identity, logins: tuple[Login, ...], at: datetime) -> Identities:
        found = self.logins
        for login in logins:
            if login in identity.logins:
                found = found.delete(_key(identity.pool, login))
        left = _replace(
            identity, logins=tuple(login for login in identity.logins if login not in logins), modified_at=at
        )
        return _replace(self, logins=found, known=self.known.set(identity.id, left))

    def _without(self, identity: Identity) -> Identities:
        bare = self._unlinked(identity, identity.logins, identity.modified_at)
        place = bare.pools[identity.pool]
        return _replace(
            bare,
            known=bare.known.delete(identity.id),
            pools=bare.pools.set(identity.pool, PoolPlace(place.account, place.size - 1)),
        )


NOBODY = Identities()

_replace = msgspec.structs.replace


def _key(pool: str, login: Login) -> str:
    # No provider's name and no pool's id has a line break in it.
    return f"{pool}\n{login.provider}\n{login.subject}"
