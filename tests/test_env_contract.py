"""One contract over every environment: a new one joins by a line in ENVIRONMENTS.

An environment is a pure function of (state, action, rng), elementwise: what holds for one walker
holds for each lane of a thousand, and the lanes draw from the stream in their order.
"""

import numpy as np
import pytest

from rlcore.problems import chains, gridworlds, probes
from rlcore.problems.access_control import access_control
from rlcore.problems.bandits import GaussianBandit, OnePull
from rlcore.problems.blackjack import Blackjack, blackjack_mdp
from rlcore.problems.car_rental import car_rental
from rlcore.problems.cartpole import CartPole
from rlcore.problems.clock import with_clock
from rlcore.problems.counterexamples import baird
from rlcore.problems.endless import Endless, Paid
from rlcore.problems.env import Discrete
from rlcore.problems.gambler import gambler
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import GridWorld
from rlcore.problems.mdp import MDP
from rlcore.problems.mountain_car import MountainCar
from rlcore.problems.pendulum import Pendulum


def branching():
    """Two states and an end; every probability and reward its own, and a start that is drawn."""
    P = [[[0.2, 0.5, 0.3], [0.7, 0.2, 0.1]], [[0.6, 0.0, 0.4], [0.1, 0.9, 0.0]], [[0, 0, 1], [0, 0, 1]]]
    R = [[[1, 2, 3], [4, 5, 6]], [[7, 0, 8], [9, 10, 0]], [[0, 0, 0], [0, 0, 0]]]
    end = np.array([False, False, True])
    return MDP(np.array(P), np.array(R), 0.9, np.array([0.6, 0.4, 0.0]), end, horizon=50)


ENVIRONMENTS = {
    "MDP": branching,
    "SparseMDP": lambda: branching().sparse(),
    "GridWorld": lambda: GridWorld("SA.# ..aH .SBG b...", gamma=0.9, slip=0.3, bump=-2.0, enter={"G": 5.0},
                                   teleports={"A": ("a", 3.0)}, falls={"B": ("b", -9.0)}, wind=[0, 1, 0, 0]),
    "walk": gridworlds.walk,
    "teleport_grid": gridworlds.teleport_grid,
    "small_grid": gridworlds.small_grid,
    "cliff": gridworlds.cliff,
    "windy": gridworlds.windy,
    "windy with the king's moves": lambda: gridworlds.windy(king=True),
    "frozen_lake": gridworlds.frozen_lake,
    "frozen_lake 8x8, dense": lambda: gridworlds.frozen_lake("8x8").dense(),
    "dyna_maze, twice as fine": lambda: gridworlds.dyna_maze(size=2),
    "blocking_maze, after": lambda: gridworlds.blocking_maze()[1],
    "shortcut_maze, before": lambda: gridworlds.shortcut_maze()[0],
    "recycling_robot": chains.recycling_robot,
    "two_state": chains.two_state,
    "random_walk": chains.random_walk,
    "big_random_walk": chains.big_random_walk,
    "MaximizationBias": chains.MaximizationBias,
    "loop": chains.loop,
    "short_corridor": chains.short_corridor,
    "short_corridor, blindfold": lambda: chains.Blindfold(chains.short_corridor()),
    "two_state with a clock": lambda: with_clock(chains.two_state(), 7),
    "cycle": lambda: chains.cycle(5, mix=0.3),
    "gambler": gambler,
    "garnet": lambda: garnet(30, 3, 4, rng=np.random.default_rng(0)),
    "car_rental": car_rental,
    "blackjack_mdp": blackjack_mdp,
    "Blackjack": Blackjack,
    "Blackjack from one hand": lambda: Blackjack(start=11),
    "one pull of a bandit": lambda: OnePull(GaussianBandit([0.2, -0.8, 1.5])),
    "access_control": access_control,
    "CartPole": CartPole,
    "CartPole without an end": lambda: Endless(CartPole(), 50),
    "CartPole without an end, paid for the middle": lambda: Paid(
        Endless(CartPole(), 50), lambda x, a: -abs(x[..., 0])),
    "baird": lambda: baird().mdp,
    "MountainCar": MountainCar,
    "Pendulum": Pendulum,
    "constant_reward": probes.constant_reward,  # of the probes those in which something is drawn
    "two_values": probes.two_values,
    "one_choice": probes.one_choice,
    "two_choices": probes.two_choices,
    "Aim": probes.Aim,
}  # fmt: skip


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def env(request):
    return ENVIRONMENTS[request.param]()


def act(env, rng, size=None):
    """Actions at random, real ones from the middle half of the box."""
    if isinstance(env.actions, Discrete):
        return rng.integers(env.actions.n, size=size)
    low, high = env.actions.low, env.actions.high
    return low + (high - low) * rng.uniform(
        0.25, 0.75, np.shape(low) if size is None else (size, *np.shape(low))
    )


def trajectory(env, seed, n=None, steps=60):
    """States, rewards and ends of `steps` steps at random, starting again after an end.   each (steps, ...)"""
    rng = np.random.default_rng(seed)
    state, rows = env.reset(rng, n), []
    for _ in range(steps):
        s_next, reward, terminated = env.step(state, act(env, rng, n), rng)
        rows.append((state, s_next, reward, terminated))
        again = env.reset(rng, n)
        ended = np.expand_dims(terminated, tuple(range(np.ndim(terminated), np.ndim(s_next))))
        state = np.where(ended, again, s_next)
    return [np.array(column) for column in zip(*rows)]


def test_what_it_says_of_itself(env):
    assert env.horizon is None or env.horizon >= 1
    assert env.n_features >= 1
    assert env.n_states is None or env.n_states >= 1
    if isinstance(env.actions, Discrete):
        assert env.actions.n >= 1
    else:
        assert (env.actions.low < env.actions.high).all()


def test_scalars_in_scalars_out(env):
    rng = np.random.default_rng(0)
    state = env.reset(rng)
    s_next, reward, terminated = env.step(state, act(env, rng), rng)
    assert np.shape(s_next) == np.shape(state)
    assert np.shape(reward) == np.shape(terminated) == ()
    assert np.asarray(terminated).dtype == bool
    assert env.n_states is None or np.shape(state) == ()


@pytest.mark.parametrize("n", [1, 7])
def test_a_leading_axis_in_a_leading_axis_out(env, n):
    rng = np.random.default_rng(0)
    one, state = np.shape(env.reset(rng)), env.reset(rng, n)
    s_next, reward, terminated = env.step(state, act(env, rng, n), rng)
    assert np.shape(state) == np.shape(s_next) == (n, *one)
    assert np.shape(reward) == np.shape(terminated) == (n,)
    assert terminated.dtype == bool


def test_a_batch_is_scalars_one_after_the_other(env):
    """On one stream: the lanes draw in their order, so one walker is the first of a batch of one."""
    n, a, b = 40, np.random.default_rng(1), np.random.default_rng(1)
    states = env.reset(a, n)
    np.testing.assert_array_equal(states, [env.reset(b) for _ in range(n)])
    actions = act(env, np.random.default_rng(2), n)
    for _ in range(5):
        batch = env.step(states, actions, a)
        lanes = [env.step(s, action, b) for s, action in zip(states, actions)]
        for together, apart in zip(batch, zip(*lanes)):
            np.testing.assert_array_equal(together, apart)
        states = batch[0]


@pytest.mark.parametrize("n", [None, 5])
def test_the_same_seed_gives_the_same_trajectory(env, n):
    for first, second in zip(trajectory(env, 3, n), trajectory(env, 3, n)):
        np.testing.assert_array_equal(first, second)
    moved, stayed = trajectory(env, 4, n), trajectory(env, 3, n)
    assert any((a != b).any() for a, b in zip(moved, stayed))  # another seed gives another one


def test_a_step_changes_nothing_it_was_given(env):
    rng = np.random.default_rng(0)
    state, action = env.reset(rng, 9), act(env, rng, 9)
    kept = state.copy(), action.copy()
    env.step(state, action, rng)
    np.testing.assert_array_equal(state, kept[0])
    np.testing.assert_array_equal(action, kept[1])


def test_states_and_rewards_are_finite_and_in_range(env):
    state, s_next, reward, terminated = trajectory(env, 5, 20)
    assert np.isfinite(state).all()
    assert np.isfinite(s_next).all()
    assert np.isfinite(reward).all()
    if env.n_states is not None:
        assert state.min() >= 0
        assert max(state.max(), s_next.max()) < env.n_states
        np.testing.assert_array_equal(terminated, env.terminal[s_next])
        assert not env.terminal[state].any()  # nobody starts, or acts, after the end


def test_terminals_are_absorbing_and_unrewarded(env):
    """Every action, ten times, from every terminal that there is; where states are vectors, from those met."""
    rng = np.random.default_rng(6)
    _, s_next, _, terminated = trajectory(env, 6, 50, steps=200)
    ends = s_next[terminated] if env.n_states is None else np.flatnonzero(env.terminal)
    if env.n_states is not None:
        assert np.isin(s_next[terminated], ends).all()
    for _ in range(10):
        for end in ends[:50]:
            lanes = np.stack([end] * 8)
            actions = np.arange(8) % env.actions.n if isinstance(env.actions, Discrete) else act(env, rng, 8)
            after, reward, still = env.step(lanes, actions, rng)
            assert still.all()
            np.testing.assert_array_equal(reward, np.zeros(8))
            if env.n_states is not None:
                np.testing.assert_array_equal(after, lanes)


def test_observe(env):
    """(...) -> (..., n_features), float, the same for a state alone and in a batch; one-hot for tables."""
    rng = np.random.default_rng(7)
    states = env.reset(rng, 6)
    seen = env.observe(states)
    assert seen.shape == (6, env.n_features)
    assert seen.dtype.kind == "f"
    assert env.observe(states[0]).shape == (env.n_features,)
    np.testing.assert_array_equal(seen, [env.observe(state) for state in states])
    assert env.observe(states.reshape(2, 3, *states.shape[1:])).shape == (2, 3, env.n_features)
    if env.n_states is not None:
        np.testing.assert_array_equal(env.observe(np.arange(env.n_states)), np.eye(env.n_states))


def test_steps_are_drawn_as_the_table_says():
    """50,000 lanes of the branching MDP, dense and sparse: 5 standard errors, 12 frequencies."""
    dense = branching()
    for env in (dense, dense.sparse()):
        for s, a in np.ndindex(2, 2):
            n = 50_000
            s_next, reward, _ = env.step(np.full(n, s), np.full(n, a), np.random.default_rng(8))
            count, p = np.bincount(s_next, minlength=3), dense.P[s, a]
            assert (np.abs(count - n * p) <= 5 * np.sqrt(n * p * (1 - p))).all()
            np.testing.assert_array_equal(reward, dense.R[s, a, s_next])
