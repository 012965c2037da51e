"""An encoded text as kernels of counting take it, and the checks of what they would trust."""

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError, VocabularyError
from fastw2v.kernels.counts.pair_counting import EncodedText
from fastw2v.kernels.counts.windows import LARGEST_N_TOKENS
from fastw2v.text.encoded import EncodedTokens

__all__ = ["broken_sentence", "check_sentences", "id_outside", "text_of"]


def text_of(tokens: EncodedTokens) -> EncodedText:
    """Return the arrays as kernels take them; their types are checked, not their contents."""
    ids, starts = np.ascontiguousarray(tokens.ids), np.ascontiguousarray(tokens.sentence_starts)
    if ids.dtype != np.int32 or ids.ndim != 1 or starts.dtype != np.int64 or starts.ndim != 1:
        raise CorpusError(
            "tokens: expected ids int32 (n_tokens,) and sentence_starts int64 (n_sentences + 1,), "
            f"got {ids.dtype} {ids.shape} and {starts.dtype} {starts.shape}"
        )
    return EncodedText(ids.view(np.uint32), starts)


def check_sentences(text: EncodedText, lengths: NDArray[np.int64]) -> None:
    """Raise CorpusError unless the sentences, of these lengths, cut up the whole text."""
    starts, n_tokens = text.sentence_starts, text.ids.size
    if n_tokens > LARGEST_N_TOKENS:
        raise CorpusError(
            f"tokens: expected at most {LARGEST_N_TOKENS}, got {n_tokens}; count in parts"
        )
    if starts.size == 0 or starts[0] != 0 or starts[-1] != n_tokens:
        raise CorpusError(
            f"sentence_starts: expected numbers from 0 to {n_tokens}, the number of tokens, "
            f"got {starts[[0, -1]] if starts.size else 'none'}; encode the corpus again"
        )
    if np.any(lengths < 0):
        raise broken_sentence(text, int(np.argmax(lengths < 0)))


def broken_sentence(text: EncodedText, sentence: int) -> CorpusError:
    """Return the error that says which sentence has no proper ends."""
    ends = text.sentence_starts[sentence : sentence + 2]
    return CorpusError(
        f"sentence_starts: expected numbers that never fall and stay within {text.ids.size} "
        f"tokens, got {ends} for sentence {sentence}; encode the corpus again"
    )


def id_outside(text: EncodedText, position: int, n_words: int) -> VocabularyError:
    """Return the error that says where an id is outside the vocabulary."""
    word = text.ids.view(np.int32)[position]
    return VocabularyError(
        f"ids: expected words from 0 to {n_words - 1}, got {word} at position {position}; "
        "encode the corpus with the vocabulary that it is counted with"
    )
