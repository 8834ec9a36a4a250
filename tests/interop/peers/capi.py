"""The Sallyport side where no example program does what is to be shown: its C ABI, with ctypes."""

import ctypes
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_uint16, c_void_p

from . import alerts, sallyport

CLIENT, SERVER = 1, 2
VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
OCSP_REQUIRE = 3
LIMIT_MS = 60_000
CONFIRMED = 4  # of SALLY_STREAM_*
ALERT_RECEIVED = 2
CLIENT_AUTH_NONE, CLIENT_AUTH_REQUEST, CLIENT_AUTH_REQUIRE = 1, 2, 3
DURATION_HANDSHAKE = 3


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
    """A call failed; the argument is the name of the status. `alert`: the peer's, by its name."""

    def __init__(self, status, alert=None):
        super().__init__(status)
        self.alert = alert


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
                alert = self._alert(error)
                self._functions.sally_error_release(error)
                raise Refused(self._functions.sally_status_name(status).decode(), alert)

        return call

    def _alert(self, error):
        if self._functions.sally_error_alert_direction(error) != ALERT_RECEIVED:
            return None
        return alerts.NAMES[self._functions.sally_error_alert(error)]

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


    def write(self, data):
        taken = c_size_t()
        self.library.stream_write(
            self.pointer, data, c_size_t(len(data)), c_int32(0), byref(taken), c_int64(LIMIT_MS)
        )

    def read(self, size, limit_ms=LIMIT_MS):
        """Exactly so many bytes."""
        buffer, moved = ctypes.create_string_buffer(size), c_size_t()
        self.library.stream_read_exactly(
            self.pointer, buffer, c_size_t(size), byref(moved), c_int64(limit_ms)
        )
        return buffer.raw

    def authenticate(self, limit_ms=LIMIT_MS):
        self.library.stream_authenticate(self.pointer, c_int64(limit_ms))

    def info(self):
        info = Info(self.library)
        self.library.stream_copy_info(self.pointer, byref(info.pointer))
        return info


class Info(Handle):
    """A snapshot. Numbers by their names in stream_info.h: info["peer_verified"]."""

    def __init__(self, library):
        super().__init__(library, "stream_info")

    def __getitem__(self, name):
        return self.library.plain(f"stream_info_{name}")(self.pointer)

    def duration(self, which):
        """In microseconds."""
        function = self.library.plain("stream_info_duration")
        function.restype = c_int64
        return function(self.pointer, c_int32(which))

    def peer_subject(self):
        """The subject of the peer's certificate, None where it has shown none."""
        certificate = self.library.plain("stream_info_peer_certificate")
        subject = self.library.plain("certificate_subject")
        certificate.restype, subject.restype = c_void_p, c_char_p
        found = certificate(self.pointer, c_size_t(0))
        return found and subject(c_void_p(found)).decode()


def connect(library, config, address, *, flags=0, limit_ms=LIMIT_MS):
    host, port = address.rsplit(":", 1)
    stream = Stream(library)
    options = StreamOptions(
        ctypes.sizeof(StreamOptions), flags, host.encode(), b"localhost", port.encode(),
        config.pointer,
    )
    library.stream_create(byref(options), byref(stream.pointer))
    try:
        library.stream_connect(stream.pointer, c_int64(limit_ms))
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
        self.host, self.address = "127.0.0.1", f"127.0.0.1:{self.port}"

    def accept(self):
        stream = Stream(self.library)
        self.library.listener_accept(self.pointer, c_int64(LIMIT_MS), byref(stream.pointer))
        return stream
