"""sally pki init and issue: what makes no sense, and what must not be handed out."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pki_tools import FAILED, UNUSABLE, ca, work

BAD_NAMES = [
    "",
    "a b",
    "a..b",
    ".a",
    "a.",
    "a-.test",
    "a_b.test",
    "a" * 64 + ".test",
    ".".join(["a" * 50] * 6),
    "*",
    "*.test",
    "*.*.a.test",
    "a.*.test",
    "w*.a.test",
    "localhost:443",
    "256.1.1.1",
    "1.2.3",
    "fe80::1%eth0",
    "bücher.example",
    "a@b@c.test",
    "@a.test",
    "a@",
    "a b@c.test",
    "a@*.b.test",
    ".a@b.test",
    "spiffe://",
    "spiffe:///a",
    "spiffe://A.test/b",
    "spiffe://a.test/",
    "spiffe://a.test//b",
    "spiffe://a.test/b?c",
    "SPIFFE://a.test/b",
    "spiffe://a.test:80/b",
    "://a",
    "1a://b",
    "https://",
    "https://a b",
    "a\nb",
    "a,DNS:b",
    "a.test,URI:x",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_no_certificate_can_bear_is_refused(ca, name):
    done = ca.refuse(
        "issue", "server", "good.test", name, code=UNUSABLE, says="no certificate can bear the name"
    )
    assert (
        done.stderr.isascii() and done.stderr.count("\n") == 1
    ), "what was given is shown harmlessly"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["issue", "server"], "needs a name"),
        (["issue", "server", "--dns", "::1"], "no host name"),
        (["issue", "server", "-a.test"], "-a.test"),
        (["issue", "server", "--dns=-a.test"], "a hyphen"),
        (["issue", "server", "--ip", "localhost"], "no IP address"),
        (["issue", "server", "--uri", "alice"], "no scheme"),
        (["issue", "server", "--email", "alice"], "no @"),
        (["issue", "client", "spiffe://a.test/b", "spiffe://a.test/c"], "no other URI"),
        (["issue", "client", "spiffe://a.test/b", "https://a.test/c"], "no other URI"),
        (["issue", "server", "a", "--days", "0"], "--days"),
        (["issue", "server", "a", "--days", "-1"], "--days"),
        (["issue", "server", "a", "--days", "36501"], "--days"),
        (["issue", "server", "a", "--days", "many"], "--days"),
        (["issue", "server", "a", "--key-type", "rsa-1024"], "ecdsa-p256"),
        (["issue", "server", "a", "--key-type", "0"], "ecdsa-p256"),
        (["issue", "server", "a", "--out", "folder/"], "names a folder"),
        (["issue", "server", "a", "--dir", "none"], "there is no CA in none"),
        (["issue", "both", "a"], "subcommand"),
        (["issue"], "subcommand"),
        ([], "subcommand"),
        (["init", "--dir", "b", "--name", ""], "1 to 64 bytes"),
        (["init", "--dir", "b", "--name", "a\x1b[31m"], r"a\x1b[31m"),
        (["init", "--dir", "b", "--name", "a" * 65], "1 to 64 bytes"),
        (["init", "--dir", "b", "--name", "a" * 60, "--intermediate"], "1 to 51 bytes"),
        (["init", "--dir", "b", "--days", "0"], "--days"),
        (["init", "--dir", "b", "extra"], "extra"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_makes_no_sense_is_bad_usage(ca, words, says):
    ca.refuse(*words, code=UNUSABLE, says=says)


@pytest.mark.parametrize("name", ["a\udcff", "a\n", "a\x9b1m", "\udced\udca0\udc80"], ids=ascii)
def test_the_name_of_a_ca_is_text(work, name):
    done = work.refuse("init", "--name", name, code=UNUSABLE, says="bytes of text")
    assert done.stderr.isascii()


def test_a_folder_that_cannot_be_written_to_is_named(ca):
    ca.refuse("issue", "client", "a", "--out", "none/a", code=FAILED, says="none/a.")
    ca.refuse("init", "--dir", "pki/ca.pem", code=FAILED, says="pki/ca.pem")


def test_a_ca_in_disorder_issues_nothing(ca, work):
    work.do("init", "--dir", "other")
    key, certificate = ca.path("pki/ca.key"), ca.path("pki/ca.pem")
    good = key.read_bytes()
    key.write_bytes(ca.path("other/ca.key").read_bytes())
    ca.refuse("issue", "client", "a", code=UNUSABLE, says="pki/ca.key is not the key of pki/ca.pem")
    key.write_bytes(b"nothing")
    ca.refuse("issue", "client", "a", code=UNUSABLE, says="pki/ca.key holds no private key")
    key.write_bytes(encrypted(good))
    ca.refuse("issue", "client", "a", code=UNUSABLE, says="pki/ca.key is encrypted")
    key.unlink()
    ca.refuse("issue", "client", "a", code=UNUSABLE, says="pki/ca.key")
    key.write_bytes(good)
    certificate.write_bytes(b"nothing")
    ca.refuse("issue", "client", "a", code=UNUSABLE, says="pki/ca.pem holds no certificate")


def encrypted(key):
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )


def outdated_ca(folder):
    """A CA whose time is over, made by another hand."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old CA")])
    now = datetime.datetime.utcnow()
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now - datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def test_what_a_peer_would_refuse_is_not_handed_out(work):
    outdated_ca(work.path("pki"))
    work.refuse("issue", "server", "localhost", code=FAILED, says="SALLY_CERTIFICATE_EXPIRED")
    work.refuse("break", "wrong-name", code=FAILED, says="SALLY_CERTIFICATE_EXPIRED")


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        ([], ["init", "issue", "break", "show"]),
        (
            ["init"],
            ["--dir", "--name", "--days", "--key-type", "--intermediate", "--force", "ed25519"],
        ),
        (["issue"], ["server", "client"]),
        (
            ["issue", "server"],
            [
                "--dns",
                "--ip",
                "--uri",
                "--email",
                "--days",
                "--key-type",
                "--out",
                "--pkcs12",
                "--passphrase-file",
                "--passphrase-env",
                "--dir",
                "--force",
            ],
        ),
        (["break"], ["--list", "--role", "--name", "--out", "--json", "--dir", "--force"]),
        (["show"], ["--json", "--passphrase-file", "--passphrase-env"]),
    ],
    ids=lambda value: " ".join(value) if len(value) < 3 else None,
)
def test_help_tells_options_and_exit_codes(work, words, mentions):
    text = work.do(*words, "--help")
    assert "Exit codes: 0 " in text
    assert [mention for mention in mentions if mention not in text] == []
