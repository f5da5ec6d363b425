"""The classic problems beside the gridworlds: what their models say, and what their doors refuse."""

import numpy as np
import pytest

from rlcore.exact.values import optimal_value, policy_value
from rlcore.problems.car_rental import CARS, car_rental, car_rental_with_parking, cars_moved, day
from rlcore.problems.chains import (
    HIGH,
    LOW,
    RECHARGE,
    SEARCH,
    WAIT,
    cycle,
    random_walk,
    recycling_robot,
    two_state,
)
from rlcore.problems.gambler import gambler
from rlcore.problems.garnet import garnet
from rlcore.problems.mdp import SparseMDP

# ---------------------------------------- car rental


@pytest.fixture(scope="module")
def rental():
    return car_rental()


def test_car_rental_rows_are_distributions_to_rounding(rental):
    assert rental.P.shape == (441, 11, 441)
    assert np.abs(rental.P.sum(axis=2) - 1).max() < 1e-14
    assert rental.P.min() >= 0


def test_car_rental_day_in_the_mean():
    """Without limits the cars change by returns - requests; an empty location rents nothing."""
    P, rented = day(3.0, 2.0)
    cars = np.arange(CARS + 1)
    assert rented[0] == 0
    assert rented[20] == pytest.approx(3.0, abs=1e-9)
    np.testing.assert_allclose((P @ cars)[10], 10 - rented[10] + 2.0, rtol=0, atol=1e-5)
    assert P[0, 0] == pytest.approx(np.exp(-2.0), rel=1e-12)  # nothing to rent, nothing returned
    assert P[20, 0] < 1e-9


def test_car_rental_day_against_simulation():
    """400 000 days from 5 cars. 21 + 1 comparisons at 5 standard errors: false failure below 2e-5."""
    rng, n, days = np.random.default_rng(0), 5, 400_000
    P, rented = day(4.0, 2.0)
    out = np.minimum(rng.poisson(4.0, days), n)
    evening = np.minimum(n - out + rng.poisson(2.0, days), CARS)
    frequency = np.bincount(evening, minlength=CARS + 1) / days
    assert (np.abs(frequency - P[n]) <= 5 * np.sqrt(P[n] / days) + 1e-5).all()
    assert abs(out.mean() - rented[n]) < 5 * out.std() / np.sqrt(days)


def test_car_rental_moves_are_limited_by_the_cars_there_are(rental):
    moved = cars_moved()
    assert moved.shape == (441, 11)
    np.testing.assert_array_equal(moved[0], 0)  # no cars anywhere
    np.testing.assert_array_equal(moved[21 * 2 + 1], [-1, -1, -1, -1, -1, 0, 1, 2, 2, 2, 2])
    np.testing.assert_array_equal(rental.P[0], np.tile(rental.P[0, 0], (11, 1)))  # all twins
    np.testing.assert_array_equal(rental.expected_reward[0], 0.0)


def test_car_rental_cars_beyond_20_go_away_but_their_move_is_paid(rental):
    full = 21 * 20 + 20
    assert rental.expected_reward[full, 5] == pytest.approx(70.0, abs=1e-6)  # 3 + 4 rented at 10
    lost = rental.expected_reward[full, 10]  # 5 cars to a full location
    assert lost == pytest.approx(60.0, abs=1e-4)
    np.testing.assert_array_equal(rental.P[full, 10], rental.P[21 * 15 + 20, 5])


def test_car_rental_with_parking_differs_by_its_costs_alone(rental):
    """S&B Exercise 4.7: the first car to the second location is free, more than 10 cars cost 4."""
    variant = car_rental_with_parking()
    np.testing.assert_array_equal(variant.P, rental.P)
    extra = variant.expected_reward - rental.expected_reward
    assert extra[0, 5] == 0
    assert extra[21 * 5 + 5, 5 + 3] == pytest.approx(2.0)  # two of three are paid
    assert extra[21 * 5 + 5, 5 - 3] == 0  # the other way costs as before
    assert extra[21 * 11 + 10, 5] == pytest.approx(-4.0)  # eleven cars stay
    assert extra[21 * 11 + 10, 5 + 1] == pytest.approx(2.0 - 4.0)  # ten and eleven
    assert extra[21 * 20 + 20, 5] == pytest.approx(-8.0)
    V = optimal_value(variant)
    np.testing.assert_allclose(variant.lookahead(V).max(axis=1), V, rtol=0, atol=1e-9)


def test_car_rental_starts_with_ten_and_ten(rental):
    assert rental.start[21 * 10 + 10] == 1.0
    assert rental.reset(np.random.default_rng(0)) == 220


# ---------------------------------------- the gambler


def test_gambler_model():
    game = gambler(0.3, goal=10)
    assert (game.n_states, game.n_actions) == (11, 6)
    np.testing.assert_array_equal(game.succ[4], [[4, 4], [5, 3], [6, 2], [7, 1], [8, 0], [8, 0]])
    np.testing.assert_array_equal(game.succ[7, 3], [10, 4])
    np.testing.assert_array_equal(game.prob[7, 3], [0.3, 0.7])
    np.testing.assert_array_equal(game.reward[7, 3], [1.0, 0.0])
    np.testing.assert_array_equal(game.expected_reward[7], [0, 0, 0, 0.3, 0.3, 0.3])
    assert game.terminal.nonzero()[0].tolist() == [0, 10]
    assert game.start.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("goal", [7, 10])
def test_gambler_twins(goal):
    """A stake beyond min(s, goal - s) is that stake."""
    game = gambler(0.4, goal)
    for s in range(1, goal):
        most = min(s, goal - s)
        for a in range(most, game.n_actions):
            np.testing.assert_array_equal(game.succ[s, a], game.succ[s, most])


@pytest.mark.parametrize("p_h", [0.25, 0.5, 0.55, 0.0, 1.0])
def test_gambler_limits(p_h):
    """A fair coin: every way of playing is worth s / goal; a kind one: small stakes; a sure one: 0 or 1."""
    V = optimal_value(gambler(p_h, goal=20))[1:-1]
    s = np.arange(1, 20)
    if p_h == 0.5:
        np.testing.assert_allclose(V, s / 20, rtol=0, atol=1e-12)
    elif p_h == 0.55:  # timid play, the gambler's ruin
        r = 0.45 / 0.55
        np.testing.assert_allclose(V, (1 - r**s) / (1 - r**20), rtol=0, atol=1e-12)
    elif p_h == 0.25:
        assert V[9] == pytest.approx(0.25, abs=1e-12)  # all on one throw
    else:
        np.testing.assert_allclose(V, p_h, rtol=0, atol=1e-12)


def test_gambler_never_staking_is_worth_nothing():
    np.testing.assert_array_equal(policy_value(gambler(0.9), np.zeros(101, int)), 0.0)


@pytest.mark.parametrize("p_h", [-0.1, 1.1, np.nan, np.inf, "0.4", None, True])
def test_gambler_refuses_what_is_not_a_probability(p_h):
    with pytest.raises(ValueError, match=r"^p_h is .*; it must be a probability, from 0 to 1$"):
        gambler(p_h)


@pytest.mark.parametrize("goal", [1, 0, -5, 10.0, np.nan, "100", None, True])
def test_gambler_refuses_a_goal_that_is_no_goal(goal):
    with pytest.raises(ValueError, match=r"^goal is .*; it must be a whole number >= 2$"):
        gambler(0.4, goal)


# ---------------------------------------- chains


def test_recycling_robot_is_the_table_of_example_3_3():
    # S&B Example 3.3, the table of p(s' | s, a) and r(s, a, s')
    robot = recycling_robot(alpha=0.7, beta=0.2, r_search=5.0, r_wait=2.0)
    np.testing.assert_allclose(robot.P[HIGH, SEARCH], [0.7, 0.3])
    np.testing.assert_allclose(robot.P[LOW, SEARCH], [0.8, 0.2])
    np.testing.assert_allclose(robot.R[LOW, SEARCH], [-3.0, 5.0])
    np.testing.assert_allclose(robot.R[HIGH, SEARCH], [5.0, 5.0])
    np.testing.assert_array_equal(robot.P[[HIGH, LOW], WAIT], np.eye(2))
    np.testing.assert_array_equal(robot.expected_reward[:, WAIT], 2.0)
    np.testing.assert_array_equal(robot.P[LOW, RECHARGE], [1.0, 0.0])
    assert robot.expected_reward[LOW, RECHARGE] == 0.0
    np.testing.assert_array_equal(robot.P[HIGH, RECHARGE], robot.P[HIGH, WAIT])  # the twin
    assert robot.expected_reward[HIGH, RECHARGE] == 2.0
    assert robot.expected_reward[LOW, SEARCH] == pytest.approx(0.2 * 5.0 - 0.8 * 3.0)


def test_recycling_robot_optimality_equations():
    """Example 3.9 writes them out: search when high; when low, the best of three."""
    alpha, beta, gamma = 0.9, 0.6, 0.9
    h, low = optimal_value(recycling_robot(alpha, beta, gamma=gamma))
    search = 2.0 + gamma * (alpha * h + (1 - alpha) * low)
    assert h == pytest.approx(max(search, 1.0 + gamma * h), abs=1e-10)
    rescue = beta * 2.0 - 3.0 * (1 - beta) + gamma * ((1 - beta) * h + beta * low)
    assert low == pytest.approx(max(rescue, 1.0 + gamma * low, gamma * h), abs=1e-10)


@pytest.mark.parametrize("name", ["alpha", "beta"])
@pytest.mark.parametrize("p", [-0.1, 1.5, np.nan, "x"])
def test_recycling_robot_refuses_what_is_not_a_probability(name, p):
    with pytest.raises(ValueError, match=rf"^{name} is .*; it must be a probability, from 0 to 1$"):
        recycling_robot(**{name: p})


@pytest.mark.parametrize("n", [1, 5, 19])
def test_random_walk_closed_form(n):
    V = policy_value(random_walk(n, left=-1.0, right=1.0), np.zeros(n + 2, int))
    np.testing.assert_allclose(V[1:-1], -1 + 2 * np.arange(1, n + 1) / (n + 1), rtol=0, atol=1e-12)


def test_random_walk_starts_in_the_middle():
    assert random_walk(5).start.argmax() == 3


@pytest.mark.parametrize("gamma", [0.5, 0.9])
def test_cycle_closed_form(gamma):
    n = 6
    V = policy_value(cycle(n, gamma), np.zeros(n, int))
    np.testing.assert_allclose(V, gamma ** (n - 1 - np.arange(n)) / (1 - gamma**n), rtol=1e-12)


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_cycle_contracts_by_gamma_in_the_sup_norm_and_faster_in_the_span(mix):
    mdp, gamma = cycle(8, 0.9, mix=mix), 0.9
    V = np.random.default_rng(0).normal(size=8)

    def shrinks(distance, W):
        return distance(mdp.lookahead(V)[:, 0] - mdp.lookahead(W)[:, 0]) / distance(V - W)

    def sup(x):
        return np.abs(x).max()

    assert shrinks(sup, V + 3.0) == pytest.approx(gamma, abs=1e-12)
    W = np.random.default_rng(1).normal(size=8)
    assert shrinks(sup, W) <= gamma + 1e-12
    assert shrinks(np.ptp, W) == pytest.approx(gamma * (1 - mix), abs=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: random_walk(0), r"^n is 0; it must be a whole number >= 1$"),
        (lambda: random_walk(2.5), r"^n is 2.5; it must be a whole number >= 1$"),
        (lambda: random_walk(5, right=np.nan), r"^R\[5, 0, 6\] is nan, not a finite number$"),
        (lambda: cycle(1), r"^n is 1; it must be a whole number >= 2$"),
        (lambda: cycle(3, mix=-0.5), r"^mix is -0.5; it must be a probability, from 0 to 1$"),
        (lambda: cycle(3, gamma=1.5), r"^gamma is 1.5; it must be a number from 0 to 1$"),
        (lambda: two_state(gamma=np.nan), r"^gamma is nan; it must be a number from 0 to 1$"),
        (lambda: recycling_robot(r_wait=np.inf), r"^R\[0, 1, 0\] is inf, not a finite number$"),
        (lambda: car_rental(gamma=-1), r"^gamma is -1; it must be a number from 0 to 1$"),
    ],
)
def test_small_problems_refuse(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# ---------------------------------------- Garnet


@pytest.mark.parametrize(("S", "A", "K"), [(1, 1, 1), (7, 3, 1), (20, 2, 5), (6, 2, 6)])
def test_garnet_shapes_and_distinct_successors(S, A, K):
    mdp = garnet(S, A, K, rng=np.random.default_rng(0))
    assert isinstance(mdp, SparseMDP)
    assert mdp.prob.shape == (S, A, K)
    assert (np.diff(np.sort(mdp.succ, axis=-1), axis=-1) > 0).all()
    assert mdp.succ.min() >= 0
    assert mdp.succ.max() < S
    np.testing.assert_allclose(mdp.prob.sum(axis=-1), 1.0, rtol=0, atol=1e-14)
    assert not mdp.terminal.any()
    if K == S:
        np.testing.assert_array_equal(np.sort(mdp.succ, axis=-1), np.broadcast_to(np.arange(S), (S, A, S)))


def test_garnet_is_the_seed():
    same = [garnet(9, 2, 3, rng=np.random.default_rng(5)) for _ in range(2)]
    other = garnet(9, 2, 3, rng=np.random.default_rng(6))
    for name in ("succ", "prob", "reward"):
        np.testing.assert_array_equal(getattr(same[0], name), getattr(same[1], name))
        assert (getattr(same[0], name) != getattr(other, name)).any()


def test_garnet_successors_are_uniform_over_sets():
    """All 10 pairs of 5 states, 60 000 times; chi-square with 9 degrees, false failure 1e-4 at 33.7."""
    mdp = garnet(5, 12_000, 2, rng=np.random.default_rng(0))
    pairs = np.sort(mdp.succ.reshape(-1, 2), axis=1) @ [5, 1]
    _, count = np.unique(pairs, return_counts=True)
    assert len(count) == 10
    assert ((count - 6000.0) ** 2 / 6000.0).sum() < 33.7


def test_garnet_probabilities_and_rewards_have_the_stated_laws():
    """Means within 5 standard errors of 60 000 draws: false failure below 1e-6 each."""
    mdp = garnet(5, 12_000, 4, rng=np.random.default_rng(1))
    p, n = mdp.prob.reshape(-1, 4), 60_000  # uniform on the simplex: mean 1/4, variance 3/80
    assert (np.abs(p.mean(axis=0) - 0.25) < 5 * np.sqrt(3 / 80 / n)).all()
    np.testing.assert_allclose(p.var(axis=0), 3 / 80, rtol=0.05)
    assert abs(mdp.expected_reward.mean()) < 5 / np.sqrt(n)
    assert abs(mdp.expected_reward.std() - 1) < 5 / np.sqrt(2 * n)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 1), r"^n_states is 0; it must be a whole number >= 1$"),
        ((3.0, 1, 1), r"^n_states is 3.0; it must be a whole number >= 1$"),
        ((3, 0, 1), r"^n_actions is 0; it must be a whole number >= 1$"),
        ((3, True, 1), r"^n_actions is True; it must be a whole number >= 1$"),
        ((3, 2, 0), r"^branching is 0; it must be a whole number from 1 to 3$"),
        ((3, 2, 4), r"^branching is 4; it must be a whole number from 1 to 3$"),
        ((3, 2, np.nan), r"^branching is nan; it must be a whole number from 1 to 3$"),
    ],
)
def test_garnet_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        garnet(*arguments, rng=np.random.default_rng(0))


def test_garnet_refuses_a_gamma_beyond_1():
    with pytest.raises(ValueError, match=r"^gamma is 1.1; it must be a number from 0 to 1$"):
        garnet(3, 2, 2, gamma=1.1, rng=np.random.default_rng(0))
