"""Training on the running text: against a float64 twin, by frequencies, topics and properties."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    DivergenceError,
    VocabularyError,
)
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.noise import noise_distribution
from fastw2v.objectives.stream.settings import WordOptions
from fastw2v.text.encoded import EncodedTokens
from tests.objectives.test_planted_topics import share_of_own_topic
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies
from tests.support.stream_runs import (
    CELLS,
    GOOD,
    encoded,
    stream_settings,
    trained,
)


def negative_draws(counts, exponent, cell, negative=5):
    """How often each word was drawn, read off a step too small to change what follows.

    With one dimension, input vectors of 1 and output vectors of 0, each pair adds rate / 2 to its
    predicted word and takes as much from each of its negatives.
    """
    n_words, rate = len(counts), 1e-9
    settings = stream_settings(
        vector_size=1, window=1, sample=0, negative=negative, ns_exponent=exponent, epochs=1,
        learning_rate=rate, final_rate=1.0, **CELLS[cell],
    )  # fmt: skip
    sentences = np.random.default_rng(3).integers(0, n_words, (300, 101))
    start = (np.ones((n_words, 1), np.float32), np.zeros((n_words, 1), np.float32))
    result = trained(encoded(list(sentences)), counts, settings, start=start)
    pairs = np.zeros(n_words)
    np.add.at(pairs, sentences[:, 1:-1], 2)
    np.add.at(pairs, sentences[:, [0, -1]], 1)
    drawn = pairs - result.out_vectors[:, 0].astype(np.float64) / (rate / 2)
    assert drawn.sum() == pytest.approx(negative * pairs.sum(), rel=1e-3)
    return drawn / (2 if cell == "skipgram-negative" else 1)  # both contexts share them


@pytest.mark.parametrize("cell", ["skipgram-negative", "skipgram-negative-pairs"])
@pytest.mark.parametrize("exponent", [0.75, -0.5])
def test_negatives_are_as_frequent_as_the_noise(cell, exponent):
    counts = 1000 // np.arange(1, 21)
    drawn = negative_draws(counts, exponent, cell)
    assert_frequencies(drawn, noise_distribution(counts, exponent))
    with pytest.raises(FrequencyMismatchError):
        assert_frequencies(drawn, noise_distribution(counts, exponent + 0.05))


@pytest.mark.parametrize("window", [1, 2, 5, 9])
def test_reaches_are_even_from_one_to_the_window(window):
    n_tokens = 40_000
    tokens = encoded([np.arange(n_tokens) % 7])
    shared = {"vector_size": 1, "window": window, "sample": 0, "epochs": 1}
    settings = stream_settings(**shared, learning_rate=1e-30)
    start = (np.zeros((7, 1), np.float32), np.zeros((7, 1), np.float32))
    skipgram = trained(tokens, np.full(7, 9), settings, start=start)
    # Every pair has the loss 6 log 2: count the pairs by what CBOW's rows gain instead.
    assert skipgram.history[0].loss_nats == pytest.approx(6 * np.log(2), rel=1e-6)
    rate = 1e-9
    cbow = stream_settings(
        **shared, model="cbow", cbow_mean=False, learning_rate=rate, final_rate=1.0,
        ns_exponent=10.0,
    )  # fmt: skip
    counts = np.array([100, 9, 9, 9, 9, 9, 9])
    start = (np.ones((7, 1), np.float32), np.zeros((7, 1), np.float32))
    gained = trained(tokens, counts, cbow, start=start).out_vectors[1:, 0].astype(np.float64)
    # A window of reach r adds rate / 2 times its 2 r contexts; the mean reach is (window + 1) / 2.
    positions = n_tokens * 6 / 7
    mean_reach = gained.sum() / (rate / 2) / positions / 2
    spread = np.sqrt((window**2 - 1) / 12 / positions)
    assert abs(mean_reach - (window + 1) / 2) < 5 * spread + 1e-3
    assert abs(mean_reach - (window + 2) / 2) > 5 * spread + 1e-3


def test_windows_that_do_not_shrink_have_all_their_reach():
    """Every window of a long text has the pairs that its `window` says, less those at the ends."""
    for window in (1, 4):
        settings = stream_settings(vector_size=2, window=window, sample=0, epochs=1)
        text = encoded([np.arange(1000) % 7])
        result = trained(text, np.full(7, 9), replace(settings, shrink_windows=False))
        assert result.n_pairs == 2 * (window * 1000 - window * (window + 1) // 2)
    shrunk = trained(text, np.full(7, 9), settings)
    assert shrunk.n_pairs < 0.8 * result.n_pairs


def test_tokens_are_kept_as_the_rules_say():
    tokens = encoded([np.arange(40_000) % 4])
    keep = np.array([1.0, 0.25, 0.25, 0.5])
    settings = stream_settings(vector_size=1, sample=1e-6, epochs=1)
    by_rules = replace(settings, rules=WordOptions(keep=keep))
    result = trained(tokens, np.full(4, 10_000), by_rules)
    assert result.n_kept == pytest.approx(20_000, abs=5 * np.sqrt(40_000 / 4))
    by_sample = trained(tokens, np.full(4, 10_000), settings)
    assert by_sample.n_kept < 1000


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_planted_topics_are_found(topics, cell, workers):
    vocabulary, tokens = topics
    settings = stream_settings(
        vector_size=20, sample=0, epochs=40, learning_rate=0.1, **CELLS[cell]
    )
    result = trained(tokens, vocabulary.counts, settings, workers)
    vectors = result.in_vectors
    embeddings = Embeddings(vocabulary, vectors, vectors, np.zeros(len(vectors), np.float32))
    assert share_of_own_topic(embeddings.keyed_vectors("in")) > 0.9
    assert result.history[-1].loss_nats < 0.9 * result.history[0].loss_nats


def test_without_training_topics_are_not_found(topics):
    vocabulary, tokens = topics
    settings = stream_settings(vector_size=20, epochs=1, learning_rate=1e-9)
    vectors = trained(tokens, vocabulary.counts, settings).in_vectors
    embeddings = Embeddings(vocabulary, vectors, vectors, np.zeros(len(vectors), np.float32))
    assert share_of_own_topic(embeddings.keyed_vectors("in")) < 0.25


@pytest.mark.parametrize("cell", CELLS)
def test_one_worker_gives_the_same_bits(topics, cell):
    vocabulary, tokens = topics
    shared = {"vector_size": 13, "epochs": 2, "sample": 1e-2, **CELLS[cell]}
    settings = stream_settings(**shared)
    first, second = (trained(tokens, vocabulary.counts, settings) for _ in range(2))
    assert first.in_vectors.tobytes() == second.in_vectors.tobytes()
    assert first.out_vectors.tobytes() == second.out_vectors.tobytes()
    other = trained(tokens, vocabulary.counts, stream_settings(**shared, seed=2))
    assert first.in_vectors.tobytes() != other.in_vectors.tobytes()


def test_several_workers_train_every_pair_once():
    """With steps too small to matter, the sum of all steps does not depend on who takes them."""
    sentences = np.random.default_rng(3).integers(0, 400, (40, 500))
    start = (np.ones((400, 1), np.float32), np.zeros((399, 1), np.float32))
    settings = stream_settings(
        vector_size=1, objective="hierarchical", window=1, sample=0, epochs=2, learning_rate=1e-9
    )
    counts = np.arange(1000, 600, -1)
    one, many = (
        trained(encoded(list(sentences)), counts, settings, n, start=start, block_tokens=300)
        for n in (1, 4)
    )
    # The rows of the most frequent words are copied, so none of their steps may be lost; others
    # are shared without locks, where a few may.
    assert np.allclose(one.out_vectors[-256:], many.out_vectors[-256:], rtol=1e-3)
    assert np.abs(one.out_vectors - many.out_vectors).max() < 0.02 * np.abs(one.out_vectors).max()
    assert one.history[-1].loss_nats == pytest.approx(many.history[-1].loss_nats, rel=1e-6)


def test_memory_maps_and_arrays_give_the_same(topics, tmp_path):
    vocabulary, tokens = topics
    tokens.ids.tofile(tmp_path / "ids")
    tokens.sentence_starts.tofile(tmp_path / "starts")
    mapped = EncodedTokens(
        np.memmap(tmp_path / "ids", np.int32, "r"),
        np.memmap(tmp_path / "starts", np.int64, "r"),
        tokens.n_raw_tokens,
        0,
    )
    settings = stream_settings(vector_size=8, epochs=1)
    results = [trained(text, vocabulary.counts, settings) for text in (tokens, mapped)]
    assert (results[0].in_vectors == results[1].in_vectors).all()


def test_reports(topics):
    vocabulary, tokens = topics
    seen = []
    settings = stream_settings(vector_size=8, epochs=3, learning_rate=0.05, final_rate=0.2)
    result = trained(tokens, vocabulary.counts, settings, callbacks=[seen.append])
    assert [report.epoch for report in seen if report.epoch_ended] == [1, 2, 3]
    assert seen[-1].step == seen[-1].steps
    assert result.history[-1].learning_rate == pytest.approx(0.01)
    assert [report.loss_nats for report in seen if report.epoch_ended] == [
        record.loss_nats for record in result.history
    ]


@pytest.mark.parametrize("sentences", [[[0]], [[0], [], [1]], [[0, 0, 0, 0]]])
@pytest.mark.parametrize("cell", CELLS)
def test_tiny_texts(sentences, cell):
    settings = stream_settings(vector_size=3, epochs=2, sample=0, **CELLS[cell])
    n_words = max(max(s, default=0) for s in sentences) + 1
    result = trained(encoded(sentences), np.ones(n_words), settings)
    assert result.in_vectors.shape == (n_words, 3)
    assert np.isfinite(result.in_vectors).all()
    assert np.isfinite(result.history[-1].loss_nats)


def test_an_id_beyond_the_vocabulary_is_an_error():
    with pytest.raises(VocabularyError, match=r"expected 0 to 1, .* got 2 for token 2"):
        trained(encoded(GOOD), np.ones(2), stream_settings())


def test_unusable_texts_are_errors():
    good = encoded(GOOD)
    with pytest.raises(CorpusError, match="got none"):
        trained(
            replace(good, ids=good.ids[:0], sentence_starts=np.zeros(2, np.int64)),
            [1],
            stream_settings(),
        )
    for starts in ([0, 3], [1, 4], [0, 3, 2, 4], [0], [4]):
        with pytest.raises(CorpusError, match="sentence_starts"):
            trained(replace(good, sentence_starts=np.array(starts)), np.ones(3), stream_settings())
    with pytest.raises(VocabularyError, match="at least 1"):
        trained(good, [1, 0, 1], stream_settings())


@pytest.mark.parametrize("cell", CELLS)
def test_divergence_is_an_error(cell):
    settings = stream_settings(vector_size=4, learning_rate=1e30, sample=0, **CELLS[cell])
    with pytest.raises(DivergenceError, match="use a smaller --learning-rate"):
        trained(encoded([[0, 1, 2, 1] * 50]), np.ones(3), settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "glove"),
        ("cbow_steps", "word2vec"),
        ("objective", "softmax"),
        ("vector_size", 0),
        ("window", 0),
        ("negative", 0),
        ("epochs", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("final_rate", 1.5),
        ("ns_exponent", float("inf")),
    ],
)
def test_unusable_settings_are_errors(name, value):
    with pytest.raises(ConfigurationError, match=f"{name}: expected .*, got {value!r}"):
        stream_settings(**{name: value})


def test_unusable_starts_are_errors():
    start = (np.zeros((3, 2), np.float32), np.zeros((3, 4), np.float32))
    with pytest.raises(ConfigurationError, match="in_vectors of shape"):
        trained(encoded(GOOD), np.ones(3), stream_settings(vector_size=4), start=start)
    with pytest.raises(ConfigurationError, match="block_tokens"):
        trained(encoded(GOOD), np.ones(3), stream_settings(), block_tokens=0)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"keep": np.ones(2)}, "keep: expected one for each of 3 words, got .* \\(2,\\)"),
        ({"keep": np.array([0.5, 0.0, 1.0])}, "keep: expected probabilities above 0"),
        ({"locks": np.ones((3, 1), np.float32)}, "locks: expected one for each of 3 words"),
        ({"locks": np.full(3, np.nan, np.float32)}, "locks: expected finite numbers"),
    ],
)
def test_unusable_rules_are_errors(rules, message):
    with pytest.raises(ConfigurationError, match=message):
        trained(encoded(GOOD), np.ones(3), stream_settings(rules=WordOptions(**rules)))


AVX2 = "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+f16c"
CPUS = {
    "baseline": {"NUMBA_CPU_NAME": "generic"},
    "AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": AVX2},
}
LANES_OF = {"baseline": 4, "AVX2": 8}
ON_ANOTHER_CPU = """
import sys
from fastw2v.kernels.simd.vectors import LANES
assert LANES == int(sys.argv[1]), LANES
from tests.support.stream_runs import CELLS, compare_with_twin
from tests.kernels.test_context_means import Case as MeanCase
from tests.kernels.test_sigmoid_windows import Case
for cell in CELLS:
    compare_with_twin(cell)
for dimensions in (1, 7, 100):
    for n_outputs in (1, 5, 6, 13):
        Case(dimensions, 5, n_outputs).check(1.0)
        MeanCase(dimensions, 5, n_outputs).check()
print("fine")
"""


@pytest.mark.parametrize("cpu", CPUS)
def test_other_cpus_compute_the_same(cpu):
    from llvmlite import binding

    if not binding.get_default_triple().startswith("x86_64"):
        pytest.skip("these names are those of x86-64")
    done = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_CPU, str(LANES_OF[cpu])],
        env={**os.environ, **CPUS[cpu], "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "fine\n", done.stderr


SECOND_START = """
import numpy as np
from fastw2v.kernels.stream.training import train_blocks
from tests.support.stream_runs import GOOD, encoded, stream_settings, trained
trained(encoded(GOOD), np.ones(3), stream_settings())
print(sum(train_blocks.stats.cache_hits.values()), sum(train_blocks.stats.cache_misses.values()))
"""


def test_a_second_start_compiles_nothing():
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SECOND_START],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "1 0\n"
