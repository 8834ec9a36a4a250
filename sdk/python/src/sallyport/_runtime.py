from typing import Optional

from sallyport import _raw
from sallyport._deadline import Deadline
from sallyport._raw import OK, TIMED_OUT, WOULD_BLOCK, ffi, lib, make


class Runtime(_raw.Object):
    """Event loops of the library, for streams and listeners that are not to share the default ones.

    It has as many threads as `loops` (0: one a processor, up to 8). With `caller_run` it has none, and
    a thread of the program calls `run` again and again, while other threads, or an event loop, use the streams.
    """

    _kind = "runtime"

    def __init__(self, loops: int = 0, *, caller_run: bool = False) -> None:
        options = ffi.new("sally_runtime_options *", {
            "struct_size": ffi.sizeof("sally_runtime_options"), "flags": int(caller_run), "loops": loops})
        super().__init__(make("runtime", lib.sally_runtime_create, options))

    @property
    def loops(self) -> int:
        return int(lib.sally_runtime_loops(self._handle))

    def run(self, *, timeout: Optional[float] = None) -> bool:
        """Serves what is ready, and where nothing is, waits for it or for `wake`. False: there was nothing to do."""
        status = Deadline(timeout).wait(lambda part: int(lib.sally_runtime_run(self._handle, part, ffi.NULL)))
        if status not in (OK, TIMED_OUT, WOULD_BLOCK):
            self._call("run", _raw.ATTEMPT)  # again, to be told why
        return status == OK

    def wake(self) -> None:
        """Lets the current `run`, or the next one, return. Any thread."""
        self._call("wake")
