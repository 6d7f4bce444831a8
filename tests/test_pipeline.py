"""The path of a request: what of it is not seen through the server."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from authority.pipeline import random_uuid


@given(st.binary(min_size=16, max_size=16))
def test_a_request_is_named_by_a_random_uuid(drawn):
    assert random_uuid(drawn) == str(uuid.UUID(bytes=drawn, version=4))
