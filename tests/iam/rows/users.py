"""Users and groups."""

from __future__ import annotations

from tests.iam.table import A_DATE, TAGS, WHOLE, Fails, call, kind, policy, row

ANN = call("CreateUser", UserName="Ann")
BOB = call("CreateUser", UserName="Bob")
DEV = call("CreateGroup", GroupName="Dev")
READ = policy({"Action": "s3:Get*", "Resource": "*"})
BOUNDARY = call("CreatePolicy", PolicyName="Limit", PolicyDocument=READ)
LIMIT = "arn:aws:iam::{account}:policy/Limit"
IN_DEV = call("AddUserToGroup", GroupName="Dev", UserName="Ann")

NO_USER = Fails("NoSuchEntity", "The user with name Ann cannot be found.")
NO_GROUP = Fails("NoSuchEntity", "The group with name Dev cannot be found.")
TWICE = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
DUPLICATE = Fails("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")


def shown_user(name="Ann", path="/", **more):
    return {
        "Path": path,
        "UserName": name,
        "UserId": kind("AIDA"),
        "Arn": f"arn:aws:iam::{{account}}:user{path}{name}",
        "CreateDate": A_DATE,
        **more,
    }


def shown_group(name="Dev", path="/"):
    return {
        "Path": path,
        "GroupName": name,
        "GroupId": kind("AGPA"),
        "Arn": f"arn:aws:iam::{{account}}:group{path}{name}",
        "CreateDate": A_DATE,
    }


SET = {"PermissionsBoundaryArn": LIMIT, "PermissionsBoundaryType": "Policy"}

USERS = [
    row("a user is made at the root path and shown without what he has not", ANN, {"User": shown_user()}),
    row(
        "what a user is made with comes back",
        call("CreateUser", UserName="Ann", Path="/dev/a/", Tags=TAGS, PermissionsBoundary=LIMIT),
        {"User": shown_user(path="/dev/a/", Tags=TAGS, PermissionsBoundary=SET)},
        given=[BOUNDARY],
        then=[
            (call("GetUser", UserName="Ann"), {"User": shown_user(path="/dev/a/", Tags=TAGS, PermissionsBoundary=SET)}),
            (call("ListUserTags", UserName="Ann"), {"Tags": TAGS, **WHOLE}),
            (call("ListUsers", PathPrefix="/dev/"), {"Users": [shown_user(path="/dev/a/")], **WHOLE}),
        ],
    ),
    row("no two users differ by case alone", call("CreateUser", UserName="ANN"), Fails("EntityAlreadyExists", "User with name ANN already exists."), given=[ANN]),
    row("no user is made with two tags of one key", call("CreateUser", UserName="Ann", Tags=TWICE), DUPLICATE),
    row("no user is made with a tag that is AWS's", call("CreateUser", UserName="Ann", Tags=[{"Key": "aws:x", "Value": ""}]), Fails("InvalidInput", "reserved")),
    row("no user is limited by a policy that is not there", call("CreateUser", UserName="Ann", PermissionsBoundary=LIMIT), Fails("NoSuchEntity", f"Scope ARN: {LIMIT} does not exist or is not attachable.")),
    row("the account's users are counted", BOB, Fails("LimitExceeded", "Cannot exceed quota for UsersPerAccount: 2"), given=[ANN], UsersQuota=2),
    row("who asks is shown to himself", call("GetUser"), {"User": shown_user("boss")}),
    row("a user is found in any case and shown as he was written", call("GetUser", UserName="aNN"), {"User": shown_user()}, given=[ANN]),
    row("nobody is no user", call("GetUser", UserName="Ann"), NO_USER),
    row("users are listed by name, a page at a time", call("ListUsers", MaxItems=1).keeping(next="Marker"), {"Users": [shown_user()], "IsTruncated": True, "Marker": "{next}"}, given=[ANN], then=[(call("ListUsers", Marker="{next}"), {"Users": [shown_user("boss")], **WHOLE})]),
    row("a marker is good for nobody but who got it", call("ListUsers", Marker="{next}").signed_by("ann"), Fails("ValidationError", "Marker"), given=[ANN, call("PutUserPolicy", UserName="Ann", PolicyName="p", PolicyDocument=policy({"Action": "iam:ListUsers", "Resource": "*"})), call("CreateAccessKey", UserName="Ann").keeping(annsecret="AccessKey.SecretAccessKey"), call("ListUsers", MaxItems=1).keeping(next="Marker")], then=[(call("ListUsers", Marker="{next}"), None)]),
    row("a marker that nobody was given is refused", call("ListUsers", Marker="bm9uZQ"), Fails("ValidationError", "Marker")),
    row("a user gets another name and path and stays who he was", call("UpdateUser", UserName="Ann", NewUserName="Eve", NewPath="/x/"), given=[ANN.keeping(id="User.UserId")], then=[(call("GetUser", UserName="Eve"), {"User": {**shown_user("Eve", "/x/"), "UserId": "{id}"}}), (call("GetUser", UserName="Ann"), NO_USER)]),
    row("a user's name changes its case", call("UpdateUser", UserName="Ann", NewUserName="ANN"), given=[ANN], then=[(call("GetUser", UserName="Ann"), {"User": shown_user("ANN")})]),
    row("a user cannot take another's name", call("UpdateUser", UserName="Ann", NewUserName="BOB"), Fails("EntityAlreadyExists", "User with name BOB already exists."), given=[ANN, BOB]),
    row("nobody cannot be renamed", call("UpdateUser", UserName="Ann", NewUserName="Bob"), NO_USER),
    row("a user without anything is deleted", call("DeleteUser", UserName="Ann"), given=[ANN], then=[(call("GetUser", UserName="Ann"), NO_USER)]),
    row("nobody cannot be deleted", call("DeleteUser", UserName="Ann"), NO_USER),
    *(
        row(f"a user stays who {says}", call("DeleteUser", UserName="Ann"), Fails("DeleteConflict", f"Cannot delete entity, must {must} first."), given=[ANN, *had])
        for says, must, had in (
            ("has a managed policy", "detach all policies", [BOUNDARY, call("AttachUserPolicy", UserName="Ann", PolicyArn=LIMIT)]),
            ("has a policy of his own", "delete policies", [call("PutUserPolicy", UserName="Ann", PolicyName="p", PolicyDocument=READ)]),
            ("is in a group", "remove users from group", [DEV, IN_DEV]),
            ("has a password", "delete login profile", [call("CreateLoginProfile", UserName="Ann", Password="Aa1!aaaa")]),
            ("has an access key", "delete access keys", [call("CreateAccessKey", UserName="Ann")]),
        )
    ),
    row("a tag takes the place of one whose key differs by case", call("TagUser", UserName="Ann", Tags=[{"Key": "TEAM", "Value": "b"}]), given=[call("CreateUser", UserName="Ann", Tags=TAGS)], then=[(call("ListUserTags", UserName="Ann"), {"Tags": [TAGS[0], {"Key": "TEAM", "Value": "b"}], **WHOLE})]),
    row("two tags of one key are refused", call("TagUser", UserName="Ann", Tags=TWICE), DUPLICATE, given=[ANN]),
    row("a user's tags are counted", call("TagUser", UserName="Ann", Tags=[{"Key": "c", "Value": ""}]), Fails("LimitExceeded", "The number of tags has reached the maximum limit."), given=[call("CreateUser", UserName="Ann", Tags=TAGS)], TagsPerEntityQuota=2),
    row("nobody cannot be tagged", call("TagUser", UserName="Ann", Tags=TAGS), NO_USER),
    row("tags are taken off whatever their case, and those that are not there do no harm", call("UntagUser", UserName="Ann", TagKeys=["TEAM", "other"]), given=[call("CreateUser", UserName="Ann", Tags=TAGS)], then=[(call("ListUserTags", UserName="Ann"), {"Tags": TAGS[:1], **WHOLE})]),
    row("nobody has no tags to lose", call("UntagUser", UserName="Ann", TagKeys=["a"]), NO_USER),
    row("tags are listed a page at a time", call("ListUserTags", UserName="Ann", MaxItems=1).keeping(next="Marker"), {"Tags": TAGS[:1], "IsTruncated": True, "Marker": "{next}"}, given=[call("CreateUser", UserName="Ann", Tags=TAGS)], then=[(call("ListUserTags", UserName="Ann", Marker="{next}"), {"Tags": TAGS[1:], **WHOLE})]),
    row("nobody has no tags", call("ListUserTags", UserName="Ann"), NO_USER),
]  # fmt: skip

GROUPS = [
    row("a group is made at a path", call("CreateGroup", GroupName="Dev", Path="/a/"), {"Group": shown_group(path="/a/")}, then=[(call("GetGroup", GroupName="dev"), {"Group": shown_group(path="/a/"), "Users": [], **WHOLE}), (call("ListGroups", PathPrefix="/a/"), {"Groups": [shown_group(path="/a/")], **WHOLE}), (call("ListGroups", PathPrefix="/b/"), {"Groups": [], **WHOLE})]),
    row("no two groups differ by case alone", call("CreateGroup", GroupName="DEV"), Fails("EntityAlreadyExists", "Group with name DEV already exists."), given=[DEV]),
    row("the account's groups are counted", call("CreateGroup", GroupName="Ops"), Fails("LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 1"), given=[DEV], GroupsQuota=1),
    row("a group shows who is in it", call("GetGroup", GroupName="Dev"), {"Group": shown_group(), "Users": [shown_user()], **WHOLE}, given=[DEV, ANN, IN_DEV]),
    row("a group's users are shown a page at a time", call("GetGroup", GroupName="Dev", MaxItems=1).keeping(next="Marker"), {"Group": shown_group(), "Users": [shown_user()], "IsTruncated": True, "Marker": "{next}"}, given=[DEV, ANN, BOB, IN_DEV, call("AddUserToGroup", GroupName="Dev", UserName="Bob")], then=[(call("GetGroup", GroupName="Dev", Marker="{next}"), {"Group": shown_group(), "Users": [shown_user("Bob")], **WHOLE})]),
    row("a group that is not there has nobody", call("GetGroup", GroupName="Dev"), NO_GROUP),
    row("groups are listed by name", call("ListGroups"), {"Groups": [shown_group("Dev"), shown_group("ops")], **WHOLE}, given=[call("CreateGroup", GroupName="ops"), DEV]),
    row("a user's groups are listed", call("ListGroupsForUser", UserName="Ann"), {"Groups": [shown_group()], **WHOLE}, given=[DEV, ANN, IN_DEV]),
    row("nobody is in no group", call("ListGroupsForUser", UserName="Ann"), NO_USER),
    row("a group gets another name and keeps who is in it", call("UpdateGroup", GroupName="Dev", NewGroupName="Ops", NewPath="/x/"), given=[DEV, ANN, IN_DEV], then=[(call("ListGroupsForUser", UserName="Ann"), {"Groups": [shown_group("Ops", "/x/")], **WHOLE})]),
    row("a group cannot take another's name", call("UpdateGroup", GroupName="Dev", NewGroupName="OPS"), Fails("EntityAlreadyExists", "Group with name OPS already exists."), given=[DEV, call("CreateGroup", GroupName="Ops")]),
    row("a group that is not there gets no name", call("UpdateGroup", GroupName="Dev", NewGroupName="Ops"), NO_GROUP),
    row("a group is deleted", call("DeleteGroup", GroupName="Dev"), given=[DEV], then=[(call("GetGroup", GroupName="Dev"), NO_GROUP)]),
    row("a group that is not there cannot be deleted", call("DeleteGroup", GroupName="Dev"), NO_GROUP),
    *(
        row(f"a group stays that {says}", call("DeleteGroup", GroupName="Dev"), Fails("DeleteConflict", f"Cannot delete entity, must {must} first."), given=[DEV, *had])
        for says, must, had in (
            ("somebody is in", "remove users from group", [ANN, IN_DEV]),
            ("has a managed policy", "detach all policies", [BOUNDARY, call("AttachGroupPolicy", GroupName="Dev", PolicyArn=LIMIT)]),
            ("has a policy of its own", "delete policies", [call("PutGroupPolicy", GroupName="Dev", PolicyName="p", PolicyDocument=READ)]),
        )
    ),
    row("a user joins a group once, however often he is added", IN_DEV, given=[DEV, ANN, IN_DEV], then=[(call("GetGroup", GroupName="Dev"), {"Group": shown_group(), "Users": [shown_user()], **WHOLE})]),
    row("nobody joins no group", IN_DEV, NO_USER, given=[DEV]),
    row("a user joins no group that is not there", IN_DEV, NO_GROUP, given=[ANN]),
    row("a user's groups are counted", call("AddUserToGroup", GroupName="Ops", UserName="Ann"), Fails("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 1"), given=[DEV, ANN, IN_DEV, call("CreateGroup", GroupName="Ops")], GroupsPerUserQuota=1),
    row("a user leaves a group", call("RemoveUserFromGroup", GroupName="Dev", UserName="Ann"), given=[DEV, ANN, IN_DEV], then=[(call("GetGroup", GroupName="Dev"), {"Group": shown_group(), "Users": [], **WHOLE})]),
    row("nobody leaves no group", call("RemoveUserFromGroup", GroupName="Dev", UserName="Ann"), NO_USER, given=[DEV]),
    row("the user is looked for before the group", call("AddUserToGroup", GroupName="Dev", UserName="Ann"), NO_USER, then=[(call("RemoveUserFromGroup", GroupName="Dev", UserName="Ann"), NO_USER)]),
    row("a user leaves no group that is not there", call("RemoveUserFromGroup", GroupName="Dev", UserName="Ann"), NO_GROUP, given=[ANN]),
]  # fmt: skip

ROWS = [*USERS, *GROUPS]
