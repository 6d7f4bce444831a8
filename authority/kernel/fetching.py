"""What stands in the way of a document from elsewhere, in the one word that its bringer and its reader share."""

from __future__ import annotations


class Declined(OSError):  # noqa: N818 - what is said
    """Whoever was asked has answered, and the answer is no; to ask again would change nothing."""
