import asyncio
import os
import weakref
from typing import Any, Protocol

from sallyport._raw import call, ffi, lib

READ, WRITE = 1, 2


class Watched(Protocol):
    """What is told of readiness: a stream."""

    _reads_for: int
    _writes_for: int

    def _go_on(self) -> None: ...


class Watch:
    """The descriptor of a stream at its event loop, which wakes the stream for another attempt.

    While the loop watches, this holds the handle, so that nothing is closed that is watched; it does not
    hold the stream, which may be dropped. Reading stays watched between two reads, since most often
    the next one has to wait too.
    """

    __slots__ = ("_handle", "_loop", "_stream", "_fd", "_watches", "_unheard", "_process")

    def __init__(self, stream: Watched, handle: Any, loop: asyncio.AbstractEventLoop) -> None:
        fd = ffi.new("intptr_t *")
        call(lib.sally_stream_fd, handle, fd)
        self._fd = int(fd[0])
        self._handle, self._loop, self._stream = handle, loop, weakref.ref(stream)
        self._watches = 0
        self._process = os.getpid()  # in a forked child letting go would let go for its parent
        self._unheard = 0  # how often there was something to read since somebody has wanted it

    def start(self, directions: int) -> None:
        missing = directions & ~self._watches
        if missing & READ:
            self._loop.add_reader(self._fd, self._readable)
        if missing & WRITE:
            self._loop.add_writer(self._fd, self._writable)
        self._watches |= missing

    def stop(self, directions: int = READ | WRITE) -> None:
        if not self._loop.is_closed() and self._process == os.getpid():
            if self._watches & directions & READ:
                self._loop.remove_reader(self._fd)
            if self._watches & directions & WRITE:
                self._loop.remove_writer(self._fd)
        self._watches &= ~directions

    def dropped(self) -> None:
        """The stream has gone, on whatever thread."""
        if self._watches and self._process == os.getpid():
            try:
                self._loop.call_soon_threadsafe(self.stop)
            except RuntimeError:  # closed, and so watching nothing
                pass

    def _readable(self) -> None:
        stream = self._stream()
        if stream is not None and (stream._reads_for | stream._writes_for) & READ:
            self._unheard = 0
            stream._go_on()
        elif self._unheard:
            self.stop(READ)
        else:
            self._unheard = 1  # perhaps the task that reads is about to run

    def _writable(self) -> None:
        stream = self._stream()
        if stream is not None:
            stream._go_on()
        if stream is None or not (stream._reads_for | stream._writes_for) & WRITE:
            self.stop(WRITE)
