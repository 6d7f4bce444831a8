"""People reach the console from their company's sign-on: by SAML in the browser, or by a broker's link."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.federation.saml_idp import SamlIdp, saml_idp
from tests.live import MANAGEMENT, REGION, Keys, Live, running

PROVIDER = f"arn:aws:iam::{MANAGEMENT}:saml-provider/Corp"
ROLE = f"arn:aws:iam::{MANAGEMENT}:role"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    location: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Company:
    live: Live
    idp: SamlIdp

    def get(self, path: str, **query: str) -> Answer:
        return self._open(f"{self.live.url}{path}{'?' if query else ''}{urllib.parse.urlencode(query)}", None)

    def post(self, path: str, **form: str) -> Answer:
        return self._open(f"{self.live.url}{path}", urllib.parse.urlencode(form).encode())

    def send(self, path: str, form: str) -> Answer:
        return self._open(f"{self.live.url}{path}", form.encode())

    def _open(self, url: str, data: bytes | None) -> Answer:
        opener = urllib.request.build_opener(_Stay())
        try:
            with opener.open(url, data, timeout=30) as answer:
                return Answer(answer.status, answer.read().decode(), "")
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(answer.code, answer.read().decode(), answer.headers.get("Location", ""))

    def session(self, keys: Keys) -> str:
        return json.dumps({"sessionId": keys.access_key_id, "sessionKey": keys.secret, "sessionToken": keys.token})

    def link(self, keys: Keys, **more: str) -> str:
        answer = self.get("/federation", Action="getSigninToken", Session=self.session(keys), **more)
        assert answer.status == 200, answer
        token: str = json.loads(answer.body)["SigninToken"]
        return token


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    place: Path = tmp_path_factory.mktemp("idp")
    with saml_idp(place) as idp, running(tmp_path_factory.mktemp("authority"), summary_interval=0.1) as live:
        iam = live.client("iam")
        iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=idp.metadata)
        statement = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:*"}
        for name in ("Staff", "Admins"):
            document = json.dumps({"Version": "2012-10-17", "Statement": statement})
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        yield Company(live, idp)


@pytest.fixture
def guest(company: Company) -> Keys:
    """Credentials that a broker got for somebody."""
    iam = company.live.client("iam")
    name = "broker"
    if name not in [user["UserName"] for user in iam.list_users()["Users"]]:
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}
        iam.put_user_policy(
            UserName=name, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed})
        )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    answer = company.live.client("sts", Keys.of(key)).get_federation_token(Name="guest")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    return Keys.of(answer["Credentials"])


def test_one_role_signs_in_at_once(company: Company):
    answer = company.post("/saml", SAMLResponse=company.idp.sign_in("bob")[1])
    assert answer.status == 303, answer
    page = company.get(answer.location)
    assert page.status == 200
    assert "assumed-role/Staff/bob@corp" in page.body


def test_several_roles_are_a_choice_in_the_form_that_tools_look_for(company: Company):
    response = company.idp.sign_in("ann")[1]
    page = company.post("/saml", SAMLResponse=response)
    assert page.status == 200
    assert f'<div class="saml-account-name">Account: {MANAGEMENT}</div>' in page.body
    assert re.findall(r'<label for="([^"]+)"', page.body) == [f"{ROLE}/Admins", f"{ROLE}/Staff"]
    hidden = re.search(r'name="SAMLResponse" value="([^"]+)"', page.body)
    assert hidden is not None
    chosen = company.post("/saml", SAMLResponse=unescape(hidden[1]), roleIndex=f"{ROLE}/Admins")
    assert "assumed-role/Admins/ann@corp" in company.get(chosen.location).body


def test_nobody_chooses_a_role_that_the_provider_did_not_name(company: Company):
    answer = company.post("/saml", SAMLResponse=company.idp.sign_in("bob")[1], roleIndex=f"{ROLE}/Admins")
    assert answer.status == 400
    assert not answer.location


def test_whoever_wanted_to_go_somewhere_gets_there_if_it_is_a_page_of_ours(company: Company):
    for relayed, kept in (("/v1/log", True), ("https://elsewhere.example/", False), ("//elsewhere.example", False)):
        answer = company.post("/saml", SAMLResponse=company.idp.sign_in("bob")[1], RelayState=relayed)
        assert answer.status == 303
        assert ("Go on" in company.get(answer.location).body) is kept, relayed
    page = company.post("/saml", SAMLResponse=company.idp.sign_in("ann")[1], RelayState='/"><b>')
    assert 'name="RelayState" value="/&quot;&gt;&lt;b&gt;"' in page.body


def test_m22_a_parameter_is_read_once_by_the_name_that_it_decodes_to(company: Company):
    _, response = company.idp.sign_in("bob")
    form = urllib.parse.urlencode({"SAMLResponse": response})
    twice = f"{form}&{form.replace('S', '%53', 1)}"
    assert company.send("/saml", twice).status == 400
    assert company.send("/saml", form.replace("S", "%2553", 1)).status == 400
    assert company.send("/saml", f"{form}&SAMLresponse=x").status == 400
    assert company.send("/saml", form.replace("S", "%53", 1)).status == 303


def test_nobody_asked_for_a_response_here_so_none_is_an_answer(company: Company):
    _, response = company.idp.sign_in("bob")
    raw = base64.b64decode(response)
    for place in (b"<samlp:Response ", b"<saml:SubjectConfirmationData "):
        assert raw.count(place) == 1
        answer = base64.b64encode(raw.replace(place, place + b'InResponseTo="_q1" ')).decode()
        refused = company.post("/saml", SAMLResponse=answer)
        assert (refused.status, refused.location) == (403, "")
        assert "a request that was not made here" in refused.body


@pytest.mark.parametrize("response", ["", "AAAA", "PHg+PC94Pg=="])
def test_what_is_no_response_signs_nobody_in(company: Company, response: str):
    assert company.post("/saml", SAMLResponse=response).status == 400


def test_a_broker_makes_a_link_that_is_good_once(company: Company, guest: Keys):
    token = company.link(guest, SessionDuration="1800")
    page = company.get("/federation", Action="login", Issuer="https://broker.example", SigninToken=token)
    assert page.status == 200
    assert f"arn:aws:sts::{MANAGEMENT}:federated-user/guest" in page.body
    again = company.get("/federation", Action="login", SigninToken=token)
    assert again.status == 403
    assert "used already" in again.body


def test_c02_a_link_leads_on_to_our_own_pages_only(company: Company, guest: Keys):
    host = company.live.url.removeprefix("http://")
    for destination, kept in (
        ("/console", True),
        (f"http://{host}/console", True),
        ("https://elsewhere.example/", False),
        ("//elsewhere.example/", False),
        ("///elsewhere.example/", False),
        ("////elsewhere.example/", False),
        ("https:elsewhere.example", False),
        (f"https:{host}", False),
        ("javascript:alert(1)", False),
        ("/\\elsewhere.example", False),
        ("/\t/elsewhere.example", False),
        ("/console\r\nSet-Cookie: a=b", False),
        (" //elsewhere.example", False),
        (f"http://{host}@elsewhere.example/", False),
        (f"http://somebody@{host}/", False),
        (f"http://{host}.elsewhere.example/", False),
    ):
        page = company.get("/federation", Action="login", SigninToken=company.link(guest), Destination=destination)
        assert page.status == 200
        assert ("Go on" in page.body) is kept, destination


@pytest.mark.parametrize("part", ["secret", "token", "access_key_id"])
def test_without_the_whole_of_the_credentials_there_is_no_link(company: Company, guest: Keys, part: str):
    value = str(getattr(guest, part))
    wrong = replace(guest, **{part: value[:-1] + ("A" if value[-1] != "A" else "B")})
    answer = company.get("/federation", Action="getSigninToken", Session=company.session(wrong))
    assert answer.status == 403


def test_a_link_that_was_changed_is_none(company: Company, guest: Keys):
    token = company.link(guest)
    for at in range(0, len(token), 40):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert company.get("/federation", Action="login", SigninToken=changed).status == 403
    assert company.get("/federation", Action="login", SigninToken=token).status == 200


def test_a_session_that_was_ended_signs_nobody_in(company: Company, guest: Keys):
    token = company.link(guest)
    status, said = company.live.ask("POST", f"/v1/sessions/{guest.access_key_id}/revoke")
    assert status == 200, said
    assert company.get("/federation", Action="login", SigninToken=token).status == 403


def test_credentials_of_a_user_make_no_link(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="person")
    key = iam.create_access_key(UserName="person")["AccessKey"]
    answer = company.live.client("sts", Keys.of(key)).get_session_token()
    refused = company.get(
        "/federation", Action="getSigninToken", Session=company.session(Keys.of(answer["Credentials"]))
    )
    assert refused.status == 403


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"Action": "other"},
        {"Action": "getSigninToken"},
        {"Action": "getSigninToken", "Session": "[]"},
        {"Action": "getSigninToken", "Session": "{}"},
        {"Action": "getSigninToken", "Session": '{"sessionId":1}'},
        {"Action": "login"},
        {"Action": "login", "SigninToken": "x"},
    ],
)
def test_anything_else_is_refused_in_words(company: Company, query: dict[str, str]):
    answer = company.get("/federation", **query)
    assert answer.status in (400, 403)
    assert "Traceback" not in answer.body


def test_c03_what_is_shown_is_text_and_never_markup(company: Company, guest: Keys):
    """RustFS CVE-2026-27822, OpenBao CVE-2026-33758: a name or a description was a part of the page."""
    markup = '"><svg onload=alert(1)>'
    answers = [
        company.get("/federation", Action=markup),
        company.get("/federation", Action="login", SigninToken=markup),
        company.get("/federation", Action="getSigninToken", Session=markup),
        company.get("/federation", Action="login", SigninToken=company.link(guest), Issuer=markup, Destination=markup),
        company.get("/federation", Action="login", SigninToken=company.link(guest), Destination=f"/{markup}"),
        company.send("/federation", urllib.parse.urlencode({"Action": "login", markup: "x"})),
        company.post("/saml", SAMLResponse=markup),
        company.post("/saml", SAMLResponse=company.idp.sign_in("ann")[1], RelayState=f"/{markup}"),
        company.post("/saml", SAMLResponse=company.idp.sign_in("ann")[1], roleIndex=markup),
    ]
    assert [answer.body for answer in answers if "<svg" in answer.body] == []
    assert "&lt;svg" in answers[4].body


@pytest.mark.parametrize("query", ["", "?Action=login&SigninToken=x", "?Action=getSigninToken"])
@pytest.mark.parametrize("path", ["/federation", "/saml"])
def test_c04_c05_c06_a_page_is_nobody_elses_to_frame_to_read_or_to_be_remembered_by(
    company: Company, path: str, query: str
):
    asked = urllib.request.Request(f"{company.live.url}{path}{query}")
    for name, value in (("Origin", "https://evil.example"), ("Cookie", "session=chosen")):
        asked.add_header(name, value)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    with refused.value as answer:
        headers = answer.headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert not [name for name in headers if name.lower().startswith("access-control-") or name.lower() == "set-cookie"]


def test_c04_c07_c09_who_signed_in_is_remembered_by_no_browser(company: Company, guest: Keys):
    """A link fixes nobody's session (OpenBao CVE-2026-33757) where there is none; no script holds a secret."""
    token = company.link(guest)
    with urllib.request.urlopen(
        f"{company.live.url}/federation?Action=login&SigninToken={urllib.parse.quote(token)}", timeout=30
    ) as page:
        headers, body = page.headers, page.read().decode()
    assert "Set-Cookie" not in headers
    assert "<script" not in body
    assert not [secret for secret in (token, guest.secret, str(guest.token)) if secret in body]


def test_s38_each_door_decides_as_the_other_does(company: Company):
    """RustFS GHSA-3g29: what was refused at one door was to be had at another."""
    iam, config = company.live.client("iam"), Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    sts = boto3.client("sts", endpoint_url=company.live.url, region_name=REGION, config=config)
    statement = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:*"}
    for condition, allowed in (
        ({"StringEquals": {"SAML:sub": "somebody else"}}, False),
        ({"StringEquals": {"SAML:iss": "https://elsewhere.example"}}, False),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
        ({}, True),
    ):
        document = json.dumps({"Version": "2012-10-17", "Statement": {**statement, "Condition": condition}})
        iam.update_assume_role_policy(RoleName="Staff", PolicyDocument=document)
        page = company.post("/saml", SAMLResponse=company.idp.sign_in("bob")[1])
        try:
            sts.assume_role_with_saml(
                RoleArn=f"{ROLE}/Staff", PrincipalArn=PROVIDER, SAMLAssertion=company.idp.sign_in("bob")[1]
            )
            code = ""
        except ClientError as error:
            code = error.response["Error"]["Code"]
        assert (page.status, code) == ((303, "") if allowed else (403, "AccessDenied")), condition


def test_no_token_and_no_response_is_in_the_log(company: Company, guest: Keys):
    token, response = company.link(guest), company.idp.sign_in("bob")[1]
    company.get("/federation", Action="login", SigninToken=token)
    company.post("/saml", SAMLResponse=response)
    _, answer = company.live.ask("GET", "/v1/events", query="account=*&order=newest&maxResults=30")
    text = json.dumps(answer)
    assert "authority:GetSigninToken" in text
    for secret in (token, response[:60], guest.secret, str(guest.token)):
        assert secret not in text
