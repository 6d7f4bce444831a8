"""Which condition keys policies read, so that a simulation can be told them (IAM API, GetContextKeysFor-)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from authority.access.action import Answer, Decision, Facts, action
from authority.access.applicable import holders_policies
from authority.access.call import Call
from authority.access.naming import account_of
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State
from authority.permissions.identities import identity_named, worn_by
from authority.policy.document import Document, Kind, parse


class GetContextKeysForCustomPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """Policies as texts, a resource's among them if need be."""

    policy_input_list: tuple[str, ...]


class GetContextKeysForPrincipalPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """Somebody who has policies, and policies to add."""

    policy_source_arn: str
    policy_input_list: tuple[str, ...] = ()


class ContextKeys(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: each key once, as it is first spelled."""

    context_key_names: tuple[str, ...]


@action("iam:GetContextKeysForCustomPolicy", resource=lambda _state, _call: "*")
def get_context_keys_for_custom_policy(
    _state: State, call: Call[GetContextKeysForCustomPolicy], _facts: Facts
) -> Decision:
    """List the keys that policies given as texts read, in conditions and variables."""

    def then(_: State) -> Answer:
        documents = _documents(call.input.policy_input_list)
        return documents if isinstance(documents, Refusal) else _keys(documents)

    return Decision(then=then)


@action(
    "iam:GetContextKeysForPrincipalPolicy",
    resource=lambda _, call: call.input.policy_source_arn,
    conditions=worn_by(lambda asked: asked.policy_source_arn),
)
def get_context_keys_for_principal_policy(
    state: State, call: Call[GetContextKeysForPrincipalPolicy], _facts: Facts
) -> Decision:
    """List the keys that the policies of a user, group or role read, a user's groups included."""
    asked, account_id = call.input, account_of(state, call).id
    holder = identity_named(account_of(state, call), asked.policy_source_arn, call.partition)
    if isinstance(holder, Refusal):
        return Decision(answer=holder)

    def then(later: State) -> Answer:
        account = later.accounts[account_id]
        now = identity_named(account, asked.policy_source_arn, call.partition)
        if isinstance(now, Refusal):
            return now
        added = _documents(asked.policy_input_list)
        if isinstance(added, Refusal):
            return added
        held = holders_policies(later, account, now, call.partition)
        return _keys([*(policy.document for policy in held), *added])

    return Decision(then=then)


def _documents(texts: Iterable[str]) -> list[Document] | Refusal:
    found: list[Document] = []
    for number, text in enumerate(texts, 1):
        document = parse(text, Kind.IDENTITY)
        if isinstance(document, Refusal):
            as_resource = parse(text, Kind.RESOURCE)
            if isinstance(as_resource, Refusal):
                message = f"The policy policyInputList.{number} is not valid: {document.message}"
                return Refusal(Reason.INVALID_INPUT, message)
            document = as_resource
        found.append(document)
    return found


def _keys(documents: Iterable[Document]) -> ContextKeys:
    spelled: dict[str, str] = {}
    for document in documents:
        for key in document.context_keys:
            spelled.setdefault(folded(key), key)
    return ContextKeys(tuple(spelled.values()))
