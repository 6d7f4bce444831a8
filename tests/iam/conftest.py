"""A live authority for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Live, running


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live
