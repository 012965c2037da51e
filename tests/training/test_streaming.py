"""Training on the running text: against a float64 twin, by frequencies, topics and properties."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    DivergenceError,
    VocabularyError,
)
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.noise import noise_distribution
from fastw2v.objectives.stream.settings import StreamSettings, WordRules
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import read_corpus
from fastw2v.training.options import Reports
from fastw2v.training.run import Run
from fastw2v.training.stream import train_stream
from tests.objectives.test_planted_topics import share_of_own_topic
from tests.support.corpora_made import topic_sentences
from tests.support.naive_stream import NaiveStream
from tests.support.statistical_checks import FrequencyMismatchError, assert_frequencies

CELLS = {
    "skipgram-negative": {},
    "skipgram-negative-pairs": {"negatives_shared": False},
    "skipgram-hierarchical": {"objective": "hierarchical"},
    "cbow-negative": {"model": "cbow"},
    "cbow-sum-negative": {"model": "cbow", "cbow_mean": False},
    "cbow-hierarchical": {"model": "cbow", "objective": "hierarchical"},
    "cbow-negative-gensim": {"model": "cbow", "cbow_steps": "gensim"},
    "cbow-sum-negative-gensim": {"model": "cbow", "cbow_mean": False, "cbow_steps": "gensim"},
}
WORDS = 14


def encoded(sentences):
    starts = np.concatenate([[0], np.cumsum([len(s) for s in sentences])]).astype(np.int64)
    ids = np.concatenate([np.asarray(s, np.int32) for s in sentences]).astype(np.int32)
    return EncodedTokens(ids, starts, len(ids), 0)


def stream_settings(**given):
    """Settings of a run: hyper-parameters as gensim has them unless given, and what goes beyond."""
    beyond = ("shrink_windows", "cbow_steps", "rules")
    values = {"objective": "negative", "learning_rate": 0.025, **given}
    for name in beyond:
        values.pop(name, None)
    return StreamSettings(
        hyperparameters=Hyperparameters(**values),
        **{name: given[name] for name in beyond if name in given},
    )


def trained(tokens, counts, settings, workers=1, start=None, callbacks=(), **options):
    run = Run(
        settings=settings.hyperparameters,
        workers=workers,
        start=start,
        reports=Reports(callbacks=callbacks),
    )
    with WorkerPool(workers) as pool:
        return train_stream(
            tokens, np.asarray(counts, np.int64), settings, pool, run=run, **options
        )


def sentences_without_echo(seed):
    """Sentences in which no word stands twice among three: both contexts of a word differ."""
    generator = np.random.default_rng(seed)
    made = []
    for length in (1, 40, 0, 2, 3, 25, 1, 30):
        words: list[int] = []
        while len(words) < length:
            word = int(generator.integers(WORDS))
            if word not in words[-2:]:
                words.append(word)
        made.append(words)
    return made


class TwinMismatchError(AssertionError):
    """The kernels did not do what the twin does."""


def compare_with_twin(cell, sabotage="", dimensions=9, locks=None, held=()):
    # All noise is word 0.
    noise = {} if "hierarchical" in cell else {"negative": 5, "ns_exponent": 9.0}
    settings = stream_settings(
        vector_size=dimensions,
        window=1,
        sample=0,
        **noise,
        learning_rate=0.3,
        final_rate=0.1,
        epochs=2,
        rules=WordRules(locks=locks, locked_outputs=np.isin(np.arange(WORDS), held)),
        **CELLS[cell],
    )
    counts = np.array([10**6, *range(40, 40 - WORDS + 1, -1)])
    generator = np.random.default_rng(4)
    out_rows = WORDS - (settings.hyperparameters.objective == "hierarchical")
    start = tuple(
        generator.normal(size=(rows, dimensions)).astype(np.float32) * np.float32(0.5)
        for rows in (WORDS, out_rows)
    )
    sentences = sentences_without_echo(2)
    result = trained(encoded(sentences), counts, settings, start=start, block_tokens=11)
    if sabotage == "no locks":
        locks = None
    if sabotage == "nothing held":
        held = ()
    twin = NaiveStream(counts, settings, start, sabotage, locks, held).train(sentences, 11)
    differences = [
        np.abs(result.in_vectors - twin.inputs).max(),
        np.abs(result.out_vectors - twin.outputs).max(),
        abs(result.history[-1].loss_nats - twin.loss / twin.pairs),
        abs(result.n_pairs - 2 * twin.pairs),
        abs(result.n_kept - 2 * len(encoded(sentences).ids)),
    ]
    if max(differences) > 2e-5:
        raise TwinMismatchError(f"{cell}: differences {differences}")


@pytest.mark.parametrize("cell", CELLS)
def test_epochs_are_those_of_the_twin(cell):
    compare_with_twin(cell)


@pytest.mark.parametrize("dimensions", [1, 16, 300])
def test_epochs_of_other_dimensions(dimensions):
    compare_with_twin("skipgram-hierarchical", dimensions=dimensions)
    compare_with_twin("cbow-negative", dimensions=dimensions)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("sabotage", ["flipped codes", "constant rate"])
def test_mistakes_of_the_twin_are_caught(cell, sabotage):
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, sabotage)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.startswith("cbow")])
def test_another_scale_of_steps_is_caught(cell):
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "other scale of steps")


LOCKS = np.array([1, 0, 0.5, 1, 2, 0, 0.25] * 2, np.float32)


@pytest.mark.parametrize("cell", CELLS)
def test_locked_words_take_their_part_of_the_steps(cell):
    compare_with_twin(cell, locks=LOCKS)
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "no locks", locks=LOCKS)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "negative" in cell])
@pytest.mark.parametrize("held", [(0,), (3, 5, 0, 8), range(WORDS)])
def test_outputs_that_are_locked_stay_while_others_learn(cell, held):
    """Word 0 is all the noise: it stands several times among the outputs of a window."""
    compare_with_twin(cell, held=held)
    compare_with_twin(cell, held=held, locks=LOCKS)
    with pytest.raises(TwinMismatchError):
        compare_with_twin(cell, "nothing held", held=held)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_words_locked_with_zero_keep_their_bits(cell, workers, topics):
    """Also where they stand twice in a window, and where workers have copies of their rows."""
    vocabulary, tokens = topics
    n_words = len(vocabulary)
    settings = stream_settings(vector_size=20, sample=0, epochs=2, learning_rate=0.1, **CELLS[cell])
    generator = np.random.default_rng(5)
    start = tuple(
        generator.normal(size=(n_words - less, 20)).astype(np.float32) * np.float32(0.1)
        for less in (0, settings.hyperparameters.objective == "hierarchical")
    )
    locks = (np.arange(n_words) % 3 > 0).astype(np.float32)
    rules = WordRules(locks=locks, locked_outputs=np.arange(n_words) % 4 == 1)
    settings = replace(settings, rules=rules)
    result = trained(tokens, vocabulary.counts, settings, workers, start=start)
    moved = (result.in_vectors != start[0]).any(axis=1)
    assert (moved == (locks > 0)).all()
    if settings.hyperparameters.objective == "negative":
        moved = (result.out_vectors != start[1]).any(axis=1)
        assert (moved == ~rules.locked_outputs).all()


def test_a_locked_word_twice_in_a_window_takes_both_steps():
    """Its two contexts are one row: half of both steps, as without locks all of both."""
    tokens, counts = encoded([[1, 0, 1]]), np.array([10**6, 2])
    settings = stream_settings(
        vector_size=1, window=1, sample=0, epochs=1, learning_rate=1e-3, final_rate=1.0,
        ns_exponent=10.0,
    )  # fmt: skip
    start = (np.ones((2, 1), np.float32), np.array([[2], [1]], np.float32))
    steps = []
    for lock in (1.0, 0.5):
        locked = replace(settings, rules=WordRules(locks=np.array([1, lock], np.float32)))
        steps.append(trained(tokens, counts, locked, start=start).in_vectors[1] - 1)
    assert steps[0] != 0
    assert steps[1] == pytest.approx(steps[0] / 2, rel=1e-3)


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
    by_rules = replace(settings, rules=WordRules(keep=keep))
    result = trained(tokens, np.full(4, 10_000), by_rules)
    assert result.n_kept == pytest.approx(20_000, abs=5 * np.sqrt(40_000 / 4))
    by_sample = trained(tokens, np.full(4, 10_000), settings)
    assert by_sample.n_kept < 1000


@pytest.fixture(scope="module")
def topics():
    return read_corpus(topic_sentences(seed=1), min_count=1)


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


GOOD = [[0, 1, 2, 1]]


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
        trained(encoded(GOOD), np.ones(3), stream_settings(rules=WordRules(**rules)))


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("workers", [1, 3])
def test_locked_rows_stay_bit_by_bit_their_zeros_too(model, workers):
    counts = np.array([900, 700, 500, 40])
    sentences = [list(np.random.default_rng(k).integers(0, 4, 9)) for k in range(40)]
    start = np.full((4, 5), -0.0, np.float32), np.full((4, 5), 0.25, np.float32)
    rules = WordRules(locks=np.array([0, 1, 0, 0], np.float32))
    settings = stream_settings(model=model, vector_size=5, epochs=2, rules=rules)
    fitted = trained(encoded(sentences), counts, settings, workers=workers, start=start)
    in_vectors = fitted.in_vectors
    locked = in_vectors[[0, 2, 3]]
    assert (locked == 0).all()
    assert np.signbit(locked).all()
    assert (in_vectors[1] != 0).all()


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
from tests.training.test_streaming import CELLS, compare_with_twin
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
from tests.training.test_streaming import GOOD, encoded, stream_settings, trained
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
