"""The programs that run, and what the system tells about them."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
CERTIFICATES = TOP / "build/certs"


class Missing(Exception):
    """A server or client that cannot be had here, and why."""


def raise_descriptor_limit():
    """As many descriptors as this user may have; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def placed(cores):
    """For a child before it runs: on these cores (None: where it likes), and never put first because it slept."""

    def place():
        if cores is not None:
            os.sched_setaffinity(0, cores)
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    return place


def last_core():
    return {max(os.sched_getaffinity(0))}


class Program:
    """One that runs."""

    def __init__(self, command, cores=None):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            preexec_fn=placed(cores),
        )

    @property
    def pid(self):
        return self.process.pid

    def cpu_ns(self):
        """Processor time of all its threads, also of those that have ended: clock_getcpuclockid(3)."""
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def resident(self):
        """Bytes of memory that are really there."""
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no Rss in smaps_rollup")

    def last_words(self):
        """What it said why it ended."""
        self.process.wait()
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()[-200:]

    def stop(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self.errors.close()


class Server(Program):
    """A running server."""

    def __init__(self, contender, directory, cores=None, loops=1, under=()):
        self.name = contender.name
        self.kind = contender.kind
        self.contender = contender
        self.directory = directory
        command = [*under, *contender.command(), "--dir", str(directory), *contender.options]
        if loops != 1:
            command += ["--loops", str(loops)]
        super().__init__(command, cores)
        line = self.process.stdout.readline().split()
        if len(line) != 2 or line[0] != "port":
            raise Missing(self.last_words() or "it ended at once")
        self.port = int(line[1])


class Obeying(Program):
    """One that is given orders by line, and answers each by a line of JSON."""

    def start(self, *order):
        """Gives an order, whose answer finish() reads."""
        with contextlib.suppress(BrokenPipeError):  # finish() says why
            self.process.stdin.write(" ".join(str(word) for word in order) + "\n")
            self.process.stdin.flush()

    def finish(self, *order):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.last_words() or "it has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{' '.join(str(word) for word in order)}: {answer['error']}")
        return answer

    def order(self, *order):
        self.start(*order)
        return self.finish(*order)


class Load(Obeying):
    """The load client of servers."""

    def __init__(self, program, cores=None):
        super().__init__([program], cores)

    def meet(self, server):
        self.order("server", server.name, server.port, server.pid, server.directory, server.kind)

    def spread(self):
        """From now on it runs wherever it likes."""
        os.sched_setaffinity(self.process.pid, os.sched_getaffinity(0))


def count_system_calls(program, action, which=None):
    """How many system calls it makes while `action` runs (`which`: of that name), and what that returned; None where
    neither perf nor strace can tell. perf slows nobody down."""
    for count in (_count_with_perf, _count_with_strace):
        with contextlib.suppress(OSError, ValueError, IndexError):
            return count(program, action, which)
    return None, action()


def _count_with_perf(program, action, which):
    if shutil.which("perf") is None:
        raise OSError("no perf")
    control_read, control_write = os.pipe()
    answer_read, answer_write = os.pipe()
    command = ["perf", "stat", "-x,", "-D", "-1", "--control", f"fd:{control_read},{answer_write}"]
    event = f"syscalls:sys_enter_{which}" if which else "raw_syscalls:sys_enter"
    command += ["-e", event, "-p", str(program.pid)]
    with tempfile.TemporaryFile() as told:
        perf = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=told, pass_fds=(control_read, answer_write)
        )
        os.close(control_read)
        os.close(answer_write)

        def control(word):
            os.write(control_write, word + b"\n")
            if not os.read(answer_read, 16).startswith(b"ack"):
                raise OSError("perf does not answer")

        try:
            control(b"enable")
            result = action()
            control(b"disable")
        finally:
            with contextlib.suppress(ProcessLookupError):
                perf.send_signal(signal.SIGINT)
            perf.wait()
            os.close(control_write)
            os.close(answer_read)
        told.seek(0)
        lines = [line for line in told.read().decode().splitlines() if "sys_enter" in line]
        return int(lines[0].split(",")[0]), result


def _count_with_strace(program, action, which):
    with tempfile.NamedTemporaryFile("r") as summary:
        strace = subprocess.Popen(
            ["strace", "-c", "-f", *(["-e", f"trace={which}"] if which else []), "-o", summary.name, "-p", str(program.pid)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        if b"attached" not in strace.stderr.readline():
            strace.wait()
            raise OSError("strace may not")
        result = action()
        strace.send_signal(signal.SIGINT)
        strace.communicate()
        for line in summary.read().splitlines():
            if line.endswith("total"):
                return int(line.split()[3]), result
    if which:
        return 0, result  # of no call there is no table
    raise ValueError("no total")
