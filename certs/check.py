#!/usr/bin/env python3
"""Checks a generated zoo against its index with an outside verifier: the openssl command.

    certs/check.py [--out DIR]

Every server and client is verified as a peer would do it, and refused for the reason that its
flaw is; every file that can be loaded loads, every other one does not. Where the command judges
otherwise than the index, EXCEPTIONS says so and why: those are the places where a verifier that is
built on OpenSSL must set a flag or add something.
"""

import argparse
import collections
import ipaddress
import json
import pathlib
import re
import subprocess
import sys

# X509_V_ERR_* of <openssl/x509_vfy.h>.
ERRORS = {
    "SALLY_OK": {},
    "SALLY_CERTIFICATE_UNKNOWN_CA": {
        19: "SELF_SIGNED_CERT_IN_CHAIN",
        20: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        21: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    },
    "SALLY_CERTIFICATE_SELF_SIGNED": {18: "DEPTH_ZERO_SELF_SIGNED_CERT"},
    "SALLY_CERTIFICATE_EXPIRED": {10: "CERT_HAS_EXPIRED"},
    "SALLY_CERTIFICATE_NOT_YET_VALID": {9: "CERT_NOT_YET_VALID"},
    "SALLY_CERTIFICATE_NAME_MISMATCH": {62: "HOSTNAME_MISMATCH", 64: "IP_ADDRESS_MISMATCH"},
    "SALLY_CERTIFICATE_WRONG_USAGE": {26: "INVALID_PURPOSE"},
    "SALLY_CERTIFICATE_WEAK_KEY": {66: "EE_KEY_TOO_SMALL", 67: "CA_KEY_TOO_SMALL"},
    "SALLY_CERTIFICATE_WEAK_SIGNATURE": {68: "CA_MD_TOO_WEAK"},
    "SALLY_CERTIFICATE_BAD_SIGNATURE": {7: "CERT_SIGNATURE_FAILURE"},
    "SALLY_CERTIFICATE_INVALID_CA": {79: "INVALID_CA"},
    "SALLY_CERTIFICATE_PATH_TOO_LONG": {25: "PATH_LENGTH_EXCEEDED"},
    "SALLY_CERTIFICATE_NAME_CONSTRAINT": {47: "PERMITTED_VIOLATION", 48: "EXCLUDED_VIOLATION"},
    "SALLY_CERTIFICATE_UNKNOWN_CRITICAL_EXTENSION": {34: "UNHANDLED_CRITICAL_EXTENSION"},
    "SALLY_CERTIFICATE_MALFORMED": {87: "EMPTY_SUBJECT_ALT_NAME"},
}

# What the command, which goes on after most errors, may find besides: the same flaw seen again.
CONSEQUENCES = {
    "SALLY_CERTIFICATE_INVALID_CA": {
        26: "INVALID_PURPOSE",
        32: "KEYUSAGE_NO_CERTSIGN",
        82: "KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA",
    },
    "SALLY_CERTIFICATE_MALFORMED": {62: "HOSTNAME_MISMATCH"},
}

NO_DIGITAL_SIGNATURE = (
    "OpenSSL's purposes are content with keyAgreement; RFC 8446 asks for digitalSignature"
)
CROSS_FIRST = "OpenSSL follows the first certificate that could be the issuer, and never comes back"
UNREADABLE = "OpenSSL finds no issuer for a certificate of which it cannot read an extension"

# Entry: ([(error, depth), ...] that OpenSSL finds, the reason). No error: OpenSSL accepts it.
EXCEPTIONS = {
    "server-cn-only": ([], "the command lacks X509_CHECK_FLAG_NEVER_CHECK_SUBJECT"),
    "server-wildcard-partial": ([], "the command lacks X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS"),
    "server-key-agreement-usage": ([], NO_DIGITAL_SIGNATURE),
    "client-key-agreement-usage": ([], NO_DIGITAL_SIGNATURE),
    "server-chain-crossed-dead-end-first": ([(20, 1)], CROSS_FIRST),
    "client-chain-crossed-dead-end-first": ([(20, 1)], CROSS_FIRST),
    "server-malformed-extension": ([(20, 0)], UNREADABLE),
    "client-malformed-extension": ([(20, 0)], UNREADABLE),
}


def openssl(*words, **more):
    return subprocess.run(
        ["openssl", *map(str, words)], capture_output=True, timeout=30, check=False, **more
    )


def verify(zoo, entry):
    """Every (error, depth) that openssl verify finds, in its order."""
    name_check = []
    if entry["verify_name"]:
        name_check = [
            "-verify_ip" if is_address(entry["verify_name"]) else "-verify_hostname",
            entry["verify_name"],
        ]
    chain = zoo / entry["chain"]
    done = openssl(
        "verify",
        "-x509_strict",
        "-auth_level",
        "2",
        "-purpose",
        f"ssl{entry['role']}",
        *name_check,
        "-no-CApath",
        "-no-CAstore",
        "-CAfile",
        zoo / entry["ca"],
        "-untrusted",
        chain,
        chain,
    )
    found = [
        (int(error), int(depth))
        for error, depth in re.findall(
            rb"error (\d+) at (\d+) depth lookup", done.stderr + done.stdout
        )
    ]
    if (done.returncode == 0) != (not found):
        raise RuntimeError(f"openssl verify: {(done.stderr + done.stdout).decode()}")
    return found


def is_address(name):
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def check_verdict(zoo, entry):
    """A server or client: is the verdict the expected one, and at the expected depth?"""
    found, expected = verify(zoo, entry), entry["expected"]
    if entry["name"] in EXCEPTIONS:
        listed, _ = EXCEPTIONS[entry["name"]]
        if found != listed:
            yield f"is listed as an exception with {listed}, but openssl found {found}"
        return
    first = {(error, entry["depth"]) for error in ERRORS[expected]}
    later = first | {(error, entry["depth"]) for error in CONSEQUENCES.get(expected, ())}
    if bool(found) != bool(first) or not set(found[:1]) <= first or not set(found) <= later:
        yield f"{expected} should be one of {sorted(first)}, but openssl found {found}"


def public_key(path, passphrase):
    """The public key of a private key's file as PEM; None if the file cannot be loaded."""
    done = openssl("pkey", "-in", path, "-pubout", "-passin", f"pass:{passphrase or ''}")
    return done.stdout if done.returncode == 0 else None


def certificate_count(path):
    """How many certificates a PEM file holds; None if one of them does not decode."""
    done = openssl("crl2pkcs7", "-nocrl", "-certfile", path)
    if done.returncode != 0:
        return None
    return openssl("pkcs7", "-print_certs", "-noout", input=done.stdout).stdout.count(b"subject=")


def found_count(path, passphrase):
    """How many certificates openssl finds in DER or PKCS#12, which it leaves at the first bad one."""
    words = ["-noout", "-certs", "-passin", f"pass:{passphrase or ''}", path]
    return int(re.search(rb"Total found: (\d+)", openssl("storeutl", *words).stdout)[1])


def public_keys(path):
    """The public keys of a file's certificates, as PEM."""
    end = b"-----END CERTIFICATE-----\n"
    content = path.read_bytes()
    parts = [part + end for part in content.split(end)[:-1]] or [content]
    return [openssl("x509", "-noout", "-pubkey", input=part).stdout for part in parts]


def check_key(zoo, entry):
    """The key's file: mode, whether it loads, whether it is the key of the certificate."""
    path = zoo / entry["key"]
    if path.stat().st_mode & 0o077:
        yield f"others may read {entry['key']}"
    unloadable = {
        "SALLY_CREDENTIAL_BAD_FORMAT",
        "SALLY_CREDENTIAL_NO_KEY",
        "SALLY_CREDENTIAL_PASSPHRASE_NEEDED",
        "SALLY_CREDENTIAL_WRONG_PASSPHRASE",
        "SALLY_CREDENTIAL_LEGACY_CIPHER",
    }
    faulty = entry["fault"] == "key" and entry["loading"] in unloadable
    key = public_key(path, entry["passphrase"])
    if faulty != (key is None):
        yield f"{entry['key']} {'loads' if key else 'does not load'}"
    if key and entry["fault"] != "chain":
        certificate = zoo / (entry["chain"] or entry["ca"])
        same = key in public_keys(certificate)
        if same != (entry["loading"] != "SALLY_CREDENTIAL_KEY_MISMATCH"):
            yield f"{entry['key']} is {'the' if same else 'not the'} key of {certificate.name}"


def check_certificates(zoo, entry, field):
    """A chain's or trust store's file: whether it loads, and holds certificates."""
    broken = entry["fault"] == field and entry["loading"].endswith("_BAD_FORMAT")
    empty = entry["fault"] == field and entry["loading"].endswith(("_NO_CERTIFICATE", "_EMPTY"))
    path = zoo / entry[field]
    if path.suffix in (".der", ".p12"):
        count = found_count(path, entry["passphrase"])
        if (entry["loading"] == "SALLY_OK" and count == 0) or (empty and count > 0):
            yield f"{entry[field]} holds {count} certificates"
        return
    count = certificate_count(path)
    if (count is None) != broken or (count == 0) != empty:
        yield f"{entry[field]} holds {count} certificates"


def check(zoo, entry):
    for field in ("chain", "ca"):
        if entry[field] and entry["role"] == "file":
            yield from check_certificates(zoo, entry, field)
    if entry["key"]:
        yield from check_key(zoo, entry)
    if entry["role"] in ("server", "client"):
        yield from check_verdict(zoo, entry)


def main():
    parser = argparse.ArgumentParser(description="Checks a generated zoo with the openssl command.")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path(__file__).resolve().parent / "out",
        metavar="DIR",
        help="where generate.py wrote it (default: out beside this file)",
    )
    zoo = parser.parse_args().out / "zoo"
    entries = json.loads((zoo / "index.json").read_text())["entries"]
    problems = {entry["name"]: list(check(zoo, entry)) for entry in entries}
    twice = [
        name
        for name, count in collections.Counter(entry["name"] for entry in entries).items()
        if count > 1
    ]
    for name in [*twice, *(EXCEPTIONS.keys() - problems.keys())]:
        problems.setdefault(name, []).append(
            "is there twice" if name in twice else "is an exception, but no entry"
        )
    for name, faults in problems.items():
        for fault in faults:
            print(f"{name}: {fault}")
    failed = sum(1 for faults in problems.values() if faults)
    print(f"{len(problems) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
