"""Alias, password policy, properties and summary: what is set comes back as it was set."""

from __future__ import annotations

import msgspec
import pytest

from authority.access.caller import Credential
from authority.accounts import aliases, password_policy, preferences, summary
from authority.accounts.key_info import get_access_key_info
from authority.audit.answers import SessionCaller, SessionRecord, Sessions
from authority.audit.queries import FindSessions
from authority.kernel.ids import AccessKeyId, InstanceProfileId, PolicyId, ProviderId
from authority.kernel.refusal import Reason, Refusal
from authority.model import account_settings, authority, instance_profiles, policies, principals, providers
from authority.model.mfa import MfaDeviceCreated, MfaDeviceEnabled
from tests.accounts.world import ADMIN, CLERK, CLERK_IS_THERE, CLERKS, MANAGEMENT, MEMBER, World, may, reason
from tests.model.test_state import AT, HARMLESS
from tests.wire.models import described

OTHERS = (
    authority.AccountCreated(account=MEMBER, name="Other"),
    principals.AccessKeyCreated(account=MEMBER, access_key_id=AccessKeyId("AKIAOTHERROOT"), owner=MEMBER),
)
OTHER_ROOT = Credential(AccessKeyId("AKIAOTHERROOT"))


# --- alias ----------------------------------------------------------------------------------


def test_an_account_has_one_alias_and_a_new_one_takes_its_place():
    world = World()
    assert world.ask(aliases.list_account_aliases)["AccountAliases"] == []
    world.ask(aliases.create_account_alias, AccountAlias="first")
    world.ask(aliases.create_account_alias, AccountAlias="second")
    assert world.ask(aliases.list_account_aliases) == {"AccountAliases": ["second"], "IsTruncated": False}
    world.ask(aliases.delete_account_alias, AccountAlias="second")
    assert world.ask(aliases.list_account_aliases)["AccountAliases"] == []


def test_an_alias_is_one_accounts_only():
    world = World(*OTHERS)
    world.ask(aliases.create_account_alias, AccountAlias="mine")
    again = world.ask(aliases.create_account_alias, OTHER_ROOT, AccountAlias="mine")
    assert again == Refusal(Reason.ENTITY_ALREADY_EXISTS, "The account alias mine already exists.")
    assert reason(world.ask(aliases.delete_account_alias, OTHER_ROOT, AccountAlias="mine")) is Reason.NO_SUCH_ENTITY
    assert world.ask(aliases.list_account_aliases, OTHER_ROOT)["AccountAliases"] == []


def test_an_alias_cannot_be_taken_for_an_account_id():
    assert reason(World().ask(aliases.create_account_alias, AccountAlias=MEMBER)) is Reason.VALIDATION_ERROR


# --- password policy ------------------------------------------------------------------------

WHOLE = {
    "MinimumPasswordLength": 14,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": True,
    "MaxPasswordAge": 90,
    "PasswordReusePrevention": 12,
    "HardExpiry": True,
}
DEFAULT = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
    "ExpirePasswords": False,
}


def test_a_password_policy_comes_back_as_it_was_set_and_is_always_set_whole():
    world = World()
    world.ask(password_policy.update_account_password_policy, **WHOLE)
    shown = world.ask(password_policy.get_account_password_policy)["PasswordPolicy"]
    assert shown == {**WHOLE, "ExpirePasswords": True}
    world.ask(password_policy.update_account_password_policy)
    assert world.ask(password_policy.get_account_password_policy)["PasswordPolicy"] == DEFAULT


def test_without_a_password_policy_there_is_none_to_show_or_delete():
    world = World()
    missing = Refusal(Reason.NO_SUCH_ENTITY, f"The Password Policy with domain name {MANAGEMENT} cannot be found.")
    gone = Refusal(Reason.NO_SUCH_ENTITY, "The account policy with name PasswordPolicy cannot be found.")
    assert world.ask(password_policy.get_account_password_policy) == missing
    assert world.ask(password_policy.delete_account_password_policy) == gone
    world.ask(password_policy.update_account_password_policy)
    assert world.ask(password_policy.delete_account_password_policy) == {}
    assert world.ask(password_policy.get_account_password_policy) == missing


# --- properties and preferences -------------------------------------------------------------


def test_properties_are_laid_over_those_that_are_there():
    world = World()
    assert world.ask(preferences.get_account_properties) == {"Properties": {}}
    world.ask(preferences.put_account_properties, Properties={"Roles/a": "1", "Roles/b": "2"})
    world.ask(preferences.put_account_properties, Properties={"Roles/b": "3"})
    assert world.ask(preferences.get_account_properties) == {"Properties": {"Roles/a": "1", "Roles/b": "3"}}


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"Roles": "1"}, id="no namespace"),
        pytest.param({"Roles/": "1"}, id="no name"),
        pytest.param({"a/b/c": "1"}, id="two slashes"),
        pytest.param({"a/b": "1", "c/d": "1"}, id="two namespaces"),
        pytest.param({f"a/n{number}": "1" for number in range(51)}, id="too many"),
    ],
)
def test_properties_that_cannot_be_are_refused(properties):
    assert reason(World().ask(preferences.put_account_properties, Properties=properties)) is Reason.INVALID_INPUT


def test_to_set_no_property_changes_nothing():
    assert World().decide(preferences.put_account_properties, Properties={}).facts == ()


def test_a_token_version_that_there_is_not_is_refused():
    wanted = {"GlobalEndpointTokenVersion": "v3Token"}
    answer = World().ask(preferences.set_security_token_service_preferences, **wanted)
    assert reason(answer) is Reason.VALIDATION_ERROR


def test_the_preferred_token_version_is_in_the_summary():
    world = World()
    before = world.ask(summary.get_account_summary)["SummaryMap"]["GlobalEndpointTokenVersion"]
    world.ask(preferences.set_security_token_service_preferences, GlobalEndpointTokenVersion="v2Token")
    after = world.ask(summary.get_account_summary)["SummaryMap"]["GlobalEndpointTokenVersion"]
    assert (before, after) == (1, 2)


# --- summary --------------------------------------------------------------------------------


def test_the_summary_has_every_key_and_counts_what_there_is():
    world = World(
        *CLERK_IS_THERE,
        *OTHERS,
        principals.GroupCreated(account=MANAGEMENT, group_id=principals.GroupId("AGPA1"), name="g", path="/"),
        principals.AccessKeyCreated(account=MANAGEMENT, access_key_id=AccessKeyId("AKIAROOT"), owner=MANAGEMENT),
        policies.PolicyCreated(account=MANAGEMENT, policy_id=PolicyId("ANPA1"), name="p", path="/", document=HARMLESS),
        policies.PolicyVersionCreated(account=MANAGEMENT, policy_id=PolicyId("ANPA1"), number=2, document=HARMLESS),
        MfaDeviceCreated(account=MANAGEMENT, device_id="AMFA1", name="one", path="/"),
        MfaDeviceCreated(account=MANAGEMENT, device_id="AMFA2", name="two", path="/"),
        MfaDeviceEnabled(account=MANAGEMENT, device_id="AMFA1", owner=CLERK, counter=1),
        providers.OidcProviderCreated(account=MANAGEMENT, provider_id=ProviderId("p1"), url="https://idp.example"),
        instance_profiles.InstanceProfileCreated(
            account=MANAGEMENT, profile_id=InstanceProfileId("AIPA1"), name="m", path="/"
        ),
        account_settings.QuotaSet(account=MANAGEMENT, name="UsersQuota", value=7_000),
    )
    shown = world.ask(summary.get_account_summary)["SummaryMap"]
    model = described("iam").operation_model("GetAccountSummary").output_shape.members["SummaryMap"]
    assert set(shown) == set(model.key.enum)
    assert {name: count for name, count in shown.items() if not name.endswith("Quota") and count} == {
        "Users": 2,
        "Groups": 1,
        "Policies": 1,
        "PolicyVersionsInUse": 2,
        "InstanceProfiles": 1,
        "Providers": 1,
        "MFADevices": 2,
        "MFADevicesInUse": 1,
        "AccountAccessKeysPresent": 1,
        "GlobalEndpointTokenVersion": 1,
    }
    assert (shown["UsersQuota"], shown["RolesQuota"]) == (7_000, 1_000)


# --- whose key ------------------------------------------------------------------------------

SESSION = SessionRecord(
    access_key_id="ASIASESSION",
    account=MEMBER,
    kind="role",
    arn="",
    role_arn="",
    role_id="",
    session_name="",
    position=1,
    issued_at=AT,
    expires_at=AT,
    status="expired",
    depth=1,
    caller=SessionCaller(account=MANAGEMENT, principal_id="x"),
)


def test_a_key_leads_to_its_account_even_when_it_is_gone():
    world = World(*OTHERS)
    assert world.ask(get_access_key_info, AccessKeyId="AKIAOTHERROOT") == {"Account": MEMBER}
    world.happen(principals.AccessKeyDeleted(account=MEMBER, access_key_id=AccessKeyId("AKIAOTHERROOT")))
    assert world.ask(get_access_key_info, AccessKeyId="AKIAOTHERROOT") == {"Account": MEMBER}


def test_a_session_leads_to_its_account():
    world = World()
    query = world.decide(get_access_key_info, AccessKeyId="ASIASESSION").query
    assert isinstance(query, FindSessions)
    assert (query.session, query.account) == ("ASIASESSION", None)
    found = Sessions(sessions=(SESSION,), position=9)
    assert world.ask(get_access_key_info, found=found, AccessKeyId="ASIASESSION") == {"Account": MEMBER}
    nothing = Sessions(sessions=(), position=9)
    assert reason(world.ask(get_access_key_info, found=nothing, AccessKeyId="ASIANOBODY")) is Reason.VALIDATION_ERROR


def test_a_key_that_was_never_issued_leads_nowhere():
    assert reason(World().ask(get_access_key_info, AccessKeyId="AKIANOBODYATALL")) is Reason.VALIDATION_ERROR


# --- who may --------------------------------------------------------------------------------

EVERYTHING = [
    (aliases.create_account_alias, {"AccountAlias": "x-y"}),
    (aliases.delete_account_alias, {"AccountAlias": "x-y"}),
    (aliases.list_account_aliases, {}),
    (password_policy.update_account_password_policy, {}),
    (password_policy.get_account_password_policy, {}),
    (password_policy.delete_account_password_policy, {}),
    (preferences.get_account_properties, {}),
    (preferences.put_account_properties, {"Properties": {"a/b": "c"}}),
    (preferences.set_security_token_service_preferences, {"GlobalEndpointTokenVersion": "v1Token"}),
    (summary.get_account_summary, {}),
    (get_access_key_info, {"AccessKeyId": str(ADMIN.access_key_id)}),
]


@pytest.mark.parametrize(("action", "wanted"), EVERYTHING, ids=lambda value: getattr(value, "operation", ""))
def test_each_needs_its_own_permission_on_everything(action, wanted):
    denied = World(*CLERK_IS_THERE).ask(action, CLERKS, **wanted)
    assert reason(denied) is Reason.ACCESS_DENIED
    assert f"to perform: {action.name} on resource: * because" in denied.message
    allowed = World(*CLERK_IS_THERE, may(action.name)).ask(action, CLERKS, **wanted)
    assert reason(allowed) is not Reason.ACCESS_DENIED


@pytest.mark.parametrize("action", [action for action, _ in EVERYTHING], ids=lambda action: action.operation)
def test_the_input_is_the_models(action):
    shape = described(action.service).operation_model(action.operation).input_shape
    members, required = (set(), set()) if shape is None else (set(shape.members), set(shape.required_members))
    fields = msgspec.structs.fields(action.input)
    assert {field.encode_name for field in fields} == members
    assert {field.encode_name for field in fields if field.required} == required
