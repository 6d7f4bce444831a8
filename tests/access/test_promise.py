"""No sequence of calls by principals without administrative rights in IAM enlarges what they can reach.

Everybody here works together: a user with little, one who may do everything within a boundary, one who may make users and
roles within that boundary, and the administrator and the root of another account.  They call whatever there is to be
called, with whatever they hold or come to hold.  What all of them can reach is worked out at the start, through every role
that they can assume; afterwards they reach nothing else, and nothing that is not theirs has changed.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from authority.access import weighing
from authority.access.action import Action, Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.access.weighing import weigh
from authority.kernel.ids import AccessKeyId, AccountId, GroupId, PolicyId, RoleId, SealingKeyId, UserId
from authority.kernel.secret import Secret
from authority.kernel.tags import Tag
from authority.model import authority, holders, policies, principals, roles
from authority.model.boundaries import BoundarySet
from authority.model.identity_pools import IdentityPoolCreated, PoolSettings
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, State, evolve
from authority.principals.login_profiles import Hashed
from authority.registry import ACTIONS
from authority.sessions import assume_role as assume_role_module
from authority.sessions.assume_role import AssumeRole, assume_role
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.policy.engine import compiled
from tests.policy.reference import Paper

TOP, HOME, AWAY = AccountId("999999999999"), AccountId("111122223333"), AccountId("444455556666")
ALICE, BOB, CARL, ADMIN, EVE = map(UserId, ("AIDAALICE", "AIDABOB", "AIDACARL", "AIDAADMIN", "AIDAEVE"))
MALLORY = UserId("AIDAMALLORY")
POOL = "us-east-1:1"
APP, OPS, BOSS, LEGACY, SVC, TAGGED, PARTNER = map(
    RoleId, ("AROAAPP", "AROAOPS", "AROABOSS", "AROALEGACY", "AROASVC", "AROATAGGED", "AROAPARTNER")
)
ADMINS, LIMIT = GroupId("AGPAADMINS"), PolicyId("ANPALIMIT")
CATALOGUE_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
KELVIN = "team".replace("t", "\u1d40")


def arn(rest: str, account: str = HOME) -> str:
    return f"arn:aws:iam::{account}:{rest}"


LIMIT_ARN = arn("policy/limit")
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
READS_IAM = {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "iam:Simulate*", "sts:Get*"], "Resource": "*"}


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def reads(*prefixes: str) -> dict:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{prefix}/*" for prefix in prefixes]}


def trusts(principal: dict, *actions: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions or "sts:AssumeRole"}
    return policy(statement | ({"Condition": condition} if condition else {}))


WITHIN = {"StringEquals": {"iam:PermissionsBoundary": LIMIT_ARN}}
OWN = {
    "Effect": "Allow",
    "Action": ["iam:*AccessKey*", "iam:*MFADevice*", "iam:ChangePassword"],
    "Resource": [arn("user/${aws:username}"), arn("mfa/${aws:username}")],
}
MAKES = (
    {
        "Effect": "Allow",
        "Action": ["iam:Create*", "iam:Put*", "iam:Attach*", "iam:Detach*"],
        "Resource": [arn("user/made/*"), arn("role/made/*")],
        "Condition": WITHIN,
    },
    {
        "Effect": "Allow",
        "Action": [
            "iam:DeleteUser", "iam:DeleteRole", "iam:UpdateUser", "iam:UpdateAssumeRolePolicy", "iam:CreateAccessKey",
            "iam:*InstanceProfile*", "iam:CreatePolicy*", "iam:SetDefaultPolicyVersion", "sts:AssumeRole", "iam:PassRole",
        ],
        "Resource": [arn("user/made/*"), arn("role/made/*"), arn("policy/made/*"), arn("instance-profile/made/*")],
    },
    {"Effect": "Deny", "Action": "iam:UpdateAssumeRolePolicy", "Resource": arn("role/made/svc")},
    {"Effect": "Deny", "Action": ["iam:CreateAccessKey", "iam:UpdateUser"], "Resource": arn("user/made/eve")},
)  # fmt: skip
LIMITED = policy(
    reads("open"),
    {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Resource": [arn("role/legacy"), arn("role/tagged")],
    },
)


def user(account: AccountId, user_id: UserId, name: str, document: str, path: str = "/"):
    yield principals.UserCreated(account=account, user_id=user_id, name=name, path=path)
    yield principals.AccessKeyCreated(account=account, access_key_id=key_of(user_id), owner=user_id)
    yield holders.InlinePolicyPut(account=account, holder=user_id, name="own", document=document)


def role(role_id: RoleId, name: str, trust: str, document: str, path: str = "/", bound: tuple = ()):
    yield roles.RoleCreated(account=HOME, role_id=role_id, name=name, path=path, trust=roles.Trust(trust, bound))
    yield holders.InlinePolicyPut(account=HOME, holder=role_id, name="own", document=document)


def key_of(owner: str) -> AccessKeyId:
    return AccessKeyId(f"AKIA{owner[4:]:0>16}")


WORLD = (
    authority.AuthorityInitialised(ledger_id="l1", management_account=TOP),
    authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), 4)),
    authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
    *(authority.AccountCreated(account=each, name=each) for each in (TOP, HOME, AWAY)),
    IdentityPoolCreated(account=HOME, pool=POOL, settings=PoolSettings(name="app", guests=True, classic=True)),
    policies.CataloguePolicyPublished(
        policy_id=policies.catalogue_id("/", "AdministratorAccess"), name="AdministratorAccess", path="/", number=1,
        document=policy(ALL),
    ),
    policies.PolicyCreated(account=HOME, policy_id=LIMIT, name="limit", path="/", document=LIMITED),
    *user(HOME, ADMIN, "admin", policy(ALL)),
    principals.GroupCreated(account=HOME, group_id=ADMINS, name="admins", path="/"),
    holders.InlinePolicyPut(account=HOME, holder=ADMINS, name="own", document=policy(ALL)),
    *user(HOME, ALICE, "alice", policy(READS_IAM, OWN, reads("open", "alice"), {"Effect": "Allow", "Action": "sts:*", "Resource": arn("role/app")})),
    *user(HOME, BOB, "bob", policy(ALL)),
    BoundarySet(account=HOME, holder=BOB, policy_id=LIMIT),
    *user(HOME, CARL, "carl", policy(READS_IAM, *MAKES)),
    *user(HOME, EVE, "eve", policy(reads("eve")), "/made/"),
    *user(AWAY, MALLORY, "mallory", policy(ALL)),
    principals.AccessKeyCreated(account=AWAY, access_key_id=key_of(AWAY), owner=AWAY),
    *role(APP, "app", trusts({"AWS": arn("user/alice")}), policy(reads("open", "app"), {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}), bound=((arn("user/alice"), ALICE),)),
    *role(OPS, "ops", trusts({"AWS": HOME}, Bool={"aws:MultiFactorAuthPresent": "true"}), policy(reads("ops"))),
    *role(BOSS, "boss", trusts({"AWS": arn("user/admin")}), policy(ALL), bound=((arn("user/admin"), ADMIN),)),
    roles.RoleCreated(account=HOME, role_id=SVC, name="svc", path="/made/", trust=roles.Trust(trusts({"Service": "ec2.amazonaws.com"}))),
    *role(LEGACY, "legacy", trusts({"AWS": [arn("role/made/svc"), arn("user/made/eve")]}), policy(reads("vault")), bound=((arn("role/made/svc"), SVC), (arn("user/made/eve"), EVE))),
    *role(TAGGED, "tagged", trusts({"AWS": HOME}, "sts:AssumeRole", "sts:TagSession", StringEquals={"aws:RequestTag/team": "red"}), policy({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::team-${aws:PrincipalTag/team}/*"})),
    *role(PARTNER, "partner", trusts({"AWS": AWAY}, StringEquals={"sts:ExternalId": "agreed"}), policy(reads("partner"))),
)  # fmt: skip
START = evolve(EMPTY, WORLD, AT)
HELD = tuple(Credential(key_of(owner)) for owner in (ALICE, BOB, CARL, MALLORY, AWAY))
ROLES = ("app", "ops", "boss", "made/svc", "legacy", "tagged", "partner", "made/new")
PROTECTED = frozenset({ALICE, BOB, CARL, ADMIN, ADMINS, LIMIT, APP, OPS, BOSS, LEGACY, TAGGED, PARTNER, POOL})
"""What nobody here may change, but for their own keys and devices."""
TOUCHED = ("user_id", "role_id", "group_id", "policy_id", "pool", "owner")
THEIR_OWN = principals.AccessKeyCreated | principals.AccessKeyDeleted | principals.AccessKeyStatusChanged

BUCKETS = ("open", "alice", "app", "ops", "vault", "eve", "partner", "team-red", "team-blue", "team-", "other")
PROBES = (
    *(("s3:GetObject", f"arn:aws:s3:::{bucket}/x") for bucket in BUCKETS),
    ("kms:Decrypt", f"arn:aws:kms:us-east-1:{HOME}:key/k"),
    ("iam:CreateUser", arn("user/x")),
    ("iam:CreateUser", arn("user/made/x")),
    ("iam:PutUserPolicy", arn("user/alice")),
    ("iam:PutUserPolicy", arn("user/made/x")),
    ("iam:AttachRolePolicy", arn("role/app")),
    ("iam:UpdateAssumeRolePolicy", arn("role/boss")),
    ("iam:CreateAccessKey", arn("user/admin")),
    ("iam:CreateAccessKey", arn("user/made/eve")),
    ("iam:DeleteUserPermissionsBoundary", arn("user/bob")),
    ("iam:DeleteUserPermissionsBoundary", arn("user/made/x")),
    ("iam:CreatePolicyVersion", LIMIT_ARN),
    ("iam:AddUserToGroup", arn("group/admins")),
    ("iam:PassRole", arn("role/boss")),
    ("sts:AssumeRole", arn("role/boss")),
    ("sts:AssumeRole", arn("role/ops")),
    ("authority:CreateAccount", f"arn:aws:authority::{TOP}:account/*"),
    ("organizations:CreateAccount", "*"),
)

TAGS = st.sampled_from(
    [
        (),
        (Tag("team", "red"),),
        (Tag("team", "blue"),),
        (Tag("Team", "blue"),),
        (Tag(KELVIN, "blue"), Tag("team", "red")),
    ]
)
USERS = st.sampled_from(["alice", "bob", "carl", "admin", "eve", "new", "mallory"])
DOCUMENTS = st.sampled_from([policy(ALL), LIMITED, policy(READS_IAM), "{}"])
TRUSTS = st.sampled_from(
    [
        trusts({"AWS": "*"}),
        trusts({"AWS": [HOME, AWAY]}),
        trusts({"AWS": arn("user/alice")}),
        trusts({"AWS": "*"}, "sts:*"),
        "{}",
    ]
)
NAMED_POLICIES = st.sampled_from([LIMIT_ARN, CATALOGUE_ADMIN, arn("policy/made/wide"), arn("policy/wide", AWAY)])
ACCOUNTS = st.sampled_from([TOP, HOME, AWAY])
PATHS = st.sampled_from(["/made/", "/made/", "/"])
SOME: dict[str, st.SearchStrategy] = {
    "UserName": USERS, "NewUserName": USERS, "GroupName": st.sampled_from(["admins", "new"]), "NewGroupName": st.just("new"),
    "RoleName": st.sampled_from([name.rpartition("/")[2] for name in ROLES]),
    "RoleArn": st.sampled_from([arn(f"role/{name}") for name in ROLES]), "RoleSessionName": st.sampled_from(["one", "two"]),
    "PolicyName": st.sampled_from(["own", "wide", "limit"]), "PolicyDocument": DOCUMENTS | TRUSTS, "PolicyArn": NAMED_POLICIES,
    "AssumeRolePolicyDocument": TRUSTS, "PermissionsBoundary": NAMED_POLICIES, "Path": PATHS, "NewPath": PATHS,
    "Tags": TAGS, "TagKeys": st.just(("team",)), "TransitiveTagKeys": st.sampled_from([(), ("team",)]),
    "ExternalId": st.sampled_from(["agreed", "guessed"]), "Policy": DOCUMENTS, "Name": st.just("fred"),
    "VersionId": st.sampled_from(["v1", "v2"]), "SetAsDefault": st.booleans(), "Status": st.sampled_from(["Active", "Inactive"]),
    "AccessKeyId": st.sampled_from([key_of(owner) for owner in (ALICE, BOB, ADMIN, MALLORY)]),
    "InstanceProfileName": st.just("profile"), "Password": st.just("Correct-Horse-7"), "NewPassword": st.just("Correct-Horse-8"),
    "OldPassword": st.just("Correct-Horse-7"), "VirtualMFADeviceName": USERS, "SerialNumber": st.sampled_from([arn("mfa/alice"), arn("mfa/admin")]),
    "AuthenticationCode1": st.just("123456"), "AuthenticationCode2": st.just("234567"), "AccountAlias": st.just("ours"),
    "AccountId": ACCOUNTS, "AccountName": st.just("another"), "Email": st.just("a@example.org"), "ResourceId": ACCOUNTS,
    "ParentId": ACCOUNTS, "ChildId": ACCOUNTS, "accountId": ACCOUNTS, "trustedAccount": ACCOUNTS, "account": ACCOUNTS,
    "name": st.sampled_from(["alice", "boss", "another"]), "administrator": st.just("admin"), "id": st.sampled_from([key_of(ADMIN), key_of(ALICE)]),
    "AWSServiceName": st.just("jobs.example.org"), "Properties": st.just({}), "Url": st.just("https://id.example.org"),
    "ClientIDList": st.just(("us",)), "ThumbprintList": st.just(("0" * 40,)), "OpenIDConnectProviderArn": st.just(arn("oidc-provider/id.example.org")),
    "ClientID": st.just("us"), "Description": st.just("x"), "PolicySourceArn": st.sampled_from([arn("user/admin"), arn("user/alice")]),
    "ActionNames": st.just(("s3:GetObject",)), "PolicyInputList": st.just((policy(ALL),)), "DurationSeconds": st.just(3600),
    "value": st.just(10), "activeSessions": st.just(10), "SAMLProviderArn": st.just(arn("saml-provider/corp")), "GlobalEndpointTokenVersion": st.just("v2Token"),
    "IdentityPoolName": st.just("app"), "IdentityPoolId": st.just(POOL), "AllowUnauthenticatedIdentities": st.booleans(),
    "Roles": st.sampled_from([{kind: arn(f"role/{name}")} for kind in ("authenticated", "unauthenticated") for name in ROLES]),
}  # fmt: skip
OUTSIDE = {
    ("authority", "Evaluate"),
    ("authority", "BatchEvaluate"),
    ("authority", "Contain"),
    ("sts", "AssumeRoleWithWebIdentity"),
    ("cognito-identity", "GetId"),
    ("sts", "GetWebIdentityToken"),
}
"""Need what others prove: an issuer's token, a signature that a resource server was shown, a signing key, a walk of the log."""
BESIDE = dict.fromkeys(("iam:CreateLoginProfile", "iam:UpdateLoginProfile"), Hashed(Secret("hashed")))
"""What is brought from outside for a decision."""


def required(action: Action) -> set[str]:
    return {each.encode_name for each in msgspec.structs.fields(action.input) if each.required}


CALLABLE = {name: action for name, action in ACTIONS.items() if required(action) <= SOME.keys() and name not in OUTSIDE}


MADE = {"Path": "/made/", "PermissionsBoundary": LIMIT_ARN}
PLANS: tuple[tuple[UserId | AccountId, str, dict[str, Any]], ...] = (
    (CARL, "CreateUser", MADE), (CARL, "CreateUser", MADE | {"UserName": "eve"}), (CARL, "CreateRole", MADE),
    (CARL, "CreateRole", MADE | {"RoleName": "svc"}), (CARL, "CreateRole", MADE | {"RoleName": "new"}),
    (CARL, "DeleteUser", {"UserName": "eve"}), (CARL, "DeleteRole", {"RoleName": "svc"}),
    (CARL, "PutUserPolicy", {"UserName": "new", "PolicyDocument": policy(ALL)}), (CARL, "PutRolePolicy", {"PolicyDocument": policy(ALL)}),
    (CARL, "AttachUserPolicy", {"PolicyArn": CATALOGUE_ADMIN}), (CARL, "AttachRolePolicy", {"PolicyArn": CATALOGUE_ADMIN}),
    (CARL, "PutUserPermissionsBoundary", {}), (CARL, "PutRolePermissionsBoundary", {}), (CARL, "CreateAccessKey", {"UserName": "new"}),
    (CARL, "CreateAccessKey", {}), (CARL, "UpdateUser", {"UserName": "new"}), (CARL, "UpdateUser", {}),
    (CARL, "UpdateAssumeRolePolicy", {"PolicyDocument": trusts({"AWS": "*"})}), (CARL, "CreatePolicy", {"Path": "/made/"}),
    (CARL, "CreatePolicyVersion", {}), (CARL, "AssumeRole", {}), (ALICE, "AssumeRole", {"RoleArn": arn("role/app")}),
    (ALICE, "CreateAccessKey", {"UserName": "alice"}), (ALICE, "GetFederationToken", {}), (ALICE, "GetSessionToken", {}),
    (BOB, "AssumeRole", {"RoleArn": arn("role/tagged")}), (BOB, "CreateUser", {}), (BOB, "PutUserPolicy", {"UserName": "bob"}),
    (MALLORY, "AssumeRole", {"RoleArn": arn("role/partner")}), (MALLORY, "AssumeRole", {}), (MALLORY, "CreateRole", {}),
    (MALLORY, "CreateUser", {"UserName": "alice"}), (AWAY, "CreateUser", {}), (AWAY, "GetFederationToken", {}),
)  # fmt: skip
"""What comes near: who calls, what, and the words that must stand there for it to get anywhere."""
ONE_IN_THREE = st.sampled_from([True, False, False])


def input_of(draw, action: Action, fixed: dict[str, Any]):
    """An input of *action* from words that mean something here; None when they do not fit together."""
    said = dict(fixed)
    for each in msgspec.structs.fields(action.input):
        name = each.encode_name
        if name in SOME and name not in fixed and (each.required or draw(ONE_IN_THREE)):
            said[name] = msgspec.to_builtins(draw(SOME[name]))
    try:
        return msgspec.convert(said, action.input)
    except msgspec.ValidationError:
        return None


@st.composite
def anything(draw):
    """Any action with any words."""
    action = CALLABLE[draw(st.sampled_from(sorted(CALLABLE)))]
    return action, input_of(draw, action, {})


@st.composite
def plans(draw):
    """A call that comes near, and who makes it."""
    who, operation, fixed = draw(st.sampled_from(PLANS))
    action = next(action for (_, name), action in CALLABLE.items() if name == operation)
    return action, input_of(draw, action, fixed), who


def speaks(state: State, credential: Credential, now) -> Caller | None:
    found = caller_of(state, credential, now=now, partition="aws")
    return found if isinstance(found, Caller) else None


def reached(state: State, credentials, now) -> set[tuple[str, str]]:
    """Which probes some of these may do in the home account."""
    found = set()
    for credential in credentials:
        caller = speaks(state, credential, now)
        for action, resource in PROBES if caller else ():
            if (action, resource) not in found:
                weighed = weigh(state, Call(caller, None, OFFICE), now, action, resource, owner=HOME)
                if weighed.verdict.allowed:
                    found.add((action, resource))
    return found


def sessions_of(state: State, credentials, now, tags=((),)):
    """What these become by assuming every role that they can, from there on again."""
    known, waiting = list(credentials), list(credentials)
    seen = set()
    while waiting:
        caller = speaks(state, waiting.pop(), now)
        for name in ROLES if caller else ():
            for passed in tags:
                for external in ("", "agreed"):
                    wanted = AssumeRole(arn(f"role/{name}"), "one", external_id=external, tags=passed)
                    decision = assume_role.decide(state, Call(caller, wanted, OFFICE), Facts(now, b"closure"))
                    for fact in decision.facts:
                        said = (
                            (fact.role_id, fact.tags, len(fact.ancestors)) if isinstance(fact, SessionIssued) else None
                        )
                        if said and said not in seen:
                            seen.add(said)
                            known.append(credential_of(fact))
                            waiting.append(credential_of(fact))
    return known


def credential_of(session: SessionIssued) -> Credential:
    return Credential(session.access_key_id, SessionClaims.of(session, 1))


PASSED = ((), (Tag("team", "red"),), (Tag("team", "blue"),))
EXPECTED = reached(START, sessions_of(START, HELD, AT, PASSED), AT) | {("s3:GetObject", "arn:aws:s3:::open/x")}
"""What all of them reach at the start; whoever is made within the boundary reaches what it allows."""


class Conspiracy(RuleBasedStateMachine):
    """All of them, calling whatever there is."""

    def __init__(self):
        super().__init__()
        self.state, self.held, self.now, self.calls = START, list(HELD), AT, 0
        self.changed = True

    @rule(what=anything(), who=st.integers(0, 50))
    def call_anything(self, what, who):
        self.call(*what, self.held[who % len(self.held)])

    @rule(plan=plans())
    def follow_a_plan(self, plan):
        action, said, who = plan
        self.call(action, said, Credential(key_of(who)))

    @rule(plan=plans())
    def follow_another_plan(self, plan):
        self.follow_a_plan(plan)

    @rule(trust=TRUSTS, name=st.sampled_from(["svc", "new"]))
    def make_a_role_again(self, trust, name):
        carl, words = Credential(key_of(CARL)), {"RoleName": name}
        for operation, more in (("DeleteRole", {}), ("CreateRole", MADE | {"AssumeRolePolicyDocument": trust})):
            action = CALLABLE["iam", operation]
            self.call(action, msgspec.convert(words | more, action.input), carl)

    @rule(plan=plans())
    def use_what_came_last(self, plan):
        action, said, _ = plan
        self.call(action, said, self.held[-1])

    @rule(seconds=st.sampled_from([1, 600, 4000]))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    def call(self, action, said, credential):
        caller = speaks(self.state, credential, self.now)
        if said is None or caller is None:
            return
        self.calls += 1
        seed = f"{self.calls}".encode()
        call = Call(caller, said, OFFICE, BESIDE.get(action.name))
        decision = action.decide(self.state, call, Facts(self.now, seed, decided_from=self.calls))
        for fact in decision.facts:
            self.judge(action, fact)
            if isinstance(fact, SessionIssued):
                self.held.append(credential_of(fact))
            if isinstance(fact, principals.AccessKeyCreated):
                self.held.append(Credential(fact.access_key_id))
        self.changed = self.changed or bool(decision.facts)
        self.state = evolve(self.state, decision.facts, self.now)

    def judge(self, action, fact):
        """Nothing that is not theirs changes."""
        if not fact.CONFIG or getattr(fact, "account", AWAY) == AWAY:
            return
        touched = {getattr(fact, name, None) for name in TOUCHED}
        if hasattr(fact, "holder"):
            touched = {fact.holder}  # a policy that is hung on somebody stays as it is
        own = isinstance(fact, THEIR_OWN) and touched <= {None, ALICE}
        assert own or touched.isdisjoint(PROTECTED), (action.name, fact)
        assert fact.account != TOP, (action.name, fact)

    @invariant()
    def they_reach_nothing_new(self):
        if self.changed:
            self.changed = False
            everybody = sessions_of(self.state, self.held[-12:] + list(HELD), self.now)
            assert reached(self.state, everybody, self.now) <= EXPECTED


@pytest.mark.timeout(300)
class TestConspiracy(Conspiracy.TestCase):
    settings = settings(max_examples=25, stateful_step_count=40, suppress_health_check=list(HealthCheck))


@pytest.mark.deep
@pytest.mark.timeout(3600)
class TestConspiracyAtLength(Conspiracy.TestCase):
    settings = settings(max_examples=1500, stateful_step_count=60, suppress_health_check=list(HealthCheck))


def test_what_they_reach_at_the_start_is_what_was_meant():
    reach = {resource.partition(":::")[2] or action for action, resource in EXPECTED if action.startswith("s3:")}
    assert reach == {"open/x", "alice/x", "app/x", "partner/x", "team-red/x"}
    assert not any(action.startswith(("authority:", "organizations:", "kms:")) for action, _ in EXPECTED)
    assert {action for action, _ in EXPECTED if action.startswith("iam:")} == set()


def test_they_can_call_nearly_all_that_there_is():
    left_out = {operation for (service, operation) in ACTIONS if (service, operation) not in CALLABLE}
    writes = {
        name
        for name in left_out
        if name.startswith(("Create", "Put", "Update", "Attach", "Add", "Set", "Enable", "Upload"))
    }
    assert writes == {"CreateSAMLProvider"}  # its metadata is judged where it is read


def test_an_administrator_would_be_found_out():
    with_admin = [*HELD, Credential(key_of(ADMIN))]
    assert not reached(START, with_admin, AT) <= EXPECTED
    escaped = evolve(
        START, [BoundarySet(account=HOME, holder=BOB, policy_id=policies.catalogue_id("/", "AdministratorAccess"))], AT
    )
    assert not reached(escaped, HELD, AT) <= EXPECTED


def without_boundaries(monkeypatch):
    standing_of, replace = weighing.standing_of, msgspec.structs.replace
    monkeypatch.setattr(
        weighing, "standing_of", lambda state, caller: replace(standing_of(state, caller), boundary=None)
    )


def with_names_for_ids(monkeypatch):
    monkeypatch.setattr(
        assume_role_module,
        "trust_policy",
        lambda account, role, partition: compiled(Paper("trust", role.name, role.trust.document)),
    )


@pytest.mark.parametrize("mistake", [without_boundaries, with_names_for_ids])
def test_a_planted_mistake_lets_them_reach_more(mistake, monkeypatch):
    mistake(monkeypatch)
    attempt = settings(TestConspiracy.settings, max_examples=100, phases=[Phase.generate], database=None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Conspiracy, settings=attempt)
