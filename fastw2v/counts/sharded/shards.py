"""Shards: parts of a corpus that can be read, and counted, by themselves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from fastw2v.config import Errors
from fastw2v.text.batches import sentence_batches
from fastw2v.text.encoding import Repairs
from fastw2v.text.numbering import TokenReader
from fastw2v.text.sources.kinds import MissingValues
from fastw2v.text.sources.parts import Part
from fastw2v.text.sources.streams import is_url

__all__ = ["SENTENCES_OF_SHARD", "Shard", "shards_of"]

SENTENCES_OF_SHARD = 100_000


@dataclass(frozen=True)
class Shard:
    """A part of a corpus.

    Attributes
    ----------
    number : int
        Its place in the corpus.
    part : Part or None
        A file or a part of one; None for lists of tokens that are handed over when they are read.
    """

    number: int
    part: Part | None = None

    @property
    def is_given(self) -> bool:
        """Whether its sentences are handed over when it is read."""
        return self.part is None

    @property
    def name(self) -> str:
        """What messages call the shard."""
        return f"partition {self.number}" if self.part is None else self.part.name

    @property
    def n_bytes(self) -> int:
        """About how much there is to read."""
        return 0 if self.part is None else self.part.n_bytes

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        part = None if self.part is None else self.part.as_dict()
        return {"number": self.number, "part": part}

    def absolute(self) -> Self:
        """Return the shard with a path that is the same for every process."""
        if self.part is None or is_url(self.part.source):
            return self
        source = str(Path(self.part.source).absolute())
        return replace(self, part=replace(self.part, source=source))

    def read(
        self,
        reader: TokenReader,
        given: Any = None,
        errors: Errors = "strict",
        repairs: Repairs | None = None,
        missing: MissingValues | None = None,
    ) -> None:
        """Give all its tokens to a reader.

        Parameters
        ----------
        reader : TokenReader
        given : iterable of lists of str, optional
            The sentences of a shard without a part, or what computes them (of Dask).
        errors, repairs, missing
            As in `fastw2v.text.sources.parts.Part.read`.

        Raises
        ------
        CorpusError
            If it cannot be read, is damaged, or was written to since it was cut.
        TextEncodingError
            If its text is not UTF-8, and `errors` does not help.
        """
        if self.part is None:
            sentences = given.compute(scheduler="sync") if hasattr(given, "compute") else given
            reader.read(sentence_batches(sentences))
            return
        self.part.require_unchanged()
        repairs = Repairs() if repairs is None else repairs
        missing = MissingValues() if missing is None else missing
        paragraphs = reader.rules.paragraphs
        reader.read(
            piece for piece, _ in self.part.read(errors, repairs, missing, paragraphs=paragraphs)
        )
        self.part.require_unchanged()  # while it was read, too


def shards_of(files: Iterable[Part], block_bytes: int) -> Iterator[Shard]:
    """Cut files into shards of about so many bytes, in their order; errors as `Part.cut`."""
    parts = (part for file in files for part in file.cut(block_bytes))
    for number, part in enumerate(parts):
        yield Shard(number, part)
