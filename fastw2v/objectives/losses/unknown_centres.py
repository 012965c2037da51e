"""How well a model predicts the contexts of words that it never saw.

The centre vector of such a word is made of its n-grams. Its contexts are the known words around
it; unknown words take no place in a window, as if they were not there, but for the largest distance
in tokens that a window has (`fastw2v.counts.windows`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.counts.corpus import window_widths
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.kernels.counts.windows import PLACE
from fastw2v.kernels.formulas.skipgram import SparseRows
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import UnknownWords
from fastw2v.objectives.losses.rows import BATCH_ROWS, RowBatch
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary

__all__ = ["TextWithUnknown", "UnknownCentreRows", "with_unknown_words"]


@dataclass(frozen=True)
class TextWithUnknown:
    """A text in which unknown words have numbers too, behind those of the vocabulary.

    Attributes
    ----------
    tokens : EncodedTokens
        Of the vocabulary's V words, as `encode_corpus` gives them.
    all_tokens : EncodedTokens
        The same text with the unknown words that have a vector: word V + k is `unknown`[k].
    unknown : list of str
    n_unknown : int
        How many tokens these are.
    """

    tokens: EncodedTokens
    all_tokens: EncodedTokens
    unknown: list[str]
    n_unknown: int


def with_unknown_words(
    vocabulary: Vocabulary, makes: UnknownWords, types: list[str], tokens: EncodedTokens
) -> TextWithUnknown:
    """Return a text, encoded in its own words, in those of a vocabulary and further ones.

    Parameters
    ----------
    vocabulary : Vocabulary
    makes : UnknownWords
        Says which unknown words have a vector.
    types : list of str
        The text's own words.
    tokens : EncodedTokens
        All of its tokens, as places among these.
    """
    is_new = np.array([word not in vocabulary for word in types], np.bool_)
    new = np.flatnonzero(is_new)
    made = new[makes.can_make([types[place] for place in new])]
    numbers = np.full(len(types), -1, np.int32)
    numbers[~is_new] = [vocabulary.index(types[place]) for place in np.flatnonzero(~is_new)]
    numbers[made] = len(vocabulary) + np.arange(len(made))
    unknown = [types[place] for place in made]
    all_ids = numbers[tokens.ids]
    is_known = (all_ids >= 0) & (all_ids < len(vocabulary))
    return TextWithUnknown(
        _kept(tokens, all_ids, is_known),
        _kept(tokens, all_ids, all_ids >= 0),
        unknown,
        int((all_ids >= len(vocabulary)).sum()),
    )


def _kept(
    tokens: EncodedTokens, ids: NDArray[np.int32], is_kept: NDArray[np.bool_]
) -> EncodedTokens:
    before = np.concatenate([[0], np.cumsum(is_kept)]).astype(np.int64)
    kept = np.ascontiguousarray(ids[is_kept])
    starts = before[tokens.sentence_starts]
    return EncodedTokens(kept, starts, tokens.n_raw_tokens, tokens.n_raw_tokens - len(kept))


class UnknownCentreRows:
    """Rows of unknown centre words with the known words around them.

    Parameters
    ----------
    embeddings : Embeddings
        With vectors of n-grams.
    text : TextWithUnknown
    settings : Hyperparameters
    workers : int
        Threads; the result does not depend on them.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        text: TextWithUnknown,
        settings: Hyperparameters,
        workers: int,
    ) -> None:
        self._embeddings, self._text = embeddings, text
        n_known, n_words = len(embeddings.vocabulary), len(text.unknown)
        widths = window_widths(embeddings.vocabulary, settings)
        known = widths if widths is not None else np.full(n_known, PLACE, np.int32)
        counts = count_pairs(
            text.all_tokens,
            n_known + n_words,
            settings.window,
            workers=workers,
            widths=np.concatenate([known, np.zeros(n_words, np.int32)]),
        )
        self._rows = _rows_of(counts, n_known)
        self.weight = float(self._rows.weights.sum()) / settings.window

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield rows that have contexts, in batches."""
        starts = self._rows.indptr
        filled = np.flatnonzero(np.diff(starts))
        for first in range(0, len(filled), BATCH_ROWS):
            rows = filled[first : first + BATCH_ROWS]
            words = [self._text.unknown[row] for row in rows.tolist()]
            sizes = starts[rows + 1] - starts[rows]
            indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            entries = np.repeat(starts[rows] - indptr[:-1], sizes) + np.arange(indptr[-1])
            contexts = SparseRows(indptr, self._rows.indices[entries], self._rows.weights[entries])
            yield RowBatch(self._embeddings.centre_vectors(words), contexts)


def _rows_of(counts: PairCounts, n_known: int) -> SparseRows:
    """Return the rows from `n_known` on, with the columns before it."""
    first = counts.indptr[n_known]
    indices, values = counts.indices[first:], counts.values[first:]
    is_known = indices < n_known
    before = np.concatenate([[0], np.cumsum(is_known)])
    indptr = before[counts.indptr[n_known:] - first].astype(np.int64)
    return SparseRows(indptr, indices[is_known], values[is_known].astype(np.float64))
