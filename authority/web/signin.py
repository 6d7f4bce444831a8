"""The sign-in endpoints for browsers: `/federation`, `/saml` and `/switchrole`, with pages as plain as can be.

They translate between forms, links and our own API, and decide nothing: every request becomes one of the API's, and is
judged and recorded there.  A link to switch roles asks for nothing: its page says how to follow it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from authority.kernel.refusal import Refusal
from authority.kernel.role_links import PAGE, RoleLinkError, linked
from authority.pipeline import Pipeline
from authority.wire.dialects import PLAIN_JSON, Spelled
from authority.wire.query import FORM, read_form
from authority.wire.request import Received, examine

PATHS: Final = frozenset({b"/federation", b"/saml", PAGE.encode()})
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""A sign-in token stands in the address of a page: it must go nowhere from there."""
LONGEST_DESTINATION: Final = 2_048
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "saml": frozenset({"SAMLResponse", "RelayState", "roleIndex"}),
    "getSigninToken": frozenset({"Action", "Session", "SessionDuration"}),
    "login": frozenset({"Action", "Issuer", "Destination", "SigninToken"}),
}
"""What each of the forms and links may say; any other parameter is refused, never ignored."""


async def answer(pipeline: Pipeline, received: Received, request_id: str, hosts: frozenset[str]) -> Spelled:
    """Answer a browser at one of `PATHS`."""
    if received.path == PAGE.encode():
        return _switch_role(received, hosts)
    given = _given(received)
    if given is None:
        return _page(400, "The request cannot be read.")

    async def ask(path: bytes, **what: Any) -> tuple[Spelled, Any]:
        spelled = await pipeline.handle(_inner(received, path, what), request_id, hosts)
        return spelled, msgspec.json.decode(spelled.body)

    known = FIELDS["saml"] if received.path == b"/saml" else FIELDS.get(given.get("Action", ""), frozenset(given))
    unknown = sorted(given.keys() - known)
    if unknown:
        return _page(400, f"The parameter {unknown[0]} is not supported.")
    if received.path == b"/saml":
        if received.method != "POST" or "SAMLResponse" not in given:
            return _page(400, "A SAML response must be posted here.")
        relayed = given.get("RelayState", "")
        return await _saml(ask, given, relayed if _ours(relayed, hosts) else "")
    match given.get("Action"):
        case "getSigninToken":
            return await _signin_token(ask, given)
        case "login":
            return await _login(ask, given, hosts)
        case _:
            return _page(400, "The Action must be getSigninToken or login.")


def _switch_role(received: Received, hosts: frozenset[str]) -> Spelled:
    """Say how to switch to the role that a link names: it is done in a shell, as whoever works there."""
    refusal = examine(received, hosts)
    if refusal is not None or received.method not in ("GET", "HEAD"):
        return _no_switch("The request is no link that was followed.")
    try:
        wanted = linked(f"{PAGE}?{received.query.decode('ascii', 'replace')}")
    except RoleLinkError as wrong:
        return _no_switch(str(wrong))
    command = shlex.join(("authority", "switch", "--", wanted.account, wanted.role))
    role = f"<p>The role {escape(wanted.role)} of the account {escape(wanted.account)}. In a shell, as yourself:</p>"
    return _html(200, f"Switch to {wanted.shown}", f"{role}<pre>{escape(command)}</pre>")


def _no_switch(why: str) -> Spelled:
    return _html(400, "No role to switch to", f"<p>{escape(why)}</p>")


async def _saml(ask: Any, given: Mapping[str, str], relayed: str) -> Spelled:
    """Sign in with what an identity provider had the browser bring, after a choice where there is one.

    *relayed* is where people wanted to go, as the provider passes it on (SAML 2.0 Bindings, section 3.5.3).
    """
    response = given["SAMLResponse"]
    spelled, said = await ask(b"/v1/sign-in/saml", samlResponse=response, roleArn=given.get("roleIndex", ""))
    if spelled.status != 200:
        return _refused(spelled, said)
    if "signinToken" in said:
        then = {"Destination": relayed} if relayed else {}
        query = urlencode({"Action": "login", "SigninToken": said["signinToken"], **then})
        return Spelled(303, {**HEADERS, "Location": f"/federation?{query}", "Content-Type": "text/plain"}, b"")
    return _html(200, "Choose a role", _chooser(response, relayed, said["roleArns"]))


def _chooser(response: str, relayed: str, roles: list[str]) -> str:
    """The roles by account, in the form that tools which fill it in look for."""
    accounts: dict[str, list[str]] = {}
    for role in roles:
        accounts.setdefault(role.split(":")[4], []).append(role)
    parts = ['<form method="post" action="/saml"><fieldset>']
    for account, arns in sorted(accounts.items()):
        parts.append(f'<div class="saml-account"><div class="saml-account-name">Account: {escape(account)}</div>')
        for arn in sorted(arns):
            shown, name = escape(arn), escape(arn.rpartition("/")[2])
            parts.append(
                f'<div class="saml-role"><input type="radio" name="roleIndex" value="{shown}" id="{shown}" required>'
                f'<label for="{shown}" class="saml-role-description">{name}</label></div>'
            )
        parts.append("</div>")
    parts.append(f'</fieldset><input type="hidden" name="SAMLResponse" value="{escape(response)}">')
    if relayed:
        parts.append(f'<input type="hidden" name="RelayState" value="{escape(relayed)}">')
    parts.append("<button>Sign in</button></form>")
    return "".join(parts)


async def _signin_token(ask: Any, given: Mapping[str, str]) -> Spelled:
    """Make a sign-in token for a broker (IAM User Guide, getSigninToken)."""
    try:
        session = msgspec.json.decode(given.get("Session", ""), type=dict[str, str])
        seconds = (
            {"sessionDuration": msgspec.convert(given["SessionDuration"], int, strict=False)}
            if ("SessionDuration" in given)
            else {}
        )
    except (msgspec.DecodeError, msgspec.ValidationError):
        return _page(400, "Session must be a JSON object of texts, and SessionDuration a number.")
    if session.keys() != {"sessionId", "sessionKey", "sessionToken"}:
        return _page(400, "Session must hold sessionId, sessionKey and sessionToken.")
    spelled, said = await ask(
        b"/v1/sign-in/token",
        accessKeyId=session["sessionId"],
        secretAccessKey=session["sessionKey"],
        sessionToken=session["sessionToken"],
        **seconds,
    )
    if spelled.status != 200:
        return _refused(spelled, said)
    body = msgspec.json.encode({"SigninToken": said["signinToken"]})
    return Spelled(200, {**HEADERS, "Content-Type": PLAIN_JSON}, body)


async def _login(ask: Any, given: Mapping[str, str], hosts: frozenset[str]) -> Spelled:
    """Use a sign-in token up, and say who signed in."""
    issuer = given.get("Issuer", "")[:LONGEST_DESTINATION]
    spelled, said = await ask(b"/v1/sign-in", signinToken=given.get("SigninToken", ""), issuer=issuer)
    if spelled.status != 200:
        return _refused(spelled, said)
    shown = f"<p>You are signed in as <b>{escape(said['arn'])}</b> until {escape(said['until'])}.</p>"
    destination = given.get("Destination", "")
    if _ours(destination, hosts):
        shown += f'<p><a href="{escape(destination)}">Go on</a></p>'
    return _html(200, "Signed in", shown)


def _ours(destination: str, hosts: frozenset[str]) -> bool:
    """Whether a link leads to a page of ours: any other would make us send people to whoever made the link."""
    if len(destination) > LONGEST_DESTINATION or not destination.isprintable() or "\\" in destination:
        return False
    try:
        parts = urlsplit(destination)
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        # To a browser `///elsewhere` is another host, too (WHATWG URL, special authority ignore slashes state).
        return destination.startswith("/") and not destination.startswith("//")
    return parts.scheme in ("http", "https") and parts.netloc.lower() in hosts


def _given(received: Received) -> dict[str, str] | None:
    """The parameters, from the query string or from a form; None when they cannot be read in one way only."""
    if received.method == "POST":
        if received.query:
            return None
        kind = (received.header(b"content-type") or b"").decode("latin-1")
        form = read_form(received.body, kind)
    elif received.method == "GET" and not received.body:
        form = read_form(received.query, FORM)
    else:
        return None
    return None if isinstance(form, Refusal) else form


def _inner(received: Received, path: bytes, what: Mapping[str, Any]) -> Received:
    """The request to our own API that a browser's request comes to; it keeps where it came from."""
    kept = tuple((name, value) for name, value in received.headers if name.lower() in (b"host", b"user-agent"))
    headers = (*kept, (b"content-type", PLAIN_JSON.encode()))
    return Received("POST", path, headers, msgspec.json.encode(what), received.peer, received.secure)


def _refused(spelled: Spelled, said: Mapping[str, str]) -> Spelled:
    return _page(spelled.status, f"{said.get('code', '')}: {said.get('message', '')}")


def _page(status: int, text: str) -> Spelled:
    return _html(status, "Not signed in", f"<p>{escape(text)}</p>")


def _html(status: int, title: str, body: str) -> Spelled:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return Spelled(status, {**HEADERS, "Content-Type": "text/html; charset=utf-8"}, text.encode())
