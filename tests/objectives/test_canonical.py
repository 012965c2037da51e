"""The canonical form: the same losses and probabilities, and one form whatever training chose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.counts.build import counted_windows
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.canonical import (
    MOST_SHARE,
    POWERS,
    CanonicalForm,
    canonical_form,
    second_moment,
)
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.losses.perplexity import losses_of
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import read_corpus
from fastw2v.text.vocabulary import Vocabulary
from tests.objectives.test_unknown_words import UNKNOWN, sentences

SETTINGS = {"vector_size": 7, "window": 2, "min_count": 1, "epochs": 3, "seed": 3}
CELLS = {
    "plain": {},
    "plain, all words alike": {"sample": 0.0, "window_sample": 0.0},
    "no bias": {"bias": "none"},
    "subwords": {"inputs": "subwords", "bucket": 300_000},
    "cbow": {"model": "cbow", "sample": 0.1},
    "cbow sum": {"model": "cbow", "cbow_mean": False, "sample": 0.1},
    "negative": {"objective": "negative"},
    "negative cbow": {"objective": "negative", "model": "cbow"},
}


def trained(canonical, **cell):
    return Word2Vec(workers=1, canonical=canonical, **SETTINGS | cell).fit(sentences())


@pytest.fixture(scope="module")
def pairs():
    made = {}

    def get(name):
        if name not in made:
            made[name] = [trained(canonical, **CELLS[name]) for canonical in (False, True)]
        return made[name]

    return get


@pytest.fixture(params=CELLS)
def pair(pairs, request):
    """A model as training left it, and the same in canonical form."""
    return pairs(request.param)


def both_losses(model):
    vocabulary, tokens = read_corpus(sentences(), tokenizer="words", min_count=1)
    counts = counted_windows(tokens, vocabulary, model.settings, workers=1)
    with WorkerPool(1) as pool:
        return losses_of(model.embeddings, tokens, counts, model.settings, pool)


def probabilities(embeddings, rows):
    """p(o | centre row), in plain numpy and double precision."""
    scores = embeddings.temperature * (
        rows.astype(float) @ embeddings.out_vectors.astype(float).T
    ) + embeddings.out_bias.astype(float)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def test_losses_stay(pair):
    before, after = (both_losses(model) for model in pair)
    assert after.loss_nats == pytest.approx(before.loss_nats, rel=1e-6, abs=1e-6)
    assert after.own_nats == pytest.approx(before.own_nats, rel=1e-6, abs=1e-6)
    assert pair[0].summary.loss_nats == pair[1].summary.loss_nats
    assert not np.allclose(pair[0].in_vectors, pair[1].in_vectors, atol=1e-3)


def test_probabilities_stay(pair):
    before, after = (model.embeddings for model in pair)
    told = [probabilities(one, one.in_vectors) for one in (before, after)]
    assert np.allclose(*told, rtol=2e-4, atol=1e-9)
    if before.unknown is not None:  # they follow into the same space
        told = [probabilities(one, one.centre_vectors(UNKNOWN)) for one in (before, after)]
        assert np.allclose(*told, rtol=2e-4, atol=1e-9)


@pytest.mark.parametrize("side", ["in_vectors", "out_vectors", "out_bias"])
def test_sabotage_of_one_side_is_seen(pairs, side):
    before, after = (model.embeddings for model in pairs("plain"))
    mixed = Embeddings(
        before.vocabulary,
        *(
            getattr(before if name == side else after, name)
            for name in ("in_vectors", "out_vectors", "out_bias")
        ),
    )
    told = [probabilities(one, one.in_vectors) for one in (before, mixed)]
    assert not np.allclose(*told, rtol=2e-4, atol=1e-9)


def moments(model, is_centred):
    counts = model.vocabulary.counts
    weights = np.minimum(counts, MOST_SHARE * counts.sum())
    for table in (model.in_vectors.astype(float), model.out_vectors.astype(float)):
        if is_centred:
            assert np.allclose(table.mean(axis=0), 0, atol=1e-5)
        yield np.einsum("w,wi,wj", weights, table, table) / weights.sum()


def test_both_moments_are_powers_of_one_falling_diagonal(pair):
    before, model = pair
    is_softmax = model.settings.objective == "softmax"
    is_centred = is_softmax and (model.settings.model == "skipgram" or model.settings.cbow_mean)
    inputs, outputs = moments(model, is_centred)
    if is_softmax and model.settings.inputs == "subwords":  # the means alone
        for one, other in (
            (model.in_vectors, before.in_vectors),
            (model.out_vectors, before.out_vectors),
        ):
            assert np.allclose(one, other - other.mean(axis=0), atol=1e-5)
        return
    power = POWERS[model.settings.objective]
    spectrum = np.sqrt(np.diag(inputs) * np.diag(outputs))
    expected = spectrum ** (2 * power)
    assert np.allclose(inputs, np.diag(expected), atol=1e-4 * expected[0])
    assert np.allclose(outputs, np.diag(spectrum**2 / expected), atol=1e-4 * np.diag(outputs)[0])
    assert (np.diff(spectrum) < 1e-6 * spectrum[0]).all()
    assert spectrum[-1] > 0


def test_it_is_told_and_can_be_switched_off(pair, tmp_path):
    for model, is_canonical in zip(pair, (False, True), strict=True):
        model.save(tmp_path / "model")
        loaded = Word2Vec.load(tmp_path / "model")
        for one in (model, loaded):
            assert one.embeddings.is_canonical is is_canonical
            assert one.settings.canonical is is_canonical
        assert np.array_equal(loaded.in_vectors, model.in_vectors)


def test_sums_over_subwords_are_the_centre_vectors(pairs):
    """Known and unknown words stay in one space: a word's own features give its vector."""
    for name in ("subwords",):
        for model in pairs(name):
            unknown = model.embeddings.unknown
            # Without the word's own feature: far from exact, but in the same space.
            words = model.vocabulary.words
            made = unknown.centre_vectors(words)
            cosines = [
                float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
                for a, b in zip(made, model.in_vectors, strict=True)
            ]
            assert np.mean(cosines) > 0.5
            turned = made[:, ::-1]
            other = np.sum(turned * model.in_vectors, axis=1)
            other /= np.linalg.norm(turned, axis=1) * np.linalg.norm(model.in_vectors, axis=1)
            assert np.mean(other) < np.mean(cosines) - 0.2


@pytest.mark.parametrize(
    "cell",
    [{"objective": "hierarchical"}, {"objective": "negative", "inputs": "subwords", "bucket": 999}],
    ids=str,
)
def test_some_have_none(cell):
    model = Word2Vec(workers=1, **SETTINGS | cell).fit(sentences())
    assert not model.embeddings.is_canonical
    with pytest.raises(ConfigurationError, match="canonical: expected to be left alone"):
        Word2Vec(canonical=False, **SETTINGS | cell)


def test_workers_do_not_matter():
    """More rows than one block has."""
    generator = np.random.default_rng(1)
    embeddings = made(generator.normal(size=(2, 150_000, 5)).astype(np.float32))
    found = []
    for workers in (1, 3):
        with WorkerPool(workers) as pool:
            form = canonical_form(embeddings, Hyperparameters(), pool)
            found.append(form.applied(embeddings, pool))
    for name in ("in_vectors", "out_vectors", "out_bias"):
        assert getattr(found[0], name).tobytes() == getattr(found[1], name).tobytes()


def made(tables, **fields):
    in_vectors, out_vectors = tables
    n_words = len(in_vectors)
    counts = np.sort(np.random.default_rng(2).integers(1, 10_000, n_words))[::-1].copy()
    words = [f"w{row}" for row in range(n_words)]
    vocabulary = Vocabulary(words, counts, int(counts.sum()), n_words)
    bias = np.log(counts / counts.sum()).astype(np.float32)
    return Embeddings(vocabulary, in_vectors, out_vectors, bias, **fields)


def in_form(embeddings, **given):
    with WorkerPool(2) as pool:
        form = canonical_form(embeddings, Hyperparameters(**given), pool)
        assert isinstance(form, CanonicalForm)
        assert np.allclose(form.in_map @ form.out_map.T, np.eye(len(form.in_map)), atol=1e-6)
        return form.applied(embeddings, pool)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_equal_models_have_one_form(seed, dimensions, is_negative):
    """Whatever a loss cannot see makes no difference to the result."""
    generator = np.random.default_rng(seed)
    tables = generator.normal(size=(2, 40, dimensions)) @ np.diag(1.6 ** -np.arange(dimensions))
    other = generator.normal(size=(dimensions, dimensions)) + 3 * np.eye(dimensions)
    turned = np.stack([tables[0] @ other, tables[1] @ np.linalg.inv(other).T])
    objective = "negative" if is_negative else "softmax"
    bias = made(tables).out_bias
    if not is_negative:
        shift, lift = generator.normal(size=(2, dimensions))
        bias = (bias - turned[1] @ shift).astype(np.float32)
        turned = turned + np.stack([shift, lift])[:, None]
    one = made(tables.astype(np.float32), objective=objective)
    same = made(turned.astype(np.float32), objective=objective)
    object.__setattr__(same, "out_bias", bias)
    first, second = (in_form(model, objective=objective) for model in (one, same))
    assert np.allclose(
        probabilities(first, first.in_vectors), probabilities(second, second.in_vectors), rtol=1e-3
    )
    for name in ("in_vectors", "out_vectors"):
        a, b = (getattr(model, name) for model in (first, second))
        assert np.allclose(np.abs(a), np.abs(b), atol=2e-3 * np.abs(a).max())
    again = in_form(first, objective=objective)
    assert np.allclose(again.in_vectors, first.in_vectors, atol=1e-4)


def test_tables_of_less_rank_than_dimensions():
    generator = np.random.default_rng(4)
    for tables in (
        generator.normal(size=(2, 3, 10)),
        generator.normal(size=(2, 40, 300)),
        np.stack([np.ones((5, 10)), generator.normal(size=(5, 10))]),
        generator.normal(size=(2, 30, 10)) * np.array([[[1e-12]], [[1e12]]]),
        np.concatenate([generator.normal(size=(2, 30, 5)), np.zeros((2, 30, 5))], axis=2),
    ):
        embeddings = made(tables.astype(np.float32), objective="negative")
        found = in_form(embeddings, objective="negative")
        for table in (found.in_vectors, found.out_vectors):
            assert np.isfinite(table).all()
        before, after = (probabilities(one, one.in_vectors) for one in (embeddings, found))
        assert np.allclose(before, after, rtol=1e-3)


def test_a_table_of_zeros_stays():
    tables = np.zeros((2, 4, 3), np.float32)
    tables[0] = np.random.default_rng(1).normal(size=(4, 3))
    with WorkerPool(1) as pool:
        assert canonical_form(made(tables), Hyperparameters(), pool) is None


def test_moments_are_weighted_means():
    generator = np.random.default_rng(7)
    table = generator.normal(size=(10_000, 4)).astype(np.float32)
    weights, mean = generator.random(10_000), generator.normal(size=4)
    rest = table - mean
    with WorkerPool(2) as pool:
        found = second_moment(table, mean, weights, pool)
    assert np.allclose(found, (rest * weights[:, None]).T @ rest / weights.sum())
