"""One question put to the policy engine about a caller, and the refusal that a no becomes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from authority.access.applicable import boundary_policies, identity_policies, session_policies
from authority.access.beside import Beside
from authority.access.call import Call
from authority.access.caller import Caller
from authority.access.context import Context, lasting, passing, seen
from authority.access.organized import organized
from authority.kernel import arn as arns
from authority.kernel.ids import AccessKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model.event import DecisionRecord
from authority.model.policies import CATALOGUE
from authority.model.state import State
from authority.policy import combine
from authority.policy.compiled import Policy

NOTHING_MORE: Final[Context] = {}
"""No condition keys but those that every request has."""


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """A verdict with the question it answers.

    Where a resource server asked, `judged` is the access key of the caller it asked about, `asserted` are the context
    keys that only it vouches for, and `unproven` says why that caller's signature did not count.
    """

    question: combine.Question
    verdict: combine.Verdict
    judged: str = ""
    asserted: tuple[str, ...] = ()
    unproven: str = ""

    def record(self) -> DecisionRecord:
        """What the log says of it."""
        question, verdict = self.question, self.verdict
        context = question.context
        return DecisionRecord(
            principal=question.principal.arn,
            action=question.action,
            resource=question.resource,
            resource_account=question.resource_account,
            effect=verdict.effect,
            context=context if isinstance(context, dict) else dict(context),
            determined_by=verdict.determined_by,
            missing=verdict.missing,
            judged=self.judged,
            asserted=self.asserted,
            unproven=self.unproven,
        )

    def in_brief(self) -> Weighed:
        """What was asked and what it came to, without all that was known and without what determined it."""
        return msgspec.structs.replace(
            self,
            question=msgspec.structs.replace(self.question, context=NOTHING_MORE),
            verdict=msgspec.structs.replace(self.verdict, determined_by=(), missing=()),
            asserted=(),
        )


class Standing(msgspec.Struct, frozen=True):
    """What a caller brings to every question that is put about him: his policies, and the condition keys that stay."""

    caller: Caller
    identity: tuple[Policy, ...]
    boundary: tuple[Policy, ...] | None
    session: tuple[Policy, ...] | None
    context: Context


_STANDINGS: Final[Beside[AccessKeyId, Standing]] = Beside()


def standing_of(state: State, caller: Caller) -> Standing:
    """What *caller* brings, as *state* has it."""
    known = _STANDINGS.of(state)
    found = known.get(caller.access_key_id)
    if found is None or found.caller is not caller:
        found = known[caller.access_key_id] = Standing(
            caller,
            identity_policies(state, caller),
            boundary_policies(state, caller),
            session_policies(state, caller),
            lasting(caller),
        )
    return found


def weigh(
    state: State,
    call: Call[Any],
    now: datetime,
    action: str,
    resource: str,
    *,
    conditions: Context = NOTHING_MORE,
    owner: str = "",
    resource_policies: tuple[Policy, ...] = (),
    trust: bool = False,
    asserted: Context | None = None,
    also: tuple[Policy, ...] = (),
) -> Weighed:
    """Ask whether the caller may do *action* on *resource*, which is *owner*'s, else the account's in its ARN.

    *asserted* is what a resource server says of a request that was sent to it and not to us.  It takes the place of
    what we saw of our own request, and never that of anything proven.  *also* are policies that everybody in the
    caller's account has beside those of his own.
    """
    caller, standing = call.caller, standing_of(state, call.caller)
    lasts, passes = standing.context, passing(caller, call.origin.region, now)
    if asserted is not None:
        asserted = {key: value for key, value in asserted.items() if key not in lasts and key not in passes}
    parsed = arns.parse(resource)
    # What belongs to all accounts is asked about as if it were the caller's: no other account has a say in it.
    named = parsed.account if parsed is not None and parsed.account != CATALOGUE else ""
    resource_account = owner or named or caller.account
    context = {
        **(seen(call.origin) if asserted is None else asserted),
        **lasts,
        **passes,
        **conditions,
        "aws:resourceaccount": resource_account,
        **organized(state, caller.principal, resource_account),
    }
    question = combine.Question(
        principal=caller.principal,
        action=action,
        resource=resource,
        resource_account=resource_account,
        context=context,
        identity=standing.identity + also,
        boundary=standing.boundary,
        session=standing.session,
        resource_policies=resource_policies,
        trust=trust,
    )
    verdict = combine.weigh(question)
    if asserted is None:
        return Weighed(question, verdict)
    return Weighed(question, verdict, judged=caller.access_key_id, asserted=tuple(sorted(asserted)))


def refusal_of(weighed: Weighed) -> Refusal:
    """The refusal that a no becomes, in AWS's words."""
    question = weighed.question
    because = combine.because(weighed.verdict, question.action)
    message = (
        f"User: {question.principal.arn} is not authorized to perform: {question.action} on resource: "
        f"{question.resource}"
    )
    return Refusal(Reason.ACCESS_DENIED, f"{message} {because}".rstrip())
