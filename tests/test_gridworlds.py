"""Gridworlds: what a drawing means, cell by cell, and which drawings are refused."""

import numpy as np
import pytest

from rlcore.exact.values import optimal_value
from rlcore.problems.gridworlds import (
    DOWN,
    FOUR_MOVES,
    KING_MOVES,
    LEFT,
    RIGHT,
    UP,
    GridWorld,
    cliff,
    frozen_lake,
    small_grid,
    teleport_grid,
    walk,
    windy,
)


def to(grid, row, column, action):
    """(row, column) where an action surely leads, and what it pays."""
    s = grid.state(row, column)
    assert grid.prob.shape[-1] == 1
    r, c = grid.cell(grid.succ[s, action, 0])
    return (int(r), int(c)), float(grid.reward[s, action, 0])


# ---------------------------------------- the map


@pytest.mark.parametrize(
    "map", ["S..\n.#.\n..G", "S.. .#. ..G", ["S..", ".#.", "..G"], ("S..", ".#.", "..G")]
)
def test_a_map_is_lines_however_they_come(map):
    grid = GridWorld(map, gamma=0.9)
    assert grid.map == ("S..", ".#.", "..G")
    assert grid.shape == (3, 3)
    assert (grid.n_states, grid.n_actions) == (9, 4)


def test_states_are_cells_row_by_row():
    grid = GridWorld("S... ...G", gamma=0.9)
    assert grid.state(1, 2) == 6
    assert grid.cell(6) == (1, 2)
    rows, columns = grid.cell(np.arange(8))
    np.testing.assert_array_equal(grid.state(1, 0) * rows + columns, np.arange(8))


@pytest.mark.parametrize("cell", [(-1, 0), (0, -1), (2, 0), (0, 4)])
def test_cells_off_the_map_are_refused(cell):
    grid = GridWorld("S... ...G", gamma=0.9)
    with pytest.raises(
        ValueError, match=rf"^\({cell[0]}, {cell[1]}\) is off the map of 2 rows and 4 columns$"
    ):
        grid.state(*cell)


def test_moves_edges_and_walls():
    grid = GridWorld("... S#. ..G", gamma=0.9)
    assert to(grid, 0, 1, LEFT) == ((0, 0), -1.0)
    assert to(grid, 0, 1, RIGHT) == ((0, 2), -1.0)
    assert to(grid, 0, 1, UP) == ((0, 1), -1.0)  # the edge
    assert to(grid, 0, 1, DOWN) == ((0, 1), -1.0)  # the wall
    assert to(grid, 0, 0, DOWN) == ((1, 0), -1.0)
    assert to(grid, 1, 0, RIGHT) == ((1, 0), -1.0)
    wall = grid.state(1, 1)
    assert wall not in grid.succ[~grid.terminal]


def test_goals_holes_and_walls_are_terminal_and_free():
    grid = GridWorld("S.H .#G", gamma=0.9, step_reward=-3.0, enter={"G": 5.0})
    assert grid.terminal.tolist() == [False, False, True, False, True, True]
    assert (grid.succ[[2, 4, 5]] == [[[2]], [[4]], [[5]]]).all()
    assert (grid.reward[grid.terminal] == 0).all()
    assert (optimal_value(grid)[grid.terminal] == 0).all()


def test_enter_and_bump_are_paid_instead_of_the_step():
    grid = GridWorld("SG .k", gamma=0.9, step_reward=-1.0, enter={"G": 10.0, "k": 2.0}, bump=-5.0)
    assert to(grid, 0, 0, RIGHT) == ((0, 1), 10.0)
    assert to(grid, 0, 0, DOWN) == ((1, 0), -1.0)
    assert to(grid, 0, 0, LEFT) == ((0, 0), -5.0)
    assert to(grid, 1, 0, RIGHT) == ((1, 1), 2.0)
    assert to(grid, 1, 1, RIGHT) == ((1, 1), 2.0)  # a bump that ends on k enters k


def test_teleports_lead_on_from_a_letter_whatever_one_does():
    grid = GridWorld("A.b S..", gamma=0.9, teleports={"A": ("b", 7.0)})
    for action in range(4):
        assert to(grid, 0, 0, action) == ((0, 2), 7.0)
    assert to(grid, 1, 0, UP) == ((0, 0), -1.0)  # getting there is an ordinary move
    assert to(grid, 0, 2, LEFT) == ((0, 1), -1.0)  # and b is ordinary floor


def test_falls_happen_on_the_way_to_a_letter():
    grid = GridWorld("S.. .CG", gamma=0.9, falls={"C": ("S", -100.0)})
    assert to(grid, 0, 1, DOWN) == ((0, 0), -100.0)
    assert to(grid, 1, 0, RIGHT) == ((0, 0), -100.0)
    assert to(grid, 0, 1, RIGHT) == ((0, 2), -1.0)
    assert grid.state(1, 1) not in grid.succ[[0, 1, 2, 3, 5]]


# ---------------------------------------- slip, wind, other moves


def test_slip_turns_a_move_to_either_side():
    grid = GridWorld("... .S. ..G", gamma=0.9, slip=0.2)
    assert grid.prob.shape == (9, 4, 3)
    np.testing.assert_allclose(grid.prob[4, UP], [0.8, 0.1, 0.1])
    sides = {UP: [1, 5, 3], RIGHT: [5, 7, 1], DOWN: [7, 3, 5], LEFT: [3, 1, 7]}  # ahead, its right, its left
    for action, succ in sides.items():
        assert grid.succ[4, action].tolist() == succ
    assert grid.succ[0, UP].tolist() == [0, 1, 0]  # a corner: two ways of staying
    assert grid.dense().P[0, UP, 0] == pytest.approx(0.9)


def test_slip_pays_what_the_move_taken_pays():
    grid = GridWorld("S. .G", gamma=0.9, slip=0.5, enter={"G": 10.0}, bump=-2.0)
    assert grid.reward[1].tolist() == [
        [-2.0, -2.0, -1.0],
        [-2.0, 10.0, -2.0],
        [10.0, -1.0, -2.0],
        [-1.0, -2.0, 10.0],
    ]
    assert grid.expected_reward[1, DOWN] == pytest.approx(0.5 * 10 - 0.25 * 1 - 0.25 * 2)


def test_the_reward_of_a_move_alone_is_kept_narrow():
    assert GridWorld("S.G", gamma=0.9, slip=0.5).reward.strides[-1] == 0
    assert GridWorld("S.G", gamma=0.9, slip=0.5, enter={"G": 1.0}).reward.strides[-1] != 0


def test_slip_0_and_1():
    assert GridWorld("S.G", gamma=0.9, slip=0).prob.shape[-1] == 1
    np.testing.assert_array_equal(GridWorld("S.G", gamma=0.9, slip=1).prob[0, 0], [0.0, 0.5, 0.5])


def test_wind_blows_upwards_from_the_column_one_leaves():
    grid = GridWorld(["...", "...", "S.G", "..."], gamma=1.0, wind=[0, 1, 2])
    assert to(grid, 2, 0, RIGHT)[0] == (2, 1)  # no wind where one stood
    assert to(grid, 2, 1, LEFT)[0] == (1, 0)
    assert to(grid, 2, 1, UP)[0] == (0, 1)
    assert to(grid, 2, 1, DOWN)[0] == (2, 1)
    assert to(grid, 3, 2, UP)[0] == (0, 2)
    assert to(grid, 1, 2, LEFT)[0] == (0, 1)  # the edge stops the wind
    down = GridWorld(["S..", "...", "..G"], gamma=1.0, wind=[-1, 0, 0])
    assert to(down, 0, 0, RIGHT)[0] == (1, 1)


def test_a_wall_in_the_wind_undoes_the_move():
    grid = GridWorld(["#..", "...", "S.G"], gamma=1.0, wind=[0, 2, 0])
    assert to(grid, 2, 1, LEFT)[0] == (2, 1)


def test_king_moves_are_the_four_and_the_diagonals():
    grid = GridWorld(["...", ".S.", "..G"], gamma=1.0, moves=KING_MOVES)
    assert grid.n_actions == 8
    assert KING_MOVES[:4] == FOUR_MOVES
    ends = [to(grid, 1, 1, a)[0] for a in range(8)]
    assert ends == [(0, 1), (1, 2), (2, 1), (1, 0), (0, 2), (2, 2), (2, 0), (0, 0)]


# ---------------------------------------- where it starts


@pytest.mark.parametrize(
    ("map", "start", "expected"),
    [
        ("S.SG", None, [0.5, 0.0, 0.5, 0.0]),
        ("..#G", None, [0.5, 0.5, 0.0, 0.0]),
        ("S.aG", {"S": 3, "a": 1}, [0.75, 0.0, 0.25, 0.0]),
        ("S.aG", {"a": 0.1}, [0.0, 0.0, 1.0, 0.0]),
    ],
)
def test_start(map, start, expected):
    np.testing.assert_allclose(GridWorld(map, gamma=0.9, start=start).start, expected, rtol=1e-15)


# ---------------------------------------- the classics


def test_the_classics_are_the_size_of_the_book():
    shapes = {
        walk(): (6, 6),
        teleport_grid(): (5, 5),
        small_grid(): (4, 4),
        cliff(): (4, 12),
        windy(): (7, 10),
    }
    assert all(grid.shape == shape for grid, shape in shapes.items())
    assert frozen_lake().shape == (4, 4)
    assert frozen_lake("8x8").shape == (8, 8)
    assert windy().n_actions == 4
    assert windy(king=True).n_actions == 8


def test_teleport_grid_moves():
    grid = teleport_grid()
    assert to(grid, 0, 1, UP) == ((4, 1), 10.0)
    assert to(grid, 0, 3, RIGHT) == ((2, 3), 5.0)
    assert to(grid, 0, 0, UP) == ((0, 0), -1.0)
    assert to(grid, 2, 2, UP) == ((1, 2), 0.0)
    assert not grid.terminal.any()


def test_cliff_moves():
    grid = cliff()
    assert to(grid, 3, 0, RIGHT) == ((3, 0), -100.0)
    assert to(grid, 2, 5, DOWN) == ((3, 0), -100.0)
    assert to(grid, 2, 11, DOWN) == ((3, 11), -1.0)
    assert grid.terminal.nonzero()[0].tolist() == [47]


def test_the_best_way_through_the_wind_takes_15_moves():
    """Right along the row, once around the goal: S&B, the path drawn in Example 6.5."""
    grid, s = windy(), windy().state(3, 0)
    for action in [RIGHT] * 9 + [DOWN] * 4 + [LEFT] * 2:
        assert not grid.terminal[s]
        s = grid.succ[s, action, 0]
    assert grid.cell(s) == (3, 7)


def test_frozen_lake_ice():
    lake = frozen_lake()
    np.testing.assert_allclose(lake.prob[14, RIGHT], 1 / 3, rtol=1e-15)
    assert sorted(lake.succ[14, RIGHT]) == [10, 14, 15]
    assert lake.expected_reward[14, RIGHT] == pytest.approx(1 / 3)
    assert lake.expected_reward.sum() == pytest.approx(1.0)  # three of the four actions at 14, a third each


# ---------------------------------------- doors

WALL = r"^'#' is a wall; enter, teleports, falls and start cannot name it$"


@pytest.mark.parametrize(
    ("map", "options", "message"),
    [
        ("", {}, r"^map is ''; it must be lines of letters, one letter a cell$"),
        ([], {}, r"^map is \[\]; it must be lines of letters, one letter a cell$"),
        (["S.", ""], {}, r"^map is \['S.', ''\]; it must be lines of letters, one letter a cell$"),
        (["S.", 7], {}, r"^map is \['S.', 7\]; it must be lines of letters, one letter a cell$"),
        (7, {}, r"^map is 7; it must be lines of letters, one letter a cell$"),
        ("S.G ..", {}, r"^map: line 1 has 2 letters, line 0 has 3$"),
        (
            "S.G .x.",
            {},
            r"^map: line 1, column 1 has the unknown letter 'x'; known are . # S G H and those named",
        ),
        (
            "##G",
            {},
            r"^start has no cell: give the map a cell S, some floor, or a letter of positive weight$",
        ),
        ("S.G", {"gamma": 1.5}, r"^gamma is 1.5; it must be a number from 0 to 1$"),
        ("S.G", {"gamma": np.nan}, r"^gamma is nan; it must be a number from 0 to 1$"),
        ("S.G", {"horizon": 0}, r"^horizon is 0; it must be None or a whole number of steps >= 1$"),
        ("S.G", {"step_reward": np.nan}, r"^step_reward is nan; it must be a finite number$"),
        ("S.G", {"step_reward": None}, r"^step_reward is None; it must be a finite number$"),
        ("S.G", {"bump": np.inf}, r"^bump is inf; it must be a finite number$"),
        ("S.G", {"enter": {"G": "ten"}}, r"^enter\['G'\] is 'ten'; it must be a finite number$"),
        (
            "S.G",
            {"enter": {"K": 1.0}},
            r"^'K' is named in enter, teleports, falls or start, but is not on the map$",
        ),
        ("S#G", {"enter": {"#": 1.0}}, WALL),
        ("S#A", {"teleports": {"A": ("#", 1.0)}}, WALL),
        ("S#G", {"start": {"#": 1.0}}, WALL),
        (
            "SAG",
            {"teleports": {"A": "S"}},
            r"^teleports\['A'\] is 'S'; it must be \(letter to go to, reward\)$",
        ),
        (
            "SAG",
            {"falls": {"A": ("S",)}},
            r"^falls\['A'\] is \('S',\); it must be \(letter to go to, reward\)$",
        ),
        (
            "SAG",
            {"falls": {"A": ("S", np.nan)}},
            r"^the reward of falls\['A'\] is nan; it must be a finite number$",
        ),
        (
            "SAG",
            {"teleports": {"A": ("Z", 1.0)}},
            r"^'Z' is named in enter, teleports, falls or start, but is not",
        ),
        (
            "SAG",
            {"teleports": {"B": ("S", 1.0)}},
            r"^'B' is named in enter, teleports, falls or start, but is not",
        ),
        (
            "SSAG",
            {"teleports": {"A": ("S", 1.0)}},
            r"^'S' is a destination and stands 2 times on the map; it must",
        ),
        (
            "S.G",
            {"slip": -0.1},
            r"^slip is -0.1; it must be from 0 to 1, and 0 unless the moves are FOUR_MOVES$",
        ),
        ("S.G", {"slip": 1.1}, r"^slip is 1.1; it must be from 0 to 1"),
        ("S.G", {"slip": np.nan}, r"^slip is nan; it must be from 0 to 1"),
        ("S.G", {"slip": "icy"}, r"^slip is 'icy'; it must be from 0 to 1"),
        (
            "S.G",
            {"slip": 0.1, "moves": KING_MOVES},
            r"^slip is 0.1; it must be .* 0 unless the moves are FOUR_MOVES$",
        ),
        ("S.G", {"wind": [0, 1]}, r"^wind is \[0, 1\]; it must be 3 whole numbers, one a column$"),
        ("S.G", {"wind": [0, 0.5, 0]}, r"^wind is \[0, 0.5, 0\]; it must be 3 whole numbers, one a column$"),
        (
            "S.G",
            {"wind": [0, np.nan, 0]},
            r"^wind is \[0, nan, 0\]; it must be 3 whole numbers, one a column$",
        ),
        ("S.G", {"wind": [[0], [1, 2], 3]}, r"^wind is \[\[0\], \[1, 2\], 3\]; it must be 3 whole numbers"),
        ("S.G", {"wind": 1}, r"^wind is 1; it must be 3 whole numbers, one a column$"),
        ("S.G", {"moves": []}, r"^moves is empty; it must hold a step \(rows, columns\) for each action$"),
        (
            "S.G",
            {"moves": [(0, 1), (1, 2, 3)]},
            r"^moves\[1\] is \(1, 2, 3\); it must be a step of whole \(rows, col",
        ),
        (
            "S.G",
            {"moves": [(0.5, 1)]},
            r"^moves\[0\] is \(0.5, 1\); it must be a step of whole \(rows, columns\)$",
        ),
        ("S.G", {"start": {"S": -1.0}}, r"^start\['S'\] is -1.0; a weight must be a number >= 0$"),
        ("S.G", {"start": {"S": np.nan}}, r"^start\['S'\] is nan; a weight must be a number >= 0$"),
        ("S.G", {"start": {"S": np.inf}}, r"^start\['S'\] is inf; a weight must be a number >= 0$"),
        ("S.G", {"start": {"S": 0.0}}, r"^start has no cell"),
        (
            "S.G",
            {"start": {"Q": 1.0}},
            r"^'Q' is named in enter, teleports, falls or start, but is not on the map$",
        ),
    ],
)
def test_gridworld_refuses(map, options, message):
    with pytest.raises(ValueError, match=message):
        GridWorld(map, **{"gamma": 0.9, **options})


def test_frozen_lake_refuses_a_size_it_has_no_map_of():
    with pytest.raises(ValueError, match=r"^size is '5x5'; it must be one of 4x4, 8x8$"):
        frozen_lake("5x5")
