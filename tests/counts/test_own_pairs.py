"""Words in their own windows: as the counts of all pairs have them, however the text is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.counts import own_pairs
from fastw2v.counts.own_pairs import count_own_pairs
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.text.encoded import EncodedTokens


def encoded(sentences):
    ids = np.array([word for one in sentences for word in one], np.int32)
    starts = np.cumsum([0, *(len(one) for one in sentences)]).astype(np.int64)
    return EncodedTokens(ids, starts, len(ids), 0)


def assert_as_counted(tokens, n_words, window):
    found = count_own_pairs(tokens, n_words, window)
    counts = count_pairs(tokens, n_words, window, workers=1)
    assert found.own.tolist() == counts.self_counts().tolist()
    assert found.sums.tolist() == counts.row_sums().tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=6), st.integers(1, 9))
def test_they_are_those_of_the_counts_of_all_pairs(sentences, window):
    assert_as_counted(encoded(sentences), 4, window)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_blocks_do_not_matter(size, monkeypatch):
    text = encoded([[], [0, 0, 1], [], [1], [2, 0, 2, 2, 1, 0], []])
    whole = count_own_pairs(text, 3, 3)
    monkeypatch.setattr(own_pairs, "_TOKENS_AT_ONCE", size)
    told = []
    parts = count_own_pairs(text, 3, 3, lambda done, total: told.append((done, total)))
    assert parts.own.tolist() == whole.own.tolist()
    assert parts.sums.tolist() == whole.sums.tolist()
    assert told[-1] == (10, 10)
    # Sabotage: a window that is one wider has others.
    assert count_own_pairs(text, 3, 4).sums.tolist() != whole.sums.tolist()


def test_the_widest_window():
    assert_as_counted(encoded([[0, 1, 0] * 5]), 2, 16383)


def test_what_cannot_be_counted_is_told():
    with pytest.raises(ConfigurationError, match="window: expected a whole number from 1"):
        count_own_pairs(encoded([[0]]), 1, 0)
    with pytest.raises(CorpusError, match="expected ids int32"):
        count_own_pairs(EncodedTokens(np.zeros(2), np.array([0, 2]), 2, 0), 1, 1)
