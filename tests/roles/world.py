"""The account of the principals' tests, and what is asked about roles in it."""

from __future__ import annotations

import json

from authority.model.state import evolve
from authority.roles import roles
from tests.principals import world as principals


class World(principals.World):
    """A state that also takes in what others decided."""

    def take(self, *facts) -> None:
        """Let *facts* become true."""
        self.state = evolve(self.state, facts, self.now)


def trusting(principal: object, **more: object) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ANYBODY = trusting({"AWS": "*"})


def made(world: World, name: str = "App", **more):
    return world.asks(roles.create_role, **{"RoleName": name, "AssumeRolePolicyDocument": ANYBODY, **more})
