"""What a trained model says: words for contexts, and the log-probability of sentences."""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from gensim import matutils
from numpy.typing import NDArray

from fastw2v.gensim_api.numbers import int_of
from fastw2v.gensim_api.state import GensimState

__all__ = ["ScoreMethods", "logger"]

logger = logging.getLogger(__name__)


class ScoreMethods(GensimState):
    """What a model says of words and sentences."""

    def predict_output_word(
        self, context_words_list: Iterable[Any], topn: int = 10
    ) -> list[tuple[Any, float]] | None:
        """Return the most probable words between context words, by a softmax over the scores.

        Parameters
        ----------
        context_words_list : list of str or int
            Words, or their rows; unknown ones are left out.
        topn : int

        Returns
        -------
        list of (word, probability), or None if no context word is known
        """
        if not self.negative and self.objective is None:
            raise RuntimeError(
                "predict_output_word: expected a model with output vectors of words, got one with "
                "negative=0; train with negative above 0, or with objective='softmax'"
            )
        if not hasattr(self, "syn1neg"):
            raise RuntimeError("predict_output_word: expected output vectors (syn1neg), found none")
        topn = int_of("topn", topn, low=0)
        rows = [self.wv.get_index(word) for word in context_words_list if word in self.wv]
        if not rows:
            logger.warning(
                "All the input context words are out-of-vocabulary for the current model."
            )
            return None
        hidden = self.wv.vectors[rows].sum(axis=0)
        if self.cbow_mean:
            hidden /= len(rows)
        scores = np.asarray(self.syn1neg @ hidden, np.float64)
        if self.objective is not None and hasattr(self, "out_bias"):
            scores += self.out_bias
        probabilities = np.exp(scores - scores.max())
        probabilities /= probabilities.sum()
        best = matutils.argsort(probabilities, topn=topn, reverse=True)
        return [(self.wv.index_to_key[row], float(probabilities[row])) for row in best]

    def score(
        self,
        sentences: Iterable[Sequence[Any]],
        total_sentences: int = 1_000_000,
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: float = 1,
    ) -> NDArray[np.float32]:
        """Return the log-probability of each sentence by hierarchical softmax, in nats.

        That is the sum of log p(word | context) over all pairs in windows of full reach, or with
        CBOW of log p(word | contexts). At most `total_sentences` are scored.
        """
        if not self.wv.key_to_index:
            raise RuntimeError("you must first build vocabulary before scoring new data")
        if not self.hs or self.objective is not None:
            raise RuntimeError(
                "score: expected a model of hierarchical softmax, got another; train with hs=1 and "
                "negative=0"
            )
        scored = islice(sentences, int_of("total_sentences", total_sentences, low=0))
        return np.fromiter((_log_probability(self, sentence) for sentence in scored), np.float32)

    def get_latest_training_loss(self) -> float:
        """Return the sum of all losses of the last `train`, in nats; 0 without `compute_loss`.

        With ``objective="softmax"`` it is the mean of the last epoch, in nats per pair.
        """
        return self.running_training_loss

    def init_sims(self, replace: bool = False) -> None:
        """Make `wv` ready for similarities; with `replace` keep its unit vectors alone."""
        self.wv.init_sims(replace=replace)


def _log_probability(model: GensimState, sentence: Sequence[Any]) -> float:
    index, window = model.wv.key_to_index, model.window
    words = [index[word] for word in sentence if word in index]
    codes, points = model.wv.expandos["code"], model.wv.expandos["point"]
    total = 0.0
    for position, word in enumerate(words):
        contexts = words[max(0, position - window) : position]
        contexts += words[position + 1 : position + 1 + window]
        if not contexts:
            continue
        hidden = model.wv.vectors[contexts]
        if not model.sg:
            hidden = hidden.sum(axis=0, keepdims=True)
            if model.cbow_mean:
                hidden = hidden / len(contexts)
        signs = 1.0 - 2.0 * codes[word]
        logits = np.asarray(hidden @ model.syn1[points[word]].T, np.float64) * signs
        total -= float(np.logaddexp(0.0, -logits).sum())
    return total
