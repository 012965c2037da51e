"""What the page computes with: words, and vectors as whole numbers in base64.

A page answers for any word, so it holds the vectors and not their answers: ten neighbours and ten
contexts a word would be as large, and analogies cannot be listed at all. 16 bits a number keep the
order of the neighbours; with 8 bits it changes (`tests/report/test_report.py` has the sabotage).
"""

import base64
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastw2v.errors import ConfigurationError
from fastw2v.formats.vectors import Vectors
from fastw2v.kernels.softmax.observed_scores import tree_children
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NgramVectors
from fastw2v.objectives.huffman import huffman_tree

__all__ = [
    "LARGEST_PAGE_BYTES",
    "UnknownInPage",
    "embedded_model",
    "embedded_vectors",
    "encoded",
    "normalisers",
    "packed",
    "unknown_in_page",
]

LARGEST_PAGE_BYTES = 256 * 2**20
_LARGEST_NUMBER = 2**15 - 1
_BLOCK_ROWS = 256
_BLOCK_SCORES = 2**23  # fewer rows at a time where there are very many words


class UnknownInPage(NamedTuple):
    """How many n-grams unknown words' vectors are made of, and whether the page has them.

    `mib` is what they take of it, `most_mib` what they may take.
    """

    n_ngrams: int
    mib: int
    most_mib: int

    @property
    def is_in_page(self) -> bool:
        """Whether they take no more than they may."""
        return self.n_ngrams > 0 and self.mib <= self.most_mib


def unknown_in_page(table: NgramVectors | None, most_mib: int) -> UnknownInPage:
    """Return what becomes of unknown words in a page, whose vectors are made of these n-grams'."""
    if table is None:
        return UnknownInPage(0, 0, most_mib)
    n_bytes = (table.vectors.size * 2 + len(table.buckets) * 8) * 4 // 3
    return UnknownInPage(len(table.buckets), -(-n_bytes // 2**20), most_mib)


def embedded_model(
    embeddings: Embeddings,
    n_shown: int,
    *,
    with_unknown: bool = False,
) -> dict[str, Any]:
    """Return what the page's script reads, as values that JSON can hold.

    Parameters
    ----------
    embeddings : Embeddings
    n_shown : int
        How many words the page knows, the most frequent ones.
    with_unknown : bool
        Whether to put the n-grams in that unknown words' vectors are made of.

    Raises
    ------
    ConfigurationError
        If the page would be larger than `LARGEST_PAGE_BYTES`.
    """
    vocabulary, is_tree = embeddings.vocabulary, embeddings.objective == "hierarchical"
    outputs = embeddings.out_vectors if is_tree else embeddings.out_vectors[:n_shown]
    unknown = embeddings.unknown.table if embeddings.unknown and with_unknown else None
    inputs = Vectors(vocabulary.texts, embeddings.in_vectors, vocabulary.counts, ngrams=unknown)
    tree = None
    if is_tree:
        left_right = tree_children(*huffman_tree(vocabulary.counts))
        tree = encoded(left_right, np.int32)
    sums = None
    if n_shown < len(vocabulary):
        sums = [encoded(each, np.float32) for each in normalisers(embeddings, n_shown)]
    return _embedded_table(inputs, n_shown, outputs.size) | {
        "objective": embeddings.objective,
        "vectors": embeddings.default_vectors,
        "temperature": embeddings.temperature,
        "outputs": packed(outputs),
        "n_tokens": vocabulary.n_tokens,
        "self_rates": None
        if embeddings.self_rates is None
        else encoded(embeddings.self_rates[:n_shown], np.float32),
        "bias": encoded(embeddings.out_bias[:n_shown], np.float32),
        "tree": tree,
        "normalisers": sums and sums[0],
        "peaks": embeddings.peaks and embeddings.peaks.as_dict(),
        "peak_sums": sums and sums[1],
    }


def embedded_vectors(
    vectors: Vectors,
    n_shown: int,
    *,
    with_unknown: bool = False,
) -> dict[str, Any]:
    """Return what the page's script reads of vectors without a model, which have no contexts.

    Parameters
    ----------
    vectors : Vectors
        Most frequent words first.
    n_shown, with_unknown
        As in `embedded_model`.

    Raises
    ------
    ConfigurationError
        If the page would be larger than `LARGEST_PAGE_BYTES`.
    """
    return _embedded_table(vectors if with_unknown else replace(vectors, ngrams=None), n_shown)


def _embedded_table(vectors: Vectors, n_shown: int, n_outputs: int = 0) -> dict[str, Any]:
    """Return the first rows of a table, as those of a model without contexts.

    `n_outputs` is how many numbers of output vectors stand beside them.
    """
    table, unknown = vectors.vectors[:n_shown], vectors.ngrams
    n_numbers = table.size + n_outputs + (unknown.vectors.size if unknown else 0)
    _require_room(n_numbers, n_shown, len(vectors.words))
    return {
        "words": vectors.words[:n_shown],
        "counts": None if vectors.counts is None else vectors.counts[:n_shown].tolist(),
        "n_words": len(vectors.words),
        "objective": None,
        "vectors": "in",
        "temperature": 1.0,
        "dimensions": table.shape[1],
        "inputs": packed(table),
        "outputs": None,
        "bias": None,
        "tree": None,
        "unknown": _embedded_ngrams(unknown, vectors.words) if unknown else None,
        "normalisers": None,
    }


def _embedded_ngrams(table: NgramVectors, words: list[str]) -> dict[str, Any]:
    return {
        "min_n": table.ngrams.min_n,
        "max_n": table.ngrams.max_n,
        "bucket": table.ngrams.bucket,
        "is_lower_case": all(word == word.lower() for word in words),
        "buckets": encoded(table.buckets, np.int32),
        "table": packed(table.vectors),
    }


def packed(table: NDArray[np.float32]) -> dict[str, str]:
    """Return a table as int16 with a float32 scale a row: row = scale * numbers."""
    largest = np.abs(table).max(axis=1, initial=0)
    scales = (np.where(largest == 0, 1, largest) / _LARGEST_NUMBER).astype(np.float32)
    numbers = np.rint(table / scales[:, None])
    return {"numbers": encoded(numbers, np.int16), "scales": encoded(scales, np.float32)}


def normalisers(
    embeddings: Embeddings, n_shown: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the first words' probabilities are divided by, over the whole vocabulary.

    Where words have rates beside themselves they are left out of their own sums.

    Returns
    -------
    log_sums : (n_shown,) float64
        log sum_o exp(score of o).
    peak_sums : (n_shown,) float64
        What that softmax sums to when its peaks are changed; ones without peaks.
    """
    sums, peak_sums = np.empty(n_shown), np.ones(n_shown)
    step = max(1, min(_BLOCK_ROWS, _BLOCK_SCORES // len(embeddings.out_bias)))
    for first in range(0, n_shown, step):
        rows = slice(first, min(first + step, n_shown))
        scores = _scores(embeddings, rows)
        if embeddings.self_rates is not None:
            scores[np.arange(len(scores)), np.arange(rows.start, rows.stop)] = -np.inf
        highest = scores.max(axis=1)
        scores -= highest[:, None]
        np.exp(scores, out=scores)
        totals = scores.sum(axis=1)
        sums[rows] = highest + np.log(totals)
        if embeddings.peaks is not None:
            scores /= totals[:, None]
            peak_sums[rows] = embeddings.peaks.sums(scores)
    return sums, peak_sums


def _scores(embeddings: Embeddings, rows: slice) -> NDArray[np.float64]:
    """Return numbers whose softmax is p(o | c) without peaks and rates, of some words."""
    inputs = embeddings.in_vectors[rows]
    if embeddings.objective == "hierarchical":
        return embeddings.scores(inputs)
    scores = (inputs @ embeddings.out_vectors.T).astype(np.float64)
    return scores * embeddings.temperature + embeddings.out_bias


def encoded(array: ArrayLike, kind: DTypeLike) -> str:
    """Return the array's bytes, little-endian as every browser's typed arrays are."""
    little = np.ascontiguousarray(array).astype(np.dtype(kind).newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def _require_room(n_numbers: int, n_shown: int, n_words: int) -> None:
    n_bytes = n_numbers * 2 * 4 // 3
    if n_bytes > LARGEST_PAGE_BYTES:
        raise ConfigurationError(
            f"words: a page of {n_shown:,} words of {n_words:,} would have "
            f"{n_bytes / 2**20:,.0f} MiB of vectors, more than the {LARGEST_PAGE_BYTES >> 20} that "
            "browsers take well; show fewer with --words"
        )
