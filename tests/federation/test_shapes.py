"""Every operation of this room takes each member that the service model gives it, and demands what it demands."""

from __future__ import annotations

import msgspec
import pytest

from authority import registry
from authority.access.action import Action
from authority.federation import oidc_providers, outbound_identity, saml, saml_providers, web_identity
from tests.wire.models import described

MODULES = (oidc_providers, outbound_identity, saml, saml_providers, web_identity)
ACTIONS = [found for module in MODULES for found in vars(module).values() if isinstance(found, Action)]


def test_every_operation_is_served():
    assert {registry.ACTIONS.get((action.service, action.operation)) for action in ACTIONS} == set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_the_input_is_the_model_s(action):
    shape = described(action.service).operation_model(action.operation).input_shape
    fields = msgspec.structs.fields(action.input)
    assert {field.encode_name for field in fields} == (set() if shape is None else set(shape.members))
    required = {field.encode_name for field in fields if field.required}
    assert required == (set() if shape is None else set(shape.required_members))
