"""What if: the decisions of the past weighed again under other policies.  Nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.accounts.inquiry import Particular, WhenText, inquire
from authority.accounts.trail import Text, trail_arn
from authority.kernel.arn import parse as parse_arn
from authority.kernel.refusal import Refusal
from authority.model.state import State
from authority.policy.document import MAX_TEXT, Kind, parse

MOST_REPLACED: Final = 50
MOST_ROWS: Final = 1_000
MOST_ABSENT: Final = 100

DocumentText = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Replaced(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A policy that takes the place of another, from the beginning of what is weighed again.

    `trust` is of the role *target*, `policy` the managed policy *target*, `inline` the inline policy *name* of *target*
    (an empty document takes it away), `identity` all identity policies of *target*, its groups' too, `boundary` the
    permissions boundary of *target* (empty: none).  `control` is asked beside everything for everybody in the account
    *target*, the account that is asked about unless given, and gives nothing.

    A target is an ARN; in one account also the name of a role or policy, or `user/NAME`, `group/NAME`, `role/NAME`.
    """

    kind: Literal["trust", "policy", "inline", "identity", "boundary", "control"]
    target: Text = ""
    name: Text = ""
    document: DocumentText = ""


class AskWhatIf(Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What would be replaced, and which part of the log is weighed again.

    *role* keeps to requests by sessions of a role and those to take it on.  With *cascade*, what would have been
    refused leads to nothing: sessions that it issued, keys that it made, changes, and all that came of them.  *absent*
    are condition keys that are known to have been missing wherever the record lacks them.
    """

    replacements: tuple[Replaced, ...] = ()
    since: WhenText | None = None
    until: WhenText | None = None
    role: Text | None = None
    cascade: bool = False
    absent: tuple[Text, ...] = ()
    max_results: int = 100
    next_token: WhenText | None = None

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        if len(self.replacements) > MOST_REPLACED:
            yield f"At most {MOST_REPLACED} policies are replaced at once."
        if len(self.absent) > MOST_ABSENT:
            yield f"At most {MOST_ABSENT} keys are known to be absent."
        if self.cascade and (self.role is not None or self.next_token is not None):
            yield "A cascade goes through all of that part of the log at once; leave role and nextToken out."
        for number, one in enumerate(self.replacements):
            yield from (f"The replacement {number}: {text}" for text in _amiss(one))


def _amiss(one: Replaced) -> Iterator[str]:
    if not one.target and one.kind != "control":
        yield "say whose policy it is."
    if (one.kind == "inline") is not bool(one.name):
        yield "an inline policy has a name, and nothing else has."
    if not one.document:
        if one.kind not in ("inline", "boundary"):
            yield "the document is empty."
        return
    document = parse(one.document, Kind.TRUST if one.kind == "trust" else Kind.IDENTITY)
    if isinstance(document, Refusal):
        yield document.message
    arn = parse_arn(one.target)
    wanted = {"trust": ("role",), "policy": ("policy",)}.get(one.kind, ("user", "group", "role"))
    if arn is not None and one.kind != "control" and (arn.service != "iam" or arn.kind not in wanted):
        yield f"{one.target} is no {' or '.join(wanted)}."


@action("authority:WhatIf", resource=trail_arn)
def what_if(state: State, call: Call[AskWhatIf], facts: Facts) -> Decision:
    """Say what would have been decided otherwise: newly denied, newly allowed, and what cannot be told."""
    return inquire(state, call, facts)
