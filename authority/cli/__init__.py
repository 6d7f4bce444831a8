"""The command line.  `init`, `db` and `replay` open the database; every other command is a signed client of the API."""

from __future__ import annotations

from authority.cli.main import main

__all__ = ["main"]
