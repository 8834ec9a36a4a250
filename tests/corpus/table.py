#!/usr/bin/env python3
"""Writes sdk/docs/faults.md from the corpus; --check tells whether it is up to date."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import cases  # noqa: E402
from peers import alerts, zoo  # noqa: E402

PAGE = zoo.TOP / "sdk" / "docs" / "faults.md"
TOP = """# What goes wrong, and what is said of it

Written by `tests/corpus/table.py` from the fault corpus (`tests/corpus`), which pins every line: each is done to Sallyport by a peer that does only this wrong.
**At** is the side that tells of it, Sallyport as the client or the server. **Alert** is what it sends to the peer, *received* what the peer sent; of several, one
is sent, and the RFC leaves open which. The hint is the beginning of the one in the error. All statuses are in [statuses.md](statuses.md).

"""
HEAD = "| the peer | at | TLS | status | alert | hint |\n| --- | --- | --- | --- | --- | --- |\n"


def alert_of(case):
    if case.received is not None:
        name = alerts.NAMES.get(case.received, "")
        return f"*received* {name or case.received}"
    return " or ".join(case.sent) or "none"


def short(hint):
    """Its first sentence, as far as it is pinned."""
    first, end, _ = hint.partition(". ")
    return first + ("." if end else "" if first.endswith(".") else " …") if first else ""


def does(case):
    return case.does.removeprefix("shows a certificate: ")


def merged(every, told):
    """One line for all cases of which the same is told, with their sides and versions."""
    lines = {}
    for case in every:
        sides, versions = lines.setdefault(told(case), (set(), set()))
        sides.add(case.side)
        versions.add("" if case.version == "any" else case.version)
    for (what, *rest), (sides, versions) in lines.items():
        where = ", ".join(sorted(sides)), ", ".join(sorted(versions))
        yield "| " + " | ".join([what, *where, *rest]) + " |\n"


def outcome(case):
    return does(case), f"`{case.status}`", alert_of(case), short(case.hint)


def difference(case):
    told = [f"`{case.ruled['status']}`"] if "status" in case.ruled else []
    if "sent" in case.ruled:
        told.append(" or ".join(case.ruled["sent"] or ["no alert"]))
    return case.does, case.rfc, ", ".join(told), case.why


def page():
    peers, certificates = list(cases.peers()), list(cases.certificates())
    differing = [case for case in peers if case.ruled]
    text = TOP + "## Peers that misbehave\n\n" + HEAD + "".join(merged(peers, outcome))
    text += "\n## Certificates\n\n" + HEAD.replace("the peer", "the flaw", 1)
    text += "".join(merged(certificates, outcome))
    text += "\n## Where this is not what the RFC asks for\n\n"
    text += "| the peer | at | TLS | RFC | by the RFC | why not |\n" + HEAD.splitlines()[1] + "\n"
    return text + "".join(merged(differing, difference))


def main():
    if sys.argv[1:] == ["--check"]:
        return None if PAGE.read_text() == page() else f"{PAGE} is out of date"
    PAGE.write_text(page())
    return None


if __name__ == "__main__":
    sys.exit(main())
