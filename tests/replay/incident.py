"""A fortnight of three accounts as a log of any length, with a story in it that investigators are to find.

Every request is decided and recorded as the pipeline does it, at the moment that it is said to have come; entries go
into a real ledger many at a time.  Around the story people and a build machine take roles on from the office, are
refused now and then, look around, and configure a little; every session ends an hour after it began.

The story: Dana's key leaks on January 30th at 22:00.  In the night somebody tries Deploy with it, in vain; goes by
Build to Deploy, over three accounts; widens Deploy's trust policy, comes back through it, and plants a user with a key
of its own.  Then he covers up: the trust policy is put back as it was, and he looks what the trail says of him.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from authority import settings as settings_of
from authority.access.action import Decision, Facts, NewSecret
from authority.access.call import Call, Origin
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.access.recording import Asked, act_of_authority, record
from authority.accounts.founding import new_administrator
from authority.committer import folded
from authority.compose import initialise, owning, rebuild_projections
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.refusal import Refusal
from authority.ledger.codec import new_entry
from authority.ledger.port import NewEntry
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.authority import AccountCreated
from authority.model.fact import Fact
from authority.model.holders import InlinePolicyPut
from authority.model.principals import AccessKeyCreated, UserCreated
from authority.model.roles import RoleCreated, Trust
from authority.model.sessions import EndCause, SessionEnded, SessionIssued, end_key
from authority.model.state import evolve
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.outbound.root_key import load_root_key
from authority.registry import ACTIONS
from authority.replay.folding import BEGINNING, Version
from tests.live import MANAGEMENT, Keys, Live

PEOPLE, BUILDING, PRODUCTION = AccountId("333344445555"), AccountId("444455556666"), AccountId("222233334444")
OUTSIDER = "999999999999"
BEGAN, OVER = datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 2, 2, 12, tzinfo=UTC)
NIGHT = datetime(2026, 1, 31, tzinfo=UTC)
OFFICE, ATTIC = "192.0.2.7", "203.0.113.66"
"""Where everybody works, and where whoever found the key sits."""
PAGE = 2_048
COLLEAGUES = 40
BUILD, RELEASE = f"arn:aws:iam::{BUILDING}:role/Build", f"arn:aws:iam::{BUILDING}:role/Release"
DEPLOY = f"arn:aws:iam::{PRODUCTION}:role/Deploy"
DANA = f"arn:aws:iam::{PEOPLE}:user/Dana"


def document(**statement: Any) -> str:
    """A policy of one statement that allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def trusting(*principals: str, **more: Any) -> str:
    """A trust policy for them."""
    return document(Principal={"AWS": list(principals)}, Action="sts:AssumeRole", **more)


EVERYTHING = document(Action="*", Resource="*")
ROLES_ONLY = document(Action="sts:AssumeRole", Resource="*")


@dataclass(frozen=True)
class Then:
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self.at


@dataclass
class Scribe:
    """Decides and records, and keeps what is to be appended."""

    ledger: SqliteLedger
    custody: Custody
    version: Version
    now: datetime = BEGAN
    pending: list[NewEntry] = field(default_factory=list)
    ends: list[tuple[datetime, str, str]] = field(default_factory=list)

    @property
    def position(self) -> int:
        """The last position, with what is to be appended."""
        return self.version.position + len(self.pending)

    def facts(self) -> Facts:
        """What the next decision may use."""
        return Facts(self.now, self.position.to_bytes(8, "big"), self.version.configured)

    def act(self, name: str, *facts: Fact, secrets: tuple[NewSecret, ...] = (), once: tuple[str, ...] = ()) -> None:
        """Something that nobody asked for."""
        self._write(act_of_authority(name, facts, self.now), Decision(facts=facts, secrets=secrets, once=once))

    def ask(self, operation: str, who: Credential, address: str = OFFICE, **given: Any) -> Decision:
        """One request, `sts:AssumeRole`, and what was decided."""
        action = ACTIONS[tuple(operation.split(":"))]
        origin = Origin(
            request_id=f"{self.position:032x}", source_address=address, user_agent="aws-cli/2.17", secure=True,
            region="us-east-1", partition="aws",
        )  # fmt: skip
        caller = caller_of(self.version.state, who, now=self.now, partition="aws")
        assert isinstance(caller, Caller), caller
        call = Call(caller, msgspec.convert(given, action.input), origin)
        decision = action.decide(self.version.state, call, self.facts())
        asked = Asked(action.service, action.operation, True, origin, given)
        body, _, decision = record(asked, caller.record, decision, self.now)
        self._write(body, decision)
        return decision

    def assume(self, role: str, who: Credential, address: str = OFFICE, name: str = "work") -> Credential:
        """Take a role on, which works."""
        decision = self.ask("sts:AssumeRole", who, address, RoleArn=role, RoleSessionName=name)
        (session,) = (fact for fact in decision.facts if isinstance(fact, SessionIssued))
        return Credential(session.access_key_id, SessionClaims.of(session, self.position))

    def _write(self, body: bytes, decision: Decision) -> None:
        rows = tuple(new.sealed_by(self.custody) for new in decision.secrets)
        self.pending.append(new_entry(body, once=decision.once, rows=rows))
        for fact in decision.facts:
            if isinstance(fact, SessionIssued):
                heapq.heappush(self.ends, (fact.expires_at, fact.account, fact.access_key_id))
        if any(fact.CONFIG for fact in decision.facts):
            state = evolve(self.version.state, decision.facts, self.now)
            self.version = Version(self.version.position, self.position, state)

    def end(self) -> None:
        """Write down which sessions are over by now."""
        while self.ends and self.ends[0][0] <= self.now:
            at, account, key = heapq.heappop(self.ends)
            over = SessionEnded(
                account=AccountId(account), access_key_id=AccessKeyId(key), effective_at=at, cause=EndCause.EXPIRED
            )
            self.act("SessionExpired", over, once=(end_key(key),))

    async def flush(self) -> None:
        """Append what there is."""
        await self.ledger.append(self.pending, folded=self.version.position)
        self.version = Version(self.position, self.version.configured, self.version.state)
        self.pending = []


@dataclass
class Story:
    """Who is who, and what stands where."""

    live: Live
    leaked: Keys
    auditors: dict[str, Keys]
    marks: dict[str, int]
    made: dict[str, str]
    """The access key ids of the night, by what they are called here."""


async def written(directory: Path, size: int) -> Story:
    """An authority in *directory* whose log has about *size* entries, not started yet; its trail is worked out."""
    settings = settings_of.load(
        {"data_dir": str(directory), "port": 0, "admin_port": 0, "expiry_interval": 0.05, "summary_interval": 0.05}, {}
    )
    founding = await initialise(settings, MANAGEMENT, "Management", "Administrator", Then(BEGAN))
    custody = Custody(load_root_key(settings.root_key_file, settings.root_key), SystemEntropy())
    async with owning(settings) as ledger:
        scribe = Scribe(ledger, custody, await folded(ledger, BEGINNING))
        leaked, auditors, colleagues, machine = _company(scribe)
        story = Story(Live(settings, founding), leaked, auditors, {}, {"leaked": leaked.access_key_id})
        night = _night(scribe, story)
        due = next(night)
        chance = Random(6)
        step = (OVER - BEGAN) * 2 / size  # every session is two entries
        while scribe.now < OVER:
            scribe.now += step
            while due is not None and due <= scribe.now:
                scribe.now, kept = due, scribe.now
                scribe.end()
                due = next(night, None)
                scribe.now = kept
            scribe.end()
            _day(scribe, chance, colleagues, machine)
            if len(scribe.pending) >= PAGE:
                await scribe.flush()
        await scribe.flush()
    await rebuild_projections(settings, lambda _: None)
    return story


def _company(scribe: Scribe) -> tuple[Keys, dict[str, Keys], list[Credential], Credential]:
    """Three accounts: who works in them, and which roles there are."""
    for account, name in ((PEOPLE, "people"), (BUILDING, "build"), (PRODUCTION, "production")):
        scribe.act("AccountCreated", AccountCreated(account=account, name=name))
    auditors = {account: _user(scribe, account, "Auditor", EVERYTHING) for account in (PEOPLE, BUILDING, PRODUCTION)}
    dana = _user(scribe, PEOPLE, "Dana", EVERYTHING)
    names = [f"colleague-{number}" for number in range(COLLEAGUES)]
    colleagues = [_credential(_user(scribe, PEOPLE, name, ROLES_ONLY)) for name in names]
    machine = _credential(_user(scribe, BUILDING, "machine", ROLES_ONLY))
    for account, name, trust, may in (
        (BUILDING, "Build", trusting(PEOPLE), ROLES_ONLY),
        (BUILDING, "Release", trusting(BUILDING), ROLES_ONLY),
        (PRODUCTION, "Deploy", trusting(BUILDING), EVERYTHING),
        (PRODUCTION, "Legacy", trusting(PRODUCTION), ROLES_ONLY),
    ):
        role = scribe.facts().new_id("AROA")
        made = RoleCreated(account=account, role_id=role, name=name, path="/", trust=Trust(trust))
        scribe.act("RoleMade", made, InlinePolicyPut(account=account, holder=role, name="may", document=may))
    return dana, auditors, colleagues, machine


def _user(scribe: Scribe, account: AccountId, name: str, may: str) -> Keys:
    """A user with one key."""
    made = new_administrator(account, name, scribe.facts())
    facts = tuple(
        msgspec.structs.replace(fact, document=may) if isinstance(fact, InlinePolicyPut) else fact
        for fact in made.facts
    )
    scribe.act("UserMade", *facts, secrets=made.secrets)
    return Keys(made.access_key_id, made.secret.reveal().decode())


def _credential(keys: Keys) -> Credential:
    return Credential(AccessKeyId(keys.access_key_id))


def _day(scribe: Scribe, chance: Random, colleagues: list[Credential], machine: Credential) -> None:
    """What happens on any day: one request, or two."""
    who, draw = chance.choice(colleagues), chance.random()
    if draw < 0.70:
        scribe.assume(BUILD, who)
    elif draw < 0.85:
        scribe.assume(DEPLOY, scribe.assume(RELEASE, machine), name="release")
    elif draw < 0.90:
        scribe.ask("sts:AssumeRole", who, RoleArn=RELEASE, RoleSessionName="work")  # which is refused
    elif draw < 0.995:
        scribe.ask("sts:GetCallerIdentity", who)
    else:
        made = UserCreated(
            account=PEOPLE, user_id=scribe.facts().new_id("AIDA"), name=f"guest-{scribe.position}", path="/"
        )
        scribe.act("GuestMade", made)


def _night(scribe: Scribe, story: Story) -> Iterator[datetime]:
    """What whoever found the key does, and the moment of each step before it."""
    dana = _credential(story.leaked)

    def mark(name: str) -> None:
        story.marks[name] = scribe.position

    for minutes in (90, 100):
        yield NIGHT + timedelta(minutes=minutes)
        decision = scribe.ask("sts:AssumeRole", dana, ATTIC, RoleArn=DEPLOY, RoleSessionName="night")
        assert isinstance(decision.answer, Refusal)
    yield NIGHT + timedelta(minutes=110)
    build = scribe.assume(BUILD, dana, ATTIC, "night")
    mark("build")
    yield NIGHT + timedelta(minutes=115)
    deploy = scribe.assume(DEPLOY, build, ATTIC, "night")
    mark("deploy")
    yield NIGHT + timedelta(minutes=120)
    _done(scribe, "UpdateAssumeRolePolicy", deploy, RoleName="Deploy",
          PolicyDocument=trusting(BUILDING, PEOPLE, PRODUCTION, OUTSIDER))  # fmt: skip
    mark("widened")
    yield NIGHT + timedelta(minutes=125)
    direct = scribe.assume(DEPLOY, dana, ATTIC, "back")
    mark("direct")
    yield NIGHT + timedelta(minutes=128)
    _done(scribe, "CreateUser", direct, UserName="backup")
    _done(scribe, "PutUserPolicy", direct, UserName="backup", PolicyName="all", PolicyDocument=EVERYTHING)
    made = _done(scribe, "CreateAccessKey", direct, UserName="backup")
    (key,) = (fact.access_key_id for fact in made.facts if isinstance(fact, AccessKeyCreated))
    mark("planted")
    yield NIGHT + timedelta(minutes=132)
    again = scribe.assume(DEPLOY, Credential(key), ATTIC, "again")
    mark("again")
    yield NIGHT + timedelta(minutes=145)
    _done(scribe, "UpdateAssumeRolePolicy", deploy, RoleName="Deploy", PolicyDocument=trusting(BUILDING))
    mark("covered")
    decision = scribe.ask("cloudtrail:LookupEvents", build, ATTIC)
    assert isinstance(decision.answer, Refusal)
    sessions = {"build": build, "deploy": deploy, "direct": direct, "again": again}
    story.made |= {"planted": key, **{name: one.access_key_id for name, one in sessions.items()}}


def _done(scribe: Scribe, operation: str, who: Credential, **given: Any) -> Decision:
    decision = scribe.ask(f"iam:{operation}", who, ATTIC, **given)
    assert not isinstance(decision.answer, Refusal), decision.answer
    return decision
