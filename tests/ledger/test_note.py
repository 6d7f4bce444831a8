"""Notes, checkpoints and who signed them, against published vectors and against every way to spoil one."""

from __future__ import annotations

import base64
import contextlib
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from authority.ledger.note import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    NoteRefused,
    Signature,
    Signer,
    VerifierKey,
    cosigned,
    key_id,
    read_note,
    read_signatures,
    signed_checkpoint,
    verified,
    verified_checkpoint,
)

# The worked example of Go's package golang.org/x/mod/sumdb/note.
PUBLISHED_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
# The examples of C2SP tlog-checkpoint and of C2SP signed-note.
PUBLISHED_CHECKPOINT = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()
WITH_EMPTY_LINES = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()

ORIGIN = "authority.example/log/1"
OURS = Signer(ORIGIN, bytes(32))
OTHER = Signer(ORIGIN, bytes(31) + b"\1")
STATED = Checkpoint(ORIGIN, 3, sha256(b"root").digest())
SPELLED = bytes(signed_checkpoint(STATED, [OURS]))


def test_a_published_note_is_made_byte_for_byte():
    signer = Signer("PeterNeumann", PUBLISHED_SEED)
    note = read_note(PUBLISHED_NOTE)
    assert str(signer.verifier) == PUBLISHED_KEY
    assert note.signatures == (signer.sign(note.text),)
    assert bytes(note) == PUBLISHED_NOTE


def test_a_published_key_verifies_a_published_note():
    key = VerifierKey.parse(PUBLISHED_KEY)
    assert verified(read_note(PUBLISHED_NOTE), [key]) == (key,)


def test_a_published_checkpoint_reads_as_it_says():
    note = read_note(PUBLISHED_CHECKPOINT)
    stated = Checkpoint.unverified(note)
    assert (stated.origin, stated.size) == ("example.com/behind-the-sofa", 20852163)
    assert stated.root.hex().startswith("0ac5186a91863e8e")
    assert stated.text() == note.text
    assert note.signatures[0].key_id.hex() == "033de0ae"


def test_the_last_empty_line_ends_the_text():
    note = read_note(WITH_EMPTY_LINES)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert bytes(note) == WITH_EMPTY_LINES


def test_a_key_id_is_the_hash_that_the_specification_says():
    public = OURS.verifier.public
    assert key_id("name", ED25519, public) == sha256(b"name\n\x01" + public).digest()[:4]
    assert key_id("name", COSIGNATURE, public) != key_id("name", ED25519, public)


def test_a_checkpoint_that_we_signed_is_ours():
    assert verified_checkpoint(SPELLED, ORIGIN, [OURS.verifier]) == STATED


def test_one_known_signature_among_strangers_is_enough():
    both = bytes(signed_checkpoint(STATED, [OTHER, OURS]))
    assert verified_checkpoint(both, ORIGIN, [OURS.verifier]) == STATED
    assert verified(read_note(both), [OURS.verifier, OTHER.verifier]) == (OTHER.verifier, OURS.verifier)


def test_a_wrong_signature_in_a_known_name_spoils_the_note():
    wrong = Signature(ORIGIN, OURS.verifier.id, OTHER.sign(STATED.text()).signed)
    note = signed_checkpoint(STATED, [OTHER])
    spoilt = bytes(type(note)(note.text, (*note.signatures, wrong)))
    with pytest.raises(NoteRefused, match="not over this text"):
        verified(read_note(spoilt), [OURS.verifier, OTHER.verifier])


def test_a_signature_without_anybody_to_trust_counts_for_nothing():
    with pytest.raises(NoteRefused, match="nobody who is trusted"):
        verified(read_note(SPELLED), [])
    with pytest.raises(NoteRefused, match="nobody who is trusted"):
        verified(read_note(SPELLED), [OTHER.verifier])


def test_a_key_under_another_name_is_another_key():
    renamed = VerifierKey("authority.example/log/2", ED25519, OURS.verifier.public)
    with pytest.raises(NoteRefused, match="nobody who is trusted"):
        verified(read_note(SPELLED), [renamed])


def test_a_checkpoint_of_another_log_is_refused():
    with pytest.raises(NoteRefused, match="is of the log"):
        verified_checkpoint(SPELLED, "authority.example/log/2", [OURS.verifier])


def test_a_cosignature_covers_its_time():
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    witness = VerifierKey("witness.example/w1", COSIGNATURE, private.public_key().public_bytes_raw())
    text, moment = STATED.text(), 1_679_315_147
    assert cosigned(text, moment) == b"cosignature/v1\ntime 1679315147\n" + text.encode()
    signed = private.sign(cosigned(text, moment))
    line = Signature(witness.name, witness.id, moment.to_bytes(8, "big") + signed)
    note = signed_checkpoint(STATED, [OURS])
    witnessed = read_note(bytes(note) + f"{line}\n".encode())
    assert verified(witnessed, [OURS.verifier, witness]) == (OURS.verifier, witness)
    assert read_signatures(f"{line}\n".encode()) == (line,)
    later = Signature(witness.name, witness.id, (moment + 1).to_bytes(8, "big") + signed)
    with pytest.raises(NoteRefused):
        verified(read_note(bytes(note) + f"{later}\n".encode()), [OURS.verifier, witness])


@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE])
def test_a_key_reads_as_it_is_spelled(kind):
    key = VerifierKey("authority.example/log/1", kind, OURS.verifier.public)
    assert VerifierKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("PeterNeumann+c74f20a3", id="no key"),
        pytest.param(PUBLISHED_KEY.replace("c74f20a3", "c74f20a4"), id="another id than its own"),
        pytest.param(PUBLISHED_KEY.replace("Peter", "Paul"), id="another name than its id says"),
        pytest.param("two words+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", id="a space in the name"),
        pytest.param(str(VerifierKey("x", 2, bytes(32))), id="another kind of signature"),
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(NoteRefused):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"text\n", id="no signatures"),
        pytest.param(b"\n\xe2\x80\x94 a AAAAAAA=\n", id="no text"),
        pytest.param(SPELLED[:-1], id="the last newline cut off"),
        pytest.param(SPELLED.replace(b"\n\n", b"\r\n\r\n"), id="carriage returns"),
        pytest.param(SPELLED + b"\n", id="an empty line after it"),
        pytest.param(SPELLED.replace("—".encode(), b"-"), id="another dash"),
        pytest.param(SPELLED[:-3] + b"=\n", id="base 64 cut short"),
        pytest.param(b"text\n\n\xe2\x80\x94 a AAAA\n", id="a signature of nothing"),
        pytest.param(b"text\n\n\xe2\x80\x94 a+b AAAAAAA=\n", id="a plus in a name"),
        pytest.param("text\n\n— a\u00a0b AAAAAAA=\n".encode(), id="a no-break space in a name"),
        pytest.param(b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n", id="no UTF-8"),
        pytest.param(b"text\n\n" + "— a AAAAAAA=\n".encode() * 65, id="more signatures than anybody makes"),
        pytest.param(b"x" * 70_000 + b"\n\n\xe2\x80\x94 a AAAAAAA=\n", id="more bytes than are looked at"),
    ],
)
def test_what_is_no_note_is_refused(spelled):
    with pytest.raises(NoteRefused):
        read_note(spelled)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("origin\n1\n", id="no root"),
        pytest.param(f"origin\n01\n{'A' * 43}=\n", id="a leading zero"),
        pytest.param(f"origin\n-1\n{'A' * 43}=\n", id="a size below nothing"),
        pytest.param(f"origin\n١\n{'A' * 43}=\n", id="a digit that is not ASCII"),
        pytest.param(f"\n1\n{'A' * 43}=\n", id="no origin"),
        pytest.param("origin\n1\nAAAA\n", id="a short root"),
        pytest.param(f"origin\n1\n{'A' * 42}B=\n", id="a second spelling of a root"),
        pytest.param(f"origin\n1\n{'A' * 43}=\nmore\n", id="an extension line"),
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    signer = Signer("origin", bytes(32))
    note = read_note(f"{text}\n{signer.sign(text)}\n".encode())
    with pytest.raises(NoteRefused):
        Checkpoint.unverified(note)


@given(st.integers(0, len(SPELLED) - 1), st.integers(1, 255))
def test_no_byte_of_a_checkpoint_can_be_another(at, other):
    spoilt = bytearray(SPELLED)
    spoilt[at] ^= other
    with pytest.raises(NoteRefused):
        verified_checkpoint(bytes(spoilt), ORIGIN, [OURS.verifier])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(spelled):
    with contextlib.suppress(NoteRefused):
        assert bytes(read_note(spelled)) == spelled
