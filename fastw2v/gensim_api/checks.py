"""What gensim refuses before it trains, with gensim's types of errors."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from smart_open.compression import get_supported_extensions

from fastw2v.errors import ConfigurationError
from fastw2v.gensim_api.state import GensimState

__all__ = ["check_corpus", "check_training", "logger"]

logger = logging.getLogger(__name__)


def check_corpus(corpus: Any, corpus_file: Any, epochs: int) -> None:
    """Raise TypeError unless there is one corpus that can be read `epochs` times."""
    if corpus is None and corpus_file is None:
        raise TypeError("expected one of corpus_iterable (sentences) and corpus_file, got neither")
    if corpus is not None and corpus_file is not None:
        raise TypeError("expected one of corpus_iterable (sentences) and corpus_file, got both")
    if corpus is None:
        _check_file(corpus_file)
    elif not isinstance(corpus, Iterable):
        raise TypeError(
            f"corpus_iterable: expected an iterable of lists of strings, got {corpus!r}"
        )
    elif isinstance(corpus, Iterator) and epochs > 1:
        raise TypeError(
            f"corpus_iterable: expected what can be read {epochs} times, got a "
            f"{type(corpus).__name__}, which is empty after once; pass a list, or an object whose "
            "__iter__ begins anew"
        )


def _check_file(corpus_file: Any) -> None:
    path = Path(corpus_file)
    if not path.is_file():
        raise TypeError(f"corpus_file: expected the path of a file, got {corpus_file!r}")
    if path.suffix.lower() in get_supported_extensions():
        raise TypeError(
            f"corpus_file: expected a file that is not compressed, got {corpus_file}; pass "
            "LineSentence(path) as sentences, which reads it"
        )


def check_training(model: GensimState, totals: tuple[int | None, int | None], epochs: Any) -> None:
    """Raise as gensim does unless the model can be trained."""
    if model.objective is None and not model.hs and not model.negative:
        raise ConfigurationError(
            "hs, negative: expected one of them above 0, got hs=0 and negative=0, with which "
            "nothing is trained; or ask for objective='softmax'"
        )
    if model.objective is None and model.hs and model.negative:
        logger.warning(
            "Both hierarchical softmax and negative sampling are activated. "
            "This is probably a mistake. You should set either 'hs=0' "
            "or 'negative=0' to disable one of them. "
        )
    if model.alpha > model.min_alpha_yet_reached:
        logger.warning("Effective 'alpha' higher than previous training cycles")
    if not model.wv.key_to_index:
        raise RuntimeError("you must first build vocabulary before training the model")
    if not len(model.wv.vectors) or "count" not in model.wv.expandos:
        raise RuntimeError("you must initialize vectors and counts before training the model")
    if totals == (None, None):
        raise ConfigurationError(
            "expected total_examples or total_words, by which the learning rate falls, got "
            "neither; for the corpus of build_vocab pass total_examples=model.corpus_count"
        )
    if epochs is None or epochs <= 0:
        raise ConfigurationError(
            f"epochs: expected a number of at least 1, got {epochs}; usual is epochs=model.epochs"
        )
    if model.alpha <= 0:
        raise ConfigurationError(f"alpha: expected a rate above 0, got {model.alpha!r}")
