"""Compiled kernels on disk: never stale, never in the way, found again when nothing changed."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

from fastw2v.kernels import compilation

PACKAGE = Path(compilation.__file__).parents[1]
pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")

COUNTED = """
import numpy as np
from numba.core import event

class Compilations(event.Listener):
    count = 0
    def on_start(self, event):
        Compilations.count += 1
    def on_end(self, event):
        pass

event.register("numba:compile", Compilations())
"""
DRAWN = """
from fastw2v.kernels.formulas.random_numbers import below
print("value", below(np.uint64(2**63), 5), "compiled", Compilations.count)
"""
STEP = """
from fastw2v.kernels.softmax.updates import SGD, Rule, update_block
one = np.float32(1)
rule = Rule(SGD, one, one, one, one, one, one)
values, gradient = np.full(16, 5, np.float32), np.ones(16, np.float32)
update_block(values, np.zeros((0, 16), np.float32), 0, gradient, 0, 16, rule)
print("value", values[0], "compiled", Compilations.count)
"""
SEEDED = """
from fastw2v.kernels.formulas.random_numbers import seed_state
print("value", seed_state(np.uint64(1)) >> np.uint64(32), "compiled", Compilations.count)
"""


@pytest.fixture
def package(tmp_path):
    """Return the folder of a copy of the package, without compiled kernels."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "fastw2v", ignore=ignored)
    return folder


def started(package, code=DRAWN, **changes):
    """Start a process that imports a copy of the package."""
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(package), **changes}
    return subprocess.Popen(
        [sys.executable, "-c", COUNTED + code],
        cwd=package,
        env={key: value for key, value in environment.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process):
    """Wait for a process; return the value that it printed, what it compiled, and its warnings."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    value, compiled = re.fullmatch(r"value (\S+) compiled (\d+)\n", output).groups()
    return float(value), int(compiled), errors


def run(package, code=DRAWN, **changes):
    return outcome(started(package, code, **changes))


def kernel_files(place):
    return sorted(place.glob(f"{compilation._FOLDER}*/*.nbc"))


def kept(package):
    return package / "fastw2v" / "kernels" / "__pycache__"


def replace(package, path, old, new):
    source = package / "fastw2v" / "kernels" / path
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1
    source.write_text(text.replace(old, new), encoding="utf-8")


def test_a_second_start_compiles_nothing_and_a_flipped_sign_is_seen(package):
    value, compiled, _ = run(package, STEP)
    assert value == 4
    assert compiled > 0
    assert run(package, STEP)[:2] == (4, 0)
    # Once in the kernel's own file, once in a file that it imports from.
    step = "store(values, at + i, load(values, at + i) - rate * g)"
    replace(package, "softmax/updates.py", step, step.replace("-", "+"))
    value, compiled, _ = run(package, STEP)
    assert value == 6
    assert compiled > 0
    broadcast = "return splat(builder, arguments[0])"
    twice = "return splat(builder, builder.fadd(arguments[0], arguments[0]))"
    replace(package, "simd/vectors.py", broadcast, twice)
    assert run(package, STEP)[0] == 7
    assert run(package, STEP)[:2] == (7, 0)


WARM = """
import sys
from numba.core.runtime import nrtdynmod
from fastw2v.kernels import stored_code

def refused(*arguments):
    raise AssertionError("the runtime is compiled")

nrtdynmod.create_nrt_module = refused
"""
AND_NO_MORE = """
assert "numba.cpython.printimpl" not in sys.modules, "imported to compile"
"""


def test_a_second_start_imports_and_compiles_nothing_of_numbas_own(package):
    value, _, _ = run(package, STEP)
    assert run(package, WARM + STEP + AND_NO_MORE)[:2] == (value, 0)
    with pytest.raises(AssertionError, match="the runtime is compiled"):
        run(package, WARM + STEP, NUMBA_CACHE_DIR=str(package / "elsewhere"))
    for file in kernel_files(kept(package)):
        if "runtime" in file.name:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
    with pytest.raises(AssertionError, match="the runtime is compiled"):
        run(package, WARM + STEP)
    assert run(package, STEP)[:2] == (value, 0)
    assert run(package, WARM + STEP)[:2] == (value, 0)


def test_a_kernel_is_compiled_anew_with_others_that_are_kept(package):
    """The others' source is read from their files then, to be inlined."""
    value, compiled, _ = run(package)
    files = [file for file in kernel_files(kept(package)) if "runtime" not in file.name]
    assert len(files) > 1
    compiled_again = []
    for file in files:
        content = file.read_bytes()
        file.unlink()
        found, again, _ = run(package)
        assert found == value
        compiled_again.append(again)
        file.write_bytes(content)
    assert max(compiled_again) > 0  # one that is inlined everywhere is not asked for
    assert max(compiled_again) < compiled


def first_state(golden):
    """Return the upper half of ``seed_state(1)``: splitmix64 in Python's integers."""
    state = (1 + golden) % 2**64
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return (state ^ state >> 31) >> 32


def test_a_changed_imported_constant_is_seen(package):
    golden = 0x9E3779B97F4A7C15
    assert run(package, SEEDED)[0] == first_state(golden)
    replace(package, "formulas/hashing.py", "0x9E3779B97F4A7C15", "0x3")
    value, compiled, _ = run(package, SEEDED)
    assert value == first_state(3)
    assert compiled > 0
    assert run(package, SEEDED)[:2] == (first_state(3), 0)


def test_another_cpu_finds_no_kernels_of_this_one(package):
    assert run(package)[1] > 0
    others = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    value, compiled, _ = run(package, **others)
    assert value == 2
    assert compiled > 0
    assert run(package, **others)[:2] == (2, 0)
    assert run(package)[:2] == (2, 0)
    assert len(list(kept(package).glob(f"{compilation._FOLDER}*"))) == 2


DAMAGES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one bit": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "no pickle": lambda data: b"\x80\x05no pickle." + data,
}


def test_damaged_files_are_compiled_anew(package):
    run(package)
    files = kernel_files(kept(package))
    assert files
    for name, damage in DAMAGES.items():
        for file in files:
            file.write_bytes(damage(file.read_bytes()))
        value, compiled, errors = run(package)
        assert (value, errors) == (2, ""), name
        assert compiled > 0, name
    assert run(package)[:2] == (2, 0)


def test_several_processes_at_once(package):
    for value, _, errors in [outcome(process) for process in [started(package) for _ in range(3)]]:
        assert value == 2
        assert not errors
    assert run(package)[:2] == (2, 0)
    assert not list(kept(package).glob("*/*.tmp"))


def test_a_chosen_folder_is_used_alone(package, tmp_path):
    chosen = tmp_path / "chosen"
    assert run(package, NUMBA_CACHE_DIR=str(chosen))[1] > 0
    assert run(package, NUMBA_CACHE_DIR=str(chosen))[1] == 0
    assert kernel_files(next(chosen.iterdir()))
    assert not kernel_files(kept(package))


def block(place):
    """Make that nothing can be written at a place, not even by root: a file stands there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")


def test_a_package_that_cannot_be_written_keeps_kernels_for_the_user(package, tmp_path):
    block(kept(package))
    home = tmp_path / "home"
    environment = {"HOME": str(home), "XDG_CACHE_HOME": None, "PYTHONDONTWRITEBYTECODE": "1"}
    value, compiled, errors = run(package, **environment)
    assert (value, errors) == (2, "")
    assert compiled > 0
    assert run(package, **environment)[:2] == (2, 0)


TWO_KERNELS = (
    """
from fastw2v.kernels.formulas.random_numbers import scramble
scramble(np.uint64(3))
"""
    + DRAWN
)
ADVICE = "set NUMBA_CACHE_DIR to a folder that can be written"


@pytest.fixture
def homeless(package, tmp_path):
    """An environment in which neither the package nor the user has a place for kernels."""
    block(kept(package))
    block(tmp_path / "home")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    return {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": None, "TMPDIR": str(tmp_path / "tmp")}


def private_folder(tmp_path):
    return tmp_path / "tmp" / f"fastw2v-{os.geteuid()}"


def test_without_another_place_a_private_folder_keeps_kernels_and_is_named_once(
    package, homeless, tmp_path
):
    value, compiled, errors = run(package, TWO_KERNELS, **homeless)
    assert value == 2
    assert compiled > 0
    assert errors.count(ADVICE) == 1
    assert f"kept in {private_folder(tmp_path)}" in errors
    assert stat.S_IMODE(private_folder(tmp_path).stat().st_mode) == 0o700
    assert run(package, TWO_KERNELS, **homeless) == (2, 0, "")
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == [private_folder(tmp_path).name]


def open_to_all(folder, _elsewhere):
    folder.mkdir()
    folder.chmod(0o777)


def a_link(folder, elsewhere):
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def anothers(folder, _elsewhere):
    if os.geteuid() != 0:
        pytest.skip("only a superuser can give a folder away")
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)


def a_file(folder, _elsewhere):
    folder.touch()


def in_a_folder_for_all(folder, _elsewhere):
    folder.mkdir(mode=0o700)
    folder.parent.chmod(0o777)  # not sticky: anybody may rename what is in it


@pytest.mark.parametrize("trap", [open_to_all, a_link, anothers, a_file, in_a_folder_for_all])
def test_kernels_are_neither_read_nor_written_where_others_may(package, homeless, tmp_path, trap):
    trap(private_folder(tmp_path), tmp_path / "elsewhere")
    for _ in range(2):
        value, compiled, errors = run(package, TWO_KERNELS, **homeless)
        assert value == 2
        assert compiled > 0
        assert errors.count(ADVICE) == 1
        assert "not kept" in errors
    assert not list(tmp_path.glob("tmp/**/*.nbc")) + list(tmp_path.glob("elsewhere/**/*.nbc"))


def test_what_others_could_have_left_is_not_run(package, homeless, tmp_path):
    """Sabotage: kernels that were kept are gone for a process that must not trust the folder."""
    assert run(package, **homeless)[1] > 0
    assert run(package, **homeless)[1] == 0
    private_folder(tmp_path).chmod(0o750)
    assert run(package, **homeless)[1] > 0


def test_a_current_folder_is_no_place_for_kernels(package, homeless):
    """Python takes it for temporary files where there is no other place."""
    code = "import tempfile, os\ntempfile.tempdir = os.getcwd()\n" + DRAWN
    value, compiled, errors = run(package, code, **homeless | {"TMPDIR": None})
    assert value == 2
    assert compiled > 0
    assert "not kept" in errors
    assert [path.name for path in package.iterdir()] == ["fastw2v"]


FULL = """
from pathlib import Path
def full(path, data):
    raise OSError(28, "No space left on device")  # as write() says it, without a name
Path.write_bytes = full
"""


def test_a_full_disk_is_named(package):
    value, compiled, errors = run(package, FULL + TWO_KERNELS)
    assert value == 2
    assert compiled > 0
    assert errors.count(ADVICE) == 1
    folder = kept(package) / f"{compilation._FOLDER}{compilation._DIGEST}"
    assert f"{folder}: could not be written (No space left on device)" in errors


NO_HOME = """
import pwd
def unknown(number):
    raise KeyError(number)
pwd.getpwuid = unknown
"""


@pytest.mark.parametrize("cache", [None, "", "relative"])
def test_a_user_without_a_home_gets_no_folder_where_the_program_was_started(
    package, tmp_path, cache
):
    environment = {"HOME": None, "XDG_CACHE_HOME": cache, "PYTHONDONTWRITEBYTECODE": "1"}
    value, compiled, errors = run(package, NO_HOME + DRAWN, **environment)
    assert (value, errors) == (2, "")
    assert compiled > 0
    assert run(package, NO_HOME + DRAWN, **environment) == (2, 0, "")
    shutil.rmtree(kept(package))
    block(kept(package))
    environment["TMPDIR"] = str(tmp_path)
    value, compiled, errors = run(package, NO_HOME + DRAWN, **environment)
    assert value == 2
    assert compiled > 0
    assert errors.count(ADVICE) == 1
    assert [path.name for path in package.iterdir()] == ["fastw2v"]


def test_a_spawned_process_finds_what_its_parent_compiled(package):
    drawn = "\ndef drawn():\n    return below(np.uint64(2**63), 5), Compilations.count\n"
    imported = DRAWN.strip().splitlines()[0]
    (package / "spawned.py").write_text(COUNTED + imported + drawn, encoding="utf-8")
    spawn = """
import multiprocessing
import pickle
from spawned import drawn, below
value, compiled = drawn()
assert (compiled > 0) == is_first
with multiprocessing.get_context("spawn").Pool(1) as pool:
    value, compiled = pool.apply(drawn)
    assert pool.apply(below, (np.uint64(2**63), 5)) == value  # the kernel itself, pickled
print("value", value, "compiled", compiled)
"""
    for is_first in (True, False):
        assert run(package, f"is_first = {is_first}\n{spawn}") == (2, 0, "")


def test_kernels_are_read_where_they_cannot_be_written(package, tmp_path):
    run(package)
    no_writing = "import tempfile\ndef refuse(*a, **k):\n    raise PermissionError('read-only')\n"
    no_writing += "tempfile.TemporaryFile = refuse\n"
    value, compiled, errors = run(package, no_writing + DRAWN)
    assert (value, compiled, errors) == (2, 0, "")


def test_sources_changed_under_a_process_leave_no_kernels_of_the_old_ones(package):
    change = """
from pathlib import Path
from fastw2v.kernels.formulas import random_numbers
path = Path(random_numbers.__file__)
path.write_text(path.read_text().replace("np.uint64(n)) >> _HALF", "np.uint64(2 * n)) >> _HALF"))
"""
    value, compiled, _ = run(package, change + DRAWN)
    assert value == 2
    assert compiled > 0
    assert run(package)[0] == 5


def test_without_the_compiler_functions_stay_as_they_are():
    code = "from fastw2v.kernels.formulas.random_numbers import below\nprint(type(below).__name__)"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "function\n"


def test_old_folders_are_removed_but_not_those_in_use(tmp_path):
    now = time.time()
    folders = []
    for number in range(compilation._FOLDERS_KEPT + 4):
        folder = tmp_path / f"{compilation._FOLDER}{number:024x}"
        folder.mkdir()
        (folder / "kernel.nbc").write_bytes(b"")
        age = 3600 if number < 2 else (number + 2) * compilation._UNUSED_S
        os.utime(folder, (now - age, now - age))
        folders.append(folder)
    (tmp_path / "__init__.cpython-311.pyc").write_bytes(b"")
    compilation._remove_unused(tmp_path)
    left = [folder for folder in folders if folder.exists()]
    assert left == folders[: compilation._FOLDERS_KEPT]
    assert (tmp_path / "__init__.cpython-311.pyc").exists()
    for folder in folders[:10]:
        folder.mkdir(exist_ok=True)
        os.utime(folder, (now - 60, now - 60))
    compilation._remove_unused(tmp_path)
    assert all(folder.exists() for folder in folders[:10])


def test_the_digest_is_of_every_kernel_and_setting(monkeypatch):
    paths = dict(compilation._sources(PACKAGE / "kernels"))
    modules = {
        str(path.relative_to(PACKAGE / "kernels")) for path in PACKAGE.glob("kernels/**/*.py")
    }
    assert set(paths) == modules
    digests = {compilation.source_digest()}
    assert digests == {compilation._DIGEST}
    changes = [
        (compilation.numba, "__version__", "0.0"),
        (compilation.llvmlite, "__version__", "0.0"),
        (compilation.config, "CPU_NAME", "other"),
        (compilation.config, "CPU_FEATURES", "+other"),
        (compilation.config, "OPT", 0),
    ]
    for owner, name, value in changes:
        with monkeypatch.context() as context:
            context.setattr(owner, name, value)
            digests.add(compilation.source_digest())
    with monkeypatch.context() as context:
        context.setenv("FASTW2V_AMX", "other")
        digests.add(compilation.source_digest())
    assert len(digests) == len(changes) + 2
    assert compilation.source_digest() == compilation._DIGEST


def test_every_kernel_is_compiled_by_the_decorator():
    """Numba's own cache would keep stale kernels; outside `kernels` the digest sees nothing."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "cache=True" not in text, path
        if PACKAGE / "kernels" not in path.parents:
            assert not re.search(r"^\s*(import numba|from numba\b.*import)", text, re.M), path


def test_a_checksum_stands_before_what_is_kept(package):
    run(package)
    for file in kernel_files(kept(package)):
        content = file.read_bytes()
        assert hashlib.sha256(content[32:]).digest() == content[:32]
