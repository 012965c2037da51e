"""CBOW's step on a window against float64: recovered gradients, the loss, rows that come twice."""

import numpy as np
import pytest
from numba import njit

from fastw2v.kernels.formulas.sigmoid_losses import hierarchical_loss_and_gradients
from fastw2v.kernels.simd.memory import LINE
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.stream.context_means import SCORED, Scales, train_mean
from fastw2v.kernels.stream.sigmoid_tiles import Tables
from fastw2v.kernels.stream.sigmoid_windows import Meeting, RowShape, fold_losses, new_window

ROWS = 40
FIRST_SIGN = 3


@njit(cache=True)
def one_step(tables, window, meeting, scales, shape):
    train_mean(tables, window, meeting, scales, shape)
    fold_losses(window)


class StepMismatchError(AssertionError):
    """A step is not that of the formulas."""


class Case:
    """Random contexts and outputs; the last row of the inputs is where the sum goes."""

    def __init__(self, dimensions, n_contexts, n_outputs, scale=0.25, step_scale=None):
        generator = np.random.default_rng(dimensions + n_outputs)
        self.scale = scale
        self.step_scale = scale if step_scale is None else step_scale
        shape = (2, max(ROWS, n_outputs), dimensions)
        spread = 0.5 / dimensions**0.25
        self.before = (generator.normal(size=shape) * spread).astype(np.float32)
        self.before[0, -1] = 0
        self.contexts = generator.permutation(ROWS - 1)[:n_contexts]
        self.outputs = generator.permutation(shape[1])[:n_outputs]
        self.labels = generator.random(n_outputs) < 0.5

    def step(self, rate, *, unrolled=False):
        """Run the kernel; return the tables, without the place of the sum, and the loss."""
        _, rows, dimensions = self.before.shape
        stride = -(-dimensions // LINE) * LINE
        padded = np.zeros((2, rows, stride), np.float32)
        padded[:, :, :dimensions] = self.before
        vectors = -(-dimensions // LANES)
        # NaN where nothing should be read, or should not count.
        signs = np.full(FIRST_SIGN + len(self.outputs) + 2 * LANES, np.nan, np.float32)
        signs[FIRST_SIGN : FIRST_SIGN + len(self.outputs)] = np.where(self.labels, -1, 1)
        length = vectors * LANES
        window = new_window(len(self.contexts) + 1, len(self.outputs), length, signs)
        window.in_at[0] = (rows - 1) * stride
        window.in_at[1 : 1 + len(self.contexts)] = self.contexts * stride
        window.out_at[: len(self.outputs)] = self.outputs * stride
        meeting = Meeting(len(self.contexts), len(self.outputs), np.float32(rate), FIRST_SIGN)
        shape = RowShape((0,) * vectors if unrolled else vectors, length)
        tables = Tables(padded[0].reshape(-1), padded[1].reshape(-1))
        scales = Scales(np.float32(self.scale), np.float32(self.step_scale))
        one_step(tables, window, meeting, scales, shape)
        assert not padded[:, :, dimensions:].any()
        padded[0, -1] = 0
        return padded[:, :, :dimensions], window.total[0]

    def expected(self, rate, sabotage=""):
        """Do the same in float64."""
        after = self.before.astype(np.float64)
        mean = self.scale * after[0, self.contexts].sum(axis=0)
        codes = (self.labels if sabotage == "flipped codes" else ~self.labels).astype(np.uint8)
        found = hierarchical_loss_and_gradients(mean, after[1, self.outputs], codes)
        step = rate * found.hidden * (1 if sabotage == "unscaled step" else self.step_scale)
        np.subtract.at(after[0], self.contexts, step)
        outputs = found.outputs
        if sabotage == "last output left out":
            outputs[-1] = 0
        np.subtract.at(after[1], self.outputs, rate * outputs)
        return after, found.loss

    def input_bound(self):
        """How far float32 may take contexts from float64.

        A step is a sum over outputs whose terms can cancel, so that its error goes with the size
        of the terms, not with what is left of them; the moved row is rounded once more.
        """
        outputs = self.before[1, self.outputs].astype(np.float64)
        mean = self.scale * self.before[0, self.contexts].astype(np.float64).sum(axis=0)
        errors = 1 / (1 + np.exp(-outputs @ mean)) - self.labels
        terms = self.step_scale * np.abs(errors) @ np.abs(outputs)
        return 5e-7 * terms.max() + 2.0**-24 * np.abs(self.before[0]).max()

    def check(self, sabotage="", **options):
        """Raise StepMismatchError unless what rows moved is the gradient."""
        after, loss = self.step(1.0, **options)
        expected, expected_loss = self.expected(1.0, sabotage)
        gradient, moved = self.before - expected, self.before - after
        differences = np.abs(moved - gradient).max(axis=(1, 2))
        for table, bound in enumerate((self.input_bound(), 2e-5 * np.abs(gradient[1]).max())):
            if not differences[table] <= bound:
                raise StepMismatchError(f"table {table}: {differences[table]} is above {bound}")
        if not abs(loss - expected_loss) <= 1e-5 * expected_loss:
            raise StepMismatchError(f"expected a loss of {expected_loss}, got {loss}")


@pytest.mark.parametrize("dimensions", [1, 7, 16, 100, 300, 513])
@pytest.mark.parametrize("n_outputs", [*range(1, 20), 33, 70])
def test_recovered_gradients_are_those_of_the_formulas(dimensions, n_outputs):
    for n_contexts in (1, 2, 5, 9):
        Case(dimensions, n_contexts, n_outputs).check()


@pytest.mark.parametrize("dimensions", [5, 100])
@pytest.mark.parametrize("n_outputs", [1, 11, SCORED, SCORED + 1])
def test_code_for_one_length_of_rows_does_the_same(dimensions, n_outputs):
    Case(dimensions, 4, n_outputs).check(unrolled=True)


@pytest.mark.parametrize("scales", [(0.25, 1.0), (1.0, 0.25)])
def test_contexts_may_move_by_another_scale(scales):
    Case(20, 4, 6, *scales).check()


@pytest.mark.parametrize("n_outputs", [2, 11, SCORED + 1])
@pytest.mark.parametrize("sabotage", ["flipped codes", "unscaled step", "last output left out"])
def test_mistakes_are_caught(n_outputs, sabotage):
    case = Case(20, 4, n_outputs)
    case.labels[:] = np.arange(n_outputs) % 2 == 0
    with pytest.raises(StepMismatchError):
        case.check(sabotage)


@pytest.mark.parametrize("n_outputs", [6, 2 * SCORED + 3])
def test_rows_that_come_twice_take_both_steps(n_outputs):
    case = Case(20, 5, n_outputs)
    case.contexts[3] = case.contexts[0]
    case.outputs[-1] = case.outputs[2] = case.outputs[0]
    case.check()


def test_many_windows_keep_the_sum_of_losses():
    """The running products of the loss are folded before they leave the range of float32."""
    case = Case(8, 3, 70)
    case.before[1] *= 20
    case.check()
    case = Case(4, 2, 2000)
    case.before[:] = 0
    _, loss = case.step(1.0)
    assert loss == pytest.approx(2000 * np.log(2), rel=1e-6)


@pytest.mark.parametrize("score", [6.5, 30.0, 1000.0])
def test_gradients_at_large_scores_are_not_cut(score):
    case = Case(4, 2, 3, scale=1.0)
    case.before[:] = 0
    case.before[0, case.contexts[0], 0] = score
    case.before[1, case.outputs, 0] = 1
    case.labels[:] = False
    after, loss = case.step(1.0)
    assert loss == pytest.approx(3 * np.logaddexp(0, score), rel=1e-6)
    step = -3 / (1 + np.exp(-score))
    assert np.allclose(after[0, case.contexts, 0], [score + step, step], atol=1e-3)


def test_a_loss_that_is_no_number_is_seen():
    case = Case(4, 2, 3)
    case.before[0, case.contexts[1], 2] = np.nan
    assert np.isnan(case.step(0.1)[1])
