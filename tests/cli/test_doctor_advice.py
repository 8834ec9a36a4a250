"""What sally doctor says is true, shows what decides, and is of use to who has nothing else."""

import base64
import datetime
import hashlib
import pathlib
import socket
import types

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from peers import ipv6, pyssl, zoo
from sally_tool import CLIENT, OTHER, OWN, Doctor, run, shows
from test_doctor import alone, full_backlog, plain

ROOT, OTHER_ROOT = "Sallyport zoo root CA", "Sallyport zoo other root CA"


def page(address, **options):
    """What a person gets, in sections by their headings."""
    options = {"ca": OWN.ca, "name": "localhost", **options}
    text = run("doctor", address, **options).stdout.decode()
    sections = {}
    for part in text.split("\n\n")[1:]:
        heading, _, lines = part.partition("\n")
        sections[heading.partition(" [")[0].partition(":")[0]] = lines
    return text, sections


def evidence(found):
    return found.report["findings"][0]["evidence"]


def common(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def made(folder, begins, issuer=None):
    """A server's certificate for localhost of the root of the zoo, or of another CA of its own."""
    root = x509.load_pem_x509_certificate(pathlib.Path(OWN.ca).read_bytes())
    root_key = (zoo.OUT / "zoo" / "ca-root.key").read_bytes()
    signer = serialization.load_pem_private_key(root_key, None)
    if issuer:
        signer = ec.generate_private_key(ec.SECP256R1())
    above, key = signer.public_key(), ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common("made-server"))
        .issuer_name(common(issuer) if issuer else root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files = types.SimpleNamespace(chain=folder / "made.pem", key=folder / "made.key")
    files.chain.write_bytes(certificate.public_bytes(pem))
    files.key.write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    files.key.chmod(0o600)
    return files


def pin_of(chain):
    own = x509.load_pem_x509_certificate(pathlib.Path(chain).read_bytes())  # the first
    public = own.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256/" + base64.b64encode(hashlib.sha256(public).digest()).decode()


def midnight_of(days):
    """So many days from now; naive, as the makers of certificates want it."""
    today = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return today.replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days)


def seconds(time):
    return int(time.replace(tzinfo=datetime.timezone.utc).timestamp())


def demanding(serve, **options):
    return serve(client_auth="required", client_ca=CLIENT.ca, **options)


class TestAKeyOfAnotherCertificate:
    def test_both_ways_out_are_told(self, serve):
        found = Doctor(demanding(serve).address, cert=CLIENT.chain, key=OTHER.key)
        assert found.cause == "client_key_mismatch"
        assert "the key that this certificate was requested for" in found.verdict["fix"]
        assert "a new certificate issued for the key" in found.verdict["fix"]

    def test_the_error_tells_the_two_keys_apart(self, serve):
        found = Doctor(demanding(serve).address, cert=CLIENT.chain, key=OTHER.key)
        error = found.report["credential"]["error"]
        assert pin_of(CLIENT.chain) in error["expected"] and pin_of(OTHER.chain) in error["found"]

    def test_nothing_says_that_no_certificate_was_given(self, serve):
        found = Doctor(demanding(serve).address, cert=CLIENT.chain, key=OTHER.key)
        assert found.remarks == ["client_certificate_required"]
        remark = found.report["findings"][1]
        assert "was not shown, because it cannot be used" in remark["sentence"]
        assert "none was given" not in remark["sentence"] and remark["fix"] == ""

    def test_the_fault_stands_at_the_key_and_nowhere_else(self, serve):
        text, sections = page(demanding(serve).address, cert=CLIENT.chain, key=OTHER.key)
        faults = [line for line in text.splitlines() if line.startswith("  FAIL")]
        assert len(faults) == 1 and faults[0] in sections["Files of this side"]
        assert str(OTHER.key) in faults[0] and "does not belong" in faults[0]


def test_a_client_certificate_that_has_expired_is_marked_among_the_files(serve):
    _, sections = page(demanding(serve).address, **shows(zoo.entry("client-expired")))
    (fault,) = [line for line in sections["Files of this side"].splitlines() if "FAIL" in line]
    assert "client_certificate_expired" in fault


def test_files_that_fit_are_shown_with_their_names(serve):
    _, sections = page(demanding(serve).address, **shows(CLIENT))
    files = sections["Files of this side"]
    assert ROOT in files and "client-good" in files and "FAIL" not in files
    asked = "asks for a client certificate of"
    (line,) = [line for line in sections["Handshakes"].splitlines() if asked in line]
    assert ROOT in line


def test_the_wrong_ca_is_told_by_the_clients_own_certificate(serve, tmp_path):
    ca, cert, key = alone(tmp_path, OTHER.ca, CLIENT.chain, CLIENT.key)
    found = Doctor(demanding(serve).address, ca=ca, cert=cert, key=key)
    assert found.cause == "wrong_ca"
    assert found.verdict["fix"].startswith("Most likely --ca is the wrong file")
    assert ROOT in found.verdict["fix"]
    words = "\n".join(evidence(found))
    assert "trusted here: 'CN=" + OTHER_ROOT in words
    assert "accepts client certificates of 'CN=" + ROOT in words
    assert "own certificate comes from" in words


def test_without_a_client_certificate_the_wrong_server_is_thought_of_too(serve, tmp_path):
    found = Doctor(serve().address, ca=alone(tmp_path, OTHER.ca)[0])
    assert found.cause == "wrong_ca"
    assert "not the server that is meant" in found.verdict["fix"]


def test_a_missing_intermediate_is_told_by_the_root_that_both_sides_have(serve, tmp_path):
    entry = zoo.entry("client-missing-intermediate")
    ca, cert, key = alone(tmp_path, OWN.ca, entry.chain, entry.key)
    server = demanding(serve, entry=zoo.entry("server-missing-intermediate"))
    found = Doctor(server.address, ca=ca, cert=cert, key=key)
    assert (found.cause, found.verdict["certain"]) == ("missing_intermediate", False)
    words = "\n".join(evidence(found))
    assert "trusted here: 'CN=" + ROOT in words
    assert "accepts client certificates of 'CN=" + ROOT in words
    assert "missing here instead, in --ca" in found.verdict["fix"]


def test_a_missing_intermediate_whose_name_tells_nothing(serve, tmp_path):
    certificates = made(tmp_path, midnight_of(days=-1), issuer="Somebody 7")
    found = Doctor(demanding(serve, entry=certificates).address, ca=OWN.ca, **shows(CLIENT))
    assert (found.cause, found.verdict["certain"]) == ("missing_intermediate", False)
    assert "Somebody 7" in found.verdict["sentence"]


def test_the_mark_of_a_missing_issuer_is_at_its_place(serve, tmp_path):
    server = serve(entry=zoo.entry("server-missing-intermediate"))
    _, sections = page(server.address, ca=alone(tmp_path, OWN.ca)[0])
    tree = sections["Certificates of the server"].splitlines()
    missing = next(i for i, line in enumerate(tree) if "? " in line)
    (fault,) = [i for i, line in enumerate(tree) if "FAULT" in line]
    leaf = next(i for i, line in enumerate(tree) if i != fault and "CN=server-missing" in line)
    assert missing < fault < leaf, tree
    assert "Sallyport zoo intermediate CA" in tree[missing]
    assert "neither sent nor trusted" in tree[missing + 1]
    assert "the issuer named 'CN=Sallyport zoo intermediate CA" in tree[fault]
    assert "is what is missing" in tree[fault]


@pytest.mark.parametrize(
    "flaw, extension, has, lacks, other",
    [
        ("wrong", "extended key usage", "clientAuth", "serverAuth", "digitalSignature"),
        ("no-signature", "key usage", "nonRepudiation", "digitalSignature", "serverAuth"),
        ("key-agreement", "key usage", "keyAgreement", "digitalSignature", "serverAuth"),
    ],
)
def test_of_a_wrong_usage_the_extension_at_fault_is_told(serve, flaw, extension, has, lacks, other):
    found = Doctor(serve(entry=zoo.entry(f"server-{flaw}-usage")).address)
    assert found.cause == "wrong_usage"
    assert found.verdict["sentence"].endswith(f" its {extension} is '{has}', without '{lacks}'.")
    assert f"with the {extension} {lacks}" in found.verdict["fix"]
    assert other not in found.verdict["sentence"] + found.verdict["fix"] + evidence(found)[0]


@pytest.mark.parametrize("entry", ["server-good", "server-missing-intermediate"])
def test_the_hint_of_an_unknown_ca_is_that_of_the_verdict(serve, tmp_path, entry):
    ca = OTHER.ca if entry == "server-good" else OWN.ca
    found = Doctor(serve(entry=zoo.entry(entry)).address, ca=alone(tmp_path, ca)[0])
    assert found.report["chain"]["verdict"]["hint"] == found.verdict["fix"]


def test_an_old_version_is_not_told_as_if_a_newer_one_had_worked():
    context = pyssl.server_context("TLSv1.1", weak=True, **shows(OWN))
    with pyssl.Server(context) as server:
        found = Doctor(server.address)
    assert "TLSv1.2: no, answers with TLSv1.1" in evidence(found)
    assert "TLSv1.1: accepted" in evidence(found)
    assert "server_hello" not in "".join(evidence(found))


def test_an_address_of_this_machine_that_does_not_answer():
    with full_backlog() as port:
        found = Doctor(f"127.0.0.1:{port}", timeout=0.5)
    assert (found.cause, found.verdict["certain"]) == ("no_answer", True)
    assert "TCP connect" in found.verdict["sentence"] and "timed out" in found.verdict["sentence"]
    assert "neither accepted nor refused" in found.verdict["sentence"]
    assert "between here and" not in found.verdict["fix"] and "queue" in found.verdict["fix"]
    assert found.report["addresses"][0]["error"]["hint"] == found.verdict["fix"]


def test_a_certificate_that_begins_within_the_hour(serve, tmp_path):
    begins = midnight_of(days=30)
    server = serve(entry=made(tmp_path, begins))
    hour_before = seconds(begins) - 3451
    found = Doctor(server.address, time=hour_before)
    assert found.cause == "not_yet_valid"
    told = begins.isoformat() + "Z"
    assert "another 57 minutes, until " + told in found.verdict["sentence"]
    for words in ("clock", "time zone", "issued again"):
        assert words in found.verdict["fix"]
    _, sections = page(server.address, time=hour_before)
    assert f"sent by the server, {told} to 2" in sections["Certificates of the server"]
    _, sections = page(server.address, time=hour_before - 2 * 86400)
    assert f"sent by the server, {told[:10]} to 2" in sections["Certificates of the server"]


@pytest.mark.parametrize(
    "greeting, protocols",
    [
        (b"220 ready\r\n", ["smtp", "ftp"]),
        (b"220 mail.test ESMTP\r\n", ["smtp"]),
        (b"220 (vsFTPd 3.0.5)\r\n", ["ftp"]),
        (b"* OK IMAP4rev1\r\n", ["imap"]),
        (b"+OK POP3\r\n", ["pop3"]),
        (b"hello\r\n", []),
    ],
    ids=["220", "SMTP", "FTP", "IMAP", "POP3", "other"],
)
def test_what_to_do_about_a_plain_port_at_either_side(greeting, protocols):
    def speak(accepted, _):
        accepted.sendall(greeting)
        accepted.shutdown(socket.SHUT_WR)
        while accepted.recv(65536):
            pass

    with plain(speak) as server:
        found = Doctor(server.address)
    fix = found.verdict["fix"]
    assert found.cause == "not_tls"
    assert "port on which the server speaks TLS" in fix and "switch TLS on" in fix
    commands = [f"sally doctor {server.address} --starttls {one}" for one in protocols]
    assert [one in fix for one in commands] == [True] * len(commands)
    assert fix.count("--starttls") == len(commands)


def test_another_name_is_only_verified_after_a_warning(serve):
    fix = Doctor(serve().address, name="elsewhere.test").verdict["fix"]
    assert fix.startswith("First make sure that this is the server that is meant")
    assert fix.index("stranger") < fix.index("--name localhost")


@ipv6.needed
def test_addresses_of_ipv6_are_in_brackets(serve):
    server = serve(listen="[::1]:0")
    text, sections = page(server.address)
    assert text.startswith(f"sally doctor {server.address}, as 'localhost'\n")
    assert f"[::1]:{server.port}: TCP" in sections["Network"]
    assert f"TLS, on {server.address}" in text
