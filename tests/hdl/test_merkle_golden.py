"""SHA-256 against hashlib, and Merkle trees against RFC 6962's recursive definition."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.hdl.sha256_merkle import (
    hash_add,
    hash_finish,
    hash_start,
    leaf_hash,
    merkle_check,
    merkle_levels,
    merkle_prove,
    merkle_root,
    new_hasher,
)


def digest(content: bytes) -> bytes:
    h, out = new_hasher(), np.zeros(32, np.uint8)
    hash_start(h)
    for byte in content:
        hash_add(h, byte)
    hash_finish(h, out)
    return out.tobytes()


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def hashed(leaves: list[bytes]):
    h, hashes = new_hasher(), np.zeros((len(leaves), 32), np.uint8)
    for row, content in zip(hashes, leaves, strict=True):
        leaf_hash(h, np.frombuffer(content, np.uint8), row)
    return h, hashes


@pytest.mark.parametrize(("content", "expected"), [
    (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")])
def test_vectors_of_fips_180(content, expected):
    assert digest(content).hex() == expected


@given(st.binary(max_size=200))
def test_equals_hashlib(content):
    assert digest(content) == hashlib.sha256(content).digest()


@pytest.mark.parametrize("length", [55, 56, 63, 64, 65, 119, 120, 128])
def test_lengths_around_the_padding(length):
    assert digest(bytes(range(length))) == hashlib.sha256(bytes(range(length))).digest()


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=20), st.data())
@settings(max_examples=50)
def test_root_and_proofs(leaves, data):
    h, hashes = hashed(leaves)
    count, leaf = len(leaves), data.draw(st.integers(0, len(leaves) - 1))
    proof = np.zeros((merkle_levels(count), 32), np.uint8)
    length = merkle_prove(h, hashes.copy(), count, leaf, proof)
    found = hashes[leaf].copy()
    merkle_root(h, hashes, count)
    root = hashes[0]
    assert root.tobytes() == tree(leaves)
    assert merkle_check(h, found.copy(), count, leaf, proof, length, root) == 1
    wrong = found.copy()
    wrong[data.draw(st.integers(0, 31))] ^= 1
    assert merkle_check(h, wrong, count, leaf, proof, length, root) == 0
    assert merkle_check(h, found.copy(), count, leaf, proof, length - 1, root) == 0
    assert merkle_check(h, found.copy(), count, count, proof, length, root) == 0
    if length:
        proof[data.draw(st.integers(0, length - 1)), 5] ^= 128
        assert merkle_check(h, found.copy(), count, leaf, proof, length, root) == 0


def test_a_proof_holds_for_one_place_only():
    """In a tree of eight different leaves, a proof for leaf 3 is none for any other place."""
    h, hashes = hashed([bytes([number]) for number in range(8)])
    proof = np.zeros((3, 32), np.uint8)
    length = merkle_prove(h, hashes.copy(), 8, 3, proof)
    found = hashes[3].copy()
    merkle_root(h, hashes, 8)
    results = [merkle_check(h, found.copy(), 8, leaf, proof, length, hashes[0])
               for leaf in range(8)]
    assert results == [0, 0, 0, 1, 0, 0, 0, 0]
