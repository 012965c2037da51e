"""Loss of trained parameters on a text that they need not have been trained on."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from fastw2v.callbacks import StageProgress, stage_of
from fastw2v.config import Hyperparameters
from fastw2v.counts.build import counted_windows
from fastw2v.counts.matrix import PairCounts
from fastw2v.errors import CorpusError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.losses.calibration import Calibration, calibrated_loss
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.objectives.losses.objectives import hierarchical_loss, negative_sampling_loss
from fastw2v.objectives.losses.own_words import softmax_loss_with_rates
from fastw2v.objectives.losses.rows import CentreRows
from fastw2v.objectives.losses.scores import ContextScores, SoftmaxScores, TreeScores
from fastw2v.objectives.losses.tree_words import tree_loss_with_rates
from fastw2v.objectives.losses.unknown_centres import (
    TextWithUnknown,
    UnknownCentreRows,
    with_unknown_words,
)
from fastw2v.objectives.noise import noise_distribution
from fastw2v.objectives.softmax.batches import CountBatches, exact_loss
from fastw2v.objectives.softmax.estimates import batch_size
from fastw2v.objectives.softmax.skipgram import ExactSoftmax
from fastw2v.objectives.softmax.text_fit import FIT_ROWS, loss_with_rates
from fastw2v.system.threads import WorkerPool
from fastw2v.text.corpus import Corpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoding import TRAIN_WITH_ERRORS
from fastw2v.text.reading import encode_corpus, read_corpus
from fastw2v.text.rules import TextRules
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = ["Losses", "Perplexity", "losses_of", "perplexity_of", "text_perplexity"]

_MOST_NUMBERS = 2**23  # of a block of probabilities


@dataclass(frozen=True)
class Perplexity:
    """Exact loss on a text.

    Attributes
    ----------
    loss_nats : float
        Mean of -log p(o|c) over all window pairs, a pair of words side by side weighing 1. In
        windows of size w each word between takes 1/w, and `window_sample` makes that less for
        frequent words. With CBOW p(word | contexts), the mean over word2vec's random reach of the
        window. Negative sampling has no probabilities of its own; its scores were calibrated on
        the training text (`fastw2v.objectives.losses.own_words`).
    perplexity : float
        exp(loss_nats).
    n_tokens, n_oov : int
        Tokens within the vocabulary, and those outside it, which are removed before windowing.
    n_sentences : int
    pair_weight : float
        Sum of all pair weights.
    objective_loss_nats : float
        The loss in the definition of the objective that was trained: of negative sampling its
        expectation over the noise words, else `loss_nats`.
    n_invalid : int
        Sequences of bytes that were not UTF-8 and, as the model's `errors` asks for, were replaced
        or left out.
    n_unknown : int
        Tokens out of the vocabulary whose vectors are made of n-grams.
    unknown_loss_nats : float, optional
        Mean of -log p(o|c) over the pairs with such a centre word c and a known context o; None
        where there are none, or the model makes no vectors of unknown words.
    n_missing : int
        Values that were missing in the field that was read.
    """

    loss_nats: float
    perplexity: float
    n_tokens: int
    n_oov: int
    n_sentences: int
    pair_weight: float
    objective_loss_nats: float
    n_invalid: int = 0
    n_unknown: int = 0
    unknown_loss_nats: float | None = None
    n_missing: int = 0


def text_perplexity(
    embeddings: Embeddings,
    corpus: Corpus,
    settings: Hyperparameters,
    *,
    words: WordRules = NO_RULES,
    workers: int,
    progress: StageProgress | None = None,
) -> Perplexity:
    """Return the exact loss on a text, read with the settings' tokenizer and windows.

    How wide words are in the windows follows from their frequency in the training text.

    Parameters
    ----------
    embeddings : Embeddings
    corpus : path, sequence of paths, or iterable of lists of tokens
    settings : Hyperparameters
        Those that the embeddings were trained with.
    words : WordRules, optional
        What became of the tokens of the training text.
    workers : int
        Threads; the result does not depend on them.
    progress : callable, optional
        As in `Word2Vec.fit`.

    Raises
    ------
    CorpusError
        If the text cannot be read or holds no pair of known words.
    """
    opened = open_corpus(corpus, settings.errors, TRAIN_WITH_ERRORS)
    rules = TextRules.of(settings, workers, words=words)
    reading = stage_of(progress, "reading")
    text: TextWithUnknown | None = None
    # CBOW predicts the centre word, and its contexts are words that it knows.
    if embeddings.unknown is not None and settings.model == "skipgram":
        found, all_tokens = read_corpus(opened, tokenizer=rules, min_count=1, progress=reading)
        makes, vocabulary = embeddings.unknown, embeddings.vocabulary
        text = with_unknown_words(vocabulary, makes, found.words, all_tokens)
        tokens = text.tokens
    else:
        tokens = encode_corpus(
            opened,
            embeddings.vocabulary,
            tokenizer=rules,
            progress=reading,
        )
    counts = counted_windows(
        tokens, embeddings.vocabulary, settings, workers=workers, progress=progress
    )
    if not counts.n_entries:
        raise CorpusError(
            f"text: expected at least one pair of known words within {settings.window} of "
            f"each other, got {len(tokens.ids)} known and {tokens.n_oov} unknown tokens"
        )
    with WorkerPool(workers) as pool:
        report = stage_of(progress, "measuring")
        loss_nats, own_nats = losses_of(embeddings, tokens, counts, settings, pool, report=report)
        unknown_nats = _unknown_loss(embeddings, text, settings, pool) if text else None
    return Perplexity(
        loss_nats,
        perplexity_of(loss_nats),
        len(tokens.ids),
        tokens.n_oov,
        len(tokens.sentence_starts) - 1,
        counts.total / settings.window,
        own_nats,
        opened.repairs.n_sequences,
        text.n_unknown if text else 0,
        unknown_nats,
        opened.missing.n_values,
    )


def _unknown_loss(
    embeddings: Embeddings, text: TextWithUnknown, settings: Hyperparameters, pool: WorkerPool
) -> float | None:
    rows = UnknownCentreRows(embeddings, text, settings, pool.workers)
    if not rows.weight:
        return None
    if settings.objective == "hierarchical":
        tree = huffman_tree(embeddings.vocabulary.counts)
        scores: ContextScores = TreeScores(embeddings.out_vectors, tree, pool)
    else:
        scores = SoftmaxScores(embeddings.out_vectors, pool)
    point = Calibration(embeddings.temperature, 1.0, math.nan)
    with threadpool_limits(1, "blas"):
        loss_nats = calibrated_loss(scores, rows, embeddings.out_bias, point)
    return loss_nats + _unknown_peaks(embeddings, rows) if embeddings.peaks else loss_nats


def _unknown_peaks(embeddings: Embeddings, rows: UnknownCentreRows) -> float:
    """Return how much higher the loss of unknown centre words is with the model's peaks."""
    plain = replace(embeddings, peaks=None)
    assert embeddings.peaks is not None
    change, weight = 0.0, 0.0
    size = max(1, _MOST_NUMBERS // len(embeddings.vocabulary))
    for batch in rows:
        sums = batch.row_weights
        for first in range(0, len(sums), size):
            part = batch.taken(np.arange(first, min(first + size, len(sums))))
            q = plain.probabilities(part.inputs)
            entries = np.repeat(np.arange(len(q)), np.diff(part.contexts.indptr))
            observed = q[entries, part.contexts.indices]
            with np.errstate(divide="ignore"):
                factors = embeddings.peaks.log_factors(np.log(observed))
            change += float(part.row_weights @ np.log(embeddings.peaks.sums(q)))
            change -= float(part.contexts.weights @ factors)
        weight += float(sums.sum())
    return change / weight


class Losses(NamedTuple):
    """The loss of the model's probabilities, and that of its objective's definition."""

    loss_nats: float
    own_nats: float


def losses_of(
    embeddings: Embeddings,
    tokens: EncodedTokens,
    counts: PairCounts,
    settings: Hyperparameters,
    pool: WorkerPool,
    *,
    sample: int | None = None,
    report: Callable[[int, int | None], None] | None = None,
) -> Losses:
    """Return the losses on a text, in nats.

    Parameters
    ----------
    embeddings : Embeddings
    tokens : EncodedTokens
    counts : PairCounts
        Of the settings' windows.
    settings : Hyperparameters
        Those that the embeddings were trained with.
    pool : WorkerPool
        The result does not depend on how many workers it has.
    sample : int, optional
        Take only so many rows, drawn by the seed. Of skip-gram with the exact softmax they are
        measured without rates of words beside themselves and peaks, which training has not.
    report : callable, optional
        Gets how much is done, and how much there is if that is known.
    """
    if settings.objective == "softmax" and settings.model == "skipgram" and sample is None:
        with threadpool_limits(1, "blas"):  # with more threads the last bits of sums differ
            loss_nats = _skipgram_softmax_loss(embeddings, counts, settings, pool, report)
        return Losses(loss_nats, loss_nats)
    if report:
        report(0, None)
    with threadpool_limits(1, "blas"):
        losses = _losses_of_rows(embeddings, tokens, counts, settings, pool, sample)
    if report:
        report(1, 1)
    return losses


def _skipgram_softmax_loss(
    embeddings: Embeddings,
    counts: PairCounts,
    settings: Hyperparameters,
    pool: WorkerPool,
    report: Callable[[int, int | None], None] | None,
) -> float:
    n_words = len(embeddings.vocabulary)
    rows = batch_size(settings, n_words, settings.counts_batch_limit)
    if embeddings.peaks is not None:
        rows = min(rows, FIT_ROWS)  # there is room for their scores
    batches = CountBatches(
        counts, np.ones(n_words), dimensions=settings.vector_size, rows=rows, seed=settings.seed
    )
    objective = ExactSoftmax(
        embeddings.in_vectors,
        embeddings.out_vectors,
        embeddings.out_bias,
        optimizer="sgd",  # it has no state, and nothing is trained here
        max_rows=batches.max_rows,
        pool=pool,
    )
    if embeddings.self_rates is None:
        return exact_loss(objective, batches, report)
    return loss_with_rates(objective, batches, embeddings.self_rates, report, embeddings.peaks)


def _losses_of_rows(
    embeddings: Embeddings,
    tokens: EncodedTokens,
    counts: PairCounts,
    settings: Hyperparameters,
    pool: WorkerPool,
    sample: int | None,
) -> Losses:
    rates, word_counts = embeddings.self_rates, embeddings.vocabulary.counts

    def text_rows(*, others: bool) -> CbowRows | CentreRows:
        options: dict[str, Any] = {"sample": sample, "seed": settings.seed, "others": others}
        if settings.model == "skipgram":
            return CentreRows(embeddings.in_vectors, counts, **options)
        options |= {"window": settings.window, "mean": settings.cbow_mean}
        return CbowRows(embeddings.in_vectors, tokens, **options)

    rows = text_rows(others=rates is not None)
    fit = (embeddings.temperature, embeddings.out_bias)
    if settings.objective == "hierarchical":
        tree = TreeScores(embeddings.out_vectors, huffman_tree(word_counts), pool)
        if rates is not None:
            loss_nats = tree_loss_with_rates(tree, rows, rates, fit, embeddings.peaks)
        else:
            loss_nats = hierarchical_loss(tree, rows)
        return Losses(loss_nats, loss_nats)
    scores = SoftmaxScores(embeddings.out_vectors, pool)
    # The bias holds the calibrated weight of the unigram distribution already.
    if rates is not None:
        loss_nats = softmax_loss_with_rates(scores, rows, rates, fit, embeddings.peaks)
    else:
        point = Calibration(embeddings.temperature, 1.0, math.nan)
        loss_nats = calibrated_loss(scores, rows, embeddings.out_bias, point)
    if settings.objective == "softmax":
        return Losses(loss_nats, loss_nats)
    noise = noise_distribution(word_counts, settings.ns_exponent)
    every = rows if rates is None else text_rows(others=False)
    return Losses(loss_nats, negative_sampling_loss(scores, every, noise, settings.negative))


def perplexity_of(nats: float) -> float:
    """Return exp(nats), infinity where it leaves the range of a float."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf
