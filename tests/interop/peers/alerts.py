"""TLS alerts: their names (the registry of IANA), and which fits which refusal."""

import re

NAMES = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed_RESERVED",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate_RESERVED",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",
    60: "export_restriction_RESERVED",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    117: "general_error",
    120: "no_application_protocol",
    121: "ech_required",
}

# What RFC 8446 section 6.2 calls a flaw, for each status of a refused certificate. One alert where
# the section is plain ("has expired or is not currently valid", "contained signatures that did not
# verify correctly"), several where it leaves a choice: certificate_unknown is for "some other
# (unspecified) issue", unknown_ca for a chain that leads to no trust anchor, and one through a CA
# that is none does not.
FITTING = {
    "SALLY_CERTIFICATE_UNKNOWN_CA": {"unknown_ca"},
    "SALLY_CERTIFICATE_SELF_SIGNED": {"unknown_ca"},
    "SALLY_CERTIFICATE_EXPIRED": {"certificate_expired"},
    "SALLY_CERTIFICATE_NOT_YET_VALID": {"certificate_expired"},
    "SALLY_CERTIFICATE_NAME_MISMATCH": {"bad_certificate", "certificate_unknown"},
    "SALLY_CERTIFICATE_WRONG_USAGE": {"unsupported_certificate", "certificate_unknown"},
    "SALLY_CERTIFICATE_WEAK_KEY": {"bad_certificate", "certificate_unknown"},
    "SALLY_CERTIFICATE_WEAK_SIGNATURE": {"bad_certificate"},  # section 4.4.2.4 names it
    "SALLY_CERTIFICATE_BAD_SIGNATURE": {"bad_certificate"},
    "SALLY_CERTIFICATE_INVALID_CA": {"bad_certificate", "certificate_unknown", "unknown_ca"},
    "SALLY_CERTIFICATE_PATH_TOO_LONG": {"bad_certificate", "certificate_unknown", "unknown_ca"},
    "SALLY_CERTIFICATE_NAME_CONSTRAINT": {"bad_certificate", "certificate_unknown"},
    "SALLY_CERTIFICATE_UNKNOWN_CRITICAL_EXTENSION": {"bad_certificate", "certificate_unknown"},
    "SALLY_CERTIFICATE_MALFORMED": {"bad_certificate", "certificate_unknown"},
}


def status_of(alert):
    """What Sallyport calls an alert that it received."""
    return f"SALLY_ALERT_{alert.upper()}"


def from_reason(reason):
    """The alert that OpenSSL received, from its reason ("TLSV1_ALERT_UNKNOWN_CA"), or None."""
    match = re.fullmatch(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(\w+)", reason or "")
    name = match and match[1].lower()
    return name if name in NAMES.values() else None


def from_openssl_output(output):
    """The alert that the openssl command received, None where there is none."""
    match = re.search(rb"SSL alert number (\d+)", output)
    return NAMES[int(match[1])] if match else None
