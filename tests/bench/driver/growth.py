"""How costs grow with the number of connections, of pending handshakes, and of sessions."""

import contextlib

from measure import fresh, progress
from processes import Missing

SERVERS = ("sally-functions", "raw", "asio")


def measure(ground, quick, descriptors):
    parts = []
    ground.load.spread()  # what is counted here suffers little from neighbours
    for title, function in (
        ("memory a connection (KiB) and processor time of its handshake (us), by connections held", _connections),
        ("processor time of a full handshake (us) and handshakes a second, by those pending", _pending),
        ("memory (bytes a session) after so many full handshakes", _sessions),
    ):
        progress(f"-- {title}")
        columns, rows = function(ground, quick, descriptors)
        lines = [title, f"{'':22}" + "".join(f"{column:>18,}" for column in columns)]
        lines += [f"{name:22}" + "".join(f"{cell:>18}" for cell in cells) for name, cells in rows.items()]
        parts.append("\n".join(lines) + "\n")
        print(parts[-1], flush=True)
    return "\n".join(parts)


def _each(ground):
    for contender in ground.contenders:
        if contender.name in SERVERS:
            with contextlib.suppress(Missing):
                yield contender


def _connections(ground, quick, descriptors):
    counts = [count for count in (10, 1000, 10000) if count + 100 < descriptors and not (quick and count > 1000)]
    rows = {}
    for contender in _each(ground):
        with contextlib.suppress(Missing), fresh(ground, contender, cores=None) as server:
            ground.load.order("open", server.name, 16, "idle")
            before, held, cells = server.resident(), 0, []
            for count in counts:
                opened = ground.load.order("open", server.name, count - held, "idle")
                held = count
                memory = (server.resident() - before) / count / 1024
                cells.append(f"{memory:.1f} / {opened['server_ns'] / opened['operations'] / 1000:.0f}")
            rows[contender.name] = cells
    return counts, rows


def _pending(ground, quick, _):
    counts = (1, 16, 256) if quick else (1, 16, 256, 1024)
    rows = {}
    for contender in _each(ground):
        with contextlib.suppress(Missing), fresh(ground, contender, cores=None) as server:
            cells = []
            for count in counts:
                done = ground.load.order("full", server.name, count, 200 if quick else 500, 0)
                each = done["server_ns"] / done["operations"] / 1000
                cells.append(f"{each:.0f} / {done['operations'] / done['wall_ns'] * 1e9:.0f}")
            rows[contender.name] = cells
    return counts, rows


def _sessions(ground, quick, _):
    counts = (100, 1000) if quick else (100, 1000, 4000)
    rows = {}
    for contender in _each(ground):
        with contextlib.suppress(Missing), fresh(ground, contender, cores=None) as server:
            ground.load.order("full", server.name, 8, 60000, 32)
            before, made, cells = server.resident(), 0, []
            for count in counts:
                ground.load.order("full", server.name, 8, 60000, count - made)
                made = count
                cells.append(f"{(server.resident() - before) / count:,.0f}")
            rows[contender.name] = cells
    return counts, rows
