"""What comes after the last epoch on counts: the fit to the text, and the final loss."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.counts.matrix import SparseCounts
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.softmax.batches import CountBatches, RowBatches, exact_loss
from fastw2v.objectives.softmax.drawn_rows import DrawnRows, SampledLoss, sampled_loss
from fastw2v.objectives.softmax.feature_skipgram import FeatureBatches
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.rare_words import ColumnBatches, column_sizes
from fastw2v.objectives.softmax.subsampled_loss import SubsampledLoss, require_finite_loss
from fastw2v.objectives.softmax.text_fit import FIT_ROWS, TextFit, call_kernels, fit_to_text
from fastw2v.training.inputs import InputFeatures, with_features
from fastw2v.training.loop import text_bias
from fastw2v.training.run import Run

__all__ = ["call_fit_once", "fitted_and_measured", "with_text_fit"]


def fitted_and_measured(
    run: Run,
    objective: SoftmaxObjective[Any],
    counts: SparseCounts,
    keep: NDArray[np.float64],
    inputs: InputFeatures | None,
) -> tuple[TextFit | None, SampledLoss]:
    """Return what the plain counts say of probabilities, beside the vectors, and the final loss.

    Where no words are drawn, one pass over all rows finds both.

    Parameters
    ----------
    run : Run
    objective : ExactSoftmax or FeatureSoftmax
        As training left it.
    counts : SparseCounts
    keep : (V,) float64
        Subsampling weights.
    inputs : InputFeatures or None

    Raises
    ------
    DivergenceError
        If the loss is no finite number.
    """
    layer = objective.layer
    if layer.lists_columns:
        final = _final_loss(run, objective, counts, keep, inputs)
        return _fitted_to_text(run, objective, counts, keep, inputs, None), final
    trained = SubsampledLoss(counts, keep)
    found = _fitted_to_text(run, objective, counts, keep, inputs, trained)
    if trained.loss_nats is None:
        return found, _final_loss(run, objective, counts, keep, inputs)
    return found, SampledLoss(trained.loss_nats, 0.0, int(np.count_nonzero(counts.row_sums())))


def call_fit_once(
    run: Run,
    objective: SoftmaxObjective[Any],
    counts: SparseCounts,
    keep: NDArray[np.float64],
    inputs: InputFeatures | None,
) -> None:
    """Have what `fitted_and_measured` calls compiled, by a few rows.

    Parameters
    ----------
    run, objective, counts, keep, inputs
        As for `fitted_and_measured`. Vectors do not change.
    """
    rows, _ = _plain_rows(run, objective, counts, inputs)
    few = rows.only(np.flatnonzero(counts.row_sums())[:FIT_ROWS])
    call_kernels(objective, few, text_bias(objective, keep))


def _fitted_to_text(
    run: Run,
    objective: SoftmaxObjective[Any],
    counts: SparseCounts,
    keep: NDArray[np.float64],
    inputs: InputFeatures | None,
    trained: SubsampledLoss | None,
) -> TextFit | None:
    """Return what the plain counts say of probabilities; see `fit_to_text` of `trained`."""
    rows, first_rare = _plain_rows(run, objective, counts, inputs)
    bias, report = text_bias(objective, keep), run.stage("fitting")
    window = run.settings.window
    return fit_to_text(objective, rows, counts, bias, window, report, first_rare, trained)


def _plain_rows(
    run: Run,
    objective: SoftmaxObjective[Any],
    counts: SparseCounts,
    inputs: InputFeatures | None,
) -> tuple[RowBatches[Any], int | None]:
    """Return batches of the plain counts, and which word is the first that is drawn."""
    layer, ones = objective.layer, np.ones(counts.n_words)
    options: dict[str, Any] = {
        "dimensions": run.settings.vector_size,
        "seed": run.settings.seed,
        "tile": layer.tile,
    }
    first_rare = None
    if layer.lists_columns:
        sizes = column_sizes(counts.n_words)
        assert sizes is not None
        plain: CountBatches = ColumnBatches(
            counts, ones, rows=layer.max_rows, sizes=sizes, **options
        )
        first_rare = sizes.head
    else:
        plain = CountBatches(counts, ones, rows=min(FIT_ROWS, layer.max_rows), **options)
    return (FeatureBatches(plain, inputs.matrix) if inputs is not None else plain), first_rare


def with_text_fit(embeddings: Embeddings, found: TextFit | None) -> Embeddings:
    """Return embeddings that have what was fitted to the text."""
    if found is None:
        return embeddings
    bias = (embeddings.out_bias + found.bias_step).astype(np.float32)
    return replace(embeddings, out_bias=bias, self_rates=found.self_rates, peaks=found.peaks)


def _final_loss(
    run: Run,
    objective: SoftmaxObjective[Any],
    counts: SparseCounts,
    keep: NDArray[np.float64],
    inputs: InputFeatures | None,
) -> SampledLoss:
    """Return the exact loss: of all rows, or where rare words are sampled of drawn ones."""
    is_sampled = objective.layer.lists_columns
    rows = (DrawnRows if is_sampled else CountBatches)(
        counts,
        keep,
        dimensions=run.settings.vector_size,
        rows=objective.layer.max_rows,
        seed=run.settings.seed,
        tile=objective.layer.tile,
    )
    batches, report = with_features(rows, inputs), run.stage("measuring")
    if is_sampled:
        found = sampled_loss(objective, batches, report)
    else:
        found = SampledLoss(exact_loss(objective, batches, report), 0.0, len(rows.centres))
    require_finite_loss(found.loss_nats)
    return found
