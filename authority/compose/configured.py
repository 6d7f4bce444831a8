"""What settings stand for: values that the parts take, and the files that settings name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from authority import permissions
from authority.federation.introspection import Judges
from authority.kernel.clock import Clock
from authority.kernel.secret import Secret
from authority.ledger.note import NoteRefused, VerifierKey
from authority.model.authority import Settings as Decisive
from authority.outbound.witnesses import HttpWitness
from authority.permissions import catalogue
from authority.permissions.catalogue import CataloguePolicy
from authority.settings import Settings, SettingsRefused
from authority.witnessing import Witness

ENGINE: Final = "1"
"""The version of the policy engine: raised when it comes to decide anything differently."""


def ledger_url(settings: Settings) -> str:
    """The database of the ledger."""
    return f"sqlite+aiosqlite:///{settings.database}"


def decisive(settings: Settings) -> Decisive:
    """The settings that decisions depend on, as the log holds them."""
    return Decisive(
        engine=ENGINE,
        regions=settings.regions,
        max_chain_depth=settings.max_chain_depth,
        federation_sessions_end_with_parent=settings.federation_sessions_end_with_parent,
        role_sessions_end_with_parent=settings.role_sessions_end_with_parent,
        mfa_guards_enrolment=settings.mfa_guards_enrolment,
        public_url=settings.public_url,
        assertions_count_once=settings.assertions_count_once,
        web_identity_tokens_count_once=settings.web_identity_tokens_count_once,
        shared_issuers_need_subject=settings.shared_issuers_need_subject,
        open_trust_refused=settings.open_trust_refused,
    )


def judges_of(settings: Settings) -> Judges:
    """Who says what access tokens are worth."""
    file = settings.facebook_app_token_file
    token = None if file is None else Secret(_content(file).decode("utf-8").strip())
    return Judges(settings.amazon_tokeninfo, settings.facebook_debug_token, token)


def catalogue_of(settings: Settings) -> tuple[CataloguePolicy, ...]:
    """The managed policies of every account: ours, and the operator's over them."""
    ours = catalogue.read(resources.files(permissions).joinpath("aws_managed.json").read_bytes())
    return catalogue.joined(
        ours, *([] if settings.catalogue is None else [catalogue.read(_content(settings.catalogue))])
    )


def witness_of(settings: Settings, clock: Clock) -> Witness | None:
    """Who signs checkpoints beside us, if anybody does."""
    if settings.witness_url is None or settings.witness_key is None:
        return None
    try:
        key = VerifierKey.parse(settings.witness_key)
    except NoteRefused as refused:
        raise SettingsRefused(f"`witness_key` from {settings.origin('witness_key')}: {refused}") from None
    return Witness(key, HttpWitness(settings.witness_url).submit, clock)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as fault:
        raise SettingsRefused(f"the file {file} cannot be read: {fault.strerror}") from None
