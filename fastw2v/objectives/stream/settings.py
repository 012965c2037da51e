"""The settings of training on the running text."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.stream.training import CBOW_MEAN, CBOW_SUM, SKIPGRAM, SKIPGRAM_BY_PAIRS

__all__ = ["StreamSettings", "WordOptions"]


@dataclass(frozen=True, kw_only=True, eq=False)
class WordOptions:
    """What holds for single words, where it is not the same for all.

    Attributes
    ----------
    keep : float64 array (V,), optional
        With which probability subsampling keeps a token, above 0. Default: as `sample` says.
    locks : float32 array (V,), optional
        What part of its steps a word's input vector takes; one with 0 stays as it is, bit by bit.
        Default: all of them.
    locked_outputs : bool array (V,), optional
        Which words' output vectors stay as they are, bit by bit. Default: none. Not for
        hierarchical softmax, whose output vectors are of inner nodes.
    """

    keep: NDArray[np.float64] | None = None
    locks: NDArray[np.float32] | None = None
    locked_outputs: NDArray[np.bool_] | None = None

    def checked(self, n_words: int) -> "WordOptions":
        """Return itself; raise `ConfigurationError` if it does not fit so many words."""
        given: tuple[tuple[str, NDArray[Any] | None], ...] = (
            ("keep", self.keep),
            ("locks", self.locks),
            ("locked_outputs", self.locked_outputs),
        )
        for name, values in given:
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


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamSettings:
    """The settings of one run over a text: hyper-parameters, and what gensim means otherwise.

    Attributes
    ----------
    hyperparameters : Hyperparameters
        With objective "negative" or "hierarchical". Windows draw their reach evenly from 1 to
        `window`; `sample` drops tokens at random, 0 keeps all; the rate falls linearly with the
        tokens seen.
    shrink_windows : bool
        Whether each window draws its reach. Otherwise all have the largest.
    cbow_steps : {"gradient", "gensim"}
        What each of C contexts moves by. The gradient of a mean is divided by C, that of a sum is
        not; gensim has it the other way round.
    rules : WordOptions
        What is not the same for all words.

    Raises
    ------
    ConfigurationError
        If the objective is another, or `cbow_steps` is.
    """

    hyperparameters: Hyperparameters
    shrink_windows: bool = True
    cbow_steps: Literal["gradient", "gensim"] = "gradient"
    rules: WordOptions = WordOptions()

    def __post_init__(self) -> None:
        if self.hyperparameters.objective == "softmax":
            raise ConfigurationError(
                "objective: expected 'negative' or 'hierarchical', got 'softmax'"
            )
        if self.cbow_steps not in ("gradient", "gensim"):
            raise ConfigurationError(
                f"cbow_steps: expected 'gradient' or 'gensim', got {self.cbow_steps!r}"
            )

    @property
    def input_kind(self) -> int:
        """What predicts, as kernels number it."""
        settings = self.hyperparameters
        if settings.model == "cbow":
            return CBOW_MEAN if settings.cbow_mean else CBOW_SUM
        shares = settings.negatives_shared or settings.objective == "hierarchical"
        return SKIPGRAM if shares else SKIPGRAM_BY_PAIRS

    @property
    def divides_step(self) -> bool:
        """Whether what CBOW's contexts move by is divided by their number."""
        return self.hyperparameters.cbow_mean == (self.cbow_steps == "gradient")
