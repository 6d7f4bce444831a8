"""SQL read models of the log and their runner: the audit trail, the sessions, what was last used."""

from __future__ import annotations
