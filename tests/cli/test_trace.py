"""sally connect, serve and doctor tell what happens on a connection."""

import json

from sally_tool import CLIENT, OWN, Doctor, connect, errors, run, shows

SECRET = b"nobody else is to read this\n"


def lines(done):
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_client_tells_its_steps_in_lines(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    done = connect(server, "--trace", data=SECRET, **shows(CLIENT))
    assert (done.returncode, done.stdout) == (0, SECRET), errors(done)
    told = errors(done)
    for words in (
        "connected to 127.0.0.1:",
        "flight sent: client_hello ",
        "flight received: server_hello ",
        "certificate_request",
        "established: TLSv1.3",
        "close_notify received",
        f"ended: {len(SECRET)} bytes sent, {len(SECRET)} received",
    ):
        assert words in told, told
    assert "nobody else" not in told


def test_a_client_tells_its_steps_as_json(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    done = connect(server, "--trace", "--json", data=SECRET, **shows(CLIENT))
    told = lines(done)
    report = next(one for one in told if "steps" in one)
    steps = [one for one in told if "kind" in one]
    assert len(told) == len(steps) + 1
    assert {one["correlation_id"] for one in steps} == {report["correlation_id"]}
    assert [one["kind"] for one in steps][:3] == ["connect", "state", "flight"]
    assert steps[-1]["kind"] == "end" and steps[-1]["bytes_sent"] == len(SECRET)
    assert b"nobody else" not in done.stderr


def test_a_refusal_is_told_before_the_error(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    done = connect(server, "--trace", "--json", data=SECRET)
    told = lines(done)
    assert done.returncode == 1
    assert told[-1]["status"] == "SALLY_ALERT_CERTIFICATE_REQUIRED"
    alert = next(one for one in told if one.get("kind") == "alert")
    assert (alert["direction"], alert["alert"]) == ("received", "certificate_required")


def test_nothing_is_told_unasked(serve):
    done = connect(serve(), "--json", data=SECRET)
    assert len(lines(done)) == 1


def test_a_server_tells_its_steps(serve):
    server = serve("echo", "--trace", client_auth="required", client_ca=CLIENT.ca)
    assert connect(server, data=SECRET, **shows(CLIENT)).returncode == 0
    accepted = server.event("accepted")
    server.wait_for(rb'"event":"trace","kind":"end"')
    steps = [
        json.loads(line) for line in bytes(server.output).splitlines() if b'"event":"trace"' in line
    ]
    assert {one["correlation_id"] for one in steps} == {accepted["correlation_id"]}
    assert {one["side"] for one in steps} == {"server"}
    assert [one["kind"] for one in steps][:3] == ["connect", "state", "flight"]
    assert all("time" in one for one in steps)
    assert "nobody else" not in server.text()


def test_a_trace_is_no_record_for_join(serve, tmp_path):
    server = serve("echo", "--trace", client_auth="required", client_ca=CLIENT.ca)
    client = tmp_path / "client.json"
    client.write_bytes(connect(server, "--trace", "--json", data=SECRET).stderr)
    server.event("refused")
    log = tmp_path / "server.json"
    log.write_text(server.text())
    done = run("doctor", "join", client, log, "--json")
    (story,) = json.loads(done.stdout)["connections"]
    # What the client says of it is that it connected, and then an error.
    assert [one["side"] for one in story["records"]].count("server") == 1
    assert len(story["records"]) <= 3


def test_the_doctor_has_the_flights_of_each_handshake(serve):
    server = serve(client_auth="required", client_ca=CLIENT.ca)
    found = Doctor(server.address, **shows(CLIENT))
    for handshake in found.report["handshakes"]:
        kinds = [one["kind"] for one in handshake["trace"]]
        assert kinds[0] == "connect" and kinds[-1] == "end" and "flight" in kinds
    done = run("doctor", server.address, ca=OWN.ca, name="localhost", **shows(CLIENT))
    timeline = done.stdout.decode().partition("Timeline")[2]
    sent, received = timeline.find("-> client_hello ("), timeline.find("<- server_hello")
    assert 0 < sent < received, timeline
