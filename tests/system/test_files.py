"""Files and folders appear whole or not at all."""

import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from fastw2v.errors import OutputError
from fastw2v.system.files import (
    FolderLayout,
    require_replaceable,
    require_writable,
    whole_file,
    whole_folder,
)
from fastw2v.system.renames import clear_abandoned, exchange, recover, temporary_prefix
from tests.support.traps_made import open_folder, without_privileges

MARKER = "marker.json"
LAYOUT = FolderLayout(lambda folder: (folder / MARKER).is_file(), (MARKER, "more*"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_folder(target, text):
    with whole_folder(target, LAYOUT) as temporary:
        (temporary / MARKER).write_text(text)


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "out.txt"
    with whole_file(target) as temporary:
        temporary.write_text("new")
        assert names(tmp_path) == [temporary.name]
    assert target.read_text() == "new"
    assert names(tmp_path) == ["out.txt"]


def test_a_file_replaces_an_earlier_one_only_at_the_end(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    with whole_file(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_the_temporary_file_has_the_kind_of_the_target(tmp_path):
    """Writers that choose compression by the name must choose rightly."""
    with whole_file(tmp_path / "vectors.txt.gz") as temporary:
        assert temporary.suffix == ".gz"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_file_leaves_the_earlier_one_and_nothing_else(tmp_path, error):
    target = tmp_path / "out.txt"
    target.write_text("old")

    def fail_half_way():
        with whole_file(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_full_disk_is_an_output_error_that_names_the_target(tmp_path, kind):
    target = tmp_path / "out"
    manager = whole_file(target) if kind == "file" else whole_folder(target, LAYOUT)
    with (
        pytest.raises(OutputError, match=r"out: could not be written .*No space") as caught,
        manager,
    ):
        raise OSError(28, "No space left on device")
    assert str(target) in str(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("write", [whole_file, lambda target: whole_folder(target, LAYOUT)])
def test_permissions_are_those_of_any_new_file(tmp_path, write):
    earlier = os.umask(0o027)
    try:
        with write(tmp_path / "out") as temporary:
            if temporary.is_dir():
                (temporary / MARKER).touch()
        mode = stat.S_IMODE((tmp_path / "out").stat().st_mode)
        assert mode == (0o750 if (tmp_path / "out").is_dir() else 0o640)
    finally:
        os.umask(earlier)


def test_a_file_cannot_take_a_folder_s_place(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="expected a file name, this is a folder"):
        whole_file(tmp_path / "out").__enter__()
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("check", [require_writable, lambda t: require_replaceable(t, LAYOUT)])
def test_a_missing_parent_or_a_file_as_parent_is_refused(tmp_path, check):
    (tmp_path / "file").write_text("text")
    for target in (tmp_path / "missing" / "out", tmp_path / "file" / "out"):
        with pytest.raises(OutputError) as caught:
            check(target)
        assert str(caught.value).startswith(f"{target}: expected an existing folder")
        assert str(target.parent) in str(caught.value)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("check", [require_writable, lambda t: require_replaceable(t, LAYOUT)])
def test_a_name_that_is_too_long_is_refused(tmp_path, check):
    with pytest.raises(OutputError, match="File name too long"):
        check(tmp_path / ("x" * 300))
    assert names(tmp_path) == []


def test_the_longest_of_names_is_fine(tmp_path):
    write_folder(tmp_path / ("x" * 255), "1")
    with whole_file(tmp_path / ("y" * 255)) as temporary:
        temporary.write_text("2")
    with whole_file(tmp_path / f"z.{'z' * 253}") as temporary:
        temporary.write_text("3")
    assert names(tmp_path) == ["x" * 255, "y" * 255, f"z.{'z' * 253}"]


def test_checking_leaves_nothing_behind(tmp_path):
    require_writable(tmp_path / "out")
    require_replaceable(tmp_path / "out", LAYOUT)
    assert names(tmp_path) == []


def test_a_relative_target_is_written_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(Path("model"), "1")
    with whole_file(Path("file")) as temporary:
        temporary.write_text("2")
    assert names(tmp_path) == ["file", "model"]


def test_a_folder_appears_whole_and_replaces_an_earlier_one(tmp_path):
    target = tmp_path / "model"
    write_folder(target, "first")
    (target / "more.txt").write_text("of the first")
    with whole_folder(target, LAYOUT) as temporary:
        (temporary / MARKER).write_text("second")
        assert (target / MARKER).read_text() == "first"
    assert names(target) == [MARKER]
    assert (target / MARKER).read_text() == "second"
    assert names(tmp_path) == ["model"]


def test_an_empty_folder_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    write_folder(tmp_path / "model", "1")
    assert names(tmp_path / "model") == [MARKER]


def test_a_failed_folder_leaves_the_earlier_one_and_nothing_else(tmp_path):
    target = tmp_path / "model"
    write_folder(target, "first")

    def fail_half_way():
        with whole_folder(target, LAYOUT) as temporary:
            (temporary / MARKER).write_text("second")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fail_half_way()
    assert (target / MARKER).read_text() == "first"
    assert names(tmp_path) == ["model"]


def test_the_earlier_folder_returns_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target = tmp_path / "model"
    write_folder(target, "first")
    monkeypatch.setattr("fastw2v.system.renames.exchange", lambda *_: False)
    path = type(target)
    rename = path.rename

    def fail(self, to):
        if to == target and (self / MARKER).is_file() and (self / MARKER).read_text() == "second":
            raise OSError(5, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(path, "rename", fail)
    with pytest.raises(OutputError, match=r"Input/output error.* kept as ") as caught:
        write_folder(target, "second")
    assert (target / MARKER).read_text() == "first"
    # What was written, maybe for hours, is not lost either.
    (kept,) = set(names(tmp_path)) - {"model"}
    assert str(tmp_path / kept) in str(caught.value)
    assert (tmp_path / kept / MARKER).read_text() == "second"
    write_folder(target, "third")
    assert names(tmp_path) == [kept, "model"]


def test_a_reader_that_brings_the_earlier_folder_back_meanwhile_loses_nothing(
    tmp_path, monkeypatch
):
    target = tmp_path / "model"
    write_folder(target, "first")
    monkeypatch.setattr("fastw2v.system.renames.exchange", lambda *_: False)
    path, read = type(target), []
    rename = path.rename

    def rename_and_read(self, to):
        renamed = rename(self, to)
        if self == target and not read:
            read.append(to)
            recover(target)  # as another process does before it reads
            assert (target / MARKER).read_text() == "first"
        return renamed

    monkeypatch.setattr(path, "rename", rename_and_read)
    write_folder(target, "second")
    assert read
    assert (target / MARKER).read_text() == "second"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("content", ["a file", "a foreign folder"])
def test_nothing_but_an_earlier_result_is_replaced(tmp_path, content):
    target = tmp_path / "model"
    if content == "a file":
        target.write_text("precious")
    else:
        target.mkdir()
        (target / "precious.txt").write_text("precious")
    with pytest.raises(OutputError, match=r"model: expected a"):
        write_folder(target, "new")
    kept = target if content == "a file" else target / "precious.txt"
    assert kept.read_text() == "precious"
    assert names(tmp_path) == ["model"]


def test_what_is_beside_an_earlier_result_is_never_lost(tmp_path):
    target = tmp_path / "model"
    write_folder(target, "first")
    for name in (temporary_prefix(tmp_path / "x"), ".DS_Store", ".nfs0001", "more.txt"):
        (target / name).touch()
    write_folder(target, "second")
    assert names(target) == [MARKER]
    (target / "notes").mkdir()
    with pytest.raises(OutputError, match=r"model: .*holds other things \(notes\); choose another"):
        write_folder(target, "third")
    assert names(target) == [MARKER, "notes"]
    assert (target / MARKER).read_text() == "second"


@pytest.mark.skipif(sys.platform != "linux", reason="a system call of Linux")
def test_two_folders_exchange_their_names_in_one_step(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_text(name)
    assert exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one" / "content").read_text() == "other"
    assert (tmp_path / "other" / "content").read_text() == "one"
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "one", tmp_path / "missing")


def test_folders_are_replaced_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    monkeypatch.setattr("fastw2v.system.renames.exchange", lambda *_: False)
    for text in ("first", "second", "third"):
        write_folder(tmp_path / "model", text)
        assert (tmp_path / "model" / MARKER).read_text() == text
        assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_leads_to_what_is_written(tmp_path, kind, is_there):
    real, link = tmp_path / "far" / "real", tmp_path / "link"
    real.parent.mkdir()
    link.symlink_to("far/real")

    def write(target, text):
        if kind == "folder":
            write_folder(target, text)
        else:
            with whole_file(target) as temporary:
                temporary.write_text(text)

    if is_there:
        write(real, "first")
    write(link, "second")
    assert link.is_symlink()
    assert (real / MARKER if kind == "folder" else real).read_text() == "second"
    assert (names(tmp_path), names(real.parent)) == (["far", "link"], ["real"])


@pytest.mark.skipif(sys.platform == "win32", reason="no such things among files")
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link to a pipe", "link to itself"])
@pytest.mark.parametrize(
    "check", [require_writable, whole_file, lambda t: require_replaceable(t, LAYOUT)]
)
def test_what_is_no_file_is_refused_and_stays(tmp_path, monkeypatch, kind, check):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    target = Path("link" if "link" in kind else "target")
    if "pipe" in kind:
        os.mkfifo("target")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("target")
    elif kind == "device":
        try:
            os.mknod("target", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        except OSError:
            pytest.skip("only a superuser makes devices")
    if "link" in kind:
        target.symlink_to("link" if kind == "link to itself" else "target")
    before = [(path.name, path.lstat().st_mode) for path in tmp_path.iterdir()]
    expected = "symbolic links" if kind == "link to itself" else f"this is a {kind.split()[-1]};"
    with pytest.raises(OutputError, match=expected) as caught, check(target) or nullcontext():
        pass
    assert str(caught.value).startswith(f"{target}: ")
    assert [(path.name, path.lstat().st_mode) for path in tmp_path.iterdir()] == before


@pytest.mark.skipif(sys.platform == "win32", reason="other permissions")
@pytest.mark.parametrize("name", ["closed/out", "closed/sub/out", "unreadable"])
def test_a_folder_that_may_not_be_entered_or_read_is_refused(name):
    with open_folder() as folder:
        for made, mode in (("closed", 0o000), ("unreadable", 0o333)):
            (folder / made / "sub").mkdir(parents=True)
            (folder / made).chmod(mode)
        with (
            without_privileges(),
            pytest.raises(OutputError, match=rf"{name}: cannot .*\(Permission denied\)"),
        ):
            require_replaceable(folder / name, LAYOUT)


def test_a_name_with_a_zero_byte_is_refused(tmp_path):
    with pytest.raises(OutputError, match="null"):
        require_writable(tmp_path / "a\0b")


KILLED = """
import os, pathlib, signal, sys
from fastw2v.system import renames as places
from fastw2v.system.files import FolderLayout, whole_file, whole_folder

layout = FolderLayout(lambda folder: (folder / "marker.json").is_file(), ("marker.json",))
target, moment = pathlib.Path(sys.argv[1]), sys.argv[2]
rename = pathlib.Path.rename

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def rename_and_die(self, to):
    rename(self, to)
    die()

if moment == "between":
    places.exchange = lambda *_: False
    pathlib.Path.rename = rename_and_die
if moment == "file":
    with whole_file(target) as temporary:
        temporary.write_text("half")
        die()
with whole_folder(target, layout) as temporary:
    (temporary / "marker.json").write_text("second")
    if moment == "writing":
        die()
"""


def killed(target, moment):
    """Write to a target in a process that is killed at a moment."""
    done = subprocess.run([sys.executable, "-c", KILLED, target, moment], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to kill by")
def test_what_stood_aside_when_the_process_was_killed_comes_back(tmp_path):
    target = tmp_path / "model"
    write_folder(target, "first")
    killed(target, "between")
    assert not target.exists()
    recover(target)
    assert (target / MARKER).read_text() == "first"
    write_folder(target, "third")
    assert names(tmp_path) == ["model"]


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to kill by")
@pytest.mark.parametrize("kind", ["file", "writing"])
def test_the_next_writer_removes_what_a_killed_one_left(tmp_path, kind):
    target = tmp_path / "model"
    killed(target, kind)
    (left,) = names(tmp_path)
    other = tmp_path / f"{temporary_prefix(target)}of-a-living-process"
    other.touch()
    clear_abandoned(tmp_path / "another")
    assert names(tmp_path) == sorted([left, other.name])
    write_folder(target, "new")
    assert names(tmp_path) == sorted([other.name, "model"])
