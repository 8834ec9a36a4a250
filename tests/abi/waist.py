"""The C ABI from Python, with ctypes and nothing else.

Results come through a completion queue, so that no callback ever crosses the ABI and everything
runs on one thread. What an operation borrows is kept here until its completion is delivered.
"""

import ctypes
import weakref
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_ssize_t, c_uint16
from ctypes import c_uint32, c_uint64, c_void_p, sizeof

STATUSES = {"OK": 0, "INVALID_ARGUMENT": 1, "CLOSED": 4, "CANCELED": 5, "TIMED_OUT": 6,
            "WOULD_BLOCK": 7, "BUSY": 8, "CONNECTION_RESET": 121, "CONNECTION_ABORTED": 122,
            "DECISION_DENIED": 225, "END_OF_STREAM": 200, "TRUNCATED": 201}
OK, INVALID_ARGUMENT, CLOSED, CANCELED, TIMED_OUT, WOULD_BLOCK, BUSY, *_ = STATUSES.values()
CONNECTION_RESET, CONNECTION_ABORTED, DECISION_DENIED, END_OF_STREAM, TRUNCATED = list(
    STATUSES.values())[-5:]
DEFAULT, NEVER, ATTEMPT = 0, -1, -2
READ, WRITE = 1, 2
ROLE_CLIENT, ROLE_SERVER, CLIENT_AUTH_REQUIRE = 1, 2, 3
EVENT_ACCEPTED, EVENT_DECISION = 2, 4
QUESTION_PEER, QUESTION_CLIENT_HELLO = 2, 4
HANDLES = ("error", "bytes", "credential", "trust store", "TLS config", "certificate", "stream",
           "stream info", "listener", "runtime", "queue", "operation", "verdict", "ticket keys",
           "decision", "trace", "trace record")


class StreamOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("host", c_char_p),
                ("verify_name", c_char_p), ("service", c_char_p), ("tls", c_void_p),
                ("runtime", c_void_p), ("high_watermark", c_uint32), ("low_watermark", c_uint32),
                ("decisions", c_void_p)]


class ListenerOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("host", c_char_p),
                ("service", c_char_p), ("tls", c_void_p), ("handshake_timeout_ms", c_int64),
                ("max_pending_handshakes", c_uint32), ("max_unaccepted", c_uint32),
                ("backlog", c_uint32), ("max_refusals", c_uint32), ("runtime", c_void_p),
                ("max_connections", c_uint32), ("max_connections_per_source", c_uint32),
                ("high_watermark", c_uint32), ("low_watermark", c_uint32),
                ("decisions", c_void_p)]


class RuntimeOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("loops", c_uint32),
                ("reserved", c_uint32)]


class Completion(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("tag", c_uint64),
                ("queue", c_void_p), ("function", c_void_p), ("user", c_void_p),
                ("free_user", c_void_p)]


class Event(ctypes.Structure):
    _fields_ = [("tag", c_uint64), ("size", c_uint64), ("object", c_void_p), ("error", c_void_p),
                ("status", c_int32), ("kind", c_int32)]


OUT = POINTER(c_void_p)
ASYNC = [c_int64, POINTER(Completion), OUT]  # time-out, where the result goes, the operation

# Those that answer a status take a place for an error behind these arguments.
CHECKED = {
    "credential_load": [c_char_p, c_char_p, c_char_p, OUT],
    "trust_store_load": [c_char_p, OUT],
    "tls_config_create": [c_int32, OUT],
    "tls_config_add_credential": [c_void_p, c_void_p],
    "tls_config_set_trust": [c_void_p, c_void_p],
    "tls_config_set_client_auth": [c_void_p, c_int32],
    "tls_config_set_questions": [c_void_p, c_uint32],
    "decision_accept": [c_void_p],
    "decision_deny": [c_void_p, c_int32],
    "decision_use_config": [c_void_p, c_void_p],
    "runtime_create": [POINTER(RuntimeOptions), OUT],
    "queue_create": [OUT],
    "queue_take": [c_void_p, POINTER(Event), c_size_t, c_size_t, POINTER(c_size_t), c_int64],
    "queue_close": [c_void_p],
    "stream_create": [POINTER(StreamOptions), OUT],
    "stream_connect_async": [c_void_p, *ASYNC],
    "stream_read_some": [c_void_p, c_void_p, c_size_t, POINTER(c_size_t), c_int64],
    "stream_read_some_async": [c_void_p, c_void_p, c_size_t, *ASYNC],
    "stream_read_exactly_async": [c_void_p, c_void_p, c_size_t, *ASYNC],
    "stream_wait_async": [c_void_p, c_uint32, *ASYNC],
    "stream_write": [c_void_p, c_void_p, c_size_t, c_uint32, POINTER(c_size_t), c_int64],
    "stream_write_async": [c_void_p, c_void_p, c_size_t, c_uint32, *ASYNC],
    "stream_shutdown_async": [c_void_p, *ASYNC],
    "stream_close": [c_void_p, c_int64],
    "stream_close_async": [c_void_p, *ASYNC],
    "stream_cancel": [c_void_p, c_uint32],
    "stream_copy_info": [c_void_p, OUT],
    "listener_bind": [POINTER(ListenerOptions), OUT],
    "listener_accept_async": [c_void_p, *ASYNC],
    "listener_next_refusal_async": [c_void_p, *ASYNC],
    "listener_close": [c_void_p],
}
PLAIN = {
    "status_name": (c_char_p, [c_int32]),
    "error_json": (c_char_p, [c_void_p]),
    "error_release": (None, [c_void_p]),
    "event_dispose": (None, [POINTER(Event)]),
    "queue_fd": (c_ssize_t, [c_void_p]),
    "operation_cancel": (None, [c_void_p]),
    "decision_question": (c_int32, [c_void_p]),
    "decision_peer_certificate_count": (c_size_t, [c_void_p]),
    "decision_verdict": (c_int32, [c_void_p]),
    "listener_port": (c_uint16, [c_void_p]),
    "stream_info_peer_verified": (c_int32, [c_void_p]),
    "library_live_handles": (c_int64, [c_int32]),
    "library_version": (c_char_p, []),
    "library_tls_backend": (c_char_p, []),
}


class Failure(Exception):
    """A call that did not answer SALLY_OK."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Library:
    """The exported functions, without their prefix."""

    def __init__(self, path):
        self._exports = ctypes.CDLL(path)
        self._checked = {name: self._bind(name, c_int32, [*arguments, OUT])
                         for name, arguments in CHECKED.items()}
        for name, (result, arguments) in PLAIN.items():
            setattr(self, name, self._bind(name, result, arguments))
        for name, number in STATUSES.items():
            assert self.status_name(number) == b"SALLY_" + name.encode(), name

    def _bind(self, name, result, arguments):
        function = self._exports["sally_" + name]  # a new one each time
        function.restype, function.argtypes = result, arguments
        return function

    def ask(self, name, *arguments):
        """Calls a function that may fail; answers its status and, in words, why."""
        error = c_void_p()
        status = self._checked[name](*arguments, byref(error))
        assert (status == OK) == (error.value is None), "an error exactly where it failed"
        if status == OK:
            return OK, ""
        text = self.error_json(error).decode()
        self.error_release(error)
        return status, text

    def call(self, name, *arguments):
        status, text = self.ask(name, *arguments)
        if status != OK:
            raise Failure(status, f"{name}: {text}")

    def make(self, name, *arguments):
        """Calls a function whose last output is a new handle."""
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle.value

    def releaser(self, kind):
        return self._bind(kind + "_release", None, [c_void_p])

    def live_handles(self):
        counts = {name: self.library_live_handles(kind) for kind, name in enumerate(HANDLES)}
        assert self.library_live_handles(len(HANDLES)) == -1, "a kind that is not known here"
        return counts


class Handle:
    """One reference, given back by release() or with the object."""

    def __init__(self, library, kind, pointer):
        self.library, self.kind, self.pointer = library, kind, pointer
        self._release = library.releaser(kind)

    def release(self):
        pointer, self.pointer = self.pointer, None
        self._release(pointer)

    def __del__(self):
        if getattr(self, "pointer", None):
            self.release()


class Pending:
    """A started operation, and what it borrows until it is delivered; afterwards, its result."""

    def __init__(self, tag, lent):
        self.tag, self.lent = tag, lent
        self.operation = self.task = self.accepted = None
        self.delivered, self.status, self.size, self.text = False, None, 0, ""

    def cancel(self):
        self.operation.library.operation_cancel(self.operation.pointer)


class Queue(Handle):
    def __init__(self, library, capacity=256):
        super().__init__(library, "queue", library.make("queue_create"))
        self.fd = library.queue_fd(self.pointer)
        self.pending = {}
        self.alive = weakref.WeakSet()  # each pending or in somebody's hands, with what it lent
        self.started = self.delivered = 0
        self.decide = None  # called with each decision that comes
        self._events = (Event * capacity)()

    def start(self, name, *arguments, lent=None, timeout_ms=DEFAULT, cancelable=False):
        """Starts an operation; its tag is known until its one event has come."""
        pending = Pending(self.started + 1, lent)
        completion = Completion(sizeof(Completion), 0, pending.tag, self.pointer)
        operation = c_void_p()
        wanted = byref(operation) if cancelable else None
        self.library.call(name, *arguments, timeout_ms, byref(completion), wanted)
        if cancelable:
            pending.operation = Handle(self.library, "operation", operation.value)
        self.started += 1
        self.pending[pending.tag] = pending
        self.alive.add(pending)
        return pending

    def take(self):
        """What is there now, up to the capacity; None where the queue is closed and empty."""
        count = c_size_t()
        status, text = self.library.ask("queue_take", self.pointer, self._events, sizeof(Event),
                                        len(self._events), byref(count), ATTEMPT)
        if status == CLOSED:
            return None
        if status != WOULD_BLOCK and status != OK:
            raise Failure(status, text)
        return [self._deliver(self._events[i]) for i in range(count.value)]

    def decisions(self):
        """Says that questions go here. Must be kept until it was passed on."""
        return Completion(sizeof(Completion), 0, 0, self.pointer)

    def _deliver(self, event):
        if event.kind == EVENT_DECISION:
            decision, event.object = Handle(self.library, "decision", event.object), None
            self.library.event_dispose(event)
            self.decide(decision)
            return Pending(0, None)  # for which nobody waits
        assert event.tag in self.pending, f"an event of tag {event.tag}, which waits for none"
        pending = self.pending.pop(event.tag)
        pending.delivered, pending.status, pending.size = True, event.status, event.size
        if event.error:
            pending.text = self.library.error_json(event.error).decode()
        if event.kind == EVENT_ACCEPTED and event.object:
            pending.accepted, event.object = event.object, None
        self.library.event_dispose(event)
        self.delivered += 1
        return pending

    def close(self):
        self.library.call("queue_close", self.pointer)
