"""sally doctor --starttls: what it finds out behind a plain beginning, and what hinders one."""

import ssl

import pytest

from peers import pyssl
from sally_tool import CLIENT, OTHER, OWN, Doctor, errors, run, shows
from test_connect import CONSENT, GREETING, SPOKEN, smtp, speaking


def context(**options):
    made = pyssl.server_context(**shows(OWN), **options)
    made.options &= ~ssl.OP_NO_TICKET
    return made


@pytest.mark.parametrize("starttls", ["smtp", "imap", "postgres"])
def test_a_healthy_server_is_examined_as_any_other(starttls):
    tls = context(ca=CLIENT.ca, client_auth="require")
    server = smtp(CONSENT, tls) if starttls == "smtp" else speaking(SPOKEN[starttls], tls)
    with server:
        found = Doctor(server.address, starttls=starttls, **shows(CLIENT))
    assert (found.exit_status, found.causes) == (0, []), found.report["findings"]
    assert found.report["target"]["starttls"] == starttls
    accepted = [one["what"] for one in found.report["versions"] if one["accepted"]]
    assert accepted[:2] == ["TLSv1.3", "TLSv1.2"]
    assert any(one["accepted"] for one in found.report["groups"])
    for version in ("TLSv1.2", "TLSv1.3"):
        assert found.handshake(f"{version} with the client certificate")["good"]
        assert not found.handshake(f"{version} without a client certificate")["good"]
    assert found.report["resumption"]["outcome"] == "resumed"


def test_what_is_wrong_with_tls_is_told():
    with smtp(CONSENT, context()) as server:
        found = Doctor(server.address, starttls="smtp", ca=OTHER.ca)
        assert (found.exit_status, found.cause) == (1, "wrong_ca")
        done = run("doctor", server.address, starttls="smtp", ca=OWN.ca, name="localhost")
    text = done.stdout.decode()
    assert text.startswith(f"sally doctor {server.address}, as 'localhost', by STARTTLS in smtp\n")
    assert "Verdict: All is well" in text and "<- server_hello" in text


def test_a_refused_client_certificate_is_told():
    with smtp(CONSENT, context(ca=CLIENT.ca, client_auth="require")) as server:
        found = Doctor(server.address, starttls="smtp", **shows(OTHER))
    assert (found.exit_status, found.cause) == (1, "client_certificate_refused")


@pytest.mark.parametrize(
    "replies, words",
    [
        ([b"220 mail.test\r\n", None, b"250 mail.test\r\n"], "does not offer STARTTLS"),
        ([b"554 go away\r\n"], "554 go away"),
        ([*GREETING, None, b"454 not now\r\n"], "454 not now"),
        ([b"SSH-2.0-x\r\n"], "does not speak SMTP"),
        ([b"220 \x1b[31m\r\n", None, b"500 \x1b[2J\r\n"], "\\x1b[2J"),
        ([b"220 hi\r\n"], "it ends the connection before that"),
    ],
    ids=["not offered", "turned away", "not now", "not SMTP", "escapes", "hangs up"],
)
def test_what_the_server_says_instead_is_the_verdict(replies, words):
    with smtp(replies) as server:
        found = Doctor(server.address, starttls="smtp", timeout=3)
        page = run("doctor", server.address, starttls="smtp", timeout=3).stdout
    assert (found.exit_status, found.cause) == (1, "starttls_refused")
    assert words in found.verdict["sentence"] and "465 for SMTP" in found.verdict["fix"]
    assert found.report["addresses"][0]["answer"]["kind"] == "no_starttls"
    assert b"\x1b" not in page and b"FAIL" in page


def test_a_server_that_speaks_tls_from_the_start(serve):
    found = Doctor(serve().address, starttls="smtp", timeout=3)
    assert (found.exit_status, found.cause) == (1, "starttls_needless")
    assert "leave out --starttls" in found.verdict["fix"]


def test_a_server_that_does_not_always_agree():
    left = [12]

    def speak(plain, outcome):
        left[0] -= 1
        lines = plain.makefile("rb")
        for reply in CONSENT[:-1] if left[0] > 0 else [b"421 too many connections\r\n"]:
            plain.sendall(reply) if reply else lines.readline()
        if left[0] > 0:
            plain.sendall(CONSENT[-1])
            with tls.wrap_socket(plain, server_side=True) as secured:
                pyssl.echo(secured, outcome)

    tls = context()
    with pyssl.Server(None, serve=speak) as server:
        found = Doctor(server.address, starttls="smtp")
    assert (found.cause, found.verdict["certain"]) == ("starttls_refused", False)
    assert "421 too many connections" in found.verdict["sentence"]


@pytest.mark.parametrize(
    "words, told",
    [
        (["--starttls", "gopher"], "--starttls"),
        (["--starttls", "smtp", "--http", "/"], "--http"),
    ],
)
def test_bad_usage_is_told(words, told):
    done = run("doctor", "localhost:1", *words)
    assert (done.returncode, told in errors(done)) == (2, True), errors(done)
