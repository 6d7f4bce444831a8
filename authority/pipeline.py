"""The path of every request, in numbered steps.

    1. examine   refuse what two readers could read differently
    2. ask       which operation of which service, in which dialect
    3. identify  whose signature it is, and that it is one
    4. read      the input, every constraint met
    5. gather    what the decision needs from outside, verified
    6. decide    in log order, inside the committer; the entry is durable when it returns
    7. answer    mint, or work out a listing, or ask a projection
    8. spell     in the dialect it was asked in

Whoever is refused in 1 to 3 is a stranger, and is counted.  From 4 on every request is one entry, whatever comes of it.

A few operations are asked without a signature, and what they are given is the proof.  For them 3 comes after 4 and 5:
whoever brings nothing that a provider vouches for is a stranger, and is counted; whoever does is one entry.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec
import structlog

from authority.access.action import Action, Decision, Facts, Minted
from authority.access.call import Call, Origin
from authority.access.caller import INVALID_TOKEN, Caller, Credential, caller_of
from authority.access.context import unmapped
from authority.access.recording import Asked, former_caller_record, record
from authority.access.unproven import Unproven
from authority.access.vouched import STRANGER, Vouched
from authority.audit.answers import Behind
from authority.audit.queries import Query
from authority.committer import Committed, Committer, Proposal, Unavailable
from authority.credentials import DECOY, Held, Keyring
from authority.kernel.arn import partition_of
from authority.kernel.clock import Clock, Entropy
from authority.kernel.custody import Custodian
from authority.kernel.ids import random_uuid
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.codec import new_entry
from authority.ledger.port import DropSecret, LedgerUnavailable, SideRow
from authority.model.event import CallerRecord
from authority.model.state import State
from authority.replay.folding import Version
from authority.wire.constraints import worded
from authority.wire.dialects import Dialects, Document, Question, Spelled, Stream
from authority.wire.request import Received, examine
from authority.wire.sigv4 import Proof, unverified_proof, verify
from authority.wire.sigv4 import Unproven as NotProven

log = structlog.get_logger()

SEED_BYTES: Final = 32
CREDENTIAL: Final = re.compile(r"Credential=([A-Z0-9]{16,128})(?:/|%2F)")
UNAVAILABLE: Final = Refusal(
    Reason.SERVICE_UNAVAILABLE,
    "The log cannot be used now, so nothing is answered. What was asked may have been done all the same; try again.",
)
"""INVARIANT: it promises nothing, since an append that failed may be durable."""
FAULT: Final = Refusal(Reason.INTERNAL_FAILURE, "The request failed for a reason of our own; it is in our log.")


class Gathering(msgspec.Struct, frozen=True):
    """What a gatherer may look at: the input, who signed, the newest state, the time, the partition of the request."""

    input: Any
    credential: Credential
    version: Version
    now: datetime
    partition: str


Gather: TypeAlias = Callable[[Gathering], Awaitable[object] | None]
"""Brings what a decision needs from outside as a verified value, or a `Refusal`; None where it needs nothing."""


class Vouching(msgspec.Struct, frozen=True):
    """What a voucher may look at: the input of an operation that is asked without a signature, the state, the time."""

    input: Any
    version: Version
    now: datetime


class Proven(msgspec.Struct, frozen=True):
    """A credential of ours that was proven otherwise than by a signature, and what the decision needs beside it."""

    credential: Credential
    gathered: object


Vouch: TypeAlias = Callable[[Vouching], Awaitable[Vouched | Proven | Refusal]]
"""Verifies what came in the place of a signature, and says who it vouches for."""
Answer: TypeAlias = Callable[[Query, int], Awaitable[object]]
"""Answers a query from a projection that has reached the given position."""

Observe: TypeAlias = Callable[[str, str, int, float], None]
"""Is told the service, the operation, the status and the seconds of each answer."""


class _Signed(msgspec.Struct, frozen=True, gc=False):
    """Who signed, and for which service and region."""

    credential: Credential
    service: str
    region: str


class _Meant(msgspec.Struct, frozen=True, gc=False):
    """What a request asks for, as far as it can be understood: where there is no `refusal`, an action and its input."""

    asked: Asked
    refusal: Refusal | None = None
    action: Action | None = None
    input: Any = None


class _Matter(msgspec.Struct, frozen=True, gc=False):
    """A request of somebody proven, ready to be decided: as often as it must be, and from one state always alike."""

    asker: _Signed | Vouched
    meant: _Meant
    gathered: object
    seed: bytes

    def decided(self, version: Version, now: datetime, claimed: frozenset[str]) -> tuple[Decision, CallerRecord]:
        """What comes of it at this point of the log, and how the log names who asked."""
        state, meant, gathered = version.state, self.meant, self.gathered
        origin = meant.asked.origin
        caller, who = _asking(state, self.asker, now, origin.partition)
        if isinstance(caller, Refusal):
            return Decision(answer=caller), who
        if meant.action is None:
            return Decision(answer=meant.refusal), who
        if isinstance(gathered, Refusal):
            return Decision(answer=gathered), who
        facts = Facts(now, self.seed, decided_from=version.configured, claimed=claimed)
        return meant.action.decide(state, Call(caller, meant.input, origin, gathered), facts), who


class Pipeline:
    """Takes what came off the socket and gives what goes back."""

    def __init__(
        self,
        *,
        committer: Committer,
        keyring: Keyring,
        custodian: Custodian,
        clock: Clock,
        entropy: Entropy,
        dialects: Dialects,
        actions: Mapping[tuple[str, str], Action],
        gatherers: Mapping[str, Gather],
        vouchers: Mapping[str, Vouch],
        answer: Answer,
        observe: Observe,
        regions: frozenset[str],
        default_region: str,
    ) -> None:
        """Serve *actions* as they are asked for in *dialects*; what nobody signed is asked in the *default_region*."""
        self._committer = committer
        self._keyring = keyring
        self._custodian = custodian
        self._clock = clock
        self._entropy = entropy
        self._dialects = dialects
        self._actions = actions
        self._gatherers = gatherers
        self._vouchers = vouchers
        self._answer = answer
        self._observe = observe
        self._regions = regions
        self._default_region = default_region
        self.unproven = Unproven()

    def knows(self, access_key_id: str) -> bool:
        """Whether *access_key_id* is a long-term key of ours, or was."""
        return access_key_id in self._committer.version.state.access_keys

    def request_id(self) -> str:
        """A name for one request."""
        return random_uuid(self._entropy.draw(16))

    async def may_be_ours(self, head: Received) -> bool:
        """Whether *head*, a request without its body, names a credential of ours: then more of it is read."""
        text = (head.header(b"authorization") or head.query).decode("latin-1")
        named = CREDENTIAL.search(text)
        if named is None:
            return False
        token = head.header(b"x-amz-security-token")
        if token is None:
            return self.knows(named[1])
        found = await self._keyring.find(self._committer.version.state, named[1], token.decode("latin-1"))
        return not isinstance(found, Refusal)

    async def handle(self, received: Received, request_id: str, hosts: frozenset[str]) -> Spelled:
        """Answer *received*; never raises for what a client sent.  *hosts* is what the Host header may say."""
        began = time.perf_counter()
        question = self._dialects.question(received)
        try:
            spelled = await self._handled(question, received, request_id, hosts)
        except (Unavailable, LedgerUnavailable, Behind):
            spelled = question.refuse(UNAVAILABLE, request_id)
        except Exception:
            log.exception("request_failed", request_id=request_id)
            spelled = question.refuse(FAULT, request_id)
        operation = question.name if question.known else ""
        self._observe(question.service, operation, spelled.status, time.perf_counter() - began)
        return spelled

    async def _handled(self, question: Question, received: Received, request_id: str, hosts: frozenset[str]) -> Spelled:
        refusal = examine(received, hosts)
        if refusal is None and question.anonymous:
            matter = await self._vouched_for(question, _origin(received, request_id, self._default_region))
        else:
            matter = await self._signed(question, refusal or unverified_proof(received), received, request_id)
        if isinstance(matter, Refusal):
            return question.refuse(matter, request_id)
        committed = await self._committer.submit(partial(self._proposal, matter))
        return await self._answered(question, matter, committed)

    # --- who proved nothing ------------------------------------------------------------------

    def refused_unread(self, refusal: Refusal, peer: str, request_id: str) -> Spelled:
        """Answer a request that was given up before it was whole: too large, too slow."""
        self._count("", peer, refusal)
        question = self._dialects.question(Received("POST", b"/", (), b"", peer))
        return question.refuse(refusal, request_id)

    def _count(self, action: str, peer: str, refusal: Refusal, access_key_id: str = "") -> Refusal:
        self.unproven.count(unmapped(peer), action, refusal.reason, access_key_id, self._clock.now())
        return refusal

    # --- 3. identify -------------------------------------------------------------------------

    async def _signed(
        self, question: Question, proof: Proof | Refusal | None, received: Received, request_id: str
    ) -> _Matter | Refusal:
        """The request of whoever signed it; whoever did not is counted, and told why."""
        now = self._clock.now()
        held: Held | Refusal | None = None
        if isinstance(proof, Proof):
            held = await self._keyring.find(self._committer.version.state, proof.access_key_id, proof.session_token)
        signed = self._signer(question, proof, held, now)
        if isinstance(signed, Refusal):
            claimed = proof.access_key_id if isinstance(proof, Proof) else ""
            known = claimed if self.knows(claimed) else ""
            return self._count(question.name if question.known else "", received.peer, signed, known)
        meant = self._read(question, signed.service, _origin(received, request_id, signed.region))
        gather = None if meant.action is None else self._gatherers.get(meant.action.name)
        gathered: object = None
        if gather is not None:
            coming = gather(
                Gathering(meant.input, signed.credential, self._committer.version, now, meant.asked.origin.partition)
            )
            gathered = None if coming is None else await coming
        return _Matter(signed, meant, gathered, self._entropy.draw(SEED_BYTES))

    def _signer(
        self, question: Question, proof: Proof | Refusal | None, held: Held | Refusal | None, now: datetime
    ) -> _Signed | Refusal:
        """Who signed, if *proof* was made with the secret that is *held*."""
        if isinstance(proof, Refusal):
            return proof
        if proof is None or held is None:
            if question.refusal is not None and question.refusal.reason is not Reason.INVALID_ACTION:
                return question.refusal
            return Refusal(Reason.MISSING_AUTHENTICATION_TOKEN, "Request is missing Authentication Token")
        service = question.service
        if not service and proof.service in self._dialects.names:
            service = proof.service
        secret = DECOY if isinstance(held, Refusal) else held.secret
        try:
            verify(proof, secret, now=now, service=service, regions=self._regions)
        except NotProven as unproven:
            return INVALID_TOKEN if isinstance(held, Refusal) else unproven.refusal
        if isinstance(held, Refusal):
            return held
        return _Signed(held.credential, service, proof.region)

    async def _vouched_for(self, question: Question, origin: Origin) -> _Matter | Refusal:
        """The request of whoever brings his proof in the input; whoever brings none is counted, and told why."""
        meant = self._read(question, question.service, origin)
        shown = meant.refusal or await self._shown(meant)
        if isinstance(shown, Refusal):
            return self._count(question.name, origin.source_address, shown)
        seed = self._entropy.draw(SEED_BYTES)
        if isinstance(shown, Vouched):
            return _Matter(shown, meant, shown, seed)
        return _Matter(_Signed(shown.credential, question.service, origin.region), meant, shown.gathered, seed)

    async def _shown(self, meant: _Meant) -> Vouched | Proven | Refusal:
        """Whom the input of an operation that is asked without a signature vouches for."""
        vouch = None if meant.action is None else self._vouchers.get(meant.action.name)
        if vouch is None:
            return _unsupported(meant.asked.service, meant.asked.action)
        return await vouch(Vouching(meant.input, self._committer.version, self._clock.now()))

    # --- 4. read -----------------------------------------------------------------------------

    def _read(self, question: Question, service: str, origin: Origin) -> _Meant:
        """What is asked for, as it was sent and as it is understood."""
        values = question.refusal or question.read()
        if isinstance(values, Refusal):
            return _Meant(Asked(service, question.name, question.known, origin), values)
        given, typed = values
        asked = Asked(service, question.name, question.known, origin, given, question.sensitive)
        action = self._actions.get((service, question.name))
        if action is None:
            return _Meant(asked, _unsupported(service, question.name))
        understood = _input(action, given, typed=typed)
        if isinstance(understood, Refusal):
            return _Meant(asked, understood)
        return _Meant(asked, None, action, understood)

    # --- 6. decide ---------------------------------------------------------------------------

    def _proposal(self, matter: _Matter, version: Version, claimed: frozenset[str]) -> Proposal[Decision]:
        now = self._clock.now()
        decision, who = matter.decided(version, now, claimed)
        body, header, decision = record(matter.meant.asked, who, decision, now)
        rows: list[SideRow] = [new.sealed_by(self._custodian) for new in decision.secrets]
        rows += [DropSecret(row) for row in decision.dropped]
        entry = new_entry(body, once=decision.once, rows=tuple(rows), written=header)
        return Proposal(entry, decision.facts, decision)

    def _still(self, matter: _Matter) -> bool:
        """Whether the newest state would answer again what it answered once: an answer that lasts asks now and then."""
        decision, _ = matter.decided(self._committer.version, self._clock.now(), frozenset())
        return not isinstance(decision.answer, Refusal)

    # --- 7. answer, 8. spell -----------------------------------------------------------------

    async def _answered(self, question: Question, matter: _Matter, committed: Committed[Decision]) -> Spelled:
        request_id = matter.meant.asked.origin.request_id
        decision = committed.outcome
        answer = decision.answer
        if decision.then is not None:
            answer = decision.then(committed.version.state)
        elif decision.query is not None:
            answer = await self._answer(decision.query, committed.position)
        if isinstance(answer, Minted):
            answer = answer.shape(self._keyring.mint(answer.session, committed.position, answer.minimum))
        if isinstance(answer, Refusal):
            spelled = question.refuse(answer, request_id)
        elif isinstance(answer, Stream):
            begun = question.write(Document(answer.content_type, b""), request_id)
            spelled = msgspec.structs.replace(begun, pieces=answer.pieces(partial(self._still, matter)))
        else:
            spelled = question.write(answer, request_id)
        spelled.headers["x-authority-position"] = str(committed.position)
        return spelled


def _origin(received: Received, request_id: str, region: str) -> Origin:
    return Origin(
        request_id=request_id,
        source_address=unmapped(received.peer),
        user_agent=_printable((received.header(b"user-agent") or b"").decode("utf-8", "replace")[:512]),
        secure=received.secure,
        region=region,
        partition=partition_of(region),
    )


def _printable(text: str) -> str:
    """*text* without what a terminal would act upon: escapes, ends of lines, changes of direction."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in text)


def _asking(
    state: State, asker: _Signed | Vouched, now: datetime, partition: str
) -> tuple[Caller | Refusal, CallerRecord]:
    """Who asks at this point of the log, or why he counts no more; and how the log names him."""
    if not isinstance(asker, _Signed):
        return STRANGER, asker.record()
    caller = caller_of(state, asker.credential, now=now, partition=partition)
    if isinstance(caller, Refusal):
        return caller, former_caller_record(state, asker.credential)
    return caller, caller.record


def _unsupported(service: str, name: str) -> Refusal:
    text = f"The operation {name} of {service} is not supported by this authority."
    return Refusal(Reason.UNSUPPORTED_OPERATION, text)


def _input(action: Action, given: dict[str, Any], *, typed: bool) -> Any:
    """The action's input, or a refusal.  A parameter that it does not know is refused, never ignored."""
    known = action.input.__struct_encode_fields__
    for name in given:
        if name not in known:
            return Refusal(
                Reason.INVALID_PARAMETER_VALUE, f"The parameter {name} of {action.operation} is not supported."
            )
    try:
        return msgspec.convert(given, action.input, strict=typed)
    except msgspec.ValidationError as fault:
        return Refusal(Reason.VALIDATION_ERROR, f"1 validation error detected: {worded(str(fault))}")
