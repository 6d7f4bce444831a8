"""Every operation by a real client: what it answers, each error that it has, each limit, and that what is set comes back."""

from __future__ import annotations

import pytest

from tests.iam.rows import account, credentials, organization, policies, providers, roles, sessions, users
from tests.iam.table import Place, Row

MODULES = (account, credentials, organization, policies, providers, roles, sessions, users)
ROWS = [row for module in MODULES for row in module.ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.when.operation}: {row.says}")
def test_an_operation(live, row: Row):
    Place(live, row.quotas).holds(row)
