"""sts:AssumeRole - trade a caller's identity for a role's, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, Minted, action, refuse
from authority.access.applicable import trust_policy
from authority.access.call import Call
from authority.access.naming import role_by_arn
from authority.access.weighing import weigh
from authority.kernel.arn import parse
from authority.kernel.ids import TEMPORARY_KEY, AccessKeyId, RoleId
from authority.kernel.refusal import Reason
from authority.model.sessions import SessionIssued
from authority.model.state import State
from authority.policy.principal import PrincipalKind

CHAINED_LIMIT: Final = 3600
"""Seconds that a role assumed by a role session may last (IAM User Guide, role chaining)."""
DEFAULT_DURATION: Final = 3600


class AssumeRole(msgspec.Struct, frozen=True, rename="pascal"):
    """What a caller asks for."""

    role_arn: str
    role_session_name: str
    duration_seconds: int = DEFAULT_DURATION
    external_id: str = ""


class AssumedRoleUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Who the caller is now."""

    assumed_role_id: str
    arn: str


class AssumedRole(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: temporary credentials, and whose they are."""

    credentials: Mapping[str, object]
    assumed_role_user: AssumedRoleUser


@action("sts:AssumeRole", resource=None)
def assume_role(state: State, call: Call[AssumeRole], facts: Facts) -> Decision:
    """Issue a session of the role, or refuse as AWS does (STS API, AssumeRole).

    1. the ARN can be read, and the caller is no root;
    2. the role exists, its trust policy admits the caller, and so does the caller's own account where that counts;
       a role that does not exist is refused in the same words;
    3. the duration fits the role, and one hour when chained, and the chain is no deeper than the authority allows.
    """
    wanted, caller = call.input, call.caller
    if parse(wanted.role_arn) is None:
        return refuse(Reason.VALIDATION_ERROR, f"{wanted.role_arn} is invalid")
    if caller.principal.kind is PrincipalKind.ROOT:
        return refuse(Reason.ACCESS_DENIED, "Roles may not be assumed by root accounts.")

    conditions = {"sts:rolesessionname": wanted.role_session_name}
    if wanted.external_id:
        conditions["sts:externalid"] = wanted.external_id
    found = role_by_arn(state, wanted.role_arn)
    policies = () if found is None else (trust_policy(*found, call.partition),)
    if found is not None:
        conditions |= {f"aws:resourcetag/{tag.key.lower()}": tag.value for tag in found[1].tags}
        conditions |= {f"iam:resourcetag/{tag.key.lower()}": tag.value for tag in found[1].tags}
    weighed = weigh(
        state,
        call,
        facts.now,
        "sts:AssumeRole",
        wanted.role_arn,
        conditions=conditions,
        resource_policies=policies,
        trust=True,
    )
    if found is None or not weighed.verdict.allowed:
        # One wording for both, so that nobody learns which roles exist.
        refusal = (
            f"User: {caller.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {wanted.role_arn}"
        )
        return refuse(Reason.ACCESS_DENIED, refusal, weighed=(weighed,))

    account, role = found
    ancestors = (caller.access_key_id,) if caller.session is None else (*caller.session.ancestors, caller.access_key_id)
    if wanted.duration_seconds > role.max_session_duration:
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        return refuse(Reason.VALIDATION_ERROR, text, weighed=(weighed,))
    if caller.chained and wanted.duration_seconds > CHAINED_LIMIT:
        text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        return refuse(Reason.VALIDATION_ERROR, text, weighed=(weighed,))
    if state.settings is not None and len(ancestors) > state.settings.max_chain_depth:
        text = f"The chain of roles is deeper than {state.settings.max_chain_depth}, the most this authority allows."
        return refuse(Reason.VALIDATION_ERROR, text, weighed=(weighed,))

    key = state.newest_sealing_key()
    if key is None:
        return refuse(Reason.SERVICE_UNAVAILABLE, "There is no sealing key yet; try again.", weighed=(weighed,))
    session = SessionIssued(
        account=account.id,
        access_key_id=AccessKeyId(facts.new_id(TEMPORARY_KEY)),
        role_id=RoleId(role.id),
        role_name=role.name,
        role_path=role.path,
        session_name=wanted.role_session_name,
        issued_at=facts.now,
        expires_at=facts.now + timedelta(seconds=wanted.duration_seconds),
        caller_access_key_id=caller.access_key_id,
        caller_arn=caller.principal.arn,
        caller_principal_id=caller.principal.unique_id,
        ancestors=ancestors,
        root_principal=caller.principal.unique_id if caller.session is None else caller.session.root_principal,
        decided_from=facts.decided_from,
        sealing_key_id=key.id,
        source_identity="" if caller.session is None else caller.session.source_identity,
        external_id=wanted.external_id,
    )
    user = AssumedRoleUser(
        assumed_role_id=f"{role.id}:{session.session_name}",
        arn=f"arn:{call.partition}:sts::{account.id}:assumed-role/{role.name}/{session.session_name}",
    )
    return Decision(
        facts=(session,),
        answer=Minted(session, lambda credentials: AssumedRole(credentials, user)),
        weighed=(weighed,),
        subject=wanted.role_arn,
    )


class GetCallerIdentity(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class CallerIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """Who the caller is: unique id, account, ARN."""

    user_id: str
    account: str
    arn: str


@action("sts:GetCallerIdentity", resource=None)
def get_caller_identity(_state: State, call: Call[GetCallerIdentity], _facts: Facts) -> Decision:
    """Say who the caller is.  No policy can forbid it (STS API, GetCallerIdentity)."""
    principal, session = call.caller.principal, call.caller.session
    unique_id = principal.unique_id if session is None else f"{principal.unique_id}:{session.session_name}"
    answer: Any = CallerIdentity(unique_id, principal.account, principal.arn)
    return Decision(answer=answer, subject=principal.arn)
