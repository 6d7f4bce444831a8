"""A patch leads from one value to another, says what it replaces, and is nothing between equals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.replay.patch import Operation, patch, patched

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "a/b", "~1", "~"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b/c", "~", "", "0"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_the_patch_applied_to_the_one_gives_the_other(before, after):
    said = repr(before)
    assert patched(before, patch(before, after)) == after
    assert repr(before) == said


@given(VALUES)
def test_between_equals_there_is_nothing(value):
    assert patch(value, value) == ()


@given(VALUES, VALUES)
def test_each_step_says_what_stood_there(before, after):
    undone = after
    for step in reversed(patch(before, after)):
        back = {
            "add": lambda step: Operation("remove", step.path, old=step.value),
            "remove": lambda step: Operation("add", step.path, value=step.old),
            "replace": lambda step: Operation("replace", step.path, value=step.old, old=step.value),
        }[step.op](step)
        undone = patched(undone, [back])
    assert undone == before


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        pytest.param({"a": 1}, {"a": True}, [Operation("replace", "/a", True, 1)], id="a truth is no number"),
        pytest.param([1, 2, 3], [2, 3], [Operation("remove", "/0", old=1)], id="what stands behind is not touched"),
        pytest.param(["x"], ["w", "x"], [Operation("add", "/0", "w")], id="nor when something comes before it"),
        pytest.param(
            {"S": [{"A": "x", "E": "Allow"}]},
            {"S": [{"A": "x", "E": "Deny"}]},
            [Operation("replace", "/S/0/E", "Deny", "Allow")],
            id="what changed inside an item is named there",
        ),
        pytest.param({"a/b": 1}, {}, [Operation("remove", "/a~1b", old=1)], id="a slash in a name is escaped"),
        pytest.param(1, 2, [Operation("replace", "", 2, 1)], id="the whole"),
    ],
)
def test_steps_are_small(before, after, steps):
    assert list(patch(before, after)) == steps
    assert patched(before, steps) == after
