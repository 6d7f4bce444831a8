"""Events as the pipeline writes them, and whole histories of three accounts that share roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from authority.kernel.ids import AccessKeyId, AccountId, RoleId, SealingKeyId, UserId
from authority.model import authority, principals
from authority.model.event import CallerRecord, DecisionRecord, Event, Outcome, RequestRecord, SessionRecord
from authority.model.sessions import EndCause, SessionEnded, SessionIssued, SessionKind
from authority.policy.combine import Effect, Matched

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PRODUCTION, DEVELOPMENT, MANAGEMENT = map(AccountId, ("111122223333", "444455556666", "999900001111"))
ACCOUNTS = (PRODUCTION, DEVELOPMENT, MANAGEMENT)
EVERYWHERE = "192.0.2.7"
STRANGERS = "203.0.113.9"


def key_of(name: str) -> AccessKeyId:
    return AccessKeyId(f"AKIA{name.upper()}")


def user(name: str, account: str) -> CallerRecord:
    return CallerRecord(
        kind="user",
        arn=f"arn:aws:iam::{account}:user/{name}",
        principal_id=f"AIDA{name.upper()}",
        account=account,
        access_key_id=key_of(name),
    )


def role_arn(name: str, account: str) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def in_session(issued: SessionIssued) -> CallerRecord:
    """Whoever holds the credentials of *issued*."""
    return CallerRecord(
        kind="assumed-role" if issued.kind is SessionKind.ROLE else str(issued.kind),
        arn=issued.arn("aws"),
        principal_id=issued.user_id or issued.role_id,
        account=issued.account,
        access_key_id=issued.access_key_id,
        session=SessionRecord(
            issuer_arn=issued.issuer_arn("aws"),
            issuer_id=issued.user_id or issued.role_id,
            name=issued.session_name,
            kind=issued.kind,
            issued_at=issued.issued_at,
            ancestors=issued.ancestors,
            root_principal=issued.root_principal,
            source_identity=issued.source_identity,
        ),
    )


def weighed(caller: CallerRecord, action: str, resource: str, owner: str, *, allowed=True, **more) -> DecisionRecord:
    matched = [
        Matched(layer="identity", policy="may", owner=caller.arn),
        Matched(layer="trust" if action == "sts:AssumeRole" else "resource", policy=resource),
    ]
    return DecisionRecord(
        **{
            "principal": caller.arn,
            "action": action,
            "resource": resource,
            "resource_account": owner,
            "effect": Effect.ALLOWED if allowed else Effect.IMPLICIT_DENY,
            "context": {
                "aws:principalarn": caller.arn,
                "aws:principaltag/team": f"team of {caller.account}",
                "aws:resourcetag/cost": f"cost of {owner}",
                "aws:sourceip": EVERYWHERE,
                "sts:externalid": "s3cret",
            },
            "determined_by": tuple(matched),
            "missing": ("aws:multifactorauthpresent",),
            **more,
        }
    )


def asked(
    action: str,
    caller: CallerRecord,
    *facts,
    resource: str = "",
    owner: str = "",
    decisions=None,
    refused: str = "",
    source: str = EVERYWHERE,
    at: datetime = AT,
    request_id: str = "r1",
    **parameters,
) -> Event:
    """One proven request."""
    resource = resource or f"arn:aws:iam::{caller.account}:user/{action.partition(':')[2]}"
    if decisions is None:
        decisions = (weighed(caller, action, resource, owner or caller.account, allowed=not refused),)
    return Event(
        type=action,
        v=1,
        decided_at=at,
        lane="config" if any(fact.CONFIG for fact in facts) else "session",
        subject=resource,
        facts=facts,
        request=RequestRecord(
            id=request_id,
            service=action.partition(":")[0],
            action=action.partition(":")[2],
            parameters=parameters,
            source_address=source,
            user_agent="cli",
            secure=True,
            region="us-east-1",
        ),
        caller=caller,
        decisions=decisions,
        outcome=Outcome(refused=refused, message=f"User: {caller.arn} is not authorized" if refused else ""),
    )


def session(caller: CallerRecord, role: str, account: str, key: str, *, at=AT, hours=1, **more) -> SessionIssued:
    ancestors = (*(caller.session.ancestors if caller.session else ()), AccessKeyId(caller.access_key_id))
    return SessionIssued(
        **{
            "account": AccountId(account),
            "access_key_id": AccessKeyId(key),
            "role_id": RoleId(f"AROA{role.upper()}"),
            "role_name": role,
            "role_path": "/",
            "session_name": f"as-{role}",
            "issued_at": at,
            "expires_at": at + hours * HOUR,
            "caller_access_key_id": AccessKeyId(caller.access_key_id),
            "caller_arn": caller.arn,
            "caller_principal_id": caller.principal_id,
            "ancestors": ancestors,
            "root_principal": caller.session.root_principal if caller.session else caller.principal_id,
            "decided_from": 1,
            "sealing_key_id": SealingKeyId("k1"),
            **more,
        }
    )


def assumes(
    caller: CallerRecord, role: str, account: str, key: str, *, at=AT, request_id="r1", source=EVERYWHERE, **more
):
    """*caller* takes a role on."""
    arn = role_arn(role, account)
    issued = session(caller, role, account, key, at=at, **more)
    return asked(
        "sts:AssumeRole",
        caller,
        issued,
        resource=arn,
        owner=account,
        at=at,
        request_id=request_id,
        source=source,
        RoleArn=arn,
    )


def takes_session(caller: CallerRecord, key: str, *, at=AT, request_id="r1", federated="", source=EVERYWHERE) -> Event:
    """A user takes a session of its own, or one for somebody else."""
    kind = SessionKind.FEDERATED_USER if federated else SessionKind.USER
    issued = session(
        caller,
        "",
        caller.account,
        key,
        at=at,
        role_id=RoleId(""),
        role_path="",
        session_name=federated,
        kind=kind,
        user_id=caller.principal_id,
        user_name=f"/{caller.arn.rpartition('/')[2]}",
    )
    name = "GetFederationToken" if federated else "GetSessionToken"
    return asked(f"sts:{name}", caller, issued, at=at, request_id=request_id, source=source, decisions=())


def refused_role(caller: CallerRecord, role: str, account: str, *, at=AT, request_id="r1", source=EVERYWHERE) -> Event:
    return asked(
        "sts:AssumeRole",
        caller,
        resource=role_arn(role, account),
        owner=account,
        refused="access-denied",
        at=at,
        request_id=request_id,
        source=source,
    )


def of_itself(name: str, *facts, at=AT, subject: str = "") -> Event:
    """An act of the authority."""
    lane = "config" if any(fact.CONFIG for fact in facts) else "session"
    return Event(type=f"authority:{name}", v=1, decided_at=at, lane=lane, subject=subject, facts=facts)


def ends(issued: SessionIssued, *, at=None, cause=EndCause.EXPIRED) -> Event:
    at = issued.expires_at if at is None else at
    fact = SessionEnded(account=issued.account, access_key_id=issued.access_key_id, effective_at=at, cause=cause)
    return of_itself("SessionExpired", fact, at=at, subject=issued.access_key_id)


def makes_key(caller: CallerRecord, name: str, *, at=AT, request_id="r1") -> Event:
    fact = principals.AccessKeyCreated(
        account=AccountId(caller.account), access_key_id=key_of(name), owner=f"AIDA{name.upper()}"
    )
    return asked("iam:CreateAccessKey", caller, fact, at=at, request_id=request_id)


def makes_user(caller: CallerRecord, name: str, *, at=AT, request_id="r1") -> Event:
    fact = principals.UserCreated(
        account=AccountId(caller.account), user_id=UserId(f"AIDA{name.upper()}"), name=name, path="/"
    )
    return asked("iam:CreateUser", caller, fact, at=at, request_id=request_id, UserName=name)


def tried(*keys: str, at=AT) -> Event:
    """Strangers tried *keys*, or none."""
    requests = tuple(
        authority.UnprovenRequests(
            source=STRANGERS, action="ListUsers", reason="signature-does-not-match", count=2, first=at, last=at,
            access_key_id=key,
        )
        for key in keys
    )  # fmt: skip
    return of_itself("UnprovenRequests", authority.UnprovenRequestsSummarised(requests=requests, unlisted=3), at=at)


def judges(server: CallerRecord, judged: CallerRecord, *, at=AT, request_id="r1", unproven: str = "") -> Event:
    """A resource server asks about a caller of its own."""
    decision = weighed(
        judged,
        "s3:GetObject",
        "arn:aws:s3:::productionapp/x",
        server.account,
        judged=judged.access_key_id,
        asserted=("aws:sourceip",),
        unproven=unproven,
        **({"principal": ""} if unproven else {}),
    )
    allowed = weighed(server, "authority:Evaluate", f"arn:aws:authority::{server.account}:evaluation/s3", "")
    allowed = DecisionRecord(
        **{name: getattr(allowed, name) for name in allowed.__struct_fields__} | {"resource_account": server.account}
    )
    return asked(
        "authority:Evaluate",
        server,
        decisions=(allowed, decision),
        at=at,
        request_id=request_id,
        stringToSign="AWS4...",
    )


MIA, DEV, TESTER = user("mia", PRODUCTION), user("dev", DEVELOPMENT), user("tester", DEVELOPMENT)
ROOT = user("boss", MANAGEMENT)
USERS = (MIA, DEV, TESTER, ROOT)
ROLES = (("UpdateAPP", PRODUCTION), ("Audit", PRODUCTION), ("Build", DEVELOPMENT), ("Deploy", MANAGEMENT))


@st.composite
def histories(draw, most: int = 40) -> list[Event]:
    """What may happen to three accounts: keys, roles taken on in chains and across accounts, refusals, ends."""
    events = [makes_key(caller, caller.arn.rpartition("/")[2], request_id=f"k{n}") for n, caller in enumerate(USERS)]
    issued: list[SessionIssued] = []
    ended: set[str] = set()
    at = AT
    for number in range(draw(st.integers(1, most))):
        at += draw(st.sampled_from([0, 1, 60, 1800])) * SECOND
        callers = [*USERS, *(in_session(one) for one in issued)]
        caller, id_ = draw(st.sampled_from(callers)), f"r{number}"
        source = draw(st.sampled_from([EVERYWHERE, STRANGERS]))
        match draw(
            st.sampled_from(["assume", "assume", "assume", "take", "refused", "end", "user", "tried", "judge", "start"])
        ):
            case "assume":
                role, account = draw(st.sampled_from(ROLES))
                identity = draw(st.sampled_from(["", "dev@corp"]))
                event = assumes(
                    caller,
                    role,
                    account,
                    f"ASIA{number:04}",
                    at=at,
                    request_id=id_,
                    source=source,
                    source_identity=identity,
                )
                issued += [fact for fact in event.facts if isinstance(fact, SessionIssued)]
            case "take":
                federated = draw(st.sampled_from(["", "guest"]))
                user_ = draw(st.sampled_from(USERS))
                event = takes_session(user_, f"ASIA{number:04}", at=at, request_id=id_, federated=federated)
                issued += [fact for fact in event.facts if isinstance(fact, SessionIssued)]
            case "refused":
                event = refused_role(caller, *draw(st.sampled_from(ROLES)), at=at, request_id=id_, source=source)
            case "end" if living := [one for one in issued if one.access_key_id not in ended]:
                one = draw(st.sampled_from(living))
                event = ends(one, at=at, cause=draw(st.sampled_from(list(EndCause))))
                ended.add(one.access_key_id)
            case "tried":
                event = tried(*draw(st.lists(st.sampled_from([key_of("dev"), key_of("mia"), ""]), max_size=3)), at=at)
            case "judge":
                judged = draw(st.sampled_from(callers))
                event = judges(
                    caller, judged, at=at, request_id=id_, unproven=draw(st.sampled_from(["", "expired-token"]))
                )
            case "start":
                event = of_itself("Started", authority.AuthorityStarted(version="1", node="n"), at=at)
            case _:
                event = makes_user(caller, f"u{number}", at=at, request_id=id_)
        events.append(event)
    return events
