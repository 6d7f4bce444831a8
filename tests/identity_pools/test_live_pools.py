"""Applications sign their users in as the guide recommends: by an identity pool, with real clients and a real provider."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.federation.issuers import Issuer, OidcProvider, mock_issuer, oidc_provider
from tests.judging import judge
from tests.live import MANAGEMENT, REGION, Keys, Live, running
from tests.npm import installed

HERE = Path(__file__).parent
CLIENTS = HERE.parent / "clients"
ROLE = f"arn:aws:iam::{MANAGEMENT}:role"
COGNITO = "cognito-identity.amazonaws.com"
LOOPBACK = ("127.0.0.0/8", "::1/128")
READ = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}}
)


def trusting(pool: str, *came: str) -> str:
    """Trust in whoever came to the pool in one of these ways."""
    condition = {"StringEquals": {f"{COGNITO}:aud": pool}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": list(came)}}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": COGNITO},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@dataclass
class Place:
    """An account with an application whose users sign in at a provider, or nowhere."""

    live: Live
    people: OidcProvider
    anything: Issuer
    pool: str

    @property
    def operator(self) -> Any:
        return self.live.client("cognito-identity", retries={"total_max_attempts": 10})

    def device(self, service: str = "cognito-identity") -> Any:
        """A client without keys, as on a telephone."""
        client = boto3.client(
            service,
            endpoint_url=self.live.url,
            region_name=REGION,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 10}),
        )
        client.meta.events.register("after-call", judge)
        return client

    def token(self, **claims: Any) -> dict[str, str]:
        """A login by the issuer that signs anything."""
        claims = {"aud": "app", **claims}
        signed = self.anything.tell(kid=None, claims=claims, header={}, lifetime=600)["token"]
        return {self.anything.issuer.removeprefix("https://"): str(signed)}

    def keys(self, identity: str, logins: dict[str, str] | None = None, **more: Any) -> Keys:
        """The credentials of an identity."""
        answer = self.device().get_credentials_for_identity(IdentityId=identity, Logins=logins or {}, **more)
        assert answer["IdentityId"] == identity
        found = answer["Credentials"]
        return Keys(found["AccessKeyId"], found["SecretKey"], found["SessionToken"])

    def role_of(self, keys: Keys) -> str:
        arn: str = self.live.client("sts", keys).get_caller_identity()["Arn"]
        return arn.split("/")[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("authority")
    with (
        oidc_provider() as people,
        mock_issuer() as anything,
        running(folder, issuer_networks=LOOPBACK, summary_interval=0.1) as live,
    ):
        iam = live.client("iam")
        arns = [
            iam.create_open_id_connect_provider(
                Url=issuer.issuer, ClientIDList=["app"], ThumbprintList=[issuer.tls.thumbprint]
            )["OpenIDConnectProviderArn"]
            for issuer in (people, anything)
        ]
        operator = live.client("cognito-identity")
        pool = operator.create_identity_pool(
            IdentityPoolName="App",
            AllowUnauthenticatedIdentities=True,
            AllowClassicFlow=True,
            DeveloperProviderName="login.app",
            OpenIdConnectProviderARNs=arns,
            IdentityPoolTags={"team": "mobile"},
        )["IdentityPoolId"]
        assert pool.startswith(f"{REGION}:")
        iam.create_role(RoleName="Member", AssumeRolePolicyDocument=trusting(pool, "authenticated"))
        iam.create_role(RoleName="Boss", AssumeRolePolicyDocument=trusting(pool, "authenticated"))
        iam.create_role(RoleName="Guest", AssumeRolePolicyDocument=trusting(pool, "unauthenticated"))
        iam.put_role_policy(RoleName="Member", PolicyName="read", PolicyDocument=READ)
        operator.set_identity_pool_roles(
            IdentityPoolId=pool,
            Roles={"authenticated": f"{ROLE}/Member", "unauthenticated": f"{ROLE}/Guest"},
            RoleMappings={
                arns[1]: {
                    "Type": "Rules",
                    "AmbiguousRoleResolution": "AuthenticatedRole",
                    "RulesConfiguration": {
                        "Rules": [
                            {"Claim": "title", "MatchType": "Equals", "Value": "boss", "RoleARN": f"{ROLE}/Boss"},
                            {"Claim": "title", "MatchType": "Equals", "Value": "guest", "RoleARN": f"{ROLE}/Guest"},
                        ]
                    },
                }
            },
        )
        yield Place(live, people, anything, pool)


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return said


def test_whoever_signs_in_at_the_provider_gets_the_role_of_members(place: Place):
    logins = {place.people.issuer.removeprefix("https://"): place.people.sign_in("ann")}
    device = place.device()
    identity = device.get_id(IdentityPoolId=place.pool, AccountId=MANAGEMENT, Logins=logins)["IdentityId"]
    keys = place.keys(identity, logins)
    assert place.role_of(keys) == "Member"
    assert place.live.client("iam", keys).list_users()["Users"]
    with pytest.raises(ClientError):
        place.live.client("iam", keys).list_roles()
    assert device.get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"] == identity


def test_a_guest_gets_the_role_of_guests_and_becomes_a_member_when_he_signs_in(place: Place):
    device = place.device()
    identity = device.get_id(IdentityPoolId=place.pool)["IdentityId"]
    assert place.role_of(place.keys(identity)) == "Guest"
    logins = place.token(sub="once-a-guest")
    assert place.role_of(place.keys(identity, logins)) == "Member"
    assert device.get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"] == identity
    with pytest.raises(ClientError) as refused:
        place.keys(identity)
    assert code(refused) == "NotAuthorizedException"


def test_a_token_of_the_pool_is_traded_for_a_role_at_the_token_service(place: Place):
    device, logins = place.device(), place.token(sub="basic")
    identity = device.get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"]
    token = device.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
    said = claims_of(token)
    assert (said["iss"], said["aud"], said["sub"]) == (f"https://{COGNITO}", place.pool, identity)
    assert said["amr"][0] == "authenticated"
    answer = place.device("sts").assume_role_with_web_identity(
        RoleArn=f"{ROLE}/Member", RoleSessionName="phone", WebIdentityToken=token
    )
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == (identity, place.pool)
    assert place.role_of(Keys.of(answer["Credentials"])) == "Member"
    with pytest.raises(ClientError) as refused:
        place.device("sts").assume_role_with_web_identity(
            RoleArn=f"{ROLE}/Guest", RoleSessionName="phone", WebIdentityToken=token
        )
    assert code(refused) == "AccessDenied"


def test_rules_over_claims_choose_the_role_and_the_role_must_trust_whoever_comes(place: Place):
    device = place.device()
    for title, role in [("boss", "Boss"), ("clerk", "Member")]:
        logins = place.token(sub=title, title=title)
        identity = device.get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"]
        assert place.role_of(place.keys(identity, logins)) == role
    logins = place.token(sub="odd", title="guest")
    identity = device.get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"]
    with pytest.raises(ClientError) as refused:
        place.keys(identity, logins)
    assert code(refused) == "InvalidIdentityPoolConfigurationException"


def test_an_application_signs_its_own_users_in_and_tags_their_sessions(place: Place):
    answer = place.operator.get_open_id_token_for_developer_identity(
        IdentityPoolId=place.pool, Logins={"login.app": "user-7"}, PrincipalTags={"plan": "gold"}, TokenDuration=60
    )
    identity, logins = answer["IdentityId"], {COGNITO: answer["Token"]}
    said = claims_of(answer["Token"])
    assert said["amr"] == ["authenticated", "login.app", f"login.app:{place.pool}:user-7"]
    assert said["exp"] - said["iat"] == 60
    assert place.role_of(place.keys(identity, logins)) == "Member"
    (event,) = place.live.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GetCredentialsForIdentity"}], MaxResults=1
    )["Events"]
    record = json.loads(event["CloudTrailEvent"])
    assert record["eventSource"] == COGNITO
    assert record["userIdentity"]["type"] == "WebIdentityUser"
    assert answer["Token"] not in event["CloudTrailEvent"]
    traded = place.device("sts").assume_role_with_web_identity(
        RoleArn=f"{ROLE}/Member", RoleSessionName="phone", WebIdentityToken=answer["Token"]
    )
    assert traded["Provider"] == f"https://{COGNITO}"
    found = place.operator.lookup_developer_identity(IdentityPoolId=place.pool, DeveloperUserIdentifier="user-7")
    assert found["IdentityId"] == identity
    with pytest.raises(ClientError) as refused:
        place.device().get_id(IdentityPoolId=place.pool, Logins={"login.app": "user-7"})
    assert code(refused) == "NotAuthorizedException"


def test_nobody_comes_by_a_token_that_was_not_meant_for_the_pool(place: Place):
    device = place.device()
    name = place.anything.issuer.removeprefix("https://")
    member = device.get_id(IdentityPoolId=place.pool, Logins=place.token(sub="member"))["IdentityId"]
    hostile: list[dict[str, str]] = [
        place.token(sub="mallory", aud="another"),
        place.token(sub="mallory", exp=1),
        {name: "rubbish"},
        {"unknown.example": place.token(sub="mallory")[name]},
        {COGNITO: place.token(sub=member, iss=f"https://{COGNITO}", aud=place.pool)[name]},
        {place.people.issuer.removeprefix("https://"): place.token(sub="ann")[name]},
        {"login.app": "user-7"},
        {**place.token(sub="member"), COGNITO: "a.b.c"},
    ]
    for logins in hostile:
        for ask in (
            lambda logins=logins: device.get_id(IdentityPoolId=place.pool, Logins=logins),
            lambda logins=logins: device.get_credentials_for_identity(IdentityId=member, Logins=logins),
            lambda logins=logins: device.get_open_id_token(IdentityId=member, Logins=logins),
        ):
            with pytest.raises(ClientError) as refused:
                ask()
            assert code(refused) == "NotAuthorizedException", logins
    with pytest.raises(ClientError) as refused:
        place.keys(member, place.token(sub="mallory"))
    assert code(refused) == "NotAuthorizedException"


def test_no_login_is_ever_written_into_the_log(place: Place):
    logins = place.token(sub="secretive")
    (token,) = logins.values()
    identity = place.device().get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"]
    place.keys(identity, logins)
    status, answer = place.live.ask("GET", "/v1/events", query="maxResults=50")
    assert status == 200
    text = json.dumps(answer)
    assert identity in text
    assert token not in text
    assert token.split(".")[1] not in text


@pytest.mark.parametrize("member", [True, False], ids=["a member", "a guest"])
def test_the_sdk_for_javascript_signs_a_telephone_in(place: Place, tmp_path: Path, member: bool):
    folder = installed(CLIENTS)
    script = folder / "phone.mjs"
    script.write_text((HERE / "phone.mjs").read_text())
    told = {"ENDPOINT": place.live.url, "POOL": place.pool, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    logins = {"LOGINS": json.dumps(place.token(sub="on-a-telephone"))} if member else {}
    done = subprocess.run(
        ["node", "--no-warnings", str(script)],
        env=told | logins,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    role = "Member" if member else "Guest"
    arn = f"arn:aws:sts::{MANAGEMENT}:assumed-role/{role}/CognitoIdentityCredentials"
    assert done.stdout.strip() == arn, done.stderr


def test_the_aws_cli_makes_a_pool_as_the_page_says(place: Place, tmp_path: Path):
    keys = place.live.administrator
    told = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": place.live.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
    }

    def aws(*words: str) -> Any:
        command = ["aws", "cognito-identity", *words]
        done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    made = aws(
        "create-identity-pool", "--identity-pool-name", "Page", "--allow-unauthenticated-identities",
        "--supported-login-providers", "accounts.google.com=CLIENT", "--developer-provider-name", "login.app",
    )  # fmt: skip
    roles = f"authenticated={ROLE}/Member,unauthenticated={ROLE}/Guest"
    assert aws("set-identity-pool-roles", "--identity-pool-id", made["IdentityPoolId"], "--roles", roles) is None
    assert made["SupportedLoginProviders"] == {"accounts.google.com": "CLIENT"}


def test_the_operator_sees_changes_and_forgets_who_is_there(place: Place):
    operator, device = place.operator, place.device()
    shown = operator.describe_identity_pool(IdentityPoolId=place.pool)
    assert (shown["IdentityPoolName"], shown["IdentityPoolTags"]) == ("App", {"team": "mobile"})
    listed = operator.list_identity_pools(MaxResults=60)["IdentityPools"]
    assert {"IdentityPoolId": place.pool, "IdentityPoolName": "App"} in listed
    roles = operator.get_identity_pool_roles(IdentityPoolId=place.pool)
    assert roles["Roles"]["authenticated"] == f"{ROLE}/Member"
    logins = place.token(sub="forgotten")
    identity = device.get_id(IdentityPoolId=place.pool, Logins=logins)["IdentityId"]
    token = device.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
    assert operator.describe_identity(IdentityId=identity)["Logins"] == list(logins)
    everybody = [one["IdentityId"] for page in _pages(operator, place.pool) for one in page["Identities"]]
    assert identity in everybody
    assert len(everybody) == len(set(everybody))
    left = operator.delete_identities(IdentityIdsToDelete=[identity, f"{REGION}:0"])["UnprocessedIdentityIds"]
    assert left == [{"IdentityId": f"{REGION}:0", "ErrorCode": "AccessDenied"}]
    with pytest.raises(ClientError) as refused:
        place.keys(identity, logins)
    assert code(refused) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as refused:
        place.device("sts").assume_role_with_web_identity(
            RoleArn=f"{ROLE}/Member", RoleSessionName="late", WebIdentityToken=token
        )
    assert code(refused) == "InvalidIdentityToken"


def _pages(operator: Any, pool: str) -> Iterator[dict[str, Any]]:
    page = operator.list_identities(IdentityPoolId=pool, MaxResults=2)
    yield page
    while "NextToken" in page:
        page = operator.list_identities(IdentityPoolId=pool, MaxResults=2, NextToken=page["NextToken"])
        yield page


def test_a_pool_that_keeps_guests_out_and_lets_nobody_choose(place: Place):
    operator, device = place.operator, place.device()
    pool = operator.create_identity_pool(
        IdentityPoolName="Closed", AllowUnauthenticatedIdentities=False, DeveloperProviderName="login.app"
    )["IdentityPoolId"]
    with pytest.raises(ClientError) as refused:
        device.get_id(IdentityPoolId=pool)
    assert code(refused) == "NotAuthorizedException"
    answer = operator.get_open_id_token_for_developer_identity(IdentityPoolId=pool, Logins={"login.app": "u"})
    with pytest.raises(ClientError) as refused:
        device.get_open_id_token(IdentityId=answer["IdentityId"], Logins={COGNITO: answer["Token"]})
    assert code(refused) == "InvalidParameterException"
    with pytest.raises(ClientError) as refused:
        place.keys(answer["IdentityId"], {COGNITO: answer["Token"]})
    assert code(refused) == "InvalidIdentityPoolConfigurationException"
    operator.delete_identity_pool(IdentityPoolId=pool)
    with pytest.raises(ClientError) as refused:
        operator.describe_identity_pool(IdentityPoolId=pool)
    assert code(refused) == "ResourceNotFoundException"


def test_an_operation_that_is_not_there_is_refused_clearly(place: Place):
    with pytest.raises(ClientError) as refused:
        place.operator.get_principal_tag_attribute_map(IdentityPoolId=place.pool, IdentityProviderName="login.app")
    assert code(refused) == "UnknownOperationException"
    assert "is not supported by this authority" in str(refused.value)
