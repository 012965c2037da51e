"""Finding the phrases of an encoded text, pass by pass, in memory or in files that are mapped."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import CountingSettings, Hyperparameters, PhraseSettings
from fastw2v.errors import OutputError
from fastw2v.kernels.text.interning import SENTENCE_END, renumber
from fastw2v.text.collocations import EncodedSentences, Phrase, collocations
from fastw2v.text.corpus import Progress
from fastw2v.text.phrase_model import NewArray, PhraseModel, joined_text

__all__ = [
    "encoded_numbers",
    "find_and_join",
    "mapped_arrays",
    "numbers_of",
    "phrase_settings",
]

_TOKENS_AT_ONCE = 1 << 20


def phrase_settings(settings: Hyperparameters | CountingSettings) -> PhraseSettings | None:
    """Return what phrases a run's settings ask for; None if for none."""
    if not settings.phrases:
        return None
    connectors: frozenset[str] = frozenset()
    if settings.phrase_connectors == "english":
        from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS

        connectors = ENGLISH_CONNECTOR_WORDS
    return PhraseSettings(
        min_count=settings.phrase_min_count,
        threshold=settings.phrase_threshold,
        scoring=settings.phrase_scoring,
        connector_words=connectors,
        passes=settings.phrases,
    )


def find_and_join(
    text: EncodedSentences,
    settings: PhraseSettings,
    *,
    workers: int | None = None,
    most_bytes: int | None = None,
    new_array: NewArray = np.empty,
    progress: Progress | None = None,
) -> tuple[PhraseModel, EncodedSentences]:
    """Find the phrases of an encoded text, and return it with them joined, too.

    Passes end early where one finds nothing.

    Parameters
    ----------
    text, settings, workers, most_bytes, new_array
        As in `fastw2v.text.collocations.collocations`, of each pass.
    progress : callable, optional
        Gets how many passes are done, and how many there will be at the most.

    Raises
    ------
    CorpusError, ConfigurationError
        As `fastw2v.text.collocations.collocations`.
    """
    passes: list[list[Phrase]] = []
    for done in range(settings.passes):
        if progress is not None:
            progress(done, settings.passes)
        found = collocations(
            text, settings, workers=workers, most_bytes=most_bytes, new_array=new_array
        )
        if not found:
            break
        passes.append(found)
        text = joined_text(text, found, settings, new_array)
    if progress is not None:
        progress(settings.passes, settings.passes)
    return PhraseModel(settings, tuple(passes)), text


def mapped_arrays(folder: Path) -> NewArray:
    """Return what makes arrays in files without a name, on the disk of a folder.

    The call raises `OutputError` if there is no room.
    """

    def new_array(size: int, dtype: Any) -> NDArray[Any]:
        n_bytes = max(size, 1) * np.dtype(dtype).itemsize
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                _reserve(file, n_bytes)
                mapped = np.memmap(file, dtype, "r+", shape=(max(size, 1),))
        except OSError as error:
            raise OutputError(
                f"{folder}: could not be written ({error}); make room, or choose another disk"
            ) from error
        return mapped.view(np.ndarray)[:size]

    return new_array


def _reserve(file: BinaryIO, n_bytes: int) -> None:
    """Give a file so many bytes on the disk: what has none there kills who writes to its map."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)
        return
    zeros = bytes(min(n_bytes, 1 << 20))
    for first in range(0, n_bytes, len(zeros)):
        file.write(zeros[: n_bytes - first])
    file.flush()


def encoded_numbers(
    blocks: Iterable[NDArray[np.int32]],
    words: list[str],
    n_tokens: int,
    n_sentences: int,
    new_array: NewArray = np.empty,
) -> EncodedSentences:
    """Return a text whose words have the numbers of their places in a list.

    Parameters
    ----------
    blocks : iterable of int32 arrays
        The numbers, and `SENTENCE_END` behind each sentence.
    words : list of str
    n_tokens, n_sentences : int
        How many there are in all.
    new_array : callable, optional
        As in `find_and_join`.
    """
    ids = new_array(n_tokens, np.int32)
    starts = new_array(n_sentences + 1, np.int64)
    starts[0] = 0
    ranks = np.arange(len(words), dtype=np.int32)
    n_ids, n_done = 0, 0
    for numbers in blocks:
        n_ids, n_done = renumber(numbers, ranks, ids, n_ids, starts, n_done)
    return EncodedSentences(words, ids, starts)


def numbers_of(text: EncodedSentences) -> Iterator[NDArray[np.int32]]:
    """Yield a text as numbers, whole sentences, with `SENTENCE_END` behind each of them."""
    starts = text.sentence_starts
    first, n_sentences = 0, len(starts) - 1
    while first < n_sentences:
        stop = int(np.searchsorted(starts, starts[first] + _TOKENS_AT_ONCE, "right")) - 1
        stop = min(max(stop, first + 1), n_sentences, first + _TOKENS_AT_ONCE)
        begin = int(starts[first])
        ids = text.ids[begin : int(starts[stop])]
        yield np.insert(ids, starts[first + 1 : stop + 1] - begin, np.int32(SENTENCE_END))
        first = stop
