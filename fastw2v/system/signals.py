"""Ctrl-C and SIGTERM: asked for in the middle of a step, answered at its end.

Python runs a signal's handler only between two of its own instructions. During training that
would be anywhere, with the parameters half updated; so while a `StopSignals` defers, a signal
only sets a mark, which the training loop looks at after each batch. And during one long call of a
kernel the handler would not run at all; so a thread that the signal wakes may end the process.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

__all__ = [
    "EXIT_INTERRUPTED",
    "StopSignals",
    "TrainingInterrupted",
    "answer_signals",
    "deferred_signals",
]

EXIT_INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to end, by Ctrl-C or SIGTERM.

    Attributes
    ----------
    checkpoint : Path, optional
        From which `Word2Vec.resume` goes on.
    reached : tuple of int, optional
        Epochs done, and batches of the next one, if this moment was saved. Otherwise the
        checkpoint is an earlier one.
    """

    def __init__(self, checkpoint: Path | None, reached: tuple[int, int] | None = None) -> None:
        super().__init__("training was interrupted")
        self.checkpoint = checkpoint
        self.reached = reached


class StopSignals:
    """Handlers of SIGINT and SIGTERM, in place while entered; none outside the main thread.

    Parameters
    ----------
    exit_after_s : float, optional
        End the process by force if the main thread has not answered a signal after so long, and
        is not training. Default: never.
    """

    current: ClassVar["StopSignals | None"] = None

    def __init__(self, *, exit_after_s: float | None = None) -> None:
        self.requested = False
        self.parting = "fastw2v: interrupted\n"
        self._deferring = False
        # An exception while a kernel hands its results to Python can crash the process. Until
        # there is something to save, a mark will do: whoever does not see it is ended.
        self._only_marks = exit_after_s is not None
        self._answered = 0
        self._exit_after_s = exit_after_s
        self._earlier: dict[int, Any] = {}
        self._outer: StopSignals | None = None
        self._wakeup: tuple[socket.socket, socket.socket] | None = None
        self._earlier_descriptor = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._outer, StopSignals.current = StopSignals.current, self
        for number in _SIGNALS:
            self._earlier[number] = signal.signal(number, self._handle)
        if self._exit_after_s is not None:
            # Sockets, for Windows wakes by nothing else.
            self._wakeup = socket.socketpair()
            self._wakeup[1].setblocking(False)
            self._earlier_descriptor = signal.set_wakeup_fd(
                self._wakeup[1].fileno(), warn_on_full_buffer=False
            )
            threading.Thread(target=self._watch, name="fastw2v-signals", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._earlier:
            return
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier.clear()
        StopSignals.current = self._outer
        if self._wakeup is not None:
            signal.set_wakeup_fd(self._earlier_descriptor)
            self._wakeup[1].close()  # the thread reads the end of it, and closes its own

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if (self._deferring or self._only_marks) and not again:
            return
        self._answered += 1
        # Where this is lost, as in a callback of a compiler, the training loop sees the mark.
        raise KeyboardInterrupt

    def _watch(self) -> None:
        """Wait for signals; end the process when the main thread does not answer one."""
        assert self._wakeup is not None
        while True:
            answered = self._answered
            if not self._wakeup[0].recv(64):
                self._wakeup[0].close()
                return
            time.sleep(self._exit_after_s or 0)
            if self._answered == answered and not self._deferring:
                os.write(2, self.parting.encode())
                os._exit(EXIT_INTERRUPTED)

    def answer(self) -> None:
        """Raise `KeyboardInterrupt` if a signal has come, unless signals are deferred."""
        if self.requested and not self._deferring:
            self._answered += 1
            raise KeyboardInterrupt

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Only mark that a signal came; raise `KeyboardInterrupt` at the end if nobody looked."""
        self._deferring, self._only_marks = True, False
        try:
            yield
        finally:
            self._deferring = False
        if self.requested:
            raise KeyboardInterrupt


def answer_signals() -> None:
    """Raise `KeyboardInterrupt` if a signal has come that nobody has answered yet."""
    current = StopSignals.current
    if current is not None:
        current.answer()


@contextmanager
def deferred_signals() -> Iterator[StopSignals]:
    """Defer by the handlers that are in place, or by new ones for as long as this is entered."""
    current = StopSignals.current
    if current is not None:
        with current.deferred():
            yield current
        return
    with StopSignals() as made, made.deferred():
        yield made
