"""Every server of the zoo, shown to Sallyport's client by an outside server."""

import pytest

from peers import alerts, bare, pyssl, sallyport, zoo

ENTRIES = zoo.of_role("server")
ROLE_OF_KEY = "OpenSSL takes no ECDHE_ECDSA suite with a key that must not sign"
UNREADABLE = "OpenSSL does not load a certificate of which it cannot read an extension"
# What no OpenSSL server shows, and why: the bare peer shows it instead.
NOT_SHOWN = {
    ("server-no-signature-usage", "TLSv1.2"): ROLE_OF_KEY,
    ("server-key-agreement-usage", "TLSv1.2"): ROLE_OF_KEY,
    ("server-malformed-extension", "TLSv1.2"): UNREADABLE,
    ("server-malformed-extension", "TLSv1.3"): UNREADABLE,
}


def python_server(version, entry):
    return pyssl.Server(pyssl.server_context(version, cert=entry.chain, key=entry.key, weak=True))


def bare_server(version, entry):
    def show(plain, outcome):
        outcome.end = bare.show_as_server(plain, version, zoo.chain_der(entry.chain))

    return pyssl.Server(None, serve=show)


def show(version, entry):
    """A Sallyport client's visit to a server that shows this entry."""
    start = bare_server if (entry.name, version) in NOT_SHOWN else python_server
    with start(version, entry) as server:
        run = sallyport.run_client(
            server.address, ca=entry.ca, name=entry.verify_name, message="hello\n"
        )
        return run, server.outcome()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_client_judges_the_server_as_the_index_says(entry, version):
    run, outcome = show(version, entry)
    assert run.status == entry.expected, f"{entry.flaw or 'no flaw'}; {entry.rfc}\n{run.text}"
    if entry.is_good:
        assert (run.exit_status, run.echo, run.connection.version) == (0, b"hello\n", version)
        assert run.connection.peer_name == zoo.common_name(entry.chain)
        assert outcome.end == "close_notify"
        return
    assert (run.exit_status, run.connection) == (1, None)
    assert run.failure.detail.get("depth") == (entry.depth or 0), run.text
    assert run.failure.hint
    assert outcome.end in alerts.FITTING[entry.expected], run.text


@pytest.mark.parametrize("name, version", NOT_SHOWN, ids=lambda value: value)
def test_what_the_bare_peer_shows_cannot_be_shown_by_openssl(name, version):
    entry = zoo.entry(name)
    try:
        server = python_server(version, entry)
    except OSError:
        return
    with server:
        _, seen = pyssl.attempt(server, pyssl.client_context(version, weak=True))
        assert seen.version is None, "OpenSSL can show it: take it off the list"
        server.outcome()
