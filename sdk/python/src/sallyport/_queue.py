"""One completion queue, and who waits for what: results come here, and never on another thread."""

import itertools
from typing import Any, Callable, Dict, Optional

from sallyport import _raw
from sallyport._raw import ATTEMPT, NULL, OK, ffi, lib

Done = Callable[[Any], None]
BATCH = 256
_DONE = 1  # SALLY_EVENT_DONE
_take = lib.sally_queue_take
_SIZE = ffi.sizeof("sally_event")


class Queue:
    """Tags are promised to callables, which get the event once; None: nobody wants it any more."""

    def __init__(self) -> None:
        self._handle = _raw.make("queue", lib.sally_queue_create)
        self.fd = int(lib.sally_queue_fd(self._handle))
        self.waiting: Dict[int, Optional[Done]] = {}
        self.deciders: Dict[int, Done] = {}
        self.tag = itertools.count(1).__next__
        self._events = ffi.new("sally_event[]", BATCH)
        self._count = ffi.new("size_t *")
        self._completion = self.completion(0)
        self.closed = False

    def completion(self, tag: int, flags: int = 0) -> Any:
        return ffi.new("sally_completion *", {
            "struct_size": ffi.sizeof("sally_completion"), "flags": flags, "queue": self._handle, "tag": tag})

    def start(self, tag: int, done: Done, function: Callable[..., int], *arguments: Any,
              operation: Any = NULL) -> None:
        """Starts what completes under `tag`."""
        self.check()  # closed, its handle points nowhere any more
        completion = self._completion
        completion.tag = tag
        self.waiting[tag] = done  # before it can complete, which another thread may take
        try:
            if function(*arguments, completion, operation, NULL) != OK:
                _raw.call(function, *arguments, completion, operation)  # again, to be told why
        except BaseException:
            self.waiting.pop(tag, None)
            raise

    def check(self) -> None:
        if self.closed:
            raise RuntimeError("the event loop of this stream or listener has ended")

    def take(self, timeout_ms: int = ATTEMPT) -> int:
        """Delivers what is there, up to BATCH; answers how many came."""
        if self.closed:
            return 0
        events, count = self._events, self._count
        if events is None:  # within a callable that is being told of another event
            events = ffi.new("sally_event[]", BATCH)
        self._events = None
        count[0] = 0
        try:
            _take(self._handle, events, _SIZE, BATCH, count, timeout_ms, NULL)
            came = int(count[0])
            self._deliver(events, came)
            return came
        finally:
            self._events = events

    def _deliver(self, events: Any, came: int) -> None:
        fault: Optional[BaseException] = None
        for index in range(came):
            event = events[index]
            kind = event.kind
            if kind == 4:  # SALLY_EVENT_DECISION
                done = self.deciders.get(event.tag)
            elif kind == 5:  # SALLY_EVENT_DECISIONS_OVER
                done = None
                self.deciders.pop(event.tag, None)
            else:
                done = self.waiting.pop(event.tag, None)
            try:
                if done is not None:
                    done(event)
            except BaseException as error:  # the others are to hear of theirs first
                fault = fault or error
            finally:
                if kind != _DONE or event.status != OK:
                    lib.sally_event_dispose(events + index)
        try:
            if fault is not None:
                raise fault
        finally:
            del fault  # which would hold this frame, and be held by it

    def close(self) -> None:
        """Ends what is pending; nothing is lent, so nobody has to wait for it."""
        if self.closed:
            return
        self.closed = True
        self.waiting.clear()
        self.deciders.clear()
        ffi.release(self._handle)


def failure(event: Any) -> Optional[Exception]:
    """What an event failed with."""
    if event.status == OK:
        return None
    error, event.error = event.error, NULL
    return _raw.take_error(event.status, error)


def taken(kind: str, event: Any) -> Any:
    """Owns what an event carries."""
    pointer = ffi.cast(f"sally_{kind} *", event.object)
    event.object = NULL
    return _raw.own(kind, pointer)
