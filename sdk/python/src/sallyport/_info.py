import datetime
import json
from typing import Any, Dict, List, NamedTuple, Optional

from sallyport import _raw
from sallyport._certificate import Certificate, borrowed
from sallyport._raw import NULL, lib, text, texts
from sallyport._status_codes import Status
from sallyport._tls import Version
from sallyport.errors import Error, status_of


class ConnectAttempt(NamedTuple):
    """One address that was tried; times count from when connecting began."""

    address: str
    status: Status
    """OK: it was used; CANCELED: another was quicker."""
    began: datetime.timedelta
    duration: datetime.timedelta


class StreamInfo(_raw.Object):
    """What was agreed on a stream, and with whom: a snapshot."""

    _kind = "stream_info"

    @property
    def version(self) -> Version:
        return Version(lib.sally_stream_info_version(self._handle))

    @property
    def version_name(self) -> str:
        """ "TLSv1.2" or "TLSv1.3". """
        return text(lib.sally_stream_info_version_name(self._handle))

    @property
    def suite(self) -> str:
        """The cipher suite: "TLS_AES_128_GCM_SHA256"."""
        return text(lib.sally_stream_info_suite(self._handle))

    @property
    def group(self) -> str:
        """The group of the key exchange: "x25519"."""
        return text(lib.sally_stream_info_group(self._handle))

    @property
    def alpn(self) -> Optional[str]:
        return text(lib.sally_stream_info_alpn(self._handle)) or None

    @property
    def server_name(self) -> Optional[str]:
        """The name that the client asked for."""
        return text(lib.sally_stream_info_server_name(self._handle)) or None

    @property
    def secured(self) -> bool:
        return bool(lib.sally_stream_info_secured(self._handle))

    @property
    def resumed(self) -> bool:
        return bool(lib.sally_stream_info_resumed(self._handle))

    @property
    def peer_verified(self) -> bool:
        """Whether the peer showed a certificate that passed every check."""
        return bool(lib.sally_stream_info_peer_verified(self._handle))

    @property
    def pin_matched(self) -> bool:
        return bool(lib.sally_stream_info_pin_matched(self._handle))

    @property
    def client_certificate_requested(self) -> bool:
        return bool(lib.sally_stream_info_client_certificate_requested(self._handle))

    @property
    def client_certificate_sent(self) -> bool:
        return bool(lib.sally_stream_info_client_certificate_sent(self._handle))

    @property
    def local_address(self) -> str:
        return text(lib.sally_stream_info_local_address(self._handle))

    @property
    def peer_address(self) -> str:
        """ "192.0.2.1:4433" or "[2001:db8::1]:4433". """
        return text(lib.sally_stream_info_peer_address(self._handle))

    @property
    def correlation_id(self) -> str:
        """The same on both sides of one connection."""
        return text(lib.sally_stream_info_correlation_id(self._handle))

    @property
    def peer_certificate(self) -> Optional[Certificate]:
        """The peer's own certificate."""
        found = self.peer_certificates
        return found[0] if found else None

    @property
    def peer_certificates(self) -> List[Certificate]:
        """All that the peer sent, its own first."""
        count = lib.sally_stream_info_peer_certificate_count(self._handle)
        return [borrowed(lib.sally_stream_info_peer_certificate(self._handle, n)) for n in range(count)]

    @property
    def verified_chain(self) -> List[Certificate]:
        """The chain by which the peer was trusted, the anchor last."""
        count = lib.sally_stream_info_verified_count(self._handle)
        return [borrowed(lib.sally_stream_info_verified(self._handle, n)) for n in range(count)]

    @property
    def own_certificate(self) -> Optional[Certificate]:
        """The certificate that this side showed."""
        shown = lib.sally_stream_info_own_certificate(self._handle)
        return None if shown == NULL else borrowed(shown)

    @property
    def peer_findings(self) -> Optional[Error]:
        """What is wrong with a peer that was let in all the same; not to be raised."""
        return _raw.borrowed_error(lib.sally_stream_info_peer_findings(self._handle))

    @property
    def passed_over(self) -> List[str]:
        """Which credentials of this side did not fit, and why."""
        return texts(lib.sally_stream_info_passed_over_count, lib.sally_stream_info_passed_over, self._handle)

    @property
    def durations(self) -> Dict[str, datetime.timedelta]:
        """How long "resolve", "connect" and "handshake" took."""
        names = ("resolve", "connect", "handshake")
        return {name: _microseconds(lib.sally_stream_info_duration(self._handle, kind))
                for kind, name in enumerate(names, 1)}

    @property
    def round_trips(self) -> int:
        """How often the handshake waited for the peer: once for a client of TLS 1.3, twice with TLS 1.2."""
        return int(lib.sally_stream_info_round_trips(self._handle))

    @property
    def attempts(self) -> List[ConnectAttempt]:
        """The addresses that were tried, in their order."""
        handle = self._handle
        return [ConnectAttempt(text(lib.sally_stream_info_attempt_address(handle, index)),
                               status_of(lib.sally_stream_info_attempt_status(handle, index)),
                               _microseconds(lib.sally_stream_info_attempt_began(handle, index)),
                               _microseconds(lib.sally_stream_info_attempt_duration(handle, index)))
                for index in range(lib.sally_stream_info_attempt_count(handle))]

    @property
    def byte_counts(self) -> Dict[str, int]:
        """Bytes up to now: "read", "written", and under TLS "wire_received", "wire_sent"."""
        names = ("read", "written", "wire_received", "wire_sent")
        return {name: lib.sally_stream_info_bytes(self._handle, kind) for kind, name in enumerate(names, 1)}

    @property
    def json(self) -> str:
        """All of it, for a log."""
        return _raw.copy_bytes(lib.sally_stream_info_copy_json, self._handle).decode()

    def to_dict(self) -> Dict[str, Any]:
        """What `json` says."""
        found: Dict[str, Any] = json.loads(self.json)
        return found

    def __repr__(self) -> str:
        return f"<StreamInfo {self.version_name} {self.suite} peer={self.peer_address}>"


def _microseconds(count: int) -> datetime.timedelta:
    return datetime.timedelta(microseconds=count)
