"""Which words of a text its vocabulary keeps, and in which order."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.text.token_bytes import tokens_of
from fastw2v.text.vocabulary import Vocabulary

__all__ = [
    "VocabularyLimits",
    "build_vocabulary",
    "none_frequent_enough",
    "vocabulary_order",
]


class VocabularyLimits(NamedTuple):
    """Which words of a text are kept.

    Attributes
    ----------
    min_count : int
        Words that occur less often are left out.
    max_final_vocab : int, optional
        How many to keep at most: of those left, exactly the most frequent ones.
    """

    min_count: int = 5
    max_final_vocab: int | None = None


def build_vocabulary(
    words_of: Callable[[NDArray[np.int64]], list[bytes]],
    counts: NDArray[np.int64],
    limits: VocabularyLimits,
    source: str,
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Choose and order the words of a text.

    Parameters
    ----------
    words_of : callable
        Gives the bytes of the words with these numbers.
    counts : int64 array (n,)
        How often each number occurs; what does not occur is no word of the text.
    limits : VocabularyLimits
        Of equally frequent words those are kept whose UTF-8 comes first.
    source : str
        What messages call the corpus.

    Returns
    -------
    vocabulary : Vocabulary
    ranks : int32 array (n,)
        The id of each number; -1 where it was left out.

    Raises
    ------
    VocabularyError
        If no word is left.
    ConfigurationError
        If `min_count` or `max_final_vocab` is less than 1.
    """
    min_count = limits.min_count
    for name, value in limits._asdict().items():
        if value is not None and value < 1:
            raise ConfigurationError(f"{name}: expected at least 1, got {value}")
    n_raw_tokens, n_raw_types = int(counts.sum()), int(np.count_nonzero(counts))
    kept = np.flatnonzero(counts >= min_count)
    if not kept.size:
        most = int(counts.max(initial=0))
        raise none_frequent_enough(source, min_count, (n_raw_tokens, n_raw_types), most)
    encoded = words_of(kept)
    order = vocabulary_order(encoded, counts[kept])[: limits.max_final_vocab]
    kept = kept[order]
    ranks = np.full(len(counts), -1, np.int32)
    ranks[kept] = np.arange(len(kept), dtype=np.int32)
    words = tokens_of(encoded[place] for place in order.tolist())
    return Vocabulary(words, counts[kept], n_raw_tokens, n_raw_types), ranks


def none_frequent_enough(
    source: str, min_count: int, n_raw: tuple[int, int], most: int
) -> VocabularyError:
    """Return the error for a corpus of so many tokens and types whose words are all too rare."""
    return VocabularyError(
        f"{source}: expected words that occur at least min_count={min_count} times, got "
        f"{n_raw[0]} tokens of {n_raw[1]} types, of which none occurs more than {most} "
        f"times; lower min_count to {most} or less, or give more text"
    )


def vocabulary_order(words: list[bytes], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the words' places by falling count, then by their bytes.

    Their first 16 bytes, as integers, order nearly all; Python orders what they leave equal.
    """
    beginnings = np.array(words, "S16").view(">u8").reshape(-1, 2).astype(np.uint64)
    order: NDArray[np.int64] = np.lexsort((beginnings[:, 1], beginnings[:, 0], -counts))
    ordered = np.column_stack((counts.astype(np.uint64), beginnings))[order]
    is_equal = np.concatenate(([False], (ordered[1:] == ordered[:-1]).all(axis=1), [False]))
    edges = np.flatnonzero(is_equal[1:] != is_equal[:-1])
    for first, last in edges.reshape(-1, 2).tolist():
        run = order[first : last + 1].tolist()
        order[first : last + 1] = sorted(run, key=words.__getitem__)
    return order
