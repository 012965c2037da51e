"""fastw2v beside other trainers: the same text for all, real processes, failures as rows."""

import errno
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from fastw2v.comparison import clock, runs
from fastw2v.comparison.clock import high_water_bytes, stop_clock, stop_clock_of_children
from fastw2v.comparison.comparing import ComparisonSettings
from fastw2v.comparison.machine import NOT_INSTALLED, describe_machine
from fastw2v.comparison.rivals import RIVALS
from fastw2v.comparison.runs import ComparedRun, alternate, train_once, training_environment
from fastw2v.comparison.stored import StoredVectors
from fastw2v.comparison.tables import as_markdown, tables_of
from fastw2v.comparison.text import prepare_text
from fastw2v.errors import ConfigurationError
from tests.support.compared import QUICK, request
from tests.support.programs import started


def test_gensim_is_compared_and_failing_rivals_are_rows(
    run, topics, tmp_path, stub, without_fasttext
):
    stub("echo no such luck >&2", "exit 1")
    targets = ("--json", tmp_path / "out.json", "--markdown", tmp_path / "out.md")
    status, out, errors = run(
        *("compare", topics, "--rivals", "gensim,word2vec,fasttext", "--rounds", "1"),
        *(*QUICK, *targets),
    )
    assert status == 0, errors
    found = json.loads((tmp_path / "out.json").read_text())
    ours, gensim, word2vec, fasttext = found["results"]
    for record in (ours, gensim):
        assert 0 < record["train_s"] < record["wall_s"]
        assert 0 < record["read_s"] < record["wall_s"]
        assert record["cpu_s"] > 0
        assert 1e7 < record["peak_bytes"] < 2e9
        assert record["tokens_per_s"] == pytest.approx(
            2 * found["corpus"]["tokens"] / record["wall_s"]
        )
        assert record["pairs_per_s"] > record["tokens_per_s"]
        assert record["workers"] == 1
        assert set(record["quality"]) == {"in", "in+out"}
        assert set(record["coverage"].values()) == {0.0}  # of words like t3w07
        assert record["own_nats"] > 0
        assert record["calibrated_nats"] < np.log(90) + 0.1
        assert record["settings"]["vector_size"] == 6
        assert record["settings"]["sample"] in (1e-5, 1e-3)
    assert "ended with status 1: no such luck" in word2vec["error"]
    assert word2vec["install"] == "pip install 'fastw2v[rivals]'"
    assert not word2vec["is_missing"]
    assert fasttext["is_missing"]
    assert "No module named fasttext" in fasttext["error"]
    assert found["corpus"]["tokens"] == 380 * 10
    assert found["corpus"]["held_out_tokens"] == 20 * 10
    assert found["machine"]["gensim"] != NOT_INSTALLED
    assert [record["tables"] for record in found["agreement"]] == [["in", "in"], ["in+out", "in"]]
    assert all(0 <= record["precision"] <= 1 for record in found["agreement"])
    assert "no such luck" in (tmp_path / "out.md").read_text()
    assert "luck" in out  # where the line is folded depends on the length of the program's path
    for shown in (out, (tmp_path / "out.md").read_text()):
        assert "pip install 'fastw2v[rivals]'" in shown
        assert "calibrated loss" in shown
    assert (tmp_path / "out.md").read_text() == as_markdown(found)
    assert "round 1: gensim" in errors


@pytest.mark.slow
def test_all_read_the_same_words(topics, tmp_path):
    pytest.importorskip("fasttext")
    pytest.importorskip("word2vec")
    texts = prepare_text(topics, tmp_path, tokenizer="words", window=5, min_count=2)
    counted = []
    for trainer in RIVALS:
        asked = request(trainer, texts.training, tmp_path)
        assert "error" not in train_once(asked)
        stored = StoredVectors.read(asked.vectors)
        counted.append(dict(zip(stored.words, stored.counts.tolist(), strict=True)))
    assert all(counts == counted[0] for counts in counted)
    assert len(counted[0]) == texts.vocabulary


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["fasttext", "fasttext-softmax"])
def test_fasttext_s_vectors_all_begin_with_values(topics, tmp_path, trainer):
    """Left to itself it gives them to a tenth, and to the rest what it finds in memory."""
    fasttext = pytest.importorskip("fasttext")
    vectors = []
    for _ in range(3):
        asked = request(trainer, topics, tmp_path, n_words=90)
        assert "error" not in train_once(asked)
        vectors.append(StoredVectors.read(asked.vectors).tables["in"])
    assert (vectors[0] != 0).any(axis=1).all()
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])
    named = {"dim": 300, "epoch": 0, "minCount": 2, "minn": 0, "maxn": 0, "thread": 1}
    plain = fasttext.train_unsupervised(str(topics), verbose=0, **named).get_input_matrix()
    # What it finds are zeros, or numbers of any size, or none.
    begun = (np.abs(plain) <= 1 / 300).all(axis=1) & (plain != 0).any(axis=1)
    assert not begun.all()


@pytest.mark.slow
def test_all_rivals_for_real(run, topics, tmp_path):
    pytest.importorskip("fasttext")
    pytest.importorskip("word2vec")
    rivals = "gensim,word2vec,fasttext,fasttext-softmax:40,fastw2v-negative,gensim:3"
    target = tmp_path / "out.json"
    status, _, errors = run(
        "compare", topics, "--rivals", rivals, "--rounds", "2", *QUICK, "--json", target
    )
    assert status == 0, errors
    found = json.loads(target.read_text())
    assert [record.get("error") for record in found["results"]] == [None] * 14
    by_run = {record["run"]: record for record in found["results"] if record["seed"] == 2}
    assert list(by_run) == ["fastw2v", *rivals.split(",")]
    assert by_run["gensim:3"]["epochs"] == 3
    for name, record in by_run.items():
        assert ("calibrated_nats" in record) == (name != "word2vec")
        assert record["wall_s"] > 0 < record["cpu_s"]
    # Who knows the topic has 15 words to choose from instead of 90.
    softmax = by_run["fasttext-softmax:40"]
    assert np.log(14) < softmax["own_nats"] < np.log(30)
    assert np.log(14) < softmax["calibrated_nats"] < np.log(30)
    with_itself = [r for r in found["agreement"] if r["first"] == r["second"]]
    assert len(with_itself) == 7


@pytest.mark.slow
def test_a_training_that_takes_too_long_is_ended_with_what_it_started(topics, tmp_path, stub):
    stub(f"echo $$ > {tmp_path}/pid", "sleep 300")
    began = time.monotonic()
    record = train_once(request("word2vec", topics, tmp_path), time_limit_s=6)
    assert time.monotonic() - began < 60
    assert record["error"] == "ended after the time limit of 6 s"
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        status = high_water_bytes(pid)
        if not status:
            break
        time.sleep(0.05)
    assert not status


@pytest.mark.slow
def test_a_training_that_is_ended_leaves_no_text_behind(topics, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    clear, found = runs.clear_abandoned_folders, []

    def noted():
        found.extend(temporary.glob(".fastw2v-*"))
        clear()

    monkeypatch.setattr(runs, "clear_abandoned_folders", noted)
    asked = request("fastw2v-negative", topics, tmp_path, epochs=1_000_000)
    assert "time limit" in train_once(asked, time_limit_s=15)["error"]
    assert len(found) == 1
    assert not list(temporary.iterdir())


def test_vectors_that_are_not_finite_are_a_row(run, topics, tmp_path, stub):
    (tmp_path / "nan.bin").write_bytes(b"1 2\nword " + np.full(2, np.nan, "f4").tobytes() + b"\n")
    (tmp_path / "vocabulary").write_text("word 9\n")
    stub(
        'while [ "$#" -gt 1 ]; do',
        f'  case "$1" in -output) cp {tmp_path}/nan.bin "$2" ;;',
        f'  -save-vocab) cp {tmp_path}/vocabulary "$2" ;; esac',
        "  shift 2",
        "done",
    )
    target = tmp_path / "out.json"
    options = (*QUICK, "--rounds", "1", "--json", target, "--quiet")
    status, _, errors = run("compare", topics, "--rivals", "word2vec", *options)
    assert (status, errors) == (0, "")
    results = json.loads(target.read_text())["results"]
    assert [(record["run"], "error" in record) for record in results] == [
        ("fastw2v", False),
        ("word2vec", True),
    ]
    assert "expected finite numbers, got others, first for 'word'" in results[1]["error"]


def test_a_process_that_dies_is_a_row(topics, tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "fasttext.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    record = train_once(request("fasttext", topics, tmp_path))
    assert record["error"].startswith("the process ended with status -6")


def test_every_process_gets_the_same_threads_and_no_pins(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = training_environment(3)
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "3"


@pytest.mark.skipif(not high_water_bytes("self"), reason="needs /proc")
def test_the_peak_is_the_child_s_own():
    """getrusage's includes that of the process that started it, here 300 MB and more."""
    held = np.ones(300 * 2**20, np.uint8)
    code = (
        "import resource\nfrom fastw2v.comparison.clock import stop_clock\n"
        "print(stop_clock().peak_bytes, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        env=training_environment(1),
        text=True,
    )
    own, by_getrusage = map(int, done.stdout.split())
    assert own < held.nbytes < by_getrusage


@pytest.mark.parametrize(("platform", "unit"), [("darwin", 1), ("linux", 1024)])
def test_getrusage_counts_bytes_on_macos(platform, unit, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(clock, "high_water_bytes", lambda process: 0)
    monkeypatch.setattr(sys, "platform", platform)
    found = stop_clock().peak_bytes
    assert found == unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert stop_clock_of_children(0.0, 0).peak_bytes == unit * of_children


def test_trainings_alternate_and_failures_are_not_repeated():
    asked = []

    def train(run, seed):
        asked.append((run.name, seed))
        return {"error": "broken"} if run.name == "gensim:2" else {"wall_s": 1.0}

    runs = [ComparedRun.parse(text, 5) for text in ("fastw2v", "gensim:2", "gensim")]
    records = list(alternate(runs, 3, train))
    first = [("fastw2v", 1), ("gensim:2", 1), ("gensim", 1)]
    assert asked == first + [(name, seed) for seed in (2, 3) for name in ("fastw2v", "gensim")]
    assert [(record["run"], record["seed"]) for record in records] == asked


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigurationError, match=r"expected some of fastw2v, .*, got 'glove'"):
        ComparisonSettings(rivals=["glove"])
    with pytest.raises(ConfigurationError, match=r"expected gensim:EPOCHS .* got 'gensim:0'"):
        ComparisonSettings(rivals=["gensim:0"])
    with pytest.raises(ConfigurationError, match="expected each once, got gensim, gensim"):
        ComparisonSettings(rivals=["gensim", "gensim"])
    with pytest.raises(ConfigurationError, match="rounds: expected at least 1"):
        ComparisonSettings(rounds=0)
    with pytest.raises(ConfigurationError, match="expected 'words' or 'subwords' to compare"):
        ComparisonSettings(inputs="features")
    with pytest.raises(ConfigurationError, match="min_n: expected at most max_n=3, got 4"):
        ComparisonSettings(inputs="subwords", min_n=4, max_n=3)
    with pytest.raises(ConfigurationError, match="max_n: expected to be left alone"):
        ComparisonSettings(max_n=7)
    with pytest.raises(ConfigurationError, match="fasttext_t: expected more than 0"):
        ComparisonSettings(fasttext_t=0.0)
    names = [run.name for run in ComparisonSettings(rivals=["gensim", "gensim:20"]).runs]
    assert names == ["fastw2v", "gensim", "gensim:20"]
    assert [run.name for run in ComparisonSettings(rivals=["gensim", "fastw2v:3"]).runs] == [
        "gensim",
        "fastw2v:3",
    ]


def test_a_function_is_a_plain_value_by_its_name():
    settings = ComparisonSettings(rivals=["gensim"], tokenizer=str.split)
    assert json.loads(json.dumps(asdict(settings)))["tokenizer"] == "builtins:str.split"
    with pytest.raises(ConfigurationError, match="tokenizer: expected one of"):
        ComparisonSettings(tokenizer="word")


@pytest.mark.parametrize("sample", [-1, 2, float("nan"), "abc"])
def test_a_threshold_that_is_none_is_refused(sample):
    with pytest.raises(ConfigurationError, match="sample: expected"):
        ComparisonSettings(sample=sample)


def test_without_subsampling_fasttext_keeps_every_token(topics, tmp_path, monkeypatch):
    """Its own 0 drops them all."""
    asked = {}

    def train_unsupervised(_, **named):
        asked.update(named)
        raise StopIteration

    stub = SimpleNamespace(train_unsupervised=train_unsupervised)
    monkeypatch.setitem(sys.modules, "fasttext", stub)
    with pytest.raises(StopIteration):
        RIVALS["fasttext"].train(request("fasttext", topics, tmp_path, sample=0.0))
    assert asked["t"] == 1


def fake(run, seed, **figures):
    quality = {"in": {"WordSim-353": 0.1 * seed, "SimLex-999": None, "mean": None}}
    named = {"wall_s": 2.0 * seed, "cpu_s": 1.0, "peak_bytes": seed * 2**20, "workers": 2}
    named |= {"tokens_per_s": 1e6, "pairs_per_s": 1e7, "quality": quality, **figures}
    return {"run": run, "seed": seed, **named}


def test_tables_have_medians_spreads_and_failures():
    results = [fake("fastw2v", 1, read_s=0.25), fake("gensim", 2, own_nats=2.5)]
    results += [fake("fastw2v", 3, read_s=0.75)]
    results.append({"run": "word2vec", "seed": 1, "error": "a|b", "install": "pip install x"})
    cost, quality = tables_of({"results": results, "agreement": []})
    assert cost.headings[2] == "gensim = 1"
    rows = {row[0]: row for row in cost.rows}
    assert rows["fastw2v"][1:4] == ["4.00", "1.000", "0.50"]
    assert rows["fastw2v"][7:] == ["3", "1,000,000", "10,000,000", "2"]
    assert rows["gensim"][3] == "-"
    assert rows["word2vec"][1] == "a|b; to install it: pip install x"
    assert [len(row) for row in cost.rows] == [len(cost.headings)] * 3
    assert "a\\|b" in "\n".join(cost.markdown())
    assert quality.rows == [
        ["fastw2v", "in", "0.200 ±0.141", "-", "-", "-", "-"],
        ["gensim", "in", "0.200", "-", "-", "2.500", "-"],
    ]


def test_nothing_but_failures_is_a_table_too():
    failure = {"run": "gensim", "seed": 1, "error": "broken", "install": "pip install gensim"}
    cost, quality = tables_of({"results": [failure], "agreement": []})
    assert len(cost.rows) == 1
    assert not quality.rows


def test_a_package_that_is_not_there_has_no_version():
    assert describe_machine("no-such-package")["no-such-package"] == NOT_INSTALLED


def test_outputs_that_cannot_be_written_are_told_before_training(run, topics, tmp_path):
    target = tmp_path / "none" / "out.json"
    status, out, errors = run("compare", topics, "--json", target)
    assert (status, out) == (2, "")
    assert "expected an existing folder to write to" in errors
    status, _, errors = run("compare", topics, "--json", tmp_path)
    assert status == 2
    assert "expected a file name, this is a folder" in errors
    same = tmp_path / "out.json"
    status, _, errors = run("compare", topics, "--json", same, "--markdown", same)
    assert status == 2
    assert "--json, --markdown: expected two files" in errors


def test_files_are_written_whoever_reads_standard_output(run, tmp_path, monkeypatch):
    def gone(found):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("fastw2v.cli.commands.compare.show", gone)
    monkeypatch.setattr("fastw2v.comparison.comparing.compare", lambda *_, **__: {"hours": 5})
    monkeypatch.setattr("fastw2v.comparison.tables.as_markdown", str)
    targets = ("--json", tmp_path / "out.json", "--markdown", tmp_path / "out.md")
    assert run("compare", "text", *targets)[0] != 0
    assert json.loads((tmp_path / "out.json").read_text()) == {"hours": 5}
    assert (tmp_path / "out.md").read_text() == "{'hours': 5}"


@pytest.mark.slow
def test_an_interrupt_ends_the_training_process_too(topics, tmp_path, stub):
    stub(f"echo $$ > {tmp_path}/pid", "sleep 300")
    command = [sys.executable, "-m", "fastw2v", "compare", topics, "--rivals", "word2vec", *QUICK]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = training_environment(1) | {"TMPDIR": str(temporary)}
    process = started(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    deadline = time.monotonic() + 240
    while not (tmp_path / "pid").is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)  # the stub has written its number
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.endswith("fastw2v: interrupted\n")
    assert not high_water_bytes(int((tmp_path / "pid").read_text()))
    assert not [path for path in temporary.iterdir() if path.name.startswith("fastw2v-")]
