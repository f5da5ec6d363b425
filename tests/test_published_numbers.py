"""Numbers that stand in books and in public code, recomputed: chapters 1 to 3.

S&B: Sutton & Barto, Reinforcement Learning, 2nd edition (2018). Where the book prints one decimal, the
figures here were recomputed by linear algebra; where a well-known figure is wrong, the test says why.
"""

import math
from fractions import Fraction

import numpy as np
import pytest

from rlcore.exact.values import action_value, occupancy, optimal_value, policy_value
from rlcore.numerics import softmax
from rlcore.problems.car_rental import CARS, REQUESTS, RETURNS, car_rental, cars_moved, day
from rlcore.problems.chains import random_walk, two_state
from rlcore.problems.gambler import gambler
from rlcore.problems.gridworlds import (
    DOWN,
    LEFT,
    RIGHT,
    UP,
    cliff,
    frozen_lake,
    small_grid,
    teleport_grid,
    walk,
    windy,
)
from rlcore.problems.mdp import MDP


def table(text):
    """Rows of numbers between bars.   -> (S,)"""
    return np.array([float(x) for x in text.replace("|", " ").split()])


def uniform(mdp):
    return np.full((mdp.n_states, mdp.n_actions), 1 / mdp.n_actions)


def best(mdp, V, tie=1e-9):
    """All actions within `tie` of the best.   (S,) -> (S, A) bool"""
    Q = mdp.lookahead(V)
    return Q.max(axis=1, keepdims=True) - Q <= tie


def epsilon_greedy(mdp, V, epsilon):
    """Greedy with respect to V, ties split uniformly, with probability epsilon any action.   -> (S, A)"""
    greedy = best(mdp, V)
    return epsilon / mdp.n_actions + (1 - epsilon) * greedy / greedy.sum(axis=1, keepdims=True)


def epsilon_soft(mdp, epsilon):
    """The MDP in which the world, not the policy, explores: its V* is that of the best epsilon-soft policy."""
    P = mdp.dense().P
    r = mdp.expected_reward
    P = (1 - epsilon) * P + epsilon * P.mean(axis=1, keepdims=True)
    r = (1 - epsilon) * r + epsilon * r.mean(axis=1, keepdims=True)
    return MDP(P, r, mdp.gamma, mdp.start, mdp.terminal)


# ---------------------------------------- the walk from (0, 0) to (5, 5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9, 1.0])
def test_walk_closed_form(gamma):
    """-1 a move and +10 instead at the goal: summed by hand, n moves from the goal."""
    grid = walk(gamma)
    row, column = grid.cell(np.arange(36))
    n = 10 - row - column
    V = [0.0 if k == 0 else 10 * gamma ** (k - 1) - sum(gamma**t for t in range(k - 1)) for k in n]
    np.testing.assert_allclose(optimal_value(grid), V, rtol=0, atol=1e-12)


def test_walk_value_at_the_start():
    # 10 * 0.9**9 - (1 - 0.9**9) / 0.1
    assert optimal_value(walk())[0] == pytest.approx(-2.2515902200, abs=1e-9)


# ---------------------------------------- S&B Examples 3.5 and 3.8


def test_example_3_5_random_policy():
    # S&B Figure 3.2, right: the book prints one decimal
    V = table(
        "3.308996 8.789292 4.427619 5.322368 1.492179 | 1.521588 2.992318 2.250140 1.907572 0.547403 |"
        "0.050822 0.738171 0.673113 0.358186 -0.403141 | -0.973592 -0.435495 -0.354882 -0.585605 -1.183075 |"
        "-1.857701 -1.345231 -1.229267 -1.422918 -1.975179"
    )
    grid = teleport_grid()
    np.testing.assert_allclose(policy_value(grid, uniform(grid)), V, rtol=0, atol=1e-6)


def test_example_3_8_optimal_values_and_all_optimal_actions():
    # S&B Figure 3.5: values and arrows
    V = table(
        "21.977485 24.419428 21.977485 19.419428 17.477485 | 19.779737 21.977485 19.779737 17.801763 16.021587 |"
        "17.801763 19.779737 17.801763 16.021587 14.419428 | 16.021587 17.801763 16.021587 14.419428 12.977485 |"
        "14.419428 16.021587 14.419428 12.977485 11.679737"
    )
    arrows = "E NSWE W NSWE W | NE N NW W W | NE N NW NW NW | NE N NW NW NW | NE N NW NW NW".replace("|", "")
    grid = teleport_grid()
    computed = optimal_value(grid)
    np.testing.assert_allclose(computed, V, rtol=0, atol=1e-6)
    compass = {"N": UP, "E": RIGHT, "S": DOWN, "W": LEFT}
    expected = np.zeros((25, 4), dtype=bool)
    for s, letters in enumerate(arrows.split()):
        expected[s, [compass[letter] for letter in letters]] = True
    np.testing.assert_array_equal(best(grid, computed), expected)


def test_example_3_8_the_value_of_A_is_a_geometric_series():
    # S&B Section 3.6: ten at once and again every five steps; four would give 29.08
    assert optimal_value(teleport_grid())[1] == pytest.approx(10 / (1 - 0.9**5), abs=1e-12)


# ---------------------------------------- S&B Example 4.1


def sweeps(k):
    """k sweeps over two arrays, in exact fractions: the four neighbours' mean, less one."""
    V = [Fraction(0)] * 16
    for _ in range(k):
        old = list(V)
        for s in range(1, 15):
            r, c = divmod(s, 4)
            ways = [(max(r - 1, 0), c), (min(r + 1, 3), c), (r, max(c - 1, 0)), (r, min(c + 1, 3))]
            V[s] = sum((old[4 * i + j] for i, j in ways), Fraction(0)) / 4 - 1
    return V


def iterate(mdp, k):
    V, pi = np.zeros(mdp.n_states), uniform(mdp)
    for _ in range(k):
        V = (pi * mdp.lookahead(V)).sum(axis=1)
    return V


@pytest.mark.parametrize("k", [0, 1, 2, 3, 10])
def test_example_4_1_iterates_are_exact_fractions(k):
    assert iterate(small_grid(), k).tolist() == [
        float(x) for x in sweeps(k)
    ]  # sixteenths: no rounding at all


def test_example_4_1_published_iterates():
    # S&B Figure 4.1, left column; the book prints one decimal
    assert iterate(small_grid(), 1).tolist() == [0.0] + [-1.0] * 14 + [0.0]
    two = [0, -7 / 4, -2, -2, -7 / 4, -2, -2, -2, -2, -2, -2, -7 / 4, -2, -2, -7 / 4, 0]
    assert iterate(small_grid(), 2).tolist() == two
    a, b, c, d = -39 / 16, -47 / 16, -3, -23 / 8
    assert iterate(small_grid(), 3).tolist() == [0, a, b, c, a, d, c, b, b, c, d, a, c, b, a, 0]
    ten = table(
        "0 -6.137970 -8.352356 -8.967316 | -6.137970 -7.737396 -8.427826 -8.352356 |"
        "-8.352356 -8.427826 -7.737396 -6.137970 | -8.967316 -8.352356 -6.137970 0"
    )
    np.testing.assert_allclose(iterate(small_grid(), 10), ten, rtol=0, atol=1e-6)


def test_example_4_1_limit():
    V = table("0 -14 -20 -22 | -14 -18 -20 -20 | -20 -20 -18 -14 | -22 -20 -14 0")
    grid = small_grid()
    np.testing.assert_allclose(policy_value(grid, uniform(grid)), V, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("theta", "n"), [(1e-2, 89), (1e-3, 131), (1e-4, 173)])
def test_example_4_1_number_of_sweeps_over_two_arrays(theta, n):
    """Until the largest change is below theta (recomputed; in-place sweeps need 62, 88, 114)."""
    change = [np.abs(iterate(small_grid(), k) - iterate(small_grid(), k - 1)).max() for k in (n - 1, n)]
    assert change[0] >= theta > change[1]


def test_exercise_4_1():
    grid = small_grid()
    Q = action_value(grid, uniform(grid))
    assert Q[11, DOWN] == pytest.approx(-1, abs=1e-10)
    assert Q[7, DOWN] == pytest.approx(-15, abs=1e-10)


@pytest.mark.parametrize("changed", [False, True], ids=["13 unchanged", "13 leads down to 15"])
def test_exercise_4_2(changed):
    """A new state below 13, here number 16: left 12, up 13, right 14, down itself."""
    grid = small_grid().dense()
    P = np.zeros((17, 4, 17))
    P[:16, :, :16] = grid.P
    for action, s_next in ((LEFT, 12), (UP, 13), (RIGHT, 14), (DOWN, 16)):
        P[16, action, s_next] = 1.0
    if changed:
        P[13, DOWN] = np.eye(17)[16]
    terminal = np.append(grid.terminal, False)
    mdp = MDP(P, np.where(terminal, 0.0, -1.0)[:, None] * np.ones(4), 1.0, np.eye(17)[16], terminal)
    V = policy_value(mdp, uniform(mdp))
    assert V[16] == pytest.approx(-20, abs=1e-10)
    np.testing.assert_allclose(V[:16], policy_value(grid, uniform(grid)), rtol=0, atol=1e-10)


# ---------------------------------------- S&B Example 4.2: Jack's car rental

POLICIES = """
555555554443333222221 555555555544443333322 555555555555544444333 555555555555555554444 666655555555555555554
777666655555555555555 887777666655555555555 988887777666555555555 999988887776666555555 aaa999988877776665555
aaaaaa999888877766555 aaaaaaaa9999888776655 aaaaaaaaaaa9998877655 aaaaaaaaaaaaa99887665 aaaaaaaaaaaaaa9987765
aaaaaaaaaaaaaaa988765 aaaaaaaaaaaaaaa998765 aaaaaaaaaaaaaaaa98765 aaaaaaaaaaaaaaaa98765 aaaaaaaaaaaaaaaa98765
aaaaaaaaaaaaaaaa98765

555555544433322222211 555555555444333333222 555555555554444443333 555555555555555544444 655555555555555555554
666555555555555555555 776665555555555555555 877765555555555555555 888766555555555555555 998776555555555555555
a98876555555555555555 a99876555555555555555 aa9876555555555555555 aa9876555555555555555 aa9876555555555555555
aa9876555555555555555 aa9876655555555555555 aa9877655555555555555 aa9887665555555555555 aa9987766655555555555
aaa988777666666666555

555555554433322222111 555555555444333332222 555555555554444433333 555555555555555444443 555555555555555555544
666555555555555555555 776655555555555555555 877665555555555555555 887766555555555555555 988776555555555555555
998876555555555555555 a99876655555555555555 aa9877655555555555555 aa9887655555555555555 aa9987655555555555555
aaa987665555555555555 aaa987765555555555555 aaa988766555555555555 aaa998776666655555555 aaaa98877777666655555
aaaa99888887777666555

555555554433322222111 555555555444333332222 555555555554444433333 555555555555555444443 555555555555555555544
666555555555555555555 776655555555555555555 877665555555555555555 887766555555555555555 988776555555555555555
998876555555555555555 a99876655555555555555 aa9877655555555555555 aa9887655555555555555 aa9987655555555555555
aaa987655555555555555 aaa987665555555555555 aaa987766555555555555 aaa988776666555555555 aaa998877776666655555
aaaa99888877777666555
"""  # a digit a cell, hexadecimal: cars moved from the first location, plus 5; a row of 21 a number of cars there


@pytest.fixture(scope="module")
def rental():
    return car_rental()


def test_car_rental_four_improvements_from_never_moving(rental):
    # S&B Figure 4.2: the policies pi_1 .. pi_4, recomputed with exact tails
    published = [
        np.array([int(c, 16) - 5 for c in "".join(p.split())]) for p in POLICIES.strip().split("\n\n")
    ]
    moved = cars_moved()
    pi = np.zeros(441, dtype=int)
    for expected in [*published, published[-1]]:  # the fifth improvement changes nothing
        choice = action_value(rental, pi + 5).argmax(axis=1)
        pi = moved[np.arange(441), choice]
        np.testing.assert_array_equal(pi, expected)


def test_car_rental_values(rental):
    # S&B Figure 4.2, last picture (its axis says 420 to 612; the largest value is 636.99)
    V = optimal_value(rental).reshape(21, 21)
    published = {
        (0, 0): 421.414063,
        (5, 5): 512.218773,
        (10, 10): 574.948324,
        (20, 0): 554.947706,
        (0, 20): 567.768509,
        (20, 20): 636.989607,
    }
    for cell, value in published.items():
        assert V[cell] == pytest.approx(value, abs=1e-6)
    assert V.mean() == pytest.approx(563.6871643604611, abs=1e-8)
    assert V.min() == V[0, 0]
    assert V.max() == V[20, 20]


def test_car_rental_policies_are_unambiguous(rental):
    """The second best number of cars is worse by at least 6.8e-4 everywhere."""
    Q = rental.lookahead(optimal_value(rental))
    moved = cars_moved()
    gaps = []
    for s in range(441):
        by_move = {m: Q[s, moved[s] == m] for m in np.unique(moved[s])}
        assert all(np.ptp(q) < 1e-10 for q in by_move.values())  # twins, up to the order of summation
        values = np.sort([q[0] for q in by_move.values()])
        gaps += [values[-1] - values[-2]] if len(values) > 1 else []
    assert min(gaps) == pytest.approx(6.7777e-4, abs=1e-8)


def truncated_day(requests, returns, n):
    """What much public code does: Poisson sums over 0 .. n - 1, and the rest of the mass is lost."""
    asked, back = ([math.exp(-m) * m**k / math.factorial(k) for k in range(n)] for m in (requests, returns))
    P, rented = np.zeros((CARS + 1, CARS + 1)), np.zeros(CARS + 1)
    for cars in range(CARS + 1):
        for k, p in enumerate(asked):
            rented[cars] += p * min(cars, k)
            for j, q in enumerate(back):
                P[cars, min(cars - min(cars, k) + j, CARS)] += p * q
    return P, rented


def constant_returns_day(requests, returns):
    """Another shortcut: the mean number of cars comes back every day."""
    P, rented = np.zeros((CARS + 1, CARS + 1)), np.zeros(CARS + 1)
    for cars in range(CARS + 1):
        for k in range(60):
            p = math.exp(-requests) * requests**k / math.factorial(k)
            rented[cars] += p * min(cars, k)
            P[cars, min(cars - min(cars, k) + int(returns), CARS)] += p
    return P, rented


@pytest.mark.parametrize(
    ("one_day", "value"),
    [
        (day, 421.414063),
        (lambda m, n: truncated_day(m, n, 11), 406.0713),
        (lambda m, n: truncated_day(m, n, 9), 315.6732),
        (constant_returns_day, 430.5197),
    ],
    ids=["exact tails", "11 terms", "9 terms", "constant returns"],
)
def test_car_rental_what_truncation_does(one_day, value):
    """v(0, 0) of each variant: probability that is lost is a discount, and far from negligible."""
    (P1, rented1), (P2, rented2) = (one_day(*means) for means in zip(REQUESTS, RETURNS))
    moved = cars_moved()
    first, second = np.divmod(np.arange(441), 21)
    first = np.minimum(first[:, None] - moved, CARS)
    second = np.minimum(second[:, None] + moved, CARS)
    P = np.kron(P1, P2)[21 * first + second]
    R = 10 * (rented1[first] + rented2[second]) - 2 * np.abs(moved)
    pi, s = np.full(441, 5), np.arange(441)
    for _ in range(8):
        V = np.linalg.solve(np.eye(441) - 0.9 * P[s, pi], R[s, pi])
        pi = (R + 0.9 * P @ V).argmax(axis=1)
    assert V[0] == pytest.approx(value, abs=1e-4)


def test_lost_probability_is_refused_by_the_model():
    P, rented = truncated_day(3.0, 3.0, 11)
    with pytest.raises(ValueError, match=r"^P\[0, 0\] sums to 0.99941541156, not 1$"):
        MDP(P[:, None], rented[:, None], 0.9, np.eye(21)[0], np.zeros(21, dtype=bool))


# ---------------------------------------- S&B Example 4.3: the gambler

STAKES = """
1|2|3|4|5|6|7|8|9|10|11|12|12 13|11 14|10 15|9 16|8 17|7 18|6 19|5 20|4 21|3 22|2 23|1 24|25|1 24 26|2 23 27|3 22 28|
4 21 29|5 20 30|6 19 31|7 18 32|8 17 33|9 16 34|10 15 35|11 14 36|12 13 37|12 38|11 39|10 40|9 41|8 42|7 43|6 44|5 45|
4 46|3 47|2 48|1 49|50|1 49|2 48|3 47|4 46|5 45|6 44|7 43|8 42|9 41|10 40|11 39|12 38|12 13 37|11 14 36|10 15 35|
9 16 34|8 17 33|7 18 32|6 19 31|5 20 30|4 21 29|3 22 28|2 23 27|1 24 26|25|1 24|2 23|3 22|4 21|5 20|6 19|7 18|8 17|
9 16|10 15|11 14|12 13|12|11|10|9|8|7|6|5|4|3|2|1
"""


def bold_play(p, n=100):
    """Stake all that is useful: f(x) = p f(2x) up to 1/2, p + (1 - p) f(2x - 1) above (Dubins & Savage, 1965)."""
    V = np.zeros(n + 1)
    V[n] = 1.0
    for _ in range(400):  # contracts by max(p, 1 - p)
        V[1:n] = [p * V[2 * s] if 2 * s <= n else p + (1 - p) * V[2 * s - n] for s in range(1, n)]
    return V


def test_gambler_values():
    V = optimal_value(gambler(0.4))
    points = {
        1: 0.0020656248,
        13: 0.0652393749,
        25: 0.16,
        50: 0.4,
        51: 0.4030984372,
        75: 0.64,
        99: 0.9643329672,
    }
    for s, value in points.items():
        assert V[s] == pytest.approx(value, abs=1e-9)
    bold = bold_play(0.4)
    bold[100] = 0.0  # the prize is paid on the way: the terminal state itself is worth nothing
    np.testing.assert_allclose(V, bold, rtol=0, atol=1e-12)


def test_gambler_all_optimal_stakes():
    """Ties agree to 2e-16 and the next best stake is worse by 2e-4, so any slack between finds the same sets.

    The smallest of each set (1 .. 12, 12 .. 1, 25, 1 .. 12, 12 .. 1, 50, ...) is S&B Figure 4.3.
    """
    game = gambler(0.4)
    V = optimal_value(game)
    for slack in (1e-12, 1e-9, 1e-6):
        optimal = best(game, V, tie=slack)
        found = [
            [a for a in range(1, min(s, 100 - s) + 1) if optimal[s, a]]  # larger stakes are twins, 0 waits
            for s in range(1, 100)
        ]
        assert found == [[int(a) for a in stakes.split()] for stakes in STAKES.split("|")]


# ---------------------------------------- S&B Examples 6.2, 6.5, 6.6: what the planner says of them


def test_random_walk_values():
    # S&B Example 6.2: 1/6 .. 5/6
    V = policy_value(random_walk(), np.zeros(7, int))
    np.testing.assert_allclose(V[1:-1], np.arange(1, 6) / 6, rtol=0, atol=1e-12)
    assert np.sqrt(((V[1:-1] - 0.5) ** 2).mean()) == pytest.approx(0.2357022604, abs=1e-9)


@pytest.mark.parametrize(("grid", "steps"), [(cliff(), 13), (windy(), 15), (windy(king=True), 7)])
def test_shortest_paths(grid, steps):
    # S&B Examples 6.6 and 6.5, Exercise 6.9
    assert optimal_value(grid)[grid.start > 0] == pytest.approx(-steps, abs=1e-10)


@pytest.mark.parametrize(
    ("gamma", "value"), [(0.9, -7.458134172), (0.99, -12.247897700), (1.0, -13.0)], ids=["0.9", "0.99", "1"]
)
def test_cliff_walking_optimal_value_at_the_start(gamma, value):
    assert optimal_value(cliff(gamma))[36] == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize(
    ("grid", "greedy", "soft"), [(cliff(), -50.80004767, -20.70767740), (windy(), -17.05333001, -17.04832281)]
)
def test_exploring_with_epsilon_one_tenth(grid, greedy, soft):
    """Folklore says -50 and -25 for the cliff and 17 steps for the wind; these are the exact figures.

    greedy: epsilon-greedy in q*, ties split uniformly (any fixed order of ties gives another number);
    soft: the best of all epsilon-soft policies.
    """
    s = grid.start.argmax()
    pi = epsilon_greedy(grid, optimal_value(grid), 0.1)
    assert policy_value(grid, pi)[s] == pytest.approx(greedy, abs=1e-7)
    safer = epsilon_soft(grid, 0.1)
    V = optimal_value(safer)
    assert V[s] == pytest.approx(soft, abs=1e-7)
    Q = safer.lookahead(V)
    attained = 0.1 / 4 + 0.9 * np.eye(4)[Q.argmax(axis=1)]
    np.testing.assert_allclose(policy_value(grid, attained), V, rtol=0, atol=1e-8)


def test_the_best_epsilon_soft_walk_keeps_one_row_from_the_cliff():
    """Not along the top, as is often said: right along the second row, then down the last column."""
    grid = cliff()
    soft = epsilon_soft(grid, 0.1)
    choice = soft.lookahead(optimal_value(soft)).argmax(axis=1)
    arrows = "".join("URDL"[a] for a in choice)
    assert arrows[:36] == "RRRRRRRRRRRD" + "RRRRRRRRRRRD" + "UUUUUUUUUURD"
    assert arrows[36] == "U"


# ---------------------------------------- Frozen Lake (Gymnasium's map and ice)


@pytest.mark.parametrize(
    ("gamma", "best_value", "uniform_value"),
    [(0.9, 0.068890905, 0.004477261), (0.99, 0.542025932, 0.012356137), (1.0, 0.823529412, 0.013939796)],
    ids=["0.9", "0.99", "1"],
)
def test_frozen_lake_value_at_the_start(gamma, best_value, uniform_value):
    # 14 / 17 with gamma 1 and without a time limit; "0.74" is what the limit of 100 steps leaves of it
    lake = frozen_lake(gamma=gamma)
    assert optimal_value(lake)[0] == pytest.approx(best_value, abs=1e-9)
    assert policy_value(lake, uniform(lake))[0] == pytest.approx(uniform_value, abs=1e-9)


def test_frozen_lake_without_a_time_limit_is_14_17ths():
    assert optimal_value(frozen_lake(gamma=1.0))[0] == pytest.approx(14 / 17, abs=1e-12)


def test_frozen_lake_all_optimal_values():
    V = table(
        ".542026 .498803 .470696 .456852 | .558451 0 .358348 0 | .591799 .643080 .615208 0 | 0 .741720 .862837 0"
    )
    np.testing.assert_allclose(optimal_value(frozen_lake(gamma=0.99)), V, rtol=0, atol=1e-6)


def test_the_maximum_over_next_states_is_not_the_optimal_value():
    """A common error: to let the agent choose where the ice takes it. Six sure steps: 0.99**5 = .950990."""
    lake = frozen_lake(gamma=0.99)
    wish = np.zeros(16)
    for _ in range(50):
        wish = (lake.reward + 0.99 * wish[lake.succ]).max(axis=(1, 2))
    assert wish[0] == pytest.approx(0.950990, abs=1e-6)
    assert optimal_value(lake)[0] < 0.55


# ---------------------------------------- two states, by hand


def test_two_state_problem():
    """theta = [[.2, -.1], [0, .5]]; recomputed by automatic differentiation and by linear algebra."""
    mdp = two_state()
    pi = softmax(np.array([[0.2, -0.1], [0.0, 0.5]]))
    V = policy_value(mdp, pi)
    Q = [[7.248373, 6.358077], [5.314196, 8.204492]]
    d = occupancy(mdp, pi)
    np.testing.assert_allclose(pi, [[0.574443, 0.425557], [0.377541, 0.622459]], rtol=0, atol=1e-6)
    np.testing.assert_allclose(V, [6.869501, 7.113287], rtol=0, atol=1e-6)
    np.testing.assert_allclose(action_value(mdp, pi), Q, rtol=0, atol=1e-6)
    np.testing.assert_allclose(d, [5.82641720, 4.17358280], rtol=0, atol=1e-7)  # sums to 1 / (1 - gamma)
    assert mdp.start @ V == pytest.approx(6.967015636, abs=1e-9)
    assert d @ (pi * mdp.expected_reward).sum(axis=1) == pytest.approx(6.967015636, abs=1e-9)
    np.testing.assert_allclose(optimal_value(mdp), [12.288135593, 13.135593220], rtol=0, atol=1e-8)
