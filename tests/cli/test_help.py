"""What sally tells of itself: options, exit codes, and what goes on."""

import os
import re

import pytest

from peers import zoo
from sally_tool import OWN, SALLY, run
from test_connect import on_a_terminal

COMMANDS = ["serve", "connect", "verify", "doctor", "doctor join", "pki"]
COMMANDS += [f"pki {verb}" for verb in ("init", "issue", "break", "show")]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_the_exit_codes_and_the_documentation_every_option(command):
    done = run(*command.split(), "--help")
    text = done.stdout.decode()
    assert done.returncode == 0 and "Exit codes:" in text
    page = zoo.TOP / "sdk" / "docs" / ("pki.md" if command.startswith("pki") else "sally.md")
    documented = set(re.findall(r"--[a-z][a-z-]*", page.read_text()))
    assert set(re.findall(r"--[a-z][a-z-]*", text)) - documented == set()


def test_a_person_at_a_terminal_sees_what_goes_on(serve):
    os.environ.pop("NO_COLOR", None)
    words = [SALLY, "doctor", serve().address, "--ca", OWN.ca, "--name", "localhost"]
    shown = on_a_terminal(*words)
    for step in (b"resolving 127.0.0.1 ...", b"shaking hands ...", b"resuming a session ..."):
        assert step in shown
    # Nothing of it is left.
    assert shown.count(b" ...") < shown.count(b"\r\x1b[K")
    assert b" ..." not in on_a_terminal(*words, TERM="dumb")
    done = run(*words[1:])
    assert done.stderr == b"" and b" ..." not in done.stdout
