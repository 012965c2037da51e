"""Perplexity and p(o | c) against float64 loops over the text, made from the npz export alone."""

import math
from collections import Counter

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.errors import CorpusError
from fastw2v.text.vocabulary import keep_probability
from tests.support.corpora_made import as_text, chain_sentences
from tests.support.unfitted import unfitted

WINDOW = 3  # of the shared models


class Exported:
    """What an npz export says, in float64."""

    def __init__(self, path):
        with np.load(path, allow_pickle=False) as arrays:
            self.words = arrays["words"].tolist()
            self.counts = arrays["counts"]
            scores = arrays["in_vectors"].astype(np.float64) @ arrays["out_vectors"].T
            self.scores = scores + arrays["out_bias"]
            self.self_rates = arrays.get("self_rates")
            self.peaks = arrays.get("peaks")

    def probabilities(self, bias=0.0):
        """p(o | c) as a dense matrix, a row for each centre."""
        odds = np.exp(self.scores + bias - (self.scores + bias).max(axis=1, keepdims=True))
        if self.self_rates is None:
            return odds / odds.sum(axis=1, keepdims=True)
        np.fill_diagonal(odds, 0)  # what a word is beside itself is counted
        rates = self.self_rates.astype(np.float64)
        told = odds / odds.sum(axis=1, keepdims=True)
        if self.peaks is not None:
            knot, power = self.peaks
            told = np.where(told > knot, knot * (told / knot) ** power, told)
        told *= ((1 - rates) / told.sum(axis=1))[:, None]
        np.fill_diagonal(told, rates)
        return told


def widths_of(model):
    """What each word takes of a place in the model's windows."""
    return keep_probability(model.vocabulary.counts, model.settings.window_sample)


def pair_weights(ids, widths, window=WINDOW):
    """(centre, context, weight) of all pairs of a sentence; weights are whole numbers."""
    for i, centre in enumerate(ids):
        for j, context in enumerate(ids):
            between = widths[ids[min(i, j) + 1 : max(i, j)]].sum()
            weight = math.floor(window - between + 0.5)
            if i != j and weight > 0 and abs(i - j) <= 4 * window:
                yield centre, context, weight


def naive(sentences, words, probabilities, widths, window=WINDOW):
    """Loss, pair weight, tokens known and unknown, by a double loop over the window pairs."""
    places = {word: place for place, word in enumerate(words)}
    loss = weight = 0.0
    known = unknown = 0
    for sentence in sentences:
        ids = [places[word] for word in sentence if word in places]
        known += len(ids)
        unknown += len(sentence) - len(ids)
        for centre, context, share in pair_weights(ids, widths, window):
            loss -= share / window * math.log(probabilities[centre, context])
            weight += share / window
    return loss / weight, weight, known, unknown


@pytest.fixture(scope="module", params=["model", "thinned_model"])
def trained(request, tmp_path_factory):
    """A model and what it exports; the second one was trained with subsampling."""
    model = request.getfixturevalue(request.param)
    path = tmp_path_factory.mktemp("export") / "model.npz"
    model.export(path, "npz")
    return model, Exported(path)


@pytest.fixture(scope="module")
def held_out():
    """Sentences of the same kind with unknown words in them, which windows reach over."""
    generator = np.random.default_rng(5)
    sentences = chain_sentences(9, 40, sentences=80, skew=0.5)
    for sentence in sentences:
        for place in generator.integers(0, len(sentence), 3):
            sentence.insert(int(place), f"unknown{place}")
    return [*sentences, [], ["unknown"], ["w1"]]


def test_context_probabilities_are_the_softmax_of_the_export(trained):
    model, exported = trained
    probabilities = exported.probabilities()
    for centre, word in enumerate(exported.words):
        found = dict(model.predict_context(word, topn=None))
        assert sum(found.values()) == pytest.approx(1, abs=1e-12)
        ordered = [found[other] for other in exported.words]
        assert np.allclose(ordered, probabilities[centre], rtol=1e-9, atol=0)


def test_perplexity_is_the_naive_one(trained, held_out):
    model, exported = trained
    loss, weight, known, unknown = naive(
        held_out, exported.words, exported.probabilities(), widths_of(model)
    )
    result = model.perplexity(held_out)
    assert result.loss_nats == pytest.approx(loss, rel=2e-6)
    assert result.perplexity == pytest.approx(math.exp(loss), rel=1e-5)
    assert result.pair_weight == pytest.approx(weight, rel=1e-12)
    assert (result.n_tokens, result.n_oov, result.n_sentences) == (known, unknown, len(held_out))
    assert unknown > 200


@pytest.mark.parametrize(
    "sabotage", ["windows stop at unknown words", "flat weights", "window", "widths"]
)
def test_the_comparison_catches_other_definitions(trained, held_out, sabotage):
    model, exported = trained
    came = model.perplexity(held_out).loss_nats
    words, probabilities, widths = exported.words, exported.probabilities(), widths_of(model)
    assert came == pytest.approx(naive(held_out, words, probabilities, widths)[0], rel=2e-6)
    if sabotage == "windows stop at unknown words":
        cut = " ".join(" ".join(sentence) + " unknown1" for sentence in held_out)
        parts = [part.split() for part in cut.replace("unknown", "\nunknown").split("\n")]
        wrong = naive(parts, words, probabilities, widths)[0]
    elif sabotage == "flat weights":
        wrong = naive_flat(held_out, words, probabilities)
    elif sabotage == "widths":  # plain windows in place of measured ones, and the other way round
        others = np.ones(len(words)) if widths.min() < 1 else np.full(len(words), 0.5)
        wrong = naive(held_out, words, probabilities, others)[0]
    else:
        wrong = naive(held_out, words, probabilities, widths, window=WINDOW + 1)[0]
    assert came != pytest.approx(wrong, rel=1e-3)


def naive_flat(sentences, words, probabilities):
    """The mean over pairs that all weigh the same."""
    losses = []
    for sentence in sentences:
        ids = [words.index(word) for word in sentence if word in words]
        losses += [
            -math.log(probabilities[centre, context])
            for i, centre in enumerate(ids)
            for j, context in enumerate(ids)
            if 1 <= abs(i - j) <= WINDOW
        ]
    return float(np.mean(losses))


def test_text_is_read_with_the_tokenizer_of_the_model(trained, held_out, tmp_path):
    model, _ = trained
    path = tmp_path / "text.txt"
    path.write_text(as_text(held_out).upper().replace(" ", ", "), encoding="utf-8")
    assert model.perplexity(path) == model.perplexity(held_out)
    half = len(held_out) // 2
    parts = []
    for name, sentences in (("1", held_out[:half]), ("2", held_out[half:])):
        parts.append(tmp_path / name)
        parts[-1].write_text(as_text(sentences), encoding="utf-8")
    assert model.perplexity(parts) == model.perplexity(held_out)


def test_the_training_text_has_the_loss_of_the_summary(model, chain):
    with unfitted():
        as_trained = Word2Vec(model.settings).fit(chain)
    result = as_trained.perplexity(chain)
    assert result.loss_nats == pytest.approx(model.summary.loss_nats, rel=1e-6)
    assert model.perplexity(chain).loss_nats < result.loss_nats  # what is fitted lowers it
    assert (result.n_oov, result.n_tokens) == (0, model.vocabulary.n_tokens)


def test_undoing_the_thinning_fits_the_text_better(thinned_model, skewed, tmp_path):
    """With the bias as trained, p(o | c) would speak of the thinned text."""
    thinned_model.export(tmp_path / "model.npz", "npz")
    exported = Exported(tmp_path / "model.npz")
    keep = keep_probability(thinned_model.vocabulary.counts, thinned_model.settings.sample)
    assert keep.max() > 3 * keep.min()
    corrected = thinned_model.perplexity(skewed).loss_nats
    text = (skewed, exported.words)
    widths = widths_of(thinned_model)
    as_trained = naive(*text, exported.probabilities(np.log(keep)), widths)[0]
    overdone = naive(*text, exported.probabilities(-np.log(keep)), widths)[0]
    assert corrected < min(as_trained, overdone) - 0.1
    # The thinned text is another text, with more rare words in it: its loss is not this one.
    assert corrected != pytest.approx(thinned_model.summary.loss_nats, rel=1e-2)


def test_the_bias_as_trained_gives_the_loss_of_the_summary(thinned_model, skewed, tmp_path):
    """The summary's loss is that of pairs weighed by keep(c) keep(o), without the correction."""
    with unfitted():
        as_trained = Word2Vec(thinned_model.settings).fit(skewed)
    as_trained.export(tmp_path / "model.npz", "npz")
    exported = Exported(tmp_path / "model.npz")
    keep = keep_probability(exported.counts, thinned_model.settings.sample)
    probabilities = exported.probabilities(np.log(keep))
    places = {word: place for place, word in enumerate(exported.words)}
    pairs = Counter()
    for sentence in skewed:
        ids = [places[word] for word in sentence]
        for centre, context, weight in pair_weights(ids, widths_of(thinned_model)):
            pairs[centre, context] += weight
    weights = {(c, o): n * keep[c] * keep[o] for (c, o), n in pairs.items()}
    loss = -sum(w * math.log(probabilities[pair]) for pair, w in weights.items())
    assert loss / sum(weights.values()) == pytest.approx(thinned_model.summary.loss_nats, rel=2e-6)


def test_batch_size_and_workers_do_not_change_the_result(chain, held_out):
    results = [
        Word2Vec(vector_size=4, min_count=1, epochs=2, batch_rows=8, seed=3, workers=workers)
        .fit(chain)
        .perplexity(held_out)
        for workers in (1, 2, 3)
    ]
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ([["w1"], ["w2"]], "got 2 known and 0 unknown tokens"),
        ([["x", "w1", "y"]], "got 1 known and 2 unknown tokens"),
        ([["x", "y"]], "got 0 known and 2 unknown tokens"),
        ([[]], "without a single token"),
        (["no/such.txt"], "no such file"),
    ],
)
def test_a_text_without_pairs_has_no_loss(model, text, message):
    with pytest.raises(CorpusError, match=message):
        model.perplexity(text)
