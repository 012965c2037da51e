"""Words beside themselves, for objectives that go over running text (docs/math.md, section 21).

A product of vectors, or a tree of them, makes p(c | c) too large whatever it is trained by. As with
the exact softmax a word's own place gets a rate, which is counted over the whole text, and what is
left is shared out by the model's scores over the other words:

    p(o | c) = rate_c [o = c] + (1 - rate_c) p(o | c, not c)

With CBOW the same holds for all words within a window (`fastw2v.objectives.own_rates`), whatever
the loss. So the loss of a text has two parts, which do not depend on each other: that of the rates,
and that of a softmax which leaves those words out. That softmax gets powers above knots, by which
predicted and observed shares agree (`fastw2v.objectives.losses.share_bins`).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.config import Hyperparameters
from fastw2v.kernels.formulas.skipgram import WordRows
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.losses.calibration import Calibration, calibrate, calibrated_loss
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.counted_rates import (
    CountedRates,
    counted_rates,
    scores_of_words,
)
from fastw2v.objectives.losses.rows import CentreRows, InputRows, RowBatch
from fastw2v.objectives.losses.scores import ContextScores, SoftmaxScores
from fastw2v.objectives.losses.share_bins import (
    ShareBins,
    fine_bins,
    fitted_powers,
    observed_logs,
)
from fastw2v.objectives.losses.training_rows import fewer_rows, fitting_rows
from fastw2v.objectives.peaks import Peaks
from fastw2v.objectives.softmax.text_fit import STEADY_PAIRS
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens

__all__ = [
    "Report",
    "ScoreFit",
    "calibrated_fit",
    "finished_fit",
    "one_word",
    "score_fit",
    "softmax_loss_with_rates",
    "window_fit",
]

_Doubles = NDArray[np.float64]
Report = Callable[[int, int | None], None] | None
_MOST_NATS = 700.0
_BINNED_NUMBERS = 2**21  # of rows by bins, at once
# Where no word has another one near: any scores would do.
_NOTHING_LEARNED = Calibration(1.0, 1.0, 0.0)


class ScoreFit(NamedTuple):
    """What turns scores into probabilities of the text.

    Attributes
    ----------
    temperature : float
    out_bias : (V,) float32
        With them p(o | h) = softmax(temperature * u_o . h + out_bias_o), over the words other than
        the centre, or than those of the window.
    self_rates : (V,) float32, optional
        p(c | c); None of a single word, and with CBOW where they would make the text less likely.
    loss_nats : float
        The mean of -log p over the sample of the training text that it was fitted on.
    peaks : Peaks, optional
        What becomes of that softmax before the rates share it out; None where it does not help.
    """

    temperature: float
    out_bias: NDArray[np.float32]
    self_rates: NDArray[np.float32] | None
    loss_nats: float
    peaks: Peaks | None = None


def one_word() -> ScoreFit:
    """Return the fit of a vocabulary of a single word, which is certain."""
    return ScoreFit(1.0, np.zeros(1, np.float32), None, 0.0)


def score_fit(
    vectors: tuple[VectorArray, VectorArray],
    log_unigram: VectorArray,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    pool: WorkerPool,
    report: Report = None,
) -> ScoreFit:
    """Fit temperature, weight of the unigram distribution, rates and powers to the training text.

    Rates are counted over the whole text, the rest is fitted on a sample of it.

    Parameters
    ----------
    vectors : tuple of (V, D) float32
        Input and output vectors, of negative sampling.
    log_unigram : (V,) float32
    tokens : EncodedTokens
        The training text.
    settings : Hyperparameters
    pool : WorkerPool
    report : callable, optional
        Gets the rounds that are done, and at the end with as many in all.

    Raises
    ------
    DivergenceError
        As `fastw2v.objectives.losses.calibration.calibrate`.
    """
    in_vectors, out_vectors = vectors
    counted = counted_rates(tokens, len(in_vectors), settings)
    if counted is None:
        return one_word()
    rows = fitting_rows(in_vectors, tokens, settings, pool.workers)
    return calibrated_fit(SoftmaxScores(out_vectors, pool), rows, log_unigram, counted, report)


def calibrated_fit(
    scores: ContextScores,
    rows: CentreRows | CbowRows,
    log_unigram: VectorArray,
    counted: CountedRates,
    report: Report = None,
) -> ScoreFit:
    """Return all that turns scores into probabilities of the text.

    Parameters
    ----------
    scores : SoftmaxScores or TreeScores
    rows : CentreRows or CbowRows
        `fitting_rows`.
    log_unigram : (V,) float32
    counted : CountedRates
    report : callable, optional
        As of `score_fit`.
    """
    found = _NOTHING_LEARNED
    with threadpool_limits(1, "blas"):  # with more threads the last bits of sums differ
        if rows.others_weight:
            found = calibrate(scores, fewer_rows(rows), log_unigram, report)
        bias = (found.unigram_weight * log_unigram).astype(np.float32)
        fit = ScoreFit(found.temperature, bias, None, found.loss_nats)
        return finished_fit(fit, scores, rows, counted)


def window_fit(
    vectors: tuple[VectorArray, VectorArray],
    out_bias: VectorArray,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    pool: WorkerPool,
) -> ScoreFit:
    """Fit rates and powers to the training text of CBOW by the exact softmax.

    Parameters
    ----------
    vectors, tokens, settings, pool
        As in `score_fit`.
    out_bias : (V,) float32
        With which the vectors give probabilities of the text.
    """
    in_vectors, out_vectors = vectors
    counted = counted_rates(tokens, len(in_vectors), settings)
    if counted is None:
        return one_word()
    fit = ScoreFit(1.0, np.asarray(out_bias), None, np.nan)
    rows = fitting_rows(in_vectors, tokens, settings, pool.workers)
    with threadpool_limits(1, "blas"):  # as in `calibrated_fit`
        return finished_fit(fit, SoftmaxScores(out_vectors, pool), rows, counted)


def finished_fit(
    fit: ScoreFit, scores: ContextScores, rows: CentreRows | CbowRows, counted: CountedRates
) -> ScoreFit:
    """Return a fit with all that the text says, and the loss over all rows.

    With CBOW there are no rates if the rows are less likely with them.

    Parameters
    ----------
    fit : ScoreFit
        Temperature and bias.
    scores : SoftmaxScores or TreeScores
    rows : CentreRows or CbowRows
        With `others`.
    counted : CountedRates
    """
    seen = _seen(scores, rows, (fit.temperature, fit.out_bias))
    rates_loss = rows.rates_loss(counted.rates)
    if seen.within_loss is not None and seen.within_loss <= rates_loss:
        return fit._replace(loss_nats=(seen.others_loss + seen.within_loss) / rows.weight)
    fit = fit._replace(self_rates=counted.rates)
    if not rows.others_weight:
        return fit._replace(loss_nats=rates_loss / rows.weight)
    wanted = counted.contexts * (rows.others_weight / counted.contexts.sum())
    # One step of iterative scaling, as after the exact softmax.
    step = np.log((wanted + STEADY_PAIRS) / (seen.masses + STEADY_PAIRS))
    bias = np.asarray(fit.out_bias + step, np.float32)
    batches = list(rows)
    log_sums = [scores.log_sums(batch, bias, fit.temperature) for batch in batches]
    if _loss(scores, batches, (fit.temperature, bias), log_sums) > seen.others_loss:
        # What is wanted is of the whole text, and the rows are few.
        bias, log_sums = fit.out_bias, seen.log_sums
    bins = ShareBins.of_rows(scores, batches, (fit.temperature, bias), log_sums=log_sums)
    peaks = fitted_powers(bins)
    loss = bins.loss + rates_loss + (bins.loss_change(peaks) if peaks else 0.0)
    return fit._replace(out_bias=bias, loss_nats=loss / rows.weight, peaks=peaks)


def _loss(
    scores: ContextScores,
    rows: InputRows,
    fit: tuple[float, VectorArray],
    log_sums: list[_Doubles],
) -> float:
    """Return the loss of rows by softmax(t z + b), summed; each batch has its rows' log sums."""
    return -sum(
        float(batch.contexts.weights @ observed_logs(scores, batch, fit, sums))
        for batch, sums in zip(rows, log_sums, strict=True)
    )


class _Seen(NamedTuple):
    """What a softmax says of rows, the words left out that it is not over.

    Attributes
    ----------
    masses : (V,) float64
        What each word is predicted, over all rows of other words.
    others_loss : float
        The loss of these rows, summed.
    within_loss : float, optional
        With CBOW, what the softmax over all words adds to it: the sum of -log q of words within
        their windows, and of -log of what q leaves for all that are not within them for the others.
    log_sums : list of (R,) float64
        Of the rows of other words, in batches as rows are gone over.
    """

    masses: _Doubles
    others_loss: float
    within_loss: float | None
    log_sums: list[_Doubles]


def _seen(
    scores: ContextScores, rows: CentreRows | CbowRows, fit: tuple[float, VectorArray]
) -> _Seen:
    temperature, bias = fit
    masses, others_loss, within_loss = np.zeros(scores.n_words), 0.0, 0.0
    kept: list[_Doubles] = []
    is_cbow = isinstance(rows, CbowRows)
    for batch, windows in _with_windows(rows):
        rest = batch if windows is None else batch._replace(left_out=windows)
        log_sums = scores.log_sums(rest, bias, temperature)
        contexts, weights, others = batch.contexts, batch.row_weights, log_sums
        logs = observed_logs(scores, batch, fit, log_sums)
        losses = -np.add.reduceat(contexts.weights * logs, contexts.indptr[:-1])
        if windows is not None:
            own, is_own = _within_logs(scores, batch, windows, fit, log_sums)
            within_loss -= float(own.sum())
            weights, losses, others = weights * ~is_own, losses * ~is_own, log_sums[~is_own]
        if len(others):
            kept.append(others)
        scores.add_masses(rest, fit, log_sums, weights, masses)
        others_loss += float(losses.sum())
    return _Seen(masses, others_loss, within_loss if is_cbow else None, kept)


def _with_windows(
    rows: CentreRows | CbowRows,
) -> Iterator[tuple[RowBatch, WordRows | None]]:
    if isinstance(rows, CbowRows):
        yield from rows.with_windows()
    else:
        yield from ((batch, None) for batch in rows)


def softmax_loss_with_rates(
    scores: ContextScores,
    rows: CentreRows | CbowRows,
    rates: NDArray[np.float32],
    fit: tuple[float, VectorArray],
    peaks: Peaks | None = None,
) -> float:
    """Return the mean loss of softmax(t z + b) over other words, and rates (V,) of own pairs.

    Parameters
    ----------
    scores : SoftmaxScores or TreeScores
    rows : CentreRows or CbowRows
        With `others`.
    rates : (V,) float32
    fit : tuple of float and (V,) float32
        t and b.
    peaks : Peaks, optional
        What becomes of the softmax.
    """
    temperature, bias = fit
    loss = rows.rates_loss(rates)
    if peaks is None:
        if rows.others_weight:
            point = Calibration(temperature, 1.0, np.nan)
            loss += calibrated_loss(scores, rows, bias, point) * rows.others_weight
        return loss / rows.weight
    n_bins = fine_bins(scores.n_words)
    for part in _parts(rows, _BINNED_NUMBERS // n_bins):
        bins = ShareBins.of_rows(scores, [part], fit, peaks.lowest, n_bins=n_bins)
        loss += bins.loss + bins.loss_change(peaks)
    return loss / rows.weight


def _parts(rows: CentreRows | CbowRows, most: int) -> Iterator[RowBatch]:
    """Yield rows, at most so many at once: there is room for their bins."""
    for batch in rows:
        for first in range(0, len(batch.inputs), most):
            last = min(first + most, len(batch.inputs))
            yield batch.taken(np.arange(first, last))


def _within_logs(
    scores: ContextScores,
    batch: RowBatch,
    windows: WordRows,
    fit: tuple[float, VectorArray],
    log_sums: _Doubles,
) -> tuple[_Doubles, NDArray[np.bool_]]:
    """Return log q of rows' words within their windows, and of all that are not for others (R,).

    And which words are within theirs. `log_sums` (R,) are of the words not within.
    """
    temperature, bias = fit
    z = temperature * scores_of_words(scores, batch.inputs, windows) + bias[windows.words]
    rows = windows.rows
    odds = np.exp(np.minimum(z - log_sums[rows], _MOST_NATS))
    log_rest = -np.log1p(np.bincount(rows, odds, len(log_sums)))
    places = windows.places_of(batch.contexts.indices)
    logs = np.log(odds) + log_rest[rows]
    return np.where(places < 0, log_rest, logs[places]), places >= 0
