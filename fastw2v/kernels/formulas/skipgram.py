"""Full-softmax skip-gram as it is derived: one pair, and a batch of centre rows.

The plain formulas, for reading, for tests and for small vocabularies: the batch holds B x V
scores at once. The tiled kernel that training runs is ``fastw2v.kernels.softmax.tiles``; it
must give the gradients computed here. Derivation: ``docs/math.md``.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.functions import (
    FloatArray,
    require_floats,
    require_length,
    softmax_into,
)

__all__ = [
    "SkipGramGradients",
    "SparseRows",
    "WordRows",
    "batch_loss_and_gradients",
    "check_sparse_rows",
    "pair_loss_and_gradients",
    "require_word",
]


class SparseRows(NamedTuple):
    """Observed contexts of B centre rows, in compressed sparse rows.

    Row r holds ``indices[indptr[r]:indptr[r + 1]]`` with the weights at the same places. The
    weights of a row sum to its row weight a_r: counts, or a probability distribution, or that
    times any weight. A word may stand in a row more than once; its weights add up.

    Attributes
    ----------
    indptr : ndarray of int64, shape (B + 1,)
        From 0 to the number of entries, never falling.
    indices : ndarray of int32 or int64, shape (entries,)
        Context words, 0 to V - 1.
    weights : ndarray, shape (entries,)
        At least 0.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[Any]
    weights: NDArray[Any]

    def taken(self, rows: NDArray[np.int64]) -> "SparseRows":
        """Return some of the rows."""
        starts, places = _taken_places(self.indptr, rows)
        return SparseRows(starts, self.indices[places], self.weights[places])


class WordRows(NamedTuple):
    """Words of R rows, without weights.

    Attributes
    ----------
    starts : (R + 1,) int64
        From 0 to the number of words, never falling.
    words : int32
        Those of row r from ``starts[r]`` on, none twice.
    """

    starts: NDArray[np.int64]
    words: NDArray[np.int32]

    @classmethod
    def single(cls, words: NDArray[Any]) -> "WordRows":
        """Return rows of one word each."""
        return cls(np.arange(len(words) + 1), words.astype(np.int32))

    def taken(self, rows: NDArray[np.int64]) -> "WordRows":
        """Return some of the rows."""
        starts, places = _taken_places(self.starts, rows)
        return WordRows(starts, self.words[places])

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of each word."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def places_of(self, words: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place of one word of each row among all words (R,), -1 where it lacks it."""
        rows, found = self.rows, np.full(len(words), -1, np.int64)
        places = np.flatnonzero(self.words == words[rows])
        found[rows[places]] = places
        return found


def _taken_places(
    starts: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where some rows start once they stand together, and the places of their entries."""
    lengths = np.diff(starts)[rows]
    together = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return together, np.repeat(starts[rows] - together[:-1], lengths) + np.arange(together[-1])


class SkipGramGradients(NamedTuple):
    """A loss and its gradients; unpacks as ``loss, dv, dU, db``.

    Attributes
    ----------
    loss : float
        Nats, summed over the pairs (float64).
    centre_vectors : ndarray, shape of the centre vectors passed in
    out_vectors : ndarray, shape (V, D)
    out_bias : ndarray, shape (V,)
    """

    loss: float
    centre_vectors: FloatArray
    out_vectors: FloatArray
    out_bias: FloatArray


@kernel
def require_word(what: str, n_types: int, got: int) -> None:
    """Raise ValueError unless `got` is one of the words 0 to `n_types` - 1."""
    if got < 0 or got >= n_types:
        raise ValueError(f"{what}: expected a word from 0 to {n_types - 1}, got {got}")


@kernel
def check_sparse_rows(rows: SparseRows, n_rows: int, n_columns: int) -> None:
    """Raise ValueError unless `rows` are `n_rows` rows of words below `n_columns`.

    Kernels index without bounds checks, so this looks at every entry once.
    """
    indptr, indices, weights = rows
    require_length("contexts: indptr entries (rows + 1)", n_rows + 1, indptr.shape[0])
    require_length("contexts: weights (one for each index)", indices.shape[0], weights.shape[0])
    require_length("contexts: first entry of indptr", 0, indptr[0])
    require_length("contexts: last entry of indptr", indices.shape[0], indptr[n_rows])
    for row in range(n_rows):
        if indptr[row] > indptr[row + 1]:
            raise ValueError("contexts: expected an indptr that never falls; rows must be in order")
    for entry in range(indices.shape[0]):
        require_word("contexts: index", n_columns, indices[entry])


@kernel
def pair_loss_and_gradients(
    centre_vector: FloatArray, out_vectors: FloatArray, out_bias: FloatArray, context: int
) -> SkipGramGradients:
    """Return -log softmax(U v_c + b)_o of one pair of words, and its gradients.

    Parameters
    ----------
    centre_vector : ndarray of float32 or float64, shape (D,)
        v_c.
    out_vectors : ndarray, shape (V, D), same dtype
        U.
    out_bias : ndarray, shape (V,), same dtype
        b.
    context : int
        o, 0 to V - 1.

    Returns
    -------
    SkipGramGradients
        ``loss``; U^T (yhat - y), shape (D,); (yhat_w - y_w) v_c for *all* words w, shape
        (V, D); yhat - y, shape (V,).

    Raises
    ------
    ValueError
        If the shapes do not fit together, or `context` is not a word.

    References
    ----------
    Mikolov et al. (2013), arXiv:1301.3781 and arXiv:1310.4546, equation 2.
    """
    n_types, dimensions = out_vectors.shape
    require_floats("pair_loss_and_gradients of out_vectors", out_vectors)
    require_length("centre_vector: dimensions", dimensions, centre_vector.shape[0])
    require_length("out_bias: words", n_types, out_bias.shape[0])
    require_word("context", n_types, context)

    scores = out_vectors @ centre_vector + out_bias
    error = np.empty_like(scores)
    maximum, log_total = softmax_into(scores, error)
    loss = (maximum - np.float64(scores[context])) + log_total
    error[context] -= 1
    return SkipGramGradients(loss, error @ out_vectors, np.outer(error, centre_vector), error)


@kernel
def batch_loss_and_gradients(
    centre_vectors: FloatArray,
    out_vectors: FloatArray,
    out_bias: FloatArray,
    contexts: SparseRows,
) -> SkipGramGradients:
    """Return the loss of B centre rows with their observed contexts, and its gradients.

    With yhat_r = softmax(U v_r + b), and n(r,o) the weights of row r with sum a_r:

        loss = - sum_r sum_o n(r,o) log yhat_r(o)
        G    = a_r yhat_r(o) - n(r,o)                  (B, V)
        dV   = G U,   dU = G^T V_B,   db = column sums of G

    A row without contexts contributes exactly zero.

    Parameters
    ----------
    centre_vectors : ndarray of float32 or float64, shape (B, D)
        V_B. The same word may stand in several rows.
    out_vectors : ndarray, shape (V, D), same dtype
        U.
    out_bias : ndarray, shape (V,), same dtype
        b.
    contexts : SparseRows
        n: B rows of words below V.

    Returns
    -------
    SkipGramGradients
        Gradients of shapes (B, D), (V, D) and (V,), in the dtype of `out_vectors`.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a context is not a word.

    Notes
    -----
    Needs memory for two dense B x V arrays.
    """
    n_rows = centre_vectors.shape[0]
    n_types, dimensions = out_vectors.shape
    require_floats("batch_loss_and_gradients of out_vectors", out_vectors)
    require_length("centre_vectors: dimensions", dimensions, centre_vectors.shape[1])
    require_length("out_bias: words", n_types, out_bias.shape[0])
    check_sparse_rows(contexts, n_rows, n_types)

    indptr, indices, weights = contexts
    scores = centre_vectors @ out_vectors.T + out_bias
    error = np.zeros_like(scores)  # G
    bias_total = np.zeros(n_types, np.float64)
    loss = 0.0
    for row in range(n_rows):
        first, end = indptr[row], indptr[row + 1]
        if first == end:
            continue
        maximum, log_total = softmax_into(scores[row], error[row])
        row_weight = 0.0
        for entry in range(first, end):
            weight = np.float64(weights[entry])
            row_weight += weight
            loss += weight * ((maximum - np.float64(scores[row, indices[entry]])) + log_total)
        for word in range(n_types):
            error[row, word] = row_weight * error[row, word]
        for entry in range(first, end):
            error[row, indices[entry]] -= weights[entry]
        for word in range(n_types):
            bias_total[word] += error[row, word]

    bias_gradient = np.empty_like(out_bias)
    bias_gradient[:] = bias_total
    return SkipGramGradients(loss, error @ out_vectors, error.T @ centre_vectors, bias_gradient)
