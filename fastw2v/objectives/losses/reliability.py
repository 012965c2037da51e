"""Whether probabilities are right: what a model predicts beside what a text has, by how likely.

Of all pairs of a text, the model expects a share in each range of probability: sum over centre
words c, and over the words o whose p(o | c) lies in the range, of a_c p(o | c), with a_c the weight
of the pairs of c. The text has the share of its pairs that fall there. Where probabilities are
right the two are equal, up to chance. Pairs of a word with itself are told apart.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import StageProgress, stage_of
from fastw2v.config import Hyperparameters
from fastw2v.config.numbers import whole_number
from fastw2v.counts.build import counted_windows
from fastw2v.errors import CorpusError
from fastw2v.kernels.formulas.skipgram import WordRows
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.losses.cbow_rows import CbowRows
from fastw2v.text.corpus import Corpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoding import TRAIN_WITH_ERRORS
from fastw2v.text.reading import encode_corpus
from fastw2v.text.rules import TextRules
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = ["LEAST_COUNT", "Reliability", "ReliabilityBin", "text_reliability"]

LEAST_COUNT = 100
EDGES = (0.0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)
_CBOW_POSITIONS = 20480  # each with one reach: more would be alike
_LARGEST_COUNT = 2**63 - 1
_MOST_NUMBERS = 2**23  # of a block of probabilities


@dataclass(frozen=True)
class ReliabilityBin:
    """A range of probability.

    Attributes
    ----------
    low, high : float
        From `low` on and below `high`; the last one has 1 as well.
    predicted, observed : float
        Shares of all pairs.
    """

    low: float
    high: float
    predicted: float
    observed: float

    @property
    def ratio(self) -> float:
        """Predicted by observed; NaN where nothing was observed."""
        return self.predicted / self.observed if self.observed else float("nan")


@dataclass(frozen=True)
class Reliability:
    """Predicted beside observed shares of a text.

    Attributes
    ----------
    bins : list of ReliabilityBin
        Of pairs of different words; with CBOW of words that are not within their window.
    own : ReliabilityBin
        Of pairs of a word with itself, whatever their probability; with CBOW of words within their
        window.
    n_centres : int
        Centre words that were looked at; with CBOW positions.
    least_count : int
        How often these occur in the training text, at least; 0 with CBOW.
    pair_weight : float
        Of all pairs that were looked at, a pair side by side weighing 1.
    """

    bins: list[ReliabilityBin]
    own: ReliabilityBin
    n_centres: int
    least_count: int
    pair_weight: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


def text_reliability(
    embeddings: Embeddings,
    corpus: Corpus,
    settings: Hyperparameters,
    *,
    least_count: int = LEAST_COUNT,
    words: WordRules = NO_RULES,
    workers: int,
    progress: StageProgress | None = None,
) -> Reliability:
    """Return what a model predicts of a text beside what the text has.

    Parameters
    ----------
    embeddings : Embeddings
    corpus : path, sequence of paths, or iterable of lists of tokens
        A text that the model was not trained on.
    settings : Hyperparameters
        Those that the embeddings were trained with.
    least_count : int
        Centre words are those that the training text has so often at least; not with CBOW, of which
        as many positions as that takes are drawn.
    words : WordRules, optional
        What became of the tokens of the training text.
    workers : int
        Threads of counting; the result does not depend on them.
    progress : callable, optional
        As in `Word2Vec.fit`.

    Raises
    ------
    CorpusError
        If the text cannot be read, or no such word has a context in it.
    ConfigurationError
        If `least_count` is no whole number from 1 on.
    """
    least_count = whole_number("least_count", least_count, low=1, high=_LARGEST_COUNT)
    opened = open_corpus(corpus, settings.errors, TRAIN_WITH_ERRORS)
    tokens = encode_corpus(
        opened,
        embeddings.vocabulary,
        tokenizer=TextRules.of(settings, workers, words=words),
        progress=stage_of(progress, "reading"),
    )
    report = stage_of(progress, "measuring")
    sums = _Sums(len(EDGES) - 1)
    if settings.model == "cbow":
        _add_positions(sums, embeddings, tokens, settings, report)
        return sums.result(0, float(sums.n_rows))
    counts = counted_windows(
        tokens, embeddings.vocabulary, settings, workers=workers, progress=progress
    )
    frequent = embeddings.vocabulary.counts >= least_count
    centres = np.flatnonzero((counts.row_sums() > 0) & frequent)
    if not len(centres):
        raise CorpusError(
            f"text: expected a word that the training text has {least_count} times, with a known "
            f"word near, got {len(tokens.ids)} known tokens without one; use more text, or a lower "
            "least count"
        )
    for rows in _blocks(centres, len(frequent)):
        observed = np.zeros((len(rows), len(frequent)))
        for place, row in enumerate(rows.tolist()):
            entries = slice(counts.indptr[row], counts.indptr[row + 1])
            observed[place, counts.indices[entries]] = counts.values[entries]
        told = embeddings.probabilities(embeddings.in_vectors[rows], rows)
        sums.add(told, observed, WordRows.single(rows))
        if report:
            report(sums.n_rows, len(centres))
    return sums.result(least_count, sums.weight / settings.window)


def _add_positions(
    sums: "_Sums",
    embeddings: Embeddings,
    tokens: EncodedTokens,
    settings: Hyperparameters,
    report: Callable[[int, int | None], None] | None,
) -> None:
    n_words = len(embeddings.vocabulary)
    drawn = CbowRows(
        embeddings.in_vectors,
        tokens,
        window=settings.window,
        mean=settings.cbow_mean,
        sample=_CBOW_POSITIONS,
        seed=settings.seed,
        one_reach=True,
    )
    for batch, windows in drawn.with_windows():
        for rows in _blocks(np.arange(len(batch.inputs)), n_words):
            observed = np.zeros((len(rows), n_words))
            observed[np.arange(len(rows)), batch.contexts.indices[rows]] = 1.0
            within = windows.taken(rows)
            sums.add(embeddings.probabilities(batch.inputs[rows], within), observed, within)
        if report:
            report(sums.n_rows, None)


def _blocks(rows: NDArray[np.int64], n_words: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, _MOST_NUMBERS // n_words)
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


class _Sums:
    """Weights of pairs, predicted and observed, by range of probability."""

    def __init__(self, n_bins: int) -> None:
        self._binned = np.zeros((2, n_bins))
        self._own = np.zeros(2)
        self.n_rows, self.weight = 0, 0.0

    def add(
        self,
        told: NDArray[np.float64],
        observed: NDArray[np.float64],
        centres: WordRows,
    ) -> None:
        """Add rows: probabilities and observed weights (R, V), and which words they are of."""
        sums = observed.sum(axis=1)
        predicted = told * sums[:, None]
        self.n_rows += len(told)
        self.weight += float(sums.sum())
        for kind, weights in enumerate((predicted, observed)):
            self._own[kind] += weights[centres.rows, centres.words].sum()
            weights[centres.rows, centres.words] = 0.0
        before = np.zeros(2)
        for place in range(len(EDGES) - 2, -1, -1):
            is_above = told >= EDGES[place]
            above = np.array([predicted.sum(where=is_above), observed.sum(where=is_above)])
            self._binned[:, place] += above - before
            before = above

    def result(self, least_count: int, pair_weight: float) -> Reliability:
        shares = self._binned / self.weight
        bins = [
            ReliabilityBin(low, high, float(predicted), float(observed))
            for low, high, predicted, observed in zip(EDGES[:-1], EDGES[1:], *shares, strict=True)
        ]
        own = ReliabilityBin(0.0, 1.0, *(self._own / self.weight).tolist())
        return Reliability(bins, own, self.n_rows, least_count, pair_weight)
