"""Every operation of this room takes each member that the service model gives it, and demands what it demands."""

from __future__ import annotations

import msgspec
import pytest

from authority import registry
from authority.access.action import Action
from authority.roles import instance_profiles, linked, roles, tags
from tests.wire.models import described

MODULES = (instance_profiles, linked, roles, tags)
ACTIONS = [found for module in MODULES for found in vars(module).values() if isinstance(found, Action)]


def test_every_operation_is_served():
    assert {registry.ACTIONS.get((action.service, action.operation)) for action in ACTIONS} == set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_the_input_is_the_model_s(action):
    shape = described("iam").operation_model(action.operation).input_shape
    fields = msgspec.structs.fields(action.input)
    assert {field.encode_name for field in fields} == set(shape.members)
    assert {field.encode_name for field in fields if field.required} == set(shape.required_members)
