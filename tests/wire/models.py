"""Botocore's service models, compiled here and there, and values that fit their shapes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from authority.wire.patterns import compiled
from authority.wire.shapes import Operation, Service, compile_service

QUERY = ("iam", "sts")
JSON = ("organizations", "cognito-identity", "cloudtrail")
LETTERS = ("a", "1", "A", "/", "-", ".", ":", "ab-1")
WHOLE = (
    "123456789012", "arn:aws:iam::123456789012:role/a", "/a/", "v1", "a:b", "us-east-1:0a-f", "ab@b.c", "https://a.b", "12:34",
    "o-aaaaaaaaaa/r-aaaa/", "o-aaaaaaaaaa/r-aaaa", "o-aaaaaaaaaa", "r-aaaa", "p-aaaaaaaa", "h-aaaaaaaa", "ou-aaaa-aaaaaaaa", "car-aaaaaaaa",
    "rp-aaaa", "rt-aaaaaaaa", "a.amazonaws.com", "s3://aaa", "authenticated",
    *(f"arn:aws:organizations::123456789012:{tail}" for tail in (
        "account/o-aaaaaaaaaa/123456789012", "handshake/o-aaaaaaaaaa/a/h-aaaaaaaa", "organization/o-aaaaaaaaaa", "ou/o-aaaaaaaaaa/ou-aaaa-aaaaaaaa",
        "root/o-aaaaaaaaaa/r-aaaa", "policy/o-aaaaaaaaaa/a/p-aaaaaaaaaa", "resourcepolicy/o-aaaaaaaaaa/rp-aaaa",
        "transfer/o-aaaaaaaaaa/billing/inbound/rt-aaaaaaaa")),
)  # fmt: skip


@functools.cache
def described(service: str) -> ServiceModel:
    """The service as botocore sees it."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@functools.cache
def ours(service: str) -> Service:
    """The service as we see it."""
    return compile_service(Loader().load_service_model(service, "service-2"))


def operations(*services: str) -> list[Any]:
    """Every operation of the services, as parameters of a test."""
    return [
        pytest.param(described(service).operation_model(name), ours(service).operations[name], id=f"{service}:{name}")
        for service in services
        for name in described(service).operation_names
    ]


def operation(service: str, name: str) -> tuple[OperationModel, Operation]:
    return described(service).operation_model(name), ours(service).operations[name]


def fitting(shape: Shape) -> str:
    """A text that meets every constraint of *shape*."""
    if shape.metadata.get("enum"):
        return str(shape.metadata["enum"][-1])
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 10**6)
    pattern = shape.metadata.get("pattern")
    for text in itertools.chain(WHOLE, _repeated(low, high)):
        if low <= len(text) <= high and (pattern is None or compiled(pattern).fullmatch(text) is not None):
            return text
    raise AssertionError(f"nothing fits {shape.name}: {low} {high} {pattern}")


def _repeated(low: int, high: int) -> Iterator[str]:
    for length in {low, min(high, low + 1), min(high, 12)}:
        for letters in LETTERS:
            yield (letters * length)[:length]


def valued(shape: Shape, text: Callable[[Shape], str], *, all_members: bool = True, above: tuple[str, ...] = ()) -> Any:
    """A value of *shape*: every member that it may have, or only those that it must have."""
    above = (*above, shape.name)
    match shape.type_name:
        case "structure":
            names = [name for name in shape.members if all_members or name in shape.required_members]
            if shape.is_tagged_union or (not names and len(above) > 1):
                names = list(shape.members)[:1]  # one of a union; and a form has no way to say "a structure of nothing"
            return {
                name: valued(shape.members[name], text, all_members=all_members, above=above)
                for name in names
                if shape.members[name].name not in above
            }
        case "list":
            if shape.member.name in above:
                return []
            count = max(shape.metadata.get("min", 0), min(2, shape.metadata.get("max", 2)))
            return [valued(shape.member, text, all_members=all_members, above=above)] * count
        case "map":
            return {text(shape.key): valued(shape.value, text, all_members=all_members, above=above)}
        case "integer" | "long":
            return shape.metadata.get("min", 7)
        case "float" | "double":
            return 1.5
        case "boolean":
            return True
        case "timestamp":
            return datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
        case "blob":
            return b"\x00\xff<blob>"
        case _:
            return text(shape)
