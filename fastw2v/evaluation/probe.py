"""What a small network can read out of vectors: cross-validated accuracy on labelled words.

Words are dealt into folds, label by label. Each fold in turn is asked for after training on the
others. Beside the accuracy stand that of always saying the most frequent label of the training
folds, and that of scikit-learn's MLPClassifier of the same shape on the same folds.

With tuning, the gradient moves the vectors of the words that are trained on. The words of the
fold that is asked for get no gradient: their vectors stay, and only the weights can serve them
better. So accuracy on trained words says how much tuning can bend, and only accuracy on the other
words whether anything was learned of words in general.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import EvaluationError
from fastw2v.evaluation.probe_network import Labels, ProbeSettings, predicted, train_network
from fastw2v.evaluation.word_table import WordTable

__all__ = [
    "SCIKIT_LEARN",
    "Accuracy",
    "ProbeResult",
    "TuningResult",
    "run_probe",
    "stratified_folds",
]

SCIKIT_LEARN = "'fastw2v[sklearn]'"


@dataclass(frozen=True)
class Accuracy:
    """Shares of right labels, over all folds, and how much the folds differ.

    `test` is on words that were not trained on, `train` on those that were.
    """

    test: float
    train: float
    test_deviation: float


@dataclass(frozen=True)
class TuningResult:
    """What moving the vectors gained; `moved` is the mean of |x' - x| / |x| of trained words."""

    accuracy: Accuracy
    test_gain: float
    train_gain: float
    moved: float


@dataclass(frozen=True)
class ProbeResult:
    """The probe's accuracy and the figures to compare it with.

    Attributes
    ----------
    accuracy : Accuracy
    majority : float
        Accuracy of the most frequent label.
    scikit_learn : Accuracy, optional
        None if it is not installed.
    tuned : TuningResult, optional
        If it was asked for.
    labels : dict of str to int
        Known words of each label.
    covered, total : int
        Words that have a vector, and all that are labelled.
    settings : ProbeSettings
    """

    accuracy: Accuracy
    majority: float
    scikit_learn: Accuracy | None
    tuned: TuningResult | None
    labels: dict[str, int]
    covered: int
    total: int
    settings: ProbeSettings

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def run_probe(
    table: WordTable,
    labelled: Sequence[tuple[str, str]],
    settings: ProbeSettings | None = None,
    *,
    tune: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeResult:
    """Train and test the probe.

    Parameters
    ----------
    table : WordTable
    labelled : sequence of (word, label)
        Each word of the table once. Words are found as they are written, or else in any case.
    settings : ProbeSettings, optional
    tune : bool
        Also train with the gradient going on into the vectors.
    progress : callable, optional
        Gets folds done and folds in all.

    Raises
    ------
    EvaluationError
        If fewer than two labels or fewer words than folds are known, or two spellings are one word
        of the table: it could be learned in one fold and asked for in another.
    """
    settings = settings or ProbeSettings()
    rows, names, labels = _known(table, labelled, settings.folds)
    inputs = np.ascontiguousarray(table.vectors[rows])
    # One scale for all: directions and relative lengths stay as they were trained.
    inputs = inputs / np.float32(np.sqrt(np.mean(inputs.astype(np.float64) ** 2)) or 1)
    folds = stratified_folds(labels, settings.folds, settings.seed)
    classifiers: dict[str, Callable[[_Fold], _Judged]] = {
        "network": lambda fold: _by_network(fold, len(names), settings),
        "majority": _by_majority,
    }
    if _has_scikit_learn():
        classifiers["scikit-learn"] = lambda fold: _by_scikit_learn(fold, settings)
    if tune:
        classifiers["tuned"] = lambda fold: _by_network(fold, len(names), settings, tune=True)
    judged: dict[str, list[_Judged]] = {name: [] for name in classifiers}
    for number in range(settings.folds):
        fold = _Fold(inputs, labels, folds != number)
        for name, classify in classifiers.items():
            judged[name].append(classify(fold))
        if progress is not None:
            progress(number + 1, settings.folds)
    accuracy = {name: _accuracy(of_folds) for name, of_folds in judged.items()}
    return ProbeResult(
        accuracy["network"],
        accuracy["majority"].test,
        accuracy.get("scikit-learn"),
        _gain(accuracy["network"], accuracy["tuned"], judged["tuned"]) if tune else None,
        {name: int((labels == number).sum()) for number, name in enumerate(names)},
        len(rows),
        len(labelled),
        settings,
    )


def stratified_folds(labels: Labels, folds: int, seed: int) -> Labels:
    """Return the fold of each word: words of a label are dealt out in random order.

    The next label begins where the last one ended, so folds differ by at most one in size, and
    by at most one in the words of any label.
    """
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(labels))
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]
    result = np.empty(len(labels), np.int64)
    result[dealt] = np.arange(len(labels)) % folds
    return result


@dataclass(frozen=True, eq=False)
class _Fold:
    """Inputs (N, D) and labels (N,) of all words, and which of them are trained on."""

    inputs: NDArray[np.float32]
    labels: Labels
    trained: NDArray[np.bool_]


@dataclass(frozen=True)
class _Judged:
    """Right answers, test words and trained words of a fold, and how far vectors moved."""

    right_test: int
    n_test: int
    right_train: int
    n_train: int
    moved: float = 0.0


def _judged(fold: _Fold, train_answers: Labels, test_answers: Labels, moved: float = 0) -> _Judged:
    return _Judged(
        int((test_answers == fold.labels[~fold.trained]).sum()),
        int((~fold.trained).sum()),
        int((train_answers == fold.labels[fold.trained]).sum()),
        int(fold.trained.sum()),
        moved,
    )


def _by_network(
    fold: _Fold, n_labels: int, settings: ProbeSettings, *, tune: bool = False
) -> _Judged:
    before = fold.inputs[fold.trained]
    trained = train_network(before, fold.labels[fold.trained], n_labels, settings, tune=tune)
    lengths = np.linalg.norm(before, axis=1)
    distances = np.linalg.norm(trained.inputs - before, axis=1)
    moved = float(np.mean(distances / np.where(lengths > 0, lengths, 1)))
    return _judged(
        fold,
        predicted(trained.inputs, trained.parameters),
        predicted(fold.inputs[~fold.trained], trained.parameters),
        moved,
    )


def _by_majority(fold: _Fold) -> _Judged:
    most = np.bincount(fold.labels[fold.trained]).argmax()
    answers = np.full(len(fold.labels), most)
    return _judged(fold, answers[fold.trained], answers[~fold.trained])


def _by_scikit_learn(fold: _Fold, settings: ProbeSettings) -> _Judged:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    n_trained = int(fold.trained.sum())
    classifier = MLPClassifier(
        (settings.hidden_size,),
        activation="logistic",
        solver="adam",
        alpha=settings.l2,
        batch_size=min(settings.batch_rows, n_trained),
        learning_rate_init=settings.learning_rate,
        max_iter=settings.epochs,
        n_iter_no_change=settings.epochs,  # as many epochs as our own network
        random_state=settings.seed % 2**32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(fold.inputs[fold.trained], fold.labels[fold.trained])
    answers = [classifier.predict(fold.inputs[part]) for part in (fold.trained, ~fold.trained)]
    return _judged(fold, *answers)


def _has_scikit_learn() -> bool:
    from importlib.util import find_spec

    return find_spec("sklearn") is not None


def _accuracy(folds: list[_Judged]) -> Accuracy:
    return Accuracy(
        sum(fold.right_test for fold in folds) / sum(fold.n_test for fold in folds),
        sum(fold.right_train for fold in folds) / sum(fold.n_train for fold in folds),
        float(np.std([fold.right_test / fold.n_test for fold in folds])),
    )


def _gain(plain: Accuracy, tuned: Accuracy, folds: list[_Judged]) -> TuningResult:
    return TuningResult(
        tuned,
        tuned.test - plain.test,
        tuned.train - plain.train,
        float(np.mean([fold.moved for fold in folds])),
    )


def _known(
    table: WordTable, labelled: Sequence[tuple[str, str]], folds: int
) -> tuple[list[int], list[str], Labels]:
    """Return rows of the known words, the names of labels, and the number of each word's label."""
    known = []
    taken: dict[int, str] = {}
    for word, label in labelled:
        row = table.rows.get(word, table.find(word))
        if row is None:
            continue
        if row in taken:
            raise EvaluationError(
                f"probe: expected each word once, got {taken[row]!r} and {word!r}, which are both "
                f"{table.words[row]!r} of the vocabulary; keep one of them"
            )
        taken[row] = word
        known.append((row, label))
    names = sorted({label for _, label in known})
    if len(names) < 2 or len(known) < folds:
        raise EvaluationError(
            f"probe: expected at least two labels and {folds} words with a vector, got "
            f"{len(names)} labels and {len(known)} of {len(labelled)} words; "
            "label more words of the vocabulary"
        )
    numbers = {name: number for number, name in enumerate(names)}
    return [row for row, _ in known], names, np.array([numbers[label] for _, label in known])
