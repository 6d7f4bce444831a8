"""Two accounts, people in one of them, roles in the other, and ways to ask STS for things."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec

from authority.access.action import Action, Decision, Facts, Minted
from authority.access.call import Call
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.access.mfa import Compared
from authority.access.vouched import STRANGER
from authority.access.weighing import weigh
from authority.federation.web_identity import AssumeRoleWithWebIdentity, WebIdentity, assume_role_with_web_identity
from authority.kernel.ids import AccessKeyId, AccountId, PolicyId, RoleId, SealingKeyId, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model import authority, holders, policies, principals, roles
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, State, evolve
from authority.sessions.assume_role import Brought, assume_role
from authority.sessions.federation_token import get_federation_token
from authority.sessions.session_token import get_session_token
from tests.access.test_action import OFFICE
from tests.model.test_state import AT

PRODUCTION, COMPANY = AccountId("111122223333"), AccountId("444455556666")
ANN, BOB = UserId("AIDAANN"), UserId("AIDABOB")
ANNS, BOBS, ROOTS = (
    Credential(AccessKeyId("AKIAANNSOWNKEY01")),
    Credential(AccessKeyId("AKIABOBSOWNKEY01")),
    Credential(AccessKeyId("AKIAROOTSOWNKEY1")),
)
DEPLOY, AUDIT = RoleId("AROADEPLOY"), RoleId("AROAAUDIT")
DEPLOY_ARN, AUDIT_ARN = f"arn:aws:iam::{PRODUCTION}:role/team/Deploy", f"arn:aws:iam::{PRODUCTION}:role/Audit"
BOOKS = f"arn:aws:iam::{PRODUCTION}:policy/Books"
COMPANYS_BOOKS = f"arn:aws:iam::{COMPANY}:policy/Books"


def policy(*statements: dict[str, Any]) -> str:
    """A document of statements that allow unless they say otherwise."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def trusting(*accounts: str, actions: Any = "sts:*", **more: Any) -> str:
    """A trust policy for everybody in these accounts."""
    return policy({"Principal": {"AWS": list(accounts)}, "Action": actions, **more})


READ = policy({"Action": "s3:GetObject", "Resource": "*"})
ALL = policy({"Action": "*", "Resource": "*"})
DENY = policy({"Effect": "Deny", "Action": "*", "Resource": "*"})
GIVEN = (
    authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), 4)),
    authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
    authority.AccountCreated(account=PRODUCTION, name="Production"),
    authority.AccountCreated(account=COMPANY, name="Company"),
    principals.AccessKeyCreated(account=COMPANY, access_key_id=ROOTS.access_key_id, owner=COMPANY),
    principals.UserCreated(account=COMPANY, user_id=ANN, name="Ann", path="/"),
    principals.AccessKeyCreated(account=COMPANY, access_key_id=ANNS.access_key_id, owner=ANN),
    holders.InlinePolicyPut(account=COMPANY, holder=ANN, name="all", document=ALL),
    principals.UserCreated(account=COMPANY, user_id=BOB, name="Bob", path="/"),
    principals.AccessKeyCreated(account=COMPANY, access_key_id=BOBS.access_key_id, owner=BOB),
    roles.RoleCreated(
        account=PRODUCTION,
        role_id=DEPLOY,
        name="Deploy",
        path="/team/",
        trust=roles.Trust(trusting(COMPANY, PRODUCTION)),
        max_session_duration=43_200,
    ),
    roles.RoleCreated(
        account=PRODUCTION,
        role_id=AUDIT,
        name="Audit",
        path="/",
        trust=roles.Trust(trusting(COMPANY, PRODUCTION)),
        max_session_duration=43_200,
    ),
    holders.InlinePolicyPut(account=PRODUCTION, holder=DEPLOY, name="all", document=ALL),
    holders.InlinePolicyPut(account=PRODUCTION, holder=AUDIT, name="all", document=ALL),
    policies.PolicyCreated(account=PRODUCTION, policy_id=PolicyId("ANPABOOKS"), name="Books", path="/", document=READ),
    policies.PolicyCreated(
        account=COMPANY, policy_id=PolicyId("ANPACOMPANYSBOOKS"), name="Books", path="/", document=READ
    ),
)


def may(holder: str, document: str, name: str = "all") -> holders.InlinePolicyPut:
    """Give *holder* this inline policy, in place of the one that allows everything."""
    account = COMPANY if holder in (ANN, BOB) else PRODUCTION
    return holders.InlinePolicyPut(account=account, holder=holder, name=name, document=document)


def retrust(role_id: RoleId, document: str) -> roles.RoleTrustUpdated:
    """Give a role another trust policy."""
    return roles.RoleTrustUpdated(account=PRODUCTION, role_id=role_id, trust=roles.Trust(document))


class World:
    """A state that remembers what its decisions made true, and counts positions as the log does."""

    def __init__(self, *facts: Any) -> None:
        self.state: State = evolve(EMPTY, GIVEN, AT)
        self.now: datetime = AT
        self.position = self.configured = 1
        self.take(*facts)

    def take(self, *facts: Any) -> None:
        """One entry of the log."""
        self.position += 1
        if any(fact.CONFIG for fact in facts):
            self.configured = self.position
        self.state = evolve(self.state, facts, self.now)

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def caller(self, who: Credential) -> Caller | Refusal:
        """Who that is now."""
        return caller_of(self.state, who, now=self.now, partition="aws")

    def decide(
        self, what: Action, wanted: Any, *, who: Credential = ANNS, gathered: Any = None, claimed: Any = frozenset()
    ) -> Decision:
        """Decide one request, and take what it makes true into account."""
        caller = self.caller(who)
        if isinstance(caller, Refusal):
            decision = Decision(answer=caller)
        else:
            given = wanted if isinstance(wanted, msgspec.Struct) else msgspec.convert(wanted, what.input)
            facts = Facts(self.now, self.position.to_bytes(4, "big"), self.configured, claimed)
            decision = what.decide(self.state, Call(caller, given, OFFICE, gathered), facts)
        self.take(*decision.facts)
        return decision

    def assume(self, arn: str = DEPLOY_ARN, *, who: Credential = ANNS, **more: Any) -> Decision:
        """Ask for a role."""
        how = {name: more.pop(name) for name in ("gathered", "claimed") if name in more}
        if isinstance(how.get("gathered"), Compared):
            how["gathered"] = Brought(how["gathered"])
        return self.decide(assume_role, {"RoleArn": arn, "RoleSessionName": "ann", **more}, who=who, **how)

    def get_session_token(self, *, who: Credential = ANNS, **more: Any) -> Decision:
        """Ask for a session of one's own."""
        how = {name: more.pop(name) for name in ("gathered", "claimed") if name in more}
        return self.decide(get_session_token, more, who=who, **how)

    def get_federation_token(self, *, who: Credential = ANNS, **more: Any) -> Decision:
        """Ask for a session for somebody else."""
        return self.decide(get_federation_token, {"Name": "guest", **more}, who=who)

    def vouched_for(self, who: WebIdentity, arn: str = DEPLOY_ARN) -> Decision:
        """Have somebody whom a provider vouches for ask for a role."""
        asked = AssumeRoleWithWebIdentity(arn, who.subject, "a token")
        facts = Facts(self.now, self.position.to_bytes(4, "big"), self.configured)
        decision = assume_role_with_web_identity.decide(self.state, Call(STRANGER, asked, OFFICE, who), facts)
        self.take(*decision.facts)
        return decision

    def allows(self, who: Credential, action: str, resource: str, **how: Any) -> bool:
        """Whether policies let *who* do that."""
        caller = self.caller(who)
        assert isinstance(caller, Caller), caller
        call: Call[Any] = Call(caller, None, OFFICE)
        return weigh(self.state, call, self.now, action, resource, **how).verdict.allowed


def issued(decision: Decision) -> SessionIssued:
    """The session that a decision issued."""
    assert not isinstance(decision.answer, Refusal), decision.answer
    (session,) = (fact for fact in decision.facts if isinstance(fact, SessionIssued))
    return session


def held(decision: Decision, position: int = 0) -> Credential:
    """What whoever received the session holds."""
    session = issued(decision)
    return Credential(session.access_key_id, SessionClaims.of(session, position))


def answer(decision: Decision) -> Any:
    """What is answered, with a token of a hundred characters."""
    assert isinstance(decision.answer, Minted), decision.answer
    return decision.answer.shape({"SessionToken": Secret(b"t" * 100)})


def refused(decision: Decision, reason: Reason, message: str | None = None) -> bool:
    """Whether it was refused for *reason*, in these words, and nobody received anything."""
    assert isinstance(decision.answer, Refusal), decision
    assert message is None or decision.answer.message == message, decision.answer.message
    assert not any(isinstance(fact, SessionIssued) for fact in decision.facts)
    assert decision.answer.reason is reason, decision.answer
    return True
