"""Signed notes and the checkpoints that are written in them (C2SP signed-note, tlog-checkpoint, tlog-cosignature).

Knows the text, the key ids and Ed25519.  Refuses to know where a private key lies and which checkpoint may be signed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authority.ledger.tlog import HASH_BYTES

ED25519: Final = 0x01
"""The signature type of a log's own signature (C2SP signed-note, Signature types)."""
COSIGNATURE: Final = 0x04
"""The signature type of a witness: a time, and a signature that covers it (C2SP tlog-cosignature)."""
SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
ID_BYTES: Final = 4
LARGEST: Final = 65_536
"""Bytes of a note that are looked at."""
MOST_SIGNATURES: Final = 64

_DASH: Final = "— "
_TIME_BYTES: Final = 8
_LATEST: Final = 2**63 - 1
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY: Final = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")


class NoteRefused(Exception):  # noqa: N818 - what happened, in the words of the house
    """A note is none, or nobody who is trusted signed it."""


class VerifierKey(msgspec.Struct, frozen=True):
    """Whose signature counts: a name, the kind of signature, and the public key."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key as its owner publishes it: `<name>+<id in hex>+<base64 of kind and public key>`."""
        found = _KEY.fullmatch(text.strip())
        if found is None:
            raise NoteRefused("a verifier key is a name, an id and a key, joined by +")
        material = _bytes_in(found[3])
        if material[:1] not in (bytes((ED25519,)), bytes((COSIGNATURE,))) or len(material) != 1 + PUBLIC_BYTES:
            raise NoteRefused(f"the verifier key of `{found[1]}` is of no kind that is known here")
        key = cls(found[1], material[0], material[1:])
        if key.id.hex() != found[2]:
            raise NoteRefused(f"the verifier key of `{found[1]}` does not have the id that it says")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes by which signatures name the key (C2SP signed-note, Signatures)."""
        return key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        """Spell the key as `parse` reads it."""
        material = base64.b64encode(bytes((self.kind,)) + self.public).decode("ascii")
        return f"{self.name}+{self.id.hex()}+{material}"

    def check(self, text: str, signed: bytes) -> None:
        """Raise `NoteRefused` unless *signed*, without its key id, is this key's signature of *text*."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            moment = int.from_bytes(signed[:_TIME_BYTES], "big")
            if len(signed) < _TIME_BYTES or moment > _LATEST:
                raise NoteRefused(f"the cosignature of `{self.name}` has no time")
            message, signed = cosigned(text, moment), signed[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signed, message)
        except (InvalidSignature, ValueError):
            raise NoteRefused(f"the signature of `{self.name}` is not over this text") from None


class Signature(msgspec.Struct, frozen=True):
    """One signature line: who says that he signed, with which key, and the signature."""

    name: str
    key_id: bytes
    signed: bytes

    def __str__(self) -> str:
        """Spell the line, without its end."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signed).decode('ascii')}"


class Note(msgspec.Struct, frozen=True):
    """A text that ends with a newline, and the signatures under it.  Nothing of it is proven yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        """Spell the note."""
        return f"{self.text}\n{''.join(f'{one}{chr(10)}' for one in self.signatures)}".encode()


class Signer:
    """A private key under a name, which signs notes."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        """Sign as *name* with the key that the 32 bytes of *seed* are (RFC 8032, section 5.1.5)."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, ED25519, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """The signature of *text*; Ed25519 draws no chance, so it is the same each time."""
        return Signature(self.verifier.name, self.verifier.id, self._key.sign(text.encode()))


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a log stood: how many entries it had, and the root of the tree over them (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def unverified(cls, note: Note) -> Self:
        """What *note* says, whoever signed it; `NoteRefused` when it is no checkpoint."""
        lines = note.text.split("\n")
        # A log of ours writes no extension lines: nobody could audit what they say.
        if len(lines) != 4 or not lines[0] or _SIZE.fullmatch(lines[1]) is None:
            raise NoteRefused("the note is no checkpoint")
        root = _bytes_in(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteRefused("the root of a checkpoint has 32 bytes")
        return cls(lines[0], int(lines[1]), root)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The id of a key (C2SP signed-note, Signatures)."""
    return sha256(name.encode() + b"\n" + bytes((kind,)) + public).digest()[:ID_BYTES]


def cosigned(text: str, moment: int) -> bytes:
    """What a witness signs of a checkpoint's *text* at *moment*, in seconds since 1970 (C2SP tlog-cosignature)."""
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def read_note(spelled: bytes) -> Note:
    """Take *spelled* apart, or raise `NoteRefused`.  Only the one spelling of a note is read: it has no twin."""
    if len(spelled) > LARGEST:
        raise NoteRefused(f"a note has at most {LARGEST} bytes")
    try:
        text = spelled.decode()
    except UnicodeDecodeError:
        raise NoteRefused("a note is UTF-8") from None
    if _CONTROL.search(text):
        raise NoteRefused("a note has no control characters but newlines")
    body, blank, under = text.rpartition("\n\n")
    if not blank or not under.endswith("\n") or not body:
        raise NoteRefused("a note is a text, an empty line and signatures")
    signatures = tuple(map(_signature, under[:-1].split("\n")))
    if len(signatures) > MOST_SIGNATURES:
        raise NoteRefused(f"a note has at most {MOST_SIGNATURES} signatures")
    return Note(f"{body}\n", signatures)


def verified(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of *keys* that signed *note*; `NoteRefused` when none did, or when one that is named did not.

    Signatures of others are passed over, also when they share a name or an id with one of *keys* (C2SP signed-note).
    """
    known = {(key.name, key.id): key for key in keys}
    signers: dict[VerifierKey, None] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            key.check(note.text, signature.signed)
            signers[key] = None
    if not signers:
        raise NoteRefused("nobody who is trusted signed the note")
    return tuple(signers)


def signed_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> Note:
    """*checkpoint* under the signatures of *signers*."""
    text = checkpoint.text()
    return Note(text, tuple(signer.sign(text) for signer in signers))


def verified_checkpoint(spelled: bytes, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of the log *origin* that *spelled* is, signed by one of *keys*; else `NoteRefused`."""
    note = read_note(spelled)
    checkpoint = Checkpoint.unverified(note)
    if checkpoint.origin != origin:
        raise NoteRefused(f"the checkpoint is of the log `{checkpoint.origin}`, not of `{origin}`")
    verified(note, keys)
    return checkpoint


def read_signatures(lines: bytes) -> tuple[Signature, ...]:
    """The signature lines that somebody else answers with (C2SP tlog-witness, add-checkpoint)."""
    if len(lines) > LARGEST:
        raise NoteRefused(f"more than {LARGEST} bytes of signatures")
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        raise NoteRefused("signature lines are UTF-8") from None
    if not text.endswith("\n"):
        raise NoteRefused("a signature line ends with a newline")
    return tuple(map(_signature, text[:-1].split("\n")))


def _signature(line: str) -> Signature:
    name, space, spelled = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not name or "+" in name or any(map(str.isspace, name)):
        raise NoteRefused("a signature line is a dash, a name and a signature")
    material = _bytes_in(spelled)
    if len(material) <= ID_BYTES:
        raise NoteRefused("a signature has an id and bytes after it")
    return Signature(name, material[:ID_BYTES], material[ID_BYTES:])


def _bytes_in(spelled: str) -> bytes:
    """Bytes in base 64, in their one spelling."""
    try:
        found = base64.b64decode(spelled, validate=True)
    except (binascii.Error, ValueError):
        raise NoteRefused("what should be base 64 is not") from None
    if base64.b64encode(found).decode("ascii") != spelled:
        raise NoteRefused("what should be base 64 is not in its one spelling")
    return found
