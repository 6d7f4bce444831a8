"""Where AWS says nothing, or two things: each choice once, with its reason.

Other modules ask here, so that a choice can be changed in one place.  `docs/DIVERGENCES.md` lists the same points
under "The policy language".  The rule behind most of them: a comparison that cannot be made is no match, in Allow
and in Deny alike, because a statement should apply only where it can be shown to.
"""

from __future__ import annotations

from typing import Final

INCOMPARABLE_DIFFERS: Final[bool] = False
"""Does `abc` satisfy NumericNotEquals 5?  No: "different" needs two numbers; the same for dates, addresses and ARNs."""

MULTIVALUED_ALONE: Final[bool] = False
"""A multivalued key without a set operator matches nothing, even when it holds one value: its order means nothing."""

ANY_VALUE_IF_EXISTS: Final[bool] = True
"""ForAnyValue with IfExists and no key: the suffix says what happens then, and it says true."""

EMPTY_TEXT_IS_EMPTY_SET: Final[bool] = True
"""Set operators read a single empty text as a set of nothing: the guide calls it a "null data set"."""

EMPTY_TEXT_IS_ABSENT: Final[bool] = False
"""For Null a key with an empty text is there: somebody sent it.  A multivalued key without values is not."""

BOOL_TAKES_VARIABLES: Final[bool] = True
"""The guide contradicts itself; inserting the value does what the author of the statement meant."""

SESSION_SPARED_BY_PART: Final[bool] = False
"""NotPrincipal with Deny spares a caller only when the list holds the caller, its role and its account.

The guide asks authors to list all three and warns that less may deny; reading it strictly denies too much, never
too little.  With Allow any one entry keeps the caller out, for the same reason.
"""

STS_WILDCARDS: Final[bool] = True
"""A trust policy may say `sts:*` or `sts:Assume*`, as long as the pattern reaches a role action."""

VERSION_REQUIRED: Final[bool] = False
"""A document without Version is read as 2008-10-17, as the grammar says, though CreatePolicy was seen to refuse it."""

CANONICAL_TRUSTED: Final[bool] = False
"""CanonicalUser is an identity of S3; nobody can be one here, so a trust policy that names one is refused."""
