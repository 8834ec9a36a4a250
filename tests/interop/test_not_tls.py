"""Peers that speak no TLS, or garble it."""

import re
import socket

import pytest

from peers import process, pyssl, sallyport, zoo

OWN = zoo.entry("server-good")
# What a client of another protocol says first, or what noise is like, and what the server calls it.
GREETINGS = {
    "http-get": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "SALLY_PEER_SPEAKS_HTTP"),
    "http-post": (b"POST /form HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "SALLY_PEER_SPEAKS_HTTP"),
    "http2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SALLY_PEER_SPEAKS_HTTP"),
    "proxy-connect": (b"CONNECT example.test:443 HTTP/1.1\r\n\r\n", "SALLY_PEER_SPEAKS_HTTP"),
    "text": (b"hello, is anybody there?\r\n", "SALLY_PEER_NOT_TLS"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "SALLY_PEER_NOT_TLS"),
    "zeros": (bytes(64), "SALLY_PEER_NOT_TLS"),
}  # fmt: skip
# And what a server says, unasked or on reading a ClientHello.
ANSWERS = {
    "http": (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "SALLY_PEER_SPEAKS_HTTP"),
    "smtp": (b"220 mail.example.test ESMTP\r\n", "SALLY_PEER_NOT_TLS"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "SALLY_PEER_NOT_TLS"),
    "zeros": (bytes(64), "SALLY_PEER_NOT_TLS"),
    "newline": (b"\n", "SALLY_PEER_NOT_TLS"),
}


RECORD_HEADER = 5  # bytes; with fewer a TLS peer waits for more


def ssl2_hello(version, suites):
    """The hello of SSL 2, in which old clients offer later versions (RFC 5246 appendix E.2)."""
    offered = b"".join(suite.to_bytes(3, "big") for suite in suites)
    body = (
        b"\x01"
        + version.to_bytes(2, "big")
        + len(offered).to_bytes(2, "big")
        + bytes([0, 0, 0, 16])
    )
    body += offered + bytes(range(16))
    return (0x8000 | len(body)).to_bytes(2, "big") + body


# The highest version offered in such a hello, the server's status, and its alert.
SSL2_HELLOS = {
    "ssl2": (0x0002, "SALLY_PEER_NOT_TLS", 70),
    "ssl3": (0x0300, "SALLY_TLS_VERSION_MISMATCH", 40),
    "tls10": (0x0301, "SALLY_TLS_VERSION_MISMATCH", 70),
    "tls11": (0x0302, "SALLY_TLS_VERSION_MISMATCH", 70),
    "tls12": (0x0303, "SALLY_TLS_NO_COMMON_CIPHER", 40),
}


def start(echo_server):
    return echo_server(cert=OWN.chain, key=OWN.key)


@pytest.mark.parametrize("greeting", GREETINGS)
def test_the_server_names_what_is_not_tls(echo_server, greeting):
    data, status = GREETINGS[greeting]
    server = start(echo_server)
    with pyssl.tcp(server) as plain:
        plain.sendall(data)
        refused = server.refused(pyssl.address_of(plain))
        assert refused.status == status, refused
        # Nothing but an alert goes out, and then the connection ends.
        answer = plain.makefile("rb").read()
        assert len(answer) in (0, 7) and answer[:2] in (b"", b"\x15\x03"), answer


@pytest.mark.parametrize("offered", SSL2_HELLOS)
def test_the_server_understands_a_hello_of_ssl_2_well_enough_to_refuse_it(echo_server, offered):
    version, status, alert = SSL2_HELLOS[offered]
    server = start(echo_server)
    with pyssl.tcp(server) as plain:
        plain.sendall(ssl2_hello(version, [0x010080, 0x00002F, 0x00C02B]))
        refused = server.refused(pyssl.address_of(plain))
        assert refused.status == status, refused
        assert plain.makefile("rb").read()[5:] == bytes([2, alert])


@pytest.mark.parametrize("size", [1, 4, 5, 6, 60])
def test_a_client_that_stops_in_the_middle_of_its_hello(echo_server, size):
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(60))
    server = start(echo_server)
    with pyssl.tcp(server) as plain:
        plain.sendall(hello[:size])
        address = pyssl.address_of(plain)
    assert server.refused(address).status == "SALLY_HANDSHAKE_INTERRUPTED"


def test_a_hello_that_does_not_parse_is_a_violation(echo_server):
    server = start(echo_server)
    with pyssl.tcp(server) as plain:
        plain.sendall(bytes.fromhex("1603010009010000050303ffffff"))
        refused = server.refused(pyssl.address_of(plain))
        assert refused.status == "SALLY_TLS_PROTOCOL_VIOLATION", refused
        assert plain.makefile("rb").read()[5:] == bytes([2, 50])  # fatal, decode_error


def test_curl_that_forgot_the_s_is_recognised(echo_server):
    server = start(echo_server)
    done = process.run("curl", "-sS", "--noproxy", "*", "--http0.9", f"http://{server.address}/")
    assert server.refused().status == "SALLY_PEER_SPEAKS_HTTP"
    assert re.search(rb"listening|refused|hint", done.stdout) is None


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_client_names_what_is_not_tls(program, answer):
    data, status = ANSWERS[answer]

    def talk(plain, outcome):
        outcome.received = plain.recv(1)
        plain.sendall(data)
        if len(data) < RECORD_HEADER:
            plain.shutdown(socket.SHUT_WR)
        while plain.recv(65536):
            pass

    with pyssl.Server(None, serve=talk) as server:
        run = sallyport.run_client(
            server.address, program, ca=OWN.ca, name="localhost", message="x"
        )
    assert (run.exit_status, run.status, run.connection) == (1, status, None), run.text
    assert run.failure.hint


def test_the_client_recognises_a_web_server(program):
    """http.server, as somebody would really meet it."""
    words = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", zoo.OUT / "dev", "0"]
    with process.Program(zoo.PYTHON, *words) as web:
        port = web.wait_for(rb" port (\d+) ")[1].decode()
        run = sallyport.run_client(
            f"127.0.0.1:{port}", program, ca=OWN.ca, message="x", timeout=20_000
        )
    assert run.exit_status == 1
    # It takes the ClientHello for a bad request, and may answer with a page without a status line.
    assert run.status in ("SALLY_PEER_SPEAKS_HTTP", "SALLY_PEER_NOT_TLS"), run.text


def test_a_garbled_record_in_a_connection_is_a_bad_record(echo_server, version):
    server = start(echo_server)
    with pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
        context = pyssl.client_context(version)
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            assert pyssl.exchange(tls, b"hello\n") == b"hello\n"
            pyssl.send_past(tls, b"\x17\x03\x03\x00\x20" + bytes(32))
            with pytest.raises(OSError) as seen:
                tls.recv(1)
            assert pyssl.how_it_ended(seen.value) == "bad_record_mac"
    closed = server.closed(address)
    assert (closed.size, closed.status) == (6, "SALLY_TLS_BAD_RECORD")
