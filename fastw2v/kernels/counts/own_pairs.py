"""How often words stand in their own window: one pass over running text, without other pairs."""

from fastw2v.kernels.compilation import kernel

__all__ = ["add_own_pairs"]


@kernel
def add_own_pairs(text, first, end, window, own, sums):
    """Add what the positions from `first` on and before `end` have of pairs.

    Windows are plain: a pair at distance d weighs ``window - d + 1``
    (`fastw2v.kernels.counts.windows`).

    Parameters
    ----------
    text : EncodedText
    first, end : int
    window : int
    own : (V,) int64
        Gets n(c, c): both ways of each pair of equal words, of which the left one is among the
        positions.
    sums : (V,) int64
        Gets the sum of n(c, o) over all o.
    """
    ids, starts = text.ids, text.sentence_starts
    # The last sentence that begins at `first` or before; empty ones begin where the next one does.
    low, high = 0, starts.shape[0] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= first:
            low = middle
        else:
            high = middle
    sentence = low
    for place in range(first, end):
        while starts[sentence + 1] <= place:
            sentence += 1
        word = ids[place]
        left = min(window, place - starts[sentence])
        right = min(window, starts[sentence + 1] - 1 - place)
        for distance in range(1, right + 1):
            if ids[place + distance] == word:
                own[word] += 2 * (window - distance + 1)
        for reach in (left, right):
            sums[word] += reach * window - reach * (reach - 1) // 2
