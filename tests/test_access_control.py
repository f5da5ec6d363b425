"""Access control: its table against the rules told in words, its best policy, and the doors of both files."""

import numpy as np
import pytest

from rlcore.exact.average import average_reward, optimal_average_reward, stationary
from rlcore.problems.access_control import ACCEPT, REJECT, access_control, free_and_customer, released
from rlcore.problems.chains import cycle, random_walk, recycling_robot, two_state
from rlcore.problems.mdp import MDP

PAYMENT = np.array([1.0, 2.0, 4.0, 8.0])


@pytest.fixture(scope="module")
def queue():
    return access_control()


def threshold_policy(least):
    """Accept customer k where at least least[k] servers are free.   (4,) -> (44,) int"""
    free, customer = free_and_customer(np.arange(44))
    return (free >= np.maximum(1, np.array(least)[customer])).astype(int)


def best_by_linear_programming(mdp):
    """max sum_sa d(s, a) r(s, a) over the frequencies d that a policy can have."""
    from scipy.optimize import linprog

    S, A = mdp.n_states, mdp.n_actions
    flow = np.repeat(np.eye(S), A, axis=1) - mdp.P.reshape(S * A, S).T  # out of a state = into it
    found = linprog(
        -mdp.expected_reward.ravel(), A_eq=np.vstack([flow, np.ones(S * A)]), b_eq=np.eye(S + 1)[S]
    )
    return -found.fun


def best_by_relative_value_iteration(mdp, sweeps=1500):
    """The growth of V a sweep, between its least and its largest: they enclose the best rate."""
    V = np.zeros(mdp.n_states)
    for _ in range(sweeps):
        V_next = (mdp.expected_reward + mdp.P @ V).max(axis=1)
        growth = V_next - V
        V = V_next - V_next[0]
    return growth.min(), growth.max()


# ---------------------------------------------------------------- the table


def test_what_a_state_is(queue):
    assert (queue.n_states, queue.n_actions, queue.gamma) == (44, 2, 1.0)
    assert not queue.terminal.any()
    assert free_and_customer(4 * 7 + 2) == (7, 2)
    np.testing.assert_array_equal(queue.start.nonzero()[0], [40, 41, 42, 43])  # all servers free
    np.testing.assert_array_equal(queue.expected_reward[4:, ACCEPT].reshape(10, 4), np.tile(PAYMENT, (10, 1)))
    assert (queue.expected_reward[:, REJECT] == 0).all()
    assert (queue.expected_reward[:4] == 0).all()  # nobody to serve them: a refusal is forced
    np.testing.assert_array_equal(queue.P[:4, ACCEPT], queue.P[:4, REJECT])


def test_the_servers_that_become_free_are_binomial():
    from scipy.stats import binom

    n, k = np.indices((11, 11))
    np.testing.assert_allclose(released(10, 0.06), binom.pmf(k, n, 0.06), rtol=1e-12, atol=0)


def test_transitions_against_the_rules_told_in_words(queue):
    """30,000 steps, server by server, from each of 6 states; frequencies of the free servers at 5 standard errors.

    48 comparisons, false failure below 3e-5.
    """
    rng, n = np.random.default_rng(0), 30_000
    for free, action in [(0, REJECT), (0, ACCEPT), (1, ACCEPT), (4, REJECT), (4, ACCEPT), (10, ACCEPT)]:
        busy = 10 - free + (action == ACCEPT and free > 0)
        now_free = 10 - busy + (rng.random((n, busy)) < 0.06).sum(axis=1)
        frequency = np.bincount(now_free, minlength=11) / n
        p = queue.P[4 * free + 1, action].reshape(11, 4).sum(axis=1)
        likely = p > 1e-3
        assert (np.abs(frequency - p) <= 5 * np.sqrt(p * (1 - p) / n))[likely].all()
        assert p[: 10 - busy].sum() == 0
    customers = queue.P.reshape(44, 2, 11, 4).sum(axis=2)
    np.testing.assert_allclose(customers, 0.25, rtol=0, atol=1e-15)


def test_nothing_is_special_about_ten_servers():
    """One server, one priority, accept: served for a geometric time of mean 1 / p, and at least one step."""
    rate, _ = average_reward(access_control(1, [5.0], 0.2), np.array([ACCEPT, ACCEPT]))
    assert rate == pytest.approx(5 * 0.2, abs=1e-14)  # whoever leaves makes room for the next one at once


# ---------------------------------------------------------------- the best that can be done


def test_the_best_average_reward_by_three_methods(queue):
    rate, V, pi = optimal_average_reward(queue)
    assert rate == pytest.approx(2.7476419506, abs=1e-10)
    assert rate == pytest.approx(best_by_linear_programming(queue), abs=1e-6)
    low, high = best_by_relative_value_iteration(queue)
    assert low - 1e-9 <= rate <= high + 1e-9
    assert high - low < 1e-8
    np.testing.assert_allclose(V + rate, (queue.expected_reward + queue.P @ V).max(axis=1), rtol=0, atol=1e-9)
    assert average_reward(queue, pi)[0] == pytest.approx(rate, abs=1e-12)


def test_the_best_policy_is_one_threshold_a_priority(queue):
    """As in Figure 10.5 of Sutton & Barto: the less a customer pays, the more servers must be free."""
    _, V, pi = optimal_average_reward(queue)
    np.testing.assert_array_equal(pi, threshold_policy([11, 4, 1, 1]))  # 1 is turned away, always
    picture = V.reshape(11, 4)
    assert (np.diff(picture, axis=0) > 0).all()  # a free server is worth something ...
    assert (np.diff(picture, axis=0, n=2) < 0).all()  # ... and less, the more there are
    assert (np.diff(picture, axis=1) >= -1e-12).all()  # customers turned away are worth the same


def test_no_threshold_policy_is_better(queue):
    """And what greed costs: whoever accepts everybody earns a fifth less."""
    rng = np.random.default_rng(1)
    rate, _, _ = optimal_average_reward(queue)
    for _ in range(50):
        assert average_reward(queue, threshold_policy(rng.integers(1, 12, 4)))[0] <= rate + 1e-12
    assert average_reward(queue, threshold_policy([1, 1, 1, 1]))[0] == pytest.approx(2.1814127197, abs=1e-9)


def test_the_best_policy_that_explores(queue):
    """With a tenth of the decisions at random the best rate is 2.6469: what a learner with epsilon = 0.1 can reach."""
    P = 0.9 * queue.P + 0.1 * queue.P.mean(axis=1, keepdims=True)
    R = 0.9 * queue.expected_reward + 0.1 * queue.expected_reward.mean(axis=1, keepdims=True)
    rate, _, pi = optimal_average_reward(MDP(P, R, 1.0, queue.start, queue.terminal))
    assert rate == pytest.approx(2.6468943683, abs=1e-9)
    np.testing.assert_array_equal(pi, threshold_policy([10, 4, 1, 1]))


# ---------------------------------------------------------------- the oracle itself


def test_average_reward_of_chains_known_by_heart():
    rate, V = average_reward(cycle(5), np.zeros(5, int))  # a round of five steps pays 1; periodic
    assert rate == pytest.approx(0.2, abs=1e-14)
    np.testing.assert_allclose(V, [-0.4, -0.2, 0.0, 0.2, 0.4], rtol=0, atol=1e-13)
    robot = recycling_robot()
    always_search = np.zeros(2, int)
    mu = stationary(robot.P[np.arange(2), always_search])
    np.testing.assert_allclose(mu, [0.8, 0.2], rtol=0, atol=1e-14)
    expected = 0.8 * 2.0 + 0.2 * (0.6 * 2.0 - 0.4 * 3.0)
    assert average_reward(robot, always_search)[0] == pytest.approx(expected, abs=1e-14)
    assert average_reward(robot.sparse(), always_search)[0] == pytest.approx(expected, abs=1e-14)


def test_average_reward_is_the_limit_of_the_discounted_one():
    """(1 - gamma) V_gamma tends to the rate, and V_gamma(s) - V_gamma(s') to V(s) - V(s')."""
    from rlcore.exact.values import policy_value

    pi = np.array([[0.3, 0.7], [0.6, 0.4]])
    rate, V = average_reward(two_state(), pi)
    near = policy_value(two_state(1 - 1e-7), pi)
    assert near[0] * 1e-7 == pytest.approx(rate, abs=1e-5)
    assert near[1] - near[0] == pytest.approx(V[1] - V[0], abs=1e-5)


def test_a_long_walk_earns_the_rate(queue):
    """2,000 walkers, 400 steps after 200 to forget the start; 4 standard errors, false failure 6.3e-5."""
    rng, pi = np.random.default_rng(2), threshold_policy([8, 4, 2, 1])
    state, total = queue.reset(rng, 2000), np.zeros(2000)
    for t in range(600):
        state, reward, _ = queue.step(state, pi[state], rng)
        total += reward * (t >= 200)
    mean = total / 400
    z = (mean.mean() - average_reward(queue, pi)[0]) / (mean.std() / np.sqrt(2000))
    assert abs(z) <= 4


# ---------------------------------------------------------------- the doors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"servers": 0}, r"servers is 0; it must be a whole number >= 1"),
        ({"servers": 2.0}, r"servers is 2.0"),
        ({"p_free": 1.5}, r"p_free is 1.5; it must be a probability"),
        ({"p_free": np.nan}, r"p_free is nan"),
        ({"payment": []}, r"payment is \[\]; it must be finite numbers, one a priority"),
        ({"payment": [1.0, np.inf]}, r"payment is \[1.0, inf\]"),
        ({"payment": 3.0}, r"payment is 3.0"),
        ({"payment": ["a"]}, r"payment is \['a'\]"),
        ({"horizon": 0}, r"horizon is 0"),
    ],
)
def test_the_queue_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        access_control(**arguments)


def test_the_average_refuses_what_has_none():
    with pytest.raises(ValueError, match=r"mdp has terminal states"):
        average_reward(random_walk(), np.zeros(7, int))
    stay = MDP(np.eye(3)[:, None, :], np.zeros((3, 1)), 0.9, np.ones(3) / 3, np.zeros(3, bool))
    with pytest.raises(ValueError, match=r"falls into parts"):
        average_reward(stay, np.zeros(3, int))
    with pytest.raises(ValueError, match=r"pi\[0\] is 3, not an action"):
        average_reward(two_state(), np.array([3, 0]))
