"""A question whose answer is as long as it is, and may never end."""

from __future__ import annotations

import enum

from authority.audit.queries import FindEvents, Query


class Form(enum.StrEnum):
    """How events are spelled."""

    JSON = "json"
    """A page of our own records; followed, each by itself."""
    JSONL = "jsonl"
    """Our own records, one a line."""
    CLOUDTRAIL = "cloudtrail"
    """The records of AWS's trail, in a document like its log files (CloudTrail User Guide, log file examples)."""
    OCSF = "ocsf"
    """OCSF events, one a line."""


class StreamEvents(Query, frozen=True, kw_only=True):
    """All events that *of* finds, spelled like *form*; with *follow* also those that come, until nobody listens.

    `most` bounds how many.  The answer is a `wire.dialects.Stream`.
    """

    of: FindEvents
    form: Form
    follow: bool = False
    from_now: bool = False
    """Whether what is followed begins with what comes next."""
    most: int | None = None
    management: str = ""
    """Whose an event is that is no account's."""
