"""What is measured, and what must come out."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Line:
    name: str
    title: str
    connections: tuple  # how many, and for what; () where each operation makes its own
    order: str
    words: tuple  # of the order, before how long it takes
    after: tuple = ()  # and behind that
    unit: str = "us"  # of processor time an operation
    per: str = "message"  # of a KiB the operations are bytes
    directory: str = "dev"  # of the certificates
    fresh: bool = False  # connections for each slice

    def scale(self, ns_each):
        return ns_each / 1000 if self.unit == "us" else ns_each * 1024 if self.per == "KiB" else ns_each

    def run(self, ground, subject, ms):
        return ground.order(subject, self.order, *self.words, ms, *self.after)


def _echo(size, connections, name):
    return Line(f"echo-{name}-{connections}", f"echo of {name} over {connections}", (connections, "echo"), "echo", (size, 1))


def _transfer(order):
    # A command asks for 4 MiB, in writes of 64 KiB.
    return Line(order, f"{order}, 4 connections", (4, "idle"), order, (65536, 4 << 20), unit="ns", per="KiB", fresh=True)


LINES = [
    _echo(64, 1, "64B"),
    _echo(64, 64, "64B"),
    _echo(1024, 1, "1K"),
    _echo(1024, 64, "1K"),
    _echo(16384, 1, "16K"),
    _echo(16384, 64, "16K"),
    Line("burst", "bursts of 32 x 64 B echoed, 64 connections", (64, "echo"), "echo", (64, 32)),
    Line("stream", "stream of 64 B messages, a call each, 4 connections", (4, "idle"), "stream", (64, 5000), unit="ns"),
    Line("batches", "stream of 64 B messages, 64 a call, 4 connections", (4, "idle"), "batches", (64, 5000), unit="ns"),
    _transfer("download"),
    _transfer("upload"),
    Line("full", "full mutual handshake, 8 pending", (), "full", (8,), (0,), per="handshake"),
    Line("resumed", "resumed mutual handshake, 8 pending", (), "resumed", (8,), (0,), per="handshake"),
    Line("full-chain", "full mutual handshake, an intermediate CA", (), "full", (8,), (0,), per="handshake", directory="chain"),
]

# Of these, what clients are measured by.
CLIENT_LINES = [
    line
    for line in LINES
    if line.name in ("echo-64B-1", "echo-64B-64", "echo-16K-1", "echo-16K-64", "burst", "download", "upload", "full", "resumed")
]


@dataclasses.dataclass(frozen=True)
class Target:
    """The figure of `who` on a line, over that of another on the same or another line."""

    line: str
    who: str
    over: str
    at_most: float
    over_line: str = ""
    at_least: bool = False

    def title(self, titles):
        text = f"{titles[self.line]}: {self.who} / {self.over}"
        return text + (f" ({titles[self.over_line]})" if self.over_line else "")


OURS = "sally-functions"
TARGETS = [
    Target("echo-64B-64", OURS, "asio", 0.78),
    Target("echo-64B-64", OURS, "raw", 1.05),
    Target("echo-16K-64", OURS, "asio", 0.72),
    Target("burst", OURS, "asio", 0.65),
    Target("burst", OURS, "raw", 0.65),
    Target("stream", OURS, "raw", 1 / 30),
    Target("stream", OURS, "asio", 1 / 50),
    Target("batches", OURS, "raw", 1 / 30),
    Target("download", OURS, "asio", 0.85),
    Target("upload", OURS, "asio", 1.0),
    Target("upload", OURS, "raw", 1.05),
    Target("full", OURS, "raw-defaults", 0.66),
    Target("full-chain", OURS, "raw-defaults", 0.66),
    Target("resumed", OURS, "raw", 0.40, over_line="full"),
    Target("resumed", OURS, "raw-defaults", 0.40),
    Target("idle", OURS, "asio", 0.25),
    Target("idle", OURS, "raw", 1.15),
    Target("calls", OURS, "", 3.3),
    Target("echo-64B-64", OURS, "sally-inside", 1.05),
    Target("echo-64B-64", "sally-queue", "sally-inside", 1.05),
    Target("two-loops-echo", OURS, "", 0.8, at_least=True),
    Target("two-loops-full", OURS, "", 0.8, at_least=True),
    Target("futexes-echo", OURS, "", 0.01),
    Target("futexes-full", OURS, "", 0.01),
]
