"""Tokens of every kind under gensim's names: trained as gensim does, saved, or refused at once."""

import numpy as np
import pytest
from gensim import utils
from gensim.models import Word2Vec as GensimWord2Vec

from fastw2v.errors import TokenKindError
from fastw2v.gensim_api import Word2Vec
from tests.support.gensim_twins import same_vocabulary, some_sentences, twins


def number(word):
    return int(word[1:])


KINDS = {
    "str": str,
    "int": number,
    "large int": lambda word: 2**70 + number(word),
    "bytes": str.encode,
    "np.str_": np.str_,
    "tuple": lambda word: ("item", number(word)),
    "mixed": lambda word: (word, number(word), word.encode(), (word,))[number(word) % 4],
} | {f"numpy {kind}": lambda word, kind=kind: np.dtype(kind).type(number(word)) for kind in "bBiqQ"}


def sentences_of(kind):
    return [[KINDS[kind](word) for word in sentence] for sentence in some_sentences()]


@pytest.mark.parametrize("max_vocab_size", [None, 10_000])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_tokens_are_gensims_and_saved(kind, max_vocab_size, tmp_path):
    text = sentences_of(kind)
    options = {"min_count": 1, "vector_size": 8, "max_vocab_size": max_vocab_size}
    # Without noise: gensim takes rows for keys there, see below.
    theirs, without = twins(negative=0, **options)
    for model in (theirs, without):
        model.build_vocab(text, keep_raw_vocab=True)
    assert same_vocabulary(theirs, without)
    ours = Word2Vec(**options)
    ours.build_vocab(text, keep_raw_vocab=True)
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    assert [type(key) for key in ours.wv.index_to_key] == [
        type(key) for key in theirs.wv.index_to_key
    ]
    ours.train(text, total_examples=ours.corpus_count, epochs=1)
    ours.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.wv.index_to_key == ours.wv.index_to_key
    assert dict(loaded.raw_vocab) == dict(theirs.raw_vocab)
    for key in theirs.wv.index_to_key:
        assert (loaded.wv.get_vector(key) == ours.wv.get_vector(key)).all()
    loaded.build_vocab(text, update=True)  # the same words, whatever kind they came back as
    assert len(loaded.wv) == len(ours.wv)
    loaded.train(text, total_examples=loaded.corpus_count, epochs=1)
    assert Word2Vec.from_gensim(theirs).wv.index_to_key == theirs.wv.index_to_key


@pytest.mark.parametrize("sizes", [{}, {"hs": 1, "negative": 0}])
def test_noise_and_trees_of_numbers_are_those_of_the_same_words(sizes):
    """gensim asks for the count of row 7 by the key 7, and gets that of another word."""
    options = {"min_count": 1, "vector_size": 8, **sizes}
    words, numbers = Word2Vec(**options), Word2Vec(**options)
    words.build_vocab(sentences_of("str"))
    numbers.build_vocab(sentences_of("int"))
    assert [f"w{key}" for key in numbers.wv.index_to_key] == words.wv.index_to_key
    assert np.array_equal(numbers.cum_table, words.cum_table)
    if sizes:
        assert np.array_equal(numbers.wv.get_vecattr(0, "code"), words.wv.get_vecattr("w0", "code"))
    theirs = GensimWord2Vec(**options)
    theirs.build_vocab(sentences_of("int"))
    assert sizes or not np.array_equal(theirs.cum_table, numbers.cum_table)


def test_rows_of_an_array_are_sentences(tmp_path):
    sessions = np.random.default_rng(1).integers(0, 9, (40, 6))
    theirs, ours = twins(min_count=1, vector_size=8, negative=0)
    for model in (theirs, ours):
        model.build_vocab(sessions)
    assert same_vocabulary(theirs, ours)
    model = Word2Vec(sessions, min_count=1, vector_size=8)
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.wv.most_similar(7) == model.wv.most_similar(np.int64(7))


def never_trained(monkeypatch):
    def train(*arguments, **options):
        raise AssertionError("trained")

    monkeypatch.setattr(Word2Vec, "train", train)


REFUSED = [None, 0.5, float("nan"), np.float32(7), np.datetime64("2020-01-01"), frozenset("a")]


@pytest.mark.parametrize("max_vocab_size", [None, 10_000])
@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_what_cannot_be_saved_is_refused_before_training(value, max_vocab_size, monkeypatch):
    never_trained(monkeypatch)
    text = [["a", value, "b"]] * 9
    GensimWord2Vec(text, min_count=1, max_vocab_size=max_vocab_size)
    with pytest.raises(TokenKindError, match=r"^vocabulary: expected .*, 9 times; "):
        Word2Vec(text, min_count=1, max_vocab_size=max_vocab_size)
    with pytest.raises(TokenKindError, match="9 times"):
        Word2Vec(min_count=1).build_vocab_from_freq({"a": 3, value: 9})
    theirs = GensimWord2Vec(text, min_count=1)
    with pytest.raises(TokenKindError, match="Word2Vec from gensim"):
        Word2Vec.from_gensim(theirs)


def test_what_does_not_become_a_word_may_be_anything(tmp_path):
    """Rare words and those that a rule discards are left out, as gensim does."""

    def rule(word, count, min_count):
        return utils.RULE_DISCARD if word is None else utils.RULE_DEFAULT

    text = [["a", None, "b", "c"]] * 9 + [["a", 0.5]]
    theirs, ours = twins(min_count=2)
    for model in (theirs, ours):
        model.build_vocab(text, trim_rule=rule)
    assert same_vocabulary(theirs, ours)
    ours.train(text, total_examples=ours.corpus_count, epochs=1)
    ours.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").wv.index_to_key == ours.wv.index_to_key
    with pytest.raises(TokenKindError):  # all counts are saved, too
        Word2Vec(min_count=2).build_vocab(text, trim_rule=rule, keep_raw_vocab=True)


@pytest.mark.parametrize("max_vocab_size", [None, 10_000])
@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ([["a"], ["b", ["c"]]], r"sentence 1, token 1 \(counted from 0\): .* a list \(\['c'\]\)"),
        ([["a"], 7], r"sentence 1 \(counted from 0\): expected a list of tokens, got an int \(7\)"),
        ([["a"], None], r"sentence 1 .*, got None"),
        ([[{"a": 1}]], "sentence 0, token 0"),
        (np.zeros((2, 2, 2), int), "sentence 0, token 0"),
    ],
)
def test_what_no_dict_can_hold_is_told_with_its_place(sentences, message, max_vocab_size):
    with pytest.raises(TypeError):
        GensimWord2Vec(sentences, min_count=1, max_vocab_size=max_vocab_size)
    with pytest.raises(TokenKindError, match=message):
        Word2Vec(sentences, min_count=1, max_vocab_size=max_vocab_size)


def test_an_error_of_the_callers_own_stays_what_it_is():
    class Broken(list):
        def __iter__(self):
            raise TypeError("their own")

    with pytest.raises(TypeError, match="their own"):
        Word2Vec([["a"], Broken("b")], min_count=1)


@pytest.mark.parametrize("seed", [None, [1, 2], np.array([3, 4]), np.int64(5)])
def test_every_seed_that_numpy_takes_is_saved(seed, tmp_path):
    model = Word2Vec([["a", "b"]], min_count=1, vector_size=4)
    model.seed = seed
    model.save(tmp_path / "model")
    assert np.array_equal(Word2Vec.load(tmp_path / "model").seed, seed)
