"""sally pki init and issue: certificates that everybody accepts."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import pki_tools
from pki_tools import CLIENT, SERVER, UNUSABLE, Workplace, ca, certificates, library, work
from peers import process, sallyport  # pki_tools knows where

KEY_TYPES = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "ed25519"]
PURPOSES = {"server": SERVER, "client": CLIENT}


@pytest.fixture(scope="module", params=["root", "intermediate"])
def kept(request, tmp_path_factory):
    """A workplace with a CA that tests share, with and without an intermediate one."""
    work = Workplace(tmp_path_factory.mktemp(request.param))
    work.do("init", *(["--intermediate"] if request.param == "intermediate" else []))
    return work


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def names(certificate):
    """Each name with a letter for its kind, in their order."""
    letters = {
        x509.DNSName: "D",
        x509.IPAddress: "I",
        x509.UniformResourceIdentifier: "U",
        x509.RFC822Name: "E",
    }
    found = extension(certificate, x509.SubjectAlternativeName).value
    return [f"{letters[type(name)]}:{name.value}" for name in found]


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
    assert (
        pki_tools.openssl_verify(
            chain, root, PURPOSES[role], "-verify_hostname", "www.example.test"
        )
        is None
    )
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
        (
            ["https://example.test/a?b#c", "urn:uuid:1"],
            ["U:https://example.test/a?b#c", "U:urn:uuid:1"],
        ),
        (["alice@example.test"], ["E:alice@example.test"]),
        (["a.test", "a.test", "--dns", "a.test"], ["D:a.test"]),
        (
            ["a.test", "--ip", "::1", "--uri", "x:y", "--email", "b@c.test"],
            ["D:a.test", "I:::1", "U:x:y", "E:b@c.test"],
        ),
        (["xn--bcher-kva.example"], ["D:xn--bcher-kva.example"]),
    ],
    ids=" ".join,
)
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
    assert (
        library.verdict(ca.path("long.pem"), ca.path("pki/ca.pem"), SERVER, name)[0] == "SALLY_OK"
    )


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
    kinds = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    ]
    return {kind for kind in kinds if getattr(value, kind)}


def test_dates_up_to_2049_are_utctime_and_later_ones_generalizedtime(work):
    work.do("init", "--days", "36500")
    done = process.run("openssl", "asn1parse", "-in", work.path("pki/ca.pem"))
    times = [line.split() for line in done.stdout.decode().splitlines() if "TIME" in line]
    kinds = [
        "UTCTIME" if any("UTCTIME" in word for word in words) else "GENERALIZEDTIME"
        for words in times
    ]
    assert kinds == ["UTCTIME", "GENERALIZEDTIME"]


def test_days_are_counted_from_now_and_end_with_the_ca(work):
    work.do("init", "--days", "100")
    now = datetime.datetime.utcnow()
    work.do("issue", "client", "short", "--days", "10")
    done = work.run("issue", "client", "long", "--days", "101")
    assert done.returncode == 0 and "ends with its CA" in done.stderr
    root, short, long = (
        certificates(work.path(f"pki/{name}.pem"))[0] for name in ("ca", "short", "long")
    )
    assert abs(short.not_valid_after - now - datetime.timedelta(days=10)) < datetime.timedelta(
        minutes=1
    )
    assert short.not_valid_before < now
    assert long.not_valid_after == root.not_valid_after


def test_the_name_of_the_ca_is_a_choice(work):
    work.do("init", "--name", "Brücke & Söhne, Test", "--intermediate")
    root, middle = (
        certificates(work.path(f"pki/{name}.pem"))[0] for name in ("ca", "intermediate")
    )
    common_names = [
        each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for each in (root, middle)
    ]
    assert common_names == ["Brücke & Söhne, Test", "Brücke & Söhne, Test intermediate"]


def test_with_an_intermediate_the_key_of_the_root_may_be_elsewhere(work, library):
    work.do("init", "--intermediate")
    work.path("pki/ca.key").rename(work.path("safe.key"))
    work.do("issue", "server", "localhost")
    assert (
        library.verdict(work.path("pki/localhost.pem"), work.path("pki/ca.pem"), SERVER)[0]
        == "SALLY_OK"
    )
    work.refuse("break", "path-length", code=UNUSABLE, says="key of the root CA")


def test_addresses_are_kept_as_addresses(ca):
    ca.do("issue", "server", "::ffff:192.0.2.1", "--out", "mapped")
    found = extension(certificates(ca.path("mapped.pem"))[0], x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("::ffff:192.0.2.1")]
