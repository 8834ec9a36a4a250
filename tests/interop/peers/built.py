"""Peers in other languages, built once; Missing says why one cannot be had on this machine."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

from . import process, zoo

HERE = pathlib.Path(__file__).resolve().parent
OUT = zoo.TOP / "build" / "interop"
BUILD_LIMIT = 900.0  # seconds, for a slow machine with nothing built yet
FETCH_LIMIT = 300.0  # a network may swallow what is asked of it
OLDEST_CARGO = (1, 75)  # rust/Cargo.toml says so too


class Missing(Exception):
    """What a peer needs is not on this machine; the argument says what."""


def tool(name, package):
    found = shutil.which(name)
    if not found:
        raise Missing(f"no {name} on this machine (Debian's package {package})")
    return found


def _run(*words, folder=HERE, limit=BUILD_LIMIT, **variables):
    done = process.run(
        *words, limit=limit, cwd=folder, env={**process.ENVIRONMENT, **variables}
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="backslashreplace")


def _build(*words, **given):
    status, said = _run(*words, **given)
    assert status == 0, f"{words} failed:\n{said}"


@functools.cache
def go_server():
    go = tool("go", "golang-go")
    OUT.mkdir(parents=True, exist_ok=True)
    program = OUT / "go-server"
    variables = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOPROXY": "off"}
    if "HOME" not in os.environ and "GOCACHE" not in os.environ:
        variables["GOCACHE"] = OUT / "go-cache"
    _build(go, "build", "-o", program, ".", folder=HERE / "go", **variables)
    return program


def _cargo_version(cargo):
    _, said = _run(cargo, "--version")
    found = re.search(r"cargo (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetch_crates(cargo, folder):
    try:
        status, said = _run(cargo, "fetch", "--quiet", "--locked", folder=folder, limit=FETCH_LIMIT)
    except subprocess.TimeoutExpired:
        status, said = None, f"nothing after {FETCH_LIMIT} s"
    if status != 0:
        raise Missing(f"the crates of rustls cannot be fetched: {said.strip()[-300:]}")


@functools.cache
def rustls_server():
    cargo = tool("cargo", "cargo, on Debian 12 cargo-web")
    version = _cargo_version(cargo)
    if version < OLDEST_CARGO:
        oldest = ".".join(map(str, OLDEST_CARGO))
        found = ".".join(map(str, version))
        raise Missing(f"cargo {found} is too old for rustls, which needs {oldest}")
    folder, target = HERE / "rust", str(OUT / "rust")
    words = [cargo, "build", "--quiet", "--locked", "--offline"]
    status, said = _run(*words, folder=folder, CARGO_TARGET_DIR=target)
    if status != 0:  # the crates may not be here yet
        _fetch_crates(cargo, folder)
        _build(*words, folder=folder, CARGO_TARGET_DIR=target)
    return OUT / "rust" / "debug" / "rustls-server"


@functools.cache
def loopback():
    """What makes gnutls-serv listen on loopback and tell where."""
    OUT.mkdir(parents=True, exist_ok=True)
    library = OUT / "loopback.so"
    compiler = tool("cc", "gcc")
    words = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    _build(compiler, *words, "-o", library, HERE / "loopback.c", "-ldl")
    return library
