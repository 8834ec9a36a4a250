"""The agent of the language matrix with itself."""

import pathlib
import subprocess
import sys

import pytest

AGENT = pathlib.Path(__file__).with_name("matrix_agent.py")
REFUSED = ("status SALLY_CERTIFICATE_UNKNOWN_CA", "status SALLY_ALERT_UNKNOWN_CA")
EXPECTED = {
    "echo": ("ok 1048576", "ok 1048576"),
    "refused": REFUSED,
    "late": ("ok 64", "ok 64"),
    "cancel": ("ok 64", "status SALLY_CANCELED\nok 64"),
    "deadline": ("ok 64", "status SALLY_TIMED_OUT\nok 64"),
}


def start(material, side, mode, *more):
    command = [sys.executable, AGENT, side, "--dir", material.zoo.parent, "--mode", mode, *more]
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("mode", EXPECTED)
def test_both_ends_print_what_the_matrix_expects(material, mode):
    server = start(material, "server", mode)
    try:
        word, port = server.stdout.readline().split()
        assert word == "port"
        client = start(material, "client", mode, "--port", port)
        told = client.communicate(timeout=60)[0]
        assert (server.communicate(timeout=60)[0].strip(), told.strip()) == EXPECTED[mode]
        assert (server.returncode, client.returncode) == (0, 0)
    finally:
        server.kill()


def test_what_is_not_expected_is_an_error(material):
    client = start(material, "client", "echo", "--port", "1")
    told = client.communicate(timeout=60)[0]
    assert told.startswith("error ") and client.returncode == 1 and told.count("\n") == 1
