"""Folders of counts added up, and counts written in the order of how often their words came."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import PHRASE_NAMES, TEXT_NAMES
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import LAYOUT, read_counts, write_counted_rows
from fastw2v.counts.merging import merged_rows
from fastw2v.counts.wider import WithEmptyRows, order_within
from fastw2v.errors import CorpusError, VocabularyError
from fastw2v.system.files import require_replaceable
from fastw2v.text.token_bytes import bytes_of_tokens, token_bytes
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import vocabulary_order

__all__ = ["merge_counts", "write_in_order"]


def write_in_order(output: Path, corpus: CountedCorpus, frequencies: NDArray[np.int64]) -> None:
    """Write counts over a vocabulary that was given, its words ordered by how often they came.

    Parameters
    ----------
    output : Path
    corpus : CountedCorpus
        In the order of the given vocabulary.
    frequencies : ndarray of int64, shape (V,)
        How often each of its words came in the text that was counted.
    """
    given = corpus.vocabulary
    kinds = max(given.n_raw_types, len(given))
    merged, order = _ordered(given.words, frequencies, corpus.statistics.n_raw_tokens, kinds)
    widths = None if corpus.widths is None else corpus.widths[order]
    found = replace(corpus, vocabulary=merged, widths=widths)
    write_counted_rows(output, found, merged_rows([corpus.counts], [order]))


def _ordered(
    words: list[Any], counts: NDArray[np.int64], n_raw_tokens: int, n_raw_types: int
) -> tuple[Vocabulary, NDArray[np.int64]]:
    """Return words as a vocabulary, and where in `words` each of them stood."""
    encoded = bytes_of_tokens(words)
    order = vocabulary_order(encoded, counts)
    ordered = [words[place] for place in order.tolist()]
    return Vocabulary(ordered, counts[order], n_raw_tokens, n_raw_types), order


def merge_counts(
    folders: Sequence[str | Path], output: str | Path, *, grow: bool = False
) -> CountedCorpus:
    """Write the sum of counts: those of all their texts together.

    The vocabulary is that of all together. Over different words the sum is what counting all texts
    at once gives, as long as no word was left out of any text and windows are plain.

    Parameters
    ----------
    folders : sequence of paths
        Counts with the same windows and tokenizer.
    output : path
        Written whole or not at all. The same bytes in whatever order and steps counts are merged.
    grow : bool
        Add counts over different words even where a text left out some. A word has no pairs from
        the texts that left it out, and stood in the way of no window there.

    Returns
    -------
    CountedCorpus
        As read from the folder. How many different words the texts had before rare ones were
        left out cannot be known; its vocabulary has the largest number of those merged, or of
        words that it has itself.

    Raises
    ------
    CorpusError
        If a folder is no counts, or the total would not fit int64.
    VocabularyError
        If windows differ; if vocabularies do and a text left out words, without `grow`.
    OutputError
        If the folder cannot be written.
    """
    output = Path(output)
    require_replaceable(output, LAYOUT)
    corpora = [read_counts(folder) for folder in folders]
    if len(corpora) < 2:
        raise CorpusError(f"counts: expected at least two folders to merge, got {len(corpora)}")
    first, statistics = corpora[0], corpora[0].statistics
    for folder, other in zip(folders[1:], corpora[1:], strict=True):
        _require_counted_alike(first, other, f"{folders[0]}, {folder}")
        statistics = statistics.plus(other.statistics)
    if not grow:
        _require_same_words(folders, corpora)
    total = sum(corpus.counts.total for corpus in corpora)
    if total >= 2**63:
        raise CorpusError(f"counts: expected a total below 2**63, got {total}; merge fewer")
    words = _all_words(corpora)
    _require_room(words, first.counting.max_final_vocab)
    places = [_places(words, corpus.vocabulary) for corpus in corpora]
    frequencies = np.zeros(len(words), np.int64)
    for corpus, at in zip(corpora, places, strict=True):
        frequencies[at] += corpus.vocabulary.counts
    kinds = max(len(words), *(corpus.vocabulary.n_raw_types for corpus in corpora))
    merged, order = _ordered(list(words), frequencies, statistics.n_raw_tokens, kinds)
    widths = _common_widths(folders, corpora, places, list(words))
    rows = merged_rows(
        [WithEmptyRows(corpus.counts, len(words)) for corpus in corpora],
        [order_within(merged, corpus.vocabulary) for corpus in corpora],
    )
    found = replace(
        first,
        vocabulary=merged,
        widths=None if widths is None else widths[order],
        statistics=statistics,
    )
    write_counted_rows(output, found, rows)
    return read_counts(output, verify=False)


_ADVICE = "count each text over one vocabulary with 'fastw2v count TEXT --vocabulary COUNTS'"


def _all_words(corpora: Sequence[CountedCorpus]) -> dict[Any, int]:
    """Return the words of all counts, numbered as they come first."""
    words: dict[Any, int] = {}
    for corpus in corpora:
        for word in corpus.vocabulary.words:
            words.setdefault(word, len(words))
    return words


def _places(words: dict[Any, int], vocabulary: Vocabulary) -> NDArray[np.int64]:
    return np.fromiter(map(words.__getitem__, vocabulary.words), np.int64, len(vocabulary))


def _require_counted_alike(first: CountedCorpus, other: CountedCorpus, names: str) -> None:
    """Raise `VocabularyError` unless two texts were cut, joined and counted alike."""
    if first.words.digest != other.words.digest:
        raise VocabularyError(
            f"{names}: expected counts of texts whose tokens were joined and left out alike, got "
            f"{first.words.described()} (digest {first.words.digest}) and "
            f"{other.words.described()} (digest {other.words.digest}); {_ADVICE}"
        )
    for name in ("window", "window_sample", *TEXT_NAMES, *PHRASE_NAMES):
        mine, theirs = getattr(first.counting, name), getattr(other.counting, name)
        if mine != theirs:
            raise VocabularyError(
                f"{names}: expected counts of the same {name}, got {mine!r} and {theirs!r}; "
                "count one of the texts again"
            )
    if first.counting != other.counting:
        raise VocabularyError(
            f"{names}: expected the same min_count and max_final_vocab, got {first.counting} and "
            f"{other.counting}; {_ADVICE}"
        )


def _require_same_words(folders: Sequence[str | Path], corpora: Sequence[CountedCorpus]) -> None:
    """Raise `VocabularyError` if vocabularies differ and a text has tokens that were left out."""
    first = set(corpora[0].vocabulary.words)
    differing = next((c for c in corpora if first != set(c.vocabulary.words)), None)
    if differing is None:
        return
    for folder, corpus in zip(folders, corpora, strict=True):
        statistics = corpus.statistics
        n_left_out = statistics.n_raw_tokens - statistics.n_tokens
        if n_left_out:
            only = min(first ^ set(differing.vocabulary.words), key=token_bytes)
            raise VocabularyError(
                f"{folder}: expected counts over the same words, or of texts that left out none, "
                f"got {n_left_out:,} tokens that were left out, and {only!r} in only one of the "
                f"counts; {_ADVICE}, or add them as they are (--grow): words have no pairs from "
                "texts that left them out"
            )


def _require_room(words: dict[Any, int], most: int | None) -> None:
    if most is not None and len(words) > most:
        raise VocabularyError(
            f"max_final_vocab: expected at most {most:,} words of all counts together, as they "
            f"were counted, got {len(words):,}; {_ADVICE}"
        )


def _common_widths(
    folders: Sequence[str | Path],
    corpora: Sequence[CountedCorpus],
    places: Sequence[NDArray[np.int64]],
    words: list[Any],
) -> NDArray[np.int32] | None:
    """Return what each word takes of a place in windows (V,), if all counts say the same of it."""
    widths = np.full(len(words), -1, np.int32)
    for folder, corpus, at in zip(folders, corpora, places, strict=True):
        if corpus.widths is None:
            return None
        before = widths[at]
        others = np.flatnonzero((before >= 0) & (before != corpus.widths))
        if others.size:
            raise VocabularyError(
                f"{folders[0]}, {folder}: expected windows measured with the same widths of words, "
                f"got another one of {words[at[others[0]]]!r}; {_ADVICE}, or count both with "
                "--window-sample 0"
            )
        widths[at] = corpus.widths
    return widths
