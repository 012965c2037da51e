"""What a trained model says: words for contexts, and the log-probability of sentences."""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from gensim import matutils
from gensim.models import KeyedVectors
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastw2v.gensim_api.model import Word2Vec

logger = logging.getLogger(__name__)


class ScoreMethods:
    """What a model says of words and sentences."""

    wv: KeyedVectors
    running_training_loss: float

    def predict_output_word(
        self, context_words_list: Iterable[Any], topn: int = 10
    ) -> list[tuple[Any, float]] | None:
        """Return the most probable words between context words, by a softmax over the scores.

        Parameters
        ----------
        context_words_list : list of str or int
            Words, or their places; unknown ones are left out.
        topn : int

        Returns
        -------
        list of (word, probability), or None if no context word is known
        """
        return _predicted_words(cast("Word2Vec", self), context_words_list, topn)

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
        return _sentence_scores(cast("Word2Vec", self), sentences, total_sentences)

    def get_latest_training_loss(self) -> float:
        """Return the sum of all losses of the last `train`, in nats; 0 without `compute_loss`."""
        return self.running_training_loss

    def init_sims(self, replace: bool = False) -> None:
        """Make `wv` ready for similarities; with `replace` keep its unit vectors alone."""
        self.wv.init_sims(replace=replace)


def _predicted_words(
    model: "Word2Vec", context: Iterable[Any], topn: int
) -> list[tuple[Any, float]] | None:
    if not model.negative and model.objective is None:
        raise RuntimeError(
            "predict_output_word: expected a model with output vectors of words, got one with "
            "negative=0; train with negative above 0, or with objective='softmax'"
        )
    if not hasattr(model, "syn1neg"):
        raise RuntimeError("predict_output_word: expected output vectors (syn1neg), found none")
    places = [model.wv.get_index(word) for word in context if word in model.wv]
    if not places:
        logger.warning("All the input context words are out-of-vocabulary for the current model.")
        return None
    hidden = model.wv.vectors[places].sum(axis=0)
    if model.cbow_mean:
        hidden /= len(places)
    scores = np.asarray(model.syn1neg @ hidden, np.float64)
    if model.objective is not None and hasattr(model, "out_bias"):
        scores += model.out_bias
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    best = matutils.argsort(chances, topn=topn, reverse=True)
    return [(model.wv.index_to_key[place], float(chances[place])) for place in best]


def _sentence_scores(
    model: "Word2Vec", sentences: Iterable[Sequence[Any]], total_sentences: int
) -> NDArray[np.float32]:
    if not model.wv.key_to_index:
        raise RuntimeError("you must first build vocabulary before scoring new data")
    if not model.hs or model.objective is not None:
        raise RuntimeError(
            "score: expected a model of hierarchical softmax, got another; train with hs=1 and "
            "negative=0"
        )
    taken = islice(sentences, total_sentences)
    return np.fromiter((_sentence_score(model, sentence) for sentence in taken), np.float32)


def _sentence_score(model: "Word2Vec", sentence: Sequence[Any]) -> float:
    index, window = model.wv.key_to_index, model.window
    words = [index[word] for word in sentence if word in index]
    codes, points = model.wv.expandos["code"], model.wv.expandos["point"]
    total = 0.0
    for place, word in enumerate(words):
        around = words[max(0, place - window) : place] + words[place + 1 : place + 1 + window]
        if not around:
            continue
        hidden = model.wv.vectors[around]
        if not model.sg:
            hidden = hidden.sum(axis=0, keepdims=True)
            if model.cbow_mean:
                hidden = hidden / len(around)
        turns = 1.0 - 2.0 * codes[word]
        logits = np.asarray(hidden @ model.syn1[points[word]].T, np.float64) * turns
        total -= float(np.logaddexp(0.0, -logits).sum())
    return total
