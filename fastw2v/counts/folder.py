"""Counts on disk: count once, train many times.

The folder holds

    manifest.json             what it is, the settings of counting, the text, digests of all files
    vocabulary.json           words, their counts, and what each takes of a place in a window
    phrases.json              the phrases that were joined, if any
    part-00000.safetensors... rows of counts, by ranges of centre words

The same text and settings give the same bytes, whoever counted and in how many pieces.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastw2v.config import CountingSettings
from fastw2v.counts.corpus import CorpusStatistics, CountedCorpus, CountsDescription
from fastw2v.counts.matrix import CountPart
from fastw2v.counts.parts import CountsInFiles, PartFile, write_parts
from fastw2v.counts.windows import windows_of
from fastw2v.errors import CorpusError
from fastw2v.system.files import whole_folder
from fastw2v.system.manifests import (
    FolderKind,
    file_digest,
    read_json,
    require_digest,
    write_json,
)
from fastw2v.system.replaced import read_as_one
from fastw2v.text.phrase_model import PHRASES, PhraseModel
from fastw2v.text.token_kinds import tokens_from_json, tokens_to_json
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_rules import WordRules

__all__ = [
    "LAYOUT",
    "MANIFEST",
    "VOCABULARY",
    "FolderOfCounts",
    "described_counts",
    "read_counting_settings",
    "read_counts",
    "write_counted_rows",
    "write_counts",
]

MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"
_KIND = FolderKind(
    manifest=MANIFEST,
    format="fastw2v-counts",
    schema_version=1,
    oldest_version=1,
    expected="a folder written by 'fastw2v count'",
    what="the counts are",
    remedy="restore them from a copy or count the text again",
    error=CorpusError,
    files=(VOCABULARY, PHRASES, "part-*.safetensors"),
)
LAYOUT = _KIND.layout


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
    with whole_folder(folder, LAYOUT) as temporary:
        parts = write_parts(temporary, rows)
        stored = vocabulary.as_dict()
        words = {
            "words": stored.pop("words"),
            "counts": stored.pop("counts"),
            "widths": None if corpus.widths is None else corpus.widths.tolist(),
        }
        write_json(temporary / VOCABULARY, words | stored)
        phrases = corpus.words.phrases
        if phrases is not None:
            phrases.write(temporary / PHRASES)
        manifest = {
            **_KIND.header(),
            "counting": corpus.counting.as_dict(),
            "corpus": asdict(corpus.statistics),
            "n_words": len(vocabulary),
            "n_entries": sum(part.n_entries for part in parts),
            "vocabulary_digest": file_digest(temporary / VOCABULARY),
            "phrases_digest": None if phrases is None else file_digest(temporary / PHRASES),
            "stop_words": tokens_to_json(corpus.words.stop_words),
            "parts": [part.as_dict() for part in parts],
        }
        write_json(temporary / MANIFEST, manifest)


@read_as_one
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
    manifest = _KIND.read(folder)
    with _KIND.damage(folder):
        require_digest(folder / VOCABULARY, manifest["vocabulary_digest"])
        words = read_json(folder / VOCABULARY)
        vocabulary = Vocabulary.from_dict(words)
        counting = CountingSettings.from_stored(manifest["counting"])
        widths = None if words["widths"] is None else np.array(words["widths"], np.int32)
        windows_of(counting.window, widths, len(vocabulary))
        counts = _open_parts(folder, manifest, len(vocabulary))
        if verify:
            counts.verify()
        stored = dict(manifest["corpus"])
        statistics = CorpusStatistics(**stored | {"digests": tuple(stored["digests"])})
        rules = _read_rules(folder, manifest)
    return CountedCorpus(vocabulary, counting, widths, statistics, counts, words=rules)


def _read_rules(folder: Path, manifest: dict[str, Any]) -> WordRules:
    phrases = None
    if manifest.get("phrases_digest") is not None:
        require_digest(folder / PHRASES, manifest["phrases_digest"])
        phrases = PhraseModel.read(folder / PHRASES)
    return WordRules(phrases, tuple(tokens_from_json(manifest.get("stop_words", []))))


def read_counting_settings(folder: str | Path) -> CountingSettings:
    """Return the settings that the counts of a folder were made with; errors as `read_counts`."""
    folder = Path(folder)
    manifest = _KIND.read(folder)
    with _KIND.damage(folder):
        return CountingSettings.from_stored(manifest["counting"])


@dataclass(frozen=True)
class FolderOfCounts:
    """What a folder of counts says of itself, without its words and counts.

    Attributes
    ----------
    counting : CountingSettings
    statistics : CorpusStatistics
    n_words, n_entries, n_parts : int
    n_bytes : int
        Of its files.
    version : str
        Of fastw2v, that wrote it.
    """

    counting: CountingSettings
    statistics: CorpusStatistics
    n_words: int
    n_entries: int
    n_parts: int
    n_bytes: int
    version: str


@read_as_one
def described_counts(folder: str | Path) -> FolderOfCounts:
    """Return what the manifest of a folder says, and how large its files are; digests are not read.

    Raises
    ------
    CorpusError
        As `read_counts`; if a file that the manifest names is missing, too.
    """
    folder = Path(folder)
    manifest = _KIND.read(folder)
    with _KIND.damage(folder):
        parts = [folder / Path(PartFile(**part).file).name for part in manifest["parts"]]
        phrases = [PHRASES] if manifest.get("phrases_digest") is not None else []
        files = [*(folder / name for name in (MANIFEST, VOCABULARY, *phrases)), *parts]
        stored = dict(manifest["corpus"])
        return FolderOfCounts(
            CountingSettings.from_stored(manifest["counting"]),
            CorpusStatistics(**stored | {"digests": tuple(stored["digests"])}),
            int(manifest["n_words"]),
            int(manifest["n_entries"]),
            len(parts),
            sum(file.stat().st_size for file in files),
            str(manifest["fastw2v_version"]),
        )


def _open_parts(folder: Path, manifest: dict[str, Any], n_words: int) -> CountsInFiles:
    files = [PartFile(**part) for part in manifest["parts"]]
    for part in files:
        if Path(part.file).name != part.file:
            raise ValueError(f"parts: expected files of the folder itself, got {part.file!r}")
    counts = CountsInFiles(folder, files)
    if counts.n_words != n_words:
        raise ValueError(f"parts: expected {n_words} rows, one a word, got {counts.n_words}")
    return counts
