"""Counting on Dask: the same bytes as on one machine, whatever dies meanwhile."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed")

from fastw2v.config import CountingSettings  # noqa: E402
from fastw2v.counts import merging as count_merging  # noqa: E402
from fastw2v.counts import parts as count_files  # noqa: E402
from fastw2v.counts.build import ShardOptions, count_corpus, reference_counts  # noqa: E402
from fastw2v.counts.sharded import dask as fastw2v_distributed  # noqa: E402
from fastw2v.counts.sharded import run as sharded_run  # noqa: E402
from fastw2v.counts.sharded import steps  # noqa: E402
from fastw2v.counts.sharded.dask import opened_client  # noqa: E402
from fastw2v.counts.sharded.work_folder import work_folder_of  # noqa: E402
from fastw2v.errors import (  # noqa: E402
    ClusterError,
    ConfigurationError,
    CorpusError,
    TextEncodingError,
)
from fastw2v.text.corpus import Source  # noqa: E402
from fastw2v.text.given_words import word_rules  # noqa: E402
from tests.support.corpora_made import as_text, random_sentences, write_text  # noqa: E402
from tests.support.programs import tree  # noqa: E402
from tests.support.sharded_counts import COUNTING, SENTENCES, steps_done  # noqa: E402

ROOT = Path(__file__).parents[2]
SMALL = ShardOptions(memory_mib=600, block_mib=1500 / 2**20)


@pytest.fixture
def small_pieces(monkeypatch):
    """Everything that is cut at some size is cut often; in this process only."""
    monkeypatch.setattr(count_files, "PART_ENTRIES", 100)
    monkeypatch.setattr(count_merging, "BLOCK_ENTRIES", 150)
    monkeypatch.setattr(sharded_run, "FAN_IN", 3)


@pytest.fixture(scope="module")
def threads():
    """A cluster whose two workers are threads of this process."""
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0"}
    with distributed.Client(processes=False, **options) as client:
        yield client


# Workers in this process


def test_dask_writes_the_bytes_of_one_machine(
    tmp_path, text_file, small_pieces, in_memory, threads
):
    found = count_corpus(
        [str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=threads
    )
    assert tree(tmp_path / "counts") == in_memory
    assert found.statistics.n_sentences == len(SENTENCES)
    assert not work_folder_of(tmp_path / "counts").exists()


def test_a_bag_of_token_lists_gives_the_same_bytes(tmp_path, small_pieces, in_memory, threads):
    from dask import bag

    for n_partitions in (1, 7):
        sources = bag.from_sequence(SENTENCES, npartitions=n_partitions)
        count_corpus(sources, COUNTING, tmp_path / "counts", shards=SMALL, client=threads)
        assert tree(tmp_path / "counts") == in_memory


def test_phrases_are_found_before_and_joined_by_all_workers(
    tmp_path, text_file, small_pieces, threads
):
    from dask import bag

    asked = replace(COUNTING, phrases=2, phrase_min_count=1, phrase_threshold=0.5)
    stopped = word_rules(None, SENTENCES[0][:1])
    whole = count_corpus(text_file, asked, tmp_path / "whole", words=stopped)
    assert len(whole.words.phrases) > 0
    expected = tree(tmp_path / "whole")
    options = {"shards": SMALL, "client": threads}
    count_corpus([str(text_file)], asked, tmp_path / "counts", words=stopped, **options)
    assert tree(tmp_path / "counts") == expected
    # Partitions of a cluster are joined by what was found elsewhere.
    sources = bag.from_sequence(SENTENCES, npartitions=3)
    with pytest.raises(ConfigurationError, match="got partitions of a cluster"):
        count_corpus(sources, asked, tmp_path / "bag", words=stopped, **options)
    assert not work_folder_of(tmp_path / "bag").exists()
    found = count_corpus(sources, COUNTING, tmp_path / "bag", words=whole.words, **options)
    assert found.statistics == whole.statistics
    assert found.words.digest == whole.words.digest


def test_lists_and_urls_are_counted_too(tmp_path, small_pieces, in_memory, threads):
    import fsspec

    fsspec.filesystem("memory").pipe("/distributed/text.txt", as_text(SENTENCES).encode())
    for sources in (["memory://distributed/*"], SENTENCES):
        count_corpus(sources, COUNTING, tmp_path / "counts", shards=SMALL, client=threads)
        assert tree(tmp_path / "counts") == in_memory


def test_the_vocabulary_of_a_reference_is_used(tmp_path, text_file, in_memory, threads):
    reference = reference_counts(tmp_path / "in_memory", {})
    count_corpus(
        [str(text_file)],
        None,
        tmp_path / "counts",
        shards=SMALL,
        client=threads,
        reference=reference,
    )
    assert tree(tmp_path / "counts") == in_memory


def test_fields_and_items_of_any_kind_on_a_cluster(tmp_path, threads):
    sentences = [[1, 2, ("a", 3)], [], [2, 1, 2]] * 40
    lines = "".join(json.dumps({"items": sentence[:2]}) + "\n" for sentence in sentences)
    (tmp_path / "a.jsonl").write_text(lines + '{"items": null}\n')
    counting = CountingSettings(min_count=1, window=2)
    for corpus in (Source(str(tmp_path / "a.jsonl"), "items"), sentences):
        for name, options in (("memory", {"workers": 1}), ("cluster", {"client": threads})):
            shards = SMALL if name == "cluster" else None
            count_corpus(corpus, counting, tmp_path / name, shards=shards, **options)
        assert tree(tmp_path / "memory") == tree(tmp_path / "cluster")


def test_a_bad_shard_is_named_and_the_rest_is_kept(tmp_path, text_file, in_memory, threads):
    good = text_file.read_bytes()
    path = tmp_path / "text.txt"
    path.write_bytes(good[:4000] + b"\xff" + good[4001:])
    with pytest.raises(TextEncodingError, match=r"text\.txt: .*offset 4000 "):
        count_corpus([str(path)], COUNTING, tmp_path / "counts", shards=SMALL, client=threads)
    assert not (tmp_path / "counts").exists()
    path.write_bytes(good)
    # One machine goes on with what a cluster has begun.
    resumed = ShardOptions(memory_mib=600, resume=True)
    count_corpus([str(path)], COUNTING, tmp_path / "counts", shards=resumed, workers=1)
    assert tree(tmp_path / "counts") == in_memory


def test_errors_that_are_none_of_ours_name_the_shard(tmp_path, text_file, threads, monkeypatch):
    def broken(*arguments):
        raise MemoryError("too little")

    monkeypatch.setattr(steps, "count_words", broken)
    with pytest.raises(ClusterError, match=r"text\.txt \(bytes .* to .*MemoryError.*--resume"):
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=threads)


def test_threads_are_not_asked_for_beside_a_cluster(tmp_path, text_file, threads):
    with pytest.raises(ConfigurationError, match=r"workers: expected none beside a cluster.*got 2"):
        count_corpus(text_file, COUNTING, tmp_path / "counts", workers=2, client=threads)
    assert not (tmp_path / "counts").exists()


def test_a_folder_that_workers_do_not_see_is_refused(tmp_path, text_file, threads, monkeypatch):
    monkeypatch.setattr("fastw2v.counts.sharded.dask._sees_plan", lambda folder: False)
    with pytest.raises(ClusterError, match="folder that all workers see"):
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=threads)


@pytest.fixture
def starting():
    """A cluster that has no workers yet."""
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster


def test_a_cluster_without_workers_is_refused(tmp_path, text_file, starting, monkeypatch):
    monkeypatch.setattr("fastw2v.counts.sharded.dask.WORKERS_WITHIN_SECONDS", 0.2)
    with (
        distributed.Client(starting) as client,
        pytest.raises(ClusterError, match=r"at least one worker, got none within 0\.2 s"),
    ):
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=client)


def test_the_first_worker_is_waited_for(tmp_path, text_file, in_memory, starting):
    later = threading.Timer(0.5, starting.scale, [1])
    with distributed.Client(starting) as client:
        later.start()
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=client)
    later.join()
    assert tree(tmp_path / "counts") == in_memory


def test_workers_are_asked_and_not_the_client_s_list(tmp_path, text_file, in_memory, threads):
    # The client refreshes its list in the background, and leaves the workers out meanwhile.
    threads.scheduler_info = lambda **keywords: {"workers": {}}
    try:
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=threads)
    finally:
        del threads.scheduler_info
    assert tree(tmp_path / "counts") == in_memory


def test_workers_of_another_version_are_refused(tmp_path, text_file, threads, monkeypatch):
    here = fastw2v_distributed._state_of_worker

    def facts_of_older(dask_worker):
        return replace(here(dask_worker), version="0.0.9")

    monkeypatch.setattr(fastw2v_distributed, "_state_of_worker", facts_of_older)
    with pytest.raises(ClusterError, match=r"expected fastw2v .* as here, got 0\.0\.9; install"):
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=threads)


@pytest.mark.parametrize("cluster", ["local:0", "local:x", "nowhere"])
def test_clusters_that_cannot_be_are_refused(cluster):
    with pytest.raises(ConfigurationError, match="cluster: expected local"), opened_client(cluster):
        pass


# Workers that are processes


@pytest.fixture
def slow_text(tmp_path):
    """Enough text that something can be killed while it is counted, and what comes of it."""
    sentences = random_sentences(5, 3000, sentences=60_000, longest=40)
    path = write_text(tmp_path / "slow.txt", sentences)
    count_corpus(path, COUNTING, tmp_path / "expected", workers=2)
    return path, tree(tmp_path / "expected")


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_worker_processes_writes_the_same_bytes(
    run, tmp_path, text_file, in_memory, workers
):
    options = ["--window", "3", "--window-sample", "0.02", "--min-count", "2"]
    arguments = ["count", text_file, "-o", tmp_path / "counts", *options]
    arguments += ["--tokenizer", "whitespace", "--cluster", f"local:{workers}", "--quiet"]
    assert run(*arguments, "--memory", "600")[0] == 0
    assert tree(tmp_path / "counts") == in_memory


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["words", "counts"])
def test_a_killed_worker_costs_time_and_nothing_else(tmp_path, slow_text, kind):
    path, expected = slow_text
    output = tmp_path / "counts"
    killed = []

    def kill(pids):
        wait_for(lambda: steps_done(output, f"{kind}-0*") >= 2)
        os.kill(pids[0], signal.SIGKILL)
        killed.append(steps_done(output, f"{kind}-0*"))

    with opened_client("local:2", 1000) as client:
        pids = list(client.run(os.getpid).values())
        killer = threading.Thread(target=kill, args=(pids,))
        killer.start()
        options = ShardOptions(block_mib=0.1)
        count_corpus([str(path)], COUNTING, output, shards=options, client=client)
        killer.join()
        assert pids[0] not in client.run(os.getpid).values()
    n_shards = -(-path.stat().st_size // round(0.1 * 2**20))
    assert killed[0] < n_shards, "it was killed when all was done"
    assert tree(output) == expected


@contextmanager
def programs(folder, packages=ROOT):
    """A scheduler and a worker as separate programs, and the file that tells of the scheduler."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    program = [sys.executable, "-m"]
    null = subprocess.DEVNULL
    quiet = {"stdout": null, "stderr": null, "env": environment, "cwd": folder}
    scheduler = subprocess.Popen(
        [*program, "distributed.cli.dask_scheduler", "--port", "0", *common], **quiet
    )
    wait_for(file.exists)
    worker = subprocess.Popen(
        [*program, "distributed.cli.dask_worker", "--nthreads", "1", *common], **quiet
    )
    try:
        yield scheduler, file
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path):
    with programs(tmp_path) as started:
        yield started


@pytest.mark.slow
def test_without_its_scheduler_a_count_ends_and_can_be_gone_on_with(tmp_path, slow_text, cluster):
    path, expected = slow_text
    scheduler, file = cluster
    output = tmp_path / "counts"

    def kill():
        wait_for(lambda: steps_done(output, "counts-0*") >= 2)
        scheduler.kill()

    with distributed.Client(scheduler_file=str(file), timeout=60) as client:
        client.wait_for_workers(1, timeout=60)
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(ClusterError, match=r"connection to the scheduler was lost.*--resume"):
            count_corpus(
                [str(path)], COUNTING, output, shards=ShardOptions(block_mib=0.1), client=client
            )
        killer.join()
    assert not output.exists()
    assert steps_done(output, "counts-0*") >= 2
    with pytest.raises(CorpusError, match=r"no manifest\.json"):
        reference_counts(output, {})
    options = ShardOptions(memory_mib=1000, resume=True)
    count_corpus([str(path)], COUNTING, output, shards=options, workers=2)
    assert tree(output) == expected


@pytest.mark.slow
def test_workers_without_fastw2v_are_refused(tmp_path, text_file):
    broken = tmp_path / "packages" / "fastw2v"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('there is none')\n")
    with (
        programs(tmp_path, broken.parent) as (_, file),
        distributed.Client(scheduler_file=str(file), timeout=60) as client,
        pytest.raises(
            ClusterError, match=r"a worker cannot run fastw2v .*install the same version"
        ),
    ):
        count_corpus([str(text_file)], COUNTING, tmp_path / "counts", shards=SMALL, client=client)
