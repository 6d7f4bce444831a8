"""authority:Evaluate - say whether the client of a resource server may do what it asked of it.

The resource server proves who it is by signing its question; its client, by the signature that is passed on.  A no is
an answer like a yes.  A question that the resource server may not put, or that cannot be understood, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call, Origin
from authority.access.caller import caller_of
from authority.access.context import TYPES
from authority.access.naming import own_arn
from authority.access.weighing import Weighed, refusal_of, weigh
from authority.kernel.arn import parse, partition_of
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State
from authority.policy import combine
from authority.policy.compiled import Layer
from authority.policy.principal import Principal, PrincipalKind
from authority.resources.authzen import (
    Because,
    Evaluate,
    EvaluateAll,
    Evaluation,
    Evaluations,
    JudgedPrincipal,
    questions_of,
)
from authority.resources.delegation import Judged, Presented, presented
from authority.resources.stated import resource_policy, stated_context
from authority.wire.errors import SPELLINGS

STRANGER: Final = Principal(PrincipalKind.ANONYMOUS, "", "", "")
"""Whoever did not prove to be anybody; no policy is asked about it."""
GRANTING: Final[Mapping[Layer, str]] = {
    "identity": "an identity-based policy",
    "resource": "a resource-based policy",
}
STOPPING: Final = {"deny_on_first_deny": False, "permit_on_first_permit": True}


def evaluation_arn(call: Call[Any], service: str) -> str:
    """What the permission to ask is given on: all decisions about one service's requests."""
    return own_arn(call, f"evaluation/{service}")


def service_of(question: Evaluate) -> str:
    """The service that the question is about."""
    return question.action.name.partition(":")[0]


@action("authority:Evaluate", resource=lambda _, call: evaluation_arn(call, service_of(call.input)))
def evaluate(state: State, call: Call[Evaluate], facts: Facts) -> Decision:
    """Answer one question (OpenID AuthZEN Authorization API 1.0, Access Evaluation API)."""
    (proof,) = _gathered(call, 1)
    answered = judge(state, call, facts, call.input, proof, authorization_id=call.origin.request_id)
    if isinstance(answered, Refusal):
        return Decision(answer=answered)
    weighed, answer = answered
    return Decision(answer=answer, weighed=(weighed,), subject=call.input.resource.id)


@action("authority:BatchEvaluate", resource=None)
def batch_evaluate(state: State, call: Call[EvaluateAll], facts: Facts) -> Decision:
    """Answer several questions (Access Evaluations API).  Each needs the permission to ask it alone."""
    questions = questions_of(call.input)
    if isinstance(questions, Refusal):
        return Decision(answer=questions)
    weighed: list[Weighed] = []
    for service in sorted({service_of(question) for question in questions}):
        asking = weigh(state, call, facts.now, "authority:Evaluate", evaluation_arn(call, service))
        weighed.append(asking)
        if not asking.verdict.allowed:
            refusal = refusal_of(asking)
            return refuse(refusal.reason, refusal.message, weighed=tuple(weighed))

    answers: list[Evaluation] = []
    stop = STOPPING.get(call.input.options.evaluations_semantic)
    for index, (question, proof) in enumerate(zip(questions, _gathered(call, len(questions)), strict=True)):
        answered = judge(state, call, facts, question, proof, authorization_id=f"{call.origin.request_id}.{index}")
        if isinstance(answered, Refusal):
            return refuse(answered.reason, f"The evaluation {index}: {answered.message}", weighed=tuple(weighed))
        weighed.append(answered[0])
        answers.append(answered[1])
        if answered[1].decision is stop:
            break
    answer = Evaluations(tuple(answers)) if call.input.evaluations else answers[0]
    return Decision(answer=answer, weighed=tuple(weighed), subject=questions[0].resource.id)


def judge(
    state: State, call: Call[Any], facts: Facts, question: Evaluate, proof: Judged | Refusal, *, authorization_id: str
) -> tuple[Weighed, Evaluation] | Refusal:
    """Decide one question for the resource server that *call* comes from; or say why it may not be put.

    1. a resource server speaks for what its own account owns, and for nothing else;
    2. it states what it alone can know;
    3. the client's signature is right, and for a request to this service, in this region;
    4. what the client signed with counts, at this point of the log;
    5. the client may do it.
    """
    asker = call.caller.account
    resource = parse(question.resource.id)
    if resource is None and question.resource.id != "*":
        return Refusal(Reason.VALIDATION_ERROR, "The resource must be an ARN, or * for an action that takes none.")
    if resource is not None and resource.account not in ("", asker):
        text = f"A resource server of {asker} cannot speak for the resource {question.resource.id}."
        return Refusal(Reason.ACCESS_DENIED, text)

    asserted = stated_context(question)
    if isinstance(asserted, Refusal):
        return asserted
    policies = resource_policy(state, question, call.partition if resource is None else resource.partition)
    if isinstance(policies, Refusal):
        return policies

    shown = presented(question)
    if isinstance(shown, Refusal):
        return _unproven(question, asker, shown, authorization_id)
    if isinstance(proof, Refusal):
        return _unproven(question, asker, proof, authorization_id)
    if proof.credential.access_key_id != shown.access_key_id:
        raise TypeError("what was gathered is another signature's")
    partition = partition_of(shown.region)
    if resource is not None and (resource.partition != partition or resource.region not in ("", shown.region)):
        elsewhere = Refusal(Reason.SIGNATURE_DOES_NOT_MATCH, "Credential should be scoped to a valid region.")
        return _unproven(question, asker, elsewhere, authorization_id)

    caller = caller_of(state, proof.credential, now=facts.now, partition=partition)
    if isinstance(caller, Refusal):
        return _unproven(question, asker, caller, authorization_id)

    weighed = weigh(
        state,
        Call(caller, None, _origin(call, shown, partition)),
        facts.now,
        question.action.name,
        question.resource.id,
        owner=asker,
        resource_policies=policies,
        asserted=asserted,
    )
    principal = JudgedPrincipal(
        arn=caller.principal.arn,
        id=str(weighed.question.context["aws:userid"]),
        account=caller.account,
        type=TYPES[caller.principal.kind],
    )
    if weighed.verdict.allowed:
        return weighed, Evaluation(True, Because(_why(weighed), authorization_id, principal))
    refusal = refusal_of(weighed)
    code = SPELLINGS[refusal.reason].code
    return weighed, Evaluation(False, Because(refusal.message, authorization_id, principal, code))


def _gathered(call: Call[Any], count: int) -> tuple[Judged | Refusal, ...]:
    """What became of the proofs.  Without them nothing may be answered."""
    gathered = call.gathered
    if not isinstance(gathered, tuple) or len(gathered) != count:
        raise TypeError("a question is decided once its proofs were verified, each of them")
    return gathered


def _origin(call: Call[Any], shown: Presented, partition: str) -> Origin:
    # Where the client's own request came from is not ours to know: the resource server states it, or nobody does.
    return Origin(
        request_id=call.origin.request_id,
        source_address="",
        user_agent="",
        secure=False,
        region=shown.region,
        partition=partition,
    )


def _unproven(question: Evaluate, owner: str, refusal: Refusal, authorization_id: str) -> tuple[Weighed, Evaluation]:
    """No: nobody was proven.  Even what a resource grants to everybody is not for who signs wrongly."""
    asked = combine.Question(
        principal=STRANGER,
        action=question.action.name,
        resource=question.resource.id,
        resource_account=owner,
        context={},
    )
    weighed = Weighed(
        asked,
        combine.weigh(asked),
        judged=question.subject.properties.access_key_id,
        unproven=refusal.reason,
    )
    reason = (
        f"Nobody is authorized to perform: {asked.action} on resource: {asked.resource} because the signature that was "
        f"passed on does not count: {refusal.message}"
    )
    return weighed, Evaluation(False, Because(reason, authorization_id, code=SPELLINGS[refusal.reason].code))


def _why(weighed: Weighed) -> str:
    """What allowed it, by kind: the names of the client's policies are not the resource server's business."""
    question = weighed.question
    layers = dict.fromkeys(matched.layer for matched in weighed.verdict.determined_by)
    words = [GRANTING[layer] for layer in layers if layer in GRANTING]
    because = f"{' and '.join(words)} allows it" if words else "the root of an account may do everything in it"
    return (
        f"{question.principal.arn} is authorized to perform: {question.action} on resource: {question.resource} "
        f"because {because}"
    )
