"""sally pki show: what is in files, and never a private key."""

import base64
import datetime
import hashlib
import os
import pty
import re
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import pki_tools
from pki_tools import DONE, FAILED, UNUSABLE, Workplace
from peers import process, zoo  # pki_tools knows where

PHRASE = "sallyport"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A CA with an intermediate, and certificates of it in every format."""
    work = Workplace(tmp_path_factory.mktemp("show"))
    work.do("init", "--intermediate", "--dir", ".")
    word = {"WORD": PHRASE}
    work.do(
        "issue",
        "server",
        "localhost",
        "--dir",
        ".",
        "--pkcs12",
        "--passphrase-env",
        "WORD",
        env=word,
    )
    work.do("issue", "client", "alice", "--dir", ".", "--key-type", "rsa-2048")
    work.do("break", "expired", "not-yet-valid", "revoked", "--dir", ".")
    convert(work, "x509", "-in", "localhost.pem", "-outform", "DER", "-out", "localhost.der")
    convert(work, "x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")
    work.path("two.der").write_bytes(
        work.path("localhost.der").read_bytes() + work.path("ca.der").read_bytes()
    )
    convert(work, "pkey", "-in", "localhost.key", "-outform", "DER", "-out", "localhost-key.der")
    convert(
        work,
        "pkcs8",
        "-topk8",
        "-in",
        "localhost.key",
        "-out",
        "locked.key",
        "-passout",
        "pass:" + PHRASE,
    )
    convert(
        work, "crl", "-in", "broken/server-revoked.crl", "-outform", "DER", "-out", "revoked.der"
    )
    return work


def convert(work, *words):
    words = [
        str(work.path(word)) if "." in word and not word.startswith("-") else word for word in words
    ]
    done = process.run("openssl", *words)
    assert done.returncode == 0, done.stderr


def shown(work, *words, **more):
    return work.json("show", *words, **more)["files"]


def leaf(work, name="localhost.pem"):
    return x509.load_pem_x509_certificate(work.path(name).read_bytes())


def test_json_tells_what_is_in_a_certificate(work):
    (file,) = shown(work, "localhost.pem")
    own = leaf(work)
    der = own.public_bytes(serialization.Encoding.DER)
    key = own.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    first, second = file["certificates"]
    assert first["subject"] == "CN=localhost"
    assert first["issuer"] == second["subject"] == "CN=Sallyport development CA intermediate"
    assert first["serial"] == f"{own.serial_number:x}"
    assert first["fingerprint"] == hashlib.sha256(der).hexdigest()
    assert first["sha1_fingerprint"] == hashlib.sha1(der).hexdigest()
    assert first["spki_pin"] == "sha256/" + base64.b64encode(hashlib.sha256(key).digest()).decode()
    assert first["key"] == "EC P-256" and first["signature_algorithm"] == "ecdsa-with-SHA256"
    assert [usage["name"] for usage in first["extended_key_usage"]] == ["serverAuth"]
    assert first["key_usage"] == ["digitalSignature"]
    assert [name["text"] for name in first["subject_alternative_names"]] == [
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    assert first["days_left"] == (own.not_valid_after - datetime.datetime.utcnow()).days
    assert first["private_keys"] == []
    assert (first["is_ca"], second["is_ca"], second["path_length"]) == (False, True, 0)


def test_text_tells_the_same(work):
    text = work.do("show", "localhost.pem", "localhost.key")
    (file,) = shown(work, "localhost.pem")
    for fact in (
        "subject",
        "serial",
        "fingerprint",
        "sha1_fingerprint",
        "spki_pin",
        "key",
        "signature_algorithm",
    ):
        assert file["certificates"][0][fact] in text
    for fact in (
        "DNS:localhost, IP:127.0.0.1, IP:::1",
        "serverAuth",
        "days left",
        "yes, path length 0",
        "certificate 2 of 2",
    ):
        assert fact in text
    assert re.search(r"private key +localhost\.key$", text, re.M)
    assert re.search(r"matches +localhost\.pem \(1\)$", text, re.M)


@pytest.mark.parametrize("file", ["localhost.pem", "localhost.der", "two.der", "localhost.p12"])
def test_every_format_is_read(work, file):
    (found,) = shown(work, file, "--passphrase-env", "WORD", env={"WORD": PHRASE})
    (expected,) = shown(work, "localhost.pem")
    count = {"localhost.pem": 2, "localhost.der": 1, "two.der": 2, "localhost.p12": 2}[file]
    fingerprints = [one["fingerprint"] for one in found["certificates"]]
    assert (
        len(fingerprints) == count and fingerprints[0] == expected["certificates"][0]["fingerprint"]
    )


@pytest.mark.parametrize(
    "key", ["localhost.key", "localhost-key.der", "locked.key", "localhost.p12"]
)
def test_the_key_of_a_certificate_is_recognised(work, key):
    files = shown(
        work, "alice.pem", "localhost.pem", key, "--passphrase-env", "WORD", env={"WORD": PHRASE}
    )
    assert {"file": key, "index": 0} in files[1]["certificates"][0]["private_keys"]
    assert {"file": "localhost.pem", "index": 0} in files[2]["private_keys"][0]["certificates"]
    assert files[0]["certificates"][0]["private_keys"] == []
    assert files[2]["private_keys"][0]["key"] == "EC P-256"


def test_the_key_of_another_certificate_is_a_failure(work):
    done = work.run("show", "localhost.pem", "alice.key")
    assert done.returncode == FAILED and "no certificate of these" in done.stdout
    assert work.run("show", "alice.key").returncode == DONE, "there is nothing that it could match"
    assert "RSA 2048" in work.do("show", "alice.key")


@pytest.mark.parametrize("words", [[], ["--json"]])
@pytest.mark.parametrize(
    "key", ["localhost.key", "localhost-key.der", "locked.key", "localhost.p12"]
)
def test_private_keys_are_never_shown(work, key, words):
    secret = serialization.load_pem_private_key(work.path("localhost.key").read_bytes(), None)
    number = secret.private_numbers().private_value.to_bytes(32, "big")
    done = work.run(
        "show", "localhost.pem", key, "--passphrase-env", "WORD", *words, env={"WORD": PHRASE}
    )
    said = done.stdout + done.stderr
    assert done.returncode == DONE and "PRIVATE" not in said and PHRASE not in said
    assert number.hex() not in re.sub(r"[\s:]", "", said.lower())
    for line in work.path("localhost.key").read_text().splitlines()[1:-1]:
        assert line not in said


def test_an_encrypted_file_is_never_asked_for_on_a_terminal(work):
    for file in ("locked.key", "localhost.p12"):
        code, said = on_a_terminal(work, ["show", file])
        assert code == UNUSABLE and "is encrypted" in said and "--passphrase-file" in said
        done = work.run("show", file, "--passphrase-env", "WORD", env={"WORD": "wrong"})
        assert done.returncode == UNUSABLE and "does not open with this passphrase" in done.stderr


def test_what_is_out_of_date_is_said(work):
    assert "expired 2 days ago" in work.do("show", "broken/server-expired.pem")
    assert re.search(
        r"not valid before (399|400) days", work.do("show", "broken/server-not-yet-valid.pem")
    )
    (file,) = shown(work, "broken/server-expired.pem")
    assert file["certificates"][0]["days_left"] in (-2, -3)


@pytest.mark.parametrize("file", ["broken/server-revoked.crl", "revoked.der"])
def test_a_revocation_list_is_told(work, file):
    (found,) = shown(work, file)
    (crl,) = found["crls"]
    loaded = x509.load_pem_x509_crl(work.path("broken/server-revoked.crl").read_bytes())
    assert crl["issuer"] == "CN=Sallyport development CA intermediate" and crl["revoked"] == 1
    assert crl["this_update"] == loaded.last_update.isoformat() + "Z"
    assert crl["next_update"] == loaded.next_update.isoformat() + "Z"
    assert "1 certificate" in work.do("show", file)


def test_a_key_that_others_may_read_is_told(work):
    loose = work.path("loose.key")
    loose.write_bytes(work.path("localhost.key").read_bytes())
    loose.chmod(0o640)
    assert "others than the owner" in work.do("show", "loose.key")
    assert "others than the owner" not in work.do("show", "localhost.key")
    assert [file["readable_by_others"] for file in shown(work, "loose.key", "localhost.key")] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no certificate"),
        (b"hello\n", "does not decode"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "does not decode"),
        (b"\x30\x82\x01\x00garbage", "does not decode"),
        (bytes(17 * 1024 * 1024), "larger than any"),
    ],
    ids=["empty", "text", "PEM of nothing", "DER cut", "large"],
)
def test_a_file_of_something_else_is_named(work, tmp_path, content, says):
    (tmp_path / "bad").write_bytes(content)
    done = work.run("show", tmp_path / "bad", "ca.pem")
    assert done.returncode == UNUSABLE and f"{tmp_path}/bad" in done.stderr and says in done.stderr
    assert "CN=Sallyport development CA" in done.stdout, "the others are shown all the same"


def test_a_file_that_is_not_there_or_no_file_is_named(work):
    for name, reason in (("none.pem", "No such file"), ("broken", "Is a directory")):
        done = work.run("show", name, "--json")
        assert done.returncode == UNUSABLE and f"{name}: {reason}" in done.stderr
        assert f'"error": "{name}: {reason}' in done.stdout
    assert work.run("show").returncode == UNUSABLE


def test_certificates_that_do_not_decode_in_part_are_shown_or_named(work):
    """Of the zoo: whatever is wrong with them, there is an answer, and it names them."""
    for entry in zoo.of_role("server", "ca"):
        path = entry.chain or entry.ca
        done = work.run("show", path)
        assert done.returncode in (DONE, UNUSABLE), done.stderr
        assert str(path) in (done.stdout if done.returncode == DONE else done.stderr), entry.name


def test_an_output_that_cannot_be_written_is_a_failure(work):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(
            [pki_tools.SALLY, "pki", "show", work.path("ca.pem")],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=process.LIMIT,
            check=False,
        )
    assert done.returncode == FAILED and b"cannot be written" in done.stderr


# --- Colour --------------------------------------------------------------------------------------


def on_a_terminal(work, words, **more):
    """The exit code and what the program wrote to its terminal."""
    environment = {**process.ENVIRONMENT, "TERM": "xterm", "NO_COLOR": "", **more}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(work.folder)
        os.execve(pki_tools.SALLY, ["sally", "pki", *words], environment)
    said = b""
    try:
        while data := os.read(terminal, 65536):
            said += data
    except OSError:  # how Linux tells that nobody has the other end any more
        pass
    finally:
        os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.decode()


def test_colour_is_for_terminals_only_and_not_with_no_color(work):
    words = ["show", "broken/server-expired.pem"]
    assert "\x1b[31mexpired" in on_a_terminal(work, words)[1]
    assert "\x1b" not in on_a_terminal(work, words, NO_COLOR="1")[1]
    assert "\x1b" not in on_a_terminal(work, words, TERM="dumb")[1]
    assert "\x1b" not in work.do(*words)
    code, said = on_a_terminal(work, ["show", "none.pem"])
    assert code == UNUSABLE and "\x1b[31merror:\x1b[0m" in said


def test_a_name_cannot_steer_the_terminal(work):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "\x1b[2Jgone\nline")])
    now = datetime.datetime.utcnow()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a\x1b[2Jb")]), False)
        .sign(key, hashes.SHA256())
    )
    work.path("odd.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    said = work.do("show", "odd.pem")
    assert "\x1b" not in said and "gone\nline" not in said
