"""What the README shows works as it stands there, but for the port and the names of files."""

import pathlib
import re
import subprocess
import sys

import pytest

from sallyport import sync

README = (pathlib.Path(__file__).resolve().parents[1] / "README.md").read_text()


def blocks(kind):
    return re.findall(rf"<!-- test: {kind} -->\n```python\n(.*?)```", README, re.S)


@pytest.fixture
def folder(material, tmp_path):
    for name in ("client", "server"):
        for end in ("pem", "key"):
            (tmp_path / f"{name}.{end}").write_bytes((material.zoo / f"{name}-good.{end}").read_bytes())
    (tmp_path / "ca.pem").write_bytes((material.zoo / "ca-root.pem").read_bytes())
    return tmp_path


def start(program, folder):
    return subprocess.Popen([sys.executable, "-u", "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True)


def serve(listener):
    with listener.accept() as stream:
        for line in stream:
            stream.write(line)


@pytest.mark.parametrize("program", blocks("client"), ids=["asyncio", "threads"])
def test_the_clients(program, folder, material, beside):
    with sync.listen("localhost", 0, tls=material.server()) as listener:
        server = beside(serve, listener)
        client = start(program.replace("4433", str(listener.port)), folder)
        assert client.communicate(timeout=60)[0] == "b'hello\\n'\n" and client.returncode == 0
        server.result()


def test_the_server(folder, material):
    program, = blocks("server")
    told = program.replace("4433", "0").replace("as server:\n", "as server:\n        print(server.port)\n")
    server = start(told, folder)
    try:
        port = int(server.stdout.readline())
        with sync.connect("localhost", port, tls=material.client()) as stream:
            stream.write(b"hello\n")
            assert stream.readline(timeout=60) == b"hello\n"
        assert server.stdout.readline().startswith("client CN=")
        with pytest.raises(ConnectionError):
            sync.connect("localhost", port, tls=material.client(None)).read(1, timeout=60)
        refused = server.stdout.readline()
        assert refused.startswith("refused ") and "SALLY_CLIENT_CERTIFICATE_REQUIRED" in refused
    finally:
        server.terminate()
        server.communicate(timeout=60)
