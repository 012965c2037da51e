"""Which format a file is in, by its first bytes, and by its name where these leave it open."""

import codecs
import re
from pathlib import Path

from fastw2v.errors import ModelFormatError
from fastw2v.formats import model2vec, projector
from fastw2v.formats.compression import chunks
from fastw2v.formats.fasttext_binary import MAGIC as FASTTEXT_MAGIC
from fastw2v.formats.model_folder import is_model_folder
from fastw2v.formats.registry import FORMATS, format_of_suffix

__all__ = ["recognised"]

# How files begin; each holds a byte that a word of text would hardly have there.
_BEGINNINGS = {
    "npz": re.compile(rb"PK\x03\x04.\0", re.DOTALL),
    "parquet": re.compile(rb"PAR1\x15"),
    "arrow": re.compile(rb"ARROW1\0"),
    "kv": re.compile(rb"\x80"),
    "fasttext-bin": re.compile(re.escape(FASTTEXT_MAGIC)),
}
_LOOK_BYTES = 1 << 16
# Of numbers written out; NaN and infinity too, which the reader then refuses.
_NUMBER_BYTES = frozenset(b"+-.0123456789eE \t\rnaifyNAIFYt")
_SURE_NUMBERS = 4  # so many numbers in binary are hardly ever all bytes of written ones


def recognised(path: Path) -> str:
    """Return the name of the format of a file or folder.

    Raises
    ------
    ModelFormatError
        If it is missing, empty or in no known format.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise ModelFormatError(f"{path}: no such file or folder")
    content = next(chunks(path, _LOOK_BYTES), b"")
    if not content:
        raise ModelFormatError(f"{path}: expected vectors, the file is empty")
    for name, beginning in _BEGINNINGS.items():
        if beginning.match(content):
            return name
    by_name = format_of_suffix(path)
    suggested = by_name.name if by_name is not None else ""
    first, _, rest = content.partition(b"\n")
    sizes = first.split()
    if suggested == "glove" or len(sizes) != 2 or not all(size.isdigit() for size in sizes):
        return "glove"
    numbers = rest.lstrip(b"\n").partition(b" ")[2].partition(b"\n")[0]
    n_numbers = len(numbers.split())
    if not (numbers and _NUMBER_BYTES.issuperset(numbers) and _is_text(rest)):
        return "word2vec-bin"
    if int(sizes[1]) == n_numbers or n_numbers >= _SURE_NUMBERS:
        return "fasttext" if suggested == "fasttext" else "word2vec"
    # A word that is a number with one number; or few numbers that look written out by chance.
    return "glove" if n_numbers == 1 else "word2vec-bin"


def _is_text(content: bytes) -> bool:
    """Tell whether bytes are UTF-8, but for a character that may be cut off at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True


def _folder(path: Path) -> str:
    if (path / projector.VECTORS).is_file():
        return "projector"
    if any((path / part / model2vec.WORDS).is_file() for part in ("", model2vec.NESTED)):
        return "model2vec"
    if is_model_folder(path):
        raise ModelFormatError(
            f"{path}: expected vectors, this is a model of fastw2v; export it, or load it with "
            "Word2Vec.load"
        )
    known = ", ".join(form.name for form in FORMATS)
    raise ModelFormatError(f"{path}: expected a folder in one of the formats {known}, got another")
