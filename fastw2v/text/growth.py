"""A vocabulary that goes on from an earlier one: which words stay, which join, what counts are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import VocabularyError
from fastw2v.text.token_bytes import tokens_of
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import VocabularyLimits, none_frequent_enough, vocabulary_order

__all__ = ["EarlierWords", "grown_vocabulary"]


@dataclass(frozen=True, eq=False)
class EarlierWords:
    """Words that were known before a text is read.

    Attributes
    ----------
    words : list
        All different.
    counts : int64 array (N,)
        How often each was seen before; what the text has is added.
    n_raw_tokens, n_raw_types : int
        Tokens, and different words, of the earlier text.
    grows : bool
        Whether words of the text join that are frequent enough in it.
    stay : bool
        Whether earlier words stay that the text has not, or not often enough.
    """

    words: list[Any]
    counts: NDArray[np.int64]
    n_raw_tokens: int
    n_raw_types: int
    grows: bool = True
    stay: bool = True

    @classmethod
    def of(cls, vocabulary: Vocabulary, *, grows: bool) -> "EarlierWords":
        """Return the words of an earlier vocabulary, with their counts."""
        return cls(
            vocabulary.words,
            vocabulary.counts,
            vocabulary.n_raw_tokens,
            vocabulary.n_raw_types,
            grows,
        )


def grown_vocabulary(
    words_of: Callable[[NDArray[np.int64]], list[bytes]],
    seen: tuple[NDArray[np.int64], int],
    earlier: EarlierWords,
    limits: VocabularyLimits,
    source: str,
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Choose and order the words of a text that goes on from earlier ones.

    Parameters
    ----------
    words_of : callable
        Gives the bytes of the words with these numbers.
    seen : (int64 array (n,), int)
        How often each number is in the text, the first numbers those of the earlier words; and the
        tokens of the text.
    earlier : EarlierWords
    limits : VocabularyLimits
        How often other words than those that stay have to occur in the text, and how many are kept
        at most: the most frequent ones by the counts of both together.
    source : str
        What messages call the text.

    Returns
    -------
    vocabulary : Vocabulary
    ranks : int32 array (n + 1,)
        The id of each number, and of the one that stands for all others; -1 where it was left out.

    Raises
    ------
    VocabularyError
        If the text has none of the words that are left.
    """
    (in_text, n_tokens), n_earlier = seen, len(earlier.words)
    counts = in_text.copy()
    counts[:n_earlier] += earlier.counts
    if int(earlier.counts.sum()) + int(in_text.sum()) >= 2**63:
        raise VocabularyError(
            f"counts: expected fewer than 2**63 tokens of both texts together, got "
            f"{earlier.counts.sum()} and {in_text.sum()}"
        )
    is_kept = in_text >= limits.min_count
    if earlier.stay:
        is_kept[:n_earlier] = True
    if not earlier.grows:
        is_kept[n_earlier:] = False
    if not (in_text[is_kept] > 0).any():
        if not earlier.grows and not in_text[:n_earlier].any():
            raise VocabularyError(
                f"{source}: expected some of the {n_earlier:,} words that are kept, got {n_tokens} "
                "others; cut the text as theirs was, or let new words join (vocabulary='grow', "
                "--start-vocabulary grow)"
            )
        sizes = n_tokens, int(np.count_nonzero(in_text))
        raise none_frequent_enough(source, limits.min_count, sizes, int(in_text.max(initial=0)))
    kept = np.flatnonzero(is_kept)
    encoded = words_of(kept)
    order = vocabulary_order(encoded, counts[kept])[: limits.max_final_vocab]
    kept = kept[order]
    ranks = np.full(len(in_text) + 1, -1, np.int32)
    ranks[kept] = np.arange(len(kept), dtype=np.int32)
    words = tokens_of(encoded[place] for place in order.tolist())
    n_types = max(int(np.count_nonzero(counts)), earlier.n_raw_types)
    return Vocabulary(words, counts[kept], earlier.n_raw_tokens + n_tokens, n_types), ranks
