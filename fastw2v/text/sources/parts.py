"""A file of any kind, or a part of one that can be read by itself.

A plain file of lines is cut into ranges of bytes; a line belongs to the range in which it begins,
so that every line is read once and whole, wherever ranges are cut. Tables are cut between row
groups.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO, Literal

from fastw2v.config import Errors, Kind
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.system.file_kinds import LOOK_BYTES as CONTENT_BYTES
from fastw2v.system.file_kinds import require_text
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import BLOCK_BYTES, GZIP, TextBlock, blocks_of, shown_name
from fastw2v.text.paragraphs import whole_paragraphs
from fastw2v.text.sources.cells import Piece
from fastw2v.text.sources.columnar import cut_groups, group_sizes, read_columnar
from fastw2v.text.sources.delimited import check_delimited, read_delimited
from fastw2v.text.sources.json_lines import check_json_lines, read_json_lines
from fastw2v.text.sources.kinds import (
    LOOK_BYTES,
    TABLES,
    Field,
    MissingValues,
    compression_of,
    kind_by_content,
    kind_by_name,
    require_no_field,
)
from fastw2v.text.sources.streams import (
    byte_chunks,
    changed_us,
    is_url,
    open_bytes,
    reading,
    size_of,
)
from fastw2v.text.token_kinds import tokens_from_json

__all__ = ["SPOOL", "Part"]

SPOOL: Literal["spool"] = "spool"
"""Lines of JSON that `fastw2v.counts.sharded` wrote: texts, lists of tokens of any kind, null."""
PartKind = Kind | Literal["spool"]
_COUNT_ANEW = "remove what is counted so far, and count anew when it no longer changes"


@dataclass(frozen=True)
class Part:
    """A file, or a part of one.

    Attributes
    ----------
    source : str
        Path, URL or ``"-"``.
    kind : {"text", "jsonl", "csv", "tsv", "parquet", "arrow", "spool"}, optional
        None: as its name says, or its first bytes.
    field : str or int, optional
        The field or column to read of all kinds but plain text.
    start, stop : int, optional
        Of lines: the range of bytes in which they begin. Of tables: the range of row groups or
        record batches. None for all.
    size : int, optional
        Bytes of the whole source when the part was cut, where it is known.
    changed_us : int, optional
        When the source had been written to last by then, where it is known.
    """

    source: str
    kind: PartKind | None = None
    field: Field | None = None
    start: int | None = None
    stop: int | None = None
    size: int | None = None
    changed_us: int | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.start is None or self.stop is None:
            return shown_name(self.source)
        unit = "row groups" if self.kind in TABLES else "bytes"
        return f"{self.source} ({unit} {self.start:,} to {self.stop:,})"

    @property
    def n_bytes(self) -> int:
        """About how much there is to read."""
        if self.kind not in TABLES and self.start is not None and self.stop is not None:
            return self.stop - self.start
        return self.size or 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; not when it was written, as a copy will do."""
        values = asdict(self)
        del values["changed_us"]
        return values

    def read(
        self,
        errors: Errors,
        repairs: Repairs,
        missing: MissingValues,
        block_bytes: int = BLOCK_BYTES,
        *,
        paragraphs: bool = False,
    ) -> Iterator[tuple[Piece, int]]:
        """Yield blocks of text and batches of tokens, each with the bytes read by its end.

        Parameters
        ----------
        errors : {"strict", "replace", "ignore"}
            What to do with what is not UTF-8, see `fastw2v.text.encoding`.
        repairs : Repairs
            Counts what was replaced or left out.
        missing : MissingValues
            Counts what is missing in the field.
        block_bytes : int
            About how many bytes a block has; a longer line makes its block longer.
        paragraphs : bool
            Whether lines of plain text are paragraphs, see `fastw2v.text.paragraphs`.

        Raises
        ------
        CorpusError
            If it cannot be read, changes meanwhile, is damaged, or has no such field.
        TextEncodingError
            If its text is not UTF-8, and `errors` does not help.
        """
        kind = self.kind or kind_by_name(self.source)
        groups = None if self.start is None or self.stop is None else (self.start, self.stop)
        if kind in TABLES:
            yield from read_columnar(
                self.source, kind, self.field, groups, errors, repairs, missing
            )
            return
        if groups is not None:
            blocks = _lines_of_range(self.source, groups, errors, repairs)
            line = 1 if groups[0] == 0 else None
            yield from self._of_lines(kind, blocks, missing, line, paragraphs)
            return
        first, chunks = _looked_at(self.source, kind, block_bytes)
        kind = kind or kind_by_content(self.source, first)
        if kind in TABLES:
            chunks.close()
            yield from replace(self, kind=kind).read(errors, repairs, missing, block_bytes)
            return
        require_text(first[:CONTENT_BYTES], shown_name(self.source))
        if kind in ("csv", "tsv"):
            yield from read_delimited(
                chunks, self.source, kind, self.field, first, errors, repairs, missing
            )
            return
        self._check(kind, first)
        blocks = blocks_of(chunks, shown_name(self.source), errors, repairs)
        yield from self._of_lines(kind, blocks, missing, 1, paragraphs)

    def _of_lines(
        self,
        kind: PartKind | None,
        blocks: Iterator[tuple[TextBlock, int]],
        missing: MissingValues,
        line: int | None,
        paragraphs: bool,
    ) -> Iterator[tuple[Piece, int]]:
        if kind == SPOOL:
            return read_json_lines(blocks, None, missing, line, _restored)
        if kind == "jsonl":
            return read_json_lines(blocks, self.field, missing, line)
        return whole_paragraphs(blocks) if paragraphs else blocks

    def _check(self, kind: PartKind, first: bytes) -> None:
        """Refuse a file that has not the field, or no fields though one was named."""
        if kind == "jsonl":
            check_json_lines(self.source, first, self.field)
        elif kind in ("csv", "tsv"):
            check_delimited(self.source, kind, self.field, first)
        elif kind == "text":
            require_no_field(self.source, self.field)

    def cut(self, part_bytes: int) -> Iterator["Part"]:
        """Cut a file into parts of about so many bytes; compressed and CSV files stay whole.

        Raises
        ------
        CorpusError
                If it cannot be opened, or has no such field.
        ConfigurationError
            If `part_bytes` is less than 1.
        """
        if part_bytes < 1:
            raise ConfigurationError(f"block_bytes: expected at least 1, got {part_bytes}")
        size, changed = size_of(self.source), changed_us(self.source)
        kind = self.kind or kind_by_name(self.source)
        if kind not in TABLES:
            first, chunks = _looked_at(self.source, kind, LOOK_BYTES)
            chunks.close()
            kind = kind or kind_by_content(self.source, first)
            if kind not in TABLES:
                require_text(first[:CONTENT_BYTES], shown_name(self.source))
                self._check(kind, first)
        whole = replace(self, kind=kind, size=size, changed_us=changed)
        if kind in TABLES:
            for start, stop in cut_groups(group_sizes(self.source, kind, self.field), part_bytes):
                yield replace(whole, start=start, stop=stop)
        elif size is None or compression_of(self.source) or kind in ("csv", "tsv"):
            yield whole
        else:
            for start in range(0, max(size, 1), part_bytes):
                yield replace(whole, start=start, stop=min(start + part_bytes, size))

    def require_unchanged(self) -> None:
        """Raise `CorpusError` if the file was written to since it was cut, as far as is known."""
        size = size_of(self.source)
        if size != self.size:
            raise CorpusError(
                f"{self.source}: expected a file of {self.size} bytes, as when counting began, got "
                f"{size}; {_COUNT_ANEW}"
            )
        if self.changed_us is not None and changed_us(self.source) != self.changed_us:
            raise CorpusError(
                f"{self.source}: expected the file as it was when counting began, got one of as "
                f"many bytes that was written to since; {_COUNT_ANEW}"
            )


def _restored(value: Any) -> Any:
    """Return a value as it was before it was spooled; null within a list is what was missing."""
    if not isinstance(value, list):
        return value
    return [None if token is None else tokens_from_json([token])[0] for token in value]


def _looked_at(source: str, kind: PartKind | None, chunk_bytes: int) -> tuple[bytes, Any]:
    """Return the first bytes, as many as tell the kind and the fields, and all chunks.

    An object of JSON is there to the end of its line, however long that is.
    """
    # These give less than is asked for at the end alone, which is not waited for; other
    # decompressors do wherever a frame ends.
    ends_short = not is_url(source) and compression_of(source) in ("", GZIP)
    held: list[bytes] = []
    first, line_end = bytearray(), 0
    chunks = byte_chunks(source, chunk_bytes)
    for chunk in chunks:
        held.append(chunk)
        first += chunk
        head = first[:CONTENT_BYTES]
        beginning = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        is_object = kind in (None, "jsonl") and beginning.startswith(b"{")
        if is_object and not line_end:
            begin = max(len(head) - len(beginning), len(first) - len(chunk))
            line_end = first.find(b"\n", begin) + 1
        enough = CONTENT_BYTES if kind in (None, "text") and not is_object else LOOK_BYTES
        if len(first) >= enough and (line_end or not is_object):
            break
        if ends_short and len(chunk) < chunk_bytes:
            break
    return bytes(first[: max(line_end, LOOK_BYTES)]), _all_chunks(held, chunks)


def _all_chunks(held: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from held
    yield from rest


def _lines_of_range(
    name: str, span: tuple[int, int], errors: Errors, repairs: Repairs
) -> Iterator[tuple[TextBlock, int]]:
    """Yield the lines that begin in a range of bytes, the last of them whole."""
    position, stop = span
    with reading(name), open_bytes(name) as stream:
        if position:
            stream.seek(position - 1)
            position += _skip_line(stream) - 1
        chunks = _chunks_of_range(stream, position, stop)
        yield from blocks_of(chunks, name, errors, repairs, position)


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line, and return how many bytes that took."""
    n_bytes = 0
    while data := stream.readline(BLOCK_BYTES):
        n_bytes += len(data)
        if data.endswith(b"\n"):
            break
    return n_bytes


def _chunks_of_range(stream: BinaryIO, position: int, stop: int) -> Iterator[bytes]:
    ends_line = True
    while position < stop:
        data = stream.read(min(BLOCK_BYTES, stop - position))
        if not data:
            return
        position += len(data)
        ends_line = data.endswith(b"\n")
        yield data
    while not ends_line:
        data = stream.readline(BLOCK_BYTES)
        if not data:
            return
        ends_line = data.endswith(b"\n")
        yield data
