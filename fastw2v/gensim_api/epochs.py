"""An epoch as gensim means it, by this project's trainer: parameters are translated, no more.

gensim's `alpha` is the rate of a step that each context of CBOW takes whole, so CBOW is trained
with ``cbow_steps="gensim"`` and the rate needs no factor.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.errors import DivergenceError
from fastw2v.gensim_api.reading import NumberedText, numbered_text, reads_the_same
from fastw2v.gensim_api.state import GensimState
from fastw2v.gensim_api.vocabulary import SAMPLE_INT_MAX
from fastw2v.objectives.stream.settings import StreamSettings, WordOptions
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.training.run import Run
from fastw2v.training.stream import train_stream

__all__ = [
    "EpochResult",
    "Reading",
    "drawn_seed",
    "readings",
    "train_epoch",
    "word_options",
    "write_rows",
]


class Reading(NamedTuple):
    """One reading of a corpus: encoded, and how much gensim would count in it."""

    tokens: EncodedTokens
    n_sentences: int


class EpochResult(NamedTuple):
    """What an epoch amounts to: tokens that were trained, tokens in all, and the sum of losses."""

    n_trained: int
    n_tokens: int
    loss_nats: float


def readings(
    corpus: Any, corpus_file: str | None, held: NumberedText | None, model: GensimState
) -> Iterator[Reading]:
    """Yield the corpus for each epoch; what cannot change is read only once."""
    stays = held is not None or corpus_file is not None or reads_the_same(corpus)
    reading, n_words = None, 0
    text = held
    while True:
        if text is None or not stays:
            text = numbered_text(corpus, corpus_file)
            reading = None
        if reading is None or n_words != len(model.wv):
            n_words = len(model.wv)
            reading = Reading(text.encoded(model.wv.key_to_index), text.n_sentences)
        yield reading


def train_epoch(
    model: GensimState, tokens: EncodedTokens, rates: tuple[float, float], pool: WorkerPool
) -> EpochResult:
    """Train on a text once, from the vectors that the model has, and give them back to it.

    Parameters
    ----------
    model : GensimState
        Its vectors are replaced in place.
    tokens : EncodedTokens
    rates : (float, float)
        Of the first and of the last token.
    pool : WorkerPool
    """
    n_tokens = tokens.n_raw_tokens
    if not len(tokens.ids):
        return EpochResult(0, n_tokens, 0.0)
    n_trained, loss_nats = 0, 0.0
    counts = np.asarray(model.wv.expandos["count"], np.int64)
    for objective, name in (("hierarchical", "syn1"), ("negative", "syn1neg")):
        if not (model.hs if objective == "hierarchical" else model.negative):
            continue
        outputs = getattr(model, name)
        n_outputs = len(counts) - (objective == "hierarchical")
        settings = _settings(model, objective, rates)
        start = (model.wv.vectors, outputs[:n_outputs])
        try:
            run = Run(settings=settings.hyperparameters, workers=pool.workers, start=start)
            result = train_stream(tokens, counts, settings, pool, run=run)
        except DivergenceError as error:
            raise DivergenceError(str(error).replace("--learning-rate", "alpha")) from error
        model.wv.vectors = write_rows(model.wv.vectors, result.in_vectors)
        setattr(model, name, write_rows(outputs, result.out_vectors))
        n_trained = result.n_kept
        loss_nats += result.history[0].loss_nats * result.n_pairs
    model.wv.norms = None
    return EpochResult(n_trained, n_tokens, loss_nats)


class _GensimHyperparameters(Hyperparameters):
    """Hyper-parameters as far as gensim's go: its windows may span whole sentences."""

    _upper_bounds: ClassVar = {"window": 2**31 - 1}


def _settings(model: GensimState, objective: Any, rates: tuple[float, float]) -> StreamSettings:
    of_objective: dict[str, Any] = {}
    if objective == "negative":
        of_objective = {"negative": model.negative, "ns_exponent": float(model.ns_exponent)}
    if not model.sg:
        of_objective["cbow_mean"] = bool(model.cbow_mean)
    settings = _GensimHyperparameters(
        vector_size=model.wv.vector_size,
        window=model.window,
        model="skipgram" if model.sg else "cbow",
        objective=objective,
        sample=0.0,  # the rules have gensim's thresholds
        epochs=1,
        learning_rate=rates[0],
        final_rate=rates[1] / rates[0],
        seed=drawn_seed(model.random),
        **of_objective,
    )
    return StreamSettings(
        hyperparameters=settings,
        shrink_windows=bool(model.shrink_windows),
        cbow_steps="gensim",
        rules=word_options(model),
    )


def drawn_seed(generator: Any) -> int:
    """Return a seed from the model's generator, numpy's old kind or its new one."""
    draw = getattr(generator, "integers", None) or generator.randint
    return int(draw(2**31 - 1))


def word_options(model: GensimState) -> WordOptions:
    """Return gensim's thresholds and lock factors as the trainer's rules for single words."""
    n_words = len(model.wv)
    keep = locks = None
    if model.sample and "sample_int" in model.wv.expandos:
        # A threshold of 0, as the null word has, is as good as the smallest chance.
        keep = (
            np.maximum(np.asarray(model.wv.expandos["sample_int"], np.float64), 1) / SAMPLE_INT_MAX
        )
    factors = np.asarray(getattr(model.wv, "vectors_lockf", (1,)), np.float32)
    if not (factors == 1).all():
        locks = np.resize(factors, n_words)  # gensim goes round where there are too few
    return WordOptions(keep=keep, locks=locks)


def write_rows(table: NDArray[Any], rows: NDArray[np.float32]) -> NDArray[Any]:
    """Write rows into a table, so that who holds it sees them; into a new one if it cannot be."""
    if not table.flags.writeable or table.dtype != np.float32:
        table = np.array(table, np.float32)
    table[: len(rows)] = rows
    return table
