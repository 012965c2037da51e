"""Training on the running text itself: negative sampling and hierarchical softmax.

The exact objective needs the counts of a text; what is here needs only a stream of it. The driver
checks the text, goes over it pass by pass, and gives vectors back. `fastw2v.stream_tables` lays out
parameters and hands out blocks of text, `fastw2v.kernels.stream_training` trains on them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import Callback, PassRecord
from fastw2v.embeddings import Embeddings
from fastw2v.encoded import EncodedTokens
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.parallel import WorkerPool
from fastw2v.stream_settings import StreamSettings
from fastw2v.stream_tables import StreamTables
from fastw2v.supervision import Supervisor, Watch

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
        the inner node k of `fastw2v.huffman.huffman_tree`.
    history : list of PassRecord
        The loss is the mean over the pass, in nats per pair: an input with a predicted word. With
        CBOW a whole window is one input.
    n_pairs, n_kept : int
        How many such pairs, and how many tokens that subsampling kept, were trained in all passes.
    """

    in_vectors: Vectors
    out_vectors: Vectors
    history: list[PassRecord]
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
        Called now and then, and after each pass, with a `StepReport`; a step is a block.
    block_tokens : int, optional
        Tokens that a worker takes at a time. Default: 20,000, fewer for short texts and for many
        workers. A resumed run has those that it began with.
    supervise : callable, optional
        Returns what says where to begin and when to end, and is told of calls and passes.

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
        If the loss or the vectors of a pass are not finite.
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
        while watch.state.passes_done < settings.epochs and not watch.state.stopped:
            run.one_pass(watch, callbacks)
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
