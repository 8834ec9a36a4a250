"""sally doctor join makes one story of two records."""

import json

import pytest

from sally_tool import CLIENT, OTHER, OWN, connect, errors, run, shows


@pytest.fixture
def records(tmp_path):
    """The paths of two files with these contents."""

    def write(first, second):
        paths = tmp_path / "first.json", tmp_path / "second.json"
        for path, content in zip(paths, (first, second)):
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return paths

    return write


def joined(first, second):
    done = run("doctor", "join", first, second, "--json")
    return done.returncode, json.loads(done.stdout)["connections"]


def client_record(server, **options):
    """What sally connect writes of a failure."""
    done = connect(server, "--json", data=b"hello\n", **options)
    return done.stderr.decode().splitlines()[-1]


def test_a_refused_client_and_its_server(serve, records):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    client = client_record(server)
    server.event("refused")
    status, stories = joined(*records(client, server.text()))
    assert (status, len(stories)) == (1, 1)
    story = stories[0]
    assert story["correlation_id"] == json.loads(client)["correlation_id"]
    assert story["sentence"].startswith("The server refused: the client presented no certificate")
    assert "alert certificate_required" in story["sentence"]
    assert "credential" in story["fix"]
    assert [one["side"] for one in story["records"]] == ["client", "server"]


def test_the_order_of_the_files_is_no_matter(serve, records):
    server = serve()
    client = client_record(server, ca=OTHER.ca)
    server.event("refused")
    for pair in ((client, server.text()), (server.text(), client)):
        _, stories = joined(*records(*pair))
        assert stories[0]["sentence"].startswith("The client refused: ")
        assert "alert unknown_ca" in stories[0]["sentence"]


def test_the_doctor_and_the_server(serve, records):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    done = run("doctor", server.address, "--json", ca=OWN.ca, name="localhost", **shows(CLIENT))
    report = done.stdout.decode()
    server.end()
    _, stories = joined(*records(report, server.text()))
    ids = {one["correlation_id"] for one in json.loads(report)["handshakes"]}
    assert {one["correlation_id"] for one in stories} == ids
    assert any(one["good"] for one in stories) and not all(one["good"] for one in stories)


def test_connections_that_are_well(serve, records):
    server = serve()
    done = connect(server, "--json", data=b"x")
    server.event("closed")
    status, stories = joined(*records(done.stderr.decode(), server.text()))
    assert (status, stories[0]["good"]) == (0, True)


def test_a_person_reads_a_story(serve, records):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    client = client_record(server)
    server.event("refused")
    done = run("doctor", "join", *records(client, server.text()))
    text = done.stdout.decode()
    assert done.returncode == 1
    for words in ("connection ", "  client", "  server", "Story: The server refused", "Fix: "):
        assert words in text


@pytest.mark.parametrize(
    "first, second, words",
    [
        ({"correlation_id": "a"}, {"correlation_id": "b"}, "not about the same connection"),
        ("no JSON at all", {"correlation_id": "b"}, "no JSON"),
        ("", "", "no JSON"),
        ([1, {"correlation_id": 7}], {"correlation_id": "b"}, "not about the same connection"),
    ],
    ids=["others", "no JSON", "empty", "no text"],
)
def test_what_cannot_be_joined_is_told(records, first, second, words):
    done = run("doctor", "join", *records(first, second))
    assert (done.returncode, words in errors(done)) == (2, True), errors(done)


def test_records_of_others_cannot_break_it(records):
    error = {"status": 1, "message": [], "alert": "x", "hint": {}}
    strange = {"correlation_id": "a", "error": error}
    done = run("doctor", "join", *records(strange, strange))
    assert done.returncode in (0, 1), errors(done)
    error = {"message": "\x1b[31m", "status": "x"}
    escapes = {"correlation_id": "a", "what": "\x1b[2J", "error": error}
    done = run("doctor", "join", *records(escapes, escapes))
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["text", "json"])
def test_records_that_are_nested_without_end_cannot_either(records, words):
    depth = 200_000
    deep = '{"correlation_id":"a","error":{"status":"x","message":"y","more":%s}}'
    record = deep % ("[" * depth + "]" * depth)
    done = run("doctor", "join", *records(record, record + "\n" + record), *words)
    assert done.returncode == 1, errors(done)
    assert b"y" in done.stdout and len(done.stdout) < 100_000
