import datetime
import enum
import json
from typing import Any, Dict, List, Optional, Union

from sallyport import _raw
from sallyport._certificate import Certificate, borrowed
from sallyport._raw import NULL, Bytes, encode, ffi, lib, make, text
from sallyport._sources import TrustStore
from sallyport._status_codes import Status
from sallyport._tls import NameKind, TlsConfig
from sallyport.errors import Error, status_of

_Chain = Union[Bytes, Certificate]


class Purpose(enum.IntEnum):
    """What a certificate is to be used for."""

    DEFAULT = 0
    """With a config, to be the peer of such a stream; else a server."""
    SERVER = 1
    CLIENT = 2
    ANY = 3
    """Key usages are not looked at."""


class Verdict(_raw.Object):
    """What verifying a chain has come to."""

    _kind = "verdict"

    @property
    def status(self) -> Status:
        """OK, or why a peer that shows this chain is refused."""
        return status_of(lib.sally_verdict_status(self._handle))

    @property
    def accepted(self) -> bool:
        return self.status is Status.OK

    def __bool__(self) -> bool:
        return self.accepted

    @property
    def error(self) -> Optional[Error]:
        """Why it is refused, to be raised or read; None: it is not."""
        return None if self.accepted else _raw.borrowed_error(lib.sally_verdict_error(self._handle))

    @property
    def chain(self) -> List[Certificate]:
        """The chain as it was built, the leaf first, as far as it came."""
        count = lib.sally_verdict_chain_count(self._handle)
        return [borrowed(lib.sally_verdict_chain(self._handle, n)) for n in range(count)]

    @property
    def pin_matched(self) -> bool:
        return bool(lib.sally_verdict_pin_matched(self._handle))

    @property
    def json(self) -> str:
        """All of it: "accepted", "verdict" with all faults, what the rules let pass among them, "chain"."""
        return text(lib.sally_verdict_json(self._handle))

    def to_dict(self) -> Dict[str, Any]:
        """What `json` says."""
        found: Dict[str, Any] = json.loads(self.json)
        return found

    def __repr__(self) -> str:
        return f"<Verdict {self.status.name}>"


def verify(leaf: _Chain, *, intermediates: _Chain = b"", config: Optional[TlsConfig] = None,
           trust: Optional[TrustStore] = None, name: Optional[str] = None, name_kind: Optional[NameKind] = None,
           purpose: Purpose = Purpose.DEFAULT, time: Optional[datetime.datetime] = None) -> Verdict:
    """Judges a chain without a connection, as a stream with `config` would: the verdict tells.

    `leaf` is PEM or DER, and what follows in it counts as intermediates. `trust` goes before that of
    the config; without either it is the system's roots. `name` must be borne by the leaf.
    """
    held = [ffi.from_buffer(part.der if isinstance(part, Certificate) else part) for part in (leaf, intermediates)]
    named = NULL if name is None else ffi.new("char[]", encode(name))
    options = ffi.new("sally_verify_options *", {
        "struct_size": ffi.sizeof("sally_verify_options"), "config": NULL if config is None else config._handle,
        "trust": NULL if trust is None else trust._handle, "leaf": held[0], "leaf_size": len(held[0]),
        "intermediates": held[1], "intermediates_size": len(held[1]), "name": named,
        "name_kind": 0 if name_kind is None else int(name_kind), "purpose": int(purpose),
        "time": 0 if time is None else int(time.timestamp())})
    return Verdict(make("verdict", lib.sally_verify, options))
