"""Outside peers in this process: Python's own ssl, on blocking sockets with time limits."""

import contextlib
import dataclasses
import os
import queue
import socket
import ssl
import struct
import threading
import warnings

from . import alerts, process

VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
SLICE = 16_000


def client_context(version=None, *, ca=None, names=True, **given):
    context = _context(ssl.PROTOCOL_TLS_CLIENT, version, **given)
    context.check_hostname = bool(ca) and names
    context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if ca:
        context.load_verify_locations(ca)
    return context


def server_context(version=None, *, ca=None, client_auth="none", **given):
    context = _context(ssl.PROTOCOL_TLS_SERVER, version, **given)
    modes = {"none": ssl.CERT_NONE, "request": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}
    context.verify_mode = modes[client_auth]
    if ca:
        context.load_verify_locations(ca)
    return context


def _context(
    protocol, version, *, cert=None, key=None, weak=False, alpn=None, suites=None, curve=None
):
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.options |= ssl.OP_NO_TICKET
    # Weak keys, SHA-1 and TLS 1.1 are there to be refused by the other side.
    context.set_ciphers(suites or ("DEFAULT:@SECLEVEL=0" if weak else "DEFAULT:@SECLEVEL=2"))
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = VERSIONS[version]
    if cert:
        context.load_cert_chain(cert, key)
    if alpn:
        context.set_alpn_protocols([alpn])
    if curve:
        context.set_ecdh_curve(curve)
    return context


def how_it_ended(error):
    """An alert's name where the other side sent one; else OpenSSL's reason or the system's."""
    if isinstance(error, ssl.SSLEOFError):
        return "eof"
    if isinstance(error, ssl.SSLError):
        return alerts.from_reason(error.reason) or error.reason
    return type(error).__name__


@dataclasses.dataclass
class Outcome:
    """What an outside peer saw. `end`: "close_notify", an alert's name, "eof", or a reason."""

    version: str | None = None
    alpn: str | None = None
    sni: str | None = None
    peer: str | None = None
    received: bytes = b""
    end: str | None = None


def common_name(certificate):
    for attributes in (certificate or {}).get("subject", ()):
        for name, value in attributes:
            if name == "commonName":
                return value
    return None


def note_connection(outcome, tls):
    outcome.version = tls.version()
    outcome.alpn = tls.selected_alpn_protocol()
    outcome.peer = common_name(tls.getpeercert())


def echo(tls, outcome):
    """Sends back what comes, until the client says goodbye; says goodbye too."""
    received = bytearray()
    try:
        while data := tls.recv(SLICE):
            received += data
            tls.sendall(data)
    finally:
        outcome.received = bytes(received)
    outcome.end = "close_notify"
    tls.unwrap()


class Server:
    """A thread that accepts one client after the other and keeps what became of each."""

    def __init__(self, context, serve=echo, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._listener.settimeout(process.LIMIT)
        self._context, self._serve = context, serve
        self._outcomes = queue.Queue()
        self._names = queue.SimpleQueue()
        if context:
            context.sni_callback = lambda _, name, __: self._names.put(name)
        self.host, self.port = host, self._listener.getsockname()[1]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                with accepted:
                    self._outcomes.put(self._meet(accepted))

    def _meet(self, accepted):
        outcome = Outcome()
        accepted.settimeout(process.LIMIT)
        try:
            if not self._context:
                self._serve(accepted, outcome)
                return outcome
            with self._context.wrap_socket(
                accepted, server_side=True, suppress_ragged_eofs=False
            ) as tls:
                note_connection(outcome, tls)
                self._serve(tls, outcome)
        except OSError as error:
            outcome.end = how_it_ended(error)
        with contextlib.suppress(queue.Empty):
            outcome.sni = self._names.get_nowait()
        return outcome

    def outcome(self):
        return self._outcomes.get(timeout=process.LIMIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Closing alone does not wake a thread that is waiting in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(process.LIMIT)


@contextlib.contextmanager
def tcp(server):
    """A plain connection to a server (anything with `host` and `port`)."""
    with socket.create_connection((server.host, server.port), process.LIMIT) as plain:
        yield plain


def address_of(plain):
    host, port = plain.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def tls(server, context, name="localhost"):
    """A TLS connection to a server. `address` is what the server knows the client by."""
    with tcp(server) as plain:
        address = address_of(plain)
        with context.wrap_socket(
            plain, server_hostname=name, suppress_ragged_eofs=False
        ) as wrapped:
            yield wrapped, address


def send_past(tls_socket, data):
    """Sends bytes as they are, past the TLS layer."""
    with socket.socket(fileno=os.dup(tls_socket.fileno())) as plain:
        plain.sendall(data)


def reset_on_close(any_socket):
    """Makes closing send a reset instead of an end."""
    any_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def exchange(tls_socket, data):
    """Sends data slice by slice, so that no buffer fills up, and returns what comes back."""
    received = bytearray()
    for start in range(0, len(data), SLICE):
        part = data[start : start + SLICE]
        tls_socket.sendall(part)
        wanted = len(received) + len(part)
        while len(received) < wanted:
            more = tls_socket.recv(wanted - len(received))
            if not more:
                return bytes(received)
            received += more
    return bytes(received)


def attempt(server, context, name="localhost", data=b"hello\n"):
    """A whole visit: connect, exchange, say goodbye. From which address, and what was seen."""
    outcome = Outcome()
    with tcp(server) as plain:
        address = address_of(plain)
        try:
            with context.wrap_socket(
                plain, server_hostname=name, suppress_ragged_eofs=False
            ) as wrapped:
                note_connection(outcome, wrapped)
                outcome.received = exchange(wrapped, data)
                wrapped.unwrap()
                outcome.end = "close_notify"
        except OSError as error:
            outcome.end = how_it_ended(error)
    return address, outcome
