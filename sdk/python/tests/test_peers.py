"""Python's own ssl as the peer, in the same process and beside it."""

import asyncio
import socket
import ssl

import pytest

import sallyport
from sallyport import Status, errors, sync


def context(material, version, server):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = made.maximum_version = version
    name = "server-good" if server else "client-good"
    made.load_cert_chain(material.zoo / f"{name}.pem", material.zoo / f"{name}.key")
    made.load_verify_locations(material.zoo / "ca-root.pem")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda v: v.name)
PAYLOAD = bytes(range(256)) * 2000


@versions
def test_a_client_of_a_server_of_ssl(material, run, version):
    async def echo(reader, writer):
        assert writer.get_extra_info("peercert")["subject"]
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context(material, version, True))
        port = server.sockets[0].getsockname()[1]
        async with await sallyport.connect("127.0.0.1", port, tls=material.client(), verify_name="localhost") as stream:
            stream.write(PAYLOAD)
            assert await stream.readexactly(len(PAYLOAD)) == PAYLOAD
            assert stream.protection == version and stream.info.peer_verified
        server.close()

    run(main())


@versions
def test_a_server_of_a_client_of_ssl(material, run, version):
    async def echo(stream):
        assert stream.info.peer_verified and stream.protection == version
        while data := await stream.read(65536):
            await stream.write(data)

    async def main():
        async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=material.server()) as server:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", server.port, ssl=context(material, version, False), server_hostname="localhost")
            writer.write(PAYLOAD)
            assert await reader.readexactly(len(PAYLOAD)) == PAYLOAD
            writer.close()
            await writer.wait_closed()

    run(main())


@versions
def test_a_server_of_ssl_refuses_and_the_error_says_why(material, beside, version):
    """A blocking one: that of asyncio drops the alert with the connection."""
    def refuse(listening):
        connection = listening.accept()[0]
        with connection, pytest.raises(ssl.SSLError):
            context(material, version, True).wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = beside(refuse, listening)
        with pytest.raises(errors.AlertReceived) as caught:
            stream = sync.connect("127.0.0.1", listening.getsockname()[1], tls=material.client(None),
                                  verify_name="localhost")
            stream.read(1)
        server.result()
    wanted = {ssl.TLSVersion.TLSv1_2: Status.ALERT_HANDSHAKE_FAILURE,
              ssl.TLSVersion.TLSv1_3: Status.ALERT_CERTIFICATE_REQUIRED}
    assert caught.value.status is wanted[version]


def test_a_peer_that_vanishes_is_no_clean_end(material, run):
    async def vanish(reader, writer):
        writer.write(b"half a mess")
        await writer.drain()
        writer.transport.abort()

    async def main():
        server = await asyncio.start_server(vanish, "127.0.0.1", 0,
                                            ssl=context(material, ssl.TLSVersion.TLSv1_3, True))
        port = server.sockets[0].getsockname()[1]
        stream = await sallyport.connect("127.0.0.1", port, tls=material.client(), verify_name="localhost")
        with pytest.raises(ConnectionError) as caught:
            await stream.read()
        server.close()
        return caught.value

    assert isinstance(run(main()), (errors.Truncated, errors.Reset))
