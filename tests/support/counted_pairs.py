"""Counts as pairs of words, to compare counts whatever their words' numbers."""

__all__ = ["pairs_of"]


def pairs_of(corpus):
    """Return a mapping from pairs of words to their counts."""
    words = corpus.vocabulary.words
    return {
        (words[part.first + row], words[column]): int(value)
        for part in corpus.counts.parts
        for row in range(part.n_rows)
        for column, value in zip(
            *(array[slice(*part.indptr[row : row + 2])] for array in (part.indices, part.values)),
            strict=True,
        )
    }
