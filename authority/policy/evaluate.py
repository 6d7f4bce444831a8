"""One set of policies against one question: which statements apply, and how they name the caller.

Refuses to know what follows from that; `combine` does.
"""

from __future__ import annotations

from typing import Final

from authority.policy.choosing import gathered
from authority.policy.compiled import Matched, Policy, Reach, Rule
from authority.policy.principal import Grant, Principal
from authority.policy.variables import Context
from authority.policy.whom import Whom

# Looking up a member of an enumeration costs more than testing a condition.
_NONE: Final = Grant.NONE
_DIRECT: Final = Grant.DIRECT


class Inquiry:
    """A question on its way through the layers: what is asked, what denied it so far, which keys were missed."""

    __slots__ = ("action", "bounded", "context", "denials", "missing", "principal", "resource")

    def __init__(self, principal: Principal, action: str, resource: str, context: Context, *, bounded: bool) -> None:
        """Ask for *action*, in lower case, on *resource*; *bounded* says that the caller has a boundary."""
        self.principal = principal
        self.action = action
        self.resource = resource
        self.context = context
        self.bounded = bounded
        self.denials: list[Matched] = []
        self.missing: dict[str, None] = {}

    def granted_by(self, policies: tuple[Policy, ...]) -> tuple[list[Matched], Grant]:
        """The Allow statements that apply, and the most direct way in which one of them names the caller.

        Deny statements that apply join `denials`.  Every statement is asked, so that the record names all of them.
        """
        allowed: list[Matched] = []
        best = _NONE
        context, asked = self.context, None
        for _, rule in gathered(policies).about(self.action).near(self.resource):
            if rule is asked:
                continue
            asked = rule
            grant = _DIRECT if rule.whom is None else self._named(rule, rule.whom)
            if grant is _NONE or not (rule.reach is None or self._reaches(rule, rule.reach)):
                continue
            for key in rule.keys:
                if key not in context:
                    self.missing[key] = None
            for test in rule.tests:
                if not test(context):
                    break
            else:
                if not rule.allows:
                    self.denials.append(rule.matched)
                    continue
                allowed.append(rule.matched)
                if grant > best:  # noqa: PLR1730 - `max` costs more than the rest of the loop
                    best = grant
        return allowed, best

    def _reaches(self, rule: Rule, reach: Reach) -> bool:
        for key in rule.reach_keys:
            if key not in self.context:
                self.missing[key] = None
        return reach(self.resource, self.context)

    def _named(self, rule: Rule, whom: Whom) -> Grant:
        """How a statement with a Principal or NotPrincipal takes in the caller."""
        if not rule.negated_whom:
            return whom.grant(self.principal)
        if rule.allows:
            return _NONE if whom.grant(self.principal) is not _NONE else _DIRECT
        # A boundary undoes the exception (AWS JSON policy elements: NotPrincipal).
        return _NONE if whom.spares(self.principal) and not self.bounded else _DIRECT
