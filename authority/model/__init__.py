"""What can be true: the facts, and the state they fold into.  One file per noun; `state` binds them."""

from __future__ import annotations
