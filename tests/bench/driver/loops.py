"""Two loops on two cores: what an operation costs there, and how much more is done, beside one loop and beside two
processes of one loop each. What two processes cannot do either is the machine's doing, not that of the loops."""

import contextlib
import pathlib
import statistics
import time

from measure import progress
from processes import Load, Missing, count_system_calls

SERVERS = ("sally-functions", "raw", "asio")
# What is done, by the order that says so.
WORKS = {"echo": ("echoes of 64 B", ("echo", 64, 1), ()), "full": ("full handshakes", ("full", 8), (0,))}
COLUMNS = (
    ("cost / one", "cost_one"),
    ("cost / processes", "cost_two"),
    ("busier", "busier"),
    ("futexes", "futexes"),
    ("rate / one", "rate"),
    ("processes / one", "control"),
    ("rate / processes", "median"),
)


class Setting:
    """Servers of one contender, and load clients, one of which talks to each server, or two to the one."""

    def __init__(self, ground, contender, name, processes, loads, cores, **how):
        self.servers = [ground.start(contender, cores=cores, **how) for _ in range(processes)]
        self.loads = [Load(ground.load_program, cores) for _ in range(loads)]
        self.names = []
        for number, load in enumerate(self.loads):
            server = self.servers[number % processes]
            server.name = f"{contender.name}-{name}-{number % processes}"
            load.meet(server)
            load.order("open", server.name, 64, "echo")
            self.names.append(server.name)

    def threads(self):
        """Processor time of each thread of the servers."""
        times = {}
        for server in self.servers:
            for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
                times[task.name] = int((task / "schedstat").read_text().split()[0])
        return times

    def run(self, order, ms, after):
        cpu, threads, began = sum(server.cpu_ns() for server in self.servers), self.threads(), time.monotonic_ns()
        orders = [(order[0], name, *order[1:], ms, *after) for name in self.names]
        for load, words in zip(self.loads, orders):
            load.start(*words)
        done = [load.finish(*words) for load, words in zip(self.loads, orders)]
        wall = time.monotonic_ns() - began
        operations = sum(slice_["operations"] for slice_ in done)
        spent = [now - threads.get(name, 0) for name, now in self.threads().items()]
        return {
            "operations": operations,
            "cost": (sum(server.cpu_ns() for server in self.servers) - cpu) / operations,
            "busier": max(spent) / sum(spent),
            "rate": operations / wall,
        }

    def stop(self):
        for program in (*self.loads, *self.servers):
            program.stop()


def measure(ground, rounds, slice_ms):
    for contender in ground.contenders:
        if contender.name not in SERVERS or contender.name in ground.figures.missing:
            continue
        progress(f"-- servers: {contender.name}: two loops on two cores")
        with contextlib.suppress(Missing), contextlib.ExitStack() as stack:
            settings = {
                "one": Setting(ground, contender, "one", 1, 1, ground.cores),
                "two": Setting(ground, contender, "two", 1, 2, None, loops=2),
                "control": Setting(ground, contender, "control", 2, 2, None),
            }
            for setting in settings.values():
                stack.callback(setting.stop)
            for work in WORKS:
                _measure(ground, contender, settings, work, rounds, slice_ms)


def _measure(ground, contender, settings, work, rounds, slice_ms):
    _, order, after = WORKS[work]
    slices = {name: [] for name in settings}
    for setting in settings.values():
        setting.run(order, 50, after)
    for _ in range(rounds):
        for name, setting in settings.items():
            slices[name].append(setting.run(order, slice_ms, after))
    counts = []
    for _ in range(2):
        futexes, slice_ = count_system_calls(
            settings["two"].servers[0], lambda: settings["two"].run(order, slice_ms, after), "futex"
        )
        if futexes is not None:
            counts.append(futexes / slice_["operations"])

    if counts:
        ground.figures.add(f"futexes-{work}", contender.name, counts)

    def ratio(what, over, of):
        return statistics.median(one[of] / other[of] for one, other in zip(slices[what], slices[over]))

    gains = [two["rate"] / control["rate"] for two, control in zip(slices["two"], slices["control"])]
    ground.figures.add(
        f"two-loops-{work}",
        contender.name,
        gains,
        cost_one=ratio("two", "one", "cost"),
        cost_two=ratio("two", "control", "cost"),
        busier=statistics.median(slice_["busier"] for slice_ in slices["two"]),
        futexes=min(counts, default=None),
        rate=ratio("two", "one", "rate"),
        control=ratio("control", "one", "rate"),
    )


def table(figures, number):
    parts = []
    for work, (title, _, _) in WORKS.items():
        rows = figures.of.get(f"two-loops-{work}", {})
        if not rows:
            continue
        lines = [f"two loops on two cores: {title}", f"{'':18}" + "".join(f"{column:>18}" for column, _ in COLUMNS)]
        for name, row in rows.items():
            lines.append(f"{name:18}" + "".join(f"{number(row[key]):>18}" for _, key in COLUMNS))
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
