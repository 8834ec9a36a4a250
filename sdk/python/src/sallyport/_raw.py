"""What every module needs of the raw layer: calls, text, handles."""

import json
import math
import os
from typing import Any, Callable, List, Optional, Union

from sallyport._native import ffi as ffi
from sallyport._native import lib as lib
from sallyport.errors import Error, error_from

NULL = ffi.NULL
ATTEMPT = -2
OK, CLOSED, TIMED_OUT, WOULD_BLOCK, END_OF_STREAM = 0, 4, 6, 7, 200

Pathlike = Union[str, "os.PathLike[str]"]
Bytes = Union[bytes, bytearray, memoryview]


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function that may fail, and raises what it fails with."""
    error = ffi.new("sally_error **")
    status = function(*arguments, error)
    if status != OK:
        raise take_error(status, error[0])


def take_error(status: int, error: Any) -> Error:
    """Makes an exception of an error, which it then owns."""
    made = error_from(status, ffi.string(lib.sally_error_json(error)).decode())
    if error != NULL:
        held = own("error", error)
        made._explain = lambda: copy_bytes(lib.sally_error_copy_text, held).decode()
    return made


def plain_error(status: int) -> Error:
    """What is found on this side of the library, in the words of its table."""
    layers = ("general", "transport", "tls", "certificate", "credential")
    name, message, hint = (getattr(lib, f"sally_status_{fact}")(status) for fact in ("name", "message", "hint"))
    return error_from(status, json.dumps({"status": text(name), "code": status, "message": text(message),
                                          "hint": text(hint), "layer": layers[lib.sally_status_layer(status)]}))


def borrowed_error(error: Any) -> Optional[Error]:
    if error == NULL:
        return None
    return take_error(lib.sally_error_status(error), lib.sally_error_retain(error))


def own(kind: str, pointer: Any) -> Any:
    """Holds one reference, which goes with the Python object."""
    return ffi.gc(pointer, getattr(lib, f"sally_{kind}_release"))


def make(kind: str, function: Callable[..., int], *arguments: Any) -> Any:
    """Calls a function whose last output is a new handle."""
    out = ffi.new(f"sally_{kind} **")
    call(function, *arguments, out)
    return own(kind, out[0])


class Object:
    """What stands for a handle of the library."""

    _kind = ""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def _function(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(lib, f"sally_{self._kind}_{name}")
        return function

    def _call(self, name: str, *arguments: Any) -> None:
        call(self._function(name), self._handle, *arguments)


def retain(kind: str, pointer: Any) -> Any:
    """A reference of its own to what was borrowed."""
    return own(kind, getattr(lib, f"sally_{kind}_retain")(pointer))


def copy_bytes(function: Callable[..., int], *arguments: Any) -> bytes:
    handle = make("bytes", function, *arguments)
    data: bytes = ffi.buffer(lib.sally_bytes_data(handle), lib.sally_bytes_size(handle))[:]
    ffi.release(handle)
    return data


def text(pointer: Any) -> str:
    return "" if pointer == NULL else str(ffi.string(pointer).decode())


def texts(count: Callable[[Any], int], each: Callable[[Any, int], Any], handle: Any) -> List[str]:
    return [text(each(handle, index)) for index in range(count(handle))]


def encode(value: Optional[str]) -> Any:
    """Text as C wants it."""
    if value is None:
        return NULL
    if "\0" in value:
        raise ValueError("a NUL within text")
    return value.encode()


def encode_path(path: Pathlike) -> bytes:
    raw = os.fsencode(path)
    if b"\0" in raw:
        raise ValueError("a NUL within a path")
    return raw


def milliseconds(seconds: Optional[float]) -> int:
    """None: the default of the operation; 0: an attempt; infinity: never."""
    if seconds is None:
        return 0
    if math.isnan(seconds) or seconds < 0:
        raise ValueError("a timeout is not negative")
    if math.isinf(seconds):
        return -1
    return ATTEMPT if seconds == 0 else max(1, math.ceil(seconds * 1000))
