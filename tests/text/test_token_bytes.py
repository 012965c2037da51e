"""Tokens of every kind as bytes, and models of them: they come back as what they were."""

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Source, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.errors import ConfigurationError, TokenKindError, UnknownWordError, UnwritableWordError
from fastw2v.formats import read_vectors
from fastw2v.text.batches import token_batch
from fastw2v.text.reading import read_corpus
from fastw2v.text.token_bytes import (
    NUMBER_BYTES,
    bytes_of_tokens,
    number_bytes,
    token_bytes,
    token_of,
)
from tests.support.programs import tree

WIDE = st.integers(-(2**200), 2**200) | st.integers(-3, 3) | st.integers(2**63 - 2, 2**64 + 2)
PLAIN = st.text(max_size=4) | WIDE | st.binary(max_size=4)
TOKENS = st.recursive(PLAIN, lambda part: st.lists(part, max_size=3).map(tuple), max_leaves=6)
QUICK = {"vector_size": 3, "min_count": 1, "epochs": 2, "sample": 0}
MIXED = [[("a", 1), b"x", 2**70, "x", 7, -3, "7", ()] * 2, ["x", 7], []] * 15


@settings(max_examples=60, deadline=None)
@given(TOKENS, TOKENS)
def test_bytes_are_equal_if_tokens_are(one, other):
    for token in (one, other):
        assert token_of(token_bytes(token)) == token
        assert type(token_of(token_bytes(token))) is type(token)
    assert (token_bytes(one) == token_bytes(other)) == (one == other)


@settings(max_examples=60, deadline=None)
@given(st.lists(TOKENS, max_size=6))
def test_bytes_of_many_are_those_of_each(tokens):
    assert bytes_of_tokens(tokens) == [token_bytes(token) for token in tokens]


@settings(max_examples=60, deadline=None)
@given(st.lists(WIDE, max_size=6))
def test_bytes_order_numbers_as_numbers(numbers):
    assert sorted(numbers, key=token_bytes) == sorted(numbers)
    small = np.array([number for number in numbers if -(2**63) <= number < 2**63], np.int64)
    one_by_one = b"".join(token_bytes(number) for number in small.tolist())
    assert number_bytes(small).tobytes() == one_by_one


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\xffz",
        b"\xffi123",
        b"\xffj\0\0\0\x01\x05",
        b"\xffl\0\0\0\x09a",
        b"\xfe",
        b"a\xff",
    ],
)
def test_other_bytes_are_no_token(data):
    with pytest.raises(ValueError, match=r"expected the bytes of a token|codec"):
        token_of(data)


def test_numbers_of_numpy_are_the_numbers_that_they_equal():
    sentences = [[np.int8(7), 7, np.uint64(7), True, 1], np.array([7, 1], np.int16)]
    vocabulary, tokens = read_corpus(sentences, min_count=1)
    assert vocabulary.words == [7, 1]
    assert [type(word) for word in vocabulary.words] == [int, int]
    assert tokens.ids.tolist() == [0, 0, 0, 1, 1, 0, 1]
    batch = token_batch([[5, 6]])
    assert batch.token_ends.tolist() == [NUMBER_BYTES, 2 * NUMBER_BYTES]


@pytest.mark.parametrize("token", [2.0, None, float("nan"), {"a"}, [1], ("a", 1.5), np.float32(1)])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(TokenKindError, match=r"sentence 1, token 1 .*expected a str"):
        read_corpus([["a"], ["b", token]], min_count=1)


@pytest.mark.parametrize(
    "options",
    [{}, {"objective": "negative"}, {"model": "cbow"}, {"memory_mib": 600}],
    ids=["exact", "negative", "CBOW", "spilled"],
)
def test_a_model_of_numbers_is_the_model_of_their_texts(options):
    generator = np.random.default_rng(1)
    # Of one digit, numbers and texts have one order.
    sentences = generator.integers(0, 10, (150, 7)).tolist()
    texts = [[str(token) for token in sentence] for sentence in sentences]
    memory = {name: options.pop(name) for name in ("memory_mib",) if name in options}
    numbers = Word2Vec(**QUICK | options, workers=1).fit(sentences, **memory)
    words = Word2Vec(**QUICK | options, workers=1).fit(texts, **memory)
    assert [str(word) for word in numbers.vocabulary.words] == words.vocabulary.words
    assert all(type(word) is int for word in numbers.vocabulary.words)
    assert (numbers.in_vectors == words.in_vectors).all()
    assert [str(key) for key, _ in numbers.wv.most_similar(7)] == [
        key for key, _ in words.wv.most_similar("7")
    ]
    assert numbers.perplexity(sentences).loss_nats == words.perplexity(texts).loss_nats


def test_a_model_of_every_kind_is_saved_and_loaded(tmp_path):
    model = Word2Vec(**QUICK).fit(MIXED)
    expected = {("a", 1), b"x", 2**70, "x", 7, -3, "7", ()}
    model.save(tmp_path / "model")
    for options in ({}, {"mmap": True}):
        loaded = Word2Vec.load(tmp_path / "model", **options)
        assert loaded.vocabulary.words == model.vocabulary.words
        assert set(loaded.vocabulary.words) == expected
        assert {type(word) for word in loaded.vocabulary.words} == {tuple, bytes, int, str}
        for token in expected:
            assert (loaded.vector(token) == model.wv.vectors[model.wv.key_to_index[token]]).all()
            assert (loaded.vector(token) == loaded.wv.vectors[loaded.wv.key_to_index[token]]).all()
    near = [other for other, _ in model.wv.most_similar([model.vector(("a", 1))], topn=8)]
    assert set(near) == expected
    assert {word for word, _ in model.predict_context(b"x", topn=None)} == expected


def test_counts_of_every_kind_have_the_same_bytes_in_memory_and_in_shards(tmp_path):
    counting = CountingSettings(min_count=1, window=2)
    count_corpus(MIXED, counting, tmp_path / "memory", workers=1)
    count_corpus(
        iter(MIXED), counting, tmp_path / "shards", workers=1, shards=ShardOptions(memory_mib=600)
    )
    assert tree(tmp_path / "memory") == tree(tmp_path / "shards")
    from_counts = Word2Vec(**QUICK).fit_counts(tmp_path / "shards")
    assert (from_counts.in_vectors == Word2Vec(**QUICK, window=2).fit(MIXED).in_vectors).all()


def test_columns_of_numbers(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    sessions = [[7, 2**40, 7], [], [-3, 7], [2**40]] * 5
    large = pyarrow.array(sessions, pyarrow.large_list(pyarrow.int64()))
    table = pyarrow.table({"items": sessions, "large": large})
    parquet.write_table(table, tmp_path / "a.parquet")
    unsigned = pyarrow.array([[2**64 - 1, 1]], pyarrow.list_(pyarrow.uint64()))
    lines = "".join(f"{session}\n" for session in sessions)
    (tmp_path / "a.jsonl").write_text(lines)
    expected, tokens = read_corpus(sessions, min_count=1)
    for corpus in (
        Source(tmp_path / "a.parquet", "items"),
        Source(tmp_path / "a.parquet", "large"),
        tmp_path / "a.jsonl",
        pandas.Series(sessions),
        pandas.Series([np.array(session, np.int64) for session in sessions]),
        pyarrow.array(sessions),
    ):
        found, read = read_corpus(corpus, min_count=1)
        assert found.words == expected.words
        assert read.digest(found) == tokens.digest(expected)
    assert set(read_corpus(unsigned, min_count=1)[0].words) == {2**64 - 1, 1}
    missing = pyarrow.array([[1, None], None, [2]])
    assert set(read_corpus(missing, min_count=1)[0].words) == {1, 2}


def test_what_is_asked_for_by_another_kind_is_told():
    numbers = Word2Vec(**QUICK).fit([[7, 8, 9]] * 5)
    with pytest.raises(UnknownWordError, match=r"'7' is not .*; the whole number 7 is one of them"):
        numbers.vector("7")
    with pytest.raises(UnknownWordError, match="77 is not among"):
        numbers.vector(77)
    with pytest.raises(UnknownWordError, match="expected a word, got a list"):
        numbers.vector([7])
    texts = Word2Vec(**QUICK).fit([["7", "8", "9"]] * 5)
    with pytest.raises(UnknownWordError, match=r"7 is not .*words are text; '7' is one of them"):
        texts.vector(7)


def test_files_of_vectors_hold_numbers_in_digits_and_nothing_else(tmp_path):
    numbers = Word2Vec(**QUICK).fit([[7, 8, 9]] * 5)
    for name in ("a.txt", "a.bin", "a.npz", "a.kv"):
        numbers.export(tmp_path / name)
        assert set(read_vectors(tmp_path / name).words) == {"7", "8", "9"}
    for sentences, message in (
        ([[b"x", 1]] * 5, "got a bytes"),
        ([[(1, 2), 1]] * 5, "got a tuple"),
        ([["7", 7]] * 5, "no words as text too, got 7 and '7'"),
    ):
        model = Word2Vec(**QUICK).fit(sentences)
        for name in ("b.txt", "b.npz"):
            with pytest.raises(UnwritableWordError, match=message):
                model.export(tmp_path / name)
            assert not (tmp_path / name).exists()


def test_characters_are_taken_of_text_alone():
    with pytest.raises(ConfigurationError, match=r"inputs='subwords': .*got an int"):
        Word2Vec(**QUICK, inputs="subwords").fit([[7, 8]] * 5)
    with pytest.raises(ConfigurationError, match=r"make_unknown_words: .*got an int"):
        Word2Vec(**QUICK).fit([[7, 8]] * 5).make_unknown_words()


def test_features_of_items():
    features = {7: ["new"], (1, "a"): ["old"], "x": ["old", "text"]}
    model = Word2Vec(**QUICK, inputs="features").fit([[7, (1, "a"), "x"]] * 9, features=features)
    assert set(model.vocabulary.words) == set(features)


def test_items_on_the_command_line(run, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"items": [7, 8, 9]}\n' * 9)
    quick = ("--vector-size=2", "--min-count=1", "--epochs=1", "--quiet", "--column", "items")
    status, _, errors = run("train", tmp_path / "a.jsonl", "-o", tmp_path / "model", *quick)
    assert status == 0, errors
    assert Word2Vec.load(tmp_path / "model").vocabulary.words == [7, 8, 9]
    status, shown, _ = run("neighbors", tmp_path / "model", "7")
    assert status == 0
    assert "7 (9 times)" in shown
    assert "8" in shown
    status, shown, _ = run("vectors", tmp_path / "model", "7")
    assert (status, shown.split()[0]) == (0, "7")
    status, _, errors = run("neighbors", tmp_path / "model", "77")
    assert (status, "'77' is not among" in errors) == (2, True)
