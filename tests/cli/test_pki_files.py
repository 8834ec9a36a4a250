"""sally pki init and issue: files that are safe, and PKCS#12."""

import os
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

import pki_tools
from pki_tools import DONE, FAILED, SERVER, UNUSABLE, ca, certificates, library, work
from peers import process  # pki_tools knows where


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_keys_are_for_their_owner_whatever_the_umask(work):
    before = os.umask(0)
    try:
        work.do("init", "--intermediate", "--dir", "a/deep/folder/")
        work.do(
            "issue",
            "client",
            "alice",
            "--dir",
            "a/deep/folder",
            "--pkcs12",
            "--passphrase-env",
            "WORD",
            env={"WORD": "x"},
        )
        work.do("break", "expired", "--dir", "a/deep/folder")
    finally:
        os.umask(before)
    folder = work.path("a/deep/folder")
    assert mode(folder) == 0o700 and mode(folder / "broken") == 0o700
    modes = {path.suffix: mode(path) for path in folder.rglob("*") if path.is_file()}
    assert modes == {".key": 0o600, ".p12": 0o600, ".pem": 0o644}


def test_nothing_is_left_behind_but_what_was_named(ca):
    ca.do("issue", "client", "alice")
    assert sorted(map(str, ca.snapshot())) == [
        "pki/alice.key",
        "pki/alice.pem",
        "pki/ca.key",
        "pki/ca.pem",
    ]


@pytest.mark.parametrize("there", ["alice.pem", "alice.key", "alice.p12"])
def test_no_file_is_written_over(ca, there):
    words = ["issue", "client", "alice", "--pkcs12", "--passphrase-env", "WORD"]
    ca.path("pki/" + there).write_text("mine")
    ca.refuse(*words, code=FAILED, says=f"pki/{there} is there already", env={"WORD": "x"})
    ca.do(*words, "--force", env={"WORD": "x"})
    assert ca.path("pki/" + there).read_bytes() != b"mine"
    assert mode(ca.path("pki/alice.key")) == 0o600


def test_of_several_at_once_one_wins_and_its_files_fit(ca, library):
    words = [pki_tools.SALLY, "pki", "issue", "client", "alice"]
    several = [
        subprocess.Popen(words, cwd=ca.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(8)
    ]
    codes = [one.wait(process.LIMIT) for one in several]
    assert sorted(codes) == [DONE] + [FAILED] * 7
    assert library.loading(ca.path("pki/alice.pem"), ca.path("pki/alice.key")) == "SALLY_OK"
    assert len(ca.snapshot()) == 4


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
    assert (
        library.verdict(work.path("pki/localhost.pem"), work.path("pki/ca.pem"), SERVER)[0]
        == "SALLY_OK"
    )


@pytest.mark.parametrize(
    "words",
    [["ca"], ["intermediate"], ["x", "--out", "pki/../pki/ca"], ["x", "--out", "pki/ca.pem"]],
)
def test_a_certificate_never_takes_the_place_of_the_ca(work, words):
    work.do("init", "--intermediate")
    work.refuse("issue", "client", *words, "--force", code=UNUSABLE, says="a file of the CA itself")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("*.example.test", "wildcard.example.test"),
        ("::1", "_1"),
        ("spiffe://a.test/../b", None),
        ("spiffe://a.test/b", "spiffe_a.test_b"),
        ("https://a.test/../../b", "https_a.test_.._.._b"),
    ],
)
def test_files_are_called_by_the_first_name_and_stay_in_the_folder(ca, name, stem):
    if stem is None:
        ca.refuse("issue", "client", name, code=UNUSABLE, says="no certificate can bear the name")
        return
    before = set(ca.snapshot())
    ca.do("issue", "client", name)
    made = {str(path) for path in set(ca.snapshot()) - before}
    assert made == {f"pki/{stem}.pem", f"pki/{stem}.key"}


# --- PKCS#12 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["file", "environment"])
def test_pkcs12_holds_chain_and_key(ca, library, tmp_path, source):
    phrase = "pässword, with a space"
    (tmp_path / "phrase").write_bytes(phrase.encode() + b"\r\nnot this line\n")
    given = (
        ["--passphrase-file", tmp_path / "phrase"]
        if source == "file"
        else ["--passphrase-env", "WORD"]
    )
    ca.do(
        "issue",
        "client",
        "alice",
        "--pkcs12",
        *given,
        "--out",
        f"p12-{source}",
        env={"WORD": phrase},
    )
    made = ca.path(f"p12-{source}.p12")
    assert library.loading(made, passphrase=phrase) == "SALLY_OK"
    assert library.loading(made, passphrase="another") == "SALLY_CREDENTIAL_WRONG_PASSPHRASE"
    key, leaf, above = pkcs12.load_key_and_certificates(made.read_bytes(), phrase.encode())
    assert [leaf, *above] == certificates(ca.path(f"p12-{source}.pem"))
    assert key.public_key().public_numbers() == leaf.public_key().public_numbers()
    told = process.run(
        "openssl", "pkcs12", "-in", made, "-info", "-noout", "-passin", "pass:" + phrase
    )
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
