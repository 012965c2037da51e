"""A full disk, a limit on file sizes, a target that takes nothing: told, and nothing else happens.

Every writer is a line of `WRITERS`. Disks are real: a small file system in memory, mounted for the
test, where the user may mount; otherwise, and as well, the system's limit on the size of a file.
"""

import re
import resource
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.errors import OutputError
from fastw2v.formats import FORMATS
from fastw2v.text.encoded_folder import NumbersOnDisk
from fastw2v.text.reading import read_corpus
from tests.support.programs import tree
from tests.support.traps_made import open_folder, without_privileges

ROOM_BYTES = 256 * 1024
SENTENCES = [[f"w{k + step}" for step in range(20)] for k in range(0, 3000, 10)] * 2


@pytest.fixture(scope="module")
def large():
    """A model that no file of `ROOM_BYTES` holds, in any format."""
    settings = {"vector_size": 60, "min_count": 1, "epochs": 1, "start": "random"}
    return Word2Vec(**settings).fit(SENTENCES)


@pytest.fixture(scope="module")
def small():
    settings = {"vector_size": 2, "min_count": 1, "epochs": 1, "start": "random"}
    return Word2Vec(**settings).fit([["a", "b"]])


def save(model, target):
    model.save(target)


def exported(form):
    return lambda model, target: model.export(target, form)


def encode(model, target):
    corpus = SENTENCES[:20] if len(model.vocabulary) < 10 else SENTENCES * 20
    read_corpus(corpus, min_count=1, encoded_folder=target)


def count(model, target):
    corpus = SENTENCES[:20] if len(model.vocabulary) < 10 else SENTENCES
    count_corpus(corpus, CountingSettings(min_count=1), target, workers=1)


WRITERS = {
    "model": save,
    "counts": count,
    "encoded": encode,
    "vectors.txt": exported("word2vec"),
    "vectors.txt.gz": exported("word2vec"),
    "vectors.bin": exported("word2vec-bin"),
    "vectors.txt.zst": exported("word2vec"),
    "vectors.npz": exported("npz"),
    **{
        f"{form.name}{''.join(form.suffixes[:1])}": exported(form.name)
        for form in FORMATS
        if form.name not in ("word2vec", "word2vec-bin", "npz")
    },
}


@contextmanager
def small_disk():
    """Mount a file system of `ROOM_BYTES`."""
    folder = tempfile.mkdtemp(prefix="fastw2v-disk-")
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "tmpfs", folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    except FileNotFoundError as error:
        pytest.skip(f"cannot mount a small file system here: {error}")
    finally:
        Path(folder).rmdir()


@contextmanager
def limited_file_size():
    """Let no file grow beyond `ROOM_BYTES` / 4: writes fail then, as on a full disk."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES // 4, earlier[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)
        signal.signal(signal.SIGXFSZ, handler)


def assert_refused(write, model, target):
    """The error names the target, and everything in its folder is as before."""
    before = tree(target.parent)
    with pytest.raises(OutputError) as caught:
        write(model, target)
    message = str(caught.value)
    assert message.startswith(f"{target}: could not be written (")
    assert re.search(r"No space left on device|File too large|os error (28|27)", message), message
    assert "\n" not in message
    assert tree(target.parent) == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk(large, small, name):
    with small_disk() as disk:
        assert_refused(WRITERS[name], large, disk / name)
        WRITERS[name](small, disk / name)
        assert_refused(WRITERS[name], large, disk / name)  # the earlier one stays
        WRITERS[name](small, disk / name)  # and there is room again
        assert [path.name for path in disk.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_limit_on_the_size_of_files(large, small, tmp_path, name):
    WRITERS[name](small, tmp_path / name)
    with limited_file_size():
        assert_refused(WRITERS[name], large, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    WRITERS[name](large, tmp_path / name)


def test_a_disk_of_which_no_byte_is_free(large, small):
    """Even the names of new files may find no room; a buffer that waits is told of too."""
    with small_disk() as disk:
        small.save(disk / "model")
        (disk / "filler").write_bytes(b"")
        with (disk / "filler").open("wb", buffering=0) as filler:
            for size in (4096, 1):
                try:
                    while filler.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass
        before = tree(disk)
        for name, write in WRITERS.items():
            target = disk / ("model" if name == "model" else name)
            with pytest.raises(OutputError, match=r"No space left|os error 28"):
                write(small, target)
        assert tree(disk) == before


def keep_and_read(folder, n_blocks):
    with NumbersOnDisk(folder) as store:
        for _ in range(n_blocks):
            store.keep(np.zeros(100, np.int32))
        return sum(block.size for block in store.blocks())


def test_numbers_that_wait_in_a_buffer_are_told_of_too(tmp_path):
    fitting = ROOM_BYTES // 4 // 400
    with limited_file_size():
        assert keep_and_read(tmp_path / "encoded", fitting) == 100 * fitting
        with pytest.raises(OutputError, match=r"encoded: could not be written .*too large"):
            keep_and_read(tmp_path / "encoded", fitting + 1)  # the last fits into the buffer only
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("objective", ["negative", "hierarchical"])
def test_no_room_for_the_encoded_text(run, tmp_path, monkeypatch, objective):
    """Objectives that go over the text keep it in the temporary folder while they train."""
    path = tmp_path / "text.txt"
    path.write_text("\n".join(map(" ".join, SENTENCES * 20)))
    words = ["--objective", objective, "--vector-size", 2, "--min-count", 1, "--quiet"]
    with small_disk() as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        status, _, errors = run("train", path, "-o", tmp_path / "model", *words)
        assert list(disk.iterdir()) == []
    assert status == 2
    assert errors.startswith(f"fastw2v: {disk}/.fastw2v-")
    assert re.search(r"could not be written \(.*No space left.*set TMPDIR to a folder", errors)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["text.txt"]


def test_no_temporary_folder_at_all(run, tmp_path, monkeypatch):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    path = tmp_path / "text.txt"
    path.write_text("a b\n")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    words = ["--objective", "negative", "--min-count", 1, "--quiet"]
    status, _, errors = run("train", path, "-o", tmp_path / "model", *words)
    assert status == 2
    assert errors.startswith("fastw2v: temporary folder: expected one to write to, got none (No us")
    assert errors.count("\n") == 1


def test_the_command_line_on_a_full_disk(run, large, tmp_path):
    large.save(tmp_path / "model")
    text = tmp_path / "text.txt"
    text.write_text("\n".join(map(" ".join, SENTENCES)))
    settings = [
        "--vector-size",
        60,
        "--min-count",
        1,
        "--epochs",
        1,
        "--start",
        "random",
        "--quiet",
    ]
    with small_disk() as disk:
        for command in (
            ["train", text, "-o", disk / "model", *settings],
            ["export", tmp_path / "model", disk / "model"],
        ):
            status, shown, errors = run(*command)
            assert (status, shown, errors.count("\n")) == (2, "", 1)
            assert re.match(rf"fastw2v: {disk}/model: could not be written \(.*No space", errors)
            assert list(disk.iterdir()) == []


@pytest.mark.parametrize("name", WRITERS)
def test_a_target_that_is_read_only(large, small, name):
    with open_folder() as folder:
        WRITERS[name](small, folder / name)
        folder.chmod(0o555)
        before = tree(folder)
        with without_privileges(), pytest.raises(OutputError) as caught:
            WRITERS[name](large, folder / name)
        assert str(caught.value) == (
            f"{folder / name}: cannot write in {folder} (Permission denied); choose another output"
        )
        assert tree(folder) == before
        folder.chmod(0o755)


def test_a_read_only_file_system(large, small):
    with small_disk() as disk:
        small.save(disk / "model")
        before = tree(disk)
        remount = ["mount", "-o", "remount,ro", str(disk)]
        assert subprocess.run(remount, check=False).returncode == 0
        for name, write in WRITERS.items():
            with pytest.raises(OutputError, match=r"cannot write in .* \(Read-only file system\)"):
                write(large, disk / name)
        assert tree(disk) == before


def test_a_writer_that_leaves_things_behind_would_be_caught(tmp_path, large):
    """Sabotage: writing in place, without a temporary name, is what the checks find."""

    def in_place(_model, target):
        target.write_bytes(b"half")
        raise OutputError(f"{target}: could not be written (No space left on device)")

    with pytest.raises(AssertionError):
        assert_refused(in_place, large, tmp_path / "out")
