"""What a witness does with a checkpoint that a log hands him (C2SP tlog-witness, add-checkpoint).

He signs a checkpoint that continues the one he signed last for that log, and no other.  Knows no socket and no file:
what he saw last is an argument, and must be kept durably before his signature leaves.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authority.ledger.note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteRefused,
    Signature,
    VerifierKey,
    cosigned,
    read_note,
    verified,
)
from authority.ledger.tlog import HASH_BYTES, ProofRefused, check_consistency

MOST_HASHES: Final = 63
MOMENT_BYTES: Final = 8
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class Cosigner:
    """A private key under a name, which signs other logs' checkpoints with the time of doing so."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        """Sign as *name* with the key that the 32 bytes of *seed* are (RFC 8032, section 5.1.5)."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, COSIGNATURE, self._key.public_key().public_bytes_raw())

    def sign(self, text: str, moment: int) -> Signature:
        """The signature of a checkpoint's *text* at *moment*, in seconds since 1970."""
        signed = moment.to_bytes(MOMENT_BYTES, "big") + self._key.sign(cosigned(text, moment))
        return Signature(self.verifier.name, self.verifier.id, signed)


class Submission(msgspec.Struct, frozen=True):
    """A checkpoint, and the proof that it continues one of *old* entries.  Nothing of it is verified yet."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


class Unsigned(Exception):  # noqa: N818 - what happened, in the words of the house
    """The witness does not sign; *status* is what HTTP calls the reason, *size* how far he has seen that log."""

    def __init__(self, status: int, why: str, size: int | None = None) -> None:
        """Say *why*."""
        super().__init__(why)
        self.status = status
        self.why = why
        self.size = size


def read_submission(body: bytes) -> Submission:
    """Take the *body* of add-checkpoint apart: the old size, the hashes of the proof, an empty line, the checkpoint."""
    head, blank, spelled = body.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
        old, proof = _OLD.fullmatch(first), tuple(base64.b64decode(one, validate=True) for one in hashes)
        note = read_note(spelled)
        checkpoint = Checkpoint.unverified(note)
    except (UnicodeDecodeError, binascii.Error, NoteRefused) as fault:
        raise Unsigned(400, f"the request cannot be read: {fault}") from fault
    if not blank or old is None or len(proof) > MOST_HASHES or any(len(one) != HASH_BYTES for one in proof):
        raise Unsigned(400, "the request is an old size, hashes, an empty line and a checkpoint")
    return Submission(int(old[1]), proof, note, checkpoint)


def accept(submission: Submission, keys: Sequence[VerifierKey], seen: Checkpoint | None) -> None:
    """Return when the checkpoint may be signed by who saw *seen* of this log last; else raise `Unsigned`.

    1. the log is one that is known: there are *keys* of it (404);
    2. and one of them signed the checkpoint (403);
    3. it is not older than what the proof begins with (400);
    4. the proof begins where we stopped, and one size has one root (409);
    5. the proof holds (422).
    """
    new, size = submission.checkpoint, 0 if seen is None else seen.size
    if not keys:
        raise Unsigned(404, "the log is not one that is known here")
    try:
        verified(submission.note, keys)
    except NoteRefused as refused:
        raise Unsigned(403, str(refused)) from refused
    if submission.old > new.size:
        raise Unsigned(400, "the checkpoint is older than what its proof begins with")
    if submission.old != size or (seen is not None and new.size == size and new.root != seen.root):
        raise Unsigned(409, f"a checkpoint of {size} entries was signed last", size)
    if seen is None or not size:
        if submission.proof:
            raise Unsigned(422, "what begins with nothing needs no proof")
        return
    try:
        check_consistency(size, new.size, submission.proof, seen.root, new.root)
    except ProofRefused as refused:
        raise Unsigned(422, str(refused)) from refused
