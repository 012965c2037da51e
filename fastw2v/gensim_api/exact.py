"""``objective="softmax"``: the exact loss under gensim's names, by this project's exact trainer."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from gensim.models.keyedvectors import prep_vectors
from numpy.typing import NDArray

from fastw2v.callbacks import StepReport
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.gensim_api.epochs import EpochResult, drawn_seed, write_rows
from fastw2v.gensim_api.state import GensimState
from fastw2v.gensim_api.vocabulary import keep_probabilities, threshold_count
from fastw2v.objectives.earlier import KnownRows
from fastw2v.system.threads import available_cores
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.cbow import train_cbow
from fastw2v.training.options import Reports
from fastw2v.training.run import Run, VectorPair
from fastw2v.training.skipgram import train_skipgram
from fastw2v.training.text import TrainingText

__all__ = ["logger", "train_exact"]

logger = logging.getLogger(__name__)

_GENSIM_RATES = (0.025, 0.0001)  # stand for the optimiser's own


class _EpochCallbacks:
    """Calls gensim's callbacks when epochs end and begin, and keeps the model up to date."""

    def __init__(self, model: GensimState, order: NDArray[np.int64], callbacks: Sequence[Any]):
        self._model, self._order, self._callbacks = model, order, callbacks
        self.last: VectorPair | None = None

    def begin(self) -> None:
        for callback in self._callbacks:
            callback.on_epoch_begin(self._model)

    def take(self, vectors: VectorPair) -> None:
        """Put vectors of words by falling frequency into the model."""
        model, order = self._model, self._order
        in_vectors, out_vectors = (np.empty_like(table) for table in vectors)
        in_vectors[order], out_vectors[order] = vectors
        model.wv.vectors = write_rows(model.wv.vectors, in_vectors)
        model.syn1neg = write_rows(model.syn1neg, out_vectors)
        model.wv.norms = None

    def __call__(self, report: StepReport) -> None:
        if not report.epoch_ended:
            return
        if self._model.compute_loss:
            self._model.running_training_loss = report.loss_nats
        is_last = report.epoch == report.epochs
        handed = None if is_last or not self._callbacks else self._tables()
        for callback in self._callbacks:
            callback.on_epoch_end(self._model)
        if is_last:
            return
        self.begin()
        if handed is not None and not all(map(np.array_equal, handed, self._tables())):
            logger.warning(
                "callbacks changed the vectors after epoch %i, which has no effect: with "
                "objective='softmax' all epochs are one run, which goes on from its own vectors; "
                "call train(epochs=1) for each epoch to begin it from the model's",
                report.epoch,
            )

    def _tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._model.wv.vectors.copy(), self._model.syn1neg.copy()


def train_exact(model: GensimState, tokens: EncodedTokens, callbacks: Sequence[Any]) -> EpochResult:
    """Train all epochs on a text; the loss is that of the last one, in nats per pair.

    Raises
    ------
    ConfigurationError
        For what the exact softmax cannot do: parts of steps (lock factors between 0 and 1),
        windows that do not shrink.
    """
    _require_possible(model)
    counts = np.asarray(model.wv.expandos["count"], np.int64)
    order = np.argsort(-counts, kind="stable")
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    # The trainer looks at counts and ids only, and words here may be of any kind.
    names = [str(row) for row in order.tolist()]
    vocabulary = Vocabulary(names, counts[order], tokens.n_raw_tokens, len(order))
    encoded = EncodedTokens(
        ranks[tokens.ids], tokens.sentence_starts, tokens.n_raw_tokens, tokens.n_oov
    )
    epochs = _EpochCallbacks(model, order, callbacks)
    epochs.begin()
    factors = np.resize(np.asarray(model.wv.vectors_lockf, np.float32), len(order))
    locked = (factors == 0)[order]
    run = Run(
        settings=_settings(model, counts),
        workers=min(model.workers, available_cores()),
        reports=Reports(callbacks=[epochs]),
        after_epoch=epochs.take,
        start=_start(model, order),
        locked=locked if locked.any() else None,
    )
    fitted = (train_skipgram if model.sg else train_cbow)(run, TrainingText(vocabulary, encoded))
    model.out_bias = np.empty(len(order), np.float32)
    model.out_bias[order] = fitted.embeddings.out_bias
    kept = keep_probabilities(counts, model.sample) @ np.bincount(tokens.ids, minlength=len(counts))
    n_trained = model.epochs * round(float(kept))
    return EpochResult(n_trained, model.epochs * tokens.n_raw_tokens, fitted.loss_nats)


def _require_possible(model: GensimState) -> None:
    if not model.shrink_windows:
        raise ConfigurationError(
            "shrink_windows: expected True with objective='softmax', got False: the exact softmax "
            "weighs words by their distance, as windows that shrink do"
        )
    if not np.isin(np.asarray(model.wv.vectors_lockf), (0, 1)).all():
        raise ConfigurationError(
            "vectors_lockf: expected 1 or 0 for each word with objective='softmax', got others; "
            "train by negative sampling for parts of steps"
        )


def _start(model: GensimState, order: NDArray[np.int64]) -> KnownRows | VectorPair | None:
    """Return what is known of the vectors, by falling frequency; None if better ones may be made.

    A row that is as the seed gives it, and has no output vector, is that of a new word: of the
    first vocabulary, or of one that was added. It begins by what the word stands beside.
    """
    vectors, outputs = model.wv.vectors, model.syn1neg
    if model.seed is None:  # nobody can tell which ones are new
        return vectors[order], outputs[order]
    first = prep_vectors(vectors.shape, seed=model.seed)
    is_new = (vectors == first).all(axis=1) & ~outputs.any(axis=1)
    if is_new.all():
        return None
    return KnownRows(~is_new[order], vectors[order], outputs[order] if outputs.any() else None)


def _settings(model: GensimState, counts: NDArray[np.int64]) -> Hyperparameters:
    rates: dict[str, float] = {}
    if (model.alpha, model.min_alpha) != _GENSIM_RATES:
        final = min(1.0, model.min_alpha / model.alpha)
        rates = {"learning_rate": model.alpha, "final_rate": final}
    sample = 0.0
    if model.sample:
        total = float(counts.sum())
        sample = min(1.0, threshold_count(model.sample, total) / total)
    return Hyperparameters(
        vector_size=model.wv.vector_size,
        window=model.window,
        min_count=1,
        sample=sample,
        epochs=model.epochs,
        seed=drawn_seed(model.random),
        model="skipgram" if model.sg else "cbow",
        cbow_mean=model.sg > 0 or bool(model.cbow_mean),
        canonical=False,  # further epochs go on from these vectors, with a bias of their own
        **rates,  # type: ignore[arg-type]
    )
