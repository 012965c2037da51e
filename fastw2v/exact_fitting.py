"""Fitting skip-gram by the exact softmax: count, start, train, and look at the result."""

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastw2v.batches import Batches, CountBatches, TokenBatches
from fastw2v.callbacks import StageProgress
from fastw2v.config import Hyperparameters
from fastw2v.counted_corpus import CorpusFacts, CountedCorpus, counting_widths
from fastw2v.counting_settings import CountingSettings
from fastw2v.counts import PairCounts, count_pairs
from fastw2v.encoded import EncodedTokens
from fastw2v.errors import ConfigurationError, CorpusError, DivergenceError
from fastw2v.fitted import Fitted, RunOptions, TrainingSummary, stage_of
from fastw2v.initial import START_STEPS, initial_bias, random_vectors, spectral_vectors
from fastw2v.long_runs import tell_of_the_run
from fastw2v.objectives import ExactSoftmax, scores_bytes
from fastw2v.optim import Optimizer
from fastw2v.parallel import WorkerPool
from fastw2v.precision import resolved_precision
from fastw2v.run_memory import require_memory, training_bytes
from fastw2v.softmax_training import train_supervised
from fastw2v.sparse_counts import SparseCounts
from fastw2v.vocab import Vocabulary, keep_probability

DEFAULT_BATCH_ROWS = 256
DEFAULT_BATCH_TOKENS = 1024


def fit_counts(
    vocabulary: Vocabulary,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    run: RunOptions,
    read_s: float,
) -> Fitted:
    """Count a text and train exact full-softmax skip-gram; errors as in `Word2Vec.fit`."""
    started = time.perf_counter()
    counts = counted_windows(tokens, vocabulary, settings, run.workers, run.progress)
    facts = CorpusFacts.of(tokens, vocabulary)
    widths = window_widths(vocabulary, settings)
    corpus = CountedCorpus(vocabulary, CountingSettings.of(settings), widths, facts, counts)
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
            f"other, got {corpus.facts.n_tokens} tokens that stand alone in their lines; "
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
        optimizer = Optimizer(settings, settings.epochs * batches.batches_per_pass)
        embeddings, history = train_supervised(
            objective, batches, optimizer, vocabulary, keep, run, settings.epochs
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
    return Fitted(embeddings, summary, history, corpus.facts.digest)


def window_widths(vocabulary: Vocabulary, settings: Hyperparameters) -> NDArray[np.int32] | None:
    """Return what each word takes of a place in the settings' windows; None for plain windows.

    They follow from the counts of the vocabulary, those of the training text, whatever the text
    is that windows are counted in. Windows of CBOW and of the objectives that go over running text
    are plain: they drop tokens, or draw their reach.
    """
    exact_skipgram = settings.objective == "softmax" and settings.model == "skipgram"
    return counting_widths(vocabulary, CountingSettings.of(settings)) if exact_skipgram else None


def counted_windows(
    tokens: EncodedTokens,
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    workers: int,
    progress: StageProgress | None,
) -> PairCounts:
    """Count the settings' windows and report it as the stage "counting"."""
    return count_pairs(
        tokens,
        len(vocabulary),
        settings.window,
        workers=workers,
        widths=window_widths(vocabulary, settings),
        progress=stage_of(progress, "counting"),
    )


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


def exact_loss(
    objective: ExactSoftmax,
    batches: CountBatches,
    report: Callable[[int, int | None], None] | None = None,
) -> float:
    """Return the exact mean loss over all rows of the counts, nats per weighted pair.

    `report` gets batches done, and batches in all.
    """
    total_loss, total_weight = 0.0, 0.0
    for done, batch in enumerate(batches.one_pass(0), 1):
        total_loss += objective.loss(batch)
        total_weight += float(batch.row_weights.sum())
        if report:
            report(done, batches.batches_per_pass)
    return total_loss / total_weight


def batch_size(settings: Hyperparameters, n_words: int, name: str, default: int) -> int:
    """Return the batch size `name`: as set, or the default as far as memory allows."""
    asked: int | None = getattr(settings, name)
    size = asked or default
    budget = settings.scores_mib * 2**20
    while asked is None and size > 1 and scores_bytes(n_words, min(size, n_words)) > budget:
        size //= 2
    needed = scores_bytes(n_words, min(size, n_words))
    if needed > budget:
        raise ConfigurationError(
            f"scores_mib: a batch of {size} over {n_words:,} words needs {-(-needed // 2**20)} MiB "
            f"for its scores, the budget is {settings.scores_mib}; raise scores_mib, lower {name}, "
            "or keep fewer words with max_final_vocab or min_count"
        )
    return size
