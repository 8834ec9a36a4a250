import asyncio
import enum
import json
import os
from typing import Any, Dict, Optional

from sallyport import _queue, _raw
from sallyport._deadline import Deadline
from sallyport._raw import ATTEMPT, NULL, OK, WOULD_BLOCK, ffi, lib, make, text
from sallyport._tls import Role

_SIZE = ffi.sizeof("sally_event")


class TraceKind(enum.IntEnum):
    """What a record of a trace is about."""

    UNKNOWN = 0
    """Of a later version of the library."""
    CONNECT = 1
    STATE = 2
    FLIGHT = 3
    ALERT = 4
    DECISION = 5
    RESUMPTION = 6
    KEY_UPDATE = 7
    CLOSE = 8
    END = 9

    @classmethod
    def _missing_(cls, value: object) -> "TraceKind":
        return cls.UNKNOWN


class TraceRecord(_raw.Object):
    """One thing that happened on a connection: names, numbers and sizes, nothing secret."""

    _kind = "trace_record"

    @property
    def kind(self) -> TraceKind:
        return TraceKind(lib.sally_trace_record_kind(self._handle))

    @property
    def side(self) -> Role:
        """Which side this one is."""
        return Role(lib.sally_trace_record_side(self._handle))

    @property
    def connection(self) -> int:
        """Its number among the connections of the trace, from 1 on."""
        return int(lib.sally_trace_record_connection(self._handle))

    @property
    def time_us(self) -> int:
        """Microseconds after the connection began."""
        return int(lib.sally_trace_record_time_us(self._handle))

    @property
    def correlation_id(self) -> str:
        """The same on both sides; "" where no hello was seen."""
        return text(lib.sally_trace_record_correlation_id(self._handle))

    @property
    def text(self) -> str:
        """All of it as a line for people."""
        return text(lib.sally_trace_record_text(self._handle))

    @property
    def json(self) -> str:
        """All of it on one line, for a log."""
        return text(lib.sally_trace_record_json(self._handle))

    def to_dict(self) -> Dict[str, Any]:
        """What `json` says."""
        found: Dict[str, Any] = json.loads(self.json)
        return found

    def __repr__(self) -> str:
        return f"<TraceRecord {self.text}>"


class Trace(_raw.Object):
    """What happens on the connections of every config that has it (`TlsConfig.set_trace`), as records to take.

    `async for record in trace` takes them, and goes on until it is left; in threads, `take` does. A
    connection leaves `max_per_connection` at most (0: 256), the last of them that of its end, and
    `max_waiting` wait at most (0: 4096); more are dropped and counted.
    """

    _kind = "trace"

    def __init__(self, *, max_waiting: int = 0, max_per_connection: int = 0) -> None:
        self._queue = make("queue", lib.sally_queue_create)
        destination = ffi.new("sally_completion *", {
            "struct_size": ffi.sizeof("sally_completion"), "queue": self._queue})
        options = ffi.new("sally_trace_options *", {
            "struct_size": ffi.sizeof("sally_trace_options"), "destination": destination,
            "max_waiting": max_waiting, "max_per_connection": max_per_connection})
        super().__init__(make("trace", lib.sally_trace_create, options))

    @property
    def dropped(self) -> int:
        """How many records there was no room for."""
        return int(lib.sally_trace_dropped(self._handle))

    def fileno(self) -> int:
        """A descriptor that is readable while records wait."""
        return int(lib.sally_queue_fd(self._queue))

    def take(self, *, timeout: Optional[float] = None) -> TraceRecord:
        """The next record (None: waits for ever; 0: an attempt, which raises WouldBlock)."""
        event, count = ffi.new("sally_event *"), ffi.new("size_t *")

        def take(part: int) -> int:
            return int(lib.sally_queue_take(self._queue, event, _SIZE, 1, count, part, NULL))

        status = take(ATTEMPT)
        if status == WOULD_BLOCK and timeout != 0:
            status = Deadline(timeout).wait(take)
        if status != OK:
            raise _raw.plain_error(status)
        return TraceRecord(_queue.taken("trace_record", event))

    def __aiter__(self) -> "Trace":
        return self

    async def __anext__(self) -> TraceRecord:
        while True:
            try:
                return self.take(timeout=0)
            except BlockingIOError:
                await self._readable()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: "asyncio.Future[None]" = loop.create_future()
        descriptor = os.dup(self.fileno())  # its own, so that any number of tasks may wait

        def tell() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(descriptor, tell)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
