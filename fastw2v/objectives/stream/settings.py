"""The settings of training on the running text."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.stream.training import CBOW_MEAN, CBOW_SUM, SKIPGRAM, SKIPGRAM_BY_PAIRS


@dataclass(frozen=True, kw_only=True, eq=False)
class WordRules:
    """What holds for single words, where it is not the same for all.

    Attributes
    ----------
    keep : float64 array (V,), optional
        With which probability subsampling keeps a token, above 0. Default: as `sample` says.
    locks : float32 array (V,), optional
        What part of its steps a word's input vector takes; one with 0 stays as it is, bit by bit.
        Default: all of them.
    """

    keep: NDArray[np.float64] | None = None
    locks: NDArray[np.float32] | None = None

    def checked(self, n_words: int) -> "WordRules":
        """Return itself; raise `ConfigurationError` if it does not fit so many words."""
        for name, values in (("keep", self.keep), ("locks", self.locks)):
            if values is None:
                continue
            if values.shape != (n_words,):
                raise ConfigurationError(
                    f"{name}: expected one for each of {n_words} words, got an array of shape "
                    f"{values.shape}"
                )
            if not np.isfinite(values).all():
                raise ConfigurationError(f"{name}: expected finite numbers, got others among them")
        if self.keep is not None and not bool(((self.keep > 0) & (self.keep <= 1)).all()):
            raise ConfigurationError(
                "keep: expected probabilities above 0 and at most 1, got others among them"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """The settings of one run over a text.

    Attributes
    ----------
    vector_size : int
        Dimensions.
    model : {"skipgram", "cbow"}
        Whether each context predicts alone, or all contexts of a window together.
    objective : {"negative", "hierarchical"}
    window : int
        Largest distance of a context.
    shrink_windows : bool
        Whether each window draws its reach evenly from 1 to `window`. Otherwise all have it.
    negative : int
        Noise words for each predicted word.
    ns_exponent : float
        Noise words come with a probability like their count to this power.
    negatives_shared : bool
        Whether the contexts of a window share one set of noise words (skip-gram). Otherwise each
        pair has its own, which is slower.
    cbow_mean : bool
        Whether contexts are averaged or summed.
    cbow_steps : {"gradient", "gensim"}
        What each of C contexts moves by. The gradient of a mean is divided by C, that of a sum is
        not; gensim has it the other way round.
    sample : float
        Frequency above which tokens are dropped at random; 0 keeps all.
    epochs : int
        Passes over the text.
    learning_rate : float
        Rate of the first token; it falls linearly with the tokens seen.
    final_rate : float
        Rate of the last token, as a fraction of the first.
    seed : int
    rules : WordRules
        What is not the same for all words.
    """

    vector_size: int = 100
    model: Literal["skipgram", "cbow"] = "skipgram"
    objective: Literal["negative", "hierarchical"] = "negative"
    window: int = 5
    shrink_windows: bool = True
    negative: int = 5
    ns_exponent: float = 0.75
    negatives_shared: bool = True
    cbow_mean: bool = True
    cbow_steps: Literal["gradient", "gensim"] = "gradient"
    sample: float = 1e-3
    epochs: int = 5
    learning_rate: float = 0.025
    final_rate: float = 1e-4
    seed: int = 1
    rules: WordRules = WordRules()

    def __post_init__(self) -> None:
        if self.model not in ("skipgram", "cbow"):
            raise ConfigurationError(f"model: expected 'skipgram' or 'cbow', got {self.model!r}")
        if self.objective not in ("negative", "hierarchical"):
            raise ConfigurationError(
                f"objective: expected 'negative' or 'hierarchical', got {self.objective!r}"
            )
        if self.cbow_steps not in ("gradient", "gensim"):
            raise ConfigurationError(
                f"cbow_steps: expected 'gradient' or 'gensim', got {self.cbow_steps!r}"
            )
        for name in ("vector_size", "window", "negative", "epochs"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigurationError(
                f"learning_rate: expected a number above 0, got {self.learning_rate!r}"
            )
        if not 0 <= self.final_rate <= 1:
            raise ConfigurationError(f"final_rate: expected 0 to 1, got {self.final_rate!r}")
        if not math.isfinite(self.ns_exponent):
            raise ConfigurationError(
                f"ns_exponent: expected a finite number, got {self.ns_exponent!r}"
            )

    @property
    def input_kind(self) -> int:
        """What predicts, as kernels number it."""
        if self.model == "cbow":
            return CBOW_MEAN if self.cbow_mean else CBOW_SUM
        shares = self.negatives_shared or self.objective == "hierarchical"
        return SKIPGRAM if shares else SKIPGRAM_BY_PAIRS

    @property
    def divides_step(self) -> bool:
        """Whether what CBOW's contexts move by is divided by their number."""
        return self.cbow_mean == (self.cbow_steps == "gradient")
