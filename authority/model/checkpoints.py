"""The keys that sign checkpoints of the log, and the alarm of whoever would have to sign what does not fit.

Private halves lie in the vault.  A new key is trusted because its entry lies under a checkpoint that the one before it
signed, so that whoever knows one public key can follow the others through the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, NewType

import msgspec

from authority.model.fact import Fact

CheckpointKeyId = NewType("CheckpointKeyId", str)

KIND: Final = "CKEY"
PURPOSE: Final = "checkpoint-signing"
"""What private keys are sealed for; a row's id is the key's."""


class CheckpointKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs checkpoints; `verifier` is the public half with its name (C2SP signed-note)."""

    id: CheckpointKeyId
    origin: str
    verifier: str
    created_at: datetime


class CheckpointKeyCreated(Fact, frozen=True, kw_only=True, tag="checkpoint-key-created"):
    """A new key signs checkpoints from here on, beside those that are not retired."""

    key_id: CheckpointKeyId
    origin: str
    """The name of the log in its checkpoints; the same for all keys of one log."""
    verifier: str


class CheckpointKeyRetired(Fact, frozen=True, kw_only=True, tag="checkpoint-key-retired"):
    """A key is gone: no checkpoint that covers this entry is signed with it."""

    key_id: CheckpointKeyId


class CheckpointRefused(Fact, frozen=True, kw_only=True, tag="checkpoint-refused"):
    """The log does not continue the one whose checkpoint was signed last, so that nothing was signed: an alarm."""

    CONFIG: ClassVar[bool] = False

    size: int
    """Entries of the log that was not signed for."""
    last_size: int
    """Entries of the log that was signed for last."""
    why: str
