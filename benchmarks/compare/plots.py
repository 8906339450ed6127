"""Grouped bars as SVG, by hand: one small picture is no reason for a plotting library."""

from __future__ import annotations

import math

from benchmarks.compare.contenders import Contender

COLOURS = ("#1f5fa8", "#6fa8dc", "#b45f06", "#e69138", "#999999", "#bf9000", "#76a5af", "#a64d79")
BAR, GAP, LEFT, WIDTH = 9, 10, 270, 900


def bars(contenders: list[Contender], workloads: list[str], connections: int) -> str:
    """Requests per second on a logarithmic axis: servers differ by a hundred times."""
    largest = max((each.rate(name, connections) for each in contenders for name in workloads), default=1.0)
    decades = max(1, math.ceil(math.log10(max(largest, 10))))
    scale = (WIDTH - LEFT - 80) / decades
    group = BAR * len(contenders) + GAP
    top = 24 + 16 * len(contenders)
    height = top + group * len(workloads) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, each in enumerate(contenders):
        y = 12 + 16 * number
        parts.append(f'<rect x="{LEFT}" y="{y}" width="10" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(f'<text x="{LEFT + 16}" y="{y + 9}">{each.name}</text>')
    for decade in range(decades + 1):
        x = LEFT + decade * scale
        parts.append(f'<line x1="{x}" y1="{top - 4}" x2="{x}" y2="{height - 22}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{height - 8}" text-anchor="middle">{10**decade:,}</text>')
    for row, name in enumerate(workloads):
        y = top + row * group
        parts.append(f'<text x="{LEFT - 8}" y="{y + group / 2}" text-anchor="end">{name}</text>')
        for number, each in enumerate(contenders):
            rate = each.rate(name, connections)
            if rate <= 0:
                continue
            length = max(1.0, math.log10(max(rate, 1)) * scale)
            at = y + number * BAR
            colour = COLOURS[number % len(COLOURS)]
            parts.append(f'<rect x="{LEFT}" y="{at}" width="{length:.1f}" height="{BAR - 1}" fill="{colour}"/>')
            parts.append(f'<text x="{LEFT + length + 3:.1f}" y="{at + BAR - 1}" font-size="8">{rate:,.0f}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
