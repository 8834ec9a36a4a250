"""Clients that are measured, and the neutral servers that they talk to."""

import time

from contenders import Contender
from measure import Ground
from processes import CERTIFICATES, Missing, Obeying, Server


class Neutral(Server, Obeying):
    """The server of all clients. That of TLS tells what it has seen."""

    def __init__(self, build, kind, cores):
        program, options = ("bench_neutral_server", ()) if kind == "tls" else ("bench_plain_tcp", ("--strict", "1"))
        contender = Contender("neutral", "what clients talk to", program, options, kind, build=build / "bench")
        super().__init__(contender, CERTIFICATES / "dev", cores)

    def seen(self):
        if self.kind != "tls":
            return {"handshakes": 0, "resumed": 0, "refused": 0, "agreed": "no TLS"}
        return self.order("?")


class Client(Obeying):
    def __init__(self, contender, directory, server, cores=None, strict=False, under=()):
        self.contender = contender
        self.name = contender.name
        self.server = server
        command = [*under, *contender.command(), "--dir", str(directory), "--port", str(server.port), *contender.options]
        super().__init__(command + ["--strict", "1"] * strict, cores)


class ClientGround(Ground):
    def __init__(self, contenders, build, figures, cores=..., strict=False):
        super().__init__(contenders, figures, cores)
        self.strict = strict
        self.servers = {kind: Neutral(build, kind, self.cores) for kind in ("tls", "plain")}

    def start(self, contender, directory="dev", **how):
        server = self.servers[contender.kind]
        return Client(contender, CERTIFICATES / directory, server, self.cores, self.strict, **how)

    def begin(self, contender, directory):
        client = self.start(contender, directory)
        try:
            client.order("close")  # what cannot even begin is known now
        except RuntimeError as failure:
            client.stop()
            raise Missing(str(failure)) from None
        return client

    def order(self, client, verb, *words):
        before = client.server.seen()
        others, own, began = client.server.cpu_ns(), client.cpu_ns(), time.monotonic_ns()
        told = client.order(verb, *words)
        told["wall_ns"] = time.monotonic_ns() - began
        told["own_ns"], told["other_ns"] = client.cpu_ns() - own, client.server.cpu_ns() - others
        after = client.server.seen()
        told["resumed"] = after["resumed"] - before["resumed"]
        told["agreed"] = after["agreed"]
        shaken = after["handshakes"] - before["handshakes"]
        if verb in ("full", "resumed") and client.server.kind == "tls" and shaken != told["operations"]:
            raise RuntimeError(f"the server has seen {shaken} handshakes where {told['operations']} were counted")
        if after["refused"] != before["refused"]:
            raise RuntimeError("the server has refused a handshake")
        return told

    def meet(self, client):
        pass

    def part(self, client):
        pass

    def stop(self):
        super().stop()
        for server in self.servers.values():
            server.stop()
