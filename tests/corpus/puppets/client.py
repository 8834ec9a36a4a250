"""The client puppet."""

import os

from peers.bare import (
    AES_128_GCM_SHA256,
    ECDHE_ECDSA,
    ECDHE_RSA,
    KEY_SHARE,
    RENEGOTIATION_INFO,
    SCHEMES,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    Hello,
    extension,
)

from .puppet import (
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    FINISHED,
    P256,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    Protection,
    Puppet,
    message,
    sized,
    words,
)


class Client(Puppet):
    spots = {True: "Finished", False: "ClientKeyExchange"}

    def hello_message(self):
        share = words(self.group) + sized(2, self.make_share())
        # In TLS 1.2 they are also the groups of the keys in certificates, RFC 8422 section 5.1.1.
        groups = [self.group] if self.tls13 else sorted({self.group, P256}, reverse=True)
        extensions = [
            (SUPPORTED_GROUPS, sized(2, words(*groups))),
            (SIGNATURE_ALGORITHMS, sized(2, words(*SCHEMES))),
        ]
        if self.tls13:
            extensions.append((SUPPORTED_VERSIONS, sized(1, words(0x0304))))
            extensions.append((KEY_SHARE, sized(2, share)))
        else:
            extensions.append((RENEGOTIATION_INFO, sized(1, b"")))
        fields = {
            "version": 0x0303,
            "random": os.urandom(32),
            "session_id": b"",
            "suites": [AES_128_GCM_SHA256] if self.tls13 else [ECDHE_ECDSA, ECDHE_RSA],
            "compression": b"\0",
            "extensions": extensions,
            "rest": b"",
        }
        if self.hello:
            self.hello(fields)
        self.randoms["client"] = fields["random"]
        body = words(fields["version"]) + fields["random"] + sized(1, fields["session_id"])
        body += sized(2, words(*fields["suites"])) + sized(1, fields["compression"])
        body += sized(2, b"".join(extension(*each) for each in fields["extensions"]))
        return message(CLIENT_HELLO, body + fields["rest"])

    def shake(self):
        self.tell("ClientHello", self.hello_message())
        body = self.read_until(SERVER_HELLO)
        self.randoms["server"] = body[2:34]
        if self.tls13:
            self._shake13(Hello(body, from_server=True))
        else:
            self._shake12()

    def _shake13(self, hello):
        self.peer_public = hello.share()
        writing = self.handshake_keys()
        self.read_until(FINISHED)
        own, theirs = self.application_secrets()
        self.reading, self.writing = Protection(theirs), writing
        if self.client_certificate:
            self.tell("Certificate", self.certificate_message())
            if self.chain:
                self.tell("CertificateVerify", self.certificate_verify())
        self.finish()
        self.writing = Protection(own)

    def _shake12(self):
        self.read_until(SERVER_HELLO_DONE)
        if self.client_certificate:
            self.tell("Certificate", self.certificate_message())
        self.tell("ClientKeyExchange", message(CLIENT_KEY_EXCHANGE, sized(1, self.make_share())))
        if self.client_certificate and self.chain:
            self.tell("CertificateVerify", self.certificate_verify())
        self.finish()
        self.read_until(FINISHED)

    def note(self, kind, body):
        if kind == SERVER_KEY_EXCHANGE and not self.tls13:
            self.peer_public = body[4 : 4 + body[3]]
