"""A sample of the training text, to which scores are fitted: its size does not grow with it."""

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.rows import CentreRows
from fastw2v.text.encoded import EncodedTokens

__all__ = ["CALIBRATION_ROWS", "calibration_rows", "sampled_text", "training_rows"]

CALIBRATION_ROWS = 2048  # enough for both numbers; more change them by less than they matter
_FEWEST_ROWS = 64
_TOKENS_PER_ROW = 2
_MOST_PRODUCTS = 2**33  # of one round over all words; about ten of them take two cores about 2 s

_STRETCHES = 64
_STRETCH_TOKENS = 4096


def training_rows(
    in_vectors: NDArray[np.float32],
    tokens: EncodedTokens,
    settings: Hyperparameters,
    workers: int,
    *,
    others: bool = False,
) -> CentreRows | CbowRows:
    """Return a sample of the training text's rows, of a size that does not grow with it.

    With a large vocabulary it is a smaller one, see `calibration_rows`; of CBOW tokens are drawn,
    and a reach of the window for each. `others` as in `CentreRows` and `CbowRows`.
    """
    text = sampled_text(tokens)
    n_words, dimensions = in_vectors.shape
    if settings.model == "cbow":
        # A token says less than a word with all that was counted of it.
        sample = _TOKENS_PER_ROW * calibration_rows(_TOKENS_PER_ROW * n_words, dimensions)
        return CbowRows(
            in_vectors,
            text,
            window=settings.window,
            mean=settings.cbow_mean,
            sample=sample,
            seed=settings.seed,
            others=others,
            one_reach=True,
        )
    sample = calibration_rows(n_words, dimensions)
    counts = count_pairs(text, len(in_vectors), settings.window, workers=workers)
    return CentreRows(in_vectors, counts, sample=sample, seed=settings.seed, others=others)


def calibration_rows(n_words: int, dimensions: int) -> int:
    """Return how many rows calibrate scores of so many words: fewer where each takes long.

    So that calibrating takes about two seconds at most, whatever the vocabulary; by a bound on the
    work and not by a clock, or the result would depend on the machine.
    """
    fitting = _MOST_PRODUCTS // (n_words * dimensions)
    return min(max(fitting, _FEWEST_ROWS), CALIBRATION_ROWS)


def sampled_text(tokens: EncodedTokens) -> EncodedTokens:
    """Return stretches evenly spread over a text, or all of a short one."""
    n_tokens = len(tokens.ids)
    if n_tokens <= _STRETCHES * _STRETCH_TOKENS:
        return tokens
    begins = np.linspace(0, n_tokens - _STRETCH_TOKENS, _STRETCHES).astype(np.int64)
    ids = np.concatenate([tokens.ids[at : at + _STRETCH_TOKENS] for at in begins])
    starts = [_starts_within(tokens.sentence_starts, int(at)) for at in begins]
    places = [place + number * _STRETCH_TOKENS for number, place in enumerate(starts)]
    ends = np.array([len(ids)], np.int64)
    return EncodedTokens(ids, np.concatenate([*places, ends]), len(ids), 0)


def _starts_within(sentence_starts: NDArray[np.int64], at: int) -> NDArray[np.int64]:
    first = np.searchsorted(sentence_starts, at, "right")
    last = np.searchsorted(sentence_starts, at + _STRETCH_TOKENS, "left")
    return np.concatenate([[0], np.asarray(sentence_starts[first:last], np.int64) - at])
