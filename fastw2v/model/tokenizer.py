"""The function that cut a model's text: given again, since a model keeps its name alone."""

import warnings
from dataclasses import replace

from fastw2v.config import Hyperparameters, TokenizeFunction, repeated_tokenizer
from fastw2v.text.segmenters import tokenizer_version
from fastw2v.training.result import TrainingSummary

__all__ = ["warn_of_another_version", "with_tokenizer"]


def with_tokenizer(
    settings: Hyperparameters, given: str | TokenizeFunction | None
) -> Hyperparameters:
    """Return settings with the function that is given again for its recorded name.

    Raises
    ------
    ConfigurationError
        If they have another kind of tokenizer than is given.
    """
    if given is None:
        return settings
    tokenizer, notice = repeated_tokenizer(settings.tokenizer, given)
    if notice:
        warnings.warn(notice, UserWarning, stacklevel=3)
    return replace(settings, tokenizer=tokenizer)


def warn_of_another_version(settings: Hyperparameters, summary: TrainingSummary | None) -> None:
    """Warn if what cuts text beside this package is not what cut the training text."""
    then = summary.tokenizer_version if summary else None
    now = tokenizer_version(settings.tokenizer)
    if then is not None and now != then:
        warnings.warn(
            f"the model was trained on text that {then} cut, and {now or 'no such package'} is "
            "here: some words may be cut in another way",
            UserWarning,
            stacklevel=3,
        )
