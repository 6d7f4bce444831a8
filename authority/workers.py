"""What the authority does of its own accord: ends, summaries, daily keys, snapshots, housekeeping.

Nothing that guards anybody waits for a worker: an expired session is refused whether or not its end was recorded.  A
worker that fails says so and tries again; only a log that does not fit together stops the authority.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from authority.access.action import NewSecret
from authority.access.recording import act_of_authority
from authority.access.unproven import Unproven
from authority.audit.answers import Due, SessionRecord, Sessions
from authority.audit.queries import FindSessions, Order, Query, Range, Status
from authority.audit.tokens import read as read_token
from authority.committer import Act, Committer, Proposal, Unavailable
from authority.kernel.clock import Clock, Entropy
from authority.kernel.custody import Custodian
from authority.kernel.ids import TAIL_BYTES, AccessKeyId, AccountId, SealingKeyId, unique_id
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.kernel.signing import IssuerKeys
from authority.ledger.codec import new_entry
from authority.ledger.port import (
    DropSecret,
    Lane,
    Ledger,
    LedgerCorrupt,
    LedgerUnavailable,
    SideRow,
    Snapshot,
)
from authority.model.authority import SEALING_KEY_BYTES, SEALING_KEY_PURPOSE, SealingKeyCreated, SealingKeyDestroyed
from authority.model.fact import Fact
from authority.model.revocations import Revocation
from authority.model.sessions import EndCause, SessionEnded, end_key
from authority.model.signing_keys import ALGORITHMS, SigningKeyCreated, SigningKeyDestroyed, SigningKeyId
from authority.model.signing_keys import KIND as SIGNING_KEY
from authority.model.signing_keys import PURPOSE as SIGNING_PURPOSE
from authority.model.state import canonical, state_format
from authority.replay.folding import Version
from authority.sessions.web_identity_token import issuing

log = structlog.get_logger()

SEALING_KEY_DAYS: Final = timedelta(days=1)
LONGEST_SESSION: Final = timedelta(hours=36)
"""GetFederationToken and GetSessionToken credentials live longest (STS API, DurationSeconds)."""
SIGNING_KEY_DAYS: Final = timedelta(days=90)
SIGNING_KEY_SHOWN: Final = timedelta(days=1)
"""How long a key is published after it signed its last token; one lives an hour at most (STS API, DurationSeconds)."""
ENDS_AT_ONCE: Final = 500
TRIED_AGAIN: Final = 1.0
"""Seconds until a worker that failed tries again."""


async def repeatedly(name: str, interval: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* every *interval* seconds until cancelled."""
    while True:
        await asyncio.sleep(interval)
        try:
            await work()
        except (LedgerUnavailable, Unavailable) as failure:
            log.warning("worker_waits", worker=name, reason=str(failure))
            await asyncio.sleep(TRIED_AGAIN)
        except LedgerCorrupt:
            raise
        except Exception:
            log.exception("worker_failed", worker=name)
            await asyncio.sleep(TRIED_AGAIN)


def own_act(
    clock: Clock, name: str, facts: Sequence[Fact], *, rows: Sequence[SideRow] = (), subject: str = ""
) -> Act[None]:
    """An act of the authority itself, to be submitted like a request."""

    def act(_version: Version, _claimed: frozenset[str]) -> Proposal[None]:
        body = act_of_authority(name, tuple(facts), clock.now(), subject)
        return Proposal(new_entry(body, rows=tuple(rows)), tuple(facts), None)

    return act


async def end_due_sessions(
    ledger: Ledger, due_sessions: Callable[[datetime, int], Awaitable[Sequence[Due]]], clock: Clock
) -> int:
    """Record the end of the sessions whose time has passed, each exactly once; say how many were ended."""
    now = clock.now()
    due = await due_sessions(now, ENDS_AT_ONCE)
    if not due:
        return 0
    ends = [
        SessionEnded(
            account=session.account,
            access_key_id=session.access_key_id,
            effective_at=session.expires_at,
            cause=EndCause.EXPIRED,
        )
        for session in due
    ]
    return await _write_ends(ledger, "SessionExpired", ends, now)


async def _write_ends(ledger: Ledger, name: str, ends: Sequence[SessionEnded], now: datetime) -> int:
    """An entry for each session whose end is not in the log yet; say how many there were."""
    entries = [
        new_entry(act_of_authority(name, (end,), now, subject=end.access_key_id), once=(end_key(end.access_key_id),))
        for end in ends
    ]
    positions = await ledger.append_fresh(entries)
    return sum(position is not None for position in positions)


class RevokedSessions:
    """Records the end of the sessions that were revoked together: a role's, or all that a key led to.

    They count no more since the moment of the revocation; this only writes down, for each, that it ended then.
    """

    def __init__(self, ledger: Ledger, answer: Callable[[Query, int], Awaitable[object]], clock: Clock) -> None:
        """Find the sessions through *answer*, and write their ends to *ledger*."""
        self._ledger, self._answer, self._clock = ledger, answer, clock
        self.known: set[tuple[str, int]] = set()
        """The revocations that are in force and were looked at."""

    async def end(self, version: Version) -> int:
        """Record what *version* says was revoked and was not looked at yet; say how many sessions were ended."""
        ended = 0
        revocations = version.state.revocations
        pending = [(revocation, {"role": role}) for role, revocation in revocations.roles.items()]
        pending += [(revocation, {"descends_from": key}) for key, revocation in revocations.ancestors.items()]
        named = [(next(iter(whose.values())), revocation.through) for revocation, whose in pending]
        self.known &= set(named)  # what is forgotten is not asked about again
        for name, (revocation, whose) in zip(named, pending, strict=True):
            if name not in self.known:
                ended += await self._end_all(revocation, whose, version.position)
                self.known.add(name)
        return ended

    async def _end_all(self, revocation: Revocation, whose: Mapping[str, str], position: int) -> int:
        # INVARIANT: it was decided from the newest configuration, so that it is itself the next one.
        (entry,) = await self._ledger.read(revocation.through, 1, Lane.CONFIG)
        left: Range | Refusal = Range(1, entry.position - 1)
        ended = 0
        while isinstance(left, Range):
            question = FindSessions(
                account=None,
                order=Order.OLDEST,
                status=Status.ACTIVE,
                now=revocation.at,
                max_results=ENDS_AT_ONCE,
                resume=left,
                **whose,  # type: ignore[arg-type]  # filters of FindSessions, all of them texts
            )
            found = await self._answer(question, position)
            if not isinstance(found, Sessions):
                raise TypeError("sessions were asked for")
            if found.sessions:
                ended += await self._write(found.sessions, revocation)
            if found.next_token is None:
                break
            left = read_token(question, found.next_token)
        return ended

    async def _write(self, sessions: Sequence[SessionRecord], revocation: Revocation) -> int:
        ends = [
            SessionEnded(
                account=AccountId(session.account),
                access_key_id=AccessKeyId(session.access_key_id),
                effective_at=revocation.at,
                cause=EndCause.REVOKED,
            )
            for session in sessions
        ]
        return await _write_ends(self._ledger, "SessionRevoked", ends, self._clock.now())


async def summarise(unproven: Unproven, committer: Committer, clock: Clock) -> None:
    """Write down what strangers tried since the last time."""
    summary = unproven.take()
    if summary is None:
        return
    try:
        await committer.submit(own_act(clock, "UnprovenRequests", (summary,)))
    except BaseException:
        unproven.put_back(summary)
        raise


async def renew_sealing_key(committer: Committer, custodian: Custodian, clock: Clock, entropy: Entropy) -> None:
    """Have a daily key that is younger than a day, and destroy those that nothing alive was made with."""
    state, now = committer.version.state, clock.now()
    newest = state.newest_sealing_key()
    if newest is None or now - newest.created_at >= SEALING_KEY_DAYS:
        key_id = SealingKeyId(f"k{now:%Y%m%d}{entropy.draw(5).hex()}")
        daily = Secret(entropy.draw(SEALING_KEY_BYTES))
        # Held before the entry is durable: a decision may use it as soon as it is in the state.
        custodian.hold(key_id, daily)
        row = NewSecret(key_id, SEALING_KEY_PURPOSE, daily).sealed_by(custodian)
        await committer.submit(own_act(clock, "SealingKeyCreated", (SealingKeyCreated(key_id=key_id),), rows=(row,)))
    for key in state.sealing_keys.values():
        if now - key.created_at >= SEALING_KEY_DAYS + LONGEST_SESSION + timedelta(hours=1):
            gone = (SealingKeyDestroyed(key_id=key.id),)
            await committer.submit(own_act(clock, "SealingKeyDestroyed", gone, rows=(DropSecret(key.id),)))
            custodian.drop(key.id)


async def renew_signing_keys(
    committer: Committer, custodian: Custodian, keys: IssuerKeys, clock: Clock, entropy: Entropy
) -> None:
    """Where anybody issues tokens, an account or an identity pool, have a young key of each kind; destroy old ones."""
    state, now = committer.version.state, clock.now()
    for algorithm in ALGORITHMS if issuing(state) else ():
        there = state.signing_keys_for(algorithm)
        if there and now - there[-1].created_at < SIGNING_KEY_DAYS:
            continue
        private, public = await asyncio.to_thread(keys.generate, algorithm)
        key_id = SigningKeyId(unique_id(SIGNING_KEY, entropy.draw(TAIL_BYTES)))
        made = SigningKeyCreated(key_id=key_id, algorithm=algorithm, public=public)
        row = NewSecret(key_id, SIGNING_PURPOSE, private).sealed_by(custodian)
        await committer.submit(own_act(clock, "SigningKeyCreated", (made,), rows=(row,)))
    for key in state.signing_keys.values():
        if now - key.created_at >= SIGNING_KEY_DAYS + SIGNING_KEY_SHOWN:
            gone = (SigningKeyDestroyed(key_id=key.id),)
            await committer.submit(own_act(clock, "SigningKeyDestroyed", gone, rows=(DropSecret(key.id),)))


async def take_snapshot(ledger: Ledger, version: Version) -> None:
    """Keep *version*, so that the next start folds only what comes after it."""
    body = await asyncio.to_thread(canonical, version.state)
    root = await ledger.root_at(version.position)
    await ledger.put_snapshot(Snapshot(version.position, root, state_format(), body))


class Snapshots:
    """Takes a snapshot whenever the log has grown by *every* entries."""

    def __init__(self, ledger: Ledger, committer: Committer, *, every: int, taken: int) -> None:
        """The last one was *taken* at that position."""
        self._ledger, self._committer = ledger, committer
        self._every, self._taken = every, taken

    async def keep(self) -> None:
        """Take one if it is time."""
        version = self._committer.version
        if version.position - self._taken >= self._every:
            await take_snapshot(self._ledger, version)
            self._taken = version.position
