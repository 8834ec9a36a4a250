#!/usr/bin/env python3
"""Generates what is made from status_table.toml; with --check, tells whether it is up to date.

The outputs are committed, so that building Sallyport needs no Python. Python >= 3.11, standard library only.
"""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = pathlib.Path("src/status/status_table.toml")

LAYERS = {
    "general": "Arguments, states, time, memory, files.",
    "transport": "Names, addresses, sockets.",
    "tls": "The TLS protocol.",
    "certificate": "The peer's certificate, judged by this side.",
    "credential": "Certificates, keys and trust anchors that this side loads.",
}
DOMAINS = {
    "errno": "errno of POSIX systems",
    "getaddrinfo": "`getaddrinfo()`",
    "winsock": "Winsock, `WSAGetLastError()`",
    "hresult": "Windows HRESULT",
    "openssl": "OpenSSL, `ERR_get_error()`",
    "x509": "OpenSSL, certificate verification",
    "alert": "TLS alerts of the peer",
}
NATIVE_NAME = {
    "errno": r"E[A-Z0-9]+",
    "getaddrinfo": r"EAI_[A-Z_]+",
    "winsock": r"(WSA|ERROR_)[A-Z_]+",
    "hresult": r"[A-Z]+_[A-Z0-9_]+",
    "openssl": r"[A-Z0-9]+_R_[A-Z0-9_]+",
    "x509": r"X509_V_(OK|ERR_[A-Z0-9_]+)",
    "alert": r"[a-z_]+(_RESERVED)?",
}
SOCKET_ERROR_STATUSES = (
    "Unknown",
    "OperationAborted",
    "HttpInvalidServerResponse",
    "ConnectionTimedOut",
    "AddressFamilyNotSupported",
    "SocketTypeNotSupported",
    "HostNotFound",
    "NoDataRecordOfRequestedType",
    "NonAuthoritativeHostNotFound",
    "ClassTypeNotFound",
    "AddressAlreadyInUse",
    "CannotAssignRequestedAddress",
    "ConnectionRefused",
    "NetworkIsUnreachable",
    "UnreachableHost",
    "NetworkIsDown",
    "NetworkDroppedConnectionOnReset",
    "SoftwareCausedConnectionAbort",
    "ConnectionResetByPeer",
    "HostIsDown",
    "NoAddressesFound",
    "TooManyOpenFiles",
    "MessageTooLong",
    "CertificateExpired",
    "CertificateUntrustedRoot",
    "CertificateCommonNameIsIncorrect",
    "CertificateWrongUsage",
    "CertificateRevoked",
    "CertificateNoRevocationCheck",
    "CertificateRevocationServerOffline",
    "CertificateIsInvalid",
)
MEMBERS = {"name", "number", "layer", "message", "hint", "socket_error_status"}
LONGEST_MESSAGE = 90
ALERT_BASE = 1000


class TableError(Exception):
    """The table breaks one of its rules."""


def main():
    checking = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not checking:
        sys.exit("usage: generate.py [--check]")
    try:
        rows = load((ROOT / TABLE).read_text(encoding="utf-8"))
    except (TableError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"{TABLE}: {error}")
    stale = [path for path, text in outputs(rows) if not is_current(path, text)]
    if checking and stale:
        sys.exit("out of date, run src/status/generate.py: " + ", ".join(stale))
    for path, text in outputs(rows):
        if path in stale:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")


def is_current(path, text):
    file = ROOT / path
    return file.is_file() and file.read_text(encoding="utf-8") == text


def outputs(rows):
    yield "include/sallyport/status_codes.h", header(rows)
    yield "src/status/status_table.inc", table(rows)
    yield "sdk/docs/statuses.md", page(rows)


# --- reading and refusing ---------------------------------------------------------------------------------------------


def load(text):
    """The rows, in the order of their numbers."""
    rows = tomllib.loads(text).get("status", [])
    numbers, names, natives = {}, {}, {}
    for row in rows:
        check_members(row)
        row["hint"] = " ".join(row["hint"].split())
        claim(numbers, row["number"], row["name"])
        claim(names, row["name"], row["number"])
        for domain in DOMAINS:
            for native in row.get(domain, []):
                if not re.fullmatch(NATIVE_NAME[domain], native):
                    raise TableError(f"{row['name']}: '{native}' is no name of the domain {domain}")
                claim(natives, (domain, native), row["name"])
    if numbers.get(0) != "OK":
        raise TableError("the status 0 must be OK")
    return sorted(rows, key=lambda row: row["number"])


def check_members(row):
    name = row.get("name", "(a row without a name)")
    if missing := MEMBERS - row.keys():
        raise TableError(f"{name}: missing {', '.join(sorted(missing))}")
    if unknown := row.keys() - MEMBERS - DOMAINS.keys():
        raise TableError(f"{name}: unknown {', '.join(sorted(unknown))}")
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise TableError(f"{name}: not a name")
    if type(row["number"]) is not int or not 0 <= row["number"] < 2**31:
        raise TableError(f"{name}: not a number of 31 bits")
    if row["layer"] not in LAYERS:
        raise TableError(f"{name}: unknown layer '{row['layer']}'")
    if row["socket_error_status"] not in SOCKET_ERROR_STATUSES:
        raise TableError(f"{name}: unknown socket error status '{row['socket_error_status']}'")
    check_text(name, row["message"], row["hint"])


def check_text(name, message, hint):
    if not 0 < len(message) <= LONGEST_MESSAGE or "\n" in message:
        raise TableError(f"{name}: the message must be one line of at most {LONGEST_MESSAGE} characters")
    if message[0].isupper() or message.endswith("."):
        raise TableError(f"{name}: the message must start in lower case and have no full stop")
    if not (message + hint).isascii() or any(character in message + hint for character in '"\\|'):
        raise TableError(f"{name}: only ASCII, without quotes, backslashes and bars")
    if "*/" in message or hint and not hint.rstrip().endswith((".", "?")):
        raise TableError(f"{name}: the hint must be whole sentences")


def claim(owners, key, owner):
    if key in owners:
        raise TableError(f"{owner}: {key!r} belongs to {owners[key]} already")
    owners[key] = owner


# --- include/sallyport/status_codes.h ---------------------------------------------------------------------------------

HEADER = """\
/*
 * status_codes.h: the numbers of sally_status, and those of the Windows SocketErrorStatus.
 *
 * Generated by src/status/generate.py from src/status/status_table.toml; do not edit. What each
 * status means and how to mend it is in sdk/docs/statuses.md, and at run time in
 * sally_status_message and sally_status_hint. Numbers are only ever added, and never reused.
 */
#ifndef SALLYPORT_STATUS_CODES_H
#define SALLYPORT_STATUS_CODES_H

enum {
%(statuses)s
};

/*
 * Windows.Networking.Sockets.SocketErrorStatus, for sally_status_to_socket_error_status: the same
 * numbers under the same names.
 */
enum {
%(socket_error_statuses)s
};

#endif /* SALLYPORT_STATUS_CODES_H */
"""


def header(rows):
    lines, section = [], None
    for row in rows:
        if section != (section := (row["layer"], is_alert(row))):
            lines += ["", f"  /* --- {section_text(*section)} --- */", ""]
        lines += [f"  /* {row['message']} */", f"  SALLY_{row['name']} = {row['number']},"]
    members = [
        f"  SALLY_SOCKET_ERROR_STATUS_{constant(name)} = {number}"
        for number, name in enumerate(SOCKET_ERROR_STATUSES)
    ]
    statuses = "\n".join(lines[1:]).removesuffix(",")
    return HEADER % {"statuses": statuses, "socket_error_statuses": ",\n".join(members)}


def is_alert(row):
    return row["number"] >= ALERT_BASE


def section_text(layer, alerts):
    if alerts:
        return f"Alerts that the peer sent: {ALERT_BASE} plus the AlertDescription (RFC 8446 section 6)."
    return LAYERS[layer]


def constant(camel):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", camel).upper()


# --- src/status/status_table.inc --------------------------------------------------------------------------------------


def table(rows):
    lines = [
        "// Generated by src/status/generate.py from src/status/status_table.toml; do not edit.",
        "//",
        "// SALLY_ROW(name, layer, message, hint, socket error status), in the order of the numbers.",
        "#ifdef SALLY_ROW",
    ]
    for row in rows:
        lines.append(
            f'SALLY_ROW({row["name"]}, {row["layer"].upper()}, "{row["message"]}", "{row["hint"]}", '
            f'{constant(row["socket_error_status"])})'
        )
    lines += ["#endif", "", "// SALLY_NATIVE(domain, name, status), in the order of domain and name.", "#ifdef SALLY_NATIVE"]
    for domain in DOMAINS:
        for native, status in sorted(native_names(rows, domain)):
            lines.append(f'SALLY_NATIVE({domain.upper()}, "{native}", {status})')
    lines += ["#endif", ""]
    for domain in ("errno", "getaddrinfo"):
        lines += system_codes(rows, domain)
    return "\n".join(lines)


def system_codes(rows, domain):
    """The macros that the system may define: in the table's order, the first of two with one number is the canonical name."""
    macro = f"SALLY_{domain.upper()}"
    lines = [f"// {macro}(name), for each name that this system has.", f"#ifdef {macro}"]
    for native, _ in native_names(rows, domain):
        lines += [f"#ifdef {native}", f"{macro}({native})", "#endif"]
    return lines + ["#endif", ""]


def native_names(rows, domain):
    return [(native, row["name"]) for row in rows for native in row.get(domain, [])]


# --- sdk/docs/statuses.md ---------------------------------------------------------------------------------------------

PAGE = """\
<!-- Generated by src/status/generate.py from src/status/status_table.toml; do not edit. -->

# Statuses

Every function that can fail answers one of these numbers (`sally_status`), and a `sally_error` says the rest: the native
error, the alert, the certificate or the file at fault. *This side* is the program that sees the status, *the peer* the
other one; either may be the client. *Windows* is the `SocketErrorStatus` that a Windows program would have seen, where
there is one.

A native code finds its status in the [tables below](#native-codes), and at run time with `sally_status_from_native` and
`sally_status_from_native_name`.
"""
NATIVE_CODES = """
## Native codes

By name, since numbers differ between systems and versions. A code that is not listed is `SALLY_UNKNOWN`. An HRESULT made
from a Win32 code (`0x8007xxxx`) is looked up under Winsock.
"""


def page(rows):
    parts = [PAGE]
    for layer in LAYERS:
        for alerts in (False, True):
            section = [row for row in rows if row["layer"] == layer and is_alert(row) == alerts]
            if section:
                parts.append(status_section(layer, alerts, section))
    parts.append(NATIVE_CODES)
    for domain, title in DOMAINS.items():
        parts.append(f"\n### {title}\n\n| code | status |\n| --- | --- |\n")
        parts += [f"| `{native}` | `SALLY_{status}` |\n" for native, status in sorted(native_names(rows, domain))]
    return "".join(parts)


def status_section(layer, alerts, rows):
    title = "tls: alerts" if alerts else layer
    lines = [
        f"\n## {title}\n",
        f"{section_text(layer, alerts)}\n",
        "| number | status | what it means, and what to do | Windows |",
        "| --: | --- | --- | --- |",
    ]
    for row in rows:
        meaning = f"**{row['message'][0].upper()}{row['message'][1:]}.** {row['hint']}".rstrip()
        windows = "" if row["socket_error_status"] == "Unknown" else row["socket_error_status"]
        lines.append(f"| {row['number']} | `SALLY_{row['name']}` | {meaning} | {windows} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
