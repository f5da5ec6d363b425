"""Gridworlds from a text map, and the classic ones.

A map is a drawing. A state is a cell, numbered row by row, so `V.reshape(grid.shape)` is the picture
of V. Walls are cells too: nothing leads into them, and their value is 0.

    .  floor        S  start        G  goal, ends the episode        H  hole, ends it too
    #  wall         any other letter is floor with a name, for `enter`, `teleports` and `falls`

Actions: 0 up, 1 right, 2 down, 3 left. A move off the map or into a wall leaves one in place.

Left out: more than one agent, keys and doors, continuous positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import is_number
from rlcore.problems.mdp import SparseMDP

UP, RIGHT, DOWN, LEFT = range(4)
FOUR_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
KING_MOVES = (*FOUR_MOVES, (-1, 1), (1, 1), (1, -1), (-1, -1))
ENDS = "GH"


@dataclass(frozen=True, eq=False, init=False)
class GridWorld(SparseMDP):
    """A gridworld from a text map.

    map          lines of equal length, one letter a cell; one string with newlines or a sequence of lines
    gamma        discount factor
    step_reward  paid for every move
    enter        {letter: reward} paid *instead of* step_reward by a move that ends on this letter
    bump         paid *instead of* step_reward by a move that leaves one in place; None: step_reward
    teleports    {letter: (to, reward)}: from this letter, every action leads to the cell `to` and pays reward
    falls        {letter: (to, reward)}: a move that would end on this letter ends on `to` and pays reward
    slip         probability that the move goes to one of the two sides instead (half of it each)
    wind         one whole number a column: cells that a move from this column is blown upwards besides
    moves        (row, column) steps of the actions; FOUR_MOVES, or KING_MOVES with four diagonals
    start        {letter: weight} for the first state; default: all cells `S`, or all floor if there is none

    K = 3 successors with slip (intended, its right, its left), else 1.
    Raises ValueError naming the line and column for a ragged map, or the argument that does not fit.
    """

    map: tuple[str, ...] = ()

    def __init__(
        self,
        map: str | Sequence[str],
        *,
        gamma: float,
        step_reward: float = -1.0,
        enter: Mapping[str, float] | None = None,
        bump: float | None = None,
        teleports: Mapping[str, tuple[str, float]] | None = None,
        falls: Mapping[str, tuple[str, float]] | None = None,
        slip: float = 0.0,
        wind: Sequence[int] | None = None,
        moves: Sequence[tuple[int, int]] = FOUR_MOVES,
        start: Mapping[str, float] | None = None,
        horizon: int | None = None,
    ) -> None:
        lines = _read(map)
        letters = np.array([list(line) for line in lines])  # (rows, columns)
        enter, teleports, falls = dict(enter or {}), dict(teleports or {}), dict(falls or {})
        _check_rewards(step_reward, bump, enter, teleports, falls)
        _check_letters(letters, enter, teleports, falls, start or {})
        blow = _check_wind(wind, letters.shape[1])
        moves = _check_moves(moves)
        if not is_number(slip) or not 0 <= slip <= 1 or (slip > 0 and moves != FOUR_MOVES):
            raise ValueError(
                f"slip is {slip!r}; it must be from 0 to 1, and 0 unless the moves are FOUR_MOVES"
            )

        S = letters.size
        flat = letters.ravel()
        terminal = np.isin(flat, [*ENDS, "#"])
        landing = np.stack([_land(letters, blow, move) for move in moves], axis=1)  # (S, A)
        paid = np.full(landing.shape, float(step_reward))
        if bump is not None:
            paid[landing == np.arange(S)[:, None]] = bump
        for letter, reward in enter.items():
            paid[flat[landing] == letter] = reward
        for letter, (to, reward) in falls.items():
            fell = flat[landing] == letter
            landing[fell], paid[fell] = _only(letters, to), reward
        for letter, (to, reward) in teleports.items():
            landing[flat == letter], paid[flat == letter] = _only(letters, to), reward
        landing[terminal], paid[terminal] = np.flatnonzero(terminal)[:, None], 0.0

        object.__setattr__(self, "map", lines)
        if slip > 0:  # the sides of action a are a + 1 and a - 1, as the moves go clockwise
            turns = [[a, (a + 1) % 4, (a - 1) % 4] for a in range(4)]
            landing, paid = landing[:, turns], paid[:, turns]  # (S, A, 3)
            weight = [1 - slip, slip / 2, slip / 2]
        else:
            landing, weight = landing[..., None], [1.0]
        if paid.ndim == 3 and (paid == paid[..., :1]).all():
            paid = paid[..., 0]  # the reward depends on the action alone: keep (S, A)
        super().__init__(
            succ=landing,
            prob=np.broadcast_to(weight, landing.shape),
            reward=paid,
            gamma=gamma,
            start=_start(flat, terminal, start),
            terminal=terminal,
            horizon=horizon,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns), so that V.reshape(grid.shape) is the picture of V."""
        return len(self.map), len(self.map[0])

    def state(self, row: int, column: int) -> int:
        """The number of a cell; ValueError off the map."""
        rows, columns = self.shape
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(f"({row}, {column}) is off the map of {rows} rows and {columns} columns")
        return row * columns + column

    def cell(self, state: Any) -> tuple[Any, Any]:
        """(row, column) of a state, or of an array of them."""
        return np.divmod(state, self.shape[1])


def _read(map: str | Sequence[str]) -> tuple[str, ...]:
    lines = map.split() if isinstance(map, str) else list(map) if np.iterable(map) else [map]
    if not lines or not all(isinstance(line, str) and line for line in lines):
        raise ValueError(f"map is {map!r}; it must be lines of letters, one letter a cell")
    for i, line in enumerate(lines):
        if len(line) != len(lines[0]):
            raise ValueError(f"map: line {i} has {len(line)} letters, line 0 has {len(lines[0])}")
    return tuple(lines)


def _check_rewards(step_reward: Any, bump: Any, enter: Any, teleports: Any, falls: Any) -> None:
    rewards = {"step_reward": step_reward, "bump": 0.0 if bump is None else bump}
    rewards |= {f"enter[{letter!r}]": reward for letter, reward in enter.items()}
    for name, jumps in (("teleports", teleports), ("falls", falls)):
        for letter, jump in jumps.items():
            if not isinstance(jump, tuple) or len(jump) != 2:
                raise ValueError(f"{name}[{letter!r}] is {jump!r}; it must be (letter to go to, reward)")
            rewards[f"the reward of {name}[{letter!r}]"] = jump[1]
    for name, reward in rewards.items():
        if not is_number(reward) or not np.isfinite(reward):
            raise ValueError(f"{name} is {reward!r}; it must be a finite number")


def _check_letters(letters: Array, enter: Any, teleports: Any, falls: Any, start: Any) -> None:
    named = {*enter, *start, *teleports, *falls, *(to for to, _ in (*teleports.values(), *falls.values()))}
    if "#" in named:
        raise ValueError("'#' is a wall; enter, teleports, falls and start cannot name it")
    for letter in sorted(named - set(letters.ravel())):
        raise ValueError(f"{letter!r} is named in enter, teleports, falls or start, but is not on the map")
    for r, c in np.argwhere(~np.isin(letters, [".", "#", "S", *ENDS, *named])):
        raise ValueError(
            f"map: line {r}, column {c} has the unknown letter {str(letters[r, c])!r}; known are . # S G H "
            "and those named in enter, teleports, falls or start"
        )


def _check_wind(wind: Sequence[int] | None, columns: int) -> Array:
    if wind is None:
        return np.zeros(columns, int)
    blow = [*wind] if np.iterable(wind) else []
    if len(blow) != columns or not all(isinstance(w, (int, np.integer)) for w in blow):
        raise ValueError(f"wind is {wind!r}; it must be {columns} whole numbers, one a column")
    return np.array(blow, dtype=int)


def _check_moves(moves: Any) -> tuple[tuple[int, int], ...]:
    steps: tuple[tuple[int, int], ...] = tuple(tuple(move) for move in moves)
    for a, move in enumerate(steps):
        if len(move) != 2 or not all(isinstance(i, (int, np.integer)) for i in move):
            raise ValueError(f"moves[{a}] is {move!r}; it must be a step of whole (rows, columns)")
    if not steps:
        raise ValueError("moves is empty; it must hold a step (rows, columns) for each action")
    return steps


def _land(letters: Array, blow: Array, move: tuple[int, int]) -> Array:
    """Where a move from each cell ends, walls and edges included.   (rows, columns) -> (S,)

    The wind of the column left blows during the move; the edge stops their sum, a wall undoes it.
    """
    rows, columns = letters.shape
    r, c = np.indices(letters.shape)
    r_next = np.clip(r + move[0] - blow, 0, rows - 1)
    c_next = np.clip(c + move[1], 0, columns - 1)
    stopped = letters[r_next, c_next] == "#"
    return np.asarray(np.where(stopped, r * columns + c, r_next * columns + c_next).ravel())


def _only(letters: Array, letter: str) -> int:
    where = np.flatnonzero(letters.ravel() == letter)
    if len(where) != 1:
        raise ValueError(
            f"{letter!r} is a destination and stands {len(where)} times on the map; it must stand once"
        )
    return int(where[0])


def _start(flat: Array, terminal: Array, start: Mapping[str, float] | None) -> Array:
    if start is None:
        start = {"S": 1.0} if (flat == "S").any() else dict.fromkeys(set(flat[~terminal].tolist()), 1.0)
    weight = np.zeros(flat.size)
    for letter, w in start.items():
        if not is_number(w) or not 0 <= w < np.inf:
            raise ValueError(f"start[{letter!r}] is {w!r}; a weight must be a number >= 0")
        weight[flat == letter] = w
    if not weight.sum() > 0:
        raise ValueError(
            "start has no cell: give the map a cell S, some floor, or a letter of positive weight"
        )
    return np.asarray(weight / weight.sum())


# ---------------------------------------------------------------- the classic grids


def walk(gamma: float = 0.9) -> GridWorld:
    """From (0, 0) to (5, 5) on a 6 x 6 grid: -1 a move, +10 instead for the move that reaches the goal.

    [eq:walk-value]  n moves from the goal,  V*(n) = 10 gamma^(n-1) - (1 - gamma^(n-1)) / (1 - gamma).
    """
    return GridWorld("S..... ...... ...... ...... ...... .....G", gamma=gamma, enter={"G": 10.0})


def teleport_grid() -> GridWorld:
    """Sutton & Barto, Example 3.5: from A to a pays 10, from B to b pays 5, bumping the edge -1; gamma 0.9."""
    return GridWorld(
        ".A.B. ..... ...b. ..... .a...",
        gamma=0.9,
        step_reward=0.0,
        bump=-1.0,
        teleports={"A": ("a", 10.0), "B": ("b", 5.0)},
    )


def small_grid() -> GridWorld:
    """Sutton & Barto, Example 4.1: 4 x 4, two corners end the episode, -1 a move, gamma 1."""
    return GridWorld("G... .... .... ...G", gamma=1.0)


def cliff(gamma: float = 1.0) -> GridWorld:
    """Sutton & Barto, Example 6.6: a step into the cliff C costs 100 and leads back to S."""
    rows = ["." * 12, "." * 12, "." * 12, "S" + "C" * 10 + "G"]
    return GridWorld(rows, gamma=gamma, falls={"C": ("S", -100.0)})


def windy(gamma: float = 1.0, *, king: bool = False) -> GridWorld:
    """Sutton & Barto, Example 6.5: the wind blows upwards in the middle; `king` adds diagonals (Exercise 6.9)."""
    rows = ["." * 10] * 3 + ["S......G.."] + ["." * 10] * 3
    wind = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)
    return GridWorld(rows, gamma=gamma, wind=wind, moves=KING_MOVES if king else FOUR_MOVES)


LAKES = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": ("SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"),
}


def frozen_lake(size: str = "4x4", gamma: float = 0.99, *, slip: float = 2 / 3) -> GridWorld:
    """Gymnasium's Frozen Lake with our action numbers: 1 for reaching G, 0 else; the ice turns 2 of 3 moves aside."""
    if size not in LAKES:
        raise ValueError(f"size is {size!r}; it must be one of {', '.join(LAKES)}")
    rows = [line.replace("F", ".") for line in LAKES[size]]
    return GridWorld(rows, gamma=gamma, step_reward=0.0, enter={"G": 1.0}, slip=slip)


DYNA = (".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", ".........")


def dyna_maze(gamma: float = 0.95, *, size: int = 1) -> GridWorld:
    """Sutton & Barto, Example 8.1: 6 x 9 cells, 1 for reaching G, 0 else; `size` cuts each cell into size x size.

    The shortest way has 13 * size + 1 moves: 14 for size 1, V*(S) = gamma^13. The start is one cell, the upper
    left one of its block; G is all of its block.
    """
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size is {size!r}; it must be a whole number >= 1")
    rows = ["".join(letter * size for letter in row) for row in DYNA for _ in range(size)]
    first = 2 * size
    rows = [row.replace("S", ".") for row in rows]
    rows[first] = "S" + rows[first][1:]
    return _maze(rows, gamma)


def blocking_maze(gamma: float = 0.95) -> tuple[GridWorld, GridWorld]:
    """Sutton & Barto, Example 8.2, before and after: the gap in the wall moves from its right to its left end."""
    return _two_walls("########.", ".########", gamma)


def shortcut_maze(gamma: float = 0.95) -> tuple[GridWorld, GridWorld]:
    """Sutton & Barto, Example 8.3, before and after: a second, shorter way opens at the right end of the wall."""
    return _two_walls(".########", ".#######.", gamma)


def _two_walls(before: str, after: str, gamma: float) -> tuple[GridWorld, GridWorld]:
    top, bottom = ("........G", ".........", "........."), (".........", "...S.....")
    return _maze([*top, before, *bottom], gamma), _maze([*top, after, *bottom], gamma)


def _maze(rows: Sequence[str], gamma: float) -> GridWorld:
    return GridWorld(rows, gamma=gamma, step_reward=0.0, enter={"G": 1.0})
