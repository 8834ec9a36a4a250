"""Every client of the zoo, shown to Sallyport's server by an outside client."""

import pytest

from peers import alerts, bare, openssl, pyssl, zoo

ENTRIES = zoo.of_role("client")
# What no OpenSSL client shows, and why: the bare peer shows it instead.
UNREADABLE = "OpenSSL does not load a certificate of which it cannot read an extension"
NOT_SHOWN = {"client-malformed-extension": UNREADABLE}


@pytest.fixture
def server_for(echo_server):
    """A server that trusts what an entry is to be verified with, and insists on a certificate."""
    own = zoo.good("server")

    def start(entry):
        return echo_server(cert=own.chain, key=own.key, ca=entry.ca, client_auth="require")

    return start


def python_context(version, entry):
    return pyssl.client_context(version, cert=entry.chain, key=entry.key, weak=True)


def show(server, version, entry):
    """The address that an outside client showed the entry from, and what it saw."""
    if entry.name not in NOT_SHOWN:
        return pyssl.attempt(server, python_context(version, entry))
    with pyssl.tcp(server) as plain:
        alert = bare.show_as_client(plain, version, zoo.chain_der(entry.chain))
        return pyssl.address_of(plain), pyssl.Outcome(end=alert)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_server_judges_the_client_as_the_index_says(server_for, entry, version):
    server = server_for(entry)
    address, seen = show(server, version, entry)
    outcome = server.outcome(address)
    status = getattr(outcome, "status", "SALLY_OK")
    assert status == entry.expected, f"{entry.flaw or 'no flaw'}; {entry.rfc}\n{outcome}"
    if entry.is_good:
        assert (seen.received, seen.end) == (b"hello\n", "close_notify")
        assert outcome.version == version
        assert outcome.peer_name == zoo.common_name(entry.chain)
        return
    assert outcome.detail.get("depth") == (entry.depth or 0), outcome
    assert outcome.hint
    assert seen.end in alerts.FITTING[entry.expected], outcome


# One entry a status is enough to see that another client reads the same alert.
ONE_EACH = list(
    {entry.expected: entry for entry in reversed(ENTRIES) if entry.name not in NOT_SHOWN}.values()
)


@pytest.mark.parametrize("entry", ONE_EACH, ids=lambda entry: entry.name)
def test_s_client_is_told_by_a_fitting_alert(server_for, entry, version):
    server = server_for(entry)
    with openssl.SClient(server, version, cert=entry.chain, key=entry.key, weak=True) as client:
        outcome = server.outcome()
        assert getattr(outcome, "status", "SALLY_OK") == entry.expected, outcome
        if entry.is_good:
            client.end_input()
        assert client.alert() in alerts.FITTING.get(entry.expected, {None})


@pytest.mark.parametrize("name", NOT_SHOWN)
def test_what_the_bare_peer_shows_cannot_be_shown_by_openssl(name, version):
    with pytest.raises(OSError):
        python_context(version, zoo.entry(name))
