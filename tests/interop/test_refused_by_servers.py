"""What Sallyport's clients say when an outside server refuses them, or just goes."""

import socket

import pytest

from peers import openssl, pyssl, sallyport, zoo

OWN, CLIENT, OTHER = (zoo.entry(name) for name in ("server-good", "client-good", "client-other"))
REQUIRED = {
    "TLSv1.2": "SALLY_ALERT_HANDSHAKE_FAILURE",
    "TLSv1.3": "SALLY_ALERT_CERTIFICATE_REQUIRED",
}


def visit(server, program="echo_client", entry=None, **given):
    if entry:
        given |= {"cert": entry.chain, "key": entry.key}
    given = {"ca": OWN.ca, "name": "localhost", "message": "hello\n", **given}
    return sallyport.run_client(server.address, program, **given)


def python_server(version=None, serve=pyssl.echo, **given):
    context = pyssl.server_context(version, cert=OWN.chain, key=OWN.key, **given)
    return pyssl.Server(context, serve=serve)


def plain_server(serve):
    return pyssl.Server(None, serve=serve)


def receives_the_refusal(run, status):
    assert (run.exit_status, run.status) == (1, status), run.text
    assert run.failure.detail["alert"]["direction"] == "received"


# In TLS 1.3 the client is connected before the server has looked at its certificate.
def check_when(run, version):
    assert (run.connection is not None) == (version == "TLSv1.3"), run.text


def test_s_server_refuses_a_client_without_a_certificate(s_server, version, program):
    server = s_server(version, cert=OWN.chain, key=OWN.key, ca=CLIENT.ca, verify="require")
    run = visit(server, program)
    receives_the_refusal(run, REQUIRED[version])
    check_when(run, version)
    assert run.failure.detail["found"] == "no certificate", run.text
    assert run.connection is None or run.connection.client_certificate == "not-sent"


def test_s_server_is_shown_no_certificate_of_a_ca_that_it_does_not_name(s_server, version, program):
    server = s_server(version, cert=OWN.chain, key=OWN.key, ca=CLIENT.ca, verify="require")
    run = visit(server, program, OTHER)
    receives_the_refusal(run, REQUIRED[version])
    check_when(run, version)
    # Whom the server would accept, and why what there is does not fit.
    assert "Sallyport zoo root CA" in run.failure.detail["expected"], run.text
    assert "Sallyport zoo other root CA" in run.failure.detail["hint"], run.text


def test_s_server_refuses_an_expired_certificate(s_server, version, program):
    server = s_server(version, cert=OWN.chain, key=OWN.key, ca=CLIENT.ca, verify="require")
    # A client does not show what has expired; of its issuers it does not judge.
    run = visit(server, program, zoo.entry("client-expired-intermediate"))
    receives_the_refusal(run, "SALLY_ALERT_CERTIFICATE_EXPIRED")


def test_python_refuses_a_client_without_a_certificate(version, program):
    with python_server(version, ca=CLIENT.ca, client_auth="require") as server:
        run, outcome = visit(server, program), server.outcome()
    assert outcome.end == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    receives_the_refusal(run, REQUIRED[version])


def test_python_refuses_an_unknown_ca(version, program):
    with python_server(version, ca=CLIENT.ca, client_auth="require") as server:
        run, outcome = visit(server, program, OTHER), server.outcome()
    assert outcome.end == "CERTIFICATE_VERIFY_FAILED"
    receives_the_refusal(run, "SALLY_ALERT_UNKNOWN_CA")


def test_a_late_refusal_is_named_while_much_is_being_sent(program):
    with python_server("TLSv1.3", ca=CLIENT.ca, client_auth="require") as server:
        run, outcome = (
            visit(server, program, OTHER, message=None, data=bytes(1 << 20)),
            server.outcome(),
        )
    assert outcome.end == "CERTIFICATE_VERIFY_FAILED"
    receives_the_refusal(run, "SALLY_ALERT_UNKNOWN_CA")


def hang_up(plain, _):
    """Closes with nothing unread: the client finds the end of the stream."""
    plain.recv(65536)
    plain.shutdown(socket.SHUT_WR)


def reset(plain, _):
    plain.recv(1)
    pyssl.reset_on_close(plain)


def test_a_server_that_hangs_up_during_the_handshake(program):
    with plain_server(hang_up) as server:
        run = visit(server, program)
    assert (run.exit_status, run.status, run.connection) == (
        1,
        "SALLY_HANDSHAKE_INTERRUPTED",
        None,
    ), run.text


def test_a_server_that_resets_during_the_handshake(program):
    with plain_server(reset) as server:
        run = visit(server, program)
    assert (run.exit_status, run.status, run.connection) == (
        1,
        "SALLY_CONNECTION_RESET",
        None,
    ), run.text


def test_a_server_that_cuts_the_connection_has_truncated_it(version, program):
    def cut(tls, outcome):
        outcome.received = tls.recv(pyssl.SLICE)
        tls.shutdown(socket.SHUT_RDWR)

    with python_server(version, serve=cut) as server:
        run, outcome = visit(server, program), server.outcome()
    assert outcome.received == b"hello\n"
    assert run.connection is not None
    assert (run.exit_status, run.status) == (1, "SALLY_TRUNCATED"), run.text


def test_a_server_that_resets_the_connection(version, program):
    def slam(tls, outcome):
        outcome.received = tls.recv(pyssl.SLICE)
        pyssl.reset_on_close(tls)

    with python_server(version, serve=slam) as server:
        run, _ = visit(server, program), server.outcome()
    assert run.connection is not None
    assert (run.exit_status, run.status) == (1, "SALLY_CONNECTION_RESET"), run.text


def test_a_server_that_says_goodbye_too_early_is_at_its_end(version, program):
    def leave(tls, outcome):
        outcome.received = tls.recv(pyssl.SLICE)
        tls.unwrap()

    with python_server(version, serve=leave) as server:
        run, outcome = visit(server, program), server.outcome()
    assert outcome.received == b"hello\n"
    assert (run.exit_status, run.status) == (1, "SALLY_END_OF_STREAM"), run.text


def test_a_silent_server_is_timed_out(program):
    def wait(plain, _):
        while plain.recv(65536):
            pass

    with plain_server(wait) as server:
        run = visit(server, program, timeout=300)
    assert (run.exit_status, run.status, run.connection) == (1, "SALLY_TIMED_OUT", None), run.text


def test_nobody_listens(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    run = sallyport.run_client(f"127.0.0.1:{port}", program, ca=OWN.ca, message="x")
    assert (run.exit_status, run.status) == (1, "SALLY_CONNECTION_REFUSED"), run.text


def test_a_server_with_older_versions_only(program):
    context = pyssl.server_context("TLSv1.1", cert=OWN.chain, key=OWN.key, weak=True)
    with pyssl.Server(context) as server:
        run, outcome = visit(server, program), server.outcome()
    assert outcome.end == "UNSUPPORTED_PROTOCOL"
    receives_the_refusal(run, "SALLY_ALERT_PROTOCOL_VERSION")


@pytest.mark.parametrize("own, theirs", [("1.2", "TLSv1.3"), ("1.3", "TLSv1.2")])
def test_versions_that_do_not_overlap(program, own, theirs):
    with python_server(theirs) as server:
        run = visit(server, program, min_version=own, max_version=own)
        server.outcome()
    receives_the_refusal(run, "SALLY_ALERT_PROTOCOL_VERSION")


def test_a_server_without_a_common_suite(program):
    rsa = zoo.entry("server-good-rsa")
    context = pyssl.server_context("TLSv1.2", cert=rsa.chain, key=rsa.key, suites="AES128-SHA")
    with pyssl.Server(context) as server:
        run, outcome = visit(server, program), server.outcome()
    assert outcome.end == "NO_SHARED_CIPHER"
    receives_the_refusal(run, "SALLY_ALERT_HANDSHAKE_FAILURE")


def test_a_server_without_a_common_group(s_server, program):
    server = s_server("TLSv1.3", cert=OWN.chain, key=OWN.key, more=("-groups", "X448"))
    receives_the_refusal(visit(server, program), "SALLY_ALERT_HANDSHAKE_FAILURE")


# In TLS 1.3 an OpenSSL server without a signature to offer takes itself for one without TLS 1.3.
def test_a_server_without_a_common_signature(s_server, program):
    more = ("-sigalgs", "RSA-PSS+SHA256")
    server = s_server("TLSv1.2", cert=OWN.chain, key=OWN.key, more=more)
    receives_the_refusal(visit(server, program), "SALLY_ALERT_HANDSHAKE_FAILURE")


def test_a_server_without_a_common_application_protocol(s_server, version, program):
    server = s_server(version, cert=OWN.chain, key=OWN.key, alpn="echo/1")
    receives_the_refusal(
        visit(server, program, alpn="other/1"), "SALLY_ALERT_NO_APPLICATION_PROTOCOL"
    )
