"""The ways to ask: which operation a request names, what it was given, and how the answer is spelled.

    query   `POST /` with a form, or `GET /?Action=...`; XML, or    IAM, STS
            JSON for whoever accepts nothing else
    json    `POST /` with X-Amz-Target; JSON 1.1                    Organizations, CloudTrail
    rest    a path of our own; JSON                                 authority

Which dialect a request speaks is read from its path and headers before anything is known about its sender.  What it
was given is read only afterwards, by whoever holds the question.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec

from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.wire.errors import JSON, SPELLINGS, XML, render_json, render_query_json, render_xml
from authority.wire.query import FORM, UNSPEAKABLE, read_form, read_parameters
from authority.wire.reading import Unreadable, json_of
from authority.wire.request import Received
from authority.wire.shapes import Operation, Service

PLAIN_JSON: Final = "application/json"
LONGEST_NAME: Final = 128
REQUEST_NAME: Final = re.compile(rb"[\x21-\x7e]{1,128}")
"""What a client may call its request: words that can stand in a header again."""
ASKED_WITH: Final = ("GET", "POST")
"""The methods of the query protocol."""


Pieces: TypeAlias = AsyncGenerator[bytes, None]


class Document(msgspec.Struct, frozen=True):
    """An answer of our own service that is not a JSON object: it goes out as it is."""

    content_type: str
    body: bytes


class Stream(msgspec.Struct, frozen=True):
    """An answer of our own service that is made while it goes out.

    `pieces` makes it; what it is given says whether whoever asked may still have it, and is asked again and again.
    """

    content_type: str
    pieces: Callable[[Callable[[], bool]], Pieces]


class CutShort(Exception):  # noqa: N818 - what happened, in the words of the house
    """An answer that had begun cannot be finished; whoever reads it must see that it is not whole."""


class Spelled(msgspec.Struct, frozen=True):
    """An answer as it goes onto the wire; where there are `pieces`, they follow the body."""

    status: int
    headers: dict[str, str]
    body: bytes
    pieces: Pieces | None = None


class Question(Protocol):
    """What one request asks for, in its own dialect."""

    @property
    def service(self) -> str:
        """The service that the signature must be scoped to; empty when the request does not tell."""
        ...

    @property
    def name(self) -> str:
        """The operation as the client named it, cut to a bounded length."""
        ...

    @property
    def refusal(self) -> Refusal | None:
        """Why nothing can be asked like this, whoever asks."""
        ...

    @property
    def known(self) -> bool:
        """Whether the service has an operation of this name."""
        ...

    @property
    def anonymous(self) -> bool:
        """Whether the operation is called without a signature: what it is given is the proof."""
        ...

    @property
    def sensitive(self) -> frozenset[str]:
        """Parameters that no log may show."""
        ...

    def read(self) -> tuple[dict[str, Any], bool] | Refusal:
        """The input by the names of the service, and whether it is typed already; or why it cannot be read."""
        ...

    def write(self, answer: Any, request_id: str) -> Spelled:
        """Spell *answer*, a mapping or struct in the operation's output shape, or None for nothing."""
        ...

    def refuse(self, refusal: Refusal, request_id: str) -> Spelled:
        """Spell a no."""
        ...


class ModelledQuestion(msgspec.Struct, frozen=True):
    """A question of a service that AWS describes by a model; no `operation` where the model has none of that name."""

    service: str
    name: str
    operation: Operation | None = None
    refusal: Refusal | None = None

    @property
    def known(self) -> bool:
        """See `Question`."""
        return self.operation is not None

    @property
    def anonymous(self) -> bool:
        """See `Question`."""
        return self.operation is not None and self.operation.anonymous

    @property
    def sensitive(self) -> frozenset[str]:
        """See `Question`."""
        return frozenset() if self.operation is None else self.operation.sensitive

    def read(self) -> tuple[dict[str, Any], bool] | Refusal:
        """See `Question`."""
        if self.operation is None:
            return Refusal(Reason.INVALID_ACTION, f"Could not find operation {self.name}")
        read = self._input(self.operation)
        return read if isinstance(read, Refusal) else (read, True)

    def write(self, answer: Any, request_id: str) -> Spelled:
        """See `Question`."""
        if self.operation is None:
            raise TypeError("an operation that is not known has no answer")
        kind, body = self._output(self.operation, {} if answer is None else answer, request_id)
        return Spelled(200, {"Content-Type": kind, "x-amzn-RequestId": request_id}, body)

    @abstractmethod
    def _input(self, operation: Operation) -> dict[str, Any] | Refusal: ...

    @abstractmethod
    def _output(self, operation: Operation, answer: Any, request_id: str) -> tuple[str, bytes]: ...


class QueryQuestion(ModelledQuestion, frozen=True, kw_only=True):
    """A form, answered in XML, or in JSON where that is all that is accepted (AWS query protocol)."""

    namespace: str
    form: Mapping[str, str] = {}
    json: bool = False

    def _input(self, operation: Operation) -> dict[str, Any] | Refusal:
        return operation.read_query(self.form)

    def _output(self, operation: Operation, answer: Any, request_id: str) -> tuple[str, bytes]:
        if self.json:
            return PLAIN_JSON, operation.write_query_json(answer, request_id)
        return XML, operation.write_xml(answer, request_id)

    def refuse(self, refusal: Refusal, request_id: str) -> Spelled:
        """See `Question`."""
        if self.json:
            kind, (status, body) = PLAIN_JSON, render_query_json(refusal, request_id)
        else:
            kind, (status, body) = XML, render_xml(refusal, request_id, self.namespace)
        headers = {"Content-Type": kind, "x-amzn-RequestId": request_id}
        if refusal.reason is Reason.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(ASKED_WITH)
        return Spelled(status, headers, body)


class JsonQuestion(ModelledQuestion, frozen=True, kw_only=True):
    """A JSON document whose operation stands in a header (AWS JSON 1.1 protocol)."""

    body: bytes = b""

    def _input(self, operation: Operation) -> dict[str, Any] | Refusal:
        return operation.read_json(self.body)

    def _output(self, operation: Operation, answer: Any, _request_id: str) -> tuple[str, bytes]:
        return JSON, operation.write_json(answer)

    def refuse(self, refusal: Refusal, request_id: str) -> Spelled:
        """See `Question`."""
        known = {} if self.operation is None else self.operation.errors
        return Spelled(*render_json(refusal, request_id, known))


class Route(msgspec.Struct, frozen=True):
    """One of our own operations: `GET /v1/events/{id}`.  What stands in braces becomes a parameter.

    `{name...}` at the end takes all that is left of the path.  What is `given` are parameters that the path stands for.
    One that is `anonymous` is asked without a signature: what it is given is the proof.
    """

    method: str
    path: str
    operation: str
    given: Mapping[str, str] = {}
    anonymous: bool = False

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The parameters in the path, if *segments* are of this route."""
        wanted = self.path.strip("/").split("/")
        found = dict(self.given)
        if wanted[-1].endswith("...}") and len(segments) >= len(wanted):
            *wanted, rest = wanted
            found[rest[1:-4]] = "/".join(segments[len(wanted) :])
            segments = segments[: len(wanted)]
        if len(wanted) != len(segments):
            return None
        for want, have in zip(wanted, segments, strict=True):
            if want.startswith("{"):
                found[want.strip("{}")] = have
            elif want != have:
                return None
        return found


def _revealed(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal().decode()  # an answer that hands out a credential, once
    raise NotImplementedError(type(value).__name__)


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_revealed)


class RestQuestion(msgspec.Struct, frozen=True):
    """A path, a method and JSON: our own service."""

    service: str
    name: str
    parameters: dict[str, str] = {}
    received: Received | None = None
    refusal: Refusal | None = None
    anonymous: bool = False
    allowed: tuple[str, ...] = ()
    """The methods to ask with, where the refusal is that it was none of them."""

    @property
    def known(self) -> bool:
        """See `Question`."""
        return self.refusal is None

    @property
    def sensitive(self) -> frozenset[str]:
        """See `Question`."""
        return frozenset()

    def read(self) -> tuple[dict[str, Any], bool] | Refusal:
        """See `Question`.  Parameters stand in the path, and in the query string or in a JSON object, never in both."""
        if self.received is None:
            return Refusal(Reason.NOT_FOUND, "There is nothing here.")
        if not self.received.body:
            form = read_form(self.received.query, FORM)
            if isinstance(form, Refusal):
                return form
            given: dict[str, Any] = {name: value for name, value in form.items() if name[:6].lower() != "x-amz-"}
        else:
            if self.received.query:
                return Refusal(Reason.MALFORMED_REQUEST, "Parameters stand in the body or in the query string.")
            kind = (self.received.header(b"content-type") or b"").partition(b";")[0].strip().lower()
            if kind != PLAIN_JSON.encode():
                return Refusal(Reason.MALFORMED_REQUEST, f"The content type must be {PLAIN_JSON}.")
            try:
                document: object = json_of(self.received.body)
            except Unreadable as unreadable:
                return unreadable.refusal
            if not isinstance(document, dict):
                return Refusal(Reason.UNREADABLE_INPUT, "The body must be a JSON object.")
            given = document
        if not given.keys().isdisjoint(self.parameters):
            return Refusal(Reason.MALFORMED_REQUEST, "A parameter stands in the path and again elsewhere.")
        return given | self.parameters, bool(self.received.body)

    def write(self, answer: Any, request_id: str) -> Spelled:
        """See `Question`."""
        if isinstance(answer, Document):
            return Spelled(200, self._headers(answer.content_type, request_id), answer.body)
        headers = self._headers(PLAIN_JSON, request_id)
        return Spelled(200, headers, b"{}" if answer is None else _ENCODER.encode(answer))

    def refuse(self, refusal: Refusal, request_id: str) -> Spelled:
        """See `Question`.  The codes are those of the query protocol, with their own statuses."""
        spelling = SPELLINGS[refusal.reason]
        message = refusal.message.encode("utf-8", "replace").decode("utf-8")
        body = _ENCODER.encode({"code": spelling.code, "message": message, "requestId": request_id})
        headers = {**self._headers(PLAIN_JSON, request_id), "x-amzn-ErrorType": spelling.code}
        if refusal.reason is Reason.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(self.allowed)
        return Spelled(spelling.status, headers, body)

    def _headers(self, kind: str, request_id: str) -> dict[str, str]:
        """What stands above an answer; the client's own name for its request comes back (AuthZEN Authorization API)."""
        headers = {"Content-Type": kind, "x-amzn-RequestId": request_id}
        named = None if self.received is None else self.received.header(b"x-request-id")
        if named is not None and REQUEST_NAME.fullmatch(named) is not None:
            headers["X-Request-ID"] = named.decode("ascii")
        return headers


class Dialects:
    """Every service that is spoken here, and in which dialect."""

    __slots__ = ("_default", "_prefixes", "_rest", "_routes", "_versions", "names")

    def __init__(self, services: Iterable[Service], rest: str, routes: Sequence[Route]) -> None:
        """Speak *services* by their models, and *rest*, our own, by *routes*."""
        listed = list(services)
        query = [service for service in listed if service.protocol == "query"]
        self._versions: Mapping[str, Service] = {service.api_version: service for service in query}
        self._prefixes: Mapping[str, Service] = {
            service.target_prefix: service for service in listed if service.protocol == "json"
        }
        self._default = query[0].namespace
        self._rest = rest
        self._routes = routes
        self.names = frozenset((rest, *(service.name for service in listed)))
        """What a credential scope may name."""

    def question(self, received: Received) -> Question:
        """Say what *received* asks for; whether it may is not known yet."""
        if received.path != b"/":
            return self._rest_question(received)
        target = received.header(b"x-amz-target")
        if target is not None:
            return self._json_question(received, target.decode("latin-1"))
        question = self._query_question(received)
        # Who verifies what others signed, as EKS and Teleport do, reads nothing else.
        accepted = received.header(b"accept")
        json = accepted is not None and accepted.strip() == PLAIN_JSON.encode()
        return msgspec.structs.replace(question, json=True) if json else question

    def _query_question(self, received: Received) -> QueryQuestion:
        if received.method not in ASKED_WITH:
            text = f"The method {received.method} is not allowed here; use POST."
            return QueryQuestion("", "", namespace=self._default, refusal=Refusal(Reason.METHOD_NOT_ALLOWED, text))
        form = read_parameters(received)
        if isinstance(form, Refusal):
            return QueryQuestion("", "", namespace=self._default, refusal=form)
        name, version = form.get("Action", "")[:LONGEST_NAME], form.get("Version", "")[:LONGEST_NAME]
        service = self._versions.get(version)
        if service is None:
            # Who leaves the version out is told apart by the operation's name.
            holders = [one for one in self._versions.values() if name in one.operations]
            service = holders[0] if not version and len(holders) == 1 else None
        operation = None if service is None else service.operations.get(name)
        if service is None or operation is None:
            text = "Action is missing." if not name else f"Could not find operation {name} for version {version}"
            return QueryQuestion(
                "" if service is None else service.name,
                name,
                namespace=self._default if service is None else service.namespace,
                refusal=Refusal(Reason.INVALID_ACTION, text),
            )
        return QueryQuestion(service.name, name, operation, namespace=service.namespace, form=form)

    def _json_question(self, received: Received, target: str) -> JsonQuestion:
        prefix, _, name = target.rpartition(".")
        service = self._prefixes.get(prefix)
        operation = None if service is None else service.operations.get(name)
        refusal = None
        if received.method != "POST" or received.query:
            refusal = Refusal(Reason.MALFORMED_REQUEST, "A JSON request is a POST without a query string.")
        elif operation is None:
            refusal = Refusal(Reason.INVALID_ACTION, f"Could not find operation {target[:LONGEST_NAME]}")
        return JsonQuestion(
            "" if service is None else service.name, name[:LONGEST_NAME], operation, refusal, body=received.body
        )

    def _rest_question(self, received: Received) -> RestQuestion:
        try:
            segments = [unquote_to_bytes(part).decode() for part in received.path.decode().strip("/").split("/")]
        except UnicodeDecodeError:
            return RestQuestion(self._rest, "", refusal=Refusal(Reason.MALFORMED_REQUEST, "The path is not UTF-8."))
        if any(UNSPEAKABLE.search(part) or part in (".", "..") for part in segments):
            refusal = Refusal(Reason.MALFORMED_REQUEST, "The path contains what no path of ours does.")
            return RestQuestion(self._rest, "", refusal=refusal)
        others: list[str] = []
        for route in self._routes:
            parameters = route.match(segments)
            if parameters is None:
                continue
            if route.method == received.method:
                return RestQuestion(self._rest, route.operation, parameters, received, anonymous=route.anonymous)
            others.append(route.method)
        if others:
            text = f"The method {received.method} is not allowed here; use {' or '.join(others)}."
            refusal = Refusal(Reason.METHOD_NOT_ALLOWED, text)
            return RestQuestion(self._rest, "", received=received, refusal=refusal, allowed=tuple(others))
        return RestQuestion(self._rest, "", refusal=Refusal(Reason.NOT_FOUND, "There is nothing at this path."))
