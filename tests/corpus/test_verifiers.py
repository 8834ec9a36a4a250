"""Two outside verifiers accept or refuse as the zoo says, or the corpus says why not."""

import pytest

import cases
import verifiers
from peers import zoo

ENTRIES = zoo.of_role("server", "client")
TOOLS = {"openssl": verifiers.openssl_accepts, "certtool": verifiers.gnutls_accepts}
DIFFERING = {
    (row["tool"], name): row for row in cases.CORPUS["outside"] for name in row["entries"]
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_outside_verifier_agrees_or_the_corpus_says_why_not(entry, tool):
    if tool == "certtool" and not verifiers.has_certtool():
        pytest.skip("no certtool on this machine (Debian's package gnutls-bin)")
    accepts, said = TOOLS[tool](entry)
    row = DIFFERING.get((tool, entry.name))
    wanted = row["accepts"] if row else entry.is_good
    assert accepts == wanted, f"{entry.flaw or 'no flaw'}; {entry.rfc}\n{tool}: {said}"


def test_what_the_corpus_says_of_verifiers_is_about_the_zoo():
    good = {entry.name: entry.is_good for entry in ENTRIES}
    for (tool, name), row in DIFFERING.items():
        assert tool in TOOLS and row["why"] and row["accepts"] != good[name], name
