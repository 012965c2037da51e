"""Choosing, ordering and looking up words; gensim's rule of subsampling."""

import pickle
from collections import Counter
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from gensim.models import Word2Vec
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError, UnknownWordError, VocabularyError
from fastw2v.text.reading import read_corpus
from fastw2v.text.stored_vocabulary import StoredVocabulary, packed_words
from fastw2v.text.vocabulary import Vocabulary, keep_probability

patient = settings(deadline=None)  # the first call may compile


def naive_vocabulary(tokens, min_count, max_final_vocab):
    counted = [item for item in Counter(tokens).items() if item[1] >= min_count]
    return sorted(counted, key=lambda item: (-item[1], item[0].encode()))[:max_final_vocab]


def vocabulary_of(tokens, min_count=1, max_final_vocab=None):
    return read_corpus([tokens], min_count=min_count, max_final_vocab=max_final_vocab)[0]


# Few and similar words, so that counts and beginnings are often equal.
alike = st.one_of(
    st.text("aé漢\0", max_size=3),
    st.text("ab", min_size=7, max_size=9),
    st.builds("{}{}".format, st.sampled_from(["x" * 15, "x" * 16, "é" * 8]), st.text("yz\0")),
)


@patient
@given(
    st.lists(alike, min_size=1, max_size=120),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 6)),
    st.randoms(),
)
def test_selection_and_order_are_those_of_the_naive_twin(tokens, min_count, largest, random):
    expected = naive_vocabulary(tokens, min_count, largest)
    if not expected:
        with pytest.raises(VocabularyError):
            vocabulary_of(tokens, min_count, largest)
        return
    vocabulary = vocabulary_of(tokens, min_count, largest)
    assert list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == expected
    assert vocabulary.n_tokens == sum(count for _, count in expected)
    assert vocabulary.n_raw_tokens == len(tokens)
    assert vocabulary.n_raw_types == len(set(tokens))
    shuffled = list(tokens)
    random.shuffle(shuffled)
    assert vocabulary_of(shuffled, min_count, largest).words == vocabulary.words


def test_max_final_vocab_keeps_exactly_so_many_where_all_are_equally_frequent():
    tokens = [f"word{i}" for i in range(1000)]
    for largest in (1, 10, 999, 1000, 1001):
        words = vocabulary_of(tokens, max_final_vocab=largest).words
        assert words == sorted(tokens)[:largest]


def test_lookup():
    vocabulary = vocabulary_of(["b", "b", "a", "", "a b"])
    assert vocabulary.words == ["b", "", "a", "a b"]
    assert [vocabulary.index(word) for word in vocabulary.words] == [0, 1, 2, 3]
    assert len(vocabulary) == 4
    assert "a b" in vocabulary
    assert "c" not in vocabulary
    assert 3 not in vocabulary
    assert vocabulary.counts.dtype == np.int64


def test_unknown_words_are_answered_with_close_ones():
    vocabulary = vocabulary_of(["language", "languages", "river", "straße"])
    with pytest.raises(UnknownWordError, match=r"'langage' is not among the 4 words.*'language'"):
        vocabulary.index("langage")
    with pytest.raises(UnknownWordError, match=r"close to it: 'river'$"):
        vocabulary.index("River")
    with pytest.raises(KeyError, match="nor is any word close to it"):
        vocabulary.index("qqqq")
    with pytest.raises(UnknownWordError, match="3 is not among the 4 words"):
        vocabulary.index(3)
    with pytest.raises(UnknownWordError, match=r"expected a word, got a list"):
        vocabulary.index([])


def test_nothing_left_says_what_was_read_and_what_to_do():
    with pytest.raises(VocabularyError) as error:
        vocabulary_of(["a", "b", "b"], min_count=5)
    message = str(error.value)
    assert "min_count=5" in message
    assert "3 tokens of 2 types" in message
    assert "lower min_count to 2 or less" in message


@pytest.mark.parametrize("options", [{"min_count": 0}, {"min_count": 1, "max_final_vocab": 0}])
def test_options_below_one_are_refused(options):
    with pytest.raises(ConfigurationError, match=r"(min_count|max_final_vocab): expected at least"):
        vocabulary_of(["a"], **options)


def test_a_vocabulary_that_contradicts_itself_is_refused():
    with pytest.raises(VocabularyError, match=r"one for each of 2 words, got an array of shape"):
        Vocabulary(["a", "b"], np.array([1]), 1, 1)
    with pytest.raises(VocabularyError, match="got 3 for word 1 behind 2"):
        Vocabulary(["a", "b"], np.array([2, 3]), 5, 2)
    with pytest.raises(VocabularyError, match="got 'a' more than once"):
        Vocabulary(["a", "b", "a"], np.array([2, 1, 1]), 4, 3).index("b")


def test_a_vocabulary_is_frozen_and_can_be_copied():
    vocabulary = vocabulary_of(["b", "b", "a"])
    assert vocabulary.index("a") == 1
    with pytest.raises(FrozenInstanceError):
        vocabulary.words = []
    copy = pickle.loads(pickle.dumps(vocabulary))
    assert copy.words == vocabulary.words
    assert copy.index("a") == 1


@pytest.mark.parametrize("sample", [1e-5, 1e-3, 0.05, 0.0])
def test_keep_probability_is_gensims(sample):
    counts = {f"word{i}": 20_000 // (i + 1) for i in range(200)}
    model = Word2Vec(min_count=1, sample=sample)
    model.build_vocab_from_freq(counts)
    thresholds = [model.wv.get_vecattr(word, "sample_int") for word in counts]
    found = keep_probability(np.array(list(counts.values())), sample)
    assert found.dtype == np.float64
    # gensim keeps them as integers of 32 bits, rounded down.
    np.testing.assert_allclose(found, np.array(thresholds) / (2**32 - 1), rtol=1e-6, atol=1e-9)
    assert ((found > 0) & (found <= 1)).all()
    wrong = np.minimum(np.sqrt(sample * sum(counts.values()) / np.array(list(counts.values()))), 1)
    if sample:  # the paper's rule, which leaves out a term, must not pass
        assert np.abs(wrong - found).max() > 1e-3


def test_keep_probability_at_the_ends():
    counts = np.array([900, 100, 0])
    assert keep_probability(counts, 0).tolist() == [1, 1, 1]
    assert keep_probability(counts, 1).tolist() == [1, 1, 1]
    assert keep_probability(counts, 1e-3)[2] == 1
    for sample in (-0.1, 1.5, float("nan")):
        with pytest.raises(ConfigurationError, match="sample: expected 0 to 1"):
            keep_probability(counts, sample)


TOKENS = st.one_of(alike, st.integers(-3, 2**65), st.binary(max_size=2), st.tuples(alike))


@patient
@given(st.lists(TOKENS, unique=True, min_size=1, max_size=40), st.lists(TOKENS, max_size=10))
def test_stored_words_are_found_as_decoded_ones_are(words, others):
    sizes = (np.ones(len(words), np.int64), len(words), len(words))
    plain = Vocabulary(words, *sizes)
    stored = StoredVocabulary(*packed_words(words), *sizes)
    for word in [*words, *others, "\ud800"]:
        assert stored.row(word) == plain.row(word)
        assert (word in stored) == (word in plain)
    texts = [*map(str, words), *(text for text in others if isinstance(text, str))]
    assert [stored.named(text) for text in texts] == [plain.named(text) for text in texts]
    assert [stored[row] for row in range(len(words))] == words
    assert stored[-1] == words[-1]
    assert stored.texts == plain.texts
    with pytest.raises(IndexError):
        stored[len(words)]
    with pytest.raises(TypeError):
        stored.row([])


def test_few_words_are_found_without_decoding_all():
    words = [f"w{k}" for k in range(1000)]
    stored = StoredVocabulary(*packed_words(words), np.ones(1000, np.int64), 1000, 1000)
    assert [stored.row(word) for word in ("w0", "w999", "w", "0")] == [0, 999, None, None]
    assert stored[7] == "w7"
    assert "words" not in vars(stored)
    assert [stored.row(word) for word in words] == list(range(1000))
    assert "words" in vars(stored)  # which many are quicker with


def test_searching_stored_words_sees_what_is_wrong_with_them():
    counts = np.ones(2, np.int64)
    twice = StoredVocabulary(*packed_words(["same", "same"]), counts, 2, 2)
    with pytest.raises(VocabularyError, match="'same' more than once"):
        twice.row("same")
    data, _ = packed_words(["same", "same"])
    falling = StoredVocabulary(data, np.array([9, 8]), counts, 2, 2)
    for look in (lambda: falling.row("same"), lambda: falling[0]):
        with pytest.raises(VocabularyError, match="ends that rise"):
            look()
