"""The fault corpus takes its peers from the interoperability tests."""

import collections
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "interop"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from peers import sallyport  # noqa: E402
from peers.pool import Pool  # noqa: E402

RAN = []  # the cases that were run, for the summary


@pytest.fixture(scope="session")
def echo_server():
    pool = Pool(sallyport.EchoServer)
    yield pool
    pool.stop()


@pytest.fixture
def ran():
    """Where a test of a case notes it."""
    return RAN.append


def pytest_terminal_summary(terminalreporter):
    if not RAN:
        return
    say = terminalreporter.write_line
    count = collections.Counter((case.side, case.version) for case in RAN)
    faults = len({case.id for case in RAN})
    say(f"fault corpus: {faults} cases, {len(RAN)} with their sides and versions")
    for (side, version), number in sorted(count.items()):
        say(f"  {side}, TLS {version}: {number}")
    differing = [case for case in RAN if case.ruled]
    say(f"known to differ from the RFC: {len(differing)}")
    for case in differing:
        say(f"  {case.name}: {case.why}")
