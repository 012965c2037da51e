"""Explicit vectors: arithmetic, the exponential, and the register-blocked products."""

import numpy as np
import pytest
from numba import njit
from numba.extending import intrinsic

from fastw2v.kernels.simd import operands
from fastw2v.kernels.simd.blocks import PANEL, ROWS, THIRD
from fastw2v.kernels.simd.vectors import (
    LANES,
    broadcast,
    exponential,
    load,
    logarithm,
    maximum,
    sigmoid_of,
    square_root,
    store,
    vector_type,
)


@njit
def exponential_of_all(x, out):
    for i in range(0, x.size, LANES):
        store(out, i, exponential(load(x, i)))


@njit
def arithmetic(x, y, out):
    a, b = load(x, 0), load(y, 1)
    store(out, 0, a + b)
    store(out, LANES, a - b)
    store(out, 2 * LANES, a * b)
    store(out, 3 * LANES, a / b)
    store(out, 4 * LANES, maximum(a, b))
    store(out, 5 * LANES, square_root(a * a) + broadcast(np.float32(2.5)))


def largest_relative_error(x):
    x = np.resize(x.astype(np.float32), -(-len(x) // LANES) * LANES)
    out = np.empty_like(x)
    exponential_of_all(x, out)
    return np.abs(out / np.exp(x.astype(np.float64)) - 1).max()


def test_exponential_is_accurate_over_its_range():
    assert largest_relative_error(np.linspace(-87.3, 88, 1_000_000)) < 2e-7
    assert largest_relative_error(np.linspace(-1, 1, 100_000)) < 2e-7
    # The check sees an error of one part in a million.
    assert largest_relative_error(np.linspace(-1, 1, 1000) * (1 + 1e-5)) < 2e-7
    out = np.empty(LANES, np.float32)
    exponential_of_all(np.full(LANES, 0.5 * (1 + 2e-6), np.float32), out)
    assert np.abs(out / np.exp(0.5) - 1).max() > 2e-7


@intrinsic
def sigmoid(typing_context, x):
    def generate(context, builder, signature, arguments):
        return sigmoid_of(builder, arguments[0])

    return vector_type(vector_type), generate


@njit
def functions_of_all(x, sigmoids, logarithms):
    for i in range(0, x.size, LANES):
        store(sigmoids, i, sigmoid(load(x, i)))
        store(logarithms, i, logarithm(load(x, i)))


def every(step, low, high):
    """Every `step`-th float32 from one positive number to another, as many as fill vectors."""
    bits = np.array([low, high], np.float32).view(np.uint32)
    numbers = np.arange(bits[0], bits[1], step, dtype=np.uint32).view(np.float32)
    return numbers[: len(numbers) // LANES * LANES]


def sigmoid_error(x):
    found, _ = functions_in_float32(x)
    small = np.exp(-np.abs(x.astype(np.float64)))
    return np.abs(found / (np.where(x < 0, small, 1) / (1 + small)) - 1).max()


def functions_in_float32(x):
    results = np.empty_like(x), np.empty_like(x)
    functions_of_all(x, *results)
    return results


# Of every 17th float32 the largest errors are 6.3e-7 and 4.0e-6, with fused products and without.
@pytest.mark.parametrize(("low", "high", "bound"), [(2e-7, 8, 7e-7), (8, 87, 4.5e-6)])
def test_sigmoid_keeps_the_bounds_that_it_states(low, high, bound):
    x = every(101, low, high)
    assert sigmoid_error(x) < 2e-7
    assert bound / 3 < sigmoid_error(-x) < bound
    beyond = functions_in_float32(np.resize(np.float32([200, -200, 3e38, -3e38]), 16))[0]
    assert (beyond[::2] == 1).all()
    assert np.allclose(beyond[1::2], np.exp(-87), rtol=1e-5, atol=0)


def test_logarithm_is_accurate_over_all_normal_numbers():
    for low, high in ((2.0**-126, 3e38), (0.5, 2.0)):
        x = every(2003 if low < 0.1 else 101, low, high)
        _, found = functions_in_float32(x)
        exact = np.log(x.astype(np.float64))
        error = np.abs(found - exact)
        assert (error <= 2e-7 * np.abs(exact)).all()


def test_exponential_at_its_ends():
    x = np.array([0.0, -88, -1e4, -1e30, 88, 89], np.float32)
    out = np.empty(-(-len(x) // LANES) * LANES, np.float32)
    exponential_of_all(np.resize(x, out.size), out)
    assert out[0] == 1.0
    assert (out[1:4] < 2e-38).all()
    assert (out[1:4] > 0).all()
    assert np.isfinite(out[4:6]).all()


def test_arithmetic():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, LANES + 1)).astype(np.float32)
    out = np.empty(6 * LANES, np.float32)
    arithmetic(x, y, out)
    a, b = x[:LANES], y[1:]
    expected = [a + b, a - b, a * b, a / b, np.maximum(a, b), np.abs(a) + 2.5]
    assert np.allclose(out.reshape(6, LANES), expected, rtol=1e-6)


@njit
def all_blocks(c, a, b, row_values, scales, steps):
    operands.block((c[0], 0), (a, 0), (b, 0), steps)
    operands.block_one_vector((c[1], 0), (a, 0), (b, 0), steps)
    operands.block_scaled((c[2], 0), (a, 0), (b, 0), (scales, 0), steps)
    operands.block_scaled_two_thirds((c[3], 0), (a, 0), (b, 0), (scales, 0), steps)
    operands.block_scaled_third((c[4], 0), (a, 0), (b, 0), (scales, 0), steps)
    operands.block_from_rows((c[5], 0), (a, 0), (b, 0), (row_values, 0), steps)


@pytest.mark.parametrize(("outer", "inner"), [(1, 1), (1, 9), (3, 1), (4, 5)])
def test_blocks_equal_numpy(outer, inner):
    generator = np.random.default_rng(1)
    a = generator.normal(size=(ROWS, outer, inner)).astype(np.float32)
    b = generator.normal(size=(outer, inner, PANEL)).astype(np.float32)
    before = generator.normal(size=(6, ROWS, PANEL)).astype(np.float32)
    row_values = generator.normal(size=ROWS).astype(np.float32)
    scales = generator.normal(size=PANEL).astype(np.float32)
    c = before.copy()
    steps = (outer, inner, PANEL, outer * inner, inner, 1, inner * PANEL, PANEL)
    all_blocks(c.reshape(6, -1), a.reshape(-1), b.reshape(-1), row_values, scales, steps)
    product = np.einsum("iqp,qpj->ij", a, b, dtype=np.float64)
    expected = before.copy()
    expected[0] = product
    expected[1, :, :LANES] = product[:, :LANES]
    expected[2] += product * scales
    expected[3, : 2 * THIRD] += product[: 2 * THIRD] * scales
    expected[4, :THIRD] += product[:THIRD] * scales
    expected[5] = product + row_values[:, None]
    assert np.allclose(c, expected, atol=1e-5)
    expected[5] = product
    assert not np.allclose(c, expected, atol=1e-5)
