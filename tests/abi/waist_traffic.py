"""What many streams do at once through one queue, with lent buffers and by readiness."""

import ctypes
import random
import struct

from waist import BUSY, CANCELED, END_OF_STREAM, OK, READ, ROLE_CLIENT, ROLE_SERVER, WRITE
from waist import Failure
from waist_sockets import Listener, Stream, make_runtime

LENGTH = struct.Struct(">I")
SENTINEL = 0xA5
STALLED = 8 << 20  # more than the buffers of the system take
STALLED_STREAMS = 4


def expect(pending, status=OK):
    assert pending.status == status, f"{pending.status} {pending.text}"
    return pending


class Traffic:
    """A listener, and pairs of streams that live through all the phases together."""

    def __init__(self, loop, material, seed):
        self.loop, self.queue = loop, loop.queue
        self.random = random.Random(seed)
        self.noise = self.random.randbytes(1 << 16)
        self.runtime = make_runtime(material.library, 2)
        self.configs = [material.config(ROLE_SERVER), material.config(ROLE_CLIENT)]
        self.listener = Listener(self.queue, self.configs[0], self.runtime)
        self.clients, self.servers, self.returned = [], [], []

    def message(self):
        size = self.random.choice((1, 100, 1000, 5000, 20000))
        start = self.random.randrange(len(self.noise) - size)
        return self.noise[start:start + size]

    def each(self, client, server):
        """Lets every client do the one, and every server the other."""
        before = self.queue.delivered
        self.loop.run([server(stream) for stream in self.servers] +
                      [client(stream) for stream in self.clients])
        assert not self.queue.pending, "every operation was waited for"
        return self.queue.delivered - before

    # Connecting and accepting.

    def establish(self, count):
        before = self.queue.delivered
        self.loop.run([task for _ in range(count) for task in (self._accept(), self._connect())])
        assert len(self.clients) == len(self.servers) == count
        for stream in self.clients + self.servers:
            assert stream.peer_verified(), "mutual TLS"
        return self.queue.delivered - before

    def _connect(self):
        stream = Stream.to(self.queue, self.listener.port, self.configs[1], self.runtime)
        expect((yield stream.connect()))
        self.clients.append(stream)

    def _accept(self):
        accepted = expect((yield self.listener.accept()))
        self.servers.append(Stream(self.queue, accepted.accepted))

    # An echo whose buffers are lent until delivery.

    def echo_lent(self):
        return self.each(self._ask_lent, self._answer_lent)

    def _ask_lent(self, stream):
        message = self.message()
        answer = stream.read_exactly(len(message))
        sent = expect((yield stream.write(LENGTH.pack(len(message)) + message)))
        assert sent.size == LENGTH.size + len(message)
        assert expect((yield answer)).lent.raw == message

    def _answer_lent(self, stream):
        head = expect((yield stream.read_exactly(LENGTH.size)))
        left = LENGTH.unpack(head.lent.raw)[0]
        while left > 0:
            part = expect((yield stream.read_some(left)))
            assert 0 < part.size <= left
            left -= part.size
            expect((yield stream.write(part.lent.raw[:part.size])))

    # The same by readiness: nothing is lent.

    def echo_ready(self):
        return self.each(self._ask_ready, self._answer_ready)

    def _ask_ready(self, stream):
        message = self.message()
        yield from self._send(stream, LENGTH.pack(len(message)) + message)
        assert (yield from self._receive(stream, len(message))) == message

    def _answer_ready(self, stream):
        size = LENGTH.unpack((yield from self._receive(stream, LENGTH.size)))[0]
        yield from self._send(stream, (yield from self._receive(stream, size)))

    def _send(self, stream, data):
        while data:
            data = data[stream.try_write(data):]
            if data:
                assert expect((yield stream.wait(WRITE))).size == WRITE

    def _receive(self, stream, size):
        data = b""
        while len(data) < size:
            part = stream.try_read(size - len(data))
            if part is None:
                assert expect((yield stream.wait(READ))).size == READ
            else:
                data += part
        return data

    # Cancelling: each completes once, the stream stays usable, the buffer is its owner's again.

    def cancel_all(self):
        return self.each(self._cancel, self._cancel)

    def _cancel(self, stream):
        one_by_one = [stream.read_some(64, cancelable=True), stream.wait(READ, cancelable=True)]
        try:
            stream.read_some(1)
            raise AssertionError("a second read at the same time")
        except Failure as failure:
            assert failure.status == BUSY
        for pending in one_by_one:
            pending.cancel()
        for pending in one_by_one:
            expect((yield pending), CANCELED)
            pending.cancel()  # does nothing any more
        by_direction = [stream.read_exactly(64), stream.wait(READ)]
        stream.cancel(READ)
        for pending in by_direction:
            expect((yield pending), CANCELED)
        for pending in (one_by_one[0], by_direction[0]):
            pending.lent.raw = bytes([SENTINEL]) * 64
            self.returned.append(pending.lent)

    def check_returned(self):
        """What was given back after cancelling was not touched by what came later."""
        for buffer in self.returned:
            assert buffer.raw == bytes([SENTINEL]) * 64
        count = len(self.returned)
        self.returned.clear()
        return count

    def cancel_writes(self):
        """A cancelled write says what was taken; that arrives, whatever the buffer holds now."""
        before = self.queue.delivered
        self.loop.run([self._stall_one_by_one()])
        return self.queue.delivered - before

    def _stall_one_by_one(self):
        for _ in range(STALLED_STREAMS):
            accepting = self.listener.accept()
            client = Stream.to(self.queue, self.listener.port, self.configs[1], self.runtime)
            expect((yield client.connect()))
            server = Stream(self.queue, expect((yield accepting)).accepted)
            buffer = ctypes.create_string_buffer(self.noise * (STALLED >> 16), STALLED)
            was = buffer.raw
            write = client.write(buffer, cancelable=True)
            expect((yield server.wait(READ)))
            write.cancel()
            expect((yield write), CANCELED)
            assert 0 < write.size < STALLED
            ctypes.memset(buffer, 0, STALLED)
            received = expect((yield server.read_exactly(write.size)))
            assert received.lent.raw == was[:write.size], "what was taken arrives as it was"

    # Readiness of all of them at once, twice, so that when the second is told the first waits too.

    def wait_for_all(self, other):
        streams = self.clients + self.servers
        for stream in streams:
            stream.wait(WRITE)
        told = [other.queue.start("stream_wait_async", stream.pointer, WRITE) for stream in streams]

        def take_all():
            for pending in told:
                yield pending

        other.run([take_all()])
        assert len(self.queue.pending) == len(streams)
        batch = self.queue.take()
        assert len(batch) == len(streams), f"{len(batch)} events, more wait"
        assert not self.queue.pending and not self.queue.take()
        return len(batch)

    # A queue that is closed ends what is to complete there, and nothing else.

    def close_queue(self, other):
        streams = self.clients + self.servers
        started = []
        for stream in streams:
            stream.queue = other.queue
            started += [stream.read_some(64), stream.wait(READ)]
            stream.queue = self.queue
        other.queue.close()
        other.drain()
        for pending in started:
            expect(pending, CANCELED)
        assert not other.queue.pending
        return len(started)

    # Closing, in three manners; the peer sees a proper end in each.

    def close_all(self):
        before = self.queue.delivered
        ways = (self._close_both, self._close_halves, self._let_go)
        self.loop.run([ways[index % 3](stream) for index, stream in enumerate(self.clients)] +
                      [self._meet_the_end(stream) for stream in self.servers])
        self.listener.close()
        return self.queue.delivered - before

    def _close_both(self, stream):
        expect((yield stream.close()))
        expect((yield stream.close()))

    def _close_halves(self, stream):
        expect((yield stream.shutdown()))
        expect((yield stream.read_some(1)), END_OF_STREAM)
        expect((yield stream.close()))

    def _let_go(self, stream):
        stream.release()
        return
        yield

    def _meet_the_end(self, stream):
        expect((yield stream.read_some(1)), END_OF_STREAM)
        expect((yield stream.close()))

    def release(self):
        for handle in (*self.clients, *self.servers, self.listener, *self.configs, self.runtime):
            if handle.pointer:
                handle.release()
        self.clients.clear()
        self.servers.clear()
