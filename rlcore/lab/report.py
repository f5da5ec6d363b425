"""A dashboard without a server: the history of a run as one HTML page, or as a CSV file.

    history = ppo(CartPole(), policy, value, cfg, rng)
    report(history, title="PPO on CartPole", settings=cfg).save("ppo.html")
    write_csv(history, "ppo.csv")

A history is a list of rows, each a dict of numbers under the same names; nan says that a row has no such
number (a score is measured now and then). Every column becomes a picture over the steps; the page holds all
that it shows, and opens without a network.

Left out: pages that follow a run while it goes on.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rlcore.lab.plots import Picture, canvas, encode, plot_curves
from rlcore.numerics import Array
from rlcore.problems.doors import is_number

History: TypeAlias = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Page:
    """A finished page: shown in a notebook, or saved as a file."""

    title: str
    body: str

    def html(self) -> str:
        """The whole page as text."""
        return PAGE.format(title=escape(self.title), body=self.body)

    def _repr_html_(self) -> str:
        return self.body

    def save(self, path: str | Path) -> None:
        """Write the page; any browser opens it."""
        Path(path).write_text(self.html(), encoding="utf-8")


def report(
    histories: History | Mapping[str, History], *, title: str, settings: Any = None, x: str = "step"
) -> Page:
    """One page: the settings, a table of where each column began and ended, and its curve over column x.

    histories    one history, or {name: history} to compare runs; columns that only some have are shown for those
    settings     the dataclass that configured the run, or None
    Raises ValueError for a history that is empty, rows that differ in their names, an entry that is no
    number, and a column x that is missing or has a nan.
    """
    runs = histories if isinstance(histories, Mapping) else {"": histories}
    if not runs:
        raise ValueError("histories is empty; give at least one run")
    table = {
        name: columns(history, f"histories[{name!r}]" if name else "history")
        for name, history in runs.items()
    }
    for name, run in table.items():
        if x not in run or not np.isfinite(run[x]).all():
            raise ValueError(
                f"x is {x!r}; it must be a column of finite numbers of {name or 'the history'}: {list(run)}"
            )
    names = [c for c in dict.fromkeys(c for run in table.values() for c in run) if c != x]
    parts = [f"<h1>{escape(title)}</h1>", _settings(settings), _summary(table, names, x)]
    parts += [_curve(table, column, x) for column in names]
    return Page(title, "\n".join(part for part in parts if part))


def columns(history: History, name: str = "history") -> dict[str, Array]:
    """The history by columns.   K rows -> {name: (K,) float}.   Raises ValueError as `report` does."""
    rows = list(history)
    if not rows:
        raise ValueError(f"{name} is empty; it needs at least one row")
    for k, row in enumerate(rows):
        if not isinstance(row, Mapping) or list(row) != list(rows[0]):
            raise ValueError(
                f"{name}[{k}] is {row!r:.80}; it must be a dict with the names of row 0: {list(rows[0])}"
            )
        for column, entry in row.items():
            if not is_number(entry):
                raise ValueError(f"{name}[{k}][{column!r}] is {entry!r}; it must be a number")
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


def write_csv(history: History, path: str | Path) -> None:
    """A row a row, under the names of the columns; every number can be read back to the last bit."""
    run = columns(history)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(run)
    writer.writerows([[_whole(v) for v in row] for row in zip(*run.values())])
    Path(path).write_text(text.getvalue(), encoding="utf-8")


def read_csv(path: str | Path) -> list[dict[str, float]]:
    """The history that `write_csv` wrote.   Raises ValueError, naming the line, for what is no table of numbers."""
    lines = list(csv.reader(io.StringIO(Path(path).read_text(encoding="utf-8"))))
    if len(lines) < 2:
        raise ValueError(
            f"{path} has {len(lines)} lines; it must have a line of names and at least one of numbers"
        )
    names, *rows = lines
    history = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {number}: {len(row)} entries; it must have {len(names)}, as line 1 has"
            )
        try:
            history.append({name: float(entry) for name, entry in zip(names, row)})
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    return history


# ---------------------------------------------------------------- the parts of a page


def _whole(x: float) -> str:
    """40000.0 as 40000; anything else so that it can be read back."""
    return str(int(x)) if np.isfinite(x) and x == int(x) and abs(x) < 2**53 else repr(float(x))


def _settings(cfg: Any) -> str:
    if cfg is None:
        return ""
    if not is_dataclass(cfg):
        raise ValueError(f"settings is {cfg!r}; it must be a configuration, such as PPOConfig()")
    rows = [(f.name, _said(getattr(cfg, f.name))) for f in fields(cfg)]
    return _table(("setting", "value"), rows)


def _said(value: Any) -> str:
    """A setting in words: functions by their name, partial(gae, lam=0.95) with what it fixes."""
    if isinstance(value, partial):
        inside = [
            _said(value.func),
            *map(_said, value.args),
            *(f"{k}={_said(v)}" for k, v in value.keywords.items()),
        ]
        return f"partial({', '.join(inside)})"
    return str(getattr(value, "__name__", None) or repr(value))


def _summary(table: Mapping[str, Mapping[str, Array]], names: Sequence[str], x: str) -> str:
    rows = []
    for name, run in table.items():
        for column in names:
            y = run.get(column, np.array([]))
            seen = y[np.isfinite(y)]
            if len(seen):
                numbers = (f"{v:.4g}" for v in (seen[0], seen[-1], seen.min(), seen.max()))
                rows.append((*([name] if name else []), column, *numbers, str(len(seen))))
    which = [] if "" in table else ["run"]
    return _table((*which, "column", "first", "last", "least", "most", "rows"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line("th", head) + "\n".join(line("td", row) for row in rows) + "</table>"


def _curve(table: Mapping[str, Mapping[str, Array]], column: str, x: str) -> str:
    """A picture of one column; gaps (nan) are bridged, and a column without a number is said to have none."""
    lines = {}
    for name, run in table.items():
        seen = np.isfinite(run[column]) if column in run else np.zeros(len(run[x]), bool)
        if seen.any():
            lines[name] = run[x][seen], run[column][seen]
    if not lines:
        return f"<h2>{escape(column)}</h2><p>No row has a number here.</p>"
    figure = picture(lines, column, x)
    data = base64.b64encode(encode(figure, "svg")).decode()
    caption = f"{column} over {x}"
    return f'<h2>{escape(column)}</h2><img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'


def picture(lines: Mapping[str, tuple[Array, Array]], column: str, x: str) -> Picture:
    """The curves of one column; a run of one row is a dot.   {run: (x (K,), y (K,))}"""
    figure, ax = canvas(7.5, 3.2)
    legend = "best" if len(lines) > 1 else None
    plot_curves(lines, xlabel=x, ylabel=column.replace("_", " "), legend=legend, ax=ax)
    for line in ax.lines:
        line.set_marker("o" if len(line.get_xdata()) == 1 else "")
    return figure


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }}
th, td {{ text-align: left; padding: .2rem .8rem; border-bottom: 1px solid #ddd; }}
td {{ font-variant-numeric: tabular-nums; }}
img {{ width: 100%; height: auto; }}
h2 {{ margin: 2rem 0 0; font-size: 1.1rem; }}
</style>
{body}
</html>
"""
