"""Quality that a time buys: points, the best line through them, and the bars that it has to pass.

A run's point is its seconds (the median over seeds) and its mean score (over test sets, then over
seeds). Of this package's runs the vectors count that are handed out unasked; of a rival's those
among all forms that are best.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from quality.plan import FAMILIES
from quality.results import Results

__all__ = [
    "LEAD",
    "TIME_SHARE",
    "Bar",
    "Point",
    "bars",
    "best_at",
    "best_form",
    "envelope",
    "points",
]

LEAD = 0.02  # by which ours is above the end of each rival's line
TIME_SHARE = 0.25  # of the best plain rival's time, that plain ours may take


@dataclass(frozen=True)
class Point:
    """A run at some settings.

    Attributes
    ----------
    run, family : str
    is_ours, is_plain : bool
        Whether it is this package's; whether words are all that it knows.
    seconds : float
        Of the whole process.
    quality, spread : float
        Mean and standard deviation over seeds; no spread for one seed.
    form : str
        Of the vectors.
    """

    run: str
    family: str
    is_ours: bool
    is_plain: bool
    seconds: float
    quality: float
    spread: float | None = None
    form: str = "in"


@dataclass(frozen=True)
class Bar:
    """A bar, whether it is met (None: cannot be said), and the figures that say so."""

    name: str
    is_met: bool | None
    why: str


def best_form(records: Sequence[dict[str, Any]]) -> str:
    """Return the form of vectors that counts for a run."""
    if FAMILIES[records[0]["family"]].is_ours:
        form: str = records[-1]["handed_out"]
        return form
    means = {form: _mean(records, form) for form in records[0]["quality"]}
    return max(means, key=lambda form: means[form])


def _mean(records: Sequence[dict[str, Any]], form: str) -> float:
    values = [record["quality"][form]["known"].get("mean", math.nan) for record in records]
    mean = statistics.mean(values)
    return mean if math.isfinite(mean) else -math.inf


def points(results: Results) -> list[Point]:
    """Return the point of every run that has a mean over all test sets."""
    found = []
    for run, records in results.shown().items():
        form, family = best_form(records), records[0]["family"]
        if _mean(records, form) == -math.inf:
            continue
        means = [record["quality"][form]["known"]["mean"] for record in records]
        found.append(
            Point(
                run,
                family,
                FAMILIES[family].is_ours,
                results.content["requests"][records[0]["key"]]["inputs"] == "words",
                statistics.median(record["wall_s"] for record in records),
                statistics.mean(means),
                statistics.stdev(means) if len(means) > 1 else None,
                form,
            )
        )
    return found


def envelope(found: Iterable[Point]) -> list[Point]:
    """Return the points that no other is both as quick and as good as, quickest first."""
    best: list[Point] = []
    for point in sorted(found, key=lambda each: (each.seconds, -each.quality)):
        if not best or point.quality > best[-1].quality:
            best.append(point)
    return best


def best_at(found: Iterable[Point], seconds: float) -> Point | None:
    """Return the best point that takes at most `seconds`, or None."""
    reached = [point for point in found if point.seconds <= seconds]
    return max(reached, key=lambda point: point.quality) if reached else None


def bars(found: Sequence[Point]) -> list[Bar]:
    """Return the three bars of a text."""
    ours = [point for point in found if point.is_ours]
    rivals = [point for point in found if not point.is_ours]
    plain = [[point for point in side if point.is_plain] for side in (ours, rivals)]
    return [_always_best(ours, rivals), *_ends(ours, rivals), _plain(*plain)]


def _always_best(ours: Sequence[Point], rivals: Sequence[Point]) -> Bar:
    name = "at every wall time the best line is ours"
    if not ours or not rivals:
        return Bar(name, None, "runs of both sides are needed")
    # Between a rival's runs only ours can rise, so that its runs are where to look.
    margins = [(_margin(ours, rival), rival) for rival in envelope(rivals)]
    margin, rival = min(margins, key=lambda each: each[0])
    return Bar(name, margin >= 0, f"At the narrowest {_versus(ours, rival)}")


def _ends(ours: Sequence[Point], rivals: Sequence[Point]) -> list[Bar]:
    found = []
    for family in dict.fromkeys(point.family for point in rivals):
        name = f"at the end of {FAMILIES[family].title}'s line ours is above it by {LEAD:.2f}"
        end = envelope(point for point in rivals if point.family == family)[-1]
        if not ours:
            found.append(Bar(name, None, "runs of both sides are needed"))
        else:
            # 0.32 - 0.30 is less than 0.02 in binary.
            is_met = _margin(ours, end) >= LEAD - 1e-9
            found.append(Bar(name, is_met, _versus(ours, end)))
    if not found:
        name = f"at the end of each rival's line ours is above it by {LEAD:.2f}"
        found.append(Bar(name, None, "runs of both sides are needed"))
    return found


def _plain(ours: Sequence[Point], rivals: Sequence[Point]) -> Bar:
    name = f"without subwords, level with the best plain rival in {TIME_SHARE:g} of its time"
    if not ours or not rivals:
        return Bar(name, None, "runs of both sides without subwords are needed")
    best = envelope(rivals)[-1]
    allowed = replace(best, seconds=TIME_SHARE * best.seconds)
    return Bar(name, _margin(ours, allowed) >= 0, _versus(ours, allowed))


def _margin(ours: Sequence[Point], rival: Point) -> float:
    best = best_at(ours, rival.seconds)
    return -math.inf if best is None else best.quality - rival.quality


def _versus(ours: Sequence[Point], rival: Point) -> str:
    """Return a sentence with both sides' figures at a rival's time."""
    theirs = f"{rival.run} ({rival.form}) {rival.quality:.3f}"
    best = best_at(ours, rival.seconds)
    if best is None:
        return f"no run of ours takes at most {rival.seconds:.1f} s; {theirs}"
    own = f"{best.run} ({best.form}) {best.quality:.3f} in {best.seconds:.1f} s"
    return f"{best.quality - rival.quality:+.3f} by {rival.seconds:.1f} s: {own}, {theirs}"
