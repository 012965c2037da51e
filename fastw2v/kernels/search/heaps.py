"""Heaps of the best scores and their rows: the least is in front, of equal ones the last row."""

from fastw2v.kernels.compilation import kernel

__all__ = ["is_less", "replace_least", "sort_heap"]


@kernel
def is_less(score, row, other_score, other_row):
    """Return whether a row comes behind another: of equal scores the first row is the better."""
    return score < other_score or (score == other_score and row > other_row)


@kernel
def replace_least(scores, rows, size, score, row):
    """Put a score and its row into a heap of `size` in place of those in front."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        other = child + 1
        if other < size and is_less(scores[other], rows[other], scores[child], rows[child]):
            child = other
        if not is_less(scores[child], rows[child], score, row):
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    scores[place], rows[place] = score, row


@kernel
def sort_heap(scores, rows):
    """Turn a heap into a list, the best in front."""
    for last in range(len(scores) - 1, 0, -1):
        score, row = scores[last], rows[last]
        scores[last], rows[last] = scores[0], rows[0]
        replace_least(scores, rows, last, score, row)
