#!/usr/bin/env python3
"""Whether our servers, OpenSSL's, Asio's and the load client do all that the benchmark asks of them. Measures nothing."""

import argparse
import pathlib

from contenders import contenders
from lines import LINES
from processes import CERTIFICATES, Load, Server

REQUIRED = ("sally-functions", "sally-queue", "sally-queue-threads", "sally-coroutines", "sally-inside", "raw",
            "raw-defaults", "raw-packed", "asio", "tcp")
AGREED = "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"


def check(contender, load):
    server = Server(contender, CERTIFICATES / "dev")
    try:
        load.meet(server)
        for line in LINES:
            if line.directory != "dev":
                continue
            if line.connections:
                load.order("open", server.name, *line.connections)
            done = line.run(load, server, 1)
            if done["operations"] == 0:
                raise SystemExit(f"{contender.name}: nothing was done of {line.title}")
            if contender.kind == "tls" and done["agreed"] != AGREED:
                raise SystemExit(f"{contender.name}: agreed on {done['agreed']}")
            if contender.kind == "tls" and line.order == "resumed" and done["resumed"] == 0:
                raise SystemExit(f"{contender.name}: resumed nothing")
            load.order("close", server.name)
        load.order("drop", server.name)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    build = parser.parse_args().build
    load = Load(build / "bench/bench_load")
    for contender in contenders(build):
        if contender.name in REQUIRED:
            check(contender, load)
            print(f"{contender.name} works")
    load.stop()


if __name__ == "__main__":
    main()
