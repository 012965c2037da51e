"""How text becomes tokens: the settings that it depends on, in one value."""

from dataclasses import dataclass
from typing import Self, get_args

from fastw2v.config import CountingSettings, Hyperparameters, Language, Normalization, Tokenizer
from fastw2v.errors import ConfigurationError
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

    tokenizer: Tokenizer = "words"
    paragraphs: bool = False
    normalize: Normalization = "none"
    language: Language = "none"
    keep_case: bool = False
    words: WordRules = NO_RULES

    def __post_init__(self) -> None:
        if self.tokenizer not in get_args(Tokenizer):
            allowed = ", ".join(repr(name) for name in get_args(Tokenizer))
            raise ConfigurationError(
                f"tokenizer: expected one of {allowed}, got {self.tokenizer!r}"
            )

    @classmethod
    def of(cls, settings: Hyperparameters | CountingSettings, words: WordRules = NO_RULES) -> Self:
        """Return the rules of a run's settings."""
        return cls(
            settings.tokenizer,
            settings.paragraphs,
            settings.normalize,
            settings.language,
            settings.keep_case,
            words=words,
        )


def rules_of(tokenizer: Tokenizer | TextRules) -> TextRules:
    """Return rules; those of a mere name are the defaults of `Hyperparameters` for it."""
    if isinstance(tokenizer, TextRules):
        return tokenizer
    return TextRules.of(Hyperparameters(tokenizer=tokenizer))
