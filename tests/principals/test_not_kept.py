"""What is not kept is listed, and the list is empty; nothing else about it is answered."""

from __future__ import annotations

import pytest

from authority.kernel.refusal import Reason
from authority.principals import not_kept
from tests.principals.world import DANS, IAM, SESSIONS, World, dan_may, refused

OF_USERS = [
    not_kept.list_ssh_public_keys,
    not_kept.list_signing_certificates,
    not_kept.list_service_specific_credentials,
]


@pytest.mark.parametrize("what", OF_USERS, ids=lambda value: value.name)
@pytest.mark.parametrize("wanted", [{}, {"UserName": "dan"}, {"MaxItems": 1}])
def test_a_user_has_none(what, wanted):
    answer = World().asks(what, **wanted)
    assert [getattr(answer, name) for name in answer.__struct_fields__] == [(), False]


@pytest.mark.parametrize("what", OF_USERS, ids=lambda value: value.name)
def test_a_user_who_is_not_there_is_not_found(what):
    text = "The user with name Nobody cannot be found."
    assert refused(World().asks(what, UserName="Nobody"), Reason.NO_SUCH_ENTITY, text)
    assert refused(World().asks(what, who=SESSIONS), Reason.VALIDATION_ERROR)


@pytest.mark.parametrize("what", [*OF_USERS, not_kept.list_server_certificates], ids=lambda value: value.name)
def test_no_marker_was_ever_given_out(what):
    assert refused(World().asks(what, Marker="AAAA"), Reason.VALIDATION_ERROR)


def test_nobody_has_credentials_for_single_services():
    world = World()
    assert world.asks(not_kept.list_service_specific_credentials, AllUsers=True).service_specific_credentials == ()


def test_there_is_no_server_certificate():
    world = World()
    assert world.asks(not_kept.list_server_certificates).server_certificate_metadata_list == ()
    answer = world.asks(not_kept.list_server_certificate_tags, ServerCertificateName="web")
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The Server Certificate with name web cannot be found.")


@pytest.mark.parametrize(
    ("what", "wanted", "resource"),
    [
        *[(what, {}, "user/Dan") for what in OF_USERS],
        (not_kept.list_service_specific_credentials, {"AllUsers": True}, "user/*"),
        (not_kept.list_server_certificates, {"PathPrefix": "/a/"}, "server-certificate/a/"),
        (not_kept.list_server_certificate_tags, {"ServerCertificateName": "web"}, "server-certificate/web"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_a_delegate_needs(what, wanted, resource):
    def weighed(on: str):
        return World(dan_may({"Action": what.name, "Resource": on})).decide(what, wanted, who=DANS).weighed[0]

    assert weighed(f"{IAM}:{resource}").verdict.allowed
    assert not weighed(f"{IAM}:user/Ann").verdict.allowed
