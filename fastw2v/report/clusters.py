"""Clusters of words: k-means on directions, and the words that tell most of each."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

__all__ = [
    "N_COLOURS",
    "Clusters",
    "cluster_colours",
    "default_clusters",
    "find_clusters",
    "name_places",
]

N_COLOURS = 12  # of the palettes that clusters take theirs from
_MOST_BY_DEFAULT = 48
_WORDS_A_CLUSTER = 15  # as many at least, on average, by default
_SAMPLE = 20_000  # rows that centres are fitted to
_BLOCK_ROWS = 8192
_MOST_ITERATIONS = 40
_PURPOSE = 0x636C7573  # keeps the random choices apart from those of other purposes
_NAMING_WORDS = 3


class Clusters(NamedTuple):
    """Which cluster each word is in.

    Attributes
    ----------
    of_word : (V,) int32
        From 0; the cluster with the most words first.
    names : list of tuple of str
        The most telling words of each, the best first.
    """

    of_word: NDArray[np.int32]
    names: list[tuple[str, ...]]

    @property
    def sizes(self) -> list[int]:
        """How many words each has."""
        sizes = np.bincount(self.of_word, minlength=len(self.names))
        return [int(size) for size in sizes]


def default_clusters(n_words: int) -> int:
    """Return how many clusters a map of so many words has by default."""
    wanted = round(math.sqrt(n_words) / 4)
    return max(1, min(wanted, _MOST_BY_DEFAULT, n_words // _WORDS_A_CLUSTER))


def find_clusters(
    words: list[str],
    rows: NDArray[np.float32],
    counts: NDArray[np.int64] | None,
    n_clusters: int,
    *,
    seed: int,
) -> Clusters:
    """Return clusters of directions, found by k-means from centres that k-means++ chose.

    Centres are fitted to at most 20,000 rows, which the seed chooses; then every row goes to the
    nearest centre. A cluster is named by words that are near its centre, farther from the next
    centre, and frequent: each has (cosine to its own centre - cosine to the nearest other centre)
    times log(1 + count). The same seed gives the same clusters, whatever threads there are.

    Parameters
    ----------
    words : list of str
    rows : float32 array (V, D)
        Of length 1.
    counts : int64 array (V,), optional
        None where nothing is known of them: then words are named by their places alone.
    n_clusters : int
        At most so many are found, and no more than there are different rows.
    seed : int

    References
    ----------
    Arthur, Vassilvitskii: k-means++, the advantages of careful seeding, SODA 2007.
    """
    generator = np.random.default_rng((seed, _PURPOSE))
    sample = rows
    if len(rows) > _SAMPLE:
        sample = rows[np.sort(generator.choice(len(rows), _SAMPLE, replace=False))]
    with threadpool_limits(1, "blas"):  # with more threads the last bits of products differ
        centres = _fitted(sample, _first_centres(sample, n_clusters, generator))
        nearest = _nearest(rows, centres)
        sizes = np.bincount(nearest, minlength=len(centres))
        order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
        place = np.full(len(centres), -1, np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        of_word, centres = place[nearest], centres[order]
        telling = _telling(rows, centres, of_word, counts)
    names = []
    for cluster in range(len(centres)):
        members = np.flatnonzero(of_word == cluster)
        best = members[np.argsort(-telling[members], kind="stable")[:_NAMING_WORDS]]
        names.append(tuple(words[member] for member in best))
    return Clusters(of_word, names)


def _first_centres(
    rows: NDArray[np.float32], n_clusters: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Return rows that are far from each other.

    Candidates are drawn by their squared distance; the one is taken that leaves the smallest sum.
    """
    chosen = [int(generator.integers(len(rows)))]
    distances = _distances(rows, rows[chosen[0]])
    n_candidates = 2 + int(math.log(n_clusters))
    while len(chosen) < n_clusters:
        sums = np.cumsum(distances)
        if sums[-1] <= 0:  # no other row is left
            break
        drawn = np.searchsorted(sums, generator.random(n_candidates) * sums[-1], side="right")
        best: tuple[float, int, NDArray[np.float64]] | None = None
        for candidate in np.minimum(drawn, len(rows) - 1).tolist():
            left = np.minimum(distances, _distances(rows, rows[candidate]))
            total = float(left.sum())
            if best is None or total < best[0]:
                best = total, candidate, left
        assert best is not None
        chosen.append(best[1])
        distances = best[2]
    return rows[chosen]


def _distances(rows: NDArray[np.float32], row: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return squared distances; of equal rows exactly 0."""
    return np.asarray(np.square(rows - row, dtype=np.float64).sum(axis=1))


def _fitted(rows: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    before = None
    for _ in range(_MOST_ITERATIONS):
        nearest = _nearest(rows, centres)
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        order = np.argsort(nearest, kind="stable")
        found, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(rows[order].astype(np.float64), starts, axis=0)
        sizes = np.diff([*starts.tolist(), len(rows)])
        centres = centres.copy()  # one that lost all its rows stays where it was
        centres[found] = (sums / sizes[:, None]).astype(np.float32)
    return centres


def _nearest(rows: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    half_squares = np.square(centres).sum(axis=1) / 2
    nearest = np.empty(len(rows), np.int64)
    for first in range(0, len(rows), _BLOCK_ROWS):
        block = slice(first, first + _BLOCK_ROWS)
        nearest[block] = np.argmax(rows[block] @ centres.T - half_squares, axis=1)
    return nearest


def _telling(
    rows: NDArray[np.float32],
    centres: NDArray[np.float32],
    of_word: NDArray[np.int32],
    counts: NDArray[np.int64] | None,
) -> NDArray[np.float64]:
    """Return how much each word tells of its cluster."""
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    directions = centres / np.where(lengths == 0, 1, lengths)
    margins = np.empty(len(rows))
    for first in range(0, len(rows), _BLOCK_ROWS):
        block = slice(first, first + _BLOCK_ROWS)
        cosines = (rows[block] @ directions.T).astype(np.float64)
        places = np.arange(len(cosines)), of_word[block]
        own = cosines[places]
        if len(centres) > 1:
            cosines[places] = -np.inf
            own = own - cosines.max(axis=1)
        margins[block] = own
    return margins if counts is None else margins * np.log1p(counts)


def name_places(clusters: Clusters, places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return where each cluster's name stands (K, 2): at the word nearest to its median place."""
    found = np.empty((len(clusters.names), 2), np.float32)
    for cluster in range(len(found)):
        members = places[clusters.of_word == cluster]
        away = np.square(members - np.median(members, axis=0)).sum(axis=1)
        found[cluster] = members[np.argmin(away)]
    return found


def cluster_colours(places: NDArray[np.float32]) -> list[int]:
    """Return a number of the palette for each cluster, so that neighbours on the map differ.

    Parameters
    ----------
    places : float32 array (K, 2)
        Of their names. Large clusters choose first: each takes the colour that is not used yet, or
        whose nearest use is farthest away.
    """
    colours: list[int] = []
    for cluster, place in enumerate(places):
        nearest = np.full(N_COLOURS, np.inf)
        for other in range(cluster):
            away = float(np.square(places[other] - place).sum())
            nearest[colours[other]] = min(nearest[colours[other]], away)
        colours.append(int(np.argmax(nearest)))
    return colours
