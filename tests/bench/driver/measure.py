"""Measures the lines: slices of the servers in turn, so that what else the machine does befalls all of them."""

import contextlib
import statistics
import sys
import time

from processes import CERTIFICATES, Load, Missing, Server, count_system_calls, last_core


def lower_quartile(values):
    return min(values) if len(values) < 4 else statistics.quantiles(values, n=4)[0]


class Figures:
    """`of[line][server]` has what came out: quartile, median, and what else there is to say."""

    def __init__(self):
        self.of = {}
        self.missing = {}  # server: why
        self.notes = []
        self.shares = []  # of their core that servers and client had, in each slice

    def add(self, line, server, values, **more):
        figure = {"quartile": lower_quartile(values), "median": statistics.median(values), "slices": len(values), **more}
        self.of.setdefault(line, {})[server] = figure

    def ratio(self, line, server, over, over_line=""):
        try:
            return self.of[line][server]["quartile"] / self.of[over_line or line][over]["quartile"]
        except (KeyError, ZeroDivisionError):
            return None


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Ground:
    """Running servers by the folder of their certificates, started at first need, and their load client."""

    def __init__(self, contenders, load_program, figures):
        self.contenders = contenders
        self.load_program = load_program
        self.figures = figures
        self.cores = last_core()
        self.load = Load(load_program, self.cores)
        self.servers = {}

    def start(self, contender, directory="dev", loops=1, cores=...):
        return Server(contender, CERTIFICATES / directory, self.cores if cores is ... else cores, loops)

    def running(self, directory):
        if directory not in self.servers:
            self.servers[directory] = self._start_all(directory)
        return self.servers[directory]

    def _start_all(self, directory):
        servers = []
        for contender in self.contenders:
            if contender.name in self.figures.missing:
                continue
            try:
                server = self.start(contender, directory)
                server.name = f"{contender.name}@{directory}"
                server.contender = contender
                self.load.meet(server)
                servers.append(server)
            except Missing as missing:
                self.figures.missing[contender.name] = str(missing)
        return servers

    def drop(self, server, why):
        """One that fails is left out of all that follows, and said so."""
        name = server.contender.name
        progress(f"   {name} is left out: {why}")
        self.figures.missing[name] = f"left out: {why}"
        for servers in self.servers.values():
            servers[:] = [each for each in servers if each.contender.name != name]
        self.load.stop()
        self.load = Load(self.load_program, self.cores)
        for servers in self.servers.values():
            for each in servers:
                self.load.meet(each)

    def stop(self):
        self.load.stop()
        for servers in self.servers.values():
            for server in servers:
                server.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def measure_line(ground, line, rounds, slice_ms):
    progress(f"-- {line.title}")
    taken = {}  # server: its slices
    agreed = {}
    for server in list(ground.running(line.directory)):
        try:
            prepare(ground, line, server)
        except RuntimeError as failure:
            ground.drop(server, failure)
            return measure_line(ground, line, rounds, slice_ms)
    for round_ in range(rounds):
        for server in list(ground.running(line.directory)):
            if not server.contender.main and round_ >= max(1, rounds // 2):
                continue
            try:
                slice_ = line.run(ground.load, server, slice_ms)
            except RuntimeError as failure:
                ground.drop(server, failure)
                return measure_line(ground, line, rounds, slice_ms)
            if slice_["operations"] > 0:
                taken.setdefault(server.contender.name, []).append(slice_)
            agreed[server.contender.name] = slice_["agreed"]
    for server in ground.running(line.directory):
        ground.load.order("close", server.name)
    for name, slices in taken.items():
        slices = quieter_half(slices)
        resumed = sum(slice_["resumed"] for slice_ in slices) / sum(slice_["operations"] for slice_ in slices)
        if line.name == "resumed" and resumed < 0.99:
            if not name.startswith("tcp"):
                ground.figures.notes.append(f"{name} resumed only {resumed:.0%} of the handshakes that asked for it")
            continue
        values = [line.scale(slice_["server_ns"] / slice_["operations"]) for slice_ in slices]
        rate = statistics.median(slice_["operations"] / slice_["wall_ns"] * 1e9 for slice_ in slices)
        ground.figures.add(line.name, name, values, agreed=agreed[name], rate=rate, resumed=resumed)
        ground.figures.shares += [share(slice_) for slice_ in slices]


def share(slice_):
    """How much of their core the server and its client had."""
    return (slice_["server_ns"] + slice_["client_ns"]) / slice_["wall_ns"]


def quieter_half(slices):
    """Those in which others had least of the core: whoever comes back to cold caches costs half as much again."""
    return sorted(slices, key=share, reverse=True)[: max(3, (len(slices) + 1) // 2)]


def prepare(ground, line, server):
    ground.load.order("close", server.name)
    if line.connections:
        ground.load.order("open", server.name, *line.connections)
    line.run(ground.load, server, 50)


def measure_calls(ground, slice_ms):
    """System calls of an echo over 64 connections."""
    progress("-- system calls")
    from lines import LINES

    line = next(line for line in LINES if line.name == "echo-64B-64")
    for server in ground.running(line.directory):
        prepare(ground, line, server)
        counts = []
        for _ in range(3):
            calls, slice_ = count_system_calls(server, lambda: line.run(ground.load, server, slice_ms))
            if calls is not None:
                counts.append(calls / slice_["operations"])
        ground.load.order("close", server.name)
        if counts:
            ground.figures.add("calls", server.contender.name, counts)


def measure_idle(ground, connections):
    """Memory of an idle connection that has said something, in servers that are fresh."""
    progress(f"-- idle connections ({connections})")
    for contender in ground.contenders:
        with contextlib.suppress(Missing):
            with fresh(ground, contender) as server:
                ground.load.order("open", server.name, 16, "idle")
                before = server.resident()
                ground.load.order("open", server.name, connections, "idle")
                each = (server.resident() - before) / connections
                ground.figures.add("idle", contender.name, [each])


@contextlib.contextmanager
def fresh(ground, contender, **where):
    """A server of one's own, known to the load client by its plain name."""
    if contender.name in ground.figures.missing:
        raise Missing("known")
    server = ground.start(contender, **where)
    try:
        ground.load.meet(server)
        yield server
    finally:
        ground.load.order("drop", server.name)
        server.stop()


def measure_two_loops(ground, rounds, slice_ms):
    """What two loops, two cores and two load clients do, over what one of each does on one core. By the clock: on a
    machine that is busy with other things it shows little."""
    progress("-- two loops on two cores")
    for contender in ground.contenders:
        if contender.name not in ("sally-functions", "raw", "asio"):
            continue
        with contextlib.suppress(Missing):
            one, two = ground.start(contender), ground.start(contender, loops=2, cores=None)
            two.name += "-two"
            loads = [Load(ground.load_program), Load(ground.load_program)]
            try:
                ground.load.meet(one)
                ground.load.order("open", one.name, 64, "echo")
                for load in loads:
                    load.meet(two)
                    load.order("open", two.name, 64, "echo")
                rates = {"echo": ([], []), "handshake": ([], [])}
                for _ in range(rounds):
                    for kind, words in (("echo", ("echo", 64, 1, slice_ms)), ("handshake", ("full", 8, slice_ms, 0))):
                        order = [words[0], one.name, *words[1:]]
                        rates[kind][0].append(rate(ground.load.order(*order)))
                        order[1] = two.name
                        for load in loads:
                            load.start(*order)
                        rates[kind][1].append(sum(rate(load.finish(*order)) for load in loads))
            finally:
                for load in loads:
                    load.stop()
                ground.load.order("drop", one.name)
                one.stop()
                two.stop()
            for kind, (single, double) in rates.items():
                gains = [two_rate / one_rate for one_rate, two_rate in zip(single, double)]
                name = "two-loops" if kind == "echo" else "two-loops-handshake"
                ground.figures.add(name, contender.name, gains)


def rate(slice_):
    return slice_["operations"] / slice_["wall_ns"] * 1e9


def machine_load():
    return " ".join(open("/proc/loadavg").read().split()[:3])


def now():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
