"""Every case of the corpus: the status, the layer, the hint, the alert, and that it ends."""

import pytest

import cases
import scripts_both
import scripts_client
import scripts_server
import sides
import table
from peers import alerts

CLOSE_NOTIFY, NO_RENEGOTIATION, WARNING, FATAL = 0, 100, 1, 2


def check_alerts(case, report, seen):
    """Both sides tell of the same alert, in the right direction, and of no other."""
    told = report.get("alert")
    arrived = [alert for alert in seen.alerts if alert[1] != CLOSE_NOTIFY]
    if case.received is not None:
        assert told and (told["number"], told["direction"]) == (case.received, "received"), told
        assert not arrived, "an alert is not answered with an alert"
    elif case.sent:
        assert told and told["direction"] == "sent", told
        assert alerts.NAMES[told["number"]] in case.sent, told
        level = WARNING if told["number"] == NO_RENEGOTIATION else FATAL
        assert arrived == [(level, told["number"])]
    else:
        assert told is None and not arrived, (told, arrived)


@pytest.mark.parametrize("case", cases.every(), ids=lambda case: case.name)
def test_the_failure_is_named_and_the_peer_is_told(case, echo_server, ran):
    report, seen = sides.meet(case, echo_server)
    told = f"{case.does}; {case.rfc}\n{report}\n{seen}"
    assert seen.failure is None, told
    assert report["status"] == case.status, told
    assert report["layer"] == case.layer, told
    assert report["hint"].startswith(case.hint), told
    assert case.hint or not cases.STATUSES[case.status]["hint"], f"no hint is pinned: {told}"
    assert case.depth is None or report.get("depth") == case.depth, told
    check_alerts(case, report, seen)
    assert seen.end in ("eof", "reset"), f"the connection is still open\n{told}"
    ran(case)


def test_the_corpus_is_large_and_every_case_has_its_rfc():
    peers = [peer["id"] for peer in cases.CORPUS["peer"]]
    assert len(peers) == len(set(peers)) >= 60
    for case in cases.every():
        assert case.rfc.startswith("RFC ") and case.status in cases.STATUSES, case
        assert bool(case.ruled) == bool(case.why), f"{case.name} differs without a reason"


def test_the_documentation_is_what_the_corpus_says():
    assert table.PAGE.read_text() == table.page(), "run tests/corpus/table.py"


@pytest.mark.parametrize("side", ["client", "server"])
def test_every_script_is_in_a_case(side):
    scripts = {"client": scripts_server, "server": scripts_client}[side].SCRIPTS
    own = set(scripts) - set(scripts_both.SCRIPTS)
    used = {case.script for case in cases.peers() if case.side == side}
    assert own <= used <= set(scripts)


def test_every_script_of_both_sides_is_in_a_case():
    assert set(scripts_both.SCRIPTS) <= {case.script for case in cases.peers()}
