"""Trust policies as they are written: the principals that they name are bound to unique ids.

Who is named by an ARN is looked up when the policy is written, and never again: a namesake made later is a stranger,
and a policy that names somebody who is gone shows the id that is left of him (IAM User Guide, Principal).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from authority.access.trusting import NOBODY, bearer
from authority.kernel.arn import parse as parse_arn
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.roles import Trust
from authority.model.state import State
from authority.policy.document import Document, Kind, parse, size_of
from authority.policy.finding import Finding
from authority.policy.lint import lint

SHARED_ISSUER: Final = "shared-issuer"
EVERYBODY: Final = "everybody"


def written(state: State, account: Account, text: str, partition: str) -> Trust | Refusal:
    """Read *text* as a trust policy of a role in *account*, and bind whom it names.

    A user or role of the own account must exist.  One of another account need not: the answer is the same whether it
    exists or not, so that nobody learns who is there, and who does not exist stays a stranger for ever.
    """
    document = parse(text, Kind.TRUST)
    if isinstance(document, Refusal):
        return document
    settings = state.settings
    if settings is not None and (settings.shared_issuers_need_subject or settings.open_trust_refused):
        ruled_out = {SHARED_ISSUER: settings.shared_issuers_need_subject, EVERYBODY: settings.open_trust_refused}
        for finding in _remarks(document):
            if ruled_out[finding.rule]:
                text = f"This authority does not allow it: {finding.message}."
                return Refusal(Reason.MALFORMED_POLICY_DOCUMENT, text)
    most = account.quota("AssumeRolePolicySizeQuota")
    if size_of(text) > most:
        return Refusal(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for ACLSizePerRole: {most}")
    bound: list[tuple[str, str]] = []
    for name in document.named_principals:
        unique_id = bearer(state, name, partition)
        if unique_id == NOBODY and _is_of(account, name, partition):
            return Refusal(Reason.MALFORMED_POLICY_DOCUMENT, f'Invalid principal in policy: "AWS":"{name}"')
        bound.append((name, unique_id))
    return Trust(text, tuple(bound))


def warnings(text: str) -> tuple[str, ...]:
    """What the log remarks on a trust policy that keeps to the grammar: trust in everybody, or everybody's issuer."""
    document = parse(text, Kind.TRUST)
    return () if isinstance(document, Refusal) else tuple(finding.message for finding in _remarks(document))


def _remarks(document: Document) -> Iterator[Finding]:
    return (finding for finding in lint(document) if finding.rule in (EVERYBODY, SHARED_ISSUER))


def _is_of(account: Account, name: str, partition: str) -> bool:
    arn = parse_arn(name)
    return arn is not None and (arn.partition, arn.account) == (partition, account.id)
