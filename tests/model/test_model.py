"""`Word2Vec` from corpus to vectors and back from disk: repeatable, whole, and clear when wrong."""

from dataclasses import replace

import numpy as np
import pytest

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    FastW2VError,
    UnknownWordError,
    VocabularyError,
)
from fastw2v.kernels.simd.blocks import PANEL
from fastw2v.objectives.arrays import round_up
from fastw2v.objectives.softmax.initialization import START_STEPS
from tests.support.corpora_made import chain_sentences, random_sentences, write_text

SMALL = {"vector_size": 5, "window": 2, "min_count": 1, "epochs": 3}


def same(one, other):
    """Whether two models are equal to the last bit, timings apart."""
    tables = ("in_vectors", "out_vectors", "out_bias")
    losses = [[record.loss_nats for record in model.history] for model in (one, other)]
    timings = dict.fromkeys(("read_s", "count_s", "train_s", "finish_s", "compile_s"), 0)
    return (
        all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in tables)
        and losses[0] == losses[1]
        and replace(one.summary, **timings) == replace(other.summary, **timings)
        and one.corpus_digest == other.corpus_digest
        and one.vocabulary.words == other.vocabulary.words
        and one.vocabulary.counts.tolist() == other.vocabulary.counts.tolist()
    )


@pytest.fixture(scope="module")
def many_words():
    return random_sentences(1, 1500, sentences=1500, skew=0.7)


def fitted(sentences, workers, **settings):
    return Word2Vec(min_count=1, workers=workers, **settings).fit(sentences)


VARIED = [
    {"batches": "counts", "vector_size": 33, "epochs": 3},
    {"batches": "tokens", "vector_size": 20, "epochs": 2, "batch_tokens": 2000},
    {"batches": "counts", "optimizer": "adagrad", "bias": "learned", "epochs": 2},
    {"batches": "tokens", "optimizer": "sgd", "bias": "none", "sample": 0, "epochs": 1},
]


@pytest.mark.parametrize("settings", VARIED, ids=lambda s: "-".join(map(str, s.values())))
def test_any_number_of_workers_and_any_run_give_the_same_bits(many_words, settings):
    reference = fitted(many_words, 1, **settings)
    assert np.abs(reference.out_vectors).max() > 0.01  # it was trained at all
    for workers in (1, 2, 3):
        assert same(fitted(many_words, workers, **settings), reference)


def test_another_seed_gives_another_model(many_words):
    settings = {"vector_size": 8, "epochs": 1}
    one, other = (fitted(many_words, 2, seed=seed, **settings) for seed in (1, 2))
    assert not same(one, other)
    assert not np.array_equal(one.in_vectors, other.in_vectors)


def test_a_second_fit_starts_anew(chain):
    model = Word2Vec(**SMALL).fit(random_sentences(3, 10))
    assert same(model.fit(chain), Word2Vec(**SMALL).fit(chain))
    assert len(model.wv) == len(model.vocabulary)  # of the second corpus, not kept from the first


def test_the_kind_of_corpus_does_not_matter(tmp_path, chain):
    sentences = chain[:200]
    reference = Word2Vec(**SMALL).fit(sentences)
    whole = write_text(tmp_path / "whole.txt", sentences)
    folder = tmp_path / "folder"
    folder.mkdir()
    parts = [
        write_text(folder / "1.txt", sentences[:70]),
        write_text(folder / "2.txt", sentences[70:]),
    ]
    corpora = {
        "path": whole,
        "text path": str(whole),
        "folder": folder,
        "list of paths": parts,
        "tuple of text paths": tuple(map(str, parts)),
        "generator of lists": (list(sentence) for sentence in sentences),
        "tuple of tuples": tuple(map(tuple, sentences)),
        "list of generators": [iter(sentence) for sentence in sentences],
    }
    for name, corpus in corpora.items():
        assert same(Word2Vec(**SMALL).fit(corpus), reference), name


def test_summary_and_history_tell_of_the_run(chain, model):
    summary = model.summary
    assert len(model.history) == model.settings.epochs == 20
    assert summary.conditional_entropy_nats < summary.loss_nats < summary.unigram_entropy_nats
    assert summary.perplexity == pytest.approx(np.exp(summary.loss_nats))
    assert summary.batch_rows == 8
    assert min(summary.read_s, summary.count_s, summary.train_s) > 0
    assert summary.finish_s == model.history[-1].finish_s > 0
    assert summary.compile_s >= 0
    assert {record.finish_s for record in model.history[:-1]} == {None}
    assert model.vocabulary.n_tokens == sum(map(len, chain))
    pairs = {
        (sentence[i], sentence[j])
        for sentence in chain
        for i in range(len(sentence))
        for j in range(max(0, i - 3), min(len(sentence), i + 4))
        if i != j
    }
    assert summary.n_entries == len(pairs)


def test_entropies_are_those_of_a_naive_count():
    sentences = [["a", "b", "a"], ["b", "c"], ["c"]]
    settings = {"vector_size": 2, "window": 1, "window_sample": 0, "min_count": 1, "sample": 0}
    summary = Word2Vec(**settings).fit(sentences).summary
    # a-b twice, b-a twice, b-c, c-b: contexts a 2, b 3, c 1 of 6; only b has a choice.
    unigram = -sum(p * np.log(p) for p in (2 / 6, 3 / 6, 1 / 6))
    conditional = -3 / 6 * (2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert summary.unigram_entropy_nats == pytest.approx(unigram)
    assert summary.conditional_entropy_nats == pytest.approx(conditional)
    assert summary.n_entries == 4


def test_progress_and_callbacks_are_called(chain_file):
    stages, reports = [], []
    model = Word2Vec(batch_rows=7, **SMALL)
    model.fit(chain_file, callbacks=[reports.append], progress=lambda *stage: stages.append(stage))
    assert [report.step for report in reports] == list(range(1, 3 * 6 + 1))  # 40 words by 7
    size = chain_file.stat().st_size
    n_tokens = model.vocabulary.n_tokens
    assert ("reading", size, size) in stages
    starting = [("starting", done, START_STEPS) for done in range(START_STEPS + 1)]
    counting = [("counting", 0, n_tokens), ("counting", n_tokens, n_tokens)]
    batches = -(-40 // round_up(7, PANEL))  # whole panels
    finishing = [("fitting", done, batches) for done in range(1, batches + 1)]
    own = [stage for stage in stages if stage[0] != "training"]
    # Then the fit goes on with rows that are looked at again for peaks, and says how many.
    most = own[-1][2]
    assert batches <= most <= 2 * batches
    again = [("fitting", done, most) for done in range(batches + 1, most + 1)]
    expected = [*counting, *starting, *finishing, *again]
    assert own[-len(expected) :] == expected
    trained = [stage for stage in stages if stage[0] == "training"]
    assert trained == [("training", report.step, report.steps) for report in reports]


@pytest.mark.parametrize("dimensions", [1, 3, 50])
@pytest.mark.parametrize(
    "sentences", [[["a", "a", "a"]], [["a", "b", "a"]], [["a", "b", "c"], ["z"]]], ids=len
)
@pytest.mark.parametrize("batches", ["counts", "tokens"])
def test_smallest_of_corpora(tmp_path, dimensions, sentences, batches):
    """One word, two words, one dimension, more dimensions than words, a word that stands alone."""
    model = Word2Vec(
        vector_size=dimensions, min_count=1, sample=0, epochs=30, batches=batches, bias="learned"
    ).fit(sentences)
    words = sorted({word for sentence in sentences for word in sentence})
    assert sorted(model.vocabulary.words) == words
    assert model.in_vectors.shape == model.out_vectors.shape == (len(words), dimensions)
    summary = model.summary
    assert summary.loss_nats >= summary.conditional_entropy_nats - 1e-6
    for word in words:
        found = model.predict_context(word, topn=None)
        assert sorted(other for other, _ in found) == words
        assert sum(p for _, p in found) == pytest.approx(1, abs=1e-12)
    # What is fitted to the text afterwards can only lower the loss.
    found = model.perplexity(sentences).loss_nats
    assert summary.conditional_entropy_nats - 1e-6 <= found <= summary.loss_nats + 1e-6
    model.save(tmp_path / "model")
    assert same(Word2Vec.load(tmp_path / "model"), model)


def test_one_word_is_certain():
    model = Word2Vec(min_count=1).fit([["a"] * 10])
    assert model.summary.loss_nats == pytest.approx(0, abs=1e-6)
    assert model.predict_context("a") == [("a", pytest.approx(1))]
    assert model.wv.most_similar("a") == []


@pytest.mark.parametrize("bias", ["unigram", "learned", "none"])
def test_a_word_that_stands_alone_keeps_its_first_vector(bias):
    sentences = [*chain_sentences(1, 10, sentences=50), ["lonely"], ["lonely"]]
    asked = {"vector_size": 4, "min_count": 1, "epochs": 50, "bias": bias, "canonical": False}
    model = Word2Vec(**asked).fit(sentences)
    place = model.vocabulary.index("lonely")
    assert 0 < np.abs(model.in_vectors[place]).max() <= 0.25
    assert np.isfinite(model.out_bias).all()
    chances = {dict(model.predict_context(f"w{k}", None))["lonely"] for k in range(10)}
    assert max(chances) < (0.05 if bias == "none" else 0.01)


@pytest.mark.parametrize("topn", [1, 7, 40, 1000, None])
def test_contexts_come_most_probable_first(model, topn):
    found = model.predict_context("w5", topn=topn)
    everything = model.predict_context("w5", topn=None)
    assert len(everything) == 40
    assert found == everything[:topn]
    probabilities = [p for _, p in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {word for word, _ in everything[:4]} >= {"w4", "w6"}


def test_settings_reach_the_vocabulary(chain):
    model = Word2Vec(min_count=1, max_final_vocab=10, vector_size=3, epochs=1).fit(chain)
    assert len(model.vocabulary) == 10
    counts = model.vocabulary.counts
    rarest = int(counts[-1])
    again = Word2Vec(min_count=rarest, vector_size=3, epochs=1).fit(chain)
    assert again.vocabulary.counts.min() == rarest
    assert again.vocabulary.n_raw_types == model.vocabulary.n_raw_types == 40


def test_a_batch_is_halved_until_it_fits_the_memory(many_words):
    model = Word2Vec(min_count=1, vector_size=4, epochs=1, scores_mib=1).fit(many_words)
    assert model.summary.batch_rows == 128  # 256 rows of 1,500 scores of 4 bytes are 1.5 MiB


@pytest.mark.parametrize("name", ["batch_rows", "batch_tokens"])
def test_a_batch_as_asked_for_is_refused_when_it_does_not_fit(many_words, name):
    kind = name.removeprefix("batch_").replace("rows", "counts")
    model = Word2Vec(min_count=1, epochs=1, scores_mib=1, batches=kind, **{name: 1024})
    with pytest.raises(ConfigurationError, match=rf"scores_mib: .*1024 .*MiB.*lower {name}"):
        model.fit(many_words)


def test_a_saved_model_comes_back_whole(model_folder, model, chain):
    loaded = Word2Vec.load(model_folder, workers=1)
    assert same(loaded, model)
    assert loaded.settings == model.settings
    assert loaded.history == model.history
    assert loaded.summary == model.summary
    assert loaded.vocabulary.n_raw_tokens == model.vocabulary.n_raw_tokens
    assert loaded.vocabulary.n_raw_types == model.vocabulary.n_raw_types
    assert loaded.in_vectors.dtype == np.float32
    assert loaded.perplexity(chain) == model.perplexity(chain)
    assert loaded.predict_context("w1") == model.predict_context("w1")
    assert same(loaded.fit(chain), model)  # the settings alone make it again


def test_settings_of_numpy_s_numbers_are_saved(tmp_path, chain):
    settings = {**SMALL, "vector_size": np.int64(3), "sample": np.float64(0.5)}
    model = Word2Vec(**settings).fit(chain)
    model.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").settings == Hyperparameters(**settings)


def test_saving_again_replaces_the_model(tmp_path, chain):
    Word2Vec(**SMALL).fit(random_sentences(3, 10)).save(tmp_path / "model")
    model = Word2Vec(**SMALL).fit(chain)
    model.save(tmp_path / "model")
    assert same(Word2Vec.load(tmp_path / "model"), model)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


UNTRAINED = {
    "wv": lambda m, _: m.wv,
    "in_vectors": lambda m, _: m.in_vectors,
    "out_vectors": lambda m, _: m.out_vectors,
    "out_bias": lambda m, _: m.out_bias,
    "predict_context": lambda m, _: m.predict_context("w1"),
    "perplexity": lambda m, _: m.perplexity([["a", "b"]]),
    "save": lambda m, folder: m.save(folder / "model"),
    "export": lambda m, folder: m.export(folder / "out.txt"),
}


@pytest.mark.parametrize("use", UNTRAINED)
def test_an_untrained_model_says_what_to_do(tmp_path, use):
    with pytest.raises(FastW2VError, match=r"not trained yet: call fit\(corpus\) or load a model"):
        UNTRAINED[use](Word2Vec(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_hyperparameters_get_a_hint():
    with pytest.raises(ConfigurationError, match=r"vectorsize: .* did you mean 'vector_size'"):
        Word2Vec(vectorsize=3)
    with pytest.raises(
        ConfigurationError, match=r"quux: .*known: vector_size, window, window_sample"
    ):
        Word2Vec(quux=3)
    with pytest.raises(ConfigurationError, match="either an object or names, got both"):
        Word2Vec(Hyperparameters(), window=2)
    assert Word2Vec(Hyperparameters(window=2)).settings.window == 2


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_impossible_workers_are_refused(workers):
    with pytest.raises(ConfigurationError, match=r"workers: expected (at least 1|a whole number)"):
        Word2Vec(workers=workers)


def test_unknown_words_are_named(model):
    with pytest.raises(UnknownWordError, match=r"'w99' is not among the 40 words.*close to it"):
        model.predict_context("w99")


@pytest.mark.parametrize(
    ("corpus", "error", "message"),
    [
        ([["a"], ["b"], []], CorpusError, "at least one pair .* 2 tokens that stand alone"),
        ([["a", "b"]], VocabularyError, "min_count=2 .*none occurs more than 1 times"),
        ([], CorpusError, "got an empty list"),
        ([[], []], CorpusError, "without a single token"),
        (["no/such/file.txt"], CorpusError, "no/such/file.txt: no such file"),
        ("some words of text", CorpusError, "expected lists of tokens, got a str"),
        ([["a", 3.5]], CorpusError, "sentence 0, token 1 .*expected a str, .*got a float"),
    ],
)
def test_nothing_to_train_on(corpus, error, message):
    model = Word2Vec(min_count=2 if error is VocabularyError else 1)
    with pytest.raises(error, match=message):
        model.fit(corpus)
    assert model.summary is None
