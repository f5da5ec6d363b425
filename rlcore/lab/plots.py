"""Pictures: gridworlds, tables, curves, and films of iterates.

Every function takes data, draws on `ax` or on a figure of its own, and returns the Figure. Nothing is
shown or written: `save`, `Film.save_gif` and `Film.save_html` are the only writers. No pyplot, so no
window, no backend and no state; a notebook shows a `Picture` because the picture knows how to be a PNG.

    plot_values, plot_policy, plot_q, plot_walk    a GridWorld
    plot_table                                     any table with two axes, car rental say
    plot_curves, plot_contraction                  lines, named where they end
    animate                                        a stream of V as a film; `film` takes any figures

Letters: S states, A actions, K points of a line; in the pictures x is the column and y the row.
Left out: surfaces in three dimensions, interaction beyond a slider.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from rlcore.lab.experiments import Curve
from rlcore.lab.film import Film
from rlcore.numerics import Array
from rlcore.problems.gridworlds import FOUR_MOVES, KING_MOVES, GridWorld

# ---------------------------------------------------------------- the house style

OKABE_ITO = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#000000",
    "#E69F00",
    "#56B4E9",
)  # without its yellow
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 1)))
VALUES, SIGNED = "viridis", "PuOr"  # colour maps that colour-blind readers can read
FLOOR, WALL, GOAL, HOLE, PATH = "#F4F4F2", "#3C3C3C", "#009E73", "#1B1B2F", "#D55E00"
SMALL = 11  # points: no text is smaller

STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "lines.linewidth": 2.2,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "svg.hashsalt": "rlcore",  # the same picture is the same file
    "svg.fonttype": "path",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Use the house style inside `with house_style():`, or in a function under `@house_style()`."""
    with matplotlib.rc_context(STYLE):
        yield


class Picture(Figure):
    """A Figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = self.get_size_inches() * 72
        return encode(self, "png"), {"width": round(width), "height": round(height)}


@house_style()
def canvas(
    width: float = 8.0, height: float = 5.0, rows: int = 1, columns: int = 1, **kw: Any
) -> tuple[Picture, Any]:
    """An empty figure, width x height inches, and its axes: one, or an array of them as `subplots` gives it."""
    figure = Picture(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **kw)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure; the suffix says how (.svg, .png, .pdf). The same figure gives the same bytes."""
    path = Path(path)
    path.write_bytes(encode(figure, path.suffix.lstrip(".")))


@house_style()
def encode(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a file: svg, png or pdf.   Raises ValueError for another kind."""
    unsigned: dict[str, Any] = {  # neither date nor version goes into the file
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    if kind not in unsigned:
        raise ValueError(f"path ends on {kind!r}; it must end on one of {', '.join(unsigned)}")
    out = io.BytesIO()
    figure.savefig(out, format=kind, metadata=unsigned[kind])
    return out.getvalue()


# ---------------------------------------------------------------- a gridworld


@house_style()
def plot_values(
    grid: GridWorld,
    V: Any,
    *,
    policy: Any = None,
    decimals: int | None = 1,
    limits: tuple[float, float] | None = None,
    label: str | None = "value",
    ax: Any = None,
) -> Figure:
    """Heat map of V, with an arrow for every action of the policy.   V (S,)

    policy     (S,) int, (S, A) probabilities, or (S, A) bool: all optimal actions, say
    decimals   of the number printed in a cell; None: no numbers
    limits     values of the darkest and the brightest colour; default: those of the floor
    label      of the colour bar; None: no bar
    Raises ValueError unless grid is a GridWorld, V a finite (S,) and policy fits.
    """
    V = _table("V", V, (_world(grid).n_states,))
    weight = None if policy is None else _weights(grid, policy)
    floor = ~grid.terminal
    colour = _mapping(V[floor], limits)
    ax, points = _axes(grid, ax)
    ink = _board(ax, grid, colour.to_rgba(V), points)
    if decimals is not None:
        for s in np.flatnonzero(floor):
            row, column = grid.cell(s)
            _write(ax, column, row, _number(V[s], decimals), ink[s], points * 0.21)
    if weight is not None:
        _arrows(ax, grid, weight, ink, TRIANGLE if decimals is not None else ARROW)
    _bar(ax, colour, label)
    return _figure(ax)


@house_style()
def plot_policy(grid: GridWorld, policy: Any, *, ax: Any = None) -> Figure:
    """An arrow for every action of the policy, as long as it is likely.   (S,), (S, A) or (S, A) bool"""
    weight = _weights(_world(grid), policy)
    ax, points = _axes(grid, ax)
    ink = _board(ax, grid, None, points)
    _arrows(ax, grid, weight, ink, ARROW)
    return _figure(ax)


@house_style()
def plot_q(
    grid: GridWorld,
    Q: Any,
    *,
    decimals: int | None = 1,
    limits: tuple[float, float] | None = None,
    label: str | None = "action value",
    ax: Any = None,
) -> Figure:
    """Q as four triangles a cell, one for each move; the best ones in bold and with a dot.   (S, 4)

    Best means within 1e-9 of the largest, relative to the spread of Q.
    """
    Q = _table("Q", Q, (_world(grid).n_states, 4))
    floor = np.flatnonzero(~grid.terminal)
    colour = _mapping(Q[floor], limits)
    ax, points = _axes(grid, ax, cell=1.2)
    _board(ax, grid, None, points)
    corner = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    middle = np.zeros((4, 2))
    side = np.stack([corner, np.roll(corner, -1, axis=0), middle], axis=1)  # (A, 3 corners, xy), up first
    row, column = grid.cell(floor)
    centre = np.stack([column, row], axis=-1)
    triangles = (centre[:, None, None] + side).reshape(-1, 3, 2)
    rgba = colour.to_rgba(Q[floor].ravel())
    ax.add_collection(PolyCollection(list(triangles), facecolors=rgba, edgecolors="white", linewidths=0.8))
    best = _best(Q)
    for i, s in enumerate(floor):
        for a, (dr, dc) in enumerate(FOUR_MOVES):
            ink = _ink(rgba[4 * i + a])
            if decimals is not None:
                x, y = centre[i] + 0.315 * np.array([dc, dr])
                weight = "bold" if best[s, a] else "normal"
                _write(ax, x, y, _number(Q[s, a], decimals), ink, points * 0.13, fontweight=weight)
            if best[s, a]:
                ax.plot(*(centre[i] + 0.08 * np.array([dc, dr])), "o", color=ink, markersize=points * 0.05)
    _bar(ax, colour, label)
    return _figure(ax)


@house_style()
def plot_walk(
    grid: GridWorld, states: Any, *, V: Any = None, label: str | None = "value", ax: Any = None
) -> Figure:
    """The path of an episode, from a ring to a disc, on the colours of V if given.   (T + 1,) int

    Visits to the same cell stand side by side, so a step that stays in place is seen too.
    """
    states = np.asarray(states)
    if states.ndim != 1 or states.size == 0 or states.dtype.kind not in "iu":
        raise ValueError(f"states is {states.dtype} {states.shape}; it must be integer (T + 1,), T >= 0")
    for t in np.flatnonzero((states < 0) | (states >= _world(grid).n_states))[:1]:
        raise ValueError(f"states[{t}] is {states[t]}, not a state; states are 0 to {grid.n_states - 1}")
    if V is not None:
        figure = plot_values(grid, V, decimals=None, label=label, ax=ax)
        ax = ax or figure.axes[0]
    else:
        ax, points = _axes(grid, ax)
        _board(ax, grid, None, points)
    row, column = grid.cell(states)
    visit = np.array([(states[:t] == s).sum() for t, s in enumerate(states)])
    aside = visit * min(0.16, 0.4 / max(1, visit.max()))
    x, y = column + aside, row + aside
    ax.plot(x, y, "o-", color="white", linewidth=5, markersize=9, zorder=4)
    ax.plot(x, y, "o-", color=PATH, linewidth=2.5, markersize=6, zorder=4)
    ring = {"markersize": 15, "markeredgewidth": 3, "markeredgecolor": PATH, "linestyle": "", "zorder": 4.5}
    ax.plot(x[0], y[0], "o", markerfacecolor="white", **ring)
    ax.plot(x[-1], y[-1], "o", markerfacecolor=PATH, **ring)
    return _figure(ax)


# An arrow to the right from the centre, and a triangle at the edge that leaves room for a number.
ARROW = np.array([(0, 0.03), (0.24, 0.03), (0.24, 0.11), (0.42, 0), (0.24, -0.11), (0.24, -0.03), (0, -0.03)])
TRIANGLE = np.array([(0.33, 0.11), (0.45, 0), (0.33, -0.11)])


def _world(grid: Any) -> GridWorld:
    if not isinstance(grid, GridWorld):
        raise ValueError(
            f"grid is of type {type(grid).__name__}; a GridWorld is asked for, as its map is what is drawn"
        )
    return grid


def _table(name: str, x: Any, shape: tuple[int, ...] | None, ndim: int | None = None) -> Array:
    """A finite table of that shape, or of that many axes."""
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise ValueError(f"{name} is {x.dtype}; it must be real numbers")
    if shape is not None and x.shape != shape:
        raise ValueError(f"{name} has shape {x.shape}; it must be {shape}")
    if ndim is not None and (x.ndim != ndim or x.size == 0):
        raise ValueError(f"{name} has shape {x.shape}; it must have {ndim} axes and not be empty")
    for i in np.argwhere(~np.isfinite(x))[:1]:
        raise ValueError(f"{name}[{', '.join(map(str, i))}] is {x[tuple(i)]}, not a finite number")
    return np.asarray(x, int if x.dtype.kind in "iu" else float)


def _weights(grid: GridWorld, policy: Any) -> Array:
    """How much each action counts, 1 for the most likely one; nothing in terminal states.   -> (S, A)"""
    S, A = grid.n_states, grid.n_actions
    policy = np.asarray(policy)
    if policy.shape == (S,) and policy.dtype.kind in "iu":
        for s in np.flatnonzero((policy < 0) | (policy >= A))[:1]:
            raise ValueError(f"policy[{s}] is {policy[s]}, not an action; actions are 0 to {A - 1}")
        weight = np.eye(A)[policy]
    elif policy.shape == (S, A):
        weight = _table("policy", policy, (S, A)).astype(float)
        for s, a in np.argwhere(weight < 0)[:1]:
            raise ValueError(f"policy[{s}, {a}] is {weight[s, a]}, a negative probability")
    else:
        raise ValueError(
            f"policy is {policy.dtype} {policy.shape}; it must be int ({S},), or ({S}, {A}) weights or bool"
        )
    top = weight.max(axis=1, keepdims=True)
    weight = np.divide(weight, top, out=np.zeros_like(weight), where=top > 0)
    return np.asarray(np.where(grid.terminal[:, None], 0.0, weight))


def _axes(grid: GridWorld, ax: Any, cell: float = 0.95) -> tuple[Any, float]:
    """Axes for the map, and how many points wide a cell is there."""
    rows, columns = grid.shape
    if ax is None:
        cell = min(cell, 12.0 / columns, 9.0 / rows)
        _, ax = canvas(max(columns * cell + 1.9, 4.0), max(rows * cell + 0.9, 2.6))
        points = 72 * cell
    else:
        width, height = ax.figure.get_size_inches()
        box = ax.get_position()
        points = 72 * min(width * box.width / columns, height * box.height / rows)
    return ax, float(points)


def _board(ax: Any, grid: GridWorld, rgba: Array | None, points: float) -> Array:
    """Draw the cells; return the ink (S,) that is legible on each."""
    rows, columns = grid.shape
    S = grid.n_states
    colour = np.tile(to_rgba(FLOOR), (S, 1)) if rgba is None else np.array(rgba)
    for s, letter in enumerate("".join(grid.map)):
        if letter in "#GH":
            colour[s] = to_rgba({"#": WALL, "G": GOAL, "H": FLOOR}[letter])
    square = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    row, column = grid.cell(np.arange(S))
    cells = np.stack([column, row], axis=-1)[:, None] + square
    edge = "white" if rgba is not None else "#BBBBBB"
    ax.add_collection(PolyCollection(list(cells), facecolors=colour, edgecolors=edge, linewidths=1.0))
    ink = np.array([_ink(c) for c in colour])
    _landmarks(ax, grid, points)
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal", xlabel="column", ylabel="row")
    ax.set_xticks(range(0, columns, 1 + (columns - 1) // 15))
    ax.set_yticks(range(0, rows, 1 + (rows - 1) // 15))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ink


def _landmarks(ax: Any, grid: GridWorld, points: float) -> None:
    """Letters: goals and holes in the middle of the cell, the others in its upper left corner."""
    for s, letter in enumerate("".join(grid.map)):
        row, column = grid.cell(s)
        if letter == "H":
            ax.add_patch(Circle((column, row), 0.38, facecolor=HOLE, edgecolor="none", zorder=2))
        if letter in "GH":
            _write(ax, column, row, letter, "white", points * 0.3, fontweight="bold")
        elif letter not in ".#":
            tag = {"boxstyle": "round,pad=0.15", "facecolor": FLOOR, "edgecolor": "none"}
            _write(ax, column - 0.36, row - 0.34, letter, "black", points * 0.16, fontweight="bold", bbox=tag)


def _arrows(ax: Any, grid: GridWorld, weight: Array, ink: Array, shape: Array) -> None:
    moves = {4: FOUR_MOVES, 8: KING_MOVES}.get(grid.n_actions)
    if moves is None:
        raise ValueError(f"policy: arrows stand for 4 or 8 moves, and this grid has {grid.n_actions} actions")
    s, a = np.nonzero(weight)
    size = (weight if shape is ARROW else 0.4 + 0.6 * weight)[s, a]
    base = np.array([shape[:, 0].min(), 0.0])
    along, across = (base + size[:, None, None] * (shape - base)).transpose(2, 0, 1)  # (N, corners) each
    if shape is ARROW:  # an arrow that stands alone is centred
        along = along - np.where((weight > 0).sum(axis=1) == 1, 0.21, 0.0)[s, None]
    down, right = (np.array(moves).T / np.hypot(*np.array(moves).T))[:, a, None]
    row, column = (x[:, None] for x in grid.cell(s))
    corners = np.stack([column + along * right - across * down, row + along * down + across * right], axis=-1)
    ax.add_collection(PolyCollection(list(corners), facecolors=list(ink[s]), edgecolors="none", zorder=3))


def _mapping(x: Array, limits: tuple[float, float] | None) -> ScalarMappable:
    if limits is None:
        limits = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
        if limits[0] == limits[1]:
            limits = (limits[0] - 0.5, limits[1] + 0.5)
    low, high = limits
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"limits is {limits!r}; it must be two finite numbers, the smaller one first")
    return ScalarMappable(Normalize(low, high), VALUES)


def _bar(ax: Any, colour: ScalarMappable, label: str | None, **kw: Any) -> None:
    if label is not None:
        bar = ax.figure.colorbar(colour, ax=ax, label=label, shrink=0.9, **kw)
        bar.outline.set_visible(False)


def _ink(rgba: Any) -> str:
    """Black or white, whichever contrasts more (relative luminance of the web's guidelines)."""
    c = np.asarray(rgba[:3])
    linear: Array = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "white"


def _figure(ax: Any) -> Figure:
    figure: Figure = ax.figure
    return figure


def _number(x: float, decimals: int) -> str:
    text = f"{round(float(x), decimals) + 0.0:.{decimals}f}"  # + 0.0: no -0.0
    return text.replace("-", "\u2212")


def _write(ax: Any, x: float, y: float, text: str, ink: str, size: float, **kw: Any) -> None:
    size = float(np.clip(size, SMALL, 18))
    ax.text(x, y, text, color=ink, fontsize=size, ha="center", va="center_baseline", zorder=5, **kw)


# ---------------------------------------------------------------- any table


@house_style()
def plot_table(table: Any, *, xlabel: str, ylabel: str, label: str | None = None, ax: Any = None) -> Figure:
    """Heat map of a table, row 0 at the bottom; labels name the axes with their units.   (rows, columns)

    Whole numbers (a policy) get one colour each, diverging from 0, and their number in the middle of its
    region; real numbers (a value) get a colour bar with `label`.
    """
    table = _table("table", table, None, ndim=2)
    if ax is None:
        _, ax = canvas(6.4, 5.6)
    whole = table.dtype.kind == "i"
    if whole:
        top = max(1, int(np.abs(table).max()))
        norm: Any = BoundaryNorm(np.arange(-top - 0.5, top + 1), 256)
        colour = ScalarMappable(norm, SIGNED)
    else:
        colour = _mapping(table, None)
    ax.imshow(table, norm=colour.norm, cmap=colour.cmap, origin="lower", interpolation="nearest")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[:].set_visible(False)
    _whole_ticks(ax.xaxis, ax.yaxis)
    if whole:
        for value in np.unique(table):
            y, x = _middle(table == value)
            _write(ax, x, y, str(value), _ink(colour.to_rgba(value)), SMALL)
    else:
        _bar(ax, colour, label)
    return _figure(ax)


def _whole_ticks(*axes: Any) -> None:
    for axis in axes:
        axis.set_major_locator(MaxNLocator(integer=True, nbins=6, steps=[1, 2, 5, 10]))


def _middle(region: Array) -> tuple[int, int]:
    """The cell for a label: with room to its left and right if that can be, else nearest to the mean."""
    inside = np.pad(region, 1)  # cells outside the table do not belong to the region
    for _ in range(2):
        smaller = inside & np.roll(inside, 1, axis=1) & np.roll(inside, -1, axis=1)
        inside = smaller if smaller.any() else inside
    cells = np.argwhere(inside[1:-1, 1:-1])
    row, column = cells[((cells - np.argwhere(region).mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return int(row), int(column)


# ---------------------------------------------------------------- lines


@house_style()
def plot_curves(
    lines: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    log: bool = False,
    legend: str | None = None,
    ax: Any = None,
) -> Figure:
    """A line for each name, which stands at the line's end; seeds give the mean and its interval as a band.

    lines    {name: y (K,), or (x (K,), y (K,)), or Curve}
    log      logarithmic y; what is not positive is left out there
    legend   where to list the names instead ("upper right", say), for lines that end at one place
    Raises ValueError without lines, for shapes that differ, for NaN, and for nothing positive under log.
    """
    ax, ends = _lines(lines, xlabel, ylabel, log, ax)
    if legend is None:
        _name_ends(ax, ends)
    else:
        ax.legend(loc=legend, framealpha=0.9)
    return _figure(ax)


@house_style()
def plot_contraction(
    distance: Mapping[str, Any], gamma: float, *, legend: bool = True, ax: Any = None
) -> Figure:
    """Distances to the fixed point, relative to the first one, beside the line gamma^k.   {name: (K,)}

    A gamma-contraction stays on or below the line. Raises ValueError where a first distance is not positive.
    """
    lines: dict[str, Array] = {}
    for name, d in distance.items():
        d = _table(f"distance[{name!r}]", d, None, ndim=1)
        if not d[0] > 0:
            raise ValueError(f"distance[{name!r}] starts at {d[0]}; it must start above 0")
        lines[name] = d / d[0]
    ax, _ = _lines(lines, "backups $k$", "distance to the fixed point,\nrelative to the first", True, ax)
    bound = float(gamma) ** np.arange(max(len(d) for d in lines.values()))
    ax.plot(bound, color="black", linewidth=6, alpha=0.25, zorder=1, label="$\\gamma^k$")
    if legend:
        ax.legend(loc="lower left", frameon=False)
    return _figure(ax)


def _lines(lines: Mapping[str, Any], xlabel: str, ylabel: str, log: bool, ax: Any) -> tuple[Any, list[Any]]:
    """Draw them; return the axes and where each ends: name, x, y, colour."""
    if not lines:
        raise ValueError("lines is empty; give at least one")
    if ax is None:
        _, ax = canvas()
    if log:
        ax.set_yscale("log")
    ends, whole = [], True
    for i, (name, line) in enumerate(lines.items()):
        x, y, band = _line(name, line)
        seen = y > 0 if log else np.ones(len(y), bool)
        if not seen.any():
            raise ValueError(f"lines[{name!r}] has no positive number to show on a logarithmic axis")
        colour = OKABE_ITO[i % len(OKABE_ITO)]
        ax.plot(x[seen], y[seen], color=colour, linestyle=DASHES[i % len(DASHES)], label=name)
        if band is not None:
            ax.fill_between(x[seen], *band[:, seen], color=colour, alpha=0.2, linewidth=0)
        ends.append((name, x[seen][-1], y[seen][-1], colour))
        whole = whole and bool((x == np.round(x)).all())
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(True, which="major", color="#DDDDDD", linewidth=0.8)
    ax.set_axisbelow(True)
    if whole:
        _whole_ticks(ax.xaxis)
    return ax, ends


def _line(name: str, line: Any) -> tuple[Array, Array, Array | None]:
    if isinstance(line, Curve):
        return line.x, line.mean, line.interval if len(line.y) > 1 else None
    x, y = line if isinstance(line, tuple) else (None, line)
    y = _table(f"lines[{name!r}]", y, None, ndim=1).astype(float)
    x = np.arange(len(y)) if x is None else _table(f"x of lines[{name!r}]", x, y.shape).astype(float)
    return x, y, None


def _name_ends(ax: Any, ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Write each name to the right of its line's end, moved apart where they would overlap."""
    ax.autoscale_view()
    to_height = ax.transData + ax.transAxes.inverted()
    points = 72 * ax.figure.get_size_inches()[1] * ax.get_position().height
    room = 16 / points
    order = sorted(range(len(ends)), key=lambda i: float(to_height.transform(ends[i][1:3])[1]))
    wanted = np.array([to_height.transform(ends[i][1:3])[1] for i in order])
    height = _apart(wanted, room)
    for i, want, at in zip(order, wanted, height):
        name, x, y, colour = ends[i]
        ax.annotate(
            name,
            (x, y),
            xytext=(8, (at - want) * points),
            textcoords="offset points",
            color=colour,
            fontweight="bold",
            fontsize=12,
            va="center",
            annotation_clip=False,
        )


def _apart(height: Array, room: float) -> Array:
    """The nearest heights that lie `room` apart in the same order, and not below the axis.   (n,) -> (n,)

    Least squares by pooling: neighbours that clash move together.
    """
    shifted = height - room * np.arange(len(height))
    blocks: list[list[float]] = []
    for h in shifted:
        blocks.append([float(h)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    level = np.concatenate([np.full(len(b), np.mean(b)) for b in blocks])
    return np.asarray(np.maximum(level, 0.02) + room * np.arange(len(height)))


# ---------------------------------------------------------------- films


@house_style()
def animate(
    grid: GridWorld,
    iterates: Iterable[Any],
    *,
    frames: int = 30,
    arrows: bool = True,
    decimals: int | None = 1,
    seconds: float = 0.5,
    title: str = "value iteration",
) -> Film:
    """A film of the first `frames` iterates V, each with the arrows of all its greedy actions.

    Where all actions tie there is no arrow. Colours mean the same in all frames. A stream without end is
    fine. Raises ValueError as `plot_values` does, and where there is no iterate.
    """
    if not (isinstance(frames, (int, np.integer)) and frames >= 1):
        raise ValueError(f"frames is {frames!r}; it must be a whole number >= 1")
    S = _world(grid).n_states
    values = [_table(f"iterates[{k}]", V, (S,)).astype(float) for k, V in enumerate(islice(iterates, frames))]
    if not values:
        raise ValueError("iterates is empty; give at least one V")
    floor = np.stack(values)[:, ~grid.terminal]
    limits = (float(floor.min()), float(max(floor.max(), floor.min() + 1e-9)))
    figures = []
    for k, V in enumerate(values):
        best = _best(grid.lookahead(V))
        policy = np.where(best.all(axis=1, keepdims=True), 0.0, best) if arrows else None
        figure = plot_values(grid, V, policy=policy, decimals=decimals, limits=limits)
        figure.suptitle(f"{title}, k = {k}")
        figures.append(figure)
    return film(figures, seconds=seconds, title=title)


def film(figures: Sequence[Figure], *, seconds: float, title: str) -> Film:
    """A film of figures of one size, each shown for so many seconds."""
    return Film(_shots(figures), seconds, title)


def _best(Q: Array) -> Array:
    """All actions within 1e-9 of the best, relative to the spread of Q.   (S, A) -> (S, A) bool"""
    short = Q.max(axis=1, keepdims=True) - Q  # by how much an action falls short of the best
    return np.asarray(short <= 1e-9 * max(1.0, float(np.ptp(Q))))


def _shots(figures: Sequence[Figure]) -> tuple[bytes, ...]:
    """Each figure as a small PNG; all share one palette of 128 colours, so no colour changes on the way."""
    from PIL import Image

    images = []
    for figure in figures:
        figure.set_dpi(80)
        agg: Any = FigureCanvasAgg(figure)
        agg.draw()
        images.append(Image.fromarray(np.asarray(agg.buffer_rgba())[..., :3]))
    few = images[:: 1 + len(images) // 8] + images[-1:]
    strip = Image.fromarray(np.concatenate([np.asarray(image) for image in few]))
    palette = strip.quantize(128, Image.Quantize.MAXCOVERAGE)
    frames = []
    for image in images:
        out = io.BytesIO()
        image.quantize(palette=palette, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
        frames.append(out.getvalue())
    return tuple(frames)
