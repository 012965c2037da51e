"""Running trainers: each in a process of its own, one after the other, round after round."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastw2v.comparison.machine import BLAS_PINS
from fastw2v.comparison.requests import TrainingRequest
from fastw2v.comparison.rivals import RIVALS
from fastw2v.errors import ConfigurationError
from fastw2v.system import children
from fastw2v.text.encoded_folder import clear_abandoned_folders

__all__ = ["ComparedRun", "Record", "alternate", "train_once", "training_environment"]

Record = dict[str, Any]


@dataclass(frozen=True)
class ComparedRun:
    """A column of the comparison: a trainer and its epochs, as ``gensim`` or ``gensim:20``."""

    name: str
    trainer: str
    epochs: int

    @classmethod
    def parse(cls, text: str, epochs: int) -> "ComparedRun":
        """Read ``TRAINER`` or ``TRAINER:EPOCHS``.

        Raises
        ------
        ConfigurationError
            If there is no such trainer, or the epochs are no number from 1 on.
        """
        trainer, colon, asked = text.partition(":")
        if trainer not in RIVALS:
            raise ConfigurationError(
                f"rivals: expected some of {', '.join(RIVALS)}, got {trainer!r}"
            )
        if colon and (not asked.isdecimal() or int(asked) < 1):
            raise ConfigurationError(
                f"rivals: expected {trainer}:EPOCHS with a whole number from 1 on, got {text!r}"
            )
        return cls(text, trainer, int(asked) if colon else epochs)


def train_once(
    request: TrainingRequest,
    *,
    time_limit_s: float | None = None,
    more_environment: dict[str, str] | None = None,
) -> Record:
    """Train in a new process and return its answer, or why there is none.

    Parameters
    ----------
    request : TrainingRequest
    time_limit_s : float, optional
        The process is ended after so many seconds.
    more_environment : dict, optional
        Beside what all trainers get.

    Returns
    -------
    dict
        "wall_s", "cpu_s", "peak_bytes", stages, "loss" and "settings"; or "error" and "install",
        the command that installs the trainer.
    """
    environment = training_environment(request.workers) | (more_environment or {})
    # -P: a file in the working folder that is called as a package must not be taken for it.
    command = [sys.executable, "-P", "-m", "fastw2v.comparison.child", request.as_json()]
    process = subprocess.Popen(
        [*command, repr(time.time())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        start_new_session=True,  # so that a program that it runs ends with it
    )
    try:
        out, errors = process.communicate(timeout=time_limit_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return _failed(request, f"ended after the time limit of {time_limit_s:g} s")
    except BaseException:
        _end(process)
        raise
    lines = out.splitlines()
    if process.returncode or not lines:
        said = [line for line in errors.splitlines() if line.strip()]
        last = f": {said[-1].strip()}" if said else ""
        return _failed(request, f"the process ended with status {process.returncode}{last}")
    answer: Record = json.loads(lines[-1])
    if "error" in answer:
        return _failed(request, answer["error"], is_missing=answer.get("is_missing", False))
    return answer


def training_environment(workers: int) -> dict[str, str]:
    """Return the environment of every training process: the same threads for BLAS, nothing pinned.

    The package is the one that runs here, wherever the process is started.
    """
    environment = children.child_environment()
    kept = {name: value for name, value in environment.items() if name not in BLAS_PINS}
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(workers)
    )
    return kept | threads


def alternate(
    runs: Sequence[ComparedRun], rounds: int, train: Callable[[ComparedRun, int], Record]
) -> Iterator[Record]:
    """Yield the record of every run of every round, each round with another seed.

    Parameters
    ----------
    runs : sequence of ComparedRun
    rounds : int
        Seeds are 1 to `rounds`.
    train : callable
        Gets a run and a seed. A run whose record has an "error" is not tried again.
    """
    failed = set()
    for seed in range(1, rounds + 1):
        for run in runs:
            if run.name in failed:
                continue
            record = {"run": run.name, "trainer": run.trainer, "seed": seed, **train(run, seed)}
            if "error" in record:
                failed.add(run.name)
            yield record


def _failed(request: TrainingRequest, error: str, *, is_missing: bool = False) -> Record:
    rival = RIVALS[request.trainer]
    return {"error": error, "is_missing": is_missing, "install": rival.install}


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process and what it started; it leads a session of its own."""
    import signal

    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
    with suppress(OSError):  # no folder for temporary files
        clear_abandoned_folders()
