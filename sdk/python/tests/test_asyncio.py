import asyncio
import os
import socket

import pytest

import sallyport
from sallyport import Status, Version, errors
from sallyport._raw import lib


async def echo(stream):
    while data := await stream.read(65536):
        await stream.write(data)


async def serve(material, handler=echo, **options):
    options = {"tls": material.server(), **options}
    return await sallyport.start_server(handler, "127.0.0.1", 0, **options)


async def meet(server, material, **options):
    options = {"tls": material.client(), "verify_name": "localhost", **options}
    return await sallyport.connect("127.0.0.1", server.port, **options)


def test_both_sides_know_each_other(material, run):
    seen = asyncio.Queue()

    async def tell(stream):
        await seen.put(stream.info)
        await echo(stream)

    async def main():
        async with await serve(material, tell) as server, await meet(server, material) as stream:
            await stream.write(b"hello\n")
            assert await stream.readline() == b"hello\n"
            return stream.info, await seen.get()

    client, server = run(main())
    assert client.peer_verified and server.peer_verified and client.client_certificate_sent
    assert client.version is Version.TLS_1_3 and client.correlation_id == server.correlation_id
    assert server.peer_certificate.subject == client.own_certificate.subject
    assert ("dns", "localhost") in client.peer_certificate.names
    assert len(client.verified_chain) == len(client.peer_certificates) + 1


def test_megabytes_come_back_whole_and_in_order(material, run):
    payload = os.urandom(1 << 20) * 6

    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            taken = stream.write(payload)
            assert await stream.readexactly(len(payload)) == payload
            await taken

    run(main())


def test_reading_in_every_form(material, run):
    async def say(stream):
        stream.write(b"one\ntwo||thr", more=True)
        stream.writelines([b"ee", b"four\n", b"rest"])
        await stream.write_eof()
        assert await stream.read() == b""

    async def main():
        async with await serve(material, say) as server, await meet(server, material) as stream:
            assert await stream.readline() == b"one\n"
            assert await stream.readuntil(b"||") == b"two||"
            assert await stream.readexactly(5) == b"three"
            assert [line async for line in stream] == [b"four\n", b"rest"]
            assert await stream.read(10) == b"" and await stream.read() == b""
            with pytest.raises(asyncio.IncompleteReadError):
                await stream.readexactly(1)

    run(main())


def test_a_line_beyond_the_limit_overruns_and_stays_readable(material, run):
    async def say(stream):
        await stream.write(b"x" * 3000 + b"\n")
        await stream.read()

    async def main():
        async with await serve(material, say) as server, await meet(server, material, limit=1000) as stream:
            with pytest.raises(asyncio.LimitOverrunError):
                await stream.readline()
            assert await stream.readexactly(3001) == b"x" * 3000 + b"\n"

    run(main())


def test_writing_nothing_is_no_failure(material, run):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            await stream.write(b"")
            stream.writelines([])
            await stream.write(memoryview(b"a-b-c-")[::2])
            assert await stream.readexactly(3) == b"abc"
            assert await stream.readexactly(0) == b"" and await stream.read(0) == b""

    run(main())


def test_a_cancelled_read_loses_no_bytes(material, run):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            for turn in range(200):
                reading = asyncio.ensure_future(stream.readexactly(8))
                await asyncio.sleep(0)
                await stream.write(b"%04d" % turn)
                for _ in range(turn % 7):
                    await asyncio.sleep(0)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                await stream.write(b"%04d" % turn)
                assert await stream.readexactly(8) == b"%04d%04d" % (turn, turn)

    run(main())


def test_a_cancelled_write_sends_all_of_what_it_was_given(material, run):
    payload = os.urandom(1 << 20) * 8
    go = asyncio.Event

    async def main():
        reading = go()
        got = asyncio.get_running_loop().create_future()

        async def late(stream):
            await reading.wait()
            got.set_result(await stream.read())

        async with await serve(material, late) as server:
            stream = await meet(server, material)

            async def write():
                await stream.write(payload)

            writing = asyncio.ensure_future(write())
            await asyncio.sleep(0)
            assert not writing.done(), "more than the buffers take"
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            reading.set()
            await stream.close()
            assert await got == payload

    run(main())


def test_time_outs_are_those_of_asyncio(material, run):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(stream.read(1), 0.02)
            await stream.write(b"still")
            assert await stream.read(5) == b"still"

    run(main())


def test_a_deadline_ends_connecting_and_a_cancelled_task_too(material, run):
    async def main():
        deaf = socket.create_server(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        with pytest.raises(TimeoutError) as caught:
            await sallyport.connect("127.0.0.1", port, tls=material.client(), timeout=1)
        assert caught.value.status is Status.TIMED_OUT and caught.value.phase == "handshake"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sallyport.connect("127.0.0.1", port, tls=material.client()), 0.05)
        deaf.close()

    run(main())


def test_a_second_reader_is_told_so(material, run):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            first = asyncio.ensure_future(stream.read(1))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError):
                await stream.readexactly(1)
            await stream.write(b"a")
            assert await first == b"a"

    run(main())


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_refused_certificate_says_why_on_both_sides(material, run, confirmed):
    async def main():
        refusals = asyncio.Queue()
        told = lambda *refusal: refusals.put_nowait(refusal)  # noqa: E731
        tls = material.server()
        tls.set_ca_hints(sallyport.CaHints.NONE)  # or the client would keep its certificate to itself
        async with await serve(material, tls=tls, on_refused=told) as server:
            with pytest.raises(errors.AlertReceived) as caught:
                stream = await meet(server, material, tls=material.client("client-unknown-ca"), confirmed=confirmed)
                assert not confirmed
                await stream.read(1)
            return caught.value, await refusals.get()

    client, (address, server) = run(main())
    assert client.status is Status.ALERT_UNKNOWN_CA and client.alert == "unknown_ca" and client.layer == "tls"
    assert isinstance(server, errors.CertificateError) and server.status is Status.CERTIFICATE_UNKNOWN_CA
    assert address.startswith("127.0.0.1:") and client.hint and server.hint
    assert client.correlation_id == server.correlation_id


def test_a_plain_stream_is_upgraded_on_both_sides(material, run):
    async def starttls(stream):
        assert await stream.readline() == b"STARTTLS\n"
        await stream.write(b"go\n")
        await stream.upgrade(material.server())
        await echo(stream)

    async def main():
        async with await serve(material, starttls, tls=None, plain=True) as server:
            async with await meet(server, material, tls=None, plain=True, verify_name=None) as stream:
                stream.write(b"STARTTLS\n")
                assert await stream.readline() == b"go\n"
                assert stream.protection is Version.PLAIN
                await stream.upgrade(material.client(), verify_name="localhost")
                assert stream.protection is Version.TLS_1_3
                await stream.write(b"secret")
                assert await stream.readexactly(6) == b"secret"

    run(main())


@pytest.mark.parametrize("together", [True, False])
def test_plaintext_behind_the_agreement_ends_an_upgrade(material, run, together):
    async def inject(stream):
        await stream.readline()
        await stream.write(b"go\ninjected\n" if together else b"go\n")
        if not together:
            await stream.readline()
            await stream.write(b"injected\n")
        await stream.read()

    async def main():
        async with await serve(material, inject, tls=None, plain=True) as server:
            stream = await meet(server, material, tls=None, plain=True, verify_name=None)
            await stream.write(b"STARTTLS\n")
            await stream.readline()
            if not together:
                await stream.write(b"again\n")
                await stream._hub.run(lib.sally_stream_wait_async, stream._handle, lib.SALLY_DIRECTION_READ, 0)
            with pytest.raises(errors.Error) as caught:
                await stream.upgrade(material.client(), verify_name="localhost")
            assert caught.value.status is Status.PLAINTEXT_BEFORE_TLS

    run(main())


def test_reloading_changes_who_is_shown_and_trusted(material, run, tmp_path):
    def put(name, chain):
        for end in ("pem", "key"):
            (tmp_path / f"{chain}.{end}").write_bytes((material.zoo / f"{name}.{end}").read_bytes())

    async def main():
        put("server-good", "server")
        (tmp_path / "ca.pem").write_bytes((material.zoo / "ca-root.pem").read_bytes())
        credential = sallyport.Credential.load(tmp_path / "server.pem", tmp_path / "server.key")
        trust = sallyport.TrustStore.load(tmp_path / "ca.pem")
        tls = sallyport.TlsConfig.server(credential=credential, trust=trust,
                                         client_auth=sallyport.ClientAuth.REQUIRE)
        async with await serve(material, tls=tls) as server:
            async with await meet(server, material) as stream:
                first = stream.info.peer_certificate.fingerprint
            put("server-good-rsa", "server")
            credential.reload()
            assert credential.generation == 2
            async with await meet(server, material) as stream:
                assert stream.info.peer_certificate.fingerprint != first
            (tmp_path / "server.key").write_bytes(b"torn")
            with pytest.raises(errors.CredentialError):
                credential.reload()
            assert credential.generation == 2 and credential.reload_error is not None
            trust.replace(sallyport.TrustStore.load(material.zoo / "ca-other.pem"))
            with pytest.raises(errors.AlertReceived):
                await meet(server, material, confirmed=True)

    run(main())


def test_a_cancelled_accept_loses_no_client(material, run):
    async def main():
        async with await sallyport.listen("127.0.0.1", 0, tls=material.server()) as listener:
            for turn in range(10):
                accepting = asyncio.ensure_future(listener.accept())
                await asyncio.sleep(0)
                client = await meet(listener, material)
                accepting.cancel()
                await asyncio.wait([accepting])
                stream = accepting.result() if not accepting.cancelled() else await listener.accept()
                await stream.write(b"!")
                assert await client.readexactly(1) == b"!"
                client.abort()

    run(main())


def test_a_thousand_connections_at_once(material, run, census):
    async def main():
        tls = material.client()
        gate = asyncio.Semaphore(100)

        async def one(server, number):
            async with gate:
                stream = await meet(server, material, tls=tls, timeout=50)
            return stream, b"%08d" % number

        async with await serve(material, limits=sallyport.Limits(handshake_timeout=50)) as server:
            pairs = await asyncio.gather(*[one(server, number) for number in range(1000)])
            for _ in range(3):
                for stream, message in pairs:
                    stream.write(message)
                assert await asyncio.gather(*[stream.readexactly(8) for stream, _ in pairs]) == [m for _, m in pairs]
            await asyncio.gather(*[stream.close() for stream, _ in pairs])

    run(main())
    census.settle()


def test_key_material_is_the_same_on_both_sides(material, run):
    async def tell(stream):
        await stream.write(stream.export_key("EXPERIMENTAL-test", 32) + stream.channel_binding())

    async def main():
        async with await serve(material, tell) as server, await meet(server, material) as stream:
            told = await stream.readexactly(64)
            assert told == stream.export_key("EXPERIMENTAL-test", 32) + stream.channel_binding()

    run(main())
