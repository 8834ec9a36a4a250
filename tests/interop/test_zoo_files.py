"""Everything of the zoo that can or cannot be loaded, given to Sallyport's programs."""

import pytest

from peers import process, pyssl, sallyport, zoo

# Servers and clients are files as well, and some of them must not even be loaded.
FILES = zoo.of_role("file")
CREDENTIALS = [entry for entry in FILES if entry.loads == "credential"]
TRUST_STORES = [entry for entry in FILES if entry.loads == "trust_store"]
BAD_CREDENTIALS = [
    entry for entry in CREDENTIALS + zoo.of_role("server", "client") if entry.loading != "SALLY_OK"
]
LOADABLE = [entry for entry in zoo.of_role("server", "client") if entry.loading == "SALLY_OK"]
GOOD_CREDENTIALS = [entry for entry in CREDENTIALS if entry.loading == "SALLY_OK"]
AUTHORITIES = zoo.of_role("ca")
ROOT = zoo.entry("ca-root").ca
# No server has this port (tcpmux). Whoever learns that has loaded its files, which comes first.
NOBODY = "127.0.0.1:1"


def names(entry):
    return entry.name


def file_at_fault(entry):
    return {"chain": entry.chain, "key": entry.key or entry.chain, "ca": entry.ca}[entry.fault]


@pytest.fixture(scope="module")
def python_server():
    own = zoo.entry("server-good")
    with pyssl.Server(pyssl.server_context(cert=own.chain, key=own.key)) as server:
        yield server


@pytest.mark.parametrize("entry", BAD_CREDENTIALS, ids=names)
def test_a_client_does_not_load_it(program, entry):
    run = sallyport.run_client(
        NOBODY,
        program,
        ca=ROOT,
        cert=entry.chain,
        key=entry.key,
        passphrase=entry.passphrase,
        message="x",
    )
    assert (run.exit_status, run.status) == (1, entry.loading), f"{entry.flaw}\n{run.text}"
    assert run.failure.detail.get("source") == str(file_at_fault(entry)), run.text


@pytest.mark.parametrize("entry", BAD_CREDENTIALS, ids=names)
def test_a_server_does_not_load_it(entry):
    if entry.passphrase:
        return  # echo_server takes none: the client's test covers those
    status, failure = failed_start(cert=entry.chain, key=entry.key, client_auth="none")
    assert (status, failure.status) == (1, entry.loading), f"{entry.flaw}\n{failure}"


@pytest.mark.parametrize("entry", LOADABLE, ids=names)
def test_a_client_loads_what_only_its_peers_refuse(entry):
    run = sallyport.run_client(NOBODY, ca=ROOT, cert=entry.chain, key=entry.key, message="x")
    assert run.status == "SALLY_CONNECTION_REFUSED", f"{entry.flaw}\n{run.text}"


@pytest.mark.parametrize("entry", GOOD_CREDENTIALS, ids=names)
def test_a_client_loads_it_and_connects(python_server, program, entry):
    files = {"cert": entry.chain, "key": entry.key, "passphrase": entry.passphrase, "ca": ROOT}
    run = sallyport.run_client(
        python_server.address, program, name="localhost", message="hello\n", **files
    )
    if run.connection:
        python_server.outcome()
    assert (run.exit_status, run.status, run.echo) == (0, "SALLY_OK", b"hello\n"), run.text


@pytest.mark.parametrize(
    "entry", [entry for entry in GOOD_CREDENTIALS if not entry.passphrase], ids=names
)
def test_a_server_loads_it_and_serves(entry):
    with sallyport.EchoServer(cert=entry.chain, key=entry.key) as server:
        context = pyssl.client_context(ca=zoo.entry("server-good").ca)
        _, seen = pyssl.attempt(server, context)
        assert (seen.received, seen.end) == (b"hello\n", "close_notify")


@pytest.mark.parametrize(
    "entry", [entry for entry in TRUST_STORES if entry.loading != "SALLY_OK"], ids=names
)
def test_no_program_trusts_a_broken_store(program, entry):
    run = sallyport.run_client(NOBODY, program, ca=entry.ca, message="x")
    assert (run.exit_status, run.status) == (1, entry.loading), f"{entry.flaw}\n{run.text}"
    assert run.failure.detail.get("source") == str(entry.ca), run.text
    own = zoo.entry("server-good")
    status, failure = failed_start(cert=own.chain, key=own.key, ca=entry.ca, client_auth="require")
    assert (status, failure.status) == (1, entry.loading), f"{entry.flaw}\n{failure}"


@pytest.mark.parametrize(
    "entry",
    [entry for entry in TRUST_STORES + AUTHORITIES if entry.loading == "SALLY_OK"],
    ids=names,
)
def test_a_client_loads_the_store(program, entry):
    run = sallyport.run_client(NOBODY, program, ca=entry.ca, message="x")
    assert run.status == "SALLY_CONNECTION_REFUSED", run.text


@pytest.mark.parametrize(
    "entry",
    [entry for entry in TRUST_STORES if entry.loading == "SALLY_OK" and "crowd" not in entry.name],
    ids=names,
)
def test_every_certificate_of_a_store_is_trusted(program, entry):
    for own in (zoo.entry("server-good"), zoo.entry("server-other")):
        with pyssl.Server(pyssl.server_context(cert=own.chain, key=own.key)) as server:
            run = sallyport.run_client(
                server.address, program, ca=entry.ca, name="localhost", message="x"
            )
        assert run.status == "SALLY_OK", run.text


def failed_start(**options):
    """The exit status and the complaint of an echo_server that should not start."""
    words = sallyport.options(listen="127.0.0.1:0", json=True, **options)
    done = process.run(sallyport.BIN / "echo_server", *words, limit=process.GRACE)
    failure = sallyport.failure_of(done.stderr.decode())
    assert failure, done
    return done.returncode, failure
