"""Servers of other TLS libraries, all alike: they insist on a certificate of `ca`, and echo."""

from . import built, openssl, process

GREETING = rb"^listening on (\S+)\n"


class Server(process.Program):
    """A server that says where it listens."""

    def __init__(self, *words, **variables):
        super().__init__(*words, **variables)
        try:
            self.address = self.wait_for(GREETING)[1].decode()
        except AssertionError:
            self.stop()
            raise

    def meet(self):
        return self


def _own(program, version, entry, ca, tickets):
    number = version.removeprefix("TLSv")
    words = [entry.chain, entry.key, ca, number, "tickets" if tickets else "no-tickets"]
    return Server(*program, *words)


def openssl_server(version, entry, ca, tickets):
    more = () if tickets else ("-num_tickets", 0)
    return openssl.SServer(
        version, cert=entry.chain, key=entry.key, ca=ca, verify="require", more=more
    )


def openssl_without_stateless_tickets(version, entry, ca, _):
    return openssl.SServer(
        version, cert=entry.chain, key=entry.key, ca=ca, verify="require", more=("-no_ticket",)
    )


def gnutls_server(version, entry, ca, tickets):
    program = built.tool("gnutls-serv", "gnutls-bin")
    words = ["--port", 0, "--echo", "--require-client-cert", "--verify-client-cert"]
    words += ["--x509cafile", ca, "--x509certfile", entry.chain, "--x509keyfile", entry.key]
    words += ["--priority", f"NORMAL:-VERS-ALL:+VERS-{version.replace('v', '')}"]
    words += [] if tickets else ["--noticket"]
    return Server(program, *words, LD_PRELOAD=str(built.loopback()))


def go_server(*given):
    return _own([built.go_server()], *given)


def rustls_server(*given):
    return _own([built.rustls_server()], *given)


def node_server(*given):
    script = built.HERE / "node" / "server.js"
    return _own([built.tool("node", "nodejs"), script], *given)


START = {
    "OpenSSL": openssl_server,
    "OpenSSL, -no_ticket": openssl_without_stateless_tickets,
    "GnuTLS": gnutls_server,
    "Go": go_server,
    "rustls": rustls_server,
    "Node": node_server,
}


def start(kind, version, entry, ca, tickets=True):
    """Throws built.Missing where this machine has no such server."""
    return START[kind](version, entry, ca, tickets)
