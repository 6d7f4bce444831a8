"""Whatever happens in whatever order, sessions keep what was promised of them.

A naive model remembers every session and every act by the order in which they came, and says who must be served; after
each step the authority is held against it.  Numbers are those of the invariants of sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from authority.access.caller import Caller, Credential
from authority.kernel.ids import AccessKeyId, RoleId, UserId
from authority.kernel.refusal import Refusal
from authority.kernel.tags import Tag
from authority.model import holders, principals, roles
from authority.model.sessions import SessionIssued, SessionKind
from authority.model.state import canonical, from_canonical
from authority.sessions.revocation import revoke_descendants, revoke_role_sessions, revoke_session
from tests.sessions.test_revocation import known
from tests.sessions.world import ALL, ANN, BOB, COMPANY, PRODUCTION, World, held, issued, trusting

BOSS = Credential(AccessKeyId("AKIABOSSBOSSBOSS"))
NAMES = ("Deploy", "Audit")
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


@dataclass
class Model:
    """What happened, by the order in which it came."""

    order: int = 0
    sessions: list[Known] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    by_role: list[tuple[int, str]] = field(default_factory=list)
    by_ancestor: list[tuple[int, str]] = field(default_factory=list)

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
            and not any(owner == session.owner and session.order < when for when, owner in self.by_role)
            and not any(
                ancestor in session.fact.ancestors and session.order < when for when, ancestor in self.by_ancestor
            )
        )


class Sessions(RuleBasedStateMachine):
    """People take roles on, administrators take things away, clocks move, and the authority starts again."""

    sessions: Bundle[Known] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.model = Model()
        self.role_ids = {name: self.world.state.accounts[PRODUCTION].role_named(name).id for name in NAMES}  # type: ignore[union-attr]
        self.users = {"Ann": (ANN, "AKIAANNSOWNKEY01"), "Bob": (BOB, "AKIABOBSOWNKEY01")}
        self.made = 0

    @initialize()
    def begin(self) -> None:
        self.world.take(
            principals.UserCreated(account=PRODUCTION, user_id=UserId("AIDABOSS"), name="Boss", path="/"),
            principals.AccessKeyCreated(account=PRODUCTION, access_key_id=BOSS.access_key_id, owner=UserId("AIDABOSS")),
            holders.InlinePolicyPut(account=PRODUCTION, holder=UserId("AIDABOSS"), name="all", document=ALL),
            holders.InlinePolicyPut(account=COMPANY, holder=BOB, name="all", document=ALL),
        )

    def remember(self, decision: Any, parent: Known | None, who: str) -> Any:
        """Take a decision that may have issued a session into the model."""
        if isinstance(decision.answer, Refusal):
            return multiple()
        fact = issued(decision)
        owner = fact.role_id or fact.user_id
        session = Known(held(decision, self.world.position), fact, self.model.next(), parent, owner)
        # 1: never longer than was asked, than the role allows, than an hour in a chain.
        lasts = (fact.expires_at - fact.issued_at).total_seconds()
        chained = parent is not None and parent.fact.kind is SessionKind.ROLE
        assert lasts <= (3_600 if chained else 43_200)
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
        return self.remember(decision, None, user)

    @rule(target=sessions, parent=sessions, role=st.sampled_from(NAMES), seconds=st.sampled_from([900, 3_600, 3_601]))
    def chain(self, parent: Known, role: str, seconds: int) -> Any:
        decision = self.world.assume(ARNS[role], who=parent.credential, DurationSeconds=seconds)
        if not self.model.lives(parent, self.world.now):
            assert isinstance(decision.answer, Refusal)
        return self.remember(decision, parent, "")

    @rule(target=sessions, user=st.sampled_from(["Ann", "Bob"]), federated=st.booleans())
    def own(self, user: str, federated: bool) -> Any:
        ask = self.world.get_federation_token if federated else self.world.get_session_token
        return self.remember(ask(who=self.key(user), DurationSeconds=43_200), None, user)

    @rule(parent=sessions, federated=st.booleans())
    def own_of_a_session(self, parent: Known, federated: bool) -> None:
        # 7: never with temporary credentials.
        ask = self.world.get_federation_token if federated else self.world.get_session_token
        assert isinstance(ask(who=parent.credential).answer, Refusal)

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
        self.world.decide(revoke_role_sessions, {"name": role}, who=BOSS)
        self.model.by_role.append((self.model.next(), self.role_ids[role]))

    @rule(user=st.sampled_from(["Ann", "Bob"]))
    def revoke_what_a_key_led_to(self, user: str) -> None:
        key = self.key(user)
        self.world.decide(revoke_descendants, {"id": key.access_key_id}, who=key)
        self.model.by_ancestor.append((self.model.next(), key.access_key_id))

    @rule(role=st.sampled_from(NAMES))
    def recreate_role(self, role: str) -> None:
        old = self.role_ids[role]
        self.made += 1
        self.role_ids[role] = new = RoleId(f"AROAAGAIN{self.made}")
        self.world.take(
            roles.RoleDeleted(account=PRODUCTION, role_id=old),
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
        self.model.gone.add(old)

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

    @rule(role=st.sampled_from(NAMES), trusted=st.booleans())
    def retrust(self, role: str, trusted: bool) -> None:
        document = trusting(COMPANY, PRODUCTION) if trusted else trusting(PRODUCTION)
        self.world.take(
            roles.RoleTrustUpdated(account=PRODUCTION, role_id=RoleId(self.role_ids[role]), trust=roles.Trust(document))
        )

    @rule(holder=st.sampled_from(NAMES))
    def tag_role(self, holder: str) -> None:
        tags = (Tag("Team", holder),)
        self.world.take(holders.HolderTagged(account=PRODUCTION, holder=self.role_ids[holder], tags=tags))

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
        for user in self.users:
            assert isinstance(self.world.caller(self.key(user)), Caller)
        gone = {session.fact.caller_access_key_id for session in self.model.sessions} - {
            key for _, key in self.users.values()
        }
        for key in gone:
            if key.startswith("AKIA"):
                assert isinstance(self.world.caller(Credential(key)), Refusal)

    @invariant()
    def a_session_says_no_second_factor_that_nobody_showed(self) -> None:
        # 6
        assert all(session.fact.mfa_at is None for session in self.model.sessions)


Sessions.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSessions = Sessions.TestCase
