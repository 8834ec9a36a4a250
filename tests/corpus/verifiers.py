"""Two outside verifiers, strangers to each other: the openssl command and GnuTLS's certtool."""

import ipaddress
import re
import shutil
import subprocess
import sys

from peers import process, zoo

sys.path.insert(0, str(zoo.TOP / "certs"))

import check  # noqa: E402

PURPOSES = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2"}


def has_certtool():
    return shutil.which("certtool") is not None


def openssl_accepts(entry):
    """As certs/check.py asks it: names, purposes and strength too."""
    found = check.verify(
        zoo.OUT / "zoo",
        {
            "chain": entry.chain.name,
            "ca": entry.ca.name,
            "role": entry.role,
            "verify_name": entry.verify_name,
        },
    )
    return not found, found


def _is_address(name):
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def gnutls_accepts(entry):
    """With the profile "medium" (112 bits), the purpose of the role, and the name of a host."""
    words = ["certtool", "--verify", "--verify-profile", "medium"]
    words += ["--load-ca-certificate", entry.ca, "--infile", entry.chain]
    words += [f"--verify-purpose={PURPOSES[entry.role]}"]
    if entry.verify_name and not _is_address(entry.verify_name):
        words += [f"--verify-hostname={entry.verify_name}"]
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=process.LIMIT,
        check=False,
        env=process.ENVIRONMENT,
    )
    verdict = re.search(r"^Chain verification output: (.*)$", done.stdout, re.M)
    said = verdict[1].strip() if verdict else done.stdout + done.stderr
    if (done.returncode == 0) != said.startswith("Verified."):
        raise RuntimeError(f"certtool: exit status {done.returncode}, {said}")
    return done.returncode == 0, said
