import enum
import json
from typing import TYPE_CHECKING, Any, Dict, Iterable, Optional, Union

from sallyport import _raw
from sallyport._raw import NULL, Pathlike, encode, encode_path, ffi, lib, make, milliseconds
from sallyport._sources import Credential, TicketKeys, TrustStore
from sallyport._status_codes import Status

if TYPE_CHECKING:
    from sallyport._trace import Trace


class Role(enum.IntEnum):
    """Which side of a connection."""

    CLIENT = 1
    SERVER = 2


class ClientAuth(enum.IntEnum):
    """Whether a server asks its clients for a certificate."""

    NONE = 1
    REQUEST = 2
    REQUIRE = 3


class Ocsp(enum.IntEnum):
    """What a client does about the OCSP response that a server may staple."""

    OFF = 1
    REQUEST = 2
    REQUIRE = 3


class UnknownName(enum.IntEnum):
    """What a server does with a client that asks for a name which it does not serve."""

    SERVE = 1
    REFUSE = 2


class CaHints(enum.IntEnum):
    """Which CAs a server names when it asks for a certificate."""

    NONE = 1
    TRUST = 2
    STORE = 3


class Version(enum.IntEnum):
    """A version of TLS; PLAIN is none at all."""

    PLAIN = 0
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304


class Question(enum.IntFlag):
    """What the program decides itself within handshakes."""

    NONE = 0
    CREDENTIAL = 1
    PEER = 2
    CLIENT_HELLO = 4
    SIGNATURE = 8


class NameKind(enum.IntEnum):
    """What kind of name a certificate bears."""

    DNS = 1
    IP = 2
    EMAIL = 3
    URI = 4


class Revocation(enum.IntEnum):
    """What is demanded of revocation lists."""

    SOFT = 1
    LEAF = 2
    CHAIN = 3


class TrustChange(enum.IntEnum):
    """What becomes of established connections when the trust store has a new generation."""

    KEEP = 1
    DRAIN = 2
    DROP = 3


class Pin(enum.IntFlag):
    """How a pin counts."""

    DEFAULT = 0
    REPORT_ONLY = 1
    ISSUER = 2


class TlsConfig(_raw.Object):
    """How this side does TLS: made once, frozen by first use, shared by any number of streams."""

    _kind = "tls_config"

    def __init__(self, role: Role, *, trust: Optional[TrustStore] = None,
                 credential: Union[Credential, Iterable[Credential], None] = None,
                 alpn: Iterable[str] = (), questions: Question = Question.NONE) -> None:
        super().__init__(make("tls_config", lib.sally_tls_config_create, int(role)))
        if trust is not None:
            self.set_trust(trust)
        for one in [credential] if isinstance(credential, Credential) else credential or ():
            self.add_credential(one)
        self.set_alpn(alpn)
        self.set_questions(questions)

    @classmethod
    def client(cls, *, trust: Optional[TrustStore] = None,
               credential: Union[Credential, Iterable[Credential], None] = None,
               alpn: Iterable[str] = (), questions: Question = Question.NONE) -> "TlsConfig":
        """Verifies the server's chain and name, against the system's roots unless `trust` is given."""
        return cls(Role.CLIENT, trust=trust, credential=credential, alpn=alpn, questions=questions)

    @classmethod
    def server(cls, *, credential: Union[Credential, Iterable[Credential], None] = None,
               trust: Optional[TrustStore] = None, client_auth: ClientAuth = ClientAuth.NONE,
               alpn: Iterable[str] = (), questions: Question = Question.NONE) -> "TlsConfig":
        """Asks for client certificates where `client_auth` says so, and trusts those of `trust`."""
        config = cls(Role.SERVER, trust=trust, credential=credential, alpn=alpn, questions=questions)
        config.set_client_auth(client_auth)
        return config

    def add_credential(self, credential: Credential) -> None:
        """Adds what this side can show; each handshake takes the first that fits."""
        self._call("add_credential", credential._handle)

    def set_trust(self, trust: TrustStore) -> None:
        """Whom to trust instead of the system's roots."""
        self._call("set_trust", trust._handle)

    def set_client_auth(self, mode: ClientAuth) -> None:
        """Whether clients are asked for a certificate."""
        self._call("set_client_auth", int(mode))

    def set_unknown_name(self, mode: UnknownName) -> None:
        """What becomes of clients that ask for a name which is not served."""
        self._call("set_unknown_name", int(mode))

    def add_host(self, name: str, host: "TlsConfig") -> None:
        """Serves clients that ask for `name`, or "*.name", by another config."""
        self._call("add_host", encode(name), host._handle)

    def set_ca_hints(self, mode: CaHints, store: Optional[TrustStore] = None) -> None:
        """Which CAs clients are told that their certificate may be of; `store` with CaHints.STORE."""
        self._call("set_ca_hints", int(mode), NULL if store is None else store._handle)

    def allow_post_handshake_auth(self) -> None:
        """Lets a server ask this client for its certificate after the handshake too."""
        self._call("allow_post_handshake_auth")

    def set_versions(self, least: Version = Version.PLAIN, most: Version = Version.PLAIN) -> None:
        """Limits the versions; PLAIN stands for the lowest and the highest that there are."""
        self._call("set_versions", int(least), int(most))

    def set_policy(self, name: str) -> None:
        """ "default-2026", "modern-2026" or "compatible-2026". """
        self._call("set_policy", encode(name))

    def require_pq(self) -> None:
        """Post-quantum hybrid key exchange only."""
        self._call("require_pq")

    def set_provider(self, properties: str) -> None:
        """Chooses implementations by a property query: "fips=yes"."""
        self._call("set_provider", encode(properties))

    def set_alpn(self, protocols: Iterable[str]) -> None:
        """The application protocols, most wanted first."""
        if isinstance(protocols, str):  # each letter of which would be one
            raise TypeError("protocols are several strings, not one")
        held = [ffi.new("char[]", encode(protocol)) for protocol in protocols]
        self._call("set_alpn", ffi.new("char *[]", held), len(held))

    def set_resumption(self, on: bool, sessions: int = 0) -> None:
        """Whether sessions are resumed, and how many are kept (0: 4096)."""
        self._call("set_resumption", 2 if on else 1, sessions)

    def set_session_lifetime(self, seconds: int) -> None:
        """For how long a session may be resumed."""
        self._call("set_session_lifetime", seconds)

    def set_ticket_keys(self, keys: TicketKeys) -> None:
        """Makes tickets that the servers of a fleet with the same keys resume."""
        self._call("set_ticket_keys", keys._handle)

    def set_questions(self, questions: Question) -> None:
        """What the program decides itself; `decide` of the stream or listener is then asked."""
        self._call("set_questions", int(questions))

    def set_decision_timeout(self, seconds: Optional[float]) -> None:
        """How long a question may wait; None: 10 s."""
        self._call("set_decision_timeout", milliseconds(seconds))

    def set_ocsp(self, mode: Ocsp) -> None:
        """What a client does about OCSP responses."""
        self._call("set_ocsp", int(mode))

    def set_verification_time(self, unix_seconds: int) -> None:
        """The time for which certificates must be valid, instead of the clock."""
        self._call("set_verification_time", unix_seconds)

    def set_max_depth(self, depth: int) -> None:
        """How many CA certificates there may be between the peer's and the trust anchor; 10 unless set."""
        self._call("set_max_depth", depth)

    def set_security_level(self, level: int) -> None:
        """2 (112 bits), 3 or 4."""
        self._call("set_security_level", level)

    def set_revocation(self, mode: Revocation) -> None:
        """What is demanded of revocation lists."""
        self._call("set_revocation", int(mode))

    def allow_partial_chain(self) -> None:
        """Lets a chain end in any certificate of the trust store."""
        self._call("allow_partial_chain")

    def allow_peer(self, kind: NameKind, pattern: str) -> None:
        """Adds a name that lets a peer in; with the first one, those without any are refused."""
        self._call("allow_peer", int(kind), encode(pattern))

    def add_pin(self, pin: str, flags: Pin = Pin.DEFAULT) -> None:
        """Adds a public key, one of which the peer's chain must hold."""
        self._call("add_pin", encode(pin), int(flags))

    def set_trust_change(self, mode: TrustChange, drain: Optional[float] = None) -> None:
        """What becomes of connections whose peer a new generation of the trust store no longer trusts.

        `drain`: for how many seconds such a one may still be read from (None: 30 s, infinity: no limit).
        """
        self._call("set_trust_change", int(mode), milliseconds(drain))

    def set_trace(self, trace: "Trace") -> None:
        """Has every connection of this config traced, from the next one on."""
        self._call("set_trace", trace._handle)

    def set_verification_cache(self, entries: int) -> None:
        """How many good chains are remembered; 1024 unless set, 0 for none."""
        self._call("set_verification_cache", entries)

    def insecure_skip_verification(self) -> None:
        """Accepts any certificate. For experiments only."""
        self._call("insecure_skip_verification")

    def insecure_ignore(self, status: Status) -> None:
        """Lets one kind of fault pass."""
        self._call("insecure_ignore", int(status))

    def insecure_set_security_level(self, level: int) -> None:
        """0 or 1, for a peer that cannot be mended."""
        self._call("insecure_set_security_level", level)

    def insecure_log_keys(self, path: Pathlike) -> None:
        """Appends the secrets of all sessions to a file, for Wireshark."""
        self._call("insecure_log_keys", encode_path(path))

    @property
    def cached_sessions(self) -> int:
        return int(lib.sally_tls_config_cached_sessions(self._handle))

    @property
    def verification_cache_hits(self) -> int:
        """How often the chain that a peer has shown was known."""
        return int(lib.sally_tls_config_verification_cache_hits(self._handle))

    def to_dict(self) -> Dict[str, Any]:
        """What is really in force. Freezes the config."""
        found: Dict[str, Any] = json.loads(_raw.copy_bytes(lib.sally_tls_config_to_json, self._handle))
        return found
