"""The registry against botocore's models: every action is an operation there, and takes what the operation takes."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from botocore.serialize import create_serializer

from authority.access.action import Action
from authority.kernel.refusal import Reason
from authority.registry import ACTIONS, MODULES, OWN_SERVICE, ROUTES, SERVICES
from authority.wire.errors import SPELLINGS
from tests.judging import COMMON, codes_of
from tests.wire.models import described, fitting, operation, valued

SPOKEN = [action for action in ACTIONS.values() if action.service != OWN_SERVICE]
OWN = [action for action in ACTIONS.values() if action.service == OWN_SERVICE]
OURS_ALONE = frozenset({Reason.NOT_FOUND, Reason.METHOD_NOT_ALLOWED, Reason.INTERNAL_FAILURE})
"""Reasons of our own paths, and the fault that no caller causes: no model of AWS has their codes."""


def named(action: Action) -> str:
    return action.name


def test_an_action_is_registered_once_under_one_name():
    found = Counter(
        action.name for module in set(MODULES) for action in vars(module).values() if isinstance(action, Action)
    )
    assert [name for name, count in found.items() if count > 1] == []
    assert len(found) == len(ACTIONS)
    assert {f"{service}:{name}" for service, name in ACTIONS} == set(found)


@pytest.mark.parametrize("action", SPOKEN, ids=named)
def test_an_action_is_an_operation_and_takes_all_its_members_and_no_others(action):
    """A parameter that is not understood is refused, never ignored; so each must be understood."""
    assert action.service in SERVICES
    model, _ = operation(action.service, action.operation)
    shape = model.input_shape
    fields = {field.encode_name: field for field in msgspec.structs.fields(action.input)}
    assert set(fields) == (set() if shape is None else set(shape.members))
    assert {name for name, field in fields.items() if field.required} <= (
        set() if shape is None else set(shape.required_members)
    )


@pytest.mark.parametrize("action", SPOKEN, ids=named)
@pytest.mark.parametrize("all_members", [True, False], ids=["everything", "what must be"])
def test_what_the_model_lets_a_client_say_an_action_can_read(action, all_members):
    model, ours = operation(action.service, action.operation)
    if model.input_shape is None:
        return
    said = valued(model.input_shape, fitting, all_members=all_members)
    protocol = described(action.service).metadata["protocol"]
    body = create_serializer(protocol).serialize_to_request(said, model)["body"]
    if protocol == "query":
        read = ours.read_query(dict(parse_qsl(urlencode(body, doseq=True), keep_blank_values=True)))
    else:
        read = ours.read_json(body)
    assert isinstance(read, dict), read
    assert set(read) == set(said)
    msgspec.convert(read, action.input)


def test_our_own_paths_lead_to_our_own_actions_and_every_one_of_them_has_a_path():
    assert {route.operation for route in ROUTES} == {action.operation for action in OWN}
    for route in ROUTES:
        known = {field.encode_name for field in msgspec.structs.fields(ACTIONS[OWN_SERVICE, route.operation].input)}
        in_path = {part.strip("{}.") for part in route.path.split("/") if part.startswith("{")}
        assert in_path <= known, route


def test_every_code_that_is_answered_is_one_of_aws():
    known = set(COMMON)
    for service in SERVICES:
        for name in described(service).operation_names:
            known |= codes_of(described(service).operation_model(name))
    codes = {reason: spelling for reason, spelling in SPELLINGS.items() if reason not in OURS_ALONE}
    assert {reason: spelling.code for reason, spelling in codes.items() if spelling.code not in known} == {}
