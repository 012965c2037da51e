"""The program in the surroundings that containers, services and pipes give it, for real.

A `Surroundings` is a way to start a process: an environment, a user, streams. What must hold in
each of them is in `verdict`: a listed exit status that fits, no traceback, nothing half written
left, and with ``--log-json`` nothing but JSON on standard error.
"""

import json
import os
import random
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastw2v.cli.manual import (
    EXIT_DONE,
    EXIT_ERROR,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_READER_GONE,
    EXIT_STATUSES,
)
from fastw2v.kernels import compilation
from fastw2v.kernels.cache_places import shared_places
from tests.support.command_recipes import RECIPES
from tests.support.programs import default_signals

__all__ = [
    "CACHES",
    "SURROUNDINGS",
    "Outcome",
    "Surroundings",
    "Workplace",
    "can_be_another_user",
    "interrupted",
    "refused",
    "tried",
    "verdict",
]

_PACKAGE = Path(compilation.__file__).parents[1]
_USER = 12345  # of no name and no home, as some clusters choose users
# Without any right to write, but with that to read: the interpreter may be root's alone.
_AS_ANOTHER = (
    f"setpriv --reuid {_USER} --regid {_USER} --clear-groups --inh-caps +dac_read_search "
    "--ambient-caps +dac_read_search --"
).split()
_NOTICE = "set NUMBA_CACHE_DIR to a folder that can be written"
_LONGEST_S = 600.0


@dataclass(frozen=True)
class Surroundings:
    """A way to start the program.

    Attributes
    ----------
    environment : dict
        Changes; None takes a variable away.
    redirections : str
        Of the shell, behind the command.
    cache : {"warm", "cold", "damaged"}
        In which state the kernels are that the package's folder has.
    another_user : bool
        Without a home, and without the right to write to the package.
    code : str, optional
        What Python runs in place of ``-m fastw2v``.
    statuses : tuple of int
        With which a command may end.
    """

    environment: dict[str, str | None] = field(default_factory=dict)
    redirections: str = ""
    cache: str = "warm"
    another_user: bool = True
    code: str | None = None
    statuses: tuple[int, ...] = (EXIT_DONE,)


_C_LOCALE: dict[str, str | None] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
_NO_STREAMS = """
import sys
sys.stdin = sys.stdout = sys.stderr = None
from fastw2v.cli.main import main
main()
"""
CACHES = ("cold", "damaged")  # these compile, and take minutes
_FULL = (EXIT_DONE, EXIT_ERROR)
SURROUNDINGS = {
    "plain": Surroundings(another_user=False),
    "container": Surroundings(),
    "locale C": Surroundings(_C_LOCALE),
    "stdin closed": Surroundings(redirections="<&-"),
    "stdout closed": Surroundings(redirections=">&-"),
    "stderr closed": Surroundings(redirections="2>&-"),
    "all closed": Surroundings(redirections="<&- >&- 2>&-"),
    "streams None": Surroundings(code=_NO_STREAMS),
    "stderr full": Surroundings(redirections="2>/dev/full"),
    "stdout full": Surroundings(redirections=">/dev/full", statuses=_FULL),
    "reader gone": Surroundings(redirections="| true", statuses=(EXIT_DONE, EXIT_READER_GONE)),
    "no room": Surroundings(redirections="; exit $?", statuses=_FULL),
    "bad temporary folder": Surroundings({"TMPDIR": "/nowhere"}),
    "cold": Surroundings(cache="cold"),
    "damaged": Surroundings(cache="damaged"),
}


@dataclass
class Outcome:
    """How a process ended."""

    command: str
    status: int
    output: str
    errors: str
    seconds: float
    left: list[str]
    made: list[str]


def can_be_another_user() -> bool:
    """Whether processes can be started without the right to write to the package."""
    return os.geteuid() != 0 or shutil.which("setpriv") is not None


class Workplace:
    """A folder with copies of the package and all that recipes name; removed at the end.

    Parameters
    ----------
    caches : sequence of str
        Which copies there are beside the one that has its kernels.
    """

    def __init__(self, caches: Sequence[str] = CACHES) -> None:
        self._caches = caches
        self.folder = Path(tempfile.mkdtemp(prefix="fastw2v-tried-"))
        self.folder.chmod(0o755)
        self.paths = {
            name: self.folder / file
            for name, file in {
                "text": "café.txt",
                "model": "modèle",
                "vectors": "vecteurs.txt",
                "counts": "comptes",
                "more_counts": "comptes-2",
                "pairs": "paires.tsv",
                "analogies": "analogies.txt",
            }.items()
        }

    def __enter__(self) -> "Workplace":
        self._make_package("warm")
        self._make_files()
        for cache in self._caches:
            self._make_package(cache)
        return self

    def __exit__(self, *_: object) -> None:
        for path in [self.folder, *self.folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(self.folder)

    def package(self, cache: str) -> Path:
        """Return the folder that a copy of the package is in."""
        return self.folder / f"package-{cache}"

    def _make_package(self, cache: str) -> None:
        home = self.package(cache)
        shutil.copytree(_PACKAGE, home / "fastw2v", ignore=shutil.ignore_patterns("__pycache__"))
        kept = (
            home
            / "fastw2v"
            / "kernels"
            / "__pycache__"
            / f"{compilation._FOLDER}{compilation._DIGEST}"
        )
        if cache == "warm":
            for place in shared_places():  # what is compiled here already need not be again
                if (place / kept.name).is_dir():
                    shutil.copytree(place / kept.name, kept, dirs_exist_ok=True)
        elif cache == "damaged":
            whole = self.package("warm") / kept.relative_to(home)
            shutil.copytree(whole, kept)
            for number, file in enumerate(sorted(kept.glob("*.nbc"))):
                data = file.read_bytes()
                file.chmod(0o644)
                file.write_bytes((b"", data[: len(data) // 2], data[:-1] + b"\0")[number % 3])

    def _make_files(self) -> None:
        """Write text and test sets; let the program, in plain surroundings, make the rest."""
        generator = random.Random(1)
        words = ["café", "naïve", "été", *(f"w{number}" for number in range(57))]
        lines = [
            [words[(first + place + generator.randrange(2)) % 60] for place in range(12)]
            for first in range(300)
        ]
        text = "\n".join(map(" ".join, lines)) + "\n"
        self.paths["text"].write_text(text, encoding="utf-8")
        self.paths["pairs"].write_text("café\tété\t3\nnaïve\tw1\t2\nw2\tw3\t5\n", encoding="utf-8")
        self.paths["analogies"].write_text(": all\ncafé été w1 w2\n", encoding="utf-8")
        small = "--min-count 1"
        for line in (
            f"train {{text}} -o {{model}} --vector-size 4 --epochs 2 {small}",
            "export {model} {vectors}",
            f"count {{text}} -o {{counts}} {small}",
            "count {text} -o {more_counts} --vocabulary {counts}",
        ):
            done = tried(self, line, SURROUNDINGS["plain"])
            if done.status:
                raise RuntimeError(f"{line}: status {done.status}: {done.errors}")

    def arguments(self, line: str, out: Path) -> list[str]:
        """Return the words of a recipe with its paths."""
        return [word.format(out=out, **self.paths) for word in line.split()]


def _closed(folder: Path, mode: int) -> None:
    """Take the right to write away from a folder and all that is in it, or give it back."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            writing = stat.S_IWUSR if mode else 0
            path.chmod(path.stat().st_mode & ~0o222 | writing)


def tried(
    place: Workplace,
    line: str,
    surroundings: Surroundings,
    *,
    signalled: tuple[int, float] | None = None,
    temporary: Path | None = None,
) -> Outcome:
    """Run a command line and wait for its end.

    Parameters
    ----------
    signalled : (signal, seconds), optional
        Which signal to send, and how long after the program has begun to answer signals.
    temporary : Path, optional
        Folder for temporary files, kept from run to run. Default: a new one.
    """
    out = Path(tempfile.mkdtemp(prefix="out-", dir=place.folder))
    temporary = temporary or out / "tmp"
    temporary.mkdir(exist_ok=True)
    out.chmod(0o777)
    temporary.chmod(0o1777)  # as /tmp is
    package = place.package(surroundings.cache)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(package),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "100",
    } | surroundings.environment
    if os.geteuid() != 0:  # the password file would tell where this user's is
        environment["HOME"] = "/nowhere"
    arguments = place.arguments(line, out)
    command = [
        sys.executable,
        *(["-c", surroundings.code] if surroundings.code else ["-m", "fastw2v"]),
    ]
    command += arguments
    if surroundings.another_user:
        _closed(package, 0)
        command = ([*_AS_ANOTHER] if os.geteuid() == 0 else []) + command
    else:
        _closed(package, 1)
    shell = f"exec {shlex.join(command)} {surroundings.redirections}"
    if surroundings.redirections.startswith("|"):
        shell = f"{shlex.join(command)} {surroundings.redirections}; exit ${{PIPESTATUS[0]}}"
    if surroundings.redirections.startswith(";"):
        shell = f"ulimit -f 0; exec {shlex.join(command)}"
    began_s = time.monotonic()
    with default_signals():
        process = subprocess.Popen(
            ["bash", "-c", shell],
            cwd=out,
            env={name: value for name, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    if signalled is not None:
        _signal(process, *signalled)
    try:
        said = process.communicate(timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()
    seconds = time.monotonic() - began_s
    own = f"fastw2v-{_USER if surroundings.another_user and os.geteuid() == 0 else os.geteuid()}"
    left = [
        str(path.relative_to(out))
        for path in [*out.rglob(".fastw2v-*"), *temporary.iterdir()]
        if path.name != own
    ]
    made = sorted(path.name for path in out.iterdir() if path != temporary)
    shutil.rmtree(out, ignore_errors=True)
    return Outcome(shlex.join(arguments), process.returncode, *said, seconds, left, made)


def _signal(process: "subprocess.Popen[str]", number: int, delay_s: float) -> None:
    """Send a signal some time after the program has begun to answer it."""
    # Python has a handler of its own for SIGINT from its first moment; for SIGTERM only ours.
    while process.poll() is None and not _answers(process.pid, signal.SIGTERM):
        time.sleep(0.002)
    time.sleep(delay_s)
    if process.poll() is None:
        os.killpg(process.pid, number)


def _answers(process: int, number: int) -> bool:
    try:
        about = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    caught = next(line for line in about.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def verdict(name: str, outcome: Outcome, statuses: tuple[int, ...], *, log_json: bool) -> list[str]:
    """Return what is wrong with how a command ended; nothing if all is well."""
    recipe, wrong = RECIPES[name], []
    listed = set(EXIT_STATUSES) - {EXIT_FAULT}
    if outcome.status not in statuses or outcome.status not in listed:
        wrong.append(f"status {outcome.status}, expected {' or '.join(map(str, statuses))}")
    for sign in ("Traceback", "Exception ignored", "Error in sys.excepthook", "Fatal Python"):
        if sign in outcome.errors:
            wrong.append(f"{sign!r} on standard error")
    if outcome.left:
        wrong.append(f"left behind: {', '.join(outcome.left)}")
    if outcome.errors.count(_NOTICE) > 1:
        wrong.append("says more than once where kernels are kept")
    allowed = {*recipe.makes, "modèle.checkpoint"}
    if outcome.status == EXIT_DONE and set(outcome.made) != set(recipe.makes):
        wrong.append(f"made {outcome.made}, expected {list(recipe.makes)}")
    elif not set(outcome.made) <= allowed:
        wrong.append(f"made {outcome.made}")
    if outcome.status == EXIT_ERROR and outcome.errors.strip():
        last = outcome.errors.strip().splitlines()[-1]
        if not log_json and not last.startswith("fastw2v: "):
            wrong.append("an error without a line that says what it was")
    if log_json:
        wrong += _json_faults(outcome)
    return wrong


def _json_faults(outcome: Outcome) -> list[str]:
    events = []
    for line in outcome.errors.splitlines():
        try:
            event = json.loads(line)
            for text in (event["event"], str(event.get("message", ""))):
                text.encode()  # no half of a character
            events.append(event)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            return [f"not JSON on standard error ({type(error).__name__}): {line[:120]!r}"]
    if outcome.status in (EXIT_ERROR, EXIT_INTERRUPTED):
        last = events[-1] if events else {}
        if (last.get("event"), last.get("exit_status")) != ("error", outcome.status):
            return [f"expected an event that tells status {outcome.status}, got {last}"]
    return []


def refused(place: Workplace, name: str, options: set[str]) -> Outcome:
    """Run a command on inputs that are not there, with ``--log-json`` if it has that."""
    line = RECIPES[name].arguments
    for path in place.paths:
        line = line.replace(f"{{{path}}}", "nulle-part-é")
    line += " --no-such-option" * (line == RECIPES[name].arguments)  # it reads nothing
    line += " --log-json" * ("--log-json" in options)
    return tried(place, f"{name} {line}", SURROUNDINGS["locale C"])


def interrupted(
    place: Workplace, name: str, options: set[str], generator: random.Random, whole_s: float
) -> tuple[Outcome, list[str]]:
    """Send a command a signal at a moment drawn from the time that it takes; add the verdict."""
    number = generator.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    is_logged = "--log-json" in options
    recipe = RECIPES[name]
    line = f"{name} {recipe.arguments}" + " --log-json" * is_logged
    moment = (int(number), generator.uniform(0, whole_s))
    outcome = tried(place, line, SURROUNDINGS["container"], signalled=moment)
    is_done = set(outcome.made) == set(recipe.makes) and bool(outcome.output)
    if outcome.status == -number and is_done:  # on its way out, all done: to be ended is all right
        outcome.status = EXIT_DONE
    if outcome.status == -signal.SIGINT and "interrupted" in outcome.errors:
        # Python ends so, and a shell says 130, where Ctrl-C met code that a library makes as text.
        outcome.status = EXIT_INTERRUPTED
    ends = (EXIT_INTERRUPTED, EXIT_DONE)
    return outcome, verdict(name, outcome, ends, log_json=is_logged)
