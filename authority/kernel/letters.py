"""Upper and lower case, where names are alike but for it.  One rule for tags, actions and condition keys."""

from __future__ import annotations


def folded(text: str) -> str:
    """Spell *text* in lower case, but never turn a letter outside ASCII into one inside.

    The Kelvin sign lowers to `k`; a caller who names a tag with it must not meet a condition on `k`.
    """
    if text.isascii():
        return text.lower()
    return "".join(low if (low := letter.lower()).isascii() == letter.isascii() else letter for letter in text)
