"""The codes of systems, of OpenSSL, TLS and Windows as a `Status`, and back."""

import enum
from typing import Optional, Union

from sallyport._raw import encode, ffi, lib
from sallyport._status_codes import (ChainValidationResult, SocketErrorStatus, SocketSslErrorSeverity, Status,
                                     WebErrorStatus)
from sallyport.errors import status_of

__all__ = ["Domain", "Layer", "name", "message", "hint", "layer", "from_native", "to_native", "native_name",
           "to_native_name", "to_socket_error_status", "to_chain_validation_result", "to_socket_ssl_error_severity",
           "to_web_error_status", "from_windows", "windows_name", "SocketErrorStatus", "SocketSslErrorSeverity",
           "ChainValidationResult", "WebErrorStatus"]

Windows = Union[SocketErrorStatus, SocketSslErrorSeverity, ChainValidationResult, WebErrorStatus]


class Domain(enum.IntEnum):
    """Whose numbers a native code is counted in."""

    NONE = 0
    ERRNO = 1
    GETADDRINFO = 2
    WINSOCK = 3
    HRESULT = 4
    OPENSSL = 5
    X509 = 6
    ALERT = 7


class Layer(enum.IntEnum):
    """Where a status arises."""

    GENERAL = 0
    TRANSPORT = 1
    TLS = 2
    CERTIFICATE = 3
    CREDENTIAL = 4


def _maybe(pointer: object) -> Optional[str]:
    return None if pointer == ffi.NULL else str(ffi.string(pointer).decode())


def name(status: int) -> Optional[str]:
    """ "SALLY_TRUNCATED"; None for a number that is not in the table. """
    return _maybe(lib.sally_status_name(status))


def message(status: int) -> Optional[str]:
    """What it means, in one line."""
    return _maybe(lib.sally_status_message(status))


def hint(status: int) -> Optional[str]:
    """How to mend it; "" where there is nothing general to say."""
    return _maybe(lib.sally_status_hint(status))


def layer(status: int) -> Optional[Layer]:
    """Where it arises."""
    found = lib.sally_status_layer(status)
    return None if found < 0 else Layer(found)


def from_native(domain: Domain, code: Union[int, str]) -> Status:
    """A code as number or name: 111 or "ECONNREFUSED". UNKNOWN: the table has no row for it."""
    if isinstance(code, str):
        return status_of(lib.sally_status_from_native_name(int(domain), encode(code)))
    return status_of(lib.sally_status_from_native(int(domain), code))


def to_native(status: int, domain: Domain) -> Optional[int]:
    """The number in that domain that stands for the status."""
    code = ffi.new("int64_t *")
    return int(code[0]) if lib.sally_status_to_native(status, int(domain), code) else None


def native_name(domain: Domain, code: int) -> Optional[str]:
    """The name of a number: "unknown_ca" for 48 of Domain.ALERT."""
    return _maybe(lib.sally_native_name(int(domain), code))


def to_native_name(status: int, domain: Domain) -> Optional[str]:
    """The name in that domain that stands for the status."""
    return _maybe(lib.sally_status_to_native_name(status, int(domain)))


def to_socket_error_status(status: int) -> SocketErrorStatus:
    """What a program for Windows would have seen of its socket."""
    return SocketErrorStatus(lib.sally_status_to_socket_error_status(status))


def to_chain_validation_result(status: int) -> Optional[ChainValidationResult]:
    """What it would have seen of the chain; None: the status says nothing about one."""
    found = lib.sally_status_to_chain_validation_result(status)
    return None if found < 0 else ChainValidationResult(found)


def to_socket_ssl_error_severity(status: int) -> SocketSslErrorSeverity:
    """Whether it could have ignored it."""
    return SocketSslErrorSeverity(lib.sally_status_to_socket_ssl_error_severity(status))


def to_web_error_status(status: int) -> WebErrorStatus:
    return WebErrorStatus(lib.sally_status_to_web_error_status(status))


def from_windows(value: Union[SocketErrorStatus, ChainValidationResult, WebErrorStatus]) -> Status:
    """The nearest status. UNKNOWN: there is none."""
    if isinstance(value, SocketErrorStatus):
        return status_of(lib.sally_status_from_socket_error_status(int(value)))
    if isinstance(value, ChainValidationResult):
        return status_of(lib.sally_status_from_chain_validation_result(int(value)))
    return status_of(lib.sally_status_from_web_error_status(int(value)))


def windows_name(value: Windows) -> Optional[str]:
    """As Windows writes it: "CertificateExpired"."""
    if isinstance(value, SocketErrorStatus):
        return _maybe(lib.sally_socket_error_status_name(int(value)))
    if isinstance(value, SocketSslErrorSeverity):
        return _maybe(lib.sally_socket_ssl_error_severity_name(int(value)))
    if isinstance(value, ChainValidationResult):
        return _maybe(lib.sally_chain_validation_result_name(int(value)))
    return _maybe(lib.sally_web_error_status_name(int(value)))
