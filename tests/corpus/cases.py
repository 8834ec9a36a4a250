"""The corpus as data: corpus.toml and the zoo, one Case for each side and version."""

import dataclasses
import pathlib
import tomllib

from peers import alerts, zoo

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = tomllib.loads((HERE / "corpus.toml").read_text())
STATUSES = {
    "SALLY_" + row["name"]: row
    for row in tomllib.loads((zoo.TOP / "src/status/status_table.toml").read_text())["status"]
}
BOTH = ["1.2", "1.3"]
# close_notify and user_canceled are no errors, and have cases of their own.
ERROR_ALERTS = [number for number in sorted(alerts.NAMES) if number not in (0, 90)]


@dataclasses.dataclass(frozen=True)
class Case:
    id: str
    does: str
    side: str  # the one that is tested: "client" or "server"
    version: str  # "1.2", "1.3", "any"
    rfc: str
    status: str
    hint: str
    sent: tuple = ()  # alerts that this side may send by the RFC, by name; () for none
    received: int | None = None  # the alert that the peer sends
    script: str | None = None
    argument: int | None = None
    entry: zoo.Entry | None = None
    depth: int | None = None
    ruled: dict | None = None  # what the RFC asks for, where the library is known to differ
    why: str | None = None

    @property
    def name(self):
        return f"{self.id}-{self.side}-{self.version}"

    @property
    def layer(self):
        return STATUSES[self.status]["layer"]


def _matches(rule, side, version):
    return rule.get("side", side) == side and rule.get("version", version) == version


def _settled(given, rules, side, version):
    """`given`, and over it what the rules for this side and version say, the last one on top."""
    for rule in rules:
        if _matches(rule, side, version):
            given = {**given, **{key: rule[key] for key in rule if key not in ("side", "version")}}
    return given


def _case(side, version, facts):
    hint = facts.get("hint") or CORPUS["hints"].get(facts["status"], "")
    known = {field.name for field in dataclasses.fields(Case)}
    facts = {key: value for key, value in facts.items() if key in known}
    facts = {**facts, "sent": tuple(facts.get("sent", ())), "hint": hint}
    return Case(side=side, version=version, **facts)


def _of_alerts(peer):
    for number in ERROR_ALERTS:
        name = alerts.NAMES[number]
        more = {"status": alerts.status_of(name), "received": number, "argument": number}
        yield {**peer, "id": f"alert-{name.replace('_', '-')}", "script": "alert", **more}


def _of_peer(peer):
    facts = {"script": peer["id"], **peer}
    for side in peer["sides"]:
        for version in peer.get("versions", BOTH):
            one = _settled(facts, peer.get("but", ()), side, version)
            differs = _settled({}, peer.get("disagrees", ()), side, version)
            ruled = {key: one.get(key) for key in differs if key != "why"} or None
            yield _case(side, version, {**one, **differs, "ruled": ruled})


def _of_certificate(entry):
    side = "client" if entry.role == "server" else "server"
    for version in BOTH:
        facts = {
            "id": entry.name,
            "does": f"shows a certificate: {entry.flaw}",
            "rfc": entry.rfc,
            "status": entry.expected,
            "sent": CORPUS["certificates"][entry.expected],
            "hint": CORPUS["certificate_hints"].get(entry.name.partition("-")[2]),
            "entry": entry,
            "depth": entry.depth or 0,
        }
        yield _case(side, version, facts)


def peers():
    for peer in CORPUS["peer"]:
        for one in _of_alerts(peer) if peer.get("each") == "alert" else [peer]:
            yield from _of_peer(one)


def certificates():
    for entry in zoo.of_role("server", "client"):
        if not entry.is_good:
            yield from _of_certificate(entry)


def every():
    return [*peers(), *certificates()]
