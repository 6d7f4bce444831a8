"""Key custody: what is sealed opens as what it was sealed as, or not at all."""

from __future__ import annotations

import base64
import itertools
import string
import traceback
import tracemalloc
import zlib

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from authority.kernel.custody import KeyNotHeld, SealBroken, TokenRefused
from authority.kernel.ids import SealingKeyId
from authority.kernel.secret import Secret
from authority.outbound import custody as module
from authority.outbound.custody import MAX_CONTENT, MAX_TOKEN, Custody
from authority.outbound.entropy import SystemEntropy

ROOT = bytes.fromhex("8f0a5c33e1b7d94206f87a1bce2590641dfb83a6724ee8c90d51ba37f46c9e12")
DAILY = bytes.fromhex("4ad1f07be8263c915d3ea78402cb96f5b017d2698c44ef1a735be09d26c8fa31")
TODAY = SealingKeyId("k2026a7x")
TOMORROW = SealingKeyId("k2026b31")
ALICE = "ASIAAAAAAAAAAAAAAAAA"
BOB = "ASIABBBBBBBBBBBBBBBB"
CONTENT = b'{"session":"s-1","role":"AROAEXAMPLE"}'
BASE64 = string.ascii_letters + string.digits + "+/="


def custodian(root=ROOT):
    custody = Custody(Secret(root), SystemEntropy())
    custody.hold(TODAY, Secret(DAILY))
    custody.hold(TOMORROW, Secret(DAILY[::-1]))
    return custody


CUSTODY = custodian()


# --- the vault ---------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_what_was_sealed_is_unsealed(secret):
    sealed = CUSTODY.seal("row-1", "access-key", Secret(secret))
    assert custodian().unseal("row-1", "access-key", sealed) == Secret(secret)


def test_a_sealed_row_does_not_hold_the_secret_and_is_never_the_same_twice():
    secret = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    rows = [CUSTODY.seal("row-1", "access-key", Secret(secret)) for _ in range(50)]
    assert len(set(rows)) == 50
    assert not any(secret in row for row in rows)


@pytest.mark.parametrize(
    ("row", "purpose"),
    [
        pytest.param("row-2", "access-key", id="another row"),
        pytest.param("row-1", "totp-seed", id="another purpose"),
        pytest.param("", "access-key", id="no row"),
        pytest.param("1", "access-key-row", id="the bar between them moved"),
        pytest.param("access-key|row-1", "access-key", id="the bar inside the row's name"),
    ],
)
def test_rows_cannot_be_exchanged(row, purpose):
    sealed = CUSTODY.seal("row-1", "access-key", Secret(b"secret"))
    with pytest.raises(SealBroken):
        CUSTODY.unseal(row, purpose, sealed)


def test_the_purpose_is_bound_by_the_key_as_well():
    """Either the key or what is sealed with it would do; the key still holds when somebody changes the other."""
    sealed = CUSTODY.seal("row-1", "access-key", Secret(b"secret"))
    assert CUSTODY._sealer("access-key").decrypt(sealed[1:13], sealed[13:], b"vault|v1|access-key|row-1") == b"secret"
    with pytest.raises(InvalidTag):
        CUSTODY._sealer("totp-seed").decrypt(sealed[1:13], sealed[13:], b"vault|v1|access-key|row-1")


def test_another_root_key_opens_nothing():
    sealed = CUSTODY.seal("row-1", "access-key", Secret(b"secret"))
    with pytest.raises(SealBroken):
        custodian(ROOT[::-1]).unseal("row-1", "access-key", sealed)


@given(st.integers(0, 44), st.integers(1, 255))
def test_a_row_with_any_byte_changed_is_refused(at, change):
    sealed = bytearray(CUSTODY.seal("row-1", "access-key", Secret(b"0123456789abcdef")))
    assert len(sealed) == 45
    sealed[at] ^= change
    with pytest.raises(SealBroken):
        CUSTODY.unseal("row-1", "access-key", bytes(sealed))


@given(st.data())
def test_a_row_that_was_cut_or_lengthened_is_refused(data):
    sealed = CUSTODY.seal("row-1", "access-key", Secret(b"0123456789abcdef"))
    cut = data.draw(
        st.integers(0, len(sealed) - 1).map(lambda end: sealed[:end])
        | st.binary(min_size=1, max_size=40).map(sealed.__add__)
    )
    with pytest.raises(SealBroken):
        CUSTODY.unseal("row-1", "access-key", cut)


@pytest.mark.parametrize("purpose", ["", "Access", "a|b", "a b", "-a", "a-", "a--b", "é"])
def test_a_purpose_is_words_with_hyphens(purpose):
    with pytest.raises(ValueError, match="purpose"):
        CUSTODY.seal("row", purpose, Secret(b""))


# --- temporary secrets -------------------------------------------------------------------


def test_a_temporary_secret_has_the_form_of_every_secret_key():
    secret = CUSTODY.temporary_secret(TODAY, ALICE).reveal().decode()
    assert len(secret) == 40
    assert "=" not in secret
    assert len(base64.b64decode(secret, validate=True)) == 30


def test_a_temporary_secret_is_the_same_each_time_on_every_node():
    assert CUSTODY.temporary_secret(TODAY, ALICE) == custodian().temporary_secret(TODAY, ALICE)
    # The root key seals the daily key and no more: nodes that rotate it at different moments still agree.
    assert CUSTODY.temporary_secret(TODAY, ALICE) == custodian(ROOT[::-1]).temporary_secret(TODAY, ALICE)


def test_a_temporary_secret_is_what_it_was_in_every_release_before():
    assert CUSTODY.temporary_secret(TODAY, ALICE) == Secret("WAyw4SNbBR3Y35HJP9l0NJQLva1V0yudORtNS3vx")
    assert CUSTODY.temporary_secret(TODAY, BOB) == Secret("xJ8jsPw8T80KqxwdOHkOi4wG9ltm7AUB9I5ciu3D")


def test_a_temporary_secret_depends_on_the_key_and_the_id():
    pairs = itertools.product((TODAY, TOMORROW), (ALICE, BOB))
    assert len({CUSTODY.temporary_secret(*pair).reveal() for pair in pairs}) == 4


def test_the_secret_cannot_be_worked_out_from_the_token():
    """SeaweedFS PR 11383: what a token carries must not be what the secret is derived from."""
    token = CUSTODY.seal_token(TODAY, ALICE, CONTENT)
    secret = CUSTODY.temporary_secret(TODAY, ALICE)
    raw = base64.b64decode(token)
    for material in (raw, token.encode(), raw[: len(TODAY) + 2], raw[-16:], CONTENT, b""):
        derived = module.digest(material, ALICE.encode(), "sha256")
        assert Secret(base64.b64encode(derived[:30])) != secret
    assert module._subkey(Secret(DAILY), "sts-secret") != module._subkey(Secret(DAILY), "sts-token")


# --- session tokens ----------------------------------------------------------------------


@given(st.binary(max_size=3_000), st.sampled_from([TODAY, TOMORROW]))
def test_a_token_opens_beside_its_access_key_id(content, key_id):
    token = CUSTODY.seal_token(key_id, ALICE, content)
    assert custodian().open_token(token, ALICE) == (key_id, content)


@pytest.mark.parametrize(
    "content", [b"a" * MAX_CONTENT, b"", SystemEntropy().draw(5_000)], ids=["the longest", "empty", "random"]
)
def test_every_length_up_to_the_bound_comes_back(content):
    assert CUSTODY.open_token(CUSTODY.seal_token(TODAY, ALICE, content), ALICE) == (TODAY, content)


def test_text_is_compressed_and_noise_is_not_lengthened():
    text, noise = b'{"Effect":"Allow","Action":"s3:GetObject"}' * 40, SystemEntropy().draw(900)
    assert len(CUSTODY.seal_token(TODAY, ALICE, text)) < len(text) // 4
    frame = 2 + len(TODAY) + 12 + 1 + 16
    assert len(base64.b64decode(CUSTODY.seal_token(TODAY, ALICE, noise))) == frame + len(noise)


def test_a_token_is_never_the_same_twice_and_shows_nothing_but_its_key():
    tokens = [CUSTODY.seal_token(TODAY, ALICE, CONTENT) for _ in range(50)]
    assert len(set(tokens)) == 50
    for token in tokens:
        raw = base64.b64decode(token)
        assert raw.startswith(bytes((1, len(TODAY))) + TODAY.encode())
        assert b"AROAEXAMPLE" not in raw
        assert ALICE.encode() not in raw


def refused(token, access_key_id=ALICE, by=CUSTODY):
    with pytest.raises(TokenRefused) as refusal:
        by.open_token(token, access_key_id)
    assert not refusal.value.args
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return True


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data):
    token = CUSTODY.seal_token(TODAY, ALICE, CONTENT)
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.sampled_from(BASE64)) + token[at + 1 :]
    assume(changed != token)
    assert refused(changed)


@given(st.data())
def test_a_token_cut_lengthened_or_mixed_with_another_is_refused(data):
    token, other = CUSTODY.seal_token(TODAY, ALICE, CONTENT), CUSTODY.seal_token(TODAY, ALICE, CONTENT)
    at = data.draw(st.integers(0, len(token) - 1))
    more = data.draw(st.text(BASE64 + " \n\té\ud800", min_size=1, max_size=8))
    assert refused(
        data.draw(
            st.sampled_from([token[:at], token[at:][1:], token + more, more + token, token[:at] + more + token[at:]])
        )
    )
    mixed = token[:at] + other[at:]
    assume(mixed not in (token, other))
    assert refused(mixed)


@given(st.data())
def test_a_token_with_any_bit_turned_is_refused(data):
    raw = bytearray(base64.b64decode(CUSTODY.seal_token(TODAY, ALICE, CONTENT)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert refused(base64.b64encode(raw).decode())


@given(
    st.text(max_size=300)
    | st.text(BASE64, max_size=300)
    | st.binary(max_size=300).map(lambda raw: base64.b64encode(b"\x01" + raw).decode())
)
def test_anything_else_is_refused(text):
    assert refused(text)


def spellings(content_length):
    """A token whose length leaves *content_length* mod 3 bytes over, in other spellings of the same bytes."""
    token = CUSTODY.seal_token(TODAY, ALICE, b"\xff" * content_length)
    raw = base64.b64decode(token)
    yield "lines", base64.encodebytes(raw).decode()
    yield "url", token.replace("+", "-").replace("/", "_")
    yield "unpadded", token.rstrip("=")
    yield "overpadded", token + "="
    yield "spaced", f" {token}"
    yield "ended", f"{token}\n"
    yield "escaped", token.replace("=", "%3D")
    if token.endswith("="):
        letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
        body, pad = token.rstrip("="), token[len(token.rstrip("=")) :]
        for extra in range(1, 4):
            yield f"bits {extra}", body[:-1] + letters[letters.index(body[-1]) ^ extra] + pad


@pytest.mark.parametrize("length", range(4, 10))
def test_only_the_canonical_spelling_is_accepted(length):
    token = CUSTODY.seal_token(TODAY, ALICE, b"\xff" * length)
    assert CUSTODY.open_token(token, ALICE)
    for name, spelling in spellings(length):
        if name == "url" and not set("-_") & set(spelling):
            continue
        if name in ("unpadded", "escaped") and len(spelling) % 4 == 0 and "%" not in spelling:
            continue
        assert refused(spelling), name


@pytest.mark.parametrize("other", [BOB, "", ALICE.lower(), ALICE + "A", ALICE + "\0", "é", "\ud800"])
def test_a_token_is_worth_nothing_beside_another_access_key_id(other):
    assert refused(CUSTODY.seal_token(TODAY, ALICE, CONTENT), other)


def test_a_token_that_claims_another_key_is_refused():
    raw = base64.b64decode(CUSTODY.seal_token(TODAY, ALICE, CONTENT))
    assert len(TODAY) == len(TOMORROW)
    assert refused(base64.b64encode(raw.replace(TODAY.encode(), TOMORROW.encode())).decode())


def test_one_key_under_two_names_makes_two_kinds_of_tokens():
    custody = Custody(Secret(ROOT), SystemEntropy())
    custody.hold(TODAY, Secret(DAILY))
    custody.hold(TOMORROW, Secret(DAILY))
    raw = base64.b64decode(custody.seal_token(TODAY, ALICE, CONTENT))
    assert refused(base64.b64encode(raw.replace(TODAY.encode(), TOMORROW.encode())).decode(), by=custody)


def test_a_dropped_key_opens_and_makes_nothing():
    custody = custodian()
    token = custody.seal_token(TODAY, ALICE, CONTENT)
    custody.drop(TODAY)
    custody.drop(TODAY)
    assert refused(token, by=custody)
    with pytest.raises(KeyNotHeld):
        custody.seal_token(TODAY, ALICE, CONTENT)
    with pytest.raises(KeyNotHeld):
        custody.temporary_secret(TODAY, ALICE)
    assert custody.open_token(custody.seal_token(TOMORROW, ALICE, CONTENT), ALICE)
    custody.hold(TODAY, Secret(DAILY))
    assert custody.open_token(token, ALICE) == (TODAY, CONTENT)


def sealed_by_hand(body):
    """A token with *body* under today's own key, as only somebody with a fault in our own code could make it."""
    key = CUSTODY._daily[TODAY]
    nonce = SystemEntropy().draw(12)
    return base64.b64encode(key.header + nonce + key.tokens.encrypt(nonce, body, key.bond + ALICE.encode())).decode()


def deflated(content):
    return zlib.compress(content, wbits=-15)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x01" + deflated(bytes(MAX_CONTENT + 1)), id="one byte too many"),
        pytest.param(b"\x01" + deflated(bytes(5_000_000)), id="a bomb"),
        pytest.param(b"\x01" + deflated(b"cut short")[:-1], id="cut short"),
        pytest.param(b"\x01" + deflated(b"x") + b"more", id="something after the end"),
        pytest.param(b"\x01\xff\xff", id="nothing that was deflated"),
        pytest.param(b"\x02x", id="a packing that we do not know"),
        pytest.param(b"", id="nothing at all"),
    ],
)
def test_even_a_sealed_body_is_opened_with_care(body):
    assert refused(sealed_by_hand(body))
    assert CUSTODY.open_token(sealed_by_hand(b"\x00fine"), ALICE) == (TODAY, b"fine")


def test_what_could_not_be_opened_is_not_made():
    with pytest.raises(ValueError, match="at most"):
        CUSTODY.seal_token(TODAY, ALICE, bytes(MAX_CONTENT + 1))
    with pytest.raises(ValueError, match="at most"):
        CUSTODY.seal_token(TODAY, ALICE, SystemEntropy().draw(MAX_TOKEN))


def test_a_token_longer_than_any_we_make_is_not_looked_at():
    noise = SystemEntropy().draw(MAX_TOKEN * 3 // 4)
    fits = sealed_by_hand(b"\x00" + noise[: -len(TODAY) - 60])
    assert len(fits) <= MAX_TOKEN
    assert CUSTODY.open_token(fits, ALICE)
    assert refused(sealed_by_hand(b"\x00" + noise))


def test_a_bomb_is_not_unpacked():
    bomb = sealed_by_hand(b"\x01" + deflated(bytes(9_000_000)))
    tracemalloc.start()
    try:
        assert refused(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_CONTENT
    finally:
        tracemalloc.stop()


def test_a_row_of_the_vault_is_no_token():
    """One key per purpose: what one door gave opens no other."""
    sealed = CUSTODY.seal(ALICE, "sts-token", Secret(CONTENT))
    assert refused(base64.b64encode(sealed).decode())
    key = AESGCM(module._subkey(Secret(ROOT), "sts-token"))
    token = key.encrypt(bytes(12), b"\x00" + CONTENT, CUSTODY._daily[TODAY].bond + ALICE.encode())
    assert refused(base64.b64encode(CUSTODY._daily[TODAY].header + bytes(12) + token).decode())


# --- keys and what is shown of them ------------------------------------------------------


def test_an_id_never_comes_to_mean_another_key():
    custody = custodian()
    custody.hold(TODAY, Secret(DAILY))
    with pytest.raises(ValueError, match="other bytes"):
        custody.hold(TODAY, Secret(ROOT))


@pytest.mark.parametrize("key_id", ["", "a b", "é", "k" * 33, "a|b"])
def test_the_id_of_a_daily_key_is_short_and_printable(key_id):
    with pytest.raises(ValueError, match="short printable id"):
        CUSTODY.hold(SealingKeyId(key_id), Secret(DAILY))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_keys_have_32_bytes(length):
    with pytest.raises(ValueError, match="32 bytes"):
        Custody(Secret(bytes(length)), SystemEntropy())
    with pytest.raises(ValueError, match="32 bytes"):
        CUSTODY.hold(SealingKeyId("k1"), Secret(bytes(length)))


def test_no_key_and_no_secret_is_ever_shown():
    custody = custodian()
    secret = b"a-secret-that-must-not-be-seen"
    sealed = custody.seal("row-1", "access-key", Secret(secret))
    shown = [
        repr(custody),
        repr(custody._daily),
        str(custody.unseal("row-1", "access-key", sealed)),
        repr(custody.temporary_secret(TODAY, ALICE)),
    ]
    for fault in (
        lambda: custody.unseal("row-2", "access-key", sealed),
        lambda: custody.hold(TODAY, Secret(secret)),
        lambda: custody.hold(TODAY, Secret(ROOT)),
        lambda: custody.open_token(custody.seal_token(TODAY, ALICE, secret), BOB),
        lambda: custody.seal_token(TODAY, ALICE, secret * 10_000),
        lambda: Custody(Secret(secret), SystemEntropy()),
    ):
        try:
            fault()
        except Exception as raised:
            shown += [repr(raised), *traceback.format_exception(raised)]
        else:
            pytest.fail("nothing was raised")
    text = "\n".join(shown)
    derived = custody.temporary_secret(TODAY, ALICE).reveal()
    for hidden in (secret, ROOT, DAILY, derived):
        for form in (repr(hidden)[2:-1], hidden.hex(), base64.b64encode(hidden).decode()):
            assert form not in text
