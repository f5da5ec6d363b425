"""Runs in lock-step: clocks, ends, lanes that leave, live environments, and what is refused at the door."""

import gymnasium
import numpy as np
import pytest

from rlcore.algorithms import td
from rlcore.learning.lanes import Lanes, check_ends, first_Q, first_V, follow, table_policy, tabular
from rlcore.learning.tapes import record
from rlcore.problems.cartpole import CartPole
from rlcore.problems.chains import MaximizationBias, cycle, random_walk
from rlcore.problems.env import Box, Discrete
from rlcore.problems.gridworlds import GridWorld, cliff, frozen_lake
from rlcore.problems.gym import GymnasiumEnv, LiveTable
from rlcore.problems.mdp import MDP

ARGUMENTS = {"alpha": 0.5, "epsilon": 0.1, "gamma": 1.0}


class Countdown:
    """A walker born with n steps to live, n = 1, 2, ...; each step pays what is left. For the bookkeeping."""

    actions, n_states, horizon = Discrete(1), 10, None
    terminal = np.arange(10) == 0

    def __init__(self, lives, horizon=None):
        self.lives, self.horizon = iter(lives), horizon

    def reset(self, rng, size=None):
        return np.array([next(self.lives) for _ in range(size)])

    def step(self, state, action, rng):
        return state - 1, state.astype(float), state == 1


def walked(env, episodes, runs):
    """What the lanes hand out, step by step."""
    lanes, seen = Lanes(env, episodes=episodes, runs=runs, rng=np.random.default_rng(0)), []

    def act(i, s):
        return np.zeros(len(i), int)

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, _, _ = lanes.step(a)
        seen.append((i.tolist(), s.tolist(), s_next.tolist(), lanes.done.tolist(), lanes.truncated.tolist()))
        i, s, a = lanes.go_on(s_next, a, act)
    return lanes, seen


def test_lanes_end_restart_and_leave_on_their_own():
    """Lives 2, 1, 3 at first; restarts take 4 and 1 (lane 1, then lane 0), then 2 (lane 2)."""
    lanes, seen = walked(Countdown([2, 1, 3, 4, 1, 2]), episodes=2, runs=3)
    assert [(i, s) for i, s, *_ in seen] == [
        ([0, 1, 2], [2, 1, 3]),
        ([0, 1, 2], [1, 4, 2]),
        ([0, 1, 2], [1, 3, 1]),
        ([1, 2], [2, 2]),
        ([1, 2], [1, 1]),
    ]
    np.testing.assert_array_equal(lanes.lengths, [[2, 1], [1, 4], [3, 2]])
    np.testing.assert_array_equal(lanes.returns, [[3, 1], [1, 10], [6, 3]])
    assert len(lanes.lane) == len(lanes.truncated) == 0


def test_a_time_limit_truncates_who_has_not_terminated():
    """Limit 2: lives 1 and 2 terminate, the latter in the very step of the limit; 3 is truncated."""
    lanes, seen = walked(Countdown([1, 2, 3], horizon=2), episodes=1, runs=3)
    assert seen[0][3:] == ([True, False, False], [False, False, False])
    assert seen[1][2:] == ([0, 1], [True, True], [False, True])  # next states are true successors
    np.testing.assert_array_equal(lanes.lengths, [[1], [2], [2]])
    np.testing.assert_array_equal(lanes.returns, [[1], [3], [5]])


def test_what_a_learner_holds_is_not_overwritten():
    """A learner may keep s_next and a_next: restarts write into copies."""
    env = Countdown([1, 5, 7])
    lanes = Lanes(env, episodes=2, runs=2, rng=np.random.default_rng(0))

    def act(i, s):
        return np.zeros(len(i), int)

    _, _, a = lanes.begin(act)
    s_next, _, _ = lanes.step(a)
    kept, a_next = s_next.copy(), np.array([8, 9])
    _, s, a = lanes.go_on(s_next, a_next, act)
    np.testing.assert_array_equal(s_next, kept)
    np.testing.assert_array_equal(s, [7, 4])
    np.testing.assert_array_equal(a_next, [8, 9])
    np.testing.assert_array_equal(a, [0, 9])


def test_a_trace_keeps_the_table_after_each_episode():
    prediction = td.td0(
        random_walk(),
        np.ones((7, 1)),
        episodes=5,
        alpha=0.1,
        gamma=1.0,
        rng=np.random.default_rng(0),
        runs=40,
    )
    assert prediction.trace.shape == (5, 40, 7)
    assert (np.diff(prediction.trace, axis=0) != 0).any(axis=2).mean() > 0.5
    first = prediction.trace[0]
    assert ((first != 0).sum(axis=1) <= 1).all()  # S&B, Example 6.2: one value changes in the first episode
    np.testing.assert_array_equal(np.unique(first), [0.0, 0.1])
    np.testing.assert_array_equal(prediction.trace[-1], prediction.V)


def test_tables_begin_where_they_are_told():
    env = MaximizationBias(3)
    Q = first_Q(env, 2, 5.0)
    assert Q.shape == (2, 3, 3)
    np.testing.assert_array_equal(Q[1], [[5, 5, -np.inf], [5, 5, 5], [0, 0, 0]])
    np.testing.assert_array_equal(first_V(random_walk(2), 3, [9.0, 1.0, 2.0, 9.0]), [[0, 1, 2, 0]] * 3)
    np.testing.assert_array_equal(first_Q(random_walk(1), 2), np.zeros((2, 3, 1)))


def test_policies_as_tables():
    env = GridWorld("S.G", gamma=1.0)
    np.testing.assert_array_equal(table_policy(env, [1, 1, 0]), np.eye(4)[[1, 1, 0]])
    pi = np.array([[0, 0.3, 0, 0.7]] * 3)
    taken = follow(table_policy(env, pi), np.random.default_rng(0))(
        np.arange(20_000) * 0, np.arange(20_000) % 2
    )
    assert set(taken.tolist()) == {1, 3}
    assert abs(taken.mean() - 2.4) < 5 * 2 * np.sqrt(0.21 / 20_000)


# ---------------------------------------------------------------- live environments


def test_a_live_environment_is_what_ours_is():
    """The cliff is deterministic, so only the learner draws: after the seed, the same numbers, the same table."""
    live = GymnasiumEnv("CliffWalking-v1")
    for name in ("sarsa", "expected_sarsa", "q_learning", "double_q_learning"):
        learner, ours = getattr(td, name), cliff()
        there = learner(live, episodes=30, rng=np.random.default_rng(1), **ARGUMENTS)
        rng = np.random.default_rng(1)
        rng.integers(2**31)  # the seed of the live one

        class Silent:
            """Our cliff without its random numbers."""

            actions, n_states, horizon, terminal = ours.actions, 48, None, ours.terminal

            def reset(self, rng, size=None):
                return np.full(size, 36)

            def step(self, state, action, rng, ours=ours):
                return ours.step(state, action, np.random.default_rng(0))

        here = learner(Silent(), episodes=30, rng=rng, **ARGUMENTS)
        np.testing.assert_array_equal(there.Q, here.Q)
        np.testing.assert_array_equal(there.returns, here.returns)
        np.testing.assert_array_equal(there.lengths, here.lengths)


def test_a_live_frozen_lake_is_as_slippery_as_ours():
    """Walks at random of at most 100 steps: lengths of 2,000 live ones and 20,000 of ours, |z| <= 4 (6.3e-5)."""
    pi = np.full((16, 4), 0.25)
    live = record(
        GymnasiumEnv("FrozenLake-v1"), pi, episodes=2000, rng=np.random.default_rng(0)
    ).steps.ravel()
    ours = frozen_lake()
    ours = record(ours, pi, episodes=200, rng=np.random.default_rng(1), runs=100).steps.ravel()
    error = np.hypot(live.std() / np.sqrt(len(live)), ours.std() / np.sqrt(len(ours)))
    assert abs(live.mean() - ours.mean()) < 4 * error


def test_a_live_environment_is_seeded_once():
    """Re-seeding at every reset would make all episodes of a fixed policy alike."""
    seeds = []

    class Watched(gymnasium.Wrapper):
        def reset(self, *, seed=None, options=None):
            seeds.append(seed)
            return super().reset(seed=seed, options=options)

    env = Watched(gymnasium.make("FrozenLake-v1"))
    lengths = td.td0(env, np.full(16, 1), episodes=30, alpha=0.1, gamma=1.0, rng=np.random.default_rng(0))
    assert lengths.trace.shape == (30, 1, 16)
    assert len(seeds) == 30
    assert seeds[0] is not None
    assert seeds[1:] == [None] * 29


def test_a_live_time_limit_bootstraps():
    """Gymnasium counts: after three steps it truncates, and V(s') counts; without it, it would be a plain end."""
    env = gymnasium.make("FrozenLake-v1", is_slippery=False, max_episode_steps=3)
    up = np.full(16, 3)  # into the wall, for ever
    V = td.td0(env, up, episodes=2, alpha=0.5, gamma=0.5, rng=np.random.default_rng(0), V0=8.0).V
    assert V[0, 0] == 8.0 * 0.75**6
    control = td.q_learning(env, episodes=4, rng=np.random.default_rng(0), **{**ARGUMENTS, "epsilon": 1.0})
    assert control.lengths.max() == 3


def test_a_live_environment_has_one_walker():
    with pytest.raises(ValueError, match="runs is 2; a live Gymnasium environment has one walker"):
        td.sarsa(
            GymnasiumEnv("CliffWalking-v1"), episodes=1, runs=2, rng=np.random.default_rng(0), **ARGUMENTS
        )


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0"])
def test_a_live_environment_without_a_table_is_refused(env_id):
    with pytest.raises(ValueError, match="a table needs spaces that are Discrete and count from 0"):
        tabular(GymnasiumEnv(env_id))


def test_a_live_environment_that_counts_from_one_is_refused():
    env = gymnasium.make("FrozenLake-v1")
    env.observation_space = gymnasium.spaces.Discrete(16, start=1)
    with pytest.raises(ValueError, match="count from 0"):
        LiveTable(env)


def test_a_live_environment_scalar_and_lane():
    env, rng = LiveTable(GymnasiumEnv("CliffWalking-v1")), np.random.default_rng(0)
    assert env.reset(rng) == 36
    s_next, reward, terminated = env.step(36, 0, rng)
    assert (s_next, reward, terminated) == (24, -1.0, False)
    assert np.shape(s_next) == ()
    np.testing.assert_array_equal(env.reset(rng, 1), [36])
    s_next, reward, terminated = env.step(np.array([36]), np.array([1]), rng)
    assert (s_next.shape, reward.shape, terminated.dtype) == ((1,), (1,), bool)
    np.testing.assert_array_equal(reward, [-100.0])
    np.testing.assert_array_equal(env.observe(np.array([36])), np.eye(48)[[36]])


def test_a_live_end_is_no_time_limit():
    """Right, and down into the hole: terminated. Up, into the wall, until the limit of three: truncated."""
    live = GymnasiumEnv("FrozenLake-v1", {"is_slippery": False, "max_episode_steps": 3})
    for moves, ended, cut in (([2, 1], True, False), ([3, 3, 3], False, True)):
        env = LiveTable(live)
        env.reset(np.random.default_rng(0))
        for a in moves:
            _, _, terminated = env.step(0, a, None)
        assert (terminated, env.truncated.tolist()) == (ended, [cut])


# ---------------------------------------------------------------- doors


def test_an_environment_without_a_table_is_refused():
    with pytest.raises(ValueError, match="env is CartPole; a table needs finitely many states and actions"):
        td.q_learning(CartPole(), episodes=1, rng=np.random.default_rng(0), **ARGUMENTS)

    class Real:
        actions, n_states = Box(np.zeros(1), np.ones(1)), 3

    for env in (Real(), None, "cliff", 3):
        with pytest.raises(ValueError, match="a table needs finitely many"):
            tabular(env)


def test_episodes_that_need_not_end_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="from state 0 no terminal state can be reached: give it a horizon"):
        td.sarsa(cycle(3), episodes=1, rng=rng, **ARGUMENTS)
    up = np.zeros(12, int)
    grid = GridWorld("S... .... ...G", gamma=1.0)
    with pytest.raises(ValueError, match="from state 0 no terminal state can be reached under pi"):
        td.td0(grid, up, episodes=1, alpha=0.1, gamma=1.0, rng=rng)

    class Endless:
        actions, n_states, horizon = Discrete(2), 3, None

    with pytest.raises(ValueError, match="env has no time limit and names no terminal state"):
        check_ends(Endless())
    Endless.horizon = 5
    assert check_ends(Endless()) is None


def test_only_states_that_are_visited_need_an_end():
    """State 1 is a trap, but nobody starts or comes there."""
    P = np.zeros((3, 1, 3))
    P[[0, 1, 2], 0, [2, 1, 2]] = 1.0
    end = np.array([False, False, True])
    assert check_ends(MDP(P, np.zeros((3, 1)), 1.0, np.array([1.0, 0.0, 0.0]), end)) is None
    with pytest.raises(ValueError, match="from state 1"):
        check_ends(MDP(P, np.zeros((3, 1)), 1.0, np.array([0.5, 0.5, 0.0]), end))
