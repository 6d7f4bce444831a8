"""What containment needs to know before it is decided: what a credential led to, and which credentials a text holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from authority.access.caller import Caller, Credential, account_of, caller_of
from authority.accounts.containing import Closure, Identified, Led, WhoseItIs
from authority.accounts.inquiry import Inquiry
from authority.accounts.investigating import ListValidCredentials
from authority.accounts.trail import WHOLE_LOG
from authority.answering.credentials import Validity
from authority.audit.answers import SessionRecord, Sessions
from authority.audit.queries import FindSessions
from authority.credentials import Keyring
from authority.kernel.ids import LONG_TERM_KEY, AccessKeyId
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.model.principals import ACCESS_KEY_PURPOSE, KeyStatus
from authority.model.state import State
from authority.pipeline import Answer, Gather, Gathering
from authority.replay.validity import key_standing

PARTITION: Final = "aws"
"""Names in what is gathered are spelled for it; whether a credential counts does not depend on it."""
KEY_ID: Final = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")
SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
TOKEN: Final = re.compile(r"[A-Za-z0-9_+/=-]{100,}")
MOST_PARTS: Final = 64
"""Parts of a text that are looked at, of each kind."""


def containing(keyring: Keyring, answer: Answer) -> Mapping[str, Gather]:
    """By the action that needs it."""

    async def closure(gathering: Gathering) -> Closure | None:
        """Find what a credential led to, with the eyes of whoever asks."""
        eyes = _Eyes.of(gathering)
        question = Inquiry(
            of=ListValidCredentials(id=gathering.input.id),
            eyes=eyes.account,
            about=eyes.about,
            now=gathering.now,
            partition=PARTITION,
        )
        found = await answer(question, gathering.version.position)
        if not isinstance(found, Validity) or not found.credentials:
            return None
        led = []
        for one in found.credentials:
            first = one.access_key_id == gathering.input.id and one.kind == "session"
            ended = first and await _ended(answer, gathering, one.access_key_id)
            led.append(Led(access_key_id=one.access_key_id, account=one.account, ended=ended))
        led.sort(key=lambda one: one.access_key_id != gathering.input.id)
        return Closure(credentials=tuple(led)) if led[0].access_key_id == gathering.input.id else None

    async def whose(gathering: Gathering) -> WhoseItIs:
        """Hold a text against all that is ours and may be seen."""
        return await _Search(keyring, answer, gathering).found()

    return {"authority:Contain": closure, "authority:IdentifyCredential": whose}


class _Eyes(msgspec.Struct, frozen=True):
    """Whose eyes look (None sees everything), and about which account; the decision judges whether they may."""

    account: str | None
    about: str

    @classmethod
    def of(cls, gathering: Gathering) -> _Eyes:
        state, wanted = gathering.version.state, gathering.input.account
        own = account_of(state, gathering.credential) or ""
        if wanted in (None, own) or own != state.management_account:
            return cls(own, own)
        return cls(None, "" if wanted == WHOLE_LOG else wanted)


async def _ended(answer: Answer, gathering: Gathering, access_key_id: str) -> bool:
    session = await _session(answer, gathering, None, access_key_id)
    return session is not None and session.ended_at is not None


async def _session(
    answer: Answer, gathering: Gathering, account: str | None, access_key_id: str
) -> SessionRecord | None:
    question = FindSessions(account=account, session=access_key_id, now=gathering.now, max_results=1)
    found = await answer(question, gathering.version.position)
    return found.sessions[0] if isinstance(found, Sessions) and found.sessions else None


class _Search:
    """One text held against our credentials.  Nothing of it is kept, and nothing is said of others' accounts."""

    def __init__(self, keyring: Keyring, answer: Answer, gathering: Gathering) -> None:
        self._keyring, self._answer, self._gathering = keyring, answer, gathering
        self._eyes = _Eyes.of(gathering)
        self._state: State = gathering.version.state
        self._text: str = gathering.input.secret
        self._found: list[Identified] = []

    async def found(self) -> WhoseItIs:
        named = list(dict.fromkeys([*KEY_ID.findall(self._text), *self._given()]))[:MOST_PARTS]
        for key_id in named:
            in_text = key_id in self._text
            if key_id.startswith(LONG_TERM_KEY):
                if in_text:
                    self._key("access-key-id", key_id)
            else:
                await self._of_session(key_id, in_text=in_text)
        secrets = SECRET.findall(self._text)[:MOST_PARTS]
        if secrets:
            await self._long_term([Secret(one) for one in secrets])
        return WhoseItIs(found=tuple(self._found))

    def _given(self) -> tuple[str, ...]:
        given = self._gathering.input.access_key_id
        return () if given is None else (given,)

    def _may_see(self, account: str) -> bool:
        return self._eyes.account in (None, account) and self._eyes.about in ("", account)

    def _key(self, what: str, key_id: str) -> None:
        standing = key_standing(self._state, key_id, self._gathering.now, PARTITION)
        if standing is not None and self._may_see(standing.account):
            self._found.append(
                Identified(
                    what=what,
                    access_key_id=key_id,
                    account=standing.account,
                    principal=standing.arn,
                    valid=standing.valid,
                    why=standing.why,
                )
            )

    async def _long_term(self, secrets: list[Secret]) -> None:
        for key in sorted(self._state.access_keys.values(), key=lambda one: one.id):
            if key.status is KeyStatus.DELETED or not self._may_see(key.account):
                continue
            kept = await self._keyring.sealed(key.id, ACCESS_KEY_PURPOSE)
            if kept is not None and any(kept == secret for secret in secrets):
                self._key("secret-key", key.id)

    async def _of_session(self, key_id: str, *, in_text: bool) -> None:
        session = await _session(self._answer, self._gathering, self._eyes.account, key_id)
        if session is None or not self._may_see(session.account):
            return
        parts = TOKEN.findall(self._text)[:MOST_PARTS]
        tokens = [held for part in parts if (held := await self._opened(key_id, part)) is not None]
        status = session.status
        valid = status == "active"
        if tokens:
            judged = caller_of(self._state, tokens[0], now=self._gathering.now, partition=PARTITION)
            valid, status = isinstance(judged, Caller), judged.message if isinstance(judged, Refusal) else "counts"
        for what in ("access-key-id",) * in_text + ("session-token",) * bool(tokens):
            self._found.append(
                Identified(
                    what=what,
                    access_key_id=key_id,
                    account=session.account,
                    principal=session.arn,
                    valid=valid,
                    why=status,
                )
            )

    async def _opened(self, key_id: str, text: str) -> Credential | None:
        held = await self._keyring.find(self._state, AccessKeyId(key_id), text)
        return None if isinstance(held, Refusal) else held.credential
