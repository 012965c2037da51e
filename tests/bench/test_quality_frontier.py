"""The best line through points, and the bars, each with figures that must not pass it."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.frontier import LEAD, Bar, Point, bars, best_at, best_form, envelope, points

from tests.bench.quality_made import record, results

QUICK, LATE, END, PLAIN = range(4)  # places of the bars of `found` below


def point(family, seconds, quality, *, is_plain=True):
    is_ours = family in ("exact", "subwords")
    return Point(f"{family} at {seconds}", family, is_ours, is_plain, seconds, quality)


made = st.lists(st.builds(point, st.just("gensim"), st.floats(1, 9), st.floats(-1, 1)), max_size=12)


@given(made, st.floats(1, 9))
def test_the_line_is_what_is_best_in_so_much_time(found, seconds):
    line = envelope(found)
    assert line == sorted(line, key=lambda each: (each.seconds, each.quality))
    assert len({each.quality for each in line}) == len(line) == len({p.seconds for p in line})
    by_hand = [each.quality for each in found if each.seconds <= seconds]
    for best in (best_at(found, seconds), best_at(line, seconds)):
        assert (best.quality if best else None) == (max(by_hand) if by_hand else None)


@pytest.fixture
def found():
    """All bars are met: gensim's best is .30 after 40 s, fastText's .33 after 60 s."""
    return [
        point("exact", 2, 0.25),
        point("exact", 9, 0.31),
        point("exact", 70, 0.29),
        point("subwords", 20, 0.36, is_plain=False),
        point("gensim", 10, 0.20),
        point("gensim", 40, 0.30),
        point("gensim", 80, 0.28),
        point("fastText", 60, 0.33, is_plain=False),
    ]


def outcomes(found):
    return [bar.is_met for bar in bars(found)]


def without(found, family):
    return [each for each in found if each.family != family]


def test_all_bars_are_met(found):
    assert outcomes(found) == [True, True, True, True]
    names = [bar.name for bar in bars(found)]
    assert "gensim's line" in names[1]
    assert "fastText's line" in names[2]
    assert "exact at 9 (in) 0.310 in 9.0 s" in bars(found)[3].why
    assert "by 10.0 s" in bars(found)[3].why


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # a rival is there before ours has begun
        ({"gensim at 10": {"seconds": 1.0}}, [False, True, True, True]),
        # a rival is better for a while, although ours is ahead in the end; and its line ends there
        ({"gensim at 10": {"quality": 0.315}}, [False, False, True, False]),
        (
            {"gensim at 10": {"quality": 0.315}, "gensim at 40": {"quality": 0.32}},
            [False, True, True, False],
        ),
        # ours is above at the end of fastText's line, by too little
        ({"subwords at 20": {"quality": 0.345}}, [True, True, False, True]),
        ({"subwords at 20": {"quality": 0.33 + LEAD}}, [True, True, True, True]),
        # as good, and too late for a quarter of the time
        ({"exact at 9": {"seconds": 10.1}}, [True, True, True, False]),
        # plain ours is worse; subwords do not help it
        ({"exact at 9": {"quality": 0.299}}, [True, True, True, False]),
        # a rival with subwords is no plain rival
        ({"fastText at 60": {"quality": 0.34, "is_plain": False}}, [True] * 4),
        ({"fastText at 60": {"quality": 0.34, "is_plain": True}}, [True, True, True, False]),
    ],
)
def test_figures_that_fail_a_bar_fail_it(found, change, expected):
    changed = [replace(each, **change.get(each.run, {})) for each in found]
    assert changed != found
    assert outcomes(changed) == expected


def test_the_end_of_a_line_is_its_best_run_not_its_longest(found):
    assert "gensim at 40 (in) 0.300" in bars(found)[1].why
    # In between ours is far better; what counts is what it has when the rival gets there.
    late = [replace(each, seconds=50) if each.run == "subwords at 20" else each for each in found]
    assert outcomes(late)[1] is False
    assert "+0.010 by 40.0 s" in bars(late)[1].why


def test_what_is_not_measured_is_not_judged(found):
    rivals = [each for each in found if not each.is_ours]
    assert set(outcomes(rivals)) == {None}
    assert set(outcomes([each for each in found if each.is_ours])) == {None}
    assert outcomes([]) == [None, None, None]
    assert outcomes(without(found, "exact"))[-1] is None  # nothing plain is ours
    assert [bar.is_met for bar in bars(without(found, "gensim"))] == [True, True, None]
    assert all(isinstance(bar, Bar) and bar.why for bar in bars(rivals))


def test_a_point_is_the_median_time_and_the_mean_over_seeds(tmp_path):
    of_run = [record(seconds, mean, seed=s) for s, seconds, mean in
              ((1, 3.0, 0.2), (2, 50.0, 0.4), (3, 4.0, 0.3))]  # fmt: skip
    found = results(tmp_path, [("exact 5", each) for each in of_run])
    (one,) = points(found)
    assert (one.seconds, one.form, one.is_ours, one.is_plain) == (4.0, "in", True, True)
    assert one.quality == pytest.approx(0.3)
    assert one.spread == pytest.approx(0.1)


def test_ours_is_what_is_handed_out_and_a_rival_s_is_its_best(tmp_path):
    both = record(3.0, 0.2, form="in+out", other=0.5)
    names = ("exact 5", "subwords 5", "gensim 5 x sample 0.001", "fastText 5 x t 0.001")
    found = points(results(tmp_path, [(name, both) for name in names]))
    assert [(each.form, each.quality) for each in found] == [
        ("in+out", 0.2),
        ("in+out", 0.2),
        ("in", 0.5),
        ("in", 0.5),
    ]
    assert [each.is_plain for each in found] == [True, False, True, False]


def test_a_run_without_a_mean_is_no_point(tmp_path):
    lacking = record(3.0, 0.2, form="in+out", other=0.5)
    for scores in lacking["quality"].values():
        del scores["known"]["mean"]
    measured = [("gensim 5 x sample 0.001", lacking), ("exact 5", record(3.0, 0.2))]
    assert [each.run for each in points(results(tmp_path, measured))] == ["exact 5"]
    del lacking["quality"]["in"]
    assert best_form([{**lacking, "family": "gensim"}]) == "in+out"
    assert not math.isnan(record(1, 2)["wall_s"])
