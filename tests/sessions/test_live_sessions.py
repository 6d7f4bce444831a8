"""Sessions with real clients: what they carry, what they may call, and that they end when somebody says so."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.principals.totp import code_at, counter_at
from tests.live import MANAGEMENT, Keys, Live

ROLE = f"arn:aws:iam::{MANAGEMENT}:role/Deploy"
AUDIT = f"arn:aws:iam::{MANAGEMENT}:role/Audit"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


TRUST = policy({"Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:*"})
ALL = policy({"Action": "*", "Resource": "*"})
READ_USERS = policy({"Action": "iam:ListUsers", "Resource": "*"})


@dataclass
class Company:
    """An account with a developer who may do everything, and two roles."""

    live: Live
    developer: Keys

    def sts(self, keys: Keys | None = None) -> Any:
        return self.live.client("sts", keys or self.developer)

    def assume(self, role: str = ROLE, keys: Keys | None = None, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.sts(keys).assume_role(RoleArn=role, RoleSessionName="dev", **more)
        return answer

    def session(self, role: str = ROLE, keys: Keys | None = None, **more: Any) -> Keys:
        return Keys.of(self.assume(role, keys, **more)["Credentials"])

    def says(self, keys: Keys) -> str:
        """What a session is told when it asks who it is: its ARN, or the error's code."""
        try:
            arn: str = self.sts(keys).get_caller_identity()["Arn"]
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return arn


@pytest.fixture(scope="module")
def company(live: Live) -> Company:
    iam = live.client("iam")
    for name in ("Deploy", "Audit"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=ALL)
    iam.create_user(UserName="dev")
    iam.put_user_policy(UserName="dev", PolicyName="all", PolicyDocument=ALL)
    return Company(live, Keys.of(iam.create_access_key(UserName="dev")["AccessKey"]))


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_all_that_can_be_passed_comes_back_and_holds(company: Company):
    answer = company.assume(
        Policy=READ_USERS,
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}],
        Tags=[{"Key": "Team", "Value": "a"}],
        TransitiveTagKeys=["Team"],
        SourceIdentity="dev@corp",
        ExternalId="x-1",
        DurationSeconds=900,
    )
    assert answer["SourceIdentity"] == "dev@corp"
    assert 0 < answer["PackedPolicySize"] < 100
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/Deploy/dev")
    session = Keys.of(answer["Credentials"])
    iam = company.live.client("iam", session)
    assert [user["UserName"] for user in iam.list_users()["Users"]]
    with pytest.raises(ClientError) as error:
        iam.create_user(UserName="mallory")
    assert code_of(error) == "AccessDenied"
    with pytest.raises(ClientError) as error:
        company.assume(AUDIT, session)
    assert code_of(error) == "AccessDenied"


@pytest.mark.parametrize("size", [0, 1_000, 2_000, 4_096])
def test_a_token_is_at_least_as_long_as_was_wished_and_works(company: Company, size: int):
    answer = company.assume(MinimumSessionTokenSize=size)
    token = answer["Credentials"]["SessionToken"]
    assert len(token) == answer["SessionTokenSize"] >= size
    assert answer["SessionTokenSize"] < size + 64 or size < 1_000
    assert company.says(Keys.of(answer["Credentials"])).endswith("assumed-role/Deploy/dev")


def test_the_largest_token_that_can_be_packed_fits_into_a_header(company: Company):
    # What compresses worst: ASCII of all kinds, without a pattern.
    wild = base64.b85encode(b"".join(bytes([(n * n * 7919 + n * 104729) >> 3 & 255]) for n in range(4_700)))
    values = [
        wild[at : at + 256].decode().translate(str.maketrans(dict.fromkeys("!#$%&()*;<>?^`{|}~", "+")))
        for at in range(0, 5_700, 256)
    ]
    answer = company.assume(Tags=[{"Key": f"k{n}", "Value": value} for n, value in enumerate(values[:22])])
    assert answer["PackedPolicySize"] > 90
    assert company.says(Keys.of(answer["Credentials"])).endswith("assumed-role/Deploy/dev")


def test_a_session_of_ones_own_without_a_second_factor_is_kept_off_iam(company: Company):
    session = Keys.of(company.sts().get_session_token()["Credentials"])
    assert company.says(session) == f"arn:aws:iam::{MANAGEMENT}:user/dev"
    with pytest.raises(ClientError) as error:
        company.live.client("iam", session).list_users()
    assert code_of(error) == "InvalidClientTokenId"
    with pytest.raises(ClientError) as error:
        company.sts(session).get_session_token()
    assert code_of(error) == "AccessDenied"
    assert company.says(company.session(keys=session)).endswith("assumed-role/Deploy/dev")


def test_a_federated_user_has_a_part_of_what_his_broker_has(company: Company):
    answer = company.sts().get_federation_token(Name="guest", Policy=ALL)
    assert answer["FederatedUser"]["FederatedUserId"] == f"{MANAGEMENT}:guest"
    assert answer["PackedPolicySize"] > 0
    session = Keys.of(answer["Credentials"])
    assert company.says(session) == f"arn:aws:sts::{MANAGEMENT}:federated-user/guest"
    with pytest.raises(ClientError) as error:
        company.session(keys=session)
    assert code_of(error) == "AccessDenied"
    assert company.sts().get_federation_token(Name="nobody")["PackedPolicySize"] == 0


def test_a_second_factor_is_shown_once_for_each_code(company: Company):
    iam = company.live.client("iam")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="dev")["VirtualMFADevice"]
    spelled = device["Base32StringSeed"]
    seed = Secret(base64.b32decode(spelled + b"=" * (-len(spelled) % 8)))
    counter = counter_at(SystemClock().now())
    first, second, third = (code_at(seed, counter + step) for step in (-2, -1, 0))
    iam.enable_mfa_device(
        UserName="dev", SerialNumber=device["SerialNumber"], AuthenticationCode1=first, AuthenticationCode2=second
    )
    proof = {"SerialNumber": device["SerialNumber"], "TokenCode": third}
    session = Keys.of(company.sts().get_session_token(**proof)["Credentials"])
    assert company.live.client("iam", session).list_users()["Users"]
    with pytest.raises(ClientError) as error:
        company.assume(**proof)
    assert error.value.response["Error"]["Message"] == (
        "MultiFactorAuthentication failed with invalid MFA one time pass code."
    )
    iam.put_role_policy(
        RoleName="Audit",
        PolicyName="mfa",
        PolicyDocument=policy(
            {
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            }
        ),
    )
    with_mfa, without = company.session(AUDIT, session), company.session(AUDIT)
    assert company.live.client("iam", with_mfa).list_users()["Users"]
    with pytest.raises(ClientError) as error:
        company.live.client("iam", without).list_users()
    assert code_of(error) == "AccessDenied"


def test_one_session_is_ended_at_once_and_its_end_says_so(company: Company):
    session, other = company.session(), company.session()
    status, answer = company.live.ask("POST", f"/v1/sessions/{session.access_key_id}/revoke")
    assert (status, answer["accessKeyId"]) == (200, session.access_key_id)
    assert company.says(session) == "ExpiredToken"
    assert company.says(other).endswith("assumed-role/Deploy/dev")
    status, _ = company.live.ask("POST", f"/v1/sessions/{session.access_key_id}/revoke")
    assert status == 200


def test_t22_a_session_that_is_not_there_cannot_be_ended(company: Company):
    status, answer = company.live.ask("POST", "/v1/sessions/ASIANOBODYNOBODYNOBO/revoke")
    assert (status, answer["code"]) == (404, "NoSuchEntity")


@pytest.mark.parametrize(
    ("path", "at", "pattern"),
    [
        ("/v1/sessions/asia/revoke", "id", "[A-Z0-9]{16,128}"),
        ("/v1/roles/a%2Fb/revoke-sessions", "name", "[A-Za-z0-9_+=,.@-]{1,64}"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_as_aws_says_it(company: Company, path: str, at: str, pattern: str):
    status, answer = company.live.ask("POST", path)
    assert (status, answer["code"]) == (400, "ValidationError")
    assert answer["message"] == (
        f"1 validation error detected: Value at '{at}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern}"
    )


def test_a_roles_sessions_are_ended_at_once(company: Company):
    session, chained = company.session(), company.session(AUDIT, company.session())
    status, answer = company.live.ask("POST", "/v1/roles/Deploy/revoke-sessions")
    assert (status, answer["roleName"]) == (200, "Deploy")
    assert company.says(session) == "ExpiredToken"
    assert company.says(chained).endswith("assumed-role/Audit/dev")
    assert company.says(company.session()).endswith("assumed-role/Deploy/dev")


def test_what_a_leaked_key_led_to_is_ended_at_once(company: Company):
    role = company.session()
    sessions = [
        role,
        company.session(AUDIT, role),
        Keys.of(company.sts().get_session_token()["Credentials"]),
        Keys.of(company.sts().get_federation_token(Name="guest", Policy=ALL)["Credentials"]),
    ]
    path = f"/v1/keys/{company.developer.access_key_id}/revoke-descendants"
    status, _ = company.live.ask("POST", path)
    assert status == 200
    assert {company.says(session) for session in sessions} == {"ExpiredToken"}
    assert company.says(company.session()).endswith("assumed-role/Deploy/dev")


def test_a_refusal_is_explained_to_whoever_may_decode_it(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="guest")
    guest = Keys.of(iam.create_access_key(UserName="guest")["AccessKey"])
    with pytest.raises(ClientError) as error:
        company.live.client("iam", guest).list_users()
    named = error.value.response["ResponseMetadata"]["RequestId"]
    told = json.loads(company.sts().decode_authorization_message(EncodedMessage=named)["DecodedMessage"])
    assert (told["allowed"], told["explicitDeny"], told["context"]["action"]) == (False, False, "iam:ListUsers")
    with pytest.raises(ClientError) as error:
        company.sts(guest).decode_authorization_message(EncodedMessage=named)
    assert code_of(error) == "AccessDenied"
    with pytest.raises(ClientError) as error:
        company.sts().decode_authorization_message(EncodedMessage="00000000-0000-4000-8000-000000000000")
    assert code_of(error) == "InvalidAuthorizationMessageException"


def test_others_verify_who_the_caller_is_by_what_we_publish(company: Company):
    iam = company.live.client("iam")
    issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    sts = company.sts()
    answer = sts.get_web_identity_token(Audience=["https://shop.example"], SigningAlgorithm="RS256")
    path = urlsplit(issuer).path
    configuration = read(company.live.url + path + "/.well-known/openid-configuration")
    keys = KeySet.import_key_set(read(company.live.url + urlsplit(configuration["jwks_uri"]).path))
    token = jwt.decode(answer["WebIdentityToken"], keys, algorithms=["RS256"])
    assert (token.claims["iss"], token.claims["aud"]) == (issuer, "https://shop.example")
    assert token.claims["sub"] == f"arn:aws:iam::{MANAGEMENT}:user/dev"
    iam.disable_outbound_web_identity_federation()
    with pytest.raises(ClientError) as error:
        sts.get_web_identity_token(Audience=["https://shop.example"], SigningAlgorithm="RS256")
    assert code_of(error) == "OutboundWebIdentityFederationDisabledException"
    with pytest.raises(HTTPError):
        read(company.live.url + path + "/.well-known/openid-configuration")


def read(url: str) -> Any:
    with urlopen(url, timeout=10) as response:
        return json.loads(response.read())


def injecting(company: Company, **fields: str | None) -> Any:
    """A client of STS whose AssumeRole carries other form fields than its model has."""
    sts = company.sts()

    def change(params: dict[str, Any], **_: Any) -> None:
        for name, value in fields.items():
            if value is None:
                params["body"].pop(name)
            else:
                params["body"][name.replace("__", ":")] = value

    sts.meta.events.register("before-call.sts.AssumeRole", change)
    return sts


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"ProvidedContexts.member.1.ProviderArn": "arn:aws:iam::aws:contextProvider/x"}, id="a context"),
        pytest.param({"rolearn": ROLE, "RoleArn": None}, id="t02 a parameter in another case"),
        pytest.param({"rolearn": AUDIT}, id="t02 a parameter twice, in another case"),
        pytest.param({"ExternalId": "s3cret "}, id="t01 a padded external id"),
        pytest.param({"Policy": ""}, id="s08 an empty policy"),
        pytest.param({"PolicyArns": ""}, id="s08 an empty list of policies"),
    ],
)
def test_a_form_that_says_more_or_less_than_the_model_issues_nothing(company: Company, fields: dict[str, str | None]):
    with pytest.raises(ClientError) as error:
        injecting(company, **fields).assume_role(RoleArn=ROLE, RoleSessionName="dev")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_s09_fields_named_like_what_is_known_of_the_caller_have_no_effect(company: Company):
    claimed = {
        "aws__MultiFactorAuthPresent": "true",
        "aws__PrincipalTag/Team": "a",
        "sts__ExternalId": "s3cret",
        "Account": "999999999999",
        "UserId": "AIDASOMEBODY",
    }
    iam = company.live.client("iam")
    for operator, key, value in (
        ("Bool", "aws:MultiFactorAuthPresent", "true"),
        ("StringEquals", "aws:PrincipalTag/Team", "a"),
        ("StringEquals", "sts:ExternalId", "s3cret"),
        ("StringEquals", "aws:PrincipalAccount", "999999999999"),
        ("StringEquals", "aws:userid", "AIDASOMEBODY"),
    ):
        trust = {
            "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {operator: {key: value}},
        }
        name = f"Guarded-{key.replace(':', '-').replace('/', '-')}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        with pytest.raises(ClientError) as error:
            injecting(company, **claimed).assume_role(
                RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/{name}", RoleSessionName="dev"
            )
        assert code_of(error) == "AccessDenied"


def test_t09_fifty_one_tags_and_eleven_policies_are_too_many(company: Company):
    sts = company.live.client("sts", company.developer, parameter_validation=False)
    tags = [{"Key": f"k{n}", "Value": ""} for n in range(51)]
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn=ROLE, RoleSessionName="dev", Tags=tags)
    assert code_of(error) == "ValidationError"
    arns = [{"arn": f"arn:aws:iam::{MANAGEMENT}:policy/p{n}"} for n in range(11)]
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn=ROLE, RoleSessionName="dev", PolicyArns=arns)
    assert code_of(error) == "ValidationError"


def respelled(token: str) -> list[str]:
    """Other texts that a lenient reader takes for the same token."""
    flipped = chr(ord(token[20]) ^ 1)
    last = token.rstrip("=")
    return [
        token + "=",
        last if last != token else token + "A",
        token + "A===",
        token[:20] + flipped + token[21:],
        token.replace("+", "-").replace("/", "_") + ("" if "+" in token or "/" in token else "-"),
        token[:-8],
        token.swapcase(),
    ]


def test_s15_a_token_is_taken_in_one_spelling_only_before_and_after_it_is_revoked(company: Company):
    session = company.session()
    assert session.token is not None
    spellings = [Keys(session.access_key_id, session.secret, token) for token in respelled(session.token)]
    assert {company.says(keys) for keys in spellings} == {"InvalidClientTokenId"}
    company.live.ask("POST", f"/v1/sessions/{session.access_key_id}/revoke")
    assert {company.says(keys) for keys in spellings} == {"InvalidClientTokenId"}
    assert company.says(session) == "ExpiredToken"


def test_s15_a_token_is_worth_nothing_beside_another_key_or_secret(company: Company):
    mine, other = company.session(), company.session()
    assert company.says(Keys(mine.access_key_id, mine.secret, other.token)) == "InvalidClientTokenId"
    assert company.says(Keys(mine.access_key_id, other.secret, mine.token)) == "SignatureDoesNotMatch"
    assert company.says(Keys(mine.access_key_id, mine.secret)) == "InvalidClientTokenId"


def test_t07_nobody_is_served_after_the_key_was_deleted(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="leaver")
    key = Keys.of(iam.create_access_key(UserName="leaver")["AccessKey"])
    sts = company.sts(key)
    assert sts.get_caller_identity()["Account"] == MANAGEMENT
    iam.delete_access_key(UserName="leaver", AccessKeyId=key.access_key_id)

    def ask(_: int) -> str:
        try:
            sts.get_caller_identity()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "served"

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(100))) == {"InvalidClientTokenId"}


def test_a_presigned_question_tells_a_third_party_who_somebody_is(company: Company):
    session = company.session()
    url = company.sts(session).generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    for _ in range(2):
        with urlopen(url, timeout=10) as answer:
            assert ":assumed-role/Deploy/dev</Arn>" in answer.read().decode()
    asked = Request(url, headers={"Accept": "application/json"})
    with urlopen(asked, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        result = json.loads(answer.read())["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert sorted(result) == ["Account", "Arn", "UserId"]
    assert result["Arn"].endswith(":assumed-role/Deploy/dev")
    company.live.ask("POST", f"/v1/sessions/{session.access_key_id}/revoke")
    with pytest.raises(HTTPError) as refusal:
        urlopen(asked, timeout=10)
    with refusal.value as answer:
        assert (answer.code, json.loads(answer.read())["Error"]["Code"]) == (403, "ExpiredToken")


def test_t22_another_accounts_session_cannot_be_told_from_none(company: Company):
    status, made = company.live.ask(
        "POST", "/v1/accounts", body={"name": "Other", "accountId": "222233334444", "administrator": "Other"}
    )
    assert status == 200
    other = Keys(made["administrator"]["accessKeyId"], made["administrator"]["secretAccessKey"])
    session = company.session()
    foreign = company.live.ask("POST", f"/v1/sessions/{session.access_key_id}/revoke", other)
    missing = company.live.ask("POST", "/v1/sessions/ASIANOBODYNOBODYNOBO/revoke", other)
    assert foreign[0] == missing[0] == 404
    said = foreign[1]["message"].replace(session.access_key_id, "ASIANOBODYNOBODYNOBO")
    assert said == missing[1]["message"]
    assert company.says(session).endswith("assumed-role/Deploy/dev")


def test_sessions_are_listed_with_what_became_of_them(company: Company):
    session = company.session()
    path = f"/v1/sessions/{session.access_key_id}/revoke"
    status, found = company.live.ask("GET", "/v1/sessions", query=f"session={session.access_key_id}")
    assert (status, [one["status"] for one in found["sessions"]]) == (200, ["active"])
    company.live.ask("POST", path)
    status, found = company.live.ask("GET", "/v1/sessions", query=f"session={session.access_key_id}")
    assert (status, [one["status"] for one in found["sessions"]]) == (200, ["revoked"])


def test_whoever_lends_a_role_sees_its_use_and_limits_it(company: Company):
    status, made = company.live.ask(
        "POST", "/v1/accounts", body={"name": "Partner", "accountId": "333344445555", "administrator": "Partner"}
    )
    assert status == 200
    partner = Keys(made["administrator"]["accessKeyId"], made["administrator"]["secretAccessKey"])
    trust = {
        "Principal": {"AWS": "arn:aws:iam::333344445555:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "order-7"}},
    }
    company.live.client("iam").create_role(RoleName="Lent", AssumeRolePolicyDocument=policy(trust))
    lent = f"arn:aws:iam::{MANAGEMENT}:role/Lent"
    path = "/v1/third-parties/333344445555/limit"
    assert company.live.ask("PUT", path, body={"activeSessions": 2})[0] == 200
    first = company.session(lent, partner, ExternalId="order-7")
    company.session(lent, partner, ExternalId="order-7")
    for external_id, code in (("order-8", "AccessDenied"), ("order-7", "LimitExceeded")):
        with pytest.raises(ClientError) as error:
            company.session(lent, partner, ExternalId=external_id)
        assert code_of(error) == code
    company.live.ask("POST", f"/v1/sessions/{first.access_key_id}/revoke")
    company.session(lent, partner, ExternalId="order-7")
    status, found = company.live.ask("GET", "/v1/third-parties", query="trustedAccount=333344445555")
    assert status == 200
    counts = {one["externalId"]: (one["issued"], one["refused"], one["active"]) for one in found["thirdParties"]}
    assert counts == {"order-7": (3, 1, 2), "order-8": (0, 1, 0)}
    assert {one["activeLimit"] for one in found["thirdParties"]} == {2}
    assert company.live.ask("GET", "/v1/third-parties", partner)[1]["thirdParties"] == []

    def another(_: int) -> str:
        try:
            company.session(lent, partner, ExternalId="order-7")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "issued"

    assert company.live.ask("PUT", path, body={"activeSessions": 5})[0] == 200
    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(another, range(24))) == ["LimitExceeded"] * 21 + ["issued"] * 3
