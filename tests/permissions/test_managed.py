"""Managed policies and their versions: made, shown, listed, tagged, deleted, and refused in AWS's words."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec
import pytest

from authority.access.applicable import managed_policy
from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import boundaries, holders, policies
from authority.permissions import managed, versions
from tests.permissions.asking import APP, BEN, HOME, ROOT, TEAM, World, denied, document, may, refused, sized

BOOKS, SHELF = f"{ROOT}policy/team/Books", f"{ROOT}policy/Shelf"
ADMIN = "arn:aws:iam::aws:policy/Admin"
ABSENT = f"{ROOT}policy/Absent"
ADMIN_ID = policies.catalogue_id("/", "Admin")
PUBLISHED = policies.CataloguePolicyPublished(
    policy_id=ADMIN_ID, name="Admin", path="/", number=1, document=document(action="*"), description="All."
)


def created(name: str = "Books", path: str = "/team/", **more) -> policies.PolicyCreated:
    made = {"account": HOME, "policy_id": PolicyId(f"ANPA{name.upper()}"), "name": name, "path": path}
    return policies.PolicyCreated(**{**made, "document": document(), **more})


def attached(policy_id: str, holder: str = BEN) -> holders.PolicyAttached:
    return holders.PolicyAttached(account=HOME, holder=holder, policy_id=PolicyId(policy_id))


def bounded(policy_id: str, holder: str = BEN) -> boundaries.BoundarySet:
    return boundaries.BoundarySet(account=HOME, holder=holder, policy_id=PolicyId(policy_id))


def version(number: int, **more) -> policies.PolicyVersionCreated:
    return policies.PolicyVersionCreated(
        account=HOME, policy_id=PolicyId("ANPABOOKS"), number=number, document=document(Sid=f"v{number}"), **more
    )


CREATION = {"PolicyName", "PolicyId", "Arn", "Path", "DefaultVersionId", "AttachmentCount", "CreateDate", "UpdateDate"}
CREATION |= {"PermissionsBoundaryUsageCount", "IsAttachable"}


def said(answer: dict) -> set[str]:
    return {name for name, value in answer.items() if value is not None}


def test_creation_answers_what_aws_answers_and_get_adds_description_and_tags():
    world = World()
    wanted = {"PolicyName": "Books", "Path": "/team/", "PolicyDocument": document(), "Description": "for readers"}
    answer = world.ask(managed.create_policy, **wanted)["Policy"]
    assert said(answer) == CREATION
    assert (answer["Arn"], answer["DefaultVersionId"], answer["AttachmentCount"]) == (BOOKS, "v1", 0)
    assert answer["PolicyId"].startswith("ANPA")
    shown = world.ask(managed.get_policy, PolicyArn=BOOKS)["Policy"]
    assert shown == {**answer, "Description": "for readers", "Tags": []}


def test_tags_given_at_creation_are_answered_and_kept():
    world, tags = World(), [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
    wanted = {"PolicyName": "Books", "Path": "/team/", "PolicyDocument": document(), "Tags": tags}
    assert world.ask(managed.create_policy, **wanted)["Policy"]["Tags"] == tags
    assert world.ask(managed.get_policy, PolicyArn=BOOKS)["Policy"]["Tags"] == tags
    assert world.ask(managed.list_policy_tags, PolicyArn=BOOKS) == {"Tags": tags, "IsTruncated": False, "Marker": None}


NO_SUCH = Reason.NO_SUCH_ENTITY
OLD = document().replace("2012-10-17", "2008-10-17")


@pytest.mark.parametrize(
    ("wanted", "reason", "message"),
    [
        pytest.param(
            {"PolicyName": "BOOKS"},
            Reason.ENTITY_ALREADY_EXISTS,
            "A policy called BOOKS already exists. Duplicate names are not allowed.",
            id="a name that is taken in another case",
        ),
        pytest.param(
            {"PolicyDocument": "[]"}, Reason.MALFORMED_POLICY_DOCUMENT, "Syntax errors in policy.", id="no policy"
        ),
        pytest.param(
            {"PolicyDocument": OLD},
            Reason.MALFORMED_POLICY_DOCUMENT,
            "Policy document must be version 2012-10-17 or greater.",
            id="the old version of the language",
        ),
        pytest.param(
            {"PolicyDocument": OLD.replace("Allow", "allow")},
            Reason.MALFORMED_POLICY_DOCUMENT,
            "Policy document must be version 2012-10-17 or greater.",
            id="the old version of the language, and another fault",
        ),
        pytest.param(
            {"PolicyDocument": sized(6145)},
            Reason.LIMIT_EXCEEDED,
            "Cannot exceed quota for PolicySize: 6144",
            id="too long",
        ),
        pytest.param(
            {"Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": "b"}]},
            Reason.INVALID_INPUT,
            "Duplicate tag keys found.",
            id="one key twice",
        ),
    ],
)
def test_what_cannot_be_created(wanted, reason, message):
    given = {"PolicyName": "New", "PolicyDocument": document(), **wanted}
    assert World(created()).ask(managed.create_policy, **given) == refused(reason, message)


def test_as_much_text_as_the_quota_allows_white_space_aside():
    assert "Policy" in World().ask(managed.create_policy, PolicyName="p", PolicyDocument=sized(6144))


def test_an_account_has_no_more_policies_than_its_quota():
    world = World(created())
    home = world.state.accounts[HOME]
    full = msgspec.structs.replace(home, quotas=home.quotas.set("PoliciesQuota", 1))
    world.state = msgspec.structs.replace(world.state, accounts=world.state.accounts.set(HOME, full))
    answer = world.ask(managed.create_policy, PolicyName="p", PolicyDocument=document())
    assert answer == refused(Reason.LIMIT_EXCEEDED, "Cannot exceed quota for PoliciesPerAccount: 1")


@pytest.mark.parametrize(
    ("arn", "reason", "message"),
    [
        pytest.param(
            "not-an-arn-at-all-but-long",
            Reason.VALIDATION_ERROR,
            "ARN not-an-arn-at-all-but-long is not valid.",
            id="no ARN",
        ),
        pytest.param(
            f"{ROOT}role/team/App", Reason.INVALID_INPUT, f"ARN {ROOT}role/team/App is not valid.", id="a role"
        ),
        pytest.param(ABSENT, NO_SUCH, f"Policy {ABSENT} was not found.", id="none of that name"),
        pytest.param(f"{ROOT}policy/Books", NO_SUCH, f"Policy {ROOT}policy/Books was not found.", id="another path"),
        pytest.param(
            f"{ROOT}policy/team/BOOKS", NO_SUCH, f"Policy {ROOT}policy/team/BOOKS was not found.", id="another case"
        ),
        pytest.param(
            BOOKS.replace("arn:aws:", "arn:aws-cn:"),
            NO_SUCH,
            f"Policy {BOOKS.replace('arn:aws:', 'arn:aws-cn:')} was not found.",
            id="another partition",
        ),
    ],
)
def test_what_no_arn_finds(arn, reason, message):
    world = World(created())
    assert world.ask(managed.get_policy, PolicyArn=arn) == refused(reason, message)
    assert world.ask(managed.delete_policy, PolicyArn=arn) == refused(reason, message)


NOT_FOUND, NOT_THERE = "was not found.", "does not exist or is not attachable."
ABSENCES = [
    (managed.get_policy, {}, NOT_FOUND),
    (managed.delete_policy, {}, NOT_FOUND),
    (managed.tag_policy, {"Tags": []}, NOT_FOUND),
    (managed.untag_policy, {"TagKeys": []}, NOT_FOUND),
    (managed.list_policy_tags, {}, NOT_FOUND),
    (versions.create_policy_version, {"PolicyDocument": document()}, NOT_THERE),
    (versions.get_policy_version, {"VersionId": "v1"}, f"version v1 {NOT_THERE}"),
    (versions.list_policy_versions, {}, NOT_THERE),
    (versions.delete_policy_version, {"VersionId": "v1"}, f"version v1 {NOT_THERE}"),
    (versions.set_default_policy_version, {"VersionId": "v1"}, f"version v1 {NOT_THERE}"),
]
EVERY = [(action, wanted) for action, wanted, _ in ABSENCES]
CHANGES = [
    pair
    for pair in EVERY
    if pair[0].operation not in {"GetPolicy", "GetPolicyVersion", "ListPolicyTags", "ListPolicyVersions"}
]


def named(pairs):
    return [pytest.param(*pair, id=pair[0].operation) for pair in pairs]


@pytest.mark.parametrize(("action", "wanted", "ending"), named(ABSENCES))
def test_a_policy_that_does_not_exist_has_nothing(action, wanted, ending):
    assert World().ask(action, PolicyArn=ABSENT, **wanted) == refused(NO_SUCH, f"Policy {ABSENT} {ending}")


@pytest.mark.parametrize(("action", "wanted"), named(EVERY))
def test_another_account_s_policy_is_out_of_reach_for_an_administrator_too(action, wanted):
    assert denied(World().ask(action, PolicyArn="arn:aws:iam::444455556666:policy/Theirs", **wanted))


@pytest.mark.parametrize(("action", "wanted"), named(CHANGES))
def test_nobody_changes_the_catalogue(action, wanted):
    world = World(PUBLISHED)
    before = world.state
    answer = world.ask(action, PolicyArn=ADMIN, **wanted)
    assert denied(answer)
    assert answer.message.endswith(f"not authorized to perform: {action.name} on resource: policy {ADMIN}")
    assert world.state == before


@pytest.mark.parametrize(("action", "wanted"), named(EVERY))
def test_each_operation_is_authorised_on_the_policy_s_arn_and_by_its_tags(action, wanted):
    tagged = created(tags=(Tag("Team", "a"),))
    only = {"Condition": {"StringEquals": {"aws:ResourceTag/Team": "a"}}}
    assert not denied(World(tagged, may(BEN, action.name, BOOKS, **only)).as_ben(action, PolicyArn=BOOKS, **wanted))
    assert denied(World(created(), may(BEN, action.name, BOOKS, **only)).as_ben(action, PolicyArn=BOOKS, **wanted))
    assert denied(World(tagged, may(BEN, action.name, SHELF)).as_ben(action, PolicyArn=BOOKS, **wanted))


def test_creating_is_authorised_on_the_arn_to_be_and_by_the_tags_that_come_along():
    only = {
        "Condition": {
            "StringEquals": {"aws:RequestTag/Team": "a"},
            "ForAllValues:StringEquals": {"aws:TagKeys": "Team"},
        }
    }
    world = World(may(BEN, "iam:CreatePolicy", f"{ROOT}policy/team/*", **only))
    wanted = {"PolicyName": "Books", "PolicyDocument": document(), "Tags": [{"Key": "Team", "Value": "a"}]}
    assert denied(world.as_ben(managed.create_policy, Path="/other/", **wanted))
    assert denied(world.as_ben(managed.create_policy, Path="/team/", **{**wanted, "Tags": []}))
    too_many = [*wanted["Tags"], {"Key": "Cost", "Value": "1"}]
    assert denied(world.as_ben(managed.create_policy, Path="/team/", **{**wanted, "Tags": too_many}))
    without = world.as_ben(managed.create_policy, Path="/team/", **wanted)
    assert denied(without)
    assert "iam:TagPolicy on resource" in without.message
    both = World(may(BEN, ["iam:CreatePolicy", "iam:TagPolicy"], f"{ROOT}policy/team/*", **only))
    assert "Policy" in both.as_ben(managed.create_policy, Path="/team/", **wanted)


def names(answer: dict) -> list[str]:
    return [policy["PolicyName"] for policy in answer["Policies"]]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({}, ["Admin", "Books", "Limit", "Shelf"], id="all of them, by name"),
        pytest.param({"Scope": "AWS"}, ["Admin"], id="the catalogue's"),
        pytest.param({"Scope": "Local"}, ["Books", "Limit", "Shelf"], id="the account's own"),
        pytest.param({"PathPrefix": "/team/"}, ["Books"], id="below a path"),
        pytest.param({"OnlyAttached": True}, ["Admin", "Limit", "Shelf"], id="those that somebody holds"),
        pytest.param({"PolicyUsageFilter": "PermissionsPolicy"}, ["Admin", "Shelf"], id="used as permissions"),
        pytest.param({"PolicyUsageFilter": "PermissionsBoundary"}, ["Limit"], id="used as boundaries"),
    ],
)
def test_which_policies_are_listed(wanted, expected):
    world = World(
        created(),
        created("Shelf", "/"),
        PUBLISHED,
        attached(ADMIN_ID),
        attached("ANPASHELF"),
        attached("ANPASHELF", APP),
        created("Limit", "/"),
        bounded("ANPALIMIT"),
    )
    answer = world.ask(managed.list_policies, **wanted)
    assert names(answer) == expected
    counts = {
        policy["PolicyName"]: (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"])
        for policy in answer["Policies"]
    }
    assert counts.items() <= {"Admin": (1, 0), "Books": (0, 0), "Limit": (0, 1), "Shelf": (2, 0)}.items()
    assert all(said(policy) == CREATION for policy in answer["Policies"])


def test_policies_come_in_pages_and_a_marker_fits_one_listing_only():
    world = World(created(), created("Shelf", "/"), PUBLISHED)
    first = world.ask(managed.list_policies, MaxItems=2)
    assert (names(first), first["IsTruncated"]) == (["Admin", "Books"], True)
    assert names(world.ask(managed.list_policies, MaxItems=2, Marker=first["Marker"])) == ["Shelf"]
    assert world.ask(managed.list_policies, Scope="AWS", Marker=first["Marker"]).reason is Reason.VALIDATION_ERROR


def test_a_policy_that_the_catalogue_dropped_is_listed_only_where_it_is_held():
    retired = policies.CataloguePolicyRetired(policy_id=ADMIN_ID)
    assert names(World(PUBLISHED, retired).ask(managed.list_policies)) == []
    (left,) = World(PUBLISHED, attached(ADMIN_ID), retired).ask(managed.list_policies)["Policies"]
    assert (left["PolicyName"], left["IsAttachable"]) == ("Admin", False)


def test_a_new_catalogue_text_is_a_new_version_and_only_five_are_kept():
    texts = [
        msgspec.structs.replace(PUBLISHED, number=number, document=document(Sid=f"v{number}")) for number in range(1, 8)
    ]
    world = World(*texts)
    assert world.ask(managed.get_policy, PolicyArn=ADMIN)["Policy"]["DefaultVersionId"] == "v7"
    listed = world.ask(versions.list_policy_versions, PolicyArn=ADMIN)["Versions"]
    assert [one["VersionId"] for one in listed] == ["v7", "v6", "v5", "v4", "v3"]


def test_what_somebody_holds_or_has_other_texts_cannot_be_deleted():
    held = World(created(), attached("ANPABOOKS", TEAM)).ask(managed.delete_policy, PolicyArn=BOOKS)
    assert held == refused(Reason.DELETE_CONFLICT, "Cannot delete a policy attached to entities.")
    limiting = World(created(), bounded("ANPABOOKS", APP)).ask(managed.delete_policy, PolicyArn=BOOKS)
    assert limiting == held
    two = World(created(), version(2)).ask(managed.delete_policy, PolicyArn=BOOKS)
    assert two.reason is Reason.DELETE_CONFLICT
    assert two.message.startswith("This policy has more than one version.")


def test_a_deleted_policy_is_gone_and_its_name_free_for_a_stranger():
    world = World(created())
    assert world.ask(managed.delete_policy, PolicyArn=BOOKS) is None
    assert world.ask(managed.get_policy, PolicyArn=BOOKS).reason is NO_SUCH
    again = world.ask(managed.create_policy, PolicyName="Books", PolicyDocument=document())
    assert again["Policy"]["PolicyId"] != "ANPABOOKS"


def test_tags_of_policies_keep_case_apart_are_replaced_and_taken_off():
    world = World(created(tags=(Tag("Team", "a"),)))
    more = [{"Key": "team", "Value": "b"}, {"Key": "Team", "Value": "c"}]
    assert world.ask(managed.tag_policy, PolicyArn=BOOKS, Tags=more) is None
    assert world.ask(managed.list_policy_tags, PolicyArn=BOOKS)["Tags"] == more[::-1]
    assert world.ask(managed.untag_policy, PolicyArn=BOOKS, TagKeys=["team", "absent"]) is None
    assert world.ask(managed.list_policy_tags, PolicyArn=BOOKS)["Tags"] == more[1:]


def test_tags_of_a_policy_are_listed_as_aws_was_recorded_to():
    tags = tuple(Tag(key, "") for key in ("abc", "b", "z", "a"))
    world = World(created(tags=tags))
    assert [tag["Key"] for tag in world.ask(managed.get_policy, PolicyArn=BOOKS)["Policy"]["Tags"]] == [
        "abc",
        "b",
        "z",
        "a",
    ]
    first = world.ask(managed.list_policy_tags, PolicyArn=BOOKS, MaxItems=3)
    rest = world.ask(managed.list_policy_tags, PolicyArn=BOOKS, Marker=first["Marker"])
    assert [tag["Key"] for tag in first["Tags"] + rest["Tags"]] == ["a", "b", "z", "abc"]


def test_a_policy_carries_fifty_tags_and_no_more():
    fifty = tuple(Tag(f"k{number}", "") for number in range(50))
    world = World(created(tags=fifty))
    answer = world.ask(managed.tag_policy, PolicyArn=BOOKS, Tags=[{"Key": "K1", "Value": ""}])
    assert answer.reason is Reason.LIMIT_EXCEEDED
    assert world.ask(managed.tag_policy, PolicyArn=BOOKS, Tags=[{"Key": "k1", "Value": "x"}]) is None
    page = world.ask(managed.list_policy_tags, PolicyArn=BOOKS, MaxItems=49)
    assert (len(page["Tags"]), page["IsTruncated"]) == (49, True)


def test_tagging_is_authorised_by_the_tags_it_brings_and_untagging_by_the_keys():
    only = {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "Team"}}}
    world = World(created(), may(BEN, ["iam:TagPolicy", "iam:UntagPolicy"], BOOKS, **only))
    assert world.as_ben(managed.tag_policy, PolicyArn=BOOKS, Tags=[{"Key": "Team", "Value": "a"}]) is None
    assert denied(world.as_ben(managed.tag_policy, PolicyArn=BOOKS, Tags=[{"Key": "Cost", "Value": "a"}]))
    assert denied(world.as_ben(managed.untag_policy, PolicyArn=BOOKS, TagKeys=["Cost"]))
    assert world.as_ben(managed.untag_policy, PolicyArn=BOOKS, TagKeys=["Team"]) is None


def test_a_version_is_added_shown_put_in_force_and_deleted():
    world, second = World(created()), document(action="s3:GetObject", resource="arn:aws:s3:::b/*")
    answer = world.ask(versions.create_policy_version, PolicyArn=BOOKS, PolicyDocument=second)["PolicyVersion"]
    assert said(answer) == {"VersionId", "IsDefaultVersion", "CreateDate"}
    assert (answer["VersionId"], answer["IsDefaultVersion"]) == ("v2", False)
    shown = world.ask(versions.get_policy_version, PolicyArn=BOOKS, VersionId="v2")["PolicyVersion"]
    assert unquote(shown.pop("Document")) == second
    assert shown == {name: value for name, value in answer.items() if name != "Document"}
    assert world.ask(versions.set_default_policy_version, PolicyArn=BOOKS, VersionId="v2") is None
    listed = world.ask(versions.list_policy_versions, PolicyArn=BOOKS)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in listed] == [("v2", True), ("v1", False)]
    assert all(one["Document"] is None for one in listed)
    assert world.ask(managed.get_policy, PolicyArn=BOOKS)["Policy"]["DefaultVersionId"] == "v2"
    assert world.ask(versions.delete_policy_version, PolicyArn=BOOKS, VersionId="v1") is None
    assert world.ask(versions.get_policy_version, PolicyArn=BOOKS, VersionId="v1").reason is NO_SUCH


def test_a_version_can_be_in_force_from_the_start():
    world = World(created())
    wanted = {"PolicyArn": BOOKS, "PolicyDocument": document(), "SetAsDefault": True}
    assert world.ask(versions.create_policy_version, **wanted)["PolicyVersion"]["IsDefaultVersion"] is True
    assert world.state.accounts[HOME].policies["ANPABOOKS"].default == 2


def test_a_number_is_never_used_again():
    gone = policies.PolicyVersionDeleted(account=HOME, policy_id=PolicyId("ANPABOOKS"), number=2)
    world = World(created(), version(2), gone)
    wanted = {"PolicyArn": BOOKS, "PolicyDocument": document()}
    assert world.ask(versions.create_policy_version, **wanted)["PolicyVersion"]["VersionId"] == "v3"


def test_five_versions_live_at_once_and_the_sixth_waits():
    world = World(created(), *(version(number) for number in range(2, 6)))
    wanted = {"PolicyArn": BOOKS, "PolicyDocument": document()}
    answer = world.ask(versions.create_policy_version, **wanted)
    assert answer.reason is Reason.LIMIT_EXCEEDED
    assert answer.message.startswith("A managed policy can have up to 5 versions.")
    world.ask(versions.delete_policy_version, PolicyArn=BOOKS, VersionId="v3")
    assert world.ask(versions.create_policy_version, **wanted)["PolicyVersion"]["VersionId"] == "v6"


def test_the_text_in_force_cannot_be_deleted():
    answer = World(created()).ask(versions.delete_policy_version, PolicyArn=BOOKS, VersionId="v1")
    assert answer == refused(Reason.DELETE_CONFLICT, "Cannot delete the default version of a policy.")


@pytest.mark.parametrize(
    "action", [versions.get_policy_version, versions.delete_policy_version, versions.set_default_policy_version]
)
@pytest.mark.parametrize("version_id", ["v9", "v1.", f"v{'9' * 5000}"])
def test_a_version_that_there_is_not(action, version_id):
    message = f"Policy {BOOKS} version {version_id} does not exist or is not attachable."
    assert World(created()).ask(action, PolicyArn=BOOKS, VersionId=version_id) == refused(NO_SUCH, message)


@pytest.mark.parametrize("text", ["{", OLD, sized(6145)])
def test_a_version_keeps_to_what_a_policy_keeps_to(text):
    asked = World(created()).ask(versions.create_policy_version, PolicyArn=BOOKS, PolicyDocument=text)
    assert asked == World().ask(managed.create_policy, PolicyName="p", PolicyDocument=text)


def test_another_text_in_force_counts_for_everybody_who_holds_it_at_once():
    allowing = created(document=document(action="iam:GetPolicy"))
    world = World(allowing, attached("ANPABOOKS"))
    assert not denied(world.as_ben(managed.get_policy, PolicyArn=BOOKS))
    world.ask(versions.create_policy_version, PolicyArn=BOOKS, PolicyDocument=document(), SetAsDefault=True)
    assert denied(world.as_ben(managed.get_policy, PolicyArn=BOOKS))


def test_the_catalogue_s_arns_are_those_of_the_partition_it_is_read_in():
    text = document(resource=["arn:aws:s3:::b", "arn:aws:iam::*:role/arn:aws:x"])
    theirs = msgspec.structs.replace(PUBLISHED, document=text)
    mine = created(document=text)
    state = World(theirs, mine).state
    policies_of = (state.catalogue[ADMIN_ID], state.accounts[HOME].policies["ANPABOOKS"])
    expected = text.replace('"arn:aws:', '"arn:aws-cn:')
    assert [policy.text_in("aws-cn", policy.document) for policy in policies_of] == [expected, text]
    assert [policy.text_in("aws", policy.document) for policy in policies_of] == [text, text]
    (cut,) = managed_policy(policies_of[0], "aws-cn").document.statements
    assert cut.resources == ("arn:aws-cn:s3:::b", "arn:aws-cn:iam::*:role/arn:aws:x")


def test_a_catalogue_policy_gives_what_it_says():
    world = World(PUBLISHED, attached(ADMIN_ID))
    decision = world.decide(managed.get_policy, "AKIABEN", PolicyArn=ADMIN)
    (weighed,) = decision.weighed
    assert weighed.verdict.allowed
    (matched,) = weighed.verdict.determined_by
    assert (matched.policy, matched.version) == (ADMIN, "v1")
    assert world.as_ben(managed.get_policy, PolicyArn=ADMIN)["Policy"]["Arn"] == ADMIN
