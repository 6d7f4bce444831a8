"""Whatever happens in whatever order, sessions keep what was promised of them.

A naive model remembers every session and every act by the order in which they came, and says who must be served; after
each step the authority is held against it.  Numbers are those of the invariants of sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from authority.access.caller import Caller, Credential
from authority.access.mfa import Compared
from authority.kernel.ids import AccessKeyId, RoleId, UserId
from authority.kernel.refusal import Refusal
from authority.kernel.tags import Tag
from authority.model import authority, holders, principals, roles
from authority.model.mfa import MfaDeviceCreated, MfaDeviceEnabled
from authority.model.sessions import SessionIssued, SessionKind
from authority.model.state import canonical, from_canonical
from authority.sessions.revocation import revoke_descendants, revoke_role_sessions, revoke_session
from tests.sessions.test_revocation import known
from tests.sessions.world import (
    ALL,
    ANN,
    AUDIT,
    BOB,
    COMPANY,
    DENY,
    DEPLOY,
    PRODUCTION,
    READ,
    World,
    held,
    issued,
    retrust,
    trusting,
)

BOSS = Credential(AccessKeyId("AKIABOSSBOSSBOSS"))
NAMES = ("Deploy", "Audit")
FIRST_CODE = 10
DEEPEST = 16
ARNS = {"Deploy": f"arn:aws:iam::{PRODUCTION}:role/team/Deploy", "Audit": f"arn:aws:iam::{PRODUCTION}:role/Audit"}


@dataclass(eq=False)
class Known:
    """A session as the model remembers it."""

    credential: Credential
    fact: SessionIssued
    order: int
    parent: Known | None
    owner: str
    """The unique id of the role or user that it stands and falls with."""
    mfa_at: datetime | None
    """When the second factor was shown that it must say, if any."""


@dataclass
class Model:
    """What happened, by the order in which it came."""

    order: int = 0
    sessions: list[Known] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    by_role: list[tuple[int, str]] = field(default_factory=list)
    by_ancestor: list[tuple[int, str]] = field(default_factory=list)
    dead_keys: set[str] = field(default_factory=set)
    powerless: set[str] = field(default_factory=set)
    """The users and roles whose own policies allow nothing."""
    closed: set[str] = field(default_factory=set)
    """The roles that trust nobody of the other account."""
    accepted: int = FIRST_CODE
    """The time step of the newest code that was accepted."""
    wrong: int = 0
    """The wrong codes in a row."""
    guessed_at: datetime | None = None
    strict: bool = False
    """Whether sessions end with the key that their chain began with."""

    def next(self) -> int:
        self.order += 1
        return self.order

    def lives(self, session: Known, now: datetime) -> bool:
        """Whether the session must be served."""
        key = session.fact.access_key_id
        return (
            now < session.fact.expires_at
            and session.owner not in self.gone
            and key not in self.ended
            and not (self.strict and session.fact.ancestors[0] in self.dead_keys)
            and not any(owner == session.owner and session.order < when for when, owner in self.by_role)
            and not any(
                ancestor in session.fact.ancestors and session.order < when for when, ancestor in self.by_ancestor
            )
        )

    def takes(self, code: int | None, now: datetime) -> bool:
        """Whether a code must be accepted, by its time step; None is a wrong one.  What becomes of it is remembered."""
        locked = self.wrong >= 5 and self.guessed_at is not None
        if locked and now < self.guessed_at + min(timedelta(minutes=2 ** (self.wrong - 5)), timedelta(days=1)):
            return False
        if code is None:
            self.wrong, self.guessed_at = self.wrong + 1, now
        elif code > self.accepted:
            self.accepted, self.wrong, self.guessed_at = code, 0, None
            return True
        return False

    def issues(self, caller: Known | None, user: str, role: str | None, seconds: int, now: datetime) -> bool:
        """Whether a role must be given, to a user with his key or to a session; None is a role that is not there."""
        if role is None or (caller is not None and not self.lives(caller, now)):
            return False
        if caller is None or caller.fact.kind is SessionKind.USER:
            return user not in self.powerless and role not in self.closed
        if caller.fact.kind is SessionKind.FEDERATED_USER:
            return False
        return caller.owner not in self.powerless and seconds <= 3_600 and len(caller.fact.ancestors) < DEEPEST


class Sessions(RuleBasedStateMachine):
    """People take roles on, administrators take things away, clocks move, and the authority starts again."""

    sessions: Bundle[Known] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.model = Model()
        self.role_ids: dict[str, str | None] = {"Deploy": DEPLOY, "Audit": AUDIT}
        self.users = {"Ann": (ANN, "AKIAANNSOWNKEY01"), "Bob": (BOB, "AKIABOBSOWNKEY01")}
        self.made = 0
        self.claimed: frozenset[str] = frozenset()
        self.device = ""

    @initialize(strict=st.booleans())
    def begin(self, strict: bool) -> None:
        self.model.strict = strict
        switches = {"role_sessions_end_with_parent": strict, "federation_sessions_end_with_parent": strict}
        self.world.take(
            authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), DEEPEST, **switches)),
            principals.UserCreated(account=PRODUCTION, user_id=UserId("AIDABOSS"), name="Boss", path="/"),
            principals.AccessKeyCreated(account=PRODUCTION, access_key_id=BOSS.access_key_id, owner=UserId("AIDABOSS")),
            holders.InlinePolicyPut(account=PRODUCTION, holder=UserId("AIDABOSS"), name="all", document=ALL),
            holders.InlinePolicyPut(account=COMPANY, holder=BOB, name="all", document=ALL),
        )
        self.enrol(ANN)

    def enrol(self, owner: UserId) -> None:
        """Give Ann a device; its first codes are used up by that."""
        self.made += 1
        self.device = f"AMFA{self.made}"
        self.world.take(
            MfaDeviceCreated(account=COMPANY, device_id=self.device, name=self.device, path="/"),
            MfaDeviceEnabled(account=COMPANY, device_id=self.device, owner=owner, counter=FIRST_CODE),
        )
        self.model.accepted, self.model.wrong, self.model.guessed_at = FIRST_CODE, 0, None

    def remember(self, decision: Any, parent: Known | None, mfa_at: datetime | None = None) -> Any:
        """Take a decision that may have issued a session into the model."""
        if isinstance(decision.answer, Refusal):
            return multiple()
        fact = issued(decision)
        owner = fact.role_id or fact.user_id
        session = Known(held(decision, self.world.position), fact, self.model.next(), parent, owner, mfa_at)
        # 1: never longer than was asked, than the role allows, than an hour in a chain.
        lasts = (fact.expires_at - fact.issued_at).total_seconds()
        chained = parent is not None and parent.fact.kind is SessionKind.ROLE
        assert lasts <= (3_600 if chained else 43_200)
        # 16, 17: no id comes twice.
        assert fact.access_key_id not in {known.fact.access_key_id for known in self.model.sessions}
        # 5: what goes on went on unchanged.
        if parent is not None:
            assert fact.source_identity == (parent.fact.source_identity or fact.source_identity)
            kept = {tag for tag in parent.fact.tags if tag.key in parent.fact.transitive_keys}
            assert kept <= set(fact.tags)
            assert fact.ancestors == (*parent.fact.ancestors, parent.fact.access_key_id)
            assert fact.root_principal == parent.fact.root_principal
        self.model.sessions.append(session)
        return session

    def key(self, user: str) -> Credential:
        return Credential(AccessKeyId(self.users[user][1]))

    # --- issuing ---------------------------------------------------------------------------

    @rule(
        target=sessions,
        user=st.sampled_from(["Ann", "Bob"]),
        role=st.sampled_from(NAMES),
        seconds=st.sampled_from([900, 3_600, 43_200]),
        tags=st.sampled_from([(), ("Team",), ("Team", "Cost")]),
        transitive=st.booleans(),
        source=st.sampled_from(["", "ann", "bob"]),
    )
    def assume(self, user: str, role: str, seconds: int, tags: Any, transitive: bool, source: str) -> Any:
        more: dict[str, Any] = {"SourceIdentity": source} if source else {}
        more["Tags"] = [{"Key": tag, "Value": user} for tag in tags]
        more["TransitiveTagKeys"] = list(tags) if transitive else []
        decision = self.world.assume(ARNS[role], who=self.key(user), DurationSeconds=seconds, **more)
        # 14: what another account's role takes is a permission on both sides, and a key that counts.
        expected = self.model.issues(None, self.users[user][0], self.role_ids[role], seconds, self.world.now)
        counts = self.users[user][1] not in self.model.dead_keys
        assert isinstance(decision.answer, Refusal) is not (expected and counts), decision.answer
        return self.remember(decision, None)

    @rule(target=sessions, parent=sessions, role=st.sampled_from(NAMES), seconds=st.sampled_from([900, 3_600, 3_601]))
    def chain(self, parent: Known, role: str, seconds: int) -> Any:
        return self.taken_on(parent, role, seconds)

    def taken_on(self, parent: Known, role: str, seconds: int) -> Any:
        """What a session gets that asks for a role."""
        decision = self.world.assume(ARNS[role], who=parent.credential, DurationSeconds=seconds)
        expected = self.model.issues(parent, parent.owner, self.role_ids[role], seconds, self.world.now)
        assert isinstance(decision.answer, Refusal) is not expected, decision.answer
        # 6: a role that a user's own session takes on goes on saying so, the next one does not.
        kept = parent.mfa_at if parent.fact.kind is SessionKind.USER else None
        return self.remember(decision, parent, kept)

    @rule(parent=sessions, role=st.sampled_from(NAMES))
    def change_what_goes_on(self, parent: Known, role: str) -> None:
        # 5: neither a tag that is passed on nor a source identity is replaced.
        if parent.fact.transitive_keys:
            tags = [{"Key": parent.fact.transitive_keys[0].upper(), "Value": "other"}]
            assert isinstance(self.world.assume(ARNS[role], who=parent.credential, Tags=tags).answer, Refusal)
        if parent.fact.source_identity:
            decision = self.world.assume(ARNS[role], who=parent.credential, SourceIdentity="other")
            assert isinstance(decision.answer, Refusal)

    @rule(target=sessions, user=st.sampled_from(["Ann", "Bob"]), federated=st.booleans())
    def own(self, user: str, federated: bool) -> Any:
        ask = self.world.get_federation_token if federated else self.world.get_session_token
        decision = ask(who=self.key(user), DurationSeconds=43_200)
        if self.users[user][1] in self.model.dead_keys:
            assert isinstance(decision.answer, Refusal)
        return self.remember(decision, None)

    @rule(parent=sessions, federated=st.booleans())
    def own_of_a_session(self, parent: Known, federated: bool) -> None:
        # 7: never with temporary credentials.
        ask = self.world.get_federation_token if federated else self.world.get_session_token
        assert isinstance(ask(who=parent.credential).answer, Refusal)

    # --- the second factor -------------------------------------------------------------------

    @rule(target=sessions, later=st.sampled_from([-1, 0, 1, 2]), role=st.sampled_from([None, *NAMES]))
    def show_a_code(self, later: int, role: str | None) -> Any:
        return self.shown(later, role)

    @rule(target=sessions, times=st.sampled_from([1, 4, 5]), pauses=st.lists(st.sampled_from([1, 2]), max_size=2))
    def guess(self, times: int, pauses: list[int]) -> Any:
        for _ in range(times):
            self.shown(None, None)
        for minutes in pauses:
            self.world.wait(minutes=minutes)
            self.shown(None, None)
        return self.shown(1, None)

    @rule(target=sessions, roles=st.permutations(NAMES))
    def go_on_with_a_code(self, roles: list[str]) -> Any:
        found: list[Known] = []
        newest = self.shown(1, None)
        for role in roles:
            if isinstance(newest, Known):
                found.append(newest)
                newest = self.taken_on(newest, role, 900)
        return multiple(*found, *([newest] if isinstance(newest, Known) else []))

    def shown(self, later: int | None, role: str | None) -> Any:
        """What Ann gets who shows a code so many steps later than the last, or a wrong one: a role, or her own."""
        code = None if later is None else self.model.accepted + later
        brought = {
            "SerialNumber": f"arn:aws:iam::{COMPANY}:mfa/{self.device}",
            "TokenCode": "123456",
            "gathered": Compared(self.device, code),
            "claimed": self.claimed,
        }
        who, now = self.key("Ann"), self.world.now
        if role is None:
            decision = self.world.get_session_token(who=who, **brought)
        else:
            decision = self.world.assume(ARNS[role], who=who, **brought)
        if who.access_key_id in self.model.dead_keys:
            assert isinstance(decision.answer, Refusal)
            return multiple()
        # 31, 32: each code once, ever, only later ones than the last, and none while the device is locked.
        right = self.model.takes(code, now)
        assert bool(decision.once) is right
        self.claimed |= set(decision.once)
        expected = right and (
            role is None or self.model.issues(None, self.users["Ann"][0], self.role_ids[role], 3_600, now)
        )
        assert isinstance(decision.answer, Refusal) is not expected, decision.answer
        return self.remember(decision, None, now if role is None else None)

    # --- taking away -----------------------------------------------------------------------

    @rule(session=sessions, descendants=st.booleans())
    def revoke_one(self, session: Known, descendants: bool) -> None:
        wanted = {"id": session.fact.access_key_id, "descendants": descendants}
        gathered = known(session.credential)
        decision = self.world.decide(revoke_session, wanted, who=BOSS, gathered=gathered)
        when = self.model.next()
        if isinstance(decision.answer, Refusal):
            assert session.fact.account != PRODUCTION
            return
        self.model.ended.add(session.fact.access_key_id)
        if descendants:
            self.model.by_ancestor.append((when, session.fact.access_key_id))

    @rule(role=st.sampled_from(NAMES))
    def revoke_role(self, role: str) -> None:
        decision = self.world.decide(revoke_role_sessions, {"name": role}, who=BOSS)
        role_id = self.role_ids[role]
        assert isinstance(decision.answer, Refusal) is (role_id is None)
        if role_id is not None:
            self.model.by_role.append((self.model.next(), role_id))

    @rule(user=st.sampled_from(["Ann", "Bob"]))
    def revoke_what_a_key_led_to(self, user: str) -> None:
        key = self.key(user)
        decision = self.world.decide(revoke_descendants, {"id": key.access_key_id}, who=key)
        if isinstance(decision.answer, Refusal):
            assert key.access_key_id in self.model.dead_keys or self.users[user][0] in self.model.powerless
            return
        self.model.by_ancestor.append((self.model.next(), key.access_key_id))

    @rule(user=st.sampled_from(["Ann", "Bob"]), active=st.booleans())
    def switch_key(self, user: str, active: bool) -> None:
        key = self.key(user).access_key_id
        status = principals.KeyStatus.ACTIVE if active else principals.KeyStatus.INACTIVE
        self.world.take(principals.AccessKeyStatusChanged(account=COMPANY, access_key_id=key, status=status))
        (self.model.dead_keys.discard if active else self.model.dead_keys.add)(key)

    @rule(name=st.sampled_from([*NAMES, "Ann", "Bob"]), document=st.sampled_from([ALL, DENY, READ]))
    def change_policy(self, name: str, document: str) -> None:
        holder = self.role_ids[name] if name in NAMES else self.users[name][0]
        if holder is not None:
            account = PRODUCTION if name in NAMES else COMPANY
            self.world.take(holders.InlinePolicyPut(account=account, holder=holder, name="all", document=document))
            (self.model.powerless.discard if document is ALL else self.model.powerless.add)(holder)

    @rule(role=st.sampled_from(NAMES))
    def delete_role(self, role: str) -> None:
        old = self.role_ids[role]
        if old is not None:
            self.world.take(roles.RoleDeleted(account=PRODUCTION, role_id=RoleId(old)))
            self.model.gone.add(old)
            self.role_ids[role] = None

    @rule(role=st.sampled_from(NAMES))
    def create_role(self, role: str) -> None:
        if self.role_ids[role] is not None:
            return
        self.made += 1
        self.role_ids[role] = new = RoleId(f"AROAAGAIN{self.made}")
        self.world.take(
            roles.RoleCreated(
                account=PRODUCTION,
                role_id=new,
                name=role,
                path="/team/" if role == "Deploy" else "/",
                trust=roles.Trust(trusting(COMPANY, PRODUCTION)),
                max_session_duration=43_200,
            ),
            holders.InlinePolicyPut(account=PRODUCTION, holder=new, name="all", document=ALL),
        )

    @rule(user=st.sampled_from(["Ann", "Bob"]))
    def recreate_user(self, user: str) -> None:
        old, key = self.users[user]
        self.made += 1
        new, new_key = UserId(f"AIDAAGAIN{self.made}"), AccessKeyId(f"AKIAAGAINAGAIN{self.made:0>4}")
        self.users[user] = (new, new_key)
        self.world.take(
            principals.AccessKeyDeleted(account=COMPANY, access_key_id=AccessKeyId(key)),
            principals.UserDeleted(account=COMPANY, user_id=old),
            principals.UserCreated(account=COMPANY, user_id=new, name=user, path="/"),
            principals.AccessKeyCreated(account=COMPANY, access_key_id=new_key, owner=new),
            holders.InlinePolicyPut(account=COMPANY, holder=new, name="all", document=ALL),
        )
        self.model.gone.add(old)
        self.model.dead_keys.add(key)
        if user == "Ann":
            self.enrol(new)

    @rule(role=st.sampled_from(NAMES), trusted=st.booleans())
    def change_trust(self, role: str, trusted: bool) -> None:
        role_id = self.role_ids[role]
        if role_id is not None:
            document = trusting(COMPANY, PRODUCTION) if trusted else trusting(PRODUCTION)
            self.world.take(retrust(RoleId(role_id), document))
            (self.model.closed.discard if trusted else self.model.closed.add)(role_id)

    @rule(holder=st.sampled_from(NAMES))
    def tag_role(self, holder: str) -> None:
        role_id = self.role_ids[holder]
        if role_id is not None:
            tags = (Tag("Team", holder),)
            self.world.take(holders.HolderTagged(account=PRODUCTION, holder=role_id, tags=tags))

    # --- time, and beginning again -----------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 14, 59, 120, 600, -5, -90]))
    def wait(self, minutes: int) -> None:
        self.world.wait(minutes=minutes)

    @rule()
    def start_again(self) -> None:
        self.world.state = from_canonical(canonical(self.world.state))

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def served_are_those_who_must_be(self) -> None:
        # 2, 3: nothing that was taken away is served, nothing else is refused.
        for session in self.model.sessions:
            caller = self.world.caller(session.credential)
            assert isinstance(caller, Caller) is self.model.lives(session, self.world.now), (session, caller)

    @invariant()
    def keys_of_the_dead_are_dead(self) -> None:
        for _, key in self.users.values():
            counts = isinstance(self.world.caller(Credential(AccessKeyId(key))), Caller)
            assert counts is (key not in self.model.dead_keys)
        gone = {session.fact.caller_access_key_id for session in self.model.sessions} - {
            key for _, key in self.users.values()
        }
        for key in gone:
            if key.startswith("AKIA"):
                assert isinstance(self.world.caller(Credential(key)), Refusal)

    @invariant()
    def a_session_says_no_second_factor_that_nobody_showed(self) -> None:
        # 6
        assert all(session.fact.mfa_at == session.mfa_at for session in self.model.sessions)


Sessions.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestSessions = Sessions.TestCase
