"""REINFORCE with linear preferences: one loop for one run and for many, its step on average, what it learns."""

import numpy as np
import pytest

from rlcore.algorithms.linear_reinforce import _gradients, linear_reinforce
from rlcore.exact.gradients import performance, policy_gradient
from rlcore.exact.moments import trajectories
from rlcore.exact.values import optimal_value
from rlcore.learning.episodes import Episode
from rlcore.numerics import softmax
from rlcore.plain.reinforce import reinforce
from rlcore.problems.bandits import BernoulliBandit
from rlcore.problems.chains import Blindfold, MaximizationBias, short_corridor, two_state
from rlcore.problems.clock import at_any_time, with_clock
from rlcore.problems.gridworlds import GridWorld
from rlcore.problems.pendulum import Pendulum

POOR = np.log([[0.95, 0.05]])  # goes right once in twenty steps


def corridor(horizon=None):
    return Blindfold(short_corridor(horizon=horizon))


def grid(horizon=None):
    return GridWorld(["S..", "..G"], gamma=1.0, enter={"G": 10.0}, horizon=horizon)


CASES = {
    "blind": (corridor(), 12, 2**-13, 0.0, 1.0, POOR),
    "blind, with a baseline": (corridor(), 12, 2**-7, 0.25, 0.9, POOR),
    "blind, cut": (corridor(horizon=20), 20, 2**-10, 0.25, 1.0, POOR),
    "table": (grid(), 15, 0.05, 0.0, 0.9, None),
    "table, with a baseline": (grid(horizon=9), 15, 0.05, 0.1, 0.9, np.linspace(-1, 1, 24).reshape(6, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_run_is_the_plain_loop(name):
    """The same stream, the same weights, to 1e-10."""
    env, episodes, alpha, alpha_w, gamma, theta = CASES[name]
    shared = {"episodes": episodes, "alpha": alpha, "alpha_w": alpha_w, "gamma": gamma}
    start = 0.0 if theta is None else theta
    fast = linear_reinforce(env, **shared, theta=start, rng=np.random.default_rng(3))
    slow_theta, slow_w = reinforce(env, **shared, theta=theta, rng=np.random.default_rng(3))
    assert np.abs(slow_theta - start).max() > 0.01
    np.testing.assert_allclose(fast.theta[0], slow_theta, rtol=0, atol=1e-10)
    np.testing.assert_allclose(fast.w[0], slow_w, rtol=0, atol=1e-10)
    assert (np.abs(slow_w).max() > 0.01) == (alpha_w > 0)


@pytest.mark.parametrize("w", [0.0, 3.0])
def test_the_step_is_the_gradient_on_average(w):
    """Over every trajectory of two states with a clock, whatever the baseline, 1e-12."""
    mdp = with_clock(two_state(), 4)
    theta = at_any_time(np.array([[0.2, -0.1], [0.0, 0.5]]), 4)
    walks = trajectories(mdp, softmax(theta), 4)
    p, (T, N) = walks.probability, walks.state.shape
    episodes = Episode(np.arange(N), walks.state, walks.action, walks.reward, np.full(N, T))
    many = np.broadcast_to(theta, (N, *theta.shape)), np.full((N, mdp.n_states), w)
    g, d_w = _gradients(episodes, mdp.observe(walks.state), *many, mdp.gamma)
    np.testing.assert_allclose(np.tensordot(p, g, 1), policy_gradient(mdp, theta), rtol=0, atol=1e-12)
    if w == 0:  # at step t the return is G_t: its mean over the four steps is what the mean error is
        J = performance(mdp, softmax(theta))
        assert 4 * (p @ d_w)[:2].sum() == pytest.approx(J, abs=1e-12)


def test_episodes_that_end_together_do_not_mix():
    """Of 2 and 4 steps, with a rest of another walk below the short one: as each of them alone."""
    rng = np.random.default_rng(2)
    state, action = rng.integers(3, size=(4, 2)), rng.integers(2, size=(4, 2))
    reward, length = rng.normal(size=(4, 2)), np.array([2, 4])
    theta, w = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3))
    both = _gradients(Episode(np.arange(2), state, action, reward, length), np.eye(3)[state], theta, w, 0.8)
    for n, T in enumerate(length):
        part = (x[:T, [n]] for x in (state, action, reward))
        episode = Episode(np.zeros(1, int), *part, length[[n]])
        alone = _gradients(episode, np.eye(3)[episode.state], theta[[n]], w[[n]], 0.8)
        for mine, one in zip(both, alone):
            assert np.abs(one).max() > 0.1
            np.testing.assert_allclose(mine[n], one[0], rtol=0, atol=1e-12)


def test_runs_are_independent_and_each_has_its_own_step_size():
    shared = {"episodes": 30, "gamma": 1.0, "theta": POOR, "rng": np.random.default_rng(0), "runs": 3}
    out = linear_reinforce(corridor(), alpha=[0.0, 2**-14, 2**-13], alpha_w=[0.0, 0.5, 0.0], **shared)
    np.testing.assert_array_equal(out.theta[0], POOR)
    assert len(np.unique(out.theta[:, 0, 1])) == 3
    assert (out.w[:, 0] != 0).tolist() == [False, True, False]
    np.testing.assert_array_equal(out.returns, -out.lengths)
    assert (out.lengths >= 3).all()
    np.testing.assert_allclose(out.theta.sum(axis=2), POOR.sum(), rtol=0, atol=1e-12)  # scores sum to 0


def test_every_run_walks_by_its_own_policy():
    """The first never learns: 82 steps on average, if not cut at 200. Twenty others need less than 25."""
    alpha = [0.0, *[2**-10] * 20]
    out = linear_reinforce(
        corridor(horizon=200),
        episodes=80,
        alpha=alpha,
        gamma=1.0,
        theta=POOR,
        runs=21,
        rng=np.random.default_rng(0),
    )
    assert out.lengths[0, 40:].mean() > 45
    assert out.lengths[1:, 40:].mean() < 25


def test_the_same_seed_gives_the_same_runs():
    run = lambda seed: linear_reinforce(
        grid(), episodes=10, alpha=0.05, gamma=1.0, runs=4, rng=np.random.default_rng(seed)
    )
    np.testing.assert_array_equal(run(1).theta, run(1).theta)
    assert (run(1).theta != run(2).theta).any()


def test_a_grid_is_learned():
    """Seed 0 of 8 runs: the mean policy is within 0.3 of the best; uniform steps are 20 below it."""
    env = grid()
    out = linear_reinforce(
        env, episodes=300, alpha=0.05, alpha_w=0.3, gamma=1.0, runs=8, rng=np.random.default_rng(0)
    )
    J = [performance(env, softmax(theta)) for theta in out.theta]
    best = float(env.start @ optimal_value(env))
    assert performance(env, np.full((6, 4), 0.25)) < best - 10
    assert np.mean(J) > best - 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": -1.0}, r"^alpha is -1; it must be from 0 to 1$"),
        ({"alpha": [0.1, np.nan]}, r"^alpha\[1\] is nan"),
        ({"alpha": [0.1, 0.1, 0.1]}, r"^alpha is .*; it must be a number from 0 to 1, or 2 of them"),
        ({"alpha_w": "fast"}, r"^alpha_w is 'fast'"),
        ({"gamma": 1.5}, r"^gamma is 1.5; it must be a number from 0 to 1$"),
        ({"theta": np.zeros((2, 2))}, r"^theta is float64 \(2, 2\); it must be a number or \(1, 2\)$"),
        ({"theta": [["a", "b"]]}, r"^theta is <U1 \(1, 2\)"),
        ({"theta": [[0.0, np.inf]]}, r"^theta\[0, 1\] is inf; it must be a finite number$"),
        ({"theta": np.nan}, r"^theta is nan; it must be a finite number$"),
        ({"theta": [[0.0], [0.0, 1.0]]}, r"^theta must be a number or an array \(1, 2\)"),
        ({"theta": []}, r"^theta is float64 \(0,\)"),
        ({"episodes": 0}, r"^episodes is 0"),
        ({"runs": 1.5}, r"^runs is 1.5"),
        ({"rng": 0}, r"^rng is"),
        ({"env": Pendulum()}, r"^env is Pendulum; it must show features and have numbered actions$"),
        ({"env": BernoulliBandit(np.full((2, 2), 0.5))}, r"^env is BernoulliBandit"),
        ({"env": None}, r"^env is NoneType"),
        ({"env": MaximizationBias(), "gamma": 1.0}, r"^env has states in which some actions do not exist"),
    ],
)
def test_doors(arguments, message):
    call = {"env": corridor(), "episodes": 2, "alpha": 0.1, "gamma": 1.0, "runs": 2}
    call |= {"rng": np.random.default_rng(0)} | arguments
    with pytest.raises(ValueError, match=message):
        linear_reinforce(call.pop("env"), **call)


def test_episodes_must_be_able_to_end():
    with pytest.raises(ValueError, match="no time limit"):
        linear_reinforce(two_state(), episodes=1, alpha=0.1, gamma=0.9, rng=np.random.default_rng(0))
