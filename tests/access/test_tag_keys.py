"""A tag key that only looks like another is another key: it meets no condition on that one, and takes no place of it."""

from __future__ import annotations

import pytest

from authority.access.caller import Caller, caller_of
from authority.access.session_contents import SessionTags, session_tags
from authority.access.tagging import request_tags, resource_tags
from authority.kernel.letters import folded
from authority.kernel.tags import Tag, merged, without
from authority.model import holders
from tests.access.test_action import OFFICE, context_of
from tests.access.test_caller import MIAS
from tests.model.test_state import AT, MIA, PRODUCTION, after

KELVIN = "\u212aind"
"""`kind` with the sign for Kelvin, whose lower case is a plain `k`."""


def test_lower_case_keeps_a_letter_outside_ascii_outside():
    assert (folded("KIND"), folded(KELVIN), folded("\u00c4")) == ("kind", KELVIN, "\u00e4")


def test_a_principals_tag_meets_no_condition_on_a_key_that_looks_like_its_own():
    tagged = holders.HolderTagged(account=PRODUCTION, holder=MIA, tags=(Tag(KELVIN, "admin"),))
    caller = caller_of(after(tagged), MIAS, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    context = context_of(caller, OFFICE, AT)
    assert "aws:principaltag/kind" not in context
    assert context[f"aws:principaltag/{KELVIN}"] == "admin"


@pytest.mark.parametrize("keys", [request_tags, resource_tags, lambda tags: SessionTags(tuple(tags)).conditions()])
def test_no_tag_of_a_request_or_a_resource_does_either(keys):
    assert not any(key.endswith("/kind") for key in keys([Tag(KELVIN, "admin")]))


def test_a_tag_is_not_replaced_or_taken_away_under_a_key_that_looks_like_its_own():
    worn = (Tag("kind", "guest"),)
    assert merged(worn, [Tag(KELVIN, "admin")], ignore_case=True) == (*worn, Tag(KELVIN, "admin"))
    assert without(worn, [KELVIN], ignore_case=True) == worn
    assert without(worn, ["KIND"], ignore_case=True) == ()


def test_a_tag_does_not_go_on_along_a_chain_because_another_that_looks_like_it_does():
    found = session_tags((Tag("kind", "guest"), Tag(KELVIN, "admin")), (KELVIN,))
    assert isinstance(found, SessionTags)
    assert found.transitive == (KELVIN,)
