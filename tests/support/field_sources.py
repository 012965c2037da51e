"""The same texts as files, tables and records of every kind."""

import csv
import gzip
import json
from itertools import pairwise

import pytest

from fastw2v import Source
from fastw2v.text.corpus import open_corpus
from fastw2v.text.files import TextBlock

pyarrow = pytest.importorskip("pyarrow")
pandas = pytest.importorskip("pandas")


TEXTS = ["the cat sat\non the mat", 'she said "no", é', None, "the end; a|b\tc", "the cat"]
LISTS = [["the", "cat", "é"], [], None, ["the", "the", "a b"]]
RECORDS = [{"id": n, "text": text, "inner": {"text": text}} for n, text in enumerate(TEXTS)]


def json_lines(path, records=RECORDS):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def delimited(path, delimiter=",", header=True):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["id", "text"]] * header + [[n, text] for n, text in enumerate(TEXTS)])
    return path


def table():
    numbers = pyarrow.array(range(len(TEXTS)))
    inner = [None if text is None else {"text": text} for text in TEXTS]
    return pyarrow.table({"id": numbers, "text": TEXTS, "inner": inner})


def parquet(path, made=None):
    from pyarrow import parquet as writer

    writer.write_table(made or table(), path, row_group_size=2)
    return path


def arrow(path, new=pyarrow.ipc.new_file, **options):
    made = table()
    with new(path, made.schema, **options) as writer:
        writer.write_table(made, max_chunksize=2)
    return path


def zipped(path):
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def renamed(path):
    return path.rename(path.with_name("plain"))


LZ4 = pyarrow.ipc.IpcWriteOptions(compression="lz4")


# Each gives TEXTS.
KINDS = {
    "JSON lines": lambda folder: Source(json_lines(folder / "a.jsonl"), "text"),
    "a field within a field": lambda folder: Source(json_lines(folder / "a.ndjson"), "inner.text"),
    "compressed JSON lines": lambda folder: Source(zipped(json_lines(folder / "a.json")), "text"),
    "JSON lines by their content": lambda folder: Source(
        renamed(json_lines(folder / "a.jsonl")), "text"
    ),
    "CSV": lambda folder: Source(delimited(folder / "a.csv"), "text"),
    "CSV with semicolons": lambda folder: Source(delimited(folder / "a.csv", ";"), "text"),
    "CSV without a header": lambda folder: Source(delimited(folder / "a.csv", header=False), 2),
    "compressed TSV": lambda folder: Source(zipped(delimited(folder / "a.tsv", "\t")), "text"),
    "Parquet": lambda folder: Source(parquet(folder / "a.parquet"), "text"),
    "Parquet by its content": lambda folder: Source(renamed(parquet(folder / "a.parquet")), "text"),
    "a column within a column": lambda folder: Source(parquet(folder / "a.parquet"), "inner.text"),
    "Arrow": lambda folder: Source(arrow(folder / "a.arrow"), "text"),
    "Feather, compressed within": lambda folder: Source(
        arrow(folder / "a.feather", options=LZ4), "inner.text"
    ),
    "a stream of Arrow's": lambda folder: Source(
        arrow(folder / "a.arrow", pyarrow.ipc.new_stream), "text"
    ),
    "pandas": lambda _: Source(table().to_pandas(), "text"),
    "a series of pandas": lambda _: pandas.Series(TEXTS),
    "a category of pandas": lambda _: pandas.Series(TEXTS).astype("category"),
    "a table of pyarrow": lambda _: Source(table(), "text"),
    "a reader of pyarrow": lambda _: Source(table().to_reader(2), "inner.text"),
    "a column of pyarrow": lambda _: table()["text"],
    "an array of pyarrow coded by a dictionary": lambda _: pyarrow.array(TEXTS).dictionary_encode(),
    "records": lambda _: Source(iter(RECORDS), "inner.text"),
    "a glob": lambda folder: Source(json_lines(folder / "a.jsonl").parent / "*.js*", "text"),
}


def read(corpus, **options):
    """Return the sentences of a corpus, text cut at blanks, and the opened corpus."""
    opened, sentences = open_corpus(corpus), []
    for piece in opened.pieces(**options):
        if isinstance(piece, TextBlock):
            assert piece.data.endswith(b"\n")
            sentences += [line.split() for line in piece.data.decode()[:-1].split("\n")]
            continue
        data, ends = piece.text.tobytes(), [0, *piece.token_ends.tolist()]
        tokens = [data[start:end].decode() for start, end in pairwise(ends)]
        bounds = [0, *piece.sentence_ends.tolist()]
        sentences += [tokens[start:end] for start, end in pairwise(bounds)]
    return sentences, opened


EXPECTED = [line.split() for text in TEXTS for line in (text or "").split("\n")]
