"""What every benchmark says about where it ran, and how rivals get their best conditions."""

import os
import sys

from fastw2v.comparison.machine import BLAS_PINS, describe_machine

__all__ = ["BLAS_PINS", "describe_machine", "header", "unpin_blas"]


def unpin_blas() -> None:
    """Start this process again without variables that slow OpenBLAS down, if there are any."""
    if any(name in os.environ for name in BLAS_PINS):
        kept = {name: value for name, value in os.environ.items() if name not in BLAS_PINS}
        os.execve(sys.executable, [sys.executable, *sys.argv], kept)


def header(*packages: str) -> str:
    """Return `describe` as one line."""
    return ", ".join(f"{name} {value}" for name, value in describe_machine(*packages).items())
