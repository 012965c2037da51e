"""What may be given as a corpus: text in files, fields of files and tables, lists of tokens.

A line is a sentence, and so is a list of tokens. Nothing is skipped or replaced unasked: what is
not as expected is an error that says where.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from itertools import chain
from typing import Any

from fastw2v.config import Errors, Kind
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.kernels.text.scan import PADDING
from fastw2v.text.batches import BATCH_TOKENS, described, sentence_batches
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import BLOCK_BYTES, AnyPath, TextBlock, is_read_once, plain_size, shown_name
from fastw2v.text.sources.cells import Piece
from fastw2v.text.sources.frames import is_frame, record_values, value_pieces, values_of_frame
from fastw2v.text.sources.kinds import Field, MissingValues, checked_kind
from fastw2v.text.sources.locations import files_of_all, located_files
from fastw2v.text.sources.parts import Part
from fastw2v.text.sources.streams import is_url

__all__ = [
    "Corpus",
    "Field",
    "Kind",
    "OpenedCorpus",
    "Progress",
    "Source",
    "open_corpus",
    "with_field",
]

Progress = Callable[[int, int | None], None]
"""Called with the bytes read so far, and with those in all where that is known."""


@dataclass(frozen=True, eq=False)
class Source:
    """A corpus with the field that holds its text; accepted wherever a corpus is.

    Parameters
    ----------
    corpus : path, paths, table, column, or iterable of records
        Files of JSON lines, CSV, TSV, Parquet or Arrow, compressed too; a data frame of pandas or
        polars, a table of pyarrow; whatever yields records, as a dataset of Hugging Face does.
    field : str or int, optional
        The field or column. A field within a field is named "outer.inner". A whole number is the
        place of a column in a CSV file without a header, from 1.
    read_as : {"text", "jsonl", "csv", "tsv", "parquet", "arrow"}, optional
        What the files are. Default: what their names or first bytes say.

    Raises
    ------
    ConfigurationError
        If `field` or `read_as` cannot be.
    """

    corpus: Any
    field: Field | None = None
    read_as: Kind | None = None

    def __post_init__(self) -> None:
        checked_kind(self.read_as)
        name = self.field
        if name is None or (isinstance(name, str) and name):
            return
        if not isinstance(name, int) or isinstance(name, bool) or name < 0:
            raise ConfigurationError(
                f"field: expected the name of a field, or the number of a column, got {name!r}"
            )

    def options(self) -> dict[str, Any]:
        """Return the options given with the corpus, as plain values that JSON can hold."""
        return {"field": self.field, "read_as": self.read_as}


@dataclass(frozen=True, eq=False)
class OpenedCorpus:
    """A corpus of any kind; it yields pieces, which are blocks of text or batches of tokens.

    Parameters
    ----------
    parts : tuple of Part
        Its files, in order; none where it is given as objects.
    sentences : iterable of iterable of str, optional
        Lists of tokens, read once, as they come. A token may hold any character, spaces too.
    values : iterator, optional
        Texts or lists of tokens, some at a time, as `fastw2v.text.sources.frames` yields them.
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8, see `fastw2v.text.encoding`.
    field : str or int, optional
        The one that is read.

    Attributes
    ----------
    repairs : Repairs
        How much that was, as far as the corpus has been read.
    missing : MissingValues
        What was missing in the field, as far as the corpus has been read.
    """

    parts: tuple[Part, ...] = ()
    sentences: Iterable[Iterable[str]] | None = None
    values: Iterator[Any] | None = None
    errors: Errors = "strict"
    field: Field | None = None
    repairs: Repairs = made_by(default_factory=Repairs)
    missing: MissingValues = made_by(default_factory=MissingValues)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(part.source for part in self.parts)

    @property
    def name(self) -> str:
        """What messages call the corpus."""
        if not self.parts:
            return "the given sentences" if self.values is None else "the given values"
        first = shown_name(self.parts[0].source)
        return first if len(self.parts) == 1 else f"{first} and {len(self.parts) - 1} more files"

    @property
    def read_once(self) -> tuple[str, ...]:
        """What messages call those of the files that cannot be read again."""
        names = (file for file in self.files if not is_url(file))
        return tuple(shown_name(file) for file in names if is_read_once(file))

    @property
    def total_bytes(self) -> int | None:
        """The size of the text; None where it cannot be known before reading it."""
        sizes = [None if is_url(file) else plain_size(file) for file in self.files]
        if not sizes or None in sizes:
            return None
        return sum(size for size in sizes if size is not None)

    def pieces(
        self,
        block_bytes: int = BLOCK_BYTES,
        progress: Progress | None = None,
        *,
        paragraphs: bool = False,
    ) -> Iterator[Piece]:
        """Read the corpus, piece by piece.

        Parameters
        ----------
        block_bytes : int
            About how many bytes of text a piece has. A longer line makes its piece longer.
        progress : callable, optional
            Called with bytes read and bytes in all (or None) when a piece has been dealt with.
        paragraphs : bool
            Whether a blank line ends a sentence of plain text in files, and not every line.

        Raises
        ------
        CorpusError
            If a file cannot be read, changes while it is read, is damaged or cut short, or has no
            such field; if something is neither text nor a list of tokens.
        TextEncodingError
            If a text is not UTF-8, and `errors` does not help.
        """
        if self.parts:
            yield from self._pieces_of_files(block_bytes, progress, paragraphs)
            return
        if self.values is not None:
            pieces = value_pieces(self.values, self.name, self.missing, self.repairs)
        else:
            batch_tokens = min(BATCH_TOKENS, max(1, block_bytes // 4))
            pieces = sentence_batches(self.sentences or (), batch_tokens)
        n_bytes = 0
        for piece in pieces:
            yield piece
            n_bytes += _size_of(piece)
            if progress:
                progress(n_bytes, None)

    def _pieces_of_files(
        self, block_bytes: int, progress: Progress | None, paragraphs: bool
    ) -> Iterator[Piece]:
        total = self.total_bytes if progress else None
        before = 0
        for part in self.parts:
            n_bytes = 0
            pieces = part.read(
                self.errors, self.repairs, self.missing, block_bytes, paragraphs=paragraphs
            )
            for piece, n_bytes in pieces:
                yield piece
                if progress:
                    progress(before + n_bytes, total)
            before += n_bytes


def _size_of(piece: Piece) -> int:
    return len(piece.data) if isinstance(piece, TextBlock) else piece.text.size - PADDING


Corpus = AnyPath | Iterable[AnyPath] | Iterable[Iterable[str]] | Source | OpenedCorpus


def with_field(corpus: Corpus, field: Field | None) -> Corpus:
    """Return a corpus of which a field is read, or as it is where none is named."""
    if field is None:
        return corpus
    if isinstance(corpus, Source | OpenedCorpus):
        raise ConfigurationError(
            f"field: expected it in Source or beside the corpus, got both, {field!r} beside it"
        )
    return Source(corpus, field)


def open_corpus(corpus: Corpus, errors: Errors = "strict", remedy: str = "") -> OpenedCorpus:
    """Find out what kind of corpus was given, and whether it is there.

    Parameters
    ----------
    corpus : path, iterable of paths, iterable of lists of str, Source, or a column
        A path names a file (plain UTF-8, or compressed: .gz, .bz2, .xz, .zst), a folder, which
        stands for all files below it, sorted by their path, hidden ones left out, or is a pattern;
        a str may be a URL that fsspec knows. ``"-"`` is standard input. Lists of tokens are read
        once, from first to last, so a generator will do. A column of pandas, polars or pyarrow has
        texts or lists of tokens. What has fields needs a `Source`, which names one. What this
        function returned comes back as it is.
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8 in text, see `fastw2v.text.encoding`.
    remedy : str
        What a message about such text offers, where `errors` can be chosen.

    Raises
    ------
    CorpusError
        If there is no such file, a folder without files, no such field, or something else than
        expected.
    """
    if isinstance(corpus, OpenedCorpus):
        return corpus
    source = corpus if isinstance(corpus, Source) else Source(corpus)
    given = source.corpus
    if isinstance(given, Source | OpenedCorpus):
        raise CorpusError(f"corpus: expected no Source in a Source, got {described(given)}")
    if isinstance(given, str | os.PathLike):
        return _of_files(located_files(given), source, errors, remedy)
    if is_frame(given):
        _require_no_kind(source)
        return OpenedCorpus(values=values_of_frame(given, source.field), field=source.field)
    if isinstance(given, bytes | Mapping) or hasattr(given, "read"):
        hint = "pass its path" if hasattr(given, "read") else "pass a path or lists of tokens"
        if isinstance(given, Mapping):
            hint += ", or one of its values"
        raise CorpusError(f"corpus: expected a path or sentences, got {described(given)}; {hint}")
    try:
        items: Iterator[Any] = iter(given)
    except TypeError:
        raise CorpusError(
            f"corpus: expected a path, several paths, or lists of tokens, got {described(given)}"
        ) from None
    for first in items:
        return _of_items(first, chain([first], items), source, errors, remedy)
    raise CorpusError(
        "corpus: expected a path or sentences, got an empty "
        f"{type(given).__name__}; an iterator that was read before stays empty, a list does not"
    )


def _of_items(
    first: Any, everything: Any, source: Source, errors: Errors, remedy: str
) -> OpenedCorpus:
    """Open what yields items: paths, records, or lists of tokens."""
    if isinstance(first, str | os.PathLike):
        return _of_files(files_of_all(everything), source, errors, remedy)
    _require_no_kind(source)
    if isinstance(first, Mapping):
        return OpenedCorpus(values=record_values(everything, source.field), field=source.field)
    if source.field is not None:
        raise CorpusError(
            f"corpus: expected records or files with the field {source.field!r}, got "
            f"{described(first)} first; leave the field out for lists of tokens"
        )
    return OpenedCorpus(sentences=everything)


def _of_files(files: list[str], source: Source, errors: Errors, remedy: str) -> OpenedCorpus:
    parts = tuple(Part(file, source.read_as, source.field) for file in files)
    repairs = Repairs(remedy=remedy)
    return OpenedCorpus(parts, errors=errors, field=source.field, repairs=repairs)


def _require_no_kind(source: Source) -> None:
    if source.read_as is not None:
        raise ConfigurationError(
            f"read_as: expected files beside it, got {described(source.corpus)}; leave it out"
        )
