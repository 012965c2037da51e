"""The project's own error types.

Every message says what was expected, what came, where, and what to do. The command line
prints the message alone and ends with status 2; nothing below this module prints.
"""

from typing import Any

__all__ = [
    "CheckpointError",
    "ClusterError",
    "ConfigurationError",
    "CorpusError",
    "DivergenceError",
    "EvaluationError",
    "FastW2VError",
    "MissingDependencyError",
    "ModelFormatError",
    "OutputError",
    "TextEncodingError",
    "TokenKindError",
    "TokenizerError",
    "UnknownWordError",
    "UnwritableWordError",
    "VocabularyError",
    "missing_dependency",
    "one_line",
]


class FastW2VError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigurationError(FastW2VError, ValueError):
    """A hyper-parameter or an option has a value that cannot be used."""


class CorpusError(FastW2VError):
    """A corpus is missing, empty, unreadable, or not of a usable kind."""


class TextEncodingError(CorpusError):
    """A text is not valid UTF-8; the message names the file and the byte offset."""


class TokenKindError(CorpusError, TypeError):
    """Sentences contain something that cannot be a token, or are not sentences."""


class TokenizerError(CorpusError):
    """A function that cuts text fails, or has to be given and was not."""


class VocabularyError(FastW2VError):
    """A vocabulary cannot be built, or does not fit what it is used with."""


class UnknownWordError(VocabularyError, KeyError):
    """A word that was asked for is not in the vocabulary."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ModelFormatError(FastW2VError):
    """A file or folder is not a model that this version can read."""


class CheckpointError(FastW2VError):
    """A checkpoint is missing, damaged, or of another run or machine."""


class OutputError(FastW2VError):
    """A result cannot be written where it was asked for."""


class UnwritableWordError(OutputError):
    """A format cannot hold one of the words that are to be written."""


class DivergenceError(FastW2VError):
    """Training produced a loss that is not a finite number.

    Attributes
    ----------
    model : Word2Vec, optional
        The model of the last good epoch; None if there was none.
    """

    model: Any = None


class MissingDependencyError(FastW2VError, ImportError):
    """An optional package is needed and not installed; the message says what to install."""


class EvaluationError(FastW2VError):
    """A test set cannot be read, or covers none of the words."""


class ClusterError(FastW2VError):
    """A cluster did not finish its work; the message says what is left and how to go on."""


def missing_dependency(
    needed_by: str, package: str, extra: str, otherwise: str = ""
) -> MissingDependencyError:
    """Return the error that says which extra of this package brings one that is missing.

    Parameters
    ----------
    needed_by : str
        What needs the package.
    package : str
    extra : str
    otherwise : str
        What else can be done.
    """
    advice = f"pip install 'fastw2v[{extra}]'" + (f", or {otherwise}" if otherwise else "")
    return MissingDependencyError(
        f"{needed_by}: expected {package}, which is not installed; {advice}"
    )


def one_line(error: BaseException) -> str:
    """Return another library's message as one line, for a message of ours."""
    return " ".join(str(error).split())
