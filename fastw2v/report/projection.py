"""Vectors on a plane: where each word goes on a map of the vocabulary."""

import warnings
from importlib.util import find_spec
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError, missing_dependency

__all__ = [
    "FALLBACKS",
    "PROJECTION_METHODS",
    "Fallback",
    "ProjectionMethod",
    "chosen_method",
    "principal_components",
    "project",
    "require_method",
]

ProjectionMethod = Literal["pca", "umap", "tsne"]
PROJECTION_METHODS: tuple[ProjectionMethod, ...] = ("pca", "umap", "tsne")

# Module, package, and the extra that brings it.
_PACKAGES = {"umap": ("umap", "umap-learn", "report"), "tsne": ("openTSNE", "openTSNE", "map")}
_NEIGHBOURS = 15
_PERPLEXITY = 30.0
_FEWEST_WORDS = 4  # with fewer there is nothing that neighbours could say
_FEWEST_BY_DEFAULT = 200  # of fewer, 15 neighbours are a good part: there are no groups to find
Fallback = Literal["few words", "not installed"]
FALLBACKS: dict[Fallback, str] = {
    "few words": f"there are fewer than {_FEWEST_BY_DEFAULT} words",
    "not installed": "umap-learn is not installed (pip install 'fastw2v[report]')",
}


def chosen_method(n_words: int) -> tuple[ProjectionMethod, Fallback | None]:
    """Return the method of a map for which none was named, and why if that is not UMAP.

    UMAP shows groups, and is quicker than t-SNE. Principal components show few: they are what is
    left where umap-learn is not installed, and enough for a small vocabulary.
    """
    if n_words < _FEWEST_BY_DEFAULT:
        return "pca", "few words"
    if find_spec(_PACKAGES["umap"][0]) is None:
        return "pca", "not installed"
    return "umap", None


def require_method(method: ProjectionMethod) -> None:
    """Raise an error now, before any work, if `method` cannot be used.

    Raises
    ------
    ConfigurationError
        If there is no such method.
    MissingDependencyError
        If its package is not installed.
    """
    if method not in PROJECTION_METHODS:
        names = ", ".join(repr(name) for name in PROJECTION_METHODS)
        raise ConfigurationError(f"map: expected one of {names}, got {method!r}")
    if method in _PACKAGES:
        module, package, extra = _PACKAGES[method]
        if find_spec(module) is None:
            raise missing_dependency(f"map {method!r}", package, extra, "choose 'pca'")


def project(
    rows: NDArray[np.float32], method: ProjectionMethod, *, seed: int, workers: int = 1
) -> NDArray[np.float32]:
    """Return the place of each row on a plane.

    Parameters
    ----------
    rows : float32 array (V, D)
        Of length 1.
    method : {"pca", "umap", "tsne"}
        Principal components by numpy; UMAP by umap-learn; t-SNE by openTSNE. Both of these begin
        at the principal components and look at cosines. With fewer than 4 words they are those.
    seed : int
        Every random choice follows from it. UMAP and t-SNE repeat their places with the same seed,
        versions and kind of processor; on others, rounding may lead to other places, as their
        authors say.
    workers : int
        Threads of t-SNE. UMAP uses one: it repeats its result only so.

    Returns
    -------
    places : float32 array (V, 2)

    Raises
    ------
    ConfigurationError, MissingDependencyError
        As `require_method`.

    References
    ----------
    McInnes, Healy, Melville: UMAP, arXiv:1802.03426. Poličar, Stražar, Zupan: openTSNE, Journal of
    Statistical Software 109 (2024).
    """
    require_method(method)
    places = principal_components(rows)
    if method == "pca" or len(rows) < _FEWEST_WORDS:
        return places.astype(np.float32)
    with warnings.catch_warnings():
        # They tell of smaller neighbourhoods on small vocabularies, and of one thread.
        warnings.simplefilter("ignore")
        if method == "umap":
            return _umap(rows, places, seed)
        return _tsne(rows, places, seed, workers)


def principal_components(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the first two principal components (V, 2), with signs that do not depend on LAPACK.

    The largest weight of each component is positive. Of one dimension, the second is 0.
    """
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    leading = axes[:, ::-1][:, :2]
    largest = leading[np.argmax(np.abs(leading), axis=0), np.arange(leading.shape[1])]
    places = centred @ (leading * np.sign(largest))
    return np.column_stack((places, np.zeros((len(rows), 2 - places.shape[1]))))


def _umap(rows: NDArray[np.float32], places: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    from umap import UMAP

    largest = float(np.abs(places).max()) or 1.0
    mapper = UMAP(
        n_neighbors=min(_NEIGHBOURS, len(rows) - 1),
        metric="cosine",
        init=(10.0 / largest * places).astype(np.float32),
        random_state=seed % 2**32,
        n_jobs=1,
    )
    return np.asarray(mapper.fit_transform(rows), np.float32)


def _tsne(
    rows: NDArray[np.float32], places: NDArray[np.float64], seed: int, workers: int
) -> NDArray[np.float32]:
    from openTSNE import TSNE

    spread = float(places[:, 0].std()) or 1.0
    mapper = TSNE(
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
        metric="cosine",
        initialization=1e-4 / spread * places,  # as openTSNE scales its own
        random_state=seed % 2**32,
        n_jobs=workers,
    )
    return np.asarray(mapper.fit(rows), np.float32)
