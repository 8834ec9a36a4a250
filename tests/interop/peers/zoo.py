"""The certificate zoo (certs/README.md), generated once for all tests."""

import dataclasses
import functools
import json
import os
import pathlib
import ssl

from cryptography import x509

from . import process

TOP = pathlib.Path(__file__).resolve().parents[3]
OUT = TOP / "build" / "certs"
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of the index, its files as paths."""

    name: str
    role: str
    loads: str
    chain: pathlib.Path | None
    key: pathlib.Path | None
    passphrase: str | None
    ca: pathlib.Path | None
    crl: pathlib.Path | None
    verify_name: str | None
    flaw: str
    rfc: str
    loading: str
    fault: str | None
    expected: str | None
    depth: int | None

    @property
    def is_good(self):
        return self.expected == "SALLY_OK"


@functools.cache
def entries():
    """Every entry by name. Called when tests are gathered: each entry is a test of its own."""
    done = process.run(PYTHON, TOP / "certs" / "generate.py", "--out", OUT, limit=60)
    assert done.returncode == 0, done.stderr.decode()
    folder = OUT / "zoo"
    index = json.loads((folder / "index.json").read_text())
    return {raw["name"]: _entry(folder, raw) for raw in index["entries"]}


def _entry(folder, raw):
    files = ("chain", "key", "ca", "crl")
    paths = {field: folder / raw[field] if raw[field] else None for field in files}
    return Entry(**{**raw, **paths})


def entry(name):
    return entries()[name]


def good(role, key="p256"):
    """A server or client with nothing wrong, by the kind of its key."""
    return entry(f"{role}-good" if key == "p256" else f"{role}-good-{key}")


def of_role(*roles):
    return [entry for entry in entries().values() if entry.role in roles]


def leaf(path):
    return x509.load_pem_x509_certificate(pathlib.Path(path).read_bytes())


def subject(path):
    """The subject of the first certificate in a file, as RFC 4514 writes it."""
    return leaf(path).subject.rfc4514_string()


def common_name(path):
    return leaf(path).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value


def chain_der(path):
    """The certificates of a file, undecoded: what no library need be willing to load."""
    text = pathlib.Path(path).read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return [
        ssl.PEM_cert_to_DER_cert(begin + part.partition(end)[0] + end + "\n")
        for part in text.split(begin)[1:]
    ]
