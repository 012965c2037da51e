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
from fastw2v.kernels.softmax.layout import LOWEST, WORD_STEP, Workspace
from fastw2v.kernels.softmax.outputs import ColumnState
from fastw2v.objectives.arrays import VectorArray, copy_arrays, round_up, zeros_of
from fastw2v.objectives.softmax.optimizers import StepRules, decays_of_steps
from fastw2v.objectives.softmax.output_layer import ChosenColumns, ObservedRows
from fastw2v.objectives.softmax.precision import ColumnProducts, Products
from fastw2v.objectives.softmax.tile_layer import TileLayer

__all__ = ["ColumnLayer"]

_NO_VISITS = np.zeros((2, 0), np.float32), np.zeros(0, np.float32)  # before a step counts them


class ColumnLayer(TileLayer):
    """Output vectors and bias of all words, and a step over the columns of a batch.

    Parameters are those of `TileLayer`.
    """

    lists_columns = True

    def __init__(self, *tables: VectorArray, **options: Any) -> None:
        self._chosen: ChosenColumns | None = None
        self._listed: ColumnState | None = None
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
        self._listed = None  # which has the moments

    def end(self) -> None:
        """Give back what only `loss` and `train` need, see `TileLayer.end`."""
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

    def load(self, batch: ObservedRows) -> None:
        """Take over the observed words and the columns of a batch."""
        self._chosen = getattr(batch, "chosen", None)
        if self._chosen is None:
            super().load(batch)
            return
        shape = self._take(batch, round_up(len(self._chosen.words), WORD_STEP))
        self._listed = self._columns(self._chosen, shape.words, self.state.bias)
        self._column_products.choose(shape, self._listed)

    @property
    def columns(self) -> NDArray[np.int32] | slice:
        """Which words the last batch's softmax was computed over."""
        return slice(None) if self._chosen is None else self._chosen.words

    def scores_of(self, rows: int) -> VectorArray:
        """Return none: room for the scores of columns is taken when they are known."""
        return np.empty(0, np.float32)

    def log_sum_exps(self, bias: VectorArray, scores: VectorArray) -> NDArray[np.float64]:
        """Return estimates of the log-sum-exp of each row's scores."""
        assert self._chosen is not None
        shape, arrays = self.loaded
        biases = self._columns(self._chosen, shape.words, bias).bias
        room = self._column_products.room_for_scores(shape)
        self._column_products.predict(shape, arrays, biases, room)
        return self.row_log_sums()

    def predicted_masses(
        self, weights: NDArray[np.float64], scores: VectorArray
    ) -> NDArray[np.float64]:
        """Return estimates of what the rows predict of the columns (C,)."""
        assert self._chosen is not None
        assert self._batch is not None
        room = self._column_products.room_for_scores(self._batch[1])
        masses = self._masses(self._column_products, weights, room)
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

    def loss(self) -> float:
        """Return the loss of the batch: an estimate where it lists columns."""
        if self._chosen is None:
            return super().loss()
        shape, arrays = self.loaded
        self._column_products.observe(shape, arrays)
        return self._observed_loss(shape)

    def train(self, rules: StepRules) -> float:
        """Update the columns by the batch and return its estimated loss from before."""
        if self._chosen is None or self._listed is None:
            raise ValueError("batch: expected one that lists its columns, got one of all words")
        shape, arrays = self.loaded
        counted = (self._chosen.words, self._visits, self._latest, int(self._steps[0]) + 1)
        keeps, more = count_visits(*counted, self._decays, self._limits)
        self._column_products.choose(shape, self._listed._replace(keeps=keeps, more=more))
        self._held.note(self.state.vectors)
        self._column_products.forward(shape, arrays)
        self._column_products.backward(shape, arrays, (rules.output, rules.bias))
        self._held.put_back(self.state.vectors)
        self._steps += 1
        return self._trained(shape)
