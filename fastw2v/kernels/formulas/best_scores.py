"""The best scores of each query, kept while scores come tile by tile."""

from fastw2v.kernels.compilation import kernel

__all__ = ["keep_best"]


@kernel
def keep_best(scores, scales, first, best_scores, best_rows):
    """Put the scores of a tile that are among the best into their places.

    Parameters
    ----------
    scores : (N, R) float32
        Of N queries and R rows.
    scales : (R,) float32
        What the scores of a row are multiplied by.
    first : int
        The row of the first column.
    best_scores : (N, K) float32
        A heap for each query, the least score in front. Begin with -inf.
    best_rows : (N, K) int64
        Their rows; of equal scores the one that came first is kept.
    """
    n_kept = best_scores.shape[1]
    for query in range(scores.shape[0]):
        heap, rows, given = best_scores[query], best_rows[query], scores[query]
        bound = heap[0]
        for column in range(len(given)):
            score = given[column] * scales[column]
            if score > bound:
                place = 0
                while True:
                    child = 2 * place + 1
                    if child >= n_kept:
                        break
                    if child + 1 < n_kept and heap[child + 1] < heap[child]:
                        child += 1
                    if score <= heap[child]:
                        break
                    heap[place], rows[place] = heap[child], rows[child]
                    place = child
                heap[place], rows[place] = score, first + column
                bound = heap[0]
