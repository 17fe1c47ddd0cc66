"""The Reed-Solomon golden against arithmetic of its own and the properties of the code."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.rs_encode import new_code, rs_check, rs_decode, rs_encode
from rackwright.hdl.rs_encode.golden import gf_times


def slow_times(a: int, b: int) -> int:
    """Schoolbook product of polynomials over GF(2), then long division by 0x11D."""
    product = 0
    for bit in range(8):
        product ^= (a << bit) * (b >> bit & 1)
    for bit in range(14, 7, -1):
        product ^= (0x11D << bit - 8) * (product >> bit & 1)
    return product


def encoded(k, n, data):
    code, chunks = new_code(k, n), np.zeros((n, len(data) // k), np.uint8)
    chunks[:k] = np.array(data, np.uint8).reshape(k, -1)
    rs_encode(code, chunks)
    return code, chunks


def test_products_equal_long_division():
    code = new_code(1, 2)
    for a in range(256):
        for b in (0, 1, 2, 3, 0x1D, 0x80, 0xFF, a):
            assert gf_times(code, a, b) == slow_times(a, b)


def test_vectors_of_the_public_implementation():
    code, chunks = encoded(2, 4, [1, 2])
    assert code.weights[2:].tolist() == [[3, 2], [2, 3]] and chunks[2:, 0].tolist() == [7, 4]
    code, chunks = encoded(6, 16, [1, 2, 3, 4, 5, 6])
    assert bytes(chunks[6:, 0]).hex() == "1710f24cb70d3886" + "6dd7"
    assert code.weights[6].tolist() == [7, 6, 5, 4, 3, 2]


def test_weights_are_the_vandermonde_matrix_times_the_inverse_of_its_top():
    k, n = 6, 16
    powers = np.ones((n, k), int)
    for row in range(n):
        for column in range(1, k):
            powers[row, column] = slow_times(int(powers[row, column - 1]), row)
    weights = new_code(k, n).weights
    for row in range(n):
        for column in range(k):  # weights @ top == whole matrix
            total = 0
            for j in range(k):
                total ^= slow_times(int(weights[row, j]), int(powers[j, column]))
            assert total == powers[row, column]


@given(st.integers(1, 6), st.integers(1, 5), st.binary(min_size=12, max_size=12), st.data())
def test_any_k_chunks_give_all_others(k, parity, content, data):
    n = k + parity
    code, chunks = encoded(k, n, list(content[:len(content) // k * k]))
    assert rs_check(code, chunks) == 1
    rows = data.draw(st.sampled_from(list(combinations(range(n), k))))
    rebuilt = np.full_like(chunks, 0xAA)
    rebuilt[list(rows)] = chunks[list(rows)]
    rs_decode(code, rebuilt, np.array(rows), np.zeros(k, np.int64))
    assert rebuilt.tolist() == chunks.tolist()


def test_all_8008_choices_of_six_of_sixteen_decode():
    code, chunks = encoded(6, 16, [200, 1, 7, 90, 0, 255])
    scratch = np.zeros(6, np.int64)
    for rows in combinations(range(16), 6):
        rebuilt = np.zeros_like(chunks)
        rebuilt[list(rows)] = chunks[list(rows)]
        rs_decode(code, rebuilt, np.array(rows), scratch)
        assert (rebuilt == chunks).all()


def test_one_turned_bit_is_found():
    code, chunks = encoded(3, 7, list(range(30, 60)))
    for row in range(7):
        chunks[row, 4] ^= 1
        assert rs_check(code, chunks) == 0
        chunks[row, 4] ^= 1


@pytest.mark.parametrize(("k", "n"), [(0, 4), (4, 4), (5, 4), (2, 256)])
def test_impossible_codes_are_refused(k, n):
    with pytest.raises(UsageError, match=f"k={k}, n={n}: 1 <= k < n <= 255"):
        new_code(k, n)
