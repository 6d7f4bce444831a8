"""The catalogue: what its files may say, how it enters the log, and what its best known policies allow."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from authority.model.event import LARGEST
from authority.model.policies import CataloguePolicyPublished, CataloguePolicyRetired, catalogue_id
from authority.model.state import EMPTY, State, canonical, evolve
from authority.permissions import catalogue
from authority.permissions.catalogue import CatalogueRefused, changes, joined, read
from authority.policy.combine import Question, weigh
from authority.policy.compiled import Source, compile_policy
from authority.policy.document import Document, Kind, parse, size_of
from authority.policy.principal import Principal, PrincipalKind
from tests.model.test_state import AT
from tests.permissions.asking import document

OURS = read((Path(catalogue.__file__).parent / "aws_managed.json").read_bytes())
NAMED = {policy.name: policy for policy in OURS}


def file(*policies) -> bytes:
    return json.dumps({"policies": policies}).encode()


def one(name: str = "Mine", **more):
    return {"name": name, "document": json.loads(document()), **more}


def after(state: State, *files) -> State:
    for portion in changes(state, joined(*files)):
        state = evolve(state, portion, AT)
    return state


def test_the_policies_that_people_attach_by_habit_are_there():
    habits = """AdministratorAccess PowerUserAccess ReadOnlyAccess SecurityAudit IAMFullAccess IAMReadOnlyAccess
        IAMUserChangePassword AmazonS3FullAccess AmazonS3ReadOnlyAccess AmazonEC2FullAccess AmazonEC2ReadOnlyAccess
        AmazonDynamoDBFullAccess AmazonDynamoDBReadOnlyAccess AmazonSQSFullAccess AmazonSNSFullAccess
        CloudWatchFullAccess CloudWatchLogsFullAccess AWSLambda_FullAccess AmazonSSMManagedInstanceCore
        AmazonEKSWorkerNodePolicy AmazonEC2ContainerRegistryReadOnly CloudWatchAgentServerPolicy"""
    assert set(habits.split()) <= {policy.name for policy in OURS if policy.path == "/"}
    roles = {"AWSLambdaBasicExecutionRole", "AmazonECSTaskExecutionRolePolicy", "AWSLambdaVPCAccessExecutionRole"}
    assert roles <= {policy.name for policy in OURS if policy.path == "/service-role/"}
    jobs = """Billing DatabaseAdministrator DataScientist NetworkAdministrator SupportUser SystemAdministrator
        ViewOnlyAccess"""
    assert set(jobs.split()) == {policy.name for policy in OURS if policy.path == "/job-function/"}


def test_no_two_policies_of_ours_share_a_name():
    assert len({policy.name.lower() for policy in OURS}) == len(OURS) > 100
    assert all(policy.description for policy in OURS)


def test_one_start_writes_the_catalogue_down_and_the_next_has_nothing_to_add():
    state = after(EMPTY, OURS)
    assert len(state.catalogue) == len(OURS)
    assert list(changes(state, OURS)) == []
    assert canonical(after(EMPTY, OURS)) == canonical(state)


def test_every_entry_can_hold_its_portion():
    portions = list(changes(EMPTY, OURS))
    assert len(portions) > 1
    assert all(len(msgspec.json.encode(portion)) < LARGEST - 4096 for portion in portions)


def test_the_longest_text_there_may_be_fits_into_an_entry():
    filler = "x" * (catalogue.LONGEST - len(read(file(one()))[0].document) - 60)
    (longest,) = read(
        file(
            one(
                document={
                    **json.loads(document()),
                    "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{filler}"]}],
                }
            )
        )
    )
    (portion,) = changes(EMPTY, (longest,))
    assert len(msgspec.json.encode(portion)) < catalogue.FULL


def test_a_text_that_differs_is_a_new_version_and_what_is_in_no_file_is_retired():
    first = after(EMPTY, read(file(one("Mine"), one("Other"))))
    changed = json.loads(document(action="s3:*"))
    ((published, retired),) = changes(first, read(file(one("Mine", document=changed))))
    assert isinstance(published, CataloguePolicyPublished)
    assert (published.name, published.number) == ("Mine", 2)
    assert retired == CataloguePolicyRetired(policy_id=catalogue_id("/", "Other"))
    second = evolve(first, (published, retired), AT)
    ((back,),) = changes(second, read(file(one("Mine", document=changed), one("Other"))))
    assert isinstance(back, CataloguePolicyPublished)
    assert (back.name, back.number) == ("Other", 2)
    assert not evolve(second, (back,), AT).catalogue[back.policy_id].retired


def test_an_operator_adds_policies_and_replaces_ours():
    theirs = read(file(one("Mine", path="/house/"), one("ADMINISTRATORaccess")))
    state = after(EMPTY, OURS, theirs)
    assert len(state.catalogue) == len(OURS) + 1
    assert catalogue_id("/house/", "Mine") in state.catalogue
    assert catalogue_id("/", "AdministratorAccess") not in state.catalogue


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[]", id="no table"),
        pytest.param(file({"name": "Mine"}), id="no document"),
        pytest.param(file(one(Name="Mine")), id="a member that nobody knows"),
        pytest.param(file(one("My policy")), id="a name with a blank"),
        pytest.param(file(one("a" * 129)), id="a name too long"),
        pytest.param(file(one(path="house/")), id="a path that does not begin with a slash"),
        pytest.param(file(one(document={})), id="a document that is no policy"),
        pytest.param(file(one(document="{}")), id="a document inside a text"),
        pytest.param(file(one(document=json.loads(document(Principal="*")))), id="a document with a principal"),
        pytest.param(file(one(document={**json.loads(document()), "Version": "2008-10-17"})), id="the old language"),
        pytest.param(
            b'{"policies":[{"name":"Mine","document":{"Version":"2012-10-17","Statement":[{"Effect":"Deny",'
            b'"Effect":"Allow","Action":"*","Resource":"*"}]}}]}',
            id="a key twice in a document",
        ),
        pytest.param(
            file(
                one(
                    document={
                        **json.loads(document()),
                        "Statement": [
                            {"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::" + "x" * 33_000]}
                        ],
                    }
                )
            ),
            id="a document longer than an entry can hold",
        ),
    ],
)
def test_a_file_that_would_be_no_catalogue_is_refused(body):
    with pytest.raises(CatalogueRefused):
        read(body)


@pytest.mark.parametrize("policy", OURS, ids=lambda policy: policy.name)
def test_each_text_is_a_policy_and_none_gives_all_but_the_administrator_s(policy):
    parsed = parse(policy.document, Kind.IDENTITY)
    assert isinstance(parsed, Document)
    assert size_of(policy.document) < 16_384
    everything = any("*" in statement.actions and statement.effect == "Allow" for statement in parsed.statements)
    assert everything == (policy.name == "AdministratorAccess")


def allowed(name: str, action: str, resource: str = "*", **context: str) -> bool:
    parsed = parse(NAMED[name].document, Kind.IDENTITY)
    assert isinstance(parsed, Document)
    user = Principal(PrincipalKind.USER, "arn:aws:iam::111122223333:user/Ben", "111122223333", "AIDABEN")
    question = Question(
        user, action, resource, "111122223333", context, (compile_policy(parsed, Source("identity", name)),)
    )
    return weigh(question).allowed


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("AdministratorAccess", "iam:CreateUser s3:GetObject organizations:CloseAccount", ""),
        (
            "PowerUserAccess",
            "s3:PutObject sts:AssumeRole iam:CreateServiceLinkedRole iam:ListRoles",
            "iam:CreateUser iam:PassRole iam:PutUserPolicy organizations:LeaveOrganization account:CloseAccount",
        ),
        (
            "ReadOnlyAccess",
            "s3:GetObject dynamodb:Query iam:GetRole ec2:DescribeInstances sqs:ReceiveMessage ssm:GetParameter",
            "s3:PutObject iam:CreateAccessKey secretsmanager:GetSecretValue sts:AssumeRole kms:Decrypt sqs:DeleteMessage redshift:GetClusterCredentials",
        ),
        (
            "ViewOnlyAccess",
            "s3:ListBucket ec2:DescribeInstances iam:ListUsers",
            "s3:GetObject dynamodb:Query dynamodb:GetItem sqs:ReceiveMessage ssm:GetParameter logs:GetLogEvents",
        ),
        (
            "SecurityAudit",
            "iam:GetPolicyVersion s3:GetBucketPolicy ec2:DescribeSecurityGroups kms:GetKeyPolicy",
            "s3:GetObject dynamodb:GetItem secretsmanager:GetSecretValue ssm:GetParameter logs:GetLogEvents sqs:ReceiveMessage iam:CreateRole",
        ),
        ("IAMFullAccess", "iam:CreateUser iam:PassRole iam:AttachRolePolicy", "sts:AssumeRole s3:GetObject"),
        ("IAMReadOnlyAccess", "iam:GetUser iam:ListRoles iam:SimulatePrincipalPolicy", "iam:CreateUser iam:PassRole"),
        ("AmazonS3FullAccess", "s3:DeleteBucket s3:GetObject", "ec2:DescribeInstances"),
        ("AmazonS3ReadOnlyAccess", "s3:GetObject s3:ListBucket", "s3:PutObject s3:DeleteObject"),
        ("AmazonEC2ReadOnlyAccess", "ec2:DescribeInstances", "ec2:RunInstances ec2:TerminateInstances"),
        ("AmazonDynamoDBReadOnlyAccess", "dynamodb:GetItem dynamodb:Query", "dynamodb:PutItem dynamodb:DeleteTable"),
        ("AWSLambdaBasicExecutionRole", "logs:PutLogEvents", "logs:DeleteLogGroup lambda:InvokeFunction"),
        ("AWSDenyAll", "", "s3:GetObject iam:GetUser"),
        (
            "SystemAdministrator",
            "ec2:RunInstances iam:ListRoles s3:PutObject lambda:CreateFunction",
            "iam:PassRole iam:CreateUser iam:AttachRolePolicy sts:AssumeRole organizations:CloseAccount",
        ),
        ("DatabaseAdministrator", "rds:CreateDBInstance dynamodb:DeleteTable", "iam:PassRole ec2:RunInstances"),
        (
            "NetworkAdministrator",
            "ec2:CreateVpc route53:CreateHostedZone",
            "ec2:RunInstances iam:PassRole s3:GetObject",
        ),
        ("SupportUser", "support:CreateCase ec2:DescribeInstances iam:GetUser", "iam:CreateUser s3:GetObject"),
        ("DataScientist", "s3:GetObject glue:StartJobRun", "iam:PassRole iam:CreateRole ec2:CreateVpc"),
        ("AmazonElasticMapReduceRole", "ec2:RunInstances", "iam:PassRole iam:CreateRole s3:DeleteObject"),
        (
            "AWSControlTowerServiceRolePolicy",
            "organizations:CreateAccount cloudformation:CreateStackSet",
            "organizations:CloseAccount iam:CreateRole iam:PassRole sts:AssumeRole",
        ),
        ("AmazonSageMakerFullAccess", "sagemaker:CreateModel", "iam:PassRole iam:CreateRole s3:GetObject"),
    ],
)
def test_what_the_best_known_policies_allow(name, yes, no):
    assert {action for action in (yes + " " + no).split() if allowed(name, action)} == set(yes.split())


def test_a_user_changes_its_own_password_and_no_other_s():
    mine, other = "arn:aws:iam::111122223333:user/Ben", "arn:aws:iam::111122223333:user/Mia"
    name = {"aws:username": "Ben"}
    assert allowed("IAMUserChangePassword", "iam:ChangePassword", mine, **name)
    assert not allowed("IAMUserChangePassword", "iam:ChangePassword", other, **name)


def test_roles_are_passed_to_the_service_that_is_meant():
    role = "arn:aws:iam::111122223333:role/r"
    assert allowed("AWSLambda_FullAccess", "iam:PassRole", role, **{"iam:passedtoservice": "lambda.amazonaws.com"})
    assert not allowed("AWSLambda_FullAccess", "iam:PassRole", role, **{"iam:passedtoservice": "ec2.amazonaws.com"})
    assert not allowed("AWSLambda_FullAccess", "iam:PassRole", role)
