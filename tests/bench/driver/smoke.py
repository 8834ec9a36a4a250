#!/usr/bin/env python3
"""Whether our servers and clients, OpenSSL's and Asio's do all that the benchmark asks of them. Measures nothing."""

import argparse
import pathlib
import time

from clients import ClientGround
from contenders import client_contenders, contenders
from lines import CLIENT_LINES, LINES
from measure import Figures, ServerGround
from processes import Missing

REQUIRED = {
    "servers": ("sally-functions", "sally-queue", "sally-queue-threads", "sally-coroutines", "sally-inside", "raw",
                "raw-defaults", "raw-packed", "asio", "tcp"),
    "clients": ("sally-functions", "sally-queue", "sally-coroutines", "raw", "raw-packed", "asio", "tcp"),
}
NOT_RESUMING = ("python (clients)",)
AGREED = "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"


def check(ground, lines):
    side = ground.figures.side
    for contender in ground.contenders:
        name = f"{contender.name} ({side})"
        try:
            subject = ground.begin(contender, "dev")
        except Missing as missing:
            if contender.name in REQUIRED[side]:
                raise
            print(f"{name} is left out: {missing}")
            continue
        for line in lines:
            if line.directory != "dev":
                continue
            if line.connections:
                ground.order(subject, "open", *line.connections)
            # Those who resume need sessions first.
            line.run(ground, subject, 1)
            done = line.run(ground, subject, 1)
            if done["operations"] == 0:
                raise SystemExit(f"{name}: nothing was done of {line.title}")
            if contender.kind == "tls":
                check_tls(name, line, done)
            ground.order(subject, "close")
        if side == "clients" and contender.kind == "tls":
            check_distrust(ground, contender, name)
        ground.part(subject)
        subject.stop()
        print(f"{name} works", flush=True)


def check_tls(name, line, done):
    if done["agreed"] != AGREED:
        raise SystemExit(f"{name}: agreed on {done['agreed']}")
    if line.order == "resumed" and done["resumed"] == 0 and name not in NOT_RESUMING:
        raise SystemExit(f"{name}: resumed nothing")
    if line.order != "resumed" and done["resumed"] != 0:
        raise SystemExit(f"{name}: resumed where it should not")


def check_distrust(ground, contender, name):
    """A client that trusts another CA breaks off the handshake, and the server sees that."""
    stranger = ground.begin(contender, "stranger")
    before = stranger.server.seen()["refused"]
    try:
        stranger.order("full", 1, 0, 1)
    except RuntimeError:
        give_up = time.monotonic() + 20
        while stranger.server.seen()["refused"] == before:
            if time.monotonic() > give_up:
                raise SystemExit(f"{name}: failed otherwise than by the server's certificate") from None
        return
    finally:
        stranger.stop()
    raise SystemExit(f"{name}: did not verify the server")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="clients of other languages besides")
    chosen = parser.parse_args()
    build = chosen.build

    def required(side, everyone):
        return [contender for contender in everyone if contender.name in REQUIRED[side] or chosen.all and side == "clients"]

    servers = required("servers", contenders(build))
    with ServerGround(servers, build / "bench/bench_load", Figures("servers", []), cores=None) as ground:
        check(ground, LINES)
    clients = required("clients", client_contenders(build))
    with ClientGround(clients, build, Figures("clients", []), cores=None, strict=True) as ground:
        check(ground, CLIENT_LINES)


if __name__ == "__main__":
    main()
