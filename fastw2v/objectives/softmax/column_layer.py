"""An output layer whose step goes over a few columns: frequent words exactly, rare ones sampled.

Each batch says over which words its softmax is computed, and what each of them stands for
(`fastw2v.objectives.softmax.rare_words`). The layer has the tables of all words, and nothing of the
size of all words times the rows of a batch. A word is updated when it is a column, as if it had
had gradients of zero since it last was one. The loss of a batch that lists no columns is the exact
one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.softmax.columns import count_visits
from fastw2v.kernels.softmax.layout import LOWEST, WORD_STEP, BatchArrays, Shape, Workspace
from fastw2v.kernels.softmax.outputs import ColumnState
from fastw2v.objectives.arrays import VectorArray, copy_arrays, round_up, zeros_of
from fastw2v.objectives.softmax.optimizers import DECAY_FIRST, DECAY_SECOND, StepRules
from fastw2v.objectives.softmax.output_layer import ChosenColumns, ObservedRows, OutputLayer
from fastw2v.objectives.softmax.precision import ColumnProducts, Products

__all__ = ["ColumnLayer", "decays_of_steps"]

_NO_VISITS = np.zeros((2, 0), np.float32), np.zeros(0, np.float32)  # before a step counts them
_MOST_STEPS = 4096  # after that many all decays are 0 in single precision


def decays_of_steps() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return beta^t of Adam's moments (2, T), and how many first steps t steps add up to (T,).

    In the latter each step after a gradient is by beta1 / sqrt(beta2) smaller than the one before.
    """
    steps = np.arange(_MOST_STEPS)
    decays = np.array([DECAY_FIRST**steps, DECAY_SECOND**steps], np.float32)
    shrinking = DECAY_FIRST / np.sqrt(DECAY_SECOND)
    limits = (1.0 - shrinking**steps) / (1.0 - shrinking)
    limits[1] = 1.0
    return decays, limits.astype(np.float32)


class ColumnLayer(OutputLayer):
    """Output vectors and bias of all words, and a step over the columns of a batch.

    Parameters are those of `OutputLayer`.
    """

    def __init__(self, *tables: VectorArray, **options: Any) -> None:
        self._chosen: ChosenColumns | None = None
        self._listed: ColumnState
        super().__init__(*tables, **options)
        self._visits = np.zeros(self._words, np.int32)
        self._steps = np.zeros(1, np.int64)
        self._latest = np.zeros(self._words, np.int32)
        self._decays, self._limits = decays_of_steps()
        self._column_products = ColumnProducts(
            self._precision, self.pool, self.work, self._shape(self.max_rows)
        )

    def _new_products(self) -> Products:
        # For exact losses, which keep no scores.
        return Products("float32", self.pool, self.state, self.work, self._shape(self.max_rows))

    def _workspace(self) -> Workspace:
        return self._workspace_with(0)

    @property
    def nbytes(self) -> int:
        """Memory of parameters, optimiser state and workspace, in bytes."""
        return super().nbytes + self._column_products.nbytes + 2 * self._visits.nbytes

    def end_training(self) -> None:
        """Give back what only `train` needs: moments, and columns as it multiplies them."""
        moments = zeros_of(self.state.vector_moments)
        self.state = self.state._replace(vector_moments=moments)
        self._products = self._new_products()
        self._column_products.end_training()
        del self._listed  # which has the moments

    def end(self) -> None:
        """Give back what only `loss` and `train` need, see `OutputLayer.end`."""
        super().end()
        del self._column_products

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that training changes, as views."""
        return super().arrays() | {
            "out_visits": self._visits,
            "out_latest": self._latest,
            "out_steps": self._steps,
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over those of `arrays` that are given."""
        copy_arrays(arrays, self.arrays())

    def load(self, batch: ObservedRows) -> tuple[Shape, BatchArrays]:
        """Take over the observed words and the columns of a batch; the rest as `OutputLayer`."""
        self._chosen = getattr(batch, "chosen", None)
        if self._chosen is None:
            return super().load(batch)
        words = round_up(len(self._chosen.words), WORD_STEP)
        shape, arrays = self._loaded(batch, words)
        self._listed = self._columns(self._chosen, words, self.state.bias)
        self._column_products.choose(shape, self._listed)
        return shape, arrays

    @property
    def columns(self) -> NDArray[np.int32] | slice:
        """Which words the last batch's softmax was computed over."""
        return slice(None) if self._chosen is None else self._chosen.words

    def scores_of(self, rows: int) -> VectorArray:
        """Return none: room for the scores of columns is taken when they are known."""
        return np.empty(0, np.float32)

    def log_sum_exps(
        self, shape: Shape, arrays: BatchArrays, bias: VectorArray, scores: VectorArray
    ) -> NDArray[np.float64]:
        """Return estimates of the log-sum-exp of each row's scores, see `OutputLayer`."""
        assert self._chosen is not None
        biases = self._columns(self._chosen, shape.words, bias).bias
        room = self._column_products.room_for_scores(shape)
        self._column_products.predict(shape, arrays, biases, room)
        return self.row_log_sums(shape)

    def predicted_masses(
        self,
        shape: Shape,
        arrays: BatchArrays,
        weights: NDArray[np.float64],
        scores: VectorArray,
    ) -> NDArray[np.float64]:
        """Return estimates of sum_r weights_r p(o | r) of the columns (C,), see `OutputLayer`.

        A drawn word has all that it stands for, so that over many draws each gets its own.
        """
        assert self._chosen is not None
        row_weights = np.zeros_like(arrays.row_weights)
        row_weights[: len(weights)] = weights
        masses = np.zeros(shape.words)
        room = self._column_products.room_for_scores(shape)
        weighed = arrays._replace(row_weights=row_weights)
        self._column_products.add_masses(shape, weighed, room, masses)
        return masses[: len(self._chosen.words)]

    def _columns(self, chosen: ChosenColumns, size: int, bias: VectorArray) -> ColumnState:
        n_columns = len(chosen.words)
        biases = np.full(size, LOWEST, np.float32)
        biases[:n_columns] = bias[chosen.words] + chosen.logs
        words = np.full(size, -1, np.int32)
        words[:n_columns] = chosen.words
        state = self.state
        return ColumnState(
            state.vectors,
            state.vector_moments,
            biases,
            words,
            state.bias,
            state.bias_moments,
            *_NO_VISITS,
        )

    def loss(self, shape: Shape, arrays: BatchArrays) -> float:
        """Return the loss of a batch as `OutputLayer.loss`: an estimate where it lists columns."""
        if self._chosen is None:
            return super().loss(shape, arrays)
        self._column_products.observe(shape, arrays)
        return self._observed_loss(shape)

    def train(self, shape: Shape, arrays: BatchArrays, rules: StepRules) -> float:
        """Update the columns by one batch and return its estimated loss from before.

        Leaves the gradient of the input rows in ``work.centre_gradients``, in parts.
        """
        if self._chosen is None:
            raise ValueError("batch: expected one that lists its columns, got one of all words")
        counted = (self._chosen.words, self._visits, self._latest, int(self._steps[0]) + 1)
        keeps, more = count_visits(*counted, self._decays, self._limits)
        self._column_products.choose(shape, self._listed._replace(keeps=keeps, more=more))
        self._held.note(self.state.vectors)
        self._column_products.forward(shape, arrays)
        self._column_products.backward(shape, arrays, (rules.output, rules.bias))
        self._held.put_back(self.state.vectors)
        self._steps += 1
        return self._observed_loss(shape)
