"""The exact softmax of CBOW in plain Python and float64 numpy: windows and gradients, slowly."""

from typing import NamedTuple

import numpy as np


class DenseCbow(NamedTuple):
    loss: float
    in_gradient: np.ndarray
    out_gradient: np.ndarray
    bias_gradient: np.ndarray


def rows_of(windows):
    """Windows as a list of (word, list of contexts)."""
    starts = windows.starts
    return [
        (int(word), windows.contexts[starts[r] : starts[r + 1]].tolist())
        for r, word in enumerate(windows.words)
    ]


def exact_cbow(rows, in_vectors, out_vectors, out_bias, mean):
    """Loss and gradients of -log softmax(U h + b)[word], summed over the rows."""
    v, u = in_vectors.astype(np.float64), out_vectors.astype(np.float64)
    shares = np.zeros((len(rows), len(v)))
    for r, (_, contexts) in enumerate(rows):
        for context in contexts:
            shares[r, context] += 1 / len(contexts) if mean else 1
    words = [word for word, _ in rows]
    inputs = shares @ v
    scores = inputs @ u.T + out_bias.astype(np.float64)
    peak = scores.max(axis=1, keepdims=True)
    log_p = scores - peak - np.log(np.exp(scores - peak).sum(axis=1, keepdims=True))
    errors = np.exp(log_p)
    errors[np.arange(len(rows)), words] -= 1
    loss = -log_p[np.arange(len(rows)), words].sum()
    return DenseCbow(loss, shares.T @ (errors @ u), errors.T @ inputs, errors.sum(axis=0))


def windows_of(sentences, window, kept, reach, held_out=()):
    """All rows of a text, in its order.

    `sentences` are lists of (position, word); `kept(position, word)` and `reach(position)` say
    what was drawn. Positions that are held out make no row.
    """
    rows = []
    for sentence in sentences:
        left = [(position, word) for position, word in sentence if kept(position, word)]
        words = [word for _, word in left]
        for place, (position, word) in enumerate(left):
            far = reach(position)
            assert 1 <= far <= window
            before, behind = words[max(0, place - far) : place], words[place + 1 : place + 1 + far]
            if (before or behind) and position not in held_out:
                rows.append((word, before[::-1] + behind))
    return rows
