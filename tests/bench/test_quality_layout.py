"""Tables and picture from what is there, with what is missing."""

import re

import pytest
from quality.frontier import points
from quality.layout import (
    bar_lines,
    document,
    line_table,
    missing_lines,
    notes,
    notes_of_runs,
    run_table,
)
from quality.picture import STYLES, draw
from quality.plan import FAMILIES
from quality.results import Results

from tests.bench.quality_made import MACHINE, record, results

GENSIM = "gensim 5 x sample 0.001"


@pytest.fixture
def found(tmp_path):
    measured = [
        ("exact 5", record(2.0, 0.3, form="in+out", other=0.4)),
        ("exact 5", record(3.0, 0.32, form="in+out", other=0.4, seed=2)),
        (GENSIM, record(20.0, 0.1, other=0.2)),
    ]
    return results(tmp_path, measured, planned=("exact 5", "exact 3", GENSIM), seeds=(1, 2))


def test_runs_are_rows_with_the_vectors_that_count(found):
    heading, _, exact, gensim = run_table(found)
    assert heading.split(" | ")[2:7] == ["wall s", "CPU s", "peak MiB", "vectors", "mean"]
    assert "| exact 5 | 2 | 2.5 | 5.0 | 256 | in+out | 0.310 ±0.014 |" in exact
    assert f"| {GENSIM} | 1 | 20.0 | 40.0 | 256 | in+out | 0.200 | 0.200 | 0.100 |" in gensim
    assert heading.endswith("| WordSim-353 | WordSim-353, all pairs |")
    every = run_table(found, every_form=True)
    assert len(every) == 2 + 4
    assert sum("| in | 0.400" in line for line in every) == 1


def test_a_set_with_few_unknown_words_is_there_once(tmp_path):
    few = record(2.0, 0.3, covered={"WordSim-353": [349, 353]})
    text = "\n".join(document(results(tmp_path, [("exact 5", few)])))
    assert "all pairs" not in text
    assert "unknown" not in text


def test_lines_are_by_trainer(found):
    rows = line_table(found)[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| fastw2v, exact", "| gensim"]


def test_what_is_missing_is_said(found):
    assert missing_lines(found)[0] == f"Not measured: seeds 1, 2 of exact 3; seed 2 of {GENSIM}."
    text = "\n".join(document(found))
    assert "Not measured" in text
    assert "Runs are missing" in text
    assert "249 of 353 of WordSim-353" in text
    by_ngrams = "104 of 353 pairs of WordSim-353 have an unknown word; vectors by n-grams have"
    assert f"{by_ngrams} fastw2v, exact for 99, gensim for 99." in text
    assert text.count("**met**") == 3  # all but the bar that needs time enough for two seeds
    found.content["planned"].pop("exact 3")
    found.content["seeds"] = [1]
    assert missing_lines(found) == []
    assert "Not measured" not in "\n".join(document(found))


def test_a_bar_that_is_not_met_is_said(tmp_path):
    slow = results(tmp_path, [("exact 5", record(21.0, 0.3)), (GENSIM, record(20.0, 0.1))])
    assert ["not met" in line for line in bar_lines(slow)] == [True, True, True]
    assert "no run of ours takes at most 20.0 s" in bar_lines(slow)[0]


def test_nothing_measured_is_said(tmp_path):
    empty = Results.begin(tmp_path / "q.json", title="made", corpus={}, sets={})
    text = "\n".join(document(empty))
    assert "No run has been measured." in text
    assert text.count("cannot be said") == 3


def test_figures_of_different_origin_are_told_apart(tmp_path):
    changed = record(2.0, 0.3, seed=2, machine={**MACHINE, "cpu": "two"}, sources="bbbb")
    runs = [("exact 5", record(2.0, 0.3)), ("exact 5", changed), ("exact 1", record(1.0, 0.2))]
    mixed = results(tmp_path, runs)
    text = "\n".join(notes(mixed))
    assert "cpu one and two" in text
    assert "more than one machine and cannot be compared. On two, " in text
    assert " cores: exact 5.\n" in text
    assert "2 states of its sources" in text
    changed = record(2.0, 0.3, seed=2, machine={**MACHINE, "gensim": "4.4"})
    (tmp_path / "q.json").unlink()
    mixed = results(tmp_path, [("exact 5", record(2.0, 0.3)), ("exact 5", changed)])
    text = "\n".join(notes(mixed))
    assert "states of its sources" not in text
    assert "gensim 4.4" in text
    assert "more than one machine" not in text


def test_what_was_noted_of_a_run_is_told(tmp_path):
    busy = record(9.0, 0.3, note="made beside other work")
    found = results(tmp_path, [("exact 5", busy), (GENSIM, record(2.0, 0.1))])
    assert notes(found)[-1] == "exact 5: made beside other work."
    assert notes_of_runs(found) == notes(found)[-1:]


def test_the_picture_follows_the_scheme_and_is_the_same_each_time(found, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        draw(points(found), tmp_path / name, "costs $5 and $6")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert "prefers-color-scheme: dark" in text
    colours = set(re.findall(r"#[0-9a-f]{6}", text)) - {"#1f2328", "#ffffff", "#e6edf3", "#0d1117"}
    # Whatever is not a line has one of the scheme's colours; clips and defaults have none.
    assert colours <= {colour for colour, _ in STYLES.values()}
    assert "fastw2v, exact" in text
    assert "costs $5 and $6" in text
    assert len(text) < 60_000


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ground", ["#ffffff", "#0d1117"])
def test_lines_stand_out_from_both_grounds(ground):
    assert set(STYLES) == set(FAMILIES)
    for colour, _ in STYLES.values():
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour
