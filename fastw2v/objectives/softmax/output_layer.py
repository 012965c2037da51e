"""The output side of the exact softmax, which every input feeds: what a layer of it does.

A layer holds output vectors, their bias and the optimiser's state. An objective hands it a batch's
observed words (`OutputLayer.load`), writes the batch's input rows to `OutputLayer.rows`, calls
`OutputLayer.train`, and takes the gradient of its rows from `OutputLayer.gradients`. Whoever
computes, `fastw2v.objectives.softmax.tile_layer` on the CPU or `fastw2v.objectives.softmax.device`
by PyTorch, batches, inputs and files are the same.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.softmax.optimizers import StepRules

__all__ = ["ChosenColumns", "ObservedRows", "OutputLayer"]


class ChosenColumns(NamedTuple):
    """The words that the softmax of a batch is computed over, and what each stands for.

    Attributes
    ----------
    words : (C,) int32
        Ascending.
    logs : (C,) float32
        The logarithm of how many words each stands for; 0 where it is itself alone.
    """

    words: NDArray[np.int32]
    logs: NDArray[np.float32]


class ObservedRows(Protocol):
    """Rows of observed words, cut by tiles of output words: what any batch has.

    As `fastw2v.kernels.softmax.layout.BatchArrays` says; `row_weights` is float64 (B,).
    """

    @property
    def tile_starts(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def entry_rows(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def columns(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def weights(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def row_weights(self) -> NDArray[np.float64]: ...  # noqa: D102


class OutputLayer(ABC):
    """Output vectors and bias, and the exact step over them for any input rows.

    Attributes
    ----------
    n_words, dimensions : int
        V and D.
    stride : int
        Numbers of an input row: D, filled up with zeros.
    max_rows : int
        The most input rows of a batch.
    tile : int
        The output words of a tile, by which batches cut their entries.
    rows : (at least max_rows * stride,) float32
        Where an objective writes the input rows of the batch that was loaded.
    gradients : (at least max_rows * stride,) float32
        Those of the rows after `train`; an objective may change them.
    lists_columns : bool
        Whether batches list the words that their softmax is computed over. The loss of one that
        does not is the exact one.
    """

    n_words: int
    dimensions: int
    stride: int
    max_rows: int
    tile: int
    rows: VectorArray
    gradients: VectorArray
    lists_columns: bool = False

    def announce(self, batch: ObservedRows) -> None:
        """Say that a batch comes next, so that it can be brought where it is computed."""
        return

    @abstractmethod
    def load(self, batch: ObservedRows) -> None:
        """Take over the observed words of a batch; the caller then writes the input `rows`.

        Raises
        ------
        ValueError
            If the batch has too many rows, or was cut by other tiles.
        """

    @abstractmethod
    def loss(self) -> float:
        """Return sum_r sum_o weight(r, o) * -log p(o | r) of a batch, in nats; train nothing.

        It is computed in float32, and an estimate where the batch lists columns. NaN or infinity if
        the parameters or scores of the batch have left the range of float32.
        """

    @abstractmethod
    def train(self, rules: StepRules) -> float:
        """Update the layer by the batch, write `gradients`, and return the loss from before.

        The loss is that of `loss` but for rounding.
        """

    @property
    @abstractmethod
    def columns(self) -> NDArray[np.int32] | slice:
        """Which words the last batch's softmax was computed over."""

    @abstractmethod
    def scores_of(self, rows: int) -> VectorArray:
        """Return room for the scores of so many rows, which `log_sum_exps` may need."""

    @abstractmethod
    def log_sum_exps(self, bias: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return the log-sum-exp of each row's scores (at least B,), float64; train nothing.

        `bias` (V,) takes the place of the layer's own; `scores`, of `scores_of`, are written. An
        estimate where the batch lists columns.
        """

    @abstractmethod
    def row_log_sums(self) -> NDArray[np.float64]:
        """Return the log-sum-exp (at least B,) of the rows that were last looked at, float64."""

    @abstractmethod
    def predicted_masses(
        self, weights: NDArray[np.float64], scores: VectorArray
    ) -> NDArray[np.float64]:
        """Return sum_r weights_r p(o | r) of every word o of `columns`, float64.

        Comes after `log_sum_exps` of the same rows; p is that of its bias. A drawn word has all
        that it stands for, so that over many draws each gets its own.
        """

    @abstractmethod
    def predicted_means(self, values: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return sum_o p(o | r) values_o of each row (B,), float64, values (V,) of all words.

        Comes after `log_sum_exps` of the same rows, over all words; p is that of its bias.
        """

    @abstractmethod
    def predicted_loss(self, bias: VectorArray, scores: VectorArray) -> float:
        """Return what `loss` does, with this bias (V,) in place of the layer's own.

        Comes after `log_sum_exps` of the same rows, over all words, with the same bias.
        """

    @abstractmethod
    def words_above(
        self, least: NDArray[np.float64], scores: VectorArray
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the pairs that have at least a share of their row's softmax, row by row.

        Comes after `log_sum_exps` of the same rows, over all words; the softmax is that of its
        bias.

        Parameters
        ----------
        least : (B,) float64
            Above 0; infinity for rows that are not asked about.
        scores : float32
            As there.

        Returns
        -------
        rows, words : (N,) int64
            Rising rows, and rising words within a row.
        shares : (N,) float64
        """

    @abstractmethod
    def vectors_of(self, words: NDArray[np.integer[Any]]) -> VectorArray:
        """Return the output vectors of some words (N, D), a copy."""

    @property
    @abstractmethod
    def vectors(self) -> VectorArray:
        """Output vectors (V, D), a copy."""

    @property
    @abstractmethod
    def table(self) -> VectorArray:
        """Output vectors (V, D), a view where they are in this machine's memory."""

    @property
    @abstractmethod
    def bias(self) -> VectorArray:
        """Output bias (V,), a copy."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """What parameters, optimiser state and workspace take of this machine's memory, bytes."""

    @property
    @abstractmethod
    def is_finite(self) -> bool:
        """Whether vectors and bias are finite numbers; looks at each of them."""

    @abstractmethod
    def hold(self, words: NDArray[np.bool_]) -> None:
        """Keep the vectors of some words (V,) as they are, bit by bit, whatever is trained."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, by the names that checkpoints have."""

    @abstractmethod
    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""

    @abstractmethod
    def end_training(self) -> None:
        """Give back what only `train` needs, where what measures afterwards needs the room."""

    @abstractmethod
    def end(self) -> None:
        """Give back what only `loss` and `train` need; neither can be called again."""
