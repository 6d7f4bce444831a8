"""What STS refuses, over the wire: the status, code and words that SDKs and tools act upon."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.principals.totp import code_at, counter_at
from tests.live import MANAGEMENT, Keys
from tests.sessions.test_live_sessions import ALL, AUDIT, ROLE, Company, company, policy

__all__ = ["company"]

INVALID: Final = (403, "InvalidClientTokenId", "The security token included in the request is invalid.")
EXPIRED: Final = (403, "ExpiredToken", "The security token included in the request is expired")
NO_DEVICE: Final = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)
ONE_OF_TWO: Final = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
WRONG_CODE: Final = "MultiFactorAuthentication failed with invalid MFA one time pass code."
NOBODYS: Final = f"arn:aws:iam::{MANAGEMENT}:mfa/nobody"
DEV: Final = f"arn:aws:iam::{MANAGEMENT}:user/dev"


def denied(action: str, role: str) -> tuple[int, str, str]:
    return 403, "AccessDenied", f"User: {DEV} is not authorized to perform: {action} on resource: {role}"


def tags(*names: str, value: str = "v") -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name in names]


@dataclass
class Office:
    """The company with everything that somebody may be refused for."""

    company: Company
    device: str
    wrong_code: str
    key_of_leaver: Keys
    revoked: Keys
    mine: Keys
    guest: Keys

    def assume(self, role: str = ROLE, keys: Keys | None = None, name: str = "dev", **more: Any) -> Any:
        return self.company.sts(keys).assume_role(RoleArn=role, RoleSessionName=name, **more)


@pytest.fixture(scope="module")
def office(company: Company) -> Office:
    iam = company.live.client("iam")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="devs")["VirtualMFADevice"]
    seed = Secret(base64.b32decode(device["Base32StringSeed"]))
    counter = counter_at(SystemClock().now())
    iam.enable_mfa_device(
        UserName="dev",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=code_at(seed, counter - 1),
        AuthenticationCode2=code_at(seed, counter),
    )
    right = {code_at(seed, counter + step) for step in range(-3, 9)}
    wrong = next(code for code in (f"{number:06}" for number in range(20)) if code not in right)
    iam.create_user(UserName="leaver")
    leaver = Keys.of(iam.create_access_key(UserName="leaver")["AccessKey"])
    iam.delete_access_key(UserName="leaver", AccessKeyId=leaver.access_key_id)
    revoked = company.session()
    company.live.ask("POST", f"/v1/sessions/{revoked.access_key_id}/revoke")
    mine = Keys.of(company.sts().get_session_token()["Credentials"])
    guest = Keys.of(company.sts().get_federation_token(Name="guest", Policy=ALL)["Credentials"])
    iam.create_role(
        RoleName="Brief",
        MaxSessionDuration=3_600,
        AssumeRolePolicyDocument=policy(
            {"Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}
        ),
    )
    return Office(company, device["SerialNumber"], wrong, leaver, revoked, mine, guest)


BRIEF: Final = f"arn:aws:iam::{MANAGEMENT}:role/Brief"
NOBODY: Final = f"arn:aws:iam::{MANAGEMENT}:role/Nobody"
UNKNOWN_KEY: Final = Keys("AKIANOBODYNOBODYNOBO", "secret")
WILD: Final = "".join(chr(33 + n * n * 7 % 90) for n in range(256)).translate(
    str.maketrans(dict.fromkeys("!\"#$%&'()*;<>?[\\]^`{|}~,", "+"))
)
SESSION_ONLY: Final = "Cannot call {} with session credentials"


def web_identity(office: Office, **claims: Any) -> Any:
    def part(said: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()

    token = ".".join((part({"alg": "RS256", "kid": "k"}), part(claims), "c2ln"))
    sts = office.company.live.client("sts", signature_version=UNSIGNED)
    return sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="web", WebIdentityToken=token)


Call = Callable[[Office], Any]
REFUSALS: Final[tuple[tuple[str, Call, tuple[int, str, str]], ...]] = (
    # --- credentials that do not count ---
    ("a key that never was", lambda o: o.company.sts(UNKNOWN_KEY).get_caller_identity(), INVALID),
    ("a key that was deleted", lambda o: o.company.sts(o.key_of_leaver).get_caller_identity(), INVALID),
    ("a token that is none", lambda o: o.company.sts(Keys(o.mine.access_key_id, o.mine.secret, "FwoGZX")).get_caller_identity(), INVALID),
    ("a session that is over", lambda o: o.company.sts(o.revoked).get_caller_identity(), EXPIRED),
    ("GetSessionToken without MFA, on IAM", lambda o: o.company.live.client("iam", o.mine).list_users(), INVALID),
    ("GetFederationToken, on IAM", lambda o: o.company.live.client("iam", o.guest).list_users(), INVALID),
    # --- what sessions may not call ---
    *(
        (f"{name} with the session of {who}", call, (403, "AccessDenied", SESSION_ONLY.format(name)))
        for who, keys in (("a role", lambda o: o.company.session()), ("a user", lambda o: o.mine), ("a guest", lambda o: o.guest))
        for name, call in (
            ("GetSessionToken", lambda o, keys=keys: o.company.sts(keys(o)).get_session_token()),
            ("GetFederationToken", lambda o, keys=keys: o.company.sts(keys(o)).get_federation_token(Name="again")),
        )
    ),
    ("AssumeRole with the session of a guest", lambda o: o.assume(keys=o.guest), (403, "AccessDenied", SESSION_ONLY.format("AssumeRole"))),
    # --- roles ---
    ("a role that is not there", lambda o: o.assume(NOBODY), denied("sts:AssumeRole", NOBODY)),
    ("tags that the trust policy does not admit", lambda o: o.assume(BRIEF, Tags=tags("a")), denied("sts:TagSession", BRIEF)),
    ("a source identity that it does not admit", lambda o: o.assume(BRIEF, SourceIdentity="dev"), denied("sts:SetSourceIdentity", BRIEF)),
    ("an ARN that is none", lambda o: o.assume("arn:aws:iam:role-without-account"), (400, "ValidationError", "arn:aws:iam:role-without-account is invalid")),
    ("a bad session name", lambda o: o.assume(name="Session1:2"), (400, "ValidationError", "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")),
    ("longer than the role", lambda o: o.assume(BRIEF, DurationSeconds=3_601), (400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")),
    # --- tags and policies ---
    ("a transitive key that is no tag", lambda o: o.assume(Tags=tags("a"), TransitiveTagKeys=["b"]), (400, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")),
    ("two keys that differ by case", lambda o: o.assume(Tags=tags("Team", "TEAM")), (400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")),
    ("a tag in place of one that is passed on", lambda o: o.assume(AUDIT, o.company.session(Tags=tags("Team"), TransitiveTagKeys=["Team"]), Tags=tags("team", value="x"), TransitiveTagKeys=["team"]), (400, "InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")),
    ("a session policy that is none", lambda o: o.assume(Policy="{"), (400, "MalformedPolicyDocument", r"~.+")),
    ("tags that do not fit", lambda o: o.assume(Tags=tags(*(f"k{n}" for n in range(40)), value=WILD)), (400, "PackedPolicyTooLarge", r"~Packed size of session tags consumes 1\d\d% of allotted space\.")),
    ("a policy that does not fit beside tags", lambda o: o.assume(Policy=policy({"Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::{'b' * 60}{n}" for n in range(22)]}), Tags=tags(*(f"k{n}" for n in range(20)), value=WILD)), (400, "PackedPolicyTooLarge", r"~Packed (policy|size of session tags) consumes 1\d\d% of allotted space.*")),
    # --- second factors ---
    ("a code that is wrong", lambda o: o.assume(SerialNumber=o.device, TokenCode=o.wrong_code), (403, "AccessDenied", WRONG_CODE)),
    ("a device that is not there", lambda o: o.assume(SerialNumber=NOBODYS, TokenCode="123456"), (403, "AccessDenied", NO_DEVICE)),
    ("a code without a device", lambda o: o.assume(TokenCode="123456"), (403, "AccessDenied", ONE_OF_TWO)),
    ("a device without a code", lambda o: o.assume(SerialNumber=o.device), (403, "AccessDenied", ONE_OF_TWO)),
    ("the same of GetSessionToken", lambda o: o.company.sts().get_session_token(SerialNumber=NOBODYS, TokenCode="123456"), (403, "AccessDenied", NO_DEVICE)),
    # --- the rest ---
    ("what is no message", lambda o: o.company.sts().decode_authorization_message(EncodedMessage="nothing"), (400, "InvalidAuthorizationMessageException", r"~.+")),
    ("a provider that is not there", lambda o: web_identity(o, iss="https://nobody.example", aud="x", sub="y", exp=9_999_999_999), (400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://nobody.example")),
)  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_what_is_refused_and_in_which_words(office: Office, call: Call, expected: tuple[int, str, str]):
    with pytest.raises(ClientError) as error:
        call(office)
    said = error.value.response
    status, code, message = expected
    assert (said["ResponseMetadata"]["HTTPStatusCode"], said["Error"]["Code"]) == (status, code), said
    assert said["Error"]["Type"] == "Sender"
    if message.startswith("~"):
        assert re.fullmatch(message[1:], said["Error"]["Message"]), said
    else:
        assert said["Error"]["Message"] == message


def test_a_chain_is_an_hour_at_most_and_says_so(office: Office):
    iam = office.company.live.client("iam")
    iam.update_role(RoleName="Audit", MaxSessionDuration=43_200)
    with pytest.raises(ClientError) as error:
        office.assume(AUDIT, office.company.session(), DurationSeconds=3_601)
    said = error.value.response["Error"]
    assert (said["Code"], said["Message"]) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )


def test_web_identity_tokens_are_refused_by_their_own_codes(office: Office):
    iam, asked = office.company.live.client("iam"), {"Audience": ["https://a.example"], "SigningAlgorithm": "ES384"}
    session = office.company.session(DurationSeconds=900)

    def refusal(keys: Keys | None = None, **more: Any) -> tuple[str, int]:
        sts = office.company.live.client("sts", keys or office.company.developer)
        with pytest.raises(ClientError) as error:
            sts.get_web_identity_token(**{**asked, **more})
        said = error.value.response
        return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]

    assert refusal() == ("OutboundWebIdentityFederationDisabledException", 403)
    iam.enable_outbound_web_identity_federation()
    assert refusal(session, DurationSeconds=3_600) == ("SessionDurationEscalationException", 403)
    assert refusal(SigningAlgorithm="HS256") == ("ValidationError", 400)
    sts = office.company.sts()
    assert sts.get_web_identity_token(**asked)["WebIdentityToken"].count(".") == 2
    large = [{"Key": f"k{n}", "Value": "v" * 256} for n in range(50)]
    assert refusal(Tags=large) == ("JWTPayloadSizeExceededException", 400)
