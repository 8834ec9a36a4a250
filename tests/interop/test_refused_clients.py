"""What outside clients see when Sallyport's server refuses them for what they are."""

import pytest

from peers import openssl, pyssl, zoo


def start(echo_server, entry="server-good", client="client-good", **options):
    own = zoo.entry(entry)
    return echo_server(cert=own.chain, key=own.key, ca=zoo.entry(client).ca, **options)


NO_CERTIFICATE = {"TLSv1.2": "handshake_failure", "TLSv1.3": "certificate_required"}


def test_python_learns_that_it_needs_a_certificate(echo_server, version):
    server = start(echo_server, client_auth="require")
    address, seen = pyssl.attempt(server, pyssl.client_context(version))
    refused = server.refused(address)
    assert refused.status == "SALLY_CLIENT_CERTIFICATE_REQUIRED", refused
    assert refused.detail["alert"]["direction"] == "sent"
    assert seen.end == NO_CERTIFICATE[version] == refused.detail["alert"]["name"]
    assert seen.received == b""


def test_s_client_learns_that_it_needs_a_certificate(echo_server, version):
    server = start(echo_server, client_auth="require")
    with openssl.SClient(server, version) as client:
        assert server.refused().status == "SALLY_CLIENT_CERTIFICATE_REQUIRED"
        assert client.alert() == NO_CERTIFICATE[version]


def test_curl_learns_that_it_needs_a_certificate(echo_server, version):
    server = start(echo_server, client_auth="require")
    with openssl.Curl(server, version, ca=zoo.entry("server-good").ca) as curl:
        assert server.refused().status == "SALLY_CLIENT_CERTIFICATE_REQUIRED"
        assert curl.wait() in (35, 56)  # failed to connect, failed to receive
        words = {"TLSv1.2": b"handshake failure", "TLSv1.3": b"certificate required"}
        assert words[version] in curl.output


@pytest.mark.parametrize("client_auth", ["request", "require"])
def test_a_client_of_another_ca_is_told_so_even_when_it_need_not_have_come_with_one(
    echo_server, version, client_auth
):
    server, other = start(echo_server, client_auth=client_auth), zoo.entry("client-other")
    context = pyssl.client_context(version, cert=other.chain, key=other.key)
    address, seen = pyssl.attempt(server, context)
    assert server.refused(address).status == "SALLY_CERTIFICATE_UNKNOWN_CA"
    assert seen.end == "unknown_ca"


def test_the_alert_reaches_a_client_that_talks_on(echo_server):
    server, other = start(echo_server, client_auth="require"), zoo.entry("client-other")
    context = pyssl.client_context("TLSv1.3", cert=other.chain, key=other.key)
    # The client is connected before the server has judged it: what it sends meanwhile must not
    # cost it the alert.
    address, seen = pyssl.attempt(server, context, data=bytes(8000))
    assert server.refused(address).status == "SALLY_CERTIFICATE_UNKNOWN_CA"
    assert seen.end == "unknown_ca"


def test_curl_is_told_that_its_ca_is_unknown(echo_server, version):
    server, other = start(echo_server, client_auth="require"), zoo.entry("client-other")
    given = {"ca": zoo.entry("server-good").ca, "cert": other.chain, "key": other.key}
    with openssl.Curl(server, version, **given) as curl:
        assert server.refused().status == "SALLY_CERTIFICATE_UNKNOWN_CA"
        assert curl.wait() in (35, 56)
        assert b"unknown ca" in curl.output


def test_nothing_but_the_alert_is_told_to_the_refused(echo_server, version):
    server, expired = start(echo_server, client_auth="require"), zoo.entry("client-expired")
    with openssl.SClient(server, version, cert=expired.chain, key=expired.key) as client:
        refused = server.refused()
        assert client.alert() == "certificate_expired"
        assert refused.message.encode() not in client.output
        assert client.output.count(b"<<< ") > 0


def test_a_refusal_delays_nobody_and_ends_nothing(echo_server, version):
    server, client = start(echo_server, client_auth="require"), zoo.entry("client-good")
    pyssl.attempt(server, pyssl.client_context(version))
    address, seen = pyssl.attempt(
        server.meet(), pyssl.client_context(version, cert=client.chain, key=client.key)
    )
    assert (seen.received, seen.end) == (b"hello\n", "close_notify")
    assert server.accepted(address).peer_name == zoo.common_name(client.chain)


def test_a_silent_client_delays_nobody(echo_server, version):
    server = start(echo_server)
    with pyssl.tcp(server):
        _, seen = pyssl.attempt(server, pyssl.client_context(version))
        assert (seen.received, seen.end) == (b"hello\n", "close_notify")


def test_no_common_application_protocol_is_refused_by_name(echo_server, version):
    server = start(echo_server, alpn="echo/1")
    with openssl.SClient(server, version, alpn="other/1") as client:
        assert server.refused().status == "SALLY_TLS_NO_COMMON_ALPN"
        assert client.alert() == "no_application_protocol"


# What a client brings that shares nothing with the server: the options of s_client. In TLS 1.2 a
# suite implies the kind of signature (RFC 5246 section 7.4.1.4.1), so a server that may not sign
# has no suite left.
EC, RSA = "server-good", "server-good-rsa"
NOTHING_IN_COMMON = {
    "cipher-tls12": ("TLSv1.2", RSA, "-cipher", "AES128-SHA", "CIPHER"),
    "cipher-not-for-the-key": ("TLSv1.2", EC, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "CIPHER"),
    "cipher-cbc": ("TLSv1.2", RSA, "-cipher", "ECDHE-RSA-AES128-SHA256", "CIPHER"),
    "cipher-tls13": ("TLSv1.3", EC, "-ciphersuites", "TLS_AES_128_CCM_SHA256", "CIPHER"),
    "group-tls13": ("TLSv1.3", EC, "-groups", "X448", "GROUP"),
    "signature-tls12": ("TLSv1.2", EC, "-sigalgs", "RSA+SHA256", "CIPHER"),
    "signature-tls13": ("TLSv1.3", EC, "-sigalgs", "RSA-PSS+SHA256", "SIGNATURE"),
}


@pytest.mark.parametrize("case", NOTHING_IN_COMMON)
def test_nothing_in_common_is_named(echo_server, case):
    version, entry, option, value, what = NOTHING_IN_COMMON[case]
    server = start(echo_server, entry)
    with openssl.SClient(server, version, more=[option, value]) as client:
        refused = server.refused()
        assert refused.status == f"SALLY_TLS_NO_COMMON_{what}", refused
        assert client.alert() == "handshake_failure"


# RFC 8422 section 5.1: without a common curve there is no ECDHE suite to choose, and no other here.
def test_no_common_group_in_tls_1_2_is_no_common_suite(echo_server):
    server = start(echo_server, "server-good-rsa")
    with openssl.SClient(server, "TLSv1.2", more=["-groups", "X448"]) as client:
        assert server.refused().status == "SALLY_TLS_NO_COMMON_CIPHER"
        assert client.alert() == "handshake_failure"


@pytest.mark.parametrize("client, lowest", [("TLSv1.1", "1.2"), ("TLSv1.2", "1.3")])
def test_a_version_that_is_too_low_is_refused(echo_server, client, lowest):
    server = start(echo_server, min_version=lowest)
    with openssl.SClient(server, client, weak=True) as peer:
        assert server.refused().status == "SALLY_TLS_VERSION_MISMATCH"
        assert peer.alert() == "protocol_version"


def test_a_version_that_is_too_high_is_refused(echo_server):
    server = start(echo_server, max_version="1.2")
    with openssl.SClient(server, "TLSv1.3") as peer:
        assert server.refused().status == "SALLY_TLS_VERSION_MISMATCH"
        assert peer.alert() == "protocol_version"


def test_a_client_that_does_not_like_the_server_says_why(echo_server, version):
    server = start(echo_server)
    address, seen = pyssl.attempt(
        server, pyssl.client_context(version, ca=zoo.entry("server-other").ca)
    )
    assert seen.end == "CERTIFICATE_VERIFY_FAILED"
    assert server.refused(address).status == "SALLY_ALERT_UNKNOWN_CA"


def test_a_client_that_hangs_up_in_the_handshake_is_told_apart(echo_server):
    server = start(echo_server)
    with pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
    assert server.refused(address).status == "SALLY_HANDSHAKE_INTERRUPTED"
