"""A table of words to colour a map by: what it may be, and what page and command make of it."""

import json

import numpy as np
import pytest

from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.formats.vectors import Vectors
from fastw2v.report import ReportOptions, write_report
from fastw2v.report.columns import read_columns
from tests.report.test_report import array_of, data_of
from tests.report.test_report_unknown_words import needs_node, run_script

TABLE = "word\tkind\tyear\nw0\tnoun\t1.5\nw1\tverb\t\nw3\tnoun\t-2e3\nzebra\tnoun\t7\n"


@pytest.fixture(scope="module")
def vectors():
    table = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    return Vectors([f"w{k}" for k in range(30)], table)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text(TABLE)
    return path


def test_a_column_is_of_numbers_or_of_text(table):
    read = read_columns(table)
    assert list(read.words) == ["w0", "w1", "w3", "zebra"]
    kind, year = read.columns
    assert (kind.name, kind.is_numeric, kind.values["w1"]) == ("kind", False, "verb")
    assert (year.name, year.is_numeric) == ("year", True)
    assert year.values == {"w0": 1.5, "w3": -2000.0, "zebra": 7.0}
    table.write_text("word\tx\na\t1\nb\tnan\n")
    assert read_columns(table).columns[0].values == {"a": "1", "b": "nan"}


def test_windows_lines_and_words_with_blanks_are_taken(table):
    table.write_bytes("word\tx\r\nNew York\t1\r\né\t2".encode())
    assert read_columns(table).columns[0].values == {"New York": 1.0, "é": 2.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: expected word<TAB>NAME"),
        ("word\na\n", r"line 1: expected word<TAB>NAME"),
        ("word\tx\tx\na\t1\t2\n", r"each once, got 'word\\tx\\tx'"),
        ("word\t \na\t1\n", r"line 1: expected"),
        ("word\tx\na\t1\nb\n", r"line 3: expected 2 fields parted by tabs, as line 1 has, got 1"),
        ("word\tx\na\t1\n\na\t2\n", r"line 4: expected each word once, got 'a' again.* line 2"),
        ("word\tx\ty\na\t1\t\n", r"expected values in the column 'y', got none"),
        ("word\tx\n", r"expected values in the column 'x', got none"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(table, text, message):
    table.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_columns(table)


def test_what_is_no_text_is_refused(table, tmp_path):
    table.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(CorpusError):
        read_columns(table)
    with pytest.raises(CorpusError):
        read_columns(tmp_path / "nowhere.tsv")


def test_the_page_has_the_columns_in_the_order_of_its_words(vectors, table, tmp_path):
    options = ReportOptions("x", with_evaluation=False, columns=table)
    written = write_report(vectors, tmp_path / "page.html", options)
    assert written.n_words_without_place == 1
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    kind, year = data_of(page)["columns"]
    assert kind["name"] == "kind"
    assert kind["kinds"] == ["noun", "verb"]  # the largest first
    assert array_of(kind["of_word"], "<i4")[:5].tolist() == [0, 1, -1, 0, -1]
    numbers = array_of(year["numbers"], "<f8")
    assert numbers[[0, 3]].tolist() == [1.5, -2000]
    assert np.isnan(np.delete(numbers, [0, 3])).all()
    assert "1 of the 4 words of the given table are not on the map" in page.replace("\n", " ")


@needs_node
def test_numbers_are_the_user_s_on_the_page(vectors, table, tmp_path):
    """And each has a colour, however large all of them are together."""
    given = ["0.1", "1700000001", "1e+39", "-1.7e+308", "1.7e+308"]
    rows = "".join(f"w{k}\t{number}\n" for k, number in enumerate(given))
    table.write_text(f"word\tnumber\n{rows}")
    options = ReportOptions("x", with_evaluation=False, columns=table)
    write_report(vectors, tmp_path / "page.html", options)
    data = data_of((tmp_path / "page.html").read_text(encoding="utf-8"))
    code = """
    const element = () => ({ style: {}, append() {}, add() {}, addEventListener() {} });
    const legend = { replaceChildren() {}, append() {} };
    const painted = {};
    Object.assign(globalThis, {
      colour: () => "#102030", onSchemeChange() {}, document: { createElement: element },
      Option: class {},
    });
    const map = { colour: (colours) => (painted.colours = colours) };
    const { columns } = given;
    const colouring = new Colouring({ ...given, clusters: null, columns }, map, element(), legend);
    answer = [given.words.slice(0, 6).map((_, id) => colouring.rowOf(id)[0]), painted.colours];
    """
    cells, colours = run_script(code, data, more=["colours.js"])
    assert cells == [*given, ""]
    assert all(isinstance(colour, str) for colour in colours)


def test_a_table_of_other_words_is_refused_before_the_work(vectors, table, tmp_path):
    table.write_text("word\tx\nzebra\t1\n")
    options = ReportOptions("x", with_evaluation=False, columns=table)
    with pytest.raises(ConfigurationError, match="got none of them in 1 lines; the first is 'zeb"):
        write_report(vectors, tmp_path / "page.html", options)
    assert not (tmp_path / "page.html").exists()


def test_hostile_values_stay_inside_their_element(vectors, tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text("word\t</script><b>\nw1\t<!--<script>\n")
    options = ReportOptions("x", with_evaluation=False, columns=table)
    write_report(vectors, tmp_path / "page.html", options)
    (column,) = data_of((tmp_path / "page.html").read_text())["columns"]
    assert (column["name"], column["kinds"]) == ("</script><b>", ["<!--<script>"])


def test_the_command_says_what_is_not_on_the_map(run, model_folder, table, tmp_path):
    target = tmp_path / "page.html"
    asked = ("report", model_folder, "-o", target, "--no-evaluation", "--columns", table)
    status, shown, errors = run(*asked, "--clusters", "2", "--log-json")
    assert (status, shown) == (0, f"{target}\n")
    notices = [json.loads(line) for line in errors.splitlines()]
    sentences = " ".join(str(notice) for notice in notices)
    assert f"{table}: 1 words are not on the map" in sentences
    data = data_of(target.read_text(encoding="utf-8"))
    assert len(data["clusters"]["names"]) == 2
    assert [column["name"] for column in data["columns"]] == ["kind", "year"]
    table.write_text("word\tx\nw1\n")
    status, _, errors = run(*asked, "--quiet")
    assert status == 2
    assert "line 2: expected 2 fields" in errors
