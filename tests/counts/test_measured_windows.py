"""Windows in which frequent words take a part of a place: counts and batches against plain Python.

The twin adds up fractions; the code adds up whole numbers.
"""

import itertools
import json
import math
import shutil
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastw2v.counts.pairs
import fastw2v.counts.row_stores
from fastw2v import Hyperparameters, Word2Vec
from fastw2v.counts.batch import BatchWorkspace, count_batch
from fastw2v.counts.corpus import window_widths
from fastw2v.counts.pairs import count_pairs
from fastw2v.counts.windows import REACH_IN_SIZES, largest_count, windows_of, word_widths
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.counts.windows import LARGEST_REACH, PLACE
from fastw2v.objectives.softmax.batches import CountBatches, TokenBatches
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from tests.support.corpora_made import random_sentences
from tests.support.naive_counts import (
    as_dict,
    assert_identical,
    assert_well_formed,
    corpora,
    dense,
    naive_counts,
    small_corpus,
    tokens_of,
)
from tests.support.unfitted import unfitted


def naive_measured(sentences, window, widths, reach_in_sizes=4):
    """All pairs by a triple loop: window less what lies between, half up, while above 0."""
    places = [Fraction(int(width), 2**16) for width in widths]
    counts = Counter()
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            for j in range(i + 1, min(len(sentence), i + reach_in_sizes * window + 1)):
                between = sum((places[word] for word in sentence[i + 1 : j]), Fraction(0))
                weight = math.floor(window - between + Fraction(1, 2))
                if weight > 0:
                    counts[centre, sentence[j]] += weight
                    counts[sentence[j], centre] += weight
    return dict(counts)


def random_widths(seed, n_words):
    """Widths of all sizes, some of them none and some a whole place."""
    generator = np.random.default_rng(seed)
    widths = np.rint(PLACE * generator.random(n_words) ** 2).astype(np.int32)
    widths[generator.random(n_words) < 0.2] = PLACE
    widths[generator.random(n_words) < 0.1] = 0
    widths[generator.random(n_words) < 0.1] = PLACE // 2  # sums that are halves are rounded up
    return widths


def assert_equals_naive(counts, sentences, window, widths):
    assert_well_formed(counts, len(widths))
    assert as_dict(range(len(widths)), counts) == naive_measured(sentences, window, widths)


@settings(max_examples=150, deadline=None)
@given(corpora(), st.integers(1, 6), st.integers(1, 3), st.integers(0, 10**6))
def test_counts_equal_a_naive_triple_loop(corpus, window, workers, seed):
    n_words, sentences = corpus
    widths = random_widths(seed, n_words)
    counts = count_pairs(tokens_of(sentences), n_words, window, workers=workers, widths=widths)
    assert_equals_naive(counts, sentences, window, widths)
    assert counts.window == window
    counts.check()


@pytest.mark.parametrize("sabotage", ["sentences", "window", "widths", "reach", "plain", "down"])
def test_the_check_catches_other_definitions(sabotage):
    sentences, widths = small_corpus(n_words=8), np.full(8, 3 * PLACE // 10, np.int32)
    widths[3:] = PLACE // 2
    given_widths, window, naive = widths, 3, naive_measured(sentences, 3, widths)
    counted = sentences
    if sabotage == "sentences":
        counted = [[word for sentence in sentences for word in sentence]]
    elif sabotage == "window":
        window = 4
    elif sabotage == "widths":
        given_widths = widths.copy()
        given_widths[0] += PLACE // 4
    elif sabotage == "reach":
        naive = naive_measured(sentences, 3, widths, reach_in_sizes=1)
    elif sabotage == "plain":
        naive = naive_counts(sentences, 3)
    else:  # a half that is rounded down
        given_widths = widths + np.where(widths == PLACE // 2, 1, 0).astype(np.int32)
    counts = count_pairs(tokens_of(counted), 8, window, workers=2, widths=given_widths)
    assert as_dict(range(8), counts) != naive
    good = count_pairs(tokens_of(sentences), 8, 3, workers=2, widths=widths)
    assert_equals_naive(good, sentences, 3, widths)


@settings(max_examples=60, deadline=None)
@given(corpora(), st.one_of(st.integers(1, 6), st.sampled_from([30, 16383])))
def test_whole_places_are_plain_windows(corpus, window):
    n_words, sentences = corpus
    tokens, whole = tokens_of(sentences), np.full(n_words, PLACE, np.int32)
    plain = count_pairs(tokens, n_words, window, workers=1)
    assert_identical(plain, count_pairs(tokens, n_words, window, workers=2, widths=whole))
    workspace = BatchWorkspace(n_words)
    place = (tokens, 0, tokens.ids.size, n_words, window, workspace)
    assert_identical(count_batch(*place), count_batch(*place, whole))


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 5), st.integers(1, 3), st.integers(8, 40), st.integers(0, 99))
def test_small_budgets_change_nothing(corpus, window, workers, budget, seed):
    n_words, sentences = corpus
    widths = random_widths(seed, n_words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastw2v.counts.pairs, "GROUPED_POSITIONS", budget)
        patch.setattr(fastw2v.counts.pairs, "TIMES_READ", 10**6)
        patch.setattr(fastw2v.counts.pairs, "STAGED_ENTRIES", budget)
        patch.setattr(fastw2v.counts.row_stores, "RESERVED_ENTRIES", budget // 2)
        patch.setattr(fastw2v.counts.pairs, "TASK_COST", 3 * budget)
        tokens = tokens_of(sentences)
        counts = count_pairs(tokens, n_words, window, workers=workers, widths=widths)
    assert_equals_naive(counts, sentences, window, widths)


@settings(max_examples=60, deadline=None)
@given(corpora(), st.integers(1, 5), st.randoms(use_true_random=False), st.integers(0, 99))
def test_counts_do_not_depend_on_directions_or_the_order_of_sentences(corpus, window, random, seed):
    n_words, sentences = corpus
    widths = random_widths(seed, n_words)
    counts = count_pairs(tokens_of(sentences), n_words, window, workers=1, widths=widths)
    found = as_dict(range(n_words), counts)
    assert found == {(o, c): count for (c, o), count in found.items()}
    shuffled = [sentence[::-1] for sentence in sentences]
    random.shuffle(shuffled)
    again = count_pairs(tokens_of(shuffled), n_words, window, workers=3, widths=widths)
    assert_identical(counts, again)


def test_counts_of_two_texts_add_up():
    one, other, widths = small_corpus(1), small_corpus(2), random_widths(3, 40)
    parts = [count_pairs(tokens_of(t), 40, 4, workers=1, widths=widths) for t in (one, other)]
    together = count_pairs(tokens_of(one + other), 40, 4, workers=2, widths=widths)
    np.testing.assert_array_equal(dense(together), sum(dense(part) for part in parts))
    assert together.total == sum(part.total for part in parts)


def test_a_long_text_is_the_same_for_any_number_of_workers():
    generator = np.random.default_rng(3)
    n_words, n_tokens = 300, 500_000
    ids = (n_words * generator.random(n_tokens) ** 3).astype(np.int32)
    starts = np.unique(np.r_[0, generator.integers(0, n_tokens, n_tokens // 30), n_tokens])
    tokens = EncodedTokens(ids, starts.astype(np.int64), n_tokens, 0)
    widths = word_widths(keep_probability(np.bincount(ids, minlength=n_words), 1e-3))
    counts = [count_pairs(tokens, n_words, 5, workers=k, widths=widths) for k in (1, 2, 3)]
    assert_identical(counts[0], counts[1])
    assert_identical(counts[0], counts[2])
    workspace = BatchWorkspace(n_words)
    halves = (0, n_tokens // 2, n_tokens)
    added = np.zeros((n_words, n_words), np.int64)
    for start, stop in itertools.pairwise(halves):
        batch = count_batch(tokens, start, stop, n_words, 5, workspace, widths)
        np.add.at(
            added, (np.repeat(batch.rows, np.diff(batch.indptr)), batch.indices), batch.values
        )
    np.testing.assert_array_equal(added, dense(counts[0]))


@settings(max_examples=100, deadline=None)
@given(corpora(), st.integers(1, 6), st.lists(st.integers(0, 300), max_size=6), st.integers(0, 99))
def test_batches_of_any_partition_add_up_to_the_whole(corpus, window, cuts, seed):
    n_words, sentences = corpus
    tokens, widths = tokens_of(sentences), random_widths(seed, n_words)
    n_tokens = tokens.ids.size
    edges = sorted({0, n_tokens, *(cut for cut in cuts if cut < n_tokens)})
    workspace = BatchWorkspace(n_words)
    added = Counter()
    for start, stop in itertools.pairwise(edges):
        batch = count_batch(tokens, start, stop, n_words, window, workspace, widths)
        assert_well_formed(batch, n_words)
        assert batch.rows.tolist() == sorted(set(tokens.ids[start:stop].tolist()))
        added.update(as_dict(batch.rows, batch))
    assert dict(added) == naive_measured(sentences, window, widths)


def weights_of_an_epoch(batches, n_words):
    weights = np.zeros((n_words, n_words))
    for batch in batches.one_epoch(0):
        np.add.at(weights, (batch.centres[batch.entry_rows], batch.columns), batch.weights)
    return weights / batches.scale


def test_both_kinds_of_batches_train_on_the_same_pairs():
    sentences, widths = small_corpus(n_sentences=200), random_widths(5, 40)
    keep = np.random.default_rng(6).uniform(0.05, 1, 40)
    made = tokens_of(sentences)
    tokens = EncodedTokens(made.ids, made.sentence_starts, len(made.ids), 0)
    counts = count_pairs(tokens, 40, 3, workers=1, widths=widths)
    sizes = {"dimensions": 5, "seed": 1}
    total = float((counts.row_sums(keep) * keep).sum())
    options = {"window": 3, "stretch": 16, "total_weight": total, **sizes}
    by_counts = weights_of_an_epoch(CountBatches(counts, keep, rows=7, **sizes), 40)
    by_tokens = weights_of_an_epoch(TokenBatches(tokens, keep, widths=widths, **options), 40)
    np.testing.assert_allclose(by_tokens, by_counts, rtol=1e-5)
    plain = weights_of_an_epoch(TokenBatches(tokens, keep, **options), 40)
    assert np.abs(plain - by_counts).max() > 0.1 * by_counts.max()


# --- edges --------------------------------------------------------------------------------


def test_known_windows():
    # The middle word takes half a place: what is left, 1.5 of 2, is rounded up.
    half = np.array([PLACE, PLACE // 2, PLACE], np.int32)
    counts = count_pairs(tokens_of([[0, 1, 2]]), 3, 2, workers=1, widths=half)
    assert as_dict(range(3), counts) == {
        (0, 1): 2, (1, 0): 2, (1, 2): 2, (2, 1): 2, (0, 2): 2, (2, 0): 2,
    }  # fmt: skip
    more = half + np.array([0, 1, 0], np.int32)
    counts = count_pairs(tokens_of([[0, 1, 2]]), 3, 2, workers=1, widths=more)
    assert as_dict(range(3), counts)[0, 2] == 1


def test_a_window_of_one_reaches_over_words_that_take_at_most_half_a_place():
    widths = np.array([PLACE // 2, PLACE // 2 + 1, PLACE], np.int32)
    over = count_pairs(tokens_of([[2, 0, 2], [2, 1, 2]]), 3, 1, workers=1, widths=widths)
    assert as_dict(range(3), over) == {
        (2, 0): 2, (0, 2): 2, (2, 1): 2, (1, 2): 2, (2, 2): 2,
    }  # fmt: skip


def test_a_vocabulary_of_one_word_reaches_no_further_than_the_limit():
    n, window = 500, 5
    keep = keep_probability(np.array([n]), 1e-3)
    widths = word_widths(keep)
    assert 0.03 < keep[0] < 0.04
    counts = count_pairs(tokens_of([[0] * n]), 1, window, workers=2, widths=widths)
    reach = REACH_IN_SIZES * window
    weights = [math.floor(window - d * Fraction(int(widths[0]), PLACE) + Fraction(1, 2))
               for d in range(reach)]  # fmt: skip
    assert weights[-1] > 0  # without the limit it would go on
    expected = 2 * sum((n - d - 1) * weight for d, weight in enumerate(weights))
    assert counts.values.tolist() == [expected]
    batch = count_batch(tokens_of([[0] * n]), 0, n, 1, window, BatchWorkspace(1), widths)
    assert batch.values.tolist() == [expected]


def test_words_without_width_are_limited_too():
    none = np.zeros(2, np.int32)
    counts = count_pairs(tokens_of([[0] + [1] * 30]), 2, 2, workers=1, widths=none)
    assert as_dict(range(2), counts)[0, 1] == 2 * 8


def test_a_large_window_is_limited_by_what_a_span_can_hold():
    assert windows_of(10_000, np.zeros(3, np.int32), 3).reach == LARGEST_REACH
    assert windows_of(5, np.zeros(3, np.int32), 3).reach == 20
    assert windows_of(5, None, 3).reach == 5


def test_a_count_that_might_not_fit_is_refused():
    measured = windows_of(10_000, np.zeros(1, np.int32), 1)
    assert largest_count(1000, measured) == 1000 * 2 * 10_000 * LARGEST_REACH
    with pytest.raises(CorpusError, match="expected counts below 2\\*\\*63, got up to"):
        largest_count(2**35, measured)
    assert largest_count(2**35, windows_of(LARGEST_REACH, None, 1)) < 2**63


def test_a_count_beyond_int32_is_exact():
    n, window = 1200, 10_000
    half = np.full(1, PLACE // 2, np.int32)
    expected = 2 * sum((n - 1 - k) * math.floor(window - k / 2 + 0.5) for k in range(n - 1))
    assert expected > 2**31
    counts = count_pairs(tokens_of([[0] * n]), 1, window, workers=2, widths=half)
    assert (counts.values.dtype, counts.total) == (np.int64, expected)
    batch = count_batch(tokens_of([[0] * n]), 0, n, 1, window, BatchWorkspace(1), half)
    assert (batch.values.dtype, batch.values.tolist()) == (np.int64, [expected])


def test_widths_are_rounded_probabilities():
    widths = word_widths(np.array([0, 0.25, 1, 0.6 / PLACE, 0.4 / PLACE]))
    assert widths.tolist() == [0, PLACE // 4, PLACE, 1, 0]
    assert widths.dtype == np.int32


# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, math.inf])
def test_probabilities_that_are_none_are_refused(bad):
    with pytest.raises(ConfigurationError, match=r"keep: expected probabilities .* for word 1"):
        word_widths(np.array([0.5, bad]))


@pytest.mark.parametrize(
    "widths",
    [
        np.zeros(1, np.int32),
        np.zeros((2, 1), np.int32),
        np.zeros(2, np.int64),
        np.ones(2),
        np.array([0, -1], np.int32),
        np.array([0, PLACE + 1], np.int32),
    ],
)
def test_widths_that_do_not_fit_are_refused(widths):
    with pytest.raises(VocabularyError, match=r"widths: expected .* make them by word_widths"):
        count_pairs(tokens_of([[0, 1]]), 2, 2, workers=1, widths=widths)
    with pytest.raises(VocabularyError, match="widths: expected"):
        count_batch(tokens_of([[0, 1]]), 0, 2, 2, 2, BatchWorkspace(2), widths)


# --- the model ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def skewed_text():
    return random_sentences(1, 60, sentences=300, skew=1.2)


def fitted(sentences, **changes):
    given_settings = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 2, **changes}
    return Word2Vec(**given_settings).fit(sentences)


def test_widths_follow_from_the_vocabulary():
    vocabulary = Vocabulary(["a", "b"], np.array([900, 100]), 1000, 2)
    widths = window_widths(vocabulary, Hyperparameters(window_sample=0.01))
    keep = math.sqrt(0.01 / 0.9) + 0.01 / 0.9
    assert widths[0] == round(keep * PLACE)
    for plain in ({"window_sample": 0}, {"objective": "negative"}, {"model": "cbow"}):
        assert window_widths(vocabulary, Hyperparameters(**plain)) is None


@pytest.mark.parametrize("batches", ["counts", "tokens"])
def test_the_setting_reaches_training(skewed_text, batches):
    widest, wide, plain = (
        fitted(skewed_text, window_sample=sample, batches=batches) for sample in (1e-3, 0.02, 0)
    )
    entries = [model.summary.n_entries for model in (widest, wide, plain)]
    assert entries == sorted(entries, reverse=True)
    assert len(set(entries)) == 3
    assert wide.summary.loss_nats != plain.summary.loss_nats
    whole = fitted(skewed_text, window_sample=1, batches=batches)
    assert whole.in_vectors.tobytes() == plain.in_vectors.tobytes()


def test_the_training_text_has_the_loss_of_the_summary(skewed_text):
    with unfitted():
        model = fitted(skewed_text, window_sample=0.02, sample=0)
    again = model.perplexity(skewed_text)
    assert again.loss_nats == pytest.approx(model.summary.loss_nats, rel=1e-6)
    # A text of its own frequencies is measured by those of the training text.
    rare = [["w50", "w51", "w50", "w52"]] * 50
    assert model.perplexity(rare).pair_weight == 50 * (3 + 2 / 2) * 2


def test_pair_weights_add_up_over_texts(skewed_text):
    model = fitted(skewed_text)
    parts = [model.perplexity(part) for part in (skewed_text[:100], skewed_text[100:])]
    whole = model.perplexity(skewed_text)
    weights = [part.pair_weight for part in parts]
    assert sum(weights) == pytest.approx(whole.pair_weight, rel=1e-12)
    mean = sum(p.loss_nats * p.pair_weight for p in parts) / sum(weights)
    assert mean == pytest.approx(whole.loss_nats, rel=1e-6)


@pytest.mark.parametrize("objective", ["softmax", "negative"])
def test_a_model_of_before_has_plain_windows(tmp_path, objective):
    model = tmp_path / "model"
    shutil.copytree(Path(__file__).parents[1] / "golden" / "schema-1" / objective, model)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    assert config["hyperparameters"].pop("window_sample") == 1e-3  # as it once was not there
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    loaded = Word2Vec.load(model)
    assert window_widths(loaded.vocabulary, loaded.settings) is None
    if objective == "softmax":
        assert loaded.settings.window_sample == 0
        ids = np.random.default_rng(1).integers(0, len(loaded.vocabulary), (50, 9)).tolist()
        window = loaded.settings.window
        plain = count_pairs(tokens_of(ids), len(loaded.vocabulary), window, workers=1)
        text = [[loaded.vocabulary.words[k] for k in line] for line in ids]
        assert loaded.perplexity(text).pair_weight == plain.total / window
