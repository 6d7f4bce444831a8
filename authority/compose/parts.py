"""The parts of an authority that serves, each put together from those below it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_network
from typing import Final, NamedTuple, TypeAlias

from botocore.loaders import Loader

from authority.accounts.inquiry import Inquiry
from authority.accounts.log import LogQuery, LogSeen
from authority.accounts.proofs import Evidence
from authority.answering.answer import answer as inquired
from authority.answering.proofs import proven
from authority.answering.reach import Sources
from authority.answering.streaming import Streams
from authority.audit.queries import Query
from authority.audit.streams import StreamEvents
from authority.committer import Committer
from authority.compose.configured import judges_of
from authority.containing import containing
from authority.credentials import Keyring
from authority.federation.keysets import Issuer, KeySet, published_keys
from authority.gathering import gatherers, signers
from authority.kernel.clock import Clock
from authority.ledger.port import Ledger
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.state import state_hash
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.outbound.issuer_keys import CryptographyIssuerKeys
from authority.outbound.issuers import HttpsFetcher, LastGood
from authority.outbound.passwords import Argon2Passwords
from authority.pipeline import Answer, Observe, Pipeline
from authority.projections.runner import Projections
from authority.registry import ACTIONS, OWN_SERVICE, ROUTES, SERVICES
from authority.replay.as_of import Versions
from authority.replay.folding import Version
from authority.sealing import Sealer
from authority.settings import Settings
from authority.vouching import vouchers
from authority.web.admin import Metrics
from authority.wire.dialects import Dialects
from authority.wire.shapes import compile_service
from authority.witnessing import Witness
from authority.workers import (
    RevokedSessions,
    Snapshots,
    end_due_sessions,
    renew_sealing_key,
    renew_signing_keys,
    summarise,
)

SEALING_KEY_CHECKED: Final = 60.0
SIGNING_KEYS_CHECKED: Final = 1.0
CHECKPOINTED: Final = 1.0
SNAPSHOT_LOOKED_AT: Final = 5.0
SEALED: Final = 1.0
"""Seconds between the turns of workers that nobody waits for."""

Worker: TypeAlias = tuple[str, float, Callable[[], Awaitable[None]]]
"""What it is called, the seconds between its turns, and what it does in each."""


class Stores(NamedTuple):
    """What is open: the log, what is read from it and who writes it, keys and the time."""

    ledger: SqliteLedger
    projections: Projections
    committer: Committer
    custody: Custody
    clock: Clock
    snapshot_at: int
    """Where the snapshot stands that the state was folded from."""


def answers(stores: Stores, stop: asyncio.Event) -> Answer:
    """Who answers which query, each as the log stood at the entry that asked it.  Streams end when *stop* is set."""
    ledger, projections, committer = stores.ledger, stores.projections, stores.committer
    streams = Streams(ledger, projections.answer, stop)
    inquiries = Sources(ledger, projections.answer, Versions(), lambda: committer.version)

    async def answer(query: Query, at: int) -> object:
        if isinstance(query, LogQuery):
            return await _log_seen(ledger, committer.version)
        if isinstance(query, Evidence):
            return await proven(ledger, projections.answer, committer.version.state, query, at)
        if isinstance(query, StreamEvents):
            return streams.answer(query, at)
        if isinstance(query, Inquiry):
            return await inquired(inquiries, query, at)
        return await projections.answer(query, at)

    return answer


async def _log_seen(ledger: Ledger, version: Version) -> LogSeen:
    root = await ledger.root_at(version.position)
    digest = await asyncio.to_thread(state_hash, version.state)
    return LogSeen(version.state.ledger_id, version.position, version.configured, root.hex(), digest)


def pipeline(settings: Settings, stores: Stores, answer: Answer, observe: Observe) -> Pipeline:
    """The path of every request."""
    keyring, issuer_keys = Keyring(stores.ledger, stores.custody), CryptographyIssuerKeys()
    fetch = HttpsFetcher(map(ip_network, settings.issuer_networks))
    keys_of_others = LastGood[Issuer, KeySet](lambda issuer: published_keys(fetch, issuer), stores.clock)
    regions = frozenset(settings.regions)

    async def grown(after: int) -> Version:
        await stores.ledger.wait(after)
        return stores.committer.version

    return Pipeline(
        committer=stores.committer,
        keyring=keyring,
        custodian=stores.custody,
        clock=stores.clock,
        entropy=SystemEntropy(),
        dialects=dialects(),
        actions=ACTIONS,
        gatherers={
            **gatherers(keyring, regions, Argon2Passwords(), answer),
            **signers(keyring, issuer_keys, grown),
            **containing(keyring, answer),
        },
        vouchers=vouchers(keys_of_others, keyring, fetch, judges_of(settings), issuer_keys),
        answer=answer,
        observe=observe,
        regions=regions,
        default_region=settings.default_region,
    )


def dialects() -> Dialects:
    """Every service, compiled from its model."""
    loader = Loader()
    models = [loader.load_service_model(name, "service-2") for name in SERVICES]
    return Dialects([compile_service(model) for model in models], OWN_SERVICE, ROUTES)


def workers(settings: Settings, stores: Stores, serving: Pipeline, answer: Answer, sealer: Sealer) -> Sequence[Worker]:
    """What is done by itself while requests are served."""
    ledger, projections, committer, custody, clock, snapshot_at = stores
    entropy, issuer_keys = SystemEntropy(), CryptographyIssuerKeys()
    snapshots = Snapshots(ledger, committer, every=settings.snapshot_every, taken=snapshot_at)
    revoked = RevokedSessions(ledger, answer, clock)

    async def expire() -> None:
        # What was revoked did not expire, even if nobody wrote it down in time.
        await revoked.end(committer.version)
        await end_due_sessions(ledger, projections.due_sessions, clock)

    return (
        ("expiry", settings.expiry_interval, expire),
        ("summaries", settings.summary_interval, lambda: summarise(serving.unproven, committer, clock)),
        ("sealing keys", SEALING_KEY_CHECKED, lambda: renew_sealing_key(committer, custody, clock, entropy)),
        (
            "signing keys",
            SIGNING_KEYS_CHECKED,
            lambda: renew_signing_keys(committer, custody, issuer_keys, clock, entropy),
        ),
        ("snapshots", SNAPSHOT_LOOKED_AT, snapshots.keep),
        ("checkpoints", CHECKPOINTED, ledger.checkpoint),
        ("sealer", SEALED, sealer.seal),
    )


def measure(metrics: Metrics, stores: Stores, sealer: Sealer, witness: Witness | None) -> None:
    """Have *metrics* say how far each part has come."""
    committer, projections = stores.committer, stores.projections
    metrics.gauge("authority_log_position", "The last position of the log.", lambda: committer.version.position)
    metrics.gauge("authority_projected_position", "The last position projected.", lambda: projections.position)
    if witness is not None:
        metrics.gauge("authority_witnessed_position", "The last position that the witness saw.", lambda: witness.seen)
    metrics.gauge("authority_signed_position", "The last position under a signed checkpoint.", lambda: sealer.size)
    metrics.gauge("authority_checkpoints_refused", "Checkpoints not signed: the log changed.", lambda: sealer.alarms)
