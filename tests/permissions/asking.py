"""A small account to ask questions in: Mia administers, Ben may do what a test gives him."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from authority.access.action import Action, Decision, Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, caller_of
from authority.kernel.ids import AccessKeyId, AccountId, GroupId, RoleId, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model import authority, holders, principals, roles
from authority.model.fact import Fact
from authority.model.state import EMPTY, State, evolve
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.wire.models import described

HOME, ELSEWHERE = AccountId("111122223333"), AccountId("444455556666")
MIA, BEN, TEAM, APP = UserId("AIDAMIA"), UserId("AIDABEN"), GroupId("AGPATEAM"), RoleId("AROAAPP")
ROOT = f"arn:aws:iam::{HOME}:"


def document(effect: str = "Allow", action: Any = "sqs:ListQueues", resource: Any = "*", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def sized(size: int) -> str:
    """A document of *size* characters without white space, and with a good deal of it."""
    empty = document(Sid="").replace(" ", "").replace(",", ",    \n")
    bare = len("".join(empty.split()))
    return empty.replace('"Sid":""', f'"Sid":"{"s" * (size - bare)}"')


def may(holder: str, action: Any = "*", resource: Any = "*", *, name: str = "may", **more: Any) -> Fact:
    """An inline policy that lets a holder do something."""
    return holders.InlinePolicyPut(
        account=HOME, holder=holder, name=name, document=document("Allow", action, resource, **more)
    )


GIVEN: Sequence[Fact] = (
    authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",))),
    authority.AccountCreated(account=HOME, name="Home"),
    authority.AccountCreated(account=ELSEWHERE, name="Elsewhere"),
    principals.UserCreated(account=HOME, user_id=MIA, name="Mia", path="/", tags=(Tag("Team", "a"),)),
    principals.UserCreated(account=HOME, user_id=BEN, name="Ben", path="/staff/"),
    principals.GroupCreated(account=HOME, group_id=TEAM, name="Team", path="/"),
    roles.RoleCreated(account=HOME, role_id=APP, name="App", path="/team/", trust=roles.Trust("{}")),
    principals.AccessKeyCreated(account=HOME, access_key_id=AccessKeyId("AKIAMIA"), owner=MIA),
    principals.AccessKeyCreated(account=HOME, access_key_id=AccessKeyId("AKIABEN"), owner=BEN),
    may(MIA, name="everything"),
)


class World:
    """The account as it is after what was done so far."""

    def __init__(self, *facts: Fact) -> None:
        self.state: State = evolve(evolve(EMPTY, GIVEN, AT), facts, AT)
        self._asked = 0

    def decide(self, action: Action, key: str = "AKIAMIA", **wanted: Any) -> Decision:
        """Ask for *action* with the members of its input as the wire names them; nothing becomes true."""
        caller = caller_of(self.state, Credential(AccessKeyId(key)), now=AT, partition="aws")
        assert isinstance(caller, Caller)
        given = msgspec.convert(wanted, action.input)
        unknown = wanted.keys() - set(action.input.__struct_encode_fields__)
        assert not unknown, unknown
        self._asked += 1
        return action.decide(self.state, Call(caller, given, OFFICE), Facts(AT, str(self._asked).encode()))

    def ask(self, action: Action, key: str = "AKIAMIA", **wanted: Any) -> Any:
        """Ask, let what was decided become true, and say what was answered; a listing sees the new state."""
        decision = self.decide(action, key, **wanted)
        self.state = evolve(self.state, decision.facts, AT)
        answer = decision.answer if decision.then is None else decision.then(self.state)
        assert not (isinstance(answer, Refusal) and decision.facts)
        if isinstance(answer, Refusal):
            return answer
        said = msgspec.json.decode(msgspec.json.encode(answer))
        fits(said, described("iam").operation_model(action.operation).output_shape)
        return said

    def as_ben(self, action: Action, **wanted: Any) -> Any:
        """Ask as Ben."""
        return self.ask(action, "AKIABEN", **wanted)


def fits(said: Any, shape: Any) -> None:
    """Hold what is answered against the model: no member that it does not know, none missing that it demands."""
    if shape is None:
        assert said is None
    elif shape.type_name == "structure":
        assert said.keys() <= shape.members.keys()
        assert {name for name, value in said.items() if value is not None} >= set(shape.required_members)
        for name, value in said.items():
            if value is not None:
                fits(value, shape.members[name])
    elif shape.type_name == "list":
        for value in said:
            fits(value, shape.member)


def refused(reason: Reason, message: str) -> Refusal:
    return Refusal(reason, message)


def denied(answer: Any) -> bool:
    return isinstance(answer, Refusal) and answer.reason is Reason.ACCESS_DENIED
