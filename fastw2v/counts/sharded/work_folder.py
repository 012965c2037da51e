"""What a count in shards leaves on disk while it goes on, so that it can be gone on with.

The work folder stands beside the output and has its name and `SUFFIX`. Each finished step is a
folder in it, written whole or not at all: a step that exists is done and never counted again.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import CountingSettings
from fastw2v.counts.folder import LAYOUT
from fastw2v.counts.request import CountRequest
from fastw2v.errors import OutputError
from fastw2v.kernels.text.interning import InternedWords
from fastw2v.system.files import FolderLayout, require_replaceable, whole_file, whole_folder
from fastw2v.system.renames import TEMPORARY_PREFIX
from fastw2v.text.numbering import table_of_words
from fastw2v.text.token_kinds import tokens_from_json
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = [
    "PLAN",
    "STEP",
    "SUFFIX",
    "VOCABULARY",
    "WORD_RULES",
    "Job",
    "KnownWords",
    "give_up_data",
    "known_rules",
    "known_words",
    "read_step",
    "remove_work",
    "step_once",
    "work_folder_of",
    "write_json_whole",
]

SUFFIX = ".counting"
PLAN = "plan.json"
STEP = "step.json"
VOCABULARY = "vocabulary.json"
WORD_RULES = "words.json"
_STEP = FolderLayout(lambda folder: (folder / STEP).is_file(), ("*",))  # in a folder of ours


@dataclass(frozen=True)
class Job:
    """What each step of a count needs to know.

    Attributes
    ----------
    folder : Path
        The work folder, which all workers see under the same path.
    counting : CountingSettings
    memory_bytes : int
        What one step may use for its data.
    workers : int
        Threads of one step.
    vocabulary_given : bool
        Then steps say how often its words came.
    """

    folder: Path
    counting: CountingSettings
    memory_bytes: int
    workers: int
    vocabulary_given: bool = False

    @classmethod
    def of(cls, request: CountRequest, memory_bytes: int, workers: int) -> Self:
        """Return the job of a count that was asked for.

        Raises
        ------
        OutputError
            If its output cannot be written, or something else is in the way.
        """
        require_replaceable(request.output, LAYOUT)
        folder = work_folder_of(request.output)
        return cls(folder, request.counting, memory_bytes, workers, request.reference is not None)


def work_folder_of(output: Path) -> Path:
    """Return where a count keeps what it has done so far."""
    output = output.absolute()  # "." has no name
    return output.with_name(output.name + SUFFIX)


def step_once(folder: Path, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Make a step unless it is done, and return its result.

    Parameters
    ----------
    folder : Path
        Of the step.
    make : callable
        Gets a folder to write to, and returns the step's result, which JSON can hold.
    """
    if not (folder / STEP).is_file():
        try:
            with whole_folder(folder, _STEP) as temporary:
                result = make(temporary)
                (temporary / STEP).write_text(json.dumps(result), encoding="utf-8")
        except OutputError:
            # Another worker, given up for lost, may have done the same step meanwhile.
            if not (folder / STEP).is_file():
                raise
    return read_step(folder)


def read_step(folder: Path) -> dict[str, Any]:
    """Return the result of a step that is done."""
    result: dict[str, Any] = json.loads((folder / STEP).read_text(encoding="utf-8"))
    return result


def give_up_data(folder: Path) -> None:
    """Remove what a step made, after all who needed it are done; that it is done stays known."""
    for path in folder.iterdir():
        if path.name != STEP:
            with suppress(OSError):
                path.unlink()


def remove_work(folder: Path) -> None:
    """Remove a work folder; killed meanwhile, nothing stays under its name."""
    # Steps whose results are partly gone could not be gone on with.
    gone = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder.parent))
    folder.rename(gone / folder.name)
    shutil.rmtree(gone, ignore_errors=True)


def write_json_whole(path: Path, content: Any) -> None:
    """Write a file of JSON, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


@dataclass(frozen=True, eq=False)
class KnownWords:
    """The vocabulary as steps need it.

    Attributes
    ----------
    table : InternedWords
    ranks : ndarray of int32
        The id of each number that the table gives; -1 where the vocabulary lacks the word.
    widths : ndarray of int32, shape (V,), or None
    n_words : int
        V.
    """

    table: InternedWords
    ranks: NDArray[np.int32]
    widths: NDArray[np.int32] | None
    n_words: int


def known_words(folder: Path) -> KnownWords:
    """Return the vocabulary of a work folder, which a process reads once."""
    path = folder / VOCABULARY
    status = path.stat()
    return _known_words(path, status.st_mtime_ns, status.st_ino)


@lru_cache(2)
def _known_words(path: Path, mtime_ns: int, inode: int) -> KnownWords:
    content = json.loads(path.read_text(encoding="utf-8"))
    words = tokens_from_json(content["words"])
    table, ranks = table_of_words(words, known_rules(path.parent))
    widths = content["widths"]
    as_array = None if widths is None else np.array(widths, np.int32)
    return KnownWords(table, ranks, as_array, len(words))


def known_rules(folder: Path) -> WordRules:
    """Return what becomes of tokens in a work folder, which a process reads once."""
    path = folder / WORD_RULES
    try:
        status = path.stat()
    except FileNotFoundError:
        return NO_RULES
    return _known_rules(path, status.st_mtime_ns, status.st_ino)


@lru_cache(2)
def _known_rules(path: Path, mtime_ns: int, inode: int) -> WordRules:
    return WordRules.from_dict(json.loads(path.read_text(encoding="utf-8")))
