"""What the process says of itself: JSON lines on standard error, an event's name and facts, never a secret.

Libraries speak through the standard library's logging; their lines are made alike.  Of a traceback the frames are
kept, never the values in them: a variable may hold a password or a session token.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer

READS_CLIENTS: Final = "aiohttp."
"""Loggers below this repeat, in their exceptions, what a client sent."""

_COMMON: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_FRAMES: Final = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
_LINE: Final = structlog.processors.JSONRenderer()


class _Lines(logging.Formatter):
    """A library's record as one of our lines."""

    def format(self, record: logging.LogRecord) -> str:
        said: structlog.typing.EventDict = {
            "event": "library",
            "logger": record.name,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            kind = record.exc_info[0]
            said["failure"] = "" if kind is None else kind.__name__
            if not record.name.startswith(READS_CLIENTS):
                said["exc_info"] = record.exc_info
        _COMMON[-1](None, record.levelname, said)
        line = _LINE(None, record.levelname, _FRAMES(None, record.levelname, said))
        return line if isinstance(line, str) else line.decode()


def log_lines(level: str) -> None:
    """Write what is at least as grave as *level*, and warnings of libraries."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_COMMON, _FRAMES, _LINE],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
