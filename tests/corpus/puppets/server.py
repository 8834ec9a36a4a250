"""The server puppet."""

import os

from peers.bare import (
    AES_128_GCM_SHA256,
    ECDHE_ECDSA,
    ECDHE_RSA,
    KEY_SHARE,
    RENEGOTIATION_INFO,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    Hello,
    extension,
)

from .puppet import (
    CERTIFICATE_REQUEST,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    ECDSA_SHA256,
    ENCRYPTED_EXTENSIONS,
    FINISHED,
    RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    Protection,
    Puppet,
    message,
    rsa,
    sized,
    words,
)

RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
SCHEMES = words(ECDSA_SHA256, RSA_PSS_SHA256, RSA_PKCS1_SHA256)


class Server(Puppet):
    server = True
    spots = {True: "EncryptedExtensions", False: "Certificate"}
    encrypted_extensions = ()

    def read_hello(self):
        body = self.read_until(CLIENT_HELLO)
        self.randoms["client"] = body[2:34]
        offered = Hello(body)
        self.session_id = offered.session_id
        return offered

    def hello_message(self, extensions, random=None):
        is_rsa = isinstance(self.key, rsa.RSAPrivateKey)
        suite = AES_128_GCM_SHA256 if self.tls13 else ECDHE_RSA if is_rsa else ECDHE_ECDSA
        fields = {
            "version": 0x0303,
            "random": random or os.urandom(32),
            "session_id": self.session_id if self.tls13 else b"",
            "suite": suite,
            "compression": 0,
            "extensions": extensions,
            "rest": b"",
        }
        if self.hello:
            self.hello(fields)
        self.randoms["server"] = fields["random"]
        body = words(fields["version"]) + fields["random"] + sized(1, fields["session_id"])
        body += words(fields["suite"]) + bytes([fields["compression"]])
        body += sized(2, b"".join(extension(*each) for each in fields["extensions"]))
        return message(SERVER_HELLO, body + fields["rest"])

    def share_extension(self):
        return KEY_SHARE, words(self.group) + sized(2, self.make_share())

    def retry_message(self, *extensions):
        return self.hello_message([(SUPPORTED_VERSIONS, words(0x0304)), *extensions], RETRY)

    def shake(self):
        offered = self.read_hello()
        if self.tls13:
            self._shake13(offered)
        else:
            self._shake12()

    def _shake13(self, offered):
        self.peer_public = offered.share()
        extensions = [(SUPPORTED_VERSIONS, words(0x0304)), self.share_extension()]
        self.tell("ServerHello", self.hello_message(extensions))
        self.writing = self.handshake_keys()
        more = b"".join(extension(*each) for each in self.encrypted_extensions)
        self.tell("EncryptedExtensions", message(ENCRYPTED_EXTENSIONS, sized(2, more)))
        if self.ask_certificate:
            schemes = extension(SIGNATURE_ALGORITHMS, sized(2, SCHEMES))
            asked = sized(1, b"") + sized(2, schemes)
            self.tell("CertificateRequest", message(CERTIFICATE_REQUEST, asked))
        self.tell("Certificate", self.certificate_message())
        self.tell("CertificateVerify", self.certificate_verify())
        self.finish()
        self._client_secret, own = self.application_secrets()
        self.writing = Protection(own)
        self.read_until(FINISHED)

    def note_finished(self):
        if self.tls13:
            self.reading = Protection(self._client_secret)

    def _shake12(self):
        extensions = [(RENEGOTIATION_INFO, sized(1, b""))]
        self.tell("ServerHello", self.hello_message(extensions))
        self.tell("Certificate", self.certificate_message())
        share = b"\x03" + words(self.group) + sized(1, self.make_share())
        signed = self.signed(self.randoms["client"] + self.randoms["server"] + share)
        self.tell("ServerKeyExchange", message(SERVER_KEY_EXCHANGE, share + signed))
        if self.ask_certificate:
            asked = sized(1, b"\x40\x01") + sized(2, SCHEMES) + words(0)
            self.tell("CertificateRequest", message(CERTIFICATE_REQUEST, asked))
        self.tell("ServerHelloDone", message(SERVER_HELLO_DONE, b""))
        self.read_until(FINISHED)
        self.finish()

    def note(self, kind, body):
        if kind == CLIENT_KEY_EXCHANGE and not self.tls13:
            self.peer_public = body[1:]
            self.next_writing = self.session_keys()
