"""Every operation of this room takes each member that the service model gives it, and demands what it demands."""

from __future__ import annotations

from types import ModuleType

import msgspec
import pytest

from authority.access.action import Action
from authority.permissions import attachments, context_keys, granting, inline, managed, simulate, versions
from tests.wire.models import described

MODULES: tuple[ModuleType, ...] = (attachments, context_keys, granting, inline, managed, simulate, versions)
ACTIONS = [found for module in MODULES for found in vars(module).values() if isinstance(found, Action)]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_the_input_is_the_model_s(action):
    shape = described("iam").operation_model(action.operation).input_shape
    fields = msgspec.structs.fields(action.input)
    assert {field.encode_name for field in fields} == set(shape.members)
    assert {field.encode_name for field in fields if field.required} == set(shape.required_members)


def test_each_operation_is_bound_once():
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
