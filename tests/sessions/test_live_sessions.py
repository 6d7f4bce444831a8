"""Sessions with real clients: what they carry, what they may call, and that they end when somebody says so."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

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
    sts = company.live.client("sts", company.developer, retries={"max_attempts": 10, "mode": "standard"})
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
