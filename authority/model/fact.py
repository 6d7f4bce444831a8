"""The law of stored facts, and the base they share.

Fields are never renamed, reordered or removed once released; a new field comes last and has a default; a tag is
never used again.  A change that cannot obey this is a new fact.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from authority.kernel.ids import AccountId


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """Something that became true.  `CONFIG` facts change what later decisions see; the others do not."""

    # No fact leads back to itself, nor does anything else that one request makes: the collector need not look at them.

    CONFIG: ClassVar[bool] = True


class AccountFact(Fact, frozen=True, kw_only=True):
    """A fact about what one account holds."""

    account: AccountId
