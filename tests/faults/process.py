"""An authority in a process of its own, which can be killed, starved and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from authority import settings as settings_of
from authority.compose.configured import ledger_url
from authority.ledger.sql.sqlite import SqliteLedger
from authority.replay.folding import BEGINNING, Version, refolded
from tests.live import MANAGEMENT, Keys, Live

COMMAND = [sys.executable, "-c", "from authority.cli import main; main()"]
READY = re.compile(r"serves at (http://\S+);.*at (http://\S+)\.")


def environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AUTHORITY_"))}
    return {**kept, "PYTHONPATH": root}


def authority(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment(), **(environ or {})},
    )


class Process:
    """A served authority; `live` has its clients.  It ends with the body of a `with`, whatever happened there."""

    def __init__(self, place: Path) -> None:
        self.place = place
        made = authority("init", "--data-dir", str(place), "--account-id", MANAGEMENT, "--output", "json")
        assert made.returncode == 0, made.stderr
        self.exports: dict[str, str] = json.loads(made.stdout)["environment"]
        self.keys = Keys(self.exports["AWS_ACCESS_KEY_ID"], self.exports["AWS_SECRET_ACCESS_KEY"])
        self.settings = settings_of.load({"data_dir": str(place)}, {})
        self.live = Live(self.settings, None)  # type: ignore[arg-type]  # its founder was another process
        self._log = os.open(place / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *flags: str, command: Sequence[str] = COMMAND) -> None:
        """Serve; return when requests are answered."""
        self.process = subprocess.Popen(
            [*command, "serve", "--data-dir", str(self.place), "--port", "0", "--admin-port", "0", *flags],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment(),
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = READY.search(line)
            if found is not None:
                self.live.url, self.live.admin_url = found[1], found[2]
                return
        self.process.stdout.close()
        raise AssertionError((self.place / "log").read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()
        os.close(self._log)

    def client(self, service: str, keys: Keys | None = None) -> Any:
        return self.live.client(service, keys or self.keys, read_timeout=20)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it in order, and say its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(how)
        status = self.process.wait(40)
        self.process.stdout.close()
        self.process = None
        return status

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self.process is not None
        return self.process.pid

    async def replayed(self) -> Version:
        """The log's own fold, once every entry was held against the tree."""
        ledger = await SqliteLedger.open(ledger_url(self.settings), only_read=True)
        try:
            head = await ledger.verify()
            version = BEGINNING
            while version.position < head.position:
                version = refolded(version, await ledger.read(version.position, 1000))
            return version
        finally:
            await ledger.close()

    async def bodies(self) -> list[bytes]:
        """Everything that the log holds."""
        ledger = await SqliteLedger.open(ledger_url(self.settings), only_read=True)
        try:
            return [entry.body for entry in await ledger.read(0, 1_000_000)]
        finally:
            await ledger.close()
