"""An organisation to ask questions in: an administrator of the management account, a clerk, and what they make."""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.parsers import create_parser

from authority.access.action import Action, Decision, Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, caller_of
from authority.accounts.founding import found
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, principals
from authority.model.account import Account
from authority.model.fact import Fact
from authority.model.state import EMPTY, State, evolve
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.sessions.test_assume_role import policy
from tests.wire.models import operation

MANAGEMENT, MEMBER = AccountId("999988887777"), AccountId("111122223333")
FOUNDED = found(
    MANAGEMENT, "Management", "admin", Facts(AT, b"founding"), settings=authority.Settings("1", ("us-east-1",))
)
ADMIN = Credential(FOUNDED.administrator.access_key_id)
CLERK, CLERKS = principals.UserId("AIDACLERK"), Credential(AccessKeyId("AKIACLERK"))
CLERK_IS_THERE = (
    principals.UserCreated(account=MANAGEMENT, user_id=CLERK, name="Clerk", path="/staff/"),
    principals.AccessKeyCreated(account=MANAGEMENT, access_key_id=CLERKS.access_key_id, owner=CLERK),
)


def may(action: Any, resource: Any = "*", **more: Any) -> Fact:
    """An inline policy that lets the clerk do something."""
    document = policy(Action=action, Resource=resource, **more)
    return holders.InlinePolicyPut(account=MANAGEMENT, holder=CLERK, name="may", document=document)


class World:
    """The authority as it is after what was done so far; answers are read back by the client's own parser."""

    def __init__(self, *facts: Fact, now: Any = AT) -> None:
        self.state: State = evolve(evolve(EMPTY, FOUNDED.facts, AT), facts, AT)
        self.now = now
        self._asked = 0

    def happen(self, *facts: Fact) -> None:
        self.state = evolve(self.state, facts, self.now)

    @property
    def account(self) -> Account:
        return self.state.accounts[MANAGEMENT]

    def decide(self, action: Action, credential: Credential = ADMIN, **wanted: Any) -> Decision:
        """Ask for *action* with its members as the wire names them; nothing becomes true."""
        caller = caller_of(self.state, credential, now=self.now, partition="aws")
        assert isinstance(caller, Caller), caller
        unknown = wanted.keys() - set(action.input.__struct_encode_fields__)
        assert not unknown, unknown
        given = msgspec.convert(wanted, action.input)
        self._asked += 1
        return action.decide(self.state, Call(caller, given, OFFICE), Facts(self.now, str(self._asked).encode()))

    def ask(self, action: Action, credential: Credential = ADMIN, found: Any = None, **wanted: Any) -> Any:
        """Ask, let it become true, and read the answer; *found* is what a projection answers to a query."""
        decision = self.decide(action, credential, **wanted)
        self.happen(*decision.facts)
        answer = decision.answer
        if decision.then is not None:
            answer = decision.then(self.state)
        elif decision.query is not None:
            answer = decision.query.shape(found)
        return answer if isinstance(answer, Refusal) or action.service == "authority" else read_back(action, answer)


def read_back(action: Action, answer: Any) -> dict[str, Any]:
    """What a client makes of *answer*."""
    model, ours = operation(action.service, action.operation)
    given = {} if answer is None else answer
    json = action.service == "organizations"
    body = ours.write_json(given) if json else ours.write_xml(given, "r1")
    parsed = create_parser("json" if json else "query").parse(
        {"status_code": 200, "headers": {}, "body": body}, model.output_shape
    )
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}


def reason(answer: Any) -> Reason | None:
    return answer.reason if isinstance(answer, Refusal) else None
