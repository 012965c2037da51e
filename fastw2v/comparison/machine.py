"""Where figures were measured: processor, cores, versions."""

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from fastw2v.system.threads import available_cores

__all__ = ["BLAS_PINS", "NOT_INSTALLED", "cpu_name", "describe_machine", "versions"]

# Some machines pin OpenBLAS to an older kernel through these; a comparison must not profit.
BLAS_PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
NOT_INSTALLED = "not installed"


def cpu_name() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe_machine(*packages: str) -> dict[str, str]:
    """Return processor, cores, Python, and the versions of `packages`."""
    found = {
        "cpu": cpu_name(),
        "cores": str(available_cores()),
        "python": platform.python_version(),
    }
    return found | versions(("fastw2v", "numpy", "numba", *packages))


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the version of each package, or that it is not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = NOT_INSTALLED
    return found
