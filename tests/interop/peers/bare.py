"""A peer that shows any bytes as its certificate, as no TLS library would.

It goes just as far as its Certificate message (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2) and
tells which alert answers it. It could not go on: it signs nothing. So it shows refusals, and only
those of peers who judge a chain when they get it and do not first wait for the signature.
"""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from . import alerts, process

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_HELLO_DONE, FINISHED = (
    1,
    2,
    8,
    11,
    14,
    20,
)
X25519, P256 = 0x001D, 0x0017
AES_128_GCM_SHA256, ECDHE_ECDSA, ECDHE_RSA = 0x1301, 0xC02B, 0xC02F
SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, SUPPORTED_VERSIONS, KEY_SHARE = 10, 13, 43, 51
RENEGOTIATION_INFO = 0xFF01
SCHEMES = [0x0403, 0x0804, 0x0807, 0x0401]
EMPTY = hashlib.sha256().digest()


class AlertReceived(Exception):
    """The other side's alert, by name."""


def sized(width, data):
    return len(data).to_bytes(width, "big") + data


def words(*numbers):
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def extension(kind, data):
    return words(kind) + sized(2, data)


def message(kind, body):
    return bytes([kind]) + sized(3, body)


def expand(secret, label, context=b"", size=32):
    """HKDF-Expand-Label, RFC 8446 section 7.1."""
    info = struct.pack(">H", size) + sized(1, b"tls13 " + label) + sized(1, context)
    return HKDFExpand(hashes.SHA256(), size, info).derive(secret)


def extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


class Protection:
    """One direction's traffic key, RFC 8446 section 5.2."""

    def __init__(self, secret):
        self._key = AESGCM(expand(secret, b"key", size=16))
        self._iv = int.from_bytes(expand(secret, b"iv", size=12), "big")
        self._count = 0

    def _nonce(self):
        nonce = (self._iv ^ self._count).to_bytes(12, "big")
        self._count += 1
        return nonce

    def seal(self, kind, body):
        inner = body + bytes([kind])
        header = bytes([APPLICATION_DATA]) + words(0x0303, len(inner) + 16)
        return header + self._key.encrypt(self._nonce(), inner, header)

    def open(self, header, body):
        inner = self._key.decrypt(self._nonce(), body, header).rstrip(b"\0")
        return inner[-1], inner[:-1]


class Peer:
    """The record layer and the key schedule. One connection, one use."""

    def __init__(self, plain, version):
        plain.settimeout(process.GRACE)
        self._stream = plain.makefile("rwb")
        self._tls13 = version == "TLSv1.3"
        self._reading = self._writing = None
        self._unread = b""
        self._transcript = b""

    def _send(self, kind, body):
        in_clear = bytes([kind]) + words(0x0303, len(body)) + body
        self._stream.write(self._writing.seal(kind, body) if self._writing else in_clear)
        self._stream.flush()

    def _tell(self, *messages):
        self._transcript += b"".join(messages)
        self._send(HANDSHAKE, b"".join(messages))

    def _receive(self):
        header = self._stream.read(5)
        if len(header) < 5:
            raise EOFError("the peer closed without an alert")
        kind, body = header[0], self._stream.read(int.from_bytes(header[3:], "big"))
        if self._reading and kind == APPLICATION_DATA:
            kind, body = self._reading.open(header, body)
        if kind == ALERT:
            raise AlertReceived(alerts.NAMES[body[1]])
        return kind, body

    def _read_message(self):
        while len(self._unread) < 4 or len(self._unread) < 4 + int.from_bytes(
            self._unread[1:4], "big"
        ):
            kind, body = self._receive()
            if kind == HANDSHAKE:
                self._unread += body
        end = 4 + int.from_bytes(self._unread[1:4], "big")
        whole, self._unread = self._unread[:end], self._unread[end:]
        self._transcript += whole
        return whole[0], whole[4:]

    def _read_until(self, wanted):
        kind, body = self._read_message()
        while kind != wanted:
            kind, body = self._read_message()
        return body

    def _derive(self, secret, label):
        return expand(secret, label, hashlib.sha256(self._transcript).digest())

    def _handshake_secret(self, private, public):
        early = extract(bytes(32), bytes(32))
        shared = private.exchange(X25519PublicKey.from_public_bytes(public))
        return extract(expand(early, b"derived", EMPTY), shared)

    def _certificate(self, chain):
        if self._tls13:
            entries = b"".join(sized(3, certificate) + words(0) for certificate in chain)
            return message(CERTIFICATE, sized(1, b"") + sized(3, entries))
        return message(
            CERTIFICATE, sized(3, b"".join(sized(3, certificate) for certificate in chain))
        )

    def _verdict(self):
        """The alert that comes; None from a peer that waits for more, or just goes."""
        try:
            while True:
                self._receive()
        except AlertReceived as alert:
            return str(alert)
        except (EOFError, OSError):
            return None


def show_as_client(plain, version, chain):
    """The alert with which a server answers these certificates (DER) of a client."""
    return _Client(plain, version).show(chain)


def show_as_server(plain, version, chain, rsa=False):
    """The alert with which a client answers these certificates (DER) of a server."""
    return _Server(plain, version).show(chain, rsa)


class _Client(Peer):
    def show(self, chain):
        private = X25519PrivateKey.generate()
        self._tell(self._hello(_raw(private)))
        if not self._tls13:
            self._read_until(SERVER_HELLO_DONE)
        else:
            self._agree(private)
        self._tell(self._certificate(chain))
        return self._verdict()

    def _hello(self, public):
        offered = [AES_128_GCM_SHA256] if self._tls13 else [ECDHE_ECDSA, ECDHE_RSA]
        extensions = [
            extension(SUPPORTED_GROUPS, sized(2, words(X25519, P256))),
            extension(SIGNATURE_ALGORITHMS, sized(2, words(*SCHEMES))),
            extension(RENEGOTIATION_INFO, sized(1, b"")),
        ]
        if self._tls13:
            extensions.append(extension(SUPPORTED_VERSIONS, sized(1, words(0x0304))))
            extensions.append(extension(KEY_SHARE, sized(2, words(X25519) + sized(2, public))))
        body = words(0x0303) + os.urandom(32) + sized(1, b"")
        body += sized(2, words(*offered)) + sized(1, b"\0") + sized(2, b"".join(extensions))
        return message(CLIENT_HELLO, body)

    def _agree(self, private):
        hello = Hello(self._read_until(SERVER_HELLO), from_server=True)
        secret = self._handshake_secret(private, hello.share())
        ours = self._derive(secret, b"c hs traffic")
        self._reading = Protection(self._derive(secret, b"s hs traffic"))
        self._read_until(FINISHED)
        self._writing = Protection(ours)
        master = extract(expand(secret, b"derived", EMPTY), bytes(32))
        self._reading = Protection(self._derive(master, b"s ap traffic"))


class _Server(Peer):
    def show(self, chain, rsa):
        hello = Hello(self._read_until(CLIENT_HELLO))
        if self._tls13:
            self._agree(hello)
            self._tell(message(ENCRYPTED_EXTENSIONS, sized(2, b"")), self._certificate(chain))
        else:
            suite = ECDHE_RSA if rsa else ECDHE_ECDSA
            extensions = extension(RENEGOTIATION_INFO, sized(1, b""))
            self._tell(self._hello(b"", suite, extensions), self._certificate(chain))
        return self._verdict()

    def _hello(self, session_id, suite, extensions):
        body = words(0x0303) + os.urandom(32) + sized(1, session_id) + words(suite) + b"\0"
        return message(SERVER_HELLO, body + sized(2, extensions))

    def _agree(self, hello):
        private = X25519PrivateKey.generate()
        extensions = extension(SUPPORTED_VERSIONS, words(0x0304))
        extensions += extension(KEY_SHARE, words(X25519) + sized(2, _raw(private)))
        self._tell(self._hello(hello.session_id, AES_128_GCM_SHA256, extensions))
        secret = self._handshake_secret(private, hello.share())
        self._reading = Protection(self._derive(secret, b"c hs traffic"))
        self._writing = Protection(self._derive(secret, b"s hs traffic"))


class Hello:
    """What is wanted of a ClientHello or a ServerHello (RFC 8446 section 4.1)."""

    def __init__(self, body, from_server=False):
        self._from_server = from_server
        rest = body[34:]
        self.session_id, rest = _take(1, rest)
        if from_server:
            rest = rest[3:]
        else:
            _, rest = _take(2, rest)
            _, rest = _take(1, rest)
        rest, _ = _take(2, rest)
        self._extensions = {}
        while rest:
            kind, rest = int.from_bytes(rest[:2], "big"), rest[2:]
            self._extensions[kind], rest = _take(2, rest)

    def share(self):
        """The X25519 key share."""
        rest = self._extensions[KEY_SHARE]
        if not self._from_server:
            rest, _ = _take(2, rest)
        while rest:
            group, rest = int.from_bytes(rest[:2], "big"), rest[2:]
            public, rest = _take(2, rest)
            if group == X25519:
                return public
        raise AssertionError("no X25519 key share")


def _take(width, data):
    end = width + int.from_bytes(data[:width], "big")
    return data[width:end], data[end:]


def _raw(private):
    return private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
