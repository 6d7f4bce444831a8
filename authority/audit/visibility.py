"""Who may see what of an entry.

An account sees the events on its trail: those its principals asked for, those about what it owns, those that changed
what it holds, and what a resource server was told about its principals.  Where two accounts share an event, each sees
its own side whole.  Of a foreign caller it sees the account and the unique id, as CloudTrail shows them in the record
of an AWSAccount (CloudTrail User Guide, userIdentity element), and never its keys, names, tags, policies or forebears.
That the other side denies is a word of its policies, too: where all that denied is withheld, nothing allowed.

What is not known to be one's own is withheld: a field that is new in a record is invisible across accounts until
somebody says otherwise here.  The whole log is seen by nobody but the management account, and not through this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from authority.kernel.arn import parse
from authority.model.authority import UnprovenRequestsSummarised
from authority.model.event import CallerRecord, ContextValue, DecisionRecord, Event, Outcome, RequestRecord
from authority.model.events import AnyFact
from authority.model.fact import AccountFact
from authority.model.sessions import SessionIssued
from authority.policy.combine import Effect

Whose: TypeAlias = Mapping[str, str]
"""The account of each access key that is known; a key that is not in it is nobody's to see."""

NOBODYS: Final[Whose] = {}

_RESOURCE_LAYERS: Final = frozenset({"resource", "trust", "rcp"})
"""Layers of policy that belong to whoever owns the resource; the others belong to the caller's account."""
_OF_THE_REQUEST: Final = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceip",
        "aws:tagkeys",
        "aws:useragent",
    }
)
_OF_THE_RESOURCE: Final = ("aws:resourcetag/", "iam:resourcetag/", "aws:resourceorg")
_TO_THE_RESOURCE: Final = (*_OF_THE_RESOURCE, "aws:requesttag/", "sts:")
"""Context keys that the owner of a resource sees of a foreign request: what it carried, and what the owner knows."""

_DIGITS: Final = 12

_replace = msgspec.structs.replace


def accounts_of(event: Event, whose: Whose = NOBODYS) -> frozenset[str]:
    """The accounts on whose trails *event* is."""
    found = set() if event.caller is None else {event.caller.account}
    for decision in event.decisions:
        found.add(decision.resource_account)
        found.add(_judged_account(decision))
    for fact in event.facts:
        if isinstance(fact, AccountFact):
            found.add(fact.account)
        elif isinstance(fact, UnprovenRequestsSummarised):
            found.update(whose.get(one.access_key_id, "") for one in fact.requests)
    return frozenset(filter(_is_account, found))


def owner_of(event: Event, whose: Whose = NOBODYS) -> str:
    """The account on whose trail alone *event* is, if it sees it whole; empty where that takes a closer look."""
    account = "" if event.caller is None else event.caller.account
    if _is_account(account) and _all_own(event, account, whose):
        for fact in event.facts:
            if not isinstance(fact, AccountFact):
                return ""
        return account
    return ""


def seen_by(event: Event, account: str, whose: Whose = NOBODYS) -> Event | None:
    """*event* as *account* may see it, or None when it is not on its trail.

    Where nothing is withheld it is *event* itself.
    """
    return view(event, account, accounts_of(event, whose), whose)


def view(event: Event, account: str, accounts: frozenset[str], whose: Whose = NOBODYS) -> Event | None:
    """`seen_by` for whoever has asked for the *accounts* already."""
    if account not in accounts:
        return None
    if len(accounts) == 1 and _all_own(event, account, whose):
        return event
    asker = event.caller.account if event.caller is not None else ""
    own = event.caller is None or asker == account
    return Event(
        type=event.type,
        v=event.v,
        decided_at=event.decided_at,
        lane=event.lane,
        subject=event.subject if own or _is_of(event.subject, account) else "",
        facts=_facts(event, account, whose),
        request=event.request if own or event.request is None else _request(event, event.request, account),
        caller=None if event.caller is None else _caller(event.caller, account, whose),
        decisions=tuple(
            seen for one in event.decisions if (seen := _decision(one, asker=asker, account=account)) is not None
        ),
        outcome=event.outcome if own else Outcome(refused=event.outcome.refused),
    )


def keys_in(event: Event) -> set[str]:
    """The access keys of which `seen_by` must know whose they are, to tell an account's own from a stranger's."""
    found: set[str] = set()
    if event.caller is not None and event.caller.session is not None:
        found.update(event.caller.session.ancestors)
    for fact in event.facts:
        if isinstance(fact, SessionIssued):
            for key in fact.ancestors:
                if key != fact.caller_access_key_id:  # whose that one is says who asked
                    found.add(key)
        elif isinstance(fact, UnprovenRequestsSummarised):
            found.update(one.access_key_id for one in fact.requests)
    found.discard("")
    return found


def _all_own(event: Event, account: str, whose: Whose) -> bool:
    """Whether all that *event* says is *account*'s."""
    caller = event.caller
    if caller is not None:
        if caller.account != account:
            return False
        if caller.session is not None and any(whose.get(key) != account for key in caller.session.ancestors):
            return False
    for decision in event.decisions:
        if decision.resource_account != account or (decision.judged and _judged_account(decision) != account):
            return False
    for fact in event.facts:
        if fact.account != account if isinstance(fact, AccountFact) else caller is None:
            return False
        if isinstance(fact, SessionIssued) and _session(fact, account, whose) is not fact:
            return False
    return True


def _is_account(named: str) -> bool:
    return len(named) == _DIGITS and named.isascii() and named.isdigit()


def _judged_account(decision: DecisionRecord) -> str:
    """The account of whom a resource server asked about.  A caller that proved nothing is nobody's."""
    if not decision.judged or decision.unproven:
        return ""
    return _account_in(decision.principal)


def _account_in(arn: str) -> str:
    parsed = parse(arn)
    return "" if parsed is None else parsed.account


def _is_of(subject: str, account: str) -> bool:
    """Whether a subject names something of *account*'s, or nobody's."""
    return _account_in(subject) in ("", account)


def _caller(caller: CallerRecord, account: str, whose: Whose) -> CallerRecord:
    if caller.account != account:
        return CallerRecord(
            kind=caller.kind, arn="", principal_id=caller.principal_id, account=caller.account, access_key_id=""
        )
    session = caller.session
    if session is None:
        return caller
    mine = tuple(key for key in session.ancestors if whose.get(key) == account)
    if mine == session.ancestors:
        return caller
    root = session.root_principal if mine[:1] == session.ancestors[:1] else ""
    return _replace(caller, session=_replace(session, ancestors=mine, root_principal=root))


def _request(event: Event, request: RequestRecord, account: str) -> RequestRecord:
    """A foreign request: whole where it asked for what is *account*'s, else no more than that it was made."""
    asked_for = any(one.resource_account == account and not one.judged for one in event.decisions)
    if asked_for or any(isinstance(fact, AccountFact) and fact.account == account for fact in event.facts):
        return request
    return RequestRecord(id=request.id, service=request.service, action=request.action, region=request.region)


def _decision(decision: DecisionRecord, *, asker: str, account: str) -> DecisionRecord | None:
    owner = decision.resource_account
    subject = _judged_account(decision) if decision.judged else asker
    if account == subject == owner == asker:
        return decision
    if account not in (subject, owner):
        return None
    own_subject, own_resource, asked = account == subject, account == owner, account == asker
    determined_by = tuple(
        one for one in decision.determined_by if (own_resource if one.layer in _RESOURCE_LAYERS else own_subject)
    )
    effect = decision.effect
    if effect is Effect.EXPLICIT_DENY and not determined_by and not (asked and own_resource):
        # That the other side denied, and not merely kept silent, would tell strangers which roles exist.
        effect = Effect.IMPLICIT_DENY
    return DecisionRecord(
        principal=decision.principal if own_subject or asked else "",
        action=decision.action,
        resource=decision.resource,
        resource_account=owner,
        effect=effect,
        context=_context(decision, own_subject=own_subject, own_resource=own_resource, asked=asked),
        determined_by=determined_by,
        missing=decision.missing if own_subject and own_resource else (),
        judged=decision.judged if own_subject or asked else "",
        asserted=decision.asserted if asked else (),
        unproven=decision.unproven,
    )


def _context(
    decision: DecisionRecord, *, own_subject: bool, own_resource: bool, asked: bool
) -> dict[str, ContextValue]:
    shown = _shown_to_subject if own_subject else _shown_to_owner
    return {
        key: value
        for key, value in decision.context.items()
        if (asked if key in decision.asserted else (own_subject and own_resource) or shown(key))
    }


@lru_cache(maxsize=1024)
def _shown_to_subject(key: str) -> bool:
    """Whether the caller's account sees the authority's own context *key* where the resource is another's."""
    return not key.startswith(_OF_THE_RESOURCE)


@lru_cache(maxsize=1024)
def _shown_to_owner(key: str) -> bool:
    """Whether the owner of the resource sees it where the caller is another's."""
    return key in _OF_THE_REQUEST or key.startswith(_TO_THE_RESOURCE)


def _facts(event: Event, account: str, whose: Whose) -> tuple[AnyFact, ...]:
    asked = event.caller is not None and event.caller.account == account
    seen: list[AnyFact] = []
    for fact in event.facts:
        match fact:
            case SessionIssued() if asked or fact.account == account:
                seen.append(_session(fact, account, whose))
            case UnprovenRequestsSummarised():
                mine = tuple(one for one in fact.requests if whose.get(one.access_key_id) == account)
                if mine:
                    seen.append(UnprovenRequestsSummarised(requests=mine))
            case AccountFact() if fact.account == account:
                seen.append(fact)
            case _ if asked:  # who asked for it may know
                seen.append(fact)
            case _:
                pass
    return tuple(seen)


def _session(issued: SessionIssued, account: str, whose: Whose) -> SessionIssued:
    """A session as the role's account or the caller's sees it: each its own side."""
    caller = _account_in(issued.caller_arn)
    mine = tuple(
        key for key in issued.ancestors if (caller if key == issued.caller_access_key_id else whose.get(key)) == account
    )
    if mine != issued.ancestors:
        root = issued.root_principal if mine[:1] == issued.ancestors[:1] else ""
        issued = _replace(issued, ancestors=mine, root_principal=root)
    if caller != account and (issued.caller_access_key_id or issued.caller_arn):
        issued = _replace(issued, caller_access_key_id="", caller_arn="")
    if issued.account != account:
        issued = _replace(issued, policy_versions=(), policy_ids=(), sealing_key_id="", decided_from=0)
    return issued
