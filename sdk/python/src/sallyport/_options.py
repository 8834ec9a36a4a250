"""What streams and listeners are made with, for C."""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from sallyport._raw import NULL, encode, ffi, milliseconds
from sallyport._runtime import Runtime
from sallyport._tls import TlsConfig


@dataclass(frozen=True)
class Limits:
    """What a listener lets its clients do; 0 and None stand for the defaults."""

    handshake_timeout: Optional[float] = None
    """Seconds for a whole handshake, from the accept on; 10 unless set."""
    max_pending_handshakes: int = 0
    """Further clients wait in the system's backlog; 4096 unless set."""
    max_unaccepted: int = 0
    """Established streams that nobody has accepted yet; 128 unless set."""
    backlog: int = 0
    """Of listen()."""
    max_refusals: int = 0
    """How many are kept to be asked for; 64 unless set."""
    max_connections: int = 0
    """From accept to close; without a limit unless set."""
    max_connections_per_source: int = 0
    """Of these, from one IPv4 address or one /64 of IPv6."""
    high_watermark: int = 0
    """How many bytes wait to be sent on a stream before writing waits; 64 KiB unless set."""
    low_watermark: int = 0
    """How few of them must be left before it goes on; a quarter of that unless set."""

    def _members(self) -> Dict[str, int]:
        members = dict(self.__dict__)
        members["handshake_timeout_ms"] = milliseconds(members.pop("handshake_timeout"))
        return members


def stream_options(host: str, port: Any, tls: Optional[TlsConfig], verify_name: Optional[str], flags: int,
                   decisions: Any, runtime: Optional[Runtime], watermarks: Tuple[int, int]) -> Any:
    """The options, and what they point to."""
    held = [ffi.new("char[]", encode(host)), ffi.new("char[]", encode(str(port))),
            NULL if verify_name is None else ffi.new("char[]", encode(verify_name)), decisions]
    options = ffi.new("sally_stream_options *", {
        "struct_size": ffi.sizeof("sally_stream_options"), "flags": flags, "host": held[0], "service": held[1],
        "verify_name": held[2], "tls": _handle(tls), "decisions": decisions, "runtime": _handle(runtime),
        "high_watermark": watermarks[0], "low_watermark": watermarks[1]})
    return options, held


def stream_flags(plain: bool, confirmed: bool, low_latency: bool) -> int:
    return (2 if plain else 0) | (4 if confirmed else 0) | (1 if low_latency else 0)


def listener_options(host: Optional[str], port: Any, tls: Optional[TlsConfig], flags: int, decisions: Any,
                     runtime: Optional[Runtime], limits: Optional[Limits]) -> Any:
    held = [NULL if host is None else ffi.new("char[]", encode(host)), ffi.new("char[]", encode(str(port))), decisions]
    options = ffi.new("sally_listener_options *", {
        "struct_size": ffi.sizeof("sally_listener_options"), "flags": flags, "host": held[0], "service": held[1],
        "tls": _handle(tls), "decisions": decisions, "runtime": _handle(runtime), **(limits or Limits())._members()})
    return options, held


def _handle(of: Any) -> Any:
    return NULL if of is None else of._handle
