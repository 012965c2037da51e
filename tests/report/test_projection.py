"""Words on a plane: the principal components against numpy's SVD, groups that stay together."""

import numpy as np
import pytest

from fastw2v.errors import ConfigurationError
from fastw2v.objectives.exact_search import unit_rows
from fastw2v.report.projection import principal_components, project
from fastw2v.report.word_map import map_of


def table_of_groups(seed, groups=4, each=40, dimensions=20):
    generator = np.random.default_rng(seed)
    centres = 5 * generator.normal(size=(groups, dimensions))
    rows = np.repeat(centres, each, axis=0) + generator.normal(size=(groups * each, dimensions))
    return rows.astype(np.float32), np.repeat(np.arange(groups), each)


def neighbours_of_own_group(places, group):
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:6]
    return np.mean(group[nearest] == group[:, None])


def test_principal_components_are_those_of_the_singular_values():
    rows = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    left, values, right = np.linalg.svd(rows.astype(float) - rows.mean(0, dtype=float))
    places = principal_components(rows)
    np.testing.assert_allclose(np.abs(places), np.abs(left[:, :2] * values[:2]), atol=1e-6)
    for axis in range(2):  # the largest weight is positive
        sign = np.sign(right[axis][np.argmax(np.abs(right[axis]))])
        np.testing.assert_allclose(places[:, axis], left[:, axis] * values[axis] * sign, atol=1e-6)


@pytest.mark.parametrize("method", ["pca", pytest.param("umap", marks=pytest.mark.slow),
                                    pytest.param("tsne", marks=pytest.mark.slow)])  # fmt: skip
def test_groups_stay_together_and_the_seed_decides(method):
    if method != "pca":
        pytest.importorskip({"umap": "umap", "tsne": "openTSNE"}[method])
    table, group = table_of_groups(5)
    rows = unit_rows(table)
    places = project(rows, method, seed=3)
    assert places.shape == (160, 2)
    assert places.dtype == np.float32
    assert neighbours_of_own_group(places, group) > 0.9
    shuffled = np.random.default_rng(0).permutation(group)
    assert neighbours_of_own_group(places, shuffled) < 0.5  # the check can fail
    np.testing.assert_array_equal(places, project(rows, method, seed=3))


@pytest.mark.parametrize("shape", [(1, 5), (3, 1), (2, 2)])
def test_few_words_and_few_dimensions_have_places(shape):
    table = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    places = project(table, "pca", seed=1)
    assert places.shape == (shape[0], 2)
    assert np.isfinite(places).all()


def test_a_row_of_zeros_stays_one():
    rows = unit_rows(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]])


@pytest.mark.parametrize("size", [1e-25, 1e19])
def test_the_length_of_vectors_means_nothing(size):
    """Their squares are beyond float32."""
    table, _ = table_of_groups(5)
    words = [f"w{row}" for row in range(len(table))]
    asked = {"method": "pca", "n_clusters": 4, "seed": 1}
    plain, scaled = (
        map_of(words, np.float32(factor) * table, None, **asked) for factor in (1, size)
    )
    np.testing.assert_allclose(scaled.places, plain.places, atol=1e-5)
    np.testing.assert_array_equal(scaled.clusters.of_word, plain.clusters.of_word)


def test_an_unknown_method_is_refused():
    with pytest.raises(ConfigurationError, match="map: expected one of 'pca', 'umap', 'tsne'"):
        project(np.zeros((4, 2), np.float32), "mds", seed=1)
