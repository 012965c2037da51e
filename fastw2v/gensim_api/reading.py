"""Sentences as gensim's users have them, turned into numbers once.

A corpus is numbered by the first appearance of its words, whatever these are, and what is trained
on is made of these numbers when the vocabulary is known. Files are read by this project's own
reader. Nothing is cut short: sentences may have any length.
"""

import logging
import os
import tempfile
import weakref
from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np
from gensim.interfaces import TransformedCorpus
from gensim.models import word2vec
from gensim.models.phrases import _PhrasesTransformation
from numpy.typing import NDArray

from fastw2v.errors import TokenKindError
from fastw2v.kernels.text.interning import SENTENCE_END, renumber
from fastw2v.text.corpus import Source
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import number_corpus
from fastw2v.text.token_kinds import described_kind

__all__ = [
    "LONGEST_LINE",
    "PROGRESS_PER",
    "NumberedText",
    "Sentences",
    "checked_sentences",
    "logger",
    "numbered_text",
    "raise_unfit",
    "reads_the_same",
]

logger = logging.getLogger(__name__)

Sentences = Iterable[Sequence[Hashable]]

LONGEST_LINE = word2vec.MAX_WORDS_IN_BATCH  # tokens, of which gensim makes one sentence of a file
PROGRESS_PER = 10_000
_MEMORY_BYTES = 1 << 26  # beyond it numbers wait on disk
_CHUNK_NUMBERS = 1 << 20
_FILES = (word2vec.LineSentence, word2vec.PathLineSentences)
_READ_AGAIN_THE_SAME = (*_FILES, word2vec.Text8Corpus, word2vec.BrownCorpus)


class _Numbers:
    """Numbers of a corpus: in memory, and on disk without a name when they become many.

    The file is closed when nobody holds the numbers any more.
    """

    def __init__(self, longest: int | None) -> None:
        self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115
        weakref.finalize(self, _close, self._file)
        self._longest = longest
        self.n_tokens = 0
        self.n_sentences = 0

    def keep(self, numbers: NDArray[np.int32]) -> None:
        """Take the next sentences, each with its end; cut those of files that are too long."""
        ends = np.flatnonzero(numbers == SENTENCE_END)
        lengths = np.diff(ends, prepend=-1) - 1
        if self._longest is None:
            self.n_sentences += len(ends)
        else:
            self.n_sentences += int((-(-lengths // self._longest)).sum())
            numbers = _cut(numbers, ends - lengths, lengths, self._longest)
        self.n_tokens += int(lengths.sum())
        self._file.write(np.ascontiguousarray(numbers, np.int32).data)

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        """Yield all numbers in order, some at a time."""
        self._file.seek(0)
        while data := self._file.read(4 * _CHUNK_NUMBERS):
            yield np.frombuffer(data, np.int32)


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # that a full disk did not take all is an error already
        file.close()


def _cut(
    numbers: NDArray[np.int32], starts: NDArray[np.int64], lengths: NDArray[np.int64], longest: int
) -> NDArray[np.int32]:
    long = np.flatnonzero(lengths > longest)
    if not long.size:
        return numbers
    positions = [np.arange(starts[k] + longest, starts[k] + lengths[k], longest) for k in long]
    return np.insert(numbers, np.concatenate(positions), np.int32(SENTENCE_END))


@dataclass(frozen=True, eq=False)
class NumberedText:
    """A corpus as numbers of its words.

    Attributes
    ----------
    words : list
        Word k has the number k; in the order of their first appearance.
    counts : int64 array
        How often each occurs.
    numbers : _Numbers
    """

    words: list[Any]
    counts: NDArray[np.int64]
    numbers: _Numbers

    @property
    def n_tokens(self) -> int:
        """How many tokens there are, of all words."""
        return self.numbers.n_tokens

    @property
    def n_sentences(self) -> int:
        """How many sentences gensim would count."""
        return self.numbers.n_sentences

    def encoded(self, key_to_index: Mapping[Any, int]) -> EncodedTokens:
        """Return the text in a vocabulary; tokens of other words are gone."""
        ranks = np.fromiter(
            (key_to_index.get(word, -1) for word in self.words), np.int32, len(self.words)
        )
        n_ids = int(self.counts[ranks >= 0].sum())
        ids = _empty_array(n_ids, np.int32)
        starts = [np.zeros(1, np.int64)]
        done = 0
        for numbers in self.numbers.blocks():
            ends = np.empty(numbers.size + 1, np.int64)
            done, n_ends = renumber(numbers, ranks, ids, done, ends, 0)
            starts.append(ends[1 : n_ends + 1])
        return EncodedTokens(ids, np.concatenate(starts), self.n_tokens, self.n_tokens - n_ids)


def _empty_array(size: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Return an array, on disk without a name if it is large."""
    n_bytes = size * np.dtype(dtype).itemsize
    if n_bytes <= _MEMORY_BYTES:
        return np.empty(size, dtype)
    with tempfile.TemporaryFile() as file:
        return np.asarray(np.memmap(file, dtype, "w+", shape=(size,)))


def numbered_text(
    corpus: Any, corpus_file: str | None, progress_per: int = PROGRESS_PER
) -> NumberedText:
    """Turn a corpus into numbers; files of lines by the fast reader.

    Sentences that come from Python are logged every `progress_per`.
    """
    if corpus_file is not None:
        return _read_files([Path(corpus_file)], LONGEST_LINE)
    files = _files_of(corpus)
    if files:
        return _read_files(files, corpus.max_sentence_length)
    return _read_sentences(corpus, progress_per)


def _files_of(corpus: Any) -> list[Path]:
    """Return the local files whose lines, all of them, are the corpus; none if it is another."""
    if type(corpus) not in _FILES or corpus.limit is not None:
        return []
    sources = getattr(corpus, "input_files", [corpus.source])
    named = [source for source in sources if isinstance(source, str | os.PathLike)]
    paths = [Path(source) for source in named if os.path.isfile(source)]  # noqa: PTH113
    return paths if len(paths) == len(sources) else []


def _read_files(files: list[Path], longest: int) -> NumberedText:
    numbers = _Numbers(longest)
    # Lines are sentences here, whatever a file is called.
    lines = Source(files, read_as="text")
    words, counts = number_corpus(lines, numbers, tokenizer="whitespace")
    return NumberedText(words, counts, numbers)


def _read_sentences(sentences: Sentences, progress_per: int) -> NumberedText:
    numbers = _Numbers(None)
    table: defaultdict[Hashable, int] = defaultdict(count().__next__)
    number = table.__getitem__
    chunk = array("i")
    counts = np.zeros(0, np.int64)
    for place, sentence in enumerate(checked_sentences(sentences, progress_per)):
        try:
            chunk.extend(map(number, sentence))
        except TypeError:
            raise_unfit(sentence, place)
            raise
        chunk.append(SENTENCE_END)
        if len(chunk) >= _CHUNK_NUMBERS:
            counts = _keep(numbers, chunk, counts, len(table))
            chunk = array("i")
    counts = _keep(numbers, chunk, counts, len(table))
    return NumberedText(list(table), counts, numbers)


def _keep(
    numbers: _Numbers, chunk: "array[int]", counts: NDArray[np.int64], n_words: int
) -> NDArray[np.int64]:
    new = np.frombuffer(chunk, np.int32) if chunk else np.zeros(0, np.int32)
    numbers.keep(new)
    found = np.bincount(new[new != SENTENCE_END], minlength=n_words)
    found[: len(counts)] += counts
    return found.astype(np.int64)


def checked_sentences(sentences: Sentences, progress_per: int) -> Iterator[Any]:
    """Yield sentences; log progress, and warn as gensim does if they are strings."""
    for place, sentence in enumerate(sentences):
        if place % progress_per == 0:
            logger.info("PROGRESS: at sentence #%i", place)
        if place == 0 and isinstance(sentence, str):
            logger.warning(
                "Each 'sentences' item should be a list of words (usually unicode strings). "
                "First item here is instead plain %s.",
                type(sentence),
            )
        yield sentence


def raise_unfit(sentence: object, number: int) -> None:
    """Raise for a sentence that is none, or has a token that no dict can hold, if it is such a one.

    Raises
    ------
    TokenKindError
        A TypeError, as gensim's: it says where.
    """
    where = f"sentence {number}"
    if not isinstance(sentence, Iterable):
        raise TokenKindError(
            f"{where} (counted from 0): expected a list of tokens, got {described_kind(sentence)}"
        )
    for place, token in enumerate(sentence):
        try:
            hash(token)
        except TypeError:
            raise TokenKindError(
                f"{where}, token {place} (counted from 0): expected a str, a whole number, bytes "
                f"or a tuple of these, got {described_kind(token)}; sentences are lists of tokens, "
                "not of lists"
            ) from None


def reads_the_same(corpus: Any) -> bool:
    """Return whether another reading must give the same sentences, so that one is enough.

    gensim reads a corpus anew for each epoch, and some corpora make new sentences each time.
    """
    if isinstance(corpus, TransformedCorpus) and isinstance(corpus.obj, _PhrasesTransformation):
        return reads_the_same(corpus.corpus)
    return isinstance(corpus, Sequence) or type(corpus) in _READ_AGAIN_THE_SAME
