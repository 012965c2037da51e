"""Counts in files: parts of whole rows, written as they come, mapped where they are used.

Where the rows are cut into parts follows from the counts alone, not from who made them: a part
takes the next row as long as it has at most `PART_ENTRIES` entries with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.counts.matrix import LARGEST_INT32, CountPart, CountParts, SparseCounts
from fastw2v.system.array_files import read_arrays, write_arrays
from fastw2v.system.manifests import file_digest, require_digest

__all__ = ["PART_ENTRIES", "CountsInFiles", "PartFile", "PartsWriter", "write_parts"]

PART_ENTRIES = 2**23  # 8 or 12 bytes each
_OPEN_PARTS = 128  # files that are mapped at a time


@dataclass(frozen=True)
class PartFile:
    """What is known of a part without opening it."""

    file: str
    first: int
    n_rows: int
    n_entries: int
    digest: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


class CountsInFiles(SparseCounts):
    """Counts whose parts are files; a part is mapped when it is asked for.

    Parameters
    ----------
    folder : Path
    files : sequence of PartFile
        From the first row to the last.
    open_parts : int
        How many of them may be mapped at a time.

    Raises
    ------
    ValueError
        If the parts do not follow one another.
    """

    def __init__(
        self, folder: Path, files: Sequence[PartFile], open_parts: int = _OPEN_PARTS
    ) -> None:
        following = 0
        for part in files:
            if part.first != following or part.n_rows < 1:
                raise ValueError(
                    f"{part.file}: expected rows from {following} on, got {part.n_rows} from "
                    f"{part.first} on"
                )
            following += part.n_rows
        self.folder = folder
        self.files = list(files)
        self._n_words = following
        self._parts = _Parts(folder, self.files, open_parts)

    @property
    def n_words(self) -> int:
        """V, the number of rows and of columns."""
        return self._n_words

    @property
    def n_entries(self) -> int:
        """The number of pairs of words that were seen at all."""
        return sum(part.n_entries for part in self.files)

    @property
    def parts(self) -> Sequence[CountPart]:
        """The rows from the first to the last."""
        return self._parts

    @property
    def firsts(self) -> list[int]:
        """The first centre word of each part."""
        return [part.first for part in self.files]

    def verify(self) -> None:
        """Read all files once and compare with their digests; look at every entry.

        Raises
        ------
        ValueError
            If a file is not what was written, or holds no counts.
        """
        for part in self.files:
            require_digest(self.folder / part.file, part.digest)
        self.check()


class _Parts(CountParts):
    def __init__(self, folder: Path, files: list[PartFile], open_parts: int) -> None:
        self._folder = folder
        self._files = files
        self._opened = lru_cache(open_parts)(self._open)

    def __len__(self) -> int:
        return len(self._files)

    def part(self, number: int) -> CountPart:
        """Return the part of this number, mapped."""
        return self._opened(number)

    def _open(self, number: int) -> CountPart:
        part = self._files[number]
        arrays = read_arrays(self._folder / part.file, mapped=True)
        indptr, indices, values = arrays["indptr"], arrays["indices"], arrays["values"]
        if (
            len(indptr) != part.n_rows + 1
            or not len(indices) == len(values) == part.n_entries == indptr[-1]
            or indptr[0] != 0
            or np.any(np.diff(indptr) < 0)
            or indptr.dtype != np.int64
            or indices.dtype != np.int32
            or values.dtype not in (np.int32, np.int64)
        ):
            raise ValueError(f"{part.file}: expected {part.n_entries} entries in rows, got others")
        return CountPart(part.first, indptr, indices, values)


class PartsWriter:
    """Writes rows to files as they come, cut by the rule above.

    Parameters
    ----------
    folder : Path
        Exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[PartFile] = []
        self._waiting: list[CountPart] = []
        self._n_entries = 0
        self._first = 0

    def add(self, rows: CountPart) -> None:
        """Add the next rows, which are kept until their part is written: arrays of their own."""
        indptr = rows.indptr
        start = 0
        while start < rows.n_rows:
            room = PART_ENTRIES - self._n_entries + indptr[start]
            stop = int(np.searchsorted(indptr, room, side="right")) - 1
            if stop <= start:
                if self._waiting:
                    self._flush()
                    continue
                stop = start + 1
            entries = slice(indptr[start], indptr[stop])
            sizes = indptr[start : stop + 1] - indptr[start]
            self._waiting.append(CountPart(0, sizes, rows.indices[entries], rows.values[entries]))
            self._n_entries += int(sizes[-1])
            start = stop

    def close(self) -> list[PartFile]:
        """Write what is left and return all files."""
        if self._waiting:
            self._flush()
        return self._files

    def _flush(self) -> None:
        ends = np.cumsum([0] + [len(part.indices) for part in self._waiting])
        starts = [part.indptr[:-1] + end for part, end in zip(self._waiting, ends, strict=False)]
        indptr = np.concatenate([*starts, ends[-1:]]).astype(np.int64)
        indices = np.concatenate([part.indices for part in self._waiting])
        values = np.concatenate([part.values for part in self._waiting])
        self._waiting = []
        fits = values.max(initial=0) <= LARGEST_INT32
        values = values.astype(np.int32 if fits else np.int64, copy=False)
        name = f"part-{len(self._files):05}.safetensors"
        path = self._folder / name
        write_arrays(path, {"indptr": indptr, "indices": indices, "values": values})
        n_rows, n_entries = len(indptr) - 1, len(indices)
        self._files.append(PartFile(name, self._first, n_rows, n_entries, file_digest(path)))
        self._first += n_rows
        self._n_entries = 0


def write_parts(folder: Path, rows: Iterable[CountPart]) -> list[PartFile]:
    """Write rows, from the first to the last, to a folder that exists."""
    writer = PartsWriter(folder)
    for block in rows:
        writer.add(block)
    return writer.close()
