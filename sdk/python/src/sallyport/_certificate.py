import datetime
import json
from typing import Any, Dict, List, Tuple

from sallyport import _raw
from sallyport._raw import lib, text


class Certificate:
    """What an X.509 certificate says."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @property
    def subject(self) -> str:
        """The distinguished name, in the form of RFC 2253."""
        return text(lib.sally_certificate_subject(self._handle))

    @property
    def issuer(self) -> str:
        return text(lib.sally_certificate_issuer(self._handle))

    @property
    def serial(self) -> str:
        """In lower-case hexadecimal."""
        return text(lib.sally_certificate_serial(self._handle))

    @property
    def not_before(self) -> datetime.datetime:
        return _time(lib.sally_certificate_not_before(self._handle))

    @property
    def not_after(self) -> datetime.datetime:
        return _time(lib.sally_certificate_not_after(self._handle))

    @property
    def key(self) -> str:
        """Kind and size of the public key: "EC P-256", "RSA 2048"."""
        return text(lib.sally_certificate_key(self._handle))

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its DER, in lower-case hexadecimal."""
        return text(lib.sally_certificate_fingerprint(self._handle))

    @property
    def spki_pin(self) -> str:
        """The SHA-256 of its public key, as `TlsConfig.add_pin` takes it."""
        return text(lib.sally_certificate_spki_pin(self._handle))

    @property
    def is_ca(self) -> bool:
        return bool(lib.sally_certificate_is_ca(self._handle))

    @property
    def names(self) -> List[Tuple[str, str]]:
        """Its subject alternative names: ("dns", "localhost"), ("ip", ...), ("email", ...), ("uri", ...)."""
        kinds = {1: "dns", 2: "ip", 3: "email", 4: "uri"}
        found = []
        for index in range(lib.sally_certificate_san_count(self._handle)):
            kind = kinds.get(lib.sally_certificate_san_kind(self._handle, index), "other")
            found.append((kind, text(lib.sally_certificate_san_text(self._handle, index))))
        return found

    @property
    def der(self) -> bytes:
        return _raw.copy_bytes(lib.sally_certificate_copy_der, self._handle)

    @property
    def pem(self) -> str:
        return _raw.copy_bytes(lib.sally_certificate_copy_pem, self._handle).decode()

    def to_dict(self) -> Dict[str, Any]:
        """All that it says, usages included."""
        found: Dict[str, Any] = json.loads(_raw.copy_bytes(lib.sally_certificate_copy_json, self._handle))
        return found

    def __repr__(self) -> str:
        return f"<Certificate {self.subject!r}>"


def _time(seconds: int) -> datetime.datetime:
    # Not fromtimestamp, which knows fewer years than a certificate may name.
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


def borrowed(handle: Any) -> Certificate:
    return Certificate(_raw.retain("certificate", handle))
