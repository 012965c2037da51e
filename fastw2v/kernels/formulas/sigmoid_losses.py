"""Negative sampling, hierarchical softmax, and the input of CBOW, as they are derived.

The plain formulas, for reading, for tests and for evaluation. Both losses are the same one: some
output vectors u_k are told apart from an input vector h by yes or no questions with the answers
y_k in {0, 1},

    s_k = u_k . h,   loss = -sum_k log sigma(s_k if y_k else -s_k),   dloss/ds_k = sigma(s_k) - y_k

For skip-gram h is the vector of one word; for CBOW it is the mean or the sum of the contexts'
vectors. The gradient holds for every score: none is so large that it is left out. Derivation:
``docs/math.md``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.formulas.functions import (
    FloatArray,
    log_sigmoid_scalar,
    require_floats,
    require_length,
    sigmoid_scalar,
)
from fastw2v.kernels.formulas.huffman import HuffmanTree

__all__ = [
    "SigmoidGradients",
    "cbow_context_gradient",
    "cbow_input",
    "hierarchical_loss_and_gradients",
    "leaf_log_probabilities",
    "logistic_scalar",
    "negative_sampling_loss_and_gradients",
]


class SigmoidGradients(NamedTuple):
    """A loss and its gradients; unpacks as ``loss, dh, du``.

    Attributes
    ----------
    loss : float
        Nats, summed over the outputs (float64).
    hidden : ndarray, shape (D,)
        By the input vector.
    outputs : ndarray, shape (K, D)
        By the output vectors, one row for each that was passed in; if a word was passed in
        several times, its gradient is the sum of its rows.
    """

    loss: float
    hidden: FloatArray
    outputs: FloatArray


@kernel
def _score(hidden: FloatArray, output: FloatArray) -> float:
    score = 0.0
    for d in range(hidden.shape[0]):
        score += np.float64(hidden[d]) * np.float64(output[d])
    return score


@kernel
def _check(hidden: FloatArray, outputs: FloatArray) -> None:
    require_floats("hidden", hidden)
    require_floats("outputs", outputs)
    require_length("hidden: dimensions", outputs.shape[1], hidden.shape[0])


@kernel
def logistic_scalar(score: float, is_true: bool) -> tuple[float, float]:
    """Return the loss of one answer and its slope by the score, in float64.

    Parameters
    ----------
    score : float
        s.
    is_true : bool
        y.

    Returns
    -------
    loss : float
        -log sigma(s) for a true answer, -log sigma(-s) for a false one; in nats.
    slope : float
        sigma(s) - y. For a true answer computed as -sigma(-s), which loses no digit.
    """
    if is_true:
        return -log_sigmoid_scalar(score), -sigmoid_scalar(-score)
    return -log_sigmoid_scalar(-score), sigmoid_scalar(score)


@kernel
def negative_sampling_loss_and_gradients(
    hidden: FloatArray, outputs: FloatArray
) -> SigmoidGradients:
    """Return the negative-sampling loss of one input vector, and its gradients.

        loss = -log sigma(u_0 . h) - sum_(k > 0) log sigma(-u_k . h)

    Parameters
    ----------
    hidden : ndarray of float32 or float64, shape (D,)
        h.
    outputs : ndarray, shape (1 + K, D), same dtype
        The output vector of the word that was seen, then those of K words drawn as noise.

    Returns
    -------
    SigmoidGradients
        ``loss``; sum_k (sigma(s_k) - y_k) u_k, shape (D,); (sigma(s_k) - y_k) h for each k,
        shape (1 + K, D). In the dtype of `hidden`.

    Raises
    ------
    ValueError
        If there is no output vector, or the dimensions differ.
    TypeError
        If the vectors hold integers.

    References
    ----------
    Mikolov et al. (2013), arXiv:1310.4546, equation 4; Goldberg and Levy (2014), arXiv:1402.3722.
    """
    _check(hidden, outputs)
    n_outputs, dimensions = outputs.shape
    if n_outputs == 0:
        raise ValueError("outputs: expected the word that was seen, got none; pass its vector")
    loss = 0.0
    total = np.zeros(dimensions, np.float64)
    output_gradients = np.empty_like(outputs)
    for k in range(n_outputs):
        term, slope = logistic_scalar(_score(hidden, outputs[k]), k == 0)
        loss += term
        for d in range(dimensions):
            total[d] += slope * outputs[k, d]
            output_gradients[k, d] = slope * hidden[d]
    return SigmoidGradients(loss, total.astype(hidden.dtype), output_gradients)


@kernel
def hierarchical_loss_and_gradients(
    hidden: FloatArray, nodes: FloatArray, codes: NDArray[np.uint8]
) -> SigmoidGradients:
    """Return -log q(word | h) of the hierarchical softmax, and its gradients.

        loss = -sum_j log sigma((1 - 2 d_j) x_j . h)

    Parameters
    ----------
    hidden : ndarray of float32 or float64, shape (D,)
        h.
    nodes : ndarray, shape (L, D), same dtype
        x_j: the vectors of the inner nodes on the path to the word.
    codes : ndarray of uint8, shape (L,)
        d_j: the turn that the path takes at each node, 0 or 1.

    Returns
    -------
    SigmoidGradients
        ``loss``; sum_j (sigma(s_j) - (1 - d_j)) x_j, shape (D,); (sigma(s_j) - (1 - d_j)) h for
        each j, shape (L, D). An empty path has the loss 0.

    Raises
    ------
    ValueError
        If there is not one code for each node, or the dimensions differ.
    TypeError
        If the vectors hold integers.

    References
    ----------
    Mikolov et al. (2013), arXiv:1310.4546, section 2.1, with the Huffman codes of word2vec.c,
    where a code of 0 is the answer yes.
    """
    _check(hidden, nodes)
    length, dimensions = nodes.shape
    require_length("codes", length, codes.shape[0])
    loss = 0.0
    total = np.zeros(dimensions, np.float64)
    node_gradients = np.empty_like(nodes)
    for j in range(length):
        term, slope = logistic_scalar(_score(hidden, nodes[j]), codes[j] == 0)
        loss += term
        for d in range(dimensions):
            total[d] += slope * nodes[j, d]
            node_gradients[j, d] = slope * hidden[d]
    return SigmoidGradients(loss, total.astype(hidden.dtype), node_gradients)


@kernel
def leaf_log_probabilities(
    hidden: FloatArray, node_vectors: FloatArray, tree: HuffmanTree
) -> NDArray[np.float64]:
    """Return log q(w | h) of the hierarchical softmax for every word w.

    Each inner node is scored once, so this costs about what a softmax does.

    Parameters
    ----------
    hidden : ndarray of float32 or float64, shape (D,)
        h.
    node_vectors : ndarray, shape (V - 1 or more, D)
        x: the vector of every inner node; rows beyond V - 1 are not looked at.
    tree : HuffmanTree
        Of V words.

    Returns
    -------
    ndarray of float64, shape (V,)
        Their exponentials sum to one.

    Raises
    ------
    ValueError
        If there are fewer vectors than inner nodes, or the dimensions differ.
    """
    _check(hidden, node_vectors)
    starts, points, codes = tree
    n_words = starts.shape[0] - 1
    if node_vectors.shape[0] < n_words - 1:
        raise ValueError("node_vectors: expected one for each inner node (V - 1), got fewer")
    answers = np.empty((2, max(n_words - 1, 0)), np.float64)
    for node in range(n_words - 1):
        score = _score(hidden, node_vectors[node])
        answers[0, node] = log_sigmoid_scalar(score)
        answers[1, node] = log_sigmoid_scalar(-score)
    logs = np.zeros(n_words, np.float64)
    for word in range(n_words):
        for place in range(starts[word], starts[word + 1]):
            logs[word] += answers[codes[place], points[place]]
    return logs


@kernel
def cbow_input(context_vectors: FloatArray, mean: bool) -> FloatArray:
    """Return the input vector of CBOW: the mean or the sum of the contexts' vectors.

    Parameters
    ----------
    context_vectors : ndarray of float32 or float64, shape (C, D)
        C at least 1; a word that stands in the window twice has two rows.
    mean : bool
        The mean; else the sum.

    Returns
    -------
    ndarray, shape (D,), dtype of `context_vectors`

    Raises
    ------
    ValueError
        If there is no context.
    TypeError
        If the vectors hold integers.

    References
    ----------
    Mikolov et al. (2013), arXiv:1301.3781, section 3.1.
    """
    require_floats("context_vectors", context_vectors)
    n_contexts, dimensions = context_vectors.shape
    if n_contexts == 0:
        raise ValueError("context_vectors: expected at least one, got none; skip such a word")
    total = np.zeros(dimensions, np.float64)
    for context in range(n_contexts):
        for d in range(dimensions):
            total[d] += context_vectors[context, d]
    if mean:
        total /= n_contexts
    return total.astype(context_vectors.dtype)


@kernel
def cbow_context_gradient(hidden_gradient: FloatArray, n_contexts: int, mean: bool) -> FloatArray:
    """Return the gradient by the vector of each context, given that by the input vector.

    The same for all of them: dh for a sum, dh / C for a mean. (word2vec.c and gensim add the
    whole dh to each context for a mean as well, which is C times the gradient: Irsoy, Benton and
    Stratos 2021.)

    Parameters
    ----------
    hidden_gradient : ndarray of float32 or float64, shape (D,)
        dh.
    n_contexts : int
        C, at least 1.
    mean : bool
        As in `cbow_input`.

    Returns
    -------
    ndarray, shape (D,), dtype of `hidden_gradient`

    Raises
    ------
    ValueError
        If there is no context.
    TypeError
        If the gradient holds integers.

    References
    ----------
    Irsoy, Benton, Stratos (2021), Corrected CBOW performs as well as skip-gram, arXiv:2012.15332.
    """
    require_floats("hidden_gradient", hidden_gradient)
    if n_contexts < 1:
        raise ValueError("n_contexts: expected at least 1; a word without contexts has no input")
    gradient = hidden_gradient.copy()
    if mean:
        for d in range(gradient.shape[0]):
            gradient[d] /= n_contexts
    return gradient
