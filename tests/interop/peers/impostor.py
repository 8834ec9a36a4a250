"""A client whose certificate only names a trusted CA as its issuer: somebody else signed it."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import zoo

DAY = datetime.timedelta(days=1)


def _certificate(subject, issuer, key, signer, *extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def make(folder, ca):
    """Files of a chain and its key, for a server that trusts the CA in the file `ca`."""
    name = zoo.leaf(ca).subject
    signer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "impostor")])
    chain = _certificate(
        subject,
        name,
        key,
        signer,
        (x509.BasicConstraints(False, None), True),
        (usage, False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    )
    files = folder / "impostor.pem", folder / "impostor.key"
    files[0].write_bytes(chain.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
