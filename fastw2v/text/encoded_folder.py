"""An encoded corpus on disk: written block by block, and mapped into memory where it is used.

The folder holds

    corpus.json          what it is, its digest, and its sizes
    vocabulary.json      words and counts
    ids.int32            the kept tokens, little-endian
    starts.int64         where sentences begin, little-endian

Mapped arrays look to kernels as those in memory do, so nothing is compiled twice; pages are read
when they are touched, and the system may drop them again.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import CorpusError, OutputError
from fastw2v.kernels.text.interning import renumber
from fastw2v.system.files import require_replaceable, whole_folder
from fastw2v.system.manifests import FolderKind, read_json, write_json
from fastw2v.system.memory_maps import mapped_file
from fastw2v.system.renames import claimed, clear_abandoned, temporary_prefix
from fastw2v.system.replaced import read_as_one
from fastw2v.text.encoded import EncodedTokens, TextDigest
from fastw2v.text.vocabulary import Vocabulary

__all__ = [
    "DESCRIPTION",
    "VOCABULARY",
    "FolderOfTokens",
    "NumberStore",
    "NumbersOnDisk",
    "clear_abandoned_folders",
    "described_encoded",
    "open_encoded",
    "temporary_folder",
    "write_encoded",
]

DESCRIPTION = "corpus.json"
VOCABULARY = "vocabulary.json"
IDS = "ids.int32"
STARTS = "starts.int64"

_KIND = FolderKind(
    manifest=DESCRIPTION,
    format="fastw2v-encoded-corpus",
    schema_version=1,
    oldest_version=1,
    expected="a folder with an encoded corpus",
    what="the encoded corpus is",
    remedy="restore it from a copy or encode the text again",
    error=CorpusError,
    files=(VOCABULARY, IDS, STARTS),
)
_BLOCK_NUMBERS = 1 << 20  # numbers that are in memory at a time


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder for an encoded text; remove it, and those of processes that were killed.

    What cannot be written there says what to do; other errors are left as they are.
    """
    try:
        clear_abandoned_folders()
        made = tempfile.TemporaryDirectory(
            prefix=temporary_prefix(_temporary_family()), ignore_cleanup_errors=True
        )
    except OSError as error:
        raise OutputError(
            f"temporary folder: expected one to write to, got none ({error.strerror}); set TMPDIR "
            "to a folder that exists"
        ) from error
    with made as name, claimed(Path(name)):
        try:
            yield Path(name)
        except OutputError as error:
            if not str(error).startswith(name):
                raise
            raise OutputError(
                f"{error}; the encoded text needs about 4 bytes a word and 8 a line twice over: "
                "set TMPDIR to a folder on a disk with room"
            ) from error


def clear_abandoned_folders() -> None:
    """Remove the temporary folders that killed processes left."""
    clear_abandoned(_temporary_family())


def _temporary_family() -> Path:
    return Path(tempfile.gettempdir()) / "encoded text"


class NumberStore(Protocol):
    """Where the numbers of a corpus wait until its vocabulary is known."""

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Take the next numbers; the array may be used again afterwards."""
        ...

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        """Yield all numbers in order, once; those yielded are given up."""
        ...


class NumbersOnDisk:
    """Numbers in a file without a name: it is gone with the process, however that ends.

    Parameters
    ----------
    folder : Path
        Where the encoded corpus will be written; the file is on the same disk, beside it.

    Raises
    ------
    OutputError
        If nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        require_replaceable(folder, _KIND.layout)
        self._target = folder
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder.absolute().parent)  # noqa: SIM115

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Write the next numbers."""
        with self._written():
            self._file.write(np.ascontiguousarray(numbers).data)

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        """Yield all numbers in order, some at a time."""
        with self._written():
            self._file.seek(0)  # writes what is still in the buffer
        while data := self._file.read(4 * _BLOCK_NUMBERS):
            yield np.frombuffer(data, np.int32)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self._target}: could not be written ({error}); make room, or choose another disk"
            ) from error

    def __enter__(self) -> "NumbersOnDisk":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # that a full disk did not take all is an error already
            self._file.close()


def write_encoded(
    folder: Path,
    vocabulary: Vocabulary,
    ranks: NDArray[np.int32],
    blocks: Iterable[NDArray[np.int32]],
    n_raw_tokens: int,
) -> None:
    """Write an encoded corpus, whole or not at all; an earlier one there is replaced.

    Parameters
    ----------
    folder : Path
    vocabulary : Vocabulary
    ranks : int32 array
        The id of each number, negative where it is left out.
    blocks : iterable of int32 arrays
        The corpus as numbers, as `fastw2v.kernels.text.interning` gives them.
    n_raw_tokens : int
        How many tokens the corpus has.

    Raises
    ------
    OutputError
        If it cannot be written, or something else is in the way.
    """
    with whole_folder(folder, _KIND.layout) as temporary:
        n_tokens, n_sentences = _write_arrays(temporary, ranks, blocks)
        description = {
            **_KIND.header(),
            "digest": _digest_of_files(temporary, vocabulary),
            "n_tokens": n_tokens,
            "n_sentences": n_sentences,
            "n_raw_tokens": n_raw_tokens,
        }
        write_json(temporary / VOCABULARY, vocabulary.as_dict())
        write_json(temporary / DESCRIPTION, description)


def _write_arrays(
    folder: Path, ranks: NDArray[np.int32], blocks: Iterable[NDArray[np.int32]]
) -> tuple[int, int]:
    """Write ids and starts; return how many tokens were kept, and in how many sentences."""
    n_tokens, n_sentences = 0, 0
    ids, starts = np.empty(0, np.int32), np.empty(1, np.int64)
    with (folder / IDS).open("wb") as ids_file, (folder / STARTS).open("wb") as starts_file:
        starts_file.write(np.zeros(1, "<i8").data)
        for numbers in blocks:
            if ids.size < numbers.size:
                ids, starts = np.empty(numbers.size, np.int32), np.empty(numbers.size + 1, np.int64)
            n_ids, n_ends = renumber(numbers, ranks, ids, 0, starts, 0)
            ids_file.write(ids[:n_ids].astype("<i4", copy=False).data)
            starts_file.write((starts[1 : n_ends + 1] + n_tokens).astype("<i8", copy=False).data)
            n_tokens += n_ids
            n_sentences += n_ends
    return n_tokens, n_sentences


def _digest_of_files(folder: Path, vocabulary: Vocabulary) -> str:
    """Return the digest of the files' contents, of which little is in memory at a time."""
    digest = TextDigest()
    with (folder / IDS).open("rb") as ids_file, (folder / STARTS).open("rb") as starts_file:
        position = int(np.fromfile(starts_file, "<i8", 1)[0])
        while len(ends := np.fromfile(starts_file, "<i8", _BLOCK_NUMBERS)):
            stop = int(ends[-1])
            while position < stop:
                ids = np.fromfile(ids_file, "<i4", min(_BLOCK_NUMBERS, stop - position))
                n_ends = int(np.searchsorted(ends, position + len(ids), "right"))
                if not len(ids) or np.any(np.diff(ends[:n_ends]) < 0):
                    raise ValueError("sentences do not cut up the tokens")
                digest.add(ids.astype(np.int32), (ends[:n_ends] - position).astype(np.int64))
                ends, position = ends[n_ends:], position + len(ids)
            digest.add(np.empty(0, np.int32), np.zeros(len(ends), np.int64))
    return digest.hexadecimal(vocabulary)


@dataclass(frozen=True)
class FolderOfTokens:
    """What a folder with an encoded corpus says of itself, without its words and tokens.

    Attributes
    ----------
    n_tokens, n_raw_tokens, n_sentences : int
        Tokens that are kept, and those of the text.
    digest : str
    n_bytes : int
        Of its files.
    version : str
        Of fastw2v, that wrote it.
    """

    n_tokens: int
    n_raw_tokens: int
    n_sentences: int
    digest: str
    n_bytes: int
    version: str


@read_as_one
def described_encoded(folder: str | Path) -> FolderOfTokens:
    """Return what the description of a folder says; its files must be as large as it says.

    Raises
    ------
    CorpusError
        As `open_encoded`.
    """
    folder = Path(folder)
    description = _KIND.read(folder)
    with _KIND.damage(folder):
        n_tokens, n_sentences = int(description["n_tokens"]), int(description["n_sentences"])
        for name, expected in ((IDS, 4 * n_tokens), (STARTS, 8 * (n_sentences + 1))):
            if (came := (folder / name).stat().st_size) != expected:
                raise ValueError(f"{name}: expected {expected:,} bytes, got {came:,}")
        files = (DESCRIPTION, VOCABULARY, IDS, STARTS)
        return FolderOfTokens(
            n_tokens,
            int(description["n_raw_tokens"]),
            n_sentences,
            str(description["digest"]),
            sum((folder / name).stat().st_size for name in files),
            str(description["fastw2v_version"]),
        )


@read_as_one
def open_encoded(folder: str | Path, *, verify: bool = True) -> tuple[Vocabulary, EncodedTokens]:
    """Open an encoded corpus without reading it into memory.

    Parameters
    ----------
    folder : path
        Written by `fastw2v.text.reading.read_corpus` or `encode_corpus`.
    verify : bool
        Read all of it once and compare with the digest. Kernels trust ids, so only leave it out
        for what has just been written.

    Returns
    -------
    vocabulary : Vocabulary
    tokens : EncodedTokens
        Its arrays are mapped. What is written to them stays in memory and never reaches the
        files.

    Raises
    ------
    CorpusError
        If the folder is missing, no encoded corpus, damaged, or of another schema.
    """
    folder = Path(folder)
    description = _KIND.read(folder)
    with _KIND.damage(folder):
        vocabulary = Vocabulary.from_dict(read_json(folder / VOCABULARY))
        n_tokens, n_sentences = int(description["n_tokens"]), int(description["n_sentences"])
        ids = mapped_file(folder / IDS, n_tokens, "<i4")
        starts = mapped_file(folder / STARTS, n_sentences + 1, "<i8")
        n_raw_tokens = int(description["n_raw_tokens"])
        if verify and _digest_of_files(folder, vocabulary) != description["digest"]:
            raise ValueError("the arrays and words are not those that the digest was made of")
    return vocabulary, EncodedTokens(ids, starts, n_raw_tokens, n_raw_tokens - n_tokens)
