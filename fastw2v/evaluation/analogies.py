"""Analogies: a is to b as c is to d, and d is asked for.

    3CosAdd  argmax_d  cos(d, b) - cos(d, a) + cos(d, c)              Mikolov et al. 2013
    3CosMul  argmax_d  p(d, b) p(d, c) / (p(d, a) + epsilon),         Levy and Goldberg 2014
             with p = (1 + cos) / 2

d is any of the most frequent words but a, b and c themselves, in any case. The questions of a set
use few different words, so the cosines of these with a block of the vocabulary are one matrix
product, and both methods read all their terms from it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastw2v.config.numbers import whole_number
from fastw2v.evaluation.test_sets import AnalogySet
from fastw2v.evaluation.word_table import WordTable
from fastw2v.system.threads import WorkerPool, checked_workers

__all__ = [
    "EPSILON",
    "RESTRICT_VOCABULARY",
    "AllQuestions",
    "AnalogyResult",
    "Answers",
    "Rows",
    "SectionResult",
    "best_answers",
    "evaluate_analogies",
]

RESTRICT_VOCABULARY = 50_000
EPSILON = 1e-3  # of 3CosMul, in the paper
_BLOCK_WORDS = 4096
_CHUNK_QUESTIONS = 64

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SectionResult:
    """Right answers of one section.

    `covered` questions have all four words among the most frequent ones; only they are asked.
    """

    name: str
    cos_add: int
    cos_mul: int
    covered: int
    total: int

    @property
    def cos_add_accuracy(self) -> float:
        """Share of right answers by 3CosAdd; NaN if nothing was asked."""
        return self.cos_add / self.covered if self.covered else math.nan

    @property
    def cos_mul_accuracy(self) -> float:
        """Share of right answers by 3CosMul; NaN if nothing was asked."""
        return self.cos_mul / self.covered if self.covered else math.nan

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None for NaN."""
        return {
            "name": self.name,
            "cos_add_accuracy": self.cos_add_accuracy if self.covered else None,
            "cos_mul_accuracy": self.cos_mul_accuracy if self.covered else None,
            "cos_add_correct": self.cos_add,
            "cos_mul_correct": self.cos_mul,
            "covered": self.covered,
            "total": self.total,
        }


@dataclass(frozen=True)
class AllQuestions:
    """Right answers to all questions of a set, those with unknown words among them.

    Every word of the set that has a vector, made or beyond the most frequent ones, may be asked
    about and may be an answer, beside the most frequent ones. A question with a word that has no
    vector has no right answer.

    Attributes
    ----------
    cos_add, cos_mul : int
        Right answers.
    made : int
        Questions that could only be asked so.
    lacking : int
        Questions with a word that has no vector.
    total : int
    """

    cos_add: int
    cos_mul: int
    made: int
    lacking: int
    total: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "cos_add_accuracy": self.cos_add / self.total,
            "cos_mul_accuracy": self.cos_mul / self.total,
            "cos_add_correct": self.cos_add,
            "cos_mul_correct": self.cos_mul,
            "made": self.made,
            "lacking": self.lacking,
        }


@dataclass(frozen=True)
class AnalogyResult:
    """A set's sections, and all of them together.

    Attributes
    ----------
    name : str
    sections : list of SectionResult
    with_unknown : AllQuestions, optional
        None where the table makes no vectors of unknown words.
    """

    name: str
    sections: list[SectionResult]
    with_unknown: AllQuestions | None = None

    @property
    def overall(self) -> SectionResult:
        """The sum of the sections."""
        return SectionResult(
            self.name,
            sum(section.cos_add for section in self.sections),
            sum(section.cos_mul for section in self.sections),
            sum(section.covered for section in self.sections),
            sum(section.total for section in self.sections),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON. `with_unknown` is there if it is not None."""
        values = self.overall.as_dict() | {"sections": [each.as_dict() for each in self.sections]}
        if self.with_unknown is not None:
            values["with_unknown"] = self.with_unknown.as_dict()
        return values


def evaluate_analogies(
    table: WordTable,
    questions: AnalogySet,
    *,
    restrict: int = RESTRICT_VOCABULARY,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AnalogyResult:
    """Answer the questions among the `restrict` most frequent words.

    Parameters
    ----------
    table : WordTable
        In the order of frequency. Words are found in any case.
    questions : AnalogySet
    restrict : int
        Questions with another word are not asked, and no other word is an answer.
    workers : int, optional
        Threads; default: the cores at hand. The answers do not depend on them.
    progress : callable, optional
        Gets words among which answers were sought, and words in all.

    Raises
    ------
    ConfigurationError
        If `restrict` or `workers` is out of range.
    """
    restrict = whole_number("restrict", restrict, low=1)
    sections = _answered(table.head(restrict), questions, workers, progress)
    found = AnalogyResult(questions.name, sections)
    if table.make_unknown is None:
        return found
    widened = _with_words_of(table, questions, restrict)
    overall = AnalogyResult("", _answered(widened, questions, workers, progress)).overall
    made, lacking = overall.covered - found.overall.covered, overall.total - overall.covered
    counts = (overall.cos_add, overall.cos_mul, made, lacking, overall.total)
    return replace(found, with_unknown=AllQuestions(*counts))


def _with_words_of(table: WordTable, questions: AnalogySet, restrict: int) -> WordTable:
    """Return the most frequent words, and all words of the questions that have a vector."""
    words = {word for section in questions.sections.values() for four in section for word in four}
    whole = table.with_words(sorted(words))
    named = {row for word in words if (row := whole.find(word)) is not None and row >= restrict}
    rows = [*range(min(restrict, len(table))), *sorted(named)]
    return WordTable([whole.words[row] for row in rows], whole.vectors[rows])


def _answered(
    table: WordTable,
    questions: AnalogySet,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[SectionResult]:
    """Answer the questions that can be asked, among all words of the table."""
    asked: list[list[int]] = []
    covered = []
    for section in questions.sections.values():
        rows = [[table.find(word) for word in question] for question in section]
        known = [[row for row in four if row is not None] for four in rows if None not in four]
        asked += known
        covered.append(len(known))
    questioned = np.array(asked, np.int64).reshape(-1, 4)[:, :3]
    answers = best_answers(table, questioned, workers=workers, progress=progress)
    expected = np.array([four[3] for four in asked], np.int64)
    sections, first = [], 0
    for (name, section), n_asked in zip(questions.sections.items(), covered, strict=True):
        own = slice(first, first + n_asked)
        cos_add, cos_mul = (_n_right(table, found[own], expected[own]) for found in answers)
        sections.append(SectionResult(name, cos_add, cos_mul, n_asked, len(section)))
        first += n_asked
    return sections


def _n_right(table: WordTable, found: Rows, expected: Rows) -> int:
    """Count answers that are the expected word in any case."""
    answered = found >= 0
    return int((table.first_of_case[found[answered]] == expected[answered]).sum())


class Answers(NamedTuple):
    """Rows of the answers (Q,) by both methods; -1 if there is no other word."""

    cos_add: Rows
    cos_mul: Rows


def best_answers(
    table: WordTable,
    questions: Rows,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """Return the best d of each question (a, b, c), by both methods.

    Parameters
    ----------
    table : WordTable
        Every word may be an answer.
    questions : (Q, 3) int64
        Rows of a, b, c.
    workers, progress
        As in `evaluate_analogies`.

    Returns
    -------
    Answers
        Of equal scores the first row.
    """
    words_asked, places = np.unique(questions, return_inverse=True)
    places = places.reshape(questions.shape)
    excluded = _excluded(table, questions)
    blocks = [
        (first, min(first + _BLOCK_WORDS, len(table)))
        for first in range(0, len(table), _BLOCK_WORDS)
    ]
    best = [np.full(len(questions), -np.inf, np.float32) for _ in range(2)]
    found = [np.full(len(questions), -1, np.int64) for _ in range(2)]
    chunks = [
        slice(first, first + _CHUNK_QUESTIONS)
        for first in range(0, len(questions), _CHUNK_QUESTIONS)
    ]
    with WorkerPool(checked_workers(workers)) as pool:
        for first, last in blocks:
            cosines = table.unit[words_asked] @ table.unit[first:last].T

            def of_worker(worker: int, first: int = first, cosines: Any = cosines) -> None:
                for chunk in chunks[worker :: pool.workers]:
                    pairs = excluded[chunk.start : chunk.stop]
                    for method, scores in enumerate(_scores(cosines, places[chunk])):
                        _keep_best(scores, pairs, first, best[method][chunk], found[method][chunk])

            pool.run(of_worker)
            if progress is not None:
                progress(last, len(table))
    return Answers(*found)


def _scores(cosines: NDArray[np.float32], places: Rows) -> Iterator[NDArray[np.float32]]:
    """Yield the scores (questions, words of the block) by 3CosAdd and by 3CosMul."""
    terms = [cosines[places[:, term]] for term in range(3)]
    yield terms[1] - terms[0] + terms[2]
    of_a, of_b, of_c = ((1 + term) * np.float32(0.5) for term in terms)
    yield of_b * of_c / (of_a + np.float32(EPSILON))


def _keep_best(
    scores: NDArray[np.float32],
    excluded: list[list[int]],
    first: int,
    best: NDArray[np.float32],
    found: Rows,
) -> None:
    """Replace answers in place where the block that begins at row `first` has a better one."""
    n_words = scores.shape[1]
    for question, rows in enumerate(excluded):
        for row in rows:
            if first <= row < first + n_words:
                scores[question, row - first] = -np.inf
    places = scores.argmax(axis=1)
    values = scores[np.arange(len(scores)), places]
    better = values > best
    best[better] = values[better]
    found[better] = places[better] + first


def _excluded(table: WordTable, questions: Rows) -> list[list[int]]:
    """Return the rows that may not answer each question: its words, in any case."""
    variants: dict[int, list[int]] = {}
    for row, first in enumerate(table.first_of_case.tolist()):
        variants.setdefault(first, []).append(row)
    firsts = table.first_of_case[questions].tolist() if len(questions) else []
    return [[row for first in set(three) for row in variants[first]] for three in firsts]
