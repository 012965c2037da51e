"""Names of tokenizers: the package's own ones, and functions of users, which are kept by name."""

import re
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal, Self, get_args

from fastw2v.config.numbers import shown_value
from fastw2v.errors import ConfigurationError

__all__ = [
    "SEGMENTED",
    "UNICODE_TOKENIZERS",
    "NamedTokenizer",
    "TokenizeFunction",
    "Tokenizer",
    "checked_tokenizer",
    "is_function_name",
    "repeated_tokenizer",
]

Tokenizer = Literal["words", "unicode", "whitespace", "chinese", "japanese", "korean", "thai"]
TokenizeFunction = Callable[[str], Iterable[Hashable]]
"""Gets a line of text and returns its tokens."""

SEGMENTED = ("chinese", "japanese", "korean", "thai")
"""Those that cut running text by a library for the language."""
UNICODE_TOKENIZERS = ("words", "unicode", *SEGMENTED)
"""Those that ask Unicode what a word is."""

_FUNCTION_NAME = re.compile(r"[^\s:]+:[^\s:]+")


class NamedTokenizer(str):
    """The name of a function that cuts lines into tokens, with the function if it was handed over.

    It is equal to its name as a str. A name that was read from a file has no function, and none is
    imported for it: only who has the function, or asks for it by name, lets it run.

    Parameters
    ----------
    name : str
        "module:function".
    function : callable, optional
        Gets a line of text and returns its tokens.
    """

    __slots__ = ("function",)
    function: TokenizeFunction | None

    def __new__(cls, name: str, function: TokenizeFunction | None = None) -> Self:
        """Make the name and keep the function."""
        made = super().__new__(cls, name)
        made.function = function
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what travels to another process: the function too."""
        return type(self), (str(self), self.function)

    def __copy__(self) -> Self:
        """Return the same object, which never changes."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return the same object, which never changes."""
        return self


def is_function_name(value: str) -> bool:
    """Tell whether a str is of the form "module:function"."""
    return _FUNCTION_NAME.fullmatch(value) is not None


def checked_tokenizer(value: Any) -> str:
    """Return the name of a tokenizer, as settings keep it.

    Raises
    ------
    ConfigurationError
        If it is none, nor a function.
    """
    if isinstance(value, NamedTokenizer):
        return value
    if isinstance(value, str):
        if value in get_args(Tokenizer):
            return value
        if is_function_name(value):
            return NamedTokenizer(value)
    elif callable(value):
        named = value if hasattr(value, "__qualname__") else type(value)
        module = getattr(named, "__module__", None) or type(value).__module__
        return NamedTokenizer(f"{module}:{named.__qualname__}", value)
    allowed = ", ".join(repr(name) for name in get_args(Tokenizer))
    raise ConfigurationError(
        f"tokenizer: expected one of {allowed}, a function that cuts a line into tokens, or its "
        f"name as 'module:function', got {shown_value(value)}"
    )


def repeated_tokenizer(recorded: str, given: Any) -> tuple[str, str | None]:
    """Return the recorded name with the function that is given for it now.

    Parameters
    ----------
    recorded : str
        What a model or a run was trained with.
    given : str or callable
        What is given again.

    Returns
    -------
    tokenizer : str
        Under the recorded name.
    notice : str or None
        What to tell a person: that another function is given than was recorded.

    Raises
    ------
    ConfigurationError
        If one of them is a function and the other is not, or another of the package's own.
    """
    now = checked_tokenizer(given)
    if not isinstance(recorded, NamedTokenizer) or not isinstance(now, NamedTokenizer):
        if now != recorded:
            raise ConfigurationError(
                f"tokenizer: expected {str(recorded)!r}, with which the model was trained, or "
                f"nothing, got {str(now)!r}; text that is cut in another way has other words"
            )
        return recorded, None
    notice = None
    if now != recorded:
        notice = (
            f"the text is cut by {now}, and the model was trained on text that {recorded} cut: if "
            "they are not the same function, its words are others and its figures mean little"
        )
    return NamedTokenizer(recorded, now.function), notice
