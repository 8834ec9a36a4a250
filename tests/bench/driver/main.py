#!/usr/bin/env python3
"""Runs the benchmark; README.md says what is measured and how."""

import argparse
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys

import chart
import growth
import measure
import report
from contenders import contenders
from lines import LINES
from processes import TOP, raise_descriptor_limit


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter slices: under two minutes")
    parser.add_argument("--rounds", type=int, help="slices of each server on each line (default 7, quick 3)")
    parser.add_argument("--slice", type=int, help="milliseconds of a slice (default 300, quick 100)")
    parser.add_argument("--only", help=f"lines, by commas: {', '.join(names())}")
    parser.add_argument("--servers", help="servers, by commas (default: all that are there)")
    parser.add_argument("--record", action="store_true", help="keep the figures in README.md and chart.svg")
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (3 if chosen.quick else 7)
    chosen.slice = chosen.slice or (100 if chosen.quick else 300)
    chosen.only = chosen.only.split(",") if chosen.only else names()
    unknown = set(chosen.only) - set(names())
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return chosen


def names():
    return [line.name for line in LINES] + ["calls", "idle", "two-loops", "growth"]


def chosen_contenders(chosen):
    everyone = contenders(chosen.build)
    if not chosen.servers:
        return everyone
    wanted = chosen.servers.split(",")
    unknown = set(wanted) - {contender.name for contender in everyone}
    if unknown:
        sys.exit(f"there is no server {', '.join(sorted(unknown))}")
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


def run(chosen, figures):
    order = [contender.name for contender in chosen_contenders(chosen)]

    def show(name):
        print(report.table_of(figures, name, order), flush=True)

    measure.progress(machine())
    began = measure.machine_load()
    descriptors = raise_descriptor_limit()
    everyone = chosen_contenders(chosen)
    with measure.Ground(everyone, chosen.build / "bench/bench_load", figures) as ground:
        for line in LINES:
            if line.name in chosen.only:
                measure.measure_line(ground, line, chosen.rounds, chosen.slice)
                show(line.name)
        if "calls" in chosen.only:
            measure.measure_calls(ground, chosen.slice)
            show("calls")
        if "idle" in chosen.only:
            measure.measure_idle(ground, 300 if chosen.quick else 1000)
            show("idle")
        if "two-loops" in chosen.only:
            measure.measure_two_loops(ground, chosen.rounds, chosen.slice)
            show("two-loops")
            show("two-loops-handshake")
        grown = growth.measure(ground, chosen.quick, descriptors) if "growth" in chosen.only else ""
    loads = f"load of the machine: {began} at the beginning, {measure.machine_load()} at the end"
    ends = "\n".join([report.targets(figures), report.remarks(figures)])
    print(ends)
    return "\n".join([machine(), loads, "", report.tables(figures, order), grown, ends])


def main():
    # So that the servers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = options()
    figures = measure.Figures()
    text = run(chosen, figures)
    (chosen.build / "bench/figures.txt").write_text(text)
    (chosen.build / "bench/figures.json").write_text(json.dumps(figures.of, indent=1))
    picture = chart.draw(figures)
    (chosen.build / "bench/chart.svg").write_text(picture)
    if chosen.record:
        chart.record(text, picture)


if __name__ == "__main__":
    main()
