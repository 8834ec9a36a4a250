"""Keys that are exported, channel bindings and stapled OCSP responses, with the openssl command."""

import hashlib
import ssl

import pytest

from peers import capi, openssl, zoo

LABEL = "EXPORTER-interop"


@pytest.fixture(scope="module")
def library():
    return capi.Library()


@pytest.fixture
def server(library, version):
    """A listener, and the credential that it shows."""
    entry = zoo.good("server")
    with (
        capi.Credential(library, entry.chain, entry.key) as credential,
        capi.Config(library, capi.SERVER, version, credential=credential) as config,
        capi.Listener(library, config) as listener,
    ):
        yield listener, credential


def visit(server, version, *more):
    """s_client, which says what it learnt and then waits."""
    return openssl.SClient(server, version, ca=zoo.good("server").ca, more=more)


def response(name):
    return (zoo.OUT / "zoo" / f"ocsp-{name}.der").read_bytes()


def test_openssl_exports_the_same_key(server, version):
    listener, _ = server
    with (
        visit(listener, version, "-keymatexport", LABEL, "-keymatexportlen", 48) as client,
        listener.accept() as stream,
    ):
        found = client.wait_for(rb"Keying material: ([0-9A-F]+)")
        assert bytes.fromhex(found[1].decode()) == stream.export_key(LABEL, 48)


def test_the_channel_is_bound_to_the_certificate_that_others_see(server, version):
    listener, _ = server
    chain = open(zoo.good("server").chain, encoding="ascii").read()
    end = "-----END CERTIFICATE-----\n"
    der = ssl.PEM_cert_to_DER_cert(chain[: chain.index(end) + len(end)])
    with visit(listener, version), listener.accept() as stream:
        binding = stream.channel_binding("tls-server-end-point")
    assert binding == hashlib.sha256(der).digest()


def test_openssl_sees_the_response_that_a_server_staples(server, version):
    listener, credential = server
    credential.staple(response("good"))
    with visit(listener, version, "-status") as client, listener.accept():
        client.wait_for(rb"OCSP Response Status: successful")
        client.wait_for(rb"Cert Status: good")
    credential.staple(b"")
    with visit(listener, version, "-status") as client, listener.accept():
        client.wait_for(rb"OCSP response: no response sent")


@pytest.mark.parametrize(
    ("staple", "expected"),
    [
        ("good", None),
        ("revoked", "SALLY_CERTIFICATE_REVOKED"),
        (None, "SALLY_OCSP_RESPONSE_MISSING"),
    ],
)
def test_a_client_judges_what_openssl_staples(library, version, staple, expected):
    entry = zoo.good("server")
    more = ["-status_file", str(zoo.OUT / "zoo" / f"ocsp-{staple}.der")] if staple else []
    with (
        openssl.SServer(version, cert=entry.chain, key=entry.key, more=more) as server,
        capi.Config(
            library, capi.CLIENT, version, ca=entry.ca, ocsp=capi.OCSP_REQUIRE
        ) as config,
    ):
        try:
            with capi.connect(library, config, server.address):
                outcome = None
        except capi.Refused as refused:
            outcome = str(refused)
    assert outcome == expected
