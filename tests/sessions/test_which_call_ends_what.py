"""Every row of the table in docs/DIVERGENCES.md that says which call ends which session, as AWS does it and stricter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from authority.access.caller import Caller, Credential
from authority.federation.web_identity import WebIdentity
from authority.kernel.ids import AccessKeyId, ProviderId, RoleId
from authority.kernel.refusal import Reason, Refusal
from authority.model import account_settings, authority, holders, roles
from authority.model.providers import OidcProviderCreated
from authority.policy.principal import PrincipalKind
from authority.registry import ACTIONS
from tests.sessions.test_revocation import BOSSES, INCIDENT, known
from tests.sessions.world import (
    ALL,
    ANN,
    ANNS,
    AUDIT_ARN,
    COMPANY,
    DENY,
    DEPLOY,
    PRODUCTION,
    ROOTS,
    World,
    held,
    policy,
    retrust,
    trusting,
)

HOME_ARN: Final = f"arn:aws:iam::{COMPANY}:role/Home"
HOME: Final = (
    roles.RoleCreated(
        account=COMPANY, role_id=RoleId("AROAHOME"), name="Home", path="/", trust=roles.Trust(trusting(PRODUCTION))
    ),
    holders.InlinePolicyPut(account=COMPANY, holder="AROAHOME", name="all", document=ALL),
)
PROVIDER: Final = f"arn:aws:iam::{PRODUCTION}:oidc-provider/idp.example"
WHO: Final = WebIdentity(
    kind=PrincipalKind.WEB_IDENTITY,
    account=PRODUCTION,
    provider=PROVIDER,
    provider_id="OIDC1",
    principal_id=f"{PROVIDER}:app:ann",
    subject="ann",
    conditions={},
    lasting={},
    evidence="a digest",
    issuer="https://idp.example",
    audience="app",
    said={"aud": "app"},
)
SWITCHES: Final = ("federation_sessions_end_with_parent", "role_sessions_end_with_parent")
ALL_GO_ON: Final = (True, True, True, True, True)


@dataclass
class Sessions:
    """Ann's: one of the role in question, what it led to in another account, her own, a guest's, and another role's."""

    world: World
    of_role: Credential
    led: Credential
    own: Credential
    guest: Credential
    taken: Credential

    def all(self) -> tuple[Credential, ...]:
        return self.of_role, self.led, self.own, self.guest, self.taken

    def go_on(self) -> tuple[bool, ...]:
        return tuple(isinstance(self.world.caller(one), Caller) for one in self.all())

    def call(self, name: str, who: Credential = BOSSES, gathered: Any = None, /, **wanted: Any) -> Any:
        service, _, operation = name.partition(":")
        answer = self.world.decide(ACTIONS[service, operation], wanted, who=who, gathered=gathered).answer
        assert not isinstance(answer, Refusal), answer
        return answer


def sessions(**switches: bool) -> Sessions:
    changed = authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), 4, **switches))
    world = World(*INCIDENT, *HOME, changed)
    of_role = held(world.assume())
    led = held(world.assume(HOME_ARN, who=of_role))
    own, guest = held(world.get_session_token()), held(world.get_federation_token(Policy=ALL))
    return Sessions(world, of_role, led, own, guest, held(world.assume(AUDIT_ARN)))


def delete_role(given: Sessions) -> None:
    given.call("iam:DeleteRolePolicy", RoleName="Deploy", PolicyName="all")
    given.call("iam:DeleteRole", RoleName="Deploy")


def delete_user(given: Sessions) -> None:
    given.call("iam:DeleteUserPolicy", ROOTS, UserName="Ann", PolicyName="all")
    given.call("iam:DeleteAccessKey", ROOTS, UserName="Ann", AccessKeyId=ANNS.access_key_id)
    given.call("iam:DeleteUser", ROOTS, UserName="Ann")


def make_namesakes(given: Sessions) -> None:
    delete_role(given)
    delete_user(given)
    given.call("iam:CreateRole", RoleName="Deploy", Path="/team/", AssumeRolePolicyDocument=trusting(COMPANY))
    given.call("iam:PutRolePolicy", RoleName="Deploy", PolicyName="all", PolicyDocument=ALL)
    given.call("iam:CreateUser", ROOTS, UserName="Ann")
    given.call("iam:PutUserPolicy", ROOTS, UserName="Ann", PolicyName="all", PolicyDocument=ALL)
    given.call("iam:CreateAccessKey", ROOTS, UserName="Ann")


def deactivate_key(given: Sessions) -> None:
    given.call("iam:UpdateAccessKey", ROOTS, UserName="Ann", AccessKeyId=ANNS.access_key_id, Status="Inactive")


def delete_key(given: Sessions) -> None:
    given.call("iam:DeleteAccessKey", ROOTS, UserName="Ann", AccessKeyId=ANNS.access_key_id)


def delete_provider(given: Sessions) -> None:
    """The sessions of whom it vouched for, and what they led to, are others than those that are looked at elsewhere."""
    world = given.world
    world.take(
        OidcProviderCreated(
            account=PRODUCTION, provider_id=ProviderId("OIDC1"), url="idp.example", client_ids=("app",)
        ),
        retrust(DEPLOY, policy({"Principal": {"Federated": PROVIDER}, "Action": "sts:*"})),
    )
    vouched = held(world.vouched_for(WHO))
    led = held(world.assume(HOME_ARN, who=vouched))
    assert counting(world, vouched, led) == (True, True)
    given.call("iam:DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=PROVIDER)
    settings = world.state.settings
    assert settings is not None
    kept = not settings.role_sessions_end_with_parent
    assert counting(world, vouched, led) == (kept, kept)
    again = OidcProviderCreated(
        account=PRODUCTION, provider_id=ProviderId("OIDC2"), url="idp.example", client_ids=("app",)
    )
    world.take(again)
    assert counting(world, vouched, led) == (kept, kept)


def counting(world: World, *sessions: Credential) -> tuple[bool, ...]:
    return tuple(isinstance(world.caller(one), Caller) for one in sessions)


def change_policies(given: Sessions) -> None:
    given.call("iam:PutRolePolicy", RoleName="Deploy", PolicyName="all", PolicyDocument=DENY)
    given.call("iam:PutUserPolicy", ROOTS, UserName="Ann", PolicyName="all", PolicyDocument=DENY)
    given.call("iam:UpdateAssumeRolePolicy", RoleName="Deploy", PolicyDocument=trusting(PRODUCTION))
    given.call("iam:TagRole", RoleName="Deploy", Tags=[{"Key": "Team", "Value": "b"}])
    given.call("iam:CreateGroup", ROOTS, GroupName="Crew")
    given.call("iam:AddUserToGroup", ROOTS, GroupName="Crew", UserName="Ann")
    books = f"arn:aws:iam::{PRODUCTION}:policy/Books"
    given.call("iam:PutRolePermissionsBoundary", RoleName="Deploy", PermissionsBoundary=books)
    for session in (given.of_role, given.own, given.guest):
        assert not given.world.allows(session, "s3:PutObject", "*")


def deny_older(given: Sessions) -> None:
    given.world.wait(minutes=1)
    moment = given.world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    older = {"DateLessThan": {"aws:TokenIssueTime": moment}}
    document = policy({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older})
    given.call("iam:PutRolePolicy", RoleName="Deploy", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document)
    given.call("iam:PutUserPolicy", ROOTS, UserName="Ann", PolicyName="AWSRevokeOlder", PolicyDocument=document)
    for session in (given.of_role, given.own, given.guest):
        assert not given.world.allows(session, "s3:GetObject", "*")
    for session in (given.led, given.taken):
        owner = COMPANY if session is given.led else PRODUCTION
        assert given.world.allows(session, "s3:GetObject", "*", owner=owner)


def close(account: str) -> Callable[[Sessions], None]:
    return lambda given: given.world.take(account_settings.AccountClosed(account=account))


def revoke_session(whose: str, **more: Any) -> Callable[[Sessions], None]:
    def revoke(given: Sessions) -> None:
        session = getattr(given, whose)
        who = BOSSES if whose == "of_role" else ROOTS
        given.call("authority:RevokeSession", who, known(session), id=session.access_key_id, **more)

    return revoke


def revoke_role(given: Sessions) -> None:
    given.call("authority:RevokeRoleSessions", name="Deploy")


def revoke_what_the_key_led_to(given: Sessions) -> None:
    given.call("authority:RevokeDescendants", ROOTS, id=ANNS.access_key_id)


def revoke_what_the_session_led_to(given: Sessions) -> None:
    session = given.of_role
    given.call("authority:RevokeDescendants", BOSSES, known(session), id=session.access_key_id)


Row = tuple[str, Callable[[Sessions], None], tuple[bool, ...], tuple[bool, ...], tuple[bool, ...]]
ROWS: Final[tuple[Row, ...]] = (
    # the row, the call, and who goes on: as AWS, with the federation switch, and with the role switch
    (
        "DeleteRole",
        delete_role,
        (False, True, True, True, True),
        (False, True, True, True, True),
        (False, True, True, True, True),
    ),
    (
        "a namesake of a deleted role or user is created",
        make_namesakes,
        (False, True, False, False, True),
        (False, True, False, False, True),
        (False, False, False, False, False),
    ),
    (
        "DeleteUser",
        delete_user,
        (True, True, False, False, True),
        (True, True, False, False, True),
        (False, False, False, False, False),
    ),
    *(
        (
            "UpdateAccessKey Inactive, DeleteAccessKey",
            call,
            ALL_GO_ON,
            (True, True, False, False, True),
            (False, False, True, True, False),
        )
        for call in (deactivate_key, delete_key)
    ),
    (
        "DeleteOpenIDConnectProvider, DeleteSAMLProvider, DeleteIdentityPool",
        delete_provider,
        *3 * (ALL_GO_ON,),
    ),
    ("a changed policy, boundary, group, tag or trust policy", change_policies, ALL_GO_ON, ALL_GO_ON, ALL_GO_ON),
    ("a Deny on `aws:TokenIssueTime`", deny_older, ALL_GO_ON, ALL_GO_ON, ALL_GO_ON),
    ("CloseAccount", close(PRODUCTION), *3 * ((False, True, True, True, False),)),
    (
        "CloseAccount",
        close(COMPANY),
        (True, False, False, False, True),
        (True, False, False, False, True),
        (False, False, False, False, False),
    ),
    ("`authority:RevokeSession`", revoke_session("of_role"), *3 * ((False, True, True, True, True),)),
    (
        "`authority:RevokeSession`",
        revoke_session("of_role", descendants=True),
        *3 * ((False, False, True, True, True),),
    ),
    ("`authority:RevokeSession`", revoke_session("own"), *3 * ((True, True, False, True, True),)),
    ("`authority:RevokeSession`", revoke_session("guest"), *3 * ((True, True, True, False, True),)),
    ("`authority:RevokeRoleSessions`", revoke_role, *3 * ((False, True, True, True, True),)),
    ("`authority:RevokeDescendants` of a key", revoke_what_the_key_led_to, *3 * ((False,) * 5,)),
    (
        "`authority:RevokeDescendants` of a session",
        revoke_what_the_session_led_to,
        *3 * ((True, False, True, True, True),),
    ),
)


def documented() -> list[str]:
    """The first column of the table."""
    text = (Path(__file__).parents[2] / "docs/DIVERGENCES.md").read_text("utf-8")
    table = text.partition("### Which call ends which session")[2].partition("\n\nA switch counts")[0]
    return [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")][2:]


def test_every_row_of_the_table_is_tried():
    assert documented() == list(dict.fromkeys(row[0] for row in ROWS))


@pytest.mark.parametrize("switch", [None, *SWITCHES], ids=["as AWS", *SWITCHES])
@pytest.mark.parametrize("row", ROWS, ids=[f"{number} {row[0]}" for number, row in enumerate(ROWS)])
def test_which_call_ends_which_session(row: Row, switch: str | None):
    given = sessions() if switch is None else sessions(**{switch: True})
    assert given.go_on() == ALL_GO_ON
    row[1](given)
    assert given.go_on() == row[2 if switch is None else 3 + SWITCHES.index(switch)]


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_ended_with_a_key_counts_again_when_the_key_does(switch: str):
    """Nobody who has the key back may wonder; who wants an end for good revokes, which a key does not undo."""
    given, revoked = sessions(**{switch: True}), sessions(**{switch: True})
    revoke_what_the_key_led_to(revoked)
    for one in (given, revoked):
        deactivate_key(one)
        assert one.go_on() != ALL_GO_ON
        one.call("iam:UpdateAccessKey", ROOTS, UserName="Ann", AccessKeyId=ANNS.access_key_id, Status="Active")
    assert given.go_on() == ALL_GO_ON
    assert not any(revoked.go_on())


def test_whoever_is_gone_is_told_another_thing_than_whose_session_was_revoked():
    gone, revoked = sessions(), sessions()
    delete_role(gone)
    revoke_role(revoked)
    answers = [one.world.caller(one.of_role) for one in (gone, revoked)]
    assert [one.reason for one in answers if isinstance(one, Refusal)] == [
        Reason.INVALID_CLIENT_TOKEN_ID,
        Reason.EXPIRED_TOKEN,
    ]


def test_what_is_issued_after_a_revocation_counts():
    given = sessions()
    revoke_role(given)
    revoke_what_the_key_led_to(given)
    world = given.world
    later = [held(world.assume()), held(world.get_session_token()), held(world.get_federation_token())]
    assert all(isinstance(world.caller(one), Caller) for one in later)
    assert world.state.accounts[PRODUCTION].roles[DEPLOY].id == DEPLOY
    assert AccessKeyId(ANNS.access_key_id) in world.state.access_keys
    assert ANN in world.state.accounts[COMPANY].users
