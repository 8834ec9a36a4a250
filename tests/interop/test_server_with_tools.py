"""Sallyport's server, and the openssl command and curl as its clients."""

import random
import re

import pytest

from peers import openssl, zoo

KEYS = ["p256", "p384", "rsa", "ed25519"]


def start(echo_server, key="p256", **options):
    entry = zoo.good("server", key)
    return echo_server(cert=entry.chain, key=entry.key, **options)


def protocol_of(client):
    """The version that s_client reports, from its summary (TLS 1.2) or its New line (TLS 1.3)."""
    return client.wait_for(rb"^(?:New|Reused), (TLSv[\d.]+), Cipher is (\S+)\n")[1].decode()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shown", [True, False], ids=["certificate", "no-certificate"])
def test_s_client_and_the_server_tell_the_same_story(echo_server, version, key, shown):
    client, ca = zoo.good("client", key), zoo.good("server").ca
    server = start(echo_server, key, ca=ca, client_auth="request")
    credential = {"cert": client.chain, "key": client.key} if shown else {}
    with openssl.SClient(server, version, ca=ca, **credential) as peer:
        peer.send(b"hello\n")
        peer.wait_for(rb"^hello\n")
        accepted = server.accepted()
        assert accepted.version == protocol_of(peer) == version
        assert peer.wait_for(rb"Verify return code: (\d+)")[1] == b"0"
        assert zoo.common_name(zoo.good("server", key).chain).encode() in peer.output
        assert accepted.sni == "localhost"
        assert accepted.peer_name == (zoo.common_name(client.chain) if shown else None)


def test_s_client_without_a_server_name(echo_server, version):
    server = start(echo_server)
    with openssl.SClient(server, version, name=None):
        assert server.accepted().sni is None


def test_s_client_sees_the_chosen_application_protocol(echo_server, version):
    server = start(echo_server, alpn="echo/1")
    with openssl.SClient(server, version, alpn="other,echo/1") as peer:
        peer.wait_for(rb"ALPN protocol: echo/1")
        assert server.accepted().alpn == "echo/1"


def test_a_mebibyte_of_any_bytes_comes_back_to_s_client(echo_server, version):
    data = random.Random(2).randbytes(1 << 20)
    server = start(echo_server)
    with openssl.SClient(server, version, quiet=True, ca=zoo.good("server").ca) as peer:
        # Standard error, with what was verified, comes before the first byte.
        peer.wait_for(rb"depth=0 [^\n]*\nverify return:1\n")
        before = len(peer.output)
        peer.send(data)
        assert peer.wait_for_bytes(before + len(data))[before:] == data


@pytest.mark.parametrize(
    "suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
def test_a_tls_1_2_suite_that_the_client_insists_on(echo_server, suite):
    server = start(echo_server)
    with openssl.SClient(server, "TLSv1.2", more=["-cipher", suite]) as peer:
        accepted = server.accepted()
        assert peer.wait_for(rb"Cipher is (\S+)\n")[1].decode() == suite
        assert accepted.suite.replace("TLS_ECDHE_ECDSA_WITH_", "").split("_")[0] in suite


@pytest.mark.parametrize(
    "suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
)
def test_a_tls_1_3_suite_that_the_client_insists_on(echo_server, suite):
    server = start(echo_server)
    with openssl.SClient(server, "TLSv1.3", more=["-ciphersuites", suite]) as peer:
        assert server.accepted().suite == peer.wait_for(rb"Cipher is (\S+)\n")[1].decode() == suite


@pytest.mark.parametrize(
    "group, shown", [("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1")]
)
def test_a_group_that_the_client_insists_on(echo_server, version, group, shown):
    # In TLS 1.2 the groups are those of certificates, too (RFC 8422 section 5.3): no EC key here.
    server = start(echo_server, "rsa")
    with openssl.SClient(server, version, more=["-groups", group]):
        names = {shown, group.lower(), {"secp256r1": "prime256v1"}.get(shown, shown)}
        assert server.accepted().group.lower() in names


@pytest.mark.parametrize("shown", [True, False], ids=["certificate", "no-certificate"])
def test_curl_gets_its_request_back(echo_server, version, shown):
    client, ca = zoo.good("client"), zoo.good("server").ca
    server = start(echo_server, ca=ca, client_auth="require" if shown else "none")
    credential = {"cert": client.chain, "key": client.key} if shown else {}
    with openssl.Curl(server, version, ca=ca, path="/some/path", **credential) as curl:
        # Its own log of the request starts with "> ".
        curl.wait_for(rb"^GET /some/path HTTP/1\.1\r\nHost: localhost:\d+\r\n(?:[^\r]+\r\n)*\r\n")
        accepted = server.accepted()
        used = re.search(rb"SSL connection using (\S+) / (\S+)", curl.output)
        assert used[1].decode() == accepted.version == version
        assert (accepted.peer is not None) == shown


def test_curl_speaks_the_application_protocol_it_offered(echo_server, version):
    server = start(echo_server, alpn="http/1.1")
    with openssl.Curl(server, version, ca=zoo.good("server").ca) as curl:
        curl.wait_for(rb"server accepted http/1\.1")
        assert server.accepted().alpn == "http/1.1"
