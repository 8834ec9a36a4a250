"""Instructions that an echo takes in user space, as valgrind counts them: whatever else the machine does, they stay the
same. What the kernel does is not among them, and what they cost differs."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import tempfile

from measure import fresh, prepare, progress
from lines import LINES
from processes import Missing

WHO = ("sally-functions", "sally-queue", "sally-coroutines", "sally-inside", "raw", "asio", "tcp")
MEASURED = ("echo-64B-1", "echo-64B-64", "echo-16K-64")


def measure(grounds, only):
    """Tables of servers and of clients."""
    if shutil.which("callgrind_control") is None:
        return "instructions: valgrind is not installed\n"
    parts = []
    for ground in grounds:
        lines = [line for line in LINES if line.name in MEASURED and line.name in only]
        title = f"{ground.figures.side}: instructions in user space of an echo, and of that of raw"
        rows = {}
        for contender in ground.contenders:
            if contender.name in WHO:
                progress(f"-- instructions of {ground.figures.side}: {contender.name}")
                with contextlib.suppress(Missing):
                    rows[contender.name] = [_of(ground, contender, line) for line in lines]
        text = [title, f"{'':22}" + "".join(f"{line.title:>28}" for line in lines)]
        for name, counts in rows.items():
            cells = [
                f"{count:,.0f}" + (f" {count / raw:6.2f}" if "raw" in rows else "")
                for count, raw in zip(counts, rows.get("raw", counts))
            ]
            text.append(f"{name:22}" + "".join(f"{cell:>28}" for cell in cells))
        parts.append("\n".join(text) + "\n")
        print(parts[-1], flush=True)
    return "\n".join(parts)


def _of(ground, contender, line):
    with tempfile.TemporaryDirectory() as folder:
        under = ("valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out")
        with fresh(ground, contender, under=under) as subject:

            def control(*words):
                subprocess.run(["callgrind_control", *words, str(subject.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

            # Long slices: the program is fifty times as slow. The first with counting on is the slowest.
            prepare(ground, line, subject)
            control("-i", "on")
            line.run(ground, subject, 300)
            control("-z")
            done = line.run(ground, subject, 1000)
            control("-d")
            ground.order(subject, "close")
            total = sum(
                int(found.group(1))
                for dump in sorted(pathlib.Path(folder).iterdir())
                for found in re.finditer(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)
            )
            return total / done["operations"]
