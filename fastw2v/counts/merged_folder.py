"""Folders of counts added up, and counts written in the order of how often their words came."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import PHRASE_NAMES, TEXT_NAMES
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import MANIFEST, read_counts, write_counted_rows
from fastw2v.counts.merging import merged_rows
from fastw2v.errors import CorpusError, VocabularyError
from fastw2v.system.files import require_replaceable
from fastw2v.text.token_bytes import token_bytes
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
    encoded = list(map(token_bytes, words))
    order = vocabulary_order(encoded, counts)
    ordered = [words[place] for place in order.tolist()]
    return Vocabulary(ordered, counts[order], n_raw_tokens, n_raw_types), order


def merge_counts(folders: Sequence[str | Path], output: str | Path) -> CountedCorpus:
    """Write the sum of counts: those of all their texts together.

    Parameters
    ----------
    folders : sequence of paths
        Counts over the same words, with the same windows and tokenizer.
    output : path
        Written whole or not at all. The same bytes in whatever order and steps counts are merged.

    Returns
    -------
    CountedCorpus
        As read from the folder. How many different words the texts had before rare ones were
        left out cannot be known; its vocabulary has the largest number of those merged.

    Raises
    ------
    CorpusError
        If a folder is no counts, or the total would not fit int64.
    VocabularyError
        If vocabularies or windows differ.
    OutputError
        If the folder cannot be written.
    """
    output = Path(output)
    require_replaceable(output, MANIFEST)
    corpora = [read_counts(folder) for folder in folders]
    if len(corpora) < 2:
        raise CorpusError(f"counts: expected at least two folders to merge, got {len(corpora)}")
    first, others = corpora[0], corpora[1:]
    counts, statistics = first.vocabulary.counts, first.statistics
    for folder, other in zip(folders[1:], others, strict=True):
        places = _places_in(first, other, f"{folders[0]}, {folder}")
        counts = counts + other.vocabulary.counts[places]
        statistics = statistics.plus(other.statistics)
    total = sum(corpus.counts.total for corpus in corpora)
    if total >= 2**63:
        raise CorpusError(f"counts: expected a total below 2**63, got {total}; merge fewer")
    vocabularies = [corpus.vocabulary for corpus in corpora]
    merged, order = _ordered(
        first.vocabulary.words,
        counts,
        statistics.n_raw_tokens,
        max(vocabulary.n_raw_types for vocabulary in vocabularies),
    )
    widths = None if first.widths is None else first.widths[order]
    rows = merged_rows(
        [corpus.counts for corpus in corpora],
        [_order_in(merged, vocabulary) for vocabulary in vocabularies],
    )
    found = replace(first, vocabulary=merged, widths=widths, statistics=statistics)
    write_counted_rows(output, found, rows)
    return read_counts(output, verify=False)


def _order_in(merged: Vocabulary, other: Vocabulary) -> NDArray[np.int64] | None:
    """Return where each word of `merged` stands in `other`; None if everywhere in its place."""
    if merged.words == other.words:
        return None
    return np.array([other.index(word) for word in merged.words], np.int64)


def _places_in(first: CountedCorpus, other: CountedCorpus, names: str) -> NDArray[np.int64]:
    """Return where each word of one stands in the other, if both can be added."""
    advice = "count each text over one vocabulary with 'fastw2v count TEXT --vocabulary COUNTS'"
    if first.words.digest != other.words.digest:
        raise VocabularyError(
            f"{names}: expected counts of texts whose tokens were joined and left out alike, got "
            f"{first.words.described()} (digest {first.words.digest}) and "
            f"{other.words.described()} (digest {other.words.digest}); {advice}"
        )
    words, others = set(first.vocabulary.words), set(other.vocabulary.words)
    if words != others:
        only = min(words ^ others, key=token_bytes)
        raise VocabularyError(
            f"{names}: expected counts over the same words, got {len(words)} and {len(others)}, "
            f"{only!r} in only one of them; {advice}"
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
            f"{other.counting}; {advice}"
        )
    order = _order_in(first.vocabulary, other.vocabulary)
    places = np.arange(len(words)) if order is None else order
    if first.widths is None or other.widths is None:
        return places
    if not np.array_equal(first.widths, other.widths[places]):
        raise VocabularyError(
            f"{names}: expected windows measured with the same widths of words, got others; "
            f"{advice}, or count both with --window-sample 0"
        )
    return places
