"""Lists of words in files: whatever white space parts."""

from pathlib import Path

from fastw2v.errors import CorpusError
from fastw2v.text.files import BLOCK_BYTES, text_blocks

__all__ = ["read_word_list"]


def read_word_list(path: Path) -> frozenset[str]:
    """Return the words of a file, which white space parts; it may be compressed.

    Raises
    ------
    CorpusError
        If it cannot be read, or has no word.
    TextEncodingError
        If it is not UTF-8.
    """
    words: set[str] = set()
    for block, _ in text_blocks(str(path.absolute()), BLOCK_BYTES):
        words.update(block.data.decode().removeprefix("\ufeff").split())
    if not words:
        raise CorpusError(f"{path}: expected words, the file is empty")
    return frozenset(words)
