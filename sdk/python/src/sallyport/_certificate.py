import datetime
import enum
import json
from typing import Any, Dict, List, Tuple

from sallyport import _raw
from sallyport._raw import lib, text


class KeyUsage(enum.IntFlag):
    """RFC 5280 section 4.2.1.3."""

    DIGITAL_SIGNATURE = 0x0080
    NON_REPUDIATION = 0x0040
    KEY_ENCIPHERMENT = 0x0020
    DATA_ENCIPHERMENT = 0x0010
    KEY_AGREEMENT = 0x0008
    CERT_SIGN = 0x0004
    CRL_SIGN = 0x0002
    ENCIPHER_ONLY = 0x0001
    DECIPHER_ONLY = 0x8000


class Certificate(_raw.Object):
    """What an X.509 certificate says."""

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
    def signature_algorithm(self) -> str:
        """What it is signed with: "ecdsa-with-SHA256"."""
        return text(lib.sally_certificate_signature_algorithm(self._handle))

    @property
    def key_usage(self) -> KeyUsage:
        """What its key is for; nothing: it does not say, and any use is allowed."""
        return KeyUsage(lib.sally_certificate_key_usage(self._handle))

    @property
    def extended_key_usage(self) -> Dict[str, str]:
        """Further uses, short names by OID: {"1.3.6.1.5.5.7.3.1": "serverAuth"}; none: any is allowed."""
        count = lib.sally_certificate_extended_usage_count(self._handle)
        return {text(lib.sally_certificate_extended_usage(self._handle, index)):
                text(lib.sally_certificate_extended_usage_name(self._handle, index)) for index in range(count)}

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
    # Not fromtimestamp, which knows fewer years than a certificate may name. It may name the year 0, too.
    try:
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


def borrowed(handle: Any) -> Certificate:
    return Certificate(_raw.retain("certificate", handle))
