"""What an issuer's claims become: condition keys, session tags, a source identity.

Keys bear the issuer's URL without the scheme (IAM User Guide, keys for AWS OIDC federation).  Tags and source
identity are claims with names of their own (IAM User Guide, Pass session tags in AWS STS).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from authority.federation.tokens import Claims
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag

TAGS: Final = "https://aws.amazon.com/tags"
PRINCIPAL_TAGS: Final = f"{TAGS}/principal_tags/"
TRANSITIVE_KEYS: Final = f"{TAGS}/transitive_tag_keys"
SOURCE_IDENTITY: Final = "https://aws.amazon.com/source_identity"
OURS: Final = "https://aws.amazon.com/"
MOST_KEYS: Final = 40
MOST_VALUES: Final = 40
LONGEST_VALUE: Final = 256
LASTING: Final = ("sub", "aud", "amr")
"""What later requests of the session know too (IAM User Guide, cross-service OIDC federation context keys)."""
UNASKED: Final = frozenset({"iss", "exp", "nbf", "iat", "nonce", "at_hash", "c_hash", "s_hash", "jti", "auth_time"})
"""Claims about the token itself, judged before; nothing a policy could use."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_TAG_KEY: Final = re.compile(r"[\w .:/=+\-@]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+\-@]{0,256}")
_SOURCE_IDENTITY: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


class Carried(msgspec.Struct, frozen=True):
    """What a provider sets of a session to be."""

    tags: tuple[Tag, ...] = ()
    transitive_keys: tuple[str, ...] = ()
    source_identity: str = ""


def conditions(prefix: str, claims: Claims) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of *claims* under *prefix*, in lower case.

    `aud` is the client (`azp` where it is set) and `oaud` then the audience, as Google's keys are.  A claim whose
    name only looks like that of another is left out, so that nobody's own claim takes the place of `sub`.
    """
    prefix = folded(prefix)
    keys: dict[str, str | tuple[str, ...]] = {f"{prefix}:aud": claims.audience, f"{prefix}:sub": claims.subject}
    if claims.said.get("azp") is not None:
        keys[f"{prefix}:oaud"] = claims.audiences[0]
    methods = _texts(claims.said.get("amr"))
    if methods:
        keys[f"{prefix}:amr"] = methods
    taken = {"aud", "sub", "oaud", "amr"}
    names = [folded(name) for name in claims.said]
    for name, value in claims.said.items():
        lowered = folded(name)
        if lowered in taken or name in UNASKED or names.count(lowered) > 1 or _NAME.fullmatch(name) is None:
            continue
        spelled = _spelled(value)
        if spelled is not None and len(keys) < MOST_KEYS:
            keys[f"{prefix}:{lowered}"] = spelled
    return keys


def lasting(prefix: str, keys: Mapping[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
    """Those of *keys* that later requests of the session have too."""
    wanted = [f"{folded(prefix)}:{name}" for name in LASTING]
    return {name: keys[name] for name in wanted if name in keys}


def carried(said: Mapping[str, Any]) -> Carried | Refusal:
    """The session tags and the source identity in a token's claims; what cannot be one is refused, never ignored."""
    tags = _tags(said)
    if isinstance(tags, Refusal):
        return tags
    identity = said.get(SOURCE_IDENTITY)
    if identity is None:
        return tags
    if not isinstance(identity, str) or _SOURCE_IDENTITY.fullmatch(identity) is None:
        return _rejected("The source identity in the token is malformed.")
    return msgspec.structs.replace(tags, source_identity=identity)


def _tags(said: Mapping[str, Any]) -> Carried | Refusal:
    """Tags in the one object, or flattened into a claim each."""
    nested = said.get(TAGS)
    flat: Any = {name.removeprefix(PRINCIPAL_TAGS): said[name] for name in said if name.startswith(PRINCIPAL_TAGS)}
    if nested is not None and (flat or TRANSITIVE_KEYS in said):
        return _rejected("The token has session tags in two places.")
    if nested is not None:
        if not isinstance(nested, dict) or not nested.keys() <= {"principal_tags", "transitive_tag_keys"}:
            return _rejected("The session tags in the token are malformed.")
        flat, listed = nested.get("principal_tags", {}), nested.get("transitive_tag_keys", [])
    else:
        listed = said.get(TRANSITIVE_KEYS, [])
    if not isinstance(flat, dict):
        return _rejected("The session tags in the token are malformed.")
    tags: list[Tag] = []
    for key, value in flat.items():
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        if _TAG_KEY.fullmatch(key) is None or not isinstance(one, str) or _TAG_VALUE.fullmatch(one) is None:
            return _rejected("The session tags in the token are malformed.")
        tags.append(Tag(key, one))
    keys = [listed] if isinstance(listed, str) else listed
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return _rejected("The transitive tag keys in the token are malformed.")
    return Carried(tuple(tags), tuple(keys))


def _rejected(why: str) -> Refusal:
    return Refusal(Reason.INVALID_IDENTITY_TOKEN, why)


def _spelled(value: Any) -> str | tuple[str, ...] | None:
    """A claim as a condition key's value; None for what has none."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if len(value) <= LONGEST_VALUE:
            return value
        case int():
            return str(value) if abs(value) < 10**18 else None
        case list():
            return _texts(value) or None
        case _:
            return None


def _texts(value: object) -> tuple[str, ...]:
    """A claim of several texts; nothing where it is anything else."""
    if not isinstance(value, list) or len(value) > MOST_VALUES:
        return ()
    fits = all(isinstance(one, str) and len(one) <= LONGEST_VALUE for one in value)
    return tuple(value) if fits else ()
