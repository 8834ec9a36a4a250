"""How connections end: with a goodbye (close_notify, RFC 8446 section 6.1), or without."""

import contextlib
import socket

import pytest

from peers import openssl, pyssl, sallyport, zoo

OWN = zoo.entry("server-good")


def start(echo_server):
    return echo_server(cert=OWN.chain, key=OWN.key)


def test_pythons_unwrap_succeeds(echo_server, version):
    server = start(echo_server)
    with pyssl.tls(server, pyssl.client_context(version)) as (tls, address):
        pyssl.exchange(tls, b"hello\n")
        tls.unwrap()  # sends a close_notify and waits for the other one
    closed = server.closed(address)
    assert (closed.size, closed.status) == (6, "SALLY_END_OF_STREAM")


def test_the_goodbye_of_s_client_is_a_clean_end(echo_server, version):
    server = start(echo_server)
    with openssl.SClient(server, version) as client:
        server.accepted()
        client.send(b"hello\n")
        client.wait_for(rb"^hello\n")
        client.end_input()
        assert client.wait() == 0
    assert server.closed().status == "SALLY_END_OF_STREAM"


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_client_that_vanishes_has_truncated_the_stream(echo_server, version, size):
    server = start(echo_server)
    with pyssl.tls(server, pyssl.client_context(version)) as (tls, address):
        assert pyssl.exchange(tls, bytes(size)) == bytes(size)
        tls.shutdown(socket.SHUT_RDWR)
    closed = server.closed(address)
    assert (closed.size, closed.status) == (size, "SALLY_TRUNCATED")


def test_a_client_that_resets_is_told_from_one_that_vanishes(echo_server, version):
    server = start(echo_server)
    with pyssl.tls(server, pyssl.client_context(version)) as (tls, address):
        pyssl.exchange(tls, b"hello\n")
        pyssl.reset_on_close(tls)
    assert server.closed(address).status == "SALLY_CONNECTION_RESET"


def test_half_a_record_and_then_nothing_is_truncation(echo_server, version):
    server = start(echo_server)
    with pyssl.tls(server, pyssl.client_context(version)) as (tls, address):
        pyssl.exchange(tls, b"hello\n")
        pyssl.send_past(tls, b"\x17\x03\x03\x01\x00" + bytes(16))
        tls.shutdown(socket.SHUT_RDWR)
    closed = server.closed(address)
    assert (closed.size, closed.status) == (6, "SALLY_TRUNCATED")


def test_the_server_gets_what_came_before_the_goodbye(echo_server, version):
    server = start(echo_server)
    with pyssl.tls(server, pyssl.client_context(version)) as (tls, address):
        tls.sendall(b"last words")
        # The goodbye is right behind the words. OpenSSL dislikes the echo that comes before the
        # other goodbye.
        with contextlib.suppress(OSError):
            tls.unwrap()
    assert server.closed(address).size == 10


def test_the_client_says_goodbye_and_waits_for_the_answer(version, program):
    answered = []

    def part(tls, outcome):
        pyssl.echo(tls, outcome)
        answered.append(outcome.end)

    with pyssl.Server(
        pyssl.server_context(version, cert=OWN.chain, key=OWN.key), serve=part
    ) as server:
        run = sallyport.run_client(
            server.address, program, ca=OWN.ca, name="localhost", message="hello\n"
        )
        outcome = server.outcome()
    assert (run.exit_status, run.failure) == (0, None), run.text
    assert (outcome.end, answered) == ("close_notify", ["close_notify"])


def test_s_server_gets_a_goodbye_and_says_its_own(s_server, version, program):
    server = s_server(version, cert=OWN.chain, key=OWN.key, more=("-msg",))
    run = sallyport.run_client(
        server.address, program, ca=OWN.ca, name="localhost", message="hello\n"
    )
    assert (run.exit_status, run.echo) == (0, b"olleh\n"), run.text
    server.said(rb"<<< [^\n]*close_notify")
    server.said(rb">>> [^\n]*close_notify")
    server.said(rb"CONNECTION CLOSED")
