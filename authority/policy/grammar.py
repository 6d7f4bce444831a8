"""The grammar of each element, and AWS's words for each fault.

IAM User Guide, Grammar of the IAM JSON policy language, and the element pages it links.  The messages follow
what IAM answers, since deployment tools search them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from authority.kernel.letters import folded
from authority.policy import conditions, silences
from authority.policy.conditions import dates
from authority.policy.match import glob, tokens
from authority.policy.text import SYNTAX, Array, Fault, Node, Object, Scalar, Text

LEGACY: Final = "The policy failed legacy parsing"
NOT_CURRENT: Final = "Policy document must be version 2012-10-17 or greater."
NO_ACTIONS: Final = "Policy statement must contain actions."
NO_RESOURCES: Final = "Policy statement must contain resources."
ROLE_ACTIONS: Final = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "sts:SetContext",
)
IDENTITY_PROVIDERS: Final = frozenset(
    {"accounts.google.com", "graph.facebook.com", "www.amazon.com", "cognito-identity.amazonaws.com"}
)
"""Federated principals that need no provider of one's own."""
PARTITIONS: Final = frozenset(
    {"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"}
)

_IAM_PATHS: Final = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
    # These came later (Service Authorization Reference, IAM and STS), and are none of the message.
    "assumed-role/",
    "delegation-request/",
    "role-template/",
    "contextProvider/",
)
_IAM_WHOLE: Final = ("root",)
_IAM_PATH: Final = f'IAM resource path must either be "*", root, or start with {", ".join(_IAM_PATHS[:13])}.'
_OPEN = re.compile(r"[*?]|\$\{")

_PARTITION = "(?:" + "|".join(sorted(PARTITIONS)) + ")"
_SID = re.compile(r"[A-Za-z0-9]*")
_VENDOR = re.compile(r"[A-Za-z0-9.-]+")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ROOT = re.compile(rf"arn:{_PARTITION}:iam::([0-9]{{12}}):root")
# Printable ASCII without wildcards: a principal is named in full or not at all.
_USER_OR_ROLE = re.compile(rf"arn:{_PARTITION}:iam::[0-9]{{12}}:(?:user|role)/[!-)+->@-~]+")
_SESSION = re.compile(
    rf"arn:{_PARTITION}:sts::[0-9]{{12}}:(?:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@-]+)", re.ASCII
)
_PROVIDER = re.compile(rf"arn:{_PARTITION}:iam::[0-9]{{12}}:(?:saml-provider|oidc-provider)/[!-)+->@-~]+")
_SERVICE = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CANONICAL = re.compile(r"[0-9a-f]{64}")


class Rules(enum.Enum):
    """The three grammars there are."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"


class Named(msgspec.Struct, frozen=True):
    """One entry of a Principal element: the kind of name, the name, and where it stands in the text.

    `"Principal": "*"` is the name `*` of kind `*`.
    """

    word: str
    name: str
    start: int
    end: int

    @property
    def account(self) -> str:
        """The account that the entry stands for as a whole, by its id or its root; empty for every other entry."""
        if self.word != "AWS":
            return ""
        root = _ROOT.fullmatch(self.name)
        return root[1] if root else self.name if _ACCOUNT.fullmatch(self.name) else ""

    @property
    def is_user_or_role(self) -> bool:
        """Whether the entry is the ARN of a user or a role, which is bound to a unique id when it is written."""
        return self.word == "AWS" and _USER_OR_ROLE.fullmatch(self.name) is not None

    @property
    def is_everybody(self) -> bool:
        """Whether the entry is `*`, in either spelling."""
        return self.word in ("*", "AWS") and self.name == "*"


class Condition(msgspec.Struct, frozen=True):
    """One key under one operator; numbers and booleans are kept as their spelling."""

    operator: str
    key: str
    values: tuple[str, ...]


def members(node: Node, known: Collection[str]) -> Mapping[str, Node]:
    """The members of an object that has no others than the *known* ones."""
    if not isinstance(node, Object):
        raise Fault(SYNTAX, node.start, "here an object should stand")
    for name in node.members:
        if name not in known:
            raise Fault(SYNTAX, node.places[name], f"there is no element `{name}` here")
    return node.members


def version(node: Node | None, *, absent: str, known: Collection[str]) -> str:
    """Read Version; *absent* is what its absence means."""
    if node is None and not silences.VERSION_REQUIRED:
        return absent
    if node is None:
        raise Fault(NOT_CURRENT)
    if not isinstance(node, Text) or node.value not in known:
        raise Fault(SYNTAX, node.start, f"Version is one of {', '.join(known)}")
    return node.value


def sid(node: Node | None, rules: Rules) -> str:
    """Read Sid; services whose resources carry policies allow it any characters, IAM does not."""
    if node is None:
        return ""
    if not isinstance(node, Text):
        raise Fault(SYNTAX, node.start, "Sid is text")
    if rules is not Rules.RESOURCE and not _SID.fullmatch(node.value):
        raise Fault(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*",
            node.start,
        )
    return node.value


def effect(node: Node | None) -> str:
    """Read Effect, which is spelled exactly."""
    if node is None:
        raise Fault(SYNTAX, why="Effect is missing")
    if not isinstance(node, Text):
        raise Fault(LEGACY, node.start, "Effect is text")
    if node.value not in ("Allow", "Deny"):
        nearly = folded(node.value) in ("allow", "deny")
        raise Fault(LEGACY if nearly else SYNTAX, node.start, "Effect is `Allow` or `Deny`")
    return node.value


def one_of_pair(found: Mapping[str, Node], name: str) -> tuple[Node | None, Node | None]:
    """The element *name* and its Not form, of which a statement may hold one."""
    plain, negated = found.get(name), found.get(f"Not{name}")
    if plain is not None and negated is not None:
        raise Fault(SYNTAX, negated.start, f"a statement holds {name} or Not{name}, never both")
    return plain, negated


def actions(node: Node | None, rules: Rules) -> tuple[str, ...]:
    """Read Action or NotAction."""
    if node is None:
        return ()
    names = texts(node)
    if not names:
        raise Fault(NO_ACTIONS, node.start)
    for name in names:
        if name.value != "*":
            _action(name.value, name.start)
        if rules is Rules.TRUST and not _reaches_role_action(name.value):
            raise Fault("AssumeRole policy may only specify STS AssumeRole actions.", name.start)
    return tuple(name.value for name in names)


def _action(name: str, at: int) -> None:
    vendor, colon, rest = name.partition(":")
    if not colon:
        raise Fault("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", at)
    if ":" in rest:
        raise Fault("Actions/Condition can contain only one colon.", at)
    if not _VENDOR.fullmatch(vendor):
        raise Fault(f"Vendor {vendor} is not valid", at)
    if not rest:
        raise Fault(SYNTAX, at, "the action has no name")


def _reaches_role_action(name: str) -> bool:
    if "*" in name or "?" in name:
        pattern = glob(tokens(folded(name)))
        return silences.STS_WILDCARDS and name != "*" and any(pattern(folded(action)) for action in ROLE_ACTIONS)
    return folded(name) in map(folded, ROLE_ACTIONS)


def resources(node: Node | None) -> tuple[str, ...]:
    """Read Resource or NotResource."""
    if node is None:
        return ()
    names = texts(node)
    if not names:
        raise Fault(NO_RESOURCES, node.start)
    return tuple(name.value if name.value == "*" else _resource(name.value, name.start) for name in names)


def _resource(name: str, at: int) -> str:
    """The ARN pattern that *name* is; the fields that it leaves out are `*`, as IAM fills them up."""
    fields = name.split(":", 5)
    if len(fields) == 1:
        raise Fault(f'Resource {name} must be in ARN format or "*".', at)
    missing = 6 - len(fields)
    _, partition, service, region, account, rest = filled = [*fields, *["*"] * missing]
    # IAM looks at the partition first, whatever stands before it.
    if partition not in PARTITIONS and partition != "*":
        raise Fault(f'Partition "{partition}" is not valid for resource "{":".join(["arn", *filled[1:]])}".', at)
    if fields[0] != "arn":
        raise Fault(f'Resource {name} must be in ARN format or "*".', at)
    # A `*` at the end of a field may stand for the fields that follow.
    if not service or (missing and "::" in name and not name.endswith("*")):
        raise Fault(LEGACY, at, "an ARN has six fields, and a service")
    regional = region and not (missing and region == "*")
    if not _VENDOR.fullmatch(service):
        raise Fault("Resource vendor must be fully qualified and cannot contain regexes.", at)
    if regional and service == "iam":
        raise Fault(f"IAM resource {name} cannot contain region information.", at)
    # Access points of S3 do have a region, and an account with it.
    if regional and service == "s3" and not account:
        raise Fault(f"Resource {name} can not contain region information.", at)
    if service == "iam" and not _is_path_of_iam(rest):
        raise Fault(_IAM_PATH, at)
    return name if name.endswith("*") else ":".join(filled)


def _is_path_of_iam(path: str) -> bool:
    """Whether *path* can reach anything that IAM has; what stands behind a wildcard or variable may be anything."""
    fixed = _OPEN.split(path, maxsplit=1)[0]
    if fixed == path:
        return path in _IAM_WHOLE or path.startswith(_IAM_PATHS)
    return fixed.startswith(_IAM_PATHS) or any(each.startswith(fixed) for each in (*_IAM_PATHS, *_IAM_WHOLE))


def principals(node: Node | None, rules: Rules) -> tuple[Named, ...]:
    """Read Principal or NotPrincipal."""
    match node:
        case None:
            return ()
        case Text(value="*"):
            return (Named("*", "*", node.start, node.end),)
        case Object():
            found = [_named(word, each) for word, listed in node.members.items() for each in texts(listed)]
        case _:
            raise Fault(SYNTAX, node.start, "a principal is `*` or an object")
    if not found:
        empty = "Missing required field Principal cannot be empty!" if rules is Rules.TRUST else SYNTAX
        raise Fault(empty, node.start, "nobody is named")
    for named in found:
        if not _is_principal(named, rules):
            raise Fault(f'Invalid principal in policy: "{named.word.upper()}":"{named.name}"', named.start)
    return tuple(found)


def _named(word: str, node: Text) -> Named:
    return Named(word, node.value, node.start, node.end)


def _is_principal(named: Named, rules: Rules) -> bool:
    match named.word:
        case "AWS":
            return (
                named.is_everybody
                or named.account != ""
                or named.is_user_or_role
                or _SESSION.fullmatch(named.name) is not None
            )
        case "Service":
            return _SERVICE.fullmatch(named.name) is not None
        case "Federated":
            return named.name in IDENTITY_PROVIDERS or _PROVIDER.fullmatch(named.name) is not None
        case "CanonicalUser":
            trusted = rules is not Rules.TRUST or silences.CANONICAL_TRUSTED
            return trusted and _CANONICAL.fullmatch(named.name) is not None
        case _:
            return False


def condition_block(node: Node | None) -> tuple[Condition, ...]:
    """Read Condition."""
    if node is None:
        return ()
    if not isinstance(node, Object):
        raise Fault(SYNTAX, node.start, "Condition is an object")
    found: list[Condition] = []
    for name, keys in node.members.items():
        if not isinstance(keys, Object):
            raise Fault(SYNTAX, keys.start, "an operator leads to an object of condition keys")
        # IAM takes any word that leads to nothing: it tests nothing.
        if keys.members and conditions.operator(name) is None:
            raise Fault(SYNTAX, node.places[name], f"there is no operator `{name}`")
        for key, values in keys.members.items():
            if not key:
                raise Fault(SYNTAX, keys.places[key], "the condition key is empty")
            found.append(Condition(name, key, _values(values, name)))
    return tuple(found)


def _values(node: Node, operator: str) -> tuple[str, ...]:
    dated = conditions.known(operator).name in dates.OPERATORS
    listed = node.items if isinstance(node, Array) else [node]
    found: list[str] = []
    for each in listed:
        if not isinstance(each, Text | Scalar):
            raise Fault(SYNTAX, each.start, "a condition value is text, a number, true or false")
        if dated and dates.moment(each.value) is None:
            raise Fault(LEGACY, each.start, f"{operator} wants {dates.SPELLINGS}")
        found.append(each.value)
    return tuple(found)


def texts(node: Node) -> Sequence[Text]:
    """The texts that *node* is: one, or a list of them."""
    listed = node.items if isinstance(node, Array) else [node]
    found: list[Text] = []
    for each in listed:
        if not isinstance(each, Text):
            raise Fault(SYNTAX, each.start, "here text should stand")
        found.append(each)
    return found
