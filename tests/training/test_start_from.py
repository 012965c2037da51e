"""What a run may start from, which words and settings it then has, and what is refused."""

import numpy as np
import pytest

from fastw2v import Hyperparameters, StartFrom, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.errors import ConfigurationError, FastW2VError, ModelFormatError
from fastw2v.formats import FORMATS
from tests.support.corpora_made import chain_sentences, topic_of, topic_sentences

SMALL = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 2, "workers": 1}
CELLS = {
    "softmax": {"batch_rows": 8},
    "cbow": {"model": "cbow", "batch_tokens": 300},
    "negative": {"objective": "negative"},
    "hierarchical": {"objective": "hierarchical"},
    "subwords": {"inputs": "subwords"},
}


@pytest.fixture(scope="module")
def chain():
    return chain_sentences(1, 20, sentences=200, noise=0.3)


@pytest.fixture(scope="module")
def trained(chain):
    return Word2Vec(**SMALL).fit(chain)


def test_the_vocabulary_grows_or_is_kept(trained, chain):
    text = [["w1", "new", "w2", "new"], ["rare", "w1"], ["w19"]] * 3 + [["once", "w1"]]
    before = dict(zip(trained.vocabulary.words, trained.vocabulary.counts.tolist(), strict=True))
    grown = Word2Vec(workers=1, min_count=3).fit(text, start=trained).vocabulary
    found = dict(zip(grown.words, grown.counts.tolist(), strict=True))
    added = {"w1": 7, "w2": 3, "w19": 3, "new": 6, "rare": 3}
    assert found == {w: before.get(w, 0) + added.get(w, 0) for w in {*before, *added}}
    assert grown.counts.tolist() == sorted(found.values(), reverse=True)
    assert grown.n_raw_tokens == trained.vocabulary.n_raw_tokens + 23
    kept = Word2Vec(workers=1).fit(text, start=StartFrom(trained, "keep")).vocabulary
    assert set(kept.words) == set(before)
    assert kept.counts[kept.index("w1")] == before["w1"] + 7
    several = Word2Vec(workers=1, max_final_vocab=15).fit(chain, start=trained).vocabulary
    assert several.words == Word2Vec(workers=1).fit(chain, start=trained).vocabulary.words[:15]


def test_known_words_without_any_pair_begin_nothing(tmp_path):
    (tmp_path / "start.txt").write_text("1 6\nlone" + 6 * " 0.1" + "\n", encoding="utf-8")
    text = 20 * [["a", "b", "c", "a"]] + 5 * [["lone"]]
    found = Word2Vec(**SMALL).fit(text, start=tmp_path / "start.txt")
    assert np.isfinite(found.vectors(["a", "lone"])).all()


def test_a_part_of_the_text_may_be_held_out(trained, chain):
    from fastw2v import Validation

    found = Word2Vec(workers=1).fit(chain, start=trained, validation=Validation(fraction=0.2))
    assert found.history[-1].held_out_loss_nats < np.log(20)
    assert trained.vocabulary.n_tokens < found.vocabulary.n_tokens < 2 * trained.vocabulary.n_tokens


@pytest.mark.parametrize("cell", CELLS)
def test_every_objective_grows(chain, cell):
    model = Word2Vec(**SMALL, **CELLS[cell]).fit(chain)
    more = [[*sentence[:3], "new", *sentence[3:]] for sentence in chain]
    found = Word2Vec(workers=1).fit(more, start=model)
    assert found.settings.objective == model.settings.objective
    assert "new" in found.vocabulary
    record = found.run_record.start
    assert (record["path"], record["n_known"], record["n_words"]) == (None, 20, 21)
    assert len(record["digest"]) == 32
    assert np.isfinite(found.in_vectors).all()


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_vectors_of_every_format(tmp_path, trained, chain, form):
    target = tmp_path / "vectors"
    trained.export(target, form)
    said = []
    for cell in ("softmax", "negative"):
        model = Word2Vec(epochs=1, min_count=1, window=2, workers=1, **CELLS[cell])
        model.fit(chain, start=target, notice=said.append)
        assert model.settings.vector_size == 6
        assert model.run_record.start["n_known"] == 20
        assert model.run_record.start["path"] == str(target)
    assert f"20 of 20 words, 100% of the text, have vectors of {target}" in said
    # Of vectors alone no counts are known: the words are those of the text.
    assert model.vocabulary.counts.tolist() == trained.vocabulary.counts.tolist()


def test_vectors_of_gensim_in_memory(trained, chain):
    model = Word2Vec(**SMALL).fit(chain, start=trained.wv)
    assert model.run_record.start["n_known"] == 20
    fewer = [[word for word in sentence if word != "w3"] for sentence in chain]
    some = Word2Vec(**SMALL).fit(fewer).wv
    kept = Word2Vec(**SMALL).fit(chain, start=StartFrom(some, "keep")).vocabulary
    assert set(kept.words) == {f"w{k}" for k in range(20)} - {"w3"}


def test_the_scale_of_vectors_makes_no_difference_to_the_exact_softmax(trained, chain):
    """The other side is fitted to them, and both are brought to one size."""
    losses = []
    for scale in (1.0, 30.0, 0.01, 1e30, 1e-30):
        given = trained.wv
        vectors = given.vectors.copy()
        given.vectors = vectors * np.float32(scale)
        losses.append(Word2Vec(**SMALL).fit(chain, start=given).summary.loss_nats)
        given.vectors = vectors
    assert losses == pytest.approx([losses[0]] * 5, abs=1e-3)


@pytest.mark.parametrize("cell", CELLS)
def test_vectors_of_zeros_are_no_start_and_no_harm(trained, chain, cell):
    given = trained.wv
    vectors = given.vectors.copy()
    given.vectors = np.zeros_like(vectors)
    found = Word2Vec(**SMALL, **CELLS[cell]).fit(chain, start=given)
    given.vectors = vectors
    assert np.isfinite(found.in_vectors).all()
    assert np.isfinite(found.summary.loss_nats)


@pytest.mark.parametrize("objective", ["softmax", "negative"])
def test_one_side_alone_is_a_better_start_than_none(trained, chain, objective):
    """At the same number of epochs, on few lines."""
    few = chain[:60]
    settings = {**SMALL, "objective": objective, "epochs": 1}
    begun = Word2Vec(**settings, learning_rate=0.01).fit(few, start=trained.wv)
    anew = Word2Vec(**settings, learning_rate=0.01).fit(few)
    held_out = chain[100:]
    assert begun.perplexity(held_out).loss_nats < anew.perplexity(held_out).loss_nats


def with_new_words(sentences):
    """Some words of each topic are new today: they were not there yesterday."""
    return [[word + "n" if word.endswith(("00", "01")) else word for word in s] for s in sentences]


@pytest.mark.parametrize("cell", ["softmax", "cbow", "subwords"])
def test_new_words_begin_among_their_own_topic(cell):
    """By what they stand beside alone: nothing is trained; at random one in six would do so."""
    yesterday = topic_sentences(1, 600)
    today = with_new_words(topic_sentences(2, 200))
    settings = {**SMALL, **CELLS[cell], "vector_size": 10, "epochs": 3}
    model = Word2Vec(**settings).fit(yesterday)
    still = {"learning_rate": 1e-20, "epochs": 1}
    found = Word2Vec(workers=1, **still).fit(today, start=model)
    new = [word for word in found.vocabulary.words if word.endswith("n")]
    assert len(new) == 12
    old = [word for word in found.vocabulary.words if not word.endswith("n")]
    table = {word: found.vector(word) / np.linalg.norm(found.vector(word)) for word in [*old, *new]}
    right = sum(
        topic_of(max(old, key=lambda other, word=word: table[word] @ table[other]))
        == topic_of(word)
        for word in new
    )
    assert right >= 11


@pytest.mark.parametrize("kind", [int, lambda word: (word, 1), str.encode])
def test_tokens_of_other_kinds(chain, kind):
    def of(sentence):
        return [int(w[1:]) if kind is int else kind(w) for w in sentence]

    model = Word2Vec(**SMALL).fit(map(of, chain))
    more = [*map(of, chain), of(["w77"] * 2)]
    found = Word2Vec(workers=1).fit(more, start=model)
    assert found.run_record.start["n_known"] == 20
    assert of(["w77"])[0] in found.vocabulary
    texts = Word2Vec(**SMALL).fit(chain)
    with pytest.raises(ConfigurationError, match="start: expected words of the text among"):
        Word2Vec(workers=1).fit(map(of, chain), start=StartFrom(texts.wv))


def test_whole_numbers_are_matched_with_the_digits_of_files(tmp_path, chain):
    numbers = [[int(word[1:]) for word in sentence] for sentence in chain]
    model = Word2Vec(**SMALL).fit(numbers)
    model.export(tmp_path / "vectors.txt")
    found = Word2Vec(**SMALL).fit(numbers, start=tmp_path / "vectors.txt")
    assert found.run_record.start["n_known"] == 20
    assert 7 in found.vocabulary


def test_settings_that_are_not_given_are_those_of_the_model(chain):
    settings = {**SMALL, "batch_rows": 7, "optimizer": "adagrad", "sample": 0.01, "seed": 9}
    model = Word2Vec(**settings, keep_case=True).fit(chain)
    found = Word2Vec(workers=1, epochs=1).fit(chain, start=model).settings
    same = {**model.settings.as_dict(), "epochs": 1, "learning_rate": found.learning_rate}
    assert found.as_dict() == same
    # Half the rate of a run that starts anew, not half of the model's.
    assert found.learning_rate == 0.5 * Hyperparameters(optimizer="adagrad").learning_rate
    again = Word2Vec(workers=1, epochs=1).fit(chain, start=model)
    third = Word2Vec(workers=1, epochs=1).fit(chain, start=again)
    assert third.settings.learning_rate == found.learning_rate
    given = Word2Vec(workers=1, epochs=1, learning_rate=0.3).fit(chain, start=model)
    assert given.settings.learning_rate == 0.3
    other = Word2Vec(workers=1, objective="negative").fit(chain, start=model).settings
    assert (other.keep_case, other.vector_size) == (True, 6)
    anew = Hyperparameters(objective="negative")
    assert (other.sample, other.epochs) == (anew.sample, anew.epochs)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"vector_size": 7}, "vector_size: expected 6, as .* has it, or nothing, got 7"),
        ({"tokenizer": "whitespace"}, "tokenizer: expected 'words', as .* got 'whitespace'"),
        ({"keep_case": True}, "keep_case: expected False, .* start from its vectors alone"),
        ({"normalize": "none"}, "normalize: expected 'nfc'"),
        ({"negative": 3}, "negative: expected to be left alone"),
    ],
)
def test_settings_that_contradict_the_model_are_refused(trained, chain, given, message):
    with pytest.raises(ConfigurationError, match=message):
        Word2Vec(workers=1, **given).fit(chain, start=trained)


def test_vectors_of_other_dimensions_are_refused(tmp_path, trained, chain):
    trained.export(tmp_path / "vectors.txt")
    with pytest.raises(ConfigurationError, match=r"vector_size: expected 6, as .*vectors\.txt"):
        Word2Vec(vector_size=7).fit(chain, start=tmp_path / "vectors.txt")


def test_what_cannot_be_started_from_is_told(tmp_path, trained, chain):
    for start, error, message in (
        (tmp_path / "missing", ModelFormatError, "no such file or folder"),
        (7, ConfigurationError, "start: expected a model folder, .* got int"),
        (Word2Vec(), FastW2VError, "not trained yet"),
    ):
        with pytest.raises(error, match=message):
            Word2Vec().fit(chain, start=start)
    (tmp_path / "text.txt").write_text("no vectors at all\n")
    with pytest.raises(ModelFormatError, match="expected vectors"):
        Word2Vec().fit(chain, start=tmp_path / "text.txt")
    with pytest.raises(ConfigurationError, match="start_vocabulary: expected 'grow' or 'keep'"):
        StartFrom(trained, "shrink")
    with pytest.raises(ConfigurationError, match="start_counts: expected the path of a folder"):
        StartFrom("model", counts=5)
    with pytest.raises(ConfigurationError, match="lock_known: expected True or False, got 1"):
        StartFrom(trained, lock_known=1)
    others = [["alpha", "beta"], ["gamma", "delta"]] * 5
    with pytest.raises(ConfigurationError, match="start: expected words of the text among the 20"):
        Word2Vec(min_count=1).fit(others, start=trained.wv)


def test_little_in_common_is_said(trained):
    said = []
    text = [["w1", "W2", "W3", "W4", "W5"], ["W1", "W3", "W2"]] * 9
    Word2Vec(workers=1, min_count=1).fit(text, start=trained.wv, notice=said.append)
    assert any("1 of 6 words, 12% of the text" in s and "cut otherwise" in s for s in said)


def test_phrases_and_stop_words_of_the_model_hold_for_the_new_text():
    text = [["new", "york", "is", "the", "city"], ["a", "city", "like", "new", "york"]] * 9
    model = Word2Vec(**SMALL, phrases=1, phrase_min_count=1, phrase_threshold=0.5)
    model.fit(text, stop_words=["the"])
    assert "new_york" in model.vocabulary
    assert "the" not in model.vocabulary
    today = [["the", "new", "york", "bridge"], ["a", "the", "bridge", "city"]] * 3
    found = Word2Vec(workers=1, min_count=1).fit(today, start=model)
    before = model.vocabulary.counts[model.vocabulary.index("new_york")]
    assert found.vocabulary.counts[found.vocabulary.index("new_york")] == before + 3
    assert found.vocabulary.counts[found.vocabulary.index("bridge")] == 6
    assert "the" not in found.vocabulary
    assert found.vocabulary.n_raw_tokens == model.vocabulary.n_raw_tokens + 15
    kept = Word2Vec(workers=1).fit(text, start=StartFrom(model, "keep")).vocabulary
    assert set(kept.words) == set(model.vocabulary.words)
    again = Word2Vec(workers=1, min_count=1).fit(today, start=found)
    assert "new_york" in again.vocabulary
    with pytest.raises(ConfigurationError, match="phrases, stop_words: expected those of the vec"):
        Word2Vec(workers=1).fit(today, start=model, stop_words=["city"])
    with pytest.raises(ConfigurationError, match="phrases: expected none to be looked for"):
        Word2Vec(workers=1, phrases=1).fit(today, start=model)


def test_nobody_has_given_the_settings_of_a_model_that_was_loaded(trained, chain, tmp_path):
    trained.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model", workers=1).fit(chain, start=tmp_path / "model")
    new = Word2Vec(workers=1).fit(chain, start=trained)
    assert loaded.settings == new.settings
    assert (loaded.in_vectors == new.in_vectors).all()
    loaded.settings = Hyperparameters(learning_rate=0.5)
    assert loaded.fit(chain, start=trained).settings.learning_rate == 0.5


def test_a_fit_has_no_settings_of_an_earlier_start_or_of_counts(trained, chain, tmp_path):
    counting = CountingSettings(window=2, window_sample=0.0, min_count=1)
    count_corpus(chain, counting, tmp_path / "counts", workers=1)
    model = Word2Vec(**SMALL)
    model.fit(chain, start=trained)
    assert model.settings.learning_rate < trained.settings.learning_rate
    model.fit_counts(tmp_path / "counts")
    assert model.settings.window_sample == 0.0
    model.fit(chain)
    assert model.settings == trained.settings
    assert (model.in_vectors == trained.in_vectors).all()
