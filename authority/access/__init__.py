"""Who asks and what they may do: the caller, the condition context, the policies that apply, the decision."""

from __future__ import annotations
