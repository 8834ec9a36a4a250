import select
import signal
import threading

import pytest

import sallyport
from sallyport import Status, errors, sync


def echo(listener):
    with listener.accept() as stream:
        while data := stream.read(65536):
            stream.write(data)


@pytest.fixture
def listener(material):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        yield listener


@pytest.fixture
def echoing(listener, material, beside):
    server = beside(echo, listener)
    with sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost") as stream:
        yield stream
    server.result()


def test_an_echo_of_every_form(echoing):
    echoing.write(b"one\n", more=True)
    echoing.write(memoryview(b"two||"), more=True)
    echoing.writelines([b"th", bytearray(b"ree")])
    echoing.write(b"four", more=True)
    echoing.flush()
    assert echoing.readline() == b"one\n" and echoing.readuntil(b"||") == b"two||"
    assert echoing.readexactly(9) == b"threefour"
    assert echoing.info.peer_verified
    echoing.write_eof()
    assert echoing.read() == b""
    with pytest.raises(EOFError):
        echoing.readexactly(1)


def test_a_deadline_passes_and_the_stream_goes_on(echoing):
    with pytest.raises(TimeoutError) as caught:
        echoing.read(1, timeout=0.02)
    assert caught.value.status is Status.TIMED_OUT
    with pytest.raises(BlockingIOError):
        echoing.read(1, timeout=0)
    echoing.write(b"half")
    with pytest.raises(TimeoutError):
        echoing.readexactly(8, timeout=0.3)
    echoing.write(b"half")
    assert echoing.readexactly(8) == b"halfhalf"


@pytest.mark.parametrize("on_main", [True, False])
def test_another_thread_cancels(echoing, beside, on_main):
    began = threading.Event()

    def read():
        began.set()
        with pytest.raises(errors.Canceled):
            while True:
                echoing.read(1)

    def cancel_until_it_ends(reader_ended):
        began.wait()
        while not reader_ended.wait(0.005):
            echoing.cancel()

    ended = threading.Event()
    other = beside(cancel_until_it_ends, ended) if on_main else beside(read)
    if on_main:
        read()
        ended.set()
        other.result()
    else:
        began.wait()
        while other.is_alive():
            echoing.cancel()
            other.join(0.005)
        other.result()
    echoing.write(b"on")
    assert echoing.readexactly(2) == b"on"


def test_a_signal_ends_waiting(echoing):
    def ring(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            echoing.read(1)
    finally:
        signal.signal(signal.SIGALRM, before)
    echoing.write(b"on")
    assert echoing.readexactly(2) == b"on"


def test_other_threads_run_while_one_waits(echoing, beside):
    reader = beside(echoing.readexactly, 5)
    assert sum(range(100000)) and reader.is_alive()
    echoing.write(b"there")
    assert reader.result() == b"there"


def test_a_refused_client_is_told_and_never_accepted(listener, material):
    stream = sync.connect("127.0.0.1", listener.port, tls=material.client(None), verify_name="localhost")
    with pytest.raises(ConnectionError) as caught:
        stream.read(1)
    assert caught.value.status is Status.ALERT_CERTIFICATE_REQUIRED
    address, error = listener.next_refusal(timeout=10)
    assert error.status is Status.CLIENT_CERTIFICATE_REQUIRED and address == stream.info.local_address
    with pytest.raises(BlockingIOError):
        listener.accept(timeout=0)


def test_a_server_of_another_name_is_refused(listener, material):
    with pytest.raises(errors.CertificateError) as caught:
        sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="elsewhere.example")
    assert caught.value.status is Status.CERTIFICATE_NAME_MISMATCH
    assert caught.value.details["expected"] and caught.value.alert


def test_an_upgrade_secures_both_sides(material, beside):
    def serve(listener):
        with listener.accept() as stream:
            stream.write(stream.readline())
            stream.upgrade(material.server())
            stream.write(stream.readexactly(4))
            return stream.info.peer_verified

    with sync.listen("127.0.0.1", 0, plain=True) as listener:
        server = beside(serve, listener)
        with sync.connect("127.0.0.1", listener.port, plain=True) as stream:
            stream.require_protection(sallyport.Version.PLAIN)
            stream.write(b"STARTTLS\n")
            assert stream.readline() == b"STARTTLS\n"
            stream.upgrade(material.client(), verify_name="localhost", timeout=10)
            stream.require_protection(sallyport.Version.TLS_1_2)
            stream.write(b"safe")
            assert stream.readexactly(4) == b"safe"
        assert server.result()


def test_a_closed_stream_says_so(echoing):
    echoing.abort()
    with pytest.raises(errors.Closed):
        echoing.read(1)
    with pytest.raises(errors.Closed):
        echoing.write(b"x")


def test_closing_a_listener_ends_its_iteration(listener, beside):
    clients = beside(list, listener)
    select.select([], [], [], 0)
    listener.close()
    assert clients.result() == []


def test_a_timeout_of_nothing_is_an_attempt(listener, material, tmp_path):
    with sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost") as stream:
        peer = listener.accept()
        stream.write_eof(timeout=0)
        assert peer.read() == b""
        for attempt in (listener.accept, listener.next_refusal, lambda timeout: stream.read(1, timeout=timeout)):
            with pytest.raises(errors.WouldBlock):
                attempt(timeout=0)
        trust = material.trust()
        with pytest.raises(errors.WouldBlock):
            sync.wait_change(trust, 1, timeout=0)
        trust.replace(material.trust())
        assert sync.wait_change(trust, 1, timeout=0) == 2
        with pytest.raises(errors.WouldBlock):
            listener.drain(timeout=0)
        with pytest.raises(errors.Closed):
            listener.accept()
        peer.close(timeout=0)
    for takes_time in (lambda: sync.connect("127.0.0.1", listener.port, tls=material.client(), timeout=0),
                       lambda: stream.upgrade(material.client(), timeout=0)):
        with pytest.raises(ValueError):
            takes_time()
