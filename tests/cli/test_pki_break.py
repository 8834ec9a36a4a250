"""sally pki break: each certificate is broken in the way that was promised, and in no other."""

import json
import re

import pytest
from cryptography import x509

import pki_tools
from pki_tools import CLIENT, FAILED, SERVER, UNUSABLE, Workplace, ca, library, work
from peers import process, pyssl, sallyport, zoo  # pki_tools knows where

BOTH, SERVERS, CLIENTS = {"server", "client"}, {"server"}, {"client"}
# Kind: whose it can be, what a peer's verdict must be, what loading it must answer. By RFC 5280 and
# the documentation of the statuses, not by what the program says of itself.
PROMISED = {
    "expired": (BOTH, "SALLY_CERTIFICATE_EXPIRED", "SALLY_OK"),
    "not-yet-valid": (BOTH, "SALLY_CERTIFICATE_NOT_YET_VALID", "SALLY_OK"),
    "wrong-ca": (BOTH, "SALLY_CERTIFICATE_UNKNOWN_CA", "SALLY_OK"),
    "missing-intermediate": (BOTH, "SALLY_CERTIFICATE_UNKNOWN_CA", "SALLY_OK"),
    "wrong-name": (SERVERS, "SALLY_CERTIFICATE_NAME_MISMATCH", "SALLY_OK"),
    "no-client-usage": (CLIENTS, "SALLY_CERTIFICATE_WRONG_USAGE", "SALLY_OK"),
    "no-server-usage": (SERVERS, "SALLY_CERTIFICATE_WRONG_USAGE", "SALLY_OK"),
    "key-mismatch": (BOTH, "SALLY_OK", "SALLY_CREDENTIAL_KEY_MISMATCH"),
    "weak-key": (BOTH, "SALLY_CERTIFICATE_WEAK_KEY", "SALLY_CREDENTIAL_WEAK_KEY"),
    "sha1-signature": (BOTH, "SALLY_CERTIFICATE_WEAK_SIGNATURE",
                       "SALLY_CREDENTIAL_WEAK_SIGNATURE"),
    "bad-signature": (BOTH, "SALLY_CERTIFICATE_BAD_SIGNATURE", "SALLY_OK"),
    "ca-as-leaf": (BOTH, "SALLY_CERTIFICATE_WRONG_USAGE", "SALLY_OK"),
    "unknown-critical-extension": (BOTH, "SALLY_CERTIFICATE_UNKNOWN_CRITICAL_EXTENSION",
                                   "SALLY_OK"),
    "path-length": (BOTH, "SALLY_CERTIFICATE_PATH_TOO_LONG", "SALLY_OK"),
    "name-constraint": (BOTH, "SALLY_CERTIFICATE_NAME_CONSTRAINT", "SALLY_OK"),
    "revoked": (BOTH, "SALLY_CERTIFICATE_REVOKED", "SALLY_OK"),
}  # fmt: skip
CASES = [(role, kind) for kind, (roles, _, _) in PROMISED.items() for role in sorted(roles)]
# X509_V_ERR_* of <openssl/x509_vfy.h>, one of which `openssl verify` must name.
OPENSSL = {
    "expired": [10], "not-yet-valid": [9], "wrong-ca": [20, 21], "missing-intermediate": [20, 21],
    "wrong-name": [62], "no-client-usage": [26], "no-server-usage": [26], "weak-key": [66],
    "sha1-signature": [68], "bad-signature": [7], "ca-as-leaf": [26],
    "unknown-critical-extension": [34], "path-length": [25], "name-constraint": [48],
    "revoked": [23],
}  # fmt: skip
PURPOSES = {"server": SERVER, "client": CLIENT}
CAS = {
    "plain": [],
    "intermediate": ["--intermediate"],
    "ed25519": ["--key-type", "ed25519", "--intermediate"],
    "rsa": ["--key-type", "rsa-2048"],
}


@pytest.fixture(scope="module", params=CAS)
def broken(request, tmp_path_factory):
    """A workplace, and everything that can be broken in it, by role and kind."""
    work = Workplace(tmp_path_factory.mktemp(request.param))
    work.do("init", *CAS[request.param])
    made = [
        *work.json("break", "all", "--role", "server"),
        *work.json("break", "all", "--role", "client"),
    ]
    return work, {(one["role"], one["kind"]): one for one in made}


def test_the_list_tells_every_kind_and_its_status(ca):
    listed = {
        one["kind"]: (set(one["roles"]), one["verdict"], one["loading"])
        for one in ca.json("break", "--list")
    }
    assert listed == PROMISED
    text = ca.do("break", "--list")
    for kind, (_, verdict, loading) in PROMISED.items():
        assert kind in text and (verdict if verdict != "SALLY_OK" else loading) in text


def test_all_is_every_kind_that_a_role_can_have(broken):
    _, made = broken
    assert sorted(made) == sorted(CASES)


@pytest.mark.parametrize(("role", "kind"), CASES)
def test_it_leads_to_what_was_promised_and_to_nothing_else(broken, library, role, kind):
    work, made = broken
    one = made[role, kind]
    _, verdict, loading = PROMISED[kind]
    assert (one["verdict"], one["loading"]) == (verdict, loading)
    chain, key = work.path(one["chain"]), work.path(one["key"])
    crl = work.path(one["crl"]) if one["crl"] else None
    found = library.verdict(chain, work.path(one["ca"]), PURPOSES[role], one["verify_name"], crl)
    assert found == (verdict, {verdict} - {"SALLY_OK"})
    assert library.loading(chain, key) == loading


@pytest.mark.parametrize(("role", "kind"), CASES)
def test_openssl_finds_the_same_fault(broken, role, kind):
    work, made = broken
    one = made[role, kind]
    more = ["-verify_hostname", one["verify_name"]] if one["verify_name"] else []
    if one["crl"]:
        more += ["-CRLfile", work.path(one["crl"]), "-crl_check"]
    complaint = pki_tools.openssl_verify(
        work.path(one["chain"]), work.path(one["ca"]), PURPOSES[role], *more
    )
    if kind == "key-mismatch":
        assert complaint is None
        return
    assert complaint and any(
        f"error {number} at" in complaint for number in OPENSSL[kind]
    ), complaint


def test_the_list_of_the_revoked_revokes_nobody_else(broken, library):
    work, made = broken
    work.do("issue", "client", "innocent", "--force")
    crl = work.path(made["client", "revoked"]["crl"])
    chain, root = work.path("pki/innocent.pem"), work.path("pki/ca.pem")
    assert library.verdict(chain, root, CLIENT, crl=crl) == ("SALLY_OK", set())
    assert pki_tools.openssl_verify(chain, root, CLIENT, "-CRLfile", crl, "-crl_check") is None
    loaded = x509.load_pem_x509_crl(crl.read_bytes())
    assert len(loaded) == 1
    kinds = {type(extension.value) for extension in loaded.extensions}
    assert kinds == {x509.AuthorityKeyIdentifier, x509.CRLNumber}


# Those that the examples load and judge: they know no CRLs.
SHOWN = [
    kind for kind, promise in PROMISED.items() if promise[2] == "SALLY_OK" and kind != "revoked"
]
# A client of ours does not show what no server would take, and says so; others do.
NOT_SENT = {
    "expired",
    "not-yet-valid",
    "wrong-ca",
    "missing-intermediate",
    "no-client-usage",
    "ca-as-leaf",
}


def for_role(role, kinds):
    return [kind for kind in kinds if role in PROMISED[kind][0]]


@pytest.mark.parametrize("kind", for_role("server", SHOWN))
def test_a_client_refuses_such_a_server(broken, kind):
    work, made = broken
    one = made["server", kind]
    with sallyport.EchoServer(cert=work.path(one["chain"]), key=work.path(one["key"])) as server:
        run = sallyport.run_client(
            server.address, name="localhost", ca=work.path(one["ca"]), message="x"
        )
    assert run.status == PROMISED[kind][1], run.text


@pytest.fixture(scope="module")
def demanding(broken):
    """A server that asks for certificates of the CA."""
    work, _ = broken
    root = work.path("pki/ca.pem")
    work.do("issue", "server", "localhost")
    own = {
        "cert": work.path("pki/localhost.pem"),
        "key": work.path("pki/localhost.key"),
        "ca": root,
    }
    with sallyport.EchoServer(client_auth="require", **own) as server:
        yield server


@pytest.mark.parametrize("kind", for_role("client", [*SHOWN, "weak-key", "sha1-signature"]))
def test_a_server_refuses_such_a_client(broken, demanding, kind):
    work, made = broken
    one = made["client", kind]
    context = pyssl.client_context(
        ca=work.path(one["ca"]), cert=work.path(one["chain"]), key=work.path(one["key"]), weak=True
    )
    address, _ = pyssl.attempt(demanding.meet(), context)
    assert demanding.refused(address).status == PROMISED[kind][1]


@pytest.mark.parametrize("kind", for_role("client", SHOWN))
def test_a_client_of_ours_shows_only_what_a_server_might_take(broken, demanding, kind):
    work, made = broken
    one = made["client", kind]
    run = sallyport.run_client(
        demanding.meet().address,
        name="localhost",
        ca=work.path(one["ca"]),
        cert=work.path(one["chain"]),
        key=work.path(one["key"]),
        message="x",
    )
    expected = "SALLY_CLIENT_CERTIFICATE_REQUIRED" if kind in NOT_SENT else PROMISED[kind][1]
    assert demanding.refused().status == expected, run.text


@pytest.mark.parametrize("name", ["www.example.test", "192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize("kind", ["name-constraint", "expired", "wrong-name"])
def test_the_name_in_it_is_a_choice(ca, library, kind, name):
    (one,) = ca.json("break", kind, "--name", name)
    assert one["verify_name"] == name
    found = library.verdict(ca.path(one["chain"]), ca.path(one["ca"]), SERVER, name)
    assert found == (PROMISED[kind][1], {PROMISED[kind][1]})


def test_several_kinds_are_made_at_once_in_a_folder_of_choice(ca):
    text = ca.do("break", "expired", "revoked", "--role", "client", "--out", "else/where")
    assert text.count("must lead to SALLY_CERTIFICATE_") == 2
    stems = {f"client-{kind}" for kind in ("expired", "revoked")}
    expected = {f"{stem}.{suffix}" for stem in stems for suffix in ("pem", "key")} | {
        "client-revoked.crl"
    }
    assert {path.name for path in ca.path("else/where").iterdir()} == expected


def test_nothing_is_made_where_one_of_them_is_there_already(ca):
    ca.do("break", "expired")
    ca.refuse(
        "break", "weak-key", "expired", code=FAILED, says="server-expired.pem is there already"
    )
    ca.do("break", "weak-key", "expired", "--force")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--list"),
        (["rotten"], "'rotten'"),
        (["expired", "a\x1bb"], r"'a\x1bb'"),
        (["no-client-usage", "--role", "server"], "a server"),
        (["wrong-name", "--role", "client"], "a client"),
        (["expired", "--role", "both"], "--role"),
        (["expired", "--name", "*.example.test"], "--name takes"),
        (["expired", "--name", "spiffe://a.test/b"], "--name takes"),
        (["expired", "--dir", "none"], "there is no CA in none"),
    ],
    ids=lambda value: ascii(" ".join(value)) if isinstance(value, list) else None,
)
def test_what_cannot_be_broken_is_bad_usage(ca, words, says):
    ca.refuse("break", *words, code=UNUSABLE, says=says)


def test_the_signature_with_sha1_does_not_depend_on_the_openssl_of_the_host(ca, tmp_path):
    """As distributions configure it that have done with SHA-1 and short keys."""
    strict = tmp_path / "strict.cnf"
    strict.write_text(
        "openssl_conf = all\n[all]\nalg_section = rules\nssl_conf = tls\n[rules]\n"
        "default_properties = fips=yes\n[tls]\nsystem_default = always\n[always]\n"
        "CipherString = DEFAULT@SECLEVEL=5\n"
    )
    made = json.loads(
        ca.do("break", "sha1-signature", "weak-key", "--json", env={"OPENSSL_CONF": str(strict)})
    )
    shown = process.run("openssl", "x509", "-in", ca.path(made[0]["chain"]), "-noout", "-text")
    assert b"ecdsa-with-SHA1" in shown.stdout


def test_the_documentation_has_the_same_table():
    text = (zoo.TOP / "sdk" / "docs" / "pki.md").read_text(encoding="utf-8")
    told = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        row = len(cells) == 6 and re.fullmatch(r"`([\w-]+)`(?: \((server|client)s\))?", cells[1])
        if row:
            found = [re.search(r"SALLY_\w+", cell) for cell in cells[3:5]]
            roles = {row[2]} if row[2] else BOTH
            told[row[1]] = (roles, *(status[0] if status else "SALLY_OK" for status in found))
    assert told == PROMISED
