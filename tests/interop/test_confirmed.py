"""Confirmed connect: what servers of other libraries tell a client of its certificate, and when.

sdk/docs/confirmed-connect.md has a table of what is found here. SEEN is that table.
"""

import contextlib
import dataclasses

import pytest

from conftest import Pool
from peers import alerts, built, capi, impostor, openssl, servers, zoo

OWN, CLIENT, OTHER = (zoo.entry(name) for name in ("server-good", "client-good", "client-other"))
UNCONFIRMED = "SALLY_UNCONFIRMED"
SHORT_MS = 3000  # for what must time out, once the handshake is over
LINE = b"hello\n"

CLOSES = None  # without any alert


@dataclasses.dataclass(frozen=True)
class Seen:
    """The alerts with which a server refuses: several where its releases differ."""

    impostor: set
    none: set
    none_in_1_2: set


SEEN = {
    "OpenSSL": Seen({"unknown_ca"}, {"certificate_required"}, {"handshake_failure"}),
    "OpenSSL, -no_ticket": Seen({"unknown_ca"}, {"certificate_required"}, {"handshake_failure"}),
    "GnuTLS": Seen({"access_denied"}, {"certificate_required"}, {"decode_error"}),
    "Go": Seen(
        {"unknown_ca", "bad_certificate"},
        {"certificate_required", "bad_certificate"},
        {"handshake_failure", "bad_certificate"},
    ),
    "rustls": Seen({"decrypt_error"}, {"certificate_required"}, {"certificate_required"}),
    "Node": Seen({CLOSES}, {"certificate_required"}, {"handshake_failure"}),
}
# Node has no way to turn off the tickets of TLS 1.3, and s_server -no_ticket only makes them short.
WITHOUT_TICKETS = ["OpenSSL", "GnuTLS", "Go", "rustls"]


@pytest.fixture(scope="module")
def library():
    return capi.Library()


@pytest.fixture(scope="module")
def server():
    """A running server of this kind."""
    pool, missing = Pool(servers.start), {}

    def start(kind, version, tickets=True):
        try:
            if kind not in missing:
                return pool(kind, version, OWN, CLIENT.ca, tickets)
        except built.Missing as reason:  # looking for it again would take as long
            missing[kind] = str(reason)
        pytest.skip(missing[kind])

    yield start
    pool.stop()


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What a client may have to show. Of another CA than the server names it shows nothing."""
    return {
        "good": (CLIENT.chain, CLIENT.key),
        "impostor": impostor.make(tmp_path_factory.mktemp("impostor"), CLIENT.ca),
        "other": (OTHER.chain, OTHER.key),
        "none": None,
    }


@contextlib.contextmanager
def client(library, version, files):
    with contextlib.ExitStack() as stack:
        credential = stack.enter_context(capi.Credential(library, *files)) if files else None
        yield stack.enter_context(
            capi.Config(library, capi.CLIENT, version, ca=OWN.ca, credential=credential)
        )


def confirmed(library, config, address, limit_ms=capi.LIMIT_MS):
    return capi.connect(
        library, config, address, flags=capi.CONFIRMED, limit_ms=limit_ms
    )


def echoes(stream):
    stream.write(LINE)
    return sorted(stream.read(len(LINE))) == sorted(LINE)  # s_server turns it round


def outcome(refused, after="SALLY_HANDSHAKE_INTERRUPTED"):
    """The peer's alert, CLOSES where it just ended the connection."""
    status, alert = str(refused.value), refused.value.alert
    assert status == (alerts.status_of(alert) if alert else after)
    return alert


def expected(kind, version, who):
    seen = SEEN[kind]
    if who == "impostor":
        return seen.impostor
    return seen.none if version == "TLSv1.3" else seen.none_in_1_2


@pytest.mark.parametrize("kind", SEEN)
def test_a_certificate_that_is_accepted(library, server, shown, kind, version, record_property):
    address = server(kind, version).address
    with client(library, version, shown["good"]) as config:
        with confirmed(library, config, address) as stream, stream.info() as info:
            assert info["client_certificate_sent"] == 1
            record_property("handshake_us", info.duration(capi.DURATION_HANDSHAKE))
            assert info.duration(capi.DURATION_HANDSHAKE) < capi.LIMIT_MS * 1000 / 2
            assert echoes(stream)


@pytest.mark.parametrize("kind", SEEN)
def test_a_session_that_is_resumed_is_confirmed(library, server, shown, kind, version):
    address = server(kind, version).address
    with client(library, version, shown["good"]) as config:
        with confirmed(library, config, address) as stream:
            assert echoes(stream)
        with confirmed(library, config, address) as stream, stream.info() as info:
            assert info["resumed"] == 1
            assert echoes(stream)


@pytest.mark.parametrize("who", ["impostor", "other", "none"])
@pytest.mark.parametrize("kind", SEEN)
def test_a_certificate_that_is_refused(library, server, shown, kind, version, who):
    address = server(kind, version).address
    with client(library, version, shown[who]) as config:
        with pytest.raises(capi.Refused) as refused:
            confirmed(library, config, address)
    assert outcome(refused) in expected(kind, version, who)


@pytest.mark.parametrize("who", ["impostor", "none"])
@pytest.mark.parametrize("kind", SEEN)
def test_unconfirmed_the_first_read_tells(library, server, shown, kind, who):
    address = server(kind, "TLSv1.3").address
    with client(library, "TLSv1.3", shown[who]) as config:
        with capi.connect(library, config, address) as stream:
            with pytest.raises(capi.Refused) as refused:
                stream.read(1)
    assert outcome(refused, "SALLY_TRUNCATED") in expected(kind, "TLSv1.3", who)


@pytest.mark.parametrize("kind", WITHOUT_TICKETS)
def test_without_tickets_nothing_confirms(library, server, shown, kind):
    address = server(kind, "TLSv1.3", tickets=False).address
    with client(library, "TLSv1.3", shown["good"]) as config:
        with pytest.raises(capi.Refused, match=UNCONFIRMED):
            confirmed(library, config, address, SHORT_MS)
        with capi.connect(library, config, address) as stream:
            assert echoes(stream)


@pytest.mark.parametrize("who", ["impostor", "none"])
@pytest.mark.parametrize("kind", WITHOUT_TICKETS)
def test_without_tickets_a_refusal_is_told(library, server, shown, kind, who):
    address = server(kind, "TLSv1.3", tickets=False).address
    with client(library, "TLSv1.3", shown[who]) as config:
        with pytest.raises(capi.Refused) as refused:
            confirmed(library, config, address)
    assert outcome(refused) in expected(kind, "TLSv1.3", who)


@pytest.mark.parametrize("kind", WITHOUT_TICKETS)
def test_tls_1_2_needs_no_ticket(library, server, shown, kind):
    address = server(kind, "TLSv1.2", tickets=False).address
    with client(library, "TLSv1.2", shown["good"]) as config:
        with confirmed(library, config, address) as stream:
            assert echoes(stream)


# Whatever the server's TLS does not look at it confirms too: it only asks for some certificate.
def test_a_server_that_lets_anybody_in_confirms_anybody(library, shown, version):
    files = {"cert": OWN.chain, "key": OWN.key, "ca": CLIENT.ca}
    with (
        openssl.SServer(version, **files, more=("-Verify", 5)) as anybody,
        client(library, version, shown["impostor"]) as config,
        confirmed(library, config, anybody.address) as stream,
    ):
        assert echoes(stream)
