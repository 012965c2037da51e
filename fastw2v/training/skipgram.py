"""Skip-gram by the exact softmax: count, start, train, and look at the result."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fastw2v.config import Hyperparameters
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.matrix import SparseCounts
from fastw2v.counts.packed import expected_bytes
from fastw2v.errors import CorpusError
from fastw2v.kernels.compile_clock import working_s
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.earlier import KnownRows
from fastw2v.objectives.softmax.batches import BatchSource, CountBatches, TokenBatches
from fastw2v.objectives.softmax.device.library import Device
from fastw2v.objectives.softmax.durations import (
    EpochSize,
    announce_duration,
    expected_contexts,
)
from fastw2v.objectives.softmax.estimates import (
    batch_size,
    require_memory,
    training_bytes,
)
from fastw2v.objectives.softmax.feature_skipgram import (
    FeatureSoftmax,
    first_features,
    mass_weights,
)
from fastw2v.objectives.softmax.first_rows import first_rows
from fastw2v.objectives.softmax.initialization import (
    FREQUENT_WORDS,
    START_STEPS,
    initial_bias,
    random_vectors,
    spectral_vectors,
)
from fastw2v.objectives.softmax.objective import SoftmaxObjective
from fastw2v.objectives.softmax.optimizers import Optimizer
from fastw2v.objectives.softmax.rare_words import ColumnBatches, column_sizes
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.system.array_files import Arrays
from fastw2v.system.freed_memory import give_back_freed
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from fastw2v.training.continued import Continuation, continuation
from fastw2v.training.devices import device_of_run
from fastw2v.training.final_form import final_form
from fastw2v.training.finish import call_fit_once, fitted_and_measured, with_text_fit
from fastw2v.training.inputs import InputFeatures, input_features, with_features
from fastw2v.training.loop import BatchTraining, train_softmax
from fastw2v.training.replicas import ReplicaTraining, of_replica
from fastw2v.training.result import TrainedModel, TrainingSummary
from fastw2v.training.run import Run, used_precision
from fastw2v.training.text import TrainingText, counted

__all__ = ["train_counted", "train_skipgram"]


def train_skipgram(run: Run, text: TrainingText) -> TrainedModel:
    """Count a text and train exact full-softmax skip-gram; errors as in `Word2Vec.fit`.

    A text that nobody else holds is given up as soon as it is counted, if its counts are all that
    is trained on.
    """
    inputs = _announce_early(run, text.vocabulary)
    corpus, count_s = counted(run, text)
    if corpus.vocabulary is not text.vocabulary:  # it has the words of earlier counts, too
        inputs = None
    tokens = text.tokens if run.settings.batches == "tokens" else None
    seconds = (text.read_s, count_s)
    del text
    return train_counted(run, corpus, tokens, seconds, inputs)


def _announce_early(run: Run, vocabulary: Vocabulary) -> InputFeatures | None:
    """Say what training will take before the text is counted, where that is known by then.

    Every word of the vocabulary is taken for a centre. A first run, whose kernels are just being
    compiled, says it later. Returns the features that this needed, if there are any.
    """
    settings = run.settings
    is_known = settings.batches == "counts" and run.options.memory_mib is None
    is_known = is_known and settings.rare_words == "exact" and run.device == "cpu"
    if run.reports.notice is None or not is_known or run.await_kernels is not None:
        return None
    n_words = len(vocabulary)
    max_rows = min(batch_size(settings, n_words), n_words)
    contexts = expected_contexts(vocabulary.counts, settings.window)
    held_bytes = run.held_out_bytes + expected_bytes(n_words, contexts * n_words)
    inputs = input_features(run, vocabulary)
    held_bytes += inputs.nbytes(settings) if inputs else 0
    with WorkerPool(run.workers) as pool:
        announce_duration(
            settings,
            n_words,
            EpochSize(-(-n_words // max_rows), max_rows, contexts),
            pool,
            run.reports.notice,
            training_bytes(n_words, settings, max_rows, other_bytes=held_bytes),
        )
    run.announced = True
    return inputs


def _epoch_size(rows: BatchSource[Any], counts: SparseCounts) -> EpochSize:
    """Return what an epoch over all words has to do, also where some of them are drawn."""
    if isinstance(rows, ColumnBatches):
        return EpochSize(-(-len(rows.centres) // rows.max_rows), rows.max_rows)
    return EpochSize(rows.batches_per_epoch, rows.max_rows, counts.n_entries / counts.n_words)


def train_counted(
    run: Run,
    corpus: CountedCorpus,
    tokens: EncodedTokens | None,
    seconds: tuple[float, float],
    inputs: InputFeatures | None = None,
) -> TrainedModel:
    """Train exact full-softmax skip-gram on counts; errors as in `Word2Vec.fit`.

    Parameters
    ----------
    run : Run
    corpus : CountedCorpus
    tokens : EncodedTokens or None
        The text, for batches of tokens.
    seconds : tuple of float
        What reading and counting took.
    inputs : InputFeatures, optional
        Those of the vocabulary, where they have been made.
    """
    started = working_s()
    settings, vocabulary, counts = run.settings, corpus.vocabulary, corpus.counts
    if not counts.n_entries:
        raise CorpusError(
            f"corpus: expected at least one pair of words within {settings.window} of each "
            f"other, got {corpus.statistics.n_tokens} tokens that stand alone in their lines; "
            "use longer lines or a lower min_count"
        )
    keep = keep_probability(vocabulary.counts, settings.sample)
    inputs = inputs or input_features(run, vocabulary)
    rows = _batches(settings, tokens, counts, keep, corpus.widths)
    device = _device(run, vocabulary, rows)
    sampled = rows if isinstance(rows, ColumnBatches) else None
    frequent = FREQUENT_WORDS if sampled is not None else None
    batches = with_features(rows, inputs)
    held_bytes = run.held_out_bytes + counts.nbytes
    held_bytes += inputs.nbytes(settings) if inputs else 0
    most_scores = sampled.most_scores if sampled else None
    sizes = (settings, batches.max_rows)
    needs: dict[str, Any] = {
        "other_bytes": held_bytes,
        "most_scores": most_scores,
        "on_card": device is not None and device.is_card,
    }
    require_memory(vocabulary, *sizes, run.options.memory_mib, **needs)
    memory_bytes = training_bytes(len(vocabulary), *sizes, **needs)
    with WorkerPool(run.workers) as pool:
        give_back_freed()  # of the text, and what counting needed
        continued = continuation(run, vocabulary)
        objective = _started(
            run,
            counts,
            keep,
            batches,
            pool,
            inputs,
            continued,
            device,
            frequent,
        )
        ending = final_form(continued, settings)
        del continued  # with the vectors that it began with
        if run.await_kernels is not None:
            # What comes after the last epoch, meanwhile: the other process makes a step.
            call_fit_once(run, objective, counts, keep, inputs)
        run.wait_for_kernels()
        give_back_freed()
        if not run.announced:
            announce_duration(
                settings,
                len(vocabulary),
                _epoch_size(rows, counts),
                pool,
                run.reports.notice,
                memory_bytes,
                sampled.share if sampled else None,
                device,
            )
        optimizer = Optimizer(settings, settings.epochs * batches.batches_per_epoch)
        training = BatchTraining(objective, batches, optimizer)
        if settings.replicas > 1:
            training = ReplicaTraining(
                objective,
                batches,
                optimizer,
                settings,
                lambda replica: _arrays_anew(
                    of_replica(settings, replica), counts, keep, pool, inputs, frequent
                ),
            )
        embeddings_of, watch = train_softmax(training, vocabulary, keep, run)
        objective.layer.end_training()  # what measures needs room
        give_back_freed()
        found, final = fitted_and_measured(run, objective, counts, keep, inputs)
        objective.end()
        give_back_freed()
        embeddings = with_text_fit(embeddings_of(), found)
        form = ending.of(embeddings, settings, pool)
        if form is not None:
            embeddings = form.applied(embeddings, pool, overwrite=True)
            form = form if embeddings.is_canonical else None
        if inputs is not None and isinstance(objective, FeatureSoftmax):
            embeddings = inputs.finished(embeddings, form, objective)
    read_s, count_s = seconds
    summary = TrainingSummary(
        final.loss_nats,
        unigram_entropy_nats=counts.context_entropy_nats(keep, keep),
        conditional_entropy_nats=counts.conditional_entropy_nats(keep, keep),
        n_entries=counts.n_entries,
        read_s=read_s,
        count_s=count_s,
        train_s=working_s() - started,
        batch_rows=batches.max_rows,
        precision=used_precision(settings, run.device),
        n_invalid=corpus.statistics.n_invalid,
        n_missing=corpus.statistics.n_missing,
        unicode_version=corpus.statistics.unicode_version,
        tokenizer_version=corpus.statistics.tokenizer_version,
        loss_rows=final.n_rows if sampled else None,
        loss_error_nats=final.error_nats if sampled else None,
        device=run.device_told,
    )
    return watch.result(embeddings, summary, corpus.statistics.digest)


def _started(
    run: Run,
    counts: SparseCounts,
    keep: NDArray[np.float64],
    batches: BatchSource[Any],
    pool: WorkerPool,
    inputs: InputFeatures | None,
    continued: Continuation | None,
    device: Device | None,
    frequent: int | None,
) -> SoftmaxObjective[Any]:
    """Return the objective with its first vectors; of a resumed run any will do."""
    settings, report = run.settings, run.stage("starting")
    if report:
        report(0, START_STEPS)
    in_vectors, out_vectors, bias = _first_parameters(run, counts, keep, pool, continued, frequent)
    state: dict[str, Any] = {
        "optimizer": settings.optimizer,
        "precision": settings.precision,
        "max_rows": batches.max_rows,
        "pool": pool,
        "lists_columns": frequent is not None,
        "device": device,
    }
    objective: SoftmaxObjective[Any]
    if inputs is None:
        objective = ExactSoftmax(in_vectors, out_vectors, bias, **state)
    else:
        weights = mass_weights(counts.row_sums(keep) * keep)
        found = inputs.earlier(continued, pool) if run.begins else None
        if found is None:
            vectors = first_features(inputs.matrix, in_vectors, weights, pool)
        else:
            vectors = found.vectors
            with threadpool_limits(1, "blas"):  # with more threads the last bits differ
                bias = (bias - out_vectors @ found.offset).astype(np.float32)
        objective = FeatureSoftmax(inputs.matrix, weights, vectors, out_vectors, bias, **state)
    if continued is not None:
        objective.hold(continued.locked_inputs, continued.locked_outputs)
    elif run.locked is not None:
        objective.hold(run.locked, np.zeros_like(run.locked))
    if report:
        report(START_STEPS, START_STEPS)
    return objective


def _first_parameters(
    run: Run,
    counts: SparseCounts,
    keep: NDArray[np.float64],
    pool: WorkerPool,
    continued: Continuation | None,
    frequent: int | None,
) -> tuple[VectorArray, VectorArray, VectorArray]:
    """Return input and output vectors and the bias; of a resumed run any will do."""
    settings = run.settings
    bias = initial_bias(counts, keep, settings)
    if continued is not None and run.begins and not continued.by_counts:
        return continued.first_parameters(bias, counts, keep, run, pool)
    if isinstance(run.start, KnownRows):
        stays = run.locked is not None
        return *first_rows(run.start, counts, keep, settings, pool, keeps_inputs=stays), bias
    if run.start is not None:
        return *run.start, bias
    if settings.start == "spectral" and run.begins:
        vectors = spectral_vectors(counts, keep, settings, pool, run.stage("starting"), frequent)
        return *vectors, bias
    return *random_vectors(len(keep), settings), bias


def _arrays_anew(
    settings: Hyperparameters,
    counts: SparseCounts,
    keep: NDArray[np.float64],
    pool: WorkerPool,
    inputs: InputFeatures | None,
    frequent: int | None,
) -> Arrays:
    """Return what a replica begins with, by the names that an objective's arrays have.

    Its start is spectral: no other has replicas.
    """
    in_vectors, out_vectors = spectral_vectors(counts, keep, settings, pool, frequent=frequent)
    if inputs is not None:
        weights = mass_weights(counts.row_sums(keep) * keep)
        in_vectors = first_features(inputs.matrix, in_vectors, weights, pool)
    bias = initial_bias(counts, keep, settings)
    return {"in_vectors": in_vectors, "out_vectors": out_vectors, "out_bias": bias}


def _batches(
    settings: Hyperparameters,
    tokens: EncodedTokens | None,
    counts: SparseCounts,
    keep: NDArray[np.float64],
    widths: NDArray[np.int32] | None,
) -> CountBatches | TokenBatches:
    if tokens is None or settings.batches == "counts":
        options: dict[str, Any] = {"dimensions": settings.vector_size, "seed": settings.seed}
        sizes = column_sizes(len(keep)) if settings.rare_words != "exact" else None
        if sizes is not None:
            most = batch_size(settings, min(len(keep), sum(sizes)))
            sampled = ColumnBatches(counts, keep, sizes=sizes, rows=most, **options)
            if sampled.costs.are_taken(settings.rare_words):
                return sampled
        return CountBatches(counts, keep, rows=batch_size(settings, len(keep)), **options)
    size = batch_size(settings, len(keep))
    return TokenBatches(
        tokens,
        keep,
        dimensions=settings.vector_size,
        window=settings.window,
        stretch=size,
        total_weight=float((counts.row_sums(keep) * keep).sum()),
        seed=settings.seed,
        widths=widths,
    )


def _device(run: Run, vocabulary: Vocabulary, rows: CountBatches | TokenBatches) -> Device | None:
    """Return what computes the output layer by PyTorch, if anything; batches are cut for it."""
    most = rows.most_columns if isinstance(rows, ColumnBatches) else None
    device = device_of_run(run, vocabulary, rows.max_rows, rows.batches_per_epoch, most)
    if device is not None:
        rows.tile = device.tile
    return device
