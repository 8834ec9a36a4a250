#!/usr/bin/env python3
"""Generates what is made from status_table.toml; with --check, tells whether it is up to date.

A binding gets its constants by one template in bindings.py. The outputs are committed, so that building Sallyport needs no Python. Python >= 3.11, standard library only.
"""

import pathlib
import re
import sys
import tomllib

import bindings

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
    "openssl": r"[A-Z0-9_]+_R_[A-Z0-9_]+",
    "x509": r"X509_V_(OK|ERR_[A-Z0-9_]+)",
    "alert": r"[a-z_]+(_RESERVED)?",
}
MEMBERS = {"name", "number", "layer", "message", "hint", "socket_error_status"}
OPTIONAL = {"chain_validation_result", "web_error_status", "catch_all"}
SEVERITIES = ("None", "Ignorable", "Fatal")
# The libraries of OpenSSL by the beginnings of their reasons; what is common to all of them has none.
LIBRARIES = {"ERR": "NONE"}
REACHED = pathlib.Path("tests/abi/socket_error_status_test.cpp")
LONGEST_MESSAGE = 90
ALERT_BASE = 1000


class TableError(Exception):
    """The table breaks one of its rules."""


def main():
    checking = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not checking:
        sys.exit("usage: generate.py [--check]")
    try:
        table = load((ROOT / TABLE).read_text(encoding="utf-8"))
    except (TableError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"{TABLE}: {error}")
    stale = [path for path, text in outputs(table) if not is_current(path, text)]
    if checking and stale:
        sys.exit("out of date, run src/status/generate.py: " + ", ".join(stale))
    for path, text in outputs(table):
        if path in stale:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")


def is_current(path, text):
    file = ROOT / path
    return file.is_file() and file.read_text(encoding="utf-8") == text


def outputs(table):
    yield "include/sallyport/status_codes.h", header(table)
    yield "src/status/status_table.inc", included(table)
    yield "sdk/docs/statuses.md", page(table)
    yield from bindings.outputs(table)


# --- reading and refusing ---------------------------------------------------------------------------------------------


class Table:
    """The whole table: its rows, the codes that are meant for a catch-all, and the enumerations of Windows."""

    def __init__(self, document):
        self.rows = sorted(document.get("status", []), key=lambda row: row.get("number", -1))
        self.meant = document.get("meant", [])
        self.newer = document.get("newer", [])
        self.socket_error_statuses = numbered(document.get("socket_error_status", []))
        self.chain_validation_results = numbered(document.get("chain_validation_result", []))
        self.web_error_statuses = document.get("web_error_status", [])
        self.severities = [{"name": name, "number": number} for number, name in enumerate(SEVERITIES)]

    def enumerations(self):
        """(what a constant begins with, the enumeration of Windows, its members)"""
        yield "SOCKET_ERROR_STATUS", "Windows.Networking.Sockets.SocketErrorStatus", self.socket_error_statuses
        yield "SOCKET_SSL_ERROR_SEVERITY", "Windows.Networking.Sockets.SocketSslErrorSeverity", self.severities
        yield (
            "CHAIN_VALIDATION_RESULT",
            "Windows.Security.Cryptography.Certificates.ChainValidationResult",
            self.chain_validation_results,
        )
        yield "WEB_ERROR_STATUS", "Windows.Web.WebErrorStatus", self.web_error_statuses

    def natives(self, domain):
        """(code, status, its place among the codes of its row; -1 where it is meant for a catch-all)"""
        for row in self.rows:
            for rank, native in enumerate(row.get(domain, [])):
                yield native, row["name"], rank
        for group in self.meant:
            if group["domain"] == domain:
                for native in group["codes"]:
                    yield native, group["status"], -1


def numbered(members):
    return [{**member, "number": number} for number, member in enumerate(members)]


def load(text):
    document = tomllib.loads(text)
    if unknown := document.keys() - {
        "status", "meant", "newer", "socket_error_status", "chain_validation_result", "web_error_status"
    }:  # fmt: skip
        raise TableError(f"unknown {', '.join(sorted(unknown))}")
    table = Table(document)
    numbers, names, natives = {}, {}, {}
    for row in table.rows:
        check_members(row, table)
        row["hint"] = " ".join(row["hint"].split())
        claim(numbers, row["number"], row["name"])
        claim(names, row["name"], row["number"])
    for group in table.meant:
        check_group(group, table)
    for domain in DOMAINS:
        for native, status, _ in table.natives(domain):
            if not re.fullmatch(NATIVE_NAME[domain], native):
                raise TableError(f"{status}: '{native}' is no name of the domain {domain}")
            claim(natives, (domain, native), status)
    for _, _, members in table.enumerations():
        check_enumeration(members, names)
    for member in table.socket_error_statuses:
        check_reached(member)
    if numbers.get(0) != "OK":
        raise TableError("the status 0 must be OK")
    return table


def check_group(group, table):
    catch_alls = {row["name"] for row in table.rows if row.get("catch_all")}
    if group.keys() != {"domain", "status", "reason", "codes"} or not group["codes"]:
        raise TableError(f"meant: a group has a domain, a status, a reason and codes: {group}")
    if group["domain"] not in DOMAINS or group["status"] not in catch_alls:
        raise TableError(f"meant: {group['domain']} and {group['status']} are no domain and no catch-all")
    if not group["reason"].endswith("."):
        raise TableError(f"meant: the reason must be whole sentences: {group['reason']}")


def check_enumeration(members, statuses):
    numbers, names = {}, {}
    for member in members:
        claim(numbers, member["number"], member["name"])
        claim(names, member["name"], member["number"])
        if member.get("status", "UNKNOWN") not in statuses:
            raise TableError(f"{member['name']}: unknown status '{member['status']}'")
        if member.get("severity", "None") not in SEVERITIES:
            raise TableError(f"{member['name']}: unknown severity '{member['severity']}'")


def check_reached(member):
    reached, reason = member.get("reached_by"), member.get("translated_only")
    if (reached is None) == (reason is None):
        raise TableError(f"{member['name']}: either reached by a test or translated only")
    tests = ROOT / REACHED
    if reached and f"SocketErrorStatus, {reached})" not in tests.read_text(encoding="utf-8"):
        raise TableError(f"{member['name']}: {REACHED} has no test {reached}")


def check_members(row, table):
    name = row.get("name", "(a row without a name)")
    if missing := MEMBERS - row.keys():
        raise TableError(f"{name}: missing {', '.join(sorted(missing))}")
    if unknown := row.keys() - MEMBERS - OPTIONAL - DOMAINS.keys():
        raise TableError(f"{name}: unknown {', '.join(sorted(unknown))}")
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise TableError(f"{name}: not a name")
    if type(row["number"]) is not int or not 0 <= row["number"] < 2**31:
        raise TableError(f"{name}: not a number of 31 bits")
    if row["layer"] not in LAYERS:
        raise TableError(f"{name}: unknown layer '{row['layer']}'")
    for key, members in (
        ("socket_error_status", table.socket_error_statuses),
        ("chain_validation_result", table.chain_validation_results),
        ("web_error_status", table.web_error_statuses),
    ):
        if key in row and row[key] not in {member["name"] for member in members}:
            raise TableError(f"{name}: unknown {key} '{row[key]}'")
    if row["layer"] == "certificate" and "chain_validation_result" not in row:
        raise TableError(f"{name}: missing chain_validation_result")
    if row.get("catch_all") and row.keys() & DOMAINS.keys():
        raise TableError(f"{name}: codes of a catch-all stand under [[meant]]")
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
 * status_codes.h: the numbers of sally_status, and those of the enumerations of Windows that say
 * the same.
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

%(enumerations)s
#endif /* SALLYPORT_STATUS_CODES_H */
"""
ENUMERATION = """\
/* %(windows)s, with the same numbers. */
enum {
%(members)s
};
"""


def header(table):
    lines, section = [], None
    for row in table.rows:
        if section != (section := (row["layer"], is_alert(row))):
            lines += ["", f"  /* --- {section_text(*section)} --- */", ""]
        lines += [f"  /* {row['message']} */", f"  SALLY_{row['name']} = {row['number']},"]
    enumerations = [
        ENUMERATION % {"windows": windows, "members": ",\n".join(constants(prefix, members))}
        for prefix, windows, members in table.enumerations()
    ]
    statuses = "\n".join(lines[1:]).removesuffix(",")
    return HEADER % {"statuses": statuses, "enumerations": "\n".join(enumerations)}


def constants(prefix, members):
    return [f"  SALLY_{prefix}_{constant(member['name'])} = {member['number']}" for member in members]


def is_alert(row):
    return row["number"] >= ALERT_BASE


def section_text(layer, alerts):
    if alerts:
        return f"Alerts that the peer sent: {ALERT_BASE} plus the AlertDescription (RFC 8446 section 6)."
    return LAYERS[layer]


constant = bindings.constant


# --- src/status/status_table.inc --------------------------------------------------------------------------------------


def included(table):
    lines = [
        "// Generated by src/status/generate.py from src/status/status_table.toml; do not edit.",
        "//",
        "// SALLY_ROW(name, layer, message, hint, socket error status, chain validation result, web error status,",
        "// whether it is a catch-all), in the order of the numbers.",
        "#ifdef SALLY_ROW",
    ]
    for row in table.rows:
        result = row.get("chain_validation_result")
        lines.append(
            f'SALLY_ROW({row["name"]}, {row["layer"].upper()}, "{row["message"]}", "{row["hint"]}", '
            f'{constant(row["socket_error_status"])}, '
            f'{"SALLY_CHAIN_VALIDATION_RESULT_" + constant(result) if result else -1}, '
            f'{constant(row.get("web_error_status", "Unknown"))}, {str(row.get("catch_all", False)).lower()})'
        )
    lines += [
        "#endif",
        "",
        "// SALLY_NATIVE(domain, name, status, place among the codes of the status), in the order of domain and name. The",
        "// place is -1 for a code that is meant to land in a catch-all.",
        "#ifdef SALLY_NATIVE",
    ]
    for domain in DOMAINS:
        for native, status, rank in sorted(table.natives(domain)):
            lines.append(f'SALLY_NATIVE({domain.upper()}, "{native}", {status}, {rank})')
    lines += ["#endif", ""]
    for prefix, _, members in table.enumerations():
        lines += enumeration(f"SALLY_{prefix}", members)
    for domain in ("errno", "getaddrinfo", "x509"):
        lines += defined(f"SALLY_{domain.upper()}", [(name, name) for name, _, _ in table.natives(domain)])
    reasons = [(name, f"{library(name)}, {name}") for name, _, _ in table.natives("openssl")]
    lines += defined("SALLY_OPENSSL", reasons)
    lines += ["// SALLY_NEWER(version of OpenSSL, name)", "#ifdef SALLY_NEWER"]
    lines += [f'SALLY_NEWER("{group["openssl"]}", "{name}")' for group in table.newer for name in group["codes"]]
    return "\n".join(lines + ["#endif", ""])


def enumeration(macro, members):
    lines = [f"// {macro}(number, name, status, severity), in the order of the numbers.", f"#ifdef {macro}"]
    for member in members:
        severity = constant(member.get("severity", "None"))
        lines.append(f'{macro}({member["number"]}, "{member["name"]}", {member.get("status", "UNKNOWN")}, {severity})')
    return lines + ["#endif", ""]


def defined(macro, names):
    """The macros that the system may define: in the table's order, the first of two with one number is the canonical name."""
    lines = [f"// {macro}(...), for each name that this system has.", f"#ifdef {macro}"]
    for native, arguments in names:
        lines += [f"#ifdef {native}", f"{macro}({arguments})", "#endif"]
    return lines + ["#endif", ""]


def library(reason):
    prefix = reason.split("_R_")[0]
    return "ERR_LIB_" + LIBRARIES.get(prefix, prefix)


# --- sdk/docs/statuses.md ---------------------------------------------------------------------------------------------

PAGE = """\
<!-- Generated by src/status/generate.py from src/status/status_table.toml; do not edit. -->

# Statuses

Every function that can fail answers one of these numbers (`sally_status`), and a `sally_error` says the rest: the native
error, the alert, the certificate or the file at fault. *This side* is the program that sees the status, *the peer* the
other one; either may be the client. *Windows* is the `SocketErrorStatus` that a Windows program would have seen, where
there is one.

A native code finds its status in the [tables below](#native-codes), and at run time with `sally_status_from_native` and
`sally_status_from_native_name`; the [enumerations of Windows](#the-enumerations-of-windows) can be translated both ways.
"""
ENUMERATIONS = """
## The enumerations of Windows

Programs that come from Windows find their words again. Where several statuses share a word, translating back gives the one
in the table.

### SocketErrorStatus

`sally_status_to_socket_error_status`, `sally_status_from_socket_error_status`. Each value is reached by a real failure, which
a test of `tests/abi/socket_error_status_test.cpp` brings about, or it is only translated, for the reason given.

| number | value | becomes | how it is reached |
| --: | --- | --- | --- |
"""
CHAIN = """
### ChainValidationResult and SocketSslErrorSeverity

`sally_status_to_chain_validation_result`, `sally_status_from_chain_validation_result`,
`sally_status_to_socket_ssl_error_severity`. There is no way back from a severity: it says only how grave a result is.

| number | value | severity | becomes | statuses |
| --: | --- | --- | --- | --- |
"""
WEB = """
### WebErrorStatus

`sally_status_to_web_error_status`, `sally_status_from_web_error_status`. Sallyport speaks no HTTP, so that what only HTTP has
becomes `SALLY_UNKNOWN`.

| number | value | becomes | statuses |
| --: | --- | --- | --- |
"""
NATIVE_CODES = """
## Native codes

By name, since numbers differ between systems and versions. A code that is not listed is `SALLY_UNKNOWN`. An HRESULT made
from a Win32 code (`0x8007xxxx`) is looked up under Winsock.
"""
MEANT = """
## Codes without a status of their own

These land in a status that says no more than that something failed, and are meant to. The error shows the native name beside
it.

| codes | status | why |
| --- | --- | --- |
"""


def page(table):
    parts = [PAGE]
    for layer in LAYERS:
        for alerts in (False, True):
            section = [row for row in table.rows if row["layer"] == layer and is_alert(row) == alerts]
            if section:
                parts.append(status_section(layer, alerts, section))
    parts += windows_sections(table)
    parts.append(NATIVE_CODES)
    for domain, title in DOMAINS.items():
        natives = sorted((native, status) for native, status, rank in table.natives(domain) if rank >= 0)
        parts.append(f"\n### {title}\n\n| code | status |\n| --- | --- |\n")
        parts += [f"| `{native}` | `SALLY_{status}` |\n" for native, status in natives]
    parts.append(MEANT)
    for group in table.meant:
        codes = ", ".join(f"`{native}`" for native in sorted(group["codes"]))
        parts.append(f"| {codes} | `SALLY_{group['status']}` | {group['reason']} |\n")
    return "".join(parts)


def windows_sections(table):
    def meaning(key, member):
        rows = [row for row in table.rows if row.get(key) == member["name"]]
        return ", ".join(f"`SALLY_{row['name']}`" for row in rows)

    def line(*cells):
        return f"| {' | '.join(str(cell) for cell in cells)} |\n".replace("|  |", "| |")

    def becomes(member):
        return f"`SALLY_{member.get('status', 'UNKNOWN')}`"

    yield ENUMERATIONS
    for member in table.socket_error_statuses:
        how = f"test `{member['reached_by']}`" if "reached_by" in member else f"translated only: {member['translated_only']}"
        yield line(member["number"], member["name"], becomes(member), how)
    yield CHAIN
    for member in table.chain_validation_results:
        statuses = meaning("chain_validation_result", member)
        yield line(member["number"], member["name"], member["severity"], becomes(member), statuses)
    yield WEB
    for member in table.web_error_statuses:
        yield line(member["number"], member["name"], becomes(member), meaning("web_error_status", member))


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
