"""CartPole: the published transitions, Gymnasium step by step, and what simple policies score."""

import gymnasium
import numpy as np
import pytest

from rlcore.problems.cartpole import THETA_LIMIT, X_LIMIT, CartPole, balancing_rule, fallen

ENV = CartPole()
TABLE = [  # state, action, next state, terminated: CartPole-v1 of Gymnasium 1.4
    ([0, 0, 0, 0], 0, [0.0, -0.1951219512195122, 0.0, 0.2926829268292683], False),
    ([0, 0, 0, 0], 1, [0.0, 0.1951219512195122, 0.0, -0.2926829268292683], False),
    ([0.01, -0.02, 0.03, 0.04], 0, [0.0096, -0.21553901710278936, 0.0308, 0.34199522377603914], False),
    ([0.01, -0.02, 0.03, 0.04], 1, [0.0096, 0.17467919574755525, 0.0308, -0.2430687179600081], False),
    ([1.0, 0.5, -0.1, -0.7], 0, [1.01, 0.3063961178087904, -0.114, -0.4403960207027929], False),
    ([1.0, 0.5, -0.1, -0.7], 1, [1.01, 0.6963556338700657, -0.114, -1.022413034858951], False),
    ([-2.3, -1.5, 0.2, 1.0], 0, [-2.33, -1.6971511669191535, 0.22, 1.348240687473541], True),
    ([-2.3, -1.5, 0.2, 1.0], 1, [-2.33, -1.3080310482136932, 0.22, 0.776195252810284], True),
]


def scores(policy, n, rng):
    """Undiscounted returns of n episodes in lock-step.   policy(state (n, 4)) -> (n,)"""
    state, score = ENV.reset(rng, n), np.zeros(n)
    for _ in range(ENV.horizon):
        state, reward, terminated = ENV.step(state, policy(state), rng)
        score += reward
        if terminated.all():
            break
    return score


def test_published_transitions():
    states, actions, successors, ends = (np.array(column) for column in zip(*TABLE))
    s_next, reward, terminated = ENV.step(states.astype(float), actions, np.random.default_rng(0))
    np.testing.assert_allclose(s_next, successors, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(terminated, ends)
    np.testing.assert_array_equal(reward, np.ones(len(TABLE)))  # the step that ends the episode is paid too


def test_the_same_bits_as_gymnasium_step_by_step():
    """150 episodes from Gymnasium's own seeds: starts, states, rewards and ends are equal, not only close."""
    theirs = gymnasium.make("CartPole-v1").unwrapped
    rng, steps = np.random.default_rng(1), 0
    for seed in range(150):
        theirs.reset(seed=seed)
        state, terminated = ENV.reset(np.random.default_rng(seed)), False
        np.testing.assert_array_equal(state, theirs.state)
        while not terminated:
            # half of the episodes balance for a while, so that the cart runs off the track as well
            balanced = seed % 2 and rng.random() < 0.9
            action = int(balancing_rule(state)) if balanced else int(rng.integers(2))
            _, their_reward, theirs_ended, _, _ = theirs.step(action)
            state, reward, terminated = ENV.step(state, action, rng)
            assert (state == theirs.state).all()
            assert (reward, terminated) == (their_reward, theirs_ended)
            steps += 1
    assert steps > 10_000


def test_many_lanes_give_the_same_bits_as_gymnasium():
    """4,000 states anywhere, standing: vectorised sines and cosines are those of one number."""
    rng = np.random.default_rng(2)
    states = rng.uniform(-1, 1, (4000, 4)) * [X_LIMIT, 4.0, THETA_LIMIT, 4.0]
    actions = rng.integers(2, size=4000)
    s_next, _, terminated = ENV.step(states, actions, rng)
    theirs = gymnasium.make("CartPole-v1").unwrapped
    theirs.reset(seed=0)
    for i in range(4000):
        theirs.state, theirs.steps_beyond_terminated = states[i], None
        assert theirs.step(int(actions[i]))[2] == terminated[i]
        np.testing.assert_array_equal(theirs.state, s_next[i])
    assert 100 < terminated.sum() < 3900


@pytest.mark.parametrize(
    ("state", "down"),
    [
        ([X_LIMIT, 0, 0, 0], False),  # the limit itself is still inside
        ([np.nextafter(X_LIMIT, 3), 0, 0, 0], True),
        ([np.nextafter(-X_LIMIT, -3), 0, 0, 0], True),
        ([0, 0, THETA_LIMIT, 0], False),
        ([0, 0, np.nextafter(THETA_LIMIT, 1), 0], True),
        ([0, 9.0, -THETA_LIMIT - 1e-12, 9.0], True),
    ],
)
def test_where_the_end_begins(state, down):
    assert fallen(np.array(state, dtype=float)) == down


def test_a_fallen_pole_stays_beside_one_that_moves():
    states = np.array([[0, 0, 0.3, 1.0], [0, 0, 0, 0], [2.5, 1.0, 0, 0]])
    s_next, reward, terminated = ENV.step(states, np.array([0, 1, 1]), np.random.default_rng(0))
    np.testing.assert_array_equal(s_next[[0, 2]], states[[0, 2]])
    assert (s_next[1] != states[1]).any()
    np.testing.assert_array_equal(reward, [0, 1, 0])
    np.testing.assert_array_equal(terminated, [True, False, True])


def test_leading_axes_of_any_shape():
    rng = np.random.default_rng(3)
    states, actions = ENV.reset(rng, 24), rng.integers(2, size=24)
    flat = ENV.step(states, actions, rng)
    block = ENV.step(states.reshape(2, 3, 4, 4), actions.reshape(2, 3, 4), rng)
    for one, other in zip(flat, block):
        np.testing.assert_array_equal(np.reshape(one, np.shape(other)), other)


def test_a_uniform_policy_scores_what_is_published():
    """Published: mean return 22.2615, standard error 0.0591.  |z| <= 4: false failure 6.3e-5."""
    rng = np.random.default_rng(4)
    score = scores(lambda state: rng.integers(2, size=len(state)), 20_000, rng)
    z = (score.mean() - 22.261525) / np.hypot(score.std() / np.sqrt(len(score)), 0.05907)
    assert abs(z) <= 4


def test_a_linear_rule_balances_for_ever():
    assert (scores(balancing_rule, 2000, np.random.default_rng(5)) == 500).all()
    # without the speed the rule is not enough: the pole swings up and falls within a second
    assert scores(lambda s: (s[:, 2] > 0).astype(int), 500, np.random.default_rng(6)).mean() < 60


def test_starts_are_uniform_in_a_small_box():
    """40,000 numbers; mean and variance at 5 standard errors, false failure below 2e-6."""
    x = ENV.reset(np.random.default_rng(7), 10_000).ravel()
    assert x.min() >= -0.05
    assert x.max() < 0.05
    var = 0.1**2 / 12
    assert abs(x.mean()) < 5 * np.sqrt(var / x.size)
    assert abs(x.var() - var) < 5 * np.sqrt((0.05**4 / 5 - var**2) / x.size)


@pytest.mark.parametrize("horizon", [0, -1, 2.0, "500", None, True, np.nan])
def test_a_horizon_is_a_whole_number_of_steps(horizon):
    with pytest.raises(ValueError, match=r"^horizon is .*; it must be a whole number >= 1$"):
        CartPole(horizon=horizon)


def test_a_longer_horizon():
    assert CartPole(horizon=10_000).horizon == 10_000
