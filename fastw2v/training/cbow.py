"""From an encoded text to trained CBOW parameters: start, batches, training."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.softmax.cbow import CbowSoftmax
from fastw2v.objectives.softmax.cbow_batches import CbowBatches
from fastw2v.objectives.softmax.estimates import tell_of_the_run
from fastw2v.objectives.softmax.initialization import START_STEPS, random_vectors, spectral_vectors
from fastw2v.objectives.softmax.optimizers import CBOW_MEAN_RECIPES, CBOW_SUM_RECIPES, Optimizer
from fastw2v.objectives.softmax.precision import resolved_precision
from fastw2v.objectives.softmax.skipgram import scores_bytes
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from fastw2v.training.loop import BatchTraining, train_supervised
from fastw2v.training.run import Fitted, RunOptions, TrainingSummary

DEFAULT_ROWS = 512
# The spectral vectors are those of one context's score. Several contexts say more than one, but
# their mean is no larger, and their sum counts twice what they have in common.
START_SCALES = {True: 2.0, False: 0.6}

Vectors = NDArray[np.float32]


class FittedCbow(NamedTuple):
    """Trained parameters.

    `in_vectors` and `out_vectors` are (V, D), `out_bias` (V,) float32: softmax(U h + bias)
    estimates p(word | contexts) of the text itself, whatever `sample` was. The losses of
    `history` are of the thinned text, in nats per position.
    """

    in_vectors: Vectors
    out_vectors: Vectors
    out_bias: Vectors
    history: list[EpochRecord]


def fit_cbow(
    vocabulary: Vocabulary,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    run: RunOptions,
    read_s: float,
) -> Fitted:
    """Train exact full-softmax CBOW; errors as in `Word2Vec.fit`."""
    started = time.perf_counter()
    with WorkerPool(run.workers) as pool:
        found = fit_cbow_softmax(
            vocabulary,
            tokens,
            settings,
            pool=pool,
            mean=settings.cbow_mean,
            run=run,
        )
    embeddings = Embeddings(vocabulary, found.in_vectors, found.out_vectors, found.out_bias)
    summary = TrainingSummary(
        found.history[run.supervisor.kept_epoch - 1].loss_nats,
        None,
        None,
        None,
        read_s,
        0.0,
        time.perf_counter() - started,
        _positions_of_batch(settings, len(vocabulary)),
        resolved_precision(settings.precision),
    )
    return Fitted(embeddings, summary, found.history, tokens.digest(vocabulary))


def fit_cbow_softmax(
    vocabulary: Vocabulary,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    *,
    pool: WorkerPool,
    mean: bool = True,
    counts: PairCounts | None = None,
    run: RunOptions | None = None,
) -> FittedCbow:
    """Train exact full-softmax CBOW on running text.

    Parameters
    ----------
    vocabulary : Vocabulary
    tokens : EncodedTokens
        Of this vocabulary; the text that is trained on.
    settings : Hyperparameters
        `batch_tokens` is the number of positions in a batch; `batches` and `batch_rows` are not
        used.
    pool : WorkerPool
        The result does not depend on how many workers it has.
    mean : bool
        The input is the mean of the contexts' vectors; else their sum.
    counts : PairCounts, optional
        Of `tokens` and the window, for the spectral start. Default: counted here if needed.
    run : RunOptions, optional
        Who is told what; its stages are "counting" and "starting".

    Returns
    -------
    FittedCbow

    Raises
    ------
    ConfigurationError
        If the CPU lacks the precision, or the scores of a batch exceed `scores_mib`.
    CorpusError
        If no word has a context.
    VocabularyError
        If an id is not in the vocabulary.
    DivergenceError
        If the loss or the vectors leave the range of numbers.
    """
    resolved_precision(settings.precision)
    run = run or RunOptions(pool.workers)
    begins = run.supervisor.begins and run.start is None
    n_words = len(vocabulary)
    keep = keep_probability(vocabulary.counts, settings.sample or 0.0)
    batches = CbowBatches(
        tokens,
        keep,
        dimensions=settings.vector_size,
        window=settings.window,
        rows=_positions_of_batch(settings, n_words),
        epochs=settings.epochs,
        seed=settings.seed,
    )
    if settings.start == "spectral" and counts is None and begins:
        counts = count_pairs(
            tokens,
            n_words,
            settings.window,
            workers=pool.workers,
            progress=run.stage("counting"),
        )
    report = run.stage("starting")
    if report:
        report(0, START_STEPS)
    first = run.start or _first_vectors(settings, counts, keep, mean, pool, report)
    objective = CbowSoftmax(
        *first,
        _first_bias(vocabulary, keep, settings),
        mean=mean,
        optimizer=settings.optimizer,
        max_rows=batches.max_rows,
        precision=settings.precision,
        pool=pool,
    )
    if report:
        report(START_STEPS, START_STEPS)
    tell_of_the_run(objective, batches, settings.epochs, run.notice)
    recipes = CBOW_MEAN_RECIPES if mean else CBOW_SUM_RECIPES
    optimizer = Optimizer(settings, settings.epochs * batches.batches_per_epoch, recipes)
    found, history = train_supervised(
        BatchTraining(objective, batches, optimizer), vocabulary, keep, run, settings.epochs
    )
    return FittedCbow(found.in_vectors, found.out_vectors, found.out_bias, history)


def _first_vectors(
    settings: Hyperparameters,
    counts: PairCounts | None,
    keep: NDArray[np.float64],
    mean: bool,
    pool: WorkerPool,
    report: Callable[[int, int | None], None] | None,
) -> tuple[Vectors, Vectors]:
    if counts is None or settings.start != "spectral":
        return random_vectors(len(keep), settings)
    if not counts.n_entries:
        raise CorpusError(
            f"counts: expected pairs of words within {settings.window} of each other, got none; "
            "use longer lines or a lower min_count"
        )
    in_vectors, out_vectors = spectral_vectors(counts, keep, settings, pool, report)
    scale = np.float32(START_SCALES[mean])
    return scale * in_vectors, scale * out_vectors


def _first_bias(
    vocabulary: Vocabulary, keep: NDArray[np.float64], settings: Hyperparameters
) -> Vectors:
    """Return the log probability of each word at a kept position, or zeros for ``bias="none"``."""
    if settings.bias == "none":
        return np.zeros(len(keep), np.float32)
    kept = np.maximum(vocabulary.counts, 0.5) * keep
    return np.asarray(np.log(kept / kept.sum()), np.float32)


def _positions_of_batch(settings: Hyperparameters, n_words: int) -> int:
    """Return how many positions make a batch: as set, or the default as far as memory allows."""
    size = settings.batch_tokens or DEFAULT_ROWS
    budget = settings.scores_mib * 2**20
    while settings.batch_tokens is None and size > 1 and scores_bytes(n_words, size) > budget:
        size //= 2
    needed = scores_bytes(n_words, size)
    if needed > budget:
        raise ConfigurationError(
            f"scores_mib: a batch of {size} over {n_words:,} words needs {-(-needed // 2**20)} MiB "
            f"for its scores, the budget is {settings.scores_mib}; raise scores_mib, lower "
            "batch_tokens, or keep fewer words with max_final_vocab or min_count"
        )
    return size
