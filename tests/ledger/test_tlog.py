"""The tree, against another one written straight from the definitions, and against published roots."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.ledger import tlog
from authority.ledger.tlog import EMPTY_ROOT, Frontier, ProofRefused, Subtree, check_consistency, check_inclusion

# RFC 6962, section 2.1, word for word: the plainest tree there can be, over the leaves' data.


def largest_power_below(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(data):
    match data:
        case []:
            return sha256().digest()
        case [one]:
            return sha256(b"\0" + one).digest()
    k = largest_power_below(len(data))
    return sha256(b"\1" + mth(data[:k]) + mth(data[k:])).digest()


def path(m, data):
    if len(data) <= 1:
        return []
    k = largest_power_below(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m, data):
    return subproof(m, data, known=True)


def subproof(m, data, *, known):
    if m == len(data):
        return [] if known else [mth(data)]
    k = largest_power_below(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known=known), mth(data[k:])]
    return [*subproof(m - k, data[k:], known=False), mth(data[:k])]


def leaves(count):
    return [b"leaf %d" % number for number in range(count)]


def frontier(data):
    edge = Frontier()
    for one in data:
        edge.append(tlog.leaf_hash(one))
    return edge


PUBLISHED = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (bytes(range(0x50, 0x58)), "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (bytes(range(0x60, 0x70)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]
"""The leaves that every Certificate Transparency implementation is tested with, and the root after each."""


def test_the_roots_are_those_published_for_certificate_transparency():
    edge = Frontier()
    assert edge.root() == EMPTY_ROOT == mth([])
    for leaf, root in PUBLISHED:
        edge.append(tlog.leaf_hash(leaf))
        assert edge.root().hex() == root


def test_the_root_is_that_of_the_definition_at_every_size():
    data, edge = leaves(600), Frontier()
    for size, leaf in enumerate(data, 1):
        edge.append(tlog.leaf_hash(leaf))
        if size < 40 or size % 37 == 0 or size % 256 in (0, 1, 255):
            assert edge.root() == mth(data[:size]), size


@given(st.integers(0, 700))
@settings(max_examples=40)
def test_an_edge_survives_being_written_down(size):
    edge = frontier(leaves(size))
    again = Frontier.decode(edge.encode())
    assert (again.size, again.root()) == (size, edge.root())
    again.append(tlog.leaf_hash(b"next"))
    assert again.root() == mth([*leaves(size), b"next"])


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(7), id="half a size"),
        pytest.param(bytes(8) + bytes(32), id="a peak for no leaves"),
        pytest.param((3).to_bytes(8, "big") + bytes(32), id="a peak is missing"),
        pytest.param((1).to_bytes(8, "big") + bytes(31), id="a peak is short"),
        pytest.param((1).to_bytes(8, "big") + bytes(33), id="a byte too many"),
    ],
)
def test_what_is_no_edge_is_refused(encoded):
    with pytest.raises(ValueError):
        Frontier.decode(encoded)


def test_whole_subtrees_are_named_when_they_are_complete():
    data = leaves(1024)
    edge, whole = Frontier(), []
    for leaf in data:
        whole += edge.append(tlog.leaf_hash(leaf))
    assert whole == [Subtree(8, number, mth(data[256 * number : 256 * (number + 1)])) for number in range(4)]


def test_a_subtree_of_subtrees_is_complete_at_65536_leaves():
    edge = Frontier()
    tile = mth([b"x"] * 256)
    whole = [found for _ in range(256) for found in edge.append(tile, 8)]
    assert [(found.height, found.number) for found in whole] == [(16, 0)]
    assert whole[0].root == edge.root()
    assert edge.size == 65_536


def test_subtrees_and_leaves_make_the_same_edge():
    data = leaves(700)
    edge = Frontier()
    for number in range(2):
        edge.append(mth(data[256 * number : 256 * (number + 1)]), 8)
    for leaf in data[512:]:
        edge.append(tlog.leaf_hash(leaf))
    assert edge.encode() == frontier(data).encode()


def test_a_subtree_cannot_follow_half_of_one():
    with pytest.raises(ValueError, match="cannot follow"):
        frontier(leaves(3)).append(bytes(32), 8)


def test_the_first_difference_of_two_edges_is_where_the_data_differ():
    data = leaves(13)  # peaks over 8, 4 and 1 leaves
    for index, expected in [(0, (0, 8)), (7, (0, 8)), (8, (8, 12)), (11, (8, 12)), (12, (12, 13))]:
        other = [*data[:index], b"another", *data[index + 1 :]]
        assert frontier(data).first_difference(frontier(other)) == expected
    assert frontier(data).first_difference(frontier(data)) is None


def test_audit_paths_are_those_of_the_definition():
    for size in [*range(1, 20), 63, 64, 65]:
        data = leaves(size)
        for index in range(size):
            ours = [mth(data[start:end]) for start, end in tlog.inclusion_ranges(index, size)]
            assert ours == path(index, data)
            check_inclusion(tlog.leaf_hash(data[index]), index, size, ours, mth(data))


def test_consistency_proofs_are_those_of_the_definition():
    for new in [*range(1, 20), 63, 64, 65]:
        data = leaves(new)
        for old in range(1, new + 1):
            ours = [mth(data[start:end]) for start, end in tlog.consistency_ranges(old, new)]
            assert ours == proof(old, data)
            check_consistency(old, new, ours, mth(data[:old]), mth(data))


@st.composite
def forged_inclusion(draw):
    """A true proof with one thing about it changed."""
    size = draw(st.integers(1, 40))
    index = draw(st.integers(0, size - 1))
    data = leaves(size)
    what = {"leaf": tlog.leaf_hash(data[index]), "index": index, "size": size, "path": path(index, data)}
    what["root"] = mth(data)
    match draw(st.sampled_from(["leaf", "root", "index", "step", "short", "long"])):
        case "leaf":
            what["leaf"] = tlog.leaf_hash(b"forged")
        case "root":
            what["root"] = tlog.leaf_hash(b"forged")
        case "index":
            what["index"] = draw(st.integers(-1, size).filter(lambda other: other != index))
        case "step" if what["path"]:
            what["path"][draw(st.integers(0, len(what["path"]) - 1))] = tlog.leaf_hash(b"forged")
        case "short" if what["path"]:
            what["path"].pop(draw(st.integers(0, len(what["path"]) - 1)))
        case _:
            what["path"].insert(draw(st.integers(0, len(what["path"]))), tlog.leaf_hash(b"forged"))
    return what


@given(forged_inclusion())
@settings(max_examples=150)
def test_a_forged_inclusion_proof_is_refused(forged):
    with pytest.raises(ProofRefused):
        check_inclusion(**forged)


@st.composite
def forged_consistency(draw):
    new = draw(st.integers(1, 40))
    old = draw(st.integers(1, new))
    data = leaves(new)
    what = {"old": old, "new": new, "path": proof(old, data), "old_root": mth(data[:old]), "new_root": mth(data)}
    match draw(st.sampled_from(["old_root", "new_root", "step", "short", "long"])):
        case "old_root":
            what["old_root"] = tlog.leaf_hash(b"forged")
        case "new_root":
            what["new_root"] = tlog.leaf_hash(b"forged")
        case "step" if what["path"]:
            what["path"][draw(st.integers(0, len(what["path"]) - 1))] = tlog.leaf_hash(b"forged")
        case "short" if what["path"]:
            what["path"].pop(draw(st.integers(0, len(what["path"]) - 1)))
        case _:
            what["path"].insert(draw(st.integers(0, len(what["path"]))), tlog.leaf_hash(b"forged"))
    return what


@given(forged_consistency())
@settings(max_examples=150)
def test_a_forged_consistency_proof_is_refused(forged):
    with pytest.raises(ProofRefused):
        check_consistency(**forged)


@pytest.mark.parametrize(("old", "new"), [(0, 1), (2, 1), (-1, 3)])
def test_no_proof_joins_sizes_that_cannot_follow(old, new):
    with pytest.raises(ProofRefused):
        check_consistency(old, new, [], bytes(32), bytes(32))
    with pytest.raises(ValueError):
        tlog.consistency_ranges(old, new)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_path_leads_to_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError):
        tlog.inclusion_ranges(index, size)
