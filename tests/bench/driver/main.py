#!/usr/bin/env python3
"""Runs the benchmark; README.md says what is measured and how."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

import chart
import growth
import instructions
import loops
import measure
import report
from clients import ClientGround
from contenders import client_contenders, contenders
from lines import CLIENT_LINES, LINES
from processes import TOP, raise_descriptor_limit


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter slices: under two minutes")
    parser.add_argument("--rounds", type=int, help="slices of each subject on each line (default 7, in the whole run 6 and 3, quick 3)")
    parser.add_argument("--slice", type=int, help="milliseconds of a slice (default 300, quick 60)")
    parser.add_argument("--only", help=f"lines, by commas: {', '.join(names())}")
    for side in ("servers", "clients"):
        parser.add_argument(
            f"--{side}", nargs="?", const="all", help=f"these {side}, by commas, or without names all of them; and no others"
        )
    parser.add_argument(
        "--instructions", action="store_true", help="instead: instructions of an echo, counted by valgrind; a few minutes"
    )
    parser.add_argument("--record", action="store_true", help="keep the figures in README.md and the charts")
    chosen = parser.parse_args()
    chosen.slice = chosen.slice or (60 if chosen.quick else 300)
    chosen.only = chosen.only.split(",") if chosen.only else names()
    unknown = set(chosen.only) - set(names())
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if not chosen.servers and not chosen.clients:
        chosen.servers, chosen.clients = "all", "main"
    return chosen


def names():
    return [line.name for line in LINES] + ["calls", "idle", "two-loops", "growth"]


def rounds(chosen, otherwise):
    return chosen.rounds or (3 if chosen.quick else otherwise)


def selected(everyone, wanted, side):
    if wanted == "all":
        return everyone
    # In the whole run there is no time for more.
    if wanted == "main":
        return [contender for contender in everyone if contender.main or contender.kind == "plain"]
    wanted = wanted.split(",") if wanted else []
    unknown = set(wanted) - {contender.name for contender in everyone}
    if unknown:
        sys.exit(f"there is none of the {side} called {', '.join(sorted(unknown))}")
    return [contender for contender in everyone if contender.name in wanted]


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split("(")[0].strip()
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=TOP, capture_output=True, text=True
    ).stdout.strip()
    return (
        f"{measure.now()}, commit {commit or 'unknown'}, {os.cpu_count()} "
        f"processors ({model}), Linux {platform.release()}, {openssl}"
    )


def measure_all(ground, lines, chosen, how_often):
    """What servers and clients have in common."""

    def show(name):
        print(report.table_of(ground.figures, name), flush=True)

    for line in lines:
        if line.name in chosen.only:
            measure.measure_line(ground, line, how_often, chosen.slice)
            show(line.name)
    if "calls" in chosen.only:
        measure.measure_calls(ground, chosen.slice)
        show("calls")
    if "idle" in chosen.only:
        measure.measure_idle(ground, 300 if chosen.quick else 1000)
        show("idle")


def measure_servers(ground, chosen, descriptors):
    """Returns how costs grow."""
    measure_all(ground, LINES, chosen, rounds(chosen, 6 if chosen.clients == "main" else 7))
    if "two-loops" in chosen.only:
        loops.measure(ground, rounds(chosen, 5), chosen.slice)
        print(loops.table(ground.figures, report.number), flush=True)
    return growth.measure(ground, chosen.quick, descriptors) if "growth" in chosen.only else ""


def run(chosen, servers, clients):
    """`servers` and `clients`: what comes out is added to these figures."""
    measure.progress(machine())
    began, began_at = measure.machine_load(), time.monotonic()
    descriptors = raise_descriptor_limit()
    grown, counted = "", ""
    with contextlib.ExitStack() as stack:
        server_ground = client_ground = None
        if servers.order:
            everyone = selected(contenders(chosen.build), chosen.servers, "servers")
            server_ground = measure.ServerGround(everyone, chosen.build / "bench/bench_load", servers)
            stack.enter_context(server_ground)
        if clients.order:
            everyone = selected(client_contenders(chosen.build), chosen.clients, "clients")
            client_ground = stack.enter_context(ClientGround(everyone, chosen.build, clients))
        if chosen.instructions:
            counted = instructions.measure([ground for ground in (server_ground, client_ground) if ground], chosen.only)
        else:
            if server_ground:
                grown = measure_servers(server_ground, chosen, descriptors)
            if client_ground:
                measure_all(client_ground, CLIENT_LINES, chosen, rounds(chosen, 3 if chosen.clients == "main" else 7))
    took = (time.monotonic() - began_at) / 60
    loads = f"load of the machine: {began} at the beginning, {measure.machine_load()} at the end, {took:.1f} minutes later"
    ends = "\n".join(filter(None, [report.targets(servers), report.remarks(servers), report.remarks(clients)]))
    print(f"{ends}\n{loads}")
    parts = [f"{machine()}\n{loads}\n", report.tables(servers), grown, report.tables(clients), counted, ends]
    return "\n".join(filter(None, parts))


def main():
    # So that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = options()
    everyone = {"servers": contenders(chosen.build), "clients": client_contenders(chosen.build)}
    servers, clients = (
        measure.Figures(side, [each.name for each in selected(everyone[side], getattr(chosen, side), side)])
        for side in ("servers", "clients")
    )
    text = run(chosen, servers, clients)
    out = chosen.build / "bench"
    (out / "figures.txt").write_text(text)
    (out / "figures.json").write_text(json.dumps({"servers": servers.of, "clients": clients.of}, indent=1))
    pictures = {name: chart.draw(figures) for name, figures in (("chart", servers), ("chart-clients", clients)) if figures.of}
    for name, picture in pictures.items():
        (out / f"{name}.svg").write_text(picture)
    if chosen.record:
        chart.record(text, pictures)


if __name__ == "__main__":
    main()
