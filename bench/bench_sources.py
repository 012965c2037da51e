"""How fast fields are read: the rate of each kind of file against that of the same plain text.

    python bench/bench_sources.py --corpus corpora/english-small.txt

writes the lines of a text as JSON lines, CSV, Parquet and Arrow, reads each in turn as training
does (tokens numbered, vocabulary built), and prints tokens a second, the best of so many rounds.
"""

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path

from commands import run_command
from machine import header

from fastw2v.text.corpus import Source
from fastw2v.text.reading import read_corpus


def written(lines: list[str], folder: Path) -> dict[str, Source]:
    """Write the lines in every kind; beside the text each record has what tweets have."""
    import pyarrow
    from pyarrow import feather, parquet

    records = [
        {"id": 10**17 + number, "text": line, "user": {"name": "somebody", "followers": number}}
        for number, line in enumerate(lines)
    ]
    (folder / "text.txt").write_text("".join(f"{line}\n" for line in lines))
    with (folder / "text.jsonl").open("w") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    with (folder / "text.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(lines)])
    table = pyarrow.table({"id": range(len(lines)), "text": lines})
    tokens = pyarrow.table({"tokens": [line.split() for line in lines]})
    parquet.write_table(table, folder / "text.parquet")
    parquet.write_table(tokens, folder / "tokens.parquet")
    feather.write_feather(table, folder / "text.feather")
    return {
        "plain text": Source(folder / "text.txt"),
        "JSON lines": Source(folder / "text.jsonl", "text"),
        "CSV": Source(folder / "text.csv", "text"),
        "Parquet, text": Source(folder / "text.parquet", "text"),
        "Parquet, lists": Source(folder / "tokens.parquet", "tokens"),
        "Arrow, text": Source(folder / "text.feather", "text"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--mib", type=int, default=64, help="So much of the corpus is read.")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with options.corpus.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file.readlines(options.mib << 20)]
    print(header("orjson", "pyarrow"))
    with tempfile.TemporaryDirectory() as folder:
        kinds = written(lines, Path(folder))
        best: dict[str, float] = {}
        tokens: dict[str, int] = {}
        for _ in range(options.rounds):
            for name, source in kinds.items():
                started = time.process_time()
                vocabulary, _ = read_corpus(source, tokenizer="words", min_count=1)
                seconds = time.process_time() - started
                best[name] = min(best.get(name, seconds), seconds)
                tokens[name] = vocabulary.n_raw_tokens
    plain = tokens["plain text"] / best["plain text"]
    for name, seconds in best.items():
        rate = tokens[name] / seconds
        print(f"{name:15} {rate / 1e6:6.1f} M tokens a second of CPU, {rate / plain:.2f} of plain")


if __name__ == "__main__":
    run_command(main)
