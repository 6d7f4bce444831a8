"""Login with Amazon and Facebook: access tokens that say nothing by themselves, and are judged by whoever issued them.

Login with Amazon, Access token (`tokeninfo`); Graph API, Debug-Token.  An answer is believed because it came over
https from the one address that the operator set, and only as far as it names an application and a person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from authority.access.naming import role_by_arn
from authority.federation import tokens
from authority.federation.assuming import trusting_account
from authority.federation.web_identity import AssumeRoleWithWebIdentity, WebIdentity
from authority.kernel.ids import AccountId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.state import State
from authority.policy.principal import PrincipalKind
from authority.wire.reading import Unreadable, json_of

AMAZON: Final = "www.amazon.com"
FACEBOOK: Final = "graph.facebook.com"
LONGEST_TOKEN: Final = 2_048

_TOKEN: Final = re.compile(r"[!-~]{4,2048}", re.ASCII)
_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
NOT_VALID: Final = tokens.invalid("The access token is not valid.")


class Judges(msgspec.Struct, frozen=True):
    """Where tokens are judged.  Facebook answers applications only, so without the token of one it is not asked."""

    amazon: str = "https://api.amazon.com/auth/o2/tokeninfo"
    facebook: str = "https://graph.facebook.com/debug_token"
    facebook_app_token: Secret | None = None


class Asked(msgspec.Struct, frozen=True):
    """What a judge is asked, for which account."""

    provider: str
    account: AccountId
    url: str

    def __repr__(self) -> str:
        """Show whom, and never the token in the URL."""
        return f"Asked({self.provider!r})"


def question(state: State, wanted: AssumeRoleWithWebIdentity, judges: Judges) -> Asked | Refusal:
    """What to ask about the token of a request; nobody is asked for a role that does not name the provider."""
    account = trusting_account(state, wanted.role_arn)
    if isinstance(account, Refusal):
        return account
    provider = wanted.provider_id or ""
    asked = question_of(provider, AccountId("") if account is None else account.id, wanted.web_identity_token, judges)
    found = role_by_arn(state, wanted.role_arn)
    if isinstance(asked, Asked) and (found is None or f'"{provider}"' not in found[1].trust.document):
        return NOT_VALID  # the same words as for a token that is none, so that nobody learns which roles exist
    return asked


def question_of(provider: str, account: AccountId, token: str, judges: Judges) -> Asked | Refusal:
    """What to ask *provider* about a token of its, on behalf of an *account*."""
    if _TOKEN.fullmatch(token) is None:
        return NOT_VALID
    match provider:
        case "www.amazon.com":
            url = f"{judges.amazon}?{urlencode({'access_token': token})}"
        case "graph.facebook.com" if judges.facebook_app_token is not None:
            app = judges.facebook_app_token.reveal().decode()  # to Facebook, which made it
            url = f"{judges.facebook}?{urlencode({'input_token': token, 'access_token': app})}"
        case _:
            return Refusal(Reason.VALIDATION_ERROR, f"ProviderId {provider} is not supported.")
    return Asked(provider, account, url)


def answered(asked: Asked, token: str, body: bytes, now: datetime) -> WebIdentity | Refusal:
    """Whom the token speaks of, as its issuer says."""
    try:
        said = json_of(body)
    except Unreadable:
        return NOT_VALID
    seconds = int(now.timestamp())
    if asked.provider == AMAZON:
        person, app, left = _amazon(said)
    else:
        person, app, left = _facebook(said, seconds)
    if person is None or app is None or left is None:
        return NOT_VALID
    if left <= 0:
        return tokens.EXPIRED
    named = "user_id" if asked.provider == AMAZON else "id"
    keys: dict[str, str | tuple[str, ...]] = {
        f"{asked.provider}:app_id": app,
        f"{asked.provider}:{named}": person,
    }
    return WebIdentity(
        kind=PrincipalKind.WEB_IDENTITY,
        account=asked.account,
        provider=asked.provider,
        principal_id=f"{asked.provider}:{app}:{person}",
        subject=person,
        conditions=keys,
        lasting=keys,
        evidence=hashlib.sha256(token.encode()).hexdigest(),
        issuer=asked.provider,
        audience=app,
    )


def _amazon(said: Any) -> tuple[str | None, str | None, int | None]:
    """Person, application and the seconds that are left; `exp` counts them from now."""
    if not isinstance(said, dict) or said.get("iss") != f"https://{AMAZON}":
        return None, None, None
    return _id(said, "user_id"), _id(said, "app_id"), _number(said, "exp")


def _facebook(said: Any, now: int) -> tuple[str | None, str | None, int | None]:
    """Person, application and the seconds that are left; `expires_at` is zero for a token without an end."""
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict) or data.get("is_valid") is not True:
        return None, None, None
    ends = _number(data, "expires_at")
    return _id(data, "user_id"), _id(data, "app_id"), None if ends is None else 1 if ends == 0 else ends - now


def _id(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _number(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
