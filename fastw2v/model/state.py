"""What a model is made of, and what it says of itself."""

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import EpochRecord
from fastw2v.config import Hyperparameters
from fastw2v.errors import CorpusError, FastW2VError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.nearest import NearestWords
from fastw2v.system.threads import checked_workers
from fastw2v.text.phrase_model import PhraseModel
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import tokenize_text
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_rules import WordRules
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
        self._workers_named = workers is not None
        self._trained: TrainedModel | None = None
        self._checkpoints: Checkpoints | None = None
        self._keyed: dict[str, KeyedVectors] = {}
        self._nearest: dict[str, NearestWords] = {}

    @classmethod
    def _of_stored(cls, settings: Hyperparameters, workers: int | None) -> Self:
        """Return a model with settings of a file, of which nobody has asked for any."""
        model = cls(settings, workers=workers)
        model._given = {}
        return model

    @property
    def settings(self) -> Hyperparameters:
        """Those of the trained model; before training, and once set, those that were asked for.

        Each `fit` begins with the ones that were asked for, whatever an earlier one has made of
        them by a start or by counts.
        """
        return self._settings

    @settings.setter
    def settings(self, settings: Hyperparameters) -> None:
        self._settings = self._asked = settings
        self._given = settings.given

    def _become(self, trained: TrainedModel, checkpoints: Checkpoints | None = None) -> None:
        """Be the model that a run has ended in, or that was read."""
        self._settings, self._trained = trained.settings, trained
        self._checkpoints, self._keyed, self._nearest = checkpoints, {}, {}

    @property
    def history(self) -> list[EpochRecord]:
        """A record of each epoch; empty before training."""
        return self._trained.history if self._trained else []

    @property
    def summary(self) -> TrainingSummary | None:
        """Summary of the run; None before training."""
        return self._trained.summary if self._trained else None

    @property
    def corpus_digest(self) -> str | None:
        """Digest of the encoded training text; None before training."""
        return self._trained.corpus_digest if self._trained else None

    @property
    def run_record(self) -> RunRecord | None:
        """Record of the run; None before training, and for the oldest models."""
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
    def word_rules(self) -> WordRules:
        """What becomes of the tokens of every text that the model reads."""
        return self._result.words

    @property
    def phrases(self) -> PhraseModel | None:
        """The phrases that are joined in every text that the model reads; None without any."""
        return self.word_rules.phrases

    @property
    def stop_words(self) -> tuple[Any, ...]:
        """The tokens that are left out of every text that the model reads."""
        return self.word_rules.stop_words

    def joined(self, sentence: Iterable[Any]) -> list[Any]:
        """Return the tokens of a sentence as training had them: phrases joined, no stop words."""
        return self.word_rules.of(sentence)

    def named(self, word: Hashable) -> Any:
        """Return the token of the vocabulary that a word stands for.

        That is the word itself; a token that is shown as this text, as the whole number 7 is as
        "7"; or the phrase that its words are joined to. Anything else comes back as it is.
        """
        if not isinstance(word, str) or word in self.vocabulary:
            return word
        found = self.vocabulary.named(word)
        if found in self.vocabulary or self.phrases is None:
            return found
        return self._phrase_of(word)

    def _phrase_of(self, text: str) -> str:
        """Return the known phrase that the words of a text are joined to, or the text."""
        try:
            sentences = tokenize_text(text, TextRules.of(self.settings))
        except CorpusError:  # no text of a file
            return text
        tokens = [token for sentence in sentences for token in sentence]
        joined = self.joined(tokens)
        is_phrase = len(tokens) > 1 and len(joined) == 1 and joined[0] in self.vocabulary
        return joined[0] if is_phrase else text

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
