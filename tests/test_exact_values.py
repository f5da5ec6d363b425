"""The oracles against each other: linear programs, long sums, and every policy of tiny problems."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from rlcore.exact.values import action_value, occupancy, optimal_value, policy_value
from rlcore.problems.chains import cycle, random_walk, two_state
from rlcore.problems.gambler import gambler
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import GridWorld, cliff, frozen_lake, small_grid, walk, windy
from rlcore.problems.mdp import MDP

SEEDS = range(5)


def random_policy(mdp, rng):
    return rng.dirichlet(np.ones(mdp.n_actions), size=mdp.n_states)


def uniform(mdp):
    return np.full((mdp.n_states, mdp.n_actions), 1 / mdp.n_actions)


def with_ends(seed, gamma):
    """A random MDP whose last two states are terminal, rewards of both signs."""
    rng = np.random.default_rng(seed)
    S, A = 12, 3
    P, R = rng.dirichlet(np.full(S, 0.3), size=(S, A)), rng.normal(size=(S, A, S))
    P[-2:], R[-2:] = 0.0, 0.0
    P[-2, :, -2] = P[-1, :, -1] = 1.0
    terminal = np.arange(S) >= S - 2
    return MDP(P, R, gamma, start=rng.dirichlet(np.ones(S)), terminal=terminal)


def deterministic(succ, reward, gamma=1.0, terminal=()):
    """succ, reward (S, A): where each action leads and what it pays; start uniform."""
    succ = np.asarray(succ)
    S = len(succ)
    return MDP(
        np.eye(S)[succ],
        np.asarray(reward, dtype=float),
        gamma,
        np.full(S, 1 / S),
        np.isin(np.arange(S), terminal),
    )


# ---------------------------------------- policy_value, action_value


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_policy_value_solves_the_bellman_equation(seed, gamma):
    mdp = with_ends(seed, gamma)
    pi = random_policy(mdp, np.random.default_rng(seed))
    for model in (mdp, mdp.sparse()):
        V = policy_value(model, pi)
        assert np.abs(V).max() > 0.1
        np.testing.assert_allclose((pi * model.lookahead(V)).sum(axis=1), V, rtol=0, atol=1e-10)
        np.testing.assert_allclose((pi * action_value(model, pi)).sum(axis=1), V, rtol=0, atol=1e-10)
        assert (V[mdp.terminal] == 0).all()


@pytest.mark.parametrize("gamma", [0.9, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_policy_value_is_the_sum_of_rewards(seed, gamma):
    mdp = with_ends(seed, gamma)
    pi = random_policy(mdp, np.random.default_rng(seed))
    P = np.einsum("sa,san->sn", pi, mdp.P)
    r = np.einsum("sa,san,san->s", pi, mdp.P, mdp.R)
    total, now = np.zeros(mdp.n_states), r
    for t in range(2000):
        total, now = total + gamma**t * now, P @ now
    np.testing.assert_allclose(policy_value(mdp, pi), total, rtol=0, atol=1e-10)


@pytest.mark.parametrize("gamma", [0.7, 1.0])
def test_a_policy_of_actions_is_a_policy_of_certainties(gamma):
    mdp = with_ends(0, gamma)
    pi = np.random.default_rng(0).integers(0, 3, size=mdp.n_states)
    np.testing.assert_array_equal(policy_value(mdp, pi), policy_value(mdp, np.eye(3)[pi]))
    np.testing.assert_array_equal(policy_value(mdp, pi), policy_value(mdp, pi.tolist()))
    np.testing.assert_array_equal(action_value(mdp, pi), mdp.lookahead(policy_value(mdp, pi)))


def test_gamma_1_a_recurrent_class_without_rewards_is_worth_0():
    lake = frozen_lake(gamma=1.0)
    up_on_top = np.where(np.arange(16) < 4, 0, 1)  # sliding along the upper edge for ever, right elsewhere
    V = policy_value(lake, up_on_top)
    assert (V[:4] == 0).all()
    assert 0.3 < V[14] < 1
    unpaid = deterministic([[1], [2], [1]], [[5.0], [0.0], [0.0]])  # 5, then round and round for nothing
    np.testing.assert_array_equal(policy_value(unpaid, [0, 0, 0]), [5.0, 0.0, 0.0])


@pytest.mark.parametrize("unit", [2.0**-40, 1.0, 2.0**40])
def test_gamma_1_rounding_is_not_a_reward(unit):
    third = MDP(
        P=np.ones((1, 3, 1)),
        R=unit * np.array([[0.1, 0.2, -0.3]]),
        gamma=1.0,
        start=np.ones(1),
        terminal=np.zeros(1, dtype=bool),
    )
    assert (np.full(3, 1 / 3) * third.R[0, :, 0]).sum() != 0  # 0.1 + 0.2 - 0.3 in floating point
    assert policy_value(third, np.full((1, 3), 1 / 3)) == 0.0


def test_gamma_1_a_paid_recurrent_class_is_refused():
    loop = deterministic([[0, 1], [1, 1]], [[0.0, 0.0], [0.0, -1.0]])
    np.testing.assert_array_equal(policy_value(loop, [0, 0]), [0.0, 0.0])
    with pytest.raises(
        ValueError, match=r"^gamma is 1 and state 1 is recurrent .* expected reward of -1: the"
    ):
        policy_value(loop, [0, 1])
    swing = deterministic([[1], [0]], [[1.0], [-1.0]])  # 1, 0, 1, 0, ...: bounded, without a limit
    with pytest.raises(ValueError, match=r"state 0 is recurrent under pi with an expected reward of 1"):
        policy_value(swing, [0, 0])
    with pytest.raises(ValueError, match=r"^gamma is 1 and state 5 is recurrent .* of -1: the total reward"):
        policy_value(walk(gamma=1.0), np.full(36, 1))  # right, right, right: into the edge, for ever


# ---------------------------------------- optimal_value


def linear_program(mdp):
    """min sum V  such that  V >= R(., a) + gamma P_a V  for every a, and V = 0 at terminals."""
    S, A = mdp.n_states, mdp.n_actions
    r = np.einsum("san,san->sa", mdp.P, mdp.R)
    rows = (mdp.gamma * mdp.P - np.eye(S)[:, None, :]).reshape(S * A, S)
    bounds = [(0, 0) if end else (None, None) for end in mdp.terminal]
    answer = linprog(np.ones(S), A_ub=rows, b_ub=-r.ravel(), bounds=bounds, method="highs")
    assert answer.success
    return answer.x


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_optimal_value_is_that_of_the_linear_program(seed, gamma):
    mdp = with_ends(seed, gamma)
    if gamma == 1:  # a price on every step keeps the total bounded
        mdp = MDP(mdp.P, mdp.R - 3 * ~mdp.terminal[:, None, None], 1.0, mdp.start, mdp.terminal)
    V = linear_program(mdp)
    np.testing.assert_allclose(optimal_value(mdp), V, rtol=0, atol=1e-6 * np.abs(V).max())
    np.testing.assert_allclose(optimal_value(mdp.sparse()), V, rtol=0, atol=1e-6 * np.abs(V).max())


@pytest.mark.parametrize("seed", SEEDS)
def test_optimal_value_solves_the_optimality_equation_and_is_attained(seed):
    mdp = garnet(40, 4, 5, gamma=0.97, rng=np.random.default_rng(seed))
    V = optimal_value(mdp)
    Q = mdp.lookahead(V)
    np.testing.assert_allclose(Q.max(axis=1), V, rtol=0, atol=1e-10)
    np.testing.assert_allclose(policy_value(mdp, Q.argmax(axis=1)), V, rtol=0, atol=1e-10)
    assert (policy_value(mdp, random_policy(mdp, np.random.default_rng(seed))) < V).all()


@pytest.mark.parametrize(
    "mdp",
    [
        walk(1.0),
        small_grid(),
        cliff(),
        windy(),
        windy(king=True),
        frozen_lake("8x8", 1.0),
        gambler(),
        gambler(0.5),
    ],
    ids=["walk", "small grid", "cliff", "windy", "king", "lake", "gambler", "fair gambler"],
)
def test_gamma_1_on_the_classics(mdp):
    V = optimal_value(mdp)
    np.testing.assert_allclose(V, mdp.lookahead(V).max(axis=1), rtol=0, atol=1e-10)
    np.testing.assert_allclose(optimal_value(mdp.dense()), V, rtol=0, atol=1e-10)
    dense = mdp.dense()
    if (mdp.expected_reward >= 0).all():  # then V* is the smallest solution that is not negative
        r = dense.expected_reward.ravel()
        rows = (dense.P - np.eye(mdp.n_states)[:, None, :]).reshape(len(r), -1)
        least = linprog(np.ones(mdp.n_states), A_ub=rows, b_ub=-r, bounds=(0, None), method="highs").x
    else:
        least = linear_program(dense)
    np.testing.assert_allclose(V, least, rtol=0, atol=1e-7)


def brute_force(mdp):
    """V* at gamma = 1 from all deterministic policies; None where a total is unbounded or none converges.

    A policy counts from s where the walk from s meets only recurrent classes that pay nothing.
    """
    S = mdp.n_states
    r_all = np.einsum("san,san->sa", mdp.P, mdp.R)
    best = np.full(S, -np.inf)
    for pi in itertools.product(range(mdp.n_actions), repeat=S):
        P, r = mdp.P[np.arange(S), pi], r_all[np.arange(S), pi]
        reach = np.linalg.matrix_power(np.eye(S) + (P > 0), S) > 0  # (S, S) bool
        recurrent = (~reach | reach.T).all(axis=1)
        for s in np.flatnonzero(recurrent):
            members = reach[s]
            A = np.vstack([(P.T - np.eye(S))[members][:, members], np.ones(members.sum())])
            share = np.linalg.lstsq(A, np.append(np.zeros(members.sum()), 1.0), rcond=None)[0]
            if share @ r[members] > 1e-9:
                return None
        paid = recurrent & (r != 0)
        counts = ~(reach & paid).any(axis=1)
        move = counts & ~recurrent
        V = np.zeros(S)
        V[move] = np.linalg.solve(np.eye(move.sum()) - P[np.ix_(move, move)], r[move])
        best = np.where(counts, np.maximum(best, V), best)
    return None if np.isinf(best).any() else best


def test_gamma_1_against_every_policy_of_small_problems():
    """Loops that pay, cost, or do neither; ties everywhere, as rewards are -1, 0 or 1."""
    solved = refused = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        S, A = 5, 2
        P = np.zeros((S, A, S))
        for s, a in np.ndindex(S, A):
            ways = rng.choice(S, size=rng.integers(1, 3), replace=False)
            P[s, a, ways] = 1 / len(ways)
        R = rng.choice([-1.0, 0.0, 1.0], p=[0.5, 0.4, 0.1], size=(S, A))
        P[-1], R[-1] = np.eye(S)[-1], 0.0
        mdp = MDP(P, R, 1.0, np.full(S, 1 / S), np.arange(S) == S - 1)
        V = brute_force(mdp)
        if V is None:
            with pytest.raises(ValueError, match="gamma is 1 and"):
                optimal_value(mdp)
            refused += 1
        else:
            np.testing.assert_allclose(optimal_value(mdp), V, rtol=0, atol=1e-9)
            np.testing.assert_allclose(optimal_value(mdp.sparse()), V, rtol=0, atol=1e-9)
            solved += 1
    assert solved > 100
    assert refused > 50


def test_gamma_1_staying_for_nothing_may_be_best():
    """The only way to the goal costs 3; an improper policy is worth 0."""
    mdp = deterministic([[0, 1], [2, 0], [2, 2]], [[0.0, -1.0], [-2.0, -1.0], [0.0, 0.0]], terminal=[2])
    np.testing.assert_array_equal(optimal_value(mdp), [0.0, -1.0, 0.0])


def test_gamma_1_a_zero_loop_does_not_hide_the_way_out():
    """From the loop a prize of 1 can be fetched: its states are tied with one another, not with 0."""
    mdp = deterministic([[1, 0], [0, 2], [2, 2]], [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]], terminal=[2])
    np.testing.assert_array_equal(optimal_value(mdp), [1.0, 1.0, 0.0])


@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_a_terminal_state_is_worth_0_though_its_row_holds_rounding(gamma):
    """The door forgives 1e-8; at gamma 1 a leak of 1e-9 must not make the end a way to somewhere."""
    P = np.array([[[0.0, 1.0], [1.0, 0.0]], [[1e-9, 1 - 1e-9], [0.0, 1.0]]])
    R = np.array([[[0.0, -1.0], [-1.0, 0.0]], [[7.0, 0.0], [0.0, 0.0]]])
    mdp = MDP(P, R, gamma, np.array([1.0, 0.0]), np.array([False, True]))
    for model in (mdp, mdp.sparse()):
        np.testing.assert_array_equal(optimal_value(model), [-1.0, 0.0])
        np.testing.assert_array_equal(policy_value(model, [0, 0]), [-1.0, 0.0])
        np.testing.assert_array_equal(occupancy(model, [0, 0]), [1.0, 0.0])


def test_gamma_1_an_unbounded_total_is_refused():
    circle = deterministic([[1, 2], [0, 2], [2, 2]], [[2.0, 0.0], [-1.0, 0.0], [0.0, 0.0]], terminal=[2])
    with pytest.raises(
        ValueError, match=r"total reward is unbounded: from state \d a loop with a positive mean"
    ):
        optimal_value(circle)
    even = deterministic([[1, 2], [0, 2], [2, 2]], [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]], terminal=[2])
    np.testing.assert_array_equal(optimal_value(even), [1.0, 0.0, 0.0])  # leave at the top


def test_gamma_1_a_state_without_any_total_is_refused():
    trap = deterministic([[0], [1]], [[-1.0], [0.0]], terminal=[1])
    with pytest.raises(
        ValueError, match=r"^gamma is 1 and from state 0 no policy comes to an end or to states without rew"
    ):
        optimal_value(trap)


def test_gamma_1_a_long_way_home():
    """A lock: one wrong digit of 60 leads back to the first; a random walk would need 2**60 moves."""
    n = 60
    succ = [[s + 1, 0] for s in range(n)] + [[n, n]]
    mdp = deterministic(succ, [[-1.0, -1.0]] * n + [[0.0, 0.0]], terminal=[n])
    np.testing.assert_allclose(optimal_value(mdp), -np.arange(n, -1, -1.0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("gamma", [0.5, 0.9, 0.999])
def test_howard_ends_on_ties(gamma):
    """Twins of every action that differ in the order of summation only, and rewards that are all equal."""
    rng = np.random.default_rng(0)
    lists = garnet(30, 2, 6, gamma=gamma, rng=rng)
    shuffles = [rng.permutation(6) for _ in range(8)]
    twins = type(lists)(
        succ=np.concatenate([lists.succ[..., k] for k in shuffles], axis=1),
        prob=np.concatenate([lists.prob[..., k] for k in shuffles], axis=1),
        reward=np.tile(lists.reward[..., 0], 8),
        gamma=gamma,
        start=lists.start,
        terminal=lists.terminal,
    )
    np.testing.assert_allclose(optimal_value(twins), optimal_value(lists), rtol=1e-12)
    level = MDP(lists.dense().P, np.ones((30, 2)), gamma, lists.start, lists.terminal)
    np.testing.assert_allclose(optimal_value(level), 1 / (1 - gamma), rtol=1e-12)


def test_the_unit_of_reward_does_not_matter():
    for mdp in (two_state(), small_grid().dense()):  # gamma 0.9 and 1
        for unit in (1e-15, 1e15):
            scaled = MDP(mdp.P, mdp.R * unit, mdp.gamma, mdp.start, mdp.terminal)
            np.testing.assert_allclose(optimal_value(scaled), unit * optimal_value(mdp), rtol=1e-12)


# ---------------------------------------- occupancy


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_performance_is_start_times_value_and_occupancy_times_reward(seed, gamma):
    mdp = with_ends(seed, gamma)
    pi = random_policy(mdp, np.random.default_rng(seed))
    for model in (mdp, mdp.sparse()):
        d = occupancy(model, pi)
        r = (pi * model.expected_reward).sum(axis=1)
        assert d @ r == pytest.approx(mdp.start @ policy_value(model, pi), abs=1e-10)
        assert (d[mdp.terminal] == 0).all()
        assert (d[~mdp.terminal] > 0).all()


def test_occupancy_is_the_sum_over_time():
    mdp = with_ends(1, 0.9)
    pi = random_policy(mdp, np.random.default_rng(1))
    P = np.einsum("sa,san->sn", pi, mdp.P)
    total, now = np.zeros(mdp.n_states), mdp.start
    for t in range(400):
        total, now = total + 0.9**t * now, now @ P
    total[mdp.terminal] = 0.0
    np.testing.assert_allclose(occupancy(mdp, pi), total, rtol=0, atol=1e-12)


def test_occupancy_without_an_end_sums_to_the_discounted_number_of_steps():
    mdp = cycle(7, 0.8, mix=0.3)
    assert occupancy(mdp, np.zeros(7, int)).sum() == pytest.approx(1 / (1 - 0.8), rel=1e-12)


def test_occupancy_of_a_random_walk():
    """From the middle of five states each is visited 1, 2, 3, 2, 1 times in the mean."""
    d = occupancy(random_walk(5), np.zeros(7, int))
    np.testing.assert_allclose(d, [0, 1, 2, 3, 2, 1, 0], rtol=0, atol=1e-12)


def test_gamma_1_an_endless_visit_is_refused_where_it_is_reached():
    grid = GridWorld("S.G", gamma=1.0)
    with pytest.raises(
        ValueError, match=r"^gamma is 1 and pi reaches state 0, which is recurrent and not terminal"
    ):
        occupancy(grid, np.full(3, 3))
    one_way = GridWorld("A.SG", gamma=1.0, start={"S": 1.0, "A": 0.0})
    go_right_at_S = np.array([3, 3, 1, 0])  # states 0 and 1 would stay for ever, but are never reached
    np.testing.assert_array_equal(occupancy(one_way, go_right_at_S), [0.0, 0.0, 1.0, 0.0])


# ---------------------------------------- the door


@pytest.mark.parametrize("of", [policy_value, action_value, occupancy])
@pytest.mark.parametrize(
    ("pi", "message"),
    [
        ([0, 2], r"^pi\[1\] is 2, not an action; actions are 0 to 1$"),
        ([-1, 0], r"^pi\[0\] is -1, not an action; actions are 0 to 1$"),
        (
            [0.0, 1.0],
            r"^pi is float64 \(2,\); it must be \(2,\) int, an action a state, or \(2, 2\), the prob",
        ),
        ([True, False], r"^pi is bool \(2,\); it must be \(2,\) int"),
        ([0, 1, 0], r"^pi is int64 \(3,\)"),
        ([[0.5, 0.5]], r"^pi is float64 \(1, 2\)"),
        ([[0.5, 0.5], [1.5, -0.5]], r"^pi\[1, 1\] is -0.5, not a probability$"),
        ([[0.5, 0.5], [np.nan, 1.0]], r"^pi\[1, 0\] is nan, not a probability$"),
        ([[0.5, 0.5], [np.inf, 1.0]], r"^pi\[1, 0\] is inf, not a probability$"),
        ([[0.5, 0.6], [0.5, 0.5]], r"^pi\[0\] sums to 1.1, not 1$"),
        (None, r"^pi is object \(\)"),
        ([], r"^pi is float64 \(0,\)"),
        ([[0.5, 0.5], [1.0]], r"^pi must be an array, \(2,\) or \(2, 2\)$"),
    ],
)
def test_what_is_not_a_policy_is_refused(of, pi, message):
    if isinstance(pi, list) and pi == [0, 1, 0]:
        pi = np.array(pi, dtype=np.int64)  # also where the default integer is 32 bits wide
    with pytest.raises(ValueError, match=message):
        of(two_state(), pi)
