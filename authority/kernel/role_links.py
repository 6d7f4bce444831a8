"""Links to switch roles: which role of which account, how it is called, and in which colour it is shown.

A link knows nothing of whoever follows it, nor whether there is such a role.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

PAGE: Final = "/switchrole"
ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
ALIAS: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]", re.ASCII)
ROLE: Final = re.compile(r"(?:[!-.0-~]+/)*[\w+=,.@-]{1,64}", re.ASCII)
COLOR: Final = re.compile(r"[0-9A-Fa-f]{6}", re.ASCII)
LONGEST_DISPLAY: Final = 64


class RoleLinkError(ValueError):
    """What was said names no role to switch to; the text says why."""


class Wanted(msgspec.Struct, frozen=True):
    """A role to switch to, as a link says it."""

    account: str
    role: str
    display: str = ""
    color: str = ""

    def checked(self) -> Wanted:
        """The same; a line that says what is wrong with it instead."""
        if ACCOUNT.fullmatch(self.account) is None and ALIAS.fullmatch(self.account) is None:
            raise RoleLinkError(f"{self.account!r} is neither an account id nor an alias")
        if ROLE.fullmatch(self.role) is None or len(self.role) > 576:
            raise RoleLinkError(f"{self.role!r} is not the name of a role, with or without its path")
        if len(self.display) > LONGEST_DISPLAY or not self.display.isprintable():
            raise RoleLinkError(f"a display name is at most {LONGEST_DISPLAY} letters that can be shown")
        if self.color and COLOR.fullmatch(self.color) is None:
            raise RoleLinkError("a colour is six hexadecimal digits, such as b7ca9d")
        return self

    @property
    def link(self) -> str:
        """The path and the query of the link that says so."""
        said = {"account": self.account, "roleName": self.role, "displayName": self.display, "color": self.color}
        query = urlencode({key: value for key, value in said.items() if value}, quote_via=quote, safe="")
        return f"{PAGE}?{query}"

    @property
    def shown(self) -> str:
        """What the role is called."""
        return self.display or f"{self.role} @ {self.account}"


def linked(text: str) -> Wanted:
    """What a link says: every part once, and nothing that is not understood."""
    try:
        parts = urlsplit(text)
        said = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8)
    except ValueError:
        raise RoleLinkError("the link cannot be read") from None
    given = dict(said)
    known = {"account", "roleName", "displayName", "color"}
    if not parts.path.endswith(PAGE) or len(said) != len(given) or not {"account", "roleName"} <= given.keys() <= known:
        how = f"give an account and a role, or a link with {PAGE}, an account and a roleName"
        raise RoleLinkError(f"{text!r} is no link to switch roles: {how}")
    return Wanted(
        given["account"], given["roleName"].lstrip("/"), given.get("displayName", ""), given.get("color", "")
    ).checked()
