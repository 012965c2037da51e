"""The canonical form of vectors: among all that give the same scores, those whose cosines compare.

A softmax does not see a constant that is added to all output vectors, nor one that is added to all
centre vectors where the bias takes it up, and no score sees V T beside U T^-T. Training leaves all
of that to chance, and cosines depend on it. So it is fixed afterwards (docs/math.md, section 20):
both tables lose their means, and both get the same diagonal second moment.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.config import Hyperparameters
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.system.threads import WorkerPool

__all__ = [
    "POWERS",
    "CanonicalForm",
    "canonical_form",
    "second_moment",
]


# Of the spectrum, on the side of the centre vectors; the other side has the rest. 1/2 gives both
# the same shape. Measured: `bench/bench_canonical.py`.
POWERS = {"softmax": 0.5, "negative": 0.35}
# Words weigh as their counts, but none more than this share of the text: else a few words with no
# meaning of their own decide.
MOST_SHARE = 1e-4
# Added to moments, as a part of their mean: directions that nothing uses are no division by zero.
FLOOR = 1e-9
SMALLEST = 1e-12  # square of the spectrum, as a part of the largest
_SIGNED_BY = 1000  # the most frequent words, which say what is up in each dimension
_TASKS = 16
_ROWS = 4096

_Moment = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CanonicalForm:
    """A change of both tables that no probability sees: v' = (v - in_mean) in_map, and u' alike.

    Attributes
    ----------
    in_mean, out_mean : (D,) float64
        Zeros where that side keeps its mean.
    in_map, out_map : (D, D) float64
        ``in_map @ out_map.T`` is the identity.
    """

    in_mean: NDArray[np.float64]
    out_mean: NDArray[np.float64]
    in_map: NDArray[np.float64]
    out_map: NDArray[np.float64]

    @property
    def offset(self) -> NDArray[np.float32]:
        """What centre vectors have lost (D,), in the new form: sums over features lose it too."""
        return np.asarray(self.in_mean @ self.in_map, np.float32)

    def features(self, vectors: VectorArray, pool: WorkerPool) -> VectorArray:
        """Return vectors of features (F, D) in the new form: sums of them need `offset` taken off.

        Means of them, where centre vectors keep their mean, are as they should be.
        """
        found = np.empty_like(vectors)
        _map_rows(vectors, np.zeros_like(self.in_mean), self.in_map, pool, found)
        return found

    def turned(self, rotation: NDArray[np.float64]) -> "CanonicalForm":
        """Return the same form with all vectors turned; no cosine and no score sees it."""
        return replace(self, in_map=self.in_map @ rotation, out_map=self.out_map @ rotation)

    def applied(
        self, embeddings: Embeddings, pool: WorkerPool, *, overwrite: bool = False
    ) -> Embeddings:
        """Return both tables and the bias in the new form; vectors of features are left alone.

        Vectors so large that the bias would leave the range of float32 stay as they are, and are
        not called canonical.

        Parameters
        ----------
        embeddings : Embeddings
        pool : WorkerPool
        overwrite : bool
            Write into the tables that came, which nobody else has: new ones as large are not made.
        """
        exact = embeddings.out_bias.astype(np.float64)

        def take_up(_: int, rows: slice) -> None:
            exact[rows] += (embeddings.out_vectors[rows] - self.out_mean) @ self.in_mean

        if self.in_mean.any():
            _over_rows(len(exact), take_up, pool)
        with np.errstate(over="ignore"):
            bias = exact.astype(np.float32)
        if not np.isfinite(bias).all():
            return embeddings
        tables = (embeddings.in_vectors, embeddings.out_vectors)
        into = tables if overwrite else tuple(np.empty_like(table) for table in tables)
        _map_rows(tables[0], self.in_mean, self.in_map, pool, into[0])
        _map_rows(tables[1], self.out_mean, self.out_map, pool, into[1])
        return replace(
            embeddings,
            in_vectors=into[0],
            out_vectors=into[1],
            out_bias=bias,
            is_canonical=True,
        )


def canonical_form(
    embeddings: Embeddings,
    settings: Hyperparameters,
    pool: WorkerPool,
    *,
    power: float | None = None,
) -> CanonicalForm | None:
    """Return what puts trained vectors into canonical form; None where there is none.

    The means go where a softmax does not see it: with negative sampling they stay, because its
    loss sees the scores themselves, and so do those of inputs that are sums of several contexts,
    as how many they are differs.

    Parameters
    ----------
    embeddings : Embeddings
    settings : Hyperparameters
        `canonical`, `objective`, `model` and `cbow_mean` are looked at.
    pool : WorkerPool
        The result does not depend on how many workers it has.
    power : float, optional
        Default: that of the objective. With n-grams as inputs the maps are by default the identity:
        they made analogies worse, since vectors of n-grams are learned, and held small, in the
        directions that training has.

    References
    ----------
    Steck, Ekanadham and Kallus 2024, arXiv:2403.05440; Levy, Goldberg and Dagan 2015, TACL 3.
    """
    if not settings.uses("canonical") or not settings.canonical:
        return None
    in_vectors, out_vectors = embeddings.in_vectors, embeddings.out_vectors
    counts = embeddings.vocabulary.counts
    weights = np.minimum(counts, MOST_SHARE * counts.sum()).astype(np.float64)
    is_softmax = settings.objective == "softmax"
    is_one_input = settings.model == "skipgram" or settings.cbow_mean
    in_mean, out_mean = np.zeros((2, in_vectors.shape[1]))
    if is_softmax:
        out_mean = out_vectors.mean(axis=0, dtype=np.float64)
    if is_softmax and is_one_input:
        in_mean = in_vectors.mean(axis=0, dtype=np.float64)
    if power is None and settings.inputs == "subwords":
        same = np.eye(in_vectors.shape[1])
        return CanonicalForm(in_mean, out_mean, same, same)
    moments = (
        second_moment(in_vectors, in_mean, weights, pool),
        second_moment(out_vectors, out_mean, weights, pool),
    )
    if not all(np.trace(moment) > 0 for moment in moments):  # a table of zeros has no directions
        return None
    with threadpool_limits(1, "blas"):  # with more threads LAPACK's last bits differ
        in_map, out_map = _maps(*moments, POWERS[settings.objective] if power is None else power)
        leading = (in_vectors[:_SIGNED_BY] - in_mean) @ in_map
    signs = np.where((leading**3).sum(axis=0) < 0, -1.0, 1.0)
    return CanonicalForm(in_mean, out_mean, in_map * signs, out_map * signs)


def second_moment(
    vectors: VectorArray,
    mean: NDArray[np.float64],
    weights: NDArray[np.float64],
    pool: WorkerPool,
) -> _Moment:
    """Return the weighted mean of (v - mean)(v - mean)^T over the rows, (D, D)."""
    dimensions = vectors.shape[1]
    parts = np.zeros((_TASKS, dimensions, dimensions))
    roots = np.sqrt(weights)

    def add(task: int, rows: slice) -> None:
        block = (vectors[rows] - mean) * roots[rows, None]
        parts[task] += block.T @ block  # one matrix with itself is half the work

    _over_rows(len(vectors), add, pool)
    return np.asarray(parts.sum(axis=0) / weights.sum())


def _maps(inputs: _Moment, outputs: _Moment, power: float) -> tuple[_Moment, _Moment]:
    """Return both maps: with them both moments are powers of one falling diagonal.

    With A = L L^T and L^T B L = Q S^2 Q^T they are L^-T Q S^power and L Q S^-power: then A becomes
    S^(2 power), and B S^(2 - 2 power).
    """
    lower = np.linalg.cholesky(_with_floor(inputs))
    squares, basis = np.linalg.eigh(lower.T @ _with_floor(outputs) @ lower)
    squares, basis = squares[::-1], basis[:, ::-1]
    # Below that is rounding, and for any scales one map undoes what the other does.
    scales = np.maximum(squares, SMALLEST * squares[0]) ** (power / 2)
    return np.linalg.solve(lower.T, basis) * scales, lower @ basis / scales


def _with_floor(moment: _Moment) -> _Moment:
    floor = FLOOR * np.trace(moment) / len(moment)
    return np.asarray((moment + moment.T) / 2 + floor * np.eye(len(moment)))


def _map_rows(
    vectors: VectorArray,
    mean: NDArray[np.float64],
    by: _Moment,
    pool: WorkerPool,
    into: VectorArray,
) -> None:
    """Write (vectors - mean) @ by, in single precision; `into` may be the vectors themselves."""
    centre, matrix = mean.astype(np.float32), by.astype(np.float32)

    def write(_: int, rows: slice) -> None:
        into[rows] = (vectors[rows] - centre) @ matrix

    _over_rows(len(vectors), write, pool)


def _over_rows(n_rows: int, call: Callable[[int, slice], None], pool: WorkerPool) -> None:
    """Call with each block of rows and its task; a task's blocks come one after the other."""
    numbers = itertools.count()
    ends = [n_rows * task // _TASKS for task in range(_TASKS + 1)]

    def work(_: int) -> None:
        while (task := next(numbers)) < _TASKS:
            for first in range(ends[task], ends[task + 1], _ROWS):
                call(task, slice(first, min(first + _ROWS, ends[task + 1])))

    with threadpool_limits(1, "blas"):
        pool.run(work)
