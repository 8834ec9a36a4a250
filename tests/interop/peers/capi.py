"""The Sallyport side where no example program does what is to be shown: its C ABI, with ctypes."""

import ctypes
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_uint16, c_void_p

from . import sallyport

CLIENT, SERVER = 1, 2
VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
OCSP_REQUIRE = 3
LIMIT_MS = 10_000


class StreamOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("host", c_char_p),
        ("verify_name", c_char_p), ("service", c_char_p), ("tls", c_void_p), ("rest", c_int64 * 2),
    ]


class ListenerOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("host", c_char_p),
        ("service", c_char_p), ("tls", c_void_p),
    ]


class Refused(Exception):
    """A call failed; the argument is the name of the status."""


class Library:
    def __init__(self):
        self._functions = ctypes.CDLL(sallyport.BIN.parent / "lib" / "libsallyport.so")
        for text in ("sally_status_name", "sally_error_message"):
            getattr(self._functions, text).restype = c_char_p
        self._functions.sally_bytes_data.restype = c_void_p
        self._functions.sally_bytes_size.restype = c_size_t
        self._functions.sally_listener_port.restype = c_uint16

    def __getattr__(self, name):
        function = getattr(self._functions, f"sally_{name}")

        def call(*arguments):
            error = c_void_p()
            status = function(*arguments, byref(error))
            if status != 0:
                self._functions.sally_error_release(error)
                raise Refused(self._functions.sally_status_name(status).decode())

        return call

    def plain(self, name):
        return getattr(self._functions, f"sally_{name}")


class Handle:
    """A handle that is released with its block."""

    def __init__(self, library, kind):
        self.library, self.kind, self.pointer = library, kind, c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.plain(f"{self.kind}_release")(self.pointer)


class Credential(Handle):
    def __init__(self, library, chain, key):
        super().__init__(library, "credential")
        library.credential_load(
            str(chain).encode(), str(key).encode(), None, byref(self.pointer)
        )

    def staple(self, response):
        self.library.credential_set_ocsp_response(
            self.pointer, response, c_size_t(len(response))
        )


class Config(Handle):
    def __init__(self, library, role, version=None, *, ca=None, credential=None, ocsp=None):
        super().__init__(library, "tls_config")
        library.tls_config_create(c_int32(role), byref(self.pointer))
        if version:
            number = c_int32(VERSIONS[version])
            library.tls_config_set_versions(self.pointer, number, number)
        if ca:
            with Handle(library, "trust_store") as trust:
                library.trust_store_load(str(ca).encode(), byref(trust.pointer))
                library.tls_config_set_trust(self.pointer, trust.pointer)
        if credential:
            library.tls_config_add_credential(self.pointer, credential.pointer)
        if ocsp:
            library.tls_config_set_ocsp(self.pointer, c_int32(ocsp))


class Stream(Handle):
    def __init__(self, library):
        super().__init__(library, "stream")

    def export_key(self, label, size):
        key = ctypes.create_string_buffer(size)
        self.library.stream_export_key(
            self.pointer, label.encode(), None, c_size_t(0), key, c_size_t(size)
        )
        return key.raw

    def channel_binding(self, kind):
        with Handle(self.library, "bytes") as value:
            self.library.stream_channel_binding(self.pointer, kind.encode(), byref(value.pointer))
            data = self.library.plain("bytes_data")(value.pointer)
            return ctypes.string_at(data, self.library.plain("bytes_size")(value.pointer))


def connect(library, config, address):
    host, port = address.rsplit(":", 1)
    stream = Stream(library)
    options = StreamOptions(
        ctypes.sizeof(StreamOptions), 0, host.encode(), b"localhost", port.encode(),
        config.pointer,
    )
    library.stream_create(byref(options), byref(stream.pointer))
    try:
        library.stream_connect(stream.pointer, c_int64(LIMIT_MS))
    except Refused:
        stream.__exit__()
        raise
    return stream


class Listener(Handle):
    def __init__(self, library, config):
        super().__init__(library, "listener")
        options = ListenerOptions(
            ctypes.sizeof(ListenerOptions), 0, b"127.0.0.1", b"0", config.pointer
        )
        library.listener_bind(byref(options), byref(self.pointer))
        self.port = library.plain("listener_port")(self.pointer)
        self.address = f"127.0.0.1:{self.port}"

    def accept(self):
        stream = Stream(self.library)
        self.library.listener_accept(self.pointer, c_int64(LIMIT_MS), byref(stream.pointer))
        return stream
