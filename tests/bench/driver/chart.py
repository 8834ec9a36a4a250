"""Draws the charts, and keeps them with the figures in README.md."""

from lines import LINES
from processes import TOP

FOLDER = TOP / "tests/bench"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
COLOURS = {"sally": "#1f6f8b", "raw": "#999999", "asio": "#c06c2b"}
SHOWN = ("sally-functions", "raw", "raw-defaults", "asio", "gnutls", "wolfssl", "libtls", "node", "go", "rustls", "sally-go", "python", "sally-python", "tcp")
LABEL, UNIT, HEIGHT, GAP, WIDEST = 120, 160, 13, 26, 4.0


def draw(figures):
    """Bars of processor time, where OpenSSL tuned is 1. A bar that is cut off says how long it would be."""
    body, y = [], 30
    for line in LINES:
        rows = figures.of.get(line.name, {})
        shown = [name for name in SHOWN if figures.ratio(line.name, name, "raw") is not None and name in rows]
        if not shown:
            continue
        body.append(f'<text x="8" y="{y + 10}" font-weight="bold">{line.title}</text>')
        y += HEIGHT + 4
        for name in shown:
            ratio = figures.ratio(line.name, name, "raw")
            colour = COLOURS.get(name.split("-")[0], "#bbbbbb")
            body.append(f'<text x="{LABEL - 6}" y="{y + 10}" text-anchor="end">{name}</text>')
            width = min(ratio, WIDEST) * UNIT
            body.append(f'<rect x="{LABEL}" y="{y + 1}" width="{width:.1f}" height="{HEIGHT - 2}" fill="{colour}"/>')
            body.append(f'<text x="{LABEL + width + 4:.1f}" y="{y + 10}">{ratio:.2f}</text>')
            y += HEIGHT
        y += GAP - HEIGHT
    title = f"Processor time of the {figures.side[:-1]} an operation; OpenSSL on epoll, tuned, is 1"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL + int(UNIT * WIDEST) + 60}" height="{y}" '
            'font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<text x="8" y="16" font-size="13">{title}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def record(text, pictures):
    for name, picture in pictures.items():
        (FOLDER / f"{name}.svg").write_text(picture)
    readme = FOLDER / "README.md"
    page = readme.read_text()
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    readme.write_text(f"{head}{BEGIN}\n\n```text\n{text.rstrip()}\n```\n\n{END}{tail}")
