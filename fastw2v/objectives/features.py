"""Features of words: sparse rows over which input vectors are sums.

v_c = s_c sum over the features f of c of x_cf z_f, with s_c = 1 / |x_c| so that words of many
features start as large as words of few. The features of a word are itself and its character
n-grams, or whatever the user gives (docs/math.md, docs/subwords.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.vectors import LANES
from fastw2v.kernels.softmax.feature_rows import FeatureRows, RowsOfFeatures, sum_features
from fastw2v.kernels.text.ngrams import hash_ngrams
from fastw2v.objectives.arrays import VectorArray, round_up, unpadded_rows
from fastw2v.system.threads import WorkerPool
from fastw2v.text.stored_vocabulary import packed_words
from fastw2v.text.vocabulary import shown_word

__all__ = [
    "FeatureMatrix",
    "Ngrams",
    "given_features",
    "matrix_features",
    "ngram_features",
    "require_ngrams",
    "rows_of_features",
    "words_from_features",
]

# fastText gives the end of a sentence, its word 0, no n-grams.
_NO_NGRAMS = "</s>"
_MOST_NGRAMS = 100_000_000  # a million words have about a third of that
_LEAST = 1e-15  # of a given number; squares and scales are float32 numbers without loss


@dataclass(frozen=True)
class Ngrams:
    """Which character n-grams words have, and into how many buckets they are hashed."""

    min_n: int
    max_n: int
    bucket: int

    def of(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return where each word's n-grams begin (V + 1,), and their buckets (E,).

        fastText's own, in its order: those of characters of "<word>", one that occurs twice twice.

        Raises
        ------
        ConfigurationError
            If there are too many of them for any memory: of long words with a large `max_n`.
        """
        if (n_ngrams := self._most(words)) > _MOST_NGRAMS:
            raise ConfigurationError(
                f"max_n: expected at most {_MOST_NGRAMS:,} n-grams of all words together, got "
                f"{n_ngrams:,}, those of {shown_word(max(words, key=len))} among them; lower "
                f"max_n={self.max_n}, or leave out long words"
            )
        parted = [word if word != _NO_NGRAMS else "" for word in words]
        starts, buckets = hash_ngrams(*packed_words(parted), self.min_n, self.max_n, self.bucket)
        if _NO_NGRAMS not in words:
            return starts, buckets
        sizes = np.diff(starts)
        kept = np.repeat([word != _NO_NGRAMS for word in words], sizes)
        sizes[[word == _NO_NGRAMS for word in words]] = 0
        return np.concatenate([[0], np.cumsum(sizes)]), buckets[kept]

    def begin_words(self, words: Sequence[str], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the words' n-grams (E,), in the order of `of`, begin a word.

        `starts` (V + 1,) is where each word's n-grams begin, as `of` returns it.
        """
        framed = np.array([len(word) + 2 for word in words], np.int64)
        # "<" alone is none, so the shortest has two characters.
        n_sizes = np.maximum(np.minimum(self.max_n, framed) - max(self.min_n, 2) + 1, 0)
        places = np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))
        return np.asarray(places < np.repeat(n_sizes, np.diff(starts)))

    def _most(self, words: Sequence[str]) -> int:
        """Return how many n-grams the words have, single frames included."""
        lengths = np.array([len(word) + 2 for word in words], np.int64)
        longest = np.minimum(self.max_n, lengths)
        n_sizes = np.maximum(longest - self.min_n + 1, 0)
        return int((n_sizes * (lengths + 1) - n_sizes * (self.min_n + longest) // 2).sum())


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """The features of V words: compressed sparse rows of x, before scaling.

    Attributes
    ----------
    starts : (V + 1,) int64
    indices : (E,) int32
        Features below `n_features`. A feature may stand in a row more than once.
    values : (E,) float32
    n_features : int
        F.
    power : float
        Rows are scaled by sum(|x|^(1 / power))^-power, whatever the size of their values: 0.5 makes
        all as large as single features, 1 makes them weighted means.
    """

    starts: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    n_features: int
    power: float = 0.5

    @property
    def n_words(self) -> int:
        """V."""
        return len(self.starts) - 1

    @cached_property
    def scales(self) -> NDArray[np.float32]:
        """Scales s (V,) of the rows; 0 for words without features."""
        sums = self._sums_of_powers(1.0 / self.power)
        filled = sums > 0
        scales = np.where(filled, sums, 1.0) ** -self.power
        return np.where(filled, scales, 0.0).astype(np.float32)

    @property
    def typical_size(self) -> float:
        """How many features words have, most often; one that counts little is part of one."""
        squares = self._sums_of_powers(2.0)
        filled = squares > 0
        sizes = self._sums_of_powers(1.0)[filled] ** 2 / squares[filled]
        return float(np.median(sizes)) if len(sizes) else 1.0

    def _sums_of_powers(self, power: float) -> NDArray[np.float64]:
        """Return sum_f |x_cf|^power of each word (V,)."""
        rows = np.repeat(np.arange(self.n_words), np.diff(self.starts))
        powers = np.abs(self.values, dtype=np.float64) ** power
        return np.asarray(np.bincount(rows, powers, self.n_words), np.float64)

    @cached_property
    def is_shared(self) -> NDArray[np.bool_]:
        """Whether several words have a feature (F,)."""
        words = np.repeat(np.arange(self.n_words), np.diff(self.starts))
        last = np.full(self.n_features, -1)
        first = np.full(self.n_features, self.n_words)
        np.maximum.at(last, self.indices, words)
        np.minimum.at(first, self.indices, words)
        return np.asarray(last > first)

    @property
    def is_plain(self) -> bool:
        """Whether every word has one feature that no other word has: words by another name."""
        return bool((np.diff(self.starts) == 1).all()) and not bool(self.is_shared.any())

    def rows(self, words: NDArray[Any] | None = None) -> FeatureRows:
        """Return the rows of some words, or of all."""
        if words is None:
            return FeatureRows(self.starts, self.indices, self.values, self.scales)
        sizes = self.starts[words + 1] - self.starts[words]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        entries = np.repeat(self.starts[words] - starts[:-1], sizes) + np.arange(starts[-1])
        return FeatureRows(starts, self.indices[entries], self.values[entries], self.scales[words])


def rows_of_features(rows: FeatureRows) -> RowsOfFeatures:
    """Return the entries of some rows feature by feature, each feature's rows in their order."""
    order = np.argsort(rows.features, kind="stable")
    sorted_features = rows.features[order]
    firsts = np.flatnonzero(np.diff(sorted_features, prepend=-1))
    entry_rows = np.repeat(np.arange(len(rows.scales), dtype=np.int32), np.diff(rows.starts))
    return RowsOfFeatures(
        sorted_features[firsts],
        np.append(firsts, len(order)).astype(np.int64),
        entry_rows[order],
        rows.values[order],
    )


def words_from_features(
    features: FeatureMatrix, padded_vectors: VectorArray, dimensions: int, pool: WorkerPool
) -> VectorArray:
    """Return the words' vectors (V, D) from those of features, flat and padded."""
    stride = round_up(dimensions, LANES)
    target = np.empty(features.n_words * stride, np.float32)
    pool.run_kernel(sum_features, features.rows(), padded_vectors, stride, target)
    return unpadded_rows(target, features.n_words, dimensions)


def require_ngrams(words: Sequence[str], ngrams: Ngrams, buckets: NDArray[np.int32]) -> None:
    """Raise `ConfigurationError` if the words have no buckets: none is long enough."""
    if not len(buckets):
        longest = max(map(len, words), default=0) + 2
        raise ConfigurationError(
            f"min_n: expected n-grams that the words have, got {ngrams.min_n} to {ngrams.max_n} "
            f"characters where the longest word has {longest} with its frame; take a smaller min_n"
        )


def ngram_features(words: Sequence[str], ngrams: Ngrams) -> tuple[FeatureMatrix, NDArray[np.int32]]:
    """Return words as the sums of themselves and of their n-grams.

    Only buckets in use have features.

    Returns
    -------
    matrix : FeatureMatrix
        Feature w < V is the word w itself, feature V + k the k-th bucket in use.
    buckets : (F - V,) int32
        The buckets in use, ascending.
    """
    n_words = len(words)
    starts, found = ngrams.of(words)
    buckets, places = np.unique(found, return_inverse=True)
    own = np.arange(n_words, dtype=np.int32)
    indices = np.insert((places + n_words).astype(np.int32), starts[:-1], own)
    matrix = FeatureMatrix(
        starts + np.arange(n_words + 1),
        indices,
        np.ones(len(indices), np.float32),
        n_words + len(buckets),
    )
    return matrix, buckets.astype(np.int32)


def given_features(
    words: Sequence[str], features: Mapping[str, Iterable[str]]
) -> tuple[FeatureMatrix, list[str]]:
    """Return the features that a mapping gives each word, and their names in order.

    Features are numbered by their names and a word's are sorted, so that neither the order of the
    mapping nor that of its lists matters. One that is listed twice counts twice.

    Raises
    ------
    ConfigurationError
        If a word has no feature, or features are given for a word outside the vocabulary.
    """
    require_known_words(words, features)
    lists = {word: _names_of(word, features[word]) for word in words if word in features}
    lacking = [word for word in words if not lists.get(word)]
    if lacking:
        raise ConfigurationError(
            f"features: expected at least one for each of {len(words)} words, got none for "
            f"{_shown(lacking)}; give the word itself as its feature"
        )
    names = sorted({name for word in words for name in lists[word]})
    numbers = {name: number for number, name in enumerate(names)}
    rows = [sorted(numbers[name] for name in lists[word]) for word in words]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    indices = np.array([number for row in rows for number in row], np.int32)
    return FeatureMatrix(starts, indices, np.ones(len(indices), np.float32), len(names)), names


def require_known_words(words: Sequence[str], features: Any) -> None:
    """Raise `ConfigurationError` if there are features of words outside the vocabulary."""
    if not isinstance(features, Mapping):
        raise ConfigurationError(
            "features: expected a mapping from each word to the names of its features, a matrix "
            f"with names, or a file, got {type(features).__name__}"
        )
    known = set(words)
    foreign = [word for word in features if word not in known]
    if foreign:
        raise ConfigurationError(
            f"features: expected those of the {len(words)} words of the vocabulary, got some for "
            f"{_shown(foreign)}; leave them out, or lower min_count"
        )


def _names_of(word: str, names: Any) -> list[str]:
    """Return what was given for a word as a list, whatever kind of collection it is."""
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise _no_names(word, names)
    found = list(names)
    if not all(_is_name(name) for name in found):
        raise _no_names(word, found)
    return found


def _no_names(word: str, names: Any) -> ConfigurationError:
    return ConfigurationError(
        f"features: expected a list of names for {shown_word(word)}, got {str(names)[:60]!r}"
    )


def _is_name(name: Any) -> bool:
    if not isinstance(name, str) or not name:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def matrix_features(matrix: Any, names: Sequence[str], n_words: int) -> FeatureMatrix:
    """Return the features that a sparse matrix of scipy's gives, (V, F) with F names.

    Zeros are no features, and numbers that stand in one place several times are added up.

    Raises
    ------
    ConfigurationError
        If its shape or numbers are no features, or a word has none.
    """
    if not hasattr(matrix, "tocsr"):
        raise ConfigurationError(
            f"features: expected a sparse matrix of scipy's, got {type(matrix).__name__}"
        )
    wrong = [name for name in names if not _is_name(name)]
    if wrong:
        raise ConfigurationError(
            f"features: expected names that are texts, got {str(wrong[:3])[:60]}"
        )
    if len(set(names)) != len(names):
        raise ConfigurationError("features: expected names all different, got some more than once")
    if matrix.shape != (n_words, len(names)):
        raise ConfigurationError(
            f"features: expected a matrix of {n_words} words and {len(names)} names, got "
            f"{matrix.shape}"
        )
    if matrix.dtype.kind not in "biuf":
        raise ConfigurationError(f"features: expected real numbers, got {matrix.dtype}")
    rows = matrix.tocsr(copy=True).astype(np.float64)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    sizes = np.abs(rows.data)
    sound = (sizes >= _LEAST) & (sizes <= 1 / _LEAST)
    if not sound.all():
        raise ConfigurationError(
            f"features: expected finite numbers from {_LEAST:g} to {1 / _LEAST:g} in size, got "
            f"{rows.data[~sound][0]}"
        )
    lacking = np.flatnonzero(np.diff(rows.indptr) == 0)
    if len(lacking):
        raise ConfigurationError(
            f"features: expected at least one for each of {n_words} words, got none in row "
            f"{lacking[0]}"
        )
    starts, indices = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    return FeatureMatrix(starts, indices, rows.data.astype(np.float32), len(names))


def _shown(words: list[Any]) -> str:
    shown = ", ".join(shown_word(str(word)) for word in words[:3])
    return shown if len(words) <= 3 else f"{shown} and {len(words) - 3} more"
