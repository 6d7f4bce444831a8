"""Where the parts meet: the only module that names adapters.

Start-up, and what stops it:

    1. the root key                  refused when anybody else can read it
    2. the ledger, owned by us       refused when another process writes it, or when its schema is another
    3. the last snapshot, and the tail folded; the tail held against the tree first
    4. the daily keys out of the vault
    5. settings that decisions depend on, written down where they changed
    6. the listeners; from here on requests are served
    7. beside them: the projections, the workers, and the rest of the log held against the tree
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import resources
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from aiohttp import web
from botocore.loaders import Loader

from authority import __version__, permissions
from authority.access.action import Facts
from authority.access.recording import act_of_authority
from authority.accounts.founding import Administrator, found, unused_account_id
from authority.accounts.inquiry import Inquiry
from authority.accounts.log import LogQuery, LogSeen
from authority.accounts.proofs import Evidence
from authority.answering.answer import answer as inquired
from authority.answering.proofs import proven
from authority.answering.reach import Sources
from authority.answering.streaming import Streams
from authority.audit.queries import Query
from authority.audit.streams import StreamEvents
from authority.committer import Committer, folded
from authority.containing import containing
from authority.credentials import Keyring
from authority.federation.introspection import Judges
from authority.federation.keysets import Issuer, KeySet, published_keys
from authority.gathering import gatherers
from authority.kernel.clock import Clock
from authority.kernel.ids import AccountId, SealingKeyId
from authority.kernel.secret import Secret
from authority.ledger.codec import new_entry
from authority.ledger.note import NoteRefused, VerifierKey
from authority.ledger.port import Ledger
from authority.ledger.sql.schema import check, migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model import authority as facts_of
from authority.model.state import EMPTY, from_canonical, state_format, state_hash
from authority.outbound.clock import SystemClock
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.outbound.issuer_keys import CryptographyIssuerKeys
from authority.outbound.issuers import HttpsFetcher, LastGood
from authority.outbound.passwords import Argon2Passwords
from authority.outbound.root_key import RootKeyRefused, create_root_key, load_root_key
from authority.outbound.witnesses import HttpWitness
from authority.permissions import catalogue
from authority.permissions.catalogue import CataloguePolicy, CatalogueRefused
from authority.pipeline import SEED_BYTES, Pipeline
from authority.projections.runner import Projections
from authority.registry import ACTIONS, OWN_SERVICE, ROUTES, SERVICES
from authority.replay.as_of import Versions
from authority.replay.folding import Version
from authority.sealing import Sealer
from authority.sessions.issuer import published
from authority.settings import Settings, SettingsRefused
from authority.vouching import vouchers
from authority.web.admin import Health, Metrics, admin_application
from authority.web.endpoint import Bounds, Endpoint
from authority.wire.dialects import Dialects
from authority.wire.shapes import compile_service
from authority.witnessing import Witness
from authority.workers import (
    RevokedSessions,
    Snapshots,
    end_due_sessions,
    own_act,
    renew_sealing_key,
    renew_signing_keys,
    repeatedly,
    summarise,
    take_snapshot,
)

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for this machine
    from asyncio import new_event_loop  # type: ignore[assignment]

log = structlog.get_logger()

CLOCK: Final = SystemClock()

ENGINE: Final = "1"
"""The version of the policy engine: raised when it comes to decide anything differently."""
SEALING_KEY_CHECKED: Final = 60.0
SIGNING_KEYS_CHECKED: Final = 1.0
CHECKPOINTED: Final = 1.0
SNAPSHOT_LOOKED_AT: Final = 5.0
SEALED: Final = 1.0
"""Seconds between the turns of workers that nobody waits for."""


NOT_HERE: Final = "there is no authority here yet; run `authority init` first"


class NotInitialised(Exception):  # noqa: N818 - what is the matter
    """There is no authority here yet, or half of one."""


REFUSALS: Final = (SettingsRefused, RootKeyRefused, NotInitialised, CatalogueRefused)
"""What an operator has to put right before anything can start."""


class Founding(msgspec.Struct, frozen=True):
    """A new authority: where it lies and who may do everything in it."""

    account: AccountId
    administrator: Administrator


def ledger_url(settings: Settings) -> str:
    """The database of the ledger."""
    return f"sqlite+aiosqlite:///{settings.database}"


def decisive(settings: Settings) -> facts_of.Settings:
    """The settings that decisions depend on, as the log holds them."""
    return facts_of.Settings(
        engine=ENGINE,
        regions=settings.regions,
        max_chain_depth=settings.max_chain_depth,
        federation_sessions_end_with_parent=settings.federation_sessions_end_with_parent,
        role_sessions_end_with_parent=settings.role_sessions_end_with_parent,
        mfa_guards_enrolment=settings.mfa_guards_enrolment,
        public_url=settings.public_url,
        assertions_count_once=settings.assertions_count_once,
        shared_issuers_need_subject=settings.shared_issuers_need_subject,
    )


def judges_of(settings: Settings) -> Judges:
    """Who says what access tokens are worth."""
    token, file = None, settings.facebook_app_token_file
    if file is not None:
        try:
            token = Secret(file.read_text("utf-8").strip())
        except OSError as fault:
            raise SettingsRefused(f"the file {file} cannot be read: {fault.strerror}") from None
    return Judges(settings.amazon_tokeninfo, settings.facebook_debug_token, token)


def catalogue_of(settings: Settings) -> tuple[CataloguePolicy, ...]:
    """The managed policies of every account: ours, and the operator's over them."""
    files = [catalogue.read(resources.files(permissions).joinpath("aws_managed.json").read_bytes())]
    if settings.catalogue is not None:
        try:
            files.append(catalogue.read(settings.catalogue.read_bytes()))
        except OSError as fault:
            raise SettingsRefused(f"the file {settings.catalogue} cannot be read: {fault.strerror}") from None
    return catalogue.joined(*files)


async def initialised(settings: Settings) -> bool:
    """Whether an authority lies where *settings* say."""
    if not settings.database.is_file():
        return False
    ledger = await SqliteLedger.open(ledger_url(settings), only_read=True)
    try:
        return (await ledger.head()).position > 0
    finally:
        await ledger.close()


async def migrate_database(settings: Settings) -> None:
    """Bring the database to the schema of this release, all or nothing."""
    await migrate(ledger_url(settings))


async def check_database(settings: Settings) -> str:
    """The schema of the database, if it is that of this release; else `SchemaDiffers`."""
    return await check(ledger_url(settings))


async def initialise(settings: Settings, account: AccountId | None, name: str, administrator: str) -> Founding:
    """Make an authority: root key, database, management account, an administrator with one key."""
    entropy, clock = SystemEntropy(), SystemClock()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.root_key is None and not settings.root_key_file.exists():
        create_root_key(settings.root_key_file, entropy)
    custody = Custody(load_root_key(settings.root_key_file, settings.root_key), entropy)
    await migrate(ledger_url(settings))
    ledger = await SqliteLedger.open(ledger_url(settings))
    try:
        if (await ledger.head()).position > 0:
            raise NotInitialised("there is an authority here already")
        facts = Facts(clock.now(), entropy.draw(SEED_BYTES))
        account = account or unused_account_id(EMPTY, facts)
        founded = found(account, name, administrator, facts, settings=decisive(settings))
        if founded.administrator is None:
            raise NotInitialised("an authority needs an administrator")
        rows = tuple(new.sealed_by(custody) for new in founded.secrets)
        body = act_of_authority("Initialised", founded.facts, facts.now, subject=account)
        await ledger.append([new_entry(body, rows=rows)], folded=0)
    finally:
        await ledger.close()
    return Founding(account, founded.administrator)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger, to be read only, beside whoever serves from it."""
    if not settings.database.is_file():
        raise NotInitialised(NOT_HERE)
    ledger = await SqliteLedger.open(ledger_url(settings), only_read=True)
    try:
        yield ledger
    finally:
        await ledger.close()


async def load_version(ledger: Ledger) -> tuple[Version, int]:
    """The newest state, from the last snapshot on, the tail held against the tree; and the snapshot's position."""
    snapshot = await ledger.latest_snapshot()
    version = Version(0, 0, EMPTY)
    if snapshot is not None and snapshot.format == state_format():
        await ledger.verify(snapshot.position, root=snapshot.root)
        state = await asyncio.to_thread(from_canonical, snapshot.body)
        version = Version(snapshot.position, snapshot.position, state)
    else:
        await ledger.verify()
    return await folded(ledger, version), version.position


class Serving(msgspec.Struct, frozen=True):
    """An authority that is up: where it listens, and what it has published."""

    url: str
    admin_url: str
    version: Callable[[], Version]


def dialects() -> Dialects:
    """Every service, compiled from its model."""
    loader = Loader()
    models = [loader.load_service_model(name, "service-2") for name in SERVICES]
    return Dialects([compile_service(model) for model in models], OWN_SERVICE, ROUTES)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* on the faster event loop where there is one."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)


async def serve(
    settings: Settings, ready: Callable[[Serving], None], stop: asyncio.Event, clock: Clock = CLOCK
) -> None:
    """Serve until *stop* is set; then finish what is under way, and let go of everything in order.

    Raises what stops an authority: `RootKeyRefused`, `LedgerInUse`, `SchemaDiffers`, `LedgerCorrupt`, `NotInitialised`.
    """
    custody = Custody(load_root_key(settings.root_key_file, settings.root_key), SystemEntropy())
    wanted = catalogue_of(settings)
    if not settings.database.is_file():
        raise NotInitialised(NOT_HERE)
    async with AsyncExitStack() as stack:
        ledger = await SqliteLedger.open(ledger_url(settings))
        stack.push_async_callback(ledger.close)
        version, snapshot_at = await load_version(ledger)
        if version.position == 0:
            raise NotInitialised(NOT_HERE)
        for key_id, sealed in await ledger.secrets(facts_of.SEALING_KEY_PURPOSE):
            custody.hold(SealingKeyId(key_id), custody.unseal(key_id, facts_of.SEALING_KEY_PURPOSE, sealed))
        committer = Committer(ledger, version, batch_limit=settings.batch_limit, queue_limit=settings.queue_limit)
        projections = await Projections.open(settings.projections, ledger)
        stack.push_async_callback(projections.close)
        try:
            await _serve(
                settings, _Stores(ledger, projections, custody, snapshot_at, clock, wanted), committer, ready, stop
            )
        except ExceptionGroup as failures:
            raise _cause(failures) from failures


class _Stores(NamedTuple):
    ledger: SqliteLedger
    projections: Projections
    custody: Custody
    snapshot_at: int
    clock: Clock
    catalogue: Sequence[CataloguePolicy]


async def _serve(
    settings: Settings,
    stores: _Stores,
    committer: Committer,
    ready: Callable[[Serving], None],
    stop: asyncio.Event,
) -> None:
    clock, entropy, node = stores.clock, SystemEntropy(), socket.gethostname()
    ledger, projections, custody = stores.ledger, stores.projections, stores.custody
    metrics, health = Metrics(), Health()
    keyring, issuer_keys = Keyring(ledger, custody), CryptographyIssuerKeys()

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

    streams = Streams(ledger, projections.answer, stop)
    inquiries = Sources(ledger, projections.answer, Versions(), lambda: committer.version)

    fetch = HttpsFetcher(map(ip_network, settings.issuer_networks))
    keys_of_others = LastGood[Issuer, KeySet](lambda issuer: published_keys(fetch, issuer), clock)
    pipeline = Pipeline(
        committer=committer,
        keyring=keyring,
        custodian=custody,
        clock=clock,
        entropy=entropy,
        dialects=dialects(),
        actions=ACTIONS,
        gatherers={
            **gatherers(keyring, frozenset(settings.regions), Argon2Passwords(), issuer_keys, answer),
            **containing(keyring, answer),
        },
        vouchers=vouchers(keys_of_others, keyring, fetch, judges_of(settings), issuer_keys),
        answer=answer,
        observe=metrics.observe,
        regions=frozenset(settings.regions),
        default_region=settings.default_region,
    )
    metrics.gauge("authority_log_position", "The last position of the log.", lambda: committer.version.position)
    metrics.gauge("authority_projected_position", "The last position projected.", lambda: projections.position)
    witness = _witness(settings, clock)
    sealer = Sealer(ledger, committer, custody, clock, witness)
    if witness is not None:
        metrics.gauge("authority_witnessed_position", "The last position that the witness saw.", lambda: witness.seen)
    metrics.gauge("authority_signed_position", "The last position under a signed checkpoint.", lambda: sealer.size)
    metrics.gauge("authority_checkpoints_refused", "Checkpoints not signed: the log changed.", lambda: sealer.alarms)
    snapshots = Snapshots(ledger, committer, every=settings.snapshot_every, taken=stores.snapshot_at)

    revoked = RevokedSessions(ledger, answer, clock)

    async def expire() -> None:
        # What was revoked did not expire, even if nobody wrote it down in time.
        await revoked.end(committer.version)
        await end_due_sessions(ledger, projections.due_sessions, clock)

    async def sign() -> None:
        await renew_signing_keys(committer, custody, issuer_keys, clock, entropy)

    workers: Sequence[tuple[str, float, Callable[[], Awaitable[None]]]] = (
        ("expiry", settings.expiry_interval, expire),
        ("summaries", settings.summary_interval, lambda: summarise(pipeline.unproven, committer, clock)),
        ("sealing keys", SEALING_KEY_CHECKED, lambda: renew_sealing_key(committer, custody, clock, entropy)),
        ("signing keys", SIGNING_KEYS_CHECKED, sign),
        ("snapshots", SNAPSHOT_LOOKED_AT, snapshots.keep),
        ("checkpoints", CHECKPOINTED, ledger.checkpoint),
        ("sealer", SEALED, sealer.seal),
    )
    async with asyncio.TaskGroup() as tasks:
        committing = tasks.create_task(committer.run())
        await _begin(settings, stores.catalogue, committer, clock, node)
        await renew_sealing_key(committer, custody, clock, entropy)
        await sealer.begin(entropy)
        beside = [tasks.create_task(repeatedly(*worker)) for worker in workers]
        beside.append(tasks.create_task(projections.run()))
        beside.append(tasks.create_task(_verify_rest(ledger, stores.snapshot_at)))

        endpoint = Endpoint(
            pipeline,
            settings.hosts,
            Bounds(settings.header_timeout, settings.body_timeout, settings.keepalive_timeout),
            lambda path: published(committer.version.state, path),
        )
        rim = web.ServerRunner(endpoint.server(), shutdown_timeout=settings.shutdown_grace)
        admin = web.AppRunner(admin_application(metrics, health), access_log=None)
        try:
            port = await _listen(rim, settings.host, settings.port)
            admin_port = await _listen(admin, settings.admin_host, settings.admin_port)
            endpoint.answer_on(port)
            health.ready, health.why = True, ""
            log.info("serving", host=settings.host, port=port, position=committer.version.position)
            ready(
                Serving(
                    f"http://{_bracketed(settings.host)}:{port}",
                    f"http://{_bracketed(settings.admin_host)}:{admin_port}",
                    lambda: committer.version,
                )
            )
            await stop.wait()
        finally:
            health.ready, health.why = False, "stopping"
            await rim.cleanup()
            await admin.cleanup()
        for task in beside:
            task.cancel()
        await summarise(pipeline.unproven, committer, clock)
        await committer.submit(own_act(clock, "Stopped", (facts_of.AuthorityStopped(node=node),)))
        await sealer.seal()
        await take_snapshot(ledger, committer.version)
        committing.cancel()
    log.info("stopped", position=committer.version.position)


def _witness(settings: Settings, clock: Clock) -> Witness | None:
    if settings.witness_url is None or settings.witness_key is None:
        return None
    try:
        key = VerifierKey.parse(settings.witness_key)
    except NoteRefused as refused:
        raise SettingsRefused(f"`witness_key` from {settings.origin('witness_key')}: {refused}") from None
    return Witness(key, HttpWitness(settings.witness_url).submit, clock)


async def _log_seen(ledger: Ledger, version: Version) -> LogSeen:
    root = await ledger.root_at(version.position)
    digest = await asyncio.to_thread(state_hash, version.state)
    return LogSeen(version.state.ledger_id, version.position, version.configured, root.hex(), digest)


async def _begin(
    settings: Settings, wanted: Sequence[CataloguePolicy], committer: Committer, clock: Clock, node: str
) -> None:
    """Write down what decisions depend on, where that changed, and that a node serves."""
    if committer.version.state.settings != decisive(settings):
        changed = facts_of.SettingsChanged(settings=decisive(settings))
        await committer.submit(own_act(clock, "SettingsChanged", (changed,)))
    for portion in catalogue.changes(committer.version.state, wanted):
        await committer.submit(own_act(clock, "CatalogueChanged", portion))
    started = facts_of.AuthorityStarted(version=__version__, node=node)
    await committer.submit(own_act(clock, "Started", (started,)))


async def _verify_rest(ledger: Ledger, to: int) -> None:
    """Hold what lies before the last snapshot against the tree, while requests are served already."""
    if to > 0:
        await ledger.verify(to=to)
        log.info("verified", to=to)


async def _listen(runner: web.BaseRunner, host: str, port: int) -> int:
    """Listen, and say on which port."""
    await runner.setup()
    site = web.TCPSite(runner, host, port, reuse_address=True)
    await site.start()
    bound: int = runner.addresses[0][1]
    return bound


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cause(failures: BaseExceptionGroup[Exception]) -> Exception:
    """The first failure of a group of tasks: the others followed from it."""
    first = failures.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first
