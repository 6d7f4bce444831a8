"""The diagnostics are lines of JSON that hold no value of a variable and nothing that a client sent."""

from __future__ import annotations

import json
import subprocess
import sys

SPEAK = """
import logging
import structlog
from authority.cli.diagnostics import log_lines

log_lines("info")
log = structlog.get_logger()


def sign_in(password):
    raise ValueError("not that")


log.info("serving", port=1)
log.debug("quiet")
try:
    sign_in("hunter2")
except ValueError:
    log.exception("request_failed", request_id="a")
    logging.getLogger("asyncio").exception("a task failed")
try:
    raise ValueError("Authorization: hunter2")
except ValueError:
    logging.getLogger("aiohttp.server").exception("Error handling request from %s", "127.0.0.1")
logging.getLogger("aiohttp.server").info("quiet")
"""


def test_every_line_is_json_and_none_holds_a_secret():
    done = subprocess.run([sys.executable, "-c", SPEAK], capture_output=True, text=True, check=True)
    assert "hunter2" not in done.stderr
    ours, fault, task, library = map(json.loads, done.stderr.splitlines())
    assert (ours["event"], ours["level"], ours["port"]) == ("serving", "info", 1)
    assert (fault["event"], fault["request_id"]) == ("request_failed", "a")
    assert fault["exception"][0]["frames"][-1]["name"] == "sign_in"
    assert (task["event"], task["logger"], task["level"]) == ("library", "asyncio", "error")
    assert task["exception"][0]["exc_type"] == "ValueError"
    assert (library["message"], library["failure"]) == ("Error handling request from 127.0.0.1", "ValueError")
    assert all(line["timestamp"].endswith("Z") for line in (ours, fault, task, library))
