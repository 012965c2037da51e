"""Benchmarks as commands: real processes, whose errors are a line and whose readers may go."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
COMMANDS = sorted(path.name for path in BENCH.glob("bench_*.py"))


def ended(*arguments, **keywords):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, **keywords)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_benchmark_ends_as_a_command(name):
    assert (BENCH / name).read_text().endswith("    run_command(main)\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_benchmark_is_in_the_list(name):
    assert f"| `python bench/{name}" in (BENCH / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["bench_quality.py", "bench_objectives.py"])
def test_a_file_that_is_not_there_is_a_line(name, tmp_path):
    missing = tmp_path / "missing.txt"
    first = ["show"] if name == "bench_quality.py" else ["cells"]
    done = ended(BENCH / name, *first, missing)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert str(missing) in done.stderr


def status_of(body, **keywords):
    """Return how a program ends whose `main` has this body."""
    program = f"import sys\nfrom commands import run_command\ndef main():\n    {body}\n"
    return ended("-c", f"{program}run_command(main)", cwd=BENCH, **keywords)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("pass", 0, ""),
        ("return 1", 1, ""),
        ("sys.exit('no')", 1, "no\n"),
        ("raise KeyboardInterrupt", 130, ""),
        ("open('/no/such')", 2, "error: [Errno 2] No such file or directory: '/no/such'\n"),
    ],
)
def test_the_ways_to_end(body, status, said):
    done = status_of(body)
    assert (done.returncode, done.stderr) == (status, said)


def test_a_process_that_failed_is_named_with_its_status():
    done = status_of("import subprocess; subprocess.run([sys.executable, '-c', '1/0'], check=True)")
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr  # its own traceback
    assert "error: a process ended with status 1: " in done.stderr
    assert "run_command" not in done.stderr


def test_a_script_that_failed_is_not_repeated():
    done = status_of(
        "import subprocess; subprocess.run([sys.executable, '-c', '1/0\\n' * 99], check=True)"
    )
    *_, message = done.stderr.splitlines()
    assert message.startswith("error: a process ended with status 1: ")
    assert message.endswith(" ...")
    assert len(message) < 250


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_process_says_of_its_fault_is_not_kept(name):
    source = (BENCH / name).read_text()
    for call in re.findall(r"subprocess\.run\((.*?)\n\s*\)\n", source, re.DOTALL):
        assert "check=True" not in call or "capture_output" not in call


def test_a_fault_keeps_its_traceback():
    done = status_of("1 / 0")
    assert done.returncode == 1
    assert "run_command" in done.stderr


def test_a_reader_may_go():
    program = """
from commands import run_command
def main():
    while True:
        print("a line")
run_command(main)
"""
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    with subprocess.Popen(command, cwd=BENCH, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout.readline() == "a line\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141
