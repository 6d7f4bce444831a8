"""`authority verify`, `export`, `prove` and `checkpoint`: the log as evidence.

Verifying needs no server and no secret: the database or an exported bundle, and a public key that was noted before.
"""

from __future__ import annotations

import asyncio
import base64
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, Protocol, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from authority.cli.client import Client, client_options
from authority.cli.options import PLACES, read_point, read_settings, settings_options
from authority.compose import checkpoint_keys, reading
from authority.ledger.note import Checkpoint, NoteRefused, VerifierKey, read_note, verified
from authority.ledger.port import BEGINNING, Ledger, LedgerCorrupt
from authority.ledger.tlog import ProofRefused, check_consistency, check_inclusion, leaf_hash
from authority.replay import excerpt
from authority.replay.bundle import Reader, exported
from authority.replay.evidence import Evidence
from authority.replay.excerpt import Excerpted
from authority.replay.excerpting import NothingToShow, disputed, excerpted
from authority.replay.lines import LONGEST_LINE
from authority.replay.verifying import Tell, Verified
from authority.replay.verifying import verify as verify_ledger
from authority.settings import Settings

MOMENT: Final = timedelta(microseconds=1)
WAIT: Final = 0.5
"""Seconds between two looks for a checkpoint."""
Output = click.Choice(["text", "json"])
Found = TypeVar("Found", covariant=True)  # noqa: PLC0105 - what a reader found


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What `verify` says as JSON: where nothing fits, the position of the first entry that does not, and why."""

    verified: bool
    found: Verified | Excerpted | None = None
    position: int | None = None
    why: str = ""


def key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that say whose signature counts."""
    command = click.option(
        "--key-file", type=click.Path(path_type=Path, dir_okay=False), default=None, help="A file of keys, one a line."
    )(command)
    return click.option(
        "--key",
        "keys",
        multiple=True,
        metavar="KEY",
        help="A public key to trust, as `authority checkpoint get` shows it.",
    )(command)


def trusted(keys: tuple[str, ...], key_file: Path | None) -> tuple[VerifierKey, ...]:
    """The keys that were given."""
    lines = [*keys, *([] if key_file is None else key_file.read_text("utf-8").splitlines())]
    try:
        return tuple(VerifierKey.parse(line) for line in lines if line.strip() and not line.startswith("#"))
    except NoteRefused as refused:
        raise click.BadParameter(str(refused), param_hint="--key") from None


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path, dir_okay=False))
@key_options
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A checkpoint that was put aside elsewhere: the log must still be the one that it was signed for.",
)
@click.option("--against-log", is_flag=True, help="Hold an account's part against the whole log, in the database.")
@settings_options(*PLACES)
@click.option("--output", type=Output, default="text", show_default=True)
def verify(
    *,
    bundle: Path | None,
    keys: tuple[str, ...],
    key_file: Path | None,
    kept: tuple[Path, ...],
    against_log: bool,
    output: str,
    **flags: Any,
) -> None:
    """Verify a log offline: the database, or an exported BUNDLE.

    Of a part of a log: that each entry shown stands where the file says in the log that was signed.  Of a whole one:
    every entry, the tree over all of them, every checkpoint and its signatures, and every snapshot.  The first position
    that does not fit is named, and the exit status is 1.  A new key that was signed for by one that is trusted is
    trusted too.  Without --key the first key that the log names is taken, which proves less: whoever can rewrite a
    whole log can name another key.
    """
    known = trusted(keys, key_file)
    evidence = Evidence(known, dict(_put_aside(path, known) for path in kept))
    found: Verified | Excerpted
    try:
        if bundle is not None and _is_excerpt(bundle):
            if kept or not known:
                raise click.UsageError("a part of a log is verified with --key, and without --checkpoint")
            found = _taken(bundle, excerpt.Reader(known), quiet=output == "json")
            if against_log:
                asyncio.run(_against(read_settings(flags), bundle, found))
        elif against_log:
            raise click.UsageError("it is an account's part that is held against the log")
        elif bundle is not None:
            found = _taken(bundle, Reader(evidence), quiet=output == "json")
        else:
            found = asyncio.run(_verified_ledger(read_settings(flags), evidence, quiet=output == "json"))
    except LedgerCorrupt as corrupt:
        if output == "json":
            _show(Answer(verified=False, position=corrupt.position, why=corrupt.what))
        else:
            click.echo(f"The log does NOT verify.  {corrupt}", err=True)
        sys.exit(1)
    if output == "json":
        _show(Answer(verified=True, found=found))
    elif isinstance(found, Excerpted):
        _tell_excerpt(found)
    else:
        _tell(found)


def _tell(found: Verified) -> None:
    signed = found.evidence
    click.echo(f"{found.position} entries verified; the root of their tree is {found.root}.")
    if not signed.checkpoints:
        click.echo("No checkpoint was signed: the entries agree with each other, and nobody vouches for them.")
        return
    click.echo(f"{signed.checkpoints} checkpoints verified; {signed.signed} entries were signed for.")
    if signed.signed < found.position:
        click.echo(f"The last {found.position - signed.signed} are not under a checkpoint yet.")
    if not signed.given:
        click.echo("No key was given; the first that the log names was taken.  Note the one that signs now:")
    for key in signed.keys:
        click.echo(f"    {key}")
    if found.snapshots or found.unread:
        left = f"; {found.unread} of another release were not compared" if found.unread else ""
        click.echo(f"{found.snapshots} snapshots are the fold of the entries before them{left}.")
    if found.secrets:
        click.echo(f"{found.secrets} secrets in the vault are those that the log names.")


def _tell_excerpt(found: Excerpted) -> None:
    whose = f" of the account {found.account}" if found.account else ""
    click.echo(f"{found.entries} entries{whose} verified, from position {found.first} to {found.last}.")
    if found.shared:
        click.echo(f"Of {found.shared} more, which others have a part in, its side is shown.")
    click.echo(f"Each stands there in the log `{found.origin}` of {found.size} entries that was signed by")
    for key in found.keys:
        click.echo(f"    {key}")
    if found.account and found.complete:
        click.echo("That nothing of the account's is missing from there to there is stated under the same key.")
    elif found.complete:
        click.echo("None between them is missing.")
    else:
        click.echo("That the account has no other entries is NOT proven: entries that are not shown may be its own.")


def _put_aside(path: Path, known: tuple[VerifierKey, ...]) -> tuple[int, bytes]:
    """The size and the root of a checkpoint that somebody kept; with keys, one of them must have signed it."""
    try:
        note = read_note(path.read_bytes())
        if known:
            verified(note, known)
        stated = Checkpoint.unverified(note)
    except NoteRefused as refused:
        raise click.BadParameter(f"{path}: {refused}", param_hint="--checkpoint") from None
    return stated.size, stated.root


class _Reads(Protocol[Found]):
    def take(self, line: bytes) -> None: ...

    def conclude(self) -> Found: ...


def _is_excerpt(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(excerpt.START)) == excerpt.START


def _taken(path: Path, reader: _Reads[Found], *, quiet: bool) -> Found:
    """What *reader* found, once it took all lines of a file."""
    with path.open("rb") as file, _progress("verifying", quiet=quiet) as tell:
        size, done = path.stat().st_size, 0
        while line := file.readline(LONGEST_LINE):
            reader.take(line)
            done += len(line)
            tell(done, size)
    return reader.conclude()


async def _against(settings: Settings, part: Path, found: Excerpted) -> None:
    """Hold what was stated of an account against the log itself; raise `LedgerCorrupt` where it is not true."""
    if not (found.account and found.complete):
        raise click.UsageError("nothing is stated in this file that could be held against the log")
    async with reading(settings) as ledger:
        with part.open("rb") as lines:
            try:
                position = await disputed(ledger, found, lines)
            except NothingToShow as refused:
                raise click.ClickException(str(refused)) from None
    if position is not None:
        raise LedgerCorrupt(position, "what is stated of the account is not what the log shows it")


async def _verified_ledger(settings: Settings, evidence: Evidence, *, quiet: bool) -> Verified:
    async with reading(settings) as ledger:
        with _progress("verifying", quiet=quiet) as tell:
            return await verify_ledger(ledger, evidence, tell)


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Tell]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


# --- export ---------------------------------------------------------------------------------


@click.command()
@settings_options(*PLACES)
@click.option(
    "--output",
    "file",
    required=True,
    type=click.File("wb", lazy=False),
    help="The file to write; - is the standard output.",
)
@click.option("--from", "since", default=None, metavar="POSITION|TIME", help="Show no entry before it.")
@click.option("--to", "until", default=None, metavar="POSITION|TIME", help="Show no entry after it.")
@click.option("--account", default="", metavar="ID", help="Show this account's entries and nobody else's.")
def export(file: IO[bytes], since: str | None, until: str | None, account: str, **flags: Any) -> None:
    """Write the log with its checkpoints as one file, which `authority verify FILE` verifies anywhere.

    Entries hold what was asked, by whom and from where, of every account; no secrets.  With --from, --to or --account
    a part of it: of the entries that are left out there are only the hashes that lead to the last checkpoint.  Of an
    entry that is another account's, too, there is what the account sees of it.  That nothing of the account's is
    missing is stated under the key that signs checkpoints, which takes the root key.
    """
    if account and not re.fullmatch("[0-9]{12}", account):
        raise click.BadParameter("an account has twelve digits", param_hint="--account")
    try:
        reached = asyncio.run(_export(read_settings(flags), file, since, until, account))
    except NothingToShow as refused:
        raise click.ClickException(str(refused)) from None
    click.echo(f"The log was exported up to position {reached}.", err=True)


async def _export(settings: Settings, file: IO[bytes], since: str | None, until: str | None, account: str) -> int:
    reached = 0
    async with reading(settings) as ledger:
        if since is None and until is None and not account:
            pages = exported(ledger)
        else:
            unseal = checkpoint_keys(settings) if account else None
            if account and unseal is None:
                click.echo("Without the root key it cannot be stated that nothing is missing.", err=True)
            pages = excerpted(ledger, await _first(ledger, since), await _last(ledger, until), account, unseal)
        with _progress("exporting", quiet=False) as tell:
            async for reached, total, lines in pages:
                file.write(lines)
                tell(reached, total)
    file.flush()
    return reached


async def _first(ledger: Ledger, since: str | None) -> int:
    point = 1 if since is None else read_point(since, "--from")
    return point if isinstance(point, int) else await ledger.position_at(max(point, BEGINNING) - MOMENT) + 1


async def _last(ledger: Ledger, until: str | None) -> int | None:
    point = None if until is None else read_point(until, "--to")
    return await ledger.position_at(point) if isinstance(point, datetime) else point


# --- prove ----------------------------------------------------------------------------------


@click.command()
@click.argument("position", type=click.IntRange(min=1))
@key_options
@click.option(
    "--wait", type=click.FloatRange(0, 3600), default=10.0, show_default=True, help="Seconds, for a checkpoint."
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Keep the proof as a .tlog-proof file.",
)
@click.option("--output", type=Output, default="text", show_default=True)
@client_options
def prove(
    *,
    client: Client,
    position: int,
    keys: tuple[str, ...],
    key_file: Path | None,
    wait: float,
    save: Path | None,
    output: str,
) -> None:
    """Check that the entry at POSITION is in the log that was signed.

    Answers carry their position in the header x-authority-position.  The proof is checked here, against --key.
    """
    known = trusted(keys, key_file)
    proof = _asked_until(client, {"position": str(position)}, wait)
    try:
        stated, signers = _checked(position, proof, known or _shown_keys(client))
    except (NoteRefused, ProofRefused) as refused:
        click.echo(f"NOT proven: {refused}", err=True)
        sys.exit(1)
    if save is not None:
        hashes = "".join(f"{one}\n" for one in proof["path"])
        save.write_text(f"c2sp.org/tlog-proof@v1\nindex {position - 1}\n{hashes}\n{proof['note']}", "utf-8")
    if output == "json":
        _show({"position": position, "size": stated.size, "signedBy": [str(key) for key in signers], **_entry(proof)})
        return
    click.echo(f"Position {position} is in the log of {stated.size} entries that was signed by")
    for key in signers:
        click.echo(f"    {key}")
    if not known:
        click.echo("No key was given: the server's own word was taken for it.  Note the key, and give it with --key.")
    if "entry" in proof:
        click.echo(msgspec.json.format(proof["entry"]))
    else:
        click.echo(f"Its bytes are not shown to this account; their hash is {proof['leaf']}.")


def _checked(
    position: int, proof: dict[str, Any], known: tuple[VerifierKey, ...]
) -> tuple[Checkpoint, tuple[VerifierKey, ...]]:
    """The checkpoint that *proof* leads to and who signed it; `NoteRefused` or `ProofRefused` when it leads nowhere.

    1. one of the *known* keys signed the checkpoint;
    2. the leaf is the hash of the entry, where that is shown;
    3. the path leads from the leaf, at its place, to the root that was signed.
    """
    note = read_note(proof["note"].encode())
    signers, stated = verified(note, known), Checkpoint.unverified(note)
    leaf = base64.b64decode(proof["leaf"])
    if "entry" in proof and leaf_hash(proof["entry"].encode()) != leaf:
        raise ProofRefused("the leaf is not the hash of the entry")
    check_inclusion(leaf, position - 1, stated.size, [base64.b64decode(one) for one in proof["path"]], stated.root)
    return stated, signers


def _entry(proof: dict[str, Any]) -> dict[str, Any]:
    return {"leaf": proof["leaf"]} | ({"entry": msgspec.json.decode(proof["entry"])} if "entry" in proof else {})


def _asked_until(client: Client, query: dict[str, str], wait: float) -> dict[str, Any]:
    """The proof, once a checkpoint covers the position."""
    deadline = time.monotonic() + wait
    while True:
        try:
            proof: dict[str, Any] = client.ask("GET", "/v1/log/proof/inclusion", query=query)
        except click.ClickException as refused:
            if "try again in a second" not in refused.message or time.monotonic() >= deadline:
                raise
            time.sleep(WAIT)
        else:
            return proof


def _shown_keys(client: Client) -> tuple[VerifierKey, ...]:
    shown = client.ask("GET", "/v1/log/checkpoint")["keys"]
    return tuple(VerifierKey.parse(one["verifierKey"]) for one in shown)


# --- checkpoints ----------------------------------------------------------------------------


@click.group()
def checkpoint() -> None:
    """Signed statements of what the log was; put them aside where nobody who can write the log can reach."""


@checkpoint.command()
@key_options
@click.option(
    "--keep",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write it here; if one lies here already, the log must continue it.",
)
@click.option("--output", type=Output, default="text", show_default=True)
@client_options
def get(client: Client, keys: tuple[str, ...], key_file: Path | None, keep: Path | None, output: str) -> None:
    """Get the newest checkpoint, verify it, and show the keys that sign."""
    shown = client.ask("GET", "/v1/log/checkpoint")
    known = trusted(keys, key_file)
    try:
        note = read_note(shown["note"].encode())
        stated = Checkpoint.unverified(note)
        verified(note, known or tuple(VerifierKey.parse(one["verifierKey"]) for one in shown["keys"]))
        if keep is not None:
            _continue(client, keep, stated)
            keep.write_text(shown["note"], "utf-8")
    except (NoteRefused, ProofRefused) as refused:
        click.echo(f"NOT verified: {refused}", err=True)
        sys.exit(1)
    if output == "json":
        _show(shown)
        return
    click.echo(shown["note"])
    click.echo("The key that signs; note it, and give it with --key:")
    for one in shown["keys"]:
        click.echo(f"    {one['verifierKey']}")


def _continue(client: Client, keep: Path, new: Checkpoint) -> None:
    """Raise `ProofRefused` unless *new* continues what was kept."""
    if not keep.exists():
        return
    old = Checkpoint.unverified(read_note(keep.read_bytes()))
    if old.origin != new.origin:
        raise ProofRefused(f"what was kept is of the log `{old.origin}`")
    if old.size > new.size:
        raise ProofRefused(f"the log has {new.size} entries, and {old.size} were signed for before")
    proof = client.ask("GET", "/v1/log/proof/consistency", query={"old": str(old.size), "new": str(new.size)})
    path = [base64.b64decode(one) for one in proof["path"]]
    check_consistency(old.size, new.size, path, old.root, new.root)


@checkpoint.command("rotate-key")
@client_options
def rotate_key(client: Client) -> None:
    """Have a new key sign; whoever trusts the old one finds it in the log, under the old one's signature."""
    made = client.ask("POST", "/v1/log/checkpoint-key/rotate", body={})
    click.echo(f"A new key signs from the next checkpoint on:\n    {made['verifierKey']}")


def _show(said: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(said)).decode())
