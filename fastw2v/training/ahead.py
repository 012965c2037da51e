"""Kernels of a run compiled ahead by a second process, while the first one reads and counts.

Numba compiles one kernel at a time in a process, and keeps what it has compiled on disk. So the
first run of its kind on a machine starts another process, which trains on a few words with the same
settings. Before the first step it is waited for until it has gone through an epoch; while this
process trains, it compiles what comes after the last one. Marks beside the kernels say how far they
are there, so that later runs of that kind start nothing.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from fastw2v.config import PHRASE_NAMES, TEXT_NAMES, CountingSettings, Hyperparameters
from fastw2v.counts.corpus import CorpusStatistics, CountedCorpus
from fastw2v.counts.matrix import PairCounts
from fastw2v.kernels.compilation import is_marked, leave_mark
from fastw2v.kernels.compile_clock import compiling, compiling_s
from fastw2v.objectives.softmax.rare_words import fewest_sampled_words
from fastw2v.system.children import child_environment
from fastw2v.system.threads import available_cores
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.cbow import train_cbow
from fastw2v.training.run import Run
from fastw2v.training.skipgram import train_counted
from fastw2v.training.stream import train_running_text
from fastw2v.training.text import TrainingText

__all__ = ["SWITCH", "compiled_ahead", "fewest_words", "mark_of", "train_on_few_words"]

_LOGGER = logging.getLogger(__name__)

SWITCH = "FASTW2V_AHEAD"  # 0: no second process
_FEW_WORDS = 64
_CONTEXTS = 64  # of each of them
_POLL_S = 0.05
# Settings that no kernel of training is made for: numbers, and how a text becomes words, which the
# other process does not do. Others may choose between kernels.
_SAME_KERNELS = (
    *("seed", "epochs", "replicas", "learning_rate", "final_rate", "min_count", "max_final_vocab"),
    *("sample", "window_sample", "window", "scores_mib", "batch_rows", "batch_tokens"),
    *("ns_exponent", "start", "bucket", "min_n", "max_n", "errors", *TEXT_NAMES, *PHRASE_NAMES),
)


def mark_of(settings: Hyperparameters, precision: str) -> str:
    """Return the name of the mark for all runs that call the same kernels."""
    kinds = {name: value for name, value in settings.as_dict().items() if name not in _SAME_KERNELS}
    text = json.dumps([kinds, precision], sort_keys=True, default=str)
    return f"ahead-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _mark_of_epochs(mark: str) -> str:
    """Return the name of the mark for what a run calls until its last epoch is over."""
    return f"{mark}-epochs"


@contextmanager
def compiled_ahead(run: Run) -> Iterator[None]:
    """Compile a run's kernels in another process, if there are cores for it and it is the first.

    Within, `run.await_kernels` waits until they are there.
    """
    process = _started(run)
    if process is not None:
        run.await_kernels = lambda: _wait(process, run)
    try:
        yield
    finally:
        run.await_kernels = None
        if process is not None:
            process.kill()
            _end(process)
    if os.environ.get(SWITCH) != "0" and compiling_s() > run.compiled_before_s:
        leave_mark(mark_of(run.settings, run.description.precision))


def _started(run: Run) -> "subprocess.Popen[bytes] | None":
    settings = run.settings
    is_wanted = os.environ.get(SWITCH) != "0" and settings.inputs != "features"
    # The kernels that take long to compile are those of the output layer on the CPU.
    is_wanted = is_wanted and run.device == "cpu"
    can_start = bool(sys.executable) and not getattr(sys, "frozen", False)
    # A budget of memory is one of this process, and leaves no room for another.
    if not is_wanted or not can_start or run.options.memory_mib is not None:
        return None
    if min(available_cores(), run.workers) < 2:
        return None
    if is_marked(mark_of(settings, run.description.precision)):
        return None
    code = "from fastw2v.training.ahead import _child; _child()"
    arguments = json.dumps({"settings": settings.given, "workers": run.workers})
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, arguments],
            env=child_environment(),
            stdin=subprocess.PIPE,  # its end is that of this process, however it comes
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        _LOGGER.debug("no process to compile ahead: %s", error)
        return None
    return process


def _wait(process: "subprocess.Popen[bytes]", run: Run) -> None:
    """Wait for what is still being compiled; whatever comes of it, this process can do it too."""
    run.await_kernels = None
    report: Callable[[int, int | None], None] | None = run.stage("compiling")
    mark = _mark_of_epochs(mark_of(run.settings, run.description.precision))
    if process.poll() is None and not is_marked(mark):
        with compiling():
            while process.poll() is None and not is_marked(mark):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
                if report:
                    report(0, None)  # signals are answered there
    _LOGGER.debug("compiled ahead, status %s", process.returncode)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.wait()


def _child() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    given = json.loads(sys.argv[1])
    train_on_few_words(Hyperparameters(**given["settings"]), given["workers"])


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def fewest_words(settings: Hyperparameters) -> int:
    """Return how many words a text needs for a run that calls all kernels of such settings."""
    is_sampled = settings.uses("rare_words") and settings.rare_words == "sampled"
    return fewest_sampled_words() if is_sampled else _FEW_WORDS


def train_on_few_words(settings: Hyperparameters, workers: int) -> None:
    """Train for an epoch on a few words that come from nowhere, and leave the marks."""
    changes: dict[str, Any] = {"epochs": 1, "replicas": 1, "min_count": 1}
    if settings.objective == "softmax":
        changes["start"] = "random"  # the other process begins by spectral vectors meanwhile
    run = Run(settings=Hyperparameters(**settings.given | changes), workers=workers)
    mark = mark_of(settings, run.description.precision)
    run.after_epoch = lambda _: leave_mark(_mark_of_epochs(mark))
    n_words = fewest_words(settings)
    generator = np.random.default_rng(1)
    ids = generator.integers(0, n_words, 40 * n_words).astype(np.int32)
    counts = -np.sort(-np.maximum(np.bincount(ids, minlength=n_words), 1))
    words = [f"word{number}" for number in range(n_words)]
    vocabulary = Vocabulary(words, counts, len(ids), n_words)
    tokens = EncodedTokens(ids, np.arange(0, len(ids) + 1, 40), len(ids), 0)
    text = TrainingText(vocabulary, tokens)
    if settings.objective != "softmax":
        train_running_text(run, text)
    elif settings.model == "cbow":
        train_cbow(run, text)
    else:
        train_counted(run, _few_counts(run, vocabulary), tokens, (0.0, 0.0))
    leave_mark(mark)


def _few_counts(run: Run, vocabulary: Vocabulary) -> CountedCorpus:
    n_words = len(vocabulary)
    indptr = _CONTEXTS * np.arange(n_words + 1, dtype=np.int64)
    around = (np.arange(n_words)[:, None] + np.arange(_CONTEXTS)) % n_words
    indices = np.sort(around, axis=1).astype(np.int32).reshape(-1)
    values = np.ones(len(indices), np.int32)
    counts = PairCounts(indptr, indices, values, run.settings.window)
    statistics = CorpusStatistics(("0" * 64,), 1, 1, 1)
    return CountedCorpus(vocabulary, CountingSettings.of(run.settings), None, statistics, counts)
