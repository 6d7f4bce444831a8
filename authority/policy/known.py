"""Statements beside what services say of themselves: their actions, the keys and the resources that each takes.

The data is handed in; this room keeps none.  What is not in it is not judged.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.policy.finding import Finding, Written
from authority.policy.issuers import issuer_of
from authority.policy.match import Token, Tokens, Wild, glob, tokens
from authority.policy.variables import Reference, resource_template

GLOBAL: Final = tuple(
    map(
        folded,
        (
            "aws:AssumedRoot", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:ChatbotSourceArn",
            "aws:CurrentTime", "aws:Ec2InstanceSourcePrivateIPv4", "aws:Ec2InstanceSourceVpc", "aws:EpochTime",
            "aws:FederatedProvider", "aws:MultiFactorAuthAge", "aws:MultiFactorAuthPresent", "aws:PrincipalAccount",
            "aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths",
            "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:PrincipalTag/${TagKey}",
            "aws:PrincipalType", "aws:Referer", "aws:RequestedRegion", "aws:ResourceAccount", "aws:ResourceOrgID",
            "aws:ResourceOrgPaths", "aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn", "aws:SourceIdentity",
            "aws:SourceIp", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:SourceVpc", "aws:SourceVpcArn",
            "aws:SourceVpce", "aws:TokenIssueTime", "aws:UserAgent", "aws:userid", "aws:username",
            "aws:ViaAWSService", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths", "aws:VpcSourceIp",
        ),
    )
)  # fmt: skip
"""Keys that every action may have (IAM User Guide, global condition context keys)."""
LONGEST: Final = 2048
"""Characters of a resource that is looked up; no ARN is longer."""

_HOLE = re.compile(r"\$\{[^}]*\}|<[^>]*>")


class Run(enum.Enum):
    """A run of characters that is narrower than `*`."""

    SEGMENT = "neither slash nor colon"


Letter: TypeAlias = str | Wild | Run
_SEGMENTS: Final = frozenset({"${Partition}", "${Region}", "${Account}", "${BucketName}"})
"""Holes that hold neither slash nor colon, which tells buckets from what is in them."""
_RUNS: Final = (Wild.ANY, Run.SEGMENT)


class KnownAction(msgspec.Struct, frozen=True):
    """What a service says of one action: the condition keys it has and the ARNs it takes, each with holes `${...}`.

    None says that nothing is known of them; no ARN at all, that the action is only asked with `*`.
    """

    name: str
    keys: tuple[str, ...] | None = None
    arns: tuple[str, ...] | None = None


class Service(msgspec.Struct, frozen=True):
    """One service: its actions, by their names in lower case."""

    prefix: str
    actions: Mapping[str, KnownAction]


def vendors(here: Written) -> Iterator[str]:
    """The services that the actions of a statement belong to, in lower case."""
    for name in (*here.statement.actions, *here.statement.not_actions):
        vendor, colon, _ = name.partition(":")
        if colon:
            yield folded(vendor)


def judged(here: Written, services: Mapping[str, Service]) -> Iterator[Finding]:
    """What *services* know better."""
    taken: list[KnownAction] = []
    whole = True
    for node in here.texts("Action", "NotAction"):
        vendor, colon, name = folded(node.value).partition(":")
        service = services.get(vendor)
        if not colon or service is None:
            whole = False
            if colon:
                yield here.remark(
                    "unknown-service",
                    node.start,
                    f"no service `{vendor}` is known here; right, if it is one of your own",
                )
            continue
        matches = glob(tokens(name))
        found = [action for each, action in service.actions.items() if matches(each)]
        if not found:
            yield here.warn("unknown-action", node.start, f"{vendor} has no action `{node.value.partition(':')[2]}`")
        taken += found
    if taken and whole and here.statement.actions:
        yield from _keys(here, taken)
        yield from _resources(here, taken)


def _keys(here: Written, actions: list[KnownAction]) -> Iterator[Finding]:
    if any(action.keys is None for action in actions):
        return
    issuers = tuple(f"{issuer_of(node.value)}:" for word, node in here.named() if word == "Federated")
    for tried in here.tries():
        key, name, place = tried.key, tried.folded_key, tried.place
        if ":" not in name or name.startswith(issuers or "\0") or _is_one_of(name, GLOBAL):
            continue
        without = [action.name for action in actions if not _is_one_of(name, action.keys or ())]
        if len(without) == len(actions):
            yield here.warn("unknown-key", place, f"none of these actions has the condition key {key}")
        elif without and not any("*" in each or "?" in each for each in here.statement.actions):
            yield here.warn("unknown-key", place, f"{_list(without)} has no condition key {key}")


def _resources(here: Written, actions: list[KnownAction]) -> Iterator[Finding]:
    known = [action for action in actions if action.arns is not None]
    if len(known) < len(actions) or not here.statement.resources:
        return
    rows = [(node, _open(node.value, here)) for node in here.texts("Resource")]
    if any(row == [Wild.ANY] for _, row in rows):
        return
    shapes = {arn: _arn(arn) for action in known for arn in action.arns or ()}
    met = {
        (node.start, arn)
        for node, row in rows
        for arn, shape in shapes.items()
        if len(node.value) > LONGEST or overlap(row, shape)
    }
    for node, _ in rows:
        if shapes and not any((node.start, arn) in met for arn in shapes):
            yield here.warn("wrong-resource", node.start, f"none of these actions takes a resource like {node.value}")
    plain = not any("*" in each or "?" in each for each in here.statement.actions)
    for action in known if plain else ():
        if not action.arns:
            message = f'{action.name} takes no resource: only `"Resource": "*"` reaches it'
            yield here.warn("wrong-resource", here.offset("Resource"), message)
        elif met and not any((node.start, arn) in met for node, _ in rows for arn in action.arns):
            yield here.warn("wrong-resource", here.offset("Resource"), f"{action.name} takes none of these resources")


def _is_one_of(key: str, shapes: tuple[str, ...]) -> bool:
    return any(glob(_shape(folded(shape)))(key) for shape in shapes)


def _shape(text: str) -> Tokens:
    """A text with holes as a pattern."""
    row: list[Token] = []
    at = 0
    for hole in _HOLE.finditer(text):
        row += [*tokens(text[at : hole.start()]), Wild.ANY]
        at = hole.end()
    return (*row, *tokens(text[at:]))


def _open(resource: str, here: Written) -> list[Letter]:
    """A Resource as a pattern in which each variable may be anything."""
    parts = resource_template(resource, variables=here.document.has_variables)
    return _letters(tuple(Wild.ANY if isinstance(part, Reference) else part for part in parts))


def overlap(one: Sequence[Letter], other: Sequence[Letter]) -> bool:
    """Whether some text matches both patterns; a `SEGMENT` may stand in *other* only."""
    # `reached[j]`: the letters of *one* so far and the first `j` of *other* have a text in common.
    reached = [True] + [False] * len(other)
    for j, each in enumerate(other):
        reached[j + 1] = reached[j] and each in _RUNS
    for letter in one:
        before, reached = reached, [reached[0] and letter is Wild.ANY] + [False] * len(other)
        for j, each in enumerate(other):
            if each is Run.SEGMENT and letter in ("/", ":"):
                reached[j + 1] = reached[j]
            elif letter is Wild.ANY or each in _RUNS:
                reached[j + 1] = before[j + 1] or reached[j] or before[j]
            else:
                reached[j + 1] = before[j] and (letter == each or letter is Wild.ONE or each is Wild.ONE)
    return reached[-1]


def _arn(text: str) -> list[Letter]:
    """An ARN with holes as letters."""
    row: list[Letter] = []
    at = 0
    for hole in _HOLE.finditer(text):
        row += [*text[at : hole.start()], Run.SEGMENT if hole[0] in _SEGMENTS else Wild.ANY]
        at = hole.end()
    return [*row, *text[at:]]


def _letters(pattern: Tokens) -> list[Letter]:
    return [letter for token in pattern for letter in ([token] if isinstance(token, Wild) else token)]


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
