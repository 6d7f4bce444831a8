"""SAML providers are made from metadata, shown as uploaded, renewed and deleted, by who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from authority.federation import saml_providers as saml
from authority.federation.providers import saml_provider
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import authority
from authority.model import providers as facts
from authority.model.state import canonical, from_canonical
from tests.federation.documents import certificate, descriptor, key, metadata
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT, DANS, IAM, dan_may, refused
from tests.roles.world import World

TEAM = {"Key": "team", "Value": "red"}
CORP = f"{IAM}:saml-provider/Corp"
WHICH = {"SAMLProviderArn": CORP}
OTHERS = "444455556666"


def made(world: World, name: str = "Corp", document: str | None = None, **more):
    text = metadata() if document is None else document
    return world.asks(saml.create_saml_provider, Name=name, SAMLMetadataDocument=text, **more)


def test_a_provider_is_shown_with_the_document_as_it_was_uploaded():
    world, text = World(), metadata(before="<!-- für uns -->\r\n", more=' validUntil="2030-01-02T03:04:05Z"')
    answer = made(world, document=text, Tags=[TEAM, {"Key": "Team", "Value": ""}])
    assert answer.saml_provider_arn == CORP
    shown = world.asks(saml.get_saml_provider, **WHICH)
    assert shown.saml_metadata_document == text
    assert (shown.create_date, shown.valid_until) == (AT, datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert shown.tags == (Tag("Team", ""), Tag("team", "red"))
    assert 22 <= len(shown.saml_provider_uuid) <= 64


def test_metadata_without_an_end_counts_for_a_hundred_years():
    world = World()
    made(world)
    (listed,) = world.asks(saml.list_saml_providers).saml_provider_list
    assert listed.valid_until == world.asks(saml.get_saml_provider, **WHICH).valid_until
    assert listed.valid_until - AT == timedelta(days=36_525)


def test_providers_are_listed_by_name():
    world = World()
    for name in ("b", "A", "c"):
        made(world, name)
    arns = [listed.arn for listed in world.asks(saml.list_saml_providers).saml_provider_list]
    assert arns == [f"{IAM}:saml-provider/{name}" for name in ("A", "b", "c")]


def test_what_a_sign_in_depends_on_is_in_the_state():
    world = World()
    made(world)
    account, provider = saml_provider(world.state, CORP)
    assert (account.id, provider.metadata.certificates) == (ACCOUNT, (certificate(),))
    assert canonical(from_canonical(canonical(world.state))) == canonical(world.state)


@pytest.mark.parametrize(
    "arn",
    [
        CORP.replace("Corp", "corp"),
        CORP.replace("saml-provider/", "saml-provider/x/"),
        CORP.replace("saml", "oidc"),
        CORP.replace(ACCOUNT, OTHERS),
        "Corp",
    ],
)
def test_no_other_arn_leads_to_a_provider(arn):
    world = World()
    made(world)
    assert saml_provider(world.state, arn) is None


def test_a_name_is_taken_in_any_case():
    world = World()
    made(world)
    text = "Provider with name CORP already exists."
    assert refused(made(world, "CORP"), Reason.ENTITY_ALREADY_EXISTS, text)


def test_an_account_holds_no_more_providers_than_its_quota():
    known = facts.SamlMetadata(entity_id="e", certificates=(), document=b"")
    many = [
        facts.SamlProviderCreated(account=ACCOUNT, provider_id=f"SAML{n}", name=f"p{n}", metadata=known)
        for n in range(100)
    ]
    text = "Cannot exceed quota for SAMLProvidersPerAccount: 100"
    assert refused(made(World(*many)), Reason.LIMIT_EXCEEDED, text)


def test_bad_metadata_makes_no_provider_and_changes_none():
    world = World()
    assert refused(made(world, document="a" * 1024), Reason.INVALID_INPUT)
    made(world)
    before = world.state
    answer = world.asks(saml.update_saml_provider, **WHICH, SAMLMetadataDocument="a" * 1024)
    assert refused(answer, Reason.INVALID_INPUT)
    assert world.state == before


def test_new_metadata_takes_the_place_of_the_old_and_the_tags_stay():
    world, text = World(), metadata(descriptor(key(certificate(serial=2))))
    made(world, Tags=[TEAM])
    assert world.asks(saml.update_saml_provider, **WHICH, SAMLMetadataDocument=text).saml_provider_arn == CORP
    shown = world.asks(saml.get_saml_provider, **WHICH)
    assert (shown.saml_metadata_document, shown.tags) == (text, (Tag("team", "red"),))
    _, provider = saml_provider(world.state, CORP)
    assert provider.metadata.certificates == (certificate(serial=2),)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (saml.create_saml_provider, {"Name": "New", "SAMLMetadataDocument": metadata(), "AddPrivateKey": "k"}),
        (
            saml.create_saml_provider,
            {"Name": "New", "SAMLMetadataDocument": metadata(), "AssertionEncryptionMode": "Required"},
        ),
        (saml.update_saml_provider, {**WHICH, "AssertionEncryptionMode": "Required"}),
        (saml.update_saml_provider, {**WHICH, "AddPrivateKey": "k"}),
        (saml.update_saml_provider, {**WHICH, "RemovePrivateKey": "K" * 22}),
    ],
)
def test_what_is_about_encryption_is_refused_and_never_ignored(what, wanted):
    world = World()
    made(world)
    before = world.state
    assert refused(world.asks(what, **wanted), Reason.INVALID_INPUT)
    assert world.state == before


def test_assertions_need_not_be_encrypted_and_that_may_be_said():
    world = World()
    made(world, AssertionEncryptionMode="Allowed")
    assert world.asks(saml.update_saml_provider, **WHICH, AssertionEncryptionMode="Allowed").saml_provider_arn == CORP
    shown = world.asks(saml.get_saml_provider, **WHICH)
    assert (shown.assertion_encryption_mode, shown.private_key_list) == ("Allowed", ())


def test_a_deleted_provider_is_gone_and_its_name_is_free():
    world = World()
    made(world)
    assert world.asks(saml.delete_saml_provider, **WHICH) is None
    answer = world.asks(saml.get_saml_provider, **WHICH)
    assert refused(answer, Reason.NO_SUCH_ENTITY, f"Manifest not found for arn {CORP}")
    assert made(world).saml_provider_arn == CORP


def test_tags_keep_their_case():
    world = World()
    made(world, Tags=[TEAM])
    assert world.asks(saml.tag_saml_provider, **WHICH, Tags=[{"Key": "Team", "Value": "blue"}]) is None
    assert world.asks(saml.list_saml_provider_tags, **WHICH, MaxItems=1).marker
    assert world.asks(saml.list_saml_provider_tags, **WHICH).tags == (Tag("Team", "blue"), Tag("team", "red"))
    assert world.asks(saml.untag_saml_provider, **WHICH, TagKeys=["Team"]) is None
    assert world.asks(saml.list_saml_provider_tags, **WHICH).tags == (Tag("team", "red"),)


ON_ONE = [
    (saml.get_saml_provider, {}),
    (saml.update_saml_provider, {"SAMLMetadataDocument": metadata()}),
    (saml.delete_saml_provider, {}),
    (saml.tag_saml_provider, {"Tags": [TEAM]}),
    (saml.untag_saml_provider, {"TagKeys": ["team"]}),
    (saml.list_saml_provider_tags, {}),
]


@pytest.mark.parametrize(("what", "wanted"), ON_ONE, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        pytest.param(CORP, Reason.NO_SUCH_ENTITY, id="a provider that is not there"),
        pytest.param(CORP.replace("saml", "oidc"), Reason.INVALID_INPUT, id="a provider of another kind"),
        pytest.param("no-arn-but-long-enough", Reason.VALIDATION_ERROR, id="no arn"),
        pytest.param(CORP.replace(ACCOUNT, OTHERS), Reason.ACCESS_DENIED, id="another account's"),
    ],
)
def test_arns_that_lead_nowhere(what, wanted, arn, reason):
    world = World(authority.AccountCreated(account=OTHERS, name="Others"))
    assert refused(world.asks(what, SAMLProviderArn=arn, **wanted), reason)


@pytest.mark.parametrize(("what", "wanted"), ON_ONE, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("team", ["red", "blue"])
def test_a_delegate_touches_only_what_carries_his_tag(what, wanted, team):
    his = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    world = World(dan_may({"Action": "iam:*", "Resource": f"{IAM}:saml-provider/*", **his}))
    made(world, Tags=[{"Key": "team", "Value": team}])
    answer = world.asks(what, who=DANS, **WHICH, **wanted)
    assert team == "red" or refused(answer, Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    ("actions", "tags", "allowed"),
    [
        (["iam:CreateSAMLProvider"], {}, True),
        (["iam:CreateSAMLProvider"], {"Tags": [TEAM]}, False),
        (["iam:CreateSAMLProvider", "iam:TagSAMLProvider"], {"Tags": [TEAM]}, True),
    ],
)
def test_tags_at_birth_need_the_permission_to_tag(actions, tags, allowed):
    world = World(dan_may({"Action": actions, "Resource": CORP}))
    answer = made(world, who=DANS, **tags)
    assert allowed or refused(answer, Reason.ACCESS_DENIED)
    assert bool(world.account.saml_providers) is allowed


def test_a_provider_wears_fifty_tags_each_once_and_no_more():
    world = World()
    assert refused(made(world, Tags=[TEAM, TEAM]), Reason.INVALID_INPUT)
    made(world, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    assert refused(world.asks(saml.tag_saml_provider, **WHICH, Tags=[TEAM]), Reason.LIMIT_EXCEEDED)


@pytest.mark.parametrize("more", [{}, {"SAMLMetadataDocument": metadata()}])
def test_an_update_that_changes_nothing_makes_nothing_true(more):
    world = World()
    made(world)
    decision = world.decide(saml.update_saml_provider, {**WHICH, **more})
    assert (decision.facts, decision.answer.saml_provider_arn) == ((), CORP)
