"""sally verify: the verdict of the library, without a connection."""

import json
import re

import pytest

from peers import zoo
from sally_tool import OWN, errors, run

JUDGED = [entry for entry in zoo.of_role("server", "client") if entry.expected]


def verify(entry, *words, **options):
    name = entry.verify_name if entry.role == "server" else None
    given = {"ca": entry.ca, "leaf": entry.chain, "purpose": entry.role, "crl": entry.crl}
    return run("verify", *words, **{**given, "name": name, **options})


@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry.name)
def test_every_certificate_of_the_zoo_gets_its_verdict(entry):
    done = verify(entry, "--json")
    verdict = json.loads(done.stdout)
    assert verdict["accepted"] == entry.is_good
    assert verdict["verdict"]["status"] == entry.expected
    assert done.returncode == (0 if entry.is_good else 1)


def test_all_faults_are_told():
    done = verify(zoo.entry("server-expired"), name="elsewhere.test")
    assert done.returncode == 1
    for status in (b"SALLY_CERTIFICATE_EXPIRED", b"SALLY_CERTIFICATE_NAME_MISMATCH"):
        assert re.search(rb"fault +depth 0: " + status, done.stdout), done.stdout


def test_the_time_can_be_another():
    done = verify(OWN, time=1000000000)
    assert (done.returncode, b"SALLY_CERTIFICATE_NOT_YET_VALID" in done.stdout) == (1, True)


def test_untrusted_certificates_complete_a_chain():
    entry = zoo.entry("server-missing-intermediate")
    assert verify(entry).returncode == 1
    assert verify(entry, untrusted=zoo.OUT / "zoo" / "ca-intermediate.pem").returncode == 0


def test_the_depth_can_be_limited():
    assert verify(OWN, max_depth=1).returncode == 0
    done = verify(OWN, max_depth=0)
    assert (done.returncode, b"SALLY_CERTIFICATE_PATH_TOO_LONG" in done.stdout) == (1, True)


def test_a_name_is_of_the_kind_that_is_said():
    assert verify(OWN, name="127.0.0.1", name_kind="ip").returncode == 0
    assert verify(OWN, name="localhost", name_kind="dns").returncode == 0
    assert verify(OWN, name="nobody@localhost", name_kind="email").returncode == 1


def test_a_client_certificate_is_no_server_certificate():
    entry = zoo.entry("client-good")
    assert verify(entry, purpose="server").returncode == 1
    assert verify(entry, purpose="any").returncode == 0


def test_a_missing_crl_is_noticed_only_where_it_is_demanded():
    assert verify(OWN).returncode == 0
    done = verify(OWN, revocation="leaf")
    assert (done.returncode, b"REVOCATION_UNKNOWN" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"ca": "/nowhere.pem"}, "/nowhere.pem"),
        ({"leaf": "/nowhere.pem"}, "/nowhere.pem"),
        ({"leaf": OWN.key}, "SALLY_CREDENTIAL_NO_CERTIFICATE"),
        ({"crl": OWN.ca}, "SALLY_CRL_EMPTY"),
        ({"max_depth": 101}, "--max-depth"),
        ({"name_kind": "uri"}, "--name-kind"),
        ({"time": 0}, "--time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_judged_is_no_refusal(options, words):
    done = verify(OWN, **options)
    assert done.returncode == 2
    assert words in errors(done)
    assert b"PRIVATE" not in done.stdout + done.stderr


def test_the_leaf_must_be_given():
    done = run("verify", ca=OWN.ca)
    assert (done.returncode, "--leaf" in errors(done)) == (2, True)
