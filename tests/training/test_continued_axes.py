"""The vectors of a run that goes on point where the earlier ones did; no score sees it."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from fastw2v import StartFrom, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.objectives.axes import nearest_rotation
from fastw2v.objectives.softmax.initialization import spectral_vectors
from fastw2v.training import final_form
from tests.support.cells import CELLS
from tests.support.corpora_made import chain_sentences

N_WORDS = 40
COMMON = {"vector_size": 8, "window": 2, "min_count": 1, "sample": 0.1, "epochs": 3, "workers": 1}
FEATURES = {f"w{k}": [f"w{k}", f"of{k % 7}"] for k in range(N_WORDS)}
MORE_CELLS = {
    **CELLS,
    "softmax subwords": {"inputs": "subwords", "batch_rows": 8},
    "softmax features": {"inputs": "features", "batch_rows": 8},
}
PLAIN = CountingSettings(window=2, window_sample=0.0, min_count=1)


@pytest.fixture(scope="module")
def texts():
    return tuple(chain_sentences(seed, N_WORDS, noise=0.4, skew=0.8) for seed in (1, 2))


def vectors_of(model):
    return np.array([model.vector(f"w{k}") for k in range(N_WORDS)], np.float64)


def distance(found, earlier):
    return np.square(found - earlier).sum()


def best_turned(found, earlier):
    left, _, right = np.linalg.svd(found.T @ earlier)
    return found @ left @ right


def is_where_it_was(found, earlier):
    """Whether no rotation brings vectors clearly nearer to the earlier ones."""
    return distance(found, earlier) < 1.02 * distance(best_turned(found, earlier), earlier)


@pytest.mark.parametrize("cell", MORE_CELLS)
def test_vectors_point_where_the_earlier_ones_did(texts, cell, monkeypatch):
    yesterday, today = texts
    settings = {**COMMON, **MORE_CELLS[cell]}
    features = FEATURES if settings.get("inputs") == "features" else None
    model = Word2Vec(**settings).fit(yesterday, features=features)
    found = Word2Vec(workers=1).fit(today, start=model, features=features)
    if found.embeddings.is_canonical and settings.get("inputs") != "subwords":
        assert is_where_it_was(vectors_of(found), vectors_of(model))
        # Sabotage: the canonical form of today's text has axes of its own.
        monkeypatch.setattr("fastw2v.training.final_form.nearest_rotation", lambda *given: None)
        other = Word2Vec(workers=1).fit(today, start=model, features=features)
        assert not is_where_it_was(vectors_of(other), vectors_of(model))
        turned = best_turned(vectors_of(other), vectors_of(found))
        assert np.allclose(turned, vectors_of(found), atol=1e-4)
        for key in ("w3", "w21"):  # no score has changed
            ours, theirs = (one.embeddings.context_probabilities(key) for one in (found, other))
            assert np.allclose(ours, theirs, rtol=1e-3)
    else:  # they are where training has moved them from where they began
        cosines = [
            np.dot(*pair) / np.prod(np.linalg.norm(pair, axis=1))
            for pair in zip(vectors_of(found), vectors_of(model), strict=True)
        ]
        assert np.median(cosines) > 0.7


@pytest.mark.parametrize("inputs", ["words", "subwords", "features"])
def test_by_the_counts_of_both_texts_it_is_the_run_on_both_but_turned(
    texts, tmp_path, monkeypatch, inputs
):
    yesterday, today = texts
    for name, text in zip(("yesterday", "today"), texts, strict=True):
        count_corpus(text, PLAIN, tmp_path / name)
    merge_counts([tmp_path / "yesterday", tmp_path / "today"], tmp_path / "both")
    settings = {**COMMON, "window_sample": 0.0, "batch_rows": 8, "inputs": inputs}
    given = {"features": FEATURES if inputs == "features" else None}
    model = Word2Vec(**settings).fit(yesterday, **given)
    both = Word2Vec(**settings).fit_counts(tmp_path / "both", **given)
    start = StartFrom(model, counts=tmp_path / "yesterday")

    def furthest(other):
        pairs = [
            [one.embeddings.context_probabilities(f"w{k}") for one in (both, other)]
            for k in range(N_WORDS)
        ]
        return max(np.abs(np.log(mine) - np.log(theirs)).max() for mine, theirs in pairs)

    found = Word2Vec(workers=1).fit(today, start=start, **given)
    assert furthest(found) < 1e-3
    assert is_where_it_was(vectors_of(found), vectors_of(model))
    turned = best_turned(vectors_of(both), vectors_of(found))
    assert np.allclose(turned, vectors_of(found), atol=1e-4)
    # Turned at the start it would be another run: what Adam does depends on the axes.
    q, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))

    def turned_first(*given, **options):
        return tuple(side @ q.astype(np.float32) for side in spectral_vectors(*given, **options))

    monkeypatch.setattr("fastw2v.training.skipgram.spectral_vectors", turned_first)
    assert furthest(Word2Vec(workers=1).fit(today, start=start, **given)) > 0.01


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 40))
def test_a_rotation_is_found_again(seed, dimensions, n_words):
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((n_words, dimensions))
    made, _ = np.linalg.qr(generator.standard_normal((dimensions, dimensions)))
    earlier = (vectors @ made).astype(np.float32)
    found = nearest_rotation(vectors, earlier)
    assert np.allclose(found @ found.T, np.eye(dimensions), atol=1e-9)
    assert np.allclose(vectors @ found, earlier, atol=1e-4)
    larger = nearest_rotation(vectors, (1e30 * earlier).astype(np.float32))
    assert np.allclose(vectors @ larger, earlier, atol=1e-4)


def test_nothing_to_turn_to():
    ones, zeros = np.ones((3, 2)), np.zeros((3, 2), np.float32)
    assert nearest_rotation(ones, zeros) is None
    assert nearest_rotation(zeros.astype(np.float64), ones.astype(np.float32)) is None


def test_how_far_vectors_are_turned_does_not_depend_on_threads_of_blas(monkeypatch):
    generator = np.random.default_rng(1)
    tables = generator.standard_normal((2, 5000, 50)).astype(np.float32)
    maps = generator.standard_normal((2, 50, 50)).astype(np.float32)
    model = SimpleNamespace(in_vectors=tables[0], out_vectors=tables[1])
    form = SimpleNamespace(in_mean=0, out_mean=0, in_map=maps[0], out_map=maps[1])
    placed = set()
    monkeypatch.setattr(final_form, "canonical_form", lambda *_: form)
    monkeypatch.setattr(final_form, "nearest_rotation", lambda ours, _: placed.add(ours.tobytes()))
    axes = SimpleNamespace(rows=slice(None), vectors=None)
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"):
            final_form.FinalForm(axes=axes).of(model, None, None)
    assert len(placed) == 1
