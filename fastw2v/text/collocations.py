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

from dataclasses import dataclass, field
from math import log
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from fastw2v.config.numbers import real_number, shown_value, whole_number
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
from fastw2v.text.vocabulary import packed_words

__all__ = [
    "MOST_PASSES",
    "EncodedSentences",
    "Phrase",
    "PhraseSettings",
    "Scoring",
    "collocations",
    "connector_mask",
]

Scoring = Literal["default", "npmi"]
THRESHOLDS: dict[str, float] = {"default": 10.0, "npmi": 0.5}
MOST_PASSES = 100

_SLACK = 1e-9  # of scores; NumPy's logarithms may differ from the C library's in the last bits


@dataclass(frozen=True, kw_only=True)
class PhraseSettings:
    """What becomes a phrase; immutable, valid once constructed.

    Parameters
    ----------
    min_count : int
        Of candidates. `"default"` takes it off each count, `"npmi"` leaves out what is rarer.
    threshold : float, optional
        Candidates with a higher score become phrases. Default: 10 for `"default"`, which must be
        above 0, and 0.5 for `"npmi"`, from -1 to 1.
    scoring : {"default", "npmi"}
        gensim's two scores, to the bit. With n(.) for counts: ``(n(ab) - min_count) / (n(a) n(b))
        * V``, where V is how many different words and candidates there are; or the pointwise
        mutual information, ``log(p(ab) / (p(a) p(b)))``, divided by ``-log(p(ab))``.
    delimiter : str
        Between the words of a phrase.
    connector_words : collection of str
        Words that no phrase begins or ends with, and that may stand within one.
    passes : int
        How often phrases are looked for; each pass goes on with the phrases of those before it, so
        that longer ones are found.

    Raises
    ------
    ConfigurationError
        If a value is of another kind or out of range.
    """

    min_count: int = 5
    threshold: float | None = None
    scoring: Scoring = "default"
    delimiter: str = "_"
    connector_words: frozenset[str] = field(default_factory=frozenset)
    passes: int = 1

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if self.scoring not in get_args(Scoring):
            raise ConfigurationError(
                f"scoring: expected 'default' or 'npmi', got {shown_value(self.scoring)}"
            )
        put("min_count", whole_number("min_count", self.min_count, low=1, high=2**62))
        put("passes", whole_number("passes", self.passes, low=1, high=MOST_PASSES))
        given = THRESHOLDS[self.scoring] if self.threshold is None else self.threshold
        if self.scoring == "npmi":
            put("threshold", real_number("threshold", given, low=-1, high=1))
        else:
            put("threshold", real_number("threshold", given, low=0, low_is_open=True))
        put("delimiter", _text("delimiter", self.delimiter))
        connectors = self.connector_words
        if isinstance(connectors, str | bytes) or not hasattr(connectors, "__iter__"):
            raise ConfigurationError(
                f"connector_words: expected a collection of words, got {shown_value(connectors)}"
            )
        put("connector_words", frozenset(_text("connector_words", word) for word in connectors))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return {
            "min_count": self.min_count,
            "threshold": self.threshold,
            "scoring": self.scoring,
            "delimiter": self.delimiter,
            "connector_words": sorted(self.connector_words),
            "passes": self.passes,
        }


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected a str, got {shown_value(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"{name}: expected text that UTF-8 can hold, got {shown_value(value)}"
        ) from None
    return value


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
    text: EncodedSentences, settings: PhraseSettings, *, workers: int | None = None
) -> list[Phrase]:
    """Find the phrases of one pass over a text.

    Parameters
    ----------
    text : EncodedSentences
    settings : PhraseSettings
    workers : int, optional
        Threads; the result does not depend on them. Default: all cores.

    Returns
    -------
    phrases : list of Phrase
        By falling score, then by their words.

    Raises
    ------
    CorpusError
        If the text has more words with connectors behind them than 32 bits can number.
    """
    words = text.words
    is_connector = connector_mask(words, settings.connector_words)
    found = _counted(text, is_connector, checked_workers(workers))
    counts = text.counts()
    seen = np.flatnonzero((counts > 0) & ~is_connector)
    n_types, word_counts, pair_counts = _merged(words, seen, counts, found, settings.delimiter)
    least = settings.min_count + (settings.scoring == "default")
    places = np.flatnonzero(pair_counts >= least)
    found = found._replace(firsts=found.firsts[places], lasts=found.lasts[places])
    n_ab = pair_counts[places]
    n_a = word_counts[found.first_words(len(words))]
    n_b = word_counts[found.lasts]
    threshold = float(settings.threshold or 0.0)
    if settings.scoring == "default":
        scores = (n_ab - settings.min_count) / (n_a * n_b).astype(np.float64) * n_types
        good = np.flatnonzero(scores > threshold).tolist()
        exact = scores[good].tolist()
    else:
        good, exact = _npmi(n_a, n_b, n_ab, len(text.ids), threshold)
    phrases = [
        Phrase(found.parts(place, words), int(n_ab[place]), score)
        for place, score in zip(good, exact, strict=True)
    ]
    return sorted(phrases, key=lambda phrase: (-phrase.score, phrase.parts))


def _counted(text: EncodedSentences, is_connector: NDArray[np.bool_], workers: int) -> _Candidates:
    beginnings = np.empty(len(text.ids), np.int32)
    try:
        chains = beginnings_of(
            text.ids, text.sentence_starts, is_connector, new_chains(), True, beginnings
        )
    except OverflowError as error:
        raise CorpusError(
            f"corpus: expected at most 2^31 different beginnings of phrases, got {error}; use "
            "fewer connector words, or cut the text into parts"
        ) from error
    with WorkerPool(workers) as pool:
        parts = pool.run(lambda part: count_candidates(text.ids, beginnings, part, workers))
    firsts, lasts, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return _Candidates(chains, firsts, lasts, counts)


def _npmi(
    n_a: NDArray[np.int64],
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
