"""Nearest neighbours among millions of vectors: exact, or by a graph of usearch or FAISS.

index = build_index("model", "usearch")
index.save("words.index")
index = open_index("words.index", "model")
index.nearest("river")
"""

from collections.abc import Hashable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import VectorChoice
from fastw2v.config.numbers import shown_value, whole_number
from fastw2v.errors import ConfigurationError, ModelFormatError
from fastw2v.integrations.index_libraries import (
    LIBRARIES,
    Graph,
    GraphSettings,
    LibraryName,
    built_graph,
    opened_graph,
)
from fastw2v.integrations.index_source import IndexSource, Words, digest_of, words_of
from fastw2v.objectives.exact_search import ExactSearch, unit_rows
from fastw2v.system.files import require_replaceable, whole_folder
from fastw2v.system.manifests import (
    FolderKind,
    file_description,
    require_described,
    require_signed,
    signed,
    write_json,
)
from fastw2v.system.threads import checked_workers
from fastw2v.text.expressions import Term, parsed_expression

__all__ = ["LibraryName", "VectorIndex", "build_index", "open_index"]

_MANIFEST = "index.json"
_GRAPH = "graph.bin"
_KIND = FolderKind(
    manifest=_MANIFEST,
    format="fastw2v-index",
    schema_version=1,
    oldest_version=1,
    expected="an index that VectorIndex.save wrote",
    what="the index is",
    remedy="build it again",
    error=ModelFormatError,
    files=(_GRAPH,),
)
_PACKAGES = {"usearch": "usearch", "faiss": "faiss-cpu"}
_MOST_LINKS = 512
_MOST_BREADTH = 100_000

Query = Hashable | NDArray[np.floating[Any]]
"""A word, a sum or difference of words as text, or a vector (D,)."""


class VectorIndex:
    """Words and what finds those near a vector; made by `build_index` and `open_index`.

    Cosines are always those of the vectors themselves, in double precision. With a graph some of
    the nearest words may be missing; a greater `search_breadth` misses fewer. Several threads may
    search one index.
    """

    def __init__(
        self,
        source: Words,
        library: LibraryName,
        graph: Graph | None,
        settings: GraphSettings,
        exact: ExactSearch,
    ) -> None:
        self.library = library
        self.settings = settings
        self._source = source
        self._graph = graph
        self._exact = exact

    def __len__(self) -> int:
        """Return how many words there are."""
        return len(self._source.table)

    def __repr__(self) -> str:
        """Return sizes and kind, on one line."""
        sizes = f"{len(self):,} words, {self._source.table.shape[1]} dimensions"
        return f"VectorIndex({sizes}, library={self.library!r})"

    def nearest(self, query: Query, topn: int = 10) -> list[tuple[Any, float]]:
        """Return the words nearest to a word or a vector, each with its cosine, the nearest first.

        Parameters
        ----------
        query : word or vector
            ``"river"``; ``"king - man + woman"``; an array (D,). Words count with length 1, and
            are left out of the answer.
        topn : int

        Raises
        ------
        UnknownWordError
            If a word is unknown, and no vector can be made for it.
        ConfigurationError
            If a vector has other dimensions or numbers that are not finite, or `topn` is no whole
            number from 0 on.
        """
        return self.nearest_of_each([query], topn)[0]

    def nearest_of_each(
        self, queries: Sequence[Query] | NDArray[np.floating[Any]], topn: int = 10
    ) -> list[list[tuple[Any, float]]]:
        """Return what `nearest` does for each of many queries, faster than one by one.

        Parameters
        ----------
        queries : sequence of words and vectors, or (N, D) array
        topn : int

        Raises
        ------
        UnknownWordError, ConfigurationError
            As `nearest`, if one of the queries is no good; none is answered then.
        """
        topn = whole_number("topn", topn, low=0)
        if isinstance(queries, str):
            raise ConfigurationError(
                f"queries: expected a list of them, got the text {queries!r:.60}; use nearest"
            )
        units, asked = self._resolved(queries)
        most = max(map(len, asked), default=0)
        found, cosines = self._search(units, min(topn, len(self)) + most)
        words = self._source.words
        answers = []
        for near, rows, known in zip(cosines.tolist(), found.tolist(), asked, strict=True):
            pairs = zip(rows, near, strict=True)
            kept = [(words[row], cosine) for row, cosine in pairs if row not in known]
            answers.append(kept[:topn])
        for place in np.flatnonzero(~units.any(axis=1)):
            answers[place] = []  # a vector of zeros has no direction
        return answers

    def search(
        self, vectors: NDArray[np.floating[Any]], topn: int = 10
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows (N, K) nearest to vectors (N, D), and their cosines.

        Parameters
        ----------
        vectors : (N, D) of floating-point numbers
            Of any lengths.
        topn : int
            K is this, or V where that is less.

        Returns
        -------
        rows : (N, K) int64
            The nearest first.
        cosines : (N, K) float64
        """
        return self._search(self._units(vectors), whole_number("topn", topn, low=0))

    def _search(
        self, units: NDArray[np.float32], topn: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        topn = min(topn, len(self))
        if self._graph is None or not len(units) or not topn:
            return self._exact.search(units, topn)
        rows = np.full((len(units), topn), -1, np.int64)
        found = self._graph.search(units, topn)
        rows[:, : found.shape[1]] = found
        cosines = np.empty(rows.shape, np.float64)
        # A graph may reach too few from where it begins; those queries are searched exactly.
        is_full = ((rows >= 0) & (rows < len(self))).all(axis=1)
        cosines[is_full] = self._exact.cosines(units[is_full], rows[is_full])
        rows[~is_full], cosines[~is_full] = self._exact.search(units[~is_full], topn)
        order = np.lexsort((rows, -cosines), axis=1)
        return np.take_along_axis(rows, order, 1), np.take_along_axis(cosines, order, 1)

    def save(self, folder: str | Path) -> None:
        """Write the index as a folder, whole or not at all; the vectors stay where they are.

        Raises
        ------
        OutputError
            If it cannot be written, or something that is no index is in the way.
        """
        folder = Path(folder)
        require_replaceable(folder, _KIND.layout)
        content = _KIND.header() | {
            "library": self.library,
            "library_version": _version_of(self.library),
            "settings": self.settings,
            "words": len(self),
            "dimensions": int(self._source.table.shape[1]),
            "vectors_digest": digest_of(self._source),
        }
        with whole_folder(folder, _KIND.layout) as temporary:
            if self._graph is not None:
                self._graph.save(temporary / _GRAPH)
                content["files"] = {_GRAPH: file_description(temporary / _GRAPH)}
            write_json(temporary / _MANIFEST, signed(content))

    def _units(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        given = np.asarray(vectors)
        dimensions = self._source.table.shape[1]
        if given.ndim != 2 or given.shape[1] != dimensions or given.dtype.kind not in "fiu":
            raise ConfigurationError(
                f"vectors: expected (N, {dimensions}) numbers, got {given.dtype} of shape "
                f"{given.shape}"
            )
        if not np.isfinite(given).all():
            raise ConfigurationError("vectors: expected finite numbers, got others")
        return unit_rows(given)

    def _resolved(
        self, queries: Sequence[Query] | NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.float32], list[tuple[int, ...]]]:
        """Return the directions (N, D) of queries, and the rows of the words of each."""
        units = np.empty((len(queries), self._source.table.shape[1]), np.float32)
        asked: list[tuple[int, ...]] = []
        places, rows = [], []
        for place, query in enumerate(queries):
            row = None if isinstance(query, np.ndarray) else self._source.row(query)
            if row is None:
                units[place], known = self._direction(query)
                asked.append(known)
            else:
                places.append(place)
                rows.append(row)
                asked.append((row,))
        if rows:
            units[places] = unit_rows(self._source.table[rows])
        return units, asked

    def _direction(self, query: Query) -> tuple[NDArray[np.float32], tuple[int, ...]]:
        """Return the direction (D,) of a query that is no known word, and the rows of its words."""
        if isinstance(query, np.ndarray):
            return self._units(query[None])[0], ()
        terms = [Term(cast("str", query), 1.0)]
        if isinstance(query, str):
            terms = parsed_expression(query, lambda text: self._source.row(text) is not None)
        total = np.zeros(self._source.table.shape[1], np.float64)
        asked = set()
        for word, weight in terms:
            row = self._source.row(word)
            if row is not None:
                asked.add(row)
            vector = self._source.made(word) if row is None else self._source.table[row]
            total += weight * unit_rows(vector[None])[0].astype(np.float64)
        return unit_rows(total[None])[0], tuple(asked)


def build_index(
    source: IndexSource,
    library: LibraryName = "exact",
    *,
    table: VectorChoice | None = None,
    links: int = 16,
    build_breadth: int = 128,
    search_breadth: int = 128,
    workers: int | None = None,
) -> VectorIndex:
    """Return an index of the words of a model or of a file of vectors.

    Parameters
    ----------
    source : Word2Vec, Vectors or path
        A path leads to a model folder or to a file of vectors in any format.
    library : {"exact", "usearch", "faiss"}
        "exact" compares every vector and needs no library; the others keep a graph.
    table : {"in", "out", "sum", "both"}, optional
        Of a model; default: as `Word2Vec.wv`.
    links : int
        Of a word to near words, in a graph.
    build_breadth, search_breadth : int
        How many candidates are kept at a time while a graph is built, and searched. More find
        more of the nearest words, in more time.
    workers : int, optional
        Threads of exact search and of usearch, default: the cores at hand; FAISS has its own
        setting. With several threads a graph is not the same each time.

    Raises
    ------
    ConfigurationError
        If a setting is out of range, or `source` is of another kind.
    ModelFormatError
        If a path leads to no model and no file of vectors.
    MissingDependencyError
        If the library is not installed.
    """
    if library not in LIBRARIES:
        choices = ", ".join(map(repr, LIBRARIES))
        raise ConfigurationError(f"library: expected one of {choices}, got {shown_value(library)}")
    workers = checked_workers(workers)
    settings = _checked_settings(
        {"links": links, "build_breadth": build_breadth, "search_breadth": search_breadth}
    )
    words = words_of(source, table)
    exact = ExactSearch(words.table, workers, halved=library == "exact")
    index = VectorIndex(words, library, None, {} if library == "exact" else settings, exact)
    if library != "exact":
        index._graph = built_graph(library, words.table, settings, workers)
    return index


def open_index(
    folder: str | Path,
    source: IndexSource,
    *,
    table: VectorChoice | None = None,
    workers: int | None = None,
) -> VectorIndex:
    """Return an index that `VectorIndex.save` wrote, with the vectors that it was built of.

    Parameters
    ----------
    folder : path
    source : Word2Vec, Vectors or path
    table : {"in", "out", "sum", "both"}, optional
        As in `build_index`.
    workers : int, optional

    Raises
    ------
    ModelFormatError
        If it is no index, damaged, or was built of other words or vectors.
    MissingDependencyError
        If its library is not installed.
    """
    folder = Path(folder)
    workers = checked_workers(workers)
    content = _KIND.read(folder)
    with _KIND.damage(folder):
        require_signed(_MANIFEST, content)
        library = content["library"]
        if library not in LIBRARIES:
            raise ValueError(f"library: expected one of {', '.join(LIBRARIES)}, got {library!r}")
        settings = {} if library == "exact" else _checked_settings(content["settings"])
        expected = str(content["vectors_digest"])
        if library != "exact":
            require_described(folder / _GRAPH, content["files"][_GRAPH], verify=True)
    words = words_of(source, table)
    if digest_of(words) != expected:
        raise ModelFormatError(
            f"{folder}: expected the {content['words']:,} words and vectors that the index was "
            f"built of, got {len(words.table):,} that differ; open it with these, with the same "
            "table, or build it again"
        )
    graph = None
    if library != "exact":
        graph = opened_graph(library, folder / _GRAPH, words.table.shape, settings, workers)
    exact = ExactSearch(words.table, workers, halved=library == "exact")
    return VectorIndex(words, library, graph, settings, exact)


def _checked_settings(settings: GraphSettings) -> GraphSettings:
    bounds = {
        "links": (2, _MOST_LINKS),
        "build_breadth": (1, _MOST_BREADTH),
        "search_breadth": (1, _MOST_BREADTH),
    }
    return {
        name: whole_number(name, settings[name], low=low, high=high)
        for name, (low, high) in bounds.items()
    }


def _version_of(library: str) -> str | None:
    try:
        return version(_PACKAGES[library]) if library in _PACKAGES else None
    except PackageNotFoundError:  # faiss from another package than PyPI's
        return None
