"""The vector part of conjugate gradients, against numpy in float64."""

import numpy as np
import pytest

from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.conjugate_gradients import add_ridge, move_along, turn, weigh_rows
from fastw2v.kernels.softmax.factorisation import RUN
from fastw2v.system.threads import WorkerPool

N_ROWS = [1, RUN - 1, RUN, 2 * RUN + 3]
WIDTHS = [LANES, 3 * LANES]


class Tables:
    """Flat tables of random numbers, and a place for sums."""

    def __init__(self, n_rows, width):
        generator = np.random.default_rng(n_rows + width)
        self.n_rows, self.width = n_rows, width
        self.first, self.second, self.third, self.fourth = (
            generator.normal(size=n_rows * width).astype(np.float32) for _ in range(4)
        )
        self.rates = generator.normal(size=width).astype(np.float32)
        self.of_rows = generator.uniform(0.1, 3, n_rows).astype(np.float32)
        self.sums = np.full((-(-n_rows // RUN), width), np.nan)

    def square(self, flat):
        return flat.reshape(self.n_rows, self.width).astype(np.float64)


@pytest.fixture(params=[(n, w) for n in N_ROWS for w in WIDTHS], ids=str)
def tables(request):
    return Tables(*request.param)


@pytest.fixture(params=[1, 3])
def pool(request):
    with WorkerPool(request.param) as made:
        yield made


def close(came, wanted):
    return np.allclose(came, wanted, rtol=1e-5, atol=1e-5 * max(np.abs(wanted).max(), 1))


def test_a_ridge_is_added_and_the_products_summed(tables, pool):
    t = tables
    wanted = t.square(t.second) + t.of_rows[:, None] * t.square(t.first)
    pool.run_kernel(add_ridge, t.of_rows, t.first, t.second, t.sums)
    assert close(t.square(t.second), wanted)
    assert close(t.sums.sum(axis=0), (t.square(t.first) * wanted).sum(axis=0))
    assert not close(t.sums.sum(axis=0), (wanted * wanted).sum(axis=0))


def test_a_move_along_the_direction(tables, pool):
    t = tables
    found = t.square(t.third) + t.rates * t.square(t.first)
    residual = t.square(t.fourth) - t.rates * t.square(t.second)
    pool.run_kernel(move_along, t.rates, t.first, t.second, t.third, t.fourth, t.sums)
    assert close(t.square(t.third), found)
    assert close(t.square(t.fourth), residual)
    assert close(t.sums.sum(axis=0), (residual**2).sum(axis=0))
    assert not close(t.square(t.fourth), -residual)


def test_a_turn(tables, pool):
    t = tables
    wanted = t.square(t.first) + t.rates * t.square(t.second)
    pool.run_kernel(turn, t.rates, t.first, t.second, len(t.sums))
    assert close(t.square(t.second), wanted)


def test_rows_are_weighed(tables, pool):
    t = tables
    wanted = t.square(t.first) * t.of_rows[:, None]
    pool.run_kernel(weigh_rows, t.of_rows, t.first, t.width)
    assert close(t.square(t.first), wanted)


def test_sums_have_the_same_bits_for_any_number_of_workers():
    sums = []
    for workers in (1, 2, 3):
        t = Tables(5 * RUN + 1, LANES)
        with WorkerPool(workers) as pool:
            pool.run_kernel(add_ridge, t.of_rows, t.first, t.second, t.sums)
            pool.run_kernel(move_along, t.rates, t.first, t.second, t.third, t.fourth, t.sums)
        sums.append((t.sums.tobytes(), t.fourth.tobytes()))
    assert sums[0] == sums[1] == sums[2]
