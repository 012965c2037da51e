"""What bench_quality.py measured, in BENCHMARKS.md and README.md."""

import pytest
import write_benchmarks

from tests.bench.quality_made import record, results

GENSIM = "gensim 5 x sample 0.001"


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A repository with results of two texts, the larger of which has no run yet."""
    folder = tmp_path / "bench" / "results"
    folder.mkdir(parents=True)
    runs = [("exact 5", record(2.0, 0.3)), ("exact 3", record(1.0, 0.2))]
    runs.append((GENSIM, record(20.0, 0.1, note="made beside other work")))
    small = results(folder, runs, planned=("exact 5", "exact 3", GENSIM), seeds=(1, 2))
    small.content["corpus"]["bytes"] = 10
    small.write()
    small.path.rename(folder / "quality-small.json")
    large = results(folder, [])
    large.content["corpus"]["bytes"] = 20
    large.write()
    large.path.rename(folder / "quality-large.json")
    monkeypatch.setattr(write_benchmarks, "HERE", tmp_path / "bench")
    monkeypatch.setattr(write_benchmarks, "RESULTS", folder)
    return write_benchmarks.quality_files()


def test_what_was_measured_is_a_section(measured):
    assert [path.name for path in measured] == ["quality-small.svg"]
    text = "\n".join(write_benchmarks.quality_section(measured))
    assert "![quality against time, made](bench/results/quality-small.svg)" in text
    assert "| exact 3 | 1 | 1.0 |" in text
    assert "Not measured: seed 2 of exact 5, exact 3" in text
    assert "**met**" in text


def test_the_readme_has_the_end_of_each_line(measured):
    lines = write_benchmarks.quality_summary(measured)
    assert "| fastw2v, exact | exact 5 | 2.0 | 0.300 |" in lines
    assert f"| gensim | {GENSIM} | 20.0 | 0.100 |" in lines
    assert not any("exact 3 |" in line for line in lines)
    assert any("Not measured" in line for line in lines)
    assert f"{GENSIM}: made beside other work." in lines


def test_without_results_there_is_nothing():
    assert write_benchmarks.quality_section({}) == []
    assert write_benchmarks.quality_summary({}) == []


def test_tables_are_put_between_marks_again_and_again(tmp_path, measured):
    document = tmp_path / "README.md"
    document.write_text("before\n\n<!-- quality -->\n<!-- end of quality -->\n\nafter\n")
    tables = {"quality": write_benchmarks.quality_summary(measured)}
    write_benchmarks.put(document, tables)
    once = document.read_text()
    write_benchmarks.put(document, tables)
    assert document.read_text() == once
    assert once.startswith("before\n\n<!-- quality -->\n\n![quality")
    assert once.endswith("<!-- end of quality -->\n\nafter\n")
