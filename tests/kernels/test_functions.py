"""Sigmoid, softmax and cross entropy against plain twins, differences, limits and laws."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastw2v.kernels.formulas.functions import (
    cross_entropy,
    log_sigmoid,
    log_sigmoid_scalar,
    log_sum_exp,
    maximum_and_log_total,
    sigmoid,
    sigmoid_derivative,
    sigmoid_scalar,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_rows,
    softmax_into,
    softmax_rows,
)
from tests.support.gradient_checks import (
    GradientMismatchError,
    assert_gradient,
    central_differences,
    relative_error,
)

ROOT = Path(__file__).resolve().parents[2]
DTYPES = [np.float32, np.float64]
HUGE = [1e4, 1e30, 1e300]


# Plain twins: the textbook formulas in long double, where the scores are small enough for them.


def plain_sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.longdouble)))


def plain_softmax(z):
    powers = np.exp(np.asarray(z, np.longdouble))
    return powers / powers.sum()


def plain_cross_entropy(z, y):
    return float(-(np.asarray(y, np.longdouble) * np.log(plain_softmax(z))).sum())


def moderate(shape):
    return arrays(np.float64, shape, elements=st.floats(-30, 30))


row_lengths = st.integers(1, 12)
compiled = settings(deadline=None)  # the first call may compile


# The judge itself


def test_central_differences_find_a_known_slope():
    point = np.array([[0.5, -2.0], [0.0, 7.0]])
    slopes = central_differences(lambda x: float((x**3).sum()), point)
    assert relative_error(slopes, 3 * point**2) < 1e-9


def test_the_check_needs_the_right_shape_size_and_sign():
    point = np.array([1.0, -2.0, 0.25])
    gradient = 2 * point

    def square(x):
        return float((x**2).sum())

    assert_gradient(square, point, gradient)
    for wrong in (-gradient, gradient * (1 + 1e-5), gradient + 1e-4, gradient[:2], point[:, None]):
        with pytest.raises(GradientMismatchError):
            assert_gradient(square, point, wrong)
    with pytest.raises(GradientMismatchError):
        assert_gradient(square, point, gradient * np.nan)


def test_relative_error_of_nothing_and_of_zeros():
    assert relative_error(np.zeros(0), np.zeros(0)) == 0
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error([1.0, 0.0], [1.0, 1e-9]) < 1e-5
    assert relative_error([1.0, 0.0], [1.0, 0.1]) == 1


# Sigmoid


@compiled
@given(moderate(row_lengths))
def test_sigmoid_equals_its_twin(x):
    np.testing.assert_allclose(sigmoid(x), plain_sigmoid(x).astype(np.float64), rtol=1e-15)
    np.testing.assert_allclose(
        log_sigmoid(x), np.log(plain_sigmoid(x)).astype(np.float64), rtol=4e-15, atol=1e-18
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_keeps_shape_and_dtype(dtype):
    x = np.linspace(-5, 5, 24).astype(dtype).reshape(2, 3, 4)
    for array in (x, x[:, ::2], np.asfortranarray(x), x[0, 0], x[:0]):
        for function in (sigmoid, log_sigmoid, sigmoid_derivative):
            result = function(array)
            assert result.dtype == dtype
            assert result.shape == array.shape
        expected = plain_sigmoid(array)
        np.testing.assert_allclose(
            sigmoid(array), expected.astype(np.float64), rtol=np.finfo(dtype).eps
        )


def test_sigmoid_limits_without_overflow():
    x = np.array([-np.inf, -1e300, -1e4, -745.0, 0.0, 745.0, 1e4, 1e300, np.inf])
    expected = [0, 0, 0, np.exp(-745.0), 0.5, 1, 1, 1, 1]
    np.testing.assert_array_equal(sigmoid(x), expected)
    np.testing.assert_array_equal(log_sigmoid(x[:4]), [-np.inf, -1e300, -1e4, -745])
    np.testing.assert_array_equal(log_sigmoid(x[6:]), [0, 0, 0])
    assert log_sigmoid(x[5:6])[0] == -np.exp(-745.0)  # not rounded to 0: 1 - sigmoid is there
    assert np.isnan(sigmoid(np.array([np.nan]))[0])
    assert np.isnan(log_sigmoid(np.array([np.nan]))[0])


@compiled
@given(st.floats(-700, 700))
def test_sigmoid_laws(x):
    assert sigmoid_scalar(x) + sigmoid_scalar(-x) == pytest.approx(1, rel=3e-16)
    assert log_sigmoid_scalar(x) - log_sigmoid_scalar(-x) == pytest.approx(x, rel=1e-15, abs=1e-15)
    assert 0 < sigmoid_scalar(x) <= 1


def test_scalar_and_array_agree():
    x = np.linspace(-40, 40, 81)
    np.testing.assert_array_equal(sigmoid(x), [sigmoid_scalar(value) for value in x])
    np.testing.assert_array_equal(log_sigmoid(x), [log_sigmoid_scalar(value) for value in x])


def test_sigmoid_derivative_is_the_slope():
    x = np.linspace(-6, 6, 25)
    slope = sigmoid_derivative(sigmoid(x))
    assert_gradient(lambda p: float(sigmoid(p).sum()), x, slope)
    assert_gradient(lambda p: float(log_sigmoid(p).sum()), x, sigmoid(-x))
    for sabotaged in (-slope, sigmoid(x), sigmoid_derivative(x)):  # sign, no (1-s), x for s
        with pytest.raises(GradientMismatchError):
            assert_gradient(lambda p: float(sigmoid(p).sum()), x, sabotaged)


def test_integers_are_refused_not_cut_off():
    whole = np.array([0, 1, 2])
    for function in (sigmoid, log_sigmoid, sigmoid_derivative, softmax):
        with pytest.raises(TypeError, match="expected float32 or float64"):
            function(whole)
    with pytest.raises(TypeError, match="expected float32 or float64"):
        softmax_rows(whole[None])
    with pytest.raises(TypeError, match="expected float32 or float64"):
        softmax_cross_entropy(whole, whole)
    with pytest.raises(TypeError, match="expected float32 or float64"):
        softmax_cross_entropy_rows(whole[None], whole[None])


# Softmax


@compiled
@given(moderate(row_lengths))
def test_softmax_equals_its_twin(z):
    np.testing.assert_allclose(softmax(z), plain_softmax(z).astype(np.float64), rtol=1e-14)
    total = np.log(np.exp(z.astype(np.longdouble)).sum())
    assert log_sum_exp(z) == pytest.approx(float(total), rel=1e-14, abs=1e-14)


@compiled
@given(moderate(row_lengths), st.floats(-1e4, 1e4))
def test_softmax_does_not_change_when_all_scores_shift(z, shift):
    rounding = np.finfo(np.float64).eps * 1.1e4  # what z + shift itself loses
    np.testing.assert_allclose(softmax(z + shift), softmax(z), rtol=4 * rounding)
    assert log_sum_exp(z + shift) == pytest.approx(log_sum_exp(z) + shift, abs=4 * rounding)


@compiled
@given(arrays(np.int64, row_lengths, elements=st.integers(-(2**20), 2**20)), st.integers(-20, 20))
def test_the_shift_is_exact_where_the_sum_is(z, power):
    shift = float(np.sign(power) * 2.0 ** abs(power))
    scores = z.astype(np.float64)
    np.testing.assert_array_equal(softmax(scores + shift), softmax(scores))


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_rows_are_softmaxes(dtype):
    z = (np.random.default_rng(0).standard_normal((6, 9)) * 4).astype(dtype)
    rows = softmax_rows(z)
    assert rows.dtype == softmax(z[0]).dtype == dtype
    np.testing.assert_array_equal(rows, [softmax(row) for row in z])
    np.testing.assert_allclose(rows, [plain_softmax(r) for r in z], rtol=16 * np.finfo(dtype).eps)
    np.testing.assert_allclose(rows.sum(axis=1, dtype=np.float64), 1, rtol=np.finfo(dtype).eps)
    assert softmax_rows(z[:0]).shape == (0, 9)


def test_softmax_in_place_and_its_normaliser():
    z = np.array([3.0, -1.0, 0.5])
    expected = softmax(z)
    maximum, log_total = softmax_into(z, z)
    np.testing.assert_array_equal(z, expected)
    assert maximum == 3.0
    assert log_total == maximum_and_log_total(np.array([3.0, -1.0, 0.5]))[1]


@pytest.mark.parametrize("huge", HUGE)
def test_softmax_of_huge_scores(huge):
    z = np.array([huge, -huge, 0.0, huge])
    np.testing.assert_array_equal(softmax(z), [0.5, 0, 0, 0.5])
    assert log_sum_exp(z) == huge + np.log(2)
    assert log_sum_exp(np.array([-huge, -huge])) == -huge + np.log(2)


def test_softmax_of_huge_scores_in_single_precision():
    z = np.array([1e38, -1e38, 1e38], np.float32)
    np.testing.assert_array_equal(softmax(z), np.array([0.5, 0, 0.5], np.float32))
    assert cross_entropy(z, np.array([0, 1, 0], np.float32)) == pytest.approx(2e38, rel=1e-7)


def test_one_score_and_impossible_scores():
    np.testing.assert_array_equal(softmax(np.array([-1e300])), [1])
    np.testing.assert_array_equal(softmax(np.array([-np.inf, 0, 0])), [0, 0.5, 0.5])
    assert cross_entropy(np.array([-np.inf, 0.0]), np.array([0.0, 1.0])) == 0
    assert cross_entropy(np.array([-np.inf, 0.0]), np.array([1.0, 0.0])) == np.inf


def test_not_a_number_is_not_hidden():
    for place in range(3):
        z = np.zeros(3)
        z[place] = np.nan
        assert np.isnan(softmax(z)).all()
        assert np.isnan(cross_entropy(z, np.array([0.0, 1.0, 0.0])))


def test_no_scores_and_unequal_lengths_are_refused():
    nothing, one, two = np.zeros(0), np.zeros(1), np.zeros(2)
    for function in (softmax, log_sum_exp, maximum_and_log_total):
        with pytest.raises(ValueError, match="expected at least one"):
            function(nothing)
    with pytest.raises(ValueError, match="expected 2, got 1"):
        cross_entropy(two, one)
    with pytest.raises(ValueError, match="expected 1, got 2"):
        softmax_cross_entropy(one, two)
    with pytest.raises(ValueError, match="target rows: expected 2, got 1"):
        softmax_cross_entropy_rows(np.zeros((2, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="targets: expected 3, got 2"):
        softmax_cross_entropy_rows(np.zeros((2, 3)), np.zeros((2, 2)))


# Cross entropy


@compiled
@given(
    row_lengths.flatmap(
        lambda n: st.tuples(moderate(n), arrays(np.float64, n, elements=st.floats(0, 1)))
    )
)
def test_cross_entropy_equals_its_twin(case):
    z, y = case
    expected = plain_cross_entropy(z, y)
    assert cross_entropy(z, y) == pytest.approx(expected, rel=1e-13, abs=1e-13)
    loss, gradient = softmax_cross_entropy(z, y)
    assert loss == cross_entropy(z, y)
    np.testing.assert_allclose(gradient, y.sum() * plain_softmax(z) - y, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("huge", HUGE)
def test_cross_entropy_of_huge_scores_is_finite_and_right(huge):
    z = np.array([huge, 0.0, -huge, huge])
    one_hot = np.eye(4)
    assert cross_entropy(z, one_hot[0]) == np.log(2)  # m + log 2 - m would be 0
    assert cross_entropy(z, one_hot[1]) == huge + np.log(2)
    assert cross_entropy(z, one_hot[2]) == 2 * huge + np.log(2)
    _, gradient = softmax_cross_entropy(z, one_hot[2])
    np.testing.assert_array_equal(gradient, [0.5, 0, -1, 0.5])


@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0])
@pytest.mark.parametrize("n", [2, 7])
def test_cross_entropy_gradient_is_the_slope(n, scale):
    rng = np.random.default_rng(n)
    z = rng.standard_normal(n) * scale
    for y in (np.eye(n)[n - 1], rng.dirichlet(np.ones(n)), rng.integers(1, 5, n).astype(float)):
        _, gradient = softmax_cross_entropy(z, y)
        assert_gradient(lambda p, y=y: cross_entropy(p, y), z, gradient, tolerance=1e-5)
        probabilities = softmax(z)
        for sabotaged in (y - probabilities, probabilities, -y, gradient + 0.01):
            with pytest.raises(GradientMismatchError):
                assert_gradient(lambda p, y=y: cross_entropy(p, y), z, sabotaged, tolerance=1e-5)


def test_one_word_alone_is_certain():
    for target in (np.ones(1), np.array([7.0])):
        loss, gradient = softmax_cross_entropy(np.array([-123.5]), target)
        assert loss == 0
        np.testing.assert_array_equal(gradient, [0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_are_single_cross_entropies(dtype):
    rng = np.random.default_rng(3)
    z = (rng.standard_normal((5, 4)) * 3).astype(dtype)
    y = rng.dirichlet(np.ones(4), 5).astype(dtype)
    losses, gradients = softmax_cross_entropy_rows(z, y)
    assert losses.dtype == np.float64
    assert gradients.dtype == dtype
    for row in range(5):
        loss, gradient = softmax_cross_entropy(z[row], y[row])
        assert losses[row] == loss
        np.testing.assert_array_equal(gradients[row], gradient)


@compiled
@given(row_lengths.flatmap(lambda n: st.tuples(moderate(n), st.integers(0, n - 1))))
def test_single_precision_agrees_with_double(case):
    z, context = case
    z32 = z.astype(np.float32)
    y32 = np.eye(len(z), dtype=np.float32)[context]
    loss, gradient = softmax_cross_entropy(z32, y32)
    expected, expected_gradient = softmax_cross_entropy(z32.astype(np.float64), y32)
    assert gradient.dtype == np.float32
    assert loss == expected  # sums are float64 for either
    np.testing.assert_allclose(gradient, expected_gradient, rtol=2e-7, atol=2e-7)


# What docs/math.md says


@compiled
@given(moderate(st.integers(1, 40)), st.integers(1, 9))
def test_tiles_combine_into_one_log_sum_exp(z, tile):
    tiles = [z[start : start + tile] for start in range(0, len(z), tile)]
    maxima, log_totals = np.array([maximum_and_log_total(part) for part in tiles]).T
    maximum = maxima.max()
    combined = maximum + np.log((np.exp(log_totals) * np.exp(maxima - maximum)).sum())
    assert combined == pytest.approx(log_sum_exp(z), rel=1e-14, abs=1e-14)


MODULES = ["functions", "skipgram", "network", "sigmoid_losses"]


def public_formulas(module_name):
    module = importlib.import_module(f"fastw2v.kernels.formulas.{module_name}")
    for name, member in vars(module).items():
        own = getattr(member, "__module__", "") == module.__name__
        formula = not name.startswith(("_", "require_", "check_"))
        if own and formula and callable(member) and not inspect.isclass(member):
            yield module_name, name


def kernel_source(place):
    """Read the kernels' module `place`, a path such as "softmax/tiles"."""
    return (ROOT / "fastw2v" / "kernels" / f"{place}.py").read_text(encoding="utf-8")


def test_the_document_names_every_formula_and_nothing_that_is_not_there():
    text = (ROOT / "docs" / "math.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+)\.(?!py`)(\w+)`", text)) - {("room/module", "name")}
    for module, name in named:
        source = kernel_source(module if "/" in module else f"formulas/{module}")
        assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), (module, name)
    for module_name in MODULES:
        formulas = set(public_formulas(module_name))
        assert formulas
        assert formulas <= named, f"docs/math.md leaves out {formulas - named}"


NAMED_IN_FILE = re.compile(r"`(\w+)`\s+in\s+([\w/]+\.py)")


def missing_members(text):
    """Return what a text says is "`name` in file.py" of the package and is not: (name, file)."""
    missing = set()
    for name, file in NAMED_IN_FILE.findall(text):
        path = ROOT / "fastw2v" / file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not re.search(rf"^(?: *def |class ){name}\b|^{name} = ", source, re.MULTILINE):
            missing.add((name, file))
    return missing


def test_what_the_document_says_is_in_a_file_is_there():
    text = (ROOT / "docs" / "math.md").read_text(encoding="utf-8")
    assert len(NAMED_IN_FILE.findall(text)) > 5
    assert missing_members(text) == set()
    assert len(missing_members("`ridge_vectors` in objectives/ridge.py, `f` in no.py")) == 2


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="this is that run")
def test_the_same_tests_pass_without_the_compiler():
    files = [f"tests/kernels/test_{name}.py" for name in [*MODULES, "skipgram_optima"]]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
