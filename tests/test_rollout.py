"""Walkers in lock-step: what a rollout holds, above all where episodes end."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from rlcore.learning.rollout import LIMIT, Runner, evaluate, make_runner
from rlcore.problems.env import Discrete
from rlcore.problems.gridworlds import GridWorld, frozen_lake


@dataclass
class Counter:
    """The state counts from 10 upwards; action 1 terminates. A reset remembers how many it was asked for."""

    horizon: int | None = 3
    terminal: ClassVar = np.array([True])
    actions: ClassVar = Discrete(2)
    n_states: ClassVar = None
    n_features: ClassVar = 1

    def __post_init__(self):
        self.resets = []

    def reset(self, rng, size=None):
        self.resets.append(size)
        return np.full(size, 10)

    def step(self, state, action, rng):
        return state + 1, state / 10, action == 1

    def observe(self, state):
        return np.asarray(state, float)[..., None]


def follow(plan):
    """act that plays plan[t] (N,) at its t-th call; the log-probability is -action."""
    plan = iter(np.array(plan))

    def act(state, rng):
        action = next(plan)
        return action, -1.0 * action

    return act


PLAN = [[0, 1], [0, 0], [0, 0], [0, 1], [1, 0]]  # walker 1 terminates at once, and again at its time limit


def test_a_tape_with_both_kinds_of_end():
    env = Counter()
    runner = Runner(env, 2, np.random.default_rng(0))
    tape = runner.collect(follow(PLAN), 5)
    np.testing.assert_array_equal(tape.state, [[10, 10], [11, 10], [12, 11], [10, 12], [11, 10]])
    np.testing.assert_array_equal(tape.next_state, [[11, 11], [12, 11], [13, 12], [11, 13], [12, 11]])
    np.testing.assert_array_equal(tape.action, PLAN)
    np.testing.assert_array_equal(tape.logp, -np.array(PLAN))
    np.testing.assert_allclose(tape.reward, tape.state / 10)
    np.testing.assert_array_equal(tape.terminated, [[0, 1], [0, 0], [0, 0], [0, 1], [1, 0]])
    np.testing.assert_array_equal(tape.truncated, [[0, 0], [0, 0], [1, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(tape.done, [[0, 1], [0, 0], [1, 0], [0, 1], [1, 0]])
    assert tape.terminated.dtype == tape.truncated.dtype == bool
    np.testing.assert_allclose(runner.scores, [1.0, 3.3, 3.3, 2.1])
    assert env.resets == [2, 1, 1, 1, 1]  # only for the walkers whose episode ended


def test_a_step_is_a_row_of_the_tape():
    runner, whole = (Runner(Counter(), 2, np.random.default_rng(0)) for _ in range(2))
    tape = whole.collect(follow(PLAN), 5)
    for t, action in enumerate(PLAN):
        np.testing.assert_array_equal(runner.state, tape.state[t])
        moved = runner.step(np.array(action))
        for name, row in zip(("next_state", "reward", "terminated", "truncated"), moved):
            np.testing.assert_array_equal(row, getattr(tape, name)[t], err_msg=name)
    np.testing.assert_array_equal(runner.state, whole.state)
    assert runner.scores == whole.scores


def test_the_next_rollout_goes_on_where_the_last_one_stopped():
    whole, parts = (Runner(Counter(), 2, np.random.default_rng(0)) for _ in range(2))
    act, act_again = follow(PLAN), follow(PLAN)
    tape = whole.collect(act, 5)
    pieces = [parts.collect(act_again, T) for T in (2, 1, 2)]
    for name in ("state", "next_state", "truncated", "terminated", "reward"):
        joined = np.concatenate([getattr(piece, name) for piece in pieces])
        np.testing.assert_array_equal(joined, getattr(tape, name))
    assert whole.scores == parts.scores


def test_restart_forgets_unfinished_episodes():
    runner = Runner(Counter(), 2, np.random.default_rng(0))
    runner.collect(follow(PLAN[1:3]), 2)
    runner.restart()
    tape = runner.collect(follow(np.zeros((3, 2))), 3)
    np.testing.assert_array_equal(tape.state, [[10, 10], [11, 11], [12, 12]])
    np.testing.assert_array_equal(tape.truncated[:, 0], [False, False, True])
    np.testing.assert_allclose(runner.scores, [3.3, 3.3])


def test_one_walker_is_the_plain_loop_on_the_same_stream():
    mdp = frozen_lake()

    def act(state, rng):
        action = rng.integers(mdp.n_actions, size=np.shape(state))
        return action, np.zeros(np.shape(state))

    tape = make_runner(mdp, 1, np.random.default_rng(3)).collect(act, 60)
    rng = np.random.default_rng(3)
    state = mdp.reset(rng, 1)
    for t in range(60):
        action, _ = act(state, rng)
        s_next, reward, terminated = mdp.step(state, action, rng)
        for name, x in (("state", state), ("action", action), ("next_state", s_next), ("reward", reward)):
            np.testing.assert_array_equal(getattr(tape, name)[t], x, err_msg=name)
        np.testing.assert_array_equal(tape.terminated[t], terminated)
        state = mdp.reset(rng, 1) if terminated[0] else s_next
    assert tape.terminated.sum() >= 3
    assert not tape.truncated.any()


def test_the_same_seed_gives_the_same_rollout():
    def collect(seed):
        act = lambda state, rng: (rng.integers(2, size=len(state)), np.zeros(len(state)))
        return make_runner(frozen_lake(), 4, np.random.default_rng(seed)).collect(act, 30)

    first, second, other = collect(1), collect(1), collect(2)
    np.testing.assert_array_equal(first.next_state, second.next_state)
    assert (first.next_state != other.next_state).any()


def test_evaluate_takes_one_episode_of_each_walker():
    """Walker 0 lives three steps and walker 1 one. Short episodes that come again do not count."""
    runner = Runner(Counter(), 2, np.random.default_rng(0))
    total, discounted = evaluate(runner, follow([[0, 1]] * 3), gamma=0.5)
    np.testing.assert_allclose(total, [1.0 + 1.1 + 1.2, 1.0])
    np.testing.assert_allclose(discounted, [1.0 + 0.55 + 0.3, 1.0])


def test_a_walk_without_end_is_cut():
    """Without a time limit a greedy policy may go round for ever; this one never takes the action that ends it."""
    runner = Runner(Counter(horizon=None), 2, np.random.default_rng(0))
    total, _ = evaluate(runner, lambda s, rng: (np.array([0, s[1] == 14]), np.zeros(2)))
    np.testing.assert_allclose(total, [sum(range(10, 10 + LIMIT)) / 10, 1.0 + 1.1 + 1.2 + 1.3 + 1.4])


# ---------------------------------------------------------------- doors


def test_an_episode_must_be_able_to_end():
    everlasting = GridWorld(["S..", "..#"], gamma=0.9)
    with pytest.raises(ValueError, match=r"from state 0 no terminal state can be reached.*horizon"):
        make_runner(everlasting, 2, np.random.default_rng(0))
    endless = Counter(horizon=None)
    endless.terminal = np.array([False])
    with pytest.raises(ValueError, match="env has no time limit and names no terminal state"):
        make_runner(endless, 2, np.random.default_rng(0))
    make_runner(Counter(horizon=None), 2, np.random.default_rng(0))  # it can be left


@pytest.mark.parametrize("n", [0, -1, 2.0, float("nan"), None, True])
def test_walkers_are_counted(n):
    with pytest.raises(ValueError, match=r"n is .*; it must be a whole number >= 1"):
        make_runner(Counter(), n, np.random.default_rng(0))


@pytest.mark.parametrize("T", [0, -3, 2.5, None])
def test_steps_are_counted(T):
    runner = make_runner(Counter(), 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"T is .*; it must be a whole number >= 1"):
        runner.collect(follow(PLAN), T)


def test_rng_must_be_a_generator():
    with pytest.raises(
        ValueError, match=r"rng is int; it must be a Generator: numpy.random.default_rng\(0\)"
    ):
        make_runner(Counter(), 2, 7)
