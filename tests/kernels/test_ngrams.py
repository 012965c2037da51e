"""Character n-grams hashed as fastText hashes them, against a plain twin and the real library."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.kernels.text.ngrams import hash_ngrams
from fastw2v.text.stored_vocabulary import packed_words

WORDS = ["river", "", "a", "straße", "日本語", "😀x", "aaaa", "Ünïcödé", "e\u0301", "\x7f\x80"]


def fasttext_hash(text, *, extended=True):
    """32-bit FNV-1a over bytes that keep their sign when they grow, as C++ chars do."""
    value = 2166136261
    for byte in text.encode():
        grown = byte | 0xFFFFFF00 if byte >= 0x80 and extended else byte
        value = (value ^ grown) * 16777619 & 0xFFFFFFFF
    return value


def ngrams_of(word, low, high):
    framed = f"<{word}>"
    for first in range(len(framed)):
        for size in range(low, min(high, len(framed) - first) + 1):
            ngram = framed[first : first + size]
            if size > 1 or 0 < first < len(framed) - 1:
                yield ngram


def hashed(words, low, high, bucket):
    starts, buckets = hash_ngrams(*packed_words(words), low, high, bucket)
    return [buckets[a:b].tolist() for a, b in pairwise(starts)]


@pytest.mark.parametrize(
    ("low", "high", "bucket"),
    [(3, 6, 2_000_000), (1, 2, 97), (1, 1, 5), (2, 5, 1), (7, 9, 2**31 - 1)],
)
def test_ngrams_are_those_of_the_twin(low, high, bucket):
    expected = [[fasttext_hash(g) % bucket for g in ngrams_of(w, low, high)] for w in WORDS]
    assert hashed(WORDS, low, high, bucket) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=12), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(1, 2**31 - 1),
)
def test_ngrams_of_any_text(words, low, more, bucket):
    words = [word.encode(errors="ignore").decode() for word in words]
    expected = [[fasttext_hash(g) % bucket for g in ngrams_of(w, low, low + more)] for w in words]
    assert hashed(words, low, low + more, bucket) == expected


def test_bytes_keep_their_sign():
    bucket = 2**31 - 1
    (hashes,) = hashed(["ß"], 3, 3, bucket)  # one n-gram, "<ß>"
    assert hashes == [fasttext_hash("<ß>") % bucket]
    assert hashes != [fasttext_hash("<ß>", extended=False) % bucket]


def test_no_words():
    starts, buckets = hash_ngrams(*packed_words([]), 3, 6, 10)
    assert starts.tolist() == [0]
    assert not len(buckets)


@pytest.mark.slow
def test_the_library_has_the_same_buckets(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    text = tmp_path / "text.txt"
    generator = np.random.default_rng(1)
    letters = list("abcdeßé日")
    words = ["".join(generator.choice(letters, generator.integers(1, 9))) for _ in range(300)]
    text.write_text("\n".join(" ".join(generator.choice(words, 12)) for _ in range(400)))
    model = fasttext.train_unsupervised(
        str(text),
        dim=2,
        bucket=1234,
        minCount=1,
        epoch=1,
        lr=1e-4,
        thread=10,
        verbose=0,
        minn=2,
        maxn=4,
    )
    known = set(model.words)
    for word in [*sorted(known - {"</s>"})[:50], "neverseen", "日éß"]:
        names, ids = model.get_subwords(word)
        mine = [len(model.words) + bucket for bucket in hashed([word], 2, 4, 1234)[0]]
        assert ids.tolist()[word in known :] == mine, names
