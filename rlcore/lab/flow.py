"""Flow diagrams: boxes that are calls, in the order in which the code makes them.

    figure, ax = plots.canvas(14, 8)
    boxes(ax, {"walk": ("the policy walks", 0.0, 3.0), ...})       a call: what it does, and where its box stands
    arrow(ax, [(0.0, 2.67), (0.0, 2.33)])
    order(inspect.getsource(ppo), ["walk", ...])                  0, 1, 2, ...: the boxes are those of the code

Letters: x is the column and y the row of a box's middle, one unit from one box to the next.
Left out: finding the place of the boxes; a person does that better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.patches import FancyBboxPatch

from rlcore.lab.plots import OKABE_ITO
from rlcore.numerics import Array

WIDTH, HEIGHT = 0.86, 0.66  # of a box


def order(text: str, calls: Iterable[str]) -> Array:
    """The rank of each call by its first place in a source text: 0 for the earliest.   (K,) names -> (K,)

    Raises ValueError for a name that the text does not call.
    """
    names = list(calls)
    found = [re.search(rf"(?<![\w.]){re.escape(name)}\(", text) for name in names]
    for name, match in zip(names, found, strict=True):
        if match is None:
            raise ValueError(f"calls names {name!r}, which the text does not call")
    return np.argsort(np.argsort([match.start() for match in found if match]))


def boxes(
    ax: Any, calls: Mapping[str, tuple[str, float, float]], *, width: float = WIDTH, height: float = HEIGHT
) -> None:
    """A box for each call: its name in the letters of code, and under it what it does, in two lines at most."""
    for name, (said, x, y) in calls.items():
        _round(ax, x - width / 2, y - height / 2, width, height, 0.06, "white", OKABE_ITO[0], 1.8, 2)
        middle = {"ha": "center", "va": "center", "zorder": 3}
        ax.text(x, y + 0.17, name, family="DejaVu Sans Mono", fontweight="bold", **middle)
        ax.text(x, y - 0.115, said, fontsize=11.5, **middle)


def frame(ax: Any, left: float, bottom: float, width: float, height: float, colour: str = "#F1F5F9") -> None:
    """A coloured field behind boxes that belong together."""
    _round(ax, left, bottom, width, height, 0.08, colour, "#8899AA", 1.4, 0)


def arrow(ax: Any, points: Sequence[tuple[float, float]]) -> None:
    """A line through the points, with a head at its end."""
    ax.plot(*zip(*points[:-1], strict=True), color="black", linewidth=1.8, zorder=1, label="_arrow")
    style = {"arrowstyle": "-|>", "linewidth": 1.8, "color": "black", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", points[-1], points[-2], arrowprops=style)


def upright(ax: Any, start: tuple[float, float], end: tuple[float, float], *, height: float = HEIGHT) -> None:
    """An arrow from the edge of one box to the edge of another above or below it."""
    (x, y), (_, there) = start, end
    half = np.sign(there - y) * height / 2
    arrow(ax, [(x, y + half), (x, there - half)])


def _round(
    ax: Any, left: float, bottom: float, width: float, height: float, corner: float,
    face: str, edge: str, line: float, layer: int,
) -> None:  # fmt: skip
    style = f"round,pad=0,rounding_size={corner}"
    shape = FancyBboxPatch((left, bottom), width, height, boxstyle=style)
    shape.set(facecolor=face, edgecolor=edge, linewidth=line, zorder=layer)
    ax.add_patch(shape)
