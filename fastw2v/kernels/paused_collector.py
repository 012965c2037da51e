"""The garbage collector at rest while kernels are compiled."""

import gc
import threading

__all__ = ["paused_collector"]


class _PausedCollector:
    """Keeps the garbage collector from looking through what the compiler has at work.

    It finds next to nothing there, and takes a twentieth of the time that compiling takes. It goes
    on, if it was on, when all have stopped who have started this.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._was_enabled = False

    def start(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._was_enabled = gc.isenabled()
                gc.disable()

    def stop(self) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth and self._was_enabled:
                gc.enable()


paused_collector = _PausedCollector()
