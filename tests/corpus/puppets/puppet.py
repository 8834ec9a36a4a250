"""What both puppets share: records, keys and messages of TLS 1.2 and 1.3, without a library.

One suite each (AES-128-GCM with SHA-256), X25519 or P-256. A script (`scripts_server.py`,
`scripts_client.py`) configures a puppet before it speaks: `edits` change a message on its way out,
`hello` changes the fields of the hello, `after` is what to do when the handshake is over.
"""

import contextlib
import dataclasses
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from peers import process, pyssl
from peers.bare import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    EMPTY,
    FINISHED,
    HANDSHAKE,
    P256,
    SERVER_HELLO,
    X25519,
    Protection,
    expand,
    extract,
    message,
    sized,
    words,
)

HELLO_REQUEST, NEW_SESSION_TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 0, 4, 5, 8
SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 12, 13, 14
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, KEY_UPDATE = 15, 16, 24
HEARTBEAT = 24  # a type of record
ECDSA_SHA256, ECDSA_SHA1, RSA_PSS_SHA256, RSA_PKCS1_SHA256 = 0x0403, 0x0203, 0x0804, 0x0401
FATAL, WARNING = 2, 1
LARGEST = 16_000  # bytes of a record; 2^14 would do
TLS12, TLS13 = "TLSv1.2", "TLSv1.3"


class Silent(Exception):
    """The script has said all that it wanted to say."""


@dataclasses.dataclass
class Seen:
    """What the other side did: its alerts as (level, number), and how it ended."""

    alerts: list = dataclasses.field(default_factory=list)
    end: str | None = None  # "eof", "reset"; None: it was still there when patience ran out
    failure: BaseException | None = None  # of the puppet's own


class Protection12:
    """One direction's key of TLS 1.2, RFC 5288 section 3."""

    def __init__(self, key, salt):
        self._key, self._salt, self._count = AESGCM(key), salt, 0

    def _about(self, kind, size):
        about = self._count.to_bytes(8, "big") + bytes([kind]) + words(0x0303, size)
        self._count += 1
        return about

    def seal(self, kind, body):
        nonce = os.urandom(8)
        sealed = self._key.encrypt(self._salt + nonce, body, self._about(kind, len(body)))
        return bytes([kind]) + words(0x0303, len(sealed) + 8) + nonce + sealed

    def open(self, header, body):
        about = self._about(header[0], len(body) - 24)
        return header[0], self._key.decrypt(self._salt + body[:8], body[8:], about)


def prf(secret, label, seed, size):
    """RFC 5246 section 5."""
    seed, out, a = label + seed, b"", label + seed
    while len(out) < size:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:size]


def flip(data):
    """The same, but for its last bit."""
    return data[:-1] + bytes([data[-1] ^ 1])


class Puppet:
    """One connection, one use. `talk` runs it and tells what it saw."""

    server = False
    # Where most goes wrong: the first message under keys in TLS 1.3, behind the hellos in TLS 1.2.
    spots = {}

    @property
    def spot(self):
        return self.spots[self.tls13]

    @property
    def proof(self):
        """The message with the signature."""
        return "ServerKeyExchange" if self.server and not self.tls13 else "CertificateVerify"

    def __init__(self, plain, version, entry, argument=None):
        self.plain, self.version, self.argument = plain, version, argument
        self.tls13 = version == TLS13
        self.chain, self.key = entry
        self.edits, self.hello, self.after, self.instead = {}, None, None, None
        self.group, self.scheme, self.public = X25519, None, None
        self.record_version, self.change_cipher_spec = 0x0303, b"\1"
        self.ask_certificate = self.client_certificate = False
        self.seen = Seen()
        self.transcript = b""
        self.reading = self.writing = None
        self.next_writing = None  # TLS 1.2: our own key, where it is there before our Finished
        self.peer_writes = None  # TLS 1.2: the other side's key from its change_cipher_spec on
        self._unread = b""
        self._messages = b""
        self.session_id = b""
        self.private = self.secret = self.peer_public = None
        self.randoms = {}

    # --- records

    def raw(self, data):
        with contextlib.suppress(OSError):  # it has gone already: what it said is still to be read
            self.plain.sendall(data)

    def record(self, kind, body, protect=True):
        for start in range(0, len(body), LARGEST):
            part = body[start : start + LARGEST]
            clear = bytes([kind]) + words(self.record_version, len(part)) + part
            self.raw(self.writing.seal(kind, part) if self.writing and protect else clear)

    def alert(self, number, level=FATAL):
        self.record(ALERT, bytes([level, number]))

    def _take(self, size):
        while len(self._unread) < size:
            data = self.plain.recv(65536)
            if not data:
                raise EOFError
            self._unread += data
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken

    def receive(self):
        """The next record, opened; alerts are noted."""
        header = self._take(5)
        kind, body = header[0], self._take(int.from_bytes(header[3:], "big"))
        protected = self.reading and (kind == APPLICATION_DATA or not self.tls13)
        if protected and kind != CHANGE_CIPHER_SPEC:
            kind, body = self.reading.open(header, body)
        if kind == ALERT:
            self.seen.alerts.append((body[0], body[1]))
        elif kind == CHANGE_CIPHER_SPEC and not self.tls13:
            self.reading = self.peer_writes
        elif kind == HANDSHAKE:
            self._messages += body
        return kind

    def read_message(self):
        while len(self._messages) < 4 or len(self._messages) < self._next_size():
            if self.receive() == ALERT:
                raise Silent
        end = self._next_size()
        whole, self._messages = self._messages[:end], self._messages[end:]
        if whole[0] == FINISHED:
            self.note_finished()
        self.transcript += whole
        return whole[0], whole[4:]

    def _next_size(self):
        return 4 + int.from_bytes(self._messages[1:4], "big")

    def read_until(self, wanted):
        while True:
            kind, body = self.read_message()
            self.note(kind, body)
            if kind == wanted:
                return body

    # --- messages

    def tell(self, name, data):
        """Sends a message, changed by the script. What was changed is the last that is said."""
        edit = self.edits.get(name)
        if edit:
            data = edit(self, data)
        if data is not None:
            self.transcript += data
            self.record(HANDSHAKE, data)
            if edit:
                raise Silent

    def hashed(self):
        return hashlib.sha256(self.transcript).digest()

    def certificate_message(self):
        if not self.tls13:
            return message(CERTIFICATE, sized(3, b"".join(sized(3, der) for der in self.chain)))
        entries = b"".join(sized(3, der) + words(0) for der in self.chain)
        return message(CERTIFICATE, sized(1, b"") + sized(3, entries))

    def signed(self, data):
        """A digitally-signed struct: the scheme, and the signature."""
        is_rsa = isinstance(self.key, rsa.RSAPrivateKey)
        scheme = self.scheme or (RSA_PSS_SHA256 if is_rsa else ECDSA_SHA256)
        digest = hashes.SHA1() if scheme == ECDSA_SHA1 else hashes.SHA256()
        if scheme == RSA_PSS_SHA256:
            signature = self.key.sign(data, padding.PSS(padding.MGF1(digest), 32), digest)
        elif scheme == RSA_PKCS1_SHA256:
            signature = self.key.sign(data, padding.PKCS1v15(), digest)
        else:
            signature = self.key.sign(data, ec.ECDSA(digest))
        return words(scheme) + sized(2, signature)

    def certificate_verify(self):
        if not self.tls13:
            return message(CERTIFICATE_VERIFY, self.signed(self.transcript))
        who = b"server" if self.server else b"client"
        what = b" " * 64 + b"TLS 1.3, " + who + b" CertificateVerify\0" + self.hashed()
        return message(CERTIFICATE_VERIFY, self.signed(what))

    # --- keys

    def make_share(self):
        if self.group == P256:
            self.private = ec.generate_private_key(ec.SECP256R1())
            form = serialization.PublicFormat.UncompressedPoint
            own = self.private.public_key().public_bytes(serialization.Encoding.X962, form)
        else:
            self.private = X25519PrivateKey.generate()
            form = serialization.PublicFormat.Raw
            own = self.private.public_key().public_bytes(serialization.Encoding.Raw, form)
        return own if self.public is None else self.public

    def shared(self):
        if self.group == P256:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.peer_public)
            return self.private.exchange(ec.ECDH(), point)
        return self.private.exchange(X25519PublicKey.from_public_bytes(self.peer_public))

    def derive(self, label):
        return expand(self.secret, label, self.hashed())

    def handshake_keys(self):
        """TLS 1.3, RFC 8446 section 7.1: what reads and writes from the ServerHello on."""
        early = extract(bytes(32), bytes(32))
        self.secret = extract(expand(early, b"derived", EMPTY), self.shared())
        client, server = self.derive(b"c hs traffic"), self.derive(b"s hs traffic")
        self.own_secret, self.peer_secret = (server, client) if self.server else (client, server)
        self.reading = Protection(self.peer_secret)
        return Protection(self.own_secret)

    def application_secrets(self):
        """At the server's Finished: those of the client and the server."""
        self.secret = extract(expand(self.secret, b"derived", EMPTY), bytes(32))
        return self.derive(b"c ap traffic"), self.derive(b"s ap traffic")

    def session_keys(self):
        """TLS 1.2, RFC 5246 section 6.3."""
        client, server = self.randoms["client"], self.randoms["server"]
        self.master = prf(self.shared(), b"master secret", client + server, 48)
        block = prf(self.master, b"key expansion", server + client, 40)
        of_client = Protection12(block[:16], block[32:36])
        of_server = Protection12(block[16:32], block[36:])
        own, self.peer_writes = (of_server, of_client) if self.server else (of_client, of_server)
        return own

    def finished(self):
        if self.tls13:
            key = expand(self.own_secret, b"finished")
            return message(FINISHED, hmac.digest(key, self.hashed(), "sha256"))
        label = b"server finished" if self.server else b"client finished"
        return message(FINISHED, prf(self.master, label, self.hashed(), 12))

    def finish(self):
        """Our change_cipher_spec, where it has a meaning, and our Finished."""
        if not self.tls13:
            keys = self.session_keys() if self.next_writing is None else self.next_writing
            self.record(CHANGE_CIPHER_SPEC, self.change_cipher_spec)
            if self.change_cipher_spec != b"\1":
                raise Silent
            self.writing = keys
        self.tell("Finished", self.finished())

    # --- the whole

    def note(self, kind, body):
        """What is to be remembered of the other side's message."""

    def note_finished(self):
        """The other side's Finished is here, and not yet in the transcript."""

    def shake(self):
        raise NotImplementedError

    def talk(self):
        self.plain.settimeout(process.LIMIT)
        try:
            with contextlib.suppress(Silent):
                if self.instead:
                    self.instead(self)
                else:
                    self.shake()
                    if self.after:
                        self.after(self)
            self._listen()
        except EOFError:
            self.seen.end = "eof"
        except ConnectionError:
            self.seen.end = "reset"
        except InvalidTag as error:
            self.seen.failure = error
        except TimeoutError:
            self.seen.end = None
        return self.seen

    def _listen(self):
        while True:
            self.receive()
            while len(self._messages) >= 4 and len(self._messages) >= self._next_size():
                self.note(*self.read_message())

    def hang_up(self):
        with contextlib.suppress(OSError):
            self.plain.shutdown(1)
        raise Silent

    def reset(self):
        pyssl.reset_on_close(self.plain)
        self.plain.close()
        raise ConnectionResetError
