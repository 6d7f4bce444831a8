"""How XML of others is parsed: nothing in it is fetched, expanded, dropped or mended."""

from __future__ import annotations

from typing import Any

from lxml import etree


class NotWellFormed(Exception):  # noqa: N818 - what is the matter
    """It is no XML document."""


def parsed(raw: bytes) -> Any:
    """The root of the document *raw*, or `NotWellFormed`."""
    try:
        return etree.fromstring(raw, parser())
    except (etree.XMLSyntaxError, ValueError):
        raise NotWellFormed from None


def parser() -> Any:
    """A parser for one document of somebody else's.

    It is read as UTF-8, since that is what was looked at before; what it says of its encoding was for its file.
    """
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=False,
        remove_pis=False,
    )
