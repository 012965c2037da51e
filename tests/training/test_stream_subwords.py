"""Inputs that are means of rows on the running text: a float64 twin, closed forms, whole runs."""

import numpy as np
import pytest

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.features import FeatureMatrix, Ngrams, ngram_features
from fastw2v.objectives.stream.settings import WordOptions
from fastw2v.text.reading import read_corpus
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from fastw2v.training.inputs import InputFeatures
from tests.objectives.test_planted_topics import share_of_own_topic
from tests.support.corpora_made import random_sentences, topic_sentences, write_text
from tests.support.naive_means import NaiveMeans
from tests.support.stream_runs import (
    WORDS,
    TwinMismatchError,
    encoded,
    problem_of_twins,
    sentences_without_echo,
    stream_settings,
    trained,
)
from tests.training.test_input_features import all_arrays_of
from tests.training.test_resume import StoppedHereError, losses_of, stopping_at

CELLS = {
    "negative": {},
    "negative-pairs": {"negatives_shared": False},
    "hierarchical": {"objective": "hierarchical"},
}
SHARED = 6


def matrix_of(lists, n_features):
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in lists])]).astype(np.int64)
    indices = np.array([row for rows in lists for row in rows], np.int32)
    return FeatureMatrix(starts, indices, np.ones(len(indices), np.float32), n_features, power=1.0)


def lists_of_rows():
    """The own row of each word, and of most some that are shared; one of them comes twice."""
    generator = np.random.default_rng(8)
    lists = []
    for word in range(WORDS):
        n_shared = 0 if word % 5 == 1 else int(generator.integers(1, 4))
        chosen = generator.choice(SHARED, n_shared, replace=False)
        lists.append([word, *(WORDS + int(row) for row in chosen)])
    lists[2].append(lists[2][-1])
    return lists


def compare_with_twin(cell, sabotage="", dimensions=9):
    noise = {} if "hierarchical" in cell else {"negative": 5, "ns_exponent": 9.0}
    settings = stream_settings(
        vector_size=dimensions,
        window=1,
        sample=0,
        inputs="subwords",
        **noise,
        **CELLS[cell] | {"learning_rate": 0.3, "final_rate": 0.1, "epochs": 2},
    )
    counts, start = problem_of_twins(settings, WORDS + SHARED)
    lists, sentences = lists_of_rows(), sentences_without_echo(2)
    features = matrix_of(lists, WORDS + SHARED)
    result = trained(
        encoded(sentences), counts, settings, start=start, block_tokens=11, features=features
    )
    twin = NaiveMeans(counts, settings, start, lists, sabotage).train(sentences, 11)
    means = np.array([twin.mean_of(word) for word in range(WORDS)])
    differences = [
        np.abs(result.in_vectors - means).max(),
        np.abs(result.out_vectors - twin.outputs).max(),
        abs(result.history[-1].loss_nats - twin.loss / twin.pairs),
        abs(result.n_pairs - 2 * twin.pairs),
    ]
    if max(differences) > 2e-5:
        raise TwinMismatchError(f"{cell}: differences {differences}")


@pytest.mark.parametrize("cell", CELLS)
def test_epochs_are_those_of_the_twin(cell):
    compare_with_twin(cell)


@pytest.mark.parametrize("dimensions", [1, 16, 300])
def test_epochs_of_other_dimensions(dimensions):
    compare_with_twin("negative", dimensions=dimensions)


@pytest.mark.parametrize("sabotage", ["sums", "shared steps", "rows once", "lost at the end"])
def test_mistakes_of_the_twin_are_caught(sabotage):
    with pytest.raises(TwinMismatchError):
        compare_with_twin("negative", sabotage)


def gains_of_small_steps(window, workers=1):
    """How far rows move by steps too small to change each other: with features, and without.

    Every word is the mean of its own row and of one that it shares with each third word. Inputs
    begin at zero, so that outputs stay, and every step is what plain words would take.
    """
    n_words, n_shared, rate = 40, 3, 1e-9
    tokens = encoded(list(np.random.default_rng(3).integers(0, n_words, (60, 101))))
    counts = np.arange(1000, 1000 - n_words, -1)
    settings = stream_settings(
        vector_size=3, window=window, sample=0.02, epochs=1, learning_rate=rate, final_rate=1.0
    )
    outputs = np.random.default_rng(5).normal(size=(n_words, 3)).astype(np.float32)
    shared = matrix_of([[w, n_words + w % n_shared] for w in range(n_words)], n_words + n_shared)
    zeros = np.zeros((n_words + n_shared, 3), np.float32)
    options = {"workers": workers, "block_tokens": 300}
    plain = trained(tokens, counts, settings, start=(zeros[:n_words], outputs), **options)
    means = trained(tokens, counts, settings, start=(zeros, outputs), features=shared, **options)
    assert (means.n_pairs, means.n_kept) == (plain.n_pairs, plain.n_kept)
    plain_gain = plain.in_vectors / rate
    of_shared = np.array([plain_gain[row::n_shared].sum(axis=0) for row in range(n_shared)])
    expected = (plain_gain + of_shared[np.arange(n_words) % n_shared]) / 2
    return means.in_vectors / rate, expected


@pytest.mark.parametrize("window", [1, 2, 7, 8, 20, 150])
def test_every_row_takes_all_steps_of_its_words(window):
    found, expected = gains_of_small_steps(window)
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_too_few_slots_are_caught(monkeypatch):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.slots_for", lambda window: 16)
    found, expected = gains_of_small_steps(20)
    assert not np.allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def share_lost_by_workers(window):
    """The largest share of a row's gain that three workers lose to each other, median of 11 runs.

    A worker that the system stops between reading a row and writing it undoes what the others did
    to that row meanwhile, on a busy machine up to half of a run this short. That is rare, and what
    a mistake loses is lost in every run.
    """
    runs = [gains_of_small_steps(window, workers=3) for _ in range(11)]
    return np.median(
        [np.abs(found - expected).max() / np.abs(expected).max() for found, expected in runs]
    )


def test_several_workers_lose_few_steps():
    assert share_lost_by_workers(5) < 0.05


def test_many_lost_steps_of_several_workers_are_caught(monkeypatch):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.slots_for", lambda window: 16)
    assert share_lost_by_workers(20) > 0.05


@pytest.mark.parametrize("cell", CELLS)
def test_words_without_ngrams_are_plain_words_to_the_bit(cell):
    vocabulary, tokens = read_corpus(topic_sentences(seed=1), min_count=1)
    settings = stream_settings(vector_size=13, epochs=2, sample=1e-2, **CELLS[cell])
    generator = np.random.default_rng(2)
    rows = len(vocabulary)
    start = tuple(
        generator.normal(size=(rows - less, 13)).astype(np.float32) * np.float32(0.1)
        for less in (0, settings.hyperparameters.objective == "hierarchical")
    )
    none, _ = ngram_features(vocabulary.words, Ngrams(20, 30, 1000))
    some, _ = ngram_features(vocabulary.words, Ngrams(6, 6, 1000))
    plain, alone = (
        trained(tokens, vocabulary.counts, settings, start=start, **given)
        for given in ({}, {"features": none})
    )
    assert alone.in_vectors.tobytes() == plain.in_vectors.tobytes()
    assert alone.out_vectors.tobytes() == plain.out_vectors.tobytes()
    assert [r.loss_nats for r in alone.history] == [r.loss_nats for r in plain.history]
    # With n-grams, which are there for these words, it is another training.
    wider = np.zeros((some.n_features, 13), np.float32)
    wider[:rows] = start[0]
    other = trained(tokens, vocabulary.counts, settings, start=(wider, start[1]), features=some)
    assert some.n_features > rows
    assert other.out_vectors.tobytes() != plain.out_vectors.tobytes()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_planted_topics_are_found(cell, workers):
    vocabulary, tokens = read_corpus(topic_sentences(seed=1), min_count=1)
    # n-grams of five characters: "w07", say, is in words of all topics, "<t3w0" is not.
    features, _ = ngram_features(vocabulary.words, Ngrams(3, 5, 5000))
    settings = stream_settings(
        vector_size=20, sample=0, epochs=20, inputs="subwords", **CELLS[cell]
    )
    result = trained(tokens, vocabulary.counts, settings, workers, features=features)
    vectors = result.in_vectors
    embeddings = Embeddings(vocabulary, vectors, vectors, np.zeros(len(vectors), np.float32))
    assert share_of_own_topic(embeddings.keyed_vectors("in")) > 0.9
    assert result.history[-1].loss_nats < 0.9 * result.history[0].loss_nats


@pytest.mark.parametrize(
    ("features", "rules", "message"),
    [
        (matrix_of([[0], [1]], 2), {}, "features: expected those of 3 words, got those of 2"),
        (matrix_of([[0], [], [1]], 2), {}, "features: expected at least one for each word"),
        (matrix_of([[0], [1], [2]], 3), {"locks": np.ones(3, np.float32)}, "locks: expected none"),
    ],
)
def test_unusable_features_are_errors(features, rules, message):
    settings = stream_settings(vector_size=2, window=1, rules=WordOptions(**rules))
    with pytest.raises(ConfigurationError, match=message):
        trained(encoded([[0, 1, 2]]), np.array([3, 2, 1]), settings, features=features)


RUN = {
    "vector_size": 6, "window": 2, "min_count": 1, "epochs": 3, "seed": 3, "inputs": "subwords",
    "bucket": 500, "workers": 1,
}  # fmt: skip
OBJECTIVES = ["negative", "hierarchical"]
HELD_OUT = random_sentences(5, 60, sentences=60)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 60, sentences=700, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_worker_gives_the_same_bits_when_resumed_too(corpus, tmp_path, monkeypatch, objective):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)
    settings = RUN | {"objective": objective}
    reports = []
    whole = Word2Vec(**settings).fit(corpus, callbacks=[reports.append])
    again = Word2Vec(**settings).fit(corpus)
    other = Word2Vec(**settings | {"seed": 4}).fit(corpus)
    assert all_arrays_of(again) == all_arrays_of(whole)
    assert all_arrays_of(other) != all_arrays_of(whole)
    middle = reports[len(reports) // 2 - 1].step
    with pytest.raises(StoppedHereError):
        Word2Vec(**settings).fit(
            corpus,
            callbacks=[stopping_at(middle)],
            checkpoints=Checkpoints(tmp_path / "model", every="0.0001s"),
        )
    checkpoint = read_checkpoint(checkpoint_path(tmp_path / "model"))
    assert checkpoint.state.steps_done > 0
    resumed = Word2Vec.resume(tmp_path / "model", workers=1)
    assert all_arrays_of(resumed) == all_arrays_of(whole)
    assert losses_of(resumed) == losses_of(whole)


def test_rows_of_ngrams_are_part_of_a_checkpoint(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)
    settings = RUN | {"objective": "negative"}
    whole = Word2Vec(**settings).fit(corpus)
    with pytest.raises(StoppedHereError):
        Word2Vec(**settings).fit(
            corpus,
            callbacks=[stopping_at(8)],
            checkpoints=Checkpoints(tmp_path / "model", every="0.0001s"),
        )

    def spoilt(path):
        checkpoint = read_checkpoint(path)
        rows = checkpoint.arrays["in_vectors"]
        rows[-16:] = 0  # the last n-gram's
        return checkpoint

    monkeypatch.setattr("fastw2v.training.resume.read_checkpoint", spoilt)
    assert all_arrays_of(Word2Vec.resume(tmp_path / "model", workers=1)) != all_arrays_of(whole)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_vectors_are_means_of_what_unknown_words_are_made_of(corpus, monkeypatch, objective):
    seen = []
    finish = InputFeatures.with_trained_means

    def watched(inputs, embeddings, vectors):
        seen.append(vectors)
        return finish(inputs, embeddings, vectors)

    monkeypatch.setattr(InputFeatures, "with_trained_means", watched)
    model = Word2Vec(**RUN, objective=objective).fit(corpus)
    unknown, words = model.embeddings.unknown, model.vocabulary.words
    own = seen[0][: len(words)]
    # fastText's file has the same own rows, found from what is handed out.
    assert np.abs(unknown.table.own_rows(words, model.in_vectors) - own).max() < 1e-4
    sizes = np.diff(unknown.ngrams.of(words)[0])[:, None]
    expected = (own + sizes * unknown.table.of(words)) / (sizes + 1)
    assert np.abs(model.in_vectors - expected).max() < 1e-5
    # Sabotage: vectors of other n-grams do not add up.
    others = NgramVectors(unknown.ngrams, unknown.table.buckets, unknown.table.vectors[::-1])
    mistaken = (own + sizes * others.of(words)) / (sizes + 1)
    assert np.abs(model.in_vectors - mistaken).max() > 1e-3
    assert model.embeddings.default_vectors == "in"
    assert np.array_equal(model.wv.vectors, model.in_vectors)
    assert np.array_equal(model.vectors(["w999"]), model.embeddings.centre_vectors(["w999"]))


def test_patience_and_held_out_losses(corpus):
    model = Word2Vec(**RUN | {"epochs": 12, "learning_rate": 0.2}, objective="negative").fit(
        corpus, validation=Validation(HELD_OUT), patience=2
    )
    losses = [record.held_out_loss_nats for record in model.history]
    assert np.isfinite(losses).all()
    found = model.perplexity([["w1", "w999", "w2"], *HELD_OUT])
    assert found.n_unknown > 0
    assert np.isfinite(found.unknown_loss_nats)


def test_what_is_not_there_is_refused():
    for objective in OBJECTIVES:
        with pytest.raises(ConfigurationError, match=r"inputs: .* only model 'skipgram'"):
            Word2Vec(objective=objective, model="cbow", inputs="subwords")
        with pytest.raises(ConfigurationError, match=r"inputs: expected 'words' or 'subwords' wi"):
            Word2Vec(objective=objective, inputs="features")
        with pytest.raises(ConfigurationError, match=r"min_n: .* only inputs 'subwords'"):
            Word2Vec(objective=objective, min_n=4)


def test_the_command_line_trains_exports_and_finds(run, corpus, tmp_path):
    options = ["--objective", "negative", "--inputs", "subwords", "--bucket", "500"]
    options += ["--vector-size", "6", "--min-count", "1", "--quiet"]
    assert run("train", corpus, "-o", tmp_path / "model", *options)[0] == 0
    status, printed, _ = run("vectors", tmp_path / "model", "w999", "w1")
    assert status == 0
    model = Word2Vec.load(tmp_path / "model")
    rows = [np.array(line.split()[1:], float) for line in printed.splitlines()]
    assert np.allclose(rows, model.vectors(["w999", "w1"]), atol=1e-6)
    status, printed, _ = run("neighbors", tmp_path / "model", "w999")
    assert status == 0
    assert "w" in printed
    assert run("export", tmp_path / "model", tmp_path / "out.fasttext")[0] == 0
    status, printed, _ = run("vectors", tmp_path / "out.fasttext", "w999", "w1")
    again = [np.array(line.split()[1:], float) for line in printed.splitlines()]
    assert np.allclose(again, rows, atol=1e-5)
    for bad in (["--objective", "negative", "--model", "cbow"], ["--model", "cbow"]):
        status, _, errors = run(
            "train", corpus, "-o", tmp_path / "none", "--inputs", "subwords", *bad
        )
        assert status == 2
        assert "skipgram" in errors


def test_gensim_and_fasttext_have_the_same_vectors(corpus, tmp_path):
    from gensim.models.fasttext import load_facebook_vectors

    model = Word2Vec(**RUN, objective="negative").fit(corpus)
    model.export(tmp_path / "m.bin", "fasttext-bin")
    words = [*model.vocabulary.words[:20], "w999", "xw1"]
    expected = model.vectors(words)
    readers = [model.wv, load_facebook_vectors(str(tmp_path / "m.bin"))]
    for keyed in readers:
        assert np.allclose([keyed[word] for word in words], expected, atol=1e-5)
    fasttext = pytest.importorskip("fasttext")
    theirs = fasttext.load_model(str(tmp_path / "m.bin"))
    assert np.allclose([theirs.get_word_vector(word) for word in words], expected, atol=1e-5)
