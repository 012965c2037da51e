"""Fitting by the objectives that go over the running text: negative sampling and the tree.

After training the scores of negative sampling are calibrated on a sample of the text, so that
they give probabilities of contexts and a loss in nats like every other objective's.
"""

import time

import numpy as np
from numpy.typing import NDArray

from fastw2v.calibration import CALIBRATION_ROWS, Calibration, calibrate
from fastw2v.config import Hyperparameters
from fastw2v.context_scores import SoftmaxScores
from fastw2v.counts import count_pairs
from fastw2v.embeddings import Embeddings
from fastw2v.encoded import EncodedTokens
from fastw2v.errors import CorpusError
from fastw2v.fitted import Fitted, RunOptions, TrainingSummary
from fastw2v.input_rows import CbowRows, CentreRows, InputRows
from fastw2v.kernels.observed_scores import longest_sentence
from fastw2v.parallel import WorkerPool
from fastw2v.stream_settings import StreamSettings
from fastw2v.stream_tables import StreamTables
from fastw2v.streaming import train_stream
from fastw2v.supervision import Watch
from fastw2v.vocab import Vocabulary

DEFAULT_RATE = 0.025  # word2vec's
# The gradient of a mean is divided by the number of contexts, which word2vec.c and gensim leave
# out: about 6 in a window of 5. Measured: `bench/bench_negative_sampling.py`.
CBOW_MEAN_RATE = 0.15
_STRETCHES = 64
_STRETCH_TOKENS = 4096


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
    kept = result.history[supervisor.kept_pass - 1]
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


def training_rows(
    in_vectors: NDArray[np.float32], tokens: EncodedTokens, settings: Hyperparameters, workers: int
) -> InputRows:
    """Return a sample of the training text's rows, of a size that does not grow with it."""
    text = sampled_text(tokens)
    if settings.model == "cbow":
        return CbowRows(
            in_vectors,
            text,
            window=settings.window,
            mean=settings.cbow_mean,
            sample=CALIBRATION_ROWS,
            seed=settings.seed,
        )
    counts = count_pairs(text, len(in_vectors), settings.window, workers=workers)
    return CentreRows(in_vectors, counts, sample=CALIBRATION_ROWS, seed=settings.seed)


def sampled_text(tokens: EncodedTokens) -> EncodedTokens:
    """Return stretches evenly spread over a text, or all of a short one."""
    n_tokens = len(tokens.ids)
    if n_tokens <= _STRETCHES * _STRETCH_TOKENS:
        return tokens
    begins = np.linspace(0, n_tokens - _STRETCH_TOKENS, _STRETCHES).astype(np.int64)
    ids = np.concatenate([tokens.ids[at : at + _STRETCH_TOKENS] for at in begins])
    starts = [_starts_within(tokens.sentence_starts, int(at)) for at in begins]
    places = [place + number * _STRETCH_TOKENS for number, place in enumerate(starts)]
    ends = np.array([len(ids)], np.int64)
    return EncodedTokens(ids, np.concatenate([*places, ends]), len(ids), 0)


def _starts_within(sentence_starts: NDArray[np.int64], at: int) -> NDArray[np.int64]:
    first = np.searchsorted(sentence_starts, at, "right")
    last = np.searchsorted(sentence_starts, at + _STRETCH_TOKENS, "left")
    return np.concatenate([[0], np.asarray(sentence_starts[first:last], np.int64) - at])
