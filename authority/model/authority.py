"""The authority itself: its accounts, its sealing keys, its own acts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

import msgspec

from authority.kernel.ids import AccountId, SealingKeyId
from authority.model.fact import AccountFact, Fact

LOCALLY: Final = "https://localhost"
"""The public URL of an authority that was told none."""
SEALING_KEY_PURPOSE: Final = "sealing-key"
"""What daily keys are sealed for."""
SEALING_KEY_BYTES: Final = 32


class Settings(msgspec.Struct, frozen=True):
    """The settings that decisions depend on; whoever replays the log needs them, so they are in it."""

    engine: str
    regions: tuple[str, ...]
    max_chain_depth: int = 8
    mfa_guards_enrolment: bool = True
    """Whether a user with an MFA device enables another only with credentials that were obtained with MFA."""
    federation_sessions_end_with_parent: bool = False
    """Whether sessions of GetSessionToken and GetFederationToken end with the key that asked for them."""
    role_sessions_end_with_parent: bool = False
    """Whether role sessions end with the long-term key, or the provider, that their chain began with."""
    public_url: str = LOCALLY
    """The URL under which the world reaches this authority, without a slash at its end; issuers of tokens lie below."""
    assertions_count_once: bool = False
    """Whether a SAML assertion is redeemed once at all, and not once for each role."""
    shared_issuers_need_subject: bool = False
    """Whether a trust policy that lets in all customers of a shared issuer is refused, and not only remarked on."""
    open_trust_refused: bool = False
    """Whether trust in everybody, or in all whom a provider vouches for, without a condition is refused."""
    web_identity_tokens_count_once: bool = False
    """Whether a token of a provider is traded for a role once, and not again and again until it expires."""


class SealingKey(msgspec.Struct, frozen=True):
    """A daily key under which temporary secrets are derived and tokens sealed; the key itself lies in the vault."""

    id: SealingKeyId
    created_at: datetime


class AuthorityInitialised(Fact, frozen=True, kw_only=True, tag="authority-initialised"):
    """The log begins."""

    ledger_id: str
    management_account: AccountId


class SettingsChanged(Fact, frozen=True, kw_only=True, tag="settings-changed"):
    """Decisions depend on other settings, or on another engine, from here on."""

    settings: Settings


class AuthorityStarted(Fact, frozen=True, kw_only=True, tag="authority-started"):
    """A node began to serve."""

    CONFIG: ClassVar[bool] = False

    version: str
    node: str


class AuthorityStopped(Fact, frozen=True, kw_only=True, tag="authority-stopped"):
    """A node stopped serving, in order."""

    CONFIG: ClassVar[bool] = False

    node: str


class SealingKeyCreated(Fact, frozen=True, kw_only=True, tag="sealing-key-created"):
    """A new daily key is in use."""

    key_id: SealingKeyId


class SealingKeyDestroyed(Fact, frozen=True, kw_only=True, tag="sealing-key-destroyed"):
    """A daily key is gone: nothing that it sealed can still be alive."""

    key_id: SealingKeyId


class AccountCreated(AccountFact, frozen=True, kw_only=True, tag="account-created"):
    """There is another account, with a root principal that has no credentials yet."""

    name: str
    email: str = ""


class UnprovenRequests(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Requests of one kind that never proved who they were: how many, the first and the last."""

    source: str
    action: str
    reason: str
    count: int
    first: datetime
    last: datetime
    access_key_id: str = ""


class UnprovenRequestsSummarised(Fact, frozen=True, kw_only=True, tag="unproven-requests-summarised"):
    """What strangers tried since the last summary."""

    CONFIG: ClassVar[bool] = False

    requests: tuple[UnprovenRequests, ...]
    unlisted: int = 0
    """Requests beyond the number of kinds that one summary lists."""
