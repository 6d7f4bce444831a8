"""The page of operations says what the registry says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import botocore

WRITER = Path(__file__).resolve().parent.parent / "ops" / "api_page.py"
_SPEC = importlib.util.spec_from_file_location("api_page", WRITER)
assert _SPEC is not None
assert _SPEC.loader is not None
api_page = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(api_page)


def test_the_page_is_what_ops_api_page_writes():
    assert api_page.PAGE.read_text(encoding="utf-8") == api_page.page(botocore.__version__)


def test_every_reason_is_that_of_an_operation_which_is_refused():
    assert api_page.unused_reasons() == []


def test_every_note_is_about_an_operation_that_works():
    assert {name for name in api_page.NOTES if tuple(name.split(":")) not in api_page.ACTIONS} == set()
