"""A sample of the training text, to which scores are fitted: its size does not grow with it."""

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.pairs import count_pairs
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.rows import CentreRows, RowBatch, thinned
from fastw2v.text.encoded import EncodedTokens

__all__ = [
    "CALIBRATION_ROWS",
    "calibration_rows",
    "fewer_rows",
    "fitting_rows",
    "held_out_positions",
    "sampled_text",
    "training_rows",
]

CALIBRATION_ROWS = 2048  # enough for both numbers; more change them by less than they matter
_FEWEST_ROWS = 64
# Of CBOW: a position says less than a word with all its pairs. Powers of ranges of probability take
# most, and look at them fewer times than temperatures do.
_CALIBRATION_POSITIONS = 4096
_FEWEST_POSITIONS, _MOST_POSITIONS = 256, 12_288
_POWERS_PRODUCTS = 2**34
_MOST_PRODUCTS = 2**33  # of one round over all words; about ten of them take two cores about 2 s

# What is held out should not be missed: at most one position of so many.
_TOKENS_PER_HELD_OUT = 50
_HELD_OUT_STREAM = 41  # keeps these draws apart from other uses of the seed

_STRETCHES = 64
_STRETCH_TOKENS = 4096


def training_rows(
    in_vectors: NDArray[np.float32],
    tokens: EncodedTokens,
    settings: Hyperparameters,
    workers: int,
    *,
    others: bool = False,
    held_out: NDArray[np.int64] | None = None,
) -> CentreRows | CbowRows:
    """Return a sample of the training text's rows, of a size that does not grow with it.

    With a large vocabulary it is a smaller one, see `calibration_rows`. Of CBOW they are those of
    positions that were `held_out`, if there are any, or of positions that are drawn; and a reach of
    the window is drawn for each. `others` as in `CentreRows` and `CbowRows`.
    """
    n_words, dimensions = in_vectors.shape
    if settings.model == "cbow":
        has_held_out = held_out is not None and len(held_out) > 0
        return CbowRows(
            in_vectors,
            tokens if has_held_out else sampled_text(tokens),
            window=settings.window,
            mean=settings.cbow_mean,
            sample=_positions(n_words, dimensions),
            positions=held_out if has_held_out else None,
            seed=settings.seed,
            others=others,
            one_reach=True,
        )
    sample = calibration_rows(n_words, dimensions)
    counts = count_pairs(sampled_text(tokens), n_words, settings.window, workers=workers)
    return CentreRows(in_vectors, counts, sample=sample, seed=settings.seed, others=others)


def fitting_rows(
    in_vectors: NDArray[np.float32], tokens: EncodedTokens, settings: Hyperparameters, workers: int
) -> CentreRows | CbowRows:
    """Return the `training_rows`, of other words, that probabilities are fitted to in the end."""
    held_out = held_out_positions(tokens, len(in_vectors), settings)
    return training_rows(in_vectors, tokens, settings, workers, others=True, held_out=held_out)


def held_out_positions(
    tokens: EncodedTokens, n_words: int, settings: Hyperparameters
) -> NDArray[np.int64]:
    """Return positions of a text at which CBOW should predict no word in training, ascending.

    A window that has been trained on is predicted better than one that has not, and what is fitted
    to such windows is too sure of others. Pairs of skip-gram come again and again, there are none;
    nor are there where they would be fewer than 256 or more than one of 50.
    """
    if settings.model != "cbow":
        return np.empty(0, np.int64)
    n_tokens = len(tokens.ids)
    sample = min(_positions(n_words, settings.vector_size), n_tokens // _TOKENS_PER_HELD_OUT)
    edges = np.linspace(0, n_tokens, sample + 1).astype(np.int64)
    # One of each part, so that they are spread over the text, and no period of it matters.
    generator = np.random.default_rng([settings.seed, _HELD_OUT_STREAM])
    drawn = generator.integers(edges[:-1], edges[1:])
    starts = tokens.sentence_starts
    behind = np.searchsorted(starts, drawn, "right")
    found = drawn[starts[behind] - starts[behind - 1] > 1]
    return found if len(found) >= _FEWEST_POSITIONS else found[:0]


def _positions(n_words: int, dimensions: int) -> int:
    """Return how many positions of CBOW all is fitted to."""
    bounds = (_FEWEST_POSITIONS, _MOST_POSITIONS)
    return _within_work(_POWERS_PRODUCTS, n_words * dimensions, bounds)


def fewer_rows(rows: CentreRows | CbowRows) -> list[RowBatch]:
    """Return rows of `training_rows` for what looks at them many times: of CBOW, evenly, some."""
    batches = list(rows)
    if isinstance(rows, CentreRows):
        return batches
    n_words, dimensions = rows.in_vectors.shape
    bounds = (_FEWEST_ROWS, _CALIBRATION_POSITIONS)
    most = _within_work(_MOST_PRODUCTS, n_words * dimensions, bounds)
    step = -(-sum(len(batch.inputs) for batch in batches) // most)
    return list(thinned(batches, step))


def calibration_rows(n_words: int, dimensions: int) -> int:
    """Return how many rows calibrate scores of so many words: fewer where each takes long.

    So that calibrating takes about two seconds at most, whatever the vocabulary; by a bound on the
    work and not by a clock, or the result would depend on the machine.
    """
    bounds = (_FEWEST_ROWS, CALIBRATION_ROWS)
    return _within_work(_MOST_PRODUCTS, n_words * dimensions, bounds)


def _within_work(products: int, products_per_row: int, bounds: tuple[int, int]) -> int:
    """Return how many rows so many products allow, from the fewest to the most."""
    fewest, most = bounds
    return min(max(products // products_per_row, fewest), most)


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
