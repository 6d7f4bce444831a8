"""A second look at a document that keeps to the grammar: whether it does what its author means.

Nothing here changes a decision, and nothing that it remarks on is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from authority.policy.document import Document
from authority.policy.finding import Finding, Level, written
from authority.policy.habits import RULES
from authority.policy.issuers import unlimited
from authority.policy.known import KnownAction, Service, judged, vendors

__all__ = ["Finding", "KnownAction", "Level", "Service", "lint", "services_named"]


def services_named(document: Document) -> frozenset[str]:
    """The services whose actions *document* names, in lower case: what `lint` should be handed."""
    return frozenset(vendor for here in written(document) for vendor in vendors(here))


def lint(document: Document, services: Mapping[str, Service] | None = None) -> tuple[Finding, ...]:
    """Remarks on *document*, in the order of its text.

    *services* is what is known of services, by prefix in lower case; None, and no action, key or resource is looked up.
    """
    found: list[Finding] = []
    for here in written(document):
        for rule in (*RULES, unlimited):
            found.extend(rule(here))
        if services is not None:
            found.extend(judged(here, services))
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.column)))
