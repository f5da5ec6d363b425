"""Probes: what each says of itself, by linear algebra, by walks, and for the faults they are there to find."""

import numpy as np
import pytest

from rlcore.exact.values import optimal_value, policy_value
from rlcore.learning.rollout import Runner
from rlcore.problems.clock import at_any_time, with_clock
from rlcore.problems.probes import PROBES, Aim, cut_short

GAMMAS = (0.0, 0.5, 0.9)
VALUES = {  # gamma, pi(1 | 0), pi(1 | 1) -> V, as the docstrings state it
    "one_step": lambda gamma, p, q: [1, 0],
    "two_steps": lambda gamma, p, q: [gamma, 1, 0],
    "constant_reward": lambda gamma, p, q: [2 / (2 - gamma), 0],
    "two_values": lambda gamma, p, q: [1, -1, 0],
    "one_choice": lambda gamma, p, q: [p, 0],
    "two_choices": lambda gamma, p, q: [1 - p, q, 0],
    "cut_short": lambda gamma, p, q: [gamma / (1 - gamma), 1 / (1 - gamma)],
}
BEST = {"one_choice": [1, 0], "two_choices": [1, 1, 0]}


def policy(env, p, q):
    """The first state takes action 1 with probability p, the others with q.   -> (S, A)"""
    if env.n_actions == 1:
        return np.ones((env.n_states, 1))
    one = np.array([p] + [q] * (env.n_states - 1))
    return np.stack([1 - one, one], axis=-1)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("name", PROBES)
def test_the_stated_values(name, gamma):
    env = PROBES[name](gamma)
    for p, q in ((0.3, 0.8), (0.5, 0.5), (1.0, 0.0)):
        V = policy_value(env, policy(env, p, q))
        np.testing.assert_allclose(V, VALUES[name](gamma, p, q), rtol=0, atol=1e-12)
    best = BEST.get(name, VALUES[name](gamma, 0, 0))
    np.testing.assert_allclose(optimal_value(env), best, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(PROBES.keys() - {"cut_short"}))
def test_without_a_discount_the_values_are_sums(name):
    env = PROBES[name](1.0)
    V = policy_value(env, policy(env, 0.3, 0.8))
    np.testing.assert_allclose(V, VALUES[name](1.0, 0.3, 0.8), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PROBES)
def test_walks_end_as_they_should(name):
    """Terminated where the problem ends, truncated in `cut_short` alone, after 3 steps; all starts are met."""
    env = PROBES[name]()
    n = env.n_actions
    tape = Runner(env, 50, np.random.default_rng(0)).collect(lambda s, rng: (rng.integers(n, size=50), s), 60)
    assert tape.truncated.any() == (name == "cut_short")
    assert tape.terminated.any() != (name == "cut_short")
    assert set(np.unique(tape.state[0])) == set(np.flatnonzero(env.start))
    if name == "cut_short":
        assert np.flatnonzero(tape.truncated.all(axis=1)).tolist() == list(range(2, 60, 3))


def test_what_a_fault_makes_of_cut_short():
    """TD's fixed point on the tape's own transitions, right and with the two faults of the docstring."""
    gamma, env = 0.9, cut_short()
    tape = Runner(env, 1, np.random.default_rng(0)).collect(lambda s, rng: (s * 0, s), 30)
    state, after, reward, done = (x[:, 0] for x in (tape.state, tape.next_state, tape.reward, tape.done))
    reset = np.append(state[1:], env.reset(np.random.default_rng(0)))

    def fixed_point(weight, successor):
        """V(s) = mean of r + gamma weight V(successor) over the visits of s."""
        visits, here = np.bincount(state), np.eye(2)[state]
        A = np.diag(visits) - gamma * here.T @ (weight[:, None] * np.eye(2)[successor])
        return np.linalg.solve(A, here.T @ reward)

    np.testing.assert_allclose(fixed_point(np.ones(30), after), [9, 10], rtol=0, atol=1e-12)
    np.testing.assert_allclose(fixed_point(1.0 - done, after)[1], 1 / (1 - gamma / 2), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        fixed_point(np.ones(30), reset)[1], 1 / (1 - (gamma + gamma**2) / 2), rtol=0, atol=1e-12
    )


def test_a_clock_takes_the_place_of_a_time_limit():
    """The cut is an end then: three steps pay 0, 1, 1, and nothing is truncated any more."""
    env = with_clock(cut_short(), 3)
    pi = at_any_time(np.ones((2, 1)), 3)
    assert env.start @ policy_value(env, pi) == pytest.approx(0.9 + 0.81, abs=1e-12)
    assert env.horizon is None


@pytest.mark.parametrize("gamma", [-0.1, 1.5, np.nan, None, "0.9", True])
@pytest.mark.parametrize("name", PROBES)
def test_a_bad_gamma_is_refused(name, gamma):
    with pytest.raises(ValueError, match="gamma is"):
        PROBES[name](gamma)


def test_cut_short_needs_a_discount():
    with pytest.raises(ValueError, match=r"gamma is 1\.0; it must be below 1"):
        cut_short(1.0)


def test_aim_by_hand():
    env, rng = Aim(), np.random.default_rng(0)
    state = np.array([[0.5, 0.0], [-1.0, 0.0], [0.5, 1.0]])
    s_next, reward, terminated = env.step(state, np.array([[0.5], [2.0], [0.0]]), rng)
    np.testing.assert_array_equal(s_next, [[0.5, 1], [-1, 1], [0.5, 1]])
    np.testing.assert_array_equal(reward, [0, -9, 0])  # the last was over before
    np.testing.assert_array_equal(terminated, [True, True, True])
    np.testing.assert_array_equal(env.observe(state), [[0.5], [-1.0], [0.5]])
    assert (env.actions.low.tolist(), env.actions.high.tolist(), env.horizon) == ([-2.0], [2.0], 1)


def test_aim_pays_a_gaussian_policy_what_it_says():
    """40,000 shots of a ~ N(x / 2, 0.3^2): the mean of -(x / 2)^2 - 0.09 over x is -1/12 - 0.09.  |z| <= 4: 6.3e-5"""
    env, rng, n = Aim(), np.random.default_rng(1), 40_000
    state = env.reset(rng, n)
    x = state[:, :1]
    assert -1 <= x.min() < -0.999
    assert 0.999 < x.max() < 1
    _, reward, _ = env.step(state, 0.5 * x + 0.3 * rng.standard_normal((n, 1)), rng)
    assert abs(reward.mean() + 1 / 12 + 0.09) <= 4 * reward.std() / np.sqrt(n)


def test_aim_is_one_step_long():
    tape = Runner(Aim(), 4, np.random.default_rng(2)).collect(lambda s, rng: (s[:, :1], np.zeros(4)), 10)
    assert tape.terminated.all()
    assert not tape.truncated.any()
    np.testing.assert_array_equal(tape.reward, np.zeros((10, 4)))
