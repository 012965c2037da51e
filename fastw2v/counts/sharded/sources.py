"""Files and URLs as streams of bytes."""

from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from fastw2v.errors import CorpusError, FastW2VError
from fastw2v.system.dependencies import optional_module

__all__ = ["fsspec_module", "open_bytes", "reading"]


def open_bytes(name: str) -> BinaryIO:
    """Open a file or URL as it is, without decompressing it."""
    if "://" not in name:
        return Path(name).open("rb")
    stream: BinaryIO = fsspec_module().open(name, "rb").open()
    # The file system in memory gives all readers one and the same open file.
    whole = getattr(stream, "getvalue", None)
    return stream if whole is None else BytesIO(whole())


def fsspec_module() -> Any:
    """Return the module `fsspec`, or say how it is installed."""
    return optional_module("fsspec", "URLs", "distributed")


class reading:  # noqa: N801 - used like a function, in a with statement
    """Turn whatever a file system raises into a `CorpusError` that names the source."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, FastW2VError):
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            raise CorpusError(f"{self._name}: cannot be read: {reason}") from error
