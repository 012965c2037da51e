"""The class `Word2Vec`, put together from what it does."""

import difflib
from dataclasses import fields
from typing import Any

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.model.files import Files
from fastw2v.model.fitting import Fitting
from fastw2v.model.prediction import Prediction
from fastw2v.model.words import WordVectors

__all__ = ["Word2Vec"]


class Word2Vec(Fitting, WordVectors, Prediction, Files):
    """Word vectors by skip-gram or CBOW: exact softmax, negative sampling, hierarchical softmax.

    Parameters
    ----------
    settings : Hyperparameters, optional
        All settings at once, instead of by name.
    workers : int, optional
        Threads; default: the cores at hand. With the exact softmax the result is the same for
        any number; the other objectives repeat their bits with one worker only (Hogwild).
    **hyperparameters
        Any field of `Hyperparameters`: ``vector_size=100, window=5, min_count=5, sample=1e-5,
        epochs=5, seed=1, batches="counts", optimizer="adam", bias="unigram", ...``.

    Raises
    ------
    ConfigurationError
        For an unknown name or an impossible value.

    Examples
    --------
    >>> from fastw2v import Word2Vec
    >>> sentences = [["a", "b", "a", "b"], ["c", "d", "c", "d"]]
    >>> model = Word2Vec(vector_size=2, min_count=1, sample=0, epochs=50).fit(sentences)
    >>> model.predict_context("a", topn=1)[0][0]
    'b'
    """

    def __init__(
        self,
        settings: Hyperparameters | None = None,
        *,
        workers: int | None = None,
        **hyperparameters: Any,
    ) -> None:
        if settings is not None and hyperparameters:
            raise ConfigurationError("settings: expected either an object or names, got both")
        _require_known(hyperparameters)
        super().__init__(settings or Hyperparameters(**hyperparameters), workers=workers)


def _require_known(hyperparameters: dict[str, Any]) -> None:
    known = [item.name for item in fields(Hyperparameters)]
    for name in hyperparameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise ConfigurationError(f"{name}: unknown hyper-parameter{hint}")
