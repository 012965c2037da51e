"""The clock of a training: time, CPU seconds and peak memory of a process until it has trained."""

import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["Clock", "high_water_bytes", "stop_clock", "stop_clock_of_children"]


class Clock(NamedTuple):
    """The end of training: time of day, CPU seconds and peak memory of the process till then.

    The peak is 0 where the system does not tell it, as on Windows.
    """

    ended: float
    cpu_s: float
    peak_bytes: int


def stop_clock() -> Clock:
    """Read the clock; call it when training has ended, before anything is written.

    The peak is Linux's VmHWM where there is one: what getrusage gives includes the memory of the
    process that this one was started from.
    """
    if resource is None:
        return Clock(time.time(), time.process_time(), 0)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    peak = high_water_bytes("self") or _peak_bytes(usage)
    return Clock(time.time(), usage.ru_utime + usage.ru_stime, peak)


def stop_clock_of_children(ended: float, peak_bytes: int) -> Clock:
    """Return the clock of programs that were run and waited for, given when they had ended.

    Their CPU seconds are 0 where the system does not tell them.
    """
    if resource is None:
        return Clock(ended, 0.0, peak_bytes)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Clock(ended, usage.ru_utime + usage.ru_stime, peak_bytes or _peak_bytes(usage))


def _peak_bytes(usage: Any) -> int:
    """Return the peak memory that getrusage gives: in bytes on macOS, in KiB elsewhere."""
    return int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def high_water_bytes(process: int | str) -> int:
    """Return the peak memory of a running process, or 0 where it is not known."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0
