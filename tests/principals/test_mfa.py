"""An MFA device is real: its seed is told once, its codes are used once, and guessing locks it."""

from __future__ import annotations

import base64
import io
import zlib
from datetime import timedelta

import pytest
import segno

from authority.access.action import Decision, Facts
from authority.access.caller import Caller, caller_of
from authority.access.mfa import BOTH_NEEDED, NOT_HIS, WRONG_CODE, Compared, Judged, device_by_serial, judge_mfa
from authority.kernel.refusal import Reason
from authority.kernel.secret import Secret
from authority.kernel.tags import Tag
from authority.model import account_settings, authority, principals
from authority.model import mfa as facts_of
from authority.model.state import canonical, from_canonical
from authority.principals import devices, mfa, users
from authority.principals.totp import code_at, counter_at
from tests.model.test_state import AT
from tests.principals.world import (
    ACCOUNT,
    ANN,
    ANNS,
    DAN,
    DANS,
    IAM,
    ROOTS,
    SESSIONS,
    World,
    dan_may,
    refused,
    user_session,
)

SERIAL = f"{IAM}:mfa/phone"
SEED = Secret(b"12345678901234567890")
PHONE = facts_of.MfaDeviceCreated(account=ACCOUNT, device_id="AMFAPHONE", name="phone", path="/")
NOW = counter_at(AT)
ANNS_PHONE = facts_of.MfaDeviceEnabled(account=ACCOUNT, device_id="AMFAPHONE", owner=ANN, counter=NOW - 9)
TEAM = {"Key": "team", "Value": "red"}
NEVER_MIND = "000000"


def gathered(world: World, first: int, second: int | None = None) -> Compared:
    """What the pipeline would bring: codes of these time steps, held against the phone's seed."""
    found = device_by_serial(world.state, SERIAL, "aws")
    assert found is not None
    if second is None:
        return mfa.held_code(found[1], SEED, code_at(SEED, first), world.now)
    return mfa.held_pair(found[1], SEED, code_at(SEED, first), code_at(SEED, second), world.now)


WRONG = Compared("AMFAPHONE", None)


def enables(world: World, compared: object, *, user: str = "Ann", who=ANNS, serial: str = SERIAL) -> Decision:
    wanted = {"UserName": user, "SerialNumber": serial}
    return world.decide(mfa.enable_mfa_device, {**wanted, **CODES}, who=who, gathered=compared)


CODES = {"AuthenticationCode1": NEVER_MIND, "AuthenticationCode2": NEVER_MIND}
CODE_REFUSED = "Authentication code for device is not valid."


def signs_in(world: World, compared: object, *, who=ANNS, serial: str = SERIAL, claimed=()) -> Judged:
    """Judge a code as AssumeRole does, and take what becomes true into account."""
    caller = caller_of(world.state, who, now=world.now, partition="aws")
    assert isinstance(caller, Caller)
    facts = Facts(world.now, b"", claimed=frozenset(claimed))
    judged = judge_mfa(world.state, caller, serial=serial, code=NEVER_MIND, gathered=compared, facts=facts)
    world.state = world.after(judged.facts)
    return judged


# --- devices ---------------------------------------------------------------------------------


def test_a_new_device_tells_its_seed_once_and_seals_it():
    world = World()
    decision = world.decide(
        devices.create_virtual_mfa_device, {"VirtualMFADeviceName": "phone", "Path": "/a/", "Tags": [TEAM]}
    )
    (sealed,) = decision.secrets
    made = decision.then(world.state).device
    assert (made.serial_number, made.tags) == (f"{IAM}:mfa/a/phone", (Tag("team", "red"),))
    assert base64.b32decode(made.base32_string_seed.reveal()) == sealed.secret.reveal()
    assert len(sealed.secret.reveal()) == 20
    assert (sealed.row, sealed.purpose) == (decision.facts[0].device_id, "totp")
    assert sealed.secret.reveal() not in repr((decision, made)).encode()
    (listed,) = world.asks(devices.list_virtual_mfa_devices).devices
    assert (listed.serial_number, listed.base32_string_seed, listed.qr_code_png) == (made.serial_number, None, None)


@pytest.mark.parametrize(("aliases", "name"), [((), ACCOUNT), (("company",), "company")])
def test_the_picture_says_what_an_app_needs(aliases, name):
    alias = [account_settings.AccountAliasCreated(account=ACCOUNT, alias=one) for one in aliases]
    made = World(*alias).asks(devices.create_virtual_mfa_device, VirtualMFADeviceName="my=phone").device
    seed = made.base32_string_seed.reveal().decode()
    expected = segno.make(f"otpauth://totp/my%3Dphone@{name}?secret={seed}", micro=False)
    assert pixels(made.qr_code_png.reveal()) == pixels(drawn(expected))


def drawn(code: segno.QRCode) -> bytes:
    out = io.BytesIO()
    code.save(out, kind="png", scale=devices.QR_SCALE)
    return out.getvalue()


def pixels(picture: bytes) -> bytes:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    start = picture.index(b"IDAT")
    length = int.from_bytes(picture[start - 4 : start], "big")
    return zlib.decompress(picture[start + 4 : start + 4 + length])


@pytest.mark.parametrize(("path", "most"), [("/", 226), ("/a/", 224), (f"/{'a' * 300}/", 0)])
def test_a_device_has_no_name_that_nobody_could_name_it_by(path, most):
    world = World()
    for name in ("a" * most, "a" * (most + 1), "a" * 3_000):
        answer = world.asks(devices.create_virtual_mfa_device, VirtualMFADeviceName=name, Path=path)
        if 0 < len(name) <= most:
            assert len(answer.device.serial_number) == devices.LONGEST_SERIAL
        else:
            assert refused(answer, Reason.VALIDATION_ERROR)
            assert answer.message.endswith(f"Member must have length less than or equal to {most}")


def test_a_device_is_not_made_twice_at_one_place():
    text = "MFA device already exists."
    world = World(PHONE)
    answer = world.asks(devices.create_virtual_mfa_device, VirtualMFADeviceName="PHONE")
    assert refused(answer, Reason.ENTITY_ALREADY_EXISTS, text)
    assert world.asks(devices.create_virtual_mfa_device, VirtualMFADeviceName="phone", Path="/other/").device


@pytest.mark.parametrize(
    ("what", "wanted", "reason", "text"),
    [
        (devices.delete_virtual_mfa_device, {}, Reason.NO_SUCH_ENTITY, None),
        (devices.tag_mfa_device, {"Tags": [TEAM]}, Reason.NO_SUCH_ENTITY, None),
        (devices.untag_mfa_device, {"TagKeys": ["x"]}, Reason.NO_SUCH_ENTITY, None),
        (devices.list_mfa_device_tags, {}, Reason.NO_SUCH_ENTITY, None),
        (mfa.enable_mfa_device, {"UserName": "Ann", **CODES}, Reason.NO_SUCH_ENTITY, None),
        (mfa.resync_mfa_device, {"UserName": "Ann", **CODES}, Reason.NO_SUCH_ENTITY, None),
        (mfa.deactivate_mfa_device, {}, Reason.NO_SUCH_ENTITY, None),
        (mfa.get_mfa_device, {}, Reason.NO_SUCH_ENTITY, None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize(
    "serial",
    [
        SERIAL,
        f"{IAM}:mfa/PHONE",
        "123456789",
        f"{IAM}:user/phone",
        SERIAL.replace("aws", "zz"),
        SERIAL.replace("::", ":x:"),
    ],
)
def test_a_device_that_is_not_there_is_not_found(what, wanted, reason, text, serial):
    given = () if serial == SERIAL else (PHONE, ANNS_PHONE)
    text = text or f"MFA Device with serial number {serial} does not exist."
    assert refused(World(*given).asks(what, SerialNumber=serial, **wanted), reason, text)


def test_a_device_of_another_account_cannot_be_named():
    other = authority.AccountCreated(account="444455556666", name="Other")
    theirs = facts_of.MfaDeviceCreated(account="444455556666", device_id="AMFAX", name="phone", path="/")
    world = World(other, theirs)
    serial = "arn:aws:iam::444455556666:mfa/phone"
    assert refused(world.asks(devices.delete_virtual_mfa_device, SerialNumber=serial), Reason.ACCESS_DENIED)
    assert refused(enables(world, Compared("AMFAX", NOW), serial=serial).answer, Reason.NO_SUCH_ENTITY)


def test_a_device_that_is_somebodys_is_not_deleted_and_one_that_is_nobodys_is():
    world = World(PHONE, ANNS_PHONE)
    answer = world.asks(devices.delete_virtual_mfa_device, SerialNumber=SERIAL)
    assert refused(answer, Reason.DELETE_CONFLICT, "Cannot delete entity, must deactivate MFA device first.")
    world.asks(mfa.deactivate_mfa_device, SerialNumber=SERIAL)
    decision = world.decide(devices.delete_virtual_mfa_device, {"SerialNumber": SERIAL})
    assert decision.dropped == ("AMFAPHONE",)
    assert world.asks(devices.list_virtual_mfa_devices).devices == ()
    assert from_canonical(canonical(world.state)) == world.state


def test_devices_are_listed_by_whose_they_are():
    tablet = facts_of.MfaDeviceCreated(account=ACCOUNT, device_id="AMFATABLET", name="tablet", path="/")
    world = World(PHONE, ANNS_PHONE, tablet)

    def serials(**wanted):
        return [one.serial_number for one in world.asks(devices.list_virtual_mfa_devices, **wanted).devices]

    assert serials() == serials(AssignmentStatus="Any") == [SERIAL, f"{IAM}:mfa/tablet"]
    assert serials(AssignmentStatus="Assigned") == [SERIAL]
    assert serials(AssignmentStatus="Unassigned") == [f"{IAM}:mfa/tablet"]
    first = world.asks(devices.list_virtual_mfa_devices, MaxItems=1)
    assert (first.devices[0].user.user_name, first.devices[0].enable_date) == ("Ann", AT)
    assert world.asks(devices.list_virtual_mfa_devices, Marker=first.marker).devices[0].user is None


def test_case_counts_in_the_tags_of_a_device():
    world, serial = World(PHONE), {"SerialNumber": SERIAL}
    world.asks(devices.tag_mfa_device, **serial, Tags=[TEAM, {"Key": "Team", "Value": "blue"}])
    world.asks(devices.untag_mfa_device, **serial, TagKeys=["TEAM", "team"])
    assert world.asks(devices.list_mfa_device_tags, **serial).tags == (Tag("Team", "blue"),)
    twice = world.asks(devices.tag_mfa_device, **serial, Tags=[TEAM, TEAM])
    assert refused(twice, Reason.INVALID_INPUT)
    born = world.asks(devices.create_virtual_mfa_device, VirtualMFADeviceName="new", Tags=[TEAM, TEAM])
    assert refused(born, Reason.INVALID_INPUT)


# --- whose they are --------------------------------------------------------------------------


def test_two_codes_in_a_row_make_a_device_somebodys():
    world = World(PHONE)
    decision = enables(world, gathered(world, NOW - 1, NOW))
    assert decision.once == (f"totp:AMFAPHONE:{NOW - 1}", f"totp:AMFAPHONE:{NOW}")
    (listed,) = world.asks(mfa.list_mfa_devices).devices
    assert (listed.user_name, listed.serial_number, listed.enable_date) == ("Ann", SERIAL, AT)
    shown = world.asks(mfa.get_mfa_device, SerialNumber=SERIAL, UserName="Ann")
    assert (shown.user_name, shown.serial_number, shown.enable_date) == ("Ann", SERIAL, AT)
    assert world.asks(mfa.list_mfa_devices, UserName="Dan").devices == ()


# F08: the order and the sameness of the two codes.
@pytest.mark.parametrize(("first", "second"), [(NOW, NOW - 1), (NOW, NOW), (NOW - 2, NOW), (NOW + 40, NOW + 41)])
def test_two_codes_that_are_not_in_a_row_are_wrong_and_counted(first, second):
    world = World(PHONE)
    decision = enables(world, gathered(world, first, second))
    assert refused(decision.answer, Reason.INVALID_AUTHENTICATION_CODE, CODE_REFUSED)
    assert decision.facts == (facts_of.MfaAttemptFailed(account=ACCOUNT, device_id="AMFAPHONE"),)
    assert decision.once == ()


@pytest.mark.parametrize("brought", [None, Compared("AMFAFORMER", NOW)])
def test_codes_of_a_device_that_was_made_anew_meanwhile_do_not_count(brought):
    assert refused(enables(World(PHONE), brought).answer, Reason.CONCURRENT_MODIFICATION)


def test_a_device_has_one_user():
    world = World(PHONE, ANNS_PHONE)
    text = "MFA Device is already in use."
    assert refused(enables(world, gathered(world, NOW - 1, NOW), user="Dan").answer, Reason.ENTITY_ALREADY_EXISTS, text)


def test_a_user_who_is_not_there_gets_no_device():
    world = World(PHONE)
    text = "The user with name Nobody cannot be found."
    pair = gathered(world, NOW - 1, NOW)
    assert refused(enables(world, pair, user="Nobody").answer, Reason.NO_SUCH_ENTITY, text)
    wanted = {"UserName": "Nobody", "SerialNumber": SERIAL}
    assert refused(world.asks(mfa.resync_mfa_device, **wanted, **CODES), Reason.NO_SUCH_ENTITY, text)
    assert refused(world.asks(mfa.deactivate_mfa_device, **wanted), Reason.NO_SUCH_ENTITY, text)
    assert refused(world.asks(mfa.list_mfa_devices, UserName="Nobody"), Reason.NO_SUCH_ENTITY, text)


def test_nobody_has_more_than_eight_devices():
    many = [
        fact
        for number in range(8)
        for fact in (
            facts_of.MfaDeviceCreated(account=ACCOUNT, device_id=f"AMFA{number}", name=f"d{number}", path="/"),
            facts_of.MfaDeviceEnabled(account=ACCOUNT, device_id=f"AMFA{number}", owner=DAN, counter=1),
        )
    ]
    world = World(PHONE, *many)
    text = "Cannot exceed quota for MfaDevicesPerUser: 8"
    assert refused(enables(world, gathered(world, NOW - 1, NOW), user="Dan").answer, Reason.LIMIT_EXCEEDED, text)


TABLET = (
    facts_of.MfaDeviceCreated(account=ACCOUNT, device_id="AMFATABLET", name="tablet", path="/"),
    facts_of.MfaDeviceEnabled(account=ACCOUNT, device_id="AMFATABLET", owner=ANN, counter=1),
)


# T05: a stolen key must not bring a device of its own.
@pytest.mark.parametrize(
    ("user", "who", "given", "allowed"),
    [
        pytest.param("Ann", ANNS, TABLET, False, id="a second one for himself, with a long-term key"),
        pytest.param("Ann", user_session(ANN, mfa=True), TABLET, True, id="a second one, with a session by MFA"),
        pytest.param("Ann", ANNS, (), True, id="a first one for himself"),
        pytest.param("Ann", SESSIONS, TABLET, True, id="a second one for another, by a role"),
        pytest.param("Dan", ANNS, TABLET, True, id="a first one for another"),
        pytest.param(
            "Ann",
            ANNS,
            (
                *TABLET,
                authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), mfa_guards_enrolment=False)),
            ),
            True,
            id="a second one for himself, where the operator lets it pass",
        ),
    ],
)
def test_who_has_a_device_enrols_another_only_by_mfa(user, who, given, allowed):
    world = World(PHONE, *given)
    decision = enables(world, gathered(world, NOW - 1, NOW), user=user, who=who)
    assert bool(decision.once) is allowed
    assert allowed or refused(decision.answer, Reason.ACCESS_DENIED)


def test_a_device_in_use_keeps_its_user_from_being_deleted():
    gone = principals.AccessKeyDeleted(account=ACCOUNT, access_key_id=DANS.access_key_id)
    dans = facts_of.MfaDeviceEnabled(account=ACCOUNT, device_id="AMFAPHONE", owner=DAN, counter=1)
    answer = World(PHONE, dans, gone).asks(users.delete_user, UserName="Dan")
    assert refused(answer, Reason.DELETE_CONFLICT, "Cannot delete entity, must delete MFA device first.")


def test_a_session_and_the_root_have_no_devices():
    world = World(PHONE, ANNS_PHONE)
    assert world.asks(mfa.list_mfa_devices, who=ROOTS).devices == ()
    assert refused(world.asks(mfa.list_mfa_devices, who=SESSIONS), Reason.VALIDATION_ERROR)
    assert refused(world.asks(mfa.deactivate_mfa_device, who=ROOTS, SerialNumber=SERIAL), Reason.NO_SUCH_ENTITY)


# --- codes -----------------------------------------------------------------------------------


def test_a_right_code_counts_once():
    world = World(PHONE, ANNS_PHONE)
    judged = signs_in(world, gathered(world, NOW))
    assert (judged.refusal, judged.mfa_at, judged.once) == (None, AT, (f"totp:AMFAPHONE:{NOW}",))
    again = signs_in(world, gathered(world, NOW))
    assert (again.refusal, again.once, again.facts) == (WRONG_CODE, (), ())


# F01: what is claimed by another worker counts as used, though the state does not know it yet.
def test_a_code_that_another_worker_claimed_does_not_count():
    world = World(PHONE, ANNS_PHONE)
    judged = signs_in(world, gathered(world, NOW), claimed={f"totp:AMFAPHONE:{NOW}"})
    assert (judged.refusal, judged.facts) == (WRONG_CODE, ())


# F07: each counter once, and never back in time.
def test_no_code_is_accepted_from_before_the_last_one():
    world = World(PHONE, ANNS_PHONE)
    assert signs_in(world, gathered(world, NOW + 1)).refusal is None
    assert signs_in(world, gathered(world, NOW)).refusal == WRONG_CODE


def test_codes_that_enabled_a_device_do_not_sign_in():
    world = World(PHONE)
    enables(world, gathered(world, NOW - 1, NOW))
    assert signs_in(world, gathered(world, NOW)).refusal == WRONG_CODE
    assert signs_in(world, gathered(world, NOW + 1)).refusal is None


def test_codes_that_were_used_stay_used_when_the_device_changes_hands():
    world = World(PHONE, ANNS_PHONE)
    signs_in(world, gathered(world, NOW))
    world.asks(mfa.deactivate_mfa_device, SerialNumber=SERIAL)
    pair = gathered(world, NOW, NOW + 1)
    assert refused(enables(world, pair, user="Dan").answer, Reason.INVALID_AUTHENTICATION_CODE)
    later = gathered(world, NOW + 1, NOW + 2)
    assert enables(world, later, user="Dan").once


@pytest.mark.parametrize(
    ("who", "serial"),
    [
        pytest.param(DANS, SERIAL, id="another's device"),
        pytest.param(ANNS, f"{IAM}:mfa/nothing", id="no device"),
        pytest.param(ANNS, SERIAL.replace("aws", "zz"), id="a device of another partition"),
        pytest.param(SESSIONS, SERIAL, id="a session"),
        pytest.param(ROOTS, SERIAL, id="the root"),
    ],
)
def test_who_names_anothers_device_learns_nothing_and_does_it_no_harm(who, serial):
    world = World(PHONE, ANNS_PHONE)
    for brought in (gathered(world, NOW), WRONG):
        assert signs_in(world, brought, who=who, serial=serial) == Judged(NOT_HIS)


@pytest.mark.parametrize(("serial", "code"), [(SERIAL, ""), ("", "123456")])
def test_a_serial_number_and_a_code_come_together(serial, code):
    world = World(PHONE, ANNS_PHONE)
    caller = caller_of(world.state, ANNS, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    facts = Facts(AT, b"")
    judged = judge_mfa(world.state, caller, serial=serial, code=code, gathered=gathered(world, NOW), facts=facts)
    assert judged == Judged(BOTH_NEEDED)
    assert judge_mfa(world.state, caller, serial="", code="", gathered=None, facts=facts) == Judged()


# F03, F04: five wrong guesses lock; the lock doubles, and is part of the log.
def test_guessing_locks_a_device_for_a_time_that_doubles():
    world = World(PHONE, ANNS_PHONE)
    for lock in (0, 0, 0, 0, 1, 2, 4, 8):
        judged = signs_in(world, WRONG)
        assert (judged.refusal, len(judged.facts)) == (WRONG_CODE, 1)
        if lock:
            world.now += timedelta(minutes=lock, seconds=-1)
            locked = signs_in(world, gathered(world, counter_at(world.now)))
            assert locked == Judged(WRONG_CODE), "a right code is not told from a wrong one"
            world.state = from_canonical(canonical(world.state))
            world.now += timedelta(seconds=1)
    assert signs_in(world, gathered(world, counter_at(world.now))).refusal is None
    for _ in range(4):
        signs_in(world, WRONG)
    assert signs_in(world, gathered(world, counter_at(world.now) + 1)).refusal is None


def test_t18_a_guess_every_minute_is_looked_at_a_few_times_a_day():
    world = World(PHONE, ANNS_PHONE)
    looked_at = 0
    for _ in range(24 * 60):
        looked_at += len(signs_in(world, WRONG).facts)
        world.now += timedelta(minutes=1)
    assert looked_at == 5 + 10  # locked for 1, 2, 4 ... 512 minutes; the next guess would be tomorrow's


def test_no_lock_is_longer_than_a_day():
    world = World(PHONE, ANNS_PHONE, *[facts_of.MfaAttemptFailed(account=ACCOUNT, device_id="AMFAPHONE")] * 100)
    world.now += timedelta(days=1, seconds=-1)
    assert signs_in(world, gathered(world, counter_at(world.now))).refusal == WRONG_CODE
    world.now += timedelta(seconds=1)
    assert signs_in(world, gathered(world, counter_at(world.now))).refusal is None


def test_a_locked_device_is_not_enabled_either():
    world = World(PHONE, *[facts_of.MfaAttemptFailed(account=ACCOUNT, device_id="AMFAPHONE")] * 5)
    decision = enables(world, gathered(world, NOW - 1, NOW))
    assert refused(decision.answer, Reason.INVALID_AUTHENTICATION_CODE, CODE_REFUSED)
    assert decision.facts == ()
    world.now += timedelta(minutes=1)
    assert enables(world, gathered(world, NOW + 1, NOW + 2)).once


def test_a_device_that_goes_wrong_is_set_right_by_two_codes():
    world = World(PHONE, ANNS_PHONE)
    ahead = counter_at(AT) + 12
    assert gathered(world, ahead).counter is None
    wanted = {"UserName": "Ann", "SerialNumber": SERIAL, **CODES}
    decision = world.decide(mfa.resync_mfa_device, wanted, gathered=gathered(world, ahead - 1, ahead))
    assert decision.once == (f"totp:AMFAPHONE:{ahead - 1}", f"totp:AMFAPHONE:{ahead}")
    assert signs_in(world, gathered(world, ahead)).refusal == WRONG_CODE
    assert signs_in(world, gathered(world, ahead + 1)).refusal is None
    wrong = world.decide(mfa.resync_mfa_device, wanted, gathered=WRONG)
    assert refused(wrong.answer, Reason.INVALID_AUTHENTICATION_CODE, CODE_REFUSED)
    assert len(wrong.facts) == 1


def test_codes_that_people_took_their_time_to_type_are_no_clock_that_goes_wrong():
    world = World(PHONE)
    enables(world, gathered(world, NOW - 2, NOW - 1))
    assert world.account.mfa_devices["AMFAPHONE"].drift == 0


# --- authorisation ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "wanted", "resource"),
    [
        (devices.create_virtual_mfa_device, {"VirtualMFADeviceName": "new", "Path": "/a/"}, "mfa/a/new"),
        (devices.delete_virtual_mfa_device, {"SerialNumber": SERIAL}, "mfa/phone"),
        (devices.list_virtual_mfa_devices, {}, "mfa/"),
        (devices.tag_mfa_device, {"SerialNumber": SERIAL, "Tags": [TEAM]}, "mfa/phone"),
        (devices.untag_mfa_device, {"SerialNumber": SERIAL, "TagKeys": ["a"]}, "mfa/phone"),
        (devices.list_mfa_device_tags, {"SerialNumber": SERIAL}, "mfa/phone"),
        (mfa.enable_mfa_device, {"UserName": "Dan", "SerialNumber": SERIAL, **CODES}, "user/Dan"),
        (mfa.resync_mfa_device, {"UserName": "Dan", "SerialNumber": SERIAL, **CODES}, "user/Dan"),
        (mfa.deactivate_mfa_device, {"SerialNumber": SERIAL}, "user/Dan"),
        (mfa.get_mfa_device, {"SerialNumber": SERIAL}, "user/Dan"),
        (mfa.list_mfa_devices, {}, "user/Dan"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_a_delegate_needs(what, wanted, resource):
    def decided(*may):
        world = World(PHONE, dan_may(*may))
        return world.decide(what, wanted, who=DANS, gathered=gathered(world, NOW - 1, NOW)).weighed[0]

    statement = {"Action": what.name, "Resource": f"{IAM}:{resource}"}
    assert decided(statement).verdict.allowed
    assert decided(statement).question.resource == f"{IAM}:{resource}"
    assert not decided({"Action": what.name, "Resource": f"{IAM}:role/other"}).verdict.allowed


def test_a_device_born_with_tags_needs_the_permission_to_tag_it():
    wanted = {"VirtualMFADeviceName": "new", "Tags": [TEAM]}
    create = {"Action": "iam:CreateVirtualMFADevice", "Resource": "*"}
    tag = {"Action": "iam:TagMFADevice", "Resource": f"{IAM}:mfa/new"}
    assert World(dan_may(create, tag)).asks(devices.create_virtual_mfa_device, who=DANS, **wanted).device
    answer = World(dan_may(create)).asks(devices.create_virtual_mfa_device, who=DANS, **wanted)
    assert refused(answer, Reason.ACCESS_DENIED)


def test_the_tags_of_a_device_are_conditions():
    red = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    may = dan_may({"Action": "iam:DeleteVirtualMFADevice", "Resource": "*", "Condition": red})
    tagged = facts_of.MfaDeviceTagged(account=ACCOUNT, device_id="AMFAPHONE", tags=(Tag("team", "red"),))
    wanted = {"SerialNumber": SERIAL}
    assert refused(World(PHONE, may).asks(devices.delete_virtual_mfa_device, who=DANS, **wanted), Reason.ACCESS_DENIED)
    assert World(PHONE, may, tagged).decide(devices.delete_virtual_mfa_device, wanted, who=DANS).facts
