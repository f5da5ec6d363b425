"""A map as text and as pixels, by NumPy alone: what the environments of `problems.gym` render.

Letters: L letters of a map, c pixels a cell.
Left out: values and policies, which `lab.plots` draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rlcore.numerics import Array

FLOOR, INK, AGENT = (0.95, 0.94, 0.90), (0.17, 0.19, 0.23), (0.00, 0.45, 0.70)  # after Okabe and Ito
GOAL, WHITE = (0.00, 0.62, 0.45), (1.0, 1.0, 1.0)
TINTS = ((0.84, 0.37, 0.00), (0.34, 0.71, 0.91), (0.80, 0.47, 0.65), (0.94, 0.89, 0.26))


def draw_text(lines: Sequence[str], place: tuple[int, int] | None) -> str:
    """The map as text, with @ for the agent."""
    rows = [list(line) for line in lines]
    if place is not None:
        rows[place[0]][place[1]] = "@"
    return "\n".join("".join(row) for row in rows)


def draw_pixels(lines: Sequence[str], place: tuple[int, int] | None) -> Array:
    """The map as a picture, colours and shapes both telling its letters apart.   -> (height, width, 3) uint8

    A tile for every letter, laid out by one index; the agent is a blue disc.
    """
    letters = np.array([list(line) for line in lines])  # (rows, columns)
    c = int(np.clip(512 // max(letters.shape), 4, 64))
    names, index = np.unique(letters, return_inverse=True)
    named = sorted({str(name).lower() for name in names if str(name) not in ".#SGH"})
    tint = {name: TINTS[i % len(TINTS)] for i, name in enumerate(named)}
    tiles = np.stack([_tile(str(name), tint, c) for name in names])  # (L, c, c, 3)
    grid = tiles[index.reshape(letters.shape)]  # (rows, columns, c, c, 3)
    if place is not None:
        grid[place] = _disc(_disc(grid[place], 0.36, WHITE), 0.30, AGENT)
    rows, columns = letters.shape
    picture = grid.swapaxes(1, 2).reshape(rows * c, columns * c, 3)
    return np.round(255 * picture).astype(np.uint8)


def _tile(letter: str, tint: Mapping[str, tuple[float, float, float]], c: int) -> Array:
    """One cell without the agent.   -> (c, c, 3) in [0, 1]"""
    ground = {"#": INK, "G": GOAL}.get(letter, FLOOR)
    tile = np.full((c, c, 3), ground)
    if letter.lower() in tint:  # a capital in full colour, the small letter pale
        strength = 0.85 if letter.isupper() else 0.35
        tile[:] = (1 - strength) * tile + strength * np.array(tint[letter.lower()])
    if letter == "H":
        tile = _disc(tile, 0.40, INK)
    if letter == "G":
        tile = _disc(tile, 0.34, WHITE, power=1.0)
    if letter == "S":
        tile = _disc(_disc(tile, 0.34, INK), 0.27, FLOOR)
    if letter != "#":
        tile[0], tile[:, 0] = 0.88 * tile[0], 0.88 * tile[:, 0]  # the lines of the grid
    return tile


def _disc(tile: Array, radius: float, colour: tuple[float, float, float], power: float = 2.0) -> Array:
    """Paint a disc (power 2) or a diamond (power 1) in the middle, its edge one pixel soft."""
    c = len(tile)
    x = np.abs((np.arange(c) + 0.5) / c - 0.5)
    distance = (x[:, None] ** power + x**power) ** (1 / power)
    cover = np.clip((radius - distance) * c + 0.5, 0.0, 1.0)[..., None]
    return np.asarray((1 - cover) * tile + cover * np.array(colour))
