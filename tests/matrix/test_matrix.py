"""Every language as client with every language as server, in every mode: what both print is the same for all."""

import pathlib
import subprocess

import pytest

import agents

SECONDS = 90  # an agent ends by itself before
CERTIFICATES = agents.TOP / "build/certs"
EXPECTED = {
    "echo": ("ok 1048576", "ok 1048576"),
    "refused": ("status SALLY_CERTIFICATE_UNKNOWN_CA", "status SALLY_ALERT_UNKNOWN_CA"),
    "late": ("ok 64", "ok 64"),
    "cancel": ("ok 64", "status SALLY_CANCELED\nok 64"),
    "deadline": ("ok 64", "status SALLY_TIMED_OUT\nok 64"),
}


@pytest.fixture(scope="session")
def command(tmp_path_factory):
    """How to start the agent of a language; the test is skipped where there is none."""
    folder, known = tmp_path_factory.mktemp("agents"), {}

    def find(language):
        if language not in known:
            try:
                known[language] = agents.command(language, folder)
            except agents.Missing as reason:
                known[language] = reason
        if isinstance(known[language], agents.Missing):
            pytest.skip(str(known[language]))
        return known[language]

    return find


@pytest.fixture
def start():
    running = []

    def begin(agent, side, mode, *more):
        words = [*agent, side, "--dir", CERTIFICATES, "--mode", mode, *more]
        running.append(subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield begin
    for agent in running:
        agent.kill()
        agent.communicate()


def finish(agent):
    told = agent.communicate(timeout=SECONDS)[0].strip()
    return told, agent.returncode


@pytest.mark.parametrize("mode", EXPECTED)
@pytest.mark.parametrize("client", agents.LANGUAGES)
@pytest.mark.parametrize("server", agents.LANGUAGES)
def test_both_ends_tell_the_same_in_all_languages(command, start, server, client, mode):
    serving, calling = command(server), command(client)
    listening = start(serving, "server", mode)
    first = listening.stdout.readline().split()
    assert len(first) == 2 and first[0] == "port", first
    dialing = start(calling, "client", mode, "--port", first[1])
    told = finish(dialing), finish(listening)
    assert told == ((EXPECTED[mode][1], 0), (EXPECTED[mode][0], 0)), f"client and server: {told}"


@pytest.mark.parametrize("language", agents.LANGUAGES)
def test_what_is_not_expected_is_an_error(command, start, language):
    told, code = finish(start(command(language), "client", "echo", "--port", "1"))
    assert told.startswith("error ") and code == 1 and "\n" not in told


def test_the_certificates_are_there():
    assert pathlib.Path(CERTIFICATES / "zoo/client-unknown-ca.pem").exists()
