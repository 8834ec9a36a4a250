"""Who is compared."""

import dataclasses
import pathlib
import shutil
import sys

from processes import Missing, TOP

HERE = TOP / "tests/bench"


@dataclasses.dataclass
class Contender:
    name: str
    what: str
    program: str  # built by CMake, or a path
    options: tuple = ()
    kind: str = "tls"
    main: bool = False  # measured in every round
    interpreter: tuple = ()
    build: pathlib.Path = None  # where CMake put its programs

    def command(self):
        if self.interpreter and shutil.which(self.interpreter[0]) is None:
            raise Missing(f"no {self.interpreter[0]} here")
        program = pathlib.Path(self.program)
        if not program.is_absolute():
            program = self.build / self.program
        if not program.exists():
            raise Missing("not built: its library or compiler is not installed")
        return [*self.interpreter, str(program)]


def contenders(build):
    programs = [
        Contender("sally-functions", "Sallyport, C ABI, functions called by its loop", "bench_sally_functions", main=True),
        Contender("sally-queue", "Sallyport, C ABI, a queue, one thread", "bench_sally_queue", main=True),
        Contender("sally-coroutines", "Sallyport, C++20 coroutines", "bench_sally_coroutines", main=True),
        Contender("sally-inside", "Sallyport without its C ABI", "bench_sally_inside", main=True),
        Contender("raw", "OpenSSL on epoll, tuned", "bench_raw_openssl", main=True),
        Contender("raw-defaults", "OpenSSL on epoll, its defaults", "bench_raw_openssl", ("--mode", "defaults"), main=True),
        Contender("asio", "asio::ssl::stream", "bench_asio_ssl", main=True),
        Contender("raw-packed", "OpenSSL on epoll, tuned, packing echoes", "bench_raw_openssl", ("--mode", "packed")),
        Contender("sally-queue-threads", "Sallyport, C ABI, a queue, its loop in another thread", "bench_sally_queue", ("--mode", "threads")),
        Contender("gnutls", "GnuTLS on epoll", "bench_gnutls"),
        Contender("wolfssl", "wolfSSL on epoll", "bench_wolfssl"),
        Contender("libtls", "LibreTLS' libtls on epoll", "bench_libtls"),
        Contender("node", "Node's tls", str(HERE / "servers/node/server.js"), interpreter=("node",)),
        Contender("go", "Go's crypto/tls", "bench_go"),
        Contender("rustls", "tokio-rustls", "bench_rustls"),
        Contender("tcp", "no TLS: the floor", "bench_plain_tcp", kind="plain"),
    ]
    return _built(programs, build)


# The Python that tests/run installs our binding into.
OURS = str(TOP / "build/python/bin/python")


def client_contenders(build):
    python = str(HERE / "clients/python_client.py")
    programs = [
        Contender("sally-functions", "Sallyport, C ABI, functions called by its loop", "bench_client_sally_functions", main=True),
        Contender("sally-queue", "Sallyport, C ABI, a queue, one thread", "bench_client_sally_queue", main=True),
        Contender("sally-coroutines", "Sallyport, C++20 coroutines", "bench_client_sally_coroutines", main=True),
        Contender("raw", "OpenSSL on epoll, tuned", "bench_client_raw_openssl", main=True),
        Contender("asio", "asio::ssl::stream", "bench_client_asio_ssl", main=True),
        Contender("raw-packed", "OpenSSL on epoll, tuned, packing bursts", "bench_client_raw_openssl", ("--mode", "packed")),
        Contender("gnutls", "GnuTLS on epoll", "bench_client_gnutls"),
        Contender("node", "Node's tls", str(HERE / "clients/node/client.js"), interpreter=("node",)),
        Contender("go", "Go's crypto/tls", "bench_client_go"),
        Contender("sally-go", "Sallyport's binding for Go", "bench_client_sally_go"),
        Contender("python", "Python's ssl, asyncio", python, interpreter=(sys.executable,)),
        Contender("sally-python", "Sallyport's binding for Python, asyncio", python, ("--mode", "sallyport"), interpreter=(OURS,)),
        Contender("tcp", "no TLS: the floor", "bench_client_plain_tcp", ("--mode", "packed"), kind="plain"),
    ]
    return _built(programs, build)


def _built(programs, build):
    for program in programs:
        program.build = build / "bench"
    return programs
