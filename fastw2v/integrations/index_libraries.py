"""Graphs of near neighbours (Malkov and Yashunin 2018, "HNSW") by libraries: usearch and FAISS.

A graph takes unit vectors (V, D), and gives candidates whose cosines are computed from the vectors
themselves afterwards. Libraries are imported when a graph is made or opened.
"""

from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import MissingDependencyError, ModelFormatError, one_line
from fastw2v.system.dependencies import optional_module

__all__ = ["LIBRARIES", "Graph", "GraphSettings", "LibraryName", "built_graph", "opened_graph"]

LibraryName = Literal["exact", "usearch", "faiss"]
LIBRARIES = ("exact", "usearch", "faiss")

GraphSettings = dict[str, int]
"""``links, build_breadth, search_breadth``, as `build_index` has them."""

_NEEDED_BY = "fastw2v.integrations.index"
_ROWS_AT_ONCE = 10_000


class Graph(Protocol):
    """What finds candidates."""

    def add(self, units: NDArray[np.float32]) -> None:
        """Add vectors (N, D) of length 1, whose rows follow those that are there."""

    def search(self, queries: NDArray[np.float32], topn: int) -> NDArray[np.int64]:
        """Return rows (N, topn) near queries (N, D) of length 1; -1 where there is none."""

    def save(self, path: Path) -> None:
        """Write it to a file."""

    def shape(self) -> tuple[int, int]:
        """Return how many vectors it has, and their dimensions."""


class _Usearch:
    """Vectors are held in bfloat16: half the memory, and candidates are compared exactly later."""

    def __init__(self, index: Any, workers: int) -> None:
        self.index = index
        self.workers = workers

    @classmethod
    def built(cls, dimensions: int, settings: GraphSettings, workers: int) -> "_Usearch":
        module = optional_module("usearch.index", _NEEDED_BY, "index", "usearch")
        made = module.Index(
            ndim=dimensions,
            metric="ip",
            dtype="bf16",
            connectivity=settings["links"],
            expansion_add=settings["build_breadth"],
            expansion_search=settings["search_breadth"],
        )
        return cls(made, workers)

    @classmethod
    def opened(cls, path: Path, settings: GraphSettings, workers: int) -> "_Usearch":
        module = optional_module("usearch.index", _NEEDED_BY, "index", "usearch")
        index = module.Index.restore(str(path))
        if index is None:
            raise ValueError("expected an index of usearch")
        index.expansion_search = settings["search_breadth"]
        return cls(index, workers)

    def add(self, units: NDArray[np.float32]) -> None:
        first = len(self.index)
        keys = np.arange(first, first + len(units), dtype=np.uint64)
        self.index.add(keys, units, threads=self.workers)

    def search(self, queries: NDArray[np.float32], topn: int) -> NDArray[np.int64]:
        found = self.index.search(queries, topn, threads=self.workers)
        keys = np.asarray(found.keys).astype(np.int64).reshape(len(queries), -1)
        counts = np.atleast_1d(getattr(found, "counts", keys.shape[1]))
        keys[np.arange(keys.shape[1]) >= counts[:, None]] = -1  # beyond them memory is as it was
        return keys

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def shape(self) -> tuple[int, int]:
        return len(self.index), int(self.index.ndim)


class _Faiss:
    def __init__(self, index: Any) -> None:
        self.index = index

    @classmethod
    def built(cls, dimensions: int, settings: GraphSettings, workers: int) -> "_Faiss":
        faiss = optional_module("faiss", _NEEDED_BY, "faiss", "faiss-cpu")
        index = faiss.IndexHNSWFlat(dimensions, settings["links"], faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = settings["build_breadth"]
        index.hnsw.efSearch = settings["search_breadth"]
        return cls(index)

    @classmethod
    def opened(cls, path: Path, settings: GraphSettings, workers: int) -> "_Faiss":
        faiss = optional_module("faiss", _NEEDED_BY, "faiss", "faiss-cpu")
        index = faiss.read_index(str(path))
        if not isinstance(index, faiss.IndexHNSWFlat):
            raise ValueError(f"expected an IndexHNSWFlat, got {type(index).__name__}")
        index.hnsw.efSearch = settings["search_breadth"]
        return cls(index)

    def add(self, units: NDArray[np.float32]) -> None:
        self.index.add(units)

    def search(self, queries: NDArray[np.float32], topn: int) -> NDArray[np.int64]:
        return np.asarray(self.index.search(queries, topn)[1], np.int64)

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self.index, str(path))

    def shape(self) -> tuple[int, int]:
        return int(self.index.ntotal), int(self.index.d)


_GRAPHS: dict[str, Any] = {"usearch": _Usearch, "faiss": _Faiss}


def built_graph(
    library: str, table: NDArray[np.float32], settings: GraphSettings, workers: int
) -> Graph:
    """Return a graph of vectors (V, D) of any lengths.

    Raises
    ------
    MissingDependencyError
        If the library is not installed.
    """
    from fastw2v.objectives.exact_search import unit_rows

    graph: Graph = _GRAPHS[library].built(table.shape[1], settings, workers)
    for first in range(0, len(table), _ROWS_AT_ONCE):
        graph.add(unit_rows(table[first : first + _ROWS_AT_ONCE]))
    return graph


def opened_graph(
    library: str,
    path: Path,
    shape: tuple[int, int],
    settings: GraphSettings,
    workers: int,
) -> Graph:
    """Return a graph that was saved, of V vectors of D dimensions.

    Raises
    ------
    ModelFormatError
        If the library cannot read it, or it is of other vectors.
    MissingDependencyError
        If the library is not installed.
    """
    try:
        graph: Graph = _GRAPHS[library].opened(path, settings, workers)
        if graph.shape() != shape:
            raise ValueError(f"expected vectors of shape {shape}, got {graph.shape()}")
    except MissingDependencyError:
        raise
    except Exception as error:  # libraries raise whatever they come upon
        raise ModelFormatError(
            f"{path}: expected an index that {library} can read ({type(error).__name__}: "
            f"{one_line(error)}); build it again"
        ) from error
    return graph
