"""Fitting skip-gram by the exact softmax: count, start, train, and look at the result."""

import math
import time

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.build import count_text
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.matrix import PairCounts, SparseCounts
from fastw2v.errors import CorpusError, DivergenceError
from fastw2v.objectives.softmax.batches import Batches, CountBatches, TokenBatches, exact_loss
from fastw2v.objectives.softmax.estimates import (
    DEFAULT_BATCH_ROWS,
    DEFAULT_BATCH_TOKENS,
    batch_size,
    require_memory,
    tell_of_the_run,
    training_bytes,
)
from fastw2v.objectives.softmax.initialization import (
    START_STEPS,
    initial_bias,
    random_vectors,
    spectral_vectors,
)
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.precision import resolved_precision
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from fastw2v.training.loop import BatchTraining, train_supervised
from fastw2v.training.run import Fitted, RunOptions, TrainingSummary


def fit_counts(
    vocabulary: Vocabulary,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    run: RunOptions,
    read_s: float,
) -> Fitted:
    """Count a text and train exact full-softmax skip-gram; errors as in `Word2Vec.fit`."""
    started = time.perf_counter()
    counting = CountingSettings.of(settings)
    corpus = count_text(tokens, vocabulary, counting, workers=run.workers, progress=run.progress)
    count_s = time.perf_counter() - started
    return fit_counted(corpus, tokens, settings, run, (read_s, count_s))


def fit_counted(
    corpus: CountedCorpus,
    tokens: EncodedTokens | None,
    settings: Hyperparameters,
    run: RunOptions,
    seconds: tuple[float, float],
) -> Fitted:
    """Train exact full-softmax skip-gram on counts; errors as in `Word2Vec.fit`.

    Parameters
    ----------
    corpus : CountedCorpus
    tokens : EncodedTokens or None
        The text, for batches of tokens.
    settings : Hyperparameters
    run : RunOptions
    seconds : tuple of float
        What reading and counting took.
    """
    started = time.perf_counter()
    vocabulary, counts = corpus.vocabulary, corpus.counts
    if not counts.n_entries:
        raise CorpusError(
            f"corpus: expected at least one pair of words within {settings.window} of each "
            f"other, got {corpus.statistics.n_tokens} tokens that stand alone in their lines; "
            "use longer lines or a lower min_count"
        )
    keep = keep_probability(vocabulary.counts, settings.sample or 0.0)
    batches = _batches(settings, tokens, counts, keep, corpus.widths)
    counts_bytes = counts.nbytes if isinstance(counts, PairCounts) else 0
    require_memory(vocabulary, settings, batches.max_rows, run.memory_mib, counts_bytes)
    memory_bytes = training_bytes(len(vocabulary), settings, batches.max_rows, counts_bytes)
    with WorkerPool(run.workers) as pool:
        objective = _started(settings, counts, keep, batches.max_rows, pool, run)
        tell_of_the_run(objective, batches, settings.epochs, run.notice, memory_bytes)
        optimizer = Optimizer(settings, settings.epochs * batches.batches_per_epoch)
        embeddings, history = train_supervised(
            BatchTraining(objective, batches, optimizer), vocabulary, keep, run, settings.epochs
        )
        loss_nats = _final_loss(settings, objective, batches, counts, keep)
    summary = TrainingSummary(
        loss_nats,
        counts.context_entropy_nats(keep, keep),
        counts.conditional_entropy_nats(keep, keep),
        counts.n_entries,
        *seconds,
        time.perf_counter() - started,
        batches.max_rows,
        resolved_precision(settings.precision),
    )
    return Fitted(embeddings, summary, history, corpus.statistics.digest)


def _started(
    settings: Hyperparameters,
    counts: SparseCounts,
    keep: NDArray[np.float64],
    max_rows: int,
    pool: WorkerPool,
    run: RunOptions,
) -> ExactSoftmax:
    """Return the objective with its first vectors; of a resumed run any will do."""
    report = run.stage("starting")
    if report:
        report(0, START_STEPS)
    if run.start is not None:
        in_vectors, out_vectors = run.start
    elif settings.start == "spectral" and run.supervisor.begins:
        in_vectors, out_vectors = spectral_vectors(counts, keep, settings, pool, report)
    else:
        in_vectors, out_vectors = random_vectors(len(keep), settings)
    objective = ExactSoftmax(
        in_vectors,
        out_vectors,
        initial_bias(counts, keep, settings),
        optimizer=settings.optimizer,
        precision=settings.precision,
        max_rows=max_rows,
        pool=pool,
    )
    if report:
        report(START_STEPS, START_STEPS)
    return objective


def _batches(
    settings: Hyperparameters,
    tokens: EncodedTokens | None,
    counts: SparseCounts,
    keep: NDArray[np.float64],
    widths: NDArray[np.int32] | None,
) -> Batches:
    n_words = len(keep)
    if tokens is None or settings.batches == "counts":
        rows = batch_size(settings, n_words, "batch_rows", DEFAULT_BATCH_ROWS)
        return CountBatches(
            counts, keep, dimensions=settings.vector_size, rows=rows, seed=settings.seed
        )
    stretch = batch_size(settings, n_words, "batch_tokens", DEFAULT_BATCH_TOKENS)
    return TokenBatches(
        tokens,
        keep,
        dimensions=settings.vector_size,
        window=settings.window,
        stretch=stretch,
        total_weight=float((counts.row_sums(keep) * keep).sum()),
        seed=settings.seed,
        widths=widths,
    )


def _final_loss(
    settings: Hyperparameters,
    objective: ExactSoftmax,
    batches: Batches,
    counts: SparseCounts,
    keep: NDArray[np.float64],
) -> float:
    rows = batches
    if not isinstance(rows, CountBatches):
        rows = CountBatches(
            counts,
            keep,
            dimensions=settings.vector_size,
            rows=batches.max_rows,
            seed=settings.seed,
        )
    loss_nats = exact_loss(objective, rows)
    if not math.isfinite(loss_nats):
        raise DivergenceError(
            f"training diverged: expected a finite loss of the final vectors, got {loss_nats}; "
            "use a smaller --learning-rate"
        )
    return loss_nats
