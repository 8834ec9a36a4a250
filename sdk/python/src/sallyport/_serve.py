import asyncio
import collections
import weakref
from typing import Any, Awaitable, Callable, Deque, Optional, Set, Tuple, Union

from sallyport import _hub, _queue, _raw
from sallyport._aio import Stream
from sallyport._hub import Decide
from sallyport._raw import ATTEMPT, NULL, OK, TIMED_OUT, WOULD_BLOCK, ffi, lib, make, milliseconds, text
from sallyport._options import Limits, listener_options, stream_flags
from sallyport._runtime import Runtime
from sallyport._stream import LIMIT
from sallyport._tls import TlsConfig
from sallyport.errors import Closed, Error

Handler = Callable[[Stream], Awaitable[None]]


class Listener:
    """Hands out established streams. A handshake that fails is a refusal, and never a failed accept."""

    def __init__(self, host: Optional[str], port: Union[int, str], tls: Optional[TlsConfig], decide: Optional[Decide],
                 plain: bool, limit: int, runtime: Optional[Runtime], limits: Optional[Limits]) -> None:
        self._hub = _hub.current()
        self._limit = limit
        decisions = self._hub.decisions(decide)
        options, held = listener_options(host, port, tls, stream_flags(plain, False, False), decisions,
                                         runtime, limits)
        try:
            self._handle = make("listener", lib.sally_listener_bind, options)
        except BaseException:
            self._hub.forget(decisions)
            raise
        self._streams: "weakref.WeakSet[Stream]" = weakref.WeakSet()
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
            stream = Stream(self._ready.popleft(), self._hub, self._limit)
            self._streams.add(stream)
            return stream

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

    @property
    def dropped_refusals(self) -> int:
        """How many were dropped because nobody asked for them in time."""
        return int(lib.sally_listener_dropped_refusals(self._handle))

    async def drain(self, timeout: Optional[float] = None) -> None:
        """Stops listening, and waits until every connection has ended. TimedOut: the rest was closed."""
        left = milliseconds(timeout)
        seconds = max(left, 0) / 1000 if left > 0 or left == ATTEMPT else None
        try:
            await asyncio.wait_for(self._hub.run(lib.sally_listener_drain_async, self._handle, -1), seconds)
        except asyncio.TimeoutError:
            # Not by the library, which would close descriptors that the event loop watches.
            for stream in list(self._streams):
                stream.abort()
            self.close()
            raise _raw.plain_error(TIMED_OUT) from None

    def close(self) -> None:
        """Stops listening. Streams handed out go on."""
        _raw.call(lib.sally_listener_close, self._handle)

    async def __aenter__(self) -> "Listener":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self.close()


async def listen(host: Optional[str], port: Union[int, str], *, tls: Optional[TlsConfig] = None,
                 decide: Optional[Decide] = None, plain: bool = False, limit: int = LIMIT,
                 runtime: Optional[Runtime] = None, limits: Optional[Limits] = None) -> Listener:
    """Listens; port 0 picks a free one, host None means every address."""
    return Listener(host, port, tls, decide, plain, limit, runtime, limits)


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
                refusal = await self.listener.next_refusal()
            except Closed:
                return
            try:
                told(*refusal)
            except Exception as error:
                self.listener._hub.loop.call_exception_handler(
                    {"message": "telling on_refused of sallyport failed", "exception": error})
            del refusal

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
        """Until `close`, or until the task is cancelled, which closes it."""
        try:
            await asyncio.gather(*self._tasks)
        finally:
            self.close()

    async def wait_closed(self) -> None:
        """Waits until the last client was served. Who stops waiting cancels none."""
        await asyncio.wait(self._tasks)  # the last client comes of these
        while self._clients:
            await asyncio.wait(self._clients)

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        """Closes, and cancels the tasks of the clients that are left."""
        self.close()
        try:
            await asyncio.wait(self._tasks)  # the last client comes of these
        finally:
            for client in list(self._clients):
                client.cancel()
        await self.wait_closed()


async def start_server(handler: Handler, host: Optional[str], port: Union[int, str], *,
                       tls: Optional[TlsConfig] = None, decide: Optional[Decide] = None, plain: bool = False,
                       on_refused: Optional[Callable[[str, Error], None]] = None, limit: int = LIMIT,
                       runtime: Optional[Runtime] = None, limits: Optional[Limits] = None) -> Server:
    """Listens, and calls `handler` with each client's stream, which is closed behind it.

    `on_refused` is told the address of each client that was refused, and why.
    """
    listener = await listen(host, port, tls=tls, decide=decide, plain=plain, limit=limit, runtime=runtime,
                            limits=limits)
    return Server(listener, handler, on_refused)
