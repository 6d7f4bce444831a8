"""Makes golden files: one for each type of fact, with every field that it had when it was written; never one anew.

    python -m tests.model.golden

A fact that comes to have another field gets one more file, beside those that there are: `role-created.2.json`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from authority.model.event import Event
from authority.model.events import FACTS

HERE = Path(__file__).parent / "golden"
ENTRY = "entry"
AT = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)


def sample(kind: inspect.Type, name: str) -> Any:
    """A value of *kind* that is nobody's default."""
    match kind:
        case inspect.StrType():
            return {"lane": "config"}.get(name, f"a {name}")
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 7
        case inspect.FloatType():
            return 7.5
        case inspect.BytesType():
            return b"7"
        case inspect.DateTimeType():
            return AT
        case inspect.LiteralType():
            return kind.values[-1]
        case inspect.EnumType():
            return list(kind.cls)[-1]
        case inspect.VarTupleType() | inspect.ListType():
            return [sample(kind.item_type, name)]
        case inspect.TupleType():
            return [sample(one, name) for one in kind.item_types]
        case inspect.SetType() | inspect.FrozenSetType():
            return [sample(kind.item_type, name)]
        case inspect.DictType():
            return {sample(kind.key_type, name): sample(kind.value_type, name)}
        case inspect.UnionType():
            told = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            return sample(told[0], name)
        case inspect.StructType():
            return filled(kind)
        case inspect.AnyType():
            return "anything"
        case _:
            raise TypeError(f"{name}: nobody said what a {kind} looks like")


def filled(kind: inspect.StructType) -> Any:
    """A struct all of whose fields say something; in an array where it is stored as one."""
    values = {field.encode_name: sample(field.type, field.encode_name) for field in kind.fields}
    if kind.array_like:
        return list(values.values())
    return values if kind.tag is None else {kind.tag_field: kind.tag, **values}


def places(said: Any, at: str = "") -> set[str]:
    """Where something stands in what is *said*, at any depth."""
    match said:
        case dict():
            return {place for name, one in said.items() for place in places(one, f"{at}/{name}")}
        case list():
            return {place for number, one in enumerate(said) for place in places(one, f"{at}/{number}")}
        case _:
            return {at}


def today(cls: type[msgspec.Struct]) -> Any:
    """A value of a type with every field that it has today."""
    info = inspect.type_info(cls)
    if not isinstance(info, inspect.StructType):
        raise TypeError(cls.__name__)
    return msgspec.json.decode(msgspec.json.encode(filled(info)))


def holds(said: Any, then: Any) -> bool:
    """Whether all that was said *then* is *said* still, with nothing but more fields beside it."""
    match then:
        case dict():
            return isinstance(said, dict) and all(name in said and holds(said[name], one) for name, one in then.items())
        case list():
            return isinstance(said, list) and len(said) >= len(then) and all(map(holds, said, then))
        case _:
            return bool(said == then)


def files(name: str) -> list[Path]:
    """The golden files of a type, oldest first."""
    return sorted(
        path for path in HERE.glob(f"{name}.*json") if path.stem.removeprefix(name).strip(".0123456789") == ""
    )


def kept(path: Path) -> dict[str, Any]:
    """What a golden file says."""
    said: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return said


def unwritten() -> dict[str, type[msgspec.Struct]]:
    """The types, by name, that have a field which no golden file has."""
    every = {ENTRY: Event, **FACTS}
    wanted = {name: places(today(cls)) for name, cls in every.items()}
    return {
        name: cls for name, cls in every.items() if not any(wanted[name] <= places(kept(path)) for path in files(name))
    }


def main() -> None:
    """Write what is missing."""
    HERE.mkdir(exist_ok=True)
    for name, cls in unwritten().items():
        there = len(files(name))
        path = HERE / (f"{name}.{there + 1}.json" if there else f"{name}.json")
        spelled = msgspec.json.encode(today(cls))
        msgspec.json.decode(spelled, type=cls)
        path.write_bytes(msgspec.json.format(spelled) + b"\n")
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
