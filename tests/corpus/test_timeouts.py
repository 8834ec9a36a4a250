"""Peers that fall silent in the handshake: what both sides offered is told, as far as known."""

import contextlib

import pytest

import sides
from peers import capi, pyssl, sallyport, zoo
from puppets.client import Client
from puppets.server import Server
from scripts_both import instead


@pytest.fixture(params=["1.2", "1.3"])
def version(request):
    return request.param


def puppet(kind, plain, version):
    """It says its hello, and no more than that."""
    entry = zoo.entry("server-good" if kind is Server else "client-good")
    identity = zoo.chain_der(entry.chain), sides.deep_chain.private_key(entry.key)
    made = kind(plain, sides.VERSIONS[version], identity)
    made.edits[made.spot] = instead(lambda _: None)
    return made


def offers(report):
    assert report["status"] == "SALLY_TIMED_OUT", report
    assert report["phase"] == "handshake" and report["correlation_id"], report
    return report["handshake"]["versions"], report["handshake"]["groups"]


def test_a_server_tells_what_the_client_offered(version):
    with sides.Listener(capi.Library(), timeout=500) as server, pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
        with contextlib.suppress(OSError):
            puppet(Client, plain, version).talk()
        versions, groups = offers(server.report(address))
    assert versions["theirs"] == ["TLSv" + version] and groups["theirs"][0] == "x25519"
    assert versions["agreed"] == "TLSv" + version
    assert versions["ours"] == ["TLSv1.2", "TLSv1.3"] and "x25519" in groups["ours"]


def test_a_client_tells_what_the_server_chose(version):
    def serve(plain, _):
        puppet(Server, plain, version).talk()

    with pyssl.Server(None, serve=serve) as server:
        ca = zoo.entry("server-good").ca
        run = sallyport.run_client(
            server.address, ca=ca, name="localhost", timeout=500, message="x"
        )
    versions, groups = offers(run.failure.detail)
    assert versions["ours"] == ["TLSv1.2", "TLSv1.3"] and "x25519" in groups["ours"]
    assert versions["agreed"] == "TLSv" + version
