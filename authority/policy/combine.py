"""From what each layer says to one answer (IAM User Guide, Policy evaluation logic; Cross-account policy evaluation).

    1. any Deny that applies, in any layer, is the end;
    2. each level of service and resource control policies must allow, but those never limit a service-linked role;
    3. root is limited by nothing else;
    4. services, strangers and those a provider vouches for need the resource's own policy;
    5. another account's resource: its policy, and everything in the caller's account;
    6. one's own: a direct grant of the resource is enough; naming the role leaves boundary and session policies to
       limit it; otherwise identity, boundary and session policies must all allow;
    7. a role and a key of KMS must name the account, too, before its own policies count, and before its root does.

sts:GetCallerIdentity needs no permission, so nobody should ask about it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.policy.compiled import Layer, Matched, Policy
from authority.policy.evaluate import Inquiry
from authority.policy.principal import Grant, Principal, PrincipalKind
from authority.policy.variables import Context

__all__ = ["Check", "Effect", "Matched", "Question", "Verdict", "because", "weigh"]


class Effect(enum.StrEnum):
    """What a decision comes to, in the words of IAM's simulator."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


class Question(msgspec.Struct, frozen=True, gc=False):
    """Whether *principal* may do *action* on *resource*.

    `boundary` and `session` are None where there is no such layer, and then do not limit; an empty tuple is a layer
    that allows nothing.  `resource_account` owns the resource; what takes no resource belongs to the caller's account
    and is asked as `*`.  `trust` says that the resource policies are a role's trust policy, which must name the
    caller whatever its account allows.  Control policies come level by level, root first.
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str
    context: Context
    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    resource_policies: tuple[Policy, ...] = ()
    trust: bool = False
    scps: tuple[tuple[Policy, ...], ...] = ()
    rcps: tuple[tuple[Policy, ...], ...] = ()


class Check(msgspec.Struct, frozen=True, gc=False):
    """What one layer says on its own."""

    layer: Layer
    result: Effect


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The answer, the statements that determined it, and what each layer said.

    `missing` are the condition keys that were read and not there.  `silent` is the layer that should have allowed
    and did not, when nothing denied.
    """

    effect: Effect
    determined_by: tuple[Matched, ...]
    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
    silent: Layer | None = None

    @property
    def allowed(self) -> bool:
        """Whether the answer is yes."""
        return self.effect is _ALLOWED

    def __bool__(self) -> NoReturn:
        """Refuse: `if verdict:` would always be true."""
        raise TypeError("test verdict.allowed, never the verdict itself")


# Looking up a member of an enumeration costs more than testing a name.
_ALLOWED: Final = Effect.ALLOWED
_EXPLICIT_DENY: Final = Effect.EXPLICIT_DENY
_IMPLICIT_DENY: Final = Effect.IMPLICIT_DENY
_NONE: Final = Grant.NONE
_ROLE: Final = Grant.ROLE
_DIRECT: Final = Grant.DIRECT
_FEDERATED_USER: Final = PrincipalKind.FEDERATED_USER
_ROOT: Final = PrincipalKind.ROOT
_OUTSIDERS: Final = frozenset(
    {PrincipalKind.SERVICE, PrincipalKind.SAML, PrincipalKind.WEB_IDENTITY, PrincipalKind.ANONYMOUS}
)
_SERVICE_LINKED: Final = "role/aws-service-role/"
_WORDS: Final[Mapping[Layer, str]] = {
    "identity": "an identity-based policy",
    "boundary": "a permissions boundary",
    "session": "a session policy",
    "resource": "a resource-based policy",
    "trust": "the role trust policy",
    "scp": "a service control policy",
    "rcp": "a resource control policy",
}
_CHECKS: Final[Mapping[Layer, tuple[Check, Check, Check]]] = {
    layer: (
        Check(layer, _EXPLICIT_DENY),
        Check(layer, _ALLOWED),
        Check(layer, _IMPLICIT_DENY),
    )
    for layer in _WORDS
}
_Said: TypeAlias = tuple[Layer, list[Matched]]


class _Hearing(Inquiry):
    """One question before all layers; keeps what each says, in the order of asking."""

    __slots__ = ("checks",)
    checks: list[Check]

    def hear(self, layer: Layer, policies: tuple[Policy, ...]) -> tuple[list[Matched], Grant]:
        """Ask one layer: its Allow statements, and how the most direct of them names the caller."""
        denied_before = len(self.denials)
        allowed, grant = self.granted_by(policies)
        denies, allows, silent = _CHECKS[layer]
        denied = len(self.denials) > denied_before
        self.checks.append(denies if denied else allows if allowed else silent)
        return allowed, grant

    def hear_levels(self, layer: Layer, levels: Sequence[tuple[Policy, ...]]) -> list[_Said]:
        """Ask every level of control policies."""
        return [(layer, self.hear(layer, level)[0]) for level in levels]

    def close(self, effect: Effect, determined_by: Sequence[Matched], silent: Layer | None = None) -> Verdict:
        """Say what it came to."""
        return Verdict(effect, tuple(determined_by), tuple(self.checks), tuple(self.missing), silent)


def weigh(question: Question) -> Verdict:
    """Answer *question* as the list at the top of this module says."""
    kind = question.principal.kind
    session = question.session
    if session is None and kind is _FEDERATED_USER:
        # A federated user without session policies has no permissions (STS API, GetFederationToken).
        session = ()
    hearing = _Hearing(
        question.principal,
        folded(question.action),
        question.resource,
        question.context,
        bounded=question.boundary is not None,
    )
    hearing.checks = []
    limits: list[_Said] = []
    if question.boundary is not None:
        limits.append(("boundary", hearing.hear("boundary", question.boundary)[0]))
    if session is not None:
        limits.append(("session", hearing.hear("session", session)[0]))
    identity: _Said = ("identity", hearing.hear("identity", question.identity)[0])
    theirs: Layer = "trust" if question.trust else "resource"
    grant = _NONE
    resource: _Said = (theirs, [])
    if question.trust or question.resource_policies:
        if question.trust:
            hearing.context = _with_tags_passed_on(question.context)
        allowed, grant = hearing.hear(theirs, question.resource_policies)
        hearing.context = question.context
        resource = (theirs, allowed)
    controlled = bool(question.scps or question.rcps) and not _is_service_linked(question.principal)
    control = hearing.hear_levels("scp", question.scps) if controlled and kind not in _OUTSIDERS else []
    if controlled:
        control += hearing.hear_levels("rcp", question.rcps)

    if hearing.denials:
        return hearing.close(_EXPLICIT_DENY, hearing.denials)

    own = question.principal.account == question.resource_account
    must_name = question.trust or (bool(question.resource_policies) and _is_key(question.resource))
    needed: list[_Said]
    if kind is _ROOT and question.trust:
        # No role can be assumed by root (STS API, AssumeRole).
        return hearing.close(_IMPLICIT_DENY, (), theirs)
    if kind is _ROOT:
        needed = [] if own and not must_name else [resource]
    elif kind in _OUTSIDERS:
        needed = [resource]
    elif not own:
        # What the caller's own account says comes first: a stranger learns nothing about the other side.
        needed = [identity, *limits, resource]
    elif grant is _DIRECT and not question.trust:
        needed = [resource]
    elif grant >= _ROLE:
        needed = [resource, *limits]
    elif must_name:
        needed = [resource, identity, *limits]
    else:
        needed = [identity, *limits]

    determined_by: list[Matched] = []
    for layer, statements in (*control, *needed):
        if not statements:
            return hearing.close(_IMPLICIT_DENY, (), layer)
        determined_by += statements
    return hearing.close(_ALLOWED, determined_by)


def _with_tags_passed_on(context: Context) -> Context:
    """*context* as a trust policy reads it: tags of the calling session that go on stand for those of the role.

    INVARIANT: for nobody else.  Who asks may choose them, and would step around his own policies' `aws:ResourceTag`.
    """
    names = [folded(key) for key in context.get("sts:transitivetagkeys", ())]
    standing = {
        f"aws:resourcetag/{name}": context[f"aws:principaltag/{name}"]
        for name in names
        if f"aws:requesttag/{name}" not in context and f"aws:principaltag/{name}" in context
    }
    return {**context, **standing} if standing else context


def _is_service_linked(principal: Principal) -> bool:
    """Whether a service asks as its own role, which control policies leave alone (Organizations User Guide, SCPs)."""
    role = principal.issuer if principal.kind is PrincipalKind.ASSUMED_ROLE else ""
    return role.split(":", 5)[-1].startswith(_SERVICE_LINKED)


def _is_key(resource: str) -> bool:
    """Whether *resource* is a KMS key, which no account has but by the key's policy (KMS Developer Guide)."""
    fields = resource.split(":", 5)
    return len(fields) == 6 and fields[2] == "kms" and fields[5].startswith("key/")


def because(verdict: Verdict, action: str) -> str:
    """The end of AWS's message, after a space: what refused *action*; nothing when it was allowed."""
    if verdict.effect is Effect.ALLOWED:
        return ""
    if verdict.effect is Effect.EXPLICIT_DENY:
        return f"with an explicit deny in {_WORDS[verdict.determined_by[0].layer]}"
    kind_of_policy = _WORDS[verdict.silent or "identity"].partition(" ")[2]
    return f"because no {kind_of_policy} allows the {action} action"
