"""Handshakes whose questions Python answers, through the same queue as everything else."""

from waist import DECISION_DENIED, OK, QUESTION_CLIENT_HELLO, QUESTION_PEER, ROLE_CLIENT
from waist import ROLE_SERVER, Queue
from waist_loop import Loop
from waist_sockets import Listener, Stream, make_runtime


class Decisions:
    def __init__(self, library, material):
        self.library, self.material = library, material
        self.made = 0
        self.kept = []

    def _config(self, role, questions):
        config = self.material.config(role)
        self.library.call("tls_config_set_questions", config.pointer, questions)
        return config

    def _decide(self, decision):
        """A server answers at once, clients when all of them have asked."""
        library = self.library
        self.made += 1
        if library.decision_question(decision.pointer) == QUESTION_CLIENT_HELLO:
            library.call("decision_use_config", decision.pointer, self.other.pointer)
            return decision.release()
        assert library.decision_peer_certificate_count(decision.pointer) == 2
        assert library.decision_verdict(decision.pointer) == OK
        self.kept.append(decision)
        if len(self.kept) == self.clients:
            self._answer_clients()

    def _answer_clients(self):
        """The first is denied, the second is let go unanswered, which denies it too."""
        first, second, *rest = self.kept
        self.library.call("decision_deny", first.pointer, OK)
        for decision in rest:
            self.library.call("decision_accept", decision.pointer)
        for decision in (first, second, *rest):
            decision.release()
        self.kept = []

    def make(self, clients):
        """`clients` handshakes, with a question on either side; answers how many were asked."""
        self.clients, self.made = clients, 0
        queue = Queue(self.library)
        queue.decide = self._decide
        loop = Loop(queue)
        runtime = make_runtime(self.library, 2)
        self.other = self.material.config(ROLE_SERVER)
        server = self._config(ROLE_SERVER, QUESTION_CLIENT_HELLO)
        client = self._config(ROLE_CLIENT, QUESTION_PEER)
        listener = Listener(queue, server, runtime, asks=True)
        streams = [Stream.to(queue, listener.port, client, runtime, asks=True)
                   for _ in range(clients)]
        accepted, statuses = [], []

        def connect(stream):
            statuses.append((yield stream.connect()).status)

        def accept():
            pending = yield listener.accept()
            assert pending.status == OK, pending.text
            accepted.append(Stream(queue, pending.accepted))

        loop.run([accept() for _ in range(clients - 2)] + [connect(s) for s in streams])
        assert sorted(statuses) == [OK] * (clients - 2) + [DECISION_DENIED] * 2, statuses
        for stream in streams + accepted:
            stream.close_now()
            stream.release()
        listener.close()
        queue.close()
        loop.drain()
        for handle in (listener, queue, runtime, self.other, server, client):
            handle.release()
        loop.close()
        return self.made
