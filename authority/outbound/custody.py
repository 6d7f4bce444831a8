"""Key custody: one root key, a subkey for each purpose, and nothing that is sealed for one opened for another.

Three promises:

1. A secret in a vault row opens only as the row and for the purpose it was sealed for: rows cannot be exchanged.
2. A temporary secret is derived from its access key id under a daily key, and never stored.
3. A session token opens only beside its own access key id, only in the one spelling in which it was made, and only
   while its daily key is held.

Knows nothing of what a token says; `sessions` does.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable
from hmac import digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authority.kernel.clock import Entropy
from authority.kernel.custody import KeyNotHeld, SealBroken, TokenRefused
from authority.kernel.ids import SealingKeyId
from authority.kernel.secret import Secret

VERSION: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
"""Random nonces: 2^32 seals under one key stay safe (NIST SP 800-38D, section 8.3), 49,000 a second for a day."""
TAG_BYTES: Final = 16
DERIVED_BYTES: Final = 30
"""Forty characters of base 64 without padding, the form of every AWS secret key."""

MAX_TOKEN: Final = 16_384
"""Characters of a token that are looked at; more than any HTTP header holds."""
MAX_CONTENT: Final = 65_536
"""Bytes that may come out of one token."""
WORTH_DEFLATING: Final = 512
"""Bytes of content from which on a shorter token is worth the work: below, there is next to nothing to gain."""
PLAIN: Final = 0
DEFLATED: Final = 1
RAW_DEFLATE: Final = -15

PURPOSE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)


class Custody:
    """Holds the root key and the daily keys, and lends what is made with them, never the keys."""

    __slots__ = ("_daily", "_entropy", "_root", "_vault")

    def __init__(self, root: Secret, entropy: Entropy) -> None:
        """Take custody of *root*, 32 bytes drawn at random."""
        if len(root.reveal()) != KEY_BYTES:  # its length is no secret
            raise ValueError(f"a root key has {KEY_BYTES} bytes")
        self._root = root
        self._entropy = entropy
        self._vault: dict[str, AESGCM] = {}
        self._daily: dict[SealingKeyId, _DailyKey] = {}

    # --- the vault ---------------------------------------------------------------------

    def seal(self, row_id: str, purpose: str, secret: Secret) -> bytes:
        """Seal *secret* for the vault row *row_id*, to be opened for *purpose* only."""
        nonce = self._entropy.draw(NONCE_BYTES)
        sealer = self._sealer(purpose)
        sealed = sealer.encrypt(nonce, secret.reveal(), _vault_bond(row_id, purpose))  # revealed to the cipher
        return bytes((VERSION,)) + nonce + sealed

    def unseal(self, row_id: str, purpose: str, sealed: bytes) -> Secret:
        """Open what `seal` made for the same row and purpose; raise `SealBroken` for anything else."""
        if len(sealed) < 1 + NONCE_BYTES + TAG_BYTES or sealed[0] != VERSION:
            raise SealBroken(f"the vault row `{row_id}` has no form that we know")
        sealer = self._sealer(purpose)
        try:
            nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
            return Secret(sealer.decrypt(nonce, rest, _vault_bond(row_id, purpose)))
        except InvalidTag:
            raise SealBroken(f"the vault row `{row_id}` was not sealed with this root key for `{purpose}`") from None

    def _sealer(self, purpose: str) -> AESGCM:
        """The cipher of *purpose*."""
        sealer = self._vault.get(purpose)
        if sealer is None:
            _require_purpose(purpose)
            sealer = AESGCM(_subkey(self._root, f"vault|{purpose}"))
            self._vault[purpose] = sealer
        return sealer

    def mac(self, purpose: str) -> Callable[[bytes], bytes]:
        """Codes over messages (HMAC-SHA-256), under a subkey that is *purpose*'s alone."""
        _require_purpose(purpose)
        key = _subkey(self._root, f"mac|{purpose}")
        return lambda message: digest(key, message, "sha256")

    # --- temporary credentials -----------------------------------------------------------

    def hold(self, key_id: SealingKeyId, daily: Secret) -> None:
        """Keep a daily key in memory.  Its id never comes to mean another key."""
        if KEY_ID.fullmatch(key_id) is None or len(daily.reveal()) != KEY_BYTES:  # its length is no secret
            raise ValueError(f"a daily key has a short printable id and {KEY_BYTES} bytes")
        known = self._daily.get(key_id)
        if known is None:
            self._daily[key_id] = _DailyKey(key_id, daily)
        elif known.daily != daily:
            raise ValueError(f"the sealing key `{key_id}` is held already, with other bytes")

    def drop(self, key_id: SealingKeyId) -> None:
        """Forget a daily key, and with it every token and secret made under it."""
        self._daily.pop(key_id, None)

    def temporary_secret(self, key_id: SealingKeyId, access_key_id: str) -> Secret:
        """The secret key that goes with *access_key_id*: the same each time, and in no store."""
        # Of the id and the key alone: what a token says is the client's to read, and must not lead here.
        derived = self._held(key_id).secrets.copy()
        derived.update(access_key_id.encode())
        return Secret(base64.b64encode(derived.finalize()[:DERIVED_BYTES]))

    def seal_token(self, key_id: SealingKeyId, access_key_id: str, content: bytes) -> str:
        """Make the session token that carries *content* and is worth something beside *access_key_id* only."""
        key = self._held(key_id)
        if len(content) > MAX_CONTENT:
            raise ValueError(f"a session token carries at most {MAX_CONTENT} bytes")
        body = bytes((PLAIN,)) + content
        if len(content) >= WORTH_DEFLATING:
            deflated = zlib.compress(content, wbits=RAW_DEFLATE)
            if len(deflated) < len(content):
                body = bytes((DEFLATED,)) + deflated
        nonce = self._entropy.draw(NONCE_BYTES)
        sealed = key.tokens.encrypt(nonce, body, key.bond + access_key_id.encode())
        token = base64.b64encode(b"".join((key.header, nonce, sealed))).decode("ascii")
        if len(token) > MAX_TOKEN:
            raise ValueError(f"a session token has at most {MAX_TOKEN} characters")
        return token

    def open_token(self, token: str, access_key_id: str) -> tuple[SealingKeyId, bytes]:
        """The sealing key and the content of *token*, or `TokenRefused`.

        1. it is not longer than any that we make, and ASCII;
        2. it is spelled as we spell it: another padding, alphabet or last bits would be a second name of one token;
        3. we know its version and hold the key that it names;
        4. that key made it for *access_key_id*;
        5. what comes out is bounded.
        """
        if len(token) > MAX_TOKEN:
            raise TokenRefused
        try:
            spelled, bond = token.encode("ascii"), access_key_id.encode()
            raw = binascii.a2b_base64(spelled)
        except (UnicodeEncodeError, binascii.Error):
            raise TokenRefused from None
        if base64.b64encode(raw) != spelled:
            raise TokenRefused
        if len(raw) < 2 or raw[0] != VERSION:
            raise TokenRefused
        start = 2 + raw[1]
        key = self._daily.get(SealingKeyId(raw[2:start].decode("latin-1")))
        if key is None or len(raw) < start + NONCE_BYTES + TAG_BYTES:
            raise TokenRefused
        try:
            body = key.tokens.decrypt(raw[start : start + NONCE_BYTES], raw[start + NONCE_BYTES :], key.bond + bond)
        except InvalidTag:
            raise TokenRefused from None
        return key.key_id, _content(body)

    def _held(self, key_id: SealingKeyId) -> _DailyKey:
        """The daily key *key_id*."""
        key = self._daily.get(key_id)
        if key is None:
            raise KeyNotHeld(f"the sealing key `{key_id}` is not held")
        return key


class _DailyKey:
    """A daily key with what follows from it, worked out once."""

    __slots__ = ("bond", "daily", "header", "key_id", "secrets", "tokens")

    def __init__(self, key_id: SealingKeyId, daily: Secret) -> None:
        """Derive one subkey for secrets and one for tokens: neither tells anything about the other."""
        spelled = key_id.encode("ascii")
        self.key_id = key_id
        self.daily = daily
        self.secrets = HMAC(_subkey(daily, "sts-secret"), SHA256())
        self.tokens = AESGCM(_subkey(daily, "sts-token"))
        self.header = bytes((VERSION, len(spelled))) + spelled
        self.bond = b"sts-token|v%d|%s|" % (VERSION, spelled)


def _content(body: bytes) -> bytes:
    """What was sealed in a token, from its opened *body*."""
    if body[:1] == bytes((PLAIN,)):
        return body[1:]
    if body[:1] != bytes((DEFLATED,)):
        raise TokenRefused
    inflater = zlib.decompressobj(RAW_DEFLATE)
    try:
        content = inflater.decompress(body[1:], MAX_CONTENT + 1)
    except zlib.error:
        raise TokenRefused from None
    # A seal is no reason to trust a size: a thousand bytes can ask for a million.
    if not inflater.eof or inflater.unused_data or len(content) > MAX_CONTENT:
        raise TokenRefused
    return content


def _require_purpose(purpose: str) -> None:
    if PURPOSE.fullmatch(purpose) is None:
        raise ValueError(f"a purpose is words with hyphens, not `{purpose}`")


def _vault_bond(row_id: str, purpose: str) -> bytes:
    """What a vault row is sealed together with.  A purpose holds no bar, so two different pairs differ here."""
    return f"vault|v{VERSION}|{purpose}|{row_id}".encode()


def _subkey(key: Secret, purpose: str) -> bytes:
    """The subkey of *key* for *purpose* (HKDF, RFC 5869, section 3.2)."""
    info = f"authority|v{VERSION}|{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key.reveal())
