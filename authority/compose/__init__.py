"""Where the parts meet: the only room that names adapters.

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
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from authority import __version__
from authority.access.action import Facts
from authority.access.recording import act_of_authority
from authority.accounts.founding import Administrator, found, unused_account_id
from authority.committer import Committer, folded
from authority.compose import parts
from authority.compose.configured import catalogue_of, decisive, ledger_url, witness_of
from authority.kernel.clock import Clock
from authority.kernel.ids import AccountId, SealingKeyId
from authority.ledger.binding import PURPOSE as BINDING
from authority.ledger.codec import new_entry
from authority.ledger.port import Ledger
from authority.ledger.sql.schema import check, migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model import authority as facts_of
from authority.model.checkpoints import PURPOSE as CHECKPOINT_SIGNING
from authority.model.state import EMPTY, from_canonical, state_format
from authority.outbound.clock import SystemClock
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.outbound.root_key import RootKeyRefused, create_root_key, load_root_key
from authority.permissions import catalogue
from authority.permissions.catalogue import CataloguePolicy, CatalogueRefused
from authority.pipeline import SEED_BYTES, Pipeline
from authority.projections.engines import ProjectionsInUse
from authority.projections.runner import Projections, rebuild
from authority.replay.folding import BEGINNING, Version
from authority.replay.statement import Unseal
from authority.replay.verifying import verify_vault
from authority.resources import discovery
from authority.sealing import Sealer
from authority.sessions import issuer
from authority.settings import Settings, SettingsRefused
from authority.web.admin import Admin, Health, Metrics
from authority.web.endpoint import Endpoint
from authority.web.protocol import Bounds
from authority.workers import own_act, renew_sealing_key, repeatedly, summarise, take_snapshot

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for this machine
    from asyncio import new_event_loop  # type: ignore[assignment]

log = structlog.get_logger()

CLOCK: Final = SystemClock()

NOT_HERE: Final = "there is no authority here yet; run `authority init` first"


class NotInitialised(Exception):  # noqa: N818 - what is the matter
    """There is no authority here yet, or half of one."""


REFUSALS: Final = (SettingsRefused, RootKeyRefused, NotInitialised, CatalogueRefused, ProjectionsInUse)
"""What an operator has to put right before anything can start."""


class Founding(msgspec.Struct, frozen=True):
    """A new authority: where it lies and who may do everything in it."""

    account: AccountId
    administrator: Administrator


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


async def initialise(
    settings: Settings, account: AccountId | None, name: str, administrator: str, clock: Clock = CLOCK
) -> Founding:
    """Make an authority: root key, database, management account, an administrator with one key."""
    entropy = SystemEntropy()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.root_key is None and not settings.root_key_file.exists():
        create_root_key(settings.root_key_file, entropy)
    custody = Custody(load_root_key(settings.root_key_file, settings.root_key), entropy)
    await migrate(ledger_url(settings))
    async with owning(settings) as ledger:
        if (head := await ledger.head()).position > 0:
            raise NotInitialised("there is an authority here already")
        await ledger.bind(head)
        facts = Facts(clock.now(), entropy.draw(SEED_BYTES))
        account = account or unused_account_id(EMPTY, facts)
        founded = found(account, name, administrator, facts, settings=decisive(settings))
        if founded.administrator is None:
            raise NotInitialised("an authority needs an administrator")
        rows = tuple(new.sealed_by(custody) for new in founded.secrets)
        body = act_of_authority("Initialised", founded.facts, facts.now, subject=account)
        await ledger.append([new_entry(body, rows=rows)], folded=0)
    return Founding(account, founded.administrator)


@asynccontextmanager
async def owning(settings: Settings) -> AsyncIterator[SqliteLedger]:
    """The ledger, to be written by nobody else, bound to the root key."""
    custody = Custody(load_root_key(settings.root_key_file, settings.root_key), SystemEntropy())
    ledger = await SqliteLedger.open(ledger_url(settings), mac=custody.mac(BINDING))
    try:
        yield ledger
    finally:
        await ledger.close()


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


def checkpoint_keys(settings: Settings) -> Unseal | None:
    """What opens the keys that sign checkpoints; None where the root key is not."""
    if settings.root_key is None and not settings.root_key_file.exists():
        return None
    custody = Custody(load_root_key(settings.root_key_file, settings.root_key), SystemEntropy())
    return lambda key_id, sealed: custody.unseal(key_id, CHECKPOINT_SIGNING, sealed)


async def rebuild_projections(settings: Settings, told: Callable[[int], None]) -> tuple[int, bool]:
    """Build the projections anew beside the present ones, and switch (`projections.runner.rebuild`)."""
    async with reading(settings) as ledger:
        return await rebuild(settings.projections, ledger, told)


async def load_version(ledger: Ledger) -> tuple[Version, int]:
    """The newest state, from the last snapshot on, the tail held against the tree; and the snapshot's position."""
    snapshot = await ledger.latest_snapshot()
    version = BEGINNING
    if snapshot is not None and snapshot.format == state_format():
        await ledger.verify(snapshot.position, root=snapshot.root)
        state = await asyncio.to_thread(from_canonical, snapshot.body)
        version = Version(snapshot.position, await ledger.configured_at(snapshot.position), state)
    else:
        await ledger.verify()
    return await folded(ledger, version), version.position


class Serving(msgspec.Struct, frozen=True):
    """An authority that is up: where it listens, and what it has published."""

    url: str
    admin_url: str
    version: Callable[[], Version]


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
        ledger = await SqliteLedger.open(ledger_url(settings), mac=custody.mac(BINDING))
        stack.push_async_callback(ledger.close)
        version, snapshot_at = await load_version(ledger)
        if version.position == 0:
            raise NotInitialised(NOT_HERE)
        for key_id, sealed in await ledger.secrets(facts_of.SEALING_KEY_PURPOSE):
            custody.hold(SealingKeyId(key_id), custody.unseal(key_id, facts_of.SEALING_KEY_PURPOSE, sealed))
        committer = Committer(ledger, version, batch_limit=settings.batch_limit, queue_limit=settings.queue_limit)
        projections = await Projections.open(settings.projections, ledger)
        stack.push_async_callback(projections.close)
        stores = parts.Stores(ledger, projections, committer, custody, clock, snapshot_at)
        try:
            await _serve(settings, stores, wanted, ready, stop)
        except ExceptionGroup as failures:
            raise _cause(failures) from failures


async def _serve(
    settings: Settings,
    stores: parts.Stores,
    wanted: Sequence[CataloguePolicy],
    ready: Callable[[Serving], None],
    stop: asyncio.Event,
) -> None:
    ledger, projections, committer, custody, clock, snapshot_at = stores
    entropy, node = SystemEntropy(), socket.gethostname()
    metrics, health, witness = Metrics(clock), Health(), witness_of(settings, clock)
    answer = parts.answers(stores, stop)
    pipeline = parts.pipeline(settings, stores, answer, metrics.observe)
    sealer = Sealer(ledger, committer, custody, clock, witness)
    parts.measure(metrics, stores, sealer, witness)
    async with asyncio.TaskGroup() as tasks:
        committing = tasks.create_task(committer.run())
        await _begin(settings, wanted, committer, clock, node)
        await renew_sealing_key(committer, custody, clock, entropy)
        await sealer.begin(entropy)
        workers = parts.workers(settings, stores, pipeline, answer, sealer)
        beside = [tasks.create_task(repeatedly(*worker)) for worker in workers]
        beside.append(tasks.create_task(projections.run()))
        beside.append(tasks.create_task(_verify_rest(ledger, snapshot_at)))
        async with _listening(settings, pipeline, committer, metrics, health) as serving:
            ready(serving)
            await stop.wait()
        for task in beside:
            task.cancel()
        await summarise(pipeline.unproven, committer, clock)
        await committer.submit(own_act(clock, "Stopped", (facts_of.AuthorityStopped(node=node),)))
        await sealer.seal()
        await take_snapshot(ledger, committer.version)
        committing.cancel()
    log.info("stopped", position=committer.version.position)


@asynccontextmanager
async def _listening(
    settings: Settings, pipeline: Pipeline, committer: Committer, metrics: Metrics, health: Health
) -> AsyncIterator[Serving]:
    """Take requests for the length of a block; those under way at its end are finished."""
    bounds = Bounds(
        settings.header_timeout, settings.body_timeout, settings.keepalive_timeout, settings.connection_limit
    )

    def published(path: str) -> bytes | None:
        state = committer.version.state
        return issuer.published(state, path) or discovery.published(state, path)

    endpoint = Endpoint(pipeline, settings.hosts, bounds, published)
    rim = web.ServerRunner(endpoint.server(), shutdown_timeout=settings.shutdown_grace)
    admin = web.ServerRunner(Admin(metrics, health, bounds).server(), shutdown_timeout=settings.shutdown_grace)
    try:
        port = await _listen(rim, settings.host, settings.port)
        admin_port = await _listen(admin, settings.admin_host, settings.admin_port)
        endpoint.answer_on(port)
        health.ready, health.why = True, ""
        log.info("serving", host=settings.host, port=port, position=committer.version.position)
        yield Serving(
            f"http://{_bracketed(settings.host)}:{port}",
            f"http://{_bracketed(settings.admin_host)}:{admin_port}",
            lambda: committer.version,
        )
    finally:
        health.ready, health.why = False, "stopping"
        await rim.cleanup()
        await admin.cleanup()


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
    """Hold what lies before the last snapshot against the tree, and the vault, while requests are served already."""
    if to > 0:
        await ledger.verify(to=to)
    secrets = await verify_vault(ledger)
    log.info("verified", to=to, secrets=secrets)


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
