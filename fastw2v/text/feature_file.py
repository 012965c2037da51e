"""A file of words' features: a line for each word, `word<TAB>feature feature ...`."""

from pathlib import Path

from fastw2v.config import Errors
from fastw2v.errors import CorpusError
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import BLOCK_BYTES, text_blocks

__all__ = ["read_features"]


def read_features(
    path: Path, errors: Errors = "strict", repairs: Repairs | None = None
) -> dict[str, list[str]]:
    """Return the features of each word of a file, which may be compressed.

    Parameters
    ----------
    path : Path
    errors : {"strict", "replace", "ignore"}
        What to do with what is not UTF-8.
    repairs : Repairs, optional
        Counts what was replaced or left out.

    Raises
    ------
    CorpusError
        If it cannot be read, or a line is not a word, a tab, and features parted by blanks.
    TextEncodingError
        If it is not UTF-8.
    """
    features: dict[str, list[str]] = {}
    number = 0
    for block, _ in text_blocks(str(path.absolute()), BLOCK_BYTES, errors, repairs):
        for line in block.data.decode().split("\n")[:-1]:
            number += 1
            text = line.rstrip("\r")
            if not text.strip():
                continue
            word, tab, rest = text.partition("\t")
            names = rest.split()
            if not (word and tab and names):
                raise CorpusError(
                    f"{path}: expected a word, a tab and its features, parted by blanks, at line "
                    f"{number:,}, got {text[:60]!r}"
                )
            if word in features:
                raise CorpusError(
                    f"{path}: expected each word once, got {word!r} again at line {number:,}; put "
                    "all its features into one line"
                )
            features[word] = names
    if not features:
        raise CorpusError(f"{path}: expected words with features, the file is empty")
    return features
