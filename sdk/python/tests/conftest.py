"""The certificates of the zoo, pairs of streams, and a census of what is alive."""

import asyncio
import gc
import os
import pathlib
import select
import threading
import time

import pytest

import sallyport
from sallyport import ClientAuth, Credential, TlsConfig, TrustStore

TOP = pathlib.Path(__file__).resolve().parents[3]
ZOO = pathlib.Path(os.environ.get("SALLYPORT_ZOO_DIR", TOP / "build/certs/zoo"))
SECONDS = 60


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="more of what takes long")


class Material:
    zoo = ZOO

    def credential(self, name):
        return Credential.load(ZOO / f"{name}.pem", ZOO / f"{name}.key")

    def trust(self):
        return TrustStore.load(ZOO / "ca-root.pem")

    def client(self, name="client-good", **options):
        credential = self.credential(name) if name else None
        return TlsConfig.client(trust=self.trust(), credential=credential, **options)

    def server(self, name="server-good", **options):
        options = {"client_auth": ClientAuth.REQUIRE, **options}
        return TlsConfig.server(trust=self.trust(), credential=self.credential(name), **options)


@pytest.fixture
def material():
    return Material()


@pytest.fixture
def run():
    """Runs a coroutine, with an end."""
    return lambda coroutine: asyncio.run(asyncio.wait_for(coroutine, SECONDS))


@pytest.fixture
def beside():
    """Runs a function on a thread; its result, or what it raised, is asked for."""
    threads = []

    class Beside(threading.Thread):
        def __init__(self, function, *arguments):
            super().__init__(daemon=True)
            self._what, self._result, self._error = (function, arguments), None, None
            threads.append(self)
            self.start()

        def run(self):
            try:
                self._result = self._what[0](*self._what[1])
            except BaseException as error:
                self._error = error

        def result(self):
            self.join(SECONDS)
            assert not self.is_alive()
            if self._error:
                raise self._error
            return self._result

    yield Beside
    for thread in threads:
        thread.join(SECONDS)


class Census:
    KINDS = tuple(kind for kind in sallyport.live_handles() if kind != "runtime")

    def __init__(self):
        """What earlier tests are still letting go is not counted: it would hide what this one leaves."""
        gc.collect()
        self.before, unchanged = self._count(), 0
        deadline = time.monotonic() + 20
        while unchanged < 20 and time.monotonic() < deadline:
            select.select([], [], [], 0.002)
            now = self._count()
            self.before, unchanged = now, unchanged + 1 if now == self.before else 0

    def _count(self):
        alive = sallyport.live_handles()
        return {kind: alive[kind] for kind in self.KINDS}

    def settle(self, collect=True):
        """The last release never waits, so what event loops still hold goes a moment later."""
        deadline = time.monotonic() + 20
        if collect:
            gc.collect()
        while any((now := self._count())[kind] > self.before[kind] for kind in self.KINDS):
            assert time.monotonic() < deadline, f"left: {now}, before: {self.before}"
            select.select([], [], [], 0.002)


@pytest.fixture
def census():
    return Census()
