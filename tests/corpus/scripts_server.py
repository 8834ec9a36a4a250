"""What only a server gets wrong: Sallyport is the client."""

import os

from peers.bare import (
    KEY_SHARE,
    RENEGOTIATION_INFO,
    SUPPORTED_VERSIONS,
)
from puppets.puppet import (
    CERTIFICATE_REQUEST,
    CERTIFICATE_VERIFY,
    ENCRYPTED_EXTENSIONS,
    P256,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    WARNING,
    X25519,
    Silent,
    message,
    sized,
    words,
)

import scripts_both
from scripts_both import replacing, saying, says

SCRIPTS = dict(scripts_both.SCRIPTS)
script = scripts_both.script_of(SCRIPTS)
MAX_FRAGMENT_LENGTH, ALPN, NOBODYS = 1, 16, 0x1234  # extensions
P521, AES_128_CCM, AES_128_GCM = 0x19, 0x1304, 0x1301
ECDHE_ECDSA_CCM, ECDHE_ECDSA_GCM = 0xC0AC, 0xC02B
P521_POINT = b"\4" + bytes(132)


def with_extension(puppet, kind, data):
    """Where the answers to a ClientHello's extensions stand (RFC 8446 section 4.2)."""
    if puppet.tls13:
        puppet.encrypted_extensions = [(kind, data)]
    else:
        puppet.hello = lambda fields: fields["extensions"].append((kind, data))


@script()
def http_answer(puppet):
    puppet.instead = says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@script()
def smtp_greeting(puppet):
    puppet.instead = says(b"220 mail.example.test ESMTP\r\n")


def _speaks(puppet, version):
    puppet.record_version = version
    puppet.hello = saying(version=version, suite=0xC009)
    puppet.edits["ServerHello"] = scripts_both.as_it_is


@script()
def tls10_only(puppet):
    _speaks(puppet, 0x0301)


@script()
def tls11_only(puppet):
    _speaks(puppet, 0x0302)


@script()
def version_from_the_future(puppet):
    puppet.hello = saying(version=0x0305)


@script()
def version_not_offered(puppet):
    puppet.hello = replacing(SUPPORTED_VERSIONS, (SUPPORTED_VERSIONS, words(0x0305)))


@script()
def version_chosen_is_old(puppet):
    puppet.hello = replacing(SUPPORTED_VERSIONS, (SUPPORTED_VERSIONS, words(0x0303)))


@script()
def downgrade_to_tls12(puppet):
    puppet.hello = saying(random=os.urandom(24) + b"DOWNGRD\1")


@script()
def downgrade_to_tls11(puppet):
    puppet.hello = saying(random=os.urandom(24) + b"DOWNGRD\0")


@script()
def cipher_not_offered(puppet):
    puppet.hello = saying(suite=AES_128_CCM if puppet.tls13 else ECDHE_ECDSA_CCM)


@script()
def cipher_of_another_version(puppet):
    puppet.hello = saying(suite=ECDHE_ECDSA_GCM if puppet.tls13 else AES_128_GCM)


@script(alpn="echo/1")
def alpn_not_offered(puppet):
    with_extension(puppet, ALPN, sized(2, sized(1, b"other/1")))


@script(alpn="echo/1")
def alpn_two_chosen(puppet):
    with_extension(puppet, ALPN, sized(2, sized(1, b"echo/1") + sized(1, b"echo/1")))


@script()
def unsolicited_extension(puppet):
    with_extension(puppet, MAX_FRAGMENT_LENGTH, b"\1")


@script()
def unsolicited_unknown_extension(puppet):
    with_extension(puppet, NOBODYS, b"")
    puppet.after = lambda p: p.alert(0, WARNING)


@script()
def misplaced_extension(puppet):
    with_extension(puppet, KEY_SHARE, words(X25519) + sized(2, bytes(range(32))))


@script()
def compression(puppet):
    puppet.hello = saying(compression=1)


@script()
def session_id_not_echoed(puppet):
    puppet.hello = saying(session_id=bytes(32))


@script()
def no_key_share(puppet):
    puppet.hello = replacing(KEY_SHARE)


@script()
def no_secure_renegotiation(puppet):
    puppet.hello = replacing(RENEGOTIATION_INFO)


@script()
def renegotiation_in_the_first_handshake(puppet):
    puppet.hello = replacing(RENEGOTIATION_INFO, (RENEGOTIATION_INFO, sized(1, bytes(12))))


@script()
def group_not_offered(puppet):
    def exchange(puppet, _):
        share = b"\x03" + words(P521) + sized(1, P521_POINT)
        signed = puppet.signed(puppet.randoms["client"] + puppet.randoms["server"] + share)
        return message(SERVER_KEY_EXCHANGE, share + signed)

    if puppet.tls13:
        puppet.hello = replacing(KEY_SHARE, (KEY_SHARE, words(P521) + sized(2, P521_POINT)))
    else:
        puppet.edits["ServerKeyExchange"] = exchange


def _retry(puppet, *rounds):
    """A HelloRetryRequest for each group; None asks for nothing."""

    def talk(puppet):
        for group in rounds:
            puppet.read_hello()
            change = [(KEY_SHARE, words(group))] if group else []
            puppet.tell("HelloRetryRequest", puppet.retry_message(*change))
        raise Silent

    puppet.instead = talk


@script()
def hello_retry_twice(puppet):
    _retry(puppet, P256, P256)


@script()
def hello_retry_for_nothing(puppet):
    _retry(puppet, X25519)


@script()
def hello_retry_without_change(puppet):
    _retry(puppet, None)


@script()
def hello_retry_for_another_group(puppet):
    _retry(puppet, P521)


@script()
def message_out_of_order(puppet):
    kind = CERTIFICATE_VERIFY if puppet.tls13 else SERVER_KEY_EXCHANGE
    puppet.edits["Certificate"] = lambda _, __: message(kind, bytes(64))


@script()
def message_left_out(puppet):
    def next_one(puppet, _):
        return puppet.finished() if puppet.tls13 else message(SERVER_HELLO_DONE, b"")

    puppet.edits["CertificateVerify" if puppet.tls13 else "ServerKeyExchange"] = next_one


@script()
def message_across_keys(puppet):
    puppet.edits["ServerHello"] = lambda _, data: data + message(
        ENCRYPTED_EXTENSIONS, sized(2, b"")
    )


@script(credential=True)
def certificate_request_without_schemes(puppet):
    puppet.ask_certificate = True
    puppet.edits["CertificateRequest"] = lambda _, __: message(
        CERTIFICATE_REQUEST, sized(1, b"") + sized(2, b"")
    )


@script(credential=True)
def refusal_after_finished(puppet):
    puppet.ask_certificate = True
    puppet.after = lambda p: p.alert(49)
