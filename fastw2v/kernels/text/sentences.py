"""Where the sentences of a running text lie."""

from fastw2v.kernels.compilation import kernel

__all__ = ["find_sentence"]


@kernel
def find_sentence(sentence_starts, position):
    """Return the sentence that holds the token at `position`, by bisection.

    Parameters
    ----------
    sentence_starts : (n_sentences + 1,) int64
    position : int
    """
    low, high = 0, sentence_starts.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if sentence_starts[middle] <= position:
            low = middle
        else:
            high = middle
    return low
