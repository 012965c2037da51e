"""Every objective through `Word2Vec`, the command line and the files: what users see of it."""

import json
from functools import cache

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.training_rows import sampled_text
from fastw2v.text.reading import encode_corpus, read_corpus
from tests.support.corpora_made import chain_sentences

CELLS = [
    ("skipgram", "negative"),
    ("cbow", "negative"),
    ("skipgram", "hierarchical"),
    ("cbow", "hierarchical"),
    ("cbow", "softmax"),
]
N_WORDS = 30


def sentences(seed=1):
    return chain_sentences(seed, N_WORDS, sentences=400, noise=0.3)


@pytest.fixture(scope="module", params=CELLS, ids=" ".join)
def trained(request):
    model, objective = request.param
    return Word2Vec(
        vector_size=12, window=2, min_count=1, sample=0, epochs=20,
        learning_rate=None if objective == "softmax" else 0.1,
        model=model, objective=objective, workers=1,
    ).fit(sentences())  # fmt: skip


def naive_probabilities(model, hidden, centre=None):
    """p(o | h) of every word in float64, from the model's public arrays.

    `centre` is the word that h is the vector of, which may have a rate beside itself; or a list of
    the words that h is made of.
    """
    told = _without_rates(model, hidden)
    rates, peaks = model.embeddings.self_rates, model.embeddings.peaks
    if centre is None or rates is None:
        return told if peaks is None else with_peaks(told, peaks)
    within = sorted(set(centre if isinstance(centre, list) else [centre]))
    told[within] = 0
    told /= max(told.sum(), 1e-300)
    if peaks is not None:
        told = with_peaks(told, peaks)
    odds = [float(rates[word]) / (1 - float(rates[word])) for word in within]
    others = 1 if len(within) < len(told) else 0
    told /= 1 + sum(odds)
    told[within] = np.array(odds) / (others + sum(odds))
    return told


def with_peaks(told, peaks):
    """Powers of probabilities above knots, one piece after the other."""
    found = []
    for q in told:
        changed, tops = min(q, peaks.knots[0]), [*peaks.knots[1:], 1.0]
        for knot, top, power in zip(peaks.knots, tops, peaks.powers, strict=True):
            if q > knot:
                changed *= (min(q, top) / knot) ** power
        found.append(changed)
    return np.array(found) / sum(found)


def _without_rates(model, hidden):
    hidden, outputs = hidden.astype(np.float64), model.out_vectors.astype(np.float64)
    if model.settings.objective == "hierarchical":
        tree = huffman_tree(model.vocabulary.counts)
        logs = []
        for word in range(len(model.vocabulary)):
            path = slice(tree.starts[word], tree.starts[word + 1])
            signs = 1.0 - 2.0 * tree.codes[path]
            scores = outputs[tree.points[path]] @ hidden
            logs.append(-np.logaddexp(0, -signs * scores).sum())
        told = np.exp(model.embeddings.temperature * np.array(logs) + model.out_bias)
        return told / told.sum()
    scores = model.embeddings.temperature * (outputs @ hidden) + model.out_bias
    scores = np.exp(scores - scores.max())
    return scores / scores.sum()


def naive_loss(model, text):
    """Mean of -log p over all windows, each reach from 1 to the window as likely."""
    index = {word: i for i, word in enumerate(model.vocabulary.words)}
    window, total, weight = model.settings.window, 0.0, 0.0
    logs_of_word = cache(
        lambda word: np.log(naive_probabilities(model, model.in_vectors[word], word))
    )
    for sentence in text:
        ids = [index[word] for word in sentence]
        for reach in range(1, window + 1):
            for at, word in enumerate(ids):
                near = [*ids[max(0, at - reach) : at], *ids[at + 1 : at + 1 + reach]]
                if model.settings.model == "cbow" and near:
                    hidden = model.in_vectors[near].mean(axis=0, dtype=np.float64)
                    total -= np.log(naive_probabilities(model, hidden, near)[word])
                    weight += 1
                elif model.settings.model == "skipgram":
                    total -= logs_of_word(word)[near].sum()
                    weight += len(near)
    return total / weight


def test_the_loss_falls_and_the_next_word_of_the_chain_is_likely(trained):
    losses = [record.loss_nats for record in trained.history]
    assert losses[-1] < losses[0] - 0.1
    likely = 0
    for word in trained.vocabulary.words:
        names = [name for name, _ in trained.predict_context(word, topn=4)]
        following = f"w{(int(word[1:]) + 1) % N_WORDS}"
        likely += following in names
    assert likely > 0.7 * N_WORDS


def test_probabilities_sum_to_one_and_equal_the_naive_ones(trained):
    word = trained.vocabulary.words[3]
    came = dict(trained.predict_context(word, topn=None))
    assert sum(came.values()) == pytest.approx(1, abs=1e-6)
    expected = naive_probabilities(trained, trained.in_vectors[3], 3)
    assert np.allclose([came[name] for name in trained.vocabulary.words], expected, atol=1e-6)


def test_perplexity_equals_the_double_loop(trained):
    text = sentences(seed=2)[:15]
    result = trained.perplexity(text)
    expected = naive_loss(trained, text)
    assert result.loss_nats == pytest.approx(expected, rel=1e-4)
    shuffled = [sentence[::2] + sentence[1::2] for sentence in text]
    assert naive_loss(trained, shuffled) != pytest.approx(expected, rel=1e-2)  # a sabotage
    assert result.loss_nats < np.log(N_WORDS)


def test_negative_sampling_has_a_loss_of_its_own(trained):
    result = trained.perplexity(sentences(seed=2)[:15])
    own = result.objective_loss_nats != result.loss_nats
    assert own == (trained.settings.objective == "negative")
    summary = trained.summary
    assert (summary.softmax_loss_nats is not None) == own
    assert summary.unigram_entropy_nats is None


def test_a_model_folder_holds_everything(trained, tmp_path):
    trained.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.settings == trained.settings
    assert np.array_equal(loaded.in_vectors, trained.in_vectors)
    assert np.array_equal(loaded.out_vectors, trained.out_vectors)
    text = sentences(seed=2)[:15]
    assert loaded.perplexity(text) == trained.perplexity(text)
    word = trained.vocabulary.words[0]
    assert loaded.predict_context(word) == trained.predict_context(word)


def test_tables_that_make_sense_are_handed_out(trained, tmp_path):
    table = trained.embeddings.table()
    assert np.array_equal(trained.wv.vectors, table)
    trained.export(tmp_path / "vectors.txt")
    if trained.settings.objective == "hierarchical":
        assert np.array_equal(table, trained.in_vectors)
        assert trained.out_vectors.shape == (N_WORDS - 1, 12)
        for vectors in ("out", "sum", "both"):
            with pytest.raises(ConfigurationError, match="vectors: expected 'in', got"):
                trained.keyed_vectors(vectors)
    else:
        assert np.array_equal(table, trained.in_vectors + trained.out_vectors)


@pytest.mark.parametrize(("model", "objective"), CELLS)
def test_one_worker_repeats_its_bits(model, objective):
    def run():
        trained = Word2Vec(
            vector_size=5, min_count=1, epochs=2, model=model, objective=objective, workers=1
        ).fit(sentences())
        return trained.in_vectors, trained.out_vectors

    for came, again in zip(run(), run(), strict=True):
        assert np.array_equal(came, again)


@pytest.mark.parametrize(("model", "objective"), CELLS)
def test_words_that_stand_alone_are_an_error(model, objective):
    expected = "expected at least one pair of words within 5|expected words with contexts"
    with pytest.raises(CorpusError, match=expected):
        Word2Vec(min_count=1, model=model, objective=objective).fit([["a"], ["b"], ["a"]])


def test_a_sample_of_the_text_keeps_its_sentences(monkeypatch):
    monkeypatch.setattr("fastw2v.objectives.losses.training_rows._STRETCHES", 3)
    monkeypatch.setattr("fastw2v.objectives.losses.training_rows._STRETCH_TOKENS", 10)
    vocabulary, tokens = read_corpus(sentences(), min_count=1)
    sample = sampled_text(tokens)
    assert len(sample.ids) == 30
    places = [0, (len(tokens.ids) - 10) // 2, len(tokens.ids) - 10]
    starts = set(tokens.sentence_starts.tolist())
    expected = []
    for number, place in enumerate(places):
        assert np.array_equal(sample.ids[10 * number :][:10], tokens.ids[place : place + 10])
        inner = [at - place for at in range(place + 1, place + 10) if at in starts]
        expected += [10 * number, *(10 * number + at for at in inner)]
    assert sample.sentence_starts.tolist() == [*expected, 30]
    short = encode_corpus(sentences()[:2], vocabulary)
    assert sampled_text(short) is short


def test_a_long_run_says_so_before_it_begins(monkeypatch):
    heard = []
    model = Word2Vec(vector_size=4, min_count=1, epochs=1)
    model.fit(sentences(), notice=heard.append)
    assert "MiB of memory" in heard[0]
    assert "--objective negative" not in heard.pop()
    monkeypatch.setattr("fastw2v.objectives.softmax.durations.NOTICE_S", 0)
    quiet = Word2Vec(vector_size=4, min_count=1, epochs=1).fit(sentences())
    model.fit(sentences(), notice=heard.append)
    assert len(heard) == 1
    assert "1 epoch of the exact softmax over 30 words will take less than 1 s" in heard[0]
    assert "--objective negative" in heard[0]  # not for a moment's work
    assert np.array_equal(model.in_vectors, quiet.in_vectors)  # looking changes nothing
    Word2Vec(vector_size=4, min_count=1, epochs=1, model="cbow").fit(
        sentences(), notice=heard.append
    )
    assert len(heard) == 2


def test_the_command_line_trains_and_measures_every_cell(run, tmp_path, chain_file):
    for model, objective in CELLS:
        folder = tmp_path / f"{model}-{objective}"
        cell = ("--model", model, "--objective", objective, "--min-count", "1", "--epochs", "2")
        status, shown, _ = run("train", chain_file, "-o", folder, *cell, "--vector-size", "4")
        assert status == 0
        assert f"nats a pair in the last epoch ({objective})" in shown
        status, shown, _ = run("perplexity", folder, chain_file, "--json", "--quiet")
        assert status == 0
        assert json.loads(shown)["loss_nats"] > 0
        status, shown, _ = run("neighbors", folder, "w1", "--topn", "2")
        assert status == 0
        assert "context" in shown
