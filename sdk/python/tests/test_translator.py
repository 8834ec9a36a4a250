"""The codes of others, and back."""

import errno
import socket

import pytest

from sallyport import Status, translator
from sallyport.translator import ChainValidationResult, Domain, Layer, SocketErrorStatus, WebErrorStatus


@pytest.mark.parametrize("domain, number, name, status", [
    (Domain.ERRNO, errno.ECONNREFUSED, "ECONNREFUSED", Status.CONNECTION_REFUSED),
    (Domain.GETADDRINFO, socket.EAI_NONAME, "EAI_NONAME", Status.HOST_NOT_FOUND),
    (Domain.WINSOCK, 10061, "WSAECONNREFUSED", Status.CONNECTION_REFUSED),
    (Domain.X509, 10, "X509_V_ERR_CERT_HAS_EXPIRED", Status.CERTIFICATE_EXPIRED),
    (Domain.ALERT, 48, "unknown_ca", Status.ALERT_UNKNOWN_CA),
])
def test_native_codes_go_both_ways(domain, number, name, status):
    assert translator.from_native(domain, number) is status and translator.from_native(domain, name) is status
    assert translator.native_name(domain, number) == name
    assert translator.to_native(status, domain) == number and translator.to_native_name(status, domain) == name


def test_what_nobody_knows_is_told_so():
    assert translator.from_native(Domain.ERRNO, 99999) is Status.UNKNOWN
    assert translator.native_name(Domain.ALERT, 255) is None and translator.name(99999) is None
    assert translator.to_native(Status.UNKNOWN, Domain.ERRNO) is None
    assert translator.to_native_name(Status.UNKNOWN, Domain.ERRNO) is None
    assert translator.layer(99999) is None and translator.message(99999) is None and translator.hint(99999) is None


def test_every_status_has_its_name_message_hint_and_layer():
    for status in Status:
        assert translator.name(status) == f"SALLY_{status.name}"
        assert translator.message(status) and isinstance(translator.hint(status), str)
        assert isinstance(translator.layer(status), Layer)
    assert translator.layer(Status.CERTIFICATE_EXPIRED) is Layer.CERTIFICATE


def test_windows_has_words_for_it():
    assert translator.to_socket_error_status(Status.CONNECTION_REFUSED) is SocketErrorStatus.CONNECTION_REFUSED
    expired = translator.to_chain_validation_result(Status.CERTIFICATE_EXPIRED)
    assert expired is ChainValidationResult.EXPIRED and translator.windows_name(expired) == "Expired"
    assert translator.to_chain_validation_result(Status.CONNECTION_REFUSED) is None
    severity = translator.to_socket_ssl_error_severity(Status.CERTIFICATE_EXPIRED)
    assert translator.windows_name(severity) in ("Ignorable", "Fatal")
    timeout = translator.to_web_error_status(Status.TIMED_OUT)
    assert timeout is WebErrorStatus.TIMEOUT and translator.windows_name(timeout) == "Timeout"


@pytest.mark.parametrize("kind", [SocketErrorStatus, ChainValidationResult, WebErrorStatus])
def test_from_windows_it_is_the_nearest_status(kind):
    for value in kind:
        assert isinstance(translator.from_windows(value), Status) and translator.windows_name(value)
    known = {SocketErrorStatus: translator.to_socket_error_status,
             ChainValidationResult: translator.to_chain_validation_result,
             WebErrorStatus: translator.to_web_error_status}[kind]
    both = [value for value in kind if known(translator.from_windows(value)) is value]
    assert len(both) > 3
