"""Training an exact softmax under supervision, and what its parameters say of the text."""

from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastw2v.batches import BatchSource
from fastw2v.callbacks import PassRecord
from fastw2v.embeddings import Embeddings
from fastw2v.fitted import RunOptions
from fastw2v.optim import Optimizer
from fastw2v.training import Objective, WeightedRows, train
from fastw2v.vocab import Vocabulary

AnyBatch = TypeVar("AnyBatch", bound=WeightedRows)
Batch_contra = TypeVar("Batch_contra", bound=WeightedRows, contravariant=True)


class SoftmaxObjective(Objective[Batch_contra], Protocol[Batch_contra]):
    """An objective with the parameters of a softmax."""

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Input vectors (V, D)."""
        ...

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Output vectors (V, D)."""
        ...

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Output bias (V,)."""
        ...


def train_supervised(
    objective: SoftmaxObjective[AnyBatch],
    batches: BatchSource[AnyBatch],
    optimizer: Optimizer,
    vocabulary: Vocabulary,
    keep: NDArray[np.float64],
    run: RunOptions,
    passes: int,
) -> tuple[Embeddings, list[PassRecord]]:
    """Train an objective, and return what it learned and the history.

    Parameters
    ----------
    objective : ExactSoftmax or CbowSoftmax
    batches : BatchSource
    optimizer : Optimizer
    vocabulary : Vocabulary
    keep : (V,) float64
        With which probability subsampling keeps each word.
    run : RunOptions
    passes : int

    Raises
    ------
    DivergenceError, TrainingInterrupted
        As in `Word2Vec.fit`.
    """

    def embeddings() -> Embeddings:
        # p(o|h) of the text itself is q(o|h) / keep(o), normalised: docs/math.md, section 7.
        bias = (objective.out_bias - np.log(keep)).astype(np.float32)
        return Embeddings(vocabulary, objective.in_vectors, objective.out_vectors, bias)

    callbacks = run.callbacks_with(lambda: (objective.in_vectors, objective.out_vectors))
    with run.supervisor.watch(objective, embeddings) as watch:
        train(objective, batches, optimizer, passes=passes, callbacks=callbacks, watch=watch)
    return embeddings(), watch.state.history
