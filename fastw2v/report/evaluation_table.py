"""The page's table of test sets. Other tests become other rows here."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fastw2v.evaluation.analogies import SectionResult
    from fastw2v.evaluation.similarity import AllPairs, SimilarityResult
    from fastw2v.report.subject import Subject

__all__ = ["EvaluationRow", "evaluation_rows"]


class EvaluationRow(NamedTuple):
    """One test: its measure, the result (NaN: none), how sure it is, how much is covered."""

    name: str
    measure: str
    value: float
    interval: tuple[float, float] | None
    covered: int
    total: int


def evaluation_rows(
    subject: "Subject", report: Callable[[int, int | None], None] | None = None
) -> list[EvaluationRow]:
    """Return the results on the sets that come with gensim, sections of analogies apart.

    `report` gets sets done, and sets in all.
    """
    from fastw2v.evaluation import evaluate_analogies, evaluate_similarity
    from fastw2v.evaluation.test_sets import bundled_analogies, bundled_pairs

    table = subject.word_table()
    pair_sets, analogy_sets = bundled_pairs(), bundled_analogies()
    steps = _Steps(len(pair_sets) + len(analogy_sets), report)
    rows = []
    for pairs in pair_sets:
        found = evaluate_similarity(table, pairs)
        rows.append(_correlation(found.name, found, found.covered, found.total))
        if found.with_unknown is not None:
            covered = found.total - found.with_unknown.lacking
            name = f"- {found.name}, all pairs"
            rows.append(_correlation(name, found.with_unknown, covered, found.total))
        steps.next()
    for questions in analogy_sets:
        answers = evaluate_analogies(table, questions, workers=subject.workers)
        rows += _both_methods(answers.overall)
        rows += [
            EvaluationRow(
                f"- {section.name}",
                "share right, 3CosAdd",
                section.cos_add_accuracy,
                None,
                section.covered,
                section.total,
            )
            for section in answers.sections
        ]
        steps.next()
    return rows


def _correlation(
    name: str, found: "SimilarityResult | AllPairs", covered: int, total: int
) -> EvaluationRow:
    interval = None if math.isnan(found.low) else (found.low, found.high)
    return EvaluationRow(name, "Spearman's rho", found.spearman, interval, covered, total)


def _both_methods(whole: "SectionResult") -> Iterator[EvaluationRow]:
    shares = {"3CosAdd": whole.cos_add_accuracy, "3CosMul": whole.cos_mul_accuracy}
    for method, share in shares.items():
        yield EvaluationRow(
            whole.name, f"share right, {method}", share, None, whole.covered, whole.total
        )


class _Steps:
    """Counts what is done, and reports it."""

    def __init__(self, total: int, report: Callable[[int, int | None], None] | None) -> None:
        self._done, self._total, self._report = -1, total, report
        self.next()

    def next(self) -> None:
        self._done += 1
        if self._report:
            self._report(self._done, self._total)
