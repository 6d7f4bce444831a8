"""The root key: 32 bytes drawn once, in a file that only we can read or in one environment variable.

There is no default and no fallback: a missing, shared, short or guessable key is refused, and the message never
carries what was found.  What the key opens is the business of `custody`.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import os
import stat
from pathlib import Path
from typing import Final

from authority.kernel.clock import Entropy
from authority.kernel.secret import Secret

KEY_BYTES: Final = 32
SPELLED: Final = 44
"""The length of 32 bytes in base 64."""
MOST_READ: Final = 1_024
FEWEST_VALUES: Final = 16
"""Of 32 bytes drawn at random, fewer than 16 different ones come up less than once in 10^12 draws."""


class RootKeyRefused(Exception):  # noqa: N818 - a refusal in the words of the house
    """No authority starts with this root key; the message says what to do."""


def load_root_key(path: Path, value: Secret | None) -> Secret:
    """Return the root key that *value* spells, or else the one in the file at *path*; raise `RootKeyRefused`."""
    if value is not None:
        return _read(value.reveal(), "the environment")
    return _read(_bytes_of(path), str(path))


def create_root_key(path: Path, entropy: Entropy) -> Secret:
    """Draw a root key and keep it at *path*, durable and readable by us alone; never overwrite anything."""
    drawn = entropy.draw(KEY_BYTES)
    _weigh(drawn, "the entropy that was drawn")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL follows no link and reuses no file: what stands there may be the only key to a vault.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    except OSError as fault:
        if path.is_symlink() or path.exists():
            raise RootKeyRefused(f"{path} exists already, and a root key is never overwritten") from None
        raise RootKeyRefused(f"the root key cannot be written to {path}: {fault.strerror}") from None
    # A crash below leaves a short file, which is refused when it is read: nothing was sealed with it yet.
    with os.fdopen(file, "wb") as stream:
        os.fchmod(stream.fileno(), 0o400)
        stream.write(base64.b64encode(drawn) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return Secret(drawn)


def _bytes_of(path: Path) -> bytes:
    """What the file at *path* holds, if nobody but us can read or change it."""
    try:
        # Without O_NONBLOCK a pipe that somebody put there would hold the start-up for ever.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise RootKeyRefused(f"there is no root key at {path}; `authority init` makes one") from None
    except OSError as fault:
        raise RootKeyRefused(f"the root key at {path} cannot be read: {fault.strerror}") from None
    try:
        # Asked of the open file, so that it cannot be exchanged between the question and the reading.
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise RootKeyRefused(f"the root key at {path} is not a file")
        if found.st_uid != os.geteuid():
            raise RootKeyRefused(f"the root key at {path} belongs to another user; chown it to the one who serves")
        if found.st_mode & 0o177:
            mode = stat.S_IMODE(found.st_mode)
            raise RootKeyRefused(f"the root key at {path} has mode {mode:04o}; chmod it to 0400")
        return os.read(file, MOST_READ)
    finally:
        os.close(file)


def _read(spelled: bytes, source: str) -> Secret:
    """Decode *spelled*, which *source* gave, and weigh it."""
    text = spelled.strip()
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    # The one spelling only: another would be a key that was cut, padded or copied wrongly.
    if len(key) != KEY_BYTES or base64.b64encode(key) != text:
        raise RootKeyRefused(f"the root key from {source} is not {KEY_BYTES} bytes in base64 ({SPELLED} characters)")
    _weigh(key, source)
    return Secret(key)


def _weigh(key: bytes, source: str) -> None:
    """Refuse a *key* that was not drawn: zeros, a pattern, or words out of somebody's manual."""
    steps = {(after - before) % 256 for before, after in itertools.pairwise(key)}
    written = all(0x20 <= byte < 0x7F for byte in key)  # one in 10^13 of the keys that are drawn
    if len(steps) == 1 or len(set(key)) < FEWEST_VALUES or written or key[: KEY_BYTES // 2] == key[KEY_BYTES // 2 :]:
        raise RootKeyRefused(f"the root key from {source} is an example, not a key; `authority init` draws one")
