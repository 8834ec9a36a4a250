"""What goes wrong, as exceptions that explain themselves.

Everything that the library reports is an `Error`, and an `OSError` with it. Where Python has a word of
its own for it (TimeoutError, ConnectionResetError, FileNotFoundError, ...), it is that too.
"""

import json as _json
import socket
from typing import Any, Callable, Dict, Optional, Tuple, Type

from sallyport._status_codes import Status


class Error(OSError):
    """A failure, with the reason in full.

    `status` and `name` say what happened, `layer` where ("transport", "tls", "certificate", ...),
    `message` in words, and `hint` how to mend it. `details` is the whole report, `json` the same as
    text; what led to it is `__cause__`.
    """

    def __init__(self, code: int, report: str) -> None:
        details: Dict[str, Any] = _json.loads(report) or {}
        self.code: int = code
        self.status: Status = status_of(code)
        self.name: str = details.get("status", self.status.name)
        self.layer: str = details.get("layer", "general")
        self.message: str = details.get("message", self.name)
        self.hint: str = details.get("hint", "")
        self.details: Dict[str, Any] = details
        self.json: str = report
        self._explain: Optional[Callable[[], str]] = None
        super().__init__(f"{self.message} [{self.name}]")
        native = details.get("native", {})
        if native.get("domain") == ("getaddrinfo" if isinstance(self, socket.gaierror) else "errno"):
            self.errno = native.get("code")
        if self.hint:
            self.__notes__ = [f"hint: {self.hint}"]
        if details.get("cause"):
            cause = details["cause"]
            self.__cause__ = error_from(cause.get("code", 0), _json.dumps(cause))

    def __str__(self) -> str:
        return f"{self.message} [{self.name}]"

    def __reduce__(self) -> Tuple[Any, ...]:
        return error_from, (self.code, self.json)

    def report(self) -> str:
        """All there is to know, in several lines for a person."""
        if self._explain is not None:
            return self._explain()
        return "\n".join([str(self), *getattr(self, "__notes__", [])])  # of an error that was pickled

    @property
    def alert(self) -> Optional[str]:
        """The TLS alert that one side sent the other: "unknown_ca"."""
        name: Optional[str] = self.details.get("alert", {}).get("name")
        return name

    @property
    def correlation_id(self) -> Optional[str]:
        """The same on both sides of one connection."""
        found: Optional[str] = self.details.get("correlation_id")
        return found

    @property
    def phase(self) -> Optional[str]:
        """ "resolve", "connect", "handshake", "read", "write", "close" or "load". """
        found: Optional[str] = self.details.get("phase")
        return found


class InvalidArgument(Error, ValueError):
    """An argument is not valid."""


class InvalidState(Error, RuntimeError):
    """The object is not in a state that allows this."""


class Closed(Error):
    """This side has closed the object."""


class Canceled(Error):
    """The operation was cancelled by `cancel()`."""


class TimedOut(Error, TimeoutError):
    """The time was over."""


class WouldBlock(Error, BlockingIOError):
    """Nothing can be done without waiting."""


class Forked(Error, RuntimeError):
    """The object was inherited through fork(), and is the parent's."""


class AccessDenied(Error, PermissionError):
    """The system denies access."""


class FileMissing(Error, FileNotFoundError):
    """The file does not exist."""


class TransportError(Error, ConnectionError):
    """The connection under TLS, or making it, failed."""


class ResolveError(TransportError, socket.gaierror):
    """The name of a host or service could not be resolved."""


class Refused(TransportError, ConnectionRefusedError):
    """Nobody listens there."""


class Reset(TransportError, ConnectionResetError):
    """The peer broke the connection."""


class Aborted(TransportError, ConnectionAbortedError):
    """The connection was broken off on this side."""


class ConnectTimedOut(TransportError, TimeoutError):
    """The system gave the connection up."""


class TlsError(Error):
    """The TLS protocol failed."""


class EndOfStream(TlsError, EOFError):
    """The peer closed properly, and more was wanted."""


class Truncated(TlsError, ConnectionError, EOFError):
    """The connection ended without the peer's closing it: what came may have been cut by an attacker."""


class AlertReceived(TlsError, ConnectionError):
    """The peer refused; `alert` is what it said."""


class CertificateError(Error):
    """The peer's certificate was refused by this side."""


class CredentialError(Error):
    """A certificate, key or trust anchor of this side cannot be used."""


_BY_STATUS: Dict[Status, Type[Error]] = {
    Status.INVALID_ARGUMENT: InvalidArgument,
    Status.INVALID_STATE: InvalidState,
    Status.CLOSED: Closed,
    Status.CANCELED: Canceled,
    Status.TIMED_OUT: TimedOut,
    Status.WOULD_BLOCK: WouldBlock,
    Status.BUSY: InvalidState,
    Status.FORKED: Forked,
    Status.ACCESS_DENIED: AccessDenied,
    Status.FILE_NOT_FOUND: FileMissing,
    Status.HOST_NOT_FOUND: ResolveError,
    Status.HOST_HAS_NO_ADDRESS: ResolveError,
    Status.RESOLVER_TRY_AGAIN: ResolveError,
    Status.SERVICE_NOT_FOUND: ResolveError,
    Status.RESOLVER_FAILED: ResolveError,
    Status.NO_ADDRESSES_FOUND: ResolveError,
    Status.CONNECTION_REFUSED: Refused,
    Status.CONNECTION_RESET: Reset,
    Status.CONNECTION_ABORTED: Aborted,
    Status.CONNECTION_TIMED_OUT: ConnectTimedOut,
    Status.END_OF_STREAM: EndOfStream,
    Status.TRUNCATED: Truncated,
}
_BY_LAYER: Dict[str, Type[Error]] = {
    "transport": TransportError,
    "tls": TlsError,
    "certificate": CertificateError,
    "credential": CredentialError,
}


def status_of(code: int) -> Status:
    """The status of a number; UNKNOWN for one of a newer library."""
    try:
        return Status(code)
    except ValueError:
        return Status.UNKNOWN


def error_from(code: int, report: str) -> Error:
    """Makes the exception that a status stands for."""
    status = status_of(code)
    kind = _BY_STATUS.get(status)
    if kind is None and status.name.startswith("ALERT_"):
        kind = AlertReceived
    if kind is None:
        kind = _BY_LAYER.get((_json.loads(report) or {}).get("layer", ""), Error)
    return kind(code, report)
