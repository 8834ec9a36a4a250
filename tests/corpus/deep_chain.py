"""A chain of twelve CAs, each of them as it should be, below the zoo's root."""

import datetime
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from peers import zoo

CAS = 12  # this side follows 10
DAY = datetime.timedelta(days=1)
USAGES = {
    "server": x509.ExtendedKeyUsageOID.SERVER_AUTH,
    "client": x509.ExtendedKeyUsageOID.CLIENT_AUTH,
}


def private_key(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _usage(ca):
    names = "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
    names += " key_cert_sign crl_sign encipher_only decipher_only"
    allowed = {"key_cert_sign", "crl_sign"} if ca else {"digital_signature"}
    return x509.KeyUsage(**{name: name in allowed for name in names.split()})


def _issue(name, key, issuer, issuer_key, *more):
    now = datetime.datetime.now(datetime.timezone.utc)
    ca = not more
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
    builder = builder.add_extension(_usage(ca), True)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(identifier, False)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(own, False)
    for extension in more:
        builder = builder.add_extension(extension, False)
    return builder.sign(issuer_key, hashes.SHA256())


@functools.cache
def make(role):
    """The certificates (DER, the leaf first) and the leaf's key."""
    root = zoo.entry("ca-root").ca
    issuer, issuer_key = zoo.leaf(root).subject, private_key(root.with_name("ca-root.key"))
    chain = []
    for number in range(CAS):
        name, key = _name(f"CA number {number}"), ec.generate_private_key(ec.SECP256R1())
        chain.insert(0, _issue(name, key, issuer, issuer_key))
        issuer, issuer_key = name, key
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    usage = x509.ExtendedKeyUsage([USAGES[role]])
    chain.insert(0, _issue(_name("deep"), key, issuer, issuer_key, names, usage))
    return [each.public_bytes(serialization.Encoding.DER) for each in chain], key
