"""Processes that cut text by a function or a library, and what they say to the one that asks.

Each is a Python of its own behind two pipes: the program that trains needs no guard for its main
module, and a process that dies takes nothing with it. What is said is a length and as many bytes.
Only the function itself travels as a pickle, from this process to its own children.
"""

import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, BinaryIO, Self

import numpy as np
import orjson

from fastw2v.errors import FastW2VError, TokenizerError
from fastw2v.system.children import child_environment
from fastw2v.text.batches import TokenBatch
from fastw2v.text.files import TextBlock
from fastw2v.text.line_cutting import LineError, Place, cut_lines, failed_line
from fastw2v.text.rules import TextRules
from fastw2v.text.word_rules import NO_RULES

__all__ = ["CuttingPool", "serve"]

_LENGTH = struct.Struct("<Q")
_WAITING_A_WORKER = 3  # chunks that are cut or wait for it
_TEXT, _BATCH, _FAILED, _READY = b"T", b"B", b"F", b"R"
_ENDS_WITHIN_S = 2.0


class _DeadWorkerError(Exception):
    """A process has ended in the midst of its work."""


class _Worker:
    """One process that cuts, seen from here."""

    def __init__(self, folder: Path, number: int, errors: BinaryIO, code: bytes) -> None:
        self._reached = folder / f"line-{number}"
        self._reached.write_bytes(bytes(_LENGTH.size))
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-c"),
                "from fastw2v.text.cutting_workers import serve; serve()",
                str(self._reached),
            ],
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        self._code = code

    def start(self) -> str:
        """Hand over what to cut by; return why it could not be taken, or nothing."""
        # As bytes: a name that is not UTF-8 is no text of JSON.
        self._say(orjson.dumps([os.fsencode(path).hex() for path in sys.path]))
        self._say(self._code)
        answer = self._answer()
        return "" if answer == _READY else answer[1:].decode()

    def cut(self, data: bytes) -> bytes | TokenBatch:
        """Cut whole lines.

        Raises
        ------
        LineError
            If a line cannot be cut, or the process has died at it.
        """
        try:
            self._say(data)
            answer = self._answer()
        except _DeadWorkerError:
            line = _LENGTH.unpack(self._reached.read_bytes()[: _LENGTH.size])[0]
            raise LineError(line, f"has ended its process {_how(self.process)}") from None
        kind, content = answer[:1], memoryview(answer)[1:]
        if kind == _TEXT:
            return bytes(content)
        if kind == _BATCH:
            return _batch_of(content)
        number, reason, is_own = orjson.loads(content)
        if is_own:
            raise TokenizerError(reason)
        raise LineError(number, reason)

    def _say(self, message: bytes) -> None:
        assert self.process.stdin is not None
        try:
            _write(self.process.stdin, message)
        except OSError as error:
            raise _DeadWorkerError from error

    def _answer(self) -> bytes:
        assert self.process.stdout is not None
        answer = _read(self.process.stdout)
        if answer is None:
            raise _DeadWorkerError
        return answer

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _how(process: "subprocess.Popen[bytes]") -> str:
    """Return how a process ended."""
    try:
        status = process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        return "(closed its output)"
    if status >= 0:
        return f"(exit status {status})"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
    return f"(signal {name})"


class CuttingPool:
    """Some processes that cut text side by side; a context manager.

    Parameters
    ----------
    rules : TextRules
        Its function has to be one that other processes can import, or that pickles; else a warning
        says that this process goes on alone.
    n_workers : int

    Attributes
    ----------
    is_started : bool
        Whether there are processes.
    """

    def __init__(self, rules: TextRules, n_workers: int) -> None:
        self._rules = rules
        self._n_workers = n_workers
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self.is_started = False

    def __enter__(self) -> Self:
        """Start the processes."""
        self._folder = tempfile.TemporaryDirectory(prefix="fastw2v-cutting-")
        self._errors = Path(self._folder.name, "errors").open("w+b")
        try:
            reason = self._start()
        except BaseException:
            self._close()
            raise
        if reason:
            self._end_workers()
            warnings.warn(
                f"the tokenizer {self._rules.tokenizer} runs in this process alone, since others "
                f"cannot have it ({reason}); a function of a module that can be imported is run in "
                "several",
                RuntimeWarning,
                stacklevel=2,
            )
        self.is_started = not reason
        return self

    def _start(self) -> str:
        """Start the processes; return why they cannot do the work, or nothing."""
        if not sys.executable or getattr(sys, "frozen", False):
            return "there is no Python to start"
        try:
            # What becomes of words is not for those that find them.
            code = pickle.dumps(replace(self._rules, words=NO_RULES))
        except Exception as error:  # whatever the function's own pickling raises
            return " ".join(f"{type(error).__name__}: {error}".split())
        try:
            for number in range(self._n_workers):
                worker = _Worker(Path(self._folder.name), number, self._errors, code)
                self._workers.append(worker)
                self._idle.put(worker)
            return next(filter(None, (worker.start() for worker in self._workers)), "")
        except _DeadWorkerError:
            return f"their Python ends at once: {self._last_words()}"
        except OSError as error:
            return str(error)

    def cut(
        self, chunks: Iterable[tuple[TextBlock, Place] | TokenBatch]
    ) -> Iterator[TextBlock | TokenBatch]:
        """Yield what chunks are cut into, in their order; errors as `Cutter.cut`."""
        waiting: deque[Future[TextBlock | TokenBatch]] = deque()
        with ThreadPoolExecutor(self._n_workers) as threads:
            try:
                for chunk in chunks:
                    waiting.append(threads.submit(self._cut_one, chunk))
                    while waiting and (
                        waiting[0].done() or len(waiting) >= _WAITING_A_WORKER * self._n_workers
                    ):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
                self._end_workers()  # what is being cut is not waited for

    def _cut_one(self, chunk: tuple[TextBlock, Place] | TokenBatch) -> TextBlock | TokenBatch:
        if isinstance(chunk, TokenBatch):
            return chunk
        block, place = chunk
        worker = self._idle.get()
        try:
            found = worker.cut(block.data)
        except LineError as error:
            raise failed_line(self._rules, block.data, place, *error.args) from None
        finally:
            self._idle.put(worker)
        return found if isinstance(found, TokenBatch) else block._replace(data=found)

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return lines[-1][:200] if lines else "it says nothing"

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes."""
        self._close()

    def _close(self) -> None:
        self._end_workers()
        self._errors.close()
        self._folder.cleanup()


def serve() -> None:
    """Cut what comes from standard input, until that ends: the work of one process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks decides
    asked = sys.stdin.buffer
    # What the function prints must not get among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with Path(sys.argv[1]).open("r+b", buffering=0) as reached:
        path, code = _read(asked), _read(asked)
        if path is None or code is None:
            return
        _take_path(path)
        try:
            rules: TextRules = pickle.loads(code)
        except Exception as error:  # whatever importing a module of the user's raises
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            _write(answers, _FAILED + _sayable(reason).encode())
            return
        _write(answers, _READY)

        def tell(number: int) -> None:
            reached.seek(0)
            reached.write(_LENGTH.pack(number))

        while (data := _read(asked)) is not None:
            try:
                found = cut_lines(rules, data, tell)
            except LineError as error:
                number, reason = error.args
                _write(answers, _FAILED + orjson.dumps([number, _sayable(reason), False]))
            except FastW2VError as error:
                _write(answers, _FAILED + orjson.dumps([0, _sayable(str(error)), True]))
            else:
                _write(answers, _TEXT + found if isinstance(found, bytes) else _bytes_of(found))


def _sayable(reason: str) -> str:
    """Return a reason without the lone surrogates that UTF-8 cannot hold."""
    return reason.encode(errors="backslashreplace").decode()


def _take_path(message: bytes) -> None:
    """Look for modules where the process that asks does, and in its order."""
    sys.path[:] = [os.fsdecode(bytes.fromhex(path)) for path in orjson.loads(message)]


def _bytes_of(batch: TokenBatch) -> bytes:
    sizes = _LENGTH.pack(len(batch.token_ends)) + _LENGTH.pack(len(batch.sentence_ends))
    arrays = (batch.token_ends, batch.sentence_ends, batch.text)
    return b"".join((_BATCH, sizes, *(array.tobytes() for array in arrays)))


def _batch_of(content: memoryview) -> TokenBatch:
    n_tokens, n_sentences = struct.unpack_from("<QQ", content)
    ends = np.frombuffer(content, np.int64, n_tokens + n_sentences, 16).copy()
    text = np.frombuffer(content, np.uint8, -1, 16 + ends.nbytes)
    return TokenBatch(text, ends[:n_tokens], ends[n_tokens:])


def _write(stream: IO[bytes], message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """Return the next message; None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    message = stream.read(length)
    return message if len(message) == length else None
