"""Tags: laid over one another, and taken off, with or without regard to case."""

from __future__ import annotations

from authority.kernel.tags import Tag, as_mapping, merged, without

WORN = (Tag("Team", "red"), Tag("Cost", "7"))


def test_a_tag_of_another_case_replaces_the_old_one_where_case_does_not_count():
    assert merged(WORN, [Tag("TEAM", "blue")], ignore_case=True) == (Tag("TEAM", "blue"), Tag("Cost", "7"))
    assert merged(WORN, [Tag("TEAM", "blue")], ignore_case=False) == (*WORN, Tag("TEAM", "blue"))


def test_a_tag_is_taken_off_by_its_key():
    assert without(WORN, ["team", "unknown"], ignore_case=True) == (Tag("Cost", "7"),)
    assert without(WORN, ["team"], ignore_case=False) == WORN


def test_tags_are_found_by_key():
    assert as_mapping(WORN) == {"Team": "red", "Cost": "7"}
