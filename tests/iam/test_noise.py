"""Line noise: whatever text or bytes are a parameter's value, they come back exactly or are refused, and are never our fault."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit
from xml.etree import ElementTree as ET

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.sigv4 import Credentials, sign
from tests.iam.copying import whole
from tests.iam.table import NUMBERS, READ, SPOKEN, TRUST, Place, call
from tests.live import REGION, Live
from tests.wire.models import described, fitting, valued

LIVE = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
IAM = "{https://iam.amazonaws.com/doc/2010-05-08/}"
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text("abcXYZ019+=,.@_-/: ", min_size=1, max_size=40),
    st.text(" \t\r\n<>&\"'%;#?\\\0\x1f\x7f\x85\u2028\ufeff", max_size=12),
)


@pytest.fixture(scope="module")
def place(live: Live) -> Place:
    place = Place(live, {})
    place.does(
        call("CreateUser", UserName="Ann"),
        call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST),
        call("CreatePolicy", PolicyName="Read", PolicyDocument=READ),
        call("CreateOpenIDConnectProvider", Url="https://idp.example.com"),
    )
    return place


def refused(do: Callable[..., Any], **wanted: Any) -> bool:
    """Whether it is refused for what it says; an answer with status 500 is an AssertionError of the client's judge."""
    try:
        do(**wanted)
    except ClientError as error:
        told = error.response
        later = told["Error"]["Message"] == "The keys that sign tokens are being made; try again."
        assert later or told["ResponseMetadata"]["HTTPStatusCode"] < 500, told
        return True
    return False


@LIVE
@example(value="")
@example(value="a" * 256)
@given(value=TEXT)
def test_the_value_of_a_tag(place, value):
    iam = place.client("iam")
    if not refused(iam.tag_role, RoleName="App", Tags=[{"Key": "noise", "Value": value}]):
        assert iam.get_role(RoleName="App")["Role"]["Tags"] == [{"Key": "noise", "Value": value}]


@LIVE
@given(key=TEXT)
def test_the_key_of_a_tag(place, key):
    iam = place.client("iam")
    if not refused(iam.tag_policy, PolicyArn=f"{place.iam}:policy/Read", Tags=[{"Key": key, "Value": "v"}]):
        assert {"Key": key, "Value": "v"} in iam.list_policy_tags(PolicyArn=f"{place.iam}:policy/Read")["Tags"]
        iam.untag_policy(PolicyArn=f"{place.iam}:policy/Read", TagKeys=[key])
        assert iam.list_policy_tags(PolicyArn=f"{place.iam}:policy/Read")["Tags"] == []


@LIVE
@example(text="a\tb\nc\rd ü")
@given(text=TEXT)
def test_a_description(place, text):
    iam = place.client("iam")
    if not refused(iam.update_role, RoleName="App", Description=text):
        assert iam.get_role(RoleName="App")["Role"].get("Description", "") == text


@LIVE
@given(name=TEXT)
def test_a_name(place, name):
    iam = place.client("iam")
    if not refused(iam.create_user, UserName=name):
        assert iam.get_user(UserName=name)["User"]["UserName"] == name
        assert name in {user["UserName"] for user in iam.list_users(MaxItems=1000)["Users"]}
        iam.delete_user(UserName=name)


@LIVE
@given(path=st.one_of(TEXT, TEXT.map(lambda text: f"/{text}/")))
def test_a_path(place, path):
    iam = place.client("iam")
    if not refused(iam.create_group, GroupName="Noise", Path=path):
        group = iam.get_group(GroupName="Noise")["Group"]
        assert (group["Path"], group["Arn"]) == (path, f"{place.iam}:group{path}Noise")
        listed = iam.list_groups(PathPrefix=path)["Groups"]
        assert [one["Path"] for one in listed if one["GroupName"] == "Noise"] == [path]
        iam.delete_group(GroupName="Noise")


@LIVE
@given(text=TEXT, inside=TEXT)
def test_a_document(place, text, inside):
    """Blanks around it, escapes, whatever stands in its texts: it comes back as it was written."""
    iam = place.client("iam")
    assert refused(iam.put_role_policy, RoleName="App", PolicyName="p", PolicyDocument=text)
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", "Condition": {"StringEquals": {"aws:username": inside}}}  # fmt: skip
    for ascii_only in (True, False):
        document = f" \n{json.dumps({'Version': '2012-10-17', 'Statement': statement}, ensure_ascii=ascii_only)}\t"
        if not refused(iam.put_role_policy, RoleName="App", PolicyName="p", PolicyDocument=document):
            found = iam.get_role_policy(RoleName="App", PolicyName="p")["PolicyDocument"]
            assert found["Statement"]["Condition"]["StringEquals"]["aws:username"] == inside


@LIVE
@given(name=TEXT)
def test_the_name_of_a_policy_of_one_s_own(place, name):
    iam = place.client("iam")
    if not refused(iam.put_user_policy, UserName="Ann", PolicyName=name, PolicyDocument=READ):
        assert iam.list_user_policies(UserName="Ann")["PolicyNames"] == [name]
        assert iam.get_user_policy(UserName="Ann", PolicyName=name)["PolicyName"] == name
        iam.delete_user_policy(UserName="Ann", PolicyName=name)


@LIVE
@given(name=TEXT)
def test_the_client_of_an_issuer(place, name):
    iam, whose = place.client("iam"), {"OpenIDConnectProviderArn": f"{place.iam}:oidc-provider/idp.example.com"}
    if not refused(iam.add_client_id_to_open_id_connect_provider, **whose, ClientID=name):
        assert iam.get_open_id_connect_provider(**whose)["ClientIDList"] == [name]
        iam.remove_client_id_from_open_id_connect_provider(**whose, ClientID=name)


@LIVE
@given(name=TEXT, value=TEXT)
def test_a_property_of_the_account(place, name, value):
    iam = place.client("iam")
    if not refused(iam.put_account_properties, Properties={f"Noise/{name}": value}):
        assert iam.get_account_properties()["Properties"][f"Noise/{name}"] == value


@LIVE
@given(name=TEXT)
def test_the_name_of_a_session(place, name):
    sts = place.client("sts")
    wanted = {"RoleArn": f"{place.iam}:role/App", "RoleSessionName": name}
    if not refused(sts.assume_role, **wanted):
        user = sts.assume_role(**wanted)["AssumedRoleUser"]
        assert user["Arn"].rpartition("/")[2] == user["AssumedRoleId"].partition(":")[2] == name


@LIVE
@given(name=TEXT)
def test_the_name_of_an_account(live, name):
    organizations = live.client("organizations", parameter_validation=False)
    email = f"noise-{next(NUMBERS)}@example.com"
    if not refused(organizations.create_account, AccountName=name, Email=email):
        made = [one for one in whole(organizations, "list_accounts", "Accounts") if one.get("Email") == email]
        assert [one["Name"] for one in made] == [name]


class Raw:
    """Signed forms, byte for byte as the test spells them."""

    def __init__(self, place: Place) -> None:
        self.keys = place.signers["boss"]
        self.url = place.live.url
        self.connection = http.client.HTTPConnection(urlsplit(self.url).netloc)

    def ask(self, body: bytes) -> tuple[int, ET.Element]:
        headers = sign(
            "POST",
            f"{self.url}/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            body,
            credentials=Credentials(self.keys.access_key_id, Secret(self.keys.secret), None),
            region=REGION,
            service="iam",
            now=SystemClock().now(),
        )
        self.connection.request("POST", "/", body, headers)
        answer = self.connection.getresponse()
        return answer.status, ET.fromstring(answer.read())


@pytest.fixture(scope="module")
def raw(place: Place) -> Iterator[Raw]:
    raw = Raw(place)
    yield raw
    raw.connection.close()


@LIVE
@example(value=b"a\xc3\xa9")
@example(value=b"\xc3")
@example(value=b"\xed\xa0\x80")
@example(value=b"\xf4\x90\x80\x80")
@example(value=b"\xc0\xaf")
@given(value=st.one_of(st.binary(max_size=30), TEXT.map(str.encode)))
def test_bytes(raw, place, value):
    """Bytes that are no text are refused; text comes back as it was sent."""
    form = "Action=TagUser&Version=2010-05-08&UserName=Ann&Tags.member.1.Key=noise&Tags.member.1.Value="
    status, answer = raw.ask(form.encode() + quote_from_bytes(value, safe="").encode())
    if status != 200:
        assert (status, answer.tag) == (400, f"{IAM}ErrorResponse")
        return
    found = place.client("iam").list_user_tags(UserName="Ann")["Tags"]
    assert found == [{"Key": "noise", "Value": value.decode()}]


NOISE = ("", "\x00", "☃" * 3, "a" * 3000, "arn:aws:iam::{account}:role/App", "${aws:username}%00<x/>")
ALL = [(service, name) for service in SPOKEN for name in described(service).operation_names]


@pytest.mark.parametrize(("service", "name"), ALL, ids=[f"{service}:{name}" for service, name in ALL])
def test_no_operation_answers_500_whatever_is_sent(live, place, service, name):
    """With all members and with few, with what fits and with what does not; judged as all answers are."""
    shape = described(service).operation_model(name).input_shape
    client = place.client(service) if service != "organizations" else _owner(place)
    do = getattr(client, xform_name(name))
    if shape is None:
        refused(do)
        return
    for all_members in (True, False):
        refused(do, **valued(shape, fitting, all_members=all_members))
    for text in NOISE:
        told = place.filled(text)
        refused(do, **valued(shape, lambda one, told=told: told if one.type_name == "string" else fitting(one)))
    refused(do)


def _owner(place: Place) -> Any:
    return place.client("organizations", "owner")
