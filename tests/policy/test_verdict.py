"""Who may do what: the ladder of policies as named cases, the words of a refusal, and what is recorded of a decision."""

from __future__ import annotations

import json

import msgspec
import pytest

from authority.policy.combine import Check, Effect, Matched, Question, Verdict, because, weigh
from authority.policy.compiled import REMEMBERED, Layer, Policy, Source, compile_policy
from authority.policy.document import Document, Kind, parse
from authority.policy.principal import Grant, Principal, PrincipalKind

HOME, AWAY = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HOME}:role/team/app"
SESSION = f"arn:aws:sts::{HOME}:assumed-role/app/run"
USER = f"arn:aws:iam::{HOME}:user/alice"
FEDERATED = f"arn:aws:sts::{HOME}:federated-user/fred"
PROVIDER = f"arn:aws:iam::{HOME}:oidc-provider/id.example.org"

ALICE = Principal(PrincipalKind.USER, USER, HOME, "AIDAALICE")
ALICE_AGAIN = Principal(PrincipalKind.USER, USER, HOME, "AIDAALICETWO")
RUN = Principal(PrincipalKind.ASSUMED_ROLE, SESSION, HOME, "AROAAPP", ROLE)
FRED = Principal(PrincipalKind.FEDERATED_USER, FEDERATED, HOME, "AIDAALICE", USER)
OWNER = Principal(PrincipalKind.ROOT, f"arn:aws:iam::{HOME}:root", HOME, HOME)
STRANGER = Principal(PrincipalKind.USER, f"arn:aws:iam::{AWAY}:user/alice", AWAY, "AIDAAWAY")
EC2 = Principal(PrincipalKind.SERVICE, "ec2.amazonaws.com", "", "")
WEB = Principal(PrincipalKind.WEB_IDENTITY, "", HOME, "", PROVIDER)
LINKED = Principal(
    PrincipalKind.ASSUMED_ROLE, SESSION, HOME, "AROALINKED", f"arn:aws:iam::{HOME}:role/aws-service-role/x/app"
)
NOBODY = Principal(PrincipalKind.ANONYMOUS, "", "", "")

BOUND = {USER: "AIDAALICE", ROLE: "AROAAPP"}
DIRECT, BY_ROLE, BY_ACCOUNT = {"AWS": USER}, {"AWS": ROLE}, {"AWS": HOME}
KINDS = {"resource": Kind.RESOURCE, "trust": Kind.TRUST, "rcp": Kind.RESOURCE}


def policy(layer: Layer, effect: str = "Allow", *, to=None, bound=None, **changes) -> Policy:
    statement = {"Effect": effect, "Action": "*"} | changes
    if layer in KINDS:
        statement["Principal"] = to or "*"
    if layer == "trust":
        statement["Action"] = "sts:*"
    else:
        statement.setdefault("Resource", "*")
    document = parse(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), KINDS.get(layer, Kind.IDENTITY))
    assert isinstance(document, Document), document
    return compile_policy(document, Source(layer, f"{effect} {layer}"), BOUND if bound is None else bound)


def asks(principal: Principal, *, owner: str = HOME, action: str = "s3:GetObject", context=None, **layers) -> Verdict:
    asked = {"resource": "arn:aws:s3:::home", **layers}
    return weigh(Question(principal=principal, action=action, resource_account=owner, context=context or {}, **asked))


def assumes(principal: Principal, *trust: Policy, **layers) -> Verdict:
    return asks(principal, action="sts:AssumeRole", resource=ROLE, trust=True, resource_policies=trust, **layers)


def uses(principal: Principal, *key: Policy, **layers) -> Verdict:
    asked = {"resource": f"arn:aws:kms:eu-west-1:{HOME}:key/k", **layers}
    return asks(principal, action="kms:Decrypt", resource_policies=key, **asked)


YES, NO = policy("identity"), policy("identity", "Deny")
LIMIT, NO_LIMIT = (policy("boundary", Action="sqs:*"),), (policy("boundary"),)
NARROW, WIDE = (policy("session", Action="sqs:*"),), (policy("session"),)


@pytest.mark.parametrize(
    ("verdict", "ending"),
    [
        # one's own account
        pytest.param(asks(ALICE, identity=(YES,)), "", id="an identity policy allows"),
        pytest.param(asks(ALICE), "because no identity-based policy allows the s3:GetObject action", id="nothing allows"),
        pytest.param(asks(ALICE, identity=(YES, NO)), "with an explicit deny in an identity-based policy", id="a deny beats an allow"),
        pytest.param(asks(ALICE, identity=(YES,), boundary=NO_LIMIT), "", id="a boundary that allows"),
        pytest.param(asks(ALICE, identity=(YES,), boundary=LIMIT), "because no permissions boundary allows the s3:GetObject action", id="a boundary that does not"),
        pytest.param(asks(ALICE, identity=(YES,), boundary=()), "because no permissions boundary allows the s3:GetObject action", id="a boundary without policies"),
        pytest.param(asks(ALICE, boundary=NO_LIMIT), "because no identity-based policy allows the s3:GetObject action", id="a boundary never grants"),
        pytest.param(asks(ALICE, identity=(YES,), boundary=(policy("boundary", "Deny"),)), "with an explicit deny in a permissions boundary", id="a boundary that denies"),
        pytest.param(asks(ALICE, identity=(NO,), boundary=(policy("boundary", "Deny"),)), "with an explicit deny in a permissions boundary", id="a boundary and an identity policy that deny"),
        pytest.param(asks(ALICE, identity=(NO,), resource_policies=(policy("resource", "Deny"),)), "with an explicit deny in an identity-based policy", id="an identity policy and a resource that deny"),
        pytest.param(asks(RUN, identity=(YES,), session=WIDE), "", id="session policies that allow"),
        pytest.param(asks(RUN, identity=(YES,), session=NARROW), "because no session policy allows the s3:GetObject action", id="session policies that do not"),
        pytest.param(asks(RUN, identity=(YES,), session=(*NARROW, *WIDE)), "", id="session policies form one set"),
        pytest.param(asks(RUN, identity=(YES,), session=(policy("session", "Deny"),)), "with an explicit deny in a session policy", id="a session policy that denies"),
        pytest.param(asks(FRED, identity=(YES,)), "because no session policy allows the s3:GetObject action", id="a federated user without session policies"),
        pytest.param(asks(FRED, identity=(YES,), session=WIDE), "", id="a federated user with session policies"),
        pytest.param(asks(FRED, resource_policies=(policy("resource", to={"AWS": FEDERATED}),)), "", id="a resource that names the federated user"),
        pytest.param(asks(FRED, resource_policies=(policy("resource", to=DIRECT),)), "because no session policy allows the s3:GetObject action", id="a resource that names the federating user"),
        pytest.param(asks(ALICE, resource_policies=(policy("resource", to=DIRECT),)), "", id="a resource that names the user"),
        pytest.param(asks(ALICE, boundary=LIMIT, resource_policies=(policy("resource", to=DIRECT),)), "", id="a direct grant is not limited by the boundary"),
        pytest.param(asks(ALICE, identity=(NO,), resource_policies=(policy("resource", to=DIRECT),)), "with an explicit deny in an identity-based policy", id="a direct grant does not beat a deny"),
        pytest.param(asks(ALICE, resource_policies=(policy("resource", to=BY_ACCOUNT),)), "because no identity-based policy allows the s3:GetObject action", id="a resource that names the account"),
        pytest.param(asks(ALICE, identity=(YES,), resource_policies=(policy("resource", "Deny", to=BY_ACCOUNT),)), "with an explicit deny in a resource-based policy", id="a resource that denies the account"),
        pytest.param(asks(RUN, resource_policies=(policy("resource", to=BY_ROLE),)), "", id="a resource that names the role"),
        pytest.param(asks(RUN, session=NARROW, resource_policies=(policy("resource", to=BY_ROLE),)), "because no session policy allows the s3:GetObject action", id="naming the role leaves session policies to limit it"),
        pytest.param(asks(RUN, boundary=LIMIT, resource_policies=(policy("resource", to=BY_ROLE),)), "because no permissions boundary allows the s3:GetObject action", id="naming the role leaves the boundary to limit it"),
        pytest.param(asks(RUN, session=NARROW, boundary=LIMIT, resource_policies=(policy("resource", to={"AWS": SESSION}),)), "", id="naming the session leaves nothing to limit it"),
        # another account
        pytest.param(asks(STRANGER, identity=(YES,), resource_policies=(policy("resource", to={"AWS": AWAY}),)), "", id="both sides allow"),
        pytest.param(asks(STRANGER, resource_policies=(policy("resource"),)), "because no identity-based policy allows the s3:GetObject action", id="a resource open to everybody is half of it"),
        pytest.param(asks(STRANGER, identity=(YES,)), "because no resource-based policy allows the s3:GetObject action", id="the own account is the other half"),
        pytest.param(asks(STRANGER, identity=(YES,), boundary=LIMIT, resource_policies=(policy("resource"),)), "because no permissions boundary allows the s3:GetObject action", id="a boundary limits across accounts"),
        pytest.param(asks(STRANGER, identity=(YES,), session=NARROW, resource_policies=(policy("resource"),)), "because no session policy allows the s3:GetObject action", id="session policies limit across accounts"),
        # root, services, strangers
        pytest.param(asks(OWNER), "", id="root in its account"),
        pytest.param(asks(OWNER, owner=AWAY), "because no resource-based policy allows the s3:GetObject action", id="root in another account"),
        pytest.param(asks(OWNER, resource_policies=(policy("resource", "Deny"),)), "with an explicit deny in a resource-based policy", id="root denied by a resource"),
        pytest.param(asks(OWNER, scps=((policy("scp", Action="sqs:*"),),)), "because no service control policy allows the s3:GetObject action", id="root without a control policy that allows"),
        pytest.param(asks(EC2, resource_policies=(policy("resource", to={"Service": "ec2.amazonaws.com"}),)), "", id="a service that is named"),
        pytest.param(asks(EC2, identity=(YES,)), "because no resource-based policy allows the s3:GetObject action", id="a service has no identity policies"),
        pytest.param(asks(NOBODY, resource_policies=(policy("resource"),)), "", id="anybody"),
        pytest.param(asks(NOBODY, resource_policies=(policy("resource", to=BY_ACCOUNT),)), "because no resource-based policy allows the s3:GetObject action", id="a stranger is in no account"),
        # control policies
        pytest.param(asks(ALICE, identity=(YES,), scps=((policy("scp"),), (policy("scp"),))), "", id="every level allows"),
        pytest.param(asks(ALICE, identity=(YES,), scps=((policy("scp"),), ())), "because no service control policy allows the s3:GetObject action", id="a level that does not"),
        pytest.param(asks(ALICE, identity=(YES,), scps=((policy("scp"), policy("scp", "Deny")),)), "with an explicit deny in a service control policy", id="a level that denies"),
        pytest.param(asks(ALICE, identity=(YES,), rcps=((),)), "because no resource control policy allows the s3:GetObject action", id="resource control policies must allow"),
        pytest.param(asks(ALICE, identity=(YES,), rcps=((policy("rcp", "Deny"),),)), "with an explicit deny in a resource control policy", id="a resource control policy that denies"),
        pytest.param(asks(LINKED, identity=(YES,), scps=((policy("scp", "Deny"),), ()), rcps=((),)), "", id="a service-linked role is not limited by control policies"),
        # keys of KMS
        pytest.param(uses(ALICE, identity=(YES,)), "", id="a key of whose policy nothing is said"),
        pytest.param(uses(ALICE, policy("resource", to={"AWS": AWAY}), identity=(YES,)), "because no resource-based policy allows the s3:GetObject action", id="a key that names nobody here"),
        pytest.param(uses(ALICE, policy("resource", to=BY_ACCOUNT), identity=(YES,)), "", id="a key that names the account"),
        pytest.param(uses(ALICE, policy("resource", to=BY_ACCOUNT)), "because no identity-based policy allows the s3:GetObject action", id="a key that names the account is half of it"),
        pytest.param(uses(ALICE, policy("resource", to=DIRECT), boundary=LIMIT), "", id="a key that names the user"),
        pytest.param(uses(OWNER, policy("resource", to=DIRECT)), "because no resource-based policy allows the s3:GetObject action", id="a key that its account's root is locked out of"),
        pytest.param(uses(OWNER, policy("resource", to=BY_ACCOUNT)), "", id="a key that names its account's root"),
        pytest.param(uses(ALICE, policy("resource", to={"AWS": AWAY}), identity=(YES,), resource=f"arn:aws:kms:eu-west-1:{HOME}:alias/k"), "", id="an alias is no key"),
        # assuming a role
        pytest.param(assumes(ALICE, policy("trust", to=DIRECT)), "", id="a trusted user needs no identity policy"),
        pytest.param(assumes(ALICE, policy("trust", to=BY_ACCOUNT)), "because no identity-based policy allows the sts:AssumeRole action", id="trusting the account is not enough"),
        pytest.param(assumes(ALICE, policy("trust", to=BY_ACCOUNT), identity=(YES,)), "", id="trusting the account opens the way"),
        pytest.param(assumes(ALICE, policy("trust", to={"AWS": AWAY}), identity=(YES,)), "because no role trust policy allows the sts:AssumeRole action", id="permission without trust"),
        pytest.param(assumes(ALICE, identity=(YES,)), "because no role trust policy allows the sts:AssumeRole action", id="no trust policy at all"),
        pytest.param(assumes(ALICE, policy("trust", to=DIRECT), policy("trust", "Deny")), "with an explicit deny in the role trust policy", id="a trust policy that denies"),
        pytest.param(assumes(ALICE, policy("trust", to=DIRECT), boundary=LIMIT), "because no permissions boundary allows the sts:AssumeRole action", id="a trusted user within its boundary"),
        pytest.param(assumes(RUN, policy("trust", to={"AWS": SESSION}), session=NARROW), "because no session policy allows the sts:AssumeRole action", id="a trusted session within its policies"),
        pytest.param(assumes(RUN, policy("trust", to=BY_ROLE)), "", id="a role trusted by itself"),
        pytest.param(assumes(RUN, policy("trust", to=DIRECT), identity=(YES,)), "because no role trust policy allows the sts:AssumeRole action", id="a role not trusted by itself"),
        pytest.param(assumes(STRANGER, policy("trust", to={"AWS": STRANGER.arn})), "because no identity-based policy allows the sts:AssumeRole action", id="a trusted user of another account"),
        pytest.param(assumes(STRANGER, policy("trust", to={"AWS": STRANGER.arn}), identity=(YES,)), "", id="trusted and permitted across accounts"),
        pytest.param(assumes(OWNER, policy("trust"), identity=(YES,)), "because no role trust policy allows the sts:AssumeRole action", id="root assumes no role"),
        pytest.param(assumes(WEB, policy("trust", to={"Federated": PROVIDER})), "", id="a trusted provider"),
        pytest.param(assumes(WEB, policy("trust", to=BY_ACCOUNT)), "because no role trust policy allows the sts:AssumeRole action", id="a provider is no member of its account"),
        pytest.param(assumes(ALICE_AGAIN, policy("trust", to=DIRECT)), "because no role trust policy allows the sts:AssumeRole action", id="a namesake is a stranger"),
        pytest.param(assumes(ALICE, policy("trust", to=DIRECT, bound={USER: None})), "because no role trust policy allows the sts:AssumeRole action", id="a name bound to nothing"),
        pytest.param(assumes(ALICE_AGAIN, policy("trust", to=DIRECT, bound={})), "", id="a name that was never bound, in a simulation"),
    ],
)  # fmt: skip
def test_a_decision_and_its_words(verdict, ending):
    action = "sts:AssumeRole" if verdict.checks[-1].layer == "trust" else "s3:GetObject"
    assert because(verdict, action) == ending
    assert verdict.allowed is (ending == "")
    assert (verdict.silent is None) is not ending.startswith("because")


def external_id(held, asked: str) -> bool:
    trust = policy("trust", to=DIRECT, Condition={"StringEquals": {"sts:ExternalId": asked}})
    return assumes(ALICE, trust, context={} if held is None else {"sts:externalid": held}).allowed


@pytest.mark.parametrize(
    "held", [None, "", "Secret-1", " secret-1", "secret-1 ", "secret-11", "secret", "secret-1,secret-1"]
)
def test_an_external_id_is_exact(held):
    assert external_id("secret-1", "secret-1")
    assert not external_id(held, "secret-1")


def test_a_name_in_a_resource_never_becomes_a_pattern():
    own = policy("identity", Resource="arn:aws:s3:::home/${aws:username}/*")
    for name in ("*", "?", "a*", "${aws:username}", "../bob", "bob/*"):
        reached = asks(ALICE, identity=(own,), resource="arn:aws:s3:::home/bob/x", context={"aws:username": name})
        assert not reached.allowed
    assert asks(ALICE, identity=(own,), resource="arn:aws:s3:::home/*/x", context={"aws:username": "*"}).allowed


def test_a_deny_of_one_item_beats_an_allow_of_all():
    identity = (policy("identity", Action="s3:List*"), policy("identity", "Deny", Action="s3:ListBucket"))
    assert asks(ALICE, identity=identity, action="s3:ListObjects").allowed
    assert asks(ALICE, identity=identity, action="s3:listbucket").effect is Effect.EXPLICIT_DENY


@pytest.mark.parametrize(
    ("caller", "listed", "spared"),
    [
        pytest.param(ALICE, [USER, HOME], True, id="a user with its account"),
        pytest.param(ALICE, [USER], False, id="a user alone"),
        pytest.param(ALICE, [HOME], False, id="an account alone, for a user"),
        pytest.param(RUN, [SESSION, ROLE, HOME], True, id="a session with its role and account"),
        pytest.param(RUN, [SESSION, HOME], False, id="a session without its role"),
        pytest.param(RUN, [ROLE, HOME], False, id="a role without the session"),
        pytest.param(FRED, [FEDERATED, USER, HOME], True, id="a federated user with its user and account"),
        pytest.param(OWNER, [HOME], True, id="root with its account"),
        pytest.param(ALICE, ["*"], True, id="everybody"),
        pytest.param(NOBODY, [HOME], False, id="a stranger"),
    ],
)
def test_a_deny_for_all_but_some(caller, listed, spared):
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": listed}, "Action": "*", "Resource": "*"}
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    document = parse(json.dumps({"Statement": [statement, open_to_all]}), Kind.RESOURCE)
    assert isinstance(document, Document)
    guarded = (compile_policy(document, Source("resource", "p"), BOUND),)
    assert asks(caller, resource_policies=guarded).allowed is spared
    assert not asks(caller, resource_policies=guarded, boundary=NO_LIMIT).allowed


def test_an_allow_for_all_but_some_keeps_out_whoever_is_listed():
    document = parse(
        json.dumps({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": [HOME]}, "Action": "*"}}), Kind.RESOURCE
    )
    assert isinstance(document, Document)
    closed = (compile_policy(document, Source("resource", "p"), {}),)
    assert not asks(ALICE, resource_policies=closed).allowed
    assert asks(NOBODY, resource_policies=closed).allowed


def test_what_determined_a_decision_is_recorded_in_full():
    text = '{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}'
    document = parse(text, Kind.IDENTITY)
    assert isinstance(document, Document)
    source = Source("identity", "arn:aws:iam::111122223333:policy/read", "v3", "arn:aws:iam::111122223333:group/g")
    verdict = asks(ALICE, identity=(compile_policy(document, source),))
    assert verdict.determined_by == (
        Matched("identity", source.policy, "v3", source.owner, "Read", 0, 1, 38, 1, len(text) - 2),
    )
    stored = msgspec.json.encode(verdict.determined_by)
    assert msgspec.json.decode(stored, type=tuple[Matched, ...]) == verdict.determined_by
    assert compile_policy(document, source).source is source
    assert compile_policy(document, source).document is document


def test_every_layer_that_had_to_allow_is_among_the_grounds():
    layers = {
        "identity": (YES,),
        "boundary": NO_LIMIT,
        "session": WIDE,
        "resource_policies": (policy("resource", to={"AWS": AWAY}),),
        "scps": ((policy("scp"),), (policy("scp"),)),
        "rcps": ((policy("rcp"),),),
    }
    verdict = asks(STRANGER, **layers)
    assert [each.layer for each in verdict.determined_by] == [
        "scp", "scp", "rcp", "identity", "boundary", "session", "resource",
    ]  # fmt: skip
    assert [each.layer for each in verdict.checks] == [
        "boundary",
        "session",
        "identity",
        "resource",
        "scp",
        "scp",
        "rcp",
    ]
    assert {each.result for each in verdict.checks} == {Effect.ALLOWED}


def test_each_layer_says_its_own():
    verdict = asks(ALICE, identity=(YES, NO), boundary=LIMIT, resource_policies=(policy("resource"),))
    assert verdict.checks == (
        Check("boundary", Effect.IMPLICIT_DENY),
        Check("identity", Effect.EXPLICIT_DENY),
        Check("resource", Effect.ALLOWED),
    )


def test_every_deny_that_applies_is_named():
    verdict = asks(ALICE, identity=(NO, YES), resource_policies=(policy("resource", "Deny"),))
    assert [(each.layer, each.policy) for each in verdict.determined_by] == [
        ("identity", "Deny identity"),
        ("resource", "Deny resource"),
    ]


def test_keys_that_were_read_and_not_there_are_named_once_each():
    reads = policy(
        "identity",
        Resource=["arn:aws:s3:::home/${aws:UserName}", "arn:aws:s3:::${aws:username}"],
        Condition={"StringEquals": {"aws:Here": "x", "aws:Gone": "${aws:Also}"}, "Null": {"aws:Gone": "true"}},
    )
    silent = policy("identity", Action="sqs:*", Condition={"Bool": {"aws:Elsewhere": "true"}})
    reached = asks(
        ALICE,
        identity=(reads, reads, silent),
        context={"aws:here": "x", "aws:username": "alice"},
        resource="arn:aws:s3:::alice",
    )
    assert reached.missing == ("aws:gone", "aws:also")
    assert asks(ALICE, identity=(reads, silent)).missing == ("aws:username",)


def test_a_policy_remembers_a_bounded_number_of_actions():
    chatty = policy("identity", Action=["s3:*", "sqs:SendMessage"])
    for number in range(REMEMBERED + 10):
        assert asks(ALICE, identity=(chatty,), action=f"s3:Get{number}").allowed
        assert not asks(ALICE, identity=(chatty,), action=f"sqs:Get{number}").allowed
    assert len(chatty._remembered) <= REMEMBERED
    assert asks(ALICE, identity=(chatty,), action="SQS:sendmessage").allowed


def test_an_action_with_a_strange_letter_is_another_action():
    assert not asks(ALICE, identity=(policy("identity", Action="s3:key"),), action="s3:\u212aey").allowed


def test_the_ways_of_being_named_are_in_order():
    assert Grant.NONE < Grant.ACCOUNT < Grant.ROLE < Grant.DIRECT
