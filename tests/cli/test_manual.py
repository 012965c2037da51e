"""Help, documentation and completion agree with the commands that there are."""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import click
import pytest

from fastw2v.callbacks import StepReport
from fastw2v.cli.main import COMMANDS, command_line
from fastw2v.cli.manual import ENVIRONMENT, EXIT_STATUSES, MANUALS, manual_text
from fastw2v.system.progress import UNITS
from tests.support.programs import PROGRAM

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")


def command_of(name):
    return command_line.get_command(click.Context(command_line), name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_is_a_manual(run, name):
    assert name in MANUALS, f"give {name!r} examples and files in fastw2v/cli/manual.py"
    status, shown, errors = run(name, "--help")
    assert (status, errors) == (0, "")
    for section in ("Usage:", "Options:", "Examples:", "Exit status:", "Files:", "Environment:"):
        assert section in shown
    for _, example in MANUALS[name].examples:
        assert f"    {example}\n" in shown  # on a line of its own, not filled
    for status in EXIT_STATUSES:
        assert re.search(rf"^ +{status} ", shown, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_such_as_the_command_takes(name):
    assert MANUALS[name].examples
    for _, example in MANUALS[name].examples:
        words = shlex.split(example.partition(">")[0].replace("$(", " ").replace(")", ""))
        if "fastw2v" not in words:  # within quotes
            words = shlex.split(" ".join(words))
        assert_parses(words[words.index("fastw2v") + 1 :])


def assert_parses(words):
    if words[0] not in COMMANDS:  # of a command that this version does not have
        return
    command = command_of(words[0])
    with command.make_context(words[0], words[1:]) as context:
        if isinstance(command, click.Group):
            name, inner, rest = command.resolve_command(context, words[1:])
            inner.make_context(name, rest).close()


def test_a_wrong_example_is_noticed():
    with pytest.raises(click.UsageError):
        assert_parses(["plot", "model", "--kind", "pie", "-o", "x.png"])


def test_options_without_help_are_few():
    """An option either says what it does, or its name and default say it."""
    silent = {
        f"{name} --{option.name}"
        for name in COMMANDS
        for option in command_of(name).params
        if isinstance(option, click.Option) and not option.help
    }
    assert {name for name in silent if not name.endswith((" --topn", " --seed"))} == set()


def test_the_page_has_the_exit_statuses_and_the_environment():
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE))
    assert rows == {str(status): meaning for status, meaning in EXIT_STATUSES.items()}
    named = dict(re.findall(r"^\| `([A-Z_0-9]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert named == ENVIRONMENT


def test_the_page_has_every_unit_and_every_field_of_a_step():
    event, documented = "", {}
    for row in re.findall(r"^\|(.*)\|$", PAGE, re.MULTILINE):
        cells = row.split(" | ")
        if len(cells) == 3:
            event = cells[0].strip(" `") or event
            for name in re.findall(r"`(\w+)`", cells[1]):
                documented.setdefault(event, {})[name] = cells[2]
    assert set(documented["step"]) == {item.name for item in fields(StepReport)}
    units = set(re.findall(r"`(\w+)`", documented["stage"]["unit"]))
    assert units == {unit.name for unit in UNITS.values()}
    stages = set(re.findall(r"`([\w ]+)`", documented["stage"]["stage"]))
    assert stages == set(UNITS) - {"training"} | {"compiling", "mapping", "drawing"}


def test_environment_variables_of_our_own_are_documented():
    read = set()
    for path in (ROOT / "fastw2v").rglob("*.py"):
        read |= set(re.findall(r"environ\S*\(?[\[(]\"(FASTW2V_\w+)", path.read_text("utf-8")))
    assert read <= set(ENVIRONMENT)
    assert "FASTW2V_AMX" in read


def test_statuses_are_those_that_come(run, tmp_path):
    assert run("--version")[0] == 0
    assert run("neighbors", tmp_path / "none", "word")[0] == 2
    assert "130" in manual_text("train")  # test_cli_errors.py has a run that is interrupted


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(run, shell):
    status, shown, errors = run("completion", shell)
    assert (status, errors) == (0, "")
    assert "_FASTW2V_COMPLETE" in shown
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=shown.encode(), check=True)


HEAVY = ("numba", "numpy", "gensim", "scipy", "rich")
CALLED = """
import sys
from fastw2v.cli.main import main
for arguments in {calls}:
    try:
        main(arguments)
    except SystemExit as done:
        assert done.code == 0, done.code
loaded = [name for name in {heavy} if name in sys.modules]
sys.exit(f"loaded {{', '.join(loaded)}}" if loaded else 0)
"""


def called(calls, **environment):
    return run_code(CALLED.format(calls=calls, heavy=HEAVY), os.environ | environment)


def run_code(code, environment=None):
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_no_help_loads_anything_heavy():
    calls = [["--help"], ["counts", "info", "--help"], *([name, "--help"] for name in COMMANDS)]
    done = called(calls)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Usage: ") == len(calls)
    sabotaged = CALLED.replace("import sys", "import sys, numpy").format(calls=[], heavy=HEAVY)
    assert "loaded numpy" in run_code(sabotaged).stderr


@pytest.mark.parametrize("line", ["fastw2v tr", "fastw2v train --obj", "fastw2v export --format "])
def test_no_completion_loads_anything_heavy(line):
    position = str(len(shlex.split(line + "x")) - 1)
    asked = {"_FASTW2V_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": position}
    done = called([[]], **asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("plain,")


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_a_real_bash_completes(tmp_path):
    """Tab is pressed in an interactive bash, on a terminal."""
    (tmp_path / "corpus.txt").touch()
    ours, theirs = pty.openpty()
    environment = {
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PS1": "$ ",
        "TERM": "dumb", "HOME": str(tmp_path), "INPUTRC": "/dev/null",
    }  # fmt: skip
    bash = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        os.write(ours, b'eval "$(fastw2v completion bash)"; echo rea""dy\n')
        read_until(ours, "\nready")
        os.write(ours, b"fastw2v perpl\t")
        read_until(ours, "fastw2v perplexity ")
        os.write(ours, b"--qui\t")
        read_until(ours, "--quiet ")
        os.write(ours, b"\x15fastw2v plot model --kind spec\t")
        read_until(ours, "spectrum ")
        os.write(ours, b"\x15fastw2v train corp\t")
        read_until(ours, "corpus.txt ")
    finally:
        bash.kill()
        bash.wait()
        os.close(ours)


def read_until(terminal, text, seconds=60):
    shown, end = "", time.monotonic() + seconds
    while text not in shown.replace("\r", ""):
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, f"expected {text!r}, got {shown!r}"
        shown += os.read(terminal, 4096).decode()
