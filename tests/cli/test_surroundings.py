"""sally where its surroundings are odd: arguments, outputs, and certificates that say strange things."""

import datetime
import os
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from peers import process
from sally_tool import OWN, SALLY, errors, run


@pytest.fixture
def made(tmp_path):
    """A certificate that issued itself, as a file."""

    def make(name="odd", until=datetime.datetime(2040, 1, 1)):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 1)
            .not_valid_before(datetime.datetime(2020, 1, 1))
            .not_valid_after(until)
            .add_extension(names, critical=False)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / "odd.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path

    return make


def test_a_certificate_without_an_end_has_not_expired(made):
    path = made(until=datetime.datetime(9999, 12, 31, 23, 59, 59))
    shown = run("pki", "show", path)
    assert b"to 9999-12-31 23:59:59Z, 29" in shown.stdout and b"days left" in shown.stdout
    judged = run("verify", ca=path, leaf=path)
    assert (judged.returncode, b"until 9999-12-31T23:59:59Z" in judged.stdout) == (0, True)


@pytest.mark.parametrize("text", ["\u009b31m", "\u202egpj", "\u2028", "\x1b[2J"], ids=ascii)
def test_the_name_in_a_certificate_steers_no_terminal(made, text):
    path = made("a" + text)
    for words in (["verify", "--ca", path, "--leaf", path], ["pki", "show", path]):
        for more in ([], ["--json"]):
            done = run(*words, *more)
            assert done.returncode == 0
            shown = done.stdout.decode()
            assert all(c == "\n" or c.isprintable() for c in shown), ascii(shown)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "0", "1e400", "1s", ""])
def test_a_time_out_is_a_number_of_seconds(seconds):
    done = run("connect", "localhost:1", "--timeout", seconds)
    assert (done.returncode, b"--timeout" in done.stderr) == (2, True), errors(done)


def test_a_verdict_that_cannot_be_written_is_none():
    with open("/dev/full", "wb") as full:
        words = [SALLY, "verify", "--ca", OWN.ca, "--leaf", OWN.chain]
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, timeout=process.LIMIT, check=False
        )
    assert (done.returncode, b"the output cannot be written" in done.stderr) == (2, True)


def test_what_is_printed_goes_into_no_connection_when_the_output_is_closed(serve):
    server = serve()
    words = [SALLY, "connect", server.address, "--ca", OWN.ca, "--name", "localhost"]
    done = subprocess.run(
        words,
        input=b"hello",
        stderr=subprocess.PIPE,
        timeout=process.LIMIT,
        check=False,
        preexec_fn=lambda: os.close(1),
    )
    assert (done.returncode, b"standard output" in done.stderr) == (1, True), done.stderr
    closed = server.event("closed")
    assert (closed["bytes_read"], closed.get("error", {}).get("status")) != (0, "SALLY_OK")
    assert "SALLY_TLS" not in closed["status"], "the server got nothing but TLS"
