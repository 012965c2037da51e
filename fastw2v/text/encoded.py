"""A corpus as numbers: ids of words, cut into sentences, in memory or mapped from files."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.text.digest import IDENTITY, absorb_text
from fastw2v.text.token_bytes import bytes_of_tokens
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["EncodedTokens", "TextDigest"]


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
        was stored, read or cut, nor on the machine.
        """
        text = TextDigest()
        text.add(self.ids, self.sentence_starts[1:])
        return text.hexadecimal(vocabulary)


class TextDigest:
    """The digest of an encoded text, made piece by piece.

    See `fastw2v.kernels.text.digest`.
    """

    def __init__(self) -> None:
        self._state = np.array(IDENTITY, np.uint64)
        self.n_tokens = 0
        self.n_sentences = 0

    def add(self, ids: NDArray[np.int32], ends: NDArray[np.int64]) -> None:
        """Add the next stretch of the text.

        Parameters
        ----------
        ids : int32 array (n,)
        ends : int64 array (m,)
            How many of these ids come before each end of a sentence. The stretch may begin and end
            within a sentence.
        """
        absorb_text(self._state, ids, ends)
        self.n_tokens += len(ids)
        self.n_sentences += len(ends)

    def append(self, other: "TextDigest") -> None:
        """Add a text whose digest was made elsewhere behind this one."""
        for lane in (0, 2):
            factor, offset = self._state[lane : lane + 2].copy()
            after, rest = other._state[lane : lane + 2]
            # Arrays wrap round modulo 2**64 where scalars would warn.
            self._state[lane : lane + 2] = np.array([factor, offset]) * after
            self._state[lane + 1 : lane + 2] += rest
        self.n_tokens += other.n_tokens
        self.n_sentences += other.n_sentences

    def as_numbers(self) -> list[int]:
        """Return plain numbers, for `from_numbers`."""
        return [*map(int, self._state), self.n_tokens, self.n_sentences]

    @classmethod
    def from_numbers(cls, numbers: list[int]) -> "TextDigest":
        """Return the digest that gave these numbers."""
        made = cls()
        made._state[:] = numbers[:4]
        made.n_tokens, made.n_sentences = numbers[4:]
        return made

    def hexadecimal(self, vocabulary: Vocabulary) -> str:
        """Return 64 digits that tell this text over this vocabulary from any other."""
        words = bytes_of_tokens(vocabulary.words)
        hasher = hashlib.blake2b(digest_size=32)
        hasher.update(np.array(self.as_numbers(), "<u8").data)
        hasher.update(np.fromiter(map(len, words), "<i8", len(words)).data)
        hasher.update(b"".join(words))
        return hasher.hexdigest()
