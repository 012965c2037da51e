"""Holding documents out of a corpus before anything of it is counted.

A document is a line of text, or a list of tokens. Whether it is held out follows from a hash of
the seed and its content. So equal documents are always on the same side, wherever they stand, and
nothing of a held-out one can be seen in training; and neither the order of the files nor where
blocks of text are cut changes the choice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.config.numbers import checked_fraction
from fastw2v.kernels.text.documents import hash_documents
from fastw2v.kernels.text.scan import PADDING
from fastw2v.text.batches import TokenBatch
from fastw2v.text.files import TextBlock

__all__ = ["HeldOutChoice"]

_LINE_FEED = 10
_CHOICE_STREAM = 41  # keeps this use of the seed apart from others


@dataclass(frozen=True)
class HeldOutChoice:
    """Which documents are held out.

    Parameters
    ----------
    fraction : float
        Of the documents, more than 0 and less than 1. Each is chosen with this probability.
    seed : int

    Raises
    ------
    ConfigurationError
        If `fraction` is not between 0 and 1.
    """

    fraction: float
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "fraction", checked_fraction(self.fraction))

    def _chosen(self, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        hashes = np.empty(len(ends), np.uint64)
        hash_documents(text, ends, np.uint64(self.seed), np.uint64(_CHOICE_STREAM), hashes)
        chosen: NDArray[np.bool_] = hashes < np.uint64(int(self.fraction * 2**64))
        return chosen

    def split(
        self, piece: TextBlock | TokenBatch
    ) -> tuple[TextBlock | TokenBatch | None, TextBlock | TokenBatch | None]:
        """Return what stays of a piece of a corpus, and what is held out; None for nothing."""
        if isinstance(piece, TokenBatch):
            return self.split_batch(piece)
        kept, held_out = self.split_text(piece.data)
        return (
            piece._replace(data=kept) if kept else None,
            piece._replace(data=held_out) if held_out else None,
        )

    def split_text(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the lines of a block that stay, and those that are held out.

        The block ends in a line feed.
        """
        text = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(text == _LINE_FEED).astype(np.int64) + 1
        held_out = np.repeat(self._chosen(text, ends), np.diff(ends, prepend=0))
        return text[~held_out].tobytes(), text[held_out].tobytes()

    def split_batch(self, batch: TokenBatch) -> tuple[TokenBatch, TokenBatch]:
        """Return the sentences of a batch that stay, and those that are held out."""
        token_ends = np.concatenate([[0], batch.token_ends])
        chosen = self._chosen(batch.text, token_ends[batch.sentence_ends].astype(np.int64))
        return _selected(batch, ~chosen), _selected(batch, chosen)


def _selected(batch: TokenBatch, sentences: NDArray[np.bool_]) -> TokenBatch:
    lengths = np.diff(batch.sentence_ends, prepend=0)
    tokens = np.repeat(sentences, lengths)
    sizes = np.diff(batch.token_ends, prepend=0)
    text = batch.text[: int(sizes.sum())][np.repeat(tokens, sizes)]
    return TokenBatch(
        np.concatenate([text, np.zeros(PADDING, np.uint8)]),
        np.cumsum(sizes[tokens], dtype=np.int64),
        np.cumsum(lengths[sentences], dtype=np.int64),
    )
