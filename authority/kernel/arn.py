"""Amazon Resource Names: six fields, the last of which keeps its colons (AWS General Reference, ARNs)."""

from __future__ import annotations

import functools
import re

import msgspec

ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)


class Arn(msgspec.Struct, frozen=True):
    """An ARN taken apart; `str()` puts it back together byte for byte."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        """Spell the ARN."""
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def kind(self) -> str:
        """The word before the first slash: `role` in `role/team/app`; the whole resource where there is none."""
        return self.resource.partition("/")[0]

    @property
    def path(self) -> str:
        """The IAM path, with both its slashes: `/team/` in `role/team/app`."""
        first, last = self.resource.find("/"), self.resource.rfind("/")
        return "/" if first < 0 else self.resource[first : last + 1]

    @property
    def name(self) -> str:
        """The word after the last slash: `app` in `role/team/app`."""
        return self.resource.rpartition("/")[2]


@functools.lru_cache(maxsize=8_192)
def parse(text: str) -> Arn | None:
    """Take *text* apart, or say None when it does not have six fields that begin with `arn`."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        return None
    return Arn(parts[1], parts[2], parts[3], parts[4], parts[5])


def partition_of(region: str) -> str:
    """The partition a region lies in (AWS General Reference, ARNs): `aws-cn`, `aws-us-gov` or `aws`."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"
