"""CBOW by the exact softmax: batches, start, training."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.errors import CorpusError
from fastw2v.kernels.compile_clock import working_s
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.earlier import KnownRows
from fastw2v.objectives.losses.own_words import window_fit
from fastw2v.objectives.losses.training_rows import held_out_positions
from fastw2v.objectives.softmax.cbow import CbowSoftmax
from fastw2v.objectives.softmax.cbow_batches import CbowBatches
from fastw2v.objectives.softmax.durations import EpochSize, announce_duration
from fastw2v.objectives.softmax.estimates import (
    batch_size,
    require_memory,
    training_bytes,
)
from fastw2v.objectives.softmax.first_rows import first_rows, needs_counts
from fastw2v.objectives.softmax.initialization import START_STEPS, random_vectors, spectral_vectors
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.system.threads import WorkerPool
from fastw2v.text.vocabulary import keep_probability
from fastw2v.training.continued import Continuation, continuation
from fastw2v.training.devices import device_of_run
from fastw2v.training.final_form import final_form
from fastw2v.training.loop import BatchTraining, train_softmax
from fastw2v.training.result import TrainedModel
from fastw2v.training.run import Run, VectorPair, used_precision
from fastw2v.training.text import TrainingText, counted

__all__ = ["START_SCALES", "train_cbow"]

# The spectral vectors are those of one context's score. Several contexts say more than one, but
# their mean is no larger, and their sum counts twice what they have in common.
START_SCALES = {True: 2.0, False: 0.6}


def train_cbow(run: Run, text: TrainingText) -> TrainedModel:
    """Train exact full-softmax CBOW on running text.

    The result's softmax(out_vectors h + out_bias) estimates p(word | contexts) of the text itself,
    whatever `sample` was. The losses of the history are of the thinned text, in nats per position.

    Raises
    ------
    ConfigurationError
        If the CPU lacks the precision, the scores of a batch exceed `scores_mib`, or training the
        run's budget of memory.
    CorpusError
        If no word has a context.
    VocabularyError
        If an id is not in the vocabulary.
    DivergenceError, TrainingInterrupted
        As in `Word2Vec.fit`.
    """
    started = working_s()
    settings, vocabulary = run.settings, text.vocabulary
    n_words = len(vocabulary)
    keep = keep_probability(vocabulary.counts, settings.sample)
    size = batch_size(settings, n_words)
    # The order of an epoch's runs, and the next one's.
    held_bytes = run.held_out_bytes + len(text.tokens.ids)
    batches = CbowBatches(
        text.tokens,
        keep,
        dimensions=settings.vector_size,
        window=settings.window,
        rows=size,
        epochs=settings.epochs,
        seed=settings.seed,
        held_out=held_out_positions(text.tokens, n_words, settings),
    )
    sizes = (batches.max_rows, batches.batches_per_epoch)
    device = device_of_run(run, vocabulary, *sizes)
    if device is not None:
        batches.tile = device.tile
    on_card = device is not None and device.is_card
    require_memory(vocabulary, settings, size, run.options.memory_mib, held_bytes, on_card=on_card)
    with WorkerPool(run.workers) as pool:
        continued = continuation(run, vocabulary)
        first = _first_parameters(run, text, keep, pool, continued)
        objective = CbowSoftmax(
            *first,
            mean=settings.cbow_mean,
            optimizer=settings.optimizer,
            max_rows=batches.max_rows,
            precision=settings.precision,
            pool=pool,
            device=device,
        )
        del first
        if continued is not None:
            objective.hold(continued.locked_inputs, continued.locked_outputs)
        elif run.locked is not None:
            objective.hold(run.locked, np.zeros_like(run.locked))
        ending = final_form(continued, settings)
        del continued  # with the vectors that it began with
        report = run.stage("starting")
        if report:
            report(START_STEPS, START_STEPS)
        memory_bytes = training_bytes(
            n_words, settings, batches.max_rows, held_bytes, on_card=on_card
        )
        run.wait_for_kernels()
        epoch = EpochSize(*sizes[::-1])
        announce_duration(
            settings, n_words, epoch, pool, run.reports.notice, memory_bytes, device=device
        )
        optimizer = Optimizer(settings, settings.epochs * batches.batches_per_epoch)
        embeddings_of, watch = train_softmax(
            BatchTraining(objective, batches, optimizer), vocabulary, keep, run
        )
        objective.end()
        embeddings = embeddings_of()
        report = run.stage("fitting")
        if report:
            report(0, 1)
        vectors = (embeddings.in_vectors, embeddings.out_vectors)
        found = window_fit(vectors, embeddings.out_bias, text.tokens, settings, pool)
        embeddings = replace(
            embeddings,
            out_bias=found.out_bias,
            self_rates=found.self_rates,
            peaks=found.peaks,
        )
        if report:
            report(1, 1)
        form = ending.of(embeddings, settings, pool)
        if form is not None:
            embeddings = form.applied(embeddings, pool, overwrite=True)
    digest = text.tokens.digest(vocabulary)
    summary = replace(
        text.summary(settings, watch.kept_record.loss_nats, working_s() - started),
        batch_rows=size,
        precision=used_precision(settings, run.device),
        device=run.device_told,
    )
    return watch.result(embeddings, summary, digest)


def _first_parameters(
    run: Run,
    text: TrainingText,
    keep: NDArray[np.float64],
    pool: WorkerPool,
    continued: Continuation | None,
) -> tuple[VectorArray, VectorArray, VectorArray]:
    settings = run.settings
    if continued is None or not run.begins:
        vectors = _first_vectors(run, text, keep, pool)
        return *vectors, _first_bias(text.vocabulary.counts, keep, settings)
    frequencies = continued.frequencies
    counts = None
    if needs_counts(continued.known, frequencies):
        counts = counted(run, text)[0].counts
    bias = _first_bias(frequencies, keep, settings)
    scale = START_SCALES[settings.cbow_mean]
    return continued.first_parameters(bias, counts, keep, run, pool, scale=scale)


def _first_vectors(
    run: Run,
    text: TrainingText,
    keep: NDArray[np.float64],
    pool: WorkerPool,
) -> VectorPair:
    settings = run.settings
    report = run.stage("starting")
    if isinstance(run.start, KnownRows):
        frequencies = text.vocabulary.counts.astype(np.float64)
        needed = needs_counts(run.start, frequencies)
        return first_rows(
            run.start,
            counted(run, text)[0].counts if needed else None,
            keep,
            settings,
            pool,
            scale=START_SCALES[settings.cbow_mean],
            keeps_inputs=run.locked is not None,
        )
    if run.start is not None or settings.start != "spectral" or not run.begins:
        if report:
            report(0, START_STEPS)
        return run.start or random_vectors(len(keep), settings)
    corpus, _ = counted(run, text)
    counts = corpus.counts
    if report:
        report(0, START_STEPS)
    if not counts.n_entries:
        raise CorpusError(
            f"counts: expected pairs of words within {settings.window} of each other, got none; "
            "use longer lines or a lower min_count"
        )
    in_vectors, out_vectors = spectral_vectors(counts, keep, settings, pool, report)
    scale = np.float32(START_SCALES[settings.cbow_mean])
    return scale * in_vectors, scale * out_vectors


def _first_bias(
    counts: NDArray[Any], keep: NDArray[np.float64], settings: Hyperparameters
) -> VectorArray:
    """Return the log probability of each word at a kept position, or zeros for ``bias="none"``."""
    if settings.bias == "none":
        return np.zeros(len(keep), np.float32)
    kept = np.maximum(counts, 0.5) * keep
    return np.asarray(np.log(kept / kept.sum()), np.float32)
