"""Fields of files, tables and records: every kind gives the same words, or says what it has."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import re
import sys
import threading
import types

import pytest
import zstandard

from fastw2v import Source, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.errors import ConfigurationError, CorpusError, FastW2VError
from fastw2v.text.corpus import open_corpus
from fastw2v.text.encoding import Repairs
from fastw2v.text.files import TextBlock
from fastw2v.text.sources.kinds import MissingValues
from fastw2v.text.sources.parts import Part
from fastw2v.training.validation import Validation
from tests.support.field_sources import (
    EXPECTED,
    KINDS,
    LISTS,
    RECORDS,
    TEXTS,
    delimited,
    json_lines,
    parquet,
    read,
    table,
    zipped,
)
from tests.support.programs import tree
from tests.support.traps_made import QUICK, counts_of

pyarrow = pytest.importorskip("pyarrow")
pandas = pytest.importorskip("pandas")
COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
COUNTING = CountingSettings(min_count=1, window=2, tokenizer="whitespace")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_the_same_sentences(tmp_path, name):
    sentences, opened = read(KINDS[name](tmp_path))
    assert sentences == EXPECTED
    assert (opened.missing.n_values, opened.missing.n_files) == (1, 1)
    assert re.search(r"row \d|line 3", opened.missing.first)
    # Whatever a piece is, it is the same text.
    assert read(KINDS[name](tmp_path), block_bytes=7)[0] == EXPECTED


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_counted_to_the_same_bytes_in_memory_and_in_shards(tmp_path, name):
    (tmp_path / "data").mkdir()
    (tmp_path / "plain.txt").write_text("".join(f"{text or ''}\n" for text in TEXTS))
    plain = count_corpus(tmp_path / "plain.txt", COUNTING, tmp_path / "plain", workers=1)
    for shards in (None, ShardOptions(memory_mib=600, block_mib=40 / 2**20)):
        corpus = KINDS[name](tmp_path / "data")
        found = count_corpus(corpus, COUNTING, tmp_path / "found", workers=1, shards=shards)
        assert found.statistics.n_missing == 1
        assert found.statistics.digest == plain.statistics.digest
        parts = {
            path: data for path, data in tree(tmp_path / "found").items() if "part" in str(path)
        }
        expected = tree(tmp_path / "plain")
        assert parts
        assert all(expected[path] == data for path, data in parts.items())


LIST_KINDS = {
    "JSON lines": lambda folder: Source(
        json_lines(folder / "a.jsonl", [{"tokens": each} for each in LISTS]), "tokens"
    ),
    "lines that are lists": lambda folder: json_lines(folder / "a.jsonl", LISTS),
    "Parquet": lambda folder: Source(
        parquet(folder / "a.parquet", pyarrow.table({"tokens": LISTS})), "tokens"
    ),
    "Parquet, coded by a dictionary": lambda folder: Source(
        parquet(
            folder / "a.parquet",
            pyarrow.table(
                {
                    "tokens": pyarrow.array(
                        LISTS, pyarrow.list_(pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))
                    )
                }
            ),
        ),
        "tokens",
    ),
    "pandas": lambda _: pandas.Series(LISTS),
    "pandas of Parquet": lambda _: pyarrow.table({"tokens": LISTS}).to_pandas()["tokens"],
    "a slice of pyarrow's": lambda _: pyarrow.array([["no"], *LISTS, ["no"]])[1:-1],
    "records": lambda _: Source([{"tokens": each} for each in LISTS], "tokens"),
}


@pytest.mark.parametrize("name", LIST_KINDS)
def test_lists_of_tokens_stay_as_they_are(tmp_path, name):
    sentences, opened = read(LIST_KINDS[name](tmp_path))
    assert sentences == [each or [] for each in LISTS]
    assert opened.missing.n_values == 1


def test_values_missing_within_lists_are_left_out_and_counted(tmp_path):
    made = [["a", None, "b"], [None], ["c"]]
    for corpus in (
        Source(json_lines(tmp_path / "a.jsonl", [{"t": each} for each in made]), "t"),
        Source(parquet(tmp_path / "a.parquet", pyarrow.table({"t": made})), "t"),
        pandas.Series([["a", float("nan"), "b"], [pandas.NA], ["c"]]),
    ):
        sentences, opened = read(corpus)
        assert sentences == [["a", "b"], [], ["c"]]
        assert opened.missing.n_values == 2


def test_libraries_that_are_not_here_are_told_by_their_modules():
    """polars and datasets, by stand-ins; `test_source_libraries.py` has the real ones."""

    class Frame:
        columns = ("id", "text")

        def __getitem__(self, name):
            assert name == "text"
            return Series()

    class Series:
        def to_list(self):
            return TEXTS

    class Dataset:
        column_names = ("id", "text")

        def select_columns(self, names):
            assert names == ["text"]
            return self

        def iter(self, batch_size):
            return iter([{"text": TEXTS[:2]}, {"text": TEXTS[2:]}])

    Frame.__module__ = Series.__module__ = "polars.dataframe.frame"
    Dataset.__module__ = "datasets.arrow_dataset"
    for corpus in (Source(Frame(), "text"), Series(), Source(Dataset(), "text")):
        assert read(corpus)[0] == EXPECTED
    for corpus in (Frame(), Dataset()):
        with pytest.raises(CorpusError, match="it has 'id', 'text'"):
            open_corpus(corpus)

    class Sentences:  # of a module of somebody's own
        def __iter__(self):
            return iter([["a"]])

    Sentences.__module__ = "datasets"
    assert read(Sentences())[0] == [["a"]]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_first_bytes_in_small_pieces_tell_as_much(tmp_path, suffix):
    """Decompressors give less than is asked for, where a stream or what they have read ends."""
    pieces = {
        "a.jsonl": [b'{"id": 1}\n', b'{"id": 2, "text": "the cat"}\n'],
        "a.csv": [b'id,"te', b'xt"\n1,\n2,the cat\n'],
        "b.txt": [b"\n\n", b'{"id": 1}\n{"te', b'xt": "the cat"}\n'],
    }
    for name, streams in pieces.items():
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(b"".join(map(COMPRESSORS[suffix], streams)))
        assert read(Source(path, "text"))[0] == [[], ["the", "cat"]]
        count_corpus(
            Source(path, "text"), COUNTING, tmp_path / "found", shards=ShardOptions(memory_mib=600)
        )


@pytest.mark.parametrize("suffix", ["", *COMPRESSORS])
def test_a_long_first_line_of_json_tells_the_kind(tmp_path, suffix):
    word = random.Random(1).randbytes(600_000).hex()  # little of it is compressed
    data = json.dumps({"id": 1, "text": f"the {word}"}).encode() + b'\n{"text": "cat"}\n'
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(COMPRESSORS.get(suffix, bytes)(data))
    assert read(Source(path, "text"))[0] == [["the", word], ["cat"]]
    for field, message in ((None, "JSON lines; it has 'id', 'text'"), ("txt", "got 'txt'")):
        with pytest.raises(CorpusError, match=message):
            read(Source(path, field))


@pytest.mark.parametrize(
    "lines",
    [
        b'["a","b"]\n' * 100_000,
        b'["a","b"]\n["a",null]\n' * 50_000,
        b'{"text":"a b"}\n' * 100_000 + b"\r\n",
    ],
    ids=["lists", "a value missing in many", "a blank line"],
)
@pytest.mark.parametrize("start", [None, 20])
def test_time_does_not_grow_with_the_square_of_the_lines(tmp_path, lines, start):
    """Each would take many minutes, were all lines gone through for each of them."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines)
    field = "text" if b"text" in lines else None
    part = Part(str(path), "jsonl", field, start, start and len(lines))
    missing = MissingValues()
    pieces = [piece for piece, _ in part.read("strict", Repairs(), missing)]
    assert len(pieces) == 1
    assert missing.n_values == lines.count(b"null") - (start == 20 and b"null" in lines)


def test_standard_input_and_pipes(tmp_path, monkeypatch):
    data = json_lines(tmp_path / "a.jsonl").read_bytes()
    for corpus in (Source("-", "text"), Source("-", "text", "jsonl")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert read(corpus)[0] == EXPECTED
    comma = delimited(tmp_path / "a.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(comma)))
    assert read(Source("-", "text", "csv"))[0] == EXPECTED
    whole = parquet(tmp_path / "a.parquet").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(whole)))
    with pytest.raises(CorpusError, match="standard input: expected a parquet file on disk"):
        read(Source("-", "text"))
    os.mkfifo(tmp_path / "pipe.jsonl.gz")
    writer = threading.Thread(
        target=(tmp_path / "pipe.jsonl.gz").write_bytes, args=(gzip.compress(data),)
    )
    writer.start()
    found = count_corpus(
        Source(tmp_path / "pipe.jsonl.gz", "text"),
        COUNTING,
        tmp_path / "found",
        workers=1,
        shards=ShardOptions(memory_mib=600),
    )
    writer.join()
    assert found.statistics.n_sentences == len(EXPECTED)


def test_urls(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    packed = zipped(json_lines(tmp_path / "a.jsonl"))
    memory.pipe("/sources/a.jsonl.gz", packed.read_bytes())
    memory.pipe("/sources/b.parquet", parquet(tmp_path / "b.parquet").read_bytes())
    memory.pipe("/sources/.hidden", b"no text")
    assert read(Source("memory://sources/a.jsonl.gz", "text"))[0] == EXPECTED
    assert read(Source("memory://sources", "text"))[0] == EXPECTED * 2
    assert read(Source("memory://sources/*.parquet", "text"))[0] == EXPECTED
    model = Word2Vec(**QUICK).fit("memory://sources/*", field="text")
    assert counts_of(model)["the"] == 8
    with pytest.raises(CorpusError, match=r"memory://nowhere/x: no such file"):
        open_corpus("memory://nowhere/x")
    with pytest.raises(CorpusError, match=r"noscheme://x: cannot be read: .*Protocol"):
        open_corpus("noscheme://x")


def test_a_field_wherever_a_text_is_taken(run, tmp_path):
    path = json_lines(tmp_path / "a.jsonl", RECORDS * 20)
    plain = tmp_path / "plain.txt"
    plain.write_text("".join(f"{text or ''}\n" for text in TEXTS) * 20)
    quick = ("--vector-size=2", "--min-count=1", "--epochs=1", "--quiet")
    here = ("--field", "inner.text")
    run("train", plain, "-o", tmp_path / "one", *quick, "--validation", plain)
    status, _, errors = run(
        "train", path, "-o", tmp_path / "two", *quick, "--validation", path, *here
    )
    assert status == 0, errors
    one, two = Word2Vec.load(tmp_path / "one"), Word2Vec.load(tmp_path / "two")
    assert (one.in_vectors == two.in_vectors).all()
    assert one.history[0].held_out_loss_nats == two.history[0].held_out_loss_nats
    expected = one.perplexity(plain)
    status, shown, _ = run("perplexity", tmp_path / "two", path, "--column", "text", "--json")
    assert (status, json.loads(shown)["loss_nats"]) == (0, expected.loss_nats)
    assert json.loads(shown)["n_missing"] == 20
    assert two.perplexity(path, field="text").loss_nats == expected.loss_nats
    nothing = tmp_path / "pairs.tsv"
    nothing.write_text("the\tcat\t1\nthe\tmat\t2\ncat\tsat\t3\n")
    status, shown, errors = run(
        "eval", tmp_path / "two", "--text", path, *here, "--json", "--pairs", nothing
    )
    assert status == 0, errors
    assert json.loads(shown)["perplexity"]["loss_nats"] == expected.loss_nats
    for extra in ((), ("--memory", "600")):
        assert run("count", path, "-o", tmp_path / "c", "--min-count=1", *here, *extra)[0] == 0
        assert run("train", "--counts", tmp_path / "c", "-o", tmp_path / "three", *quick)[0] == 0
        three = Word2Vec.load(tmp_path / "three")
        assert (three.in_vectors == one.in_vectors).all()
        assert three.summary.n_missing == 20
    fraction = Word2Vec(**QUICK).fit(path, field="text", validation=Validation(fraction=0.5))
    same = Word2Vec(**QUICK).fit(plain, validation=Validation(fraction=0.5))
    assert (fraction.in_vectors == same.in_vectors).all()


def test_a_resumed_run_reads_the_field_again(tmp_path):
    from fastw2v import Checkpoints

    path = json_lines(tmp_path / "a.jsonl", RECORDS * 20)

    class StoppedHereError(Exception):
        """What a callback raises in place of a killed process."""

    def stop(report):
        if report.epoch == 2:
            raise StoppedHereError

    options = QUICK | {"epochs": 3}
    validation = Validation(Source(path, "inner.text"))
    with pytest.raises(StoppedHereError):
        Word2Vec(**options).fit(
            path,
            field="text",
            validation=validation,
            checkpoints=Checkpoints(tmp_path / "model", "1epoch"),
            callbacks=[stop],
        )
    resumed = Word2Vec.resume(tmp_path / "model")
    whole = Word2Vec(**options).fit(path, field="text", validation=validation)
    assert (resumed.in_vectors == whole.in_vectors).all()


def test_gensim_s_corpus_file_stays_lines(tmp_path):
    from fastw2v.gensim_api import Word2Vec as GensimWord2Vec

    path = json_lines(tmp_path / "a.jsonl", [{"text": "the cat"}] * 5)
    model = GensimWord2Vec(corpus_file=str(path), min_count=1, vector_size=2)
    assert '{"text":' in model.wv.key_to_index


@pytest.mark.parametrize(
    ("corpus", "options", "error", "message"),
    [
        (RECORDS, {}, CorpusError, "records; they have 'id', 'text', 'inner"),
        (RECORDS, {"field": "no"}, CorpusError, "got 'no'"),
        (RECORDS, {"field": "text.x"}, CorpusError, "got 'text.x'"),
        ([{"text": "a"}, "b"], {"field": "text"}, CorpusError, r"record 1 .*got a str \('b'\)"),
        ([["a"]], {"field": "text"}, CorpusError, "records or files with the field 'text'"),
        ([["a"]], {"read_as": "csv"}, ConfigurationError, "read_as: expected files"),
        ({"text": ["a"]}, {}, CorpusError, "got a dict"),
        (pandas.DataFrame({"a": ["x"]}), {}, CorpusError, "DataFrame; it has 'a'"),
        (pandas.DataFrame({"a": ["x"]}), {"field": "b"}, CorpusError, "fields 'a', got 'b'"),
        (pandas.Series(["a"]), {"field": "a"}, CorpusError, "one column .*leave the field out"),
        (pandas.Series([["a", 5.5]]), {}, CorpusError, r"row 0 .*got a float \(5.5\)"),
        (pandas.Series(["a", b"b"]), {}, CorpusError, r"row 1 .*got a bytes .*decode it"),
        (pandas.Series([{"a"}]), {}, CorpusError, "a set has no order"),
        (table(), {}, CorpusError, "it has 'id', 'text', 'inner'"),
        (table(), {"field": "id"}, CorpusError, "text or list fields"),
    ],
)
def test_objects_that_are_refused(corpus, options, error, message):
    with pytest.raises(error, match=message):
        read(Source(corpus, **options))


@pytest.mark.parametrize("field", ["", True, -1, 1.5, b"text", ["a"]])
def test_fields_that_cannot_be(field):
    with pytest.raises(ConfigurationError, match="field: expected the name"):
        Source("a.csv", field)
    with pytest.raises(ConfigurationError, match="read_as: expected one of 'text', 'jsonl'"):
        Source("a.csv", read_as="xml")


def test_without_pyarrow_tables_are_refused_and_json_lines_are_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert read(KINDS["JSON lines"](tmp_path))[0] == EXPECTED
    with pytest.raises(FastW2VError, match=r"a\.csv, a table: expected pyarrow.*fastw2v\[arrow\]"):
        read(KINDS["CSV"](tmp_path))
    assert isinstance(sys, types.ModuleType)


DAMAGES = (b"\xff", b'"', b"{", b"[", b"\n", b"\0", b"null", b"9" * 400, b"\\ud800", b",", b"")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "a.arrow", "stream.arrow"])
def test_damaged_files_are_errors_of_ours_or_read(tmp_path, name):
    items = [[1], [2, 3], [], None, None]
    made = pyarrow.table({"text": TEXTS, "tokens": [*LISTS, ["z"]], "items": items})
    if name == "a.jsonl":
        json_lines(tmp_path / name, made.to_pylist())
    elif name == "a.csv":
        (tmp_path / name).write_text("items,text,tokens\n" + '1,"a ""b"", c",x\n' * 9)
    elif name == "a.parquet":
        parquet(tmp_path / name, made)
    else:
        new = pyarrow.ipc.new_stream if "stream" in name else pyarrow.ipc.new_file
        with new(tmp_path / name, made.schema) as writer:
            writer.write_table(made, max_chunksize=2)
    whole, generator = (tmp_path / name).read_bytes(), random.Random(name)
    n_errors = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(generator.choice((1, 1, 2, 8))):
            at = generator.randrange(len(data))
            data[at : at + generator.choice((0, 1, 9))] = generator.choice(DAMAGES)
        (tmp_path / name).write_bytes(data)
        corpus = Source(tmp_path / name, generator.choice(("text", "tokens", "items")))
        try:
            for piece in open_corpus(corpus).pieces():
                if isinstance(piece, TextBlock):
                    piece.data.decode()
                else:
                    ends = [0, *piece.token_ends.tolist()]
                    assert ends == sorted(ends)
                    assert piece.sentence_ends[-1] == len(piece.token_ends)
        except FastW2VError:
            n_errors += 1
    assert n_errors > 15


def test_memory_does_not_follow_the_rows_of_a_table(tmp_path):
    """A row group of 64 MB is read in pieces of about 8."""
    from pyarrow import parquet as writer

    made = pyarrow.table({"text": ["word " * 2000 + str(n) for n in range(6400)]})
    writer.write_table(made, tmp_path / "a.parquet", row_group_size=6400, use_dictionary=False)
    sizes = [
        len(piece.data) for piece in open_corpus(Source(tmp_path / "a.parquet", "text")).pieces()
    ]
    assert sum(sizes) > 60e6
    assert max(sizes) < 20e6
