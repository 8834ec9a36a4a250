"""The side that is tested, and what it says of a failure: what `sally_error_json` writes."""

import ctypes
import json
from ctypes import byref, c_char_p, c_int32, c_int64, c_void_p

from peers import capi, process, pyssl, sallyport, zoo
from puppets.client import Client
from puppets.puppet import TLS12, TLS13
from puppets.server import Server

import deep_chain
import scripts_client
import scripts_server

REFUSE_UNKNOWN_NAMES = 2  # SALLY_UNKNOWN_NAME_REFUSE
VERSIONS = {"1.2": TLS12, "1.3": TLS13, "any": TLS12}


def puppet_of(kind, registry, case):
    """What makes a puppet of a connection, and what the tested side is to be configured with."""
    script, needs = registry[case.script] if case.script else (None, {"auth": "require"})
    entry = case.entry or zoo.entry("server-good" if kind is Server else "client-good")
    identity = zoo.chain_der(entry.chain), deep_chain.private_key(entry.key)

    def make(plain):
        puppet = kind(plain, VERSIONS[case.version], identity, case.argument)
        if script:
            script(puppet)
        else:
            puppet.client_certificate = True
        return puppet

    return make, needs


class ListenerOptions(ctypes.Structure):
    _fields_ = [*capi.ListenerOptions._fields_, ("handshake_timeout_ms", c_int64)]


class Listener(capi.Handle):
    """A server by the C ABI, for what echo_server has no option for."""

    def __init__(self, library, *, unknown_name=None, timeout=0):
        super().__init__(library, "listener")
        own = zoo.entry("server-good")
        with (
            capi.Credential(library, own.chain, own.key) as credential,
            capi.Config(library, capi.SERVER, credential=credential) as config,
        ):
            if unknown_name:
                mode = c_int32(REFUSE_UNKNOWN_NAMES)
                library.tls_config_set_unknown_name(config.pointer, mode)
            options = ListenerOptions(
                ctypes.sizeof(ListenerOptions), 0, b"127.0.0.1", b"0", config.pointer, timeout
            )
            library.listener_bind(byref(options), byref(self.pointer))
        self.host, self.port = "127.0.0.1", library.plain("listener_port")(self.pointer)

    def report(self, _):
        peer, refusal = c_void_p(), c_void_p()
        self.library.listener_next_refusal(
            self.pointer, c_int64(capi.LIMIT_MS), byref(peer), byref(refusal)
        )
        to_json = self.library.plain("error_json")
        to_json.restype = c_char_p
        try:
            return json.loads(to_json(refusal))
        finally:
            self.library.plain("bytes_release")(peer)
            self.library.plain("error_release")(refusal)


def report_of(server, address):
    """What echo_server says of the client of that address: refused, or accepted and then lost."""
    outcome = server.outcome(address)
    if isinstance(outcome, sallyport.Failure):
        return {"hint": "", **outcome.detail}
    return {"hint": "", **server.lost(address)}


def meet_as_server(case, echo_server):
    """Sallyport is the server: its report, and what the puppet saw."""
    make, needs = puppet_of(Client, scripts_client.SCRIPTS, case)
    own = zoo.entry("server-good")
    if "unknown_name" in needs or "timeout" in needs:
        with Listener(capi.Library(), **needs) as server:
            return _visit(make, server, server.report)
    ca = case.entry.ca if case.entry else zoo.entry("client-good").ca
    server = echo_server(
        cert=own.chain,
        key=own.key,
        ca=ca if "auth" in needs else None,
        client_auth=needs.get("auth", "none"),
        alpn=needs.get("alpn"),
    )
    return _visit(make, server, lambda address: report_of(server, address))


def _visit(make, server, report):
    with pyssl.tcp(server) as plain:
        address = pyssl.address_of(plain)
        seen = make(plain).talk()
        return report(address), seen


def meet_as_client(case):
    """Sallyport is the client."""
    make, needs = puppet_of(Server, scripts_server.SCRIPTS, case)
    entry = case.entry or zoo.entry("server-good")
    own = zoo.entry("client-good")
    given = {"cert": own.chain, "key": own.key} if "credential" in needs else {}
    given |= {"alpn": needs.get("alpn"), "timeout": needs.get("timeout")}

    def serve(plain, outcome):
        outcome.end = make(plain).talk()

    with pyssl.Server(None, serve=serve) as server:
        run = sallyport.run_client(
            server.address, ca=entry.ca, name=entry.verify_name, message="hello\n",
            limit=process.LIMIT, **given,
        )  # fmt: skip
        seen = server.outcome().end
    assert run.failure, run.text
    return {"hint": "", **run.failure.detail}, seen


def meet(case, echo_server):
    return meet_as_client(case) if case.side == "client" else meet_as_server(case, echo_server)
