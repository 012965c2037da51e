"""Small texts, and their word pairs counted by plain loops."""

from collections import Counter

import numpy as np
from hypothesis import strategies as st

from fastw2v.text.encoded import EncodedTokens

# Around the sizes where one word of bits, or one word of words of bits, is full.
VOCABULARY_SIZES = [1, 2, 3, 63, 64, 65, 130, 4096, 4097, 9000]


def tokens_of(sentences):
    starts = np.cumsum([0] + [len(sentence) for sentence in sentences]).astype(np.int64)
    ids = np.array([word for sentence in sentences for word in sentence], np.int32)
    return EncodedTokens(ids, starts, len(ids), 0)


def naive_counts(sentences, window):
    counts = Counter()
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            for j, context in enumerate(sentence):
                if i != j and abs(i - j) <= window:
                    counts[centre, context] += window - abs(i - j) + 1
    return dict(counts)


def as_dict(rows, counts):
    indptr, indices, values = counts.indptr, counts.indices, counts.values
    centres = np.repeat(np.asarray(rows), np.diff(indptr)).tolist()
    return dict(zip(zip(centres, indices.tolist(), strict=True), values.tolist(), strict=True))


def assert_well_formed(counts, n_words):
    assert (counts.indptr.dtype, counts.indices.dtype) == (np.int64, np.int32)
    assert counts.values.dtype in (np.int32, np.int64)
    assert counts.indptr[0] == 0
    assert counts.indptr[-1] == counts.indices.size == counts.values.size
    assert np.all((counts.indices >= 0) & (counts.indices < n_words))
    rises = np.diff(counts.indices) > 0
    first_in_row = counts.indptr[1:-1]
    inside = (first_in_row > 0) & (first_in_row < counts.indices.size)
    rises[first_in_row[inside] - 1] = True
    assert np.all(rises)


def assert_equals_naive(counts, sentences, n_words, window):
    assert_well_formed(counts, n_words)
    assert counts.indptr.size == n_words + 1
    assert as_dict(range(n_words), counts) == naive_counts(sentences, window)


def dense(counts):
    matrix = np.zeros((counts.n_words, counts.n_words), np.int64)
    rows = np.repeat(np.arange(counts.n_words), np.diff(counts.indptr))
    matrix[rows, counts.indices] = counts.values
    return matrix


def dense_counts(tokens, n_words, window):
    """Count by shifting the text against itself: fast enough for long texts, few words."""
    ids = tokens.ids.astype(np.int64)
    sentence = np.repeat(
        np.arange(tokens.sentence_starts.size - 1), np.diff(tokens.sentence_starts)
    )
    matrix = np.zeros(n_words * n_words, np.int64)
    for d in range(1, window + 1):
        same = sentence[d:] == sentence[:-d]
        left, right = ids[:-d][same], ids[d:][same]
        pairs = np.bincount(left * n_words + right, minlength=matrix.size)
        matrix += (window - d + 1) * pairs
    matrix = matrix.reshape(n_words, n_words)
    return matrix + matrix.T


def assert_identical(one, other):
    for name in ("indptr", "indices", "values"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@st.composite
def corpora(draw):
    n_words = draw(st.sampled_from(VOCABULARY_SIZES))
    used = draw(st.lists(st.integers(0, n_words - 1), min_size=1, max_size=12, unique=True))
    sentences = draw(st.lists(st.lists(st.sampled_from(used), max_size=25), max_size=12))
    return n_words, sentences


windows = st.one_of(st.integers(1, 6), st.sampled_from([30, 1000, 16383]))


def small_corpus(seed=1, n_words=40, n_sentences=60):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, n_sentences)
    return [list(map(int, rng.integers(0, n_words, length) ** 2 // n_words)) for length in lengths]
