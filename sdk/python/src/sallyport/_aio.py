import asyncio
import collections
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Deque, Generator, Iterable, List, Optional, Tuple, Type, Union

from sallyport import _hub, _raw
from sallyport._hub import Decide, Hub
from sallyport._raw import NULL, Bytes, ffi, lib, make, milliseconds
from sallyport._options import stream_flags, stream_options
from sallyport._runtime import Runtime
from sallyport._stream import LIMIT, MORE, READ, WRITE, Reading, StreamBase, join
from sallyport._tls import TlsConfig
from sallyport.errors import Closed, Error, TimedOut, TransportError, Truncated

_wait = lib.sally_stream_wait_async


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
        self._decider: Optional[int] = None
        self._tag_read, self._tag_write = hub.tag(), hub.tag()
        self._reader: Optional["asyncio.Future[None]"] = None
        self._backlog: Deque[bytes] = collections.deque()
        self._unflushed = False
        self._failure: Optional[Error] = None
        self._drainers: List["asyncio.Future[None]"] = []

    # Reading.

    async def read(self, limit: int = -1) -> bytes:
        """Up to `limit` bytes as soon as there are any; -1: all until the end. b"": the end."""
        if limit > 0 and not self._buffer:
            data = self._attempt_read(limit)
            if data is not None:
                return data
            await self._readable()
        return await self._finish(self._reading(limit))

    async def readexactly(self, count: int) -> bytes:
        """asyncio.IncompleteReadError: the stream ended before."""
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
        try:
            while True:
                next(reading)
                await self._readable()
        except StopIteration as end:
            data: bytes = end.value
            return data

    async def _readable(self) -> None:
        if self._reader is not None:
            raise RuntimeError("another task is reading this stream")
        hub = self._hub
        self._reader = hub.loop.create_future()
        try:
            if self._tag_read in hub.waiting:  # left by a task that was cancelled
                hub.waiting[self._tag_read] = self._wake
            else:
                hub.start(self._tag_read, self._wake, _wait, self._handle, READ, 0)
            await self._reader
        finally:
            self._reader = None
            if self._tag_read in hub.waiting:
                hub.waiting[self._tag_read] = None

    def _wake(self, event: Any) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # Writing.

    def write(self, data: Bytes, *, more: bool = False) -> Awaitable[None]:
        """Sends. Await it, or `drain` later: both wait until the library has all of it.

        With `more` it may wait for what is written next, and shares records and packets with it, until a
        write without, `drain`, or a read that waits.
        """
        if isinstance(data, memoryview):
            data = data.cast("B") if data.contiguous else data.tobytes()
        if self._backlog:
            self._backlog.append(bytes(data))
            return _Taken(self)
        size = len(data)
        self._unflushed = more
        taken = self._attempt_write(ffi.from_buffer(data), size, MORE if more else 0)
        if taken == size:
            return _ALL_TAKEN
        self._backlog.append(bytes(data[taken:]))
        self._pump_when_writable()
        return _Taken(self)

    def writelines(self, parts: Iterable[Bytes]) -> Awaitable[None]:
        """Sends several parts, in records and packets that they share."""
        return self.write(join(parts))

    async def drain(self) -> None:
        """Waits until the library has all that was written, and has handed it to the system."""
        if self._unflushed and not self._backlog:
            self._unflushed = False
            if not self._attempt_flush():
                self._backlog.append(b"")
                self._pump_when_writable()
        await self._drained()

    async def _drained(self) -> None:
        if self._backlog:
            drainer = self._hub.loop.create_future()
            self._drainers.append(drainer)
            try:
                await drainer
            finally:
                self._drainers.remove(drainer)
        elif self._failure is not None:
            raise self._failure

    def _pump_when_writable(self) -> None:
        self._hub.start(self._tag_write, self._pump, _wait, self._handle, WRITE, 0)

    def _pump(self, event: Any) -> None:
        try:
            while self._backlog:
                data = self._backlog[0]
                taken = self._attempt_write(ffi.from_buffer(data), len(data), 0) if data else 0
                if not data and not self._attempt_flush() or taken < len(data):
                    self._backlog[0] = data[taken:]
                    return self._pump_when_writable()
                self._backlog.popleft()
        except Error as error:
            self._failure = error
            self._backlog.clear()
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

    async def upgrade(self, tls: TlsConfig, *, verify_name: Optional[str] = None,
                      timeout: Optional[float] = None) -> None:
        """Secures a plain stream, as STARTTLS does, when all of the peer's plain answer was read."""
        self._check_upgrade()
        await self.drain()
        name = NULL if verify_name is None else _raw.encode(verify_name)
        await self._hub.run(lib.sally_stream_upgrade_async, self._handle, tls._handle, name, milliseconds(timeout))

    async def authenticate(self, timeout: Optional[float] = None) -> None:
        """Asks the client for its certificate after the handshake."""
        await self._hub.run(lib.sally_stream_authenticate_async, self._handle, milliseconds(timeout))

    async def close(self, timeout: Optional[float] = None) -> None:
        """Sends what is left, says goodbye, and waits for the peer's (None: 5 s).

        TimedOut, Truncated: the peer said none. It is closed all the same.
        """
        try:
            await self.drain()
            await self._hub.run(lib.sally_stream_close_async, self._handle, milliseconds(timeout))
        finally:
            self.abort()

    def abort(self) -> None:
        """Closes at once, waiting for nothing; what waits to be sent may be lost."""
        super().abort()
        if self._decider is not None:
            self._hub.deciders.pop(self._decider, None)

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
    tag = None if decide is None else hub.decider(decide)
    decisions = NULL if tag is None else hub.completion(tag)
    options, held = stream_options(host, port, tls, verify_name, stream_flags(plain, confirmed, low_latency),
                                   decisions, runtime, watermarks)
    stream = None
    try:
        stream = Stream(make("stream", lib.sally_stream_create, options), hub, limit)
        stream._decider = tag
        await hub.run(lib.sally_stream_connect_async, stream._handle, milliseconds(timeout))
        return stream
    except BaseException:
        if stream is not None:
            stream.abort()
        elif tag is not None:
            hub.deciders.pop(tag, None)
        raise
