"""sally doctor examines servers that are not Sallyport's, as they stand before real services."""

import contextlib

import pytest

from peers import built, daemons, zoo
from sally_tool import CLIENT, OTHER, OWN, Doctor, shows

KINDS = list(daemons.START)
# Those whose TLS insists on a good certificate; nginx leaves that to HTTP.
STRICT = [kind for kind in KINDS if kind != "nginx"]
ROOT = "Sallyport zoo root CA"


@pytest.fixture
def start(tmp_path):
    """Starts a server of this kind; all of them are ended with the test."""
    with contextlib.ExitStack() as running:

        def start(kind, entry=OWN, ca=CLIENT.ca, **options):
            try:
                server = daemons.START[kind](tmp_path, entry, ca, **options)
            except built.Missing as missing:
                pytest.skip(str(missing))
            return running.enter_context(server).address

        yield start


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("versions", [daemons.ALL, ("TLSv1.2",), ("TLSv1.3",)], ids=" ".join)
def test_mutual_tls_is_healthy(start, kind, versions):
    found = Doctor(start(kind, versions=versions), **shows(CLIENT))
    assert (found.exit_status, found.cause, found.causes) == (0, "none", []), found.verdict
    accepted = [one["what"] for one in found.report["versions"] if one["accepted"]]
    assert sorted(accepted) == sorted(versions)
    for version in versions:
        assert found.handshake(f"{version} with the client certificate")["confirmed"]
    optional = "client_certificate_optional" in found.remarks
    assert optional == (kind == "nginx")
    assert ("accepts the client certificate" in found.verdict["sentence"]) == (kind != "nginx")
    assert ("no_tls_1_3" in found.remarks) == ("TLSv1.3" not in versions)


@pytest.mark.parametrize("kind", STRICT)
@pytest.mark.parametrize("version", daemons.ALL)
def test_the_demand_for_a_certificate_and_of_which_cas_is_told(start, kind, version):
    found = Doctor(start(kind, versions=(version,)))
    assert (found.exit_status, found.cause) == (1, "client_certificate_required"), found.verdict
    assert found.verdict["certain"] and ROOT in found.verdict["sentence"]
    error = found.handshake(f"{version} without a client certificate")["error"]
    assert error["alert"]["direction"] == "received"


@pytest.mark.parametrize("kind", STRICT)
def test_a_certificate_of_another_ca_is_refused(start, kind):
    found = Doctor(start(kind), **shows(OTHER))
    assert (found.exit_status, found.cause) == (1, "client_certificate_refused"), found.verdict
    assert "client-other" in found.verdict["sentence"] and ROOT in found.verdict["sentence"]
    assert "not even shown" in found.verdict["sentence"]


@pytest.mark.parametrize("kind", STRICT)
def test_a_certificate_that_only_names_an_accepted_ca_is_refused_by_an_alert(start, kind):
    found = Doctor(start(kind), **shows(zoo.entry("client-bad-signature")))
    assert (found.exit_status, found.cause) == (1, "client_certificate_refused"), found.verdict
    assert "client-bad-signature" in found.verdict["sentence"] and found.verdict["certain"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "entry, cause",
    [
        ("client-expired", "client_certificate_expired"),
        ("client-wrong-usage", "client_certificate_wrong_usage"),
        ("client-missing-intermediate", "client_missing_intermediate"),
    ],
)
def test_a_fault_of_the_client_certificate_is_named(start, kind, entry, cause):
    found = Doctor(start(kind), **shows(zoo.entry(entry)))
    assert (found.exit_status, found.cause) == (1, cause), found.verdict


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "entry, cause",
    [
        ("server-expired", "expired"),
        ("server-wrong-host", "name_mismatch"),
        ("server-missing-intermediate", "missing_intermediate"),
    ],
)
def test_a_fault_of_the_server_certificate_is_named(start, kind, entry, cause):
    found = Doctor(start(kind, zoo.entry(entry), ca=None))
    assert (found.exit_status, found.causes) == (1, [cause]), found.verdict


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_of_an_old_version_only(start, kind):
    found = Doctor(start(kind, zoo.entry("server-good-rsa"), ca=None, versions=("TLSv1.1",)))
    assert (found.exit_status, found.causes) == (1, ["old_versions_only"]), found.verdict
    assert "only TLSv1.1" in found.verdict["sentence"] and found.remarks == []


@pytest.mark.parametrize("kind", ["nginx", "HAProxy"])
def test_the_plain_port_of_a_web_server(start, kind):
    found = Doctor(start(kind, ca=None, tls=False))
    assert (found.exit_status, found.cause) == (1, "not_tls"), found.verdict
    assert "plain HTTP" in found.verdict["sentence"]


def test_the_plain_side_of_a_tunnel(start, tmp_path):
    secured = start("stunnel", ca=None)
    with daemons.stunnel_client(tmp_path, secured) as tunnel:
        found = Doctor(tunnel.address)
    assert (found.exit_status, found.cause) == (1, "not_tls"), found.verdict


class TestNginx:
    """Accepted by TLS, refused by HTTP."""

    def test_without_a_certificate_tls_tells_nothing_and_the_doctor_says_so(self, start):
        found = Doctor(start("nginx"))
        assert (found.exit_status, found.remarks) == (0, ["client_certificate_optional"])
        assert "does not insist" in found.verdict["sentence"]
        remark = found.report["findings"][0]
        assert ROOT in remark["sentence"] and "--http" in remark["fix"]
        assert found.report["http"] == []

    @pytest.mark.parametrize("version", daemons.ALL)
    def test_http_tells_that_a_certificate_is_demanded(self, start, version):
        found = Doctor(start("nginx", versions=(version,)), http="/")
        assert (found.exit_status, found.cause) == (1, "client_certificate_required")
        assert found.verdict["certain"] and ROOT in found.verdict["sentence"]
        (http,) = found.report["http"]
        assert (http["status"], http["certificate_sent"]) == (400, False)
        assert http["title"] == "400 No required SSL certificate was sent"

    @pytest.mark.parametrize("version", daemons.ALL)
    def test_http_tells_that_the_certificate_is_accepted(self, start, version):
        found = Doctor(start("nginx", versions=(version,)), http="/", **shows(CLIENT))
        assert (found.exit_status, found.causes) == (0, []), found.verdict
        assert "accepts the client certificate" in found.verdict["sentence"]
        assert "client_certificate_optional" not in found.remarks
        assert [one["status"] for one in found.report["http"]] == [400, 200]

    def test_a_certificate_of_another_ca_is_not_shown(self, start):
        found = Doctor(start("nginx"), **shows(OTHER))
        assert (found.exit_status, found.cause) == (1, "client_certificate_refused")
        assert "not even shown" in found.verdict["sentence"] and not found.verdict["certain"]

    def test_http_tells_that_without_it_nobody_comes_in(self, start):
        found = Doctor(start("nginx"), http="/", **shows(OTHER))
        assert (found.cause, found.verdict["certain"]) == ("client_certificate_refused", True)
        assert [one["certificate_sent"] for one in found.report["http"]] == [False, False]

    def test_http_tells_that_the_certificate_is_refused(self, start):
        found = Doctor(start("nginx"), http="/", **shows(zoo.entry("client-bad-signature")))
        assert (found.cause, found.verdict["certain"]) == ("client_certificate_refused", True)
        assert "400 The SSL certificate error" in found.verdict["sentence"]

    def test_a_fault_that_http_confirms_is_certain(self, start):
        found = Doctor(start("nginx"), http="/", **shows(zoo.entry("client-expired")))
        assert (found.cause, found.verdict["certain"]) == ("client_certificate_expired", True)

    def test_a_path_that_is_refused_for_another_reason_is_no_problem(self, start):
        found = Doctor(start("nginx"), http="/private", **shows(CLIENT))
        assert (found.exit_status, found.remarks) == (0, ["http_refuses"]), found.verdict

    def test_a_server_that_only_asks_is_told_from_one_that_demands(self, start):
        found = Doctor(start("nginx", verify="optional"), http="/")
        assert (found.exit_status, found.remarks) == (0, ["client_certificate_optional"])
        assert [one["status"] for one in found.report["http"]] == [200]


def test_a_server_that_answers_no_http_is_remarked(start):
    found = Doctor(start("stunnel"), http="/", **shows(CLIENT))
    assert (found.exit_status, found.remarks) == (0, ["no_http"]), found.verdict
