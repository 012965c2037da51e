"""What a model is made of, and what it says of itself."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.errors import FastW2VError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.nearest import NearestWords
from fastw2v.system.threads import checked_workers
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.checkpoints import Checkpoints
from fastw2v.training.result import RunRecord, TrainedModel, TrainingSummary

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["ModelState"]


class ModelState:
    """Settings, and what training has made of them; the base of all that a model does."""

    def __init__(self, settings: Hyperparameters, *, workers: int | None = None) -> None:
        self.settings = settings
        self.workers = checked_workers(workers)
        self._given = settings.given
        self._workers_named = workers is not None
        self._trained: TrainedModel | None = None
        self._checkpoints: Checkpoints | None = None
        self._keyed: dict[str, KeyedVectors] = {}
        self._nearest: dict[str, NearestWords] = {}

    def _become(self, trained: TrainedModel, checkpoints: Checkpoints | None = None) -> None:
        """Be the model that a run has ended in, or that was read."""
        self.settings, self._trained = trained.settings, trained
        self._checkpoints, self._keyed, self._nearest = checkpoints, {}, {}

    @property
    def history(self) -> list[EpochRecord]:
        """A record of each epoch; empty before training."""
        return self._trained.history if self._trained else []

    @property
    def summary(self) -> TrainingSummary | None:
        """What the run amounts to; None before training."""
        return self._trained.summary if self._trained else None

    @property
    def corpus_digest(self) -> str | None:
        """Of the encoded training text; None before training."""
        return self._trained.corpus_digest if self._trained else None

    @property
    def run_record(self) -> RunRecord | None:
        """What is remembered of the run; None before training, and of the oldest models."""
        return self._trained.run_record if self._trained else None

    @property
    def _result(self) -> TrainedModel:
        if self._trained is None:
            raise FastW2VError("the model is not trained yet: call fit(corpus) or load a model")
        return self._trained

    @property
    def embeddings(self) -> Embeddings:
        """Everything learned; raises `FastW2VError` before `fit`."""
        return self._result.embeddings

    @property
    def vocabulary(self) -> Vocabulary:
        """Words and counts, most frequent first."""
        return self.embeddings.vocabulary

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Centre vectors v (V, D)."""
        return self.embeddings.in_vectors

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Output vectors u (V, D); of inner nodes, (V - 1, D), for hierarchical softmax."""
        return self.embeddings.out_vectors

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Context bias b (V,), subsampling undone."""
        return self.embeddings.out_bias
