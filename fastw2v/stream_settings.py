"""The settings of training on the running text."""

import math
from dataclasses import dataclass
from typing import Literal

from fastw2v.errors import ConfigurationError
from fastw2v.kernels.stream_training import CBOW_MEAN, CBOW_SUM, SKIPGRAM, SKIPGRAM_BY_PAIRS


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
        Largest distance of a context; each window draws its reach evenly from 1 to this.
    negative : int
        Noise words for each predicted word.
    ns_exponent : float
        Noise words come with a probability like their count to this power.
    negatives_shared : bool
        Whether the contexts of a window share one set of noise words (skip-gram). Otherwise each
        pair has its own, which is slower.
    cbow_mean : bool
        Whether contexts are averaged or summed.
    sample : float
        Frequency above which tokens are dropped at random; 0 keeps all.
    epochs : int
        Passes over the text.
    learning_rate : float
        Rate of the first token; it falls linearly with the tokens seen.
    final_rate : float
        Rate of the last token, as a fraction of the first.
    seed : int
    """

    vector_size: int = 100
    model: Literal["skipgram", "cbow"] = "skipgram"
    objective: Literal["negative", "hierarchical"] = "negative"
    window: int = 5
    negative: int = 5
    ns_exponent: float = 0.75
    negatives_shared: bool = True
    cbow_mean: bool = True
    sample: float = 1e-3
    epochs: int = 5
    learning_rate: float = 0.025
    final_rate: float = 1e-4
    seed: int = 1

    def __post_init__(self) -> None:
        if self.model not in ("skipgram", "cbow"):
            raise ConfigurationError(f"model: expected 'skipgram' or 'cbow', got {self.model!r}")
        if self.objective not in ("negative", "hierarchical"):
            raise ConfigurationError(
                f"objective: expected 'negative' or 'hierarchical', got {self.objective!r}"
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
