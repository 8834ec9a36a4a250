"""Outside peers that are processes: the openssl command and curl."""

from . import alerts, process

FLAGS = {"TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
WEAK = ["-cipher", "DEFAULT:@SECLEVEL=0"]


def _words(version=None, cert=None, key=None, weak=False):
    words = [FLAGS[version]] if version else []
    words += ["-cert", cert, "-cert_chain", cert, "-key", key] if cert else []
    return words + (WEAK if weak else [])


class SClient(process.Program):
    """openssl s_client, connected or on its way. `quiet` shows only what the server sent."""

    def __init__(
        self,
        server,
        version=None,
        *,
        ca=None,
        name="localhost",
        alpn=None,
        quiet=False,
        more=(),
        **given,
    ):
        words = ["-connect", server.address, *_words(version, **given)]
        words += ["-servername", name] if name else ["-noservername"]
        words += ["-CAfile", ca, "-verify_return_error", "-no-CApath", "-no-CAstore"] if ca else []
        words += ["-alpn", alpn] if alpn else []
        words += ["-quiet", "-no_ign_eof"] if quiet else ["-msg"]
        super().__init__("openssl", "s_client", "-nocommands", *words, *more, takes_input=True)

    def alert(self):
        """The alert that ended it, once it has ended; None if it was none."""
        self.wait()
        return alerts.from_openssl_output(self.output)


class SServer(process.Program):
    """openssl s_server that sends every line back reversed."""

    def __init__(
        self, version=None, *, cert, key, ca=None, verify=None, alpn=None, more=(), **given
    ):
        words = _words(version, cert, key, **given)
        words += ["-CAfile", ca, "-no-CApath", "-no-CAstore"] if ca else []
        # -verify asks for a certificate, -Verify insists; both let a bad one in without the third.
        words += {None: [], "request": ["-verify", 5], "require": ["-Verify", 5]}[verify]
        words += ["-verify_return_error"] if verify else []
        words += ["-alpn", alpn] if alpn else []
        super().__init__("openssl", "s_server", "-accept", "127.0.0.1:0", "-rev", *words, *more)
        try:
            self.address = self.wait_for(rb"^ACCEPT (\S+)\n")[1].decode()
        except AssertionError:
            self.stop()
            raise
        self._mark = 0

    def meet(self):
        self._mark = len(self.output)
        return self

    def said(self, pattern):
        """Waits until the server says this about the client met last."""
        return self.wait_for(pattern, self._mark)


class SServerByHand(process.Program):
    """openssl s_server of TLS 1.3 that sends what it is told, and asks nobody in the handshake."""

    def __init__(self, *, cert, key, ca):
        words = ["-accept", "127.0.0.1:0", *_words("TLSv1.3", cert, key)]
        words += ["-verifyCAfile", ca, "-no-CApath", "-no-CAstore", "-verify_return_error"]
        super().__init__("openssl", "s_server", "-msg", *words, takes_input=True)
        try:
            self.address = self.wait_for(rb"^ACCEPT (\S+)\n")[1].decode()
        except AssertionError:
            self.stop()
            raise

    def ask(self):
        """Asks the client, which is connected, for its certificate, where it may."""
        self.send(b"c\n")
        self.wait_for(rb"CertificateRequest$|extension not received")


class Curl(process.Program):
    """curl, which shows what the server answers to its HTTP/0.9 request."""

    def __init__(self, server, version, *, ca, cert=None, key=None, path="/"):
        number = version.removeprefix("TLSv")
        words = ["--http0.9", "-sS", "-v", "-N", "--noproxy", "*", "--max-time", process.LIMIT]
        words += ["--cacert", ca, f"--tlsv{number}", "--tls-max", number]
        words += ["--cert", cert, "--key", key] if cert else []
        url = f"https://localhost:{server.port}{path}"
        super().__init__("curl", *words, "--resolve", f"localhost:{server.port}:127.0.0.1", url)
