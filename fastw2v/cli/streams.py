"""Standard streams that a command may rely on, whatever it was started with.

A stream may be closed (``2>&-``), missing (``sys.stderr`` is None under a service or a window), a
pipe whose reader has gone, of an encoding without letters. Progress that cannot be written is no
reason to end a run: standard error takes everything. With ``--log-json`` what anybody writes to it,
a library's warning or a log, becomes an event, so that every line is JSON. Of standard output a
reader who has gone ends the command; a disk that is full behind it is an error.
"""

import codecs
import io
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

__all__ = [
    "ReaderGoneError",
    "as_json_text",
    "asks_for_json",
    "log_event",
    "parting_line",
    "usable_streams",
]

_SHOWN = "fastw2v-shown"


class ReaderGoneError(Exception):
    """Whoever read standard output has stopped, as ``| head -1`` does."""


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line has ``--log-json`` among its options."""
    options = list(arguments)
    return "--log-json" in (options[: options.index("--")] if "--" in options else options)


def _shown(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what a stream cannot hold: bytes of a name that were no text as they came, if valid."""
    assert isinstance(error, UnicodeEncodeError)
    if error.encoding == "utf-8":
        # A name's bytes that the locale had no letters for stand as lone surrogates.
        with suppress(UnicodeError):
            data = error.object[error.start : error.end].encode("utf-8", "surrogateescape")
            data.decode()
            return data, error.end
    return codecs.backslashreplace_errors(error)


codecs.register_error(_SHOWN, _shown)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: no number that it lacks, no half of a character."""
    if isinstance(value, str):
        return value.encode("utf-8", _SHOWN).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {_plain(name): _plain(held) for name, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list | tuple) else value


def as_json_text(content: Any) -> str:
    """Return a result as one line of JSON; numbers that JSON does not have become null."""
    return json.dumps(_plain(content), allow_nan=False)


def _event(event: str, **values: Any) -> str:
    return as_json_text({"event": event, "time": round(time.time(), 3), **values})


def log_event(event: str, **values: Any) -> None:
    """Write one line of ``--log-json`` to standard error."""
    line = _event(event, **values)
    if isinstance(sys.stderr, _Events):
        sys.stderr.write_line(line)
    else:
        print(line, file=sys.stderr, flush=True)


def parting_line(message: str, status: int, *, as_json: bool) -> str:
    """Return the last line of a command that ends before its time."""
    text = f"fastw2v: {message}"
    return (_event("error", message=message, exit_status=status) if as_json else text) + "\n"


class _Wrapper:
    """A text stream with another way to write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def write(self, text: str) -> int:
        raise NotImplementedError


class _Output(_Wrapper):
    """Standard output, which tells a reader who has gone from every other broken pipe."""

    def write(self, text: str) -> int:
        with _reader_watched():
            return self._stream.write(text)

    def flush(self) -> None:
        with _reader_watched():
            self._stream.flush()


@contextmanager
def _reader_watched() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError(str(error)) from error


class _Errors(_Wrapper):
    """Standard error, which takes what cannot be written as well."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class _Events(_Errors):
    """Standard error of which every line is an event: text that others write becomes notices."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._unfinished = ""

    def write(self, text: str) -> int:
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in filter(str.strip, lines):
            self.write_line(_event("notice", message=line.rstrip()))
        return len(text)

    def write_line(self, line: str) -> None:
        super().write(f"{line}\n")
        super().flush()


@contextmanager
def usable_streams(*, as_json: bool, until_exit: bool = False) -> Iterator[None]:
    """Put streams that can be relied on in the places of standard output and error.

    With `until_exit` they stay there: libraries have things to say while the process ends, too.
    """
    _fill_descriptors()
    earlier, shown = (sys.stdout, sys.stderr), warnings.showwarning
    nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - no path of anybody's
    for stream in earlier:
        _reconfigure(stream)
    output = _Output(sys.stdout or nowhere)
    errors = (_Events if as_json else _Errors)(sys.stderr or nowhere)
    sys.stdout, sys.stderr = output, errors  # type: ignore[assignment]
    warnings.showwarning = _warned
    try:
        yield
    finally:
        if isinstance(errors, _Events):
            errors.write("\n")
        for stream in filter(None, earlier):
            _flush(stream)
        if not until_exit:
            sys.stdout, sys.stderr = earlier
            warnings.showwarning = shown
            nowhere.close()


def _warned(message: Warning | str, *_: Any, **__: Any) -> None:
    sentence = f"warning: {' '.join(str(message).split())}"
    if isinstance(sys.stderr, _Events):
        log_event("notice", message=sentence)
    else:
        print(f"fastw2v: {sentence}", file=sys.stderr)


def _reconfigure(stream: Any) -> None:
    """Let a stream write every name and word: ASCII is what a locale of C has for want of more."""
    if not isinstance(stream, io.TextIOWrapper):
        return
    ascii_only = codecs.lookup(stream.encoding).name == "ascii"
    with suppress(OSError, ValueError):
        stream.reconfigure(encoding="utf-8" if ascii_only else None, errors=_SHOWN)


def _flush(stream: TextIO) -> None:
    """Write what is left in a buffer; drop it where that cannot be done, or Python would try."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _fill_descriptors() -> None:
    """Open what was closed, or the next file that is opened would take the place of a stream."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
