import threading
import time
from typing import Callable, Optional

from sallyport._raw import ATTEMPT, TIMED_OUT, milliseconds

SLICE_MS = 200  # signals are looked at in between, on the main thread, which alone gets them


class Deadline:
    """When waiting ends, for a thread: Ctrl-C ends it too."""

    def __init__(self, timeout: Optional[float]) -> None:
        self._left = milliseconds(timeout)
        self._end = time.monotonic() + self._left / 1000 if self._left > 0 else None
        self._sliced = threading.current_thread() is threading.main_thread()

    def wait(self, blocking: Callable[[int], int]) -> int:
        """Calls with a time-out again and again, until it answers something else or the time is over."""
        if self._left == ATTEMPT:
            return blocking(ATTEMPT)
        while True:
            left = self._end and max(1, round((self._end - time.monotonic()) * 1000))
            part = min(left or SLICE_MS, SLICE_MS) if self._sliced else left or -1
            status = blocking(part)
            if status != TIMED_OUT or (self._end is not None and time.monotonic() >= self._end):
                return status
