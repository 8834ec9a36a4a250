"""Where a completion queue meets an asyncio event loop."""

import asyncio
import functools
import inspect
import os
from typing import Any, AsyncGenerator, Awaitable, Callable, Dict, List, Optional, Set, Union

from sallyport import _queue
from sallyport._decision import Decision, decision
from sallyport._raw import ffi, lib
from sallyport._queue import Queue
from sallyport._stream import CHUNK, StreamBase

Decide = Callable[[Decision], Union[None, Awaitable[None]]]

TELL_END = 1  # SALLY_COMPLETION_TELL_END
_hubs: Dict[asyncio.AbstractEventLoop, "Hub"] = {}


class Hub(Queue):
    """The queue of one event loop, which watches its descriptor."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self._process = os.getpid()  # in a forked child letting go would let go for its parent
        self.space = ffi.new("char[]", CHUNK)  # of the reads of all its streams
        self.sending: Set[StreamBase] = set()
        self._tasks: Set["asyncio.Future[None]"] = set()
        loop.add_reader(self.fd, self._ready)
        self._guard = self._until_shutdown()
        try:
            self._guard.__anext__().send(None)
        except StopIteration:
            pass

    async def _until_shutdown(self) -> AsyncGenerator[None, None]:
        """An event loop that ends closes its generators: the one sign that it gives beforehand."""
        try:
            yield
        finally:
            self._end()

    def _end(self) -> None:
        if _hubs.get(self.loop) is self:
            _hubs.pop(self.loop, None)  # which another thread may sweep, too
        if not self.loop.is_closed() and self._process == os.getpid():
            self.loop.remove_reader(self.fd)
        self.sending.clear()
        self.close()

    def _ready(self) -> None:
        self.take()  # what is left keeps the descriptor readable

    async def run(self, function: Callable[..., int], *arguments: Any) -> int:
        """One operation, and its size. Cancelling the task cancels it."""
        future: "asyncio.Future[int]" = self.loop.create_future()
        operation = ffi.new("sally_operation **")
        self.start(self.tag(), functools.partial(_settle, future), function, *arguments, operation=operation)
        try:
            return await future
        except asyncio.CancelledError:
            lib.sally_operation_cancel(operation[0])
            raise
        finally:
            lib.sally_operation_release(operation[0])
            del future  # or what it raises would hold this frame, and be held by it

    def decisions(self, decide: Optional[Decide]) -> Any:
        """Where decisions go that come to `decide`, which may be a coroutine function, to the last one."""
        if decide is None:
            return ffi.NULL
        answering = decide

        def asked(event: Any) -> None:
            pointer = ffi.cast("sally_decision *", event.object)
            event.object = ffi.NULL
            task = asyncio.ensure_future(self._decide(answering, decision(pointer)), loop=self.loop)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        tag = self.tag()
        self.deciders[tag] = asked
        return self.completion(tag, TELL_END)

    def forget(self, decisions: Any) -> None:
        """Of what could not be made: nothing will say that its decisions are over."""
        if decisions != ffi.NULL:
            self.deciders.pop(decisions.tag, None)

    async def _decide(self, decide: Decide, asked: Decision) -> None:
        try:
            answer = decide(asked)
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            lib.sally_decision_deny(asked._handle, 0, ffi.NULL)  # the traceback may keep it for long
            self.loop.call_exception_handler(
                {"message": "a decision was not made, and is denied", "exception": error})


def _settle(future: "asyncio.Future[int]", event: Any) -> None:
    error = _queue.failure(event)
    if future.done():
        return
    if error is None:
        future.set_result(int(event.size))
    else:
        future.set_exception(error)


def current() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    hub: Optional[Hub] = _hubs.get(loop)
    if hub is None:
        _sweep()
        hub = _hubs[loop] = Hub(loop)
    return hub


def _sweep() -> None:
    """Loops that were closed without a word."""
    closed: List[Hub] = [hub for loop, hub in list(_hubs.items()) if loop.is_closed()]
    for hub in closed:
        hub._end()
