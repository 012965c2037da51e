"""Fitting by the objectives that go over the running text: negative sampling and the tree.

After training the scores of negative sampling are calibrated on a sample of the text, so that
they give probabilities of contexts and a loss in nats like every other objective's.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import Callback, EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.softmax.observed_scores import longest_sentence
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.losses.calibration import Calibration, calibrate
from fastw2v.objectives.losses.rows import training_rows
from fastw2v.objectives.losses.scores import SoftmaxScores
from fastw2v.objectives.stream.settings import StreamSettings
from fastw2v.objectives.stream.tables import StreamTables
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.loop import train
from fastw2v.training.run import Fitted, RunOptions, TrainingSummary
from fastw2v.training.supervisor import Supervisor, Watch

DEFAULT_RATE = 0.025  # word2vec's
# The gradient of a mean is divided by the number of contexts, which word2vec.c and gensim leave
# out: about 6 in a window of 5. Measured: `bench/bench_negative_sampling.py`.
CBOW_MEAN_RATE = 0.15


def fit_stream(
    vocabulary: Vocabulary,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    run: RunOptions,
    read_s: float,
) -> Fitted:
    """Train by negative sampling or hierarchical softmax; errors as in `Word2Vec.fit`."""
    started = time.perf_counter()
    require_windows(tokens, settings.window)
    supervisor = run.supervisor

    def supervise(trained: StreamTables) -> Watch:
        def embeddings() -> Embeddings:
            no_bias = np.zeros(len(vocabulary), np.float32)  # fitted at the end only
            tables = (trained.in_vectors, trained.out_vectors)
            return Embeddings(vocabulary, *tables, no_bias, settings.objective)

        return supervisor.watch(trained, embeddings)

    with WorkerPool(run.workers) as pool:
        result = train_stream(
            tokens,
            vocabulary.counts,
            stream_settings(settings),
            pool,
            callbacks=run.callbacks,
            block_tokens=supervisor.state.block_tokens if supervisor.state else None,
            supervise=supervise,
        )
        in_vectors, out_vectors = result.in_vectors, result.out_vectors
        bias = np.zeros(len(vocabulary), np.float32)
        calibration = None
        if settings.objective == "negative":
            log_unigram = np.log(vocabulary.counts / vocabulary.counts.sum()).astype(np.float32)
            rows = training_rows(in_vectors, tokens, settings, run.workers)
            calibration = calibrate(SoftmaxScores(out_vectors, pool), rows, log_unigram)
            bias = (calibration.unigram_weight * log_unigram).astype(np.float32)
    embeddings = Embeddings(
        vocabulary,
        in_vectors,
        out_vectors,
        bias,
        settings.objective,
        calibration.temperature if calibration else 1.0,
    )
    kept = result.history[supervisor.kept_epoch - 1]
    summary = _summary(kept.loss_nats, calibration, read_s, started)
    return Fitted(embeddings, summary, result.history, tokens.digest(vocabulary))


def stream_settings(settings: Hyperparameters) -> StreamSettings:
    """Return the part of the settings that training on running text looks at."""
    return StreamSettings(
        vector_size=settings.vector_size,
        model=settings.model,
        objective="negative" if settings.objective == "negative" else "hierarchical",
        window=settings.window,
        negative=settings.negative,
        ns_exponent=settings.ns_exponent,
        negatives_shared=settings.negatives_shared,
        cbow_mean=settings.cbow_mean,
        sample=settings.sample or 0.0,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate or default_rate(settings),
        final_rate=settings.final_rate or 0.0,
        seed=settings.seed,
    )


def default_rate(settings: Hyperparameters) -> float:
    """Return the first rate of a run that asks for none."""
    by_mean = settings.model == "cbow" and settings.cbow_mean
    return CBOW_MEAN_RATE if by_mean else DEFAULT_RATE


def _summary(
    loss_nats: float, calibration: Calibration | None, read_s: float, started: float
) -> TrainingSummary:
    return TrainingSummary(
        loss_nats,
        None,
        None,
        None,
        read_s,
        0.0,
        time.perf_counter() - started,
        None,
        precision="float32",
        softmax_loss_nats=calibration.loss_nats if calibration else None,
    )


def require_windows(tokens: EncodedTokens, window: int) -> None:
    """Raise `CorpusError` unless some line has two tokens of the vocabulary."""
    if longest_sentence(tokens.sentence_starts) > 1:
        return
    raise CorpusError(
        f"corpus: expected at least one pair of words within {window} of each other, got "
        f"{len(tokens.ids)} tokens that stand alone in their lines; use longer lines or a lower "
        "min_count"
    )


Vectors = NDArray[np.float32]

BLOCK_TOKENS = 20_000


@dataclass(frozen=True)
class StreamResult:
    """What a run gives.

    Attributes
    ----------
    in_vectors : (V, D) float32
    out_vectors : float32
        (V, D) for negative sampling; (V - 1, D) for hierarchical softmax, where row k belongs to
        the inner node k of `fastw2v.objectives.huffman.huffman_tree`.
    history : list of EpochRecord
        The loss is the mean over the epoch, in nats per pair: an input with a predicted word. With
        CBOW a whole window is one input.
    n_pairs, n_kept : int
        How many such pairs, and how many tokens that subsampling kept, were trained in all epochs.
    """

    in_vectors: Vectors
    out_vectors: Vectors
    history: list[EpochRecord]
    n_pairs: int = 0
    n_kept: int = 0


def train_stream(
    tokens: EncodedTokens,
    counts: NDArray[np.int64],
    settings: StreamSettings,
    pool: WorkerPool,
    *,
    start: tuple[Vectors, Vectors] | None = None,
    callbacks: Sequence[Callback] = (),
    block_tokens: int | None = None,
    supervise: Callable[[StreamTables], Watch] | None = None,
) -> StreamResult:
    """Train vectors on a text.

    Parameters
    ----------
    tokens : EncodedTokens
        Its arrays may be memory maps; only the blocks in work are read. Sentences may have any
        length.
    counts : int64 array (V,)
        How often each word occurs, the most frequent first.
    settings : StreamSettings
    pool : WorkerPool
        With one worker, results are the same bit by bit in every run. Several workers update
        common tables without locks, and results vary a little.
    start : (in_vectors, out_vectors), optional
        Where to begin, in the shapes of `StreamResult`. Default: input vectors evenly random
        within 1/2D of zero and output vectors of zero, as in word2vec.c.
    callbacks : sequence of callable
        Called now and then, and after each epoch, with a `StepReport`; a step is a block.
    block_tokens : int, optional
        Tokens that a worker takes at a time. Default: 20,000, fewer for short texts and for many
        workers. A resumed run has those that it began with.
    supervise : callable, optional
        Returns what says where to begin and when to end, and is told of calls and epochs.

    Returns
    -------
    StreamResult

    Raises
    ------
    CorpusError
        If there is no token, or sentences do not follow each other.
    VocabularyError
        If a token is not a word of the vocabulary.
    ConfigurationError
        If `start` or the settings' rules have other shapes, or `block_tokens` is below 1.
    DivergenceError
        If the loss or the vectors of an epoch are not finite.
    """
    _check_text(tokens, counts)
    if block_tokens is not None and block_tokens < 1:
        raise ConfigurationError(f"block_tokens: expected at least 1, got {block_tokens}")
    run = StreamTables(
        tokens, counts, settings, pool, block_tokens or default_block(len(tokens.ids), pool.workers)
    )
    run.begin(start)
    with (supervise or _unsupervised)(run) as watch:
        watch.state.block_tokens = run.block_tokens
        train(run, epochs=settings.epochs, callbacks=callbacks, watch=watch)
    return StreamResult(
        run.in_vectors, run.out_vectors, watch.state.history, run.n_pairs, run.n_kept
    )


def _unsupervised(run: StreamTables) -> Watch:
    def no_embeddings() -> Embeddings:
        raise NotImplementedError("only a validation text needs them")

    return Supervisor().watch(run, no_embeddings)


def _check_text(tokens: EncodedTokens, counts: NDArray[np.int64]) -> None:
    starts = tokens.sentence_starts
    if not len(tokens.ids):
        raise CorpusError("corpus: expected tokens of the vocabulary's words, got none")
    if (
        len(starts) < 2
        or starts[0] != 0
        or starts[-1] != len(tokens.ids)
        or not bool((starts[1:] >= starts[:-1]).all())
    ):
        raise CorpusError(
            f"sentence_starts: expected numbers that rise from 0 to the {len(tokens.ids)} tokens, "
            f"got {len(starts)} others"
        )
    if not len(counts) or counts.min() < 1:
        raise VocabularyError(
            f"counts: expected one of at least 1 for each word, got {counts.min(initial=0)} among "
            f"{len(counts)}; leave out words that do not occur"
        )


def default_block(n_tokens: int, workers: int) -> int:
    """Return how many tokens a worker takes at a time.

    Short texts still have several blocks for every worker, and the more workers there are the
    oftener they bring home what they have done to the most frequent words.
    """
    block = min(BLOCK_TOKENS, 2 * BLOCK_TOKENS // workers, n_tokens // (4 * workers))
    return max(1000, block)
