"""fastText's .bin: words, their vectors, and those of character n-grams for all other words.

The file has the settings, the dictionary, the input matrix (a row for each word, then one for each
bucket of n-grams) and the output matrix. A word's vector is the mean of its own row and of those
of its n-grams. Quantised models (.ftz) are refused.

References
----------
fastText 0.9.3, `FastText::saveModel`, `Args::save`, `Dictionary::save` and `DenseMatrix::save`.
"""

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import MOST_DIMENSIONS
from fastw2v.errors import ModelFormatError, OutputError, TextEncodingError
from fastw2v.formats.compression import opened_to_write
from fastw2v.formats.sources import ByteSource
from fastw2v.formats.vectors import (
    LONGEST_WORD_BYTES,
    Vectors,
    checked_vectors,
    joined_rows,
    length_refusal,
    require_writable_words,
)
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.features import Ngrams
from fastw2v.system.files import whole_file
from fastw2v.text.corpus import Progress
from fastw2v.text.files import COMPRESSED, plain_size

__all__ = ["MAGIC", "read", "refusal", "write"]

MAGIC = struct.pack("<i", 793712314)
_VERSIONS = (11, 12)
_SETTINGS = struct.Struct("<12id")
_DICTIONARY = struct.Struct("<iiiqq")
_ENTRY = struct.Struct("<qb")
_MATRIX = struct.Struct("<qq")
_NUMBER = np.dtype("<f4")
_ROWS_BYTES = 1 << 24
_MOST_ENTRIES = 2**31 - 1
_WORD, _LABEL = 0, 1
_SKIPGRAM, _SUPERVISED, _SOFTMAX = 2, 3, 3


class _Settings(NamedTuple):
    """fastText's `Args`, in the order of its file."""

    dim: int
    ws: int
    epoch: int
    min_count: int
    neg: int
    word_ngrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lr_update_rate: int
    t: float


@dataclass
class _Reader:
    """The parts of a file, read one behind the other; memory follows what has come."""

    path: Path
    source: ByteSource
    progress: Progress | None
    total: int | None

    def take(self, form: struct.Struct, what: str) -> tuple[Any, ...]:
        data = self.source.take(form.size)
        if data is None:
            raise self.cut(what)
        return form.unpack(data)

    def flag(self, what: str) -> bool:
        data = self.source.take(1)
        if data is None:
            raise self.cut(what)
        if data not in (b"\0", b"\1"):
            raise self.damaged(what, "0 or 1", str(data[0]))
        return data == b"\1"

    def matrix(
        self, what: str, rows: int, columns: int, *, kept: bool = True
    ) -> NDArray[np.float32]:
        """Return a matrix of so many numbers; one that is not kept is only looked through."""
        came = self.take(_MATRIX, what)
        if came != (rows, columns):
            raise self.damaged(
                what, f"{rows:,} x {columns:,} numbers", f"{came[0]:,} x {came[1]:,}"
            )
        parts: list[NDArray[np.float32]] = []
        left, at_once = rows, max(1, _ROWS_BYTES // (columns * _NUMBER.itemsize))
        while left:
            n_rows = min(left, at_once)
            data = self.source.take(n_rows * columns * _NUMBER.itemsize)
            if data is None:
                raise self.cut(what)
            if kept:
                part = np.frombuffer(data, _NUMBER).reshape(n_rows, columns)
                parts.append(part.astype(np.float32))
            left -= n_rows
            if self.progress is not None:
                self.progress(self.source.offset, self.total)
        return joined_rows(parts, columns)

    def cut(self, what: str) -> ModelFormatError:
        return ModelFormatError(
            f"{self.path}: expected {what} from byte offset {self.source.offset:,} on, got the end "
            "of the file; it is cut: fetch or write it again"
        )

    def damaged(self, what: str, expected: str, came: str) -> ModelFormatError:
        return ModelFormatError(
            f"{self.path}: expected {expected} as {what} before byte offset "
            f"{self.source.offset:,}, got {came}; the file is damaged"
        )


def read(path: Path, progress: Progress | None = None) -> Vectors:
    """Read a file: words with vectors, counts, and vectors of n-grams for unknown words.

    Raises
    ------
    ModelFormatError
        If it cannot be read, is cut, damaged, quantised, or of a version that is not known.
    TextEncodingError
        If a word is not UTF-8.
    """
    reader = _Reader(path, ByteSource(path), progress, plain_size(str(path)))
    settings = _read_settings(reader)
    words, counts = _read_dictionary(reader)
    if reader.flag("the mark of a quantised input matrix"):
        raise ModelFormatError(
            f"{path}: expected vectors as numbers, got a quantised model (.ftz) of fastText, which "
            "fastw2v does not read; take the model before quantisation (.bin)"
        )
    n_buckets = settings.bucket if settings.maxn > 0 or settings.word_ngrams > 1 else 0
    rows = reader.matrix("the input matrix", len(words) + n_buckets, settings.dim)
    _pass_outputs(reader, settings)
    own, of_ngrams = rows[: len(words)], rows[len(words) :]
    if settings.maxn <= 0:
        return checked_vectors(path, words, own, counts)
    ngrams = Ngrams(max(settings.minn, 1), settings.maxn, settings.bucket)
    used = np.flatnonzero(of_ngrams.any(axis=1)).astype(np.int32)
    table = NgramVectors(
        ngrams, used, of_ngrams if len(used) == len(of_ngrams) else of_ngrams[used]
    )
    found = checked_vectors(path, words, table.word_vectors(words, own), counts)
    if not np.isfinite(table.vectors).all():
        raise ModelFormatError(
            f"{path}: expected finite numbers in the rows of n-grams, got others; the file is "
            "damaged"
        )
    return Vectors(found.words, found.vectors, found.counts, ngrams=table)


def _pass_outputs(reader: _Reader, settings: _Settings) -> None:
    """Look through the output matrix, so that a cut file is noticed."""
    what = "the output matrix"
    if reader.flag("the mark of a quantised output matrix"):
        raise reader.damaged(what, "numbers", "a quantised one beside plain vectors")
    n_rows, _ = _MATRIX.unpack(reader.source.peek(_MATRIX.size) or bytes(_MATRIX.size))
    if n_rows < 0:
        raise reader.damaged(what, "a number of rows", f"{n_rows:,}")
    reader.matrix(what, n_rows, settings.dim, kept=False)
    if not reader.source.is_at_end:
        raise reader.damaged("the end of the file", "nothing", "more bytes")


def _read_settings(reader: _Reader) -> _Settings:
    magic = reader.source.take(len(MAGIC))
    if magic != MAGIC:
        raise ModelFormatError(
            f"{reader.path}: expected a model of fastText, which begins with {MAGIC!r}, got "
            f"{magic!r}"
        )
    (version,) = reader.take(struct.Struct("<i"), "the version")
    if version not in _VERSIONS:
        raise ModelFormatError(
            f"{reader.path}: expected a model of fastText in version "
            f"{' or '.join(map(str, _VERSIONS))}, got version {version}; the file is damaged, or "
            "of another fastText"
        )
    settings = _Settings(*reader.take(_SETTINGS, "the settings"))
    if version == 11 and settings.model == _SUPERVISED:
        settings = settings._replace(maxn=0)  # as fastText itself does
    bounds = {
        "dim": (settings.dim, 1, MOST_DIMENSIONS),
        "bucket": (settings.bucket, 1 if settings.maxn > 0 else 0, _MOST_ENTRIES),
        # Where there are no n-grams, programs leave here what they find.
        "minn": (settings.minn, 0, settings.maxn if settings.maxn > 0 else _MOST_ENTRIES),
        "maxn": (settings.maxn, 0, 2**20),
    }
    for name, (came, low, high) in bounds.items():
        if not low <= came <= high:
            raise reader.damaged(name, f"{low:,} to {high:,}", f"{came:,}")
    return settings


def _read_dictionary(reader: _Reader) -> tuple[list[str], NDArray[np.int64] | None]:
    """Return the words and their counts; labels, which have no vectors, come behind them."""
    size, n_words, n_labels, n_tokens, pruned = reader.take(_DICTIONARY, "the dictionary")
    if min(size, n_words, n_labels) < 0 or size != n_words + n_labels:
        raise reader.damaged("its sizes", "words and labels that add up", f"{size:,} entries")
    words: list[str] = []
    counts: list[int] = []
    for number in range(size):
        at = reader.source.offset
        word = reader.source.until(b"\0", LONGEST_WORD_BYTES)
        if word is None:
            raise reader.cut(f"entry {number + 1:,} of {size:,} of the dictionary")
        count, kind = reader.take(_ENTRY, f"the count of entry {number + 1:,}")
        if kind != (_WORD if number < n_words else _LABEL) or count < 0:
            raise reader.damaged(
                f"entry {number + 1:,}",
                "a count, and words before labels",
                f"count {count}, kind {kind}",
            )
        try:
            words.append(word.decode())
        except UnicodeDecodeError as error:
            raise TextEncodingError(
                f"{reader.path}: expected a word in UTF-8 at byte offset {at:,} (entry "
                f"{number + 1:,}), got {word[:40]!r} ({error.reason})"
            ) from None
        counts.append(count)
    if pruned > 0:
        raise ModelFormatError(
            f"{reader.path}: expected all n-grams, got a model that was pruned, as fastText does "
            "when it quantises; take the model before that (.bin)"
        )
    known = np.array(counts[:n_words], np.int64)
    return words[:n_words], known if n_tokens and known.any() else None


def write(vectors: Vectors, target: Path, progress: Progress | None = None) -> None:
    """Write a file that fastText and gensim open.

    Known words get the vectors that they have, and unknown ones the mean of their n-grams' where
    there are vectors of n-grams; without them it is a file without n-grams (maxn 0). Where counts
    are unknown every word has 1, in a text of 0 tokens.

    Raises
    ------
    OutputError
        If it cannot be written, or a word holds a byte of zero, at which it would end.
    """
    require_writable_words(target, "fasttext-bin", vectors.words, refusal)
    table = vectors.ngrams or NgramVectors.nothing(vectors.vectors.shape[1])
    ngrams = table.ngrams
    n_words, dimensions = vectors.vectors.shape
    known = vectors.counts if vectors.counts is not None else np.zeros(n_words, np.int64)
    counts = np.maximum(known, 1)  # gensim leaves out words that were seen less than once
    settings = _Settings(
        dim=dimensions, ws=5, epoch=5, min_count=1, neg=5, word_ngrams=1, loss=_SOFTMAX,
        model=_SKIPGRAM, bucket=ngrams.bucket, minn=ngrams.min_n if ngrams.max_n else 0,
        maxn=ngrams.max_n, lr_update_rate=100, t=1e-4,
    )  # fmt: skip
    _require_room(target, _NUMBER.itemsize * dimensions * (2 * n_words + ngrams.bucket), ngrams)
    with whole_file(target) as temporary, opened_to_write(temporary) as file:
        file.write(MAGIC + struct.pack("<i", _VERSIONS[-1]) + _SETTINGS.pack(*settings))
        file.write(_DICTIONARY.pack(n_words, n_words, 0, int(known.sum()), -1))
        for word, count in zip(vectors.words, counts.tolist(), strict=True):
            file.write(word.encode() + b"\0" + _ENTRY.pack(count, _WORD))
        file.write(b"\0" + _MATRIX.pack(n_words + ngrams.bucket, dimensions))
        _write_words(vectors, table, file, progress)
        _write_buckets(table, file)
        # The output matrix is of no use for vectors, but fastText wants one of these columns.
        file.write(b"\0" + _MATRIX.pack(n_words, dimensions))
        file.write(np.ascontiguousarray(vectors.vectors, _NUMBER).tobytes())


def _require_room(target: Path, n_bytes: int, ngrams: Ngrams) -> None:
    """Raise `OutputError` if a file that has a row for every bucket cannot fit on the disk."""
    folder = target.absolute().parent
    # Zeros take next to no room where they are compressed.
    if not ngrams.bucket or not folder.is_dir() or target.suffix in COMPRESSED:
        return
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise OutputError(
            f"{target}: expected {n_bytes / 2**30:,.1f} GiB of room for a row for each of "
            f"{ngrams.bucket:,} buckets, got {free / 2**30:,.1f} GiB; train with a smaller bucket"
        )


def _write_words(
    vectors: Vectors, table: NgramVectors, file: IO[bytes], progress: Progress | None
) -> None:
    """Write the words' own rows: what their n-grams leave of the sum whose mean they are."""
    at_once = max(1, _ROWS_BYTES // (8 * vectors.vectors.shape[1]))
    for first in range(0, len(vectors.words), at_once):
        part = slice(first, first + at_once)
        own = table.own_rows(vectors.words[part], vectors.vectors[part])
        file.write(own.astype(_NUMBER).tobytes())
        if progress is not None:
            progress(first, len(vectors.words))


def _write_buckets(table: NgramVectors, file: IO[bytes]) -> None:
    dimensions = table.vectors.shape[1]
    at_once = max(1, _ROWS_BYTES // (_NUMBER.itemsize * dimensions))
    for first in range(0, table.ngrams.bucket, at_once):
        last = min(first + at_once, table.ngrams.bucket)
        rows = np.zeros((last - first, dimensions), _NUMBER)
        low, high = np.searchsorted(table.buckets, [first, last])
        rows[table.buckets[low:high] - first] = table.vectors[low:high]
        file.write(rows.tobytes())


def refusal(word: str, *, is_first: bool = False) -> str | None:
    """Return why a word cannot be written; None if it can."""
    if not word or "\0" in word:
        return "is empty or holds a byte of zero"
    return length_refusal(word)
