"""Time travel and what-if: the state as of a position of a long log, two states compared, decisions weighed again.

The state is folded from configuration alone, of which one entry in a hundred is made; no snapshot helps, for the
position lies before it.  Seconds are the processor's, as in `replay`: nobody is waited for.  What is weighed again are
recorded requests to take a role on, read from their bytes, each under the policies that were in force and under those
supposed, with a trust policy, an inline and a managed policy and a boundary in play.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from authority.access.action import Facts
from authority.access.call import Call, Origin
from authority.access.caller import Credential, caller_of
from authority.access.recording import Asked, record
from authority.accounts.what_if import Replaced
from authority.audit.answers import SeenEvent
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model import authority, boundaries, holders, policies, principals, roles
from authority.model.event import read_event
from authority.model.state import EMPTY, State, evolve
from authority.replay.as_of import as_of
from authority.replay.difference import difference
from authority.replay.overlay import Overlay
from authority.replay.what_if import Supposing
from authority.sessions.assume_role import AssumeRole, assume_role

HERE = Path(__file__).resolve().parent
AT = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 5
REQUESTS = 4_000
USERS = 200
LENDER, BORROWER = "111122223333", "444455556666"
ORIGIN = Origin(
    request_id="r", source_address="192.0.2.7", user_agent="bench", secure=True, region="us-east-1", partition="aws"
)


def rows() -> list[dict]:
    """Measure."""
    sys.path.insert(0, str(HERE))
    import entries  # noqa: PLC0415 - this folder is no package
    import replay  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{Path(place) / 'ledger.sqlite'}"
        entries.run(replay._build_long(entries, url))  # noqa: SLF001 - the same log as there
        travel = entries.run(_travel(url, replay.ENTRIES))
    return [*travel, *_what_if()]


async def _travel(url: str, count: int) -> list[dict]:
    ledger = await SqliteLedger.open(url, only_read=True)
    found = []
    for position in (count // 2, count - 1):
        seconds = []
        for _ in range(3):
            began = time.process_time()
            version = await as_of(ledger, position)
            seconds.append(time.process_time() - began)
        what = f"state as of position {position:,} of {count:,}, folded from nothing"
        found.append({"what": what, "seconds": statistics.median(seconds), "at_most": 1.0})
    half = await as_of(ledger, count // 2)
    began = time.process_time()
    changes = difference(half.state, version.state)
    passed = time.process_time() - began
    found.append({"what": f"difference of those two states, {len(changes):,} changes", "seconds": passed})
    await ledger.close()
    return found


def _what_if() -> list[dict]:
    state, bodies = _recorded()
    trust = _policy(Principal={"AWS": BORROWER}, Action="sts:AssumeRole", Condition=_office("192.0.2.0/24"))
    replaced = (Replaced(kind="trust", target=f"arn:aws:iam::{LENDER}:role/Deploy", document=trust),)
    rates = {}
    for what, replacements in (("one trust policy replaced", replaced), ("nothing replaced, all weighed", ())):
        rates[what] = statistics.median(_rate(lambda r=replacements: _weigh(state, bodies, r)) for _ in range(ROUNDS))
    read = statistics.median(_rate(lambda: [read_event(body) for body in bodies]) for _ in range(ROUNDS))
    return [
        {"what": f"what if: decisions weighed again, {what}", "per_second": rate, "ratio": 1.0}
        for what, rate in rates.items()
    ] + [
        {
            "what": "reading those entries and nothing else",
            "per_second": read,
            "ratio": min(rates.values()) / read,
            "target": 0.4,
        }
    ]


def _rate(way: Callable[[], object]) -> float:
    began = time.process_time()
    way()
    return REQUESTS / (time.process_time() - began)


def _weigh(state: State, bodies: list[bytes], replacements: tuple[Replaced, ...]) -> None:
    supposing = Supposing(Overlay(replacements, "", "aws"), (), cascade=False, most=0)
    for position, body in enumerate(bodies, 1):
        supposing.take(SeenEvent(position=position, recorded_at=AT, event=read_event(body)), state)
    told = supposing.answer(1, REQUESTS, REQUESTS)
    if told.unreproduced or told.reweighed != REQUESTS or told.undetermined_count or told.newly_denied_count:
        raise RuntimeError(f"not what was recorded: {told}")


def _recorded() -> tuple[State, list[bytes]]:
    """Requests of many users to take a role on, as the pipeline records them, and the state that they saw."""
    trust = roles.Trust(_policy(Principal={"AWS": BORROWER}, Action="sts:AssumeRole"))
    may = _policy(Action=["sts:AssumeRole", "s3:Get*"], Resource="*", Condition=_office("192.0.2.0/24"))
    facts = [
        authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",))),
        authority.SealingKeyCreated(key_id="k1"),
        authority.AccountCreated(account=LENDER, name="Lender"),
        authority.AccountCreated(account=BORROWER, name="Borrower"),
        roles.RoleCreated(account=LENDER, role_id="AROADEPLOY", name="Deploy", path="/", trust=trust),
        policies.PolicyCreated(account=BORROWER, policy_id="ANPALIMIT", name="Limit", path="/", document=may),
    ]
    for number in range(USERS):
        user = f"AIDAUSER{number}"
        facts += [
            principals.UserCreated(account=BORROWER, user_id=user, name=f"user{number}", path="/"),
            principals.AccessKeyCreated(account=BORROWER, access_key_id=f"AKIAUSER{number}", owner=user),
            holders.InlinePolicyPut(account=BORROWER, holder=user, name="may", document=may),
            holders.PolicyAttached(account=BORROWER, holder=user, policy_id="ANPALIMIT"),
            boundaries.BoundarySet(account=BORROWER, holder=user, policy_id="ANPALIMIT"),
        ]
    state = evolve(EMPTY, facts, AT)
    bodies = []
    for number in range(REQUESTS):
        credential = Credential(f"AKIAUSER{number % USERS}")
        caller = caller_of(state, credential, now=AT, partition="aws")
        asked = AssumeRole(role_arn=f"arn:aws:iam::{LENDER}:role/Deploy", role_session_name="bench")
        decision = assume_role.decide(state, Call(caller, asked, ORIGIN), Facts(AT, number.to_bytes(4, "big"), 1))
        bodies.append(record(Asked("sts", "AssumeRole", True, ORIGIN), caller.record, decision, AT)[0])
    return state, bodies


def _policy(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _office(addresses: str) -> dict:
    return {"IpAddress": {"aws:SourceIp": addresses}}


if __name__ == "__main__":
    for row in rows():
        print(row)
