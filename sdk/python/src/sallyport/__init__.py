"""TLS sockets with client certificates, for asyncio, and for threads in `sallyport.sync`.

`connect` and `start_server` make streams; a `TlsConfig` says how they do TLS, with a `Credential` (who
this side is) and a `TrustStore` (whom it trusts). What goes wrong is a `sallyport.errors.Error`.

Everything happens on the thread of the caller, and in asyncio on that of the event loop: the library
has threads of its own, which never call into Python.
"""

from typing import Dict, Optional

from sallyport._aio import Stream, connect
from sallyport._certificate import Certificate, KeyUsage
from sallyport._changes import wait_change
from sallyport._decision import (ClientHelloQuestion, CredentialQuestion, Decision, PeerQuestion, SignatureQuestion)
from sallyport._info import ConnectAttempt, StreamInfo
from sallyport._options import Limits
from sallyport import _raw
from sallyport._raw import ffi as _ffi
from sallyport._raw import lib as _lib
from sallyport._runtime import Runtime
from sallyport._serve import Listener, Server, listen, start_server
from sallyport._sources import Credential, Source, TicketKeys, TrustStore
from sallyport._status_codes import Status
from sallyport._tls import (CaHints, ClientAuth, NameKind, Ocsp, Pin, Question, Revocation, Role, TlsConfig,
                            TrustChange, UnknownName, Version)
from sallyport._trace import Trace, TraceKind, TraceRecord
from sallyport._verify import Purpose, Verdict, verify
from sallyport.errors import Error
from sallyport import errors, sync, translator

__all__ = [
    "connect", "start_server", "listen", "Stream", "Server", "Listener", "TlsConfig", "Credential", "TrustStore",
    "TicketKeys", "Source", "Certificate", "StreamInfo", "Decision", "CredentialQuestion", "PeerQuestion",
    "ClientHelloQuestion", "SignatureQuestion", "Error", "Status", "ClientAuth", "Question", "Version", "NameKind",
    "Ocsp", "Pin", "Revocation", "TrustChange", "CaHints", "UnknownName", "Role", "KeyUsage", "ConnectAttempt",
    "Limits", "Runtime", "Trace", "TraceKind", "TraceRecord", "verify", "Verdict", "Purpose", "wait_change", "errors",
    "sync", "translator", "load_provider", "live_handles", "version", "tls_backend",
]

_KINDS = ("error", "bytes", "credential", "trust_store", "tls_config", "certificate", "stream", "stream_info",
          "listener", "runtime", "queue", "operation", "verdict", "ticket_keys", "decision", "trace", "trace_record")


def live_handles() -> Dict[str, int]:
    """How many objects of the library there are, by kind: for tests that nothing leaks."""
    return {name: int(_lib.sally_library_live_handles(kind)) for kind, name in enumerate(_KINDS)}


def version() -> str:
    """The version of the library."""
    return str(_ffi.string(_lib.sally_library_version()).decode())


def tls_backend() -> str:
    """Name and version of the TLS library in use."""
    return str(_ffi.string(_lib.sally_library_tls_backend()).decode())


def load_provider(name: str, configuration: Optional[_raw.Pathlike] = None) -> None:
    """Loads a provider of OpenSSL ("fips", "legacy") for configs to choose, for the life of the process."""
    path = _ffi.NULL if configuration is None else _raw.encode_path(configuration)
    _raw.call(_lib.sally_library_load_provider, _raw.encode(name), path)
