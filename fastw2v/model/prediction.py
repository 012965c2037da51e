"""Probabilities of contexts, and what they are worth on a text."""

from collections.abc import Hashable
from typing import Any, Literal, get_args

from fastw2v.config.numbers import whole_number
from fastw2v.errors import ConfigurationError
from fastw2v.model.progress import ProgressChoice, showing
from fastw2v.model.state import ModelState
from fastw2v.model.tokenizer import warn_of_another_version
from fastw2v.objectives.losses.perplexity import Perplexity, text_perplexity
from fastw2v.objectives.losses.reliability import LEAST_COUNT, Reliability, text_reliability
from fastw2v.objectives.nearest import largest_places
from fastw2v.text.corpus import Corpus, Field, with_field

__all__ = ["ContextOrder", "Prediction"]

ContextOrder = Literal["probability", "lift"]


class Prediction(ModelState):
    """What stands beside a word, and how well it is foretold."""

    def predict_context(
        self, word: Hashable, topn: int | None = 10, *, by: ContextOrder = "probability"
    ) -> list[tuple[Any, float]]:
        """Return the `topn` highest-ranked context words of `word`, each with its score.

        Parameters
        ----------
        word : str or other token
            It may be unknown where the model makes vectors of unknown words.
        topn : int, optional
            None: all words. Their probabilities sum to one.
        by : {"probability", "lift"}
            p(o | word), which frequent words lead; or how many times as likely o is beside the
            word as anywhere, p(o | word) / p(o), which is what is typical of the word. p(o) is the
            word's share of the training text.

        Raises
        ------
        UnknownWordError
            If the word is not in the vocabulary, and no vector can be made for it.
        ConfigurationError
            If `by` is neither, or `topn` no whole number from 0 on.
        """
        if topn is not None:
            topn = whole_number("topn", topn, low=0)
        if self.phrases is not None:
            word = self.named(word)
        if by not in get_args(ContextOrder):
            raise ConfigurationError(f"by: expected 'probability' or 'lift', got {by!r}")
        values = self.embeddings.context_probabilities(word)
        if by == "lift":
            values = self.embeddings.lifts(values)
        words = self.vocabulary
        return [(words[i], float(values[i])) for i in largest_places(values, topn).tolist()]

    def reliability(
        self,
        corpus: Corpus,
        *,
        field: Field | None = None,
        least_count: int = LEAST_COUNT,
        progress: ProgressChoice = None,
    ) -> Reliability:
        """Return predicted beside observed shares of a text's pairs, by probability.

        The text should be one that the model was not trained on. Where probabilities are right
        predicted and observed shares are equal, up to chance; docs/evaluation.md has more.

        Parameters
        ----------
        corpus, field
            As in `fit`.
        least_count : int
            Centre words are those that the training text has so often at least.
        progress : bool or callable, optional
            As in `fit`.

        Raises
        ------
        CorpusError
            If the text cannot be read, or no such word has a context in it.
        ConfigurationError
            If `least_count` is no whole number from 1 on.
        """
        warn_of_another_version(self.settings, self.summary)
        with showing(progress) as reports:
            return text_reliability(
                self.embeddings,
                with_field(corpus, field),
                self.settings,
                least_count=least_count,
                words=self.word_rules,
                workers=self.workers,
                progress=reports.stage,
            )

    def perplexity(
        self,
        corpus: Corpus,
        *,
        field: Field | None = None,
        progress: ProgressChoice = None,
    ) -> Perplexity:
        """Return the exact loss on a text, read with the model's tokenizer and windows.

        `corpus`, `field` and `progress` are as in `fit`.

        Losses on one text can be compared between models that weigh its pairs alike: with the
        same `window`, and the same `window_sample` and training text, whatever else differs. With
        `window_sample=0`, and with the other objectives, `window` alone decides.

        Raises
        ------
        CorpusError
            If the text cannot be read or holds no pair of known words.
        """
        warn_of_another_version(self.settings, self.summary)
        with showing(progress) as reports:
            return text_perplexity(
                self.embeddings,
                with_field(corpus, field),
                self.settings,
                words=self.word_rules,
                workers=self.workers,
                progress=reports.stage,
            )
