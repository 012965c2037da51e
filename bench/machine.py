"""What every benchmark says about where it ran, and how rivals get their best conditions."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

# Some machines pin OpenBLAS to an older kernel through these; a comparison must not profit.
BLAS_PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def unpin_blas() -> None:
    """Start this process again without variables that slow OpenBLAS down, if there are any."""
    if any(name in os.environ for name in BLAS_PINS):
        kept = {name: value for name, value in os.environ.items() if name not in BLAS_PINS}
        os.execve(sys.executable, [sys.executable, *sys.argv], kept)


def cpu_name() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe(*packages: str) -> dict[str, str]:
    """Return processor, cores, Python, and the versions of `packages`."""
    found = {
        "cpu": cpu_name(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0),
        "python": platform.python_version(),
    }
    for name in ("fastw2v", "numpy", "numba", *packages):
        found[name] = metadata.version(name)
    return found


def header(*packages: str) -> str:
    """Return `describe` as one line."""
    return ", ".join(f"{name} {value}" for name, value in describe(*packages).items())
