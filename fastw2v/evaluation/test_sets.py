"""Reading test sets: pairs with human judgement, analogies, labels; and those of gensim's wheel.

The wheel has WordSim-353 (Finkelstein et al. 2002), SimLex-999 (Hill et al. 2015) and the Google
analogies (Mikolov et al. 2013). No line is skipped in silence: empty lines and those that begin
with # apart, a line that is not as it should be is an error that names it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastw2v.errors import CorpusError, EvaluationError
from fastw2v.system.home import a_home
from fastw2v.text.files import BLOCK_BYTES, text_blocks

__all__ = [
    "BUNDLED_ANALOGIES",
    "BUNDLED_PAIRS",
    "AnalogySet",
    "PairSet",
    "bundled_analogies",
    "bundled_pairs",
    "read_analogies",
    "read_labels",
    "read_pairs",
]

BUNDLED_PAIRS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
BUNDLED_ANALOGIES = {"Google analogies": "questions-words.txt"}


@dataclass(frozen=True)
class PairSet:
    """Word pairs with the similarity that people gave them."""

    name: str
    pairs: list[tuple[str, str, float]]


@dataclass(frozen=True)
class AnalogySet:
    """Questions "a is to b as c is to d", by section in the order of the file."""

    name: str
    sections: dict[str, list[tuple[str, str, str, str]]]


def bundled_pairs() -> list[PairSet]:
    """Return WordSim-353 and SimLex-999."""
    return [read_pairs(_bundled(file), name) for name, file in BUNDLED_PAIRS.items()]


def bundled_analogies() -> list[AnalogySet]:
    """Return the Google analogies."""
    return [read_analogies(_bundled(file), name) for name, file in BUNDLED_ANALOGIES.items()]


def _bundled(file: str) -> Path:
    with a_home():
        from gensim.test.utils import datapath

    return Path(datapath(file))


def read_pairs(path: Path, name: str | None = None) -> PairSet:
    """Read lines of ``word<TAB>word<TAB>similarity``; commas or blanks where there is no tab.

    Raises
    ------
    EvaluationError
        If the file cannot be read, has no pair, or a line is no pair.
    """
    pairs = []
    for number, line in _lines(path):
        fields = _fields(line)
        try:
            first, second, judged = fields
            value = float(judged)
        except ValueError:
            raise _bad_line(path, number, "word<TAB>word<TAB>similarity", line) from None
        if not math.isfinite(value):
            raise _bad_line(path, number, "a finite similarity", line)
        pairs.append((first, second, value))
    if not pairs:
        raise EvaluationError(f"{path}: expected lines of word<TAB>word<TAB>similarity, got none")
    return PairSet(name or path.stem, pairs)


def read_analogies(path: Path, name: str | None = None) -> AnalogySet:
    """Read lines of four words, in sections that begin with ``: NAME``.

    Raises
    ------
    EvaluationError
        If the file cannot be read, has no question, or a line has not four words. Questions
        before the first section belong to one that is called as the set.
    """
    name = name or path.stem
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    current = name
    for number, line in _lines(path):
        if line.startswith(":"):
            current = line[1:].strip()
            sections.setdefault(current, [])
            continue
        words = line.split()
        if len(words) != 4:
            raise _bad_line(path, number, "four words, or ': SECTION'", line)
        a, b, c, d = words
        sections.setdefault(current, []).append((a, b, c, d))
    if not any(sections.values()):
        raise EvaluationError(f"{path}: expected lines of four words, got none")
    return AnalogySet(name, sections)


def read_labels(path: Path) -> list[tuple[str, str]]:
    """Read lines of ``word<TAB>label``, each word once.

    Raises
    ------
    EvaluationError
        If the file cannot be read, has no line, a line is not of two fields, or a word comes
        twice: it could be learned in one fold and asked for in another.
    """
    labelled: list[tuple[str, str]] = []
    first_line: dict[str, int] = {}
    for number, line in _lines(path):
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != 2 or not all(fields):
            raise _bad_line(path, number, "word<TAB>label", line)
        word, label = fields
        if word in first_line:
            raise EvaluationError(
                f"{path}: line {number}: expected each word once, got {word!r} again, which is in "
                f"line {first_line[word]}; keep one of them"
            )
        first_line[word] = number
        labelled.append((word, label))
    if not labelled:
        raise EvaluationError(f"{path}: expected lines of word<TAB>label, got none")
    return labelled


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that is not empty and no comment."""
    number = 0
    try:
        for block, _ in text_blocks(str(path.absolute()), BLOCK_BYTES):
            for line in block.data.decode().split("\n")[:-1]:
                number += 1
                text = line.strip()
                if text and not text.startswith("#"):
                    yield number, text
    except CorpusError as error:
        raise EvaluationError(str(error)) from error


def _fields(line: str) -> list[str]:
    for separator in ("\t", ","):
        if separator in line:
            return [field.strip() for field in line.split(separator)]
    return line.split()


def _bad_line(path: Path, number: int, expected: str, line: str) -> EvaluationError:
    return EvaluationError(
        f"{path}: line {number}: expected {expected}, got {line[:60]!r}; "
        "begin comments and headings with #"
    )
