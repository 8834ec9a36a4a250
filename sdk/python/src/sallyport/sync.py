"""Blocking streams and listeners, with timeouts in seconds, for threads.

`timeout` is None for the default of the operation (connect 30 s, handshake 10 s, close 5 s, all else for
ever) and 0 for an attempt, which raises WouldBlock (not of connecting and upgrading, which always take
time: ValueError). Other threads run while one waits, and Ctrl-C ends
the waiting.
"""

import functools
import threading
from types import TracebackType
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple, Type, Union

from sallyport import _queue, _raw
from sallyport._deadline import SLICE_MS, Deadline
from sallyport._decision import Decision, decision
from sallyport._queue import Queue
from sallyport._options import Limits, listener_options, stream_flags, stream_options
from sallyport._raw import ATTEMPT, NULL, OK, Bytes, call, ffi, lib, make, milliseconds, text
from sallyport._runtime import Runtime
from sallyport._sources import Source
from sallyport._stream import LIMIT, MORE, READ, WRITE, Reading, StreamBase, join
from sallyport._tls import TlsConfig
from sallyport.errors import Closed, Error, TimedOut, TransportError, Truncated

Decide = Callable[[Decision], None]


class _Waiter(Queue):
    """Operations that may ask questions, or must not be cut into slices.

    Any number of threads may run some. One of them takes, for all, what comes.
    """

    def __init__(self, decide: Optional[Decide] = None) -> None:
        super().__init__()
        self._starting = threading.Lock()
        self._turn = threading.Condition()
        self._taker: Optional[int] = None  # the thread that takes
        self.tag_of_decisions = self.tag()
        if decide is not None:
            self.deciders[self.tag_of_decisions] = functools.partial(_ask, decide)

    def start(self, *arguments: Any, **options: Any) -> None:
        with self._starting:
            super().start(*arguments, **options)

    def poll(self, timeout_ms: int = ATTEMPT, until: Sequence[Any] = ()) -> None:
        """Delivers what comes, or leaves that to the thread that does, until there is something in `until`."""
        me = threading.get_ident()
        within = self._taker == me  # `decide`
        try:
            with self._turn:
                if self._taker is not None and not within:
                    self._turn.wait_for(lambda: until or self._taker is None, max(timeout_ms, 0) / 1000)
                    return
                self._taker = me
            if not until:
                self.take(timeout_ms)
        finally:
            if self._taker == me and not within:
                with self._turn:
                    self._taker = None
                    self._turn.notify_all()

    def run(self, function: Callable[..., int], *arguments: Any, kind: Optional[str] = None) -> Any:
        """One operation; the handle that its event carries, if one of `kind` is wanted, and its size."""
        result: List[Any] = []

        def done(event: Any) -> None:
            result.append((_queue.failure(event), _queue.taken(kind, event) if kind else None, int(event.size)))

        operation = ffi.new("sally_operation **")
        self.start(self.tag(), done, function, *arguments, operation=operation)
        try:
            while not result:
                self.poll(SLICE_MS, result)
        except BaseException:
            lib.sally_operation_cancel(operation[0])
            while not result and lib.sally_queue_pending(self._handle):
                self.poll(SLICE_MS, result)
            raise
        finally:
            lib.sally_operation_release(operation[0])
        error, *carried = result.pop()
        try:
            if error is not None:
                raise error
        finally:
            del error  # which would hold this frame, and be held by it
        return carried


def _ask(decide: Decide, event: Any) -> None:
    """What is raised here is raised where the thread that asks waits for its operation."""
    pointer = ffi.cast("sally_decision *", event.object)
    event.object = NULL
    asked = decision(pointer)
    try:
        decide(asked)
    except BaseException:
        lib.sally_decision_deny(asked._handle, 0, NULL)
        raise


class Stream(StreamBase):
    """A secure socket. One thread may read while another writes, and any may `cancel` or `close`.

    Bytes that were read when a read fails, or times out, come with the next one. A write that fails
    says in `written` of the stream how many bytes of it were taken: those will be sent.
    """

    def __init__(self, handle: Any, waiter: Optional[_Waiter] = None, timeout: Optional[float] = None,
                 limit: int = LIMIT) -> None:
        super().__init__(handle, limit)
        self._waiter = waiter
        self.timeout = timeout
        """What `timeout=None` of reads and writes stands for."""
        self.written = 0
        self._dry = False  # the last read left nothing, so that an attempt would most likely be in vain

    def _attempt_read(self, limit: int) -> Optional[bytes]:
        if self._dry:
            self._dry = False
            return None
        data = super()._attempt_read(limit)
        self._dry = data is not None and 0 < len(data) < limit
        return data

    def _wait(self, interest: int, deadline: Deadline) -> None:
        ready = ffi.new("uint32_t *")
        error = ffi.new("sally_error **")

        def wait(part: int) -> int:
            if error[0] != NULL:
                lib.sally_error_release(error[0])
                error[0] = NULL
            return int(lib.sally_stream_wait(self._handle, interest, ready, part, error))

        status = deadline.wait(wait)
        if status != OK:
            raise _raw.take_error(status, error[0])

    def _finish(self, reading: Reading, timeout: Optional[float]) -> bytes:
        deadline = None
        try:
            while True:
                next(reading)
                deadline = deadline or Deadline(self.timeout if timeout is None else timeout)
                self._wait(READ, deadline)
        except StopIteration as end:
            data: bytes = end.value
            return data

    def read(self, limit: int = -1, *, timeout: Optional[float] = None) -> bytes:
        """Up to `limit` bytes as soon as there are any; -1: all until the end. b"": the end."""
        return self._finish(self._reading(limit), timeout)

    def readexactly(self, count: int, *, timeout: Optional[float] = None) -> bytes:
        """asyncio.IncompleteReadError, which is an EOFError: the stream ended before."""
        return self._finish(self._reading_exactly(count), timeout)

    def readuntil(self, separator: bytes = b"\n", *, timeout: Optional[float] = None) -> bytes:
        """Up to and with the separator. asyncio.LimitOverrunError: it is not within `limit`."""
        return self._finish(self._reading_until(separator), timeout)

    def readline(self, *, timeout: Optional[float] = None) -> bytes:
        """A line with its end; at the end of the stream what there is."""
        try:
            return self.readuntil(b"\n", timeout=timeout)
        except EOFError as error:
            if isinstance(error, Error):
                raise
            partial: bytes = getattr(error, "partial")
            return partial

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def write(self, data: Bytes, *, more: bool = False, timeout: Optional[float] = None) -> None:
        """Sends all of it. With `more` it may wait for what is written next, and share records with it."""
        if not isinstance(data, bytes):
            with memoryview(data) as view:
                if not view.c_contiguous:
                    data = view.tobytes()
        deadline = None
        self.written = 0
        with ffi.from_buffer(data) as held:  # let go of also where this fails
            while True:
                self.written += self._attempt_write(held + self.written, len(held) - self.written, MORE if more else 0)
                if self.written == len(held):
                    return
                deadline = deadline or Deadline(self.timeout if timeout is None else timeout)
                self._wait(WRITE, deadline)

    def writelines(self, parts: Iterable[Bytes], *, timeout: Optional[float] = None) -> None:
        """Sends several parts, in records and packets that they share."""
        self.write(join(parts), timeout=timeout)

    def flush(self, *, timeout: Optional[float] = None) -> None:
        """Sends what was written with `more`."""
        deadline = None
        while not self._attempt_flush():
            deadline = deadline or Deadline(self.timeout if timeout is None else timeout)
            self._wait(WRITE, deadline)

    def write_eof(self, *, timeout: Optional[float] = None) -> None:
        """Ends the sending direction; reading goes on."""
        _wait_for(lib.sally_stream_shutdown, lib.sally_stream_shutdown_async, self._handle, timeout)

    def upgrade(self, tls: TlsConfig, *, verify_name: Optional[str] = None, timeout: Optional[float] = None) -> None:
        """Secures a plain stream, as STARTTLS does, when all of the peer's plain answer was read."""
        self._check_upgrade()
        name = NULL if verify_name is None else _raw.encode(verify_name)
        waiter = self._waiter or _Waiter()
        waiter.run(lib.sally_stream_upgrade_async, self._handle, tls._handle, name, milliseconds(timeout))

    def authenticate(self, *, timeout: Optional[float] = None) -> None:
        """Asks the client for its certificate after the handshake."""
        _wait_for(lib.sally_stream_authenticate, lib.sally_stream_authenticate_async, self._handle, timeout)

    def cancel(self) -> None:
        """Ends what other threads wait for, with Canceled. The stream stays usable."""
        call(lib.sally_stream_cancel, self._handle, READ | WRITE)

    def close(self, *, timeout: Optional[float] = None) -> None:
        """Says goodbye, and waits for the peer's (None: 5 s).

        TimedOut, Truncated: the peer said none. It is closed all the same.
        """
        try:
            _wait_for(lib.sally_stream_close, lib.sally_stream_close_async, self._handle, timeout)
        finally:
            self.abort()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Closes. How the peer takes leave is no failure any more."""
        if kind is not None:
            return self.abort()
        try:
            self.close()
        except (TimedOut, Truncated, TransportError, Closed):
            pass


def _wait_for(attempt: Callable[..., int], start: Callable[..., int], handle: Any, timeout: Optional[float]) -> None:
    """What has no result."""
    if timeout == 0:
        call(attempt, handle, ATTEMPT)
    else:
        _Waiter().run(start, handle, milliseconds(timeout))


def connect(host: str, port: Union[int, str], *, tls: Optional[TlsConfig] = None, verify_name: Optional[str] = None,
            timeout: Optional[float] = None, decide: Optional[Decide] = None, plain: bool = False,
            confirmed: bool = False, low_latency: bool = False, limit: int = LIMIT,
            runtime: Optional[Runtime] = None, watermarks: Tuple[int, int] = (0, 0)) -> Stream:
    """Connects, and verifies the server's name (`verify_name`, or the host).

    `decide` is asked the questions of the config, on this thread; it may answer later, from another
    one. `plain`: not under TLS before `Stream.upgrade`. `confirmed`: only when the server has accepted
    this side's certificate. `watermarks`: how many bytes wait to be sent before writing waits, and how few
    must be left before it goes on; 0: 64 KiB, and a quarter.
    """
    waiter = _Waiter(decide)
    decisions = NULL if decide is None else waiter.completion(waiter.tag_of_decisions)
    options, held = stream_options(host, port, tls, verify_name, stream_flags(plain, confirmed, low_latency), decisions,
                                   runtime, watermarks)
    handle = make("stream", lib.sally_stream_create, options)
    waiter.run(lib.sally_stream_connect_async, handle, milliseconds(timeout))
    return Stream(handle, None if decide is None else waiter, None, limit)


class Listener:
    """Hands out established streams. A handshake that fails is a refusal, and never a failed accept."""

    def __init__(self, host: Optional[str], port: Union[int, str], tls: Optional[TlsConfig], decide: Optional[Decide],
                 plain: bool, limit: int, runtime: Optional[Runtime], limits: Optional[Limits]) -> None:
        self._limit = limit
        self._waiter = None if decide is None else _Waiter(decide)
        decisions = NULL if self._waiter is None else self._waiter.completion(self._waiter.tag_of_decisions)
        options, held = listener_options(host, port, tls, stream_flags(plain, False, False), decisions,
                                         runtime, limits)
        self._handle = make("listener", lib.sally_listener_bind, options)

    @property
    def address(self) -> str:
        return text(lib.sally_listener_address(self._handle))

    @property
    def port(self) -> int:
        return int(lib.sally_listener_port(self._handle))

    def accept(self, *, timeout: Optional[float] = None) -> Stream:
        """The next client whose handshake went well. Questions are asked while one thread is in here."""
        if self._waiter is not None and timeout != 0:
            handle, _ = self._waiter.run(lib.sally_listener_accept_async, self._handle, milliseconds(timeout),
                                         kind="stream")
            return Stream(handle, self._waiter, None, self._limit)
        if self._waiter is not None:
            self._waiter.poll()
        out = ffi.new("sally_stream **")
        self._blocking(lib.sally_listener_accept, timeout, out)
        return Stream(_raw.own("stream", out[0]), self._waiter, None, self._limit)

    def _blocking(self, function: Callable[..., int], timeout: Optional[float], *outputs: Any) -> None:
        error = ffi.new("sally_error **")

        def attempt(part: int) -> int:
            if error[0] != NULL:
                lib.sally_error_release(error[0])
                error[0] = NULL
            return function(self._handle, part, *outputs, error)

        status = Deadline(timeout).wait(attempt)
        if status != OK:
            raise _raw.take_error(status, error[0])

    def next_refusal(self, *, timeout: Optional[float] = None) -> Tuple[str, Error]:
        """The address of a peer that was refused, and why."""
        peer, why = ffi.new("sally_bytes **"), ffi.new("sally_error **")
        self._blocking(lib.sally_listener_next_refusal, timeout, peer, why)
        held = _raw.own("bytes", peer[0])
        address: str = ffi.buffer(lib.sally_bytes_data(held), lib.sally_bytes_size(held))[:].decode()
        return address, _raw.take_error(lib.sally_error_status(why[0]), why[0])

    @property
    def dropped_refusals(self) -> int:
        """How many were dropped because nobody asked for them in time."""
        return int(lib.sally_listener_dropped_refusals(self._handle))

    def drain(self, *, timeout: Optional[float] = None) -> None:
        """Stops listening, and waits until every connection has ended. TimedOut: the rest was closed."""
        _wait_for(lib.sally_listener_drain, lib.sally_listener_drain_async, self._handle, timeout)

    def __iter__(self) -> Iterator[Stream]:
        """Clients, until another thread closes the listener."""
        while True:
            try:
                yield self.accept()
            except Closed:
                return

    def close(self) -> None:
        """Stops listening. Streams handed out go on."""
        call(lib.sally_listener_close, self._handle)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def listen(host: Optional[str], port: Union[int, str], *, tls: Optional[TlsConfig] = None,
           decide: Optional[Decide] = None, plain: bool = False, limit: int = LIMIT,
           runtime: Optional[Runtime] = None, limits: Optional[Limits] = None) -> Listener:
    """Listens; port 0 picks a free one, host None means every address."""
    return Listener(host, port, tls, decide, plain, limit, runtime, limits)


def wait_change(source: Source, generation: int, *, timeout: Optional[float] = None) -> int:
    """Waits until a credential, trust store or ticket keys are beyond `generation`, and answers where they are.

    Raises what a reload fails with meanwhile, by call or by watching.
    """
    if timeout == 0:
        now = ffi.new("uint64_t *")
        call(source._function("wait_change"), source._handle, generation, now, ATTEMPT)
        return int(now[0])
    waiting = source._function("wait_change_async")
    return int(_Waiter().run(waiting, source._handle, generation, milliseconds(timeout))[1])
