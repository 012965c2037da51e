"""Lists of words: files, in which white space parts them, and stop words of languages."""

from pathlib import Path

from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.system.dependencies import optional_module
from fastw2v.text.files import BLOCK_BYTES, text_blocks

__all__ = ["read_word_list", "stop_words"]


def read_word_list(path: Path) -> frozenset[str]:
    """Return the words of a file, separated by white space; it may be compressed.

    Raises
    ------
    CorpusError
        If it cannot be read, or has no word.
    TextEncodingError
        If it is not UTF-8.
    """
    words: set[str] = set()
    for block, _ in text_blocks(str(path.absolute()), BLOCK_BYTES):
        words.update(block.data.decode().split())
    if not words:
        raise CorpusError(f"{path}: expected words, the file is empty")
    return frozenset(words)


def stop_words(given: str | Path) -> frozenset[str]:
    """Return the stop words of a file or of a language.

    Parameters
    ----------
    given : str or Path
        A file as `read_word_list` reads it; or, if there is none and it could not be the name of
        one (no dot, no slash), a language: "english" or "en". Their lists, in lower case, are those
        of the package stop-words, of the extra ``stopwords``.

    Raises
    ------
    CorpusError, TextEncodingError
        As `read_word_list`.
    ConfigurationError
        If there are no stop words of the language.
    MissingDependencyError
        If it takes the package, and that is not installed.
    """
    path = Path(given)
    if path.exists() or isinstance(given, Path) or path.suffix or len(path.parts) != 1:
        return read_word_list(path)
    lists = optional_module(
        "stop_words", f"the stop words of a language ({given})", "stopwords", "stop-words"
    )
    try:
        return frozenset(lists.get_stop_words(given))
    except lists.StopWordError as error:
        known = ", ".join(sorted(lists.AVAILABLE_LANGUAGES))
        raise ConfigurationError(
            f"stop words: expected a file, or one of the languages {known}, got {given!r}"
        ) from error
