"""OpenID Connect providers are made by their URL, shown, changed and deleted, by who may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.federation import oidc_providers as oidc
from authority.federation.oidc_providers import unschemed
from authority.federation.providers import oidc_provider
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import authority
from authority.model import providers as facts
from authority.model.state import canonical, from_canonical
from authority.policy.document import Document, Kind, parse
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT, DANS, IAM, dan_may, refused
from tests.roles.world import World, trusting

TEAM = {"Key": "team", "Value": "red"}
URL = "https://token.example.org/tenant"
ARN = f"{IAM}:oidc-provider/token.example.org/tenant"
WHICH = {"OpenIDConnectProviderArn": ARN}
THUMB = "0123456789abcdefABCDEF0123456789abcdef01"
OTHERS = "444455556666"


def made(world: World, url: str = URL, **more):
    return world.asks(oidc.create_open_id_connect_provider, Url=url, **more)


def shown(world: World):
    return world.asks(oidc.get_open_id_connect_provider, **WHICH)


def test_a_provider_is_shown_as_it_was_made_and_its_url_without_the_scheme():
    world = World()
    answer = made(world, ClientIDList=["b", "a", "b"], ThumbprintList=[THUMB], Tags=[TEAM])
    assert (answer.open_id_connect_provider_arn, answer.tags) == (ARN, (Tag("team", "red"),))
    provider = shown(world)
    assert (provider.url, provider.create_date) == ("token.example.org/tenant", AT)
    assert (provider.client_ids, provider.thumbprint_list) == (("b", "a"), (THUMB,))
    assert provider.tags == (Tag("team", "red"),)
    assert canonical(from_canonical(canonical(world.state))) == canonical(world.state)


def test_providers_are_listed_by_url():
    world = World()
    for url in ("https://b.example", "https://a.example"):
        made(world, url)
    listed = world.asks(oidc.list_open_id_connect_providers).providers
    assert [each.arn for each in listed] == [f"{IAM}:oidc-provider/{name}.example" for name in ("a", "b")]


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://server.example.com", "server.example.com"),
        ("https://server.example.com/a/b", "server.example.com/a/b"),
        ("https://tenant.example.com/", "tenant.example.com/"),
        ("https://localhost:4443/oidc", "localhost:4443/oidc"),
        ("http://server.example.com", None),
        ("HTTPS://server.example.com", None),
        ("server.example.com", None),
        ("https://", None),
        ("https:///path", None),
        ("https://server.example.com?x=1", None),
        ("https://server.example.com#x", None),
        ("https://user:password@server.example.com", None),
        ("https://server.example.com/*", None),
        ("https://server.example.com/a b", None),
        ("https://server.example.com/a\n", None),
        ("https://server.example.com/../x", None),
        ("https://server.example.com:99999", None),
        ("https://server.example.com:x", None),
        ("https://bücher.example", None),
        ("https://[::1]/x", None),
        ("https://-a.example", None),
        ("https://a.example\\@b.example", None),
        ("https://aws", None),
        ("https://cognito-identity", None),
        ("https://aws:8443", "aws:8443"),
    ],
)
def test_urls_that_can_be_an_issuer(url, bare):
    assert unschemed(url) == bare
    if bare is None:
        assert refused(made(World(), url), Reason.VALIDATION_ERROR, "Invalid Open ID Connect Provider URL")


@given(st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=60))
def test_every_issuer_that_is_accepted_can_be_trusted_by_a_role(path):
    bare = unschemed(f"https://a.example/{path}")
    if bare is not None:
        trust = trusting({"Federated": f"{IAM}:oidc-provider/{bare}"})
        document = parse(trust.replace("AssumeRole", "AssumeRoleWithWebIdentity"), Kind.TRUST)
        assert isinstance(document, Document)


def test_a_url_is_taken_in_any_case():
    world = World()
    made(world)
    url = URL.replace("tenant", "TENANT")
    text = f"Provider with url {url} already exists."
    assert refused(made(world, url), Reason.ENTITY_ALREADY_EXISTS, text)


@pytest.mark.parametrize(
    "arn",
    [ARN.replace("tenant", "TENANT"), f"{ARN}/", ARN.removesuffix("/tenant"), ARN.replace(ACCOUNT, OTHERS), URL],
)
def test_no_other_arn_leads_to_a_provider(arn):
    world = World()
    made(world)
    assert oidc_provider(world.state, arn) is None
    assert oidc_provider(world.state, ARN)[1].url == "token.example.org/tenant"


@pytest.mark.parametrize(
    ("more", "reason", "text"),
    [
        pytest.param(
            {"ThumbprintList": [THUMB] * 6},
            Reason.INVALID_INPUT,
            "Thumbprint list must contain fewer than 5 entries.",
            id="six thumbprints",
        ),
        pytest.param(
            {"ThumbprintList": ["x" * 40]},
            Reason.INVALID_INPUT,
            f"{'x' * 40} is not a thumbprint: forty hexadecimal digits.",
            id="a thumbprint that is none",
        ),
        pytest.param(
            {"ClientIDList": [f"c{n}" for n in range(101)]},
            Reason.LIMIT_EXCEEDED,
            "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
            id="too many clients",
        ),
        pytest.param({"Tags": [TEAM, TEAM]}, Reason.INVALID_INPUT, "Duplicate tag keys found.", id="a tag twice"),
    ],
)
def test_what_is_refused(more, reason, text):
    assert refused(made(World(), **more), reason, text)


def test_an_account_holds_no_more_providers_than_its_quota():
    many = [facts.OidcProviderCreated(account=ACCOUNT, provider_id=f"OIDC{n}", url=f"{n}.example") for n in range(100)]
    text = "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100"
    assert refused(made(World(*many)), Reason.LIMIT_EXCEEDED, text)


def test_clients_come_and_go_and_nothing_happens_twice():
    world = World()
    made(world, ClientIDList=["a"])
    for what, client, left, happens in (
        (oidc.add_client_id_to_open_id_connect_provider, "b", ("a", "b"), 1),
        (oidc.add_client_id_to_open_id_connect_provider, "b", ("a", "b"), 0),
        (oidc.remove_client_id_from_open_id_connect_provider, "a", ("b",), 1),
        (oidc.remove_client_id_from_open_id_connect_provider, "a", ("b",), 0),
    ):
        decision = world.decide(what, {**WHICH, "ClientID": client})
        assert (decision.answer, len(decision.facts)) == (None, happens)
        assert shown(world).client_ids == left


def test_a_provider_has_a_hundred_clients_and_no_more():
    world = World()
    made(world, ClientIDList=[f"c{n}" for n in range(100)])
    add = oidc.add_client_id_to_open_id_connect_provider
    assert world.asks(add, **WHICH, ClientID="c99") is None
    text = "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"
    assert refused(world.asks(add, **WHICH, ClientID="more"), Reason.LIMIT_EXCEEDED, text)


def test_thumbprints_are_replaced_as_a_whole():
    world = World()
    made(world, ThumbprintList=[THUMB])
    update = oidc.update_open_id_connect_provider_thumbprint
    assert world.asks(update, **WHICH, ThumbprintList=["f" * 40, "e" * 40]) is None
    assert shown(world).thumbprint_list == ("f" * 40, "e" * 40)
    assert refused(world.asks(update, **WHICH, ThumbprintList=["g" * 40]), Reason.INVALID_INPUT)


def test_deleting_a_provider_twice_is_like_deleting_it_once():
    world = World()
    made(world)
    for _ in range(2):
        assert world.asks(oidc.delete_open_id_connect_provider, **WHICH) is None
    assert refused(shown(world), Reason.NO_SUCH_ENTITY, f"OpenIDConnect Provider not found for arn {ARN}")
    assert made(world).open_id_connect_provider_arn == ARN


def test_tags_keep_their_case():
    world = World()
    made(world, Tags=[TEAM])
    assert world.asks(oidc.tag_open_id_connect_provider, **WHICH, Tags=[{"Key": "Team", "Value": "blue"}]) is None
    listed = world.asks(oidc.list_open_id_connect_provider_tags, **WHICH)
    assert listed.tags == (Tag("Team", "blue"), Tag("team", "red"))
    assert world.asks(oidc.untag_open_id_connect_provider, **WHICH, TagKeys=["Team"]) is None
    assert shown(world).tags == (Tag("team", "red"),)


ON_ONE = [
    (oidc.get_open_id_connect_provider, {}),
    (oidc.update_open_id_connect_provider_thumbprint, {"ThumbprintList": []}),
    (oidc.add_client_id_to_open_id_connect_provider, {"ClientID": "a"}),
    (oidc.remove_client_id_from_open_id_connect_provider, {"ClientID": "a"}),
    (oidc.tag_open_id_connect_provider, {"Tags": [TEAM]}),
    (oidc.untag_open_id_connect_provider, {"TagKeys": ["team"]}),
    (oidc.list_open_id_connect_provider_tags, {}),
]
DELETING = (oidc.delete_open_id_connect_provider, {})


@pytest.mark.parametrize(("what", "wanted"), ON_ONE, ids=lambda value: getattr(value, "name", ""))
def test_a_provider_that_is_not_there_is_not_found(what, wanted):
    assert refused(World().asks(what, **WHICH, **wanted), Reason.NO_SUCH_ENTITY)


@pytest.mark.parametrize(("what", "wanted"), [*ON_ONE, DELETING], ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        pytest.param(f"{IAM}:saml-provider/Corp", Reason.INVALID_INPUT, id="a provider of another kind"),
        pytest.param("no-arn-but-long-enough", Reason.VALIDATION_ERROR, id="no arn"),
        pytest.param(ARN.replace(ACCOUNT, OTHERS), Reason.ACCESS_DENIED, id="another account's"),
    ],
)
def test_arns_that_lead_nowhere(what, wanted, arn, reason):
    world = World(authority.AccountCreated(account=OTHERS, name="Others"))
    assert refused(world.asks(what, OpenIDConnectProviderArn=arn, **wanted), reason)


@pytest.mark.parametrize(("what", "wanted"), [*ON_ONE, DELETING], ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("team", ["red", "blue"])
def test_a_delegate_touches_only_what_carries_his_tag(what, wanted, team):
    his = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    world = World(dan_may({"Action": "iam:*", "Resource": f"{IAM}:oidc-provider/*", **his}))
    made(world, Tags=[{"Key": "team", "Value": team}])
    answer = world.asks(what, who=DANS, **WHICH, **wanted)
    assert team == "red" or refused(answer, Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    ("actions", "tags", "allowed"),
    [
        (["iam:CreateOpenIDConnectProvider"], {}, True),
        (["iam:CreateOpenIDConnectProvider"], {"Tags": [TEAM]}, False),
        (["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"], {"Tags": [TEAM]}, True),
    ],
)
def test_tags_at_birth_need_the_permission_to_tag(actions, tags, allowed):
    world = World(dan_may({"Action": actions, "Resource": ARN}))
    answer = made(world, who=DANS, **tags)
    assert allowed or refused(answer, Reason.ACCESS_DENIED)
    assert bool(world.account.oidc_providers) is allowed


def test_a_client_that_was_added_twice_is_there_once():
    world = World()
    made(world, ClientIDList=["a"])
    (provider,) = world.account.oidc_providers.values()
    world.take(facts.OidcClientAdded(account=ACCOUNT, provider_id=provider.id, client_id="a"))
    assert shown(world).client_ids == ("a",)
