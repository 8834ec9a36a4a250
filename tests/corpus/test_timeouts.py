"""Peers that fall silent in the handshake: what both sides offered is told, as far as known."""

import contextlib

import pytest

import sides
from peers import capi, pyssl, sallyport, zoo
from puppets.client import Client
from puppets.puppet import WARNING
from puppets.server import Server
from scripts_both import instead

LIMIT_MS = 3000  # in which the peer must have said what it has to say


@pytest.fixture(params=["1.2", "1.3"])
def version(request):
    return request.param


def puppet(kind, plain, version, last=lambda _: None):
    """It says its hello, its last word where it has one, and no more than that."""
    entry = zoo.entry("server-good" if kind is Server else "client-good")
    identity = zoo.chain_der(entry.chain), sides.deep_chain.private_key(entry.key)
    made = kind(plain, sides.VERSIONS[version], identity)
    made.edits[made.spot] = instead(last)
    return made


def meet_as_client(version, **last):
    def serve(plain, _):
        puppet(Server, plain, version, **last).talk()

    ca = zoo.entry("server-good").ca
    with pyssl.Server(None, serve=serve) as server:
        run = sallyport.run_client(
            server.address, ca=ca, name="localhost", timeout=LIMIT_MS, message="x"
        )
    return run.failure.detail


def offers(report):
    assert report["status"] == "SALLY_TIMED_OUT", report
    assert report["phase"] == "handshake" and report["correlation_id"], report
    return report["handshake"]["versions"], report["handshake"]["groups"]


def test_a_server_tells_what_the_client_offered(version):
    with sides.Listener(capi.Library(), timeout=LIMIT_MS) as server, pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
        with contextlib.suppress(OSError):
            puppet(Client, plain, version).talk()
        versions, groups = offers(server.report(address))
    assert versions["theirs"] == ["TLSv" + version] and groups["theirs"][0] == "x25519"
    assert versions["agreed"] == "TLSv" + version
    assert versions["ours"] == ["TLSv1.2", "TLSv1.3"] and "x25519" in groups["ours"]


def test_a_client_tells_what_the_server_chose(version):
    versions, groups = offers(meet_as_client(version))
    assert versions["ours"] == ["TLSv1.2", "TLSv1.3"] and "x25519" in groups["ours"]
    assert versions["agreed"] == "TLSv" + version


def test_a_peer_that_cancels_and_does_not_close_is_told(version):
    """RFC 8446 section 6.1 has it followed by close_notify, which ends the wait."""
    report = meet_as_client(version, last=lambda server: server.alert(90, WARNING))
    offers(report)
    assert (report["alert"]["name"], report["alert"]["direction"]) == ("user_canceled", "received")
