import asyncio
import collections
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Deque, Generator, Iterable, List, Optional, Tuple, Type, Union

from sallyport import _hub, _raw
from sallyport._hub import Decide, Hub
from sallyport._raw import NULL, Bytes, ffi, lib, make, milliseconds
from sallyport._options import stream_flags, stream_options
from sallyport._runtime import Runtime
from sallyport._stream import CHUNK, LIMIT, MORE, READ, WRITE, Reading, StreamBase, join
from sallyport._tls import TlsConfig
from sallyport._watch import Watch
from sallyport.errors import Closed, Error, TimedOut, TransportError, Truncated

_interest = lib.sally_stream_fd_interest


class _Taken:
    """What writing answers: to be awaited, or left."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Optional["Stream"]) -> None:
        self._stream = stream

    def __await__(self) -> Generator[Any, None, None]:
        if self._stream is not None:
            yield from self._stream._drained().__await__()


_ALL_TAKEN = _Taken(None)


class Stream(StreamBase):
    """A secure socket for asyncio. `connect` and `start_server` make them.

    One task may read while another writes. A cancelled task loses no bytes: what was not handed out
    comes with the next read, and what `write` was given will be sent.
    """

    def __init__(self, handle: Any, hub: Hub, limit: int = LIMIT) -> None:
        super().__init__(handle, limit)
        self._hub = hub
        self._space = hub.space
        self._watch: Optional[Watch] = None
        self._reads_for = self._writes_for = 0
        self._reader: Optional["asyncio.Future[bytes]"] = None
        self._wanted = 0  # by the reader
        self._backlog: Deque[bytes] = collections.deque()
        self._begun = 0  # how much of its first part was taken
        self._unflushed = False
        self._failure: Optional[Error] = None
        self._drainers: List["asyncio.Future[None]"] = []

    def __del__(self) -> None:
        watch: Optional[Watch] = getattr(self, "_watch", None)
        if watch is not None:
            watch.dropped()

    # Waiting: attempts come first, and are repeated when the descriptor is ready for what they miss.

    def _go_on(self) -> None:
        """Repeats what waits."""
        if self._writes_for:
            self._pump()
        if self._reads_for:
            self._read_on()

    def _await_readiness(self, direction: int) -> int:
        """After an attempt that would block: what is watched for now."""
        missing = int(_interest(self._handle, direction))
        if not missing:  # an attempt tells why
            self._hub.loop.call_soon(self._go_on)
            return direction
        if self._watch is None:
            self._watch = Watch(self, self._handle, self._hub.loop)
        self._watch.start(missing)
        return missing

    # Reading.

    async def read(self, limit: int = -1) -> bytes:
        """Up to `limit` bytes as soon as there are any; -1: all until the end. b"": the end."""
        if limit > 0 and not self._buffer and self._reader is None:
            data = self._attempt_read(limit)
            return data if data is not None else await self._received(limit)
        return await self._finish(self._reading(limit))

    async def readexactly(self, count: int) -> bytes:
        """asyncio.IncompleteReadError: the stream ended before."""
        if 0 < count <= CHUNK and not self._buffer and self._reader is None:
            data = self._attempt_read(count)
            if data is None:
                data = await self._received(count)
            if len(data) == count:
                return data
            self._buffer += data
        return await self._finish(self._reading_exactly(count))

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """Up to and with the separator. IncompleteReadError, LimitOverrunError: as of asyncio."""
        return await self._finish(self._reading_until(separator))

    async def readline(self) -> bytes:
        """A line with its end; at the end of the stream what there is."""
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    async def _finish(self, reading: Reading) -> bytes:
        self._check_reader()
        try:
            wanted = next(reading)
            while True:
                wanted = reading.send(await self._received(wanted))
        except StopIteration as end:
            data: bytes = end.value
            return data

    def _check_reader(self) -> None:
        if self._reader is not None:
            raise RuntimeError("another task is reading this stream")

    async def _received(self, limit: int) -> bytes:
        """What the attempt brings that does not block."""
        self._hub.check()
        self._wanted = limit
        reader: "asyncio.Future[bytes]" = self._hub.loop.create_future()
        self._reader = reader
        try:
            self._reads_for = self._await_readiness(READ)
            return await reader
        except asyncio.CancelledError:
            if reader.done() and not reader.cancelled() and reader.exception() is None:
                if limit:  # it had come, and is in nobody's hands
                    self._buffer[:0] = reader.result()
            raise
        finally:
            self._reader = None
            self._reads_for = 0
            del reader  # or what it raises would hold this frame, and be held by it

    def _read_on(self) -> None:
        """Another attempt at what a task waits for, also behind writing, which may have taken it in."""
        reader = self._reader
        if reader is None or reader.done():
            return
        try:
            data = self._attempt_read(self._wanted)
            if data is None:
                self._reads_for = self._await_readiness(READ)
                return
        except Exception as error:
            reader.set_exception(error.with_traceback(None))
        else:
            reader.set_result(data)
        self._reads_for = 0

    # Writing.

    def write(self, data: Bytes, *, more: bool = False) -> Awaitable[None]:
        """Sends. Await it, or `drain` later: both wait until the library has all of it.

        With `more` it may wait for what is written next, and shares records and packets with it, until a
        write without, `drain`, or a read that waits.
        """
        if isinstance(data, bytes):
            return self._write(data, len(data), more)
        with memoryview(data) as view:  # given back also where this fails
            if not view.c_contiguous or not view.nbytes:
                return self._write(view.tobytes(), view.nbytes, more)
            with ffi.from_buffer(view) as held:
                return self._write(held, view.nbytes, more)

    def _write(self, data: Any, size: int, more: bool) -> Awaitable[None]:
        if self._backlog:
            self._backlog.append(data if isinstance(data, bytes) else ffi.buffer(data)[:])
            return _Taken(self)
        self._unflushed = more
        taken = self._attempt_write(data, size, MORE if more else 0)
        if self._reads_for:
            self._read_on()
        if taken == size:
            return _ALL_TAKEN
        if isinstance(data, bytes):
            self._begin_backlog(data, taken)
        else:  # which may change meanwhile
            self._begin_backlog(ffi.buffer(data)[taken:])
        return _Taken(self)

    def writelines(self, parts: Iterable[Bytes]) -> Awaitable[None]:
        """Sends several parts, in records and packets that they share."""
        return self.write(join(parts))

    async def drain(self) -> None:
        """Waits until the library has all that was written, and has handed it to the system."""
        if self._unflushed and not self._backlog:
            self._unflushed = False
            if not self._attempt_flush():
                self._begin_backlog(b"")
            self._read_on()
        await self._drained()

    def _begin_backlog(self, data: bytes, begun: int = 0) -> None:
        self._hub.check()
        self._backlog.append(data)
        self._begun = begun
        self._hub.sending.add(self)  # also when the program drops it
        self._writes_for = self._await_readiness(WRITE)

    async def _drained(self) -> None:
        if self._backlog:
            drainer = self._hub.loop.create_future()
            self._drainers.append(drainer)
            try:
                await drainer
            finally:
                self._drainers.remove(drainer)
        elif self._failure is not None:
            raise self._failure.with_traceback(None)  # or it would grow with each time, and hold whom it passed

    def _pump(self) -> None:
        try:
            while self._backlog:
                data = self._backlog[0]
                left = len(data) - self._begun
                taken = self._attempt_write(ffi.from_buffer(data) + self._begun, left, 0) if left else 0
                if taken < left or not data and not self._attempt_flush():
                    self._begun += taken
                    self._writes_for = self._await_readiness(WRITE)
                    return
                self._backlog.popleft()
                self._begun = 0
        except Error as error:
            self._failure = error.with_traceback(None)
            self._backlog.clear()
        self._writes_for = 0
        self._hub.sending.discard(self)
        for drainer in self._drainers:
            if drainer.done():
                continue
            if self._failure is None:
                drainer.set_result(None)
            else:
                drainer.set_exception(self._failure)

    # Ending, and being secured.

    async def write_eof(self) -> None:
        """Ends the sending direction; reading goes on."""
        await self.drain()
        await self._hub.run(lib.sally_stream_shutdown_async, self._handle, 0)
        self._read_on()

    async def upgrade(self, tls: TlsConfig, *, verify_name: Optional[str] = None,
                      timeout: Optional[float] = None) -> None:
        """Secures a plain stream, as STARTTLS does, when all of the peer's plain answer was read."""
        self._check_reader()
        self._check_upgrade()
        await self.drain()
        self._unwatch()
        name = NULL if verify_name is None else _raw.encode(verify_name)
        await self._hub.run(lib.sally_stream_upgrade_async, self._handle, tls._handle, name, milliseconds(timeout))

    async def authenticate(self, timeout: Optional[float] = None) -> None:
        """Asks the client for its certificate after the handshake."""
        self._check_reader()
        self._unwatch()
        await self._hub.run(lib.sally_stream_authenticate_async, self._handle, milliseconds(timeout))

    async def close(self, timeout: Optional[float] = None) -> None:
        """Sends what is left, says goodbye, and waits for the peer's (None: 5 s; 0: it is not waited for).

        TimedOut, Truncated: the peer said none. It is closed all the same.
        """
        try:
            await self.drain()
            if timeout == 0:
                return
            self._unwatch()
            self._hub.loop.call_soon(self._go_on)  # a task that still reads, behind the closing
            await self._hub.run(lib.sally_stream_close_async, self._handle, milliseconds(timeout))
        finally:
            self.abort()

    def abort(self) -> None:
        """Closes, waiting for nothing and telling of no failure: what the library has taken is still sent."""
        self._unwatch()
        super().abort()
        if not self._hub.loop.is_closed():
            return self._go_on()  # whoever waits is told
        self._backlog.clear()
        self._hub.sending.discard(self)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.stop()

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        """Closes. How the peer takes leave is no failure any more."""
        if kind is not None:
            return self.abort()
        try:
            await self.drain()
            await self.close()
        except (TimedOut, Truncated, TransportError, Closed):
            if self._failure is not None:
                raise


async def connect(host: str, port: Union[int, str], *, tls: Optional[TlsConfig] = None,
                  verify_name: Optional[str] = None, timeout: Optional[float] = None,
                  decide: Optional[Decide] = None, plain: bool = False, confirmed: bool = False,
                  low_latency: bool = False, limit: int = LIMIT, runtime: Optional[Runtime] = None,
                  watermarks: Tuple[int, int] = (0, 0)) -> Stream:
    """Connects, and verifies the server's name (`verify_name`, or the host).

    `decide` is asked the questions of the config, and may be a coroutine function. `plain`: not under
    TLS before `Stream.upgrade`. `confirmed`: only when the server has accepted this side's certificate.
    `limit`: how far `readuntil` looks. `watermarks`: how many bytes wait to be sent before writing waits,
    and how few must be left before it goes on; 0: 64 KiB, and a quarter.
    """
    hub = _hub.current()
    decisions = hub.decisions(decide)
    options, held = stream_options(host, port, tls, verify_name, stream_flags(plain, confirmed, low_latency),
                                   decisions, runtime, watermarks)
    try:
        stream = Stream(make("stream", lib.sally_stream_create, options), hub, limit)
    except BaseException:
        hub.forget(decisions)
        raise
    try:
        await hub.run(lib.sally_stream_connect_async, stream._handle, milliseconds(timeout))
        return stream
    except BaseException:
        stream.abort()
        raise
