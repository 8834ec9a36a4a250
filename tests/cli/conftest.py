"""The tests of the command line use what tests/interop has: peers, processes, the zoo."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))

from sally_tool import Serve  # noqa: E402


@pytest.fixture
def serve():
    """Starts sally serve with these options; all of them are ended with the test."""
    running = []

    def start(*words, **options):
        running.append(Serve(*words, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()
