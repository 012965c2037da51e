"""Text that is not UTF-8: refused, replaced or left out, and counted as Python's decoder counts."""

import codecs
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Word2Vec
from fastw2v.errors import TextEncodingError
from fastw2v.text.corpus import open_corpus
from fastw2v.text.encoding import Repairs, valid_utf8
from tests.support.traps_made import QUICK, holding, options

INVALID = b"caf\xe9 noir\ngood \xe2\x82 \xff\xfe\n"


class Counting:
    """An error handler for Python's decoder that counts how often it is called, and where."""

    def __init__(self):
        self.places = []

    def __call__(self, error):
        self.places.append(error.start)
        return "\ufffd", error.end


bytes_of_all_kinds = st.lists(
    st.one_of(
        st.binary(max_size=4),
        st.sampled_from(
            [b"\n", b" ", b"a", b"\xef\xbf\xbd", b"\xef\xbf", b"\xe2\x82", b"\xf0\x9f"]
        ),
        st.text(max_size=3).map(lambda text: text.encode(errors="ignore")),
    ),
    max_size=30,
).map(b"".join)


@settings(deadline=None)
@given(bytes_of_all_kinds)
def test_repairs_are_those_of_python_and_counted(data):
    counting = Counting()
    codecs.register_error("fastw2v-test-counting", counting)
    replaced = data.decode(errors="fastw2v-test-counting")
    for errors, expected in (("replace", replaced), ("ignore", data.decode(errors="ignore"))):
        repairs = Repairs()
        assert valid_utf8(data, "file", 100, errors, repairs) == expected.encode()
        assert repairs.n_sequences == len(counting.places)
        assert repairs.n_files == (len(counting.places) > 0)
        if counting.places:
            assert repairs.first == f"file at byte offset {100 + counting.places[0]}"
    if counting.places:
        with pytest.raises(TextEncodingError, match=f"byte offset {100 + counting.places[0]} "):
            valid_utf8(data, "file", 100, "strict", Repairs())
    else:
        assert valid_utf8(data, "file", 100, "strict", Repairs()) == data


@settings(deadline=None)
@given(data=bytes_of_all_kinds, errors=st.sampled_from(["replace", "ignore"]))
def test_repairs_do_not_depend_on_where_blocks_end(scratch, data, errors):
    scratch.write_bytes(b"first\n" + data)  # no byte-order mark of any kind
    found = []
    for block_bytes in (1, 7, 1 << 20):
        corpus = open_corpus(scratch, errors)
        text = b"".join(block.data for block in corpus.pieces(block_bytes))
        found.append((text, corpus.repairs))
    assert found[0] == found[1] == found[2]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("utf8") / "text.txt"


def test_what_was_repaired_is_told_once_for_all_files(tmp_path):
    files = [holding(INVALID, f"{number}.txt")(tmp_path) for number in range(3)]
    files.insert(1, holding("a good one\n", "good.txt")(tmp_path))
    notices = []
    model = Word2Vec(errors="replace", **QUICK).fit(files, notice=notices.append)
    told = [notice for notice in notices if "UTF-8" in notice]
    assert told == [
        "12 invalid UTF-8 sequences in 3 files replaced by U+FFFD, the first in "
        f"{files[0]} at byte offset 3"
    ]
    assert model.summary.n_invalid == 12
    model.save(tmp_path / "model")
    again = Word2Vec.load(tmp_path / "model")
    assert (again.summary.n_invalid, again.settings.errors) == (12, "replace")


def test_one_sequence_is_told_of_as_one():
    repairs = Repairs()
    valid_utf8(b"\xff\n", "file", 0, "ignore", repairs)
    assert repairs.sentence("ignore") == (
        "1 invalid UTF-8 sequence in 1 file left out, the first in file at byte offset 0"
    )


def test_the_command_line_tells_of_it_and_perplexity_reads_by_it(run, tmp_path):
    path = holding(INVALID)(tmp_path)
    command = ["train", path, "-o", tmp_path / "model", *options(QUICK), "--errors", "ignore"]
    status, shown, errors = run(*command)
    assert status == 0, errors
    assert "\nnot UTF-8    4 sequences, ignored\n" in shown
    assert "4 invalid UTF-8 sequences in 1 file left out" in errors
    status, shown, _ = run("perplexity", tmp_path / "model", path, "--quiet")
    assert status == 0
    assert shown.endswith("not UTF-8   4 sequences, ignored\n")
    _, shown, _ = run("perplexity", tmp_path / "model", path, "--quiet", "--json")
    assert json.loads(shown)["n_invalid"] == 4
    assert run(*command[:-2], "--quiet")[0] == 2
    strict = holding("caf noir\n", "fine.txt")(tmp_path)
    assert run("train", strict, "-o", tmp_path / "strict", *options(QUICK), "--quiet")[0] == 0
    status, _, errors = run("perplexity", tmp_path / "strict", path, "--quiet")
    assert status == 2
    assert "byte offset 3" in errors
