"""What a resource server asks and is told, in the form of the OpenID AuthZEN Authorization API 1.0.

Subject, action, resource and context have the names of that API; what is in `properties` is ours.  Everything has its
bounds, and nothing that is not understood is passed over.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from authority.kernel.refusal import Reason, Refusal

MOST_EVALUATIONS: Final = 50
"""Questions at once.  All are one entry of the log: fifty fit with one proof for all, some forty with one for each."""
LONGEST_POLICY: Final = 20_480
"""Characters of a resource's policy, as S3 bounds it (Amazon S3 User Guide, Bucket policies)."""

# `(?![\s\S])` ends a text in every dialect of patterns; `$` would let a line break through in this one.
KeyIdText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,128}(?![\s\S])")]
ActionName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,63}:[A-Za-z0-9]{1,128}(?![\s\S])", description="s3:GetObject")
]
ResourceName = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,2048}(?![\s\S])", description="An ARN, or *.")]
Word = Annotated[str, msgspec.Meta(max_length=256)]
ContextKey = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,64}:[^\x00-\x1f\x7f]{1,192}(?![\s\S])")]
Text = Annotated[str, msgspec.Meta(max_length=2048)]
Stated: TypeAlias = Annotated[
    dict[ContextKey, Text | bool | int | Annotated[tuple[Text, ...], msgspec.Meta(max_length=50)]],
    msgspec.Meta(max_length=50),
]
"""Condition keys that the resource server vouches for: texts, truths, whole numbers, lists of texts."""


class Signed(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What the resource server's client signed: never a name alone."""

    access_key_id: KeyIdText
    string_to_sign: Annotated[str, msgspec.Meta(max_length=1024)]
    credential_scope: Annotated[str, msgspec.Meta(max_length=256)]
    signature: Annotated[str, msgspec.Meta(max_length=128)]
    session_token: Annotated[str, msgspec.Meta(max_length=16_384)] | None = None

    def __repr__(self) -> str:
        """Show whose it claims to be, and neither the token nor the signature."""
        return f"Signed({self.access_key_id}, {self.credential_scope})"


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asked the resource server.  `type` and `id` are its own words for it, and decide nothing."""

    type: Word
    id: Word
    properties: Signed


class Done(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the client wants to do."""

    name: ActionName


class ResourceProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of the resource: its own policy, if it has one."""

    policy: Annotated[str, msgspec.Meta(max_length=LONGEST_POLICY)] = ""


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it is done to: an ARN, or `*` for an action that takes none.  `type` decides nothing."""

    type: Word
    id: ResourceName
    properties: ResourceProperties = ResourceProperties()


class Evaluate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question."""

    subject: Subject
    action: Done
    resource: Resource
    context: Stated = {}


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question of several: what it does not say is said for all of them."""

    subject: Subject | None = None
    action: Done | None = None
    resource: Resource | None = None
    context: Stated | None = None


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far to go."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class EvaluateAll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several questions, with what they have in common said once.  Without `evaluations` it is one question."""

    subject: Subject | None = None
    action: Done | None = None
    resource: Resource | None = None
    context: Stated = {}
    evaluations: Annotated[tuple[Part, ...], msgspec.Meta(max_length=MOST_EVALUATIONS)] = ()
    options: Options = Options()


class JudgedPrincipal(msgspec.Struct, frozen=True):
    """Who the client turned out to be."""

    arn: str
    id: str
    account: str
    type: str


class Because(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why, and under which id the log tells it.  `code` is AWS's error for the client, where the answer is no."""

    reason: str
    authorization_id: str
    principal: JudgedPrincipal | None = None
    code: str | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """The answer to one question."""

    decision: bool
    context: Because


class Evaluations(msgspec.Struct, frozen=True):
    """The answers, in the order of the questions; fewer where the semantic asked for says to stop."""

    evaluations: tuple[Evaluation, ...]


def questions_of(asked: Evaluate | EvaluateAll) -> tuple[Evaluate, ...] | Refusal:
    """The questions that *asked* puts, each whole; or which of them lacks what."""
    if isinstance(asked, Evaluate):
        return (asked,)
    questions: list[Evaluate] = []
    for index, part in enumerate(asked.evaluations or (Part(),)):
        subject, action = part.subject or asked.subject, part.action or asked.action
        resource = part.resource or asked.resource
        if subject is None or action is None or resource is None:
            text = f"The evaluation {index} needs a subject, an action and a resource, its own or one for all."
            return Refusal(Reason.VALIDATION_ERROR, text)
        questions.append(Evaluate(subject, action, resource, asked.context if part.context is None else part.context))
    return tuple(questions)
