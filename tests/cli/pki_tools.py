"""What the tests of sally pki share: the program, and two judges of what it makes."""

import ctypes
import json
import pathlib
import subprocess
import sys
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_void_p

import pytest
from cryptography import x509

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "interop"))

# The library and the example programs, as the interoperability tests see them.
from peers import capi, process, sallyport  # noqa: E402

SALLY = sallyport.BIN / "sally"
DONE, FAILED, UNUSABLE = 0, 1, 2
SERVER, CLIENT = 1, 2  # SALLY_PURPOSE_*


class Workplace:
    """A folder in which the program is run."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return self.folder / name

    def run(self, *words, env=None, **more):
        return subprocess.run(
            [str(SALLY), "pki", *map(str, words)],
            cwd=self.folder,
            env={**process.ENVIRONMENT, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=process.LIMIT,
            check=False,
            **more,
        )

    def do(self, *words, **more):
        """A command that must succeed: what it said."""
        done = self.run(*words, **more)
        assert done.returncode == DONE, f"{words}: {done.stderr}{done.stdout}"
        return done.stdout

    def refuse(self, *words, code, says, **more):
        """A command that must fail, with this exit code, a word on stderr, and nothing made."""
        before = self.snapshot()
        done = self.run(*words, **more)
        assert done.returncode == code, f"{words}: {done.stderr}{done.stdout}"
        assert says in done.stderr, done.stderr
        assert self.snapshot() == before
        return done

    def json(self, *words, **more):
        return json.loads(self.do(*words, "--json", **more))

    def snapshot(self):
        """Every file and what is in it."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder): path.read_bytes() for path in files}


class VerifyOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("config", c_void_p),
        ("trust", c_void_p),
        ("leaf", c_char_p),
        ("leaf_size", c_size_t),
        ("intermediates", c_char_p),
        ("intermediates_size", c_size_t),
        ("name", c_char_p),
        ("name_kind", c_int32),
        ("purpose", c_int32),
        ("time", c_int64),
    ]


class Sallyport(capi.Library):
    """What the library says of certificates and credentials, through its C ABI."""

    def __init__(self):
        super().__init__()
        for function, result in (
            ("verdict_error", c_void_p),
            ("error_fault_count", c_size_t),
            ("status_name", c_char_p),
        ):
            self.plain(function).restype = result

    def verdict(self, chain, ca, purpose, name=None, crl=None):
        """The status that a peer who trusts `ca` gives this chain, and all faults that it finds."""
        leaf = pathlib.Path(chain).read_bytes()
        with capi.Handle(self, "trust_store") as trust, capi.Handle(self, "verdict") as verdict:
            self.trust_store_load(str(ca).encode(), byref(trust.pointer))
            if crl:
                self.trust_store_add_crl(trust.pointer, str(crl).encode())
            options = VerifyOptions(
                ctypes.sizeof(VerifyOptions),
                0,
                None,
                trust.pointer,
                leaf,
                len(leaf),
                None,
                0,
                name.encode() if name else None,
                0,
                purpose,
                0,
            )
            self.verify(byref(options), byref(verdict.pointer))
            error = c_void_p(self.plain("verdict_error")(verdict.pointer))
            faults = {
                self._name(self.plain("error_fault_status")(error, c_size_t(index)))
                for index in range(self.plain("error_fault_count")(error))
                if not self.plain("error_fault_is_ignored")(error, c_size_t(index))
            }
            return self._name(self.plain("verdict_status")(verdict.pointer)), faults

    def loading(self, chain, key=None, passphrase=None):
        """The status of loading this credential."""
        with capi.Handle(self, "credential") as credential:
            try:
                self.credential_load(
                    str(chain).encode(),
                    str(key).encode() if key else None,
                    passphrase.encode() if passphrase else None,
                    byref(credential.pointer),
                )
            except capi.Refused as refused:
                return str(refused)
        return "SALLY_OK"

    def _name(self, status):
        return self.plain("status_name")(status).decode()


def openssl_verify(chain, ca, purpose, *more):
    """The openssl command's opinion, at its strictest; None where it has nothing to object to."""
    kind = "sslserver" if purpose == SERVER else "sslclient"
    done = process.run(
        "openssl",
        "verify",
        "-x509_strict",
        "-auth_level",
        "2",
        "-purpose",
        kind,
        "-CAfile",
        ca,
        "-untrusted",
        chain,
        *more,
        chain,
    )
    return None if done.returncode == 0 else (done.stdout + done.stderr).decode()


def certificates(path):
    """Those of a PEM file, in their order."""
    end = b"-----END CERTIFICATE-----\n"
    parts = pathlib.Path(path).read_bytes().split(end)
    assert parts.pop() == b"", "something stands behind the last certificate"
    return [x509.load_pem_x509_certificate(part + end) for part in parts]


@pytest.fixture(scope="module")
def library():
    return Sallyport()


@pytest.fixture
def work(tmp_path):
    return Workplace(tmp_path)


@pytest.fixture
def ca(work):
    """A workplace with a CA."""
    work.do("init")
    return work
