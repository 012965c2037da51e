"""What only POSIX systems have may be missing: every module is imported and a run goes all its way.

A process of its own takes away what Windows lacks; the rest of the system stays what it is.
"""

import subprocess
import sys

import pytest

import fastw2v

TAKEN_AWAY = r"""
import importlib.abc, mmap, os, pkgutil, signal, sys

LACKING_MODULES = {"resource", "fcntl", "pwd", "grp", "termios", "posix_ipc"}
LACKING_NAMES = {
    os: ["killpg", "getpgid", "O_DIRECTORY", "set_blocking", "sched_getaffinity", "mkfifo",
         "posix_fadvise", "sysconf", "statvfs"],
    signal: ["SIGKILL", "SIGHUP", "SIGPIPE", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGTSTP",
             "pthread_kill", "pthread_sigmask", "alarm", "setitimer"],
    mmap: [name for name in dir(mmap) if name.startswith(("MAP_", "PROT_", "MADV_"))],
}

class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in LACKING_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def no_asking(process, number, kill=os.kill):
    assert number, "os.kill(process, 0) sends Ctrl-C on Windows"
    kill(process, number)

def take_away():
    for name in LACKING_MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Lacking())
    for module, names in LACKING_NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    os.kill = no_asking
"""

IMPORT_EVERYTHING = """
import subprocess, tempfile, numba, gensim, sklearn, bokeh, matplotlib, dask, distributed, pyarrow
take_away()
import fastw2v
seen = 0
for found in pkgutil.walk_packages(fastw2v.__path__, "fastw2v."):
    if not found.name.endswith("__main__"):
        __import__(found.name)
        seen += 1
print("imported", seen)
"""

RUN = """
import subprocess, tempfile, numba
take_away()
from pathlib import Path
from fastw2v import Word2Vec
from fastw2v.cli.main import main
from fastw2v.comparison.clock import stop_clock
folder = Path(sys.argv[1])
text = folder / "text.txt"
text.write_text("the river runs to the sea\\n" * 40)
def run(*words):
    try:
        main(list(words))
    except SystemExit as ended:
        assert not ended.code, (words, ended.code)
model, vectors = str(folder / "model"), str(folder / "vectors.txt")
for _ in range(2):  # over an earlier result, too
    run("train", str(text), "-o", model, "--min-count", "1", "--vector-size", "8", "--quiet",
        "--checkpoint-every", "1epoch")
    run("export", model, vectors)
    run("neighbors", vectors, "river")
assert len(Word2Vec.load(model).vocabulary) == 5
assert stop_clock().cpu_s > 0
run("count", str(text), "-o", str(folder / "counts"), "--min-count", "1", "--quiet")
print("ran")
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [(IMPORT_EVERYTHING, "imported"), (RUN, "ran")],
    ids=["every module", "a run"],
)
def test_nothing_needs_what_windows_lacks(program, expected, tmp_path):
    command = [sys.executable, "-c", TAKEN_AWAY + program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    last = done.stdout.split("\n")[-2]
    assert last.startswith(expected)
    if expected == "imported":
        package = fastw2v.__path__[0]
        assert int(last.split()[1]) > 200, package


def test_the_check_sees_what_is_lacking():
    """The sabotage: a module that needs one of the names does not get by."""
    command = [sys.executable, "-c", TAKEN_AWAY + "take_away()\nimport resource"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "No module named 'resource'" in done.stderr
    command[-1] = TAKEN_AWAY + "take_away()\nos.kill(os.getpid(), 0)"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "sends Ctrl-C" in done.stderr
