#!/usr/bin/env python3
"""Proof of the waist: a thousand mutual-TLS connections, one thread of Python, one descriptor.

    waist_proof.py LIBRARY ZOO [--connections 1000] [--seed N]

Every verb, lent buffers and readiness, cancelling, closing; the same with the garbage collector at
work all the time; then teardown in every order. Prints what it did, and asserts all of it.
"""

import argparse
import contextlib
import gc
import os
import random
import resource
import sys
import time

from waist import Library, Queue
from waist_decisions import Decisions
from waist_loop import Loop
from waist_sockets import Material
from waist_teardown import Census, Teardown
from waist_traffic import Traffic

SPARE_DESCRIPTORS = 200
LARGE_CAPACITY = 4096


def affordable(connections):
    """How many connections the limit of descriptors allows: both ends of each are in here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + SPARE_DESCRIPTORS
    unlimited = hard == resource.RLIM_INFINITY
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if unlimited else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if unlimited or hard >= wanted:
        return connections
    fewer = (hard - SPARE_DESCRIPTORS) // 2
    print(f"ATTENTION: the limit of {hard} descriptors allows {fewer} connections, "
          f"not {connections}")
    assert fewer > 0
    return fewer


class Report:
    def __init__(self):
        self.began = time.monotonic()

    def __call__(self, what, function, *arguments):
        began = time.monotonic()
        result = function(*arguments)
        print(f"  {what}: {result}, {time.monotonic() - began:.2f} s", flush=True)
        return result


def run_traffic(library, material, connections, seed, edge_triggered, between):
    """All phases, and then nothing is left."""
    census = Census(library)
    report = Report()
    queue = Queue(library, LARGE_CAPACITY)
    loop = Loop(queue, edge_triggered, between)
    traffic = Traffic(loop, material, seed)
    report(f"events of {connections} connects and accepts", traffic.establish, connections)
    report("events of an echo with lent buffers", traffic.echo_lent)
    report("events of an echo by readiness, nothing lent", traffic.echo_ready)
    report("events of cancelling", traffic.cancel_all)
    report("events of another echo", traffic.echo_lent)
    report("buffers of cancelled reads, untouched", traffic.check_returned)
    report("events of writes that were cancelled halfway", traffic.cancel_writes)
    other = Loop(Queue(library))
    report("events taken at once", traffic.wait_for_all, other)
    report("events of another queue that was closed", traffic.close_queue, other)
    other.close()
    other.queue.release()
    report("events of closing", traffic.close_all)
    assert not queue.pending and queue.started == queue.delivered
    assert not queue.alive, "what was lent goes with its delivery, before any collection"
    queue.close()
    loop.drain()
    traffic.release()
    loop.close()
    queue.release()
    report("handles, descriptors and event loops left", census.settle)
    print(f"  {queue.delivered} operations, one event each, in {loop.wakeups} wake-ups of one "
          f"descriptor; {time.monotonic() - report.began:.2f} s")


@contextlib.contextmanager
def garbage_collector_stress(seed):
    """A collection of the young at every allocation, and of everything at random points."""
    chance = random.Random(seed)
    threshold = gc.get_threshold()
    gc.set_threshold(1)

    def between():
        if chance.random() < 0.002:
            gc.collect()

    try:
        yield between
    finally:
        gc.set_threshold(*threshold)


def collections():
    return sum(generation["collections"] for generation in gc.get_stats())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("zoo")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    began = time.monotonic()
    library = Library(options.library)
    print(f"sallyport {library.library_version().decode()}, "
          f"{library.library_tls_backend().decode()}, Python {sys.version.split()[0]}, "
          f"PYTHONMALLOC={os.environ.get('PYTHONMALLOC', '')}, --seed {options.seed}")
    connections = affordable(options.connections)
    material = Material(library, options.zoo)

    print("traffic, level-triggered")
    run_traffic(library, material, connections, options.seed, False, lambda: None)
    print("traffic, edge-triggered, under garbage-collector stress")
    before = collections()
    with garbage_collector_stress(options.seed) as between:
        run_traffic(library, material, connections, options.seed, True, between)
    print(f"  {collections() - before} collections")
    print("decisions")
    report = Report()
    census = Census(library)
    report("decisions made within handshakes", Decisions(library, material).make, connections // 10)
    report("handles, descriptors and event loops left", census.settle)
    print("teardown")
    teardown = Teardown(library, material, options.seed)
    report = Report()
    report("orders of letting go", teardown.every_order)
    report("heaps left to the garbage collector", teardown.by_garbage_collector)
    print(f"  ends of pending operations: {teardown.endings()}")

    material.release()
    assert not any(library.live_handles().values()), library.live_handles()
    print(f"PASSED in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
