"""Whoever has no key of ours and is vouched for by a provider: what was verified of him, before any decision.

Only what verifies a token or an assertion makes one of these, so that to hold one is to have proven it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from authority.access.caller import Caller
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.tags import Tag
from authority.model.event import CallerRecord
from authority.policy.principal import Principal, PrincipalKind

STRANGER: Final = Caller(
    principal=Principal(PrincipalKind.ANONYMOUS, "", "", ""), access_key_id=AccessKeyId(""), account=AccountId("")
)
"""Who asks without a signature, until a decision finds out what the proof is worth."""


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody for whom a provider vouches.

    `account` is the one whose provider it is.  `provider` is the ARN or the name by which trust policies know it,
    `principal_id` how logs name whom it vouches for (CloudTrail, userIdentity element).  `conditions` are what
    policies may ask now, and `lasting` those of them that the session's own requests have too.  `evidence` names the
    token or the assertion.
    """

    kind: PrincipalKind
    account: AccountId
    provider: str
    provider_id: str = ""
    """The unique id of a provider that the account keeps; empty for one that everybody knows by its name."""
    principal_id: str
    subject: str
    conditions: dict[str, str | tuple[str, ...]]
    lasting: dict[str, str | tuple[str, ...]]
    evidence: str
    tags: tuple[Tag, ...] = ()
    transitive_keys: tuple[str, ...] = ()
    source_identity: str = ""

    def record(self) -> CallerRecord:
        """Who asked, as the log says it: on the trail of the account that trusts the provider."""
        return CallerRecord(
            kind=self.kind, arn="", principal_id=self.principal_id, account=self.account, access_key_id=""
        )

    def caller(self) -> Caller:
        """Who asks, as the policy engine sees it."""
        principal = Principal(self.kind, self.principal_id, "", "", issuer=self.provider)
        return Caller(principal=principal, access_key_id=AccessKeyId(""), account=self.account)
