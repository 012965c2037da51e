"""fastw2v.gensim_api's vocabulary against gensim's own, setting by setting."""

import numpy as np
import pytest
from gensim import utils

from fastw2v.gensim_api import Word2Vec
from tests.support.gensim_twins import same_vocabulary, some_sentences, twins

SETTINGS = {
    "defaults": {},
    "min_count": {"min_count": 3},
    "unsorted": {"sorted_vocab": 0, "min_count": 2},
    "null word": {"null_word": 1, "min_count": 1},
    "max_final_vocab": {"max_final_vocab": 11, "min_count": 1},
    "max_vocab_size": {"max_vocab_size": 12, "min_count": 1},
    "sample": {"sample": 0.02, "min_count": 1},
    "no sample": {"sample": 0, "min_count": 1},
    "sample as a count": {"sample": 7, "min_count": 1},
    "exponent": {"ns_exponent": -0.5, "min_count": 1},
    "tree": {"hs": 1, "negative": 0, "min_count": 1},
    "tree, unsorted": {"hs": 1, "sorted_vocab": 0, "min_count": 1},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_vocabulary_is_gensims(name):
    theirs, ours = twins(**SETTINGS[name])
    for model in (theirs, ours):
        model.build_vocab(some_sentences())
    assert same_vocabulary(theirs, ours)
    assert theirs.corpus_count == ours.corpus_count
    assert theirs.corpus_total_words == ours.corpus_total_words
    assert theirs.effective_min_count == ours.effective_min_count
    assert (theirs.wv.vectors == ours.wv.vectors).all()  # first vectors of the same seed
    assert len(ours.wv) == len(ours.wv.vectors)
    other = Word2Vec(**{**SETTINGS[name], "min_count": 4, "sample": 0.5})
    other.build_vocab(some_sentences())
    assert not same_vocabulary(theirs, other)


def test_unsorted_vocabulary_is_in_order_of_appearance():
    model = Word2Vec([["b", "a"], ["a", "c", "a"]], sorted_vocab=0, min_count=1)
    assert model.wv.index_to_key == ["b", "a", "c"]
    assert Word2Vec([["b", "a"], ["a", "c", "a"]], min_count=1).wv.index_to_key[0] == "a"


def test_null_word_is_one_word_however_often_the_vocabulary_grows():
    model = Word2Vec(null_word=1, min_count=1)
    model.build_vocab([["a", "b"]])
    model.build_vocab([["a", "c"]], update=True)
    assert model.wv.index_to_key.count("\0") == 1
    assert model.wv.get_vecattr("\0", "count") == 1
    model.train([["a", "b", "c"]], total_examples=1, epochs=2)
    assert len(model.wv) == 4


# gensim adds the null word once more at each update.
@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "null word"])
def test_vocabulary_grows_as_gensims(name):
    theirs, ours = twins(**SETTINGS[name])
    new = [[f"new{k % 5}", "w1", f"w{k}"] for k in range(60)]
    for model in (theirs, ours):
        model.build_vocab(some_sentences())
        before = model.wv.vectors.copy()
        model.build_vocab(new, update=True)
        assert (model.wv.vectors[: len(before)] == before).all()
    assert same_vocabulary(theirs, ours)
    assert (theirs.wv.vectors == ours.wv.vectors).all()
    assert len(ours.wv.vectors_lockf) == len(ours.wv)


def test_update_needs_a_vocabulary():
    with pytest.raises(RuntimeError, match="expected a vocabulary to update"):
        Word2Vec().build_vocab([["a"]], update=True)


def rule(word, count, min_count):
    if word == "w0":
        return utils.RULE_DISCARD
    return utils.RULE_KEEP if word == "w39" else utils.RULE_DEFAULT


def test_trim_rule():
    theirs, ours = twins(min_count=4)
    for model in (theirs, ours):
        model.build_vocab(some_sentences(), trim_rule=rule)
    assert same_vocabulary(theirs, ours)
    assert "w0" not in ours.wv
    assert "w39" in ours.wv


def test_counts_instead_of_a_corpus():
    counts = {"a": 5, "b": 9, "c": 1, "d": 5}
    theirs, ours = twins(min_count=2)
    for model in (theirs, ours):
        model.build_vocab_from_freq(dict(counts), corpus_count=7, keep_raw_vocab=True)
    assert same_vocabulary(theirs, ours)
    assert ours.corpus_count == 7
    assert ours.raw_vocab == counts


def test_raw_vocabulary_is_kept_on_request():
    model = Word2Vec(min_count=2)
    model.build_vocab([["a", "a", "b"]], keep_raw_vocab=True)
    assert dict(model.raw_vocab) == {"a": 2, "b": 1}
    model.build_vocab([["a", "a", "b"]])
    assert not model.raw_vocab


def test_scan_and_dry_run():
    theirs, ours = twins(min_count=2, sample=0.01)
    reports = []
    for model in (theirs, ours):
        assert model.scan_vocab(some_sentences()) == (
            sum(map(len, some_sentences())), 120,
        )  # fmt: skip
        reports.append(model.prepare_vocab(dry_run=True, min_count=5))
        assert len(model.wv) == 0
    assert reports[0] == reports[1]


def test_estimated_memory():
    for options in ({}, {"hs": 1}, {"hs": 1, "negative": 0, "vector_size": 30}):
        theirs, ours = twins(**options)
        assert theirs.estimate_memory(1000) == ours.estimate_memory(1000)
        model = Word2Vec([["a", "b", "a", "b"]], min_count=1, **options)
        assert model.estimate_memory() == ours.estimate_memory(2)


def test_hash_function_makes_seeded_vectors():
    def length(text):
        return len(text)

    theirs, ours = twins(hashfxn=length)
    assert (theirs.seeded_vector("abc", 5) == ours.seeded_vector("abc", 5)).all()
    assert (ours.seeded_vector("abc", 5) == ours.seeded_vector("xyz", 5)).all()
    assert (ours.seeded_vector("abc", 5) != ours.seeded_vector("abcd", 5)).any()


def test_seed_and_first_vectors():
    first, again, other = (Word2Vec(seed=seed, min_count=1) for seed in (3, 3, 4))
    for model in (first, again, other):
        model.build_vocab([["a", "b"]])
    assert (first.wv.vectors == again.wv.vectors).all()
    assert (first.wv.vectors != other.wv.vectors).any()
    assert not first.syn1neg.any()
    assert np.abs(first.wv.vectors).max() <= 1 / 100


def test_reset_from():
    theirs, ours = twins(min_count=1, hs=1)
    for model in (theirs, ours):
        source = type(model)(some_sentences(2), min_count=1)
        model.build_vocab([["a", "b"]])
        model.reset_from(source)
        assert model.wv.index_to_key is source.wv.index_to_key
        assert model.cum_table is source.cum_table
        assert not model.syn1.any()
    assert (theirs.wv.vectors == ours.wv.vectors).all()


def test_strings_for_sentences_are_warned_of(caplog):
    Word2Vec(min_count=1).build_vocab(["human", "machine"])
    assert "should be a list of words" in caplog.text


def test_words_of_any_kind():
    sentences = [[1, 2, ("a", 3)], [2, 1, ("a", 3), 1]]
    model = Word2Vec(sentences, min_count=1, vector_size=8)
    assert model.wv.index_to_key[0] == 1
    assert len(model.wv) == 3
