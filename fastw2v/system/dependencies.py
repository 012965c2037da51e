"""Packages that are needed for some things only, and installed as extras of this one."""

from importlib import import_module
from typing import Any

from fastw2v.errors import missing_dependency

__all__ = ["optional_module"]


def optional_module(module: str, needed_by: str, extra: str, package: str | None = None) -> Any:
    """Return a module of a package that may not be installed.

    Parameters
    ----------
    module : str
    needed_by : str
        What needs it, for the message.
    extra : str
        Of this package; it brings the module's.
    package : str, optional
        The module's package, for the message. Default: its name is the module's.

    Raises
    ------
    MissingDependencyError
        If the module cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise missing_dependency(needed_by, package or module, extra) from error
