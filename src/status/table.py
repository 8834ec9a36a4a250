"""Reads status_table.toml, and refuses what breaks its rules. Python >= 3.11, standard library only."""

import pathlib
import re
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
    "openssl": r"[A-Z0-9_]+_R_[A-Z0-9_]+",
    "x509": r"X509_V_(OK|ERR_[A-Z0-9_]+)",
    "alert": r"[a-z_]+(_RESERVED)?",
}
MEMBERS = {"name", "number", "layer", "message", "hint", "socket_error_status"}
OPTIONAL = {"chain_validation_result", "web_error_status", "catch_all"}
SEVERITIES = ("None", "Ignorable", "Fatal")
REACHED = pathlib.Path("tests/abi/socket_error_status_test.cpp")
LONGEST_MESSAGE = 90
ALERT_BASE = 1000


class TableError(Exception):
    """The table breaks one of its rules."""


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


def constant(camel):
    """CertificateExpired to CERTIFICATE_EXPIRED."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", camel).upper()


def is_alert(row):
    return row["number"] >= ALERT_BASE


def section_text(layer, alerts):
    if alerts:
        return f"Alerts that the peer sent: {ALERT_BASE} plus the AlertDescription (RFC 8446 section 6)."
    return LAYERS[layer]
