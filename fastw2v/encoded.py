"""A corpus as numbers: ids of words, cut into sentences, in memory or mapped from files."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.vocab import Vocabulary


@dataclass(frozen=True, eq=False)
class EncodedTokens:
    """The kept tokens of a corpus, sentence by sentence.

    Tokens of words that are not in the vocabulary are gone, so that windows reach over them.

    Parameters
    ----------
    ids : int32 array (n_tokens,)
        The tokens, as places in the vocabulary.
    sentence_starts : int64 array (n_sentences + 1,)
        Sentence s is ``ids[sentence_starts[s] : sentence_starts[s + 1]]``; it may be empty.
    n_raw_tokens : int
        How many tokens the corpus has, the left-out ones too.
    n_oov : int
        How many of them were left out.
    """

    ids: NDArray[np.int32]
    sentence_starts: NDArray[np.int64]
    n_raw_tokens: int
    n_oov: int

    @property
    def n_tokens(self) -> int:
        """How many tokens were kept."""
        return len(self.ids)

    @property
    def n_sentences(self) -> int:
        """How many sentences there are, empty ones too."""
        return len(self.sentence_starts) - 1

    def digest(self, vocabulary: Vocabulary) -> str:
        """Return 64 hexadecimal digits that tell this encoded corpus from any other.

        They depend on the ids, the sentences and the vocabulary's words, not on how the text
        was stored or read, nor on the machine.
        """
        ids = np.ascontiguousarray(self.ids, "<i4").data
        starts = np.ascontiguousarray(self.sentence_starts, "<i8").data
        return corpus_digest((ids.nbytes, [ids]), (starts.nbytes, [starts]), vocabulary)


def corpus_digest(
    ids: tuple[int, Iterable[memoryview | bytes]],
    sentence_starts: tuple[int, Iterable[memoryview | bytes]],
    vocabulary: Vocabulary,
) -> str:
    """Return what `EncodedTokens.digest` does, from arrays that come in pieces.

    Parameters
    ----------
    ids, sentence_starts : tuple of int and iterable of bytes
        The size in bytes, and the pieces one after another: little-endian int32 and int64.
    vocabulary : Vocabulary
    """
    words = [word.encode() for word in vocabulary.words]
    lengths = np.array([len(word) for word in words], "<i8").data
    joined = b"".join(words)
    hasher = hashlib.blake2b(digest_size=32)
    for n_bytes, pieces in (
        ids,
        sentence_starts,
        (lengths.nbytes, [lengths]),
        (len(joined), [joined]),
    ):
        hasher.update(n_bytes.to_bytes(8, "little"))
        for piece in pieces:
            hasher.update(piece)
    return hasher.hexdigest()
