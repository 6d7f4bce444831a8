"""An account with an administrator, a delegate with the policy a test gives him, and ways to ask for things."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec

from authority.access.action import Action, Decision, Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.kernel.ids import AccessKeyId, AccountId, RoleId, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, principals, roles
from authority.model.sessions import SessionKind
from authority.model.state import EMPTY, State, evolve
from tests.access.test_action import OFFICE
from tests.model.test_state import AT

ACCOUNT = AccountId("111122223333")
ANN, DAN, OPERATOR = UserId("AIDAANN"), UserId("AIDADAN"), RoleId("AROAOPERATOR")
ANNS, DANS, ROOTS = (
    Credential(AccessKeyId("AKIAANN")),
    Credential(AccessKeyId("AKIADAN")),
    Credential(AccessKeyId("AKIAROOT")),
)
IAM = f"arn:aws:iam::{ACCOUNT}"


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


ALL = policy({"Action": "*", "Resource": "*"})
GIVEN = (
    authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",))),
    authority.AccountCreated(account=ACCOUNT, name="Company"),
    principals.AccessKeyCreated(account=ACCOUNT, access_key_id=ROOTS.access_key_id, owner=ACCOUNT),
    principals.UserCreated(account=ACCOUNT, user_id=ANN, name="Ann", path="/"),
    principals.AccessKeyCreated(account=ACCOUNT, access_key_id=ANNS.access_key_id, owner=ANN),
    holders.InlinePolicyPut(account=ACCOUNT, holder=ANN, name="all", document=ALL),
    principals.UserCreated(account=ACCOUNT, user_id=DAN, name="Dan", path="/"),
    principals.AccessKeyCreated(account=ACCOUNT, access_key_id=DANS.access_key_id, owner=DAN),
    roles.RoleCreated(account=ACCOUNT, role_id=OPERATOR, name="Operator", path="/", trust=roles.Trust("{}")),
    holders.InlinePolicyPut(account=ACCOUNT, holder=OPERATOR, name="all", document=ALL),
)
SESSIONS = Credential(
    AccessKeyId("ASIAOPERATOR"),
    SessionClaims(
        access_key_id=AccessKeyId("ASIAOPERATOR"),
        account=ACCOUNT,
        role_id=OPERATOR,
        session_name="ann",
        issued_at=AT,
        expires_at=AT + timedelta(days=1),
        ancestors=(ANNS.access_key_id,),
        root_principal=ANN,
    ),
)


def user_session(user: UserId, *, mfa: bool) -> Credential:
    """What GetSessionToken gives a user, with or without MFA."""
    key = AccessKeyId("ASIAUSER")
    claims = SessionClaims(
        access_key_id=key,
        account=ACCOUNT,
        role_id=RoleId(""),
        session_name="",
        issued_at=AT,
        expires_at=AT + timedelta(days=1),
        ancestors=(AccessKeyId(f"AKIA{user[4:]}"),),
        root_principal=user,
        mfa_at=AT if mfa else None,
        kind=SessionKind.USER,
        user_id=user,
    )
    return Credential(key, claims)


def dan_may(*statements: dict) -> holders.InlinePolicyPut:
    return holders.InlinePolicyPut(account=ACCOUNT, holder=DAN, name="may", document=policy(*statements))


class World:
    """A state that remembers what its decisions made true."""

    def __init__(self, *facts) -> None:
        self.state: State = evolve(evolve(EMPTY, GIVEN, AT), facts, AT)
        self.now = AT
        self.asked = 0

    def decide(self, what: Action, wanted: object, *, who: Credential = ANNS, gathered: object = None) -> Decision:
        """Decide one request, and take what it makes true into account."""
        self.asked += 1
        caller = caller_of(self.state, who, now=self.now, partition="aws")
        assert isinstance(caller, Caller), caller
        if isinstance(wanted, dict):
            assert wanted.keys() <= set(what.input.__struct_encode_fields__)
            wanted = msgspec.convert(wanted, what.input)
        call = Call(caller, wanted, OFFICE, gathered)
        decision = what.decide(self.state, call, Facts(self.now, self.asked.to_bytes(4, "big")))
        self.state = self.after(decision.facts)
        return decision

    def after(self, facts) -> State:
        """The state once *facts* became true now."""
        return evolve(self.state, facts, self.now)

    def asks(self, what: Action, *, who: Credential = ANNS, gathered: object = None, **wanted: object):
        """The answer to one request, whose parameters have the names of the wire."""
        decision = self.decide(what, wanted, who=who, gathered=gathered)
        return decision.answer if decision.then is None else decision.then(self.state)

    @property
    def account(self):
        """The account as it is now."""
        return self.state.accounts[ACCOUNT]


def refused(answer: object, reason: Reason, message: str | None = None) -> bool:
    """Whether *answer* is a refusal for *reason*, in these words."""
    assert isinstance(answer, Refusal), answer
    assert message is None or answer.message == message, answer.message
    return answer.reason is reason
