"""Asking a client of TLS 1.3 for its certificate after the handshake (RFC 8446 section 4.6.2)."""

import concurrent.futures
import contextlib

import pytest

from peers import capi, impostor, openssl, pyssl, zoo

OWN, CLIENT = zoo.entry("server-good"), zoo.entry("client-good")
VERSION = "TLSv1.3"
REFUSALS = {  # by what the client shows: the status here, and the alert that the client gets
    "impostor": ("SALLY_CERTIFICATE_UNKNOWN_CA", "unknown_ca"),
    "none": ("SALLY_CLIENT_CERTIFICATE_REQUIRED", "certificate_required"),
}


@pytest.fixture(scope="module")
def library():
    return capi.Library()


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return {
        "good": (CLIENT.chain, CLIENT.key),
        "impostor": impostor.make(tmp_path_factory.mktemp("impostor"), CLIENT.ca),
        "none": (None, None),
    }


@pytest.fixture
def listener(library):
    """A server that asks nobody in the handshake, and knows whom to trust."""
    with (
        capi.Credential(library, OWN.chain, OWN.key) as credential,
        capi.Config(library, capi.SERVER, ca=CLIENT.ca, credential=credential) as config,
        capi.Listener(library, config) as listener,
    ):
        yield listener


def s_client(listener, files, offers=True):
    cert, key = files
    more = ["-enable_pha"] if offers else []
    return openssl.SClient(listener, VERSION, ca=OWN.ca, cert=cert, key=key, more=more)


def is_shown(stream):
    with stream.info() as info:
        return info["peer_verified"] == 1 and info.peer_subject() is not None


def test_s_client_shows_its_certificate(listener, shown):
    with s_client(listener, shown["good"]) as client, listener.accept() as stream:
        assert not is_shown(stream)
        stream.authenticate()
        assert is_shown(stream)
        stream.write(b"welcome, friend\n")
        client.wait_for(rb"^welcome, friend$")
        client.send(b"thanks\n")
        assert stream.read(7) == b"thanks\n"


@pytest.mark.parametrize("who", REFUSALS)
def test_s_client_is_refused(listener, shown, who):
    status, alert = REFUSALS[who]
    with s_client(listener, shown[who]) as client, listener.accept() as stream:
        with pytest.raises(capi.Refused, match=status):
            stream.authenticate()
        assert client.alert() == alert
        with pytest.raises(capi.Refused, match=status):
            stream.read(1)


def test_s_client_that_did_not_offer_it_goes_on(listener, shown):
    with s_client(listener, shown["good"], offers=False) as client, listener.accept() as stream:
        with pytest.raises(capi.Refused, match="SALLY_NOT_SUPPORTED"):
            stream.authenticate()
        client.send(b"hello\n")
        assert stream.read(6) == b"hello\n"


@contextlib.contextmanager
def python_client(listener, files, offers=True):
    """A Python client that reads; the future is what it read, or how it ended."""
    context = pyssl.client_context(VERSION, ca=OWN.ca, cert=files[0], key=files[1])
    context.post_handshake_auth = offers

    def read():
        try:
            with pyssl.tls(listener, context) as (tls, _):
                received = tls.recv(pyssl.SLICE)
                tls.sendall(received)
                return received
        except OSError as error:
            return pyssl.how_it_ended(error)

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        yield threads.submit(read)


def test_python_shows_its_certificate(listener, shown):
    with python_client(listener, shown["good"]) as client, listener.accept() as stream:
        stream.authenticate()
        assert is_shown(stream)
        stream.write(b"welcome\n")
        assert stream.read(8) == client.result() == b"welcome\n"


@pytest.mark.parametrize("who", REFUSALS)
def test_python_is_refused(listener, shown, who):
    status, alert = REFUSALS[who]
    with python_client(listener, shown[who]) as client, listener.accept() as stream:
        with pytest.raises(capi.Refused, match=status):
            stream.authenticate()
        assert client.result() == alert


def test_python_that_did_not_offer_it_goes_on(listener, shown):
    files = shown["good"]
    with python_client(listener, files, offers=False) as client, listener.accept() as stream:
        with pytest.raises(capi.Refused, match="SALLY_NOT_SUPPORTED"):
            stream.authenticate()
        stream.write(b"welcome\n")
        assert stream.read(8) == client.result() == b"welcome\n"


@contextlib.contextmanager
def asked(library, files, offers=True):
    """Our client, and an s_server that asks it for a certificate and then says welcome."""
    with contextlib.ExitStack() as stack:
        chain, key = files
        credential = stack.enter_context(capi.Credential(library, chain, key)) if chain else None
        config = capi.Config(library, capi.CLIENT, VERSION, ca=OWN.ca, credential=credential)
        stack.enter_context(config)
        if offers:
            library.tls_config_allow_post_handshake_auth(config.pointer)
        server = openssl.SServerByHand(cert=OWN.chain, key=OWN.key, ca=CLIENT.ca)
        stack.enter_context(server)
        stream = stack.enter_context(capi.connect(library, config, server.address))
        server.ask()
        server.send(b"welcome\n")
        yield stream, server


def certificate_of(stream):
    with stream.info() as info:
        return info["client_certificate_requested"], info["client_certificate_sent"]


def test_our_client_shows_s_server_its_certificate(library, shown):
    with asked(library, shown["good"]) as (stream, server):
        # The answer must leave by itself: nothing is read or written after this.
        assert stream.read(8) == b"welcome\n"
        server.wait_for(rb"^depth=0 .*CN = client-good$")
        assert certificate_of(stream) == (1, 1)
        stream.write(b"thanks\n")
        server.wait_for(rb"^thanks$")


def test_our_client_is_refused_by_s_server(library, shown):
    with asked(library, shown["impostor"]) as (stream, _):
        assert stream.read(8) == b"welcome\n"
        with pytest.raises(capi.Refused, match="SALLY_ALERT_UNKNOWN_CA"):
            stream.read(1)


def test_our_client_has_nothing_to_show_to_s_server(library, shown):
    with asked(library, shown["none"]) as (stream, server):
        assert stream.read(8) == b"welcome\n"
        assert certificate_of(stream) == (1, 0)
        stream.write(b"sorry\n")
        server.wait_for(rb"^sorry$")  # which asks, and does not insist


def test_s_server_cannot_ask_a_client_of_ours_that_did_not_offer_it(library, shown):
    with asked(library, shown["good"], offers=False) as (stream, server):
        server.wait_for(rb"extension not received")
        assert stream.read(8) == b"welcome\n"
        assert certificate_of(stream) == (0, 0)
