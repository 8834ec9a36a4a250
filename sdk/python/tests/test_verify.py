"""Chains that are judged without a connection."""

import datetime

import pytest

import sallyport
from sallyport import NameKind, Purpose, Status, _certificate, errors, verify


def pem(material, name):
    return (material.zoo / f"{name}.pem").read_bytes()


def test_a_good_chain_is_accepted_and_shown(material):
    verdict = verify(pem(material, "server-good"), trust=material.trust(), name="localhost")
    assert verdict and verdict.accepted and verdict.status is Status.OK and verdict.error is None
    assert verdict.chain[0].fingerprint == material.credential("server-good").certificate.fingerprint
    assert verdict.chain[-1].is_ca and verdict.to_dict()["accepted"] is True


@pytest.mark.parametrize("name, options, status", [
    ("server-expired", {}, Status.CERTIFICATE_EXPIRED),
    ("server-unknown-ca", {}, Status.CERTIFICATE_UNKNOWN_CA),
    ("server-good", {"name": "elsewhere.example"}, Status.CERTIFICATE_NAME_MISMATCH),
    ("server-good", {"name": "203.0.113.9", "name_kind": NameKind.IP}, Status.CERTIFICATE_NAME_MISMATCH),
    ("server-good", {"time": datetime.datetime(1999, 1, 1, tzinfo=datetime.timezone.utc)},
     Status.CERTIFICATE_NOT_YET_VALID),
])
def test_a_bad_one_is_refused_and_the_verdict_says_why(material, name, options, status):
    verdict = verify(pem(material, name), trust=material.trust(), **options)
    assert not verdict and verdict.status is status
    assert isinstance(verdict.error, errors.CertificateError) and verdict.error.status is status
    assert verdict.error.details["faults"][0]["status"] == f"SALLY_{status.name}"


def test_the_rules_are_those_of_the_config(material):
    config = material.client()
    config.insecure_ignore(Status.CERTIFICATE_EXPIRED)
    pin = material.credential("server-expired").certificate.spki_pin
    config.add_pin(pin)
    verdict = verify(pem(material, "server-expired"), config=config)
    assert verdict and verdict.pin_matched
    assert [fault["ignored"] for fault in verdict.to_dict()["verdict"]["faults"]] == [True]


def test_a_certificate_is_for_its_purpose_only(material):
    chain = material.credential("client-good").certificate
    rest = pem(material, "client-good")
    assert verify(chain, intermediates=rest, trust=material.trust(), purpose=Purpose.CLIENT)
    verdict = verify(chain, intermediates=rest, trust=material.trust(), purpose=Purpose.SERVER)
    assert verdict.status is Status.CERTIFICATE_WRONG_USAGE
    assert verify(chain, intermediates=rest, trust=material.trust(), purpose=Purpose.ANY)


def test_what_is_no_certificate_is_a_failure_and_no_verdict(material):
    with pytest.raises(errors.Error) as caught:
        verify(b"hello", trust=material.trust())
    assert caught.value.status in (Status.CERTIFICATE_MALFORMED, Status.CREDENTIAL_NO_CERTIFICATE)
    with pytest.raises(ValueError):
        verify(pem(material, "server-good"), trust=material.trust(), name="no name at all..")


def test_verdicts_leave_nothing(material, census):
    verdicts = [verify(pem(material, "server-expired"), trust=material.trust()) for _ in range(50)]
    assert all(isinstance(verdict.error, sallyport.Error) and verdict.chain for verdict in verdicts)
    del verdicts
    census.settle()


def test_a_date_that_python_has_no_year_for_is_its_first():
    utc = datetime.timezone.utc
    assert _certificate._time(-62167219200) == datetime.datetime(1, 1, 1, tzinfo=utc)  # the year 0
    assert _certificate._time(253402300799) == datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=utc)
