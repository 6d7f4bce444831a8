"""The shape of an action: what it is called with, what it may know besides the state, and what it decides.

`@action` binds an AWS action to a decision.  Authorisation comes first and is the same for all: the action's name on
the resource it names, under the context it declares.  Only then is the decision asked.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, get_args, get_type_hints

import msgspec

from authority.access.call import Call
from authority.access.context import Context
from authority.access.limits import barred
from authority.access.tagging import request_tags
from authority.access.weighing import NOTHING_MORE, Weighed, refusal_of, weigh
from authority.audit.queries import Query
from authority.kernel import ids
from authority.kernel.custody import Custodian
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.ledger.port import PutSecret
from authority.model.fact import Fact
from authority.model.sessions import SessionIssued
from authority.model.state import State


class Facts(msgspec.Struct, gc=False):
    """The time, the ids and the chance that a decision may use.

    All comes from one *seed*, so that deciding again after a conflict makes the same ids.  `decided_from` is the
    position of the newest configuration; `claimed` are once keys that turned out to be taken.
    """

    now: datetime
    seed: bytes
    decided_from: int = 0
    claimed: frozenset[str] = frozenset()
    _drawn: int = 0

    def __repr__(self) -> str:
        """Without the seed, which secrets are made of."""
        return f"{type(self).__name__}(now={self.now!r}, decided_from={self.decided_from})"

    def draw(self, count: int) -> bytes:
        """*count* bytes, 64 at most, different at each call: what a keyed hash makes of its number (RFC 7693)."""
        self._drawn += 1
        return hashlib.blake2b(self._drawn.to_bytes(4, "big"), digest_size=count, key=self.seed).digest()

    def new_id(self, kind: str) -> str:
        """A unique id that was never issued before."""
        return ids.unique_id(kind, self.draw(ids.TAIL_BYTES))

    def new_secret_key(self) -> Secret:
        """A secret access key: forty characters of base 64."""
        return Secret(base64.b64encode(self.draw(30)))


class NewSecret(msgspec.Struct, frozen=True):
    """A secret to be sealed into the vault in the same transaction; *row* is the id of what it belongs to."""

    row: str
    purpose: str
    secret: Secret

    def sealed_by(self, custodian: Custodian) -> PutSecret:
        """The row of the vault, which *custodian* can open again."""
        return PutSecret(self.row, self.purpose, custodian.seal(self.row, self.purpose, self.secret))


class Minted(msgspec.Struct, frozen=True, gc=False):
    """An answer that needs credentials: `shape` makes it once the entry is durable and the session minted.

    Its argument is the wire form of the credentials (STS API, Credentials).  Their token has at least `minimum`
    characters.
    """

    session: SessionIssued
    shape: Callable[[Mapping[str, object]], object]
    minimum: int = 0


Answer: TypeAlias = object
"""A msgspec struct in the operation's output shape, `Minted`, a `Refusal`, or None for an empty answer."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What becomes true, what must be stored beside it, and what to answer.  A refusal is a decision too.

    The answer may be worked out after the commit, off the committer: `then` over the published state, where listings
    go, and `query` from a projection once that has taken in this request's own entry.
    """

    facts: tuple[Fact, ...] = ()
    answer: Answer = None
    then: Callable[[State], Answer] | None = None
    query: Query | None = None
    weighed: tuple[Weighed, ...] = ()
    secrets: tuple[NewSecret, ...] = ()
    dropped: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    subject: str = ""
    warnings: tuple[str, ...] = ()
    """What the log remarks on something that was done, and that its author most likely does not mean."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The ids of all secrets that are to be stored, or are not to be any more."""
        if not self.secrets:
            return self.dropped
        return (*[new.row for new in self.secrets], *self.dropped)


def refuse(reason: Reason, message: str, facts: tuple[Fact, ...] = (), weighed: tuple[Weighed, ...] = ()) -> Decision:
    """Say no, in AWS's words.  A refusal is recorded, and may make facts true."""
    return Decision(facts=facts, answer=Refusal(reason, message), weighed=weighed)


Resource: TypeAlias = Callable[[State, Call[Any]], str]
Conditions: TypeAlias = Callable[[State, Call[Any]], Context]
Decide: TypeAlias = Callable[[State, Call[Any], Facts], Decision]


@dataclass(frozen=True, slots=True)
class Action:
    """An AWS action and how it is decided."""

    name: str
    input: type[Any]
    handler: Decide
    resource: Resource | None
    conditions: Conditions | None
    tagging: str = ""
    """The permission that is needed too when the input brings tags: `iam:TagRole`."""

    def __str__(self) -> str:
        """The action's name."""
        return self.name

    @property
    def service(self) -> str:
        """The service prefix: `iam`."""
        return self.name.partition(":")[0]

    @property
    def operation(self) -> str:
        """The operation's name on the wire: `CreateRole`."""
        return self.name.partition(":")[2]

    def decide(self, state: State, call: Call[Any], facts: Facts) -> Decision:
        """Authorise *call*, then decide it."""
        refusal = barred(call.caller, self.name)
        if refusal is not None:
            return Decision(answer=refusal)
        if self.resource is None:
            return self.handler(state, call, facts)
        resource = self.resource(state, call)
        conditions = NOTHING_MORE if self.conditions is None else self.conditions(state, call)
        weighed = [weigh(state, call, facts.now, self.name, resource, conditions=conditions)]
        if self.tagging and call.input.tags and weighed[-1].verdict.allowed:
            tags = request_tags(call.input.tags)
            weighed.append(weigh(state, call, facts.now, self.tagging, resource, conditions=tags))
        if not weighed[-1].verdict.allowed:
            return Decision(answer=refusal_of(weighed[-1]), weighed=tuple(weighed), subject=resource)
        decision = self.handler(state, call, facts)
        more = (*weighed, *decision.weighed)
        return msgspec.structs.replace(decision, weighed=more, subject=decision.subject or resource)


def action(
    name: str, *, resource: Resource | None, conditions: Conditions | None = None, tagging: str = ""
) -> Callable[[Decide], Action]:
    """Bind the AWS action *name* to a decision.

    *resource* names the ARN it is authorised on.  None is for the few that authorise themselves, or need no
    permission; the input is read from the annotation of the decision's `call`.  Whoever makes something that is born
    with tags needs the permission *tagging* on it as well.
    """

    def bind(handler: Decide) -> Action:
        hints = get_type_hints(handler)
        (asked,) = get_args(hints.get("call", hints.get("_call")))
        return Action(name, asked, handler, resource, conditions, tagging)

    return bind
