"""Mountain car: the published transitions, Gymnasium step by step, and what rocking to and fro costs."""

import math

import gymnasium
import numpy as np
import pytest

from rlcore.problems.mountain_car import GOAL, LEFT_WALL, MountainCar, at_goal, rocking_rule

ENV = MountainCar()
TABLE = [  # state, action, next state, terminated: MountainCar-v0 of Gymnasium 1.4
    ([-0.5, 0.0], 0, [-0.5011768430041692, -0.0011768430041692573], False),
    ([-0.5, 0.0], 1, [-0.5001768430041692, -0.00017684300416925727], False),
    ([-0.5, 0.0], 2, [-0.49917684300416926, 0.0008231569958307428], False),
    ([-1.2, -0.03], 0, [-1.2, 0.0], False),
    ([-1.2, -0.03], 1, [-1.2, 0.0], False),
    ([-1.2, -0.03], 2, [-1.2, 0.0], False),
    ([0.45, 0.06], 0, [0.5084524832822674, 0.058452483282267396], True),
    ([0.45, 0.06], 1, [0.5094524832822674, 0.0594524832822674], True),
    ([0.45, 0.06], 2, [0.5104524832822674, 0.06045248328226739], True),
    ([-0.3, 0.07], 0, [-0.23255402492067664, 0.06744597507932334], False),
    ([-0.3, 0.07], 1, [-0.23155402492067664, 0.06844597507932335], False),
    ([-0.3, 0.07], 2, [-0.23055402492067664, 0.06944597507932335], False),
    ([-1.19, -0.07], 0, [-1.2, 0.0], False),
    ([-1.19, -0.07], 1, [-1.2, 0.0], False),
    ([-1.19, -0.07], 2, [-1.2, 0.0], False),
]
ANGLES = np.linspace(-3.6, 1.8, 10_001)
SAME_COSINE = [math.cos(x) for x in ANGLES] == np.cos(ANGLES).tolist()
ROUNDING = 0.0 if SAME_COSINE else 1e-15  # Gymnasium takes the C library's cosine, rlcore NumPy's


def steps_to_the_goal(x):
    """Steps of the rocking rule from rest at the places x.   (n,) -> (n,)"""
    state, steps = np.stack([x, np.zeros_like(x)], axis=-1), np.zeros(len(x))
    for _ in range(200):
        state, reward, terminated = ENV.step(state, rocking_rule(state), np.random.default_rng(0))
        steps -= reward
    assert terminated.all()
    return steps


def test_published_transitions():
    states, actions, successors, ends = (np.array(column) for column in zip(*TABLE))
    s_next, reward, terminated = ENV.step(states, actions, np.random.default_rng(0))
    np.testing.assert_allclose(s_next, successors, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(terminated, ends)
    np.testing.assert_array_equal(reward, -np.ones(len(TABLE)))


def test_the_same_bits_as_gymnasium_step_by_step():
    """80 episodes from Gymnasium's own seeds, by rocking with some noise, so that walls and goal are met."""
    theirs = gymnasium.make("MountainCar-v0").unwrapped
    rng, steps, walls, goals = np.random.default_rng(1), 0, 0, 0
    for seed in range(80):
        theirs.reset(seed=seed)
        state, terminated = ENV.reset(np.random.default_rng(seed)), False
        np.testing.assert_array_equal(state, theirs.state)
        for _ in range(200):
            action = int(rng.integers(3)) if rng.random() < 0.3 else int(rocking_rule(state))
            _, their_reward, theirs_ended, _, _ = theirs.step(action)
            state, reward, terminated = ENV.step(state, action, rng)
            assert np.abs(state - theirs.state).max() <= ROUNDING
            assert (reward, terminated) == (their_reward, theirs_ended)
            theirs.state = tuple(state)
            steps, walls, goals = steps + 1, walls + (state[0] == LEFT_WALL), goals + bool(terminated)
            if terminated:
                break
    assert steps > 8000
    assert walls > 5
    assert goals > 40


def test_many_lanes_give_the_same_bits_as_gymnasium():
    rng = np.random.default_rng(2)
    states = rng.uniform([-1.2, -0.07], [GOAL, 0.07], (4000, 2))
    actions = rng.integers(3, size=4000)
    s_next, _, terminated = ENV.step(states, actions, rng)
    theirs = gymnasium.make("MountainCar-v0").unwrapped
    theirs.reset(seed=0)
    for i in range(4000):
        theirs.state = states[i].copy()
        assert theirs.step(int(actions[i]))[2] == terminated[i]
        assert np.abs(theirs.state - s_next[i]).max() <= ROUNDING
    assert terminated.sum() > 20
    assert (s_next[:, 0] == LEFT_WALL).sum() > 20


def test_rocking_takes_what_is_published():
    """Mean 119.41229385 over 2,001 starts at rest in [-0.6, -0.4], and 124 steps from -0.5."""
    assert steps_to_the_goal(np.linspace(-0.6, -0.4, 2001)).mean() == pytest.approx(119.41229385307346)
    assert steps_to_the_goal(np.array([-0.5])) == 124


def test_full_throttle_never_gets_there():
    """The engine is too weak: with no run-up the car stays below the goal for ever (1,000 steps seen)."""
    state = ENV.reset(np.random.default_rng(3), 200)
    for _ in range(1000):
        state, _, terminated = ENV.step(state, np.full(200, 2), np.random.default_rng(0))
        assert not terminated.any()


def test_a_car_at_the_goal_stays_beside_one_that_drives():
    states = np.array([[0.5, 0.0], [0.4, 0.01], [0.55, 0.03], [0.5, -0.01]])
    s_next, reward, terminated = ENV.step(states, np.array([0, 1, 2, 2]), np.random.default_rng(0))
    np.testing.assert_array_equal(s_next[[0, 2]], states[[0, 2]])
    assert (s_next[[1, 3]] != states[[1, 3]]).all()
    np.testing.assert_array_equal(reward, [0, -1, 0, -1])
    np.testing.assert_array_equal(at_goal(states), [True, False, True, False])  # the last rolls back
    np.testing.assert_array_equal(terminated, [True, False, True, False])


def test_leading_axes_of_any_shape():
    rng = np.random.default_rng(4)
    states, actions = ENV.reset(rng, 24), rng.integers(3, size=24)
    flat = ENV.step(states, actions, rng)
    block = ENV.step(states.reshape(2, 3, 4, 2), actions.reshape(2, 3, 4), rng)
    for one, other in zip(flat, block):
        np.testing.assert_array_equal(np.reshape(one, np.shape(other)), other)


def test_starts_are_uniform_at_rest():
    """10,000 starts; mean and variance at 5 standard errors, false failure below 2e-6."""
    state = ENV.reset(np.random.default_rng(5), 10_000)
    x, var = state[:, 0], 0.2**2 / 12
    assert (state[:, 1] == 0).all()
    assert x.min() >= -0.6
    assert x.max() < -0.4
    assert abs(x.mean() + 0.5) < 5 * np.sqrt(var / x.size)
    assert abs(x.var() - var) < 5 * np.sqrt((0.1**4 / 5 - var**2) / x.size)


@pytest.mark.parametrize("horizon", [0, -1, 200.0, "200", None, True, np.nan])
def test_a_horizon_is_a_whole_number_of_steps(horizon):
    with pytest.raises(ValueError, match=r"^horizon is .*; it must be a whole number >= 1$"):
        MountainCar(horizon=horizon)
