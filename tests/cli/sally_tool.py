"""The sally command: how it is run, and what it prints."""

import json
import signal

from peers import process, sallyport, zoo

SALLY = sallyport.BIN / "sally"
OWN, CLIENT, OTHER = (zoo.entry(name) for name in ("server-good", "client-good", "client-other"))


def run(*words, data=None, limit=process.LIMIT, **options):
    """sally to its end. Options as in tests/interop: {tls_max: "1.2"} is --tls-max 1.2."""
    return process.run(SALLY, *words, *sallyport.options(**options), data=data, limit=limit)


def shows(entry):
    """The options by which an entry of the zoo is shown."""
    return {"cert": entry.chain, "key": entry.key}


def errors(done):
    return done.stderr.decode(errors="backslashreplace")


def serving(mode="echo", *words, entry=OWN, json=True, **options):
    options = {"listen": "127.0.0.1:0", "client_auth": "none", **shows(entry), **options}
    return [SALLY, "serve", mode, *words, *sallyport.options(json=json, **options)]


class Serve(process.Program):
    """sally serve --json: its events are waited for."""

    def __init__(self, mode="echo", *words, entry=OWN, **options):
        super().__init__(*serving(mode, *words, entry=entry, **options))
        try:
            self.listening = self.event("listening")
        except AssertionError:
            self.stop()
            raise
        host = self.listening["address"].rpartition(":")[0]
        self.host, self.port = host.strip("[]"), self.listening["port"]
        self.address = self.listening["address"]

    def event(self, name, peer=None, start=0):
        """The first event of this name, of the client of this address."""
        address = b'"peer":"%s"' % peer.encode() if peer else b""
        line = self.wait_for(b'^{"event":"%s"[^\n]*%s[^\n]*\n' % (name.encode(), address), start)
        return json.loads(line[0])

    def end(self, number=signal.SIGTERM):
        self._process.send_signal(number)
        return self.wait()


def connect(server, *words, data=b"", **options):
    options = {"ca": OWN.ca, "name": "localhost", **options}
    return run("connect", server.address, *words, data=data, **options)


class Doctor:
    """What sally doctor --json found out."""

    def __init__(self, address, *words, limit=60, **options):
        options = {"ca": OWN.ca, "name": "localhost", "timeout": 5, **options}
        done = run("doctor", address, "--json", *words, limit=limit, **options)
        self.exit_status, self.errors = done.returncode, errors(done)
        assert done.returncode in (0, 1), self.errors
        self.report = json.loads(done.stdout)
        self.verdict = self.report["verdict"]
        self.cause = self.verdict["cause"]

    @property
    def causes(self):
        return [one["cause"] for one in self.report["findings"] if one["problem"]]

    @property
    def remarks(self):
        return [one["cause"] for one in self.report["findings"] if not one["problem"]]

    def handshake(self, what):
        return next(one for one in self.report["handshakes"] if one["what"] == what)
