"""Questions about the log, judged: who sees what, what finds what, where a listing goes on."""

from __future__ import annotations
