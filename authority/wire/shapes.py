"""A service's operations, compiled from botocore's description of it: the contract with every AWS client.

Nothing of the wire is written by hand for an operation.  Knows no operation by name, and does not know where the
description came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, final

import msgspec

from authority.kernel.refusal import Reason, Refusal
from authority.wire.constraints import Check, Constraints, Wording, refusal_of, rules_of
from authority.wire.description import Description, Shape
from authority.wire.reading import ENVELOPE, ENVELOPED, JsonReader, QueryReader, Read, Unreadable, json_of, tree_of
from authority.wire.text import elementless, escaped
from authority.wire.writing import JsonWriter, WriteJson, WriteXml, XmlWriter

ReadPlain: TypeAlias = Callable[[Mapping[str, str]], dict[str, Any] | None]
"""Reads a form, or says None of one that needs more than it knows."""

ENCODER = msgspec.json.Encoder()
_PATH = (
    "The specified value for {label} is invalid. It must begin and end with / and contain only alphanumeric characters "
    "and/or / characters."
)
WORDINGS: Final = {
    "iam": Wording(
        repeats=False,
        own={
            r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)": _PATH,
            r"((/[A-Za-z0-9\.,\+@=_-]+)*)/": _PATH,
            r"[\w+=,.@-]+": "The specified value for {label} is invalid. It must contain only alphanumeric characters "
            "and/or the following: +=,.@_-",
        },
        never_null=frozenset({"tagKeyType"}),
    ),
}
"""Services that word what they do not take in another way than the rest, as was recorded of AWS."""


@final
class Operation:
    """One operation: what it takes, what it answers, and how both are spelled."""

    __slots__ = (
        "_between",
        "_check",
        "_close",
        "_open",
        "_read_json",
        "_read_plain",
        "_read_query",
        "_wrapper",
        "_write_json",
        "_write_xml",
        "anonymous",
        "answers",
        "errors",
        "input",
        "name",
        "output",
        "requires",
        "sensitive",
        "takes",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        description: Mapping[str, Any],
        *,
        shapes: Description,
        readers: tuple[QueryReader, JsonReader],
        constraints: Constraints,
        writers: tuple[XmlWriter, JsonWriter],
        namespace: str,
        codes: Mapping[str, tuple[str, int]],
    ) -> None:
        """Compile the operation *name* out of its *description*."""
        self.name = name
        self.anonymous = description.get("authtype") == "none"
        """Whether it is called without a signature: what it is given is the proof."""
        self.input: Shape | None = shapes.shape(description["input"]) if "input" in description else None
        self.output: Shape | None = shapes.shape(description["output"]) if "output" in description else None
        self.takes = frozenset(shapes.members(self.input)) if self.input is not None else frozenset()
        """The names of the members of the input."""
        self.sensitive = frozenset(
            name for name, shape in (shapes.members(self.input).items() if self.input else ()) if shapes.hides(shape)
        )
        """Members of the input that no log and no error may show."""
        self.requires = self.input.required if self.input is not None else frozenset()
        self.answers = frozenset(shapes.members(self.output)) if self.output is not None else frozenset()
        self.errors = dict(codes[error["shape"]] for error in description.get("errors", ()))
        """Codes that the model lets it answer, with their statuses."""

        query, json_reader = readers
        xml, json_writer = writers
        self._read_plain = _plain(query, self.input) if self.input is not None else _not_plain
        self._read_query: Read = query.of(self.input, beside=ENVELOPE) if self.input is not None else _nothing
        self._read_json: Read = json_reader.of(self.input) if self.input is not None else _nothing
        self._check: Check | None = constraints.of(self.input) if self.input is not None else None
        self._wrapper = wrapper = description.get("output", {}).get("resultWrapper")
        self._write_xml: WriteXml = xml.of(self.output) if self.output is not None and wrapper else _blank
        self._write_json: WriteJson | None = json_writer.of(self.output) if self.output is not None else None
        self._open = f'<{name}Response xmlns="{escaped(namespace)}">' + (f"<{wrapper}>" if wrapper else "")
        self._between = (f"</{wrapper}>" if wrapper else "") + "<ResponseMetadata><RequestId>"
        self._close = f"</RequestId></ResponseMetadata></{name}Response>"

    def read_query(self, form: Mapping[str, str]) -> dict[str, Any] | Refusal:
        """The operation's input out of a form, under the model's names, every constraint met; or why not."""
        values = self._read_plain(form)
        return self._read_at_length(form) if values is None else values

    def _read_at_length(self, form: Mapping[str, str]) -> dict[str, Any] | Refusal:
        return self._judged(lambda: self._read_query(tree_of(form), ""))

    def read_json(self, body: bytes) -> dict[str, Any] | Refusal:
        """The operation's input out of a JSON document, every constraint met; or why not."""
        return self._judged(lambda: self._read_json(json_of(body), ""))

    def write_xml(self, answer: Mapping[str, Any], request_id: str) -> bytes:
        """The document of the query protocol.  Members that are None are left out, empty lists are not."""
        return f"{self._open}{self._write_xml(answer)}{self._between}{escaped(request_id)}{self._close}".encode()

    def write_json(self, answer: Mapping[str, Any]) -> bytes:
        """The document of the JSON protocol.  Members that are None are left out."""
        return b"{}" if self._write_json is None else ENCODER.encode(self._write_json(answer))

    def write_query_json(self, answer: Mapping[str, Any], request_id: str) -> bytes:
        """The document of the query protocol for whoever accepts JSON: what the other has, under the same names."""
        document: dict[str, Any] = {"ResponseMetadata": {"RequestId": request_id}}
        if self._wrapper and self._write_json is not None:
            document = {self._wrapper: self._write_json(answer), **document}
        return elementless(ENCODER.encode({f"{self.name}Response": document}))

    def _judged(self, read: Callable[[], dict[str, Any]]) -> dict[str, Any] | Refusal:
        try:
            values = read()
            if self._check is not None:
                found: list[str] = []
                self._check(values, "", found)
                if found:
                    return refusal_of(found)
        except Unreadable as unreadable:
            return unreadable.refusal
        except RecursionError:  # a shape within itself, a thousand times over
            return Refusal(Reason.UNREADABLE_INPUT, "The input is nested too deeply.")
        return values


@final
class Service:
    """One service: its names on the wire, and its operations."""

    __slots__ = ("api_version", "name", "namespace", "operations", "protocol", "target_prefix")

    def __init__(self, metadata: Mapping[str, Any], operations: Mapping[str, Operation]) -> None:
        """Name the service as its *metadata* does."""
        self.name: str = metadata.get("signingName", metadata["endpointPrefix"])
        self.api_version: str = metadata["apiVersion"]
        self.namespace: str = metadata.get("xmlNamespace", "")
        self.protocol: str = metadata["protocol"]
        self.target_prefix: str = metadata.get("targetPrefix", "")
        self.operations = operations


@final
class Operations(Mapping[str, Operation]):
    """The operations of one service, each compiled when it is first asked for: most are, at most, only named."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        """Compile what *description*, a service model, has."""
        self._described: Mapping[str, Mapping[str, Any]] = description["operations"]
        self._namespace: str = description["metadata"].get("xmlNamespace", "")
        self._shapes = Description(description["shapes"])
        self._codes = {
            name: _code(name, shape) for name, shape in description["shapes"].items() if shape.get("exception")
        }
        self._readers = (QueryReader(self._shapes), JsonReader(self._shapes))
        self._writers = (XmlWriter(self._shapes), JsonWriter(self._shapes))
        self._constraints = Constraints(
            self._shapes, WORDINGS.get(description["metadata"]["endpointPrefix"], Wording())
        )
        self._compiled: dict[str, Operation] = {}

    def __getitem__(self, name: str) -> Operation:
        """The operation called *name*."""
        known = self._compiled.get(name)
        if known is None:
            known = self._compiled[name] = Operation(
                name,
                self._described[name],
                shapes=self._shapes,
                readers=self._readers,
                constraints=self._constraints,
                writers=self._writers,
                namespace=self._namespace,
                codes=self._codes,
            )
        return known

    def __contains__(self, name: object) -> bool:
        """Whether there is an operation called *name*."""
        return name in self._described

    def __iter__(self) -> Iterator[str]:
        """The names, in the model's order."""
        return iter(self._described)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._described)


def compile_service(description: Mapping[str, Any]) -> Service:
    """Make the service of a service model, as `service-2.json` has it."""
    return Service(description["metadata"], Operations(description))


def _code(name: str, shape: Mapping[str, Any]) -> tuple[str, int]:
    error = shape.get("error", {})
    return error.get("code", name), error.get("httpStatusCode", 500 if shape.get("fault") else 400)


def _plain(readers: QueryReader, shape: Shape) -> ReadPlain:
    """Read forms of scalar members of *shape* alone, each as it is demanded: most are.  Of any other say None."""
    members = {
        key: (name, read_text, tuple(rule.broken for rule in rules_of(member)))
        for key, name, member, read_text in readers.texts(shape)
    }
    known, required = members.keys() | ENVELOPED, shape.required

    def read(form: Mapping[str, str]) -> dict[str, Any] | None:
        if not form.keys() <= known:
            return None
        values: dict[str, Any] = {}
        for key, text in form.items():
            member = members.get(key)
            if member is None:
                continue
            name, read_text, demands = member
            try:
                values[name] = value = read_text(text)
            except ValueError:
                return None
            for broken in demands:
                if broken(value):
                    return None
        return values if required <= values.keys() else None

    return read


def _not_plain(_form: object) -> None:
    """No form of an operation that takes nothing is read at all."""


def _nothing(_given: object, _at: str) -> dict[str, Any]:
    """The input of an operation that takes nothing: whatever is given is ignored, as unknown parameters are."""
    return {}


def _blank(_answer: object) -> str:
    """The result of an operation that has none."""
    return ""
