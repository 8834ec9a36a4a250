"""Letting go in every order, with operations pending: nothing is left, nothing comes twice."""

import collections
import contextlib
import gc
import itertools
import os
import random
import select
import socket
import time

from waist import CANCELED, CLOSED, CONNECTION_ABORTED, CONNECTION_RESET, END_OF_STREAM
from waist import INVALID_ARGUMENT, OK, READ, ROLE_CLIENT, ROLE_SERVER, TRUNCATED, WRITE
from waist import Failure, Queue
from waist_loop import Loop
from waist_sockets import Listener, Stream, make_runtime

SETTLE_SECONDS = 10
STALLED = 8 << 20  # more than the buffers of the system take
GARBAGE_HEAPS = 60


class Census:
    """What there is of live handles, descriptors and event loops, to come back to."""

    def __init__(self, library):
        self.library = library
        self.before = self._count()

    def _count(self):
        return (self.library.live_handles(), self._entries("fd", os.readlink),
                sorted(filter(None, self._entries("task", self._thread_name).values())))

    @staticmethod
    def _entries(directory, read):
        found = {}
        for name in os.listdir(f"/proc/self/{directory}"):
            with contextlib.suppress(OSError):  # gone: the listing's own, a thread that ended
                found[name] = read(f"/proc/self/{directory}/{name}")
        return found

    @staticmethod
    def _thread_name(path):
        with open(f"{path}/comm") as file:
            name = file.read().strip()
        # Resolvers are the process's, and stay for the next name.
        return "" if name == "sally-resolve" else name

    def settle(self, what=lambda count: count):
        """The last release never waits, so what the event loops still hold goes a moment later."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while what(now := self._count()) != what(self.before):
            assert time.monotonic() < deadline, f"left: {now}\nbefore: {self.before}"
            select.select([], [], [], 0.001)
        return "none"

    def settle_handles_and_sockets(self):
        """Where event loops were made that stay."""
        self.settle(lambda count: (count[0], sum("socket" in to for to in count[1].values())))


class Scene:
    """A connected pair, a client in the midst of connecting, something pending on everything."""

    def __init__(self, library, material, deaf_port, own_runtime, stalled=False, lending=True):
        self.steps = []
        self.queue = Queue(library)
        self.loop = Loop(self.queue)
        self.runtime = make_runtime(library, 1) if own_runtime else None
        self.configs = [material.config(role) for role in (ROLE_SERVER, ROLE_CLIENT)]
        self.listener = Listener(self.queue, self.configs[0], self.runtime)
        self.client, self.connecting = [
            Stream.to(self.queue, port, self.configs[1], self.runtime)
            for port in (self.listener.port, deaf_port)]
        self.server = None
        self.loop.run([self._establish()])
        self.pending = {
            "connect": self.connecting.connect(),
            "client waits": self.client.wait(READ, cancelable=True),
            "accept": self.listener.accept(cancelable=True),
            "refusal": self.listener.next_refusal(cancelable=True),
        }
        if lending:
            self.pending["client reads"] = self.client.read_some(100, cancelable=True)
        if stalled:
            self.pending["client writes"] = self.client.write(bytes(STALLED), cancelable=True)
        else:
            self.pending["server waits"] = self.server.wait(READ, cancelable=True)
        if lending and not stalled:
            self.pending["server reads"] = self.server.read_exactly(100, cancelable=True)
        self.lent = [pending.lent for pending in self.queue.pending.values()]

    def _establish(self):
        accepting = self.listener.accept()
        assert (yield self.client.connect()).status == OK
        assert (yield accepting).status == OK
        self.server = Stream(self.queue, accepting.accepted)


class Teardown:
    PARTS = ("queue", "client", "server", "listener", "configs", "operations")

    def __init__(self, library, material, seed):
        self.library, self.material = library, material
        self.random = random.Random(seed)
        self.seen = collections.Counter()
        self.slowest = 0.0
        self.deaf = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.deaf.setblocking(False)
        self.warm_up()

    def warm_up(self):
        """The shared runtime stays for the life of the process."""
        census = Census(self.library)
        self.let_go(self.scene(own_runtime=False), self.PARTS)
        self.hear_the_deaf()
        census.settle_handles_and_sockets()

    def scene(self, **how):
        scene = Scene(self.library, self.material, self.deaf.getsockname()[1], **how)
        return scene

    def hear_the_deaf(self):
        """Empties the backlog of connections that never got an answer."""
        while True:
            try:
                self.deaf.accept()[0].close()
            except BlockingIOError:
                return

    def every_order(self):
        orders = 0
        for order in itertools.permutations(self.PARTS):
            census = Census(self.library)
            scene = self.scene(own_runtime=orders % 2 == 0, stalled=orders % 16 == 0)
            try:
                self.let_go(scene, order)
                self.check(scene)
                self.hear_the_deaf()
                census.settle()
            except (AssertionError, Failure) as error:
                raise AssertionError(f"{scene.steps}: {error}") from error
            # Only now: a queue that was released tells nobody when a buffer is free again.
            scene.lent.clear()
            orders += 1
        return orders

    def let_go(self, scene, order):
        for part in order:
            ways = [name for name in dir(self) if name.startswith(f"{part}_")]
            way = self.random.choice(ways)
            began = time.monotonic()
            scene.steps.append(way)
            getattr(self, way)(scene)
            if way != "queue_is_drained":
                self.slowest = max(self.slowest, time.monotonic() - began)
            if scene.queue.pointer and self.random.random() < 0.3:
                scene.queue.take()

    def queue_is_released(self, scene):
        scene.loop.close()
        scene.queue.release()

    def queue_is_closed(self, scene):
        scene.queue.close()
        scene.queue.close()
        self.refuses_more(scene)
        self.queue_is_released(scene)

    def queue_is_drained(self, scene):
        untouched = scene.client.pointer and scene.server.pointer and scene.listener.pointer
        scene.queue.close()
        self.refuses_more(scene)
        scene.loop.drain()
        assert not scene.queue.pending, "an event for every operation"
        assert scene.queue.started == scene.queue.delivered
        assert scene.queue.take() is None, "closed for good"
        if untouched:
            for name, pending in scene.pending.items():
                assert pending.status == CANCELED, f"{name}: {pending.text}"
        self.queue_is_released(scene)

    @staticmethod
    def refuses_more(scene):
        if not scene.listener.pointer:
            return
        try:
            scene.listener.accept()
        except Failure as failure:
            assert failure.status == CLOSED
        else:
            raise AssertionError("an operation started on a closed queue")

    @staticmethod
    def client_is_released(scene):
        scene.client.release()
        scene.connecting.release()

    def client_is_closed(self, scene):
        scene.client.close_now()
        assert scene.connecting.close_now() == OK
        self.client_is_released(scene)

    def client_is_cancelled(self, scene):
        scene.client.cancel(READ | WRITE)
        scene.connecting.cancel(READ | WRITE)
        self.client_is_released(scene)

    @staticmethod
    def server_is_released(scene):
        scene.server.release()

    def server_is_closed(self, scene):
        scene.server.close_now()
        self.server_is_released(scene)

    def server_is_left_closing(self, scene):
        try:
            scene.server.close()
        except Failure as failure:
            assert failure.status in (CLOSED, INVALID_ARGUMENT), failure  # the queue has gone
        self.server_is_released(scene)

    @staticmethod
    def listener_is_released(scene):
        scene.listener.release()

    def listener_is_closed(self, scene):
        scene.listener.close()
        self.listener_is_released(scene)

    @staticmethod
    def configs_are_released(scene):
        for config in scene.configs:
            config.release()
        if scene.runtime:
            scene.runtime.release()

    @staticmethod
    def operations_are_released(scene):
        for pending in scene.pending.values():
            if pending.operation:
                pending.operation.release()

    def operations_are_cancelled(self, scene):
        for pending in scene.pending.values():
            if pending.operation:
                pending.cancel()
                pending.cancel()
        self.operations_are_released(scene)

    def check(self, scene):
        """How everything ended that was told before the queue had gone."""
        allowed = {CANCELED, CLOSED, END_OF_STREAM}
        if "client writes" in scene.pending:
            allowed |= {TRUNCATED, CONNECTION_RESET, CONNECTION_ABORTED}
        for name, pending in scene.pending.items():
            if not pending.delivered:
                continue
            self.seen[self.library.status_name(pending.status).decode()] += 1
            waited = name.endswith("waits") and pending.status == OK
            assert waited or pending.status in allowed, f"{name}: {pending.text}"

    def by_garbage_collector(self):
        """In whatever order the collector finds them; nothing may be lent then."""
        for number in range(GARBAGE_HEAPS):
            census = Census(self.library)
            scene = self.scene(own_runtime=number % 2 == 0, lending=False)
            scene.loop.close()
            scene.itself = scene
            del scene
            gc.collect()
            self.hear_the_deaf()
            census.settle()
        return GARBAGE_HEAPS

    def endings(self):
        self.deaf.close()
        return dict(self.seen) | {"slowest step, ms": round(self.slowest * 1000, 1)}
