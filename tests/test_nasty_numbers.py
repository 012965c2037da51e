"""Every number of every public constructor and function ends in a result or a project error.

A number that is no good is told by name before anything is done with it: no raw error of Python,
NumPy or the system, no warning, no crash, no memory or time that the number asks for.
"""

import importlib
import inspect
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastw2v.errors import FastW2VError
from tests.support.number_takers import Problem, Stop, cases

INFINITE, NOT_A_NUMBER = float("inf"), float("nan")
WHOLE = [
    *(0, 1, 2, -1, -(2**31), -(2**63)),
    *(2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**400, -(10**400)),
    *(np.int8(1), np.int64(2), np.int64(2**63 - 1), np.uint64(2**64 - 1)),
]
BROKEN = [
    *(-0.0, 0.5, 5e-324, 1e-45, 1e-38, 1e-5, 1.5, 1e37, 1e38, 1e39, 1.7976931348623157e308),
    *(INFINITE, -INFINITE, NOT_A_NUMBER, np.float32(0.5), np.float64(1e38), np.float32("nan")),
]
NO_NUMBERS = [
    *(None, True, False, np.True_, "5", "nan", b"5", 1j, [], [1], {}, object()),
    *(Decimal("1.5"), Decimal("nan"), Fraction(1, 2), np.array([1, 2]), np.array(2), np.int64),
]
NASTY = [*WHOLE, *BROKEN, *NO_NUMBERS]
CASES = cases()
RECORDS = {  # what the package itself makes; nobody gives them numbers
    *("TrainingSummary", "Perplexity", "StepReport", "EpochRecord", "Score", "ProbeResult"),
    *("NeighbourOverlap", "Alignment", "PairSet", "TrainingInterrupted", "WrittenReport"),
}


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    return Problem(tmp_path_factory.mktemp("numbers"))


@pytest.fixture
def little_memory():
    """No number may ask for more than some gigabytes beyond what is in use."""
    resource = pytest.importorskip("resource")
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("asks Linux what memory is in use")
    used_bytes = int(status.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used_bytes + 2**32, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def shown(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:30]}"


def _marked(case: str) -> Any:
    """Return a case, which is slow if it trains with every value that is accepted."""
    trains = (*("training", "gensim", "sklearn", "fastw2v.gensim_api"), *_TRAINING)
    return pytest.param(case, marks=[pytest.mark.slow] if case.startswith(trains) else [])


_TRAINING = (
    *("fastw2v.Word2Vec.fit", "fastw2v.Word2Vec.resume", "fastw2v.Word2Vec.make_unknown"),
    *("fastw2v.evaluation.scores", "fastw2v.Validation", "fastw2v.integrations"),
    *("fastw2v.evaluation.probe", "fastw2v.report", "fastw2v.counts.build.ShardOptions"),
)


@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_every_number_ends_in_a_result_or_a_project_error(problem, little_memory, case):
    wrong = []
    for value in NASTY:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                CASES[case](problem, value)
            except Stop:
                pass
            except RuntimeError as error:  # gensim's, for a vocabulary without a word
                if "you must first build vocabulary" not in str(error):
                    wrong.append((shown(value), "RuntimeError", str(error)[:200]))
            except FastW2VError as error:
                if len(str(error)) < 15 or len(str(error)) > 1500:
                    wrong.append((shown(value), "message", str(error)[:200]))
            except Exception as error:
                wrong.append((shown(value), type(error).__name__, str(error)[:200]))
    assert not wrong, "\n".join(map(str, wrong))


def test_no_number_of_a_public_function_is_left_out():
    text = Path("docs/api.md").read_text(encoding="utf-8")
    missing = []
    for module, names in re.findall(r"^\| `(fastw2v[\w.]*)` \| (.*?) \|", text, re.MULTILINE):
        try:
            imported = importlib.import_module(module)
        except ImportError:
            continue
        for name in re.findall(r"`(\w+)`", names):
            found = getattr(imported, name)
            if name in RECORDS or not callable(found):
                continue
            missing += [
                label
                for label in _numbers_of(f"{module}.{name}", found)
                if label not in CASES and not label.startswith("fastw2v.integrations.sklearn")
            ]
    assert not missing


def _numbers_of(label: str, found: Any) -> list[str]:
    """Return "function parameter" for every parameter that is annotated as a number."""
    parts = [(label, found.__init__ if inspect.isclass(found) else found)]
    if inspect.isclass(found):
        members = inspect.getmembers(found, callable)
        parts += [(f"{label}.{name}", one) for name, one in members if not name.startswith("_")]
    labels = []
    for called, function in parts:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        kinds = {parameter.name: _annotated(parameter) for parameter in parameters}
        labels += [f"{called} {name}" for name, kind in kinds.items() if kind]
    return labels


def _annotated(parameter: inspect.Parameter) -> bool:
    kind = parameter.annotation
    written = kind.__name__ if isinstance(kind, type) else str(kind)
    return bool(re.fullmatch(r"(int|float)( \| None)?", written))
