"""The account of the principals' tests, and what is asked about roles in it."""

from __future__ import annotations

import json

import msgspec

from authority.access.action import Action
from authority.access.caller import Credential
from authority.audit.answers import LastUse
from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Refusal
from authority.model import policies
from authority.model.state import evolve
from authority.roles import roles
from tests.permissions.asking import fits
from tests.principals import world as principals
from tests.principals.world import ACCOUNT, IAM, policy
from tests.wire.models import described


class World(principals.World):
    """A state that also takes in what others decided, and holds every answer against the service model."""

    used: LastUse | None = None
    """What the log says of the last use of every role."""

    def take(self, *facts) -> None:
        """Let *facts* become true."""
        self.state = evolve(self.state, facts, self.now)

    def asks(self, what: Action, *, who: Credential = principals.ANNS, gathered: object = None, **wanted: object):
        """The answer to one request, which has no member that the model does not know."""
        decision = self.decide(what, wanted, who=who, gathered=gathered)
        answer = decision.answer
        if decision.query is not None:
            answer = decision.query.shape(self.used)
        elif decision.then is not None:
            answer = decision.then(self.state)
        if not isinstance(answer, Refusal):
            shape = described("iam").operation_model(what.operation).output_shape
            said = msgspec.json.decode(msgspec.json.encode(answer))
            # What has nothing to say and may leave everything out says nothing.
            fits({} if said is None and shape is not None else said, shape)
        return answer


def trusting(principal: object, **more: object) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ANYBODY = trusting({"AWS": "*"})
LIMIT = f"{IAM}:policy/Limit"
LIMITED = policies.PolicyCreated(
    account=ACCOUNT,
    policy_id=PolicyId("ANPALIMIT"),
    name="Limit",
    path="/",
    document=policy({"Action": "s3:*", "Resource": "*"}),
)


def made(world: World, name: str = "App", **more):
    return world.asks(roles.create_role, **{"RoleName": name, "AssumeRolePolicyDocument": ANYBODY, **more})
