"""Measures the lines: slices of the subjects in turn, so that what else the machine does befalls all of them.

A subject is what is measured: a running server, or a running client. Its Ground starts it, gives it orders, and tells
what each took: `own_ns` of processor time of the subject, `other_ns` of whoever it talked to."""

import contextlib
import statistics
import sys
import time

from lines import LINES
from processes import CERTIFICATES, Load, Missing, Server, count_system_calls, last_core


def lower_quartile(values):
    return min(values) if len(values) < 4 else statistics.quantiles(values, n=4)[0]


class Figures:
    """`of[line][name]` has what came out: quartile, median, and what else there is to say. `side`: of servers or
    clients."""

    def __init__(self, side, order):
        self.side = side
        self.order = order  # of the names
        self.of = {}
        self.missing = {}  # name: why
        self.notes = []
        self.shares = []  # of their core that the two had, in each slice

    def add(self, line, server, values, **more):
        figure = {"quartile": lower_quartile(values), "median": statistics.median(values), "slices": len(values), **more}
        self.of.setdefault(line, {})[server] = figure

    def ratio(self, line, server, over, over_line="", of="quartile"):
        try:
            return self.of[line][server][of] / self.of[over_line or line][over][of]
        except (KeyError, ZeroDivisionError):
            return None


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Ground:
    """Subjects that run, by the folder of their certificates, started at first need."""

    def __init__(self, contenders, figures, cores=...):
        self.contenders = contenders
        self.figures = figures
        self.cores = last_core() if cores is ... else cores
        self._running = {}

    def running(self, directory="dev"):
        if directory not in self._running:
            self._running[directory] = self._start_all(directory)
        return self._running[directory]

    def everyone(self):
        return [subject for subjects in self._running.values() for subject in subjects]

    def _start_all(self, directory):
        subjects = []
        for contender in self.contenders:
            if contender.name in self.figures.missing:
                continue
            try:
                subjects.append(self.begin(contender, directory))
            except Missing as missing:
                self.figures.missing[contender.name] = str(missing)
        return subjects

    def drop(self, subject, why):
        """One that fails is left out of all that follows, and said so."""
        name = subject.contender.name
        progress(f"   {name} is left out: {why}")
        self.figures.missing[name] = f"left out: {why}"
        for subjects in self._running.values():
            for each in [each for each in subjects if each.contender.name == name]:
                subjects.remove(each)
                each.stop()

    def stop(self):
        for subject in self.everyone():
            subject.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class ServerGround(Ground):
    """Servers, and their load client."""

    def __init__(self, contenders, load_program, figures, cores=...):
        super().__init__(contenders, figures, cores)
        self.load_program = load_program
        self.load = Load(load_program, self.cores)

    def start(self, contender, directory="dev", cores=..., **how):
        return Server(contender, CERTIFICATES / directory, self.cores if cores is ... else cores, **how)

    def begin(self, contender, directory):
        server = self.start(contender, directory)
        server.name = f"{contender.name}@{directory}"
        self.meet(server)
        return server

    def meet(self, server):
        self.load.meet(server)

    def part(self, server):
        self.load.order("drop", server.name)

    def order(self, server, verb, *words):
        told = self.load.order(verb, server.name, *words)
        if "server_ns" in told:
            told |= {"own_ns": told["server_ns"], "other_ns": told["client_ns"]}
        return told

    def drop(self, server, why):
        super().drop(server, why)
        self.load.stop()
        self.load = Load(self.load_program, self.cores)
        for each in self.everyone():
            self.load.meet(each)

    def stop(self):
        self.load.stop()
        super().stop()


def measure_line(ground, line, rounds, slice_ms):
    progress(f"-- {ground.figures.side}: {line.title}")
    taken = {}  # name: its slices
    subject = None
    try:
        for subject in ground.running(line.directory):
            prepare(ground, line, subject, slice_ms)
        for round_ in range(rounds):
            for subject in ground.running(line.directory):
                if not subject.contender.main and round_ >= max(1, rounds // 3):
                    continue
                if line.fresh:
                    open_anew(ground, line, subject)
                slice_ = line.run(ground, subject, slice_ms)
                if slice_["operations"] > 0:
                    taken.setdefault(subject.contender.name, []).append(slice_)
        for subject in ground.running(line.directory):
            ground.order(subject, "close")
    except RuntimeError as failure:
        ground.drop(subject, failure)
        return measure_line(ground, line, rounds, slice_ms)
    for name, slices in taken.items():
        slices = quieter_half(slices)
        resumed = sum(slice_["resumed"] for slice_ in slices) / sum(slice_["operations"] for slice_ in slices)
        if line.name == "resumed" and resumed < 0.99:
            if not name.startswith("tcp"):
                ground.figures.notes.append(f"{name} resumed only {resumed:.0%} of the handshakes that asked for it")
            continue
        values = [line.scale(slice_["own_ns"] / slice_["operations"]) for slice_ in slices]
        both = lower_quartile([line.scale((slice_["own_ns"] + slice_["other_ns"]) / slice_["operations"]) for slice_ in slices])
        pace = statistics.median(rate(slice_) for slice_ in slices)
        ground.figures.add(line.name, name, values, both=both, agreed=slices[0]["agreed"], rate=pace, resumed=resumed)
        ground.figures.shares += [share(slice_) for slice_ in slices]


def share(slice_):
    """How much of their core the server and its client had."""
    return (slice_["own_ns"] + slice_["other_ns"]) / slice_["wall_ns"]


def rate(slice_):
    return slice_["operations"] / slice_["wall_ns"] * 1e9


def quieter_half(slices):
    """Those in which others had least of the core: whoever comes back to cold caches costs half as much again."""
    return sorted(slices, key=share, reverse=True)[: max(3, (len(slices) + 1) // 2)]


def open_anew(ground, line, subject):
    ground.order(subject, "close")
    if line.connections:
        ground.order(subject, "open", *line.connections)


def prepare(ground, line, subject, slice_ms=150):
    open_anew(ground, line, subject)
    line.run(ground, subject, max(1, min(50, slice_ms // 3)))


def measure_calls(ground, slice_ms):
    """System calls of an echo over 64 connections."""
    progress(f"-- {ground.figures.side}: system calls")
    line = next(line for line in LINES if line.name == "echo-64B-64")
    for subject in list(ground.running(line.directory)):
        try:
            counts = _calls(ground, line, subject, slice_ms)
        except RuntimeError as failure:
            ground.drop(subject, failure)
            continue
        if counts:
            ground.figures.add("calls", subject.contender.name, counts)


def _calls(ground, line, subject, slice_ms):
    prepare(ground, line, subject)
    counts = []
    for _ in range(3):
        calls, slice_ = count_system_calls(subject, lambda: line.run(ground, subject, slice_ms))
        if calls is not None:
            counts.append(calls / slice_["operations"])
    ground.order(subject, "close")
    return counts


def measure_idle(ground, connections):
    """Memory of an idle connection that has said something, in subjects that are fresh."""
    progress(f"-- {ground.figures.side}: idle connections ({connections})")
    for contender in ground.contenders:
        try:
            with fresh(ground, contender) as subject:
                ground.order(subject, "open", 16, "idle")
                before = subject.resident()
                ground.order(subject, "open", connections, "idle")
                ground.figures.add("idle", contender.name, [(subject.resident() - before) / connections])
        except Missing:
            pass
        except RuntimeError as failure:
            ground.figures.notes.append(f"{contender.name} did not hold {connections} connections: {failure}")


@contextlib.contextmanager
def fresh(ground, contender, **where):
    """A subject of one's own; a server is known to the load client by its plain name."""
    if contender.name in ground.figures.missing:
        raise Missing("known")
    subject = ground.start(contender, **where)
    try:
        ground.meet(subject)
        yield subject
    finally:
        ground.part(subject)
        subject.stop()


def machine_load():
    return " ".join(open("/proc/loadavg").read().split()[:3])


def now():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
