"""Sallyport's clients, C++ and C, and Python's ssl and openssl s_server as their servers."""

import random
import re

import pytest

from peers import ipv6, pyssl, sallyport, zoo

KEYS = ["p256", "p384", "rsa", "rsa-issuer", "ed25519"]
LINE = "hello over there\n"
BYTES = LINE.encode()


def python_server(version=None, key="p256", **given):
    entry = zoo.good("server", key)
    return pyssl.Server(pyssl.server_context(version, cert=entry.chain, key=entry.key, **given))


def visit(server, program="echo_client", entry=None, name="localhost", **given):
    """A visit with the credential of an entry, or with none."""
    if entry:
        given |= {"cert": entry.chain, "key": entry.key}
    given = {"ca": zoo.good("server").ca, "message": LINE, **given}
    return sallyport.run_client(server.address, program, name=name, **given)


@pytest.mark.parametrize("key", KEYS)
def test_both_ends_agree_on_version_and_server(version, program, key):
    with python_server(version, key) as server:
        run, outcome = visit(server, program), server.outcome()
    assert (run.exit_status, run.echo) == (0, BYTES), run.text
    assert run.connection.version == outcome.version == version
    assert run.connection.peer_name == zoo.common_name(zoo.good("server", key).chain)
    assert run.connection.client_certificate == "not-asked"
    assert outcome.sni == "localhost"
    assert outcome.end == "close_notify"
    assert outcome.received == BYTES


@pytest.mark.parametrize("key", KEYS)
def test_the_server_sees_the_client_certificate(version, program, key):
    client = zoo.good("client", key)
    with python_server(version, ca=client.ca, client_auth="require") as server:
        run, outcome = visit(server, program, client), server.outcome()
    assert (run.exit_status, run.echo) == (0, BYTES), run.text
    assert run.connection.client_certificate == "sent"
    assert outcome.peer == zoo.common_name(client.chain)


def test_a_client_without_a_certificate_says_so_when_asked(version, program):
    with python_server(version, ca=zoo.good("client").ca, client_auth="request") as server:
        run, outcome = visit(server, program), server.outcome()
    assert (run.exit_status, run.connection.client_certificate) == (0, "not-sent"), run.text
    assert outcome.peer is None


def test_a_certificate_that_nobody_asks_for_stays_at_home(version, program):
    with python_server(version) as server:
        run, outcome = visit(server, program, zoo.good("client")), server.outcome()
    assert (run.exit_status, run.connection.client_certificate) == (0, "not-asked"), run.text
    assert outcome.peer is None


def test_both_ends_agree_on_the_application_protocol(version, program):
    with python_server(version, alpn="echo/1") as server:
        run, outcome = visit(server, program, alpn="echo/1"), server.outcome()
    assert run.connection and run.connection.alpn == outcome.alpn == "echo/1", run.text


def test_a_server_that_ignores_alpn_is_no_failure(version, program):
    with python_server(version) as server:
        run, outcome = visit(server, program, alpn="echo/1"), server.outcome()
    assert (run.exit_status, run.connection.alpn, outcome.alpn) == (0, None, None), run.text


@pytest.mark.parametrize("host", ipv6.HOSTS)
def test_an_address_is_verified_and_sends_no_server_name(version, program, host):
    entry = zoo.good("server")
    context = pyssl.server_context(version, cert=entry.chain, key=entry.key)
    with pyssl.Server(context, host=host) as server:
        run, outcome = visit(server, program, name=host), server.outcome()
    assert (run.exit_status, run.echo) == (0, BYTES), run.text
    assert outcome.sni is None


def test_the_host_of_the_address_is_the_name_unless_another_is_given(version, program):
    with python_server(version) as server:
        run = sallyport.run_client(
            f"localhost:{server.port}", program, ca=zoo.good("server").ca, message=LINE
        )
        outcome = server.outcome()
    assert (run.exit_status, outcome.sni) == (0, "localhost"), run.text


@pytest.mark.parametrize("lowest, highest", [("1.2", "1.2"), ("1.3", "1.3"), ("1.2", "1.3")])
def test_the_highest_common_version_is_chosen(program, lowest, highest):
    with python_server() as server:
        run, outcome = (
            visit(server, program, min_version=lowest, max_version=highest),
            server.outcome(),
        )
    assert (
        run.connection and run.connection.version == outcome.version == f"TLSv{highest}"
    ), run.text


def test_a_mebibyte_of_any_bytes_comes_back_intact(version, program):
    data = random.Random(3).randbytes(1 << 20)
    with python_server(version) as server:
        run, outcome = visit(server, program, message=None, data=data), server.outcome()
    assert (run.exit_status, run.failure) == (0, None)
    assert run.echo == outcome.received == data
    assert outcome.end == "close_notify"


@pytest.mark.parametrize("verify", [None, "request", "require"])
@pytest.mark.parametrize("key", ["p256", "rsa", "ed25519"])
def test_s_server_and_the_client_tell_the_same_story(s_server, version, program, key, verify):
    entry, client = zoo.good("server", key), zoo.good("client", key)
    server = s_server(cert=entry.chain, key=entry.key, ca=entry.ca, verify=verify)
    number = version.removeprefix("TLSv")
    run = visit(server, program, client, min_version=number, max_version=number)
    assert (run.exit_status, run.echo) == (0, BYTES.rstrip()[::-1] + b"\n"), run.text
    said = server.said(rb"Protocol version: (\S+)\n(?:[^\n]*\n)*?CONNECTION CLOSED")
    assert run.connection.version == said[1].decode() == version
    assert (run.connection.client_certificate == "sent") == (verify is not None)
    subject = re.search(rb"^Peer certificate: [^\n]*", said[0], re.M)
    assert (subject is not None) == (verify is not None)
    if subject:
        assert zoo.common_name(client.chain).encode() in subject[0]


def test_s_server_chooses_the_application_protocol(s_server, version, program):
    entry = zoo.good("server")
    server = s_server(version, cert=entry.chain, key=entry.key, alpn="first,second")
    run = visit(server, program, alpn="second")
    assert run.connection and run.connection.alpn == "second", run.text
