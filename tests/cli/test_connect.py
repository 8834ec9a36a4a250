"""sally connect: standard input and output over a socket."""

import contextlib
import json
import os
import pty

import pytest

from peers import openssl, process, pyssl
from sally_tool import CLIENT, OTHER, OWN, SALLY, connect, errors, run, shows


def test_input_goes_there_and_back(serve, version):
    data = os.urandom(3 << 20)
    done = connect(serve(), data=data, tls_max=version.removeprefix("TLSv"))
    assert (done.returncode, done.stdout == data, errors(done)) == (0, True, "")


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def version(request):
    return request.param


def test_s_server_answers(version):
    with openssl.SServer(version, cert=OWN.chain, key=OWN.key) as server:
        words = [SALLY, "connect", server.address, "--ca", OWN.ca, "--name", "localhost"]
        with process.Program(*words, takes_input=True) as client:
            client.send(b"abc\n")
            assert client.wait_for(rb"^cba\n")


def test_the_end_of_input_is_half_a_close():
    answers = pyssl.server_context("TLSv1.3", cert=OWN.chain, key=OWN.key)

    def answer_after_the_end(tls, outcome):
        while data := tls.recv(pyssl.SLICE):
            outcome.received += data
        tls.sendall(b"all of it")
        tls.unwrap()

    with pyssl.Server(answers, serve=answer_after_the_end) as server:
        done = connect(server, data=b"question")
        assert server.outcome().received == b"question"
    assert (done.returncode, done.stdout) == (0, b"all of it"), errors(done)


def test_the_report_tells_how_the_connection_came_about(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    done = connect(server, "--json", data=b"x", **shows(CLIENT))
    report = json.loads(done.stderr)
    assert report["version"] == "TLSv1.3" and report["suite"] and report["group"]
    assert report["client_certificate_sent"] and report["peer_verified"]
    assert report["peer_address"] == server.address
    assert report["steps"]["handshake_us"] > 0 and report["steps"]["round_trips"] == 1
    assert len(report["peer_certificates"]) == 2 and len(report["verified_chain"]) == 3
    accepted = server.event("accepted", report["local_address"])
    assert report["correlation_id"] == accepted["correlation_id"]
    text = errors(connect(server, "--report", data=b"x", **shows(CLIENT)))
    for word in ("TLSv1.3", "handshake", "round trip", "correlation id", "server-good"):
        assert word in text


def test_a_late_refusal_is_told(serve):
    with pyssl.Server(
        pyssl.server_context("TLSv1.3", ca=CLIENT.ca, client_auth="require", **shows(OWN))
    ) as server:
        done = connect(server, data=b"hello\n", **shows(OTHER))
    assert (done.returncode, done.stdout) == (1, b"")
    assert "SALLY_ALERT_UNKNOWN_CA" in errors(done)


def test_a_refusal_comes_before_the_connection_where_that_is_asked_for(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    assert connect(server, "--confirm", data=b"x", **shows(CLIENT)).stdout == b"x"
    done = connect(server, "--confirm", "--report", data=b"x")
    assert (done.returncode, done.stdout) == (1, b"")
    assert "SALLY_ALERT_CERTIFICATE_REQUIRED" in errors(done)
    assert "connected" not in errors(done)


def test_a_server_that_is_not_trusted_is_told(serve):
    done = connect(serve(), "--json", ca=OTHER.ca)
    assert done.returncode == 1
    assert json.loads(done.stderr)["status"] == "SALLY_CERTIFICATE_UNKNOWN_CA"


def smtp(replies, context=None):
    """A server that speaks these replies, and then TLS."""

    def speak(plain, outcome):
        lines = plain.makefile("rb")
        for reply in replies:
            if isinstance(reply, bytes):
                plain.sendall(reply)
            else:
                outcome.received += lines.readline()
        if context:
            with context.wrap_socket(plain, server_side=True) as tls:
                pyssl.echo(tls, outcome)

    return pyssl.Server(None, serve=speak)


GREETING = [b"220 mail.test ESMTP\r\n", None, b"250-mail.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"]
CONSENT = [*GREETING, None, b"220 go ahead\r\n"]


def test_smtp_is_spoken_before_tls():
    with smtp(CONSENT, pyssl.server_context(cert=OWN.chain, key=OWN.key)) as server:
        done = connect(server, data=b"EHLO again\r\n", starttls="smtp")
        assert server.outcome().received == b"EHLO again\r\n"
    assert (done.returncode, done.stdout) == (0, b"EHLO again\r\n"), errors(done)


@pytest.mark.parametrize(
    "replies, words",
    [
        ([b"220 mail.test\r\n", None, b"250 mail.test\r\n"], "does not offer STARTTLS"),
        ([b"554 go away\r\n"], "554 go away"),
        ([*GREETING, None, b"454 not now\r\n"], "454 not now"),
        ([b"SSH-2.0-x\r\n"], "does not speak SMTP"),
        ([*GREETING, None, b"220 go ahead\r\n250 and more\r\n"], "SALLY_PLAINTEXT_BEFORE_TLS"),
        ([b"220 \x1b[31m\r\n", None, b"500 \x1b[2J\r\n"], "\\x1b[2J"),
    ],
    ids=["not offered", "turned away", "not now", "not SMTP", "smuggled", "escapes"],
)
def test_what_smtp_servers_say_instead_is_told(replies, words):
    with smtp(replies) as server:
        done = connect(server, starttls="smtp")
    assert (done.returncode, words in errors(done)) == (1, True), errors(done)
    assert b"\x1b" not in done.stderr


LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
LDAP_OK = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
# As Active Directory writes it.
LDAP_OK_LONG = b"\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\x00\x04\x00\x04\x00"
LDAP_BUSY = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x33\x04\x00\x04\x00"
SPOKEN = {
    "imap": [b"* OK ready\r\n", b"a STARTTLS\r\n", b"* 1 EXISTS\r\na OK begin\r\n"],
    "pop3": [b"+OK ready\r\n", b"STLS\r\n", b"+OK begin\r\n"],
    "ftp": [b"220-hello\r\n220 ready\r\n", b"AUTH TLS\r\n", b"234 begin\r\n"],
    "postgres": [b"", b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"],
    "ldap": [b"", LDAP_REQUEST, LDAP_OK],
    "ldap, long": [b"", LDAP_REQUEST, LDAP_OK_LONG],
}


def speaking(script, context=None):
    """A server that greets, takes exactly this request, answers, and goes on under TLS."""
    greeting, request, answer = script

    def speak(accepted, outcome):
        accepted.sendall(greeting)
        got = b""
        while len(got) < len(request) and (data := accepted.recv(4096)):
            got += data
        assert got == request, got
        accepted.sendall(answer)
        if context:
            with context.wrap_socket(accepted, server_side=True) as tls:
                pyssl.echo(tls, outcome)
        else:
            accepted.recv(4096)

    return pyssl.Server(None, serve=speak)


@pytest.mark.parametrize("name", SPOKEN)
def test_other_protocols_are_spoken_before_tls(name):
    context = pyssl.server_context(cert=OWN.chain, key=OWN.key)
    with speaking(SPOKEN[name], context) as server:
        done = connect(server, data=b"hello\n", starttls=name.partition(",")[0])
        assert server.outcome().received == b"hello\n"
    assert (done.returncode, done.stdout) == (0, b"hello\n"), errors(done)


@pytest.mark.parametrize(
    "name, greeting, answer, words",
    [
        ("imap", b"* OK hi\r\n", b"a BAD no \x1b[2J\r\n", "a BAD no \\x1b[2J"),
        ("imap", b"220 hi\r\n", b"", "does not greet as IMAP"),
        ("imap", b"* OK hi\r\n", b"a OK go\r\nmore", "SALLY_PLAINTEXT_BEFORE_TLS"),
        ("pop3", b"+OK hi\r\n", b"-ERR no\r\n", "-ERR no"),
        ("pop3", b"-ERR busy\r\n", b"", "-ERR busy"),
        ("ftp", b"220 hi\r\n", b"502 what\r\n", "502 what"),
        ("postgres", b"", b"N", "does not offer TLS"),
        ("postgres", b"", b"E", "does not answer as PostgreSQL"),
        ("postgres", b"", b"SX", "SALLY_PLAINTEXT_BEFORE_TLS"),
        ("ldap", b"", LDAP_BUSY, "the result 51"),
        ("ldap", b"", b"HTTP/1.1 400\r\n", "does not answer as LDAP"),
    ],
)
def test_what_they_say_instead_is_told(name, greeting, answer, words):
    request = SPOKEN[name][1] if answer else b""
    with speaking([greeting, request, answer]) as server:
        done = connect(server, starttls=name)
    assert (done.returncode, words in errors(done)) == (1, True), errors(done)
    assert b"\x1b" not in done.stderr


def test_a_server_that_never_comes_to_its_point_is_not_listened_to_for_longer():
    def speak(plain, outcome):
        plain.settimeout(0.1)
        with contextlib.suppress(OSError):
            while True:
                plain.sendall(b"220-and\r\n")
                with contextlib.suppress(TimeoutError):
                    if not plain.recv(1):
                        break

    with pyssl.Server(None, serve=speak) as server:
        done = connect(server, starttls="smtp", timeout=0.5)
    assert (done.returncode, "SALLY_TIMED_OUT" in errors(done)) == (1, True), errors(done)


def test_a_failure_of_smtp_is_json_too():
    with smtp([b"554 go away\r\n"]) as server:
        done = connect(server, "--json", starttls="smtp")
    assert "554 go away" in json.loads(done.stderr)["message"]


def on_a_terminal(*words, **environment):
    """What a program writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm", **environment}
        os.execv(words[0], [str(word) for word in words])
    output = b""
    try:
        while part := os.read(terminal, 65536):
            output += part
    except OSError:
        pass  # how Linux tells the end of a terminal
    os.close(terminal)
    os.waitpid(pid, 0)
    return output


def test_colour_is_for_terminals_that_want_it():
    os.environ.pop("NO_COLOR", None)
    words = [SALLY, "verify", "--ca", OWN.ca, "--leaf", OWN.chain]
    assert b"\x1b[32maccepted" in on_a_terminal(*words)
    assert b"\x1b" not in on_a_terminal(*words, NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(*words, TERM="dumb")
    assert b"\x1b" not in process.run(*words).stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["connect"], "target"),
        (["connect", "localhost"], "HOST:PORT"),
        (["connect", "::1:443"], "HOST:PORT"),
        (["connect", "localhost:1", "--starttls", "gopher"], "--starttls"),
        (["connect", "localhost:1", "--key", "x"], "--cert"),
        (["connect", "localhost:1", "--tls-min", "1.1"], "--tls-min"),
        (["connect", "localhost:1", "--timeout", "0"], "--timeout"),
        (["connect", "localhost:1", "--ca", "/nowhere"], "/nowhere"),
        (["frobnicate"], "frobnicate"),
        ([], "subcommand"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_told(words, told):
    done = run(*words)
    assert (done.returncode, told in errors(done)) == (2, True), errors(done)


@pytest.mark.parametrize("command", ["serve", "connect", "verify", "doctor"])
def test_every_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert b"Exit codes:" in done.stdout
