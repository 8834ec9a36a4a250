import asyncio
import collections
import weakref
from types import TracebackType
from typing import (Any, AsyncIterator, Awaitable, Callable, Deque, Generator, Iterable, List, Optional, Set, Tuple,
                    Type, Union)

from sallyport import _hub, _queue, _raw
from sallyport._hub import Decide, Hub
from sallyport._raw import ATTEMPT, NULL, OK, WOULD_BLOCK, Bytes, ffi, lib, make, milliseconds, text
from sallyport._stream import (CHUNK, LIMIT, MORE, READ, WRITE, Reading, StreamBase, join, listener_options,
                               stream_flags, stream_options)
from sallyport._tls import TlsConfig
from sallyport.errors import Closed, Error, TimedOut, TransportError, Truncated

_wait = lib.sally_stream_wait_async
Handler = Callable[["Stream"], Awaitable[None]]


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
                  low_latency: bool = False, limit: int = LIMIT) -> Stream:
    """Connects, and verifies the server's name (`verify_name`, or the host).

    `decide` is asked the questions of the config, and may be a coroutine function. `plain`: not under
    TLS before `Stream.upgrade`. `confirmed`: only when the server has accepted this side's certificate.
    `limit`: how far `readuntil` looks.
    """
    hub = _hub.current()
    tag = None if decide is None else hub.decider(decide)
    decisions = NULL if tag is None else hub.completion(tag)
    options, held = stream_options(host, port, tls, verify_name, stream_flags(plain, confirmed, low_latency),
                                   decisions)
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


class Listener:
    """Hands out established streams. A handshake that fails is a refusal, and never a failed accept."""

    def __init__(self, host: Optional[str], port: Union[int, str], tls: Optional[TlsConfig], decide: Optional[Decide],
                 plain: bool, limit: int, limits: Any) -> None:
        self._hub = _hub.current()
        self._limit = limit
        self._decider = None if decide is None else self._hub.decider(decide)
        decisions = NULL if self._decider is None else self._hub.completion(self._decider)
        options, held = listener_options(host, port, tls, stream_flags(plain, False, False), decisions, limits)
        self._handle = make("listener", lib.sally_listener_bind, options)
        self._tag = self._hub.tag()
        self._accepting = asyncio.Lock()
        self._ready: Deque[Any] = collections.deque()
        self._waiter: Optional["asyncio.Future[None]"] = None

    @property
    def address(self) -> str:
        return text(lib.sally_listener_address(self._handle))

    @property
    def port(self) -> int:
        return int(lib.sally_listener_port(self._handle))

    async def accept(self) -> Stream:
        """The next client whose handshake went well. A cancelled task loses none."""
        async with self._accepting:
            out = ffi.new("sally_stream **")
            while not self._ready:
                status = lib.sally_listener_accept(self._handle, ATTEMPT, out, NULL)
                if status == OK:
                    self._ready.append(_raw.own("stream", out[0]))
                elif status == WOULD_BLOCK:
                    await self._wait()
                else:
                    _raw.call(lib.sally_listener_accept, self._handle, ATTEMPT, out)
            return Stream(self._ready.popleft(), self._hub, self._limit)

    async def _wait(self) -> None:
        self._waiter = self._hub.loop.create_future()
        if self._tag not in self._hub.waiting:
            accepted = weakref.WeakMethod(self._accepted)

            def done(event: Any) -> None:
                method = accepted()
                if method is not None:
                    method(event)

            self._hub.start(self._tag, done, lib.sally_listener_accept_async, self._handle, 0)
        await self._waiter

    def _accepted(self, event: Any) -> None:
        if event.object != NULL:
            self._ready.append(_queue.taken("stream", event))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next_refusal(self) -> Tuple[str, Error]:
        """The address of a peer that was refused, and why."""
        future: "asyncio.Future[Tuple[str, Error]]" = self._hub.loop.create_future()

        def done(event: Any) -> None:
            if event.status != OK:
                error = _queue.failure(event)
                if not future.done() and error is not None:
                    future.set_exception(error)
                return
            peer, why = _queue.taken("bytes", event), event.error
            event.error = NULL
            if not future.done():
                address = ffi.buffer(lib.sally_bytes_data(peer), lib.sally_bytes_size(peer))[:].decode()
                future.set_result((address, _raw.take_error(lib.sally_error_status(why), why)))

        operation = ffi.new("sally_operation **")
        self._hub.start(self._hub.tag(), done, lib.sally_listener_next_refusal_async, self._handle, 0,
                        operation=operation)
        try:
            return await future
        finally:
            lib.sally_operation_cancel(operation[0])
            lib.sally_operation_release(operation[0])

    async def drain(self, timeout: Optional[float] = None) -> None:
        """Stops listening, and waits until every connection has ended. TimedOut: the rest was closed."""
        await self._hub.run(lib.sally_listener_drain_async, self._handle, milliseconds(timeout))

    def close(self) -> None:
        """Stops listening. Streams handed out go on."""
        _raw.call(lib.sally_listener_close, self._handle)
        if self._decider is not None:
            self._hub.deciders.pop(self._decider, None)

    async def __aenter__(self) -> "Listener":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self.close()


async def listen(host: Optional[str], port: Union[int, str], *, tls: Optional[TlsConfig] = None,
                 decide: Optional[Decide] = None, plain: bool = False, limit: int = LIMIT,
                 handshake_timeout: Optional[float] = None, max_connections: int = 0,
                 max_connections_per_source: int = 0) -> Listener:
    """Listens; port 0 picks a free one, host None means every address."""
    return Listener(host, port, tls, decide, plain, limit, {
        "handshake_timeout_ms": milliseconds(handshake_timeout), "max_connections": max_connections,
        "max_connections_per_source": max_connections_per_source})


class Server:
    """Serves each client of a listener in a task of its own."""

    def __init__(self, listener: Listener, handler: Handler,
                 on_refused: Optional[Callable[[str, Error], None]]) -> None:
        self.listener = listener
        self._handler, self._on_refused = handler, on_refused
        self._clients: Set["asyncio.Task[None]"] = set()
        self._tasks = [asyncio.ensure_future(self._accept())]
        if on_refused is not None:
            self._tasks.append(asyncio.ensure_future(self._refuse(on_refused)))

    @property
    def port(self) -> int:
        return self.listener.port

    @property
    def address(self) -> str:
        return self.listener.address

    async def _accept(self) -> None:
        while True:
            try:
                stream = await self.listener.accept()
            except Closed:
                return
            client = asyncio.ensure_future(self._serve(stream))
            self._clients.add(client)
            client.add_done_callback(self._clients.discard)

    async def _refuse(self, told: Callable[[str, Error], None]) -> None:
        while True:
            try:
                told(*await self.listener.next_refusal())
            except Closed:
                return

    async def _serve(self, stream: Stream) -> None:
        try:
            async with stream:
                await self._handler(stream)
        except Exception as error:
            self.listener._hub.loop.call_exception_handler(
                {"message": "serving a client of sallyport failed", "exception": error, "task": asyncio.current_task()})

    def close(self) -> None:
        """Stops listening; clients are served on."""
        self.listener.close()

    async def serve_forever(self) -> None:
        """Until `close`, or until the task is cancelled."""
        await asyncio.gather(*self._tasks)

    async def wait_closed(self) -> None:
        """Waits until the last client was served."""
        await asyncio.gather(*self._tasks, *self._clients, return_exceptions=True)

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        """Closes, and cancels the tasks of the clients that are left."""
        self.close()
        for client in self._clients:
            client.cancel()
        await self.wait_closed()


async def start_server(handler: Handler, host: Optional[str], port: Union[int, str], *,
                       tls: Optional[TlsConfig] = None, decide: Optional[Decide] = None, plain: bool = False,
                       on_refused: Optional[Callable[[str, Error], None]] = None, limit: int = LIMIT,
                       handshake_timeout: Optional[float] = None, max_connections: int = 0,
                       max_connections_per_source: int = 0) -> Server:
    """Listens, and calls `handler` with each client's stream, which is closed behind it.

    `on_refused` is told the address of each client that was refused, and why.
    """
    listener = await listen(host, port, tls=tls, decide=decide, plain=plain, limit=limit,
                            handshake_timeout=handshake_timeout, max_connections=max_connections,
                            max_connections_per_source=max_connections_per_source)
    return Server(listener, handler, on_refused)
