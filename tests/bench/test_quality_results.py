"""What is planned, what makes two runs the same, and the file that finished runs are kept in."""

import json
import subprocess
import sys

import pytest
import quality.results as results_file
from quality.plan import FAMILIES, added, chosen, tuned
from quality.results import Results, locked

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError, OutputError
from tests.bench.quality_made import BASE, RUNS, planned_run, record, results


def test_every_family_is_tuned_and_each_run_is_another():
    assert {run.family for run in RUNS.values()} == set(FAMILIES)
    rivals = [run for run in RUNS.values() if not FAMILIES[run.family].is_ours]
    assert {(r.request.epochs, r.request.sample) for r in rivals} == {
        (epochs, sample) for epochs in (5, 20) for sample in (1e-3, 1e-4)
    }
    assert len(rivals) == 12
    assert len({run.key() for run in RUNS.values()}) == len(RUNS)
    assert RUNS["fastText 5 x t 0.001"].request.inputs == "subwords"
    assert {run.request.trainer for run in tuned(BASE, epochs=[3], samples=[0.1])} == {
        family.trainer for family in FAMILIES.values()
    }
    assert "gensim 3 x sample 0.1" in {run.name for run in tuned(BASE, epochs=[3], samples=[0.1])}


def test_a_run_can_be_added():
    run = planned_run("negative", epochs=7, sample=1e-5, ns_exponent=0.5, negative=9)
    assert run.name == "negative 7 x sample 1e-05 ns_exponent 0.5 negative 9"
    assert run.request.settings == {"objective": "negative", "ns_exponent": 0.5}
    assert run.request.negative == 9
    assert run.identity()["settings"]["ns_exponent"] == 0.5
    assert run.identity()["settings"]["negative"] == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("glove={}", "expected one of exact"),
        ("exact", "expected exact=JSON"),
        ("exact={epochs: 3}", "expected exact=JSON"),
        ("exact=[3]", "expected an object"),
    ],
)
def test_what_cannot_be_added_is_refused(text, message):
    with pytest.raises(ConfigurationError, match=message):
        added(BASE, text)


def test_settings_that_ours_refuses_are_refused_before_hours_of_work():
    with pytest.raises(ConfigurationError, match="ns_exponent"):
        added(BASE, 'exact={"ns_exponent": 0.5}').key()


def test_runs_are_chosen_by_name_and_family():
    runs = list(RUNS.values())
    assert chosen(runs, None) == runs
    assert [run.name for run in chosen(runs, ["exact 5", "word2vec.c"])][:2] == [
        "exact 5",
        "word2vec.c 5 x sample 0.001",
    ]
    assert len(chosen(runs, ["rivals"])) == 12
    assert [run.family for run in chosen(runs, ["ours"])][-1] == "hierarchical"
    assert len(chosen(runs, ["ours", "rivals", "exact"])) == len(runs)
    with pytest.raises(ConfigurationError, match="got glove, exact 4"):
        chosen(runs, ["exact", "glove", "exact 4"])


def test_a_run_is_the_same_whatever_its_place_and_another_with_other_settings(monkeypatch):
    run = RUNS["exact 5"]
    moved = type(run)(run.name, run.family, type(run.request)(
        **{**vars(run.request), "corpus": "b", "vectors": "c", "seed": 9}))  # fmt: skip
    assert moved.key() == run.key()
    assert planned_run("exact", epochs=5, window=4).key() != run.key()
    before = run.key()
    # A default that follows from others, and that a later version may choose otherwise.
    monkeypatch.setitem(sys.modules["fastw2v.config.defaults"].SAMPLES, "softmax", 1e-4)
    assert Hyperparameters().sample == 1e-4
    assert run.key() != before
    assert (
        RUNS["gensim 5 x sample 0.001"].key() == planned_run("gensim", epochs=5, sample=1e-3).key()
    )


def test_what_is_there_is_found_again_and_nothing_else(tmp_path):
    names = ("exact 5", "gensim 5 x sample 0.001")
    measured = [(name, record(2.0, 0.3)) for name in names]
    written = results(tmp_path, measured, planned=(*names, "exact 3"), seeds=(1, 2))
    read = Results.read(written.path)
    assert read.content == written.content
    assert all(read.has(RUNS[name], 1) for name in names)
    assert not read.has(RUNS["exact 5"], 2)
    assert not read.has(RUNS["exact 3"], 1)
    assert not read.has(planned_run("exact", epochs=5, window=4), 1)
    assert read.missing() == {names[0]: [2], names[1]: [2], "exact 3": [1, 2]}
    assert list(read.shown()) == list(names)


def test_runs_of_other_settings_are_left_out_and_told(tmp_path):
    found = results(tmp_path, [("exact 5", record(2.0, 0.3))])
    other = planned_run("exact", epochs=5, window=4)
    renamed = type(other)("exact 5", "exact", other.request)
    found.plan([renamed], [1])
    assert found.shown() == {}
    assert found.left_out() == 1
    found.add(renamed, record(2.0, 0.4))
    assert [each["quality"]["in"]["known"]["mean"] for each in found.shown()["exact 5"]] == [0.4]
    assert found.left_out() == 1


def test_a_run_that_is_done_again_takes_the_place_of_the_earlier_one(tmp_path):
    found = results(tmp_path, [("exact 5", record(2.0, 0.3)), ("exact 3", record(1.0, 0.2))])
    assert found.has(RUNS["exact 5"], 1, "aaaa")
    assert not found.has(RUNS["exact 5"], 1, "bbbb")
    found.add(RUNS["exact 5"], record(7.0, 0.3, sources="bbbb"))
    assert [each["wall_s"] for each in Results.read(found.path).content["results"]] == [1.0, 7.0]
    assert found.has(RUNS["exact 5"], 1, "bbbb")


def test_a_file_is_of_one_corpus_and_one_choice_of_sets(tmp_path):
    path = results(tmp_path, [("exact 5", record(2.0, 0.3))]).path
    given = {"title": "", "corpus": {"sha256": "c"}, "sets": {"s": "d"}}
    assert Results.begin(path, **given).content["title"] == "made"
    with pytest.raises(ConfigurationError, match="another corpus"):
        Results.begin(path, **{**given, "corpus": {"sha256": "e"}})
    with pytest.raises(ConfigurationError, match="other test sets"):
        Results.begin(path, **{**given, "sets": {"s": "d", "t": "f"}})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "other"}', "null"])
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path, text):
    path = tmp_path / "q.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"q\.json: expected a file that this program"):
        Results.begin(path, title="", corpus={}, sets={})
    assert path.read_text() == text


def test_a_record_is_a_line(tmp_path):
    path = results(tmp_path, [("exact 5", record(2.0, 0.3)), ("exact 3", record(1.0, 0.2))]).path
    lines = path.read_text().splitlines()
    records = [line for line in lines if '"wall_s"' in line]
    assert [json.loads(line.rstrip(","))["run"] for line in records] == ["exact 5", "exact 3"]


def test_a_figure_that_is_none_is_not_written(tmp_path):
    found = results(tmp_path, [("exact 5", record(2.0, 0.3))])
    before = found.path.read_text()
    with pytest.raises(ValueError, match="JSON"):
        found.add(RUNS["exact 3"], record(float("nan"), 0.3))
    assert found.path.read_text() == before


HOLDING = """
import sys
from pathlib import Path
from quality.results import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(results_file.fcntl is None, reason="needs locks of files")
def test_two_processes_do_not_write_to_one_file(tmp_path):
    path = tmp_path / "q.json"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
        text=True,
    )
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="no other process"), locked(path):
            pass
        process.kill()  # the lock goes with the process, its file may stay
        process.wait()
        with locked(path):
            pass
    finally:
        process.kill()
        process.communicate()
    assert list(tmp_path.iterdir()) == []
