"""The objectives that go over the running text: negative sampling and hierarchical softmax.

After training the scores of negative sampling are calibrated on a sample of the text, so that
they give probabilities of contexts and a loss in nats like every other objective's. Words beside
themselves get rates, which are counted over the whole text.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import EpochRecord
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.kernels.compile_clock import working_s
from fastw2v.kernels.softmax.observed_scores import longest_sentence
from fastw2v.objectives.arrays import VectorArray
from fastw2v.objectives.earlier import KnownRows
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.features import FeatureMatrix
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.own_words import score_fit
from fastw2v.objectives.losses.scores import TreeScores
from fastw2v.objectives.losses.training_rows import held_out_positions
from fastw2v.objectives.losses.tree_words import tree_fit
from fastw2v.objectives.stream.estimates import require_stream_memory
from fastw2v.objectives.stream.settings import StreamSettings, WordOptions
from fastw2v.objectives.stream.tables import KnownTables, StreamTables
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.training.continued import Continuation, continuation
from fastw2v.training.final_form import final_form
from fastw2v.training.inputs import InputFeatures, input_features
from fastw2v.training.loop import train
from fastw2v.training.result import TrainedModel
from fastw2v.training.run import Run
from fastw2v.training.text import TrainingText

__all__ = [
    "BLOCK_TOKENS",
    "StreamResult",
    "default_block",
    "require_windows",
    "train_running_text",
    "train_stream",
]

BLOCK_TOKENS = 20_000


def train_running_text(run: Run, text: TrainingText) -> TrainedModel:
    """Train by negative sampling or hierarchical softmax; errors as in `Word2Vec.fit`."""
    started = working_s()
    settings, vocabulary, tokens = run.settings, text.vocabulary, text.tokens
    require_windows(tokens, settings.window)
    inputs = input_features(run, vocabulary)
    held_bytes = run.held_out_bytes + (inputs.nbytes(settings) if inputs else 0)
    require_stream_memory(vocabulary, settings, run.workers, run.options.memory_mib, held_bytes)
    continued = continuation(run, vocabulary)
    ending = final_form(continued, settings)
    with WorkerPool(run.workers) as pool:
        tables = _first_tables(run, text, inputs, continued, pool)
        del continued  # with the vectors that it began with

        def embeddings() -> Embeddings:
            no_bias = np.zeros(len(vocabulary), np.float32)  # fitted at the end only
            vectors = (tables.in_vectors, tables.out_vectors)
            return Embeddings(vocabulary, *vectors, no_bias, settings.objective)

        watch = train(tables, run, embeddings)
        in_vectors, out_vectors = tables.in_vectors, tables.out_vectors
        trained, softmax_loss_nats = _calibrated(run, text, (in_vectors, out_vectors), pool)
        form = ending.of(trained, settings, pool)
        if form is not None:
            trained = form.applied(trained, pool, overwrite=True)
        if inputs is not None:
            trained = inputs.with_trained_means(trained, tables.feature_vectors)
    digest = tokens.digest(vocabulary)
    summary = replace(
        text.summary(settings, watch.kept_record.loss_nats, working_s() - started),
        softmax_loss_nats=softmax_loss_nats,
    )
    return watch.result(trained, summary, digest)


def _calibrated(
    run: Run, text: TrainingText, vectors: tuple[VectorArray, VectorArray], pool: WorkerPool
) -> tuple[Embeddings, float | None]:
    """Return the model with probabilities of the text, and their loss where they were fitted."""
    settings, vocabulary = run.settings, text.vocabulary
    report = run.stage("calibrating")
    log_unigram = np.log(vocabulary.counts / vocabulary.counts.sum()).astype(np.float32)
    if settings.objective == "hierarchical":
        scores = TreeScores(vectors[1], huffman_tree(vocabulary.counts), pool)
        found = tree_fit(
            vectors[0], scores, log_unigram, text.tokens, settings, run.workers, report
        )
    else:
        found = score_fit(vectors, log_unigram, text.tokens, settings, pool, report)
    trained = Embeddings(
        vocabulary,
        *vectors,
        found.out_bias,
        settings.objective,
        found.temperature,
        self_rates=found.self_rates,
        peaks=found.peaks,
    )
    return trained, found.loss_nats if settings.objective == "negative" else None


def _first_tables(
    run: Run,
    text: TrainingText,
    inputs: InputFeatures | None,
    continued: Continuation | None,
    pool: WorkerPool,
) -> StreamTables:
    """Return tables with first vectors: those of a run that begins, or any."""
    settings, vocabulary = run.settings, text.vocabulary
    rules, known = WordOptions(), None
    if continued is not None:
        rules = continued.rules
        if run.begins:
            features = inputs.known_means(continued, pool) if inputs else None
            known = continued.first_tables(vocabulary, settings.objective, features)
    stream = StreamSettings(hyperparameters=settings, rules=rules)
    return _tables(
        text.tokens,
        vocabulary.counts,
        stream,
        pool,
        run,
        features=inputs.matrix if inputs else None,
        known=known,
        held_out=held_out_positions(text.tokens, len(vocabulary), settings),
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


@dataclass(frozen=True, eq=False)
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

    in_vectors: VectorArray
    out_vectors: VectorArray
    history: list[EpochRecord]
    n_pairs: int = 0
    n_kept: int = 0


def train_stream(
    tokens: EncodedTokens,
    counts: NDArray[np.int64],
    settings: StreamSettings,
    pool: WorkerPool,
    *,
    run: Run | None = None,
    block_tokens: int | None = None,
    features: FeatureMatrix | None = None,
    held_out: NDArray[np.int64] | None = None,
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
    run : Run, optional
        Of these hyper-parameters: its callbacks, where a step is a block of text; and its start,
        in the shapes of `StreamResult`. Default start: input vectors evenly random within 1/2D of
        zero and output vectors of zero, as in word2vec.c.
    block_tokens : int, optional
        Tokens that a worker takes at a time. Default: 20,000, fewer for short texts and for many
        workers. A resumed run has those that it began with.
    features : FeatureMatrix, optional
        Of which words' input vectors are means. The start's input vectors are then theirs.
    held_out : int64 array, optional
        Positions of the text, ascending, whose words are contexts and are not predicted.

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
        If the start or the settings' rules have other shapes, or `block_tokens` is below 1.
    DivergenceError
        If the loss or the vectors of an epoch are not finite.
    """
    if run is None:
        run = Run(settings=settings.hyperparameters, workers=pool.workers)
    tables = _tables(tokens, counts, settings, pool, run, block_tokens, features, held_out=held_out)
    watch = train(tables, run, _no_embeddings)
    return StreamResult(
        tables.in_vectors, tables.out_vectors, watch.state.history, tables.n_pairs, tables.n_kept
    )


def _tables(
    tokens: EncodedTokens,
    counts: NDArray[np.int64],
    settings: StreamSettings,
    pool: WorkerPool,
    run: Run,
    block_tokens: int | None = None,
    features: FeatureMatrix | None = None,
    known: KnownTables | None = None,
    held_out: NDArray[np.int64] | None = None,
) -> StreamTables:
    """Return tables with the run's first vectors."""
    _check_text(tokens, counts)
    if block_tokens is not None and block_tokens < 1:
        raise ConfigurationError(f"block_tokens: expected at least 1, got {block_tokens}")
    if run.state is not None:
        block_tokens = run.state.block_tokens
    size = block_tokens or default_block(len(tokens.ids), pool.workers)
    tables = StreamTables(tokens, counts, settings, pool, size, features, held_out)
    assert not isinstance(run.start, KnownRows), "of the exact softmax alone"
    tables.begin(known or run.start)
    return tables


def _no_embeddings() -> Embeddings:
    raise NotImplementedError("only a validation text needs them")


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
