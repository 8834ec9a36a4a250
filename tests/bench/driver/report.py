"""Tables of what was measured."""

import statistics

import loops
from lines import CLIENT_LINES, LINES, TARGETS


def number(value):
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def table_of(figures, name):
    """Of one line; of all whom it has been measured with."""
    rows = figures.of.get(name, {})
    if not rows:
        return ""
    title, unit = titles(figures.side)[name]
    timed = any("both" in row for row in rows.values())
    both_ends = f"{'both ends':>14}{'/ asio':>9}{'/ raw':>9}" if timed else ""
    lines = [f"{title} ({unit})", f"{'':22}{'quartile':>12}{'median':>12}{'/ asio':>9}{'/ raw':>9}{both_ends}"]
    for who in sorted(rows, key=figures.order.index):
        row = rows[who]
        cells = f"{number(row['quartile']):>12}{number(row['median']):>12}{_ratios(figures, name, who, 'quartile')}"
        if timed:
            cells += f"{number(row.get('both')):>14}{_ratios(figures, name, who, 'both')}"
        lines.append(f"{who:22}{cells}")
    return "\n".join(lines) + "\n"


def _ratios(figures, name, who, of):
    return "".join(f"{number(figures.ratio(name, who, over, of=of)):>9}" for over in ("asio", "raw"))


def titles(side):
    """Title and unit of each line."""
    measured = LINES if side == "servers" else CLIENT_LINES
    whose, kind = ("server's", "") if side == "servers" else ("client's", "clients: ")
    return {line.name: (kind + line.title, f"{line.unit} of the {whose} processor time a {line.per}") for line in measured} | {
        "calls": (f"{kind}system calls of an echo of 64B over 64", "calls"),
        "idle": (f"{kind}memory of an idle connection", "bytes"),
    }


def tables(figures):
    parts = [table_of(figures, name) for name in titles(figures.side)]
    parts.append(loops.table(figures, number))
    return "\n".join(part for part in parts if part)


def targets(figures):
    named = {name: title for name, (title, _) in titles("servers").items()}
    for work, (what, _, _) in loops.WORKS.items():
        named[f"two-loops-{work}"] = f"two loops: {what} over those of two processes"
        named[f"futexes-{work}"] = f"two loops: futexes of {what}, each"
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
        title = target.title(named) if target.over else f"{named[target.line]}: {target.who}"
        lines.append(
            f"{title:84}{number(value):>9}{sign + ' ' + number(target.at_most):>12}  {'met' if met else 'MISSED'}"
        )
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def remarks(figures):
    lines = []
    if figures.shares:
        lines.append(f"{figures.side}: server and client had {statistics.median(figures.shares):.0%} of their core; the less, the less sure")
    lines += [f"{figures.side}: left out: {name}: {why}" for name, why in figures.missing.items()]
    agreed = {}
    for rows in figures.of.values():
        for server, row in rows.items():
            if row.get("agreed"):
                agreed.setdefault(row["agreed"], set()).add(server)
    lines += [f"{figures.side}: agreed: {what}: {', '.join(sorted(servers))}" for what, servers in sorted(agreed.items())]
    return "".join(f"{line}\n" for line in [*lines, *figures.notes])
