"""An incident from its beginning to its end: a leaked key, a chain over three accounts, a key that was planted, an end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from authority.cli.main import commands
from tests.accounts.test_live import entered, made
from tests.live import REGION, Keys, Live, running

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def trusting(*principals: str, **more) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority"), summary_interval=0.05) as live:
        yield live


@dataclass
class Incident:
    """Who is who, and where the log stood."""

    live: Live
    before: int
    after: int
    leaked: Keys
    first: Keys
    second: Keys
    planted: Keys
    planted_session: Keys
    innocent: Keys
    accounts: tuple[str, str, str]
    build: str
    deploy: str
    key_user: str


def assume(live: Live, keys: Keys, role: str, name: str = "work") -> Keys:
    return Keys.of(live.client("sts", keys).assume_role(RoleArn=role, RoleSessionName=name)["Credentials"])


def head(live: Live) -> int:
    return get(live, "/v1/log")["position"]


def get(live: Live, path: str, keys: Keys | None = None, query: str = ""):
    status, answer = live.ask("GET", path, keys, query=query)
    assert status == 200, answer
    return answer


@pytest.fixture(scope="module")
def incident(live: Live) -> Incident:
    """Dana's key leaks; it goes to Build in the second account, on to Deploy in the third, and plants a key there."""
    accounts = made(live, "people"), made(live, "build"), made(live, "production")
    people, building, production = (entered(live, account) for account in accounts)
    iam = live.client("iam", people)
    iam.create_user(UserName="Dana")
    iam.put_user_policy(UserName="Dana", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    dana = iam.get_user(UserName="Dana")["User"]["Arn"]
    leaked = Keys.of(iam.create_access_key(UserName="Dana")["AccessKey"])
    iam.create_user(UserName="Ivan")
    iam.put_user_policy(UserName="Ivan", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    innocent = Keys.of(iam.create_access_key(UserName="Ivan")["AccessKey"])
    build, deploy = f"arn:aws:iam::{accounts[1]}:role/Build", f"arn:aws:iam::{accounts[2]}:role/Deploy"
    iam = live.client("iam", building)
    iam.create_role(RoleName="Build", AssumeRolePolicyDocument=trusting(dana, f"arn:aws:iam::{accounts[0]}:user/Ivan"))
    iam.put_role_policy(RoleName="Build", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    iam = live.client("iam", production)
    iam.create_role(RoleName="Deploy", AssumeRolePolicyDocument=trusting(accounts[1], accounts[2]))
    iam.put_role_policy(RoleName="Deploy", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))

    before = head(live)
    assume(live, innocent, build)
    for _ in range(2):
        with pytest.raises(ClientError):
            assume(live, leaked, deploy)
    first = assume(live, leaked, build, "night")
    second = assume(live, first, deploy, "night")
    iam = live.client("iam", second)
    iam.create_user(UserName="backup")
    iam.put_user_policy(UserName="backup", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    planted = Keys.of(iam.create_access_key(UserName="backup")["AccessKey"])
    planted_session = assume(live, planted, deploy, "again")
    live.client("sts", planted_session).get_caller_identity()
    return Incident(
        live,
        before,
        head(live),
        leaked,
        first,
        second,
        planted,
        planted_session,
        innocent,
        accounts,
        build,
        deploy,
        dana,
    )


def run(incident: Incident, *words: str, status: int = 0, text: str | None = None) -> str:
    keys = incident.live.administrator
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": incident.live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    result = CliRunner().invoke(commands, words, env=environment, catch_exceptions=False, input=text)
    assert result.exit_code == status, result.output
    return result.output


def asked(incident: Incident, *words: str, **more):
    return json.loads(run(incident, "investigate", *words, "--account", "*", "--output", "json", **more))


def test_the_lineage_of_the_last_session_leads_back_to_the_planted_key_and_that_of_the_chain_to_dana(incident):
    told = asked(incident, "lineage", incident.second.access_key_id)
    assert told["root"]["arn"] == incident.key_user
    assert [link["accessKeyId"] for link in told["chain"]] == [
        incident.leaked.access_key_id, incident.first.access_key_id, incident.second.access_key_id,
    ]  # fmt: skip
    assert told["whole"]
    told = asked(incident, "lineage", incident.planted_session.access_key_id)
    assert told["root"]["arn"].endswith(":user/backup")


def test_the_radius_of_the_leaked_key_holds_all_that_came_of_it_and_nobody_elses(incident):
    told = asked(incident, "blast-radius", incident.leaked.access_key_id, "--since", str(incident.before))
    reached = {one["accessKeyId"]: one.get("parent") for one in told["credentials"]}
    assert reached == {
        incident.leaked.access_key_id: None,
        incident.first.access_key_id: incident.leaked.access_key_id,
        incident.second.access_key_id: incident.first.access_key_id,
        incident.planted.access_key_id: incident.second.access_key_id,
        incident.planted_session.access_key_id: incident.planted.access_key_id,
    }
    assert set(told["accounts"]) == set(incident.accounts)
    assert set(told["roles"]) == {incident.build, incident.deploy}
    assert [one["fact"] for one in told["changes"]] == ["user-created", "inline-policy-put", "access-key-created"]
    tries = {(act["action"], act["resource"], act["outcome"]): act["count"] for act in told["acts"]}
    assert tries["sts:AssumeRole", incident.deploy, "access-denied"] == 2


def test_the_lineage_of_a_planted_key_names_the_session_that_it_was_made_with(incident):
    for credential in (incident.planted, incident.planted_session):
        first = asked(incident, "lineage", credential.access_key_id)["chain"][0]
        assert first["accessKeyId"] == incident.planted.access_key_id
        assert (first["madeWith"], first["sourceAddress"]) == (incident.second.access_key_id, "127.0.0.1")
        said = run(incident, "investigate", "lineage", credential.access_key_id, "--account", "*")
        assert f"{incident.planted.access_key_id} was made with {incident.second.access_key_id}" in said


def test_the_standing_of_a_planted_key_says_what_it_came_of(incident):
    told = asked(incident, "valid", incident.leaked.access_key_id)
    parents = {one["accessKeyId"]: one.get("parent") for one in told["credentials"]}
    assert parents[incident.planted.access_key_id] == incident.second.access_key_id
    drawn = run(incident, "investigate", "valid", incident.leaked.access_key_id, "--account", "*", "--output", "dot")
    assert f'"{incident.second.access_key_id}" -> "{incident.planted.access_key_id}"' in drawn


def test_a_role_that_may_take_itself_on_is_drawn_once(incident):
    drawn = run(incident, "investigate", "who-can-assume", incident.deploy, "--account", "*", "--output", "dot")
    assert drawn.count(f'"{incident.deploy}" [label') == 1


def test_an_account_sees_of_the_radius_what_is_on_its_own_trail(incident):
    people = entered(incident.live, incident.accounts[0])
    told = get(incident.live, f"/v1/investigate/blast-radius/{incident.leaked.access_key_id}", people)
    assert {one["accessKeyId"] for one in told["credentials"]} == {
        incident.leaked.access_key_id, incident.first.access_key_id,
    }  # fmt: skip
    status, answer = incident.live.ask("GET", f"/v1/investigate/lineage/{incident.planted.access_key_id}", people)
    assert (status, answer["code"]) == (404, "NoSuchEntity")


def test_the_timeline_says_how_often_something_was_refused_before_it_worked(incident):
    told = asked(incident, "timeline", incident.leaked.access_key_id, "--with-denials", "--until", str(incident.after))
    outcomes = [(one["action"], one["outcome"]) for one in told["moments"] if one["action"] == "sts:AssumeRole"]
    assert outcomes == [("sts:AssumeRole", "access-denied")] * 2 + [("sts:AssumeRole", "allowed")]
    told = asked(incident, "timeline", incident.key_user, "--until", str(incident.after))
    assert [one["action"] for one in told["moments"]] == ["sts:AssumeRole"]


def test_what_was_new_is_the_way_that_nobody_went_before(incident):
    told = asked(incident, "first-seen", "--since", str(incident.before))
    roles = {(one["principal"], one["kind"]) for one in told["firstSeen"] if one["kind"] == "role"}
    assert (incident.key_user, "role") in roles


def test_the_chain_is_found_and_it_crosses_accounts(incident):
    told = asked(incident, "chains", "--since", str(incident.before))
    assert [incident.build, incident.deploy] in [chain["path"] for chain in told["chains"]]
    assert asked(incident, "chains", "--cycles")["chains"] == []


def test_who_could_take_the_role_on_is_answered_by_both_sides(incident):
    told = asked(incident, "who-can-assume", incident.build)
    able = {one["principal"]: one["always"] for one in told["able"]}
    assert able[incident.key_user]
    assert f"arn:aws:iam::{incident.accounts[0]}:user/Ivan" in able
    told = asked(incident, "who-can-assume", incident.deploy)
    assert incident.build in {one["principal"] for one in told["able"]}
    assert incident.key_user not in {one["principal"] for one in told["able"]}


def test_openings_name_the_other_accounts(incident):
    told = asked(incident, "external-access")
    found = {(one["role"], one["what"]) for one in told["openings"]}
    assert (incident.deploy, "other-account") in found


def test_sources_tell_addresses_and_programs(incident):
    told = asked(incident, "sources", incident.leaked.access_key_id, "--until", str(incident.after))
    (source,) = told["sources"]
    assert (source["sourceAddress"], source["refused"], source["count"]) == ("127.0.0.1", 2, 3)


@pytest.mark.parametrize("form", ["table", "dot", "mermaid"])
@pytest.mark.parametrize("question", ["lineage", "blast-radius", "valid", "sources"])
def test_answers_are_drawn_and_tabled(incident, question, form):
    said = run(incident, "investigate", question, incident.second.access_key_id, "--account", "*", "--output", form)
    assert incident.second.access_key_id in said
    assert said.startswith({"dot": "digraph", "mermaid": "flowchart"}.get(form, ""))


@pytest.mark.parametrize(
    ("form", "first", "edge"), [("dot", "digraph authority {", "->"), ("mermaid", "flowchart LR", "-->")]
)
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["investigate", "timeline", "LEAKED", "--with-denials"], id="timeline"),
        pytest.param(["investigate", "least-privilege", "DEPLOY"], id="least-privilege"),
        pytest.param(["investigate", "unused", "--since", "now"], id="unused"),
        pytest.param(["investigate", "first-seen", "--since", "1"], id="first-seen"),
        pytest.param(["investigate", "chains", "--min-depth", "1"], id="chains"),
        pytest.param(["investigate", "exposure", "DEPLOY"], id="exposure"),
        pytest.param(["investigate", "who-can-assume", "DEPLOY"], id="who-can-assume"),
        pytest.param(["investigate", "external-access"], id="external-access"),
        pytest.param(["history", "roles", "Deploy"], id="history"),
        pytest.param(["what-if", "--replace", "DEPLOY=NOBODY", "--cascade"], id="what-if"),
    ],
)
def test_every_question_is_drawn(incident, tmp_path, words, form, first, edge):
    nobody = tmp_path / "nobody.json"
    nobody.write_text(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}}'
    )
    names = {"LEAKED": incident.leaked.access_key_id, "DEPLOY": incident.deploy, "NOBODY": str(nobody)}
    asked = [re.sub("|".join(names), lambda found: names[found[0]], word) for word in words]
    lines = run(incident, *asked, "--account", "*", "--output", form).splitlines()
    assert lines[0] == first
    edges = [line for line in lines if edge in line]
    assert edges
    if form == "dot":  # whatever an edge joins is a node of its own
        nodes = {line.split(" [label=")[0].strip() for line in lines if " [label=" in line and edge not in line}
        assert {end for line in edges for end in line.split(" [label=")[0].strip(" ;").split(" -> ")} <= nodes


def test_a_leaked_text_is_recognised_and_not_kept(incident):
    live, leaked, session = incident.live, incident.leaked, incident.second
    text = f'aws_access_key_id = {leaked.access_key_id}\naws_secret_access_key = "{leaked.secret}"\n'
    told = json.loads(run(incident, "whose", "--account", "*", "--output", "json", text=text))
    assert {(one["what"], one["accessKeyId"]) for one in told["found"]} == {
        ("access-key-id", leaked.access_key_id), ("secret-key", leaked.access_key_id),
    }  # fmt: skip
    told = json.loads(
        run(
            incident, "whose", "--account", "*", "--access-key-id", session.access_key_id, "--output", "json",
            text=session.token,
        )
    )  # fmt: skip
    assert [(one["what"], one["accessKeyId"]) for one in told["found"]] == [("session-token", session.access_key_id)]
    run(incident, "whose", text="nothing of yours", status=1)
    events = json.dumps(get(live, "/v1/events", query="account=%2A&action=authority%3AIdentifyCredential"))
    assert leaked.secret not in events
    assert session.token not in events
    people = entered(live, incident.accounts[0])
    status, answer = live.ask("POST", "/v1/whose", people, body={"secret": incident.planted.secret})
    assert (status, answer) == (200, {"found": []})


def test_contained_nothing_of_it_counts_and_others_are_left_alone(incident):
    live = incident.live
    judged = asked(incident, "valid", incident.leaked.access_key_id)
    assert (judged["valid"], len(judged["credentials"])) == (5, 5)
    stood = judged["position"]

    said = run(incident, "contain", incident.leaked.access_key_id, "--account", "*")
    assert "0 of 5 count" in said
    for keys in (incident.leaked, incident.first, incident.second, incident.planted, incident.planted_session):
        with pytest.raises(ClientError):
            live.client("sts", keys).get_caller_identity()
    assert assume(live, incident.innocent, incident.build)

    assert asked(incident, "valid", incident.leaked.access_key_id)["valid"] == 0
    then = asked(incident, "valid", incident.leaked.access_key_id, "--at", str(stood))
    assert then["valid"] == 5

    run(incident, "contain", incident.leaked.access_key_id, "--account", "*")
    found = asked(incident, "dead-keys", "--since", str(stood))
    assert {incident.leaked.access_key_id, incident.first.access_key_id} <= {
        one["accessKeyId"] for one in found["uses"]
    }


def test_nobody_contains_what_is_anothers(incident):
    people = entered(incident.live, incident.accounts[0])
    for body in ({"id": incident.planted.access_key_id}, {"id": "AKIAAAAAAAAAAAAAAAAA"}):
        status, answer = incident.live.ask("POST", "/v1/contain", people, body=body)
        assert (status, answer["code"]) == (404, "NoSuchEntity")
    status, answer = incident.live.ask(
        "POST", "/v1/contain", people, body={"id": incident.planted.access_key_id, "account": "*"}
    )
    assert (status, answer["code"]) == (403, "AccessDenied")


def written(tmp_path, document: str) -> str:
    file = tmp_path / "policy.json"
    file.write_text(document)
    return str(file)


def suppose(incident, *words: str, status: int = 0):
    return json.loads(run(incident, "what-if", "--account", "*", "--output", "json", *words, status=status))


def test_all_recorded_decisions_come_out_again(incident):
    found = suppose(incident, "--until", str(incident.after))
    assert found["reweighed"] == found["decisions"] > 20
    assert [found[kind] for kind in ("newlyDenied", "newlyAllowed", "undetermined")] == [[], [], []]


def test_had_the_role_been_closed_to_dana_nothing_would_have_come_of_the_key(incident, tmp_path):
    file = written(tmp_path, trusting(f"arn:aws:iam::{incident.accounts[0]}:user/Ivan"))
    since = ("--since", str(incident.before), "--until", str(incident.after))
    found = suppose(incident, "--replace", f"{incident.build}={file}", *since)
    (denied,) = found["newlyDenied"]
    assert (denied["principal"], denied["becomes"]) == (incident.key_user, "implicitDeny")
    found = suppose(incident, "--replace", f"{incident.build}={file}", "--cascade", *since)
    never = {key for row in found["never"] for key in row.get("sessions", ())}
    assert never == {
        incident.first.access_key_id, incident.second.access_key_id, incident.planted.access_key_id,
        incident.planted_session.access_key_id,
    }  # fmt: skip


def test_had_mfa_been_required_is_undetermined_until_somebody_knows(incident, tmp_path):
    condition = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    file = written(tmp_path, trusting(incident.accounts[0], **condition))
    words = ("--replace", f"{incident.build}={file}", "--since", str(incident.before), "--until", str(incident.after))
    found = suppose(incident, *words)
    assert (found["undeterminedCount"], found["newlyDeniedCount"]) == (2, 0)
    assert found["undetermined"][0]["unknown"] == ["aws:multifactorauthpresent"]
    found = suppose(incident, *words, "--absent", "aws:MultiFactorAuthPresent")
    assert (found["undeterminedCount"], found["newlyDeniedCount"]) == (0, 2)
    table = run(incident, "what-if", "--account", "*", *words)
    assert "Undetermined: 2" in table


def test_an_account_supposes_about_what_it_sees(incident, tmp_path):
    building = entered(incident.live, incident.accounts[1])
    replaced = {"kind": "trust", "target": "Build", "document": trusting("999999999999")}
    status, found = incident.live.ask(
        "POST", "/v1/what-if", building, body={"replacements": [replaced], "until": str(incident.after)}
    )
    assert status == 200, found
    # Whoever came from another account is withheld, and so is what would have become of him.
    assert {row["why"] for row in found["undetermined"]} == {"who asked may not be seen"}
    assert found["newlyDeniedCount"] == 0
    status, answer = incident.live.ask(
        "POST", "/v1/what-if", building, body={"replacements": [{"kind": "trust", "document": "{}"}]}
    )
    assert (status, answer["code"]) == (400, "ValidationError")


def test_the_exposure_of_a_role_is_the_time_between_two_changes_and_what_was_issued_in_it(incident):
    live = incident.live
    building = entered(live, incident.accounts[1])
    iam = live.client("iam", building)
    iam.create_role(RoleName="Shop", AssumeRolePolicyDocument=trusting(incident.accounts[1]))
    iam.update_assume_role_policy(RoleName="Shop", PolicyDocument=trusting(incident.accounts[0], incident.accounts[1]))
    shop = f"arn:aws:iam::{incident.accounts[1]}:role/Shop"
    stranger = assume(live, incident.innocent, shop)
    insider = Keys.of(live.client("sts", building).assume_role(RoleArn=shop, RoleSessionName="work")["Credentials"])
    iam.update_assume_role_policy(RoleName="Shop", PolicyDocument=trusting(incident.accounts[1]))
    told = asked(incident, "exposure", shop)
    _, opened, closed = told["windows"]
    assert (opened["closed"], "closed" in closed) == (closed["position"], False)
    assert {one["accessKeyId"]: one["onlyBecause"] for one in opened["sessions"]} == {
        stranger.access_key_id: True, insider.access_key_id: False,
    }  # fmt: skip
    assert "trust" not in opened["words"][0]
    (only,) = asked(incident, "exposure", shop, "--change", str(opened["position"]))["windows"]
    assert only["position"] == opened["position"]
    assert "Only because" in run(incident, "investigate", "exposure", shop, "--account", "*")
    # Of Ivan, who is of another account, the role's account sees that he came, and no more.
    told = get(live, "/v1/investigate/exposure/Shop", building)
    assert incident.innocent.access_key_id not in json.dumps(told)


def test_what_was_used_is_proposed_as_a_policy_and_the_rest_is_unneeded(incident):
    told = asked(incident, "least-privilege", incident.deploy, "--until", str(incident.after))
    used = {one["action"] for one in told["used"]}
    assert used == {"iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey"}
    policy = json.loads(
        run(incident, "investigate", "least-privilege", incident.deploy, "--account", "*", "--output", "policy",
            "--until", str(incident.after))
    )  # fmt: skip
    assert policy == told["policy"]
    resources = {name for statement in policy["Statement"] for name in statement["Resource"]}
    assert resources == {f"arn:aws:iam::{incident.accounts[2]}:user/backup"}
    live = incident.live
    production = entered(live, incident.accounts[2])
    live.client("iam", production).put_role_policy(
        RoleName="Deploy", PolicyName="proposed", PolicyDocument=json.dumps(policy)
    )


def test_what_nobody_used_is_listed(incident):
    since = str(incident.after)
    found = asked(incident, "unused", "--since", since)["unused"]
    named = {(one["what"], one["name"]) for one in found}
    assert ("key", incident.live.administrator.access_key_id) not in named
    assert ("role", incident.deploy) in named or ("role", incident.build) not in named
    before = asked(incident, "unused", "--since", "1")["unused"]
    assert before == []
    assert {one["what"] for one in found} <= {"role", "key", "trust", "permission"}
