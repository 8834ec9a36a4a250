"""The raw layer against the headers."""

import pathlib
import re
import subprocess

import pytest

import sallyport
from sallyport import errors
from sallyport._native import ffi, lib

HEADERS = pathlib.Path(__file__).resolve().parents[3] / "include/sallyport"


def text():
    return re.sub(r"/\*.*?\*/", "", "\n".join(path.read_text() for path in HEADERS.glob("*.h")), flags=re.S)


def test_every_function_of_the_headers_is_there_and_no_other():
    declared = set(re.findall(r"\b(sally_\w+)\s*\(", re.sub(r"\(\*sally_\w+\)", "", text())))
    assert declared == {name for name in dir(lib) if name.startswith("sally_")}


def test_every_function_is_exported_by_the_library_that_is_carried():
    library = next(pathlib.Path(sallyport.__file__).parent.glob("libsallyport.so*"))
    found = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in found.splitlines()}
    assert {name for name in exported if name.startswith("sally_")} == {n for n in dir(lib) if n.startswith("sally_")}


def test_every_constant_of_the_headers_is_there():
    named = re.findall(r"^\s*(SALLY_[A-Z0-9_]+) =", text(), re.M)
    assert len(named) > 200
    assert [name for name in named if not isinstance(getattr(lib, name, None), int)] == []


@pytest.mark.parametrize("kind, prefix", [
    (sallyport.Role, "ROLE"), (sallyport.ClientAuth, "CLIENT_AUTH"), (sallyport.Ocsp, "OCSP"),
    (sallyport.UnknownName, "UNKNOWN_NAME"), (sallyport.CaHints, "CA_HINTS"), (sallyport.NameKind, "NAME"),
    (sallyport.Revocation, "REVOCATION"), (sallyport.Question, "QUESTION"), (sallyport.Pin, "PIN"),
    (sallyport.TraceKind, "TRACE")])
def test_enumerations_have_the_numbers_of_the_headers(kind, prefix):
    for member in kind:
        if member.name not in ("NONE", "DEFAULT", "UNKNOWN") or hasattr(lib, f"SALLY_{prefix}_{member.name}"):
            assert member == getattr(lib, f"SALLY_{prefix}_{member.name}")


def test_every_status_of_the_headers_has_its_number():
    codes = re.search(r"enum \{(.*?)\};", re.sub(r"/\*.*?\*/", "", (HEADERS / "status_codes.h").read_text(), flags=re.S),
                      re.S)[1]
    statuses = dict(re.findall(r"SALLY_(\w+) = (\d+)", codes))
    assert {name: int(number) for name, number in statuses.items()}.items() <= {
        status.name: int(status) for status in sallyport.Status}.items()


def test_the_time_outs_and_kinds_are_those_that_are_written_down_here():
    assert (lib.SALLY_TIMEOUT_DEFAULT, lib.SALLY_TIMEOUT_NEVER, lib.SALLY_TIMEOUT_ATTEMPT) == (0, -1, -2)
    assert (lib.SALLY_EVENT_DONE, lib.SALLY_EVENT_DECISION, lib.SALLY_EVENT_DECISIONS_OVER) == (1, 4, 5)
    assert (lib.SALLY_MORE, lib.SALLY_COMPLETION_TELL_END) == (1, 1)
    assert (lib.SALLY_STREAM_LOW_LATENCY, lib.SALLY_STREAM_PLAIN, lib.SALLY_STREAM_CONFIRMED) == (1, 2, 4)
    assert (lib.SALLY_DIRECTION_READ, lib.SALLY_DIRECTION_WRITE) == (1, 2)
    assert len(sallyport.live_handles()) == 17 and lib.sally_library_live_handles(17) == -1
    assert ffi.sizeof("sally_event") == 40


def test_the_version_is_that_of_the_headers():
    assert sallyport.version() == f"{lib.SALLY_VERSION_MAJOR}.{lib.SALLY_VERSION_MINOR}.{lib.SALLY_VERSION_PATCH}"


def test_every_status_makes_an_exception_that_is_an_os_error():
    for status in sallyport.Status:
        error = errors.error_from(int(status), f'{{"status": "SALLY_{status.name}", "message": "m"}}')
        assert isinstance(error, OSError) and error.status is status and str(error) == f"m [SALLY_{status.name}]"
