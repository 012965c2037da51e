"""Collocations: candidates for phrases of a text, counted and scored as gensim's `Phrases` does.

gensim counts candidates by their joined text, among the words. So where a word of the text is a
joined candidate ("new_york"), or two candidates give one text, their counts are one; that is kept
here, where candidates are pairs of numbers: those that could give a text twice are found by a hash
of it.

References
----------
Mikolov, Sutskever, Chen, Corrado and Dean 2013, "Distributed Representations of Words and Phrases
and their Compositionality", NIPS 26, section 4; Bouma 2009, "Normalized (Pointwise) Mutual
Information in Collocation Extraction", GSCL 31-40.
"""

from collections.abc import Callable
from functools import partial
from math import log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import PhraseSettings
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.kernels.text.phrases import (
    Chains,
    beginnings_of,
    chain_hashes,
    chain_roots,
    count_candidates,
    new_chains,
    word_hashes,
)
from fastw2v.system.threads import WorkerPool, checked_workers
from fastw2v.text.stored_vocabulary import packed_words

__all__ = [
    "EncodedSentences",
    "Phrase",
    "collocations",
    "connector_mask",
]

# Of a table of candidates that grows, for each of the text's tokens, at the most.
_TABLE_BYTES = 64
_MOST_ROUNDS = 64
_SLACK = 1e-9  # of scores; NumPy's logarithms may differ from the C library's in the last bits


class Phrase(NamedTuple):
    """Words that are joined, how often they were seen, and their score."""

    parts: tuple[str, ...]
    """As they stood in the text of the pass that found it; the inner ones are connectors."""
    seen: int
    score: float


class EncodedSentences(NamedTuple):
    """A text as ids of its words.

    Attributes
    ----------
    words : list of str
        All that occur, and maybe others.
    ids : int32 array (n_tokens,)
    sentence_starts : int64 array (n_sentences + 1,)
    """

    words: list[str]
    ids: NDArray[np.int32]
    sentence_starts: NDArray[np.int64]

    def counts(self) -> NDArray[np.int64]:
        """Return how often each word occurs."""
        counts = np.zeros(len(self.words), np.int64)
        for first in range(0, len(self.ids), 1 << 22):
            counts += np.bincount(self.ids[first : first + (1 << 22)], minlength=len(counts))
        return counts


class _Candidates(NamedTuple):
    chains: Chains
    firsts: NDArray[np.int32]
    lasts: NDArray[np.int32]
    counts: NDArray[np.int64]

    def parts(self, place: int, words: list[str]) -> tuple[str, ...]:
        """Return the words of a candidate."""
        parts, first = [words[self.lasts[place]]], int(self.firsts[place])
        while first >= len(words):
            chain = first - len(words)
            parts.append(words[self.chains.connectors[chain]])
            first = int(self.chains.parents[chain])
        return (words[first], *reversed(parts))

    def first_words(self, n_words: int) -> NDArray[np.int32]:
        """Return the words that the candidates begin with."""
        roots: NDArray[np.int32] = chain_roots(self.chains, n_words)
        return roots[self.firsts]


def connector_mask(words: list[str], connectors: frozenset[str]) -> NDArray[np.bool_]:
    """Return which words are connectors, bool (V,)."""
    return np.fromiter((word in connectors for word in words), np.bool_, len(words))


def collocations(
    text: EncodedSentences,
    settings: PhraseSettings,
    *,
    workers: int | None = None,
    most_bytes: int | None = None,
    new_array: Callable[[int, Any], NDArray[Any]] = np.empty,
) -> list[Phrase]:
    """Find the phrases of one pass over a text.

    Parameters
    ----------
    text : EncodedSentences
    settings : PhraseSettings
    workers : int, optional
        Threads; the result does not depend on them. Default: all cores.
    most_bytes : int, optional
        A bound for what candidates take of memory.
    new_array : callable, optional
        Makes an array as long as the text, of a type. Default: in memory.

    Returns
    -------
    phrases : list of Phrase
        By falling score, then by their words.

    Raises
    ------
    CorpusError
        If the text has more words with connectors behind them than 32 bits can number.
    ConfigurationError
        If candidates take more than `most_bytes`.
    """
    words = text.words
    is_connector = connector_mask(words, settings.connector_words)
    beginnings = new_array(len(text.ids), np.int32)
    found = _counted(text, is_connector, beginnings, checked_workers(workers), most_bytes)
    counts = text.counts()
    seen = np.flatnonzero((counts > 0) & ~is_connector)
    n_types, word_counts, pair_counts = _merged(words, seen, counts, found, settings.delimiter)
    least = settings.min_count + (settings.scoring == "default")
    places = np.flatnonzero(pair_counts >= least)
    found = found._replace(firsts=found.firsts[places], lasts=found.lasts[places])
    n_ab = pair_counts[places]
    # As float64, in which their product does not overflow.
    n_a = word_counts[found.first_words(len(words))].astype(np.float64)
    n_b = word_counts[found.lasts]
    threshold = float(settings.threshold or 0.0)
    if settings.scoring == "default":
        scores = (n_ab - settings.min_count) / (n_a * n_b) * n_types
        good = np.flatnonzero(scores > threshold).tolist()
        exact = scores[good].tolist()
    else:
        good, exact = _npmi(n_a, n_b, n_ab, len(text.ids), threshold)
    phrases = [
        Phrase(found.parts(place, words), int(n_ab[place]), score)
        for place, score in zip(good, exact, strict=True)
    ]
    return sorted(phrases, key=lambda phrase: (-phrase.score, phrase.parts))


def _counted(
    text: EncodedSentences,
    is_connector: NDArray[np.bool_],
    beginnings: NDArray[np.int32],
    workers: int,
    most_bytes: int | None,
) -> _Candidates:
    try:
        chains = beginnings_of(
            text.ids, text.sentence_starts, is_connector, new_chains(), True, beginnings
        )
    except OverflowError as error:
        raise CorpusError(
            f"corpus: expected at most 2^31 different beginnings of phrases, got {error}; use "
            "fewer connector words, or cut the text into parts"
        ) from error
    rounds = 1
    if most_bytes is not None:
        rounds = -(-len(text.ids) * _TABLE_BYTES // max(most_bytes, 1))
        rounds = max(min(rounds, _MOST_ROUNDS), 1)
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]] = []
    n_bytes = 0
    with WorkerPool(workers) as pool:
        for first in range(0, rounds * workers, workers):
            found = pool.run(partial(_part_of, text.ids, beginnings, first, rounds * workers))
            parts += found
            # The arrays of the parts, and those of all of them together.
            n_bytes += sum(2 * array.nbytes for part in found for array in part)
            if most_bytes is not None and n_bytes > most_bytes:
                done = (first + workers) / (rounds * workers)
                raise ConfigurationError(
                    f"phrases: expected candidates that fit {most_bytes / 2**20:,.0f} MiB of "
                    f"memory, got about {n_bytes / done / 2**20:,.0f} MiB of them; raise --memory, "
                    "or find phrases in a part of the text by 'fastw2v phrases PART --output FILE' "
                    "and give that file by --phrases (phrases=)"
                )
    firsts, lasts, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return _Candidates(chains, firsts, lasts, counts)


def _part_of(
    ids: NDArray[np.int32], beginnings: NDArray[np.int32], first: int, n_parts: int, worker: int
) -> Any:
    return count_candidates(ids, beginnings, first + worker, n_parts)


def _npmi(
    n_a: NDArray[np.float64],
    n_b: NDArray[np.int64],
    n_ab: NDArray[np.int64],
    n_tokens: int,
    threshold: float,
) -> tuple[list[int], list[float]]:
    """Return which candidates score above the threshold, and their scores."""
    n = float(n_tokens)
    p_ab = n_ab / n
    ratios = p_ab / ((n_a / n) * (n_b / n))
    with np.errstate(divide="ignore", invalid="ignore"):
        roughly = np.log(ratios) / -np.log(p_ab)
    good, exact = [], []
    for place in np.flatnonzero(roughly > threshold - _SLACK).tolist():
        score = log(float(ratios[place])) / -log(float(p_ab[place])) if p_ab[place] != 1 else 0.0
        if score > threshold:
            good.append(place)
            exact.append(score)
    return good, exact


def _merged(
    words: list[str],
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
    found: _Candidates,
    delimiter: str,
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Add up the counts of words and candidates that are one text once they are joined.

    Returns
    -------
    n_types : int
        How many different texts words and candidates are.
    word_counts, pair_counts : int64 arrays
    """
    n_types = len(seen) + len(found.counts)
    letters = set(delimiter)
    unsure = np.fromiter((not letters.isdisjoint(word) for word in words), np.bool_, len(words))
    if not delimiter:
        unsure[:] = True
    if not unsure.any():  # no text can be cut in two ways
        return n_types, counts, found.counts
    hashes, is_unsure = _hashes(words, seen, found, delimiter, unsure)
    places = _of_equal_hash(hashes, is_unsure)
    groups: dict[str, list[int]] = {}
    for place in places.tolist():
        if place < len(seen):
            joined = words[seen[place]]
        else:
            joined = delimiter.join(found.parts(place - len(seen), words))
        groups.setdefault(joined, []).append(place)
    together = np.concatenate((counts[seen], found.counts))
    for group in groups.values():
        together[group] = together[group].sum()
        n_types -= len(group) - 1
    word_counts = counts.copy()
    word_counts[seen] = together[: len(seen)]
    return n_types, word_counts, together[len(seen) :]


def _hashes(
    words: list[str],
    seen: NDArray[np.int64],
    found: _Candidates,
    delimiter: str,
    unsure: NDArray[np.bool_],
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return a hash of the text of each word and candidate, and whether it may be another's."""

    def hashed(texts: list[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        hashes, powers = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
        word_hashes(*packed_words(texts), hashes, powers)
        return hashes, powers

    hashes, powers = hashed(words)
    separator, power = hashed([delimiter])
    later, later_powers = separator * powers + hashes, power * powers
    n_chains = int(found.chains.n_chains[0])
    begun = np.concatenate((hashes, np.empty(n_chains, np.uint64)))
    unsure_begun = np.concatenate((unsure, np.empty(n_chains, np.bool_)))
    chain_hashes(found.chains, later, later_powers, unsure, begun, unsure_begun)
    of_pairs = begun[found.firsts] * later_powers[found.lasts] + later[found.lasts]
    unsure_pairs = unsure_begun[found.firsts] | unsure[found.lasts]
    return (
        np.concatenate((hashes[seen], of_pairs)),
        np.concatenate((unsure[seen], unsure_pairs)),
    )


def _of_equal_hash(hashes: NDArray[np.uint64], is_unsure: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the places of hashes that occur more than once, at an unsure place among others."""
    bits = max(16, int(np.count_nonzero(is_unsure)).bit_length() + 4)
    rows = hashes * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - bits)
    marked = np.zeros(1 << bits, np.bool_)
    marked[rows[is_unsure]] = True
    places = np.flatnonzero(marked[rows])
    order = np.argsort(hashes[places], kind="stable")
    ordered = hashes[places][order]
    is_repeated = np.zeros(len(ordered), np.bool_)
    is_repeated[1:] = ordered[1:] == ordered[:-1]
    is_repeated[:-1] |= is_repeated[1:]
    chosen: NDArray[np.int64] = places[order[is_repeated]]
    return chosen
