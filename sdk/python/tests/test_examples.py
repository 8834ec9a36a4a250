"""The examples, as a reader would start them."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def server(material):
    command = [sys.executable, EXAMPLES / "echo_server.py", *files(material, "server-good"), "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        listening = process.stdout.readline()
        assert listening.startswith("listening on ")
        process.port = listening.strip().rsplit(":", 1)[1]
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def files(material, name):
    return [material.zoo / f"{name}.pem", material.zoo / f"{name}.key", material.zoo / "ca-root.pem"]


def client(server, material, name):
    command = [sys.executable, EXAMPLES / "echo_client.py", *files(material, name), server.port]
    return subprocess.run(command, input="one\ntwo\n", capture_output=True, text=True, timeout=60)


def test_lines_come_back_over_mutual_tls(server, material):
    ended = client(server, material, "client-good")
    assert (ended.stdout, ended.returncode) == ("one\ntwo\n", 0), ended.stderr
    assert server.stdout.readline().startswith("client CN=")


def test_a_client_of_another_ca_is_refused_and_both_sides_say_why(server, material):
    ended = client(server, material, "client-unknown-ca")
    assert ended.returncode == 1 and ended.stdout == "" and "certificate" in ended.stderr
    told = server.stdout.readline()
    assert told.startswith("refused 127.0.0.1:") and "SALLY_CLIENT_CERTIFICATE_REQUIRED" in told
