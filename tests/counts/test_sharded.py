"""Counting in shards: the same bytes however a corpus is cut, read, spilled and gone on with."""

import bz2
import gzip
import io
import json
import lzma
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus, reference_counts
from fastw2v.counts.folder import read_counts
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.counts.pairs import count_pairs
from fastw2v.counts.sharded import steps, words
from fastw2v.counts.sharded.shards import shards_of
from fastw2v.counts.sharded.work_folder import VOCABULARY, Job, work_folder_of, write_json_whole
from fastw2v.errors import (
    CorpusError,
)
from fastw2v.kernels.text.interning import SENTENCE_END
from fastw2v.text.corpus import Source
from fastw2v.text.encoding import Repairs
from fastw2v.text.sources.kinds import MissingValues
from fastw2v.text.sources.parts import Part
from tests.support.corpora_made import as_text, random_sentences, write_text
from tests.support.programs import tree
from tests.support.sharded_counts import COUNTING, SENTENCES, spilled, steps_done

pytestmark = pytest.mark.usefixtures("small_pieces")
ROOT = Path(__file__).parents[2]


def test_spilling_writes_the_bytes_of_counting_in_memory(tmp_path, text_file, in_memory):
    spilled([str(text_file)], tmp_path / "spilled")
    assert tree(tmp_path / "spilled") == in_memory
    assert not work_folder_of(tmp_path / "spilled").exists()
    # The check sees a window more or less, and a text that differs in one token.
    other = CountingSettings(**COUNTING.as_dict() | {"window": 4})
    spilled([str(text_file)], tmp_path / "other", other)
    assert tree(tmp_path / "other") != in_memory
    (tmp_path / "text.txt").write_text(text_file.read_text() + "w1\n")
    spilled([str(tmp_path / "text.txt")], tmp_path / "other")
    assert tree(tmp_path / "other") != in_memory


LINES = st.lists(
    st.text(alphabet="abé \t\r", max_size=12) | st.just("a b a b c é a b"), max_size=25
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(LINES, st.booleans(), st.booleans(), st.integers(1, 60), st.integers(1, 3))
def test_shards_may_be_cut_anywhere(tmp_path_factory, lines, ends, mark, block, n_files):
    folder = tmp_path_factory.mktemp("cut")
    paths = []
    for number in range(n_files):
        text = "\n".join([*lines[number::n_files], "a b a b é é c c"]) + "\n" * ends
        path = folder / f"{number}.txt"
        path.write_bytes(b"\xef\xbb\xbf" * mark + text.encode())
        paths.append(str(path))
    count_corpus([Path(path) for path in paths], COUNTING, folder / "whole", workers=1)
    spilled(paths, folder / "cut", block_mib=block / 2**20)
    assert tree(folder / "whole") == tree(folder / "cut")


@settings(max_examples=200, deadline=None)
@given(LINES, st.booleans(), st.integers(1, 40))
def test_every_line_is_in_just_one_shard(tmp_path_factory, lines, ends, block):
    path = tmp_path_factory.mktemp("lines") / "text.txt"
    data = ("\n".join(lines) + "\n" * ends).encode()
    path.write_bytes(data)
    shards = list(shards_of([Part(str(path))], block))
    pieces = [shard.part.read("strict", Repairs(), MissingValues()) for shard in shards]
    found = b"".join(found.data for piece in pieces for found, _ in piece)
    assert found == data + b"\n" * (bool(data) and not data.endswith(b"\n"))
    assert [shard.number for shard in shards] == list(range(len(shards)))


COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def test_sources_of_every_kind_give_the_same_bytes(tmp_path, in_memory, monkeypatch):
    import fsspec

    lines = as_text(SENTENCES).splitlines(keepends=True)
    pieces = ["".join(lines[start : start + 60]) for start in range(0, len(lines), 60)]
    folder = tmp_path / "folder"
    folder.mkdir()
    memory = fsspec.filesystem("memory")
    kinds = ["", *COMPRESSORS]
    for number, (piece, kind) in enumerate(zip(pieces, kinds, strict=True)):
        data = COMPRESSORS.get(kind, bytes)(piece.encode())
        (folder / f"{number}.txt{kind}").write_bytes(data)
        memory.pipe(f"/corpus/{number}.txt{kind}", data)
    memory.pipe("/corpus/.hidden", b"no text")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(as_text(SENTENCES).encode())))
    kinds = {
        "folder": [str(folder)],
        "glob": [str(folder / "*.txt*")],
        "url of a folder": ["memory://corpus"],
        "url with a glob": ["memory://corpus/*.txt*"],
        "standard input": ["-"],
        "lists": SENTENCES,
        "generator": (tuple(sentence) for sentence in SENTENCES),
    }
    for name, sources in kinds.items():
        spilled(sources, tmp_path / "found", block_mib=500 / 2**20)
        assert tree(tmp_path / "found") == in_memory, name


def test_a_pipe_is_read_once(tmp_path, in_memory):
    pipe = tmp_path / "pipe.txt.gz"
    os.mkfifo(pipe)
    writer = threading.Thread(
        target=pipe.write_bytes, args=(gzip.compress(as_text(SENTENCES).encode()),)
    )
    writer.start()
    spilled([str(pipe)], tmp_path / "found")
    writer.join()
    assert tree(tmp_path / "found") == in_memory


def test_tables_of_text_and_of_tokens_give_the_same_bytes(tmp_path, in_memory):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    # Cells are documents of several lines.
    cells = [as_text(SENTENCES[start : start + 7])[:-1] for start in range(0, 300, 7)]
    text = pyarrow.table({"text": cells, "number": range(len(cells))})
    tokens = pyarrow.table({"tokens": SENTENCES, "text": ["no"] * 300})
    parquet.write_table(text, tmp_path / "text.parquet", row_group_size=5)
    parquet.write_table(tokens, tmp_path / "tokens.parquet", row_group_size=50)
    with pyarrow.ipc.new_file(tmp_path / "text.arrow", text.schema) as writer:
        writer.write_table(text, max_chunksize=9)
    for name, column in (
        ("text.parquet", "text"),
        ("text.arrow", "text"),
        ("tokens.parquet", "tokens"),
    ):
        spilled(Source(tmp_path / name, column), tmp_path / "found")
        assert tree(tmp_path / "found") == in_memory, name
    with pytest.raises(CorpusError, match=r"it has 'tokens', 'text'; name one with --field"):
        spilled([str(tmp_path / "tokens.parquet")], tmp_path / "found")
    with pytest.raises(CorpusError, match="got 'number'"):
        spilled(Source(tmp_path / "text.parquet", "number"), tmp_path / "found")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(CorpusError, match=r"bad\.parquet: "):
        spilled(Source(tmp_path / "bad.parquet", "text"), tmp_path / "found")


def test_the_vocabulary_is_exact_though_tables_spill(tmp_path, text_file):
    counts = Counter(word for sentence in SENTENCES for word in sentence)
    expected = sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))
    for most in (None, 1, 17):
        counting = CountingSettings(
            min_count=1, max_final_vocab=most, tokenizer="whitespace", window_sample=0
        )
        found = spilled([str(text_file)], tmp_path / "counts", counting).vocabulary
        assert list(zip(found.words, found.counts.tolist(), strict=True)) == expected[:most]
        assert (found.n_raw_types, found.n_raw_tokens) == (len(counts), counts.total())


def test_the_vocabulary_of_a_reference_makes_counts_that_add_up(tmp_path, text_file):
    lines = text_file.read_text().splitlines(keepends=True)
    (tmp_path / "a.txt").write_text("".join(lines[:130]))
    (tmp_path / "b.txt").write_text("".join(lines[130:]))
    whole = spilled([str(text_file)], tmp_path / "whole")
    reference = reference_counts(tmp_path / "whole", {})
    for name in ("a", "b"):
        spilled([str(tmp_path / f"{name}.txt")], tmp_path / name, reference=reference)
        count_corpus(
            tmp_path / f"{name}.txt", COUNTING, tmp_path / "memory", workers=1, reference=reference
        )
        assert tree(tmp_path / name) == tree(tmp_path / "memory")
    merged = merge_counts([tmp_path / "b", tmp_path / "a"], tmp_path / "merged")
    assert merged.counts.total == whole.counts.total
    for path in (tmp_path / "whole").glob("part-*"):
        assert path.read_bytes() == (tmp_path / "merged" / path.name).read_bytes()


def test_what_is_not_utf8_is_replaced_and_counted_wherever_shards_are_cut(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"a b\xff a\n\xe2\x82 b a\xc3\n" * 20 + b"\xe2\x82\xacb b\n")
    for errors in ("replace", "ignore"):
        counting = CountingSettings(errors=errors, min_count=1, tokenizer="whitespace")
        whole = count_corpus(path, counting, tmp_path / "whole", workers=1)
        for block in (1, 7, 50):
            spilled([str(path)], tmp_path / "cut", counting, block_mib=block / 2**20)
            assert tree(tmp_path / "cut") == tree(tmp_path / "whole")
        assert whole.statistics.n_invalid == 60


def test_runs_of_words_are_grouped_and_add_up():
    generator = np.random.default_rng(1)
    summed = Counter()
    runs = []
    for _ in range(4):
        sentence = [f"w{word}" for word in generator.integers(0, 300, 500)]
        summed.update(sentence)
        runs.append(table_of(sentence))
    for merged in (runs, list(words.added(runs, 100)), list(words.added(runs, 10**9))):
        found = Counter()
        n_types = 0
        for group in range(words.GROUPS):
            chosen = words.candidate_words(merged, group, 1, None)
            n_types += chosen.n_types
            found.update(dict(zip(chosen.words, chosen.counts, strict=True)))
        assert found == {word.encode(): count for word, count in summed.items()}
        assert n_types == len(summed)


def table_of(sentence):
    from fastw2v.kernels.text.interning import count_types, intern_tokens, new_word_table
    from fastw2v.text.batches import token_batch

    numbers = np.empty(len(sentence) + 1, np.int32)
    table = intern_tokens(*token_batch([sentence]), new_word_table(1 << 12), True, numbers)
    return words.WordCounts.of(table, count_types(table))


def test_the_command_spills(run, tmp_path, text_file, in_memory):
    options = ["--window", "3", "--window-sample", "0.02", "--min-count", "2"]
    arguments = ["count", text_file, "-o", tmp_path / "counts", *options]
    arguments += ["--tokenizer", "whitespace"]
    status, _, err = run(*arguments, "--memory", "600", "--quiet")
    assert (status, err) == (0, "")
    assert tree(tmp_path / "counts") == in_memory
    status, _, err = run(*arguments, "--memory", "60")
    assert status == 2
    assert "memory: expected at least 512 MiB" in err
    assert json.loads(run("counts", "info", tmp_path / "counts", "--json")[1])["n_parts"] > 1
    assert read_counts(tmp_path / "counts").counting == COUNTING


# Real processes, killed for real


def all_rows(counts):
    parts = list(counts.parts)
    return (
        np.concatenate([np.diff(part.indptr) for part in parts]),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


COUNTER = """
import sys
from fastw2v.config import CountingSettings
from fastw2v.counts.build import ShardOptions, count_corpus

counting = CountingSettings(window=3, window_sample=0.02, min_count=2, tokenizer="whitespace")
options = ShardOptions(memory_mib=600, block_mib=0.1, resume=True)
print("begins", flush=True)
count_corpus([sys.argv[1]], counting, sys.argv[2], shards=options, workers=1)
"""


@pytest.mark.slow
def test_a_count_that_is_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path):
    sentences = random_sentences(7, 2000, sentences=40_000, longest=30)
    text = write_text(tmp_path / "text.txt", sentences)
    count_corpus(text, COUNTING, tmp_path / "expected", workers=2)
    output = tmp_path / "counts"
    command = [sys.executable, "-c", COUNTER, str(text), str(output)]
    generator = np.random.default_rng(1)
    kills = 0
    while True:
        with (tmp_path / "errors").open("wb") as errors:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
        process.stdout.readline()
        # By what is done, not by the clock: a fast machine would finish, a slow one not begin.
        enough = steps_done(output) + generator.integers(0, 4)
        while process.poll() is None and steps_done(output) < enough:
            time.sleep(0.001)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=generator.uniform(0, 0.03))
        if process.poll() is None:
            process.kill()
            kills += process.wait() == -signal.SIGKILL
        process.stdout.close()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, (tmp_path / "errors").read_text()[-2000:]
        if output.exists():  # killed after it was done, before it had tidied up
            read_counts(output)
        assert kills < 500
    print(f"{kills} kills")
    assert kills >= 5
    expected = read_counts(tmp_path / "expected")
    found = read_counts(output)
    assert found.statistics == expected.statistics
    assert found.vocabulary.words == expected.vocabulary.words
    # Rows are cut into fewer parts there than in this process, see `small_pieces`.
    for one, other in zip(all_rows(found.counts), all_rows(expected.counts), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not work_folder_of(output).exists()


@pytest.mark.slow
def test_spilling_stays_within_its_budget(tmp_path):
    """Peak memory of a process of its own, on a text whose counts alone are far larger."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    ids = np.random.default_rng(1).integers(0, 9000, (200_000, 30))
    words = np.array([f"w{word}" for word in range(9000)])
    text = tmp_path / "text.txt"
    with text.open("w") as file:
        for row in words[ids]:
            file.write(" ".join(row) + "\n")
    code = COUNTER.replace("window=3", "window=5").replace("block_mib=0.1", "block_mib=100")
    # Not ru_maxrss: a process inherits that of the one that started it.
    code += "lines = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
    code += "print(int(lines['VmHWM'].split()[0]) // 1024)\n"
    command = [sys.executable, "-c", code, str(text), str(tmp_path / "counts")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    peak_mib = int(done.stdout.split()[-1])
    found = read_counts(tmp_path / "counts", verify=False)
    size_mib = sum(path.stat().st_size for path in (tmp_path / "counts").iterdir()) / 2**20
    n_tokens = found.statistics.n_tokens
    print(f"peak {peak_mib} MiB for counts of {size_mib:.0f} MiB, {n_tokens:,} tokens")
    assert size_mib > 250
    assert peak_mib < 600


@pytest.mark.parametrize(
    ("dull", "most"), [([0], 1), ([0, 1] * 10, 4)], ids=["one word", "the same two"]
)
def test_a_stretch_behind_a_dull_text_needs_little_more_than_its_budget(
    tmp_path, monkeypatch, dull, most
):
    monkeypatch.setattr(steps, "_TOKEN_BYTES", steps._ENTRY_BYTES)
    content = {"words": [f"w{number}" for number in range(3000)], "widths": None}
    write_json_whole(tmp_path / VOCABULARY, content)
    budget = 24 * 20_000
    job = Job(tmp_path, CountingSettings(window=5, window_sample=0), budget, 1)
    needed = []

    def counting(tokens, *arguments, **options):
        counts = count_pairs(tokens, *arguments, **options)
        needed.append(24 * (len(tokens.ids) + counts.n_entries))
        return counts

    monkeypatch.setattr(steps, "count_pairs", counting)
    found = steps._ShardCounting(job, tmp_path)
    telling = np.random.default_rng(1).integers(0, 3000, (1000, 20)).tolist()
    for line in [dull] * (2000 // len(dull)) + telling:
        found.keep(np.array([*line, SENTENCE_END], np.int32))
    found.finished()
    assert budget / 2 < max(needed) < most * budget
