"""Servers that several tests share."""

import collections

MOST_PROCESSES = 8


class Pool:
    """Servers shared by all tests that want the same one; the longest unused make room."""

    def __init__(self, start):
        self._start = start
        self._running = collections.OrderedDict()

    def __call__(self, *words, **options):
        key = (words, tuple(sorted(options.items())))
        server = self._running.pop(key, None)
        if server and not server.running():
            server.stop()
            server = None
        while not server and len(self._running) >= MOST_PROCESSES:
            self._running.popitem(last=False)[1].stop()
        server = server or self._start(*words, **options)
        self._running[key] = server
        return server.meet()

    def stop(self):
        for server in self._running.values():
            server.stop()
