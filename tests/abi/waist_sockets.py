"""Streams and listeners over waist.py, as a binding would have them."""

import ctypes
from ctypes import byref, c_size_t, sizeof

from waist import ATTEMPT, CLIENT_AUTH_REQUIRE, OK, ROLE_CLIENT, ROLE_SERVER, WOULD_BLOCK
from waist import Failure, Handle, ListenerOptions, RuntimeOptions, StreamOptions

ESTABLISH_MS = 100_000  # of a thousand handshakes at once on a busy machine


class Material:
    """Both sides' certificates, loaded once."""

    def __init__(self, library, zoo):
        self.library = library
        self.trust = Handle(library, "trust_store", library.make(
            "trust_store_load", f"{zoo}/ca-root.pem".encode()))
        self.server, self.client = [Handle(library, "credential", library.make(
            "credential_load", f"{zoo}/{name}.pem".encode(), f"{zoo}/{name}.key".encode(), None))
            for name in ("server-good", "client-good")]

    def config(self, role):
        library = self.library
        config = Handle(library, "tls_config", library.make("tls_config_create", role))
        credential = self.client if role == ROLE_CLIENT else self.server
        library.call("tls_config_add_credential", config.pointer, credential.pointer)
        library.call("tls_config_set_trust", config.pointer, self.trust.pointer)
        if role == ROLE_SERVER:
            library.call("tls_config_set_client_auth", config.pointer, CLIENT_AUTH_REQUIRE)
        return config

    def release(self):
        for handle in (self.trust, self.server, self.client):
            handle.release()


def make_runtime(library, loops):
    options = RuntimeOptions(struct_size=sizeof(RuntimeOptions), loops=loops)
    return Handle(library, "runtime", library.make("runtime_create", byref(options)))


class Stream(Handle):
    """A stream whose operations complete in one queue."""

    def __init__(self, queue, pointer):
        super().__init__(queue.library, "stream", pointer)
        self.queue = queue

    @classmethod
    def to(cls, queue, port, config, runtime=None, asks=False):
        options = StreamOptions(
            struct_size=sizeof(StreamOptions), host=b"127.0.0.1", verify_name=b"localhost",
            service=str(port).encode(), tls=config.pointer,
            runtime=runtime.pointer if runtime else None)
        decisions = queue.decisions()
        options.decisions = ctypes.addressof(decisions) if asks else None
        return cls(queue, queue.library.make("stream_create", byref(options)))

    def _start(self, name, *arguments, **how):
        return self.queue.start("stream_" + name, self.pointer, *arguments, **how)

    def connect(self):
        return self._start("connect_async", timeout_ms=ESTABLISH_MS)

    def read_some(self, size, **how):
        buffer = ctypes.create_string_buffer(size)
        return self._start("read_some_async", buffer, size, lent=buffer, **how)

    def read_exactly(self, size, **how):
        buffer = ctypes.create_string_buffer(size)
        return self._start("read_exactly_async", buffer, size, lent=buffer, **how)

    def write(self, data, **how):
        return self._start("write_async", data, len(data), 0, lent=data, **how)

    def wait(self, interest, **how):
        return self._start("wait_async", interest, **how)

    def shutdown(self):
        return self._start("shutdown_async")

    def close(self):
        return self._start("close_async", timeout_ms=ESTABLISH_MS)

    def close_now(self):
        return self.library.ask("stream_close", self.pointer, ATTEMPT)[0]

    def cancel(self, directions):
        self.library.call("stream_cancel", self.pointer, directions)

    def try_read(self, size):
        """Bytes, or None where there are none yet. Nothing is lent beyond the call."""
        buffer, moved = ctypes.create_string_buffer(size), c_size_t()
        status, text = self.library.ask("stream_read_some", self.pointer, buffer, size,
                                        byref(moved), ATTEMPT)
        if status == WOULD_BLOCK:
            return None
        if status != OK:
            raise Failure(status, text)
        return buffer.raw[:moved.value]

    def try_write(self, data):
        """How many of the bytes were taken; fewer than all where it is time to wait."""
        taken = c_size_t()
        status, text = self.library.ask("stream_write", self.pointer, bytes(data), len(data), 0,
                                        byref(taken), ATTEMPT)
        if status not in (OK, WOULD_BLOCK):
            raise Failure(status, text)
        return taken.value

    def peer_verified(self):
        info = Handle(self.library, "stream_info",
                      self.library.make("stream_copy_info", self.pointer))
        verified = self.library.stream_info_peer_verified(info.pointer)
        info.release()
        return verified


class Listener(Handle):
    def __init__(self, queue, config, runtime=None, asks=False):
        options = ListenerOptions(
            struct_size=sizeof(ListenerOptions), host=b"127.0.0.1", service=b"0",
            tls=config.pointer, handshake_timeout_ms=ESTABLISH_MS,
            runtime=runtime.pointer if runtime else None)
        decisions = queue.decisions()
        options.decisions = ctypes.addressof(decisions) if asks else None
        super().__init__(queue.library, "listener",
                         queue.library.make("listener_bind", byref(options)))
        self.queue = queue
        self.port = queue.library.listener_port(self.pointer)

    def accept(self, **how):
        return self.queue.start("listener_accept_async", self.pointer, **how)

    def next_refusal(self, **how):
        return self.queue.start("listener_next_refusal_async", self.pointer, **how)

    def close(self):
        self.library.call("listener_close", self.pointer)
