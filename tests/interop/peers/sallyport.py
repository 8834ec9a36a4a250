"""The Sallyport side: the example programs, and what they print."""

import dataclasses
import json
import os
import pathlib
import re

from . import process, zoo

BIN = pathlib.Path(os.environ.get("SALLYPORT_BIN_DIR", "build/release/bin"))
BIN = BIN if BIN.is_absolute() else zoo.TOP / BIN
CLIENTS = ["echo_client", "echo_client_c"]


@dataclasses.dataclass(frozen=True)
class Established:
    """An `accepted` or a `connected` line."""

    address: str
    version: str
    suite: str
    group: str
    alpn: str | None
    peer: str | None
    sni: str | None
    client_certificate: str | None  # what a client did: sent, not-sent, not-asked
    id: str

    @property
    def peer_name(self):
        """The common name of the peer's certificate, None without one."""
        found = re.search(r"\bCN=([^,+/]+)", self.peer or "")
        return found and found[1]


@dataclasses.dataclass(frozen=True)
class Failure:
    """A `refused` line, or what a client wrote to stderr; `detail` is the error as JSON."""

    address: str | None
    status: str
    message: str
    hint: str
    detail: dict


@dataclasses.dataclass(frozen=True)
class Closed:
    address: str
    size: int
    status: str


ESTABLISHED = re.compile(
    r"(?:accepted|connected) (?P<address>\S+) (?P<version>\S+) (?P<suite>\S+) (?P<group>\S+)"
    r" alpn=(?P<alpn>\S+)"
    r"(?: sni=(?P<sni>\S+))? (?:server|client)=(?P<peer>-|\"[^\"]*\")"
    r"(?: client-certificate=(?P<client_certificate>\S+))? id=(?P<id>\S+)"
)


def established(line):
    match = ESTABLISHED.match(line)
    assert match, f"not understood: {line!r}"
    facts = {name: None if value == "-" else value for name, value in match.groupdict().items()}
    return Established(**{**facts, "peer": facts["peer"] and facts["peer"].strip('"')})


def options(**given):
    """Command-line options: {min_version: "1.2"} is --min-version 1.2; what is None is left out."""
    words = []
    for name, value in given.items():
        if value is True:
            words.append("--" + name)
        elif value is not None:
            words += ["--" + name.replace("_", "-"), str(value)]
    return words


class EchoServer(process.Program):
    """echo_server. `meet` before a client connects, then ask what became of it."""

    def __init__(self, *, host="127.0.0.1", client_auth="none", **given):
        words = options(listen=f"{host}:0", client_auth=client_auth, json=True, **given)
        super().__init__(BIN / "echo_server", *words)
        try:
            self.address = self.wait_for(rb"^listening on (\S+)\n")[1].decode()
        except AssertionError:
            self.stop()
            raise
        host, _, port = self.address.rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)
        self._mark = 0

    def meet(self):
        """Forgets what was said about earlier clients."""
        self._mark = len(self.output)
        return self

    def _line(self, words, address):
        address = re.escape(address).encode() if address else rb"\S+"
        return self.wait_for(rb"^(?:%s) %s\b[^\n]*\n" % (words, address), self._mark)

    def outcome(self, address=None):
        """Established or Failure, for the client of that address; the next client's without one."""
        line = self._line(b"accepted|refused", address)
        text = line[0].decode()
        if text.startswith("accepted"):
            return established(text)
        return self._refused(text, line.end())

    def _refused(self, text, end):
        _, address, status, message = text.rstrip("\n").split(" ", 3)
        more = self.wait_for(rb"(?:^  hint: (?P<hint>[^\n]*)\n)?^(?P<detail>\{.*)\n", end)
        hint, detail = (more["hint"] or b"").decode(), json.loads(more["detail"])
        return Failure(address, status.rstrip(":"), message, hint, detail)

    def accepted(self, address=None):
        outcome = self.outcome(address)
        assert isinstance(outcome, Established), outcome
        return outcome

    def refused(self, address=None):
        outcome = self.outcome(address)
        assert isinstance(outcome, Failure), outcome
        return outcome

    def closed(self, address=None):
        text = self._line(b"closed", address)[0].decode()
        match = re.match(r"closed (\S+) (\d+) bytes: (\w+)", text)
        assert match, f"not understood: {text!r}"
        return Closed(match[1], int(match[2]), match[3])

    def lost(self, address):
        """The error, as JSON says it, that ended a connection which had been accepted."""
        end = self._line(b"closed", address).end()
        return json.loads(self.wait_for(rb"^(\{.*)\n", end)[1])


@dataclasses.dataclass(frozen=True)
class ClientRun:
    """What a client that has ended said and how it went."""

    exit_status: int
    connection: Established | None
    echo: bytes | None
    failure: Failure | None
    text: str

    @property
    def status(self):
        return self.failure.status if self.failure else "SALLY_OK"


def run_client(address, program="echo_client", data=None, limit=process.LIMIT, **given):
    """Runs a client to its end. Without a message it sends `data`, and writes what comes back."""
    words = options(connect=address, json=True, **given)
    done = process.run(BIN / program, *words, data=data, limit=limit)
    first, _, rest = done.stdout.partition(b"\n")
    connected = first.startswith(b"connected ")
    errors = done.stderr.decode(errors="backslashreplace")
    return ClientRun(
        exit_status=done.returncode,
        connection=established(first.decode()) if connected else None,
        echo=_echo(rest, given.get("message")),
        failure=failure_of(errors),
        text=(done.stdout[:2000].decode(errors="backslashreplace") + errors),
    )


def _echo(output, message):
    if message is None:
        return output
    found = re.fullmatch(rb"echo: (.*)\n", output, re.S)
    return found and found[1]


def failure_of(errors):
    found = re.search(r"^error: (\w+): (.*)$", errors, re.M)
    if not found:
        return None
    hint = re.search(r"^\s*hint: (.*)$", errors, re.M)
    detail = re.search(r"^\{.*$", errors, re.M)
    return Failure(
        None, found[1], found[2], hint[1] if hint else "", json.loads(detail[0]) if detail else {}
    )
