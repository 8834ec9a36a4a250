"""An event loop of Python's own, which watches one descriptor."""

import select
import selectors
import time


class Loop:
    """Runs generators that yield what they wait for, on one thread, with one watched descriptor."""

    def __init__(self, queue, edge_triggered=False, between=lambda: None):
        self.queue, self.between = queue, between
        self.tasks = self.wakeups = 0
        if edge_triggered:
            self._poller = select.epoll()
            self._poller.register(queue.fd, select.EPOLLIN | select.EPOLLET)
            self._ready = self._poller.poll
        else:
            self._poller = selectors.DefaultSelector()
            self._poller.register(queue.fd, selectors.EVENT_READ)
            self._ready = self._poller.select

    def run(self, tasks, seconds=120):
        deadline = time.monotonic() + seconds
        for task in tasks:
            self.tasks += 1
            self._resume(task, None)
        while self.tasks > 0:
            self._wait_until(deadline)
            self.serve()

    def _wait_until(self, deadline):
        if not self._ready(max(0.001, deadline - time.monotonic())):
            raise AssertionError(f"no event for {len(self.queue.pending)} operations, "
                                 f"{self.tasks} tasks")
        self.wakeups += 1

    def serve(self):
        """Takes until fewer come than were asked for, as edge-triggered pollers must."""
        while batch := self.queue.take():
            for pending in batch:
                self.between()
                if pending.task:
                    self._resume(pending.task, pending)
            if len(batch) < len(self.queue._events):
                return

    def drain(self, seconds=30):
        """Takes until a closed queue says that nothing is left."""
        deadline = time.monotonic() + seconds
        while True:
            self._wait_until(deadline)
            while batch := self.queue.take():
                pass
            if batch is None:
                return

    def _resume(self, task, result):
        try:
            pending = task.send(result)
            while pending.delivered:
                pending = task.send(pending)
            pending.task = task
        except StopIteration:
            self.tasks -= 1

    def close(self):
        self._poller.close()
