"""A disk that is full: nothing is issued, clients are told so, and room is all that it takes to go on."""

from __future__ import annotations

import json
import resource
import sys

import pytest
from botocore.exceptions import ClientError

from tests.faults.process import Process
from tests.faults.test_kill import ROLE, TRUST

LIMITED = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from authority.cli import main
main()
"""


async def test_nothing_is_issued_that_cannot_be_written_and_room_is_all_it_takes(process: Process):
    # A file that may not grow is a full disk: a write past the bound fails, as ENOSPC does.
    process.start(command=[sys.executable, "-c", LIMITED])
    iam, sts = process.client("iam"), process.client("sts")
    iam.create_role(RoleName="App", AssumeRolePolicyDocument=TRUST)
    wal = process.settings.database.with_name(process.settings.database.name + "-wal")
    full = max(wal.stat().st_size, process.settings.database.stat().st_size)
    no_limit = resource.RLIM_INFINITY
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (full, no_limit))

    issued: list[str] = []
    refused: ClientError | None = None
    for _ in range(200):
        try:
            answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="full")
            issued.append(answer["Credentials"]["AccessKeyId"])
        except ClientError as error:
            refused = error
            break
    assert refused is not None
    assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert refused.response["Error"]["Code"] == "ServiceUnavailable"
    assert "may have been done" in refused.response["Error"]["Message"]  # what failed to be acknowledged may be durable
    # Reads are entries too: what cannot be recorded is not answered.  The first may still find the last room.
    with pytest.raises(ClientError):
        all(iam.list_users() for _ in range(200))

    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (no_limit, no_limit))
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="room")
    issued.append(answer["Credentials"]["AccessKeyId"])
    assert process.stop() == 0
    text = b"\n".join(await process.bodies()).decode()
    assert all(json.dumps(key) in text for key in issued)
    assert (await process.replayed()).position > len(issued)
