"""What a signed assertion says: of whom, by whom, for whom, until when, and which roles (SAML 2.0 Core, section 2).

Reads only what `signed_xml` gives back.  Each thing is looked for in its one place; where there could be two, two are
refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from authority.federation.signed_xml import ASSERTION, Unfit

SKEW: Final = timedelta(seconds=60)
REDEEMABLE: Final = timedelta(minutes=5)
"""How long after it was issued an assertion counts (STS API, AssumeRoleWithSAML)."""
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
FORMATS: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
OURS: Final = "https://aws.amazon.com/SAML/Attributes/"
"""What the names of attributes that set something of a session begin with."""
LONGEST_TEXT: Final = 1_024
MOST_VALUES: Final = 200

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}", re.ASCII)


class Expired(Unfit):
    """It was good once."""


class Rejected(Unfit):
    """It says something that its redeemer cannot use."""


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """A signed assertion that counts now.

    `recipient` is where it was sent to, `session_ends` the moment after which no session of it may go on, None where
    it says none; `attributes` are texts by their names.
    """

    id: str
    issuer: str
    subject: str
    subject_type: str
    recipient: str
    expires: datetime
    once: bool
    session_ends: datetime | None
    attributes: Mapping[str, tuple[str, ...]]


def read_assertion(
    element: Any, *, issuer: str, recipients: frozenset[str], audiences: frozenset[str], now: datetime
) -> Assertion:
    """What the assertion *element* says, if it counts *now* and here; raises `Unfit`, `Expired` or `Rejected`.

    1. version, id and issuer; issued at most five minutes ago
    2. one subject, confirmed for a bearer, sent to one of *recipients*, in time
    3. conditions: in time, for one of *audiences*, and none that is not understood
    4. authentication statements bound the session
    5. attributes
    """
    if element.get("Version") != "2.0":
        raise Unfit("it is not of SAML 2.0")
    identifier = element.get("ID", "")
    if _ID.fullmatch(identifier) is None:
        raise Unfit("it has no id")
    if _text(_one(element, "Issuer")) != issuer:
        raise Unfit("it was issued by another provider")
    issued = _moment(element, "IssueInstant")
    if issued is None or issued > now + SKEW:
        raise Unfit("it does not say when it was issued, or says that it will be")
    if now >= issued + REDEEMABLE:
        raise Expired("it was issued more than five minutes ago")

    subject = _one(element, "Subject")
    name = _one(subject, "NameID")
    recipient, confirmed_until = _confirmed(subject, recipients, now)
    valid_until, once = _conditions(_one(element, "Conditions"), audiences, now)
    ends = [
        end
        for statement in element.findall(f"{ASSERTION}AuthnStatement")
        if (end := _moment(statement, "SessionNotOnOrAfter")) is not None
    ]
    if ends and min(ends) <= now:
        raise Expired("the session that it speaks of is over")
    return Assertion(
        id=identifier,
        issuer=issuer,
        subject=_text(name),
        subject_type=_kind(name.get("Format", "")),
        recipient=recipient,
        expires=min(confirmed_until, valid_until, issued + REDEEMABLE),
        once=once,
        session_ends=min(ends, default=None),
        attributes=_attributes(element),
    )


def _confirmed(subject: Any, recipients: frozenset[str], now: datetime) -> tuple[str, datetime]:
    """Where the assertion was sent to, and until when a bearer may redeem it (SAML 2.0 Profiles, section 4.1.4.2)."""
    late = False
    for confirmation in subject.findall(f"{ASSERTION}SubjectConfirmation"):
        if confirmation.get("Method") != BEARER:
            continue  # who must hold a key shows none here
        data = _one(confirmation, "SubjectConfirmationData")
        recipient, until = data.get("Recipient", ""), _moment(data, "NotOnOrAfter")
        if recipient not in recipients or until is None or data.get("NotBefore") is not None:
            continue
        if now >= until + SKEW:
            late = True
            continue
        return recipient, until + SKEW
    if late:
        raise Expired("it is too late to redeem it")
    raise Rejected("it was not sent to this place for whoever bears it")


def _conditions(conditions: Any, audiences: frozenset[str], now: datetime) -> tuple[datetime, bool]:
    """Until when the conditions hold, and whether they hold only once."""
    begins, ends = _moment(conditions, "NotBefore"), _moment(conditions, "NotOnOrAfter")
    if begins is not None and now < begins - SKEW:
        raise Unfit("it does not count yet")
    if ends is not None and now >= ends + SKEW:
        raise Expired("it counts no more")
    meant, once = False, False
    for condition in conditions:
        match condition.tag.removeprefix(ASSERTION):
            case "AudienceRestriction":
                # Each restriction must be met, by any one of its audiences (SAML 2.0 Core, section 2.5.1.4).
                named = {_text(one) for one in condition.findall(f"{ASSERTION}Audience")}
                if named.isdisjoint(audiences):
                    raise Rejected("it is meant for somebody else")
                meant = True
            case "OneTimeUse":
                once = True
            case "ProxyRestriction":
                pass  # about assertions that would be made out of this one
            case _:
                raise Unfit("it has a condition that is not understood")
    if not meant:
        raise Rejected("it does not say whom it is meant for")
    return (now + REDEEMABLE if ends is None else ends + SKEW), once


def _attributes(element: Any) -> dict[str, tuple[str, ...]]:
    """Every attribute by its name; a name that comes twice is refused, since nobody can say which is meant."""
    found: dict[str, tuple[str, ...]] = {}
    for statement in element.findall(f"{ASSERTION}AttributeStatement"):
        for attribute in statement.findall(f"{ASSERTION}Attribute"):
            name = attribute.get("Name", "")
            if not name or name in found:
                raise Rejected("an attribute has no name, or the name of another")
            values = attribute.findall(f"{ASSERTION}AttributeValue")
            if len(values) > MOST_VALUES:
                raise Rejected("an attribute has too many values")
            if any(len(value) for value in values) and not name.startswith(OURS):
                continue  # what is no text is no condition key
            found[name] = tuple(_text(value, empty=True) for value in values)
    return found


def _one(element: Any, name: str) -> Any:
    found = element.findall(f"{ASSERTION}{name}")
    if len(found) != 1:
        raise Unfit(f"it must have one {name}, no more and no less")
    return found[0]


def _text(element: Any, *, empty: bool = False) -> str:
    """The text of an element that holds nothing else (CVE-2018-0489: text that a comment cut in two)."""
    text: str = (element.text or "").strip(" \t\r\n")
    if len(element) or len(text) > LONGEST_TEXT or not (text or empty):
        raise Unfit("something that should be text is more than that, or nothing, or too long")
    return text


def _moment(element: Any, name: str) -> datetime | None:
    stated = element.get(name)
    if stated is None:
        return None
    if _MOMENT.fullmatch(stated) is None:
        raise Unfit("a time cannot be read")
    try:
        # Fractions are cut: no second of an assertion's life depends on them.
        return datetime.strptime(stated[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise Unfit("a time cannot be read") from None


def _kind(name_format: str) -> str:
    """The format of a name, short where it is one of SAML 2.0's (IAM User Guide, saml:sub_type)."""
    short = name_format.removeprefix(FORMATS)
    return short if short in ("persistent", "transient") else name_format or "unspecified"
