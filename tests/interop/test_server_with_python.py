"""Sallyport's server, and Python's ssl as its client."""

import random

import pytest

from peers import ipv6, pyssl, zoo

KEYS = ["p256", "p384", "rsa", "rsa-issuer", "ed25519"]


def start(echo_server, key="p256", **options):
    entry = zoo.good("server", key)
    return echo_server(cert=entry.chain, key=entry.key, **options)


@pytest.mark.parametrize("key", KEYS)
def test_both_ends_agree_on_version_suite_and_server(echo_server, version, key):
    server, entry = start(echo_server, key), zoo.good("server", key)
    with pyssl.tls(server, pyssl.client_context(version, ca=entry.ca)) as (tls, address):
        accepted = server.accepted(address)
        assert accepted.version == tls.version() == version
        assert pyssl.common_name(tls.getpeercert()) == zoo.common_name(entry.chain)
        assert (accepted.sni, accepted.alpn, accepted.peer) == ("localhost", None, None)
        assert pyssl.exchange(tls, b"hello\n") == b"hello\n"
        tls.unwrap()


@pytest.mark.parametrize("key", KEYS)
def test_a_required_client_certificate_is_seen(echo_server, version, key):
    client = zoo.good("client", key)
    server = start(echo_server, ca=client.ca, client_auth="require")
    context = pyssl.client_context(version, ca=client.ca, cert=client.chain, key=client.key)
    address, outcome = pyssl.attempt(server, context)
    assert (outcome.received, outcome.end) == (b"hello\n", "close_notify")
    accepted = server.accepted(address)
    assert accepted.version == outcome.version == version
    assert accepted.peer_name == zoo.common_name(client.chain)


@pytest.mark.parametrize("shown", [True, False], ids=["certificate", "no-certificate"])
@pytest.mark.parametrize("client_auth", ["none", "request"])
def test_who_the_client_is_depends_on_what_was_asked(echo_server, version, client_auth, shown):
    client = zoo.good("client")
    server = start(echo_server, ca=client.ca, client_auth=client_auth)
    credential = {"cert": client.chain, "key": client.key} if shown else {}
    address, outcome = pyssl.attempt(
        server, pyssl.client_context(version, ca=client.ca, **credential)
    )
    assert outcome.end == "close_notify"
    seen = client_auth == "request" and shown
    assert server.accepted(address).peer_name == (zoo.common_name(client.chain) if seen else None)


def test_the_server_says_which_name_it_was_asked_for(echo_server, version):
    server, ca = start(echo_server), zoo.good("server").ca
    context = pyssl.client_context(version, ca=ca)
    address, outcome = pyssl.attempt(server, context, name="server.example.test")
    assert outcome.end == "close_notify"
    assert server.accepted(address).sni == "server.example.test"


@pytest.mark.parametrize("host", ipv6.HOSTS)
def test_an_address_is_verified_and_sends_no_server_name(echo_server, version, host):
    bracketed = f"[{host}]" if ":" in host else host
    server, ca = start(echo_server, host=bracketed), zoo.good("server").ca
    address, outcome = pyssl.attempt(server, pyssl.client_context(version, ca=ca), name=host)
    assert outcome.end == "close_notify"
    assert server.accepted(address).sni is None


def test_both_ends_agree_on_the_application_protocol(echo_server, version):
    server, ca = start(echo_server, alpn="echo/1"), zoo.good("server").ca
    address, outcome = pyssl.attempt(server, pyssl.client_context(version, ca=ca, alpn="echo/1"))
    assert outcome.alpn == server.accepted(address).alpn == "echo/1"


def test_a_client_without_alpn_is_served_without_it(echo_server, version):
    server, ca = start(echo_server, alpn="echo/1"), zoo.good("server").ca
    address, outcome = pyssl.attempt(server, pyssl.client_context(version, ca=ca))
    assert (outcome.alpn, outcome.end) == (None, "close_notify")
    assert server.accepted(address).alpn is None


@pytest.mark.parametrize("lowest, highest", [("1.2", "1.2"), ("1.3", "1.3"), ("1.2", "1.3")])
def test_the_highest_common_version_is_chosen(echo_server, lowest, highest):
    server = start(echo_server, min_version=lowest, max_version=highest)
    address, outcome = pyssl.attempt(server, pyssl.client_context(ca=zoo.good("server").ca))
    assert outcome.version == server.accepted(address).version == f"TLSv{highest}"


def test_a_mebibyte_of_any_bytes_comes_back_intact(echo_server, version):
    data = random.Random(1).randbytes(1 << 20)
    server, ca = start(echo_server), zoo.good("server").ca
    address, outcome = pyssl.attempt(server, pyssl.client_context(version, ca=ca), data=data)
    assert outcome.received == data
    closed = server.closed(address)
    assert (closed.size, closed.status) == (len(data), "SALLY_END_OF_STREAM")


@pytest.mark.parametrize("size", [1, 16383, 16384, 16385, 65536])
def test_sizes_around_a_record_come_back_intact(echo_server, version, size):
    data = random.Random(size).randbytes(size)
    server, ca = start(echo_server), zoo.good("server").ca
    with pyssl.tls(server, pyssl.client_context(version, ca=ca)) as (tls, _):
        tls.sendall(data)
        received = b""
        while len(received) < size:
            received += tls.recv(size)
        assert received == data
        tls.unwrap()
