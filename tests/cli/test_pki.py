"""sally pki init and issue: certificates that everybody accepts, and files that are safe."""

import datetime
import ipaddress
import os
import pathlib
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import pki_tools
from pki_tools import CLIENT, FAILED, SERVER, UNUSABLE, Workplace
from peers import process, sallyport

KEY_TYPES = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "ed25519"]
PURPOSES = {"server": SERVER, "client": CLIENT}


@pytest.fixture(scope="module")
def library():
    return pki_tools.Sallyport()


@pytest.fixture
def work(tmp_path):
    return Workplace(tmp_path)


@pytest.fixture
def ca(work):
    """A workplace with a CA."""
    work.do("init")
    return work


@pytest.fixture(scope="module", params=["root", "intermediate"])
def kept(request, tmp_path_factory):
    """A workplace with a CA that tests share, with and without an intermediate one."""
    work = Workplace(tmp_path_factory.mktemp(request.param))
    work.do("init", *(["--intermediate"] if request.param == "intermediate" else []))
    return work


def certificates(path):
    end = b"-----END CERTIFICATE-----\n"
    parts = pathlib.Path(path).read_bytes().split(end)
    assert parts.pop() == b"", "something stands behind the last certificate"
    return [x509.load_pem_x509_certificate(part + end) for part in parts]


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def names(certificate):
    """Each name with a letter for its kind, in their order."""
    letters = {x509.DNSName: "D", x509.IPAddress: "I", x509.UniformResourceIdentifier: "U", x509.RFC822Name: "E"}
    found = extension(certificate, x509.SubjectAlternativeName).value
    return [f"{letters[type(name)]}:{name.value}" for name in found]


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# --- What is made is good -------------------------------------------------------------------------


def test_three_commands_make_what_the_examples_need(work):
    for words in (["init"], ["issue", "server", "localhost"], ["issue", "client", "alice"]):
        work.do(*words)
    pki = work.path("pki")
    files = {"cert": pki / "localhost.pem", "key": pki / "localhost.key", "ca": pki / "ca.pem"}
    own = {"cert": pki / "alice.pem", "key": pki / "alice.key", "ca": pki / "ca.pem"}
    with sallyport.EchoServer(client_auth="require", **files) as server:
        for name in ("localhost", "127.0.0.1"):
            run = sallyport.run_client(server.meet().address, name=name, message="hello", **own)
            assert (run.status, run.echo) == ("SALLY_OK", b"hello"), run.text
            assert server.accepted().peer_name == "alice"


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("role", ["server", "client"])
def test_what_is_issued_is_accepted_by_both_judges(kept, library, role, key_type):
    base = f"{role}-{key_type}"
    kept.do("issue", role, "www.example.test", "--key-type", key_type, "--out", base)
    chain, root = kept.path(base + ".pem"), kept.path("pki/ca.pem")
    assert pki_tools.openssl_verify(chain, root, PURPOSES[role], "-verify_hostname", "www.example.test") is None
    assert library.verdict(chain, root, PURPOSES[role], "www.example.test") == ("SALLY_OK", set())
    other = CLIENT if role == "server" else SERVER
    assert library.verdict(chain, root, other)[0] == "SALLY_CERTIFICATE_WRONG_USAGE"
    assert library.loading(chain, kept.path(base + ".key")) == "SALLY_OK"


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_ca_may_have_any_type_of_key(work, library, key_type):
    work.do("init", "--key-type", key_type, "--intermediate")
    work.do("issue", "server", "localhost")
    chain, root = work.path("pki/localhost.pem"), work.path("pki/ca.pem")
    assert pki_tools.openssl_verify(chain, root, SERVER, "-verify_hostname", "localhost") is None
    assert library.verdict(chain, root, SERVER, "localhost") == ("SALLY_OK", set())
    assert library.loading(chain, work.path("pki/localhost.key")) == "SALLY_OK"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["localhost"], ["D:localhost", "I:127.0.0.1", "I:::1"]),
        (["--dns", "localhost"], ["D:localhost"]),
        (["*.example.test", "example.test"], ["D:*.example.test", "D:example.test"]),
        (["192.0.2.1", "2001:db8::1"], ["I:192.0.2.1", "I:2001:db8::1"]),
        (["spiffe://example.test/web"], ["U:spiffe://example.test/web"]),
        (["https://example.test/a?b#c", "urn:uuid:1"], ["U:https://example.test/a?b#c", "U:urn:uuid:1"]),
        (["alice@example.test"], ["E:alice@example.test"]),
        (["a.test", "a.test", "--dns", "a.test"], ["D:a.test"]),
        (["a.test", "--ip", "::1", "--uri", "x:y", "--email", "b@c.test"],
         ["D:a.test", "I:::1", "U:x:y", "E:b@c.test"]),
        (["xn--bcher-kva.example"], ["D:xn--bcher-kva.example"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_names_are_told_apart_and_accepted(ca, library, words, expected):
    ca.do("issue", "server", *words, "--out", "made")
    chain, root = ca.path("made.pem"), ca.path("pki/ca.pem")
    leaf = certificates(chain)[0]
    assert names(leaf) == expected
    assert leaf.subject.rfc4514_string() == f"CN={expected[0][2:]}"
    assert pki_tools.openssl_verify(chain, root, SERVER) is None
    assert library.verdict(chain, root, SERVER) == ("SALLY_OK", set())


def test_a_client_on_localhost_gets_no_addresses(ca):
    ca.do("issue", "client", "localhost")
    assert names(certificates(ca.path("pki/localhost.pem"))[0]) == ["D:localhost"]


def test_a_name_too_long_for_the_subject_is_a_critical_alternative_name(ca, library):
    name = "a" * 60 + ".example.test"
    ca.do("issue", "server", name, "--out", "long")
    leaf = certificates(ca.path("long.pem"))[0]
    assert list(leaf.subject) == []
    assert extension(leaf, x509.SubjectAlternativeName).critical
    assert pki_tools.openssl_verify(ca.path("long.pem"), ca.path("pki/ca.pem"), SERVER) is None
    assert library.verdict(ca.path("long.pem"), ca.path("pki/ca.pem"), SERVER, name)[0] == "SALLY_OK"


def test_the_profile_is_that_of_rfc_5280(kept):
    kept.do("issue", "server", "profile.example.test", "--out", "profile")
    chain = [*certificates(kept.path("profile.pem")), *certificates(kept.path("pki/ca.pem"))]
    assert len({certificate.serial_number for certificate in chain}) == len(chain)
    for certificate, issuer in zip(chain, [*chain[1:], chain[-1]]):
        assert certificate.version is x509.Version.v3
        # Positive, of 20 bytes: the highest bit is clear, and the next one is not.
        assert certificate.serial_number.bit_length() == 159
        assert certificate.issuer == issuer.subject
        own = extension(issuer, x509.SubjectKeyIdentifier)
        named = extension(certificate, x509.AuthorityKeyIdentifier)
        assert len(own.value.digest) == 20 and named.value.key_identifier == own.value.digest
        assert not own.critical and not named.critical
        assert extension(certificate, x509.KeyUsage).critical
        assert extension(certificate, x509.BasicConstraints).critical
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    leaf, authorities = chain[0], chain[1:]
    assert not extension(leaf, x509.BasicConstraints).value.ca
    assert usages(leaf) == {"digital_signature"}
    assert list(extension(leaf, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    for certificate in authorities:
        assert extension(certificate, x509.BasicConstraints).value.ca
        assert usages(certificate) == {"key_cert_sign", "crl_sign"}
    lengths = [extension(each, x509.BasicConstraints).value.path_length for each in authorities]
    assert lengths == ([0, None] if len(authorities) == 2 else [None])


def usages(certificate):
    value = extension(certificate, x509.KeyUsage).value
    kinds = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign"]  # fmt: skip
    return {kind for kind in kinds if getattr(value, kind)}


def test_dates_up_to_2049_are_utctime_and_later_ones_generalizedtime(work):
    work.do("init", "--days", "36500")
    done = process.run("openssl", "asn1parse", "-in", work.path("pki/ca.pem"))
    times = [line.split() for line in done.stdout.decode().splitlines() if "TIME" in line]
    kinds = ["UTCTIME" if any("UTCTIME" in word for word in words) else "GENERALIZEDTIME" for words in times]
    assert kinds == ["UTCTIME", "GENERALIZEDTIME"]


def test_days_are_counted_from_now_and_end_with_the_ca(work):
    work.do("init", "--days", "100")
    now = datetime.datetime.utcnow()
    work.do("issue", "client", "short", "--days", "10")
    done = work.run("issue", "client", "long", "--days", "101")
    assert done.returncode == 0 and "ends with its CA" in done.stderr
    root, short, long = (certificates(work.path(f"pki/{name}.pem"))[0] for name in ("ca", "short", "long"))
    assert abs(short.not_valid_after - now - datetime.timedelta(days=10)) < datetime.timedelta(minutes=1)
    assert short.not_valid_before < now
    assert long.not_valid_after == root.not_valid_after


def test_the_name_of_the_ca_is_a_choice(work):
    work.do("init", "--name", "Brücke & Söhne, Test", "--intermediate")
    root, middle = (certificates(work.path(f"pki/{name}.pem"))[0] for name in ("ca", "intermediate"))
    common_names = [each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for each in (root, middle)]
    assert common_names == ["Brücke & Söhne, Test", "Brücke & Söhne, Test intermediate"]


def test_with_an_intermediate_the_key_of_the_root_may_be_elsewhere(work, library):
    work.do("init", "--intermediate")
    work.path("pki/ca.key").rename(work.path("safe.key"))
    work.do("issue", "server", "localhost")
    assert library.verdict(work.path("pki/localhost.pem"), work.path("pki/ca.pem"), SERVER)[0] == "SALLY_OK"
    work.refuse("break", "path-length", code=UNUSABLE, says="key of the root CA")


# --- Files ------------------------------------------------------------------------------------------


def test_keys_are_for_their_owner_whatever_the_umask(work):
    before = os.umask(0)
    try:
        work.do("init", "--intermediate", "--dir", "a/deep/folder/")
        work.do("issue", "client", "alice", "--dir", "a/deep/folder", "--pkcs12", "--passphrase-env", "WORD",
                env={"WORD": "x"})  # fmt: skip
        work.do("break", "expired", "--dir", "a/deep/folder")
    finally:
        os.umask(before)
    folder = work.path("a/deep/folder")
    assert mode(folder) == 0o700 and mode(folder / "broken") == 0o700
    modes = {path.suffix: mode(path) for path in folder.rglob("*") if path.is_file()}
    assert modes == {".key": 0o600, ".p12": 0o600, ".pem": 0o644}


def test_nothing_is_left_behind_but_what_was_named(ca):
    ca.do("issue", "client", "alice")
    assert sorted(map(str, ca.snapshot())) == ["pki/alice.key", "pki/alice.pem", "pki/ca.key", "pki/ca.pem"]


@pytest.mark.parametrize("there", ["alice.pem", "alice.key", "alice.p12"])
def test_no_file_is_written_over(ca, there):
    words = ["issue", "client", "alice", "--pkcs12", "--passphrase-env", "WORD"]
    ca.path("pki/" + there).write_text("mine")
    ca.refuse(*words, code=FAILED, says=f"pki/{there} is there already", env={"WORD": "x"})
    ca.do(*words, "--force", env={"WORD": "x"})
    assert ca.path("pki/" + there).read_bytes() != b"mine"
    assert mode(ca.path("pki/alice.key")) == 0o600


def test_no_link_is_followed(ca):
    link = ca.path("pki/alice.key")
    link.symlink_to(ca.path("elsewhere"))
    ca.refuse("issue", "client", "alice", code=FAILED, says="is there already")
    ca.do("issue", "client", "alice", "--force")
    assert not link.is_symlink() and not ca.path("elsewhere").exists()


def test_a_ca_is_replaced_by_force_only_and_whole(work, library):
    work.do("init", "--intermediate")
    for words in ([], ["--intermediate"]):
        work.refuse("init", *words, code=FAILED, says="is there already")
    work.do("init", "--force")
    assert sorted(map(str, work.snapshot())) == ["pki/ca.key", "pki/ca.pem"]
    work.do("issue", "server", "localhost")
    assert library.verdict(work.path("pki/localhost.pem"), work.path("pki/ca.pem"), SERVER)[0] == "SALLY_OK"


@pytest.mark.parametrize("words", [["ca"], ["intermediate"], ["x", "--out", "pki/../pki/ca"], ["x", "--out", "pki/ca.pem"]])
def test_a_certificate_never_takes_the_place_of_the_ca(work, words):
    work.do("init", "--intermediate")
    work.refuse("issue", "client", *words, "--force", code=UNUSABLE, says="a file of the CA itself")


@pytest.mark.parametrize(
    ("name", "stem"),
    [("*.example.test", "wildcard.example.test"), ("::1", "_1"), ("spiffe://a.test/../b", None),
     ("spiffe://a.test/b", "spiffe_a.test_b"), ("https://a.test/../../b", "https_a.test_.._.._b")],
)  # fmt: skip
def test_files_are_called_by_the_first_name_and_stay_in_the_folder(ca, name, stem):
    if stem is None:
        ca.refuse("issue", "client", name, code=UNUSABLE, says="no certificate can bear the name")
        return
    before = set(ca.snapshot())
    ca.do("issue", "client", name)
    made = {str(path) for path in set(ca.snapshot()) - before}
    assert made == {f"pki/{stem}.pem", f"pki/{stem}.key"}


# --- PKCS#12 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["file", "environment"])
def test_pkcs12_holds_chain_and_key(kept, library, tmp_path, source):
    phrase = "pässword, with a space"
    (tmp_path / "phrase").write_bytes(phrase.encode() + b"\r\nnot this line\n")
    given = ["--passphrase-file", tmp_path / "phrase"] if source == "file" else ["--passphrase-env", "WORD"]
    kept.do("issue", "client", "alice", "--pkcs12", *given, "--out", f"p12-{source}", env={"WORD": phrase})
    made = kept.path(f"p12-{source}.p12")
    assert library.loading(made, passphrase=phrase) == "SALLY_OK"
    assert library.loading(made, passphrase="another") == "SALLY_CREDENTIAL_WRONG_PASSPHRASE"
    key, leaf, above = pkcs12.load_key_and_certificates(made.read_bytes(), phrase.encode())
    assert [leaf, *above] == certificates(kept.path(f"p12-{source}.pem"))
    assert key.public_key().public_numbers() == leaf.public_key().public_numbers()
    told = process.run("openssl", "pkcs12", "-in", made, "-info", "-noout", "-passin", "pass:" + phrase)
    assert b"AES-256-CBC" in told.stderr and b"MAC: sha256" in told.stderr, told.stderr


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (["--pkcs12"], {}, "go together"),
        (["--passphrase-env", "WORD"], {"WORD": "x"}, "go together"),
        (["--pkcs12", "--passphrase-env", "NO_SUCH_WORD"], {}, "no variable NO_SUCH_WORD"),
        (["--pkcs12", "--passphrase-env", "WORD"], {"WORD": ""}, "empty passphrase"),
        (["--pkcs12", "--passphrase-file", "/dev/null"], {}, "empty passphrase"),
        (["--pkcs12", "--passphrase-file", "none"], {}, "No such file"),
        (["--pkcs12", "--passphrase", "secret"], {}, "not expected"),
        (["--pkcs12", "--passphrase-file", "a", "--passphrase-env", "B"], {}, "excludes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_passphrase_comes_from_a_file_or_the_environment(ca, words, env, says):
    ca.refuse("issue", "client", "alice", *words, code=UNUSABLE, says=says, env=env)


# --- Bad input --------------------------------------------------------------------------------------

BAD_NAMES = [
    "", "a b", "a..b", ".a", "a.", "a-.test", "a_b.test", "a" * 64 + ".test",
    ".".join(["a" * 50] * 6), "*", "*.test", "*.*.a.test", "a.*.test", "w*.a.test", "localhost:443",
    "256.1.1.1", "1.2.3", "fe80::1%eth0", "bücher.example", "a@b@c.test", "@a.test", "a@", "a b@c.test",
    "a@*.b.test", ".a@b.test", "spiffe://", "spiffe:///a", "spiffe://A.test/b", "spiffe://a.test/", "spiffe://a.test//b",
    "spiffe://a.test/b?c", "SPIFFE://a.test/b", "spiffe://a.test:80/b", "://a", "1a://b", "https://", "https://a b",
    "a\nb", "a,DNS:b", "a.test,URI:x",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_no_certificate_can_bear_is_refused(ca, name):
    done = ca.refuse("issue", "server", "good.test", name, code=UNUSABLE, says="no certificate can bear the name")
    assert done.stderr.isascii() and done.stderr.count("\n") == 1, "what was given is shown harmlessly"


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
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )  # fmt: skip


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
    (folder / "ca.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip


def test_what_a_peer_would_refuse_is_not_handed_out(work):
    outdated_ca(work.path("pki"))
    work.refuse("issue", "server", "localhost", code=FAILED, says="SALLY_CERTIFICATE_EXPIRED")
    work.refuse("break", "wrong-name", code=FAILED, says="SALLY_CERTIFICATE_EXPIRED")


# --- Help ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        ([], ["init", "issue", "break", "show"]),
        (["init"], ["--dir", "--name", "--days", "--key-type", "--intermediate", "--force", "ed25519"]),
        (["issue"], ["server", "client"]),
        (["issue", "server"], ["--dns", "--ip", "--uri", "--email", "--days", "--key-type", "--out", "--pkcs12",
                               "--passphrase-file", "--passphrase-env", "--dir", "--force"]),
        (["break"], ["--list", "--role", "--name", "--out", "--json", "--dir", "--force"]),
        (["show"], ["--json", "--passphrase-file", "--passphrase-env"]),
    ],
    ids=lambda value: " ".join(value) if len(value) < 3 else None,
)  # fmt: skip
def test_help_tells_options_and_exit_codes(work, words, mentions):
    text = work.do(*words, "--help")
    assert "Exit codes: 0 " in text
    assert [mention for mention in mentions if mention not in text] == []


def test_addresses_are_kept_as_addresses(ca):
    ca.do("issue", "server", "::ffff:192.0.2.1", "--out", "mapped")
    found = extension(certificates(ca.path("mapped.pem"))[0], x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("::ffff:192.0.2.1")]
