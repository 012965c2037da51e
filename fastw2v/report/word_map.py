"""The map of a vocabulary: places, clusters and their colours, for the page and for pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.objectives.exact_search import unit_rows
from fastw2v.report.clusters import (
    Clusters,
    cluster_colours,
    default_clusters,
    find_clusters,
    name_places,
)
from fastw2v.report.projection import (
    FALLBACKS,
    Fallback,
    ProjectionMethod,
    chosen_method,
    project,
    require_method,
)

__all__ = ["METHOD_NAMES", "WordMap", "map_of"]

METHOD_NAMES = {"pca": "principal components", "umap": "UMAP", "tsne": "t-SNE"}


@dataclass(frozen=True, eq=False)
class WordMap:
    """Where words are, and which belong together.

    Attributes
    ----------
    places : (V, 2) float32
    method : {"pca", "umap", "tsne"}
        What placed them.
    fallback : {"few words", "not installed"}, optional
        Why it is not the method that is the default, where none was chosen.
    clusters : Clusters, optional
        None if none were asked for.
    name_places : (K, 2) float32
        Where their names stand.
    colours : list of int
        Of the palette, one a cluster.
    """

    places: NDArray[np.float32]
    method: ProjectionMethod
    fallback: Fallback | None
    clusters: Clusters | None
    name_places: NDArray[np.float32]
    colours: list[int]

    @property
    def method_name(self) -> str:
        """How words got their places, in a few words."""
        name = METHOD_NAMES[self.method]
        return name if self.fallback is None else f"{name}, as {FALLBACKS[self.fallback]}"


def map_of(
    words: list[str],
    vectors: NDArray[np.float32],
    counts: NDArray[np.int64] | None,
    *,
    method: ProjectionMethod | None,
    n_clusters: int | None,
    seed: int,
    workers: int = 1,
) -> WordMap:
    """Return the map of words.

    Parameters
    ----------
    words : list of str
    vectors : float32 array (V, D)
    counts : int64 array (V,), optional
    method : {"pca", "umap", "tsne"}, optional
        Default: as `fastw2v.report.projection.chosen_method` says.
    n_clusters : int, optional
        0 for none. Default: by the number of words.
    seed : int
        The same map follows from the same seed.
    workers : int
        Threads of t-SNE.

    Raises
    ------
    ConfigurationError, MissingDependencyError
        As `fastw2v.report.projection.require_method`.
    """
    fallback = None
    if method is None:
        method, fallback = chosen_method(len(words))
    require_method(method)
    rows = unit_rows(vectors)
    places = project(rows, method, seed=seed, workers=workers)
    if n_clusters is None:
        n_clusters = default_clusters(len(words))
    if n_clusters == 0:
        return WordMap(places, method, fallback, None, np.empty((0, 2), np.float32), [])
    clusters = find_clusters(words, rows, counts, n_clusters, seed=seed)
    names = name_places(clusters, places)
    return WordMap(places, method, fallback, clusters, names, cluster_colours(names))
