"""Exact search against a plain twin: few and many queries, equal vectors, tiles, threads."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.search.heaps import replace_least, sort_heap
from fastw2v.objectives.exact_search import ExactSearch, unit_rows
from tests.support.naive_neighbours import nearest_rows


def whole_numbers(shape, seed):
    """Return vectors whose lengths and products are exact, so that equal cosines are equal."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def normal_numbers(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def require_twin(table, units, topn, found):
    rows, cosines = found
    for place, unit in enumerate(units.astype(np.float64)):
        expected, exact = nearest_rows(table, unit, topn)
        np.testing.assert_allclose(cosines[place], exact, atol=1e-7)
        assert len(set(rows[place].tolist())) == len(expected)
        # Cosines that differ by less than their own rounding may change places.
        swapped = rows[place] != expected
        np.testing.assert_allclose(cosines[place][swapped], exact[swapped], atol=1e-14)


@settings(max_examples=60, deadline=None)
@given(
    n_rows=st.integers(1, 700),
    dimensions=st.sampled_from([1, 5, 15, 16, 17, 32, 100]),
    n_queries=st.sampled_from([1, 3, 4, 5, 17, 33]),
    topn=st.integers(0, 60),
    scale=st.sampled_from([1.0, 1e-30, 1e30]),
    seed=st.integers(0, 1000),
    halved=st.booleans(),
)
def test_exact_search_is_the_twin(n_rows, dimensions, n_queries, topn, scale, seed, halved):
    table = normal_numbers((n_rows, dimensions), seed) * np.float32(scale)
    table[:: max(n_rows // 3, 2)] = table[0]
    table[n_rows // 2] = 0
    units = unit_rows(normal_numbers((n_queries, dimensions), seed + 1))
    search = ExactSearch(table, halved=halved)
    require_twin(table, units, topn, search.search(units, topn))


@pytest.mark.parametrize("n_queries", [1, 6, 40])
@pytest.mark.parametrize("dimensions", [4, 20])
def test_of_equal_cosines_the_first_row_comes_first(n_queries, dimensions):
    table = whole_numbers((40, dimensions), 1)[np.arange(3000) % 40]
    units = unit_rows(whole_numbers((n_queries, dimensions), 2))
    units[0] = 0  # equally far from all
    rows, cosines = ExactSearch(table).search(units, 200)
    assert rows[0].tolist() == list(range(200))
    for place in range(n_queries):
        order = np.lexsort((rows[place], -cosines[place]))
        assert order.tolist() == list(range(200))
        for row in set((rows[place] % 40).tolist()):
            mine = rows[place][rows[place] % 40 == row]
            assert mine.tolist() == [row + 40 * k for k in range(len(mine))]


@pytest.mark.parametrize("n_queries", [1, 9, 100])
def test_the_answer_depends_on_nothing_else(monkeypatch, n_queries):
    table = normal_numbers((30_011, 24), 3)
    units = unit_rows(table[:n_queries] + normal_numbers((n_queries, 24), 4))
    rows, cosines = ExactSearch(table, workers=1).search(units, 9)
    require_twin(table, units[:3], 9, (rows[:3], cosines[:3]))
    for name, value in [
        ("_TILE_NUMBERS", 64),
        ("_MANY_GROUPS", 100),
        ("_FEW_QUERIES", 0),
        ("_MOST_QUERIES", 7),
    ]:
        monkeypatch.setattr(f"fastw2v.objectives.exact_search.{name}", value)
        for halved in (False, True):
            other = ExactSearch(table, workers=3, halved=halved)
            other_rows, other_cosines = other.search(units, 9)
            np.testing.assert_array_equal(other_rows, rows)
            np.testing.assert_array_equal(other_cosines, cosines)
    for place in range(min(n_queries, 5)):
        row, cosine = ExactSearch(table).search(units[place : place + 1], 9)
        np.testing.assert_array_equal(row[0], rows[place])
        np.testing.assert_array_equal(cosine[0], cosines[place])


@pytest.mark.parametrize(("n_queries", "halved"), [(1, False), (9, False), (1, True)])
def test_the_margin_is_needed_and_enough(n_queries, halved):
    # Rows that differ by less than float32 keeps of a score, the nearest last.
    table = np.ones((5000, 64), np.float32)
    table[:, 0] += np.arange(5000, dtype=np.float32) * 2**-23
    units = np.zeros((n_queries, 64), np.float32)
    units[:, 0] = 1
    search = ExactSearch(table, halved=halved)
    rows, _ = search.search(units, 5)
    assert rows[0].tolist() == [4999, 4998, 4997, 4996, 4995]
    search._margin = search._first_margin = -(2.0**-21)
    assert search.search(units, 5)[0][0].tolist() != [4999, 4998, 4997, 4996, 4995]


def test_halving_says_how_much_it_changes():
    table = normal_numbers((3000, 20), 9) * np.float32(3)
    search = ExactSearch(table, halved=True)
    bits = search._first_scanned.table.astype(np.uint32).reshape(table.shape) << 16
    rounded = bits.view(np.float32).astype(np.float64)
    assert (np.abs(rounded - table) <= np.abs(table) * 2.0**-8).all()
    error = np.linalg.norm(rounded - table, axis=1) / np.linalg.norm(table, axis=1)
    assert error.max() < search._first_margin < 1.1 * error.max()


@pytest.mark.parametrize("n_queries", [1, 9])
def test_a_wrong_scale_is_noticed(n_queries):
    table = normal_numbers((2000, 20), 5) * np.linspace(0.5, 2, 2000, dtype=np.float32)[:, None]
    units = unit_rows(normal_numbers((n_queries, 20), 6))
    search = ExactSearch(table)
    right, _ = search.search(units, 10)
    search._scanned = search._scanned._replace(scales=np.ones(2000, np.float32))
    search._first_scanned = search._scanned
    assert (search.search(units, 10)[0] != right).any()


def test_a_table_that_is_read_only_or_in_another_order_is_searched():
    table = normal_numbers((3000, 20), 7)
    units = unit_rows(table[:2])
    rows, _ = ExactSearch(table).search(units, 4)
    for other in (np.asfortranarray(table), table.copy()):
        other.flags.writeable = False
        np.testing.assert_array_equal(ExactSearch(other).search(units, 4)[0], rows)


def test_several_threads_search_at_once():
    table = normal_numbers((20_000, 32), 8)
    units = unit_rows(table[:40])
    search = ExactSearch(table, workers=4)
    expected, _ = search.search(units, 5)
    found = {}

    def ask(number):
        chosen = units[number * 10 : number * 10 + 10]
        found[number] = [search.search(unit[None], 5)[0][0] for unit in chosen]
        found[number, "many"] = search.search(chosen, 5)[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        part = expected[number * 10 : number * 10 + 10]
        np.testing.assert_array_equal(found[number], part)
        np.testing.assert_array_equal(found[number, "many"], part)


def test_what_is_no_table_is_refused():
    for table in (np.zeros((0, 3), np.float32), np.zeros(3, np.float32)):
        with pytest.raises(ConfigurationError, match="expected a table"):
            ExactSearch(table)
    table = np.ones((4, 3), np.float32)
    table[2, 1] = np.nan
    with pytest.raises(ConfigurationError, match="row 2"):
        ExactSearch(table)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.integers(1, 20))
def test_a_heap_is_a_sorted_list(scores, size):
    best = np.full(size, -np.inf)
    rows = np.full(size, 1000)
    for row, score in enumerate(scores):
        if score > best[0]:
            replace_least(best, rows, size, float(score), row)
    sort_heap(best, rows)
    expected = sorted(scores, reverse=True)[:size]
    assert best[: len(expected)].tolist() == expected
    kept = rows[: len(expected)].tolist()
    assert [scores[row] for row in kept] == expected
    for one, other in pairwise(kept):
        assert scores[one] > scores[other] or one < other
