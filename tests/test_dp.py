"""The plain loops of dynamic programming: published iterates and values, and methods against each other."""

from fractions import Fraction
from itertools import count, islice, pairwise

import numpy as np
import pytest

from rlcore.algorithms import dp
from rlcore.problems.gridworlds import (
    GridWorld,
    cliff,
    frozen_lake,
    small_grid,
    teleport_grid,
    walk,
    windy,
)
from rlcore.problems.mdp import SparseMDP

UNIFORM = np.full((16, 4), 0.25)
STREAMS = [
    dp.value_iteration,
    dp.gauss_seidel,
    dp.policy_iteration,
    dp.modified_policy_iteration,
    dp.prioritized_sweeping,
]


def both(mdp):
    return [mdp, mdp.dense()]


# Sutton & Barto (2018), Figure 4.1, and the same iterates recomputed in exact fractions.
EX_4_1 = {
    1: [0, -1, -1, -1, -1, -1, -1, -1],
    2: [0, -1.75, -2, -2, -1.75, -2, -2, -2],
    3: [0, -39 / 16, -47 / 16, -3, -39 / 16, -23 / 8, -3, -47 / 16],
    10: [0, -6.137970, -8.352356, -8.967316, -6.137970, -7.737396, -8.427826, -8.352356],
}


@pytest.mark.parametrize("k", EX_4_1)
def test_example_4_1_iterates(k):
    for mdp in both(small_grid()):
        V = next(islice(dp.policy_evaluation(mdp, UNIFORM), k, None))
        assert np.allclose(V, EX_4_1[k] + EX_4_1[k][::-1], rtol=0, atol=5e-7)


def test_example_4_1_iterates_as_fractions():
    V = [Fraction(0)] * 16
    stream = dp.policy_evaluation(small_grid(), UNIFORM)
    for iterate in islice(stream, 8):
        assert np.abs(iterate - np.array(V, float)).max() < 1e-13
        grid = small_grid()
        step = [-1 + sum(V[t] for t in grid.succ[s, :, 0]) / 4 for s in range(16)]
        V = [Fraction(0), *step[1:15], Fraction(0)]


def test_example_4_1_limit():
    exact = [0, -14, -20, -22, -14, -18, -20, -20]
    for mdp in both(small_grid()):
        assert np.abs(dp.solve(mdp, pi=UNIFORM).V - np.array(exact + exact[::-1])).max() < 1e-8


@pytest.mark.parametrize(
    ("method", "sweeps"),
    [(dp.policy_evaluation, [89, 131, 173]), (dp.policy_evaluation_in_place, [62, 88, 114])],
)
def test_example_4_1_sweeps_until_the_change_is_small(method, sweeps):
    for mdp in both(small_grid()):
        for theta, expected in zip([1e-2, 1e-3, 1e-4], sweeps):
            changes = (np.abs(b - a).max() for a, b in pairwise(method(mdp, UNIFORM)))
            assert next(k for k, change in zip(count(1), changes) if change < theta) == expected


# Sutton & Barto (2018), Example 3.5 (random policy) and Example 3.8 (optimal), recomputed to six places.
EX_3_5 = """ 3.308996  8.789292  4.427619  5.322368  1.492179
             1.521588  2.992318  2.250140  1.907572  0.547403
             0.050822  0.738171  0.673113  0.358186 -0.403141
            -0.973592 -0.435495 -0.354882 -0.585605 -1.183075
            -1.857701 -1.345231 -1.229267 -1.422918 -1.975179"""
EX_3_8 = """21.977485 24.419428 21.977485 19.419428 17.477485
            19.779737 21.977485 19.779737 17.801763 16.021587
            17.801763 19.779737 17.801763 16.021587 14.419428
            16.021587 17.801763 16.021587 14.419428 12.977485
            14.419428 16.021587 14.419428 12.977485 11.679737"""
EX_3_8_ACTIONS = """E NSWE W NSWE W   NE N NW W W   NE N NW NW NW   NE N NW NW NW   NE N NW NW NW"""


def numbers(text):
    return np.array(text.split(), float)


def test_example_3_5():
    for mdp in both(teleport_grid()):
        V = dp.solve(mdp, pi=np.full((25, 4), 0.25)).V
        assert np.abs(V - numbers(EX_3_5)).max() < 6e-7


@pytest.mark.parametrize("method", [None, *STREAMS])
def test_example_3_8(method):
    for mdp in both(teleport_grid()):
        solution = dp.solve(mdp, method and method(mdp))
        assert np.abs(solution.V - numbers(EX_3_8)).max() < 6e-7
        best = dp.optimal_actions(mdp, solution.V, 1e-6)
        letters = ["".join(x for x in "NSWE" if best[s, "NESW".index(x)]) for s in range(25)]
        assert letters == EX_3_8_ACTIONS.split()
        assert best[np.arange(25), solution.pi].all()
        assert best[np.arange(25), dp.greedy(mdp, solution.V)].all()


# Gymnasium 1.4: V* at the start, gamma .9, .99, 1; recomputed with QuantEcon and pymdptoolbox.
STARTS = [
    (frozen_lake, 0, "4x4", {0.9: 0.068890905, 0.99: 0.542025932, 1.0: 0.823529412}),
    (cliff, 36, None, {0.9: -7.458134172, 0.99: -12.247897700, 1.0: -13.0}),
]


@pytest.mark.parametrize("method", [None, *STREAMS])
@pytest.mark.parametrize(("problem", "s", "size", "value"), STARTS)
def test_values_of_the_start(problem, s, size, value, method):
    for gamma, expected in value.items():
        grid = problem(gamma=gamma)
        for mdp in both(grid):
            solution = dp.solve(mdp, method and method(mdp), tol=1e-9)
            assert abs(solution.V[s] - expected) < 2e-9


def test_frozen_lake_gamma_99_everywhere():
    expected = """.542026 .498803 .470696 .456852  .558451 0 .358348 0
                  .591799 .643080 .615208 0        0 .741720 .862837 0"""
    assert np.abs(dp.solve(frozen_lake()).V - numbers(expected)).max() < 6e-7


def test_frozen_lake_uniform_policy():
    for gamma, expected in {0.99: 0.012356137, 1.0: 0.013939796}.items():
        for mdp in both(frozen_lake(gamma=gamma)):
            assert abs(dp.solve(mdp, pi=UNIFORM).V[0] - expected) < 1e-8


def test_windy_grid_takes_15_steps():
    assert abs(dp.solve(windy()).V[30] + 15) < 1e-8


def test_walk_closed_form():
    for mdp in both(walk()):
        rows, columns = walk().cell(np.arange(36))
        n = 10 - rows - columns
        closed = np.where(n > 0, 10 * 0.9 ** (n - 1.0) - (1 - 0.9 ** (n - 1.0)) / 0.1, 0)
        for method in STREAMS:
            assert np.abs(dp.solve(mdp, method(mdp)).V - closed).max() < 1e-8


# ---------------------------------------------------------------- what each loop is


def test_a_backup_by_hand():
    # from 0: action 0 stays and pays 1; action 1 goes to 1 with 3/4 and pays 2. From 1: back to 0, pays 0 or -1.
    mdp = SparseMDP(
        np.array([[[0, 0], [1, 0]], [[0, 0], [0, 0]]]),
        np.array([[[1, 0], [0.75, 0.25]], [[1, 0], [1, 0]]]),
        np.array([[1.0, 2.0], [0.0, -1.0]]),
        0.5,
        np.array([1.0, 0.0]),
        np.zeros(2, bool),
    )
    V = np.array([4.0, 8.0])
    for m in both(mdp):
        # Q(0, .) = (1 + .5 * 4, 2 + .5 * (.75 * 8 + .25 * 4)) = (3, 5.5);  Q(1, .) = (2, 1)
        assert np.allclose(m.lookahead(V), [[3, 5.5], [2, 1]])
        assert np.allclose([dp.lookahead_at(m, V, s) for s in range(2)], m.lookahead(V))
        assert np.allclose(next(islice(dp.value_iteration(m, V), 1, None)), [5.5, 2])
        assert np.allclose(next(islice(dp.gauss_seidel(m, V), 1, None)), [5.5, 2.75])  # 1 sees the new V(0)
        assert np.allclose(next(islice(dp.policy_evaluation(m, np.array([0, 1]), V), 1, None)), [3, 1])
        assert dp.greedy(m, V).tolist() == [1, 0]
        assert dp.optimal_actions(m, V, 1.0).tolist() == [[False, True], [True, True]]


def test_modified_policy_iteration_without_sweeps_is_value_iteration():
    mdp = frozen_lake()
    pairs = zip(dp.modified_policy_iteration(mdp, sweeps=0), dp.value_iteration(mdp))
    assert all((a == b).all() for a, b in islice(pairs, 30))


def test_modified_policy_iteration_with_many_sweeps_is_policy_iteration():
    mdp = frozen_lake(gamma=0.9)
    exact = [dp.exact_value(mdp, dp.greedy(mdp, np.zeros(16)))]
    exact += [dp.exact_value(mdp, dp.greedy(mdp, exact[0]))]
    swept = list(islice(dp.modified_policy_iteration(mdp, sweeps=300), 1, 3))
    assert np.allclose(swept, exact, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", STREAMS)
def test_streams_yield_fresh_arrays(method):
    mdp = frozen_lake(gamma=0.9)
    kept = list(islice(method(mdp), 3))
    again = [V.copy() for V in islice(method(mdp), 3)]
    assert all((a == b).all() for a, b in zip(kept, again))
    assert not any(np.shares_memory(a, b) for a, b in pairwise(kept))


def test_policy_iteration_improves_everywhere():
    for a, b in pairwise(dp.policy_iteration(frozen_lake())):
        assert (b >= a - 1e-12).all()


def test_prioritized_sweeping_spends_its_backups_where_values_change():
    """In a corridor whose end pays, each state is backed up once; sweeps need as many as there are states."""
    corridor = GridWorld(["." * 60 + "G"], gamma=0.9, step_reward=0.0, enter={"G": 1.0})
    assert len(list(dp.prioritized_sweeping(corridor))) <= 4
    changes = (np.abs(b - a).max() for a, b in pairwise(dp.value_iteration(corridor)))
    assert next(k for k, change in enumerate(changes) if change == 0) == 60


def test_predecessors():
    P = windy().dense().P
    for mdp in both(windy()):
        for s, before in enumerate(dp.predecessors(mdp)):
            assert before.tolist() == [p for p in range(len(P)) if (P[p, :, s] > 0).any()]


# ---------------------------------------------------------------- ties


def tied_instances():
    yield GridWorld(["." * 7] * 7, gamma=0.9, step_reward=1.0)  # every action equal
    yield GridWorld(["." * 9] * 8 + ["........G"], gamma=0.99)  # two shortest ways almost everywhere
    yield GridWorld(["...", ".G.", "..."], gamma=1.0, slip=2 / 3)
    yield frozen_lake("8x8", 1.0)
    yield frozen_lake("8x8", 0.999)
    yield small_grid()
    rng = np.random.default_rng(0)
    for gamma in (0.9, 0.99, 0.9999):
        prob = rng.dirichlet(np.ones(3), (30, 1)).repeat(4, axis=1)  # four copies of each action,
        succ = rng.integers(0, 30, (30, 1, 3)).repeat(4, axis=1)
        order = np.argsort(
            rng.random((30, 4, 3)), axis=2
        )  # written in different orders: equal but for rounding
        succ, prob = np.take_along_axis(succ, order, 2), np.take_along_axis(prob, order, 2)
        reward = rng.integers(0, 3, (30, 1)) / 3.0 + np.zeros((30, 4))
        yield SparseMDP(succ, prob, reward, gamma, np.full(30, 1 / 30), np.zeros(30, bool))


@pytest.mark.parametrize("i", range(9))
def test_policy_iteration_ends_on_ties(i):
    tied = list(tied_instances())[i]
    for mdp in both(tied):
        V = list(islice(dp.policy_iteration(mdp), 60))
        assert len(V) < 60
        assert np.abs(V[-1] - dp.solve(mdp, tol=1e-5).V).max() < 1.1e-5


def test_optimal_actions_finds_all_of_a_tied_instance():
    grid = GridWorld(["...", "...", "..G"], gamma=0.9)
    best = dp.optimal_actions(grid, dp.solve(grid).V, 1e-7)
    assert best[0].tolist() == [False, True, True, False]
    assert best[4].tolist() == [False, True, True, False]


# ---------------------------------------------------------------- doors


def test_policies_are_checked():
    mdp = frozen_lake()
    wrong = {
        "pi[3] is 4": np.where(np.arange(16) == 3, 4, 0),
        "pi[2] sums to 0.75": np.where(np.arange(16)[:, None] == 2, [0.25, 0.25, 0.25, 0.0], 0.25),
        "pi[0, 1] is nan": np.where(np.arange(64).reshape(16, 4) == 1, np.nan, 0.25),
        "it must be (16,) int": np.zeros(15, int),
        "float64 (16,)": np.zeros(16),
    }
    for message, pi in wrong.items():
        for call in (lambda pi: next(dp.policy_evaluation(mdp, pi)), lambda pi: dp.solve(mdp, pi=pi)):
            with pytest.raises(ValueError, match=r"^pi") as error:
                call(pi)
            assert message in str(error.value)


def test_starts_and_sweeps_are_checked():
    with pytest.raises(ValueError, match=r"shape \(15,\)"):
        next(dp.value_iteration(frozen_lake(), np.zeros(15)))
    with pytest.raises(ValueError, match=r"sweeps is -1"):
        next(dp.modified_policy_iteration(frozen_lake(), sweeps=-1))
