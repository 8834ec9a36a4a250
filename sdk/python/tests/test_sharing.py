"""Threads that share a listener whose handshakes ask: none waits for another's client."""

import gc
import threading

import pytest

import sallyport
from sallyport import Question, errors, sync


def accept_all(listener):
    """How many came until the listener was closed."""
    return len([stream.abort() for stream in listener])


@pytest.fixture
def asking(material):
    def listening(decide, **options):
        options = {"tls": material.server(questions=Question.PEER), **options}
        return sync.listen("127.0.0.1", 0, decide=decide, **options)

    return listening


@pytest.fixture
def meet(material):
    return lambda listener: sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost")


def test_a_stream_closes_while_another_thread_accepts(asking, meet, beside):
    with asking(lambda question: question.accept()) as listener:
        accepting = beside(listener.accept)
        client = meet(listener)
        stream = accepting.result()
        others = beside(accept_all, listener)
        closing = beside(stream.close), beside(client.close)
        for one in closing:
            one.result()
        assert others.is_alive()
    assert others.result() == 0


def test_a_stream_is_upgraded_while_another_thread_accepts(asking, material, beside):
    with asking(lambda question: question.accept(), tls=None, plain=True) as listener:
        client = sync.connect("127.0.0.1", listener.port, plain=True)
        stream = listener.accept()
        others = beside(accept_all, listener)
        server = beside(stream.upgrade, material.server(questions=Question.PEER))
        client.upgrade(material.client(), verify_name="localhost")
        server.result()
        assert stream.info.peer_verified and others.is_alive()
        stream.abort()
        client.abort()
    assert others.result() == 0


def test_any_number_of_threads_accept(asking, meet, beside):
    asked = []

    def decide(question):
        asked.append(threading.get_ident())
        question.accept()

    with asking(decide) as listener:
        servers = [beside(accept_all, listener) for _ in range(3)]
        clients = [beside(lambda: [meet(listener) for _ in range(5)]) for _ in range(3)]
        for stream in sum([client.result() for client in clients], []):
            assert stream.read() == b"", "accepted, and closed"
    assert sum(server.result() for server in servers) == 15 == len(asked)
    assert set(asked) <= {server.ident for server in servers}


def test_a_question_is_asked_by_an_accept_that_only_attempts(asking, meet, beside):
    with asking(lambda question: question.accept()) as listener:
        client = beside(meet, listener)
        while True:
            try:
                stream = listener.accept(timeout=0)
                break
            except BlockingIOError:
                client.join(0.002)
        assert stream.info.peer_verified
        stream.abort()
        client.result().abort()


def test_who_decides_may_use_the_listener(asking, meet, beside):
    def decide(question):
        with pytest.raises(errors.WouldBlock):
            listener.accept(timeout=0)
        question.accept()

    with asking(decide) as listener:
        accepting = beside(listener.accept)
        client = meet(listener)
        accepting.result().abort()
        client.abort()


def test_what_a_decision_raises_ends_the_accept_that_has_asked(asking, meet, beside):
    def decide(question):
        raise ZeroDivisionError

    with asking(decide) as listener:
        accepting = beside(listener.accept)
        with pytest.raises(errors.AlertReceived):
            meet(listener).read(1)
        with pytest.raises(ZeroDivisionError):
            accepting.result()


def test_what_threads_wait_with_is_given_back_at_once(asking, meet, material, beside):
    """Its descriptors, too: none waits for the garbage to be collected."""
    gc.collect()
    gc.disable()
    try:
        with asking(lambda question: question.accept()) as listener:
            queues = sallyport.live_handles()["queue"]
            for _ in range(5):
                accepting = beside(listener.accept)
                client = meet(listener)
                closing = beside(accepting.result().close)
                client.close()
                closing.result()
                with pytest.raises(errors.CertificateError):
                    sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="elsewhere.example")
            assert sallyport.live_handles()["queue"] == queues
    finally:
        gc.enable()
