"""Operators make pools, say which roles they give, and may do so only where their policies let them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from authority.identity_pools.developers import (
    GetOpenIdTokenForDeveloperIdentity,
    LookupDeveloperIdentity,
    MergeDeveloperIdentities,
    UnlinkDeveloperIdentity,
    get_open_id_token_for_developer_identity,
    lookup_developer_identity,
    merge_developer_identities,
    unlink_developer_identity,
)
from authority.identity_pools.identities import DescribeIdentity, describe_identity
from authority.identity_pools.pool_tags import TagResource, UntagResource, tag_resource, untag_resource
from authority.identity_pools.pools import (
    CognitoIdentityProvider,
    CreateIdentityPool,
    NamedPool,
    UpdateIdentityPool,
    create_identity_pool,
    delete_identity_pool,
    describe_identity_pool,
    update_identity_pool,
)
from authority.identity_pools.roles import (
    HowChosen,
    MappingRule,
    RulesConfiguration,
    SetIdentityPoolRoles,
    get_identity_pool_roles,
    set_identity_pool_roles,
)
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model import account_settings, identity_pools
from authority.model.identity_pools import Login
from authority.model.state import State, evolve
from tests.federation.responses import ACCOUNT, NOW
from tests.identity_pools.worlds import (
    BOSS,
    COGNITO,
    GUEST,
    MEMBER,
    OTHER,
    POOL,
    PROVIDER,
    SETTINGS,
    SIGNER,
    after,
    asked,
    operator,
    refused,
    world,
)

POOL_ARN = f"arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{POOL}"
ALL = operator(world(), "cognito-identity:*", "iam:PassRole")


def wanted(**more: Any) -> CreateIdentityPool:
    return CreateIdentityPool(**{"identity_pool_name": "New", "allow_unauthenticated_identities": False, **more})


def test_a_pool_is_shown_as_it_was_made():
    made = asked(
        ALL,
        create_identity_pool,
        wanted(
            allow_classic_flow=True,
            supported_login_providers={"accounts.google.com": "one;two"},
            developer_provider_name="login.app",
            open_id_connect_providers=(PROVIDER,),
            cognito_identity_providers=(CognitoIdentityProvider("users.example/pool", "client"),),
            identity_pool_tags={"team": "a"},
        ),
    )
    pool = made.answer.identity_pool_id  # type: ignore[attr-defined]
    shown = asked(after(ALL, made), describe_identity_pool, NamedPool(pool))
    assert msgspec.to_builtins(shown.answer) == msgspec.to_builtins(made.answer)
    assert pool.startswith("us-east-1:")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"supported_login_providers": {"unknown.example": "app"}}, id="a login nobody knows"),
        pytest.param({"supported_login_providers": {"accounts.google.com": ";"}}, id="no application"),
        pytest.param({"open_id_connect_providers": (PROVIDER + "x",)}, id="a provider that is not there"),
        pytest.param(
            {"open_id_connect_providers": (PROVIDER.replace(ACCOUNT, OTHER),)}, id="another account's provider"
        ),
        pytest.param({"saml_providers": (f"arn:aws:iam::{ACCOUNT}:saml-provider/No",)}, id="no such SAML provider"),
        pytest.param({"cognito_identity_providers": (CognitoIdentityProvider("a..b", "c"),)}, id="no URL of an issuer"),
        pytest.param({"cognito_identity_providers": (CognitoIdentityProvider("a.example", ""),)}, id="no client"),
        pytest.param(
            {"cognito_identity_providers": (CognitoIdentityProvider("a.example", "c", True),)},
            id="a check we cannot do",
        ),
        pytest.param({"developer_provider_name": COGNITO}, id="a developer who calls himself us"),
        pytest.param({"developer_provider_name": "accounts.google.com"}, id="a developer who calls himself Google"),
    ],
)
def test_a_pool_of_unclear_trust_is_refused(more: dict[str, Any]):
    assert refused(asked(ALL, create_identity_pool, wanted(**more)), Reason.INVALID_PARAMETER_VALUE)
    changed = UpdateIdentityPool(
        identity_pool_id=POOL, **{"identity_pool_name": "New", "allow_unauthenticated_identities": False, **more}
    )
    assert refused(asked(ALL, update_identity_pool, changed), Reason.INVALID_PARAMETER_VALUE)


def test_an_account_has_no_more_pools_than_its_quota():
    quota = account_settings.QuotaSet(account=ACCOUNT, name="IdentityPoolsQuota", value=1)
    state = evolve(ALL, [quota], NOW)
    assert refused(asked(state, create_identity_pool, wanted()), Reason.LIMIT_EXCEEDED)


def test_an_update_says_all_anew_but_the_tags():
    state = after(
        ALL,
        asked(ALL, tag_resource, TagResource(POOL_ARN, {"team": "a"})),
    )
    changed = UpdateIdentityPool(
        identity_pool_id=POOL, identity_pool_name="Other", allow_unauthenticated_identities=False
    )
    state = after(state, asked(state, update_identity_pool, changed))
    shown = asked(state, describe_identity_pool, NamedPool(POOL)).answer
    assert shown.open_id_connect_providers is None  # type: ignore[attr-defined]
    assert shown.identity_pool_tags == {"team": "a"}  # type: ignore[attr-defined]
    state = after(state, asked(state, untag_resource, UntagResource(POOL_ARN, ("team",))))
    assert asked(state, describe_identity_pool, NamedPool(POOL)).answer.identity_pool_tags == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("action", "given"),
    [
        (describe_identity_pool, NamedPool(POOL)),
        (delete_identity_pool, NamedPool(POOL)),
        (get_identity_pool_roles, NamedPool(POOL)),
        (set_identity_pool_roles, SetIdentityPoolRoles(POOL, {})),
        (lookup_developer_identity, LookupDeveloperIdentity(POOL, developer_user_identifier="u")),
        (get_open_id_token_for_developer_identity, GetOpenIdTokenForDeveloperIdentity(POOL, {"login.app": "u"})),
    ],
    ids=str,
)
def test_what_is_done_to_a_pool_is_authorised_on_it(action: Any, given: Any):
    allowed = operator(world(), "cognito-identity:*", resource=POOL_ARN)
    answer = asked(allowed, action, given).answer
    assert not (isinstance(answer, Refusal) and answer.reason is Reason.ACCESS_DENIED)
    other = operator(world(), "cognito-identity:*", resource=POOL_ARN + "x")
    assert refused(asked(other, action, given), Reason.ACCESS_DENIED)


def test_permissions_may_depend_on_the_tags_of_a_pool():
    tagged = identity_pools.IdentityPoolTagged(account=ACCOUNT, pool=POOL, tags=(Tag("team", "a"),))
    limited = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    state = operator(world(), "cognito-identity:*", condition=limited)
    assert refused(asked(state, describe_identity_pool, NamedPool(POOL)), Reason.ACCESS_DENIED)
    state = evolve(state, [tagged], NOW)
    assert not isinstance(asked(state, describe_identity_pool, NamedPool(POOL)).answer, Refusal)


CHANGED = UpdateIdentityPool(identity_pool_id=POOL, identity_pool_name="New", allow_unauthenticated_identities=False)


@pytest.mark.parametrize(
    ("action", "given", "tagged"),
    [
        pytest.param(create_identity_pool, wanted(), POOL_ARN.replace(POOL, "us-east-1:*"), id="made"),
        pytest.param(update_identity_pool, CHANGED, POOL_ARN, id="changed"),
    ],
)
def test_whoever_brings_tags_with_a_pool_must_be_allowed_to_lay_them(action: Any, given: Any, tagged: str):
    brought = msgspec.structs.replace(given, identity_pool_tags={"team": "a"})
    state = operator(world(), str(action))
    assert not isinstance(asked(state, action, given).answer, Refusal)
    decision = asked(state, action, brought)
    assert refused(decision, Reason.ACCESS_DENIED)
    assert decision.facts == ()
    assert decision.weighed[-1].question.resource == tagged
    state = operator(world(), str(action), "cognito-identity:TagResource")
    assert not isinstance(asked(state, action, brought).answer, Refusal)


def test_another_accounts_pool_is_not_there():
    foreign = POOL.replace("1111-1", "2222-1")
    state = evolve(ALL, [identity_pools.IdentityPoolCreated(account=OTHER, pool=foreign, settings=SETTINGS)], NOW)
    for action in (describe_identity_pool, delete_identity_pool, get_identity_pool_roles):
        assert refused(asked(state, action, NamedPool(foreign)), Reason.NO_SUCH_ENTITY)
    made = identity_pools.IdentityCreated(account=OTHER, pool=foreign, identity="us-east-1:5")
    state = evolve(state, [made], NOW)
    assert refused(asked(state, describe_identity, DescribeIdentity("us-east-1:5")), Reason.NO_SUCH_ENTITY)


# --- roles --------------------------------------------------------------------------------------


def mapped(**more: Any) -> SetIdentityPoolRoles:
    rules = RulesConfiguration((MappingRule(claim="t", match_type="Equals", value="v", role_arn=BOSS),))
    given = {"type": "Rules", "ambiguous_role_resolution": "Deny", "rules_configuration": rules, **more}
    return SetIdentityPoolRoles(POOL, {"authenticated": MEMBER}, {PROVIDER: HowChosen(**given)})


def test_roles_are_shown_as_they_were_set():
    state = after(ALL, asked(ALL, set_identity_pool_roles, mapped()))
    shown = asked(state, get_identity_pool_roles, NamedPool(POOL)).answer
    assert shown.roles == {"authenticated": MEMBER}  # type: ignore[attr-defined]
    assert shown.role_mappings == mapped().role_mappings  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", [MEMBER, BOSS])
def test_whoever_gives_a_role_to_a_pool_must_be_allowed_to_pass_it_there(role: str):
    others = [one for one in (MEMBER, BOSS, GUEST) if one != role]
    passing = operator(world(), "cognito-identity:*", "iam:PassRole", resource=[POOL_ARN, *others])
    decision = asked(passing, set_identity_pool_roles, mapped())
    assert refused(decision, Reason.ACCESS_DENIED)
    assert decision.facts == ()
    elsewhere = {"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}}
    passing = operator(world(), "cognito-identity:*", "iam:PassRole", condition=elsewhere)
    assert refused(asked(passing, set_identity_pool_roles, mapped()), Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"ambiguous_role_resolution": None}, id="nothing is said of who fits no rule"),
        pytest.param({"rules_configuration": None}, id="rules without a rule"),
        pytest.param({"type": "Token"}, id="a token with rules"),
    ],
)
def test_a_mapping_that_leaves_a_case_open_is_refused(more: dict[str, Any]):
    assert refused(asked(ALL, set_identity_pool_roles, mapped(**more)), Reason.INVALID_PARAMETER_VALUE)


@pytest.mark.parametrize("role", [MEMBER.replace(ACCOUNT, OTHER), MEMBER.replace("role/", "user/"), "x" * 20])
def test_a_pool_gives_roles_of_its_own_account(role: str):
    given = SetIdentityPoolRoles(POOL, {"authenticated": role})
    assert refused(asked(ALL, set_identity_pool_roles, given), Reason.INVALID_PARAMETER_VALUE)


# --- users of an application --------------------------------------------------------------------


def of_user(user: str, **more: Any) -> GetOpenIdTokenForDeveloperIdentity:
    return GetOpenIdTokenForDeveloperIdentity(POOL, {"login.app": user}, **more)


def having(state: State, user: str, **more: Any) -> tuple[State, str]:
    """The state once a user has an identity, and the identity."""
    decision = asked(state, get_open_id_token_for_developer_identity, of_user(user, **more))
    state = after(state, decision)
    found = state.identities.behind(POOL, Login("login.app", user))
    assert found is not None
    return state, found


def test_a_user_has_one_identity_however_often_his_application_asks():
    state, one = having(ALL, "seven")
    assert having(state, "seven")[1] == one
    looked = asked(state, lookup_developer_identity, LookupDeveloperIdentity(POOL, identity_id=one)).answer
    assert looked.developer_user_identifier_list == ("seven",)  # type: ignore[attr-defined]


def test_a_user_can_be_given_an_identity_that_is_there_and_never_two():
    state, one = having(ALL, "seven")
    state, same = having(state, "alias", identity_id=one)
    assert same == one
    guest = identity_pools.IdentityCreated(account=ACCOUNT, pool=POOL, identity="us-east-1:6")
    state = evolve(state, [guest], NOW)
    decision = asked(state, get_open_id_token_for_developer_identity, of_user("seven", identity_id="us-east-1:6"))
    assert refused(decision, Reason.DEVELOPER_USER_TAKEN)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"login.other": "u"}, id="another provider"),
        pytest.param({"login.app": "u", "accounts.google.com": "t"}, id="two logins"),
        pytest.param({}, id="none"),
        pytest.param({"login.app": "u" * 1_025}, id="too long a name"),
    ],
)
def test_an_application_speaks_for_its_own_users_only(given: dict[str, str]):
    asking = GetOpenIdTokenForDeveloperIdentity(POOL, given)
    decision = asked(ALL, get_open_id_token_for_developer_identity, asking)
    assert refused(decision, Reason.INVALID_PARAMETER_VALUE)


def test_tags_that_no_session_could_have_are_refused_at_once():
    decision = asked(ALL, get_open_id_token_for_developer_identity, of_user("u", principal_tags={"aws:x": "y"}))
    assert isinstance(decision.answer, Refusal)


def test_two_users_who_are_one_are_merged():
    state, one = having(ALL, "seven")
    eighth = identity_pools.IdentityCreated(
        account=ACCOUNT, pool=POOL, identity="us-east-1:8", logins=(Login("login.app", "eight"),)
    )
    state, other = having(evolve(state, [eighth], NOW), "eight")
    merging = MergeDeveloperIdentities("eight", "seven", "login.app", POOL)
    state = after(state, asked(state, merge_developer_identities, merging))
    assert having(state, "eight")[1] == one
    assert refused(asked(state, describe_identity, DescribeIdentity(other)), Reason.NO_SUCH_ENTITY)
    assert state.identities.pools[POOL].size == 1


def test_a_user_who_was_unlinked_is_somebody_new():
    state, one = having(ALL, "seven")
    unlinking = UnlinkDeveloperIdentity(one, POOL, "login.app", "seven")
    state = after(state, asked(state, unlink_developer_identity, unlinking))
    assert state.identities.behind(POOL, Login("login.app", "seven")) is None
    assert refused(asked(state, unlink_developer_identity, unlinking), Reason.NO_SUCH_ENTITY)


def test_a_pool_that_is_deleted_takes_everybody_along():
    state, one = having(ALL, "seven")
    state = after(state, asked(state, delete_identity_pool, NamedPool(POOL)))
    assert one not in state.identities.known
    assert len(state.identities.logins) == len(state.identities.pools) == 0
    assert SIGNER.key_id in state.signing_keys
