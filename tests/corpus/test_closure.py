"""Peers that end as they may, with words that some of them say needlessly."""

import pytest

import sides
from peers import pyssl, zoo
from puppets.client import Client
from scripts_both import cancel


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_user_canceled_behind_the_handshake_is_a_clean_end(echo_server, version):
    """RFC 8446 section 6.1. .NET and Java send it before each close_notify."""
    own, client = zoo.entry("server-good"), zoo.entry("client-good")
    identity = zoo.chain_der(client.chain), sides.deep_chain.private_key(client.key)
    server = echo_server(cert=own.chain, key=own.key, client_auth="none")
    with pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
        puppet = Client(plain, sides.VERSIONS[version], identity)
        puppet.after = cancel
        assert puppet.talk().failure is None
        server.accepted(address)
        assert server.closed(address).status == "SALLY_END_OF_STREAM"
