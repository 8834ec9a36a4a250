"""Runtimes, limits, waiting for reloads, providers, and what else streams and certificates tell."""

import asyncio
import threading

import pytest

import sallyport
from sallyport import (ClientAuth, Credential, KeyUsage, Limits, Runtime, Status, TlsConfig, TrustChange, TrustStore,
                       errors, sync)


def connect(listener, material, **options):
    options = {"tls": material.client(), "verify_name": "localhost", **options}
    return sync.connect("127.0.0.1", listener.port, **options)


def test_streams_live_on_a_runtime_of_their_own(material, census):
    runtime = Runtime(2)
    assert runtime.loops == 2
    with sync.listen("127.0.0.1", 0, tls=material.server(), runtime=runtime) as listener:
        with connect(listener, material, runtime=runtime) as client:
            peer = listener.accept()
            peer.write(b"x")
            assert client.readexactly(1) == b"x"
            peer.abort()
    del runtime, listener, client, peer
    census.settle()


def test_a_thread_of_the_program_runs_a_runtime(material, beside, run):
    runtime = Runtime(caller_run=True)
    assert runtime.loops == 1 and not runtime.run(timeout=0) and not runtime.run(timeout=0.01)
    over = threading.Event()

    def serve():
        while not over.is_set():
            runtime.run()

    server = beside(serve)

    async def echo(stream):
        await stream.write(await stream.readexactly(4))

    async def main():
        async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=material.server(), runtime=runtime) as served:
            async with await sallyport.connect("127.0.0.1", served.port, tls=material.client(),
                                               verify_name="localhost", runtime=runtime) as stream:
                await stream.write(b"ping")
                return await stream.readexactly(4)

    try:
        assert run(main()) == b"ping"
    finally:
        over.set()
        runtime.wake()
        server.result()
    with pytest.raises(errors.InvalidState):
        Runtime(1).run(timeout=0)
    with pytest.raises(ValueError):
        Runtime(2, caller_run=True)


def test_limits_are_kept(material):
    limits = Limits(max_connections_per_source=1, max_refusals=1)
    with sync.listen("127.0.0.1", 0, tls=material.server(), limits=limits) as listener:
        first = connect(listener, material)
        assert listener.dropped_refusals == 0
        for _ in range(3):
            with pytest.raises(errors.Error):
                connect(listener, material, confirmed=True)
        _, error = listener.next_refusal(timeout=10)
        assert error.status is Status.LIMIT_EXCEEDED
        assert listener.dropped_refusals >= 1
        first.abort()


def test_a_low_high_watermark_makes_writing_wait(material):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        client = connect(listener, material, watermarks=(4096, 1024))
        peer = listener.accept()
        with pytest.raises(TimeoutError):
            client.write(bytes(1 << 24), timeout=0.5)
        assert 0 < client.written < 1 << 24
        with pytest.raises(ValueError):
            connect(listener, material, watermarks=(10, 20))
        peer.abort()
        client.abort()


def test_draining_waits_for_the_last_connection(material, beside):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        client = connect(listener, material)
        peer = listener.accept()
        with pytest.raises(TimeoutError):
            sync.Listener.drain(listener, timeout=0.05)
        with pytest.raises(errors.Closed):
            listener.accept()
        client.abort()
        peer.abort()
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        listener.drain()


def put(material, name, folder):
    for end in ("pem", "key"):
        (folder / f"own.{end}").write_bytes((material.zoo / f"{name}.{end}").read_bytes())


def test_a_thread_waits_for_a_reload(material, beside, tmp_path):
    put(material, "server-good", tmp_path)
    credential = Credential.load(tmp_path / "own.pem", tmp_path / "own.key")
    with pytest.raises(TimeoutError):
        sync.wait_change(credential, 1, timeout=0.02)
    waiting = beside(sync.wait_change, credential, 1)
    put(material, "server-good-rsa", tmp_path)
    credential.reload()
    assert waiting.result() == 2 and sync.wait_change(credential, 1) == 2


def test_a_task_waits_for_a_reload_and_hears_of_its_failure(material, run, tmp_path):
    (tmp_path / "ca.pem").write_bytes((material.zoo / "ca-root.pem").read_bytes())
    trust = TrustStore.load(tmp_path / "ca.pem")

    async def main():
        waiting = asyncio.ensure_future(sallyport.wait_change(trust, 1))
        await asyncio.sleep(0)
        trust.reload()
        assert await waiting == 2
        waiting = asyncio.ensure_future(sallyport.wait_change(trust, 2))
        await asyncio.sleep(0)
        (tmp_path / "ca.pem").write_bytes(b"torn")
        with pytest.raises(errors.Error):
            trust.reload()
        with pytest.raises(errors.CredentialError):
            await waiting
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sallyport.wait_change(trust, 2), 0.02)

    run(main())


def test_a_watched_file_reloads_by_itself(material, tmp_path):
    (tmp_path / "ca.pem").write_bytes((material.zoo / "ca-root.pem").read_bytes())
    trust = TrustStore.load(tmp_path / "ca.pem")
    trust.watch()
    (tmp_path / "new.pem").write_bytes((material.zoo / "ca-other.pem").read_bytes())
    (tmp_path / "new.pem").rename(tmp_path / "ca.pem")
    assert sync.wait_change(trust, 1, timeout=20) == 2 and trust.reload_error is None


def test_a_peer_that_is_no_longer_trusted_is_dropped(material):
    trust = material.trust()
    tls = TlsConfig.server(trust=trust, credential=material.credential("server-good"), client_auth=ClientAuth.REQUIRE)
    tls.set_trust_change(TrustChange.DROP)
    with sync.listen("127.0.0.1", 0, tls=tls) as listener:
        client = connect(listener, material)
        peer = listener.accept()
        trust.replace(TrustStore.load(material.zoo / "ca-other.pem"))
        with pytest.raises(errors.CertificateError) as caught:
            peer.read(1, timeout=20)
        assert caught.value.status is Status.CERTIFICATE_UNKNOWN_CA and caught.value.phase == "review"
        client.abort()


def test_a_stream_tells_how_it_came_about(material):
    tls = material.server()
    with sync.listen("127.0.0.1", 0, tls=tls) as listener:
        for _ in range(2):
            client = connect(listener, material)
            listener.accept().abort()
        info = client.info
        attempt, = info.attempts
        assert attempt.address == f"127.0.0.1:{listener.port}" and attempt.status is Status.OK
        assert attempt.duration >= attempt.began and info.round_trips == 1
        assert tls.verification_cache_hits == 1
        told = info.to_dict()
        assert told["tls"]["correlation_id"] == info.correlation_id and told["establishment"]["round_trips"] == 1
        assert told["tls"]["peer_chain"][0]["fingerprint"] == info.peer_certificate.fingerprint
        client.abort()


def test_a_certificate_tells_what_it_is_for(material):
    certificate = material.credential("server-good").certificate
    assert KeyUsage.DIGITAL_SIGNATURE in certificate.key_usage and KeyUsage.CRL_SIGN not in certificate.key_usage
    assert "serverAuth" in certificate.extended_key_usage.values()
    assert certificate.extended_key_usage["1.3.6.1.5.5.7.3.1"] == "serverAuth"
    assert certificate.signature_algorithm == "ecdsa-with-SHA256"


def test_providers_are_loaded_by_name():
    sallyport.load_provider("default")
    with pytest.raises(errors.Error) as caught:
        sallyport.load_provider("no-such-provider")
    assert caught.value.status is Status.PROVIDER_UNAVAILABLE


def test_an_error_is_told_in_full(material):
    with pytest.raises(errors.Error) as caught:
        Credential.load(material.zoo / "server-good.pem", material.zoo / "client-good.key")
    report = caught.value.report()
    assert caught.value.message in report and report.count("\n") >= 1


def test_trust_tells_how_long_it_lasts(material):
    trust = TrustStore.load(material.zoo / "ca-root.pem")
    assert trust.not_after is not None and trust.not_after.tzinfo is not None and trust.next_update is None
    trust.add_crl(material.zoo / "file-crl-none-revoked.crl")
    assert trust.next_update is not None


def test_closing_without_waiting_for_the_peer_sends_all_there_is(material, run):
    payload = bytes(range(256)) * 8192

    async def main():
        got = asyncio.get_running_loop().create_future()

        async def take(stream):
            got.set_result(await stream.read())
            await got_all.wait()

        got_all = asyncio.Event()
        async with await sallyport.start_server(take, "127.0.0.1", 0, tls=material.server()) as server:
            stream = await sallyport.connect("127.0.0.1", server.port, tls=material.client(), verify_name="localhost")
            stream.write(payload)
            await stream.close(timeout=0)
            assert await got == payload
            got_all.set()

    run(main())
