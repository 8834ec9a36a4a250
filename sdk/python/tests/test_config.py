"""What configs, credentials and trust stores are told is what is in force."""

import os

import pytest

import sallyport
from sallyport import (CaHints, ClientAuth, Credential, NameKind, Ocsp, Pin, Revocation, Status, TicketKeys, TlsConfig,
                       TrustStore, UnknownName, Version, errors, sync)


def talk(server, client):
    """One connection; what the client learns of it."""
    with sync.listen("127.0.0.1", 0, tls=server) as listener:
        with sync.connect("127.0.0.1", listener.port, tls=client, verify_name="localhost") as stream:
            peer = listener.accept()
            peer.write(b"x")
            assert stream.readexactly(1) == b"x"
            info = stream.info, peer.info
            peer.abort()
    return info


@pytest.mark.parametrize("method, arguments, where, found", [
    ("set_versions", (Version.TLS_1_3, Version.TLS_1_3), "min_version", "TLSv1.3"),
    ("set_policy", ("modern-2026",), "policy", "modern-2026"),
    ("set_provider", ("provider=default",), "provider", "provider=default"),
    ("set_alpn", (["h2", "http/1.1"],), "alpn", ["h2", "http/1.1"]),
    ("set_resumption", (False,), "resumption", False),
    ("set_unknown_name", (UnknownName.REFUSE,), "unknown_name", "refuse"),
    ("set_ca_hints", (CaHints.NONE,), "ca_hints", "none"),
    ("set_client_auth", (ClientAuth.REQUEST,), "verification.client_auth", "request"),
    ("set_max_depth", (3,), "verification.depth", 3),
    ("set_security_level", (3,), "verification.security_level", 3),
    ("insecure_set_security_level", (1,), "verification.security_level", 1),
    ("set_revocation", (Revocation.CHAIN,), "verification.revocation", "chain"),
    ("allow_partial_chain", (), "verification.partial_chain", True),
    ("set_verification_cache", (7,), "verification.cache_entries", 7),
    ("set_trust_change", (sallyport.TrustChange.DRAIN, 5), "verification.trust_change", "drain"),
])
def test_what_is_set_is_in_force(material, method, arguments, where, found):
    config = material.server()
    getattr(config, method)(*arguments)
    value = config.to_dict()
    for key in where.split("."):
        value = value[key]
    assert value == found


def test_what_has_no_words_in_the_report_is_taken_or_refused(material):
    client = material.client()
    client.set_session_lifetime(60)
    client.set_decision_timeout(1.5)
    client.set_verification_time(1893456000)
    client.set_ocsp(Ocsp.OFF)
    client.allow_post_handshake_auth()
    client.insecure_ignore(Status.CERTIFICATE_EXPIRED)
    client.insecure_skip_verification()
    client.add_pin(material.credential("server-good").certificate.spki_pin, Pin.REPORT_ONLY | Pin.ISSUER)
    client.allow_peer(NameKind.DNS, "localhost")
    assert client.to_dict()["verification"]["insecure_ignored"]
    with pytest.raises(errors.InvalidState):
        client.set_session_lifetime(60)  # frozen
    for wrong in (lambda: TlsConfig.client().set_policy("no-such"), lambda: TlsConfig.client().set_session_lifetime(0),
                  lambda: TlsConfig.client().add_pin("no pin"), lambda: TlsConfig.client().set_alpn([""])):
        with pytest.raises(ValueError):
            wrong()
    try:
        TlsConfig.client().require_pq()
    except errors.Error as error:
        assert error.status is Status.NOT_SUPPORTED  # OpenSSL before 3.5


def test_secrets_are_logged_where_one_asks_for_it(material, tmp_path):
    client = material.client()
    client.insecure_log_keys(tmp_path / "keys")
    talk(material.server(), client)
    assert "CLIENT_HANDSHAKE_TRAFFIC_SECRET" in (tmp_path / "keys").read_text()


def test_hosts_are_served_by_their_own_configs(material):
    server = material.server()
    server.add_host("localhost", material.server("server-good-rsa"))
    client, _ = talk(server, material.client())
    assert client.peer_certificate.key.startswith("RSA")


def test_protocols_and_names_are_agreed_on(material):
    client, server = talk(material.server(alpn=["h2"]), material.client(alpn=["http/1.1", "h2"]))
    assert client.alpn == server.alpn == "h2" and server.server_name == "localhost"


def test_sessions_resume_and_ticket_keys_are_shared(material):
    keys = TicketKeys.from_memory(os.urandom(160))
    assert len(keys) == 2
    client, resumed, kept = material.client(), [], []
    for _ in range(2):
        server = material.server()
        server.set_ticket_keys(keys)
        info, _ = talk(server, client)
        resumed.append(info.resumed)
        kept.append(client.cached_sessions)
    assert resumed == [False, True] and kept[0] == 1


def test_a_credential_comes_in_every_form(material, tmp_path):
    one = Credential.load(material.zoo / "file-pkcs12.p12", passphrase="sallyport")
    assert one.certificate.subject
    with pytest.raises(errors.CredentialError) as caught:
        Credential.load(material.zoo / "file-encrypted.pem", material.zoo / "file-encrypted.key")
    assert caught.value.status is Status.CREDENTIAL_PASSPHRASE_NEEDED
    assert Credential.load(material.zoo / "file-encrypted.pem", material.zoo / "file-encrypted.key", "sallyport")
    assert Credential.load(material.zoo / "file-all-in-one.pem").not_after.year > 2000
    chain = (material.zoo / "server-good.pem").read_bytes()
    outside = Credential.from_certificates(chain)
    assert outside.certificate.fingerprint == material.credential("server-good").certificate.fingerprint
    assert isinstance(outside.warnings, list)
    with pytest.raises(errors.CredentialError):
        Credential.from_memory(chain, b"no key")


def test_a_staple_goes_with_the_credential(material):
    credential = material.credential("server-good")
    staple = (material.zoo / "ocsp-good.der").read_bytes()
    credential.set_ocsp_response(staple)
    with pytest.raises(errors.Error):
        credential.set_ocsp_response(b"no response")


def test_trust_is_put_together(material):
    trust = TrustStore.from_memory((material.zoo / "ca-root.pem").read_bytes())
    assert len(trust) == 1 and trust.crl_count == 0
    trust.merge(TrustStore.load(material.zoo / "ca-other.pem"))
    assert len(trust) == 2
    trust.add_crl(material.zoo / "file-crl-none-revoked.crl")
    trust.add_crl_from_memory((material.zoo / "file-crl-der.der").read_bytes())
    assert trust.crl_count >= 1 and bool(trust)
    with pytest.raises(errors.Error):
        trust.add_crl(material.zoo / "file-crl-garbage.crl")
    try:
        assert len(TrustStore.system()) > 0
    except errors.Error as error:  # a machine without roots
        assert error.status is Status.TRUST_EMPTY


def test_keys_are_updated_and_protection_is_required(material):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        client = sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost")
        peer = listener.accept()
        client.update_keys(request_peer=True)
        client.write(b"under a new key")
        assert peer.readexactly(15) == b"under a new key"
        peer.write(b"and back")
        assert client.readexactly(8) == b"and back"
        assert client.protection is Version.TLS_1_3
        client.require_protection(Version.TLS_1_3)
        with pytest.raises(ValueError):
            client.require_protection(7)
        client.abort()
        peer.abort()


def test_a_client_is_asked_for_its_certificate_later(material, beside):
    server, client = material.server(client_auth=ClientAuth.NONE), material.client()
    client.allow_post_handshake_auth()
    with sync.listen("127.0.0.1", 0, tls=server) as listener:
        stream = sync.connect("127.0.0.1", listener.port, tls=client, verify_name="localhost")
        peer = listener.accept()
        assert peer.info.peer_certificate is None
        reading = beside(stream.readexactly, 2)
        peer.authenticate(timeout=20)
        assert peer.info.peer_verified
        peer.write(b"ok")
        assert reading.result() == b"ok"
        stream.abort()
        peer.abort()


def test_a_task_asks_for_the_certificate_later(material, run):
    async def serve(stream):
        await stream.authenticate(20)
        await stream.write(stream.info.peer_certificate.subject.encode())

    async def main():
        tls = material.server(client_auth=ClientAuth.NONE)
        client = material.client()
        client.allow_post_handshake_auth()
        async with await sallyport.start_server(serve, "127.0.0.1", 0, tls=tls) as server:
            async with await sallyport.connect("127.0.0.1", server.port, tls=client, verify_name="localhost") as stream:
                return (await stream.read()).decode()

    assert run(main()) == material.credential("client-good").certificate.subject


def test_small_writes_share_records_and_packets(material, run):
    async def main():
        async def count(stream):
            await stream.read()

        async with await sallyport.start_server(count, "127.0.0.1", 0, tls=material.server()) as server:
            async with await sallyport.connect("127.0.0.1", server.port, tls=material.client(),
                                               verify_name="localhost") as stream:
                wire = []
                for batch in (False, True, "lines"):
                    before = stream.info.byte_counts["wire_sent"]
                    if batch == "lines":
                        await stream.writelines([b"x" * 16] * 100)
                    else:
                        for _ in range(100):
                            stream.write(b"x" * 16, more=bool(batch))
                        await stream.drain()
                    wire.append(stream.info.byte_counts["wire_sent"] - before)
                return wire

    alone, batched, lines = run(main())
    assert alone >= 100 * (16 + 22) and 1600 < batched < 1600 + 100 and 1600 < lines < 1600 + 100
