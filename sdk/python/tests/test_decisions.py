"""What the program decides itself, in asyncio and on a thread, at once and late."""

import asyncio
import gc
import threading

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import sallyport
from sallyport import Question, Status, _hub, errors, sync


async def greet(stream):
    await stream.write(stream.info.peer_certificate.subject.encode() + b"\n")


async def ask(material, client, server=None, decide=None, decide_server=None, **options):
    """What a server says to a client: whom it takes it for."""
    server = server or material.server()
    async with await sallyport.start_server(greet, "127.0.0.1", 0, tls=server, decide=decide_server) as served:
        async with await sallyport.connect("127.0.0.1", served.port, tls=client, verify_name="localhost",
                                           decide=decide, **options) as stream:
            return (await stream.readline()).decode().strip()


def test_a_client_chooses_its_credential_late(material, run):
    chosen = material.credential("client-good-rsa")

    async def decide(question):
        assert isinstance(question, sallyport.CredentialQuestion)
        assert any("Sallyport" in name or "CN=" in name for name in question.acceptable_cas)
        assert "ed25519" in question.acceptable_schemes and question.server_name == "localhost"
        await asyncio.sleep(0.02)
        question.use(chosen)

    client = material.client(None, questions=Question.CREDENTIAL)
    assert run(ask(material, client, decide=decide)) == chosen.certificate.subject


@pytest.mark.parametrize("accepting", [True, False])
def test_a_server_judges_its_clients_late(material, run, accepting):
    async def decide(question):
        assert isinstance(question, sallyport.PeerQuestion) and question.verdict is None
        subject = question.certificates[0].subject
        await asyncio.sleep(0.02)
        assert subject == material.credential("client-good").certificate.subject
        question.accept() if accepting else question.deny(Status.CERTIFICATE_REVOKED)

    server = material.server(questions=Question.PEER)
    asking = ask(material, material.client(), server, decide_server=decide, confirmed=not accepting)
    if accepting:
        assert run(asking) == material.credential("client-good").certificate.subject
    else:
        with pytest.raises(errors.AlertReceived) as caught:
            run(asking)
        assert caught.value.status is Status.ALERT_CERTIFICATE_REVOKED


def test_a_failed_verdict_is_overridden_in_the_open_only(material, run):
    def decide(question):
        assert question.verdict.status is Status.CERTIFICATE_EXPIRED
        with pytest.raises(errors.InvalidState):
            question.accept()
        question.insecure_accept()

    client = material.client(questions=Question.PEER)
    assert run(ask(material, client, material.server("server-expired"), decide=decide))


def test_a_server_chooses_by_the_hello(material, run):
    other = material.server("server-good-rsa")

    def decide(question):
        assert isinstance(question, sallyport.ClientHelloQuestion)
        assert question.alpn == ["h2"] and question.server_name == "localhost"
        question.use(other)

    async def main():
        tls = material.server(questions=Question.CLIENT_HELLO)
        async with await sallyport.start_server(greet, "127.0.0.1", 0, tls=tls, decide=decide) as served:
            async with await sallyport.connect("127.0.0.1", served.port, tls=material.client(alpn=["h2"]),
                                               verify_name="localhost") as stream:
                return stream.info.peer_certificate.key

    assert run(main()).startswith("RSA")


def test_a_key_that_stays_with_the_program_signs(material, run):
    key = serialization.load_pem_private_key((material.zoo / "client-good.key").read_bytes(), None)
    credential = sallyport.Credential.load_certificates(material.zoo / "client-good.pem")

    def decide(question):
        assert isinstance(question, sallyport.SignatureQuestion) and question.scheme == 0x0403
        assert question.scheme_name == "ecdsa_secp256r1_sha256"
        assert question.certificate.fingerprint == credential.certificate.fingerprint
        question.sign(key.sign(question.content, ec.ECDSA(hashes.SHA256())))

    client = material.client(None, questions=Question.SIGNATURE)
    client.add_credential(credential)
    assert run(ask(material, client, decide=decide)) == credential.certificate.subject


def test_what_is_dropped_is_denied(material, run):
    with pytest.raises(errors.Error) as caught:
        run(ask(material, material.client(questions=Question.PEER), decide=lambda question: None))
    assert caught.value.status is Status.DECISION_DENIED


def test_a_decision_that_raises_is_denied_and_reported(material, run):
    reported = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))

        async def decide(question):
            raise LookupError("nobody knows")

        with pytest.raises(errors.Error) as caught:
            await ask(material, material.client(questions=Question.PEER), decide=decide)
        return caught.value.status

    assert run(main()) is Status.DECISION_DENIED
    assert any(isinstance(error, LookupError) for error in reported)


def test_what_comes_too_late_is_told_so(material, run):
    kept = []

    async def main():
        client = material.client(questions=Question.PEER)
        client.set_decision_timeout(0.05)
        with pytest.raises(TimeoutError):
            await ask(material, client, decide=kept.append)

    run(main())
    with pytest.raises(errors.Closed):
        kept[0].accept()


def test_a_thread_decides_while_it_connects_and_accepts(material, beside):
    threads = set()

    def decide(question):
        threads.add(threading.current_thread())
        question.accept()

    with sync.listen("127.0.0.1", 0, tls=material.server(questions=Question.PEER), decide=decide) as listener:
        server = beside(listener.accept)
        tls = material.client(questions=Question.PEER | Question.CREDENTIAL)
        client = sync.connect("127.0.0.1", listener.port, tls=tls, verify_name="localhost", decide=decide)
        assert server.result().info.peer_verified and client.info.peer_verified
    assert threads == {threading.current_thread(), server}


def test_what_a_decision_raises_ends_a_blocking_connect(material, beside):
    def decide(question):
        raise LookupError("nobody knows")

    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        with pytest.raises(LookupError):
            sync.connect("127.0.0.1", listener.port, tls=material.client(questions=Question.PEER),
                         verify_name="localhost", decide=decide)


def test_who_decides_is_forgotten_after_the_last_question(material, run):
    async def main():
        hub = _hub.current()
        client = material.client(questions=Question.PEER)
        asked = material.server(questions=Question.PEER)

        def decide(question):
            question.accept()

        for _ in range(3):
            await ask(material, client, asked, decide=decide, decide_server=decide)
        with pytest.raises(errors.Error):
            await sallyport.connect("127.0.0.1", 1, tls=client, decide=decide)
        with pytest.raises(ValueError):
            await sallyport.listen("127.0.0.1", "no port", tls=client, decide=decide)
        while hub.deciders:
            gc.collect()  # servers and their tasks know each other
            await asyncio.sleep(0.002)

    run(main())


def test_a_question_of_an_upgrade_is_answered_after_its_listener_closed(material, run):
    async def main():
        async with await sallyport.listen("127.0.0.1", 0, plain=True, decide=lambda asked: asked.accept()) as listener:
            client = await sallyport.connect("127.0.0.1", listener.port, plain=True)
            server = await listener.accept()
        upgrading = asyncio.ensure_future(server.upgrade(material.server(questions=Question.PEER)))
        await client.upgrade(material.client(), verify_name="localhost")
        await upgrading
        assert server.info.peer_verified
        client.abort()
        server.abort()

    run(main())
