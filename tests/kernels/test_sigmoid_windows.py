"""One step on a window against float64: recovered gradients, updates from old values, the loss."""

import numpy as np
import pytest
from numba import njit

from fastw2v.kernels.formulas.sigmoid_losses import (
    hierarchical_loss_and_gradients,
    negative_sampling_loss_and_gradients,
)
from fastw2v.kernels.simd.memory import LINE
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.stream.sigmoid_tiles import TILE, Tables
from fastw2v.kernels.stream.sigmoid_windows import (
    Meeting,
    RowShape,
    fold_losses,
    new_window,
    train_window,
)

ROWS = 60


@njit(cache=True)
def one_step(tables, window, meeting, shape):
    train_window(tables, window, meeting, shape)
    fold_losses(window)


class StepMismatchError(AssertionError):
    """A step is not that of the formulas."""


class Case:
    """Random rows, and which of them meet."""

    def __init__(self, dimensions, n_inputs, n_outputs, seed=0, spread=0.5):
        generator = np.random.default_rng(seed)
        self.dimensions = dimensions
        self.stride = -(-dimensions // LINE) * LINE
        self.rows = max(ROWS, n_inputs, n_outputs)
        shape = (2, self.rows, dimensions)
        self.before = (generator.normal(size=shape) * spread).astype(np.float32)
        self.inputs = generator.permutation(self.rows)[:n_inputs]
        self.outputs = generator.permutation(self.rows)[:n_outputs]
        self.labels = generator.random(n_outputs) < 0.5

    def step(self, rate, *, unrolled=False):
        """Run the kernel; return the tables and the loss in nats."""
        padded = np.zeros((2, self.rows, self.stride), np.float32)
        padded[:, :, : self.dimensions] = self.before
        tables = Tables(padded[0].reshape(-1), padded[1].reshape(-1))
        vectors = -(-self.dimensions // LANES)
        length = vectors * LANES
        signs = np.full(3 + len(self.outputs) + 2 * LANES, np.nan, np.float32)
        signs[3 : 3 + len(self.outputs)] = np.where(self.labels, -1, 1)
        window = new_window(len(self.inputs), len(self.outputs), length, signs)
        window.in_at[: len(self.inputs)] = self.inputs * self.stride
        window.out_at[: len(self.outputs)] = self.outputs * self.stride
        meeting = Meeting(len(self.inputs), len(self.outputs), np.float32(rate), 3)
        one_step(tables, window, meeting, RowShape((0,) * vectors if unrolled else vectors, length))
        assert not padded[:, :, self.dimensions :].any()
        return padded[:, :, : self.dimensions], window.total[0]

    def expected(self, rate, sign=1.0):
        """Do the same in float64, input by input; `sign` is for sabotage."""
        after = self.before.astype(np.float64)
        rows = self.before.astype(np.float64)
        loss = 0.0
        codes = (~self.labels).astype(np.uint8)
        for i in self.inputs:
            found = hierarchical_loss_and_gradients(rows[0, i], rows[1, self.outputs], codes)
            loss += found.loss
            after[0, i] -= sign * rate * found.hidden
            np.subtract.at(after[1], self.outputs, rate * found.outputs)
        return after, loss

    def check(self, rate, sign=1.0, **options):
        """Raise StepMismatchError unless (before - after) / rate is the gradient."""
        after, loss = self.step(rate, **options)
        expected, expected_loss = self.expected(rate, sign)
        gradient = (self.before - expected) / rate
        recovered = (self.before - after) / rate
        size = np.abs(gradient).max()
        if np.abs(recovered - gradient).max() > 2e-5 * size:
            raise StepMismatchError(f"gradients differ by {np.abs(recovered - gradient).max()}")
        if abs(loss - expected_loss) > 1e-5 * expected_loss:
            raise StepMismatchError(f"expected a loss of {expected_loss}, got {loss}")


@pytest.mark.parametrize("dimensions", [1, 7, 16, 100, 300, 513])
@pytest.mark.parametrize("n_outputs", [*range(1, 14), 21])
def test_recovered_gradients_are_those_of_the_formulas(dimensions, n_outputs):
    for n_inputs in (1, 2, 7):
        Case(dimensions, n_inputs, n_outputs, spread=0.5 / dimensions**0.25).check(1.0)


@pytest.mark.parametrize("n_outputs", [TILE, TILE + 1])
def test_code_for_one_length_of_rows_does_the_same(n_outputs):
    case = Case(100, 7, n_outputs)
    general, unrolled = case.step(0.1), case.step(0.1, unrolled=True)
    assert np.allclose(general[0], unrolled[0], atol=1e-6)
    case.check(1.0, unrolled=True)


@pytest.mark.parametrize("n_outputs", [TILE, TILE + 1])
def test_a_flipped_sign_is_caught(n_outputs):
    with pytest.raises(StepMismatchError):
        Case(20, 4, n_outputs).check(1.0, sign=-1.0)
    case = Case(20, 4, n_outputs)
    case.labels[0] = not case.labels[0]
    after, _ = case.step(1.0)
    case.labels[0] = not case.labels[0]
    assert np.abs(after - case.expected(1.0)[0]).max() > 1e-2


@pytest.mark.parametrize("n_outputs", [3, 9])
def test_wide_windows(n_outputs):
    case = Case(10, 301, n_outputs, spread=0.3)
    case.check(1.0)


@pytest.mark.parametrize("n_outputs", [5, 11])
def test_an_output_that_comes_twice_takes_both_steps(n_outputs):
    case = Case(20, 4, n_outputs)
    case.outputs[2] = case.outputs[4] = case.outputs[0]
    case.check(1.0)


def test_an_input_that_comes_twice_takes_both_steps():
    case = Case(20, 4, TILE + 1)
    case.inputs[3] = case.inputs[0]
    case.check(1.0)
    # In place, outputs may meet the second one after its first step: a difference of order rate.
    case = Case(20, 4, TILE)
    case.inputs[3] = case.inputs[0]
    differences = []
    for rate in (0.1, 0.01):
        moved = (case.before - case.step(rate)[0]) / rate
        expected = (case.before - case.expected(rate)[0]) / rate
        differences.append(np.abs(moved - expected).max() / np.abs(expected).max())
    assert differences[0] < 0.1
    assert differences[1] < 0.12 * differences[0]


def test_negative_sampling_is_one_true_answer_and_others_false():
    case = Case(16, 1, 6)
    case.labels[:] = [True, False, False, False, False, False]
    rows = case.before.astype(np.float64)
    found = negative_sampling_loss_and_gradients(rows[0, case.inputs[0]], rows[1, case.outputs])
    after, loss = case.step(1.0)
    assert loss == pytest.approx(found.loss, rel=1e-6)
    assert np.allclose(
        rows[0] - after[0],
        np.where(np.arange(case.rows)[:, None] == case.inputs[0], found.hidden, 0),
        atol=1e-5,
    )


@pytest.mark.parametrize("score", [6.5, 30.0, 80.0, 1000.0])
@pytest.mark.parametrize("label", [True, False])
def test_gradients_at_large_scores_are_not_cut(score, label):
    case = Case(4, 2, 1)
    case.before[:] = 0
    case.before[0, case.inputs, 0] = score if not label else -score
    case.before[1, case.outputs, 0] = 1
    case.labels[:] = label
    after, loss = case.step(1.0)
    assert loss == pytest.approx(2 * np.logaddexp(0, score), rel=1e-6)
    step = (1 if label else -1) / (1 + np.exp(-score))
    assert np.allclose(after[0, case.inputs, 0] - case.before[0, case.inputs, 0], step, atol=1e-4)
    case.labels[:] = not label  # nearly right: what is left is e^-score, not zero
    after, loss = case.step(1.0)
    if score < 10:
        moved = after[1, case.outputs[0], 0] - 1
        expected = 2 * score / (1 + np.exp(score))
        assert abs(moved) == pytest.approx(expected, rel=1e-3)
        assert loss == pytest.approx(2 * np.log1p(np.exp(-score)), rel=1e-2)


def test_a_loss_that_is_no_number_is_seen():
    case = Case(4, 2, 3)
    case.before[0, case.inputs[1], 2] = np.nan
    _, loss = case.step(0.1)
    assert np.isnan(loss)
