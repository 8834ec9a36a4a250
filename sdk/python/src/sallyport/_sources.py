import datetime
from typing import Any, Callable, List, Optional, TypeVar

from sallyport import _certificate, _raw
from sallyport._raw import NULL, Bytes, Pathlike, encode, encode_path, ffi, lib, make
from sallyport.errors import Error

_S = TypeVar("_S", bound="Source")


class Source(_raw.Object):
    """What configs refer to, and what is reloaded or replaced while it is in use: each handshake takes
    the generation that is there when it begins."""

    @property
    def generation(self) -> int:
        """1 at first; grows with each reload or replacement that succeeds."""
        return int(self._function("generation")(self._handle))

    def reload(self) -> None:
        """Reads its files again, whole or not at all: on failure the old generation stays."""
        self._call("reload")

    def replace(self: _S, by: _S) -> None:
        """Makes what `by` holds now the next generation; a later reload or watch reads where `by` was loaded from."""
        self._call("replace", by._handle)

    def watch(self) -> None:
        """Reloads from now on whenever the files change. `reload_error` says what went wrong."""
        self._call("watch")

    @property
    def reload_error(self) -> Optional[Error]:
        """What the last reload failed with."""
        try:
            self._call("reload_status")
        except Error as error:
            return error
        return None


class Credential(Source):
    """Who this side is: a certificate chain and its private key.

    From files, PEM, DER or PKCS#12, a token ("pkcs11:..."), or from memory.
    """

    _kind = "credential"

    @classmethod
    def load(cls, chain: Pathlike, key: Optional[Pathlike] = None, passphrase: Optional[str] = None) -> "Credential":
        """Reads files, or URIs. Without `key` it is in the chain's file."""
        key_uri = NULL if key is None else encode_path(key)
        return cls(make("credential", lib.sally_credential_load, encode_path(chain), key_uri, encode(passphrase)))

    @classmethod
    def from_memory(cls, chain: Bytes, key: Optional[Bytes] = None, passphrase: Optional[str] = None) -> "Credential":
        held, secret = ffi.from_buffer(chain), NULL if key is None else ffi.from_buffer(key)
        return cls(make("credential", lib.sally_credential_from_memory, held, len(held), secret,
                        0 if key is None else len(secret), encode(passphrase)))

    @classmethod
    def load_certificates(cls, chain: Pathlike) -> "Credential":
        """A chain whose key the program has: it is asked for signatures, `Question.SIGNATURE`."""
        return cls(make("credential", lib.sally_credential_load_certificates, encode_path(chain)))

    @classmethod
    def from_certificates(cls, chain: Bytes) -> "Credential":
        """The same, from memory."""
        held = ffi.from_buffer(chain)
        return cls(make("credential", lib.sally_credential_from_certificates, held, len(held)))

    @property
    def certificate(self) -> _certificate.Certificate:
        """This side's own one."""
        return _certificate.Certificate(
            make("certificate", lib.sally_credential_copy_certificate, self._handle))

    @property
    def warnings(self) -> List[str]:
        """What peers may refuse it for."""
        return _raw.copy_bytes(lib.sally_credential_copy_warnings, self._handle).decode().splitlines()

    @property
    def not_after(self) -> datetime.datetime:
        """When the first certificate of its chain expires."""
        return _certificate._time(lib.sally_credential_not_after(self._handle))

    def set_ocsp_response(self, response: Bytes) -> None:
        """The OCSP response (DER) that a server staples; empty takes it away. To be set again after each new generation."""
        held = ffi.from_buffer(response)
        self._call("set_ocsp_response", held, len(held))


class TrustStore(Source):
    """Whom this side trusts: CA certificates, and revocation lists."""

    _kind = "trust_store"

    @classmethod
    def system(cls) -> "TrustStore":
        """The roots of this machine. Load once, it takes tens of milliseconds."""
        return cls(make("trust_store", lib.sally_trust_store_system))

    @classmethod
    def load(cls, path: Pathlike) -> "TrustStore":
        """A file, PEM or DER, or a folder of them."""
        return cls(make("trust_store", lib.sally_trust_store_load, encode_path(path)))

    @classmethod
    def from_memory(cls, data: Bytes) -> "TrustStore":
        held = ffi.from_buffer(data)
        return cls(make("trust_store", lib.sally_trust_store_from_memory, held, len(held)))

    def merge(self, other: "TrustStore") -> None:
        """Adds what `other` holds."""
        self._call("merge", other._handle)

    def add_crl(self, path: Pathlike) -> None:
        """Adds the revocation lists of a file or folder."""
        self._call("add_crl", encode_path(path))

    def add_crl_from_memory(self, data: Bytes) -> None:
        """Adds the revocation lists of a PEM or DER text."""
        held = ffi.from_buffer(data)
        self._call("add_crl_from_memory", held, len(held))

    @property
    def crl_count(self) -> int:
        return int(lib.sally_trust_store_crl_count(self._handle))

    @property
    def not_after(self) -> Optional[datetime.datetime]:
        """When the first of its anchors expires."""
        return _time_or_none(lib.sally_trust_store_not_after(self._handle))

    @property
    def next_update(self) -> Optional[datetime.datetime]:
        """When the first of its revocation lists is out of date."""
        return _time_or_none(lib.sally_trust_store_next_update(self._handle))

    def __len__(self) -> int:
        """Its trust anchors."""
        return int(lib.sally_trust_store_size(self._handle))

    def __bool__(self) -> bool:
        return True


def _time_or_none(seconds: int) -> Optional[datetime.datetime]:
    return _certificate._time(seconds) if seconds else None


class TicketKeys(Source):
    """The keys that the servers of a fleet share, so that each resumes the others' sessions."""

    _kind = "ticket_keys"

    @classmethod
    def load(cls, path: Pathlike) -> "TicketKeys":
        return cls(make("ticket_keys", lib.sally_ticket_keys_load, encode_path(path)))

    @classmethod
    def from_memory(cls, data: Bytes) -> "TicketKeys":
        held = ffi.from_buffer(data)
        return cls(make("ticket_keys", lib.sally_ticket_keys_from_memory, held, len(held)))

    def __len__(self) -> int:
        return int(lib.sally_ticket_keys_size(self._handle))
