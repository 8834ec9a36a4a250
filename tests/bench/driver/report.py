"""Tables of what was measured."""

import statistics

from lines import LINES, TARGETS


def number(value):
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def table(figures, name, title, unit, order):
    rows = figures.of.get(name, {})
    if not rows:
        return ""
    lines = [f"{title} ({unit})", f"{'':22}{'quartile':>12}{'median':>12}{'/ asio':>9}{'/ raw':>9}"]
    for server in sorted(rows, key=order.index):
        row = rows[server]
        asio, raw = (figures.ratio(name, server, over) for over in ("asio", "raw"))
        lines.append(
            f"{server:22}{number(row['quartile']):>12}{number(row['median']):>12}{number(asio):>9}{number(raw):>9}"
        )
    return "\n".join(lines) + "\n"


OTHERS = (
    ("calls", "system calls of an echo of 64B over 64", "calls"),
    ("idle", "memory of an idle connection", "bytes"),
    ("two-loops", "two loops on two cores over one on one: echoes a second", "times; by the clock"),
    ("two-loops-handshake", "two loops on two cores over one on one: full handshakes a second", "times; by the clock"),
)


TITLES = {line.name: (line.title, f"{line.unit} of the server's processor time a {line.per}") for line in LINES}
TITLES |= {name: (title, unit) for name, title, unit in OTHERS}


def table_of(figures, name, order):
    return table(figures, name, *TITLES[name], order)


def tables(figures, order):
    parts = [table_of(figures, name, order) for name in TITLES]
    return "\n".join(part for part in parts if part)


def targets(figures):
    titles = {name: title for name, (title, _) in TITLES.items()}
    lines = ["targets", f"{'':84}{'figure':>9}{'wanted':>12}"]
    for target in TARGETS:
        if target.over:
            value = figures.ratio(target.line, target.who, target.over, target.over_line)
        else:
            value = figures.of.get(target.line, {}).get(target.who, {}).get("median")
        if value is None:
            continue
        met = value >= target.at_most if target.at_least else value <= target.at_most
        sign = ">=" if target.at_least else "<="
        title = target.title(titles) if target.over else f"{titles[target.line]}: {target.who}"
        lines.append(
            f"{title:84}{number(value):>9}{sign + ' ' + number(target.at_most):>12}  {'met' if met else 'MISSED'}"
        )
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def remarks(figures):
    lines = []
    if figures.shares:
        lines.append(f"server and client had {statistics.median(figures.shares):.0%} of their core; the less, the less sure")
    lines += [f"left out: {name}: {why}" for name, why in figures.missing.items()]
    agreed = {}
    for rows in figures.of.values():
        for server, row in rows.items():
            if row.get("agreed"):
                agreed.setdefault(row["agreed"], set()).add(server)
    lines += [f"agreed: {what}: {', '.join(sorted(servers))}" for what, servers in sorted(agreed.items())]
    return "\n".join([*lines, *figures.notes]) + "\n"
