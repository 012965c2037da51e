"""The stretches of a long text that losses are calibrated on: its tokens, cut at its line ends."""

import numpy as np
import pytest

from fastw2v.objectives.losses.training_rows import sampled_text
from fastw2v.text.encoded import EncodedTokens

TOKENS = 700_000


def text(longest, n_tokens=TOKENS):
    """A text whose tokens are their own places, in sentences of 1 to `longest` tokens."""
    lengths = np.random.default_rng(1).integers(1, longest + 1, n_tokens)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    starts = np.append(starts[starts < n_tokens], n_tokens).astype(np.int64)
    return EncodedTokens(np.arange(n_tokens, dtype=np.int32), starts, n_tokens, 0)


def naive_starts(places, whole):
    """Where sentences of the sample begin: at its gaps, and where those of the text begin."""
    begins = set(whole.sentence_starts.tolist())
    found = [k for k, at in enumerate(places) if k == 0 or at != places[k - 1] + 1 or at in begins]
    return [*found, len(places)]


@pytest.mark.parametrize("longest", [5, 300, 20_000])
def test_stretches_keep_the_ends_of_sentences(longest):
    whole = text(longest)
    sample = sampled_text(whole)
    places = sample.ids.tolist()
    expected = naive_starts(places, whole)
    assert sample.sentence_starts.tolist() == expected
    assert len(expected) > 65 or longest > 300  # more than the gaps
    assert 100_000 < len(places) < TOKENS
    assert sample.n_raw_tokens == len(places)
    assert (places[0], places[-1]) == (0, TOKENS - 1)
    assert np.histogram(places, 20, (0, TOKENS))[0].min() > 0.5 * len(places) / 20
    gaps = np.diff(places)
    assert gaps.min() >= 1  # in order, and no token twice


def test_a_short_text_is_taken_as_it_is():
    whole = text(30, 10_000)
    assert sampled_text(whole) is whole
