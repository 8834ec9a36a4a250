#!/usr/bin/env python3
"""Writes every test and development certificate that zoo.toml describes.

    certs/generate.py --out DIR [--only zoo|dev] [--force]

Makes DIR/zoo (with index.json, what each certificate is and what must be said about it) and DIR/dev
(the examples' certificates). What is newer than its sources and good for another day is left alone.
README.md tells the rest.
"""

import argparse
import base64
import contextlib
import dataclasses
import datetime
import fcntl
import hashlib
import ipaddress
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

try:
    import tomllib
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.x509 import ocsp
    from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
except ModuleNotFoundError as missing:
    sys.exit(
        f"certs/generate.py: {sys.executable} has no module '{missing.name}'; it needs Python 3.11 "
        "or newer and the package 'cryptography' (Debian: apt install python3-cryptography)"
    )

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = [HERE / "zoo.toml", HERE / "generate.py"]
STAMP = ".valid-until"
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

# --- DER: the little that is needed to write what a careful library refuses to write --------------

ECDSA_WITH_SHA1 = bytes.fromhex("300906072a8648ce3d0401")
GENERAL_NAME_TAGS = {"EMAIL": 0x81, "DNS": 0x82, "URI": 0x86, "IP": 0x87}


def der(tag, *parts):
    """One DER value: tag, length, contents."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def children(value):
    """The DER values inside of a constructed one; a certificate has single-byte tags only."""

    def span(at):
        if value[at + 1] < 0x80:
            return at + 2, at + 2 + value[at + 1]
        start = at + 2 + (value[at + 1] & 0x7F)
        return start, start + int.from_bytes(value[at + 2 : start], "big")

    at, end = span(0)
    found = []
    while at < end:
        found.append(value[at : span(at)[1]])
        at = span(at)[1]
    return found


def general_name(text):
    """A GeneralName (RFC 5280 section 4.2.1.6) from such as "DNS:localhost" or "IP:::1"."""
    kind, _, name = text.partition(":")
    value = ipaddress.ip_address(name).packed if kind == "IP" else name.encode("ascii")
    return der(GENERAL_NAME_TAGS[kind], value)


def name_constraints(spec):
    """NameConstraints (RFC 5280 section 4.2.1.10)."""
    parts = []
    for tag, names in ((0xA0, spec["permitted"]), (0xA1, spec["excluded"])):
        if names:
            parts.append(der(tag, *[der(0x30, general_name(name)) for name in names]))
    return der(0x30, *parts)


def resign_with_sha1(certificate, key):
    """The same certificate, but signed with ecdsa-with-SHA1, which the builder does not do."""
    fields = children(children(certificate)[0])
    fields[2] = ECDSA_WITH_SHA1  # version, serialNumber, signature: RFC 5280 section 4.1
    to_be_signed = der(0x30, *fields)
    signature = key.sign(to_be_signed, ec.ECDSA(hashes.SHA1()))
    return der(0x30, to_be_signed, ECDSA_WITH_SHA1, der(0x03, b"\0", signature))


def flip_signature(certificate):
    """The same certificate with its last bit flipped; what it ends with is the signature."""
    return certificate[:-1] + bytes([certificate[-1] ^ 1])


# --- Certificates ---------------------------------------------------------------------------------

KEYS = {
    "p256": lambda _: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda _: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": lambda _: ed25519.Ed25519PrivateKey.generate(),
    "rsa2048": lambda _: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda _: rsa.generate_private_key(65537, 1024),
    "dsa2048": lambda zoo: dsa.DSAParameterNumbers(
        *[int("".join(zoo["dsa_group"][name].split()), 16) for name in "pqg"]
    )
    .parameters()
    .generate_private_key(),
}
KEY_USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]
EXTENDED_USAGES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}


@dataclasses.dataclass
class Issued:
    """A certificate, its key, and who issued it (None: itself)."""

    spec: dict
    key: object
    der: bytes
    issuer: "Issued | None"

    def pem(self):
        return armour("CERTIFICATE", self.der)

    def path(self):
        """This certificate and its issuers, without the self-signed end."""
        return [self, *self.issuer.path()] if self.issuer else []


def issue(zoo, spec, issuers):
    """Makes the certificate that `spec`, filled up with the defaults of its profile, describes."""
    spec = zoo["profile"]["any"] | zoo["profile"][spec["profile"]] | spec
    issuer = None if spec["issuer"] == "self" else issuers[spec["issuer"]]
    twin = issuers.get(spec.get("twin_of"))
    key = twin.key if twin else KEYS[spec["key"]](zoo)
    signing_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(spec))
        .issuer_name(subject(issuer.spec if issuer else spec))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=spec["days"][0]))
        .not_valid_after(NOW + datetime.timedelta(days=spec["days"][1]))
    )
    for extension, critical in extensions(spec, key.public_key(), signing_key.public_key()):
        builder = builder.add_extension(extension, critical)
    digest = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signing_key, digest).public_bytes(serialization.Encoding.DER)
    if spec["signature"] == "sha1":
        certificate = resign_with_sha1(certificate, signing_key)
    if spec["signature"] == "flipped":
        certificate = flip_signature(certificate)
    return Issued(spec, key, certificate, issuer)


def subject(spec):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sallyport"),
            x509.NameAttribute(NameOID.COMMON_NAME, spec["common_name"]),
        ]
    )


def extensions(spec, own_key, issuer_key):
    """The extensions of a certificate, each with whether it is critical."""
    if spec["basic_constraints"] != "none":
        is_ca = spec["basic_constraints"] == "ca"
        yield x509.BasicConstraints(is_ca, spec.get("path_length") if is_ca else None), True
    if spec["key_usage"]:
        yield x509.KeyUsage(*[usage in spec["key_usage"] for usage in KEY_USAGES]), True
    if spec["extended_usage"]:
        yield x509.ExtendedKeyUsage(
            [EXTENDED_USAGES[usage] for usage in spec["extended_usage"]]
        ), False
    yield x509.SubjectKeyIdentifier.from_public_key(own_key), False
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), False
    # Encoded here, because the library refuses some names that a verifier must survive.
    if spec["names"]:
        names = der(0x30, *[general_name(name) for name in spec["names"]])
        yield raw_extension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names), False
    if spec["permitted"] or spec["excluded"]:
        yield raw_extension(ExtensionOID.NAME_CONSTRAINTS, name_constraints(spec)), True
    for extra in spec["extra_extensions"]:
        oid = x509.ObjectIdentifier(extra["oid"])
        yield raw_extension(oid, bytes.fromhex(extra["value"])), extra["critical"]


def raw_extension(oid, value):
    return x509.UnrecognizedExtension(oid, value)


# --- Text of files --------------------------------------------------------------------------------


def armour(label, content):
    """PEM, RFC 7468."""
    text = base64.b64encode(content).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def key_pem(key, form="pkcs8", passphrase=None):
    """A private key; `form` is "pkcs8" or "traditional" (PKCS#1, SEC 1); encrypted if asked to."""
    private = serialization.PrivateFormat
    cipher = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        private.PKCS8 if form == "pkcs8" else private.TraditionalOpenSSL,
        cipher,
    )


def key_der(key, form="pkcs8", passphrase=None):
    """The same in DER."""
    return unarmour(key_pem(key, form, passphrase))


def unarmour(pem):
    """The content of the one block of a PEM text."""
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def openssl(*words, content):
    """What the openssl command makes of `content`, with its legacy provider at hand."""
    done = subprocess.run(["openssl", *words], input=content, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"certs/generate.py: openssl {' '.join(words)}: {done.stderr.decode()}")
    return done.stdout


def des_key_pem(key, passphrase):
    """PKCS#8 encrypted with single DES, PKCS#5 v1.5, as old software did."""
    words = ["-topk8", "-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default"]
    return openssl("pkcs8", *words, "-passout", f"pass:{passphrase}", content=key_pem(key))


def pkcs12_der(leaf, forms, passphrase):
    """A PKCS#12 file; "keyless" and "bare" leave out the key and the certificates.

    The authorities' certificates are in no useful order. "rc2" and "triple-des" name the cipher,
    "open" gives it no passphrase.
    """
    issuers = leaf.path()[1:]
    chain = b"".join(certificate.pem() for certificate in [leaf, *issuers])
    if "rc2" in forms:
        with tempfile.NamedTemporaryFile() as both:  # it reads them twice
            both.write(chain + key_pem(leaf.key))
            both.flush()
            words = ["-export", "-legacy", "-in", both.name, "-passout", f"pass:{passphrase}"]
            return openssl("pkcs12", *words, content=b"")
    cipher = serialization.BestAvailableEncryption(passphrase.encode())
    if "triple-des" in forms:
        builder = serialization.PrivateFormat.PKCS12.encryption_builder()
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        cipher = builder.hmac_hash(hashes.SHA1()).build(passphrase.encode())
    if "open" in forms:
        cipher = serialization.NoEncryption()
    loaded = [x509.load_der_x509_certificate(certificate.der) for certificate in [leaf, *issuers]]
    return pkcs12.serialize_key_and_certificates(
        b"sallyport",
        None if "keyless" in forms else leaf.key,
        None if "bare" in forms or "keyless" in forms else loaded[0],
        None if "bare" in forms else loaded[::-1] if "keyless" in forms else loaded[:0:-1],
        cipher,
    )


def crl_der(authority, revoked=None):
    """A revocation list of the authority. It revokes a certificate of its own, or a serial number that nobody has."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(subject(authority.spec))
        .last_update(NOW - datetime.timedelta(days=1))
        .next_update(NOW + datetime.timedelta(days=365))
        .add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(x509.load_der_x509_certificate(revoked.der).serial_number if revoked else 4711)
            .revocation_date(NOW - datetime.timedelta(days=1))
            .build()
        )
    )
    builder = builder.add_extension(x509.CRLNumber(1), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
        critical=False,
    )
    signed = builder.sign(authority.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def crowd(zoo, count):
    """So many authorities of which nobody has heard."""
    names = (f"Sallyport zoo CA {number} of many" for number in range(count))
    spec = {"profile": "authority", "issuer": "self"}
    return [issue(zoo, spec | {"common_name": name}, {}) for name in names]


def lucky_key_pem(key, passphrase, wrong):
    """A traditional encrypted key that a wrong passphrase seems to open: the padding fits.

    One key in 256 is like that, and the tests that give a wrong passphrase would fail that often.
    """
    while True:
        pem = key_pem(key, "traditional", passphrase)
        if padding_fits(pem, wrong.encode()):
            return pem


def padding_fits(pem, passphrase):
    """Whether the last block of a "Proc-Type: 4,ENCRYPTED" key ends in a padding once decrypted."""
    header, body = pem.split(b"\n\n")
    iv = bytes.fromhex(header.split(b"DEK-Info: AES-256-CBC,")[1].decode())
    first = hashlib.md5(passphrase + iv[:8]).digest()
    secret = first + hashlib.md5(first + passphrase + iv[:8]).digest()
    content = base64.b64decode(body.split(b"-----END")[0])
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(content[-32:-16])).decryptor()
    block = decryptor.update(content[-16:])
    return 1 <= block[-1] <= 16 and block.endswith(bytes([block[-1]]) * block[-1])


def damage_garbage(pem):
    """Good base64 of what is no DER."""
    label = pem.split(b"-----")[1].removeprefix(b"BEGIN ").decode()
    return armour(label, noise(200))


def damage_truncated(pem):
    """The last third of the base64 is gone, the END line is there."""
    lines = pem.splitlines(keepends=True)
    return b"".join(lines[: len(lines) * 2 // 3]) + lines[-1]


def damage_cut(pem):
    """The file ends in the middle."""
    return pem[: len(pem) // 2]


def noise(size):
    """Bytes that look random and are the same each time."""
    return random.Random(size).randbytes(size)


DAMAGES = {"garbage": damage_garbage, "truncated": damage_truncated, "cut": damage_cut}


def part(zoo, made, words):
    """One part of a file, from words such as "certificate NAME cut" or "key NAME encrypted"."""
    kind, _, rest = words.partition(" ")
    if kind == "noise":
        return noise(512)
    if kind == "text":
        return (rest + "\n").encode()
    if kind == "crowd":
        return b"".join(authority.pem() for authority in crowd(zoo, int(rest)))
    name, *forms = rest.split()
    if kind == "pkcs12":
        content = pkcs12_der(made[name], forms, zoo["passphrase"])
    elif kind == "crl":
        revoked = forms[forms.index("revoking") + 1] if "revoking" in forms else None
        content = crl_der(made[name], made[revoked] if revoked else None)
        content = content if "der" in forms else armour("X509 CRL", content)
    elif kind == "key" and "des" in forms:
        content = des_key_pem(made[name].key, zoo["passphrase"])
    elif kind == "key" and "lucky" in forms:
        content = lucky_key_pem(made[name].key, zoo["passphrase"], zoo["wrong_passphrase"])
    elif kind == "key":
        form = "traditional" if "traditional" in forms else "pkcs8"
        encode = key_der if "der" in forms else key_pem
        content = encode(made[name].key, form, zoo["passphrase"] if "encrypted" in forms else None)
    else:
        certificates = made[name].path() if kind == "chain" else [made[name]]
        content = b"".join(
            certificate.der if "der" in forms else certificate.pem() for certificate in certificates
        )
    for damage in DAMAGES.keys() & set(forms):
        content = DAMAGES[damage](content)
    return content


# --- The zoo --------------------------------------------------------------------------------------


def make_zoo(zoo, folder):
    """Writes the zoo and its index; returns its certificates."""
    made, index = {}, []
    for name, spec in zoo["authority"].items():
        made[name] = issue(zoo, {"profile": "authority"} | spec, made)
        index.append(write_authority(folder, name, made[name]))
    for entry in zoo["entry"]:
        for role in entry["roles"]:
            name = f"{role}-{entry['name']}"
            leaf = (
                {"profile": role, "common_name": name} | entry.get("leaf", {}) | entry.get(role, {})
            )
            made[name] = issue(zoo, leaf, made)
            index.append(write_entry(folder, name, role, entry, made))
    for name, spec in zoo["loose"].items():
        made[name] = issue(zoo, {"common_name": name} | spec, made)
    for entry in zoo["file"]:
        index.append(write_file_entry(zoo, folder, entry, made))
    write_responses(folder, made["server-good"])
    write(folder / "index.json", (json.dumps({"entries": index}, indent=2) + "\n").encode())
    return made.values()


def row(name, role, **fields):
    """A row of the index: every row has every field."""
    blank = dict.fromkeys(
        [
            "loads",
            "chain",
            "key",
            "passphrase",
            "ca",
            "crl",
            "verify_name",
            "flaw",
            "rfc",
            "loading",
            "fault",
            "expected",
            "depth",
        ]
    )
    return {"name": name, "role": role} | blank | fields


def write_authority(folder, name, authority):
    certificate, key = f"ca-{name}.pem", f"ca-{name}.key"
    write(folder / certificate, authority.pem())
    write(folder / key, key_pem(authority.key), private=True)
    return row(
        f"ca-{name}",
        "ca",
        loads="trust_store",
        key=key,
        ca=certificate,
        loading="SALLY_OK",
        flaw=authority.spec.get("flaw", ""),
        rfc=authority.spec.get("rfc", ""),
    )


def write_entry(folder, name, role, entry, made):
    """Writes what a server or a client shows its peer."""
    leaf = made[name]
    chain = (
        [leaf if link == "leaf" else made[link] for link in entry["chain"]]
        if "chain" in entry
        else leaf.path() or [leaf]
    )
    write(folder / f"{name}.pem", b"".join(certificate.pem() for certificate in chain))
    write(folder / f"{name}.key", key_pem(leaf.key), private=True)
    trusted = entry.get("trust", "root")
    ca = f"{name}.pem" if trusted == "leaf" else f"ca-{trusted}.pem"
    refused = entry["expected"] != "SALLY_OK"
    return row(
        name,
        role,
        loads="credential",
        chain=f"{name}.pem",
        key=f"{name}.key",
        ca=ca,
        verify_name=entry.get("verify_name", "localhost") if role == "server" else None,
        flaw=entry.get("flaw", ""),
        rfc=entry["rfc"],
        loading=entry.get("loading", "SALLY_OK"),
        fault=entry.get("fault"),
        expected=entry["expected"],
        depth=entry.get("depth", 0) if refused else None,
    )


def write_responses(folder, leaf):
    """Writes OCSP responses (RFC 6960) of a certificate's issuer about it, good for as long as it is."""
    issuer = x509.load_der_x509_certificate(leaf.issuer.der)
    begin, end = (NOW + datetime.timedelta(days=day) for day in (-1, 365))
    for name, status, revoked_at, reason in (
        ("good", ocsp.OCSPCertStatus.GOOD, None, None),
        ("revoked", ocsp.OCSPCertStatus.REVOKED, begin, x509.ReasonFlags.key_compromise),
    ):
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=x509.load_der_x509_certificate(leaf.der),
                issuer=issuer,
                algorithm=hashes.SHA1(),  # by which the certificate is named, RFC 5019
                cert_status=status,
                this_update=begin,
                next_update=end,
                revocation_time=revoked_at,
                revocation_reason=reason,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
            .sign(leaf.issuer.key, hashes.SHA256())
        )
        content = response.public_bytes(serialization.Encoding.DER)
        write(folder / f"ocsp-{name}.der", content)


def write_file_entry(zoo, folder, entry, made):
    """Writes files that are to be loaded, whether or not they can be."""
    name = f"file-{entry['name']}"
    files = {}
    for field, suffix in (("chain", ".pem"), ("key", ".key"), ("ca", ".pem"), ("crl", ".crl")):
        if field in entry:
            if any(words.startswith("pkcs12 ") for words in entry[field]):
                suffix = ".p12"
            elif field != "key" and any("der" in words.split() for words in entry[field]):
                suffix = ".der"
            content = b"".join(part(zoo, made, words) for words in entry[field])
            if entry.get("line_ends") == "crlf":
                content = content.replace(b"\n", b"\r\n")
            files[field] = name + suffix
            private = any(words.startswith(("key ", "pkcs12 ")) for words in entry[field])
            write(folder / files[field], content, private=private or field == "key")
    return row(
        name,
        "file",
        loads="trust_store" if "ca" in entry else "crls" if "crl" in entry else "credential",
        **files,
        passphrase=entry.get("passphrase"),
        flaw=entry.get("flaw", ""),
        rfc=entry.get("rfc", ""),
        loading=entry["loading"],
        fault=entry.get("fault"),
    )


def make_dev(zoo, folder):
    """Writes the certificates of the examples; the keys of their CAs are thrown away."""
    made = {}
    for name, spec in zoo["dev"].items():
        made[name] = issue(zoo, spec, made)
        write(folder / f"{name}.pem", made[name].pem())
        if spec["profile"] != "authority":
            write(folder / f"{name}.key", key_pem(made[name].key), private=True)
    return made.values()


# --- Folders --------------------------------------------------------------------------------------

GROUPS = {"zoo": make_zoo, "dev": make_dev}


def write(path, content, private=False):
    path.touch(mode=0o600 if private else 0o644)
    path.write_bytes(content)


def next_change(certificates):
    """The next instant at which one of the certificates begins or ceases to be valid."""
    dates = [
        NOW + datetime.timedelta(days=day)
        for certificate in certificates
        for day in certificate.spec["days"]
    ]
    return min(date for date in dates if date > NOW)


def is_fresh(folder):
    stamp = folder / STAMP
    if not stamp.is_file() or any(
        stamp.stat().st_mtime < source.stat().st_mtime for source in SOURCES
    ):
        return False
    return datetime.datetime.fromisoformat(stamp.read_text()) > NOW + datetime.timedelta(days=1)


def rebuild(zoo, out, group):
    """Makes a group in a folder of its own, then puts it in place: nobody sees half of it."""
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{group}-") as scratch:
        fresh = pathlib.Path(scratch) / "new"
        fresh.mkdir(mode=0o755)
        certificates = GROUPS[group](zoo, fresh)
        write(fresh / STAMP, next_change(certificates).isoformat().encode())
        if (out / group).exists():
            (out / group).rename(pathlib.Path(scratch) / "old")
        fresh.rename(out / group)
    return len(certificates)


@contextlib.contextmanager
def locked(out):
    """Two generators at once, as when tests start in parallel, take turns."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main():
    parser = argparse.ArgumentParser(
        description="Writes the test and development certificates of zoo.toml."
    )
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, metavar="DIR", help="folder to write into"
    )
    parser.add_argument("--only", choices=GROUPS, help="write only this group")
    parser.add_argument("--force", action="store_true", help="write anew what is still good, too")
    options = parser.parse_args()
    zoo = tomllib.loads(SOURCES[0].read_text())
    with locked(options.out):
        for group in [options.only] if options.only else GROUPS:
            if options.force or not is_fresh(options.out / group):
                count = rebuild(zoo, options.out, group)
                print(f"{options.out / group}: {count} certificates")


if __name__ == "__main__":
    main()
