import pickle
import socket

import pytest

import sallyport
from sallyport import Credential, Status, TlsConfig, TrustStore, errors, sync


def test_a_missing_file_is_a_file_not_found_error_that_says_which():
    with pytest.raises(FileNotFoundError) as caught:
        TrustStore.load("/nowhere/ca.pem")
    error = caught.value
    assert error.status is Status.FILE_NOT_FOUND and error.name == "SALLY_FILE_NOT_FOUND"
    assert error.layer == "general" and error.details["source"] == "/nowhere/ca.pem"
    assert error.errno == 2 and error.hint and error.phase == "load"


def test_an_error_survives_pickling():
    with pytest.raises(errors.Error) as caught:
        TrustStore.load("/nowhere/ca.pem")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is errors.FileMissing and copy.json == caught.value.json and copy.errno == 2


def test_a_key_of_another_certificate_is_a_credential_error(material):
    with pytest.raises(errors.CredentialError) as caught:
        Credential.load(material.zoo / "server-good.pem", material.zoo / "client-good.key")
    assert caught.value.status is Status.CREDENTIAL_KEY_MISMATCH


def test_a_credential_comes_from_memory_too(material):
    chain, key = [(material.zoo / f"client-good.{end}").read_bytes() for end in ("pem", "key")]
    credential = Credential.from_memory(chain, bytearray(key))
    assert credential.certificate.fingerprint == material.credential("client-good").certificate.fingerprint
    assert credential.generation == 1 and not credential.certificate.is_ca


def test_nobody_listening_is_a_connection_refused_error(material):
    listener = sync.listen("127.0.0.1", 0, tls=material.server())
    port = listener.port
    listener.close()
    del listener
    with pytest.raises(ConnectionRefusedError) as caught:
        sync.connect("127.0.0.1", port, tls=material.client())
    assert caught.value.phase == "connect" and "127.0.0.1" in caught.value.details["address"]


def test_what_cannot_be_resolved_has_the_number_that_getaddrinfo_gave(material):
    with pytest.raises(socket.gaierror) as caught:
        sync.connect("127.0.0.1", "no-such-service", tls=material.client())
    assert caught.value.errno == socket.EAI_SERVICE == pickle.loads(pickle.dumps(caught.value)).errno


def test_a_bad_argument_is_a_value_error(material):
    with pytest.raises(ValueError):
        TlsConfig.client().set_max_depth(-1)
    with pytest.raises(ValueError):
        sync.connect("local\0host", 1, tls=material.client())
    with pytest.raises(RuntimeError):
        TlsConfig.client().set_client_auth(sallyport.ClientAuth.REQUIRE)
    with pytest.raises(TypeError):
        TlsConfig.client(alpn="h2")


def test_a_config_tells_what_is_in_force(material):
    assert "TLSv1.3" in str(material.client(alpn=["h2"]).to_dict())
