"""Other Python processes of this package, started and ended by this one."""

import os
from pathlib import Path

__all__ = ["child_environment"]


def child_environment() -> dict[str, str]:
    """Return the environment in which another Python finds this package, and no other.

    With ``-P`` what lies in the current folder is not imported.
    """
    package = Path(__file__).resolve().parents[2]
    paths = list(filter(None, [os.environ.get("PYTHONPATH")]))
    if package.name not in ("site-packages", "dist-packages"):  # there it is found anyway
        paths = [str(package), *paths]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
