"""Shards: parts of a corpus that can be read, and counted, by themselves.

A plain file is cut into ranges of bytes; a line belongs to the range in which it begins, so that
every line is read once and whole, wherever ranges are cut.
"""

import glob
import json
import lzma
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from fastw2v.config import Errors
from fastw2v.counts.sharded import columnar as tables
from fastw2v.counts.sharded.sources import fsspec_module, open_bytes, reading
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.system.file_kinds import text_chunks
from fastw2v.text.corpus import TokenBatch, TokenCorpus
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import (
    COMPRESSED,
    TextBlock,
    blocks_of,
    decompressed,
    files_of,
    text_blocks,
)
from fastw2v.text.numbering import TokenReader

__all__ = ["SENTENCES_OF_SHARD", "Shard", "shards_of"]

Kind = Literal["text", "table", "sentences", "given"]

READ_BYTES = 4 << 20
SENTENCES_OF_SHARD = 100_000


@dataclass(frozen=True)
class Shard:
    """A part of a corpus.

    Attributes
    ----------
    number : int
        Its place in the corpus.
    kind : {"text", "table", "sentences", "given"}
        A text file or URL; a Parquet or Arrow file or URL; lists of tokens spooled as lines of
        JSON; lists of tokens that are handed over when they are read.
    source : str
        Path or URL, or what messages call it.
    start, stop : int or None
        Of a plain text file: the range of bytes in which its lines begin. Of a table: the range of
        its row groups or record batches. None for all.
    column : str or None
        Of a table.
    size : int or None
        Bytes of the whole source when the shard was cut, where it is known.
    """

    number: int
    kind: Kind
    source: str
    start: int | None = None
    stop: int | None = None
    column: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """What messages call the shard."""
        if self.start is None:
            return self.source
        if self.stop is None:
            return f"{self.source} (from byte {self.start:,} on)"
        unit = "bytes" if self.kind == "text" else "row groups"
        return f"{self.source} ({unit} {self.start:,} to {self.stop:,})"

    @property
    def n_bytes(self) -> int:
        """About how much there is to read."""
        if self.kind == "text" and self.start is not None and self.stop is not None:
            return self.stop - self.start
        return self.size or 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)

    def read(
        self,
        reader: TokenReader,
        given: Any = None,
        errors: Errors = "strict",
        repairs: Repairs | None = None,
    ) -> None:
        """Give all its tokens to a reader.

        Parameters
        ----------
        reader : TokenReader
        given : iterable of lists of str, optional
            The sentences of a shard of the kind "given", or what computes them (of Dask).
        errors, repairs
            As in `fastw2v.text.files.text_blocks`.

        Raises
        ------
        CorpusError
            If it cannot be read, is damaged, or not of the size that it had.
        TextEncodingError
            If its text is not UTF-8, and `errors` does not help.
        """
        if self.kind in ("text", "table"):
            _require_unchanged(self)
        if self.kind == "text":
            reader.read_text(self._text(errors, repairs))
        elif self.kind == "given":
            sentences = given.compute(scheduler="sync") if hasattr(given, "compute") else given
            reader.read_sentences(TokenCorpus(sentences).batches())
        elif self.kind == "sentences":
            reader.read_sentences(self._sentences())
        else:
            for content in tables.contents(self.source, self.column, self.start, self.stop):
                if isinstance(content, bytes):
                    reader.read_text(block for block, _ in blocks_of([content], self.name))
                else:
                    reader.read_sentences(TokenCorpus(content).batches())

    def _text(self, errors: Errors, repairs: Repairs | None) -> Iterator[TextBlock]:
        name = self.source
        if self.start is not None and self.stop is not None:
            blocks = _lines_of_range(name, (self.start, self.stop), errors, repairs)
        elif "://" in name:
            chunks = text_chunks(_chunks_of_url(name), name)
            blocks = blocks_of(chunks, name, errors, repairs)
        else:
            blocks = text_blocks(name, READ_BYTES, errors, repairs)
        return (block for block, _ in blocks)

    def _sentences(self) -> Iterator[TokenBatch]:
        with Path(self.source).open("rb") as file:
            file.seek(self.start or 0)
            lines = islice(file, SENTENCES_OF_SHARD)
            yield from TokenCorpus(json.loads(line) for line in lines).batches()


def shards_of(
    sources: Iterable[str], block_bytes: int, column: str | None = None
) -> Iterator[Shard]:
    """Cut sources into shards, in their order.

    Parameters
    ----------
    sources : iterable of str
        Files, folders, globs or URLs (as fsspec knows them); plain or compressed text, Parquet
        (.parquet) or Arrow (.arrow, .feather).
    block_bytes : int
        About how many bytes a shard of a plain file has. Compressed files are shards as they are,
        and tables are cut between row groups.
    column : str, optional
        The column of tables: of text, or of lists of tokens. Default: the only such one.

    Raises
    ------
    CorpusError
        If there is no such file, or it cannot be opened.
    ConfigurationError
        If `block_bytes` is less than 1, or a table has no such column.
    """
    if block_bytes < 1:
        raise ConfigurationError(f"block_bytes: expected at least 1, got {block_bytes}")
    number = 0
    for name in _names_of(sources):
        size = size_of(name)
        for kind, start, stop, of_column in _cuts(name, size, block_bytes, column):
            yield Shard(number, kind, name, start, stop, of_column, size)
            number += 1


def _cuts(
    name: str, size: int | None, block_bytes: int, column: str | None
) -> Iterator[tuple[Kind, int | None, int | None, str | None]]:
    suffix = Path(name).suffix.lower()
    if suffix in tables.SUFFIXES:
        found, groups = tables.look(name, column)
        for start, stop in tables.cut_groups(groups, block_bytes):
            yield "table", start, stop, found
    elif size is None or suffix in COMPRESSED:
        yield "text", None, None, None
    else:
        for start in range(0, max(size, 1), block_bytes):
            yield "text", start, min(start + block_bytes, size), None


def _names_of(sources: Iterable[str]) -> Iterator[str]:
    for source in sources:
        if "://" in source:
            yield from _urls_of(source)
        elif glob.has_magic(source) and not Path(source).exists():
            found = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - absolute ones too
            if not found:
                raise CorpusError(f"{source}: expected files that match, found none")
            for name in found:
                yield from files_of(Path(name))
        else:
            yield from files_of(Path(source))


def _urls_of(url: str) -> list[str]:
    with reading(url):
        system, path = fsspec_module().core.url_to_fs(url)
        if glob.has_magic(path):
            found = sorted(system.glob(path))
        elif system.isdir(path):
            found = sorted(
                name
                for name in system.find(path)
                if not any(part.startswith(".") for part in name[len(path) :].split("/"))
            )
        else:
            found = [path] if system.exists(path) else []
        if not found:
            raise CorpusError(f"{url}: no such file, or none that matches")
        return [str(system.unstrip_protocol(name)) for name in found]


def size_of(name: str) -> int | None:
    """Return the size of a file or URL in bytes, None where it cannot be known."""
    if "://" not in name:
        return Path(name).stat().st_size if Path(name).is_file() else None
    with reading(name):
        system, path = fsspec_module().core.url_to_fs(name)
        return cast("int | None", system.size(path))


def _require_unchanged(shard: Shard) -> None:
    size = size_of(shard.source)
    if size != shard.size:
        raise CorpusError(
            f"{shard.source}: expected a file of {shard.size} bytes, as when counting began, got "
            f"{size}; count again when it no longer changes"
        )


def _chunks_of_url(url: str) -> Iterator[bytes]:
    with reading(url), open_bytes(url) as stream:
        try:
            yield from decompressed(stream, Path(url).suffix.lower(), READ_BYTES)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise CorpusError(
                f"{url}: expected whole {Path(url).suffix} data, got damaged or cut ones ({error})"
            ) from error


def _lines_of_range(
    name: str, span: tuple[int, int], errors: Errors, repairs: Repairs | None
) -> Iterator[tuple[TextBlock, int]]:
    """Yield the lines that begin in a range of bytes, the last of them whole."""
    position, stop = span
    with reading(name), open_bytes(name) as stream:
        if position:
            stream.seek(position - 1)
            position += _skip_line(stream) - 1
        chunks = _chunks_of_range(stream, position, stop)
        if not position:
            chunks = text_chunks(chunks, name)
        yield from blocks_of(chunks, name, errors, repairs, position)


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line, and return how many bytes that took."""
    n_bytes = 0
    while data := stream.readline(READ_BYTES):
        n_bytes += len(data)
        if data.endswith(b"\n"):
            break
    return n_bytes


def _chunks_of_range(stream: BinaryIO, position: int, stop: int) -> Iterator[bytes]:
    ends_line = True
    while position < stop:
        data = stream.read(min(READ_BYTES, stop - position))
        if not data:
            return
        position += len(data)
        ends_line = data.endswith(b"\n")
        yield data
    while not ends_line:
        data = stream.readline(READ_BYTES)
        if not data:
            return
        ends_line = data.endswith(b"\n")
        yield data
