from typing import Any, Dict, List, Optional, Type

from sallyport import _raw
from sallyport._certificate import Certificate, borrowed
from sallyport._raw import NULL, Bytes, ffi, lib, text, texts
from sallyport._sources import Credential
from sallyport._status_codes import Status
from sallyport._tls import Question, TlsConfig
from sallyport.errors import Error


class Decision(_raw.Object):
    """A handshake that waits for an answer, which may come later and from any thread.

    What is not answered in time, or dropped, is denied.
    """

    _kind = "decision"

    @property
    def question(self) -> Question:
        return Question(lib.sally_decision_question(self._handle))

    @property
    def server_name(self) -> str:
        """The name that a client has asked for, or that this side verifies."""
        return text(lib.sally_decision_server_name(self._handle))

    @property
    def peer_address(self) -> str:
        return text(lib.sally_decision_peer_address(self._handle))

    def accept(self) -> None:
        """Goes on as without the question."""
        self._call("accept")

    def deny(self, why: Status = Status.OK) -> None:
        """Ends the handshake; the peer gets the alert for `why`."""
        self._call("deny", int(why))


class CredentialQuestion(Decision):
    """The server asks for a certificate: which credential is to be shown?"""

    @property
    def acceptable_cas(self) -> List[str]:
        """The CAs whose certificates the server accepts; none: it does not say."""
        return texts(lib.sally_decision_acceptable_ca_count, lib.sally_decision_acceptable_ca, self._handle)

    @property
    def acceptable_schemes(self) -> List[str]:
        """The signature schemes that the server accepts."""
        return texts(lib.sally_decision_acceptable_scheme_count, lib.sally_decision_acceptable_scheme, self._handle)

    def use(self, credential: Optional[Credential]) -> None:
        """Shows this one; None: no certificate."""
        self._call("use_credential", NULL if credential is None else credential._handle)


class PeerQuestion(Decision):
    """The peer has shown a certificate: is it to be trusted?"""

    @property
    def certificates(self) -> List[Certificate]:
        """All that the peer sent, its own first."""
        count = lib.sally_decision_peer_certificate_count(self._handle)
        return [borrowed(lib.sally_decision_peer_certificate(self._handle, n)) for n in range(count)]

    @property
    def verdict(self) -> Optional[Error]:
        """Why the built-in verification has failed; None: it has not."""
        return _raw.borrowed_error(lib.sally_decision_verdict_error(self._handle))

    def insecure_accept(self) -> None:
        """Trusts the peer whatever the verification has found."""
        self._call("insecure_accept")


class ClientHelloQuestion(Decision):
    """A client has said hello: is it to be served, and by which config?"""

    @property
    def alpn(self) -> List[str]:
        return texts(lib.sally_decision_alpn_count, lib.sally_decision_alpn, self._handle)

    @property
    def acceptable_schemes(self) -> List[str]:
        return texts(lib.sally_decision_acceptable_scheme_count, lib.sally_decision_acceptable_scheme, self._handle)

    def use(self, config: TlsConfig) -> None:
        """Serves the client by another config."""
        self._call("use_config", config._handle)


class SignatureQuestion(Decision):
    """A handshake needs a signature by a key that the program has."""

    @property
    def content(self) -> bytes:
        """What is to be signed; the scheme digests it."""
        data = lib.sally_decision_signed_content(self._handle)
        return bytes(ffi.buffer(data, lib.sally_decision_signed_content_size(self._handle)))

    @property
    def scheme(self) -> int:
        """A number of RFC 8446 section 4.2.3."""
        return int(lib.sally_decision_signature_scheme(self._handle))

    @property
    def scheme_name(self) -> str:
        """ "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "ed25519", ... """
        return text(lib.sally_decision_signature_scheme_name(self._handle))

    @property
    def certificate(self) -> Certificate:
        """The certificate whose key is to sign."""
        return borrowed(lib.sally_decision_signing_certificate(self._handle))

    def sign(self, signature: Bytes) -> None:
        """Answers with the signature, in the form in which TLS sends it."""
        held = ffi.from_buffer(signature)
        self._call("signature", held, len(held))


_KINDS: Dict[int, Type[Decision]] = {
    Question.CREDENTIAL: CredentialQuestion,
    Question.PEER: PeerQuestion,
    Question.CLIENT_HELLO: ClientHelloQuestion,
    Question.SIGNATURE: SignatureQuestion,
}


def decision(pointer: Any) -> Decision:
    """Owns the decision of an event."""
    handle = _raw.own("decision", pointer)
    return _KINDS.get(lib.sally_decision_question(handle), Decision)(handle)
