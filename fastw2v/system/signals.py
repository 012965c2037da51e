"""Ctrl-C, SIGTERM and SIGHUP: asked for in the middle of a step, answered at its end.

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
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

from fastw2v.system.renames import remove_claimed

__all__ = [
    "ANSWERED_WITHIN_S",
    "EXIT_INTERRUPTED",
    "StopSignals",
    "TrainingInterrupted",
    "answer_signals",
    "deferred_signals",
]

EXIT_INTERRUPTED = 130
ANSWERED_WITHIN_S = 0.8  # or the process is ended by force, where nothing can be lost
_GONE_WITHIN_S = 10.0  # after an answer that no run has to be saved for


class TrainingInterrupted(KeyboardInterrupt):
    """Training was interrupted, by Ctrl-C or SIGTERM.

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
    """Handlers of SIGINT, SIGTERM and SIGHUP, while entered; none outside the main thread.

    A signal that is ignored stays ignored: ``nohup`` asks for that with SIGHUP, at which a terminal
    is closed, and a script with SIGINT, for what it starts in the background. One that a C program
    around Python handles stays with it.

    Parameters
    ----------
    exit_after_s : float, optional
        End the process by force if the main thread has not answered a signal after so long, and
        is not training. What is being written is removed. Default: never.
    at_once : bool
        Whether a signal raises `KeyboardInterrupt` in the main thread as soon as that runs Python,
        instead of being marked for whoever looks. With `exit_after_s` the process is also ended
        by force if it has not left this context some seconds after.

    Attributes
    ----------
    requested : bool
        Whether a signal has come that nobody has answered.
    parting : str
        What a process that is ended by force writes to standard error.
    is_last : bool
        Whether the process ends after this: signals then have their plain effect, and none of
        Python's handlers interrupts it on its way out.
    """

    current: ClassVar["StopSignals | None"] = None

    def __init__(self, *, exit_after_s: float | None = None, at_once: bool = False) -> None:
        self.requested = False
        self.parting = "fastw2v: interrupted\n"
        self.is_last = False
        self._deferring = 0  # how many deferrals are within one another
        # An exception while a kernel hands its results to Python can crash the process. Until
        # there is something to save, a mark will do: whoever does not see it is ended.
        self._only_marks = exit_after_s is not None and not at_once
        self._at_once = at_once
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
        if self._outer is not None:
            self.parting = self._outer.parting
        for number in _signals_to_handle():
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
        if StopSignals.current is not self:  # entered by another thread
            return
        try:
            for number, handler in self._earlier.items():
                signal.signal(number, signal.SIG_DFL if self.is_last else handler)
        finally:
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
            if self._has_left(None):
                return
            time.sleep(self._exit_after_s or 0)
            if self._answered != answered or self._deferring:
                if not self._at_once:
                    continue
                if self._has_left(_GONE_WITHIN_S):
                    return
            remove_claimed()
            with suppress(OSError):
                os.write(2, self.parting.encode())
            os._exit(EXIT_INTERRUPTED)

    def _has_left(self, within_s: float | None) -> bool:
        """Wait for the end of this context, or, without a limit of time, for a signal."""
        assert self._wakeup is not None
        woken, end_s = self._wakeup[0], time.monotonic() + (within_s or 0)
        while True:
            woken.settimeout(None if within_s is None else max(0.01, end_s - time.monotonic()))
            try:
                came = woken.recv(64)
            except TimeoutError:
                return False
            if not came:
                woken.close()
                return True
            if within_s is None:
                return False

    def answer(self) -> None:
        """Raise `KeyboardInterrupt` if a signal has come, unless signals are deferred."""
        if self.requested and not self._deferring:
            self._answered += 1
            raise KeyboardInterrupt

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Only mark that a signal came; raise `KeyboardInterrupt` at the end if nobody looked.

        Of deferrals within one another that is the end of the outermost.
        """
        self._deferring += 1
        self._only_marks = False
        try:
            yield
        finally:
            self._deferring -= 1
        if self.requested and not self._deferring:
            raise KeyboardInterrupt


def answer_signals() -> None:
    """Raise `KeyboardInterrupt` if a signal has come that nobody has answered yet."""
    current = StopSignals.current
    if current is not None:
        current.answer()


def _signals_to_handle() -> list[int]:
    """Return the signals that ask for an end here, unless they are ignored or a C program's."""
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    return [
        number
        for number in numbers
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None)
    ]


@contextmanager
def deferred_signals() -> Iterator[StopSignals]:
    """Defer by the handlers that are in place, or by new ones for as long as this is entered.

    In another thread than the main one no signal arrives, and none is deferred.
    """
    current = StopSignals.current
    if current is not None and threading.current_thread() is threading.main_thread():
        with current.deferred():
            yield current
        return
    with StopSignals() as made, made.deferred():
        yield made
