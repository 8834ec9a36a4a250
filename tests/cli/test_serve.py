"""sally serve, and the clients of others."""

import json
import signal
import socket

import pytest

from peers import openssl, process, pyssl, zoo
from sally_tool import CLIENT, OTHER, OWN, Serve, errors, run, serving, shows


def visit(server, entry=None, version=None):
    context = pyssl.client_context(version, ca=OWN.ca, **(shows(entry) if entry else {}))
    return pyssl.tls(server, context)


def demanding(serve, mode="echo", *words):
    return serve(mode, *words, client_auth="required", client_ca=CLIENT.ca)


def test_many_clients_are_served_at_once(serve):
    server = serve()
    with visit(server) as (first, _), visit(server) as (second, _), visit(server) as (third, _):
        for number, client in enumerate((third, first, second)):
            client.sendall(b"%d" % number)
            assert client.recv(1) == b"%d" % number


def test_s_client_gets_its_echo(serve):
    server = serve()
    with openssl.SClient(server, ca=OWN.ca, quiet=True) as client:
        client.send(b"hello\n")
        assert client.wait_for(rb"^hello\n")


def test_an_accepted_client_is_told_with_its_connection(serve):
    server = demanding(serve)
    with visit(server, CLIENT, "TLSv1.2") as (client, address):
        client.sendall(b"x")
        client.recv(1)
        event = server.event("accepted", address)
    assert event["connection"]["version"] == "TLSv1.2"
    assert event["connection"]["server_name"] == "localhost"
    assert "client-good" in event["connection"]["peer_certificates"][0]["subject"]
    assert event["correlation_id"] == event["connection"]["correlation_id"]


def test_a_refused_client_is_told_with_the_whole_error(serve):
    server = demanding(serve)
    with pytest.raises(OSError), visit(server, OTHER) as (client, _):
        client.recv(1)
    event = server.event("refused")
    assert event["error"]["status"] == "SALLY_CERTIFICATE_UNKNOWN_CA"
    assert event["error"]["alert"] == {"name": "unknown_ca", "number": 48, "direction": "sent"}
    assert event["error"]["hint"]
    assert event["correlation_id"] == event["error"]["correlation_id"] != ""


def test_the_end_of_a_client_is_told_with_its_bytes(serve):
    server = serve()
    with visit(server) as (client, address):
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
        client.unwrap()
    event = server.event("closed", address)
    assert (event["status"], event["bytes_read"], event["bytes_written"]) == ("SALLY_OK", 5, 5)


def test_a_cut_connection_is_no_proper_end(serve):
    server = serve()
    with pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
        tls = pyssl.client_context(ca=OWN.ca).wrap_socket(plain, server_hostname="localhost")
        tls.sendall(b"hello")
        assert tls.recv(5) == b"hello"
        tls.close()
    assert server.event("closed", address)["status"] == "SALLY_TRUNCATED"


def test_a_sink_says_nothing(serve):
    server = serve("sink")
    with visit(server) as (client, address):
        client.sendall(bytes(100_000))
        client.unwrap()
    event = server.event("closed", address)
    assert (event["bytes_read"], event["bytes_written"]) == (100_000, 0)


def test_a_source_sends_what_it_was_told_to(serve):
    server = serve("source", "--bytes", "100000")
    received = b""
    with visit(server) as (client, address):
        while data := client.recv(65536):
            received += data
        client.unwrap()
    assert len(received) == 100_000
    assert server.event("closed", address)["bytes_written"] == 100_000


def test_clients_beyond_the_limit_wait(serve):
    server = serve("echo", "--max-connections", "1")
    with visit(server) as (first, _):
        first.sendall(b"1")
        assert first.recv(1) == b"1"
        with pyssl.tcp(server) as waiting:
            waiting.settimeout(0.3)
            second = pyssl.client_context(ca=OWN.ca).wrap_socket(
                waiting, server_hostname="localhost", do_handshake_on_connect=False
            )
            with pytest.raises(TimeoutError):
                second.do_handshake()
            first.unwrap()
            server.event("closed")
            with second:
                second.settimeout(process.LIMIT)
                second.do_handshake()


def test_a_key_is_opened_with_the_passphrase_of_a_file(serve, tmp_path):
    entry = zoo.entry("file-encrypted")
    (tmp_path / "right").write_text(entry.passphrase + "\n")
    (tmp_path / "wrong").write_text("not " + entry.passphrase)
    serve(entry=entry, passphrase_file=tmp_path / "right")
    done = process.run(*serving(entry=entry, json=None, passphrase_file=tmp_path / "wrong"))
    assert (done.returncode, "SALLY_CREDENTIAL_WRONG_PASSPHRASE" in errors(done)) == (2, True)
    assert entry.passphrase not in errors(done)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_a_signal_also_with_clients(serve, number):
    server = serve("source")
    with visit(server) as (client, _):
        client.recv(1)
        assert server.end(number) == 0
    assert server.event("stopped")["accepted"] == 1


def test_the_port_is_in_the_file_when_it_is_there(tmp_path):
    with Serve(port_file=tmp_path / "port") as server:
        server.end()
        assert int((tmp_path / "port").read_text()) == server.port


def test_without_json_the_address_is_told():
    with process.Program(*serving(json=None)) as server:
        assert server.wait_for(rb"^listening on 127.0.0.1:\d+\n")


def test_what_is_in_the_way_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "echo", listen=f"127.0.0.1:{port}", client_auth="none", **shows(OWN))
    assert (done.returncode, "SALLY_ADDRESS_IN_USE" in errors(done)) == (2, True)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"client_auth": "required"}, "--client-ca"),
        ({"client_auth": "maybe"}, "--client-auth"),
        ({"listen": "127.0.0.1"}, "HOST:PORT"),
        ({"listen": "127.0.0.1:65536"}, "65536"),
        ({"key": OTHER.key}, "SALLY_CREDENTIAL_KEY_MISMATCH"),
        ({"cert": "/nowhere"}, "SALLY_FILE_NOT_FOUND"),
        ({"max_connections": 0}, "--max-connections"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_usage_is_told(options, words):
    done = process.run(*serving(json=None, **options))
    assert (done.returncode, words in errors(done)) == (2, True), errors(done)


def test_events_are_one_line_each(serve):
    server = serve()
    with visit(server) as (client, address):
        client.unwrap()
        server.event("closed", address)
    server.end()
    events = [json.loads(line)["event"] for line in server.text().splitlines()]
    assert events == ["listening", "accepted", "closed", "stopped"]
