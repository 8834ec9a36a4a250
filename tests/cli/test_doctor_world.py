"""sally doctor in a world with another clock, and with names of several addresses."""

import json
import os
import pathlib
import socket
import subprocess

import pytest

from sally_tool import OWN, SALLY
from test_doctor import full_backlog


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Runs the doctor in another world (world.c), and returns its report."""
    library = tmp_path_factory.mktemp("world") / "world.so"
    source = pathlib.Path(__file__).with_name("world.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)

    def doctor(address, *words, **environment):
        environment = {**os.environ, "LD_PRELOAD": str(library), **environment}
        command = [SALLY, "doctor", address, "--json", "--name", "localhost", "--ca", OWN.ca]
        done = subprocess.run(
            [*command, *words], env=environment, capture_output=True, timeout=60, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    return doctor


@pytest.mark.parametrize("seconds", [86400, 1_000_000_000, 4_000_000_000])
def test_the_clock_of_the_machine_is_wrong(serve, world, seconds):
    report = world(serve().address, WORLD_TIME=str(seconds))
    assert report["verdict"]["cause"] == "clock", report["verdict"]
    assert "the clock of this machine" in report["verdict"]["sentence"]


def test_one_address_of_several_drops_packets(serve, world):
    server = serve()
    with full_backlog("127.0.0.2", server.port):
        report = world(f"many.test:{server.port}", "--timeout", "3")
    assert report["resolve"]["addresses"] == ["127.0.0.1", "127.0.0.2"]
    assert [one["speaks_tls"] for one in report["addresses"]] == [True, False]
    assert report["verdict"]["cause"] == "some_addresses_fail"
    assert f"127.0.0.2:{server.port}" in report["verdict"]["sentence"]


def test_one_address_of_several_refuses(serve, world):
    server = serve()
    report = world(f"many.test:{server.port}")
    assert report["verdict"]["healthy"]
    assert "some_addresses_fail" in [one["cause"] for one in report["findings"]]


def test_the_address_that_speaks_tls_is_examined(serve, world):
    server = serve()
    with socket.create_server(("127.0.0.2", server.port)):
        report = world(f"many.test:{server.port}", "--timeout", "3")
    assert report["examined"] == server.address
    assert report["verdict"]["cause"] == "some_addresses_fail"
    assert "says nothing" in report["verdict"]["sentence"]


def test_a_machine_elsewhere_that_does_not_answer(world):
    with full_backlog() as port:
        report = world(f"192.0.2.1:{port}", "--timeout", "0.5")
    assert (report["verdict"]["cause"], report["verdict"]["certain"]) == ("no_answer", True)
    fix = report["verdict"]["fix"]
    assert "firewall or security group between here and 192.0.2.1" in fix
    for words in (f"to port {port}", "wrong address", "ss -ltn"):
        assert words in fix
    assert "this machine's own" not in fix
    assert report["addresses"][0]["error"]["hint"] == fix
