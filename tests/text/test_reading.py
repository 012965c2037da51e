"""Reading and encoding whole corpora, against lists, counters and dicts."""

import gzip
import hashlib
from collections import Counter
from struct import pack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import ConfigurationError, CorpusError, TextEncodingError, VocabularyError
from fastw2v.text.encoded import EncodedTokens, TextDigest
from fastw2v.text.reading import encode_corpus, number_corpus, read_corpus
from fastw2v.text.tokenizers import tokenize_text
from fastw2v.text.vocabulary import Vocabulary

patient = settings(deadline=None)  # the first call may compile

TEXT = "the cat sat\n\non the mat\nthe end"


def naive_read(sentences, min_count):
    """Naive twin: vocabulary as (word, count) pairs, ids, starts, number of all tokens."""
    counts = Counter(token for sentence in sentences for token in sentence)
    kept = [(word, count) for word, count in counts.items() if count >= min_count]
    kept.sort(key=lambda item: (-item[1], item[0].encode()))
    places = {word: place for place, (word, _) in enumerate(kept)}
    ids, starts = [], [0]
    for sentence in sentences:
        ids += [places[token] for token in sentence if token in places]
        starts.append(len(ids))
    return kept, ids, starts, sum(counts.values())


def assert_equals_twin(vocabulary, tokens, sentences, min_count):
    kept, ids, starts, n_raw = naive_read(sentences, min_count)
    assert list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == kept
    assert tokens.ids.tolist() == ids
    assert tokens.sentence_starts.tolist() == starts
    assert (tokens.n_raw_tokens, tokens.n_oov) == (n_raw, n_raw - len(ids))
    assert (tokens.n_tokens, tokens.n_sentences) == (len(ids), len(sentences))
    assert (tokens.ids.dtype, tokens.sentence_starts.dtype) == (np.int32, np.int64)


@pytest.fixture(scope="module")
def scratch_file(tmp_path_factory):
    return tmp_path_factory.mktemp("tokens") / "text.txt"


@patient
@given(
    st.text(st.sampled_from("aabc'’\u00ad\u3000é😀\n\n \t\r\x1c\x85"), max_size=300),
    st.sampled_from(["words", "whitespace"]),
    st.integers(1, 3),
    st.integers(1, 150),
)
def test_files_are_read_as_by_the_naive_twin(scratch_file, text, tokenizer, min_count, block_bytes):
    scratch_file.write_bytes(text.encode())
    sentences = tokenize_text(text, tokenizer)
    options = {"tokenizer": tokenizer, "block_bytes": block_bytes}
    if not naive_read(sentences, min_count)[0]:
        with pytest.raises((CorpusError, VocabularyError)):
            read_corpus(scratch_file, min_count=min_count, **options)
        return
    vocabulary, tokens = read_corpus(scratch_file, min_count=min_count, **options)
    assert_equals_twin(vocabulary, tokens, sentences, min_count)
    again = encode_corpus(scratch_file, vocabulary, **options)
    assert again.digest(vocabulary) == tokens.digest(vocabulary)


@patient
@given(
    st.lists(st.lists(st.text("ab \n\0", max_size=2), max_size=20), max_size=20),
    st.integers(1, 3),
    st.integers(1, 40),
)
def test_token_lists_are_read_as_by_the_naive_twin(sentences, min_count, block_bytes):
    if not naive_read(sentences, min_count)[0]:
        with pytest.raises((CorpusError, VocabularyError)):
            read_corpus(sentences, min_count=min_count)
        return
    vocabulary, tokens = read_corpus(sentences, min_count=min_count, block_bytes=block_bytes)
    assert_equals_twin(vocabulary, tokens, sentences, min_count)
    once = (sentence for sentence in sentences)
    assert encode_corpus(once, vocabulary).digest(vocabulary) == tokens.digest(vocabulary)


def test_files_and_their_tokens_as_lists_give_the_same(tmp_path):
    path = tmp_path / "text.txt.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    from_file = read_corpus(path, min_count=1)
    from_lists = read_corpus(tokenize_text(TEXT), min_count=1)
    assert from_file[0].words == from_lists[0].words == ["the", "cat", "end", "mat", "on", "sat"]
    assert from_file[1].digest(from_file[0]) == from_lists[1].digest(from_lists[0])
    assert from_file[1].sentence_starts.tolist() == [0, 3, 3, 6, 8]


def test_unknown_words_are_counted_and_removed(tmp_path):
    vocabulary = Vocabulary(["the", "mat"], np.array([9, 2]), 11, 2)
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    for corpus in (path, tokenize_text(TEXT)):
        tokens = encode_corpus(corpus, vocabulary)
        assert tokens.ids.tolist() == [0, 0, 1, 0]
        assert tokens.sentence_starts.tolist() == [0, 1, 1, 3, 4]
        assert (tokens.n_raw_tokens, tokens.n_oov) == (8, 4)
    nothing = encode_corpus([["x", "y"], []], vocabulary)
    assert (nothing.n_tokens, nothing.n_oov, nothing.sentence_starts.tolist()) == (0, 2, [0, 0, 0])


def test_words_of_every_length_come_back(tmp_path):
    words = ["w" * length for length in (1, 7, 8, 9, 15, 16, 17, 64, 100_000)] + ["é" * 40_000]
    path = tmp_path / "long.txt"
    path.write_text(" ".join(words) + "\n" + " ".join(reversed(words)) + "\n")
    for tokenizer in ("words", "whitespace"):
        vocabulary, tokens = read_corpus(path, tokenizer=tokenizer, min_count=2, block_bytes=1000)
        assert vocabulary.words == sorted(words)
        decoded = [vocabulary.words[place] for place in tokens.ids]
        assert decoded == words + words[::-1]


def test_a_sentence_of_a_million_tokens_stays_one(tmp_path):
    ids = np.random.default_rng(1).integers(0, 5000, 1_000_000)
    words = [f"w{i}" for i in range(5000)]
    tokens_of_text = [words[i] for i in ids.tolist()]
    path = tmp_path / "wide.txt"
    path.write_text(" ".join(tokens_of_text))
    for corpus in (path, [tokens_of_text]):
        vocabulary, tokens = read_corpus(corpus, min_count=1)
        assert tokens.sentence_starts.tolist() == [0, 1_000_000]
        numbers = np.array([int(word[1:]) for word in vocabulary.words])
        assert (numbers[tokens.ids] == ids).all()


def test_many_blocks_of_a_large_text_equal_one(tmp_path):
    rng = np.random.default_rng(2)
    ids = (rng.zipf(1.2, 200_000) % 30_000).tolist()
    lines = [" ".join(f"Wört{i}" for i in ids[a : a + 13]) for a in range(0, len(ids), 13)]
    path = tmp_path / "large.txt"
    path.write_text("\n".join(lines))
    whole = read_corpus(path, min_count=2, block_bytes=1 << 30)
    blocks = read_corpus(path, min_count=2, block_bytes=5000)
    assert whole[1].digest(whole[0]) == blocks[1].digest(blocks[0])
    assert_equals_twin(*blocks, [line.lower().split() for line in lines], 2)


def test_digest_tells_ids_sentences_and_words_apart():
    def digest(ids, starts, words):
        counts = np.ones(len(words), np.int64)
        tokens = EncodedTokens(np.array(ids, np.int32), np.array(starts), len(ids), 0)
        return tokens.digest(Vocabulary(words, counts, 0, 0))

    one = digest([0, 1], [0, 2], ["a", "b"])
    others = [
        digest([1, 0], [0, 2], ["a", "b"]),
        digest([0, 1], [0, 1, 2], ["a", "b"]),
        digest([0, 1], [0, 0, 2], ["a", "b"]),
        digest([0, 1], [0, 2], ["ab", ""]),
        digest([0, 1], [0, 2], ["a", "c"]),
    ]
    assert len({one, *others}) == 6
    # Stored with models, so it must stay the same in later versions and on other machines.
    text = [*naive_text_digest([[0, 1]]), 2, 1]
    data = pack("<6Q", *text) + pack("<2q", 1, 1) + b"ab"
    assert one == hashlib.blake2b(data, digest_size=32).hexdigest()
    assert one.startswith("03fda32407c44363")


def naive_text_digest(sentences):
    """Compose the affine maps in integers without a limit."""

    def mixed(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    state = [1, 0, 1, 0]
    for symbol in (symbol for sentence in sentences for symbol in (*sentence, 2**32)):
        seed = mixed((symbol + 0x9E3779B97F4A7C15) % 2**64)
        draws = [mixed((seed + 0x632BE59BD9B4E019 * k) % 2**64) for k in range(1, 5)]
        for lane in (0, 2):
            factor, offset = draws[lane] | 1, draws[lane + 1]
            state[lane] = state[lane] * factor % 2**64
            state[lane + 1] = (state[lane + 1] * factor + offset) % 2**64
    return state


@patient
@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=8), st.integers(0, 48))
def test_digests_of_pieces_make_that_of_the_whole(sentences, cut):
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    ends = np.cumsum([len(sentence) for sentence in sentences]).astype(np.int64)
    cut = min(cut, len(ids))
    whole, first, second = TextDigest(), TextDigest(), TextDigest()
    whole.add(ids, ends)
    n_ends = int(np.searchsorted(ends, cut, "right"))
    first.add(ids[:cut], ends[:n_ends])
    second.add(ids[cut:], ends[n_ends:] - cut)
    first.append(TextDigest.from_numbers(second.as_numbers()))
    assert first.as_numbers() == whole.as_numbers()
    assert whole.as_numbers() == [*naive_text_digest(sentences), len(ids), len(sentences)]


@pytest.mark.parametrize("text", ["", "\n", " \t\n\n", "\ufeff", "... !!!\n— — —"])
def test_a_corpus_without_tokens_is_named(tmp_path, text):
    path = tmp_path / "nothing.txt"
    path.write_text(text)
    for read in (
        lambda: read_corpus(path, min_count=1),
        lambda: encode_corpus(path, Vocabulary(["a"], np.array([1]), 1, 1)),
    ):
        with pytest.raises(CorpusError, match=r"nothing\.txt: expected text, got"):
            read()


def test_sentences_without_tokens_are_an_error():
    with pytest.raises(CorpusError, match="the given sentences: expected text, got 2 lines"):
        read_corpus([[], []])


def test_errors_of_reading_reach_the_caller(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"good\ncaf\xe9\n")
    with pytest.raises(TextEncodingError, match="offset 8 "):
        read_corpus(path)
    (tmp_path / "fine.txt").write_text("good\n")
    with pytest.raises(VocabularyError, match=r"fine\.txt: .*min_count=5"):
        read_corpus(tmp_path / "fine.txt")
    with pytest.raises(ConfigurationError, match="tokenizer: expected one of"):
        read_corpus(tmp_path / "fine.txt", tokenizer="letters")
    with pytest.raises(VocabularyError, match="all different"):
        encode_corpus([["a"]], Vocabulary(["a", "a"], np.array([1, 1]), 2, 2))


def test_progress_reaches_the_size_of_the_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("some words\n" * 1000)
    calls = []
    read_corpus(path, progress=lambda *call: calls.append(call), block_bytes=1000)
    assert len(calls) > 5
    assert calls[-1] == (11_000, 11_000)


class Kept:
    """A store that keeps what it gets."""

    def __init__(self):
        self.numbers = []

    def keep(self, numbers):
        self.numbers += numbers.tolist()


def test_words_are_numbered_by_their_first_appearance(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("b a\n\na c B a\n")
    store = Kept()
    words, counts = number_corpus(path, store, tokenizer="whitespace")
    assert words == ["b", "a", "c", "B"]
    assert counts.tolist() == [1, 3, 1, 1]
    assert store.numbers == [0, 1, -1, -1, 1, 2, 3, 1, -1]
    lists = Kept()
    assert number_corpus([["b", "a"], [], ["a", "c", "B", "a"]], lists)[0] == words
    assert lists.numbers == store.numbers
