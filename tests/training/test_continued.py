"""A run that goes on from a model begins where it ended, whatever it is made of."""

import numpy as np
import pytest

from fastw2v import StartFrom, Word2Vec
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.arrays import padded_rows
from fastw2v.objectives.earlier import EarlierVectors
from fastw2v.objectives.earlier_features import known_features
from fastw2v.objectives.features import Ngrams, ngram_features, words_from_features
from fastw2v.system.threads import WorkerPool
from fastw2v.text.reading import read_corpus
from fastw2v.training import continued
from tests.support.cells import CELLS
from tests.support.corpora_made import chain_sentences
from tests.support.unfitted import as_it_was, with_rates_alone

N_WORDS = 30
COMMON = {
    "vector_size": 6,
    "window": 2,
    "min_count": 1,
    "sample": 0.1,
    "epochs": 3,
    "seed": 3,
    "workers": 1,
}
FEATURES = {f"w{k}": [f"w{k}", f"of{k % 7}"] for k in range(N_WORDS)}
MORE_CELLS = {
    **CELLS,
    "subwords": {"inputs": "subwords", "batch_rows": 8},
    "features": {"inputs": "features", "batch_rows": 8},
    "learned bias": {"bias": "learned", "batch_rows": 8},
    "plain windows": {"window_sample": 0.0, "canonical": False},
    "sum of contexts": {"model": "cbow", "batch_tokens": 300, "cbow_mean": False},
}
STANDS_STILL = {"learning_rate": 1e-20, "epochs": 1}


@pytest.fixture(scope="module")
def chain():
    return chain_sentences(1, N_WORDS, sentences=300, noise=0.3, skew=0.8)


def fitted(chain, cell, **given):
    settings = {**COMMON, **MORE_CELLS[cell]}
    if "objective" not in settings and "model" not in settings:
        settings["window_sample"] = 0.0  # of few words each is frequent, and would take no place
    return Word2Vec(**settings).fit(chain, features=features_of(settings), **given)


def features_of(settings):
    return FEATURES if settings.get("inputs") == "features" else None


def gone_on(model, chain, start=None, /, **settings):
    features = features_of({"inputs": model.settings.inputs})
    made = Word2Vec(workers=1, **{**STANDS_STILL, **settings})
    return made.fit(chain, start=start or model, features=features)


def probabilities(model):
    return np.array([model.embeddings.context_probabilities(f"w{k}") for k in range(N_WORDS)])


@pytest.fixture
def nothing_fitted(monkeypatch):
    """Leave out what is fitted to the text after training, which would be done twice."""
    monkeypatch.setattr("fastw2v.training.finish._fitted_to_text", lambda *given: None)
    monkeypatch.setattr("fastw2v.training.cbow.window_fit", as_it_was)
    monkeypatch.setattr("fastw2v.objectives.losses.own_words.finished_fit", with_rates_alone)


def difference(model, other):
    """Return the largest difference of two models' log probabilities."""
    return np.abs(np.log(probabilities(other)) - np.log(probabilities(model))).max()


@pytest.mark.parametrize("cell", MORE_CELLS)
def test_a_run_that_stands_still_is_the_model_again(chain, nothing_fitted, cell):
    """Canonical form, offsets, bias, subsampling: nothing of them is lost or counted twice."""
    model = fitted(chain, cell)
    other = gone_on(model, chain)
    assert other.vocabulary.words == model.vocabulary.words
    assert other.vocabulary.counts.tolist() == (2 * model.vocabulary.counts).tolist()
    assert difference(model, other) < 2e-4
    own = [one.perplexity(chain).objective_loss_nats for one in (model, other)]
    assert own[1] == pytest.approx(own[0], rel=1e-5)
    near = [[word for word, _ in one.wv.most_similar("w3", topn=3)] for one in (model, other)]
    assert near[0] == near[1]


def test_what_is_fitted_to_the_text_is_fitted_again(chain):
    model = fitted(chain, "softmax skipgram counts")
    other = gone_on(model, chain)
    before, after = (one.perplexity(chain).loss_nats for one in (model, other))
    assert before - 0.01 < after < before + 1e-3
    assert difference(model, other) < 0.1


def test_the_loss_at_the_first_step_is_that_of_the_model(chain, nothing_fitted):
    """With all words in one batch that is what the first step says, before it moves anything."""
    settings = {"batch_rows": N_WORDS, "precision": "float32", "window_sample": 0.0}
    model = Word2Vec(**COMMON, **settings).fit(chain)
    seen = []
    made = Word2Vec(workers=1, epochs=1)
    made.fit(chain, start=model, callbacks=[lambda report: seen.append(report.loss_nats)])
    assert seen[0] == pytest.approx(model.summary.loss_nats, abs=2e-5)
    anew = Word2Vec(**{**COMMON, "epochs": 1}, **settings)
    anew.fit(chain, callbacks=[lambda report: seen.append(report.loss_nats)])
    assert seen[1] > seen[0] + 0.02


SABOTAGE = {
    "bias": ("carried_bias", lambda known, base, keep, frequencies: base),
    "rows": ("first_rows", lambda known, *rest, **options: (known.out_vectors, known.in_vectors)),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_what_is_left_out_of_a_start_is_noticed(chain, nothing_fitted, monkeypatch, name):
    model = fitted(chain, "softmax skipgram counts")
    place, mistake = SABOTAGE[name]
    monkeypatch.setattr(continued, place, mistake)
    assert difference(model, gone_on(model, chain)) > 0.05


def test_a_new_word_of_subwords_begins_as_its_ngrams_say(chain):
    """The row of its own is zero, and one more feature divides the sum by a larger root."""
    model = fitted(chain, "subwords")
    vocabulary, _ = read_corpus([*chain, ["w3x", "w12"]], min_count=1)
    earlier = EarlierVectors.of_model(model.embeddings)
    settings = model.settings
    ngrams = Ngrams(settings.min_n, settings.max_n, settings.bucket)
    matrix, buckets = ngram_features(vocabulary.words, ngrams)
    known = earlier.rows_of(vocabulary, calibrated=True)
    with WorkerPool(2) as pool:
        found = known_features(matrix, earlier, known, pool, ngrams=(ngrams, buckets))
        sums = words_from_features(matrix, padded_rows(found.vectors, len(found.vectors)), 6, pool)
    new = vocabulary.index("w3x")
    n_ngrams = matrix.starts[new + 1] - matrix.starts[new] - 1
    unknown = model.embeddings.centre_vectors(["w3x"])[0] + found.offset
    assert np.allclose(sums[new], unknown * np.sqrt(n_ngrams / (n_ngrams + 1)), atol=1e-5)
    rows = [vocabulary.index(word) for word in model.vocabulary.words]
    assert np.allclose(sums[rows] - found.offset, model.in_vectors, atol=1e-5)
    assert not found.is_known[new]
    assert found.is_known[rows].all()


@pytest.mark.parametrize("target", ["softmax skipgram counts", "softmax cbow", "no bias"])
def test_calibrated_scores_of_negative_sampling_go_on_as_a_softmax(chain, target):
    model = fitted(chain, "negative skipgram")
    settings = {"bias": "none"} if target == "no bias" else {}
    asked = {"objective": "softmax", **settings, **MORE_CELLS.get(target, {})}
    if "model" not in asked:
        asked["window_sample"] = 0.0  # as negative sampling has it
    other = gone_on(model, chain, **asked)
    loss = model.perplexity(chain).loss_nats
    if target != "softmax cbow":
        assert other.perplexity(chain).loss_nats == pytest.approx(loss, abs=0.05)
    assert other.perplexity(chain).loss_nats < np.log(N_WORDS) - 0.3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("softmax skipgram counts", {"inputs": "subwords"}),
        ("subwords", {"inputs": "words"}),
        ("subwords", {"inputs": "subwords", "max_n": 3}),
        ("negative skipgram", {"inputs": "subwords"}),
        ("negative skipgram subwords", {"inputs": "words"}),
        ("negative skipgram subwords", {"objective": "softmax"}),
        ("softmax skipgram counts", {"objective": "negative"}),
        ("softmax skipgram counts", {"objective": "hierarchical"}),
        ("hierarchical skipgram", {"objective": "softmax"}),
        ("hierarchical skipgram", {"objective": "negative"}),
        ("softmax skipgram counts", {"model": "cbow"}),
        ("softmax cbow", {"model": "skipgram"}),
        ("features", {"objective": "negative", "inputs": "words"}),
    ],
)
def test_a_run_goes_on_from_a_model_of_another_kind(chain, before, after):
    """After an epoch it is no worse than a run that starts anew."""
    model = fitted(chain, before)
    other = Word2Vec(workers=1, epochs=1, **after).fit(chain, start=model)
    anew = Word2Vec(other.settings, workers=1).fit(chain)
    assert other.perplexity(chain).loss_nats < anew.perplexity(chain).loss_nats + 0.03


def test_an_unknown_word_of_subwords_begins_with_its_ngrams(chain):
    model = Word2Vec(**COMMON, inputs="subwords", objective="negative").fit(chain)
    more = [*chain, ["w3x"] * 2]
    other = gone_on(model, more)
    assert np.allclose(
        other.in_vectors[other.vocabulary.index("w3")], model.vector("w3"), atol=1e-5
    )
    exact = Word2Vec(**COMMON, inputs="subwords").fit(chain)
    found = gone_on(exact, more)
    # Its own row is zero, and the n-grams that the model knows are there.
    assert found.wv.similarity("w3x", "w3") > 0.5


@pytest.mark.parametrize("cell", ["softmax skipgram counts", "softmax cbow", "negative skipgram"])
def test_known_words_stay_under_lock_bit_by_bit(chain, cell):
    model = fitted(chain, cell)
    more = [[*sentence[:4], "new", *sentence[4:]] for sentence in chain]
    start = StartFrom(model, lock_known=True)
    found = Word2Vec(workers=2, epochs=3).fit(more, start=start)
    rows = [found.vocabulary.index(word) for word in model.vocabulary.words]
    assert np.array_equal(found.in_vectors[rows], model.in_vectors)
    assert np.array_equal(found.out_vectors[rows], model.out_vectors)
    new = found.vocabulary.index("new")
    still = gone_on(model, more, start)
    assert (found.in_vectors[new] != still.in_vectors[new]).any()
    assert (found.out_vectors[new] != still.out_vectors[new]).any()
    moved = Word2Vec(workers=2, epochs=3).fit(more, start=model)
    assert not np.array_equal(moved.in_vectors[rows], model.in_vectors)


def test_hierarchical_softmax_locks_what_it_hands_out(chain):
    model = fitted(chain, "hierarchical skipgram")
    more = [[*sentence[:4], "new", *sentence[4:]] for sentence in chain]
    found = Word2Vec(workers=1).fit(more, start=StartFrom(model, lock_known=True))
    rows = [found.vocabulary.index(word) for word in model.vocabulary.words]
    assert np.array_equal(found.in_vectors[rows], model.in_vectors)


def test_lock_refusals(chain):
    model = fitted(chain, "softmax skipgram counts")
    with pytest.raises(ConfigurationError, match="lock_known: expected new words to learn"):
        Word2Vec().fit(chain, start=StartFrom(model, lock_known=True))
    for cell in ("subwords", "negative skipgram subwords"):
        other = fitted(chain, cell)
        with pytest.raises(ConfigurationError, match="lock_known: expected inputs='words', got"):
            Word2Vec().fit(chain, start=StartFrom(other, lock_known=True))


@pytest.mark.parametrize("cell", ["softmax skipgram counts", "negative skipgram"])
def test_words_that_the_text_has_not_keep_their_output_vectors(chain, cell):
    """They have nothing to learn from, and would only be pushed away."""
    settings = {**COMMON, **MORE_CELLS[cell], "canonical": False}
    model = Word2Vec(**settings).fit([*chain, *[["w1", "gone", "w2", "gone"]] * 9])
    found = Word2Vec(workers=1).fit(chain, start=model)
    before, after = model.vocabulary.index("gone"), found.vocabulary.index("gone")
    assert found.vocabulary.counts[after] == model.vocabulary.counts[before]
    assert np.array_equal(found.in_vectors[after], model.in_vectors[before])
    assert np.array_equal(found.out_vectors[after], model.out_vectors[before])
