"""sally doctor leads alone to the cause."""

import contextlib
import shutil
import socket
import ssl
import time

import pytest

from peers import ipv6, openssl, pyssl, zoo
from sally_tool import CLIENT, OTHER, OWN, Doctor, errors, run, shows


def alone(folder, *files):
    """Copies where nothing else lies about."""
    return [shutil.copy(file, folder) for file in files]


def plain(serve):
    return pyssl.Server(None, serve=serve)


def test_nothing_is_wrong(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, **shows(CLIENT))
    assert (found.exit_status, found.cause, found.causes, found.remarks) == (0, "none", [], [])
    assert found.report["resumption"]["outcome"] == "resumed"
    for version in ("TLSv1.2", "TLSv1.3"):
        assert found.handshake(f"{version} with the client certificate")["confirmed"]
        assert not found.handshake(f"{version} without a client certificate")["good"]


def test_versions_and_groups_are_told_apart(serve):
    found = Doctor(serve("echo", "--tls-min", "1.3").address)
    versions = {one["what"]: one["accepted"] for one in found.report["versions"]}
    assert versions == {"TLSv1.3": True, "TLSv1.2": False, "TLSv1.1": False, "TLSv1.0": False}
    groups = {one["what"]: one["accepted"] for one in found.report["groups"]}
    assert groups["x25519"] and groups["secp256r1"] and not groups["secp521r1"]
    assert found.report["large_hello"]["accepted"]
    assert found.report["large_hello"]["answer"]["hello_bytes"] > 1500
    assert found.exit_status == 0


def test_the_wrong_ca(serve):
    found = Doctor(serve().address, ca=OTHER.ca)
    assert (found.exit_status, found.cause) == (1, "wrong_ca")
    assert "Sallyport zoo root CA" in found.verdict["sentence"]
    assert "Sallyport zoo other root CA" in found.verdict["sentence"]


@pytest.mark.parametrize(
    "entry", ["server-good", "server-unknown-ca", "server-unknown-ca-with-root"]
)
def test_the_wrong_ca_without_any_other_certificate_at_hand(serve, tmp_path, entry):
    ca = zoo.entry("server-other").ca if entry == "server-good" else OWN.ca
    found = Doctor(serve(entry=zoo.entry(entry)).address, ca=alone(tmp_path, ca)[0])
    assert found.cause == "wrong_ca"


def test_a_ca_file_with_the_intermediate_only(serve, tmp_path):
    ca = alone(tmp_path, zoo.OUT / "zoo" / "ca-intermediate.pem")[0]
    found = Doctor(serve().address, ca=ca)
    assert found.cause == "wrong_ca"
    assert "holds the intermediate CA" in found.verdict["sentence"]


def test_a_missing_intermediate_is_found_beside_the_ca_file(serve):
    found = Doctor(serve(entry=zoo.entry("server-missing-intermediate")).address)
    assert (found.cause, found.verdict["certain"]) == ("missing_intermediate", True)
    assert "intermediate.pem" in found.verdict["fix"]
    assert found.report["chain"]["missing_issuer"].startswith("CN=Sallyport zoo intermediate CA")


def test_a_missing_intermediate_without_proof(serve, tmp_path):
    server = serve(entry=zoo.entry("server-missing-intermediate"))
    found = Doctor(server.address, ca=alone(tmp_path, OWN.ca)[0])
    assert (found.cause, found.verdict["certain"]) == ("missing_intermediate", False)


@pytest.mark.parametrize(
    "entry, cause",
    [
        ("server-expired", "expired"),
        ("server-expired-intermediate", "expired"),
        ("server-not-yet-valid", "not_yet_valid"),
        ("server-self-signed", "self_signed"),
        ("server-wrong-usage", "wrong_usage"),
        ("server-no-signature-usage", "wrong_usage"),
        ("server-wrong-host", "name_mismatch"),
        ("server-weak-key", "weak"),
        ("server-bad-signature", "bad_certificate"),
    ],
)
def test_the_faults_of_certificates(serve, entry, cause):
    if entry in ("server-weak-key",):
        context = pyssl.server_context(weak=True, **shows(zoo.entry(entry)))
        with pyssl.Server(context) as server:
            found = Doctor(server.address)
    else:
        found = Doctor(serve(entry=zoo.entry(entry)).address)
    assert (found.exit_status, found.cause) == (1, cause), found.verdict
    assert found.verdict["fix"] and found.verdict["sentence"].endswith(".")


def test_all_faults_are_told(serve):
    found = Doctor(serve(entry=zoo.entry("server-expired")).address, name="elsewhere.test")
    assert set(found.causes) == {"expired", "name_mismatch"}


def test_a_name_that_the_certificate_does_not_bear(serve):
    found = Doctor(serve().address, name="elsewhere.test")
    assert found.cause == "name_mismatch"
    assert "'elsewhere.test'" in found.verdict["sentence"]
    assert "'localhost'" in found.verdict["sentence"]
    assert "--name localhost" in found.verdict["fix"]


def test_a_name_that_the_server_does_not_know():
    context = pyssl.server_context(cert=OWN.chain, key=OWN.key)
    with pyssl.Server(context) as server:
        context.sni_callback = lambda _, name, __: (
            ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if name else None
        )
        found = Doctor(server.address)
    assert found.cause == "unknown_server_name"


@pytest.mark.parametrize("seconds", [1_000_000_000, 4_000_000_000], ids=["behind", "ahead"])
def test_a_clock_that_is_wrong(serve, seconds):
    found = Doctor(serve().address, time=seconds)
    assert (found.cause, found.causes) == ("clock", ["clock"])


def test_a_key_of_another_certificate(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, cert=CLIENT.chain, key=OTHER.key)
    assert (found.exit_status, found.cause, found.causes) == (
        1,
        "client_key_mismatch",
        ["client_key_mismatch"],
    )
    assert "PRIVATE" not in str(found.report)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_server_that_demands_a_certificate(version):
    with openssl.SServer(
        version, cert=OWN.chain, key=OWN.key, ca=CLIENT.ca, verify="require"
    ) as server:
        found = Doctor(server.address)
    assert found.cause == "client_certificate_required"
    assert "Sallyport zoo root CA" in found.verdict["sentence"]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_server_that_refuses_the_certificate(version):
    context = pyssl.server_context(version, ca=CLIENT.ca, client_auth="require", **shows(OWN))
    with pyssl.Server(context) as server:
        found = Doctor(server.address, **shows(OTHER))
    assert found.cause == "client_certificate_refused", found.verdict
    assert "client-other" in found.verdict["sentence"]
    late = "after the client's handshake" in found.verdict["sentence"]
    assert late == (version == "TLSv1.3")
    error = found.handshake(f"{version} with the client certificate")["error"]
    assert error["status"] == "SALLY_ALERT_UNKNOWN_CA"


def test_a_certificate_of_a_ca_that_the_server_does_not_name(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, **shows(OTHER))
    assert found.cause == "client_certificate_refused"
    assert "not even shown" in found.verdict["sentence"]


@pytest.mark.parametrize(
    "entry, cause",
    [
        ("client-wrong-usage", "client_certificate_wrong_usage"),
        ("client-no-signature-usage", "client_certificate_wrong_usage"),
        ("client-expired", "client_certificate_expired"),
        ("client-not-yet-valid", "client_certificate_expired"),
    ],
)
def test_a_client_certificate_that_does_not_fit(serve, entry, cause):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    assert Doctor(server.address, **shows(zoo.entry(entry))).cause == cause


def test_a_client_chain_without_its_intermediate(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, **shows(zoo.entry("client-missing-intermediate")))
    assert (found.cause, found.verdict["certain"]) == ("client_missing_intermediate", True)
    assert "Sallyport zoo intermediate CA" in found.verdict["sentence"]
    assert "ca-intermediate.pem" in found.verdict["fix"]


def test_a_client_chain_without_its_intermediate_which_is_nowhere_else(serve, tmp_path):
    entry = zoo.entry("client-missing-intermediate")
    cert, key, ca = alone(tmp_path, entry.chain, entry.key, OWN.ca)
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, cert=cert, key=key, ca=ca)
    assert found.cause == "client_certificate_refused"
    evidence = " ".join(found.report["findings"][0]["evidence"])
    assert "Sallyport zoo intermediate CA" in evidence, evidence


def without_alerts(context):
    """Refuses as some servers do: by closing, without the alert that says why."""

    def speak(accepted, _):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return
            accepted.sendall(outgoing.read())
            data = accepted.recv(65536)
            if not data:
                return
            incoming.write(data)

    return plain(speak)


def test_a_server_that_refuses_the_certificate_without_a_word():
    context = pyssl.server_context(ca=CLIENT.ca, client_auth="require", **shows(OWN))
    with without_alerts(context) as server:
        found = Doctor(server.address, **shows(OTHER))
    assert (found.cause, found.verdict["certain"]) == ("client_certificate_refused", False)


def test_a_certificate_is_not_shown_to_a_server_that_is_not_trusted(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, ca=OTHER.ca, **shows(CLIENT))
    assert found.cause == "wrong_ca"
    assert "client_certificate_not_tried" in found.remarks
    server.end()
    assert server.event("stopped")["accepted"] == 0


def test_a_server_without_tickets_leaves_its_opinion_open():
    with openssl.SServer(
        "TLSv1.3",
        cert=OWN.chain,
        key=OWN.key,
        ca=CLIENT.ca,
        verify="require",
        more=("-num_tickets", "0"),
    ) as server:
        found = Doctor(server.address, timeout=3, **shows(CLIENT))
    assert found.exit_status == 0
    assert "client_certificate_unconfirmed" in found.remarks


def test_a_server_of_old_versions_only():
    context = pyssl.server_context("TLSv1.1", weak=True, **shows(OWN))
    with pyssl.Server(context) as server:
        found = Doctor(server.address)
    assert (found.exit_status, found.cause) == (1, "old_versions_only")
    assert "TLSv1.1" in found.verdict["sentence"]


def test_a_server_of_old_suites_only():
    entry = zoo.entry("server-good-rsa")
    context = pyssl.server_context("TLSv1.2", suites="AES128-SHA", **shows(entry))
    with pyssl.Server(context) as server:
        found = Doctor(server.address)
    assert found.cause == "no_common_parameters"


def test_a_server_of_another_group_only():
    more = ("-groups", "X448")
    with openssl.SServer("TLSv1.3", cert=OWN.chain, key=OWN.key, more=more) as server:
        found = Doctor(server.address)
    assert found.cause == "no_common_parameters"


@ipv6.needed
def test_a_server_of_ipv6(serve):
    server = serve(listen="[::1]:0")
    found = Doctor(server.address)
    assert (found.exit_status, found.report["examined"]) == (0, server.address)


@pytest.mark.parametrize(
    "greeting, words",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"),
        (b"220 mail.test ESMTP\r\n", "SMTP"),
        (b"SSH-2.0-OpenSSH\r\n", "SSH"),
        (b"\x1b[2Jhello", "something else"),
    ],
    ids=["HTTP", "SMTP", "SSH", "other"],
)
def test_a_port_that_does_not_speak_tls(greeting, words):
    def speak(accepted, _):
        accepted.recv(65536)
        accepted.sendall(greeting)
        accepted.shutdown(socket.SHUT_WR)
        while accepted.recv(65536):
            pass

    with plain(speak) as server:
        found = Doctor(server.address)
    assert (found.exit_status, found.cause) == (1, "not_tls")
    assert words in found.verdict["sentence"]
    assert "\x1b" not in found.report["addresses"][0]["answer"]["text"]


def test_a_port_that_sends_back_what_it_gets():
    def speak(accepted, _):
        with contextlib.suppress(OSError):
            while data := accepted.recv(65536):
                accepted.sendall(data)

    with plain(speak) as server:
        assert Doctor(server.address).cause == "not_tls"


def test_a_port_that_says_nothing():
    def speak(accepted, _):
        while accepted.recv(65536):
            pass

    with plain(speak) as server:
        assert Doctor(server.address, timeout=0.3).cause == "tls_silent"


@pytest.mark.parametrize("by_force", [False, True], ids=["closes", "resets"])
def test_a_port_that_hangs_up(by_force):
    def speak(accepted, _):
        if by_force:
            pyssl.reset_on_close(accepted)
        else:
            accepted.recv(65536)

    with plain(speak) as server:
        assert Doctor(server.address).cause == "hung_up"


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert Doctor(f"127.0.0.1:{port}").cause == "connection_refused"


@contextlib.contextmanager
def full_backlog(host="127.0.0.1", port=0):
    """A port of which the system drops every further connection."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_an_address_that_drops_packets():
    with full_backlog() as port:
        began = time.monotonic()
        found = Doctor(f"127.0.0.1:{port}", timeout=3)
        assert time.monotonic() - began < 30
    assert (found.exit_status, found.cause) == (1, "no_answer")
    assert "timed out" in found.verdict["sentence"]


def test_a_name_that_leads_nowhere():
    found = Doctor("no-such-host.invalid:443", timeout=5)
    assert found.cause == "name_not_found"


def test_a_person_gets_a_tree_a_timeline_and_a_sentence(serve):
    server = serve(entry=zoo.entry("server-expired"))
    done = run("doctor", server.address, ca=OWN.ca, name="localhost")
    text = done.stdout.decode()
    assert done.returncode == 1
    lines = text.splitlines()
    leaf = next(i for i, line in enumerate(lines) if "CN=server-expired" in line)
    assert "CN=Sallyport zoo root CA" in lines[leaf - 4]
    assert "FAULT SALLY_CERTIFICATE_EXPIRED" in lines[leaf + 2]
    for words in ("Timeline", "handshake |", "Verdict: The server's certificate", "Fix: Renew"):
        assert words in text
    assert "\x1b" not in text and done.stderr == b""


@pytest.mark.parametrize(
    "words, told",
    [
        ([], "target"),
        (["localhost"], "HOST:PORT"),
        (["localhost:1", "--ca", "/nowhere"], "/nowhere"),
        (["localhost:1", "--cert", "/nowhere"], "/nowhere"),
        (["localhost:1", "--timeout", "-1"], "--timeout"),
        (["join", "/nowhere", "/nowhere"], "/nowhere"),
        (["join", "one"], "second"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_told(words, told):
    done = run("doctor", *words)
    assert (done.returncode, told in errors(done)) == (2, True), errors(done)
