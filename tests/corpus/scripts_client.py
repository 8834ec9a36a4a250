"""What only a client gets wrong: Sallyport is the server."""

from peers.bare import (
    KEY_SHARE,
    RENEGOTIATION_INFO,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
)
from puppets.puppet import (
    CERTIFICATE_VERIFY,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    FINISHED,
    HANDSHAKE,
    P256,
    RSA_PSS_SHA256,
    SERVER_HELLO,
    Silent,
    message,
    sized,
    words,
)

import scripts_both
from scripts_both import as_it_is, instead, replacing, saying, says

SCRIPTS = dict(scripts_both.SCRIPTS)
script = scripts_both.script_of(SCRIPTS)
SERVER_NAME, ALPN, PRE_SHARED_KEY, PSK_MODES, NOBODYS = 0, 16, 41, 45, 0x1234  # extensions
X448, AES_128_CCM, RSA_CBC, OLD_SUITES = 0x1E, 0x1304, 0x002F, [0xC009, 0x002F]
FALLBACK = 0x5600  # TLS_FALLBACK_SCSV
PSK = sized(2, sized(2, b"a ticket") + bytes(4)) + sized(2, sized(1, bytes(32)))


def with_extension(*extension):
    return lambda fields: fields["extensions"].append(extension)


@script()
def http_request(puppet):
    puppet.instead = says(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def hello_of_ssl2(version):
    """RFC 5246 appendix E.2."""
    suites = bytes.fromhex("01008000002f00c02b")
    body = b"\1" + words(version, len(suites), 0, 16) + suites + bytes(range(16))
    return words(0x8000 | len(body)) + body


@script()
def ssl2_only(puppet):
    puppet.instead = says(hello_of_ssl2(0x0002))


@script()
def ssl2_hello(puppet):
    puppet.instead = says(hello_of_ssl2(0x0301))


def _speaks(puppet, version):
    puppet.record_version = version
    puppet.hello = saying(version=version, suites=OLD_SUITES)


@script()
def tls10_only(puppet):
    _speaks(puppet, 0x0301)


@script()
def tls11_only(puppet):
    _speaks(puppet, 0x0302)


@script()
def versions_unknown(puppet):
    puppet.hello = with_extension(SUPPORTED_VERSIONS, sized(1, words(0x0305)))


@script()
def needless_fallback(puppet):
    puppet.hello = lambda fields: fields["suites"].append(FALLBACK)


@script()
def no_common_cipher(puppet):
    puppet.hello = saying(suites=[AES_128_CCM if puppet.tls13 else RSA_CBC])


@script()
def no_common_group(puppet):
    def change(fields):
        replacing(SUPPORTED_GROUPS, (SUPPORTED_GROUPS, sized(2, words(X448))))(fields)
        if puppet.tls13:
            share = words(X448) + sized(2, bytes(range(56)))
            replacing(KEY_SHARE, (KEY_SHARE, sized(2, share)))(fields)

    puppet.hello = change


@script()
def no_common_signature(puppet):
    only_rsa = sized(2, words(RSA_PSS_SHA256))
    puppet.hello = replacing(SIGNATURE_ALGORITHMS, (SIGNATURE_ALGORITHMS, only_rsa))


@script(alpn="echo/1")
def no_common_alpn(puppet):
    puppet.hello = with_extension(ALPN, sized(2, sized(1, b"other/1")))


@script(alpn="echo/1")
def alpn_empty_name(puppet):
    puppet.hello = with_extension(ALPN, sized(2, sized(1, b"")))


@script(unknown_name="refuse")
def unknown_server_name(puppet):
    name = b"\0" + sized(2, b"nobody.example.test")
    puppet.hello = with_extension(SERVER_NAME, sized(2, name))


@script()
def server_name_list_empty(puppet):
    puppet.hello = with_extension(SERVER_NAME, sized(2, b""))


@script()
def hello_too_long(puppet):
    announced = bytes([CLIENT_HELLO]) + b"\xff\xff\xff" + words(0x0303) + bytes(200)
    puppet.edits["ClientHello"] = instead(lambda p: p.record(HANDSHAKE, announced))


@script()
def compression(puppet):
    puppet.hello = saying(compression=b"\1\0" if puppet.tls13 else b"\1")


@script()
def no_signature_algorithms(puppet):
    puppet.hello = replacing(SIGNATURE_ALGORITHMS)


@script()
def no_supported_groups(puppet):
    puppet.hello = replacing(SUPPORTED_GROUPS)


@script()
def psk_not_last(puppet):
    more = [(PSK_MODES, sized(1, b"\1")), (PRE_SHARED_KEY, PSK), (NOBODYS, b"")]
    puppet.hello = lambda fields: fields["extensions"].extend(more)


@script()
def psk_without_modes(puppet):
    puppet.hello = with_extension(PRE_SHARED_KEY, PSK)


@script()
def renegotiation_in_the_first_handshake(puppet):
    puppet.hello = replacing(RENEGOTIATION_INFO, (RENEGOTIATION_INFO, sized(1, bytes(12))))


@script()
def point_not_on_the_curve(puppet):
    puppet.group, puppet.public = P256, b"\4" + b"\1" * 64
    puppet.edits["ClientHello" if puppet.tls13 else "ClientKeyExchange"] = as_it_is


@script()
def second_hello_without_share(puppet):
    def talk(puppet):
        puppet.hello = replacing(KEY_SHARE, (KEY_SHARE, sized(2, b"")))
        hello = puppet.hello_message()
        puppet.tell("ClientHello", hello)
        puppet.read_until(SERVER_HELLO)
        puppet.tell("ClientHello", hello)
        raise Silent

    puppet.instead = talk


@script()
def message_out_of_order(puppet):
    kind = CERTIFICATE_VERIFY if puppet.tls13 else FINISHED
    puppet.edits[puppet.spot] = lambda _, __: message(kind, bytes(64))


@script(auth="require")
def message_left_out(puppet):
    def next_one(puppet, _):
        if puppet.tls13:
            return puppet.finished()
        return message(CLIENT_KEY_EXCHANGE, sized(1, puppet.make_share()))

    puppet.client_certificate = True
    puppet.edits["CertificateVerify" if puppet.tls13 else "Certificate"] = next_one
