"""The parameters of an epoch that are kept aside: the best one, or the last good one."""

import tempfile
import weakref
from contextlib import suppress
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.errors import OutputError
from fastw2v.system.array_files import Arrays

__all__ = ["KeptArrays"]


def _close(file: IO[bytes] | None) -> None:
    if file is not None:
        with suppress(OSError):  # that a full disk did not take all is known already
            file.close()


class KeptArrays:
    """Copies of arrays in a file without a name, which is gone with the process.

    Hardly any run needs them again, and memory would have to hold them beside what is trained.
    Where no such file can be written they are kept in memory. It is closed with the last that holds
    this object.
    """

    def __init__(self) -> None:
        self._described: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self._file: IO[bytes] | None = None
        self._copies: Arrays | None = None

    def __bool__(self) -> bool:
        return bool(self._described)

    def keep(self, arrays: Arrays) -> None:
        """Keep these, and no longer what was kept before."""
        self._described = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        if self._copies is None:
            try:
                self._write(arrays)
            except OSError:  # a full disk, say
                _close(self._file)
                self._file = None
                self._copies = {}
        if self._copies is not None:
            self._copies = {name: array.copy() for name, array in arrays.items()}

    def _write(self, arrays: Arrays) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="fastw2v-")  # noqa: SIM115 - kept open
            weakref.finalize(self, _close, self._file)
        self._file.seek(0)
        for array in arrays.values():
            self._file.write(_bytes_of(np.ascontiguousarray(array)))
        self._file.flush()

    def arrays(self) -> Arrays:
        """Return what is kept.

        Raises
        ------
        OutputError
            If it cannot be read again.
        """
        if self._file is None:
            return dict(self._copies or {})
        found: Arrays = {}
        try:
            self._file.seek(0)
            for name, (shape, dtype) in self._described.items():
                found[name] = np.empty(shape, dtype)
                data = self._file.read(found[name].nbytes)
                _bytes_of(found[name])[:] = data
        except (OSError, ValueError) as error:  # ValueError: fewer bytes than were written
            raise OutputError(
                f"kept epoch: expected to read again what was written to {tempfile.gettempdir()}, "
                f"got {error}; set TMPDIR to a folder on a sound disk"
            ) from error
        return found


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
