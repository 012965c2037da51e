"""Each objective's own loss on pairs that it need not have been trained on, in nats per pair.

These cannot be compared with one another: negative sampling answers other questions than a
softmax. `fastw2v.objectives.losses.calibration` makes all of them comparable.
"""

import numpy as np
from numpy.typing import ArrayLike

from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.objectives.losses.rows import InputRows
from fastw2v.objectives.losses.scores import SoftmaxScores, TreeScores

__all__ = ["hierarchical_loss", "negative_sampling_loss"]


def negative_sampling_loss(
    scores: SoftmaxScores, rows: InputRows, noise: ArrayLike, negatives: int
) -> float:
    """Return the expected negative-sampling loss of a pair with its noise words.

    The expectation over the noise is computed exactly, by summing over the vocabulary; nothing
    is drawn. Noise words that equal the observed word count as any other.

        mean over pairs (r, o) of  -log sigma(u_o . h_r) - K sum_w P(w) log sigma(-u_w . h_r)

    Parameters
    ----------
    scores : SoftmaxScores
    rows : CentreRows or CbowRows
    noise : array of numbers, shape (V,)
        P, from `fastw2v.objectives.noise.noise_distribution`.
    negatives : int
        K, at least 1.

    Returns
    -------
    loss_nats : float

    Raises
    ------
    ConfigurationError
        If `negatives` is below 1.
    VocabularyError
        If the noise is no distribution over V words, or dimensions differ.
    DivergenceError
        If a vector is not finite.

    References
    ----------
    Mikolov et al. (2013), arXiv:1310.4546, equation 4.
    """
    if negatives < 1:
        raise ConfigurationError(f"negatives: expected at least 1, got {negatives}")
    shares = np.asarray(noise, np.float64)
    if shares.shape != (scores.n_words,) or not abs(shares.sum() - 1) < 1e-6 or (shares < 0).any():
        raise VocabularyError(
            f"noise: expected probabilities of {scores.n_words} words, got shape {shares.shape} "
            f"with the sum {shares.sum():g}"
        )
    loss, weight = 0.0, 0.0
    for batch in rows:
        row_weights = batch.row_weights
        found = np.logaddexp(0, -scores.observed(batch))
        told_apart = scores.noise_losses(batch, shares.astype(np.float32))
        loss += float(batch.contexts.weights @ found + negatives * (row_weights @ told_apart))
        weight += float(row_weights.sum())
    return loss / weight


def hierarchical_loss(scores: TreeScores, rows: InputRows) -> float:
    """Return the mean of -log q(o | h) of a hierarchical softmax over all pairs, exactly.

    The leaves' probabilities sum to one, so this can be compared with a softmax's loss as it is.

    Parameters
    ----------
    scores : TreeScores
    rows : CentreRows or CbowRows

    Returns
    -------
    loss_nats : float

    Raises
    ------
    VocabularyError
        If dimensions or words do not fit together.
    DivergenceError
        If a vector is not finite.
    """
    loss, weight = 0.0, 0.0
    for batch in rows:
        loss -= float(batch.contexts.weights @ scores.observed(batch))
        weight += float(batch.contexts.weights.sum())
    return loss / weight
