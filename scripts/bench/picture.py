# SPDX-License-Identifier: Apache-2.0
"""Small multiples of curves on logarithmic axes, as an SVG that can be read on light and on dark ground."""

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 220, 54, 14, 34, 38
STYLE = """
  text { font: 11px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 12px }
  .axis { stroke: #8c959f; fill: none }
  .grid { stroke: #d0d7de; stroke-width: .5 }
  .line { stroke: #0969da; stroke-width: 2; fill: none }
  .dot { fill: #0969da }
  .guide { stroke: #bc4c00; stroke-width: 1; stroke-dasharray: 4 3; fill: none }
  .note { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .axis { stroke: #848d97 } .grid { stroke: #30363d }
    .line { stroke: #58a6ff } .dot { fill: #58a6ff } .guide { stroke: #f0883e } .note { fill: #f0883e }
  }
"""


def short(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


class Scale:
    """From a value to a place, by powers."""

    def __init__(self, values, start, end):
        low, high = math.log10(min(values)), math.log10(max(values))
        pad = max((high - low) * 0.06, 0.05)
        self.low, self.high, self.start, self.end = low - pad, high + pad, start, end

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        first, last = math.ceil(self.low), math.floor(self.high)
        step = max(1, (last - first + 1) // 5)
        powers = [10.0**e for e in range(first, last + 1, step)]
        if len(powers) > 1:
            return powers
        digits = [digit * 10.0**e for e in range(first - 1, last + 2) for digit in (1, 2, 5)]
        return [tick for tick in digits if self.low <= math.log10(tick) <= self.high]


def panel(x, y, title, across, up, points):
    """One curve of (x, y) points, and the line that grows as x does through its last point."""
    horizontal = Scale([p[0] for p in points], x + LEFT, x + WIDTH - RIGHT)
    vertical = Scale([p[1] for p in points], y + HEIGHT - BOTTOM, y + TOP)
    left, right, top, bottom = x + LEFT, x + WIDTH - RIGHT, y + TOP, y + HEIGHT - BOTTOM
    parts = [f'<text class="title" x="{left}" y="{y + 18}">{title}</text>',
             f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>']
    for tick in horizontal.ticks():
        place = horizontal(tick)
        parts.append(f'<path class="grid" d="M{place:.1f} {top}V{bottom}"/>'
                     f'<text x="{place:.1f}" y="{bottom + 14}" text-anchor="middle">{short(tick)}</text>')
    for tick in vertical.ticks():
        place = vertical(tick)
        parts.append(f'<path class="grid" d="M{left} {place:.1f}H{right}"/>'
                     f'<text x="{left - 5}" y="{place + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{bottom + 30}" text-anchor="middle">{across}</text>')
    parts.append(f'<text x="{left}" y="{y + 30}">{up}</text>')
    end, value = points[-1]
    lowest = max(10**horizontal.low, end / (value / 10**vertical.low))
    parts.append(f'<path class="guide" d="M{horizontal(lowest):.1f} {vertical(value * lowest / end):.1f}'
                 f'L{horizontal(end):.1f} {vertical(value):.1f}"/>')
    path = "L".join(f"{horizontal(a):.1f} {vertical(b):.1f}" for a, b in points)
    parts.append(f'<path class="line" d="M{path}"/>')
    parts += [f'<circle class="dot" cx="{horizontal(a):.1f}" cy="{vertical(b):.1f}" r="2.5"/>' for a, b in points]
    return "\n".join(parts)


def write(path, panels, columns=3):
    """Panels are (title, x axis, y axis, points); the dashed lines grow in proportion."""
    rows = (len(panels) + columns - 1) // columns
    width, height = columns * WIDTH, rows * HEIGHT + 22
    body = "\n".join(panel(i % columns * WIDTH, i // columns * HEIGHT, *each) for i, each in enumerate(panels))
    note = f'<text class="note" x="{LEFT}" y="{height - 8}">dashed: in proportion to the horizontal axis</text>'
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n<style>{STYLE}</style>\n'
                   f"{body}\n{note}\n</svg>\n")
