"""The traps of docs/input.md, "Fields": each ends in the right words, or says what there is."""

import gzip
import re
from collections import Counter
from pathlib import Path

import pytest

from fastw2v import Source, Word2Vec
from fastw2v.errors import CorpusError
from tests.support.field_sources import parquet, zipped
from tests.support.traps_made import QUICK, counts_of

PAGE = Path(__file__).parents[2] / "docs" / "input.md"


def written(name, data):
    def make(folder):
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return folder / name

    return make


SAID = '{"text": "the cat sat"}\n'
WORDS = Counter(["the", "cat", "sat"])


# What is made, the options, and the words, or what the error says.
TRAPS = {
    "JSON lines without a field": (
        written("a.jsonl", '{"id": 1, "of": {"text": "x"}}\n'),
        {},
        r"a\.jsonl: .*JSON lines; it has 'id', 'of\.text'; name one with --field",
    ),
    "JSON lines that are called text": (
        written("a.txt", SAID), {}, "JSON lines; it has 'text'; .*--read-as text",
    ),
    "JSON lines, to be read as text": (
        written("a.txt", SAID), {"read_as": "text"}, WORDS + Counter(["text"]),
    ),
    "a field that JSON lines do not have": (
        written("a.jsonl", SAID), {"field": "txt"}, "one of its fields 'text', got 'txt'",
    ),
    "a line that is no JSON": (
        written("a.jsonl", SAID + "the cat\n"), {"field": "text"}, r"a\.jsonl, line 2: .*JSON.*jq",
    ),
    "an array of JSON": (
        written("a.json", '[{"text": "a b"},\n {"text": "b"}]\n'), {"field": "text"},
        "line 1: .*jq",
    ),
    "a field that holds a number": (
        written("a.jsonl", SAID + '{"text": 5}\n'), {"field": "text"},
        r"line 2: .*got an int \(5\)",
    ),
    "a field that holds fields": (
        written("a.jsonl", '{"text": {"en": "a b"}}\n'), {"field": "text"},
        r"line 1: .*fields of its own \('en'\)",
    ),
    "blank lines, a mark and CRLF in JSON lines": (
        written("a.jsonl", "\ufeff\r\n" + SAID.replace("\n", "\r\n") + "\n \n"),
        {"field": "text"},
        WORDS,
    ),
    "a lone surrogate in JSON": (
        written("a.jsonl", SAID + '{"text": "\\ud800"}\n'), {"field": "text"}, "line 2: ",
    ),
    "JSON lines that are not UTF-8": (
        written("a.jsonl", SAID.encode() + b'{"text": "caf\xe9"}\n'), {"field": "text"},
        "byte 0xe9 at byte offset 37",
    ),
    "a missing value": (
        written("a.jsonl", SAID + '{"text": null}\n{}\n'), {"field": "text"}, WORDS,
    ),
    "nothing but missing values": (
        written("a.jsonl", '{"text": null}\n' * 3), {"field": "text"}, "got 3 lines or sentences",
    ),
    "CSV without a column": (
        written("a.csv", "id,text\n1,the cat\n"), {}, "a CSV file; it has 'id', 'text'",
    ),
    "a column that CSV does not have": (
        written("a.csv", "id,text\n1,the cat\n"), {"field": "txt"},
        "fields 'id', 'text', got 'txt'",
    ),
    "a number beyond the columns": (
        written("a.csv", "1,the cat\n"), {"field": 3}, r"number of a column, 1 to 2, got 3",
    ),
    "a name that two columns have": (
        written("a.csv", "text,text\na,b\n"), {"field": "text"}, "got 2 of that name",
    ),
    "quoted cells": (
        written("a.csv", '\ufefftext,id\n"the ""cat"",\nsat",1\n'), {"field": "text"}, WORDS,
    ),
    "blank lines before CSV": (
        written("a.csv", "\ufeff\r\n\ntext,id\r\nthe cat sat,1\r\n"), {"field": "text"}, WORDS,
    ),
    "an empty cell": (written("a.csv", "id,text\n1,the cat sat\n2,\n"), {"field": "text"}, WORDS),
    "a row with more cells": (
        written("a.csv", "id,text\n1,the cat\n2,a,b\n"), {"field": "text"}, "Expected 2 columns",
    ),
    "a quote that is not closed": (
        written("a.csv", 'id,text\n1,"the cat\n2,b\n'), {"field": "text"}, "quotes that are closed",
    ),
    "an empty CSV file": (written("a.csv", ""), {"field": "text"}, "its fields none, got 'text'"),
    "a damaged compressed CSV file": (
        written("a.csv.gz", gzip.compress(b"id,text\n" + b"1,a b c\n" * 9000)[:-9]),
        {"field": "text"},
        r"a\.csv\.gz: expected whole \.gz data",
    ),
    "CSV that is not UTF-8": (
        written("a.csv", b"id,text\n1,caf\xe9\n"), {"field": "text"}, r"row 2: .*byte 0xe9",
    ),
    "Parquet without a column": (
        lambda folder: parquet(folder / "a.parquet"), {},
        "a Parquet file; it has 'text', 'inner.text'",
    ),
    "a column of numbers": (
        lambda folder: parquet(folder / "a.parquet"), {"field": "id"},
        "text or list fields 'text', 'inner.text', got 'id'",
    ),
    "a Parquet file cut short": (
        lambda folder: written(
            "b.parquet", parquet(folder / "a.parquet").read_bytes()[:-9]
        )(folder),
        {"field": "text"},
        r"b\.parquet: expected a whole parquet file",
    ),
    "a compressed Parquet file": (
        lambda folder: zipped(parquet(folder / "a.parquet")), {"field": "text"}, "decompress it",
    ),
    "plain text with a field": (
        written("a.txt", "the cat\n"), {"field": "text"}, "field 'text', got plain text.*--read-as",
    ),
    "text that begins with a brace": (written("a.txt", "{the cat sat}\n"), {}, WORDS),
    "a pattern that nothing matches": (lambda folder: folder / "*.csv", {}, "match, found none"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_of_fields_through_the_api(tmp_path, name):
    make, options, expected = TRAPS[name]
    source, notices = Source(make(tmp_path), **options), []
    model = Word2Vec(**QUICK)
    if isinstance(expected, str):
        with pytest.raises(CorpusError, match=expected) as caught:
            model.fit(source)
        assert "\n" not in str(caught.value)
        return
    model.fit(source, notice=notices.append)
    assert counts_of(model) == expected
    is_missing = "missing value" in name or name == "an empty cell"
    assert bool(model.summary.n_missing) == is_missing
    assert any("missing in 1 source" in notice for notice in notices) == is_missing


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_of_fields_through_the_command_line(run, tmp_path, name):
    make, options, expected = TRAPS[name]
    words = []
    for option, value in (options | QUICK).items():
        words += [f"--{option.replace('_', '-')}", str(value)]
    status, shown, errors = run("train", make(tmp_path), "-o", tmp_path / "model", *words)
    if isinstance(expected, str):
        assert (status, shown) == (2, "")
        assert re.search(expected, errors.splitlines()[-1])
        assert "Traceback" not in errors
        assert not (tmp_path / "model").exists()
        return
    assert status == 0, errors
    assert counts_of(Word2Vec.load(tmp_path / "model")) == expected


def test_the_page_lists_the_traps_of_fields():
    section = PAGE.read_text(encoding="utf-8").split("## Fields")[1].split("\n## ")[0]
    table_of_traps = section.split("| what comes |")[1]
    listed = re.findall(r"^\| (.+?) \| .+ \|$", table_of_traps, re.MULTILINE)
    assert sorted(listed) == sorted(TRAPS)
