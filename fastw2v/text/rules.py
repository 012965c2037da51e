"""How text becomes tokens: the settings that it depends on, in one value."""

from dataclasses import dataclass, field
from typing import Self

from fastw2v.config import (
    CountingSettings,
    Hyperparameters,
    Language,
    Normalization,
    TokenizeFunction,
    checked_tokenizer,
)
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = ["TextRules", "rules_of"]


@dataclass(frozen=True)
class TextRules:
    """The settings by which text is cut; each is the hyper-parameter of that name.

    `words` is what then becomes of its tokens, and of lists of tokens.

    Raises
    ------
    ConfigurationError
        If there is no such tokenizer.
    """

    tokenizer: str = "words"
    paragraphs: bool = False
    normalize: Normalization = "none"
    language: Language = "none"
    keep_case: bool = False
    words: WordRules = NO_RULES
    workers: int | None = field(default=None, compare=False)
    """Processes that a slow tokenizer may run in; nothing depends on it. None: all cores."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokenizer", checked_tokenizer(self.tokenizer))

    @classmethod
    def of(
        cls,
        settings: Hyperparameters | CountingSettings,
        workers: int | None = None,
        *,
        words: WordRules = NO_RULES,
    ) -> Self:
        """Return the rules of a run's settings."""
        return cls(
            settings.tokenizer,
            settings.paragraphs,
            settings.normalize,
            settings.language,
            settings.keep_case,
            words,
            workers,
        )


def rules_of(tokenizer: str | TokenizeFunction | TextRules) -> TextRules:
    """Return rules; those of a mere name are the defaults of `Hyperparameters` for it."""
    if isinstance(tokenizer, TextRules):
        return tokenizer
    return TextRules.of(Hyperparameters(tokenizer=checked_tokenizer(tokenizer)))
