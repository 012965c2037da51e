"""Which format a file is in, by its first bytes, and by its name where these leave it open."""

from pathlib import Path

from fastw2v.errors import ModelFormatError
from fastw2v.formats import FORMATS, format_of_suffix, model2vec, projector
from fastw2v.formats.compression import chunks
from fastw2v.formats.model_folder import CONFIG, FORMAT

_MAGIC = {b"PK\x03\x04": "npz", b"PAR1": "parquet", b"ARROW1": "arrow", b"\x80": "kv"}
_LOOK_BYTES = 1 << 16
_NUMBER_BYTES = frozenset(b"+-.0123456789eE \t\r")


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
    for magic, name in _MAGIC.items():
        if content.startswith(magic):
            return name
    by_name = format_of_suffix(path)
    if by_name is not None and by_name.name in ("word2vec-bin", "glove"):
        return by_name.name
    first, _, rest = content.partition(b"\n")
    if not _is_header(first, rest):
        return "glove"
    if not _is_text(rest):
        return "word2vec-bin"
    return "fasttext" if by_name is not None and by_name.name == "fasttext" else "word2vec"


def _is_header(first: bytes, rest: bytes) -> bool:
    """Tell whether a first line is the sizes, and not a word that is a number with one number."""
    fields = first.split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields):
        return False
    second = rest.partition(b"\n")[0].split()
    return int(fields[1]) == 1 or len(second) != 2 or not _is_text(rest)


def _is_text(rest: bytes) -> bool:
    """Tell whether numbers are written out: the bytes behind the first word are of text."""
    numbers = rest.lstrip(b"\n").partition(b" ")[2].partition(b"\n")[0]
    return bool(numbers) and _NUMBER_BYTES.issuperset(numbers[:_LOOK_BYTES])


def _folder(path: Path) -> str:
    if (path / projector.VECTORS).is_file():
        return "projector"
    if any((path / part / model2vec.WORDS).is_file() for part in ("", model2vec.NESTED)):
        return "model2vec"
    if (path / CONFIG).is_file() and FORMAT.encode() in (path / CONFIG).read_bytes()[:1000]:
        raise ModelFormatError(
            f"{path}: expected vectors, this is a model of fastw2v; export it, or load it with "
            "Word2Vec.load"
        )
    known = ", ".join(form.name for form in FORMATS)
    raise ModelFormatError(f"{path}: expected a folder in one of the formats {known}, got another")
