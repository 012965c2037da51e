"""What settings are that are left open: the defaults that depend on other settings, all of them.

`fastw2v.config` has the defaults that depend on nothing, beside each setting.
"""

from typing import NamedTuple

__all__ = [
    "CONTINUED_RATES",
    "EPOCHS",
    "FINAL_RATES",
    "NGRAM_SIZES",
    "SAMPLES",
    "BatchLimit",
    "batch_limit",
    "default_rate",
]

# Of those that go over the text the passes and the threshold of subsampling that gave the best
# vectors for their time, and not word2vec's 5 and 1e-3 (docs/objectives.md).
EPOCHS = {"softmax": 5, "negative": 20, "hierarchical": 20}
SAMPLES = {"softmax": 1e-5, "negative": 1e-4, "hierarchical": 1e-4}
FINAL_RATES = {"softmax": 0.05, "negative": 1e-4, "hierarchical": 1e-4}
# A run that starts from earlier vectors begins with so much of the rate of one that does not.
# Measured: `bench/bench_continued.py`.
CONTINUED_RATES = {"softmax": 0.5, "negative": 1.0, "hierarchical": 0.5}
# Characters of the shortest and the longest n-grams. Over the text those of fastText were better.
NGRAM_SIZES = {"softmax": (2, 5), "negative": (3, 6), "hierarchical": (3, 6)}
# The most rows of a batch, by what they are: centre words, running tokens, positions of CBOW.
_BATCH_SIZES = {"counts": 256, "tokens": 1024, "positions": 512}

# Adam and AdaGrad divide by the size of gradients. Plain SGD sums over the rows of a batch, and
# running text holds the frequent words over and over, so that it diverges at rates that suit
# batches of counts. With the mean a context word of CBOW sees 1/C of its rows' gradients and may
# move faster; 0.01 with Adam was too fast (`bench/bench_cbow_softmax.py`).
_SOFTMAX_RATES = {
    "counts": {"adam": 0.02, "adagrad": 0.2, "sgd": 0.2},
    "tokens": {"adam": 0.02, "adagrad": 0.2, "sgd": 0.03},
    "mean of contexts": {"adam": 0.005, "adagrad": 0.1, "sgd": 0.03},
    "sum of contexts": {"adam": 0.01, "adagrad": 0.1, "sgd": 0.02},
}
# Centre vectors that share features move with every word that has them, and need a smaller rate.
_SHARED_INPUTS = 0.75
# Of the objectives that go over the text: word2vec's. The gradient of a mean is divided by the
# number of contexts, which word2vec.c and gensim leave out: about 6 in a window of 5. Measured:
# `bench/bench_negative_sampling.py`.
_STREAM_RATE = 0.025
_STREAM_MEAN_RATE = 0.15
# fastText's: a step moves a mean of n-grams by all that it moves each of them.
_STREAM_SUBWORDS_RATE = 0.05


def default_rate(
    objective: str, model: str, optimizer: str, *, batches: str, mean: bool, inputs: str
) -> float:
    """Return the first learning rate of a run that asks for none."""
    if objective != "softmax" and inputs == "subwords":
        return _STREAM_SUBWORDS_RATE
    if objective != "softmax":
        return _STREAM_MEAN_RATE if model == "cbow" and mean else _STREAM_RATE
    rows = batches
    if model == "cbow":
        rows = "mean of contexts" if mean else "sum of contexts"
    rate = _SOFTMAX_RATES[rows][optimizer]
    return rate if inputs == "words" else _SHARED_INPUTS * rate


class BatchLimit(NamedTuple):
    """How many rows a batch may have.

    Attributes
    ----------
    name : str
        Of the setting.
    rows : int
        What it says, or its default.
    is_fixed : bool
        Whether it was given; a default shrinks where memory is short.
    """

    name: str
    rows: int
    is_fixed: bool


def batch_limit(name: str, asked: int | None, rows: str) -> BatchLimit:
    """Return the limit that a setting says, or the default for rows of some kind."""
    return BatchLimit(name, _BATCH_SIZES[rows] if asked is None else asked, asked is not None)
