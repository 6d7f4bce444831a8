"""The catalogue: managed policies that every account may attach and none can change, as AWS's own are.

It is read from files, ours and the operator's, when an authority starts.  Decisions depend on it, so what changed since
the last start is written to the log: a text that differs becomes a new version, in force for everybody who holds the
policy, and a policy that is in no file any more stays with its holders and can be attached to nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Refusal
from authority.model.event import LARGEST
from authority.model.fact import Fact
from authority.model.policies import CataloguePolicyPublished, CataloguePolicyRetired, catalogue_id
from authority.model.state import State
from authority.policy.document import CURRENT, Kind, parse

LONGEST: Final = 32_768
"""Characters of one text.  AWS's own are longer than a customer's may be; one entry of the log must hold it."""
FULL: Final = LARGEST * 3 // 4
"""Bytes of facts in one entry; what else an entry says takes far less than the rest."""

_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}", re.ASCII)
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9.,+@=_-]+)*/", re.ASCII)


class CatalogueRefused(Exception):  # noqa: N818 - a refusal in the words of the house
    """A file of policies cannot be used; the message says which policy and why."""


class CataloguePolicy(msgspec.Struct, frozen=True):
    """One policy of the catalogue, its text as it will be shown."""

    name: str
    path: str
    document: str
    description: str = ""


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    document: msgspec.Raw
    path: str = "/"
    description: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    policies: tuple[_Written, ...]


_DECODER: Final = msgspec.json.Decoder(_File)


def read(body: bytes) -> tuple[CataloguePolicy, ...]:
    """Read a file of policies: JSON, `policies` with `name`, `document` and perhaps `path` and `description`.

    Raises `CatalogueRefused` for anything that would not be a managed policy.
    """
    try:
        written = _DECODER.decode(body).policies
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise CatalogueRefused(f"not a file of policies: {fault}") from fault
    return tuple(map(_read, written))


def _read(written: _Written) -> CataloguePolicy:
    if _NAME.fullmatch(written.name) is None or _PATH.fullmatch(written.path) is None:
        raise CatalogueRefused(f"`{written.path}{written.name}` is no path and name of a policy")
    text = msgspec.json.format(bytes(written.document), indent=2).decode()
    document = parse(text, Kind.IDENTITY)
    if isinstance(document, Refusal):
        raise CatalogueRefused(f"the document of `{written.name}` is refused: {document.message}")
    if document.version != CURRENT:
        raise CatalogueRefused(f"the document of `{written.name}` is not of version {CURRENT}")
    if len(text) > LONGEST:
        raise CatalogueRefused(f"the document of `{written.name}` has more than {LONGEST} characters")
    return CataloguePolicy(written.name, written.path, text, written.description)


def joined(*files: Iterable[CataloguePolicy]) -> tuple[CataloguePolicy, ...]:
    """The policies of all *files*; of two of one name, whatever its case, the one in the later file counts."""
    return tuple({policy.name.lower(): policy for file in files for policy in file}.values())


def changes(state: State, wanted: Iterable[CataloguePolicy]) -> Iterator[tuple[Fact, ...]]:
    """What must become true for the catalogue to be *wanted*, in portions that one entry each can hold."""
    portion: list[Fact] = []
    size = 0
    for fact in _changes(state, tuple(wanted)):
        length = len(msgspec.json.encode(fact))
        if portion and size + length > FULL:
            yield tuple(portion)
            portion, size = [], 0
        portion.append(fact)
        size += length
    if portion:
        yield tuple(portion)


def _changes(state: State, wanted: tuple[CataloguePolicy, ...]) -> Iterator[Fact]:
    kept = set()
    for policy in wanted:
        policy_id = catalogue_id(policy.path, policy.name)
        kept.add(policy_id)
        held = state.catalogue.get(policy_id)
        if held is None or held.retired or (held.document, held.description) != (policy.document, policy.description):
            yield CataloguePolicyPublished(
                policy_id=policy_id,
                name=policy.name,
                path=policy.path,
                number=1 if held is None else held.last + 1,
                document=policy.document,
                description=policy.description,
            )
    # In one order in every process, whatever the order of the map.
    for held_id in sorted(state.catalogue.keys()):
        if held_id not in kept and not state.catalogue[held_id].retired:
            yield CataloguePolicyRetired(policy_id=PolicyId(held_id))
