"""What is indexed is what an indexing term by term and entry by entry finds, whatever entries have in common."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from authority.audit.attributes import named, read_only, resources_of, user_name
from authority.audit.terms import ANY, ANY_SESSION, ENDED, LIVE, Field, Term, lookup_terms, terms_of, terms_of_session
from authority.audit.visibility import accounts_of, keys_in, owner_of, seen_by
from authority.kernel.arn import parse, partition_of
from authority.kernel.ids import AccessKeyId, RoleId
from authority.ledger.codec import new_entry
from authority.ledger.port import Entry
from authority.model.authority import UnprovenRequestsSummarised
from authority.model.event import CallerRecord, DecisionRecord, Event, write_event
from authority.model.holders import InlinePolicyPut
from authority.model.principals import AccessKeyCreated
from authority.model.revocations import DescendantsRevoked, RoleSessionsRevoked, SessionRevoked
from authority.model.sessions import SessionEnded, SessionIssued, SessionKind
from authority.projections.indexing import Issued, Known, Rows, event_of, named_in
from authority.projections.tables import BLOCK_BITS, WHOLE_LOG, term_number
from tests.audit.stories import ACCOUNTS, DEV, DEVELOPMENT, MIA, PRODUCTION, asked, histories, role_arn

LISTED_ELSEWHERE = [
    asked(
        "iam:PutRolePolicy",
        MIA,
        InlinePolicyPut(account=PRODUCTION, holder="AROAAUDIT", name="p", document="{}"),
        resource=role_arn("Audit", PRODUCTION),
        RoleName="Audit",
        PolicyName="p",
    ),
    asked("iam:GetRole", MIA, resource=role_arn("Audit", PRODUCTION), RoleName="Audit"),
    asked("iam:GetRole", DEV, resource=role_arn("Audit", PRODUCTION), owner=PRODUCTION, refused="access-denied"),
    asked("iam:ListRoles", DEV, decisions=()),
    asked("authority:Revoke", MIA, RoleSessionsRevoked(account=PRODUCTION, role_id=RoleId("AROAAUDIT"), through=3)),
    asked("authority:Revoke", DEV, DescendantsRevoked(account=DEVELOPMENT, ancestor=AccessKeyId("AKIADEV"), through=3)),
    asked("authority:Revoke", DEV, SessionRevoked(account=PRODUCTION, access_key_id=AccessKeyId("ASIA0001"))),
]


# --- the plain indexing --------------------------------------------------------------------


def plain_terms(event: Event) -> set[Term]:
    return {ANY} | {term for term in _plain_terms(event) if term[1]}


def _plain_terms(event: Event) -> Iterator[Term]:
    yield from actions(event.type)
    if event.outcome.refused:
        yield from ((Field.OUTCOME, "refused"), (Field.OUTCOME, event.outcome.refused))
    elif not any(isinstance(fact, UnprovenRequestsSummarised) for fact in event.facts):
        yield Field.OUTCOME, "allowed"
    if event.request is not None:
        yield from ((Field.ID, event.request.id), (Field.SOURCE_ADDRESS, event.request.source_address))
    if event.caller is not None:
        yield from asker(event.caller)
    for decision in event.decisions:
        yield from decided(decision)
    for fact in event.facts:
        yield Field.ACCESS_KEY, getattr(fact, "access_key_id", "")
        yield Field.ACCESS_KEY, getattr(fact, "ancestor", "")
        yield Field.ROLE, getattr(fact, "role_id", "")
        if getattr(fact, "holder", "").startswith("AROA"):
            yield Field.ROLE, fact.holder
        if isinstance(fact, SessionIssued):
            yield Field.ACCESS_KEY, fact.caller_access_key_id
            yield Field.SESSION_NAME, fact.session_name
            yield Field.ROLE, arn_of_role(event, fact)
        if isinstance(fact, UnprovenRequestsSummarised):
            for one in fact.requests:
                yield from ((Field.ACCESS_KEY, one.access_key_id), (Field.SOURCE_ADDRESS, one.source))
                yield from ((Field.OUTCOME, "refused"), (Field.OUTCOME, one.reason))


def actions(name: str) -> Iterator[Term]:
    yield Field.ACTION, name.lower()
    yield Field.ACTION, f"{name.lower().partition(':')[0]}:*"


def asker(caller: CallerRecord) -> Iterator[Term]:
    yield from ((Field.PRINCIPAL, caller.arn), (Field.PRINCIPAL_ID, caller.principal_id))
    yield Field.ACCESS_KEY, caller.access_key_id
    session = caller.session
    if session is not None:
        yield from ((Field.PRINCIPAL, session.issuer_arn), (Field.SESSION_NAME, session.name))
        if session.kind is SessionKind.ROLE:
            yield from ((Field.ROLE, session.issuer_arn), (Field.ROLE, session.issuer_id))


def decided(decision: DecisionRecord) -> Iterator[Term]:
    yield from actions(decision.action)
    yield Field.ACCESS_KEY, decision.judged
    resource = parse(decision.resource)
    if resource is not None and (resource.service, resource.kind) == ("iam", "role"):
        yield Field.ROLE, decision.resource


def arn_of_role(event: Event, issued: SessionIssued) -> str:
    partition = partition_of(event.request.region if event.request is not None else "")
    return issued.issuer_arn(partition) if issued.kind is SessionKind.ROLE else ""


def plain_session_terms(event: Event, issued: SessionIssued) -> set[Term]:
    depth = 1 + sum(key.startswith("ASIA") for key in issued.ancestors)
    found = {
        (Field.SESSION_ROLE, issued.role_id),
        (Field.SESSION_ROLE, arn_of_role(event, issued)),
        (Field.SESSION_PRINCIPAL, issued.caller_arn),
        (Field.SESSION_PRINCIPAL, issued.caller_principal_id),
        (Field.SESSION_PRINCIPAL, issued.root_principal),
        (Field.SESSION_SOURCE_IDENTITY, issued.source_identity),
        *((Field.SESSION_ANCESTOR, key) for key in issued.ancestors),
        *((Field.SESSION_DEPTH, str(number)) for number in range(2, depth + 1)),
    }
    return {ANY_SESSION} | {term for term in found if term[1]}


def plain_lookup_terms(event: Event) -> set[Term]:
    found = {
        (Field.EVENT_NAME, named(event.type)[1]),
        (Field.READ_ONLY, "true" if read_only(event.type) else "false"),
        (Field.USER_NAME, user_name(event.caller)),
    }
    for resource in resources_of(event):
        found |= {(Field.RESOURCE_TYPE, resource.type), (Field.RESOURCE_NAME, resource.name)}
    return {term for term in found if term[1]}


def facts_in(event: Event, kind: type) -> list:
    return [fact for fact in event.facts if isinstance(fact, kind)]


class Plain:
    """An index as a set of trail, term and position."""

    def __init__(self) -> None:
        self.listed: set[tuple[int, Term, int]] = set()
        self.whose: dict[str, str] = {}
        self.sessions: dict[str, Issued] = {}

    def add(self, position: int, event: Event) -> None:
        self.whose |= {fact.access_key_id: fact.account for fact in facts_in(event, AccessKeyCreated)}
        for issued in facts_in(event, SessionIssued):
            self.whose[issued.access_key_id] = issued.account
            self.sessions[issued.access_key_id] = Issued(issued.account, issued.role_id, position)
        self._list(WHOLE_LOG, position, plain_terms(event))
        for issued in facts_in(event, SessionIssued):
            self._list(WHOLE_LOG, position, plain_session_terms(event, issued) | {LIVE})
        for account in ACCOUNTS:
            seen = seen_by(event, account, self.whose)
            if seen is None:
                continue
            self._list(int(account), position, plain_terms(seen) | plain_lookup_terms(seen))
            for issued in facts_in(seen, SessionIssued):
                if issued.account == account:
                    self._list(int(account), position, plain_session_terms(seen, issued) | {LIVE})
        for ended in facts_in(event, SessionEnded):
            issued = self.sessions[ended.access_key_id]
            for trail in (WHOLE_LOG, int(issued.account)):
                self.listed.remove((trail, LIVE, issued.position))
                self.listed.add((trail, ENDED, issued.position))

    def _list(self, trail: int, position: int, terms: set[Term]) -> None:
        self.listed |= {(trail, term, position) for term in terms}


# --- the comparison ------------------------------------------------------------------------


def listed_in(rows: Rows) -> set[tuple[int, int, int]]:
    found = set()
    for postings, whole in ((rows.postings, False), (rows.shared, False), (rows.shared, True)):
        for block, trails in postings.items():
            for trail, terms in trails.items():
                for term, bits in terms.items():
                    found |= {(WHOLE_LOG if whole else trail, term, position) for position in positions(block, bits)}
    return found


def positions(block: int, bits: int) -> list[int]:
    return [(block << BLOCK_BITS) + number for number in range(1 << BLOCK_BITS) if bits >> number & 1]


def entry_at(position: int, event: Event) -> Entry:
    new = new_entry(write_event(event))
    return Entry(
        position=position, at=new.decided_at, lane=new.lane, type=new.type, v=new.v, subject=new.subject,
        body=new.body, leaf=b"",
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(history=histories(most=90), data=st.data())
def test_an_index_holds_what_a_plain_one_does(history, data):
    """Every term of every entry as each account sees it, and nothing else, however the log is cut into pages."""
    for event in data.draw(st.lists(st.sampled_from(LISTED_ELSEWHERE), max_size=12)):
        history.insert(data.draw(st.integers(0, len(history))), event)
    first = data.draw(st.integers(1, 5000))
    plain, indexed, earlier = Plain(), set(), Plain()
    page = data.draw(st.integers(1, len(history)))
    for start in range(0, len(history), page):
        rows = Rows()
        entries = [entry_at(first + n, event) for n, event in enumerate(history[start : start + page], start)]
        unknown = rows.unknown(named_in(map(event_of, entries)))
        rows.know(
            Known(
                {key: earlier.whose[key] for key in unknown if key in earlier.whose},
                {key: earlier.sessions[key] for key in unknown if key in earlier.sessions},
            )
        )
        for entry in entries:
            rows.add(entry, event_of(entry))
            plain.add(entry.position, event_of(entry))
        rows.spread()
        for entry in entries:
            earlier.add(entry.position, event_of(entry))
        over = {
            (trail, term_number(LIVE), position)
            for (block, trail), bits in rows.over.items()
            for position in positions(block, bits)
        }
        indexed = (indexed | listed_in(rows)) - over
    assert indexed == {(trail, term_number(term), position) for trail, term, position in plain.listed}


@settings(max_examples=60, deadline=None)
@given(history=histories())
def test_an_event_is_found_by_the_terms_of_its_pieces(history):
    for event in [*history, *LISTED_ELSEWHERE]:
        assert terms_of(event) == plain_terms(event)
        assert lookup_terms(event) == plain_lookup_terms(event)
        for issued in facts_in(event, SessionIssued):
            assert terms_of_session(event, issued) == plain_session_terms(event, issued)


@settings(max_examples=60, deadline=None)
@given(history=histories())
def test_who_owns_an_event_alone_sees_it_whole(history):
    """And no key but those that are asked for plays a part in that."""
    whose: dict[str, str] = {}
    for event in [*history, *LISTED_ELSEWHERE]:
        for made in (*facts_in(event, AccessKeyCreated), *facts_in(event, SessionIssued)):
            whose[made.access_key_id] = made.account
        asked_for = {key: whose[key] for key in keys_in(event) if key in whose}
        for account in ACCOUNTS:
            assert seen_by(event, account, asked_for) == seen_by(event, account, whose)
        owner = owner_of(event, whose)
        assert owner == owner_of(event, asked_for)
        if owner:
            assert accounts_of(event, whose) == {owner}
            assert seen_by(event, owner, whose) is event
