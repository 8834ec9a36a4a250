"""What streams of both kinds share: attempts, buffering, and facts. Nothing here waits."""

from asyncio import IncompleteReadError, LimitOverrunError
from typing import Any, Generator, Iterable, NoReturn, Optional

from sallyport import _raw
from sallyport._info import StreamInfo
from sallyport._raw import (ATTEMPT, END_OF_STREAM, NULL, OK, WOULD_BLOCK, Bytes, call, encode, ffi, lib, make)
from sallyport._status_codes import Status
from sallyport._tls import Version
from sallyport.errors import Error

READ, WRITE = 1, 2
MORE = 1
CHUNK = 65536
LIMIT = 65536
_SOME = b"..."  # is in the buffer
_read_some, _write = lib.sally_stream_read_some, lib.sally_stream_write
_allocate = ffi.new_allocator(should_clear_after_alloc=False)

# Yields how much is wanted (0: more, into the buffer) while there is nothing to read; goes on with it, or
# with None when there may be.
Reading = Generator[int, Optional[bytes], bytes]


class StreamBase:
    """A stream, without its manner of waiting."""

    _space: Any = None  # CHUNK bytes to read into, where nobody else does at the same time

    def __init__(self, handle: Any, limit: int = LIMIT) -> None:
        self._handle = handle
        self._limit = limit
        self._buffer = bytearray()  # read beyond what was asked for
        self._size = ffi.new("size_t *")  # of reads
        self._taken = ffi.new("size_t *")

    def __reduce__(self) -> NoReturn:
        """Two would read and let go of the same connection."""
        raise TypeError(f"cannot copy or pickle {type(self).__name__!r}")

    # Facts.

    @property
    def info(self) -> StreamInfo:
        """What was agreed, and with whom."""
        return StreamInfo(make("stream_info", lib.sally_stream_copy_info, self._handle))

    @property
    def protection(self) -> Version:
        return Version(lib.sally_stream_protection(self._handle))

    def require_protection(self, least: Version) -> None:
        """From now on nothing is read or written under less."""
        call(lib.sally_stream_require_protection, self._handle, int(least))

    def export_key(self, label: str, size: int, context: Optional[Bytes] = None) -> bytes:
        """Derives a key that both sides of this stream, and nobody else, can know."""
        key = ffi.new("char[]", size)
        held = NULL if context is None else ffi.from_buffer(context)
        call(lib.sally_stream_export_key, self._handle, encode(label), held,
             0 if context is None else len(held), key, size)
        return bytes(ffi.buffer(key, size))

    def channel_binding(self, kind: str = "tls-exporter") -> bytes:
        """What binds a login to this very stream."""
        return _raw.copy_bytes(lib.sally_stream_channel_binding, self._handle, encode(kind))

    def update_keys(self, request_peer: bool = False) -> None:
        call(lib.sally_stream_update_keys, self._handle, int(request_peer))

    def abort(self) -> None:
        """Closes, waiting for nothing and telling of no failure: what the library has taken is still sent."""
        lib.sally_stream_close(self._handle, ATTEMPT, NULL)

    # Attempts.

    def _again(self, status: int, function: Any, *arguments: Any) -> Error:
        """A failure is final: the same call again tells it in full, which attempts are spared."""
        if status == Status.BUSY:  # which is not
            return _raw.plain_error(status)
        try:
            call(function, self._handle, *arguments)
        except Error as error:
            return error
        return _raw.plain_error(Status.INTERNAL)

    def _attempt_read(self, limit: int) -> Optional[bytes]:
        """Bytes, none at the end, None where there are none yet; with limit 0 some of what was buffered."""
        into_buffer = limit == 0
        limit = CHUNK if into_buffer else limit
        limit = min(limit, CHUNK)
        space = _allocate("char[]", limit) if self._space is None else self._space
        status = _read_some(self._handle, space, limit, self._size, ATTEMPT, NULL)
        if status == OK:
            found = ffi.buffer(space, self._size[0])
            if into_buffer:
                self._buffer += found
                return _SOME
            data: bytes = found[:]
            return data
        if status == WOULD_BLOCK:
            return None
        if status == END_OF_STREAM:
            return b""
        raise self._again(status, _read_some, space, limit, self._size, ATTEMPT)

    def _attempt_write(self, data: Any, size: int, flags: int) -> int:
        """How many bytes were taken; fewer than all where it is time to wait."""
        status = _write(self._handle, data, size, flags, self._taken, ATTEMPT, NULL)
        if status == OK or status == WOULD_BLOCK:
            return int(self._taken[0])
        raise self._again(status, _write, data, size, flags, self._taken, ATTEMPT)

    def _attempt_flush(self) -> bool:
        status = lib.sally_stream_flush(self._handle, ATTEMPT, NULL)
        if status == OK or status == WOULD_BLOCK:
            return bool(status == OK)
        raise self._again(status, lib.sally_stream_flush, ATTEMPT)

    # Reading, however one waits.

    def _drop(self, count: int) -> bytes:
        with memoryview(self._buffer) as whole, whole[:count] as part:
            data = bytes(part)
        del self._buffer[:count]
        return data

    def _reading(self, limit: int) -> Reading:
        if limit < 0:
            return (yield from self._reading_all())
        if limit == 0:
            return b""
        if self._buffer:
            return self._drop(limit)
        while (data := self._attempt_read(limit)) is None and (data := (yield limit)) is None:
            pass
        return data

    def _reading_all(self) -> Reading:
        while (yield from self._more()):
            pass
        return self._drop(len(self._buffer))

    def _more(self) -> Generator[int, Optional[bytes], bool]:
        """Reads into the buffer; False at the end."""
        while (data := self._attempt_read(0)) is None and (data := (yield 0)) is None:
            pass
        return bool(data)

    def _reading_exactly(self, count: int) -> Reading:
        if count < 0:
            raise ValueError("a count is not negative")
        while len(self._buffer) < count:
            if not (yield from self._more()):
                raise IncompleteReadError(self._drop(len(self._buffer)), count)
        return self._drop(count)

    def _reading_until(self, separator: bytes) -> Reading:
        if not separator:
            raise ValueError("a separator has at least one byte")
        seen = 0
        while (at := self._buffer.find(separator, seen)) < 0:
            seen = max(0, len(self._buffer) + 1 - len(separator))
            if seen > self._limit:
                raise LimitOverrunError("the separator is not found, and the limit is exceeded", seen)
            if not (yield from self._more()):
                raise IncompleteReadError(self._drop(len(self._buffer)), None)
        if at > self._limit:
            raise LimitOverrunError("the separator is found, but behind the limit", at)
        return self._drop(at + len(separator))

    def _check_upgrade(self) -> None:
        """What was read beyond the agreement would be taken for secured."""
        if self._buffer:
            self.abort()
            raise _raw.plain_error(Status.PLAINTEXT_BEFORE_TLS)


def join(parts: Iterable[Bytes]) -> bytes:
    return b"".join(parts)
