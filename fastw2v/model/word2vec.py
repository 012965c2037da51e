"""The class `Word2Vec`, put together from what it does."""

from fastw2v.model.files import Files
from fastw2v.model.fitting import Fitting
from fastw2v.model.prediction import Prediction
from fastw2v.model.shown import Shown
from fastw2v.model.spelled_out import SpelledOut
from fastw2v.model.words import WordVectors

__all__ = ["Word2Vec"]


class Word2Vec(SpelledOut, Fitting, WordVectors, Prediction, Files, Shown):
    """Word vectors by skip-gram or CBOW: exact softmax, negative sampling, hierarchical softmax.

    The constructor takes the settings, each by its name, or all of them as `Hyperparameters`;
    `fit` takes the corpus.

    Examples
    --------
    >>> from fastw2v import Word2Vec
    >>> sentences = [["a", "b", "a", "b"], ["c", "d", "c", "d"]]
    >>> model = Word2Vec(vector_size=2, min_count=1, sample=0, epochs=50).fit(sentences)
    >>> model.predict_context("a", topn=1)[0][0]
    'b'
    """
