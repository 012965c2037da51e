"""Counts on disk: count once, train many times.

The folder holds

    manifest.json             what it is, the settings of counting, the text, digests of all files
    vocabulary.json           words, their counts, and what each takes of a place in a window
    part-00000.safetensors... rows of counts, by ranges of centre words

The same text and settings give the same bytes, whoever counted and in how many pieces.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.config import CountingSettings
from fastw2v.counts.corpus import CorpusStatistics, CountedCorpus, CountsDescription
from fastw2v.counts.matrix import CountPart
from fastw2v.counts.parts import CountsInFiles, PartFile, write_parts
from fastw2v.counts.windows import windows_of
from fastw2v.errors import ConfigurationError, CorpusError, VocabularyError
from fastw2v.system.files import whole_folder
from fastw2v.system.memory_maps import file_digest
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.version import VERSION

FORMAT = "fastw2v-counts"
SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"


def write_counts(folder: Path, corpus: CountedCorpus) -> None:
    """Write a counted corpus, whole or not at all; an earlier one there is replaced.

    Raises
    ------
    OutputError
        If it cannot be written, or something else is in the way.
    """
    write_counted_rows(folder, corpus, corpus.counts.parts)


def write_counted_rows(folder: Path, corpus: CountsDescription, rows: Iterable[CountPart]) -> None:
    """Write counts row by row; as `write_counts`.

    Parameters
    ----------
    folder : Path
    corpus : CountsDescription
    rows : iterable of CountPart
        All rows from the first to the last, cut anyhow.
    """
    vocabulary = corpus.vocabulary
    with whole_folder(folder, MANIFEST) as temporary:
        parts = write_parts(temporary, rows)
        words = {
            "words": vocabulary.words,
            "counts": vocabulary.counts.tolist(),
            "widths": None if corpus.widths is None else corpus.widths.tolist(),
            "n_raw_tokens": vocabulary.n_raw_tokens,
            "n_raw_types": vocabulary.n_raw_types,
        }
        _write_json(temporary / VOCABULARY, words)
        manifest = {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "fastw2v_version": VERSION,
            "counting": corpus.counting.as_dict(),
            "corpus": asdict(corpus.statistics),
            "n_words": len(vocabulary),
            "n_entries": sum(part.n_entries for part in parts),
            "vocabulary_digest": file_digest(temporary / VOCABULARY),
            "parts": [part.as_dict() for part in parts],
        }
        _write_json(temporary / MANIFEST, manifest)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_counts(folder: str | Path, *, verify: bool = True) -> CountedCorpus:
    """Open a counted corpus; its counts are mapped, not read into memory.

    Parameters
    ----------
    folder : path
        Written by `fastw2v count`.
    verify : bool
        Read all of it once and compare with the digests. Kernels trust indices, so only leave it
        out for what has just been written.

    Raises
    ------
    CorpusError
        If the folder is missing, holds no counts, is damaged, or of a newer schema.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    with _told_as_damage(folder):
        if file_digest(folder / VOCABULARY) != manifest["vocabulary_digest"]:
            raise ValueError(f"{VOCABULARY}: its content is not what its digest was made of")
        words = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        vocabulary = Vocabulary(
            list(words["words"]),
            np.array(words["counts"], np.int64),
            int(words["n_raw_tokens"]),
            int(words["n_raw_types"]),
        )
        counting = CountingSettings(**manifest["counting"])
        widths = None if words["widths"] is None else np.array(words["widths"], np.int32)
        windows_of(counting.window, widths, len(vocabulary))
        counts = _open_parts(folder, manifest, len(vocabulary))
        if verify:
            counts.verify()
        stored = dict(manifest["corpus"])
        statistics = CorpusStatistics(**stored | {"digests": tuple(stored["digests"])})
    return CountedCorpus(vocabulary, counting, widths, statistics, counts)


def read_counting_settings(folder: str | Path) -> CountingSettings:
    """Return the settings that the counts of a folder were made with; errors as `read_counts`."""
    folder = Path(folder)
    manifest = _read_manifest(folder)
    with _told_as_damage(folder):
        return CountingSettings(**manifest["counting"])


@contextmanager
def _told_as_damage(folder: Path) -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        ConfigurationError,
        VocabularyError,
    ) as error:
        raise CorpusError(
            f"{folder}: the counts are damaged ({type(error).__name__}: {error}); restore them "
            "from a copy or count the text again"
        ) from error


def _open_parts(folder: Path, manifest: dict[str, Any], n_words: int) -> CountsInFiles:
    files = [PartFile(**part) for part in manifest["parts"]]
    for part in files:
        if Path(part.file).name != part.file:
            raise ValueError(f"parts: expected files of the folder itself, got {part.file!r}")
    counts = CountsInFiles(folder, files)
    if counts.n_words != n_words:
        raise ValueError(f"parts: expected {n_words} rows, one a word, got {counts.n_words}")
    return counts


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise CorpusError(
            f"{folder}: expected a folder written by 'fastw2v count', found no {MANIFEST} in it"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CorpusError(f'{path}: expected "format": "{FORMAT}"; this is another program\'s')
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise CorpusError(
            f"{path}: expected schema version {SCHEMA_VERSION}, got {version!r}; install the "
            "version of fastw2v that wrote it, or count the text again"
        )
    return manifest
