"""Exact loss of trained parameters on a text that they need not have been trained on."""

from dataclasses import dataclass

import numpy as np

from fastw2v.batches import CountBatches
from fastw2v.callbacks import StageProgress
from fastw2v.config import Hyperparameters
from fastw2v.corpus import Corpus
from fastw2v.embeddings import Embeddings
from fastw2v.errors import CorpusError
from fastw2v.fitting import (
    DEFAULT_BATCH_ROWS,
    batch_size,
    counted_windows,
    exact_loss,
    perplexity_of,
    stage_of,
)
from fastw2v.objectives import ExactSoftmax
from fastw2v.parallel import WorkerPool
from fastw2v.tokens import encode_corpus


@dataclass(frozen=True)
class Perplexity:
    """Exact loss on a text.

    Attributes
    ----------
    loss_nats : float
        Mean of -log p(o|c) over all window pairs, a pair at distance d weighing (w-d+1)/w.
    perplexity : float
        exp(loss_nats).
    n_tokens, n_oov : int
        Tokens within the vocabulary, and those outside it, which are removed before windowing.
    n_sentences : int
    pair_weight : float
        Sum of all pair weights.
    """

    loss_nats: float
    perplexity: float
    n_tokens: int
    n_oov: int
    n_sentences: int
    pair_weight: float


def text_perplexity(
    embeddings: Embeddings,
    corpus: Corpus,
    settings: Hyperparameters,
    *,
    workers: int,
    progress: StageProgress | None = None,
) -> Perplexity:
    """Return the exact loss on a text, read with the settings' tokenizer and window.

    Parameters
    ----------
    embeddings : Embeddings
    corpus : path, sequence of paths, or iterable of lists of tokens
    settings : Hyperparameters
        Those that the embeddings were trained with.
    workers : int
        Threads; the result does not depend on them.
    progress : callable, optional
        As in `Word2Vec.fit`.

    Raises
    ------
    CorpusError
        If the text cannot be read or holds no pair of known words.
    """
    tokens = encode_corpus(
        corpus,
        embeddings.vocabulary,
        tokenizer=settings.tokenizer,
        progress=stage_of(progress, "reading"),
    )
    n_words = len(embeddings.vocabulary)
    counts = counted_windows(tokens, n_words, settings.window, workers, progress)
    if not counts.n_entries:
        raise CorpusError(
            f"text: expected at least one pair of known words within {settings.window} of "
            f"each other, got {len(tokens.ids)} known and {tokens.n_oov} unknown tokens"
        )
    rows = batch_size(settings, n_words, "batch_rows", DEFAULT_BATCH_ROWS)
    batches = CountBatches(
        counts, np.ones(n_words), dimensions=settings.vector_size, rows=rows, seed=settings.seed
    )
    with WorkerPool(workers) as pool:
        objective = ExactSoftmax(
            embeddings.in_vectors,
            embeddings.out_vectors,
            embeddings.out_bias,
            optimizer="sgd",  # it has no state, and nothing is trained here
            max_rows=batches.max_rows,
            pool=pool,
        )
        loss_nats = exact_loss(objective, batches)
    return Perplexity(
        loss_nats,
        perplexity_of(loss_nats),
        len(tokens.ids),
        tokens.n_oov,
        len(tokens.sentence_starts) - 1,
        counts.total / settings.window,
    )
