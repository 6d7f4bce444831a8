"""The root key: no default, no example, no file that others can read (RustFS GHSA-r5qv shipped one for everybody)."""

from __future__ import annotations

import base64
import os
import stat

import pytest

from authority.kernel.secret import Secret
from authority.outbound.entropy import SystemEntropy
from authority.outbound.root_key import RootKeyRefused, create_root_key, load_root_key

DRAWN = bytes.fromhex("8f0a5c33e1b7d94206f87a1bce2590641dfb83a6724ee8c90d51ba37f46c9e12")
SPELLED = base64.b64encode(DRAWN)


def kept(path, content=SPELLED, mode=0o400):
    path.write_bytes(content)
    path.chmod(mode)
    return path


class Drawing:
    """Entropy that is known beforehand."""

    def __init__(self, drawn):
        self.drawn = drawn

    def draw(self, count):
        return self.drawn[:count]


def test_a_key_that_was_created_is_the_key_that_is_loaded(tmp_path):
    path = tmp_path / "new" / "root.key"
    created = create_root_key(path, SystemEntropy())
    assert load_root_key(path, None) == created
    assert len(created.reveal()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_keys_are_never_the_same(tmp_path):
    assert create_root_key(tmp_path / "a", SystemEntropy()) != create_root_key(tmp_path / "b", SystemEntropy())


@pytest.mark.parametrize("umask", [0o000, 0o777], ids=["open", "closed"])
def test_the_mode_does_not_depend_on_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        create_root_key(tmp_path / "root.key", SystemEntropy())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "root.key").stat().st_mode) == 0o400


def test_a_key_is_never_overwritten(tmp_path):
    path = kept(tmp_path / "root.key", mode=0o600)
    with pytest.raises(RootKeyRefused, match="never overwritten"):
        create_root_key(path, SystemEntropy())
    assert path.read_bytes() == SPELLED


def test_a_key_is_not_written_through_a_link(tmp_path):
    (tmp_path / "root.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RootKeyRefused):
        create_root_key(tmp_path / "root.key", SystemEntropy())
    assert not (tmp_path / "elsewhere").exists()


def test_entropy_that_fails_makes_no_key(tmp_path):
    with pytest.raises(RootKeyRefused):
        create_root_key(tmp_path / "root.key", Drawing(bytes(32)))
    assert not (tmp_path / "root.key").exists()


@pytest.mark.parametrize("mode", [0o400, 0o600], ids=oct)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_that_is_ours_alone_is_read(tmp_path, mode, end):
    assert load_root_key(kept(tmp_path / "root.key", SPELLED + end, mode), None).reveal() == DRAWN


def test_a_file_may_be_reached_through_a_link(tmp_path):
    kept(tmp_path / "mounted")
    (tmp_path / "root.key").symlink_to(tmp_path / "mounted")
    assert load_root_key(tmp_path / "root.key", None).reveal() == DRAWN


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o604, 0o640, 0o620, 0o602, 0o644, 0o666, 0o700, 0o777], ids=oct)
def test_a_file_that_others_can_reach_is_refused(tmp_path, mode):
    with pytest.raises(RootKeyRefused, match="chmod it to 0400"):
        load_root_key(kept(tmp_path / "root.key", mode=mode), None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path):
    os.chown(kept(tmp_path / "root.key"), 12_345, 12_345)
    with pytest.raises(RootKeyRefused, match="belongs to another user"):
        load_root_key(tmp_path / "root.key", None)


def test_no_file_is_no_key(tmp_path):
    with pytest.raises(RootKeyRefused, match="authority init"):
        load_root_key(tmp_path / "root.key", None)


def test_a_folder_is_no_key(tmp_path):
    with pytest.raises(RootKeyRefused, match="is not a file"):
        load_root_key(tmp_path, None)


def test_a_key_cannot_lie_below_a_file(tmp_path):
    path = kept(tmp_path / "file") / "root.key"
    with pytest.raises(RootKeyRefused, match="cannot be read: Not a directory"):
        load_root_key(path, None)
    with pytest.raises(RootKeyRefused, match="cannot be written"):
        create_root_key(path, SystemEntropy())


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "root.key", 0o400)
    with pytest.raises(RootKeyRefused, match="is not a file"):
        load_root_key(tmp_path / "root.key", None)


def test_the_environment_goes_before_the_file(tmp_path):
    other = base64.b64encode(DRAWN[::-1])
    assert load_root_key(kept(tmp_path / "root.key"), Secret(other)).reveal() == DRAWN[::-1]


def test_a_bad_value_in_the_environment_is_not_made_up_for_by_the_file(tmp_path):
    with pytest.raises(RootKeyRefused):
        load_root_key(kept(tmp_path / "root.key"), Secret(""))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(bytes(32), id="zeros"),
        pytest.param(b"\xff" * 32, id="ones"),
        pytest.param(bytes(range(32)), id="counting up"),
        pytest.param(bytes(range(255, 223, -1)), id="counting down"),
        pytest.param(bytes(range(0, 256, 8)), id="counting in steps"),
        pytest.param(b"myminioencryptionkeychangeme1234", id="the example of a manual"),
        pytest.param(b"0123456789abcdef" * 2, id="hexadecimal digits"),
        pytest.param(b"correct horse battery staple 123", id="words"),
        pytest.param(DRAWN[:16] * 2, id="half a key twice"),
        pytest.param(DRAWN[:8] * 4, id="a quarter four times"),
        pytest.param(DRAWN[:10] + bytes(22), id="mostly zeros"),
    ],
)
def test_a_key_that_was_not_drawn_is_refused(tmp_path, key):
    spelled = base64.b64encode(key)
    for attempt in (
        lambda: load_root_key(tmp_path, Secret(spelled)),
        lambda: load_root_key(kept(tmp_path / "k", spelled), None),
    ):
        with pytest.raises(RootKeyRefused, match="is an example, not a key"):
            attempt()


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="a line end"),
        pytest.param(SPELLED[:-4], id="cut"),
        pytest.param(SPELLED.rstrip(b"="), id="without padding"),
        pytest.param(SPELLED + SPELLED, id="twice"),
        pytest.param(SPELLED[:20] + b"\n" + SPELLED[20:], id="broken in two lines"),
        pytest.param(SPELLED[:-2] + b"J=", id="bits that are not read"),
        pytest.param(base64.b64encode(DRAWN[:16]), id="16 bytes"),
        pytest.param(base64.b64encode(DRAWN + b"x"), id="33 bytes"),
        pytest.param(DRAWN.hex().encode(), id="hexadecimal"),
        pytest.param(DRAWN, id="raw bytes"),
        pytest.param("é".encode() * 22, id="other letters"),
    ],
)
def test_a_key_spelled_otherwise_is_refused_and_not_repeated(tmp_path, spelled):
    for attempt in (
        lambda: load_root_key(tmp_path, Secret(spelled)),
        lambda: load_root_key(kept(tmp_path / "k", spelled), None),
    ):
        with pytest.raises(RootKeyRefused, match="is not 32 bytes in base64") as refused:
            attempt()
        told = str(refused.value)
        assert refused.value.__cause__ is None
        assert not spelled.strip() or spelled.strip().decode("latin-1") not in told
