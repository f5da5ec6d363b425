"""Gymnasium's environments under deep learners: the same rollout as Gymnasium's own vector gives, and ours."""

import gymnasium
import numpy as np
import pytest

from rlcore.learning.rollout import GymnasiumRunner, Runner, evaluate, make_runner
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gym import GymnasiumEnv


def at_random(state, rng):
    return rng.integers(2, size=len(state)), np.zeros(len(state))


def runner_of(env_id, n=3, seed=0, **kwargs):
    return make_runner(GymnasiumEnv(env_id, kwargs), n, np.random.default_rng(seed))


def test_the_rollout_is_that_of_gymnasiums_vector_with_resets_in_the_same_step():
    """500 steps of 3 walkers, some truncated after 20: states, successors and flags are equal, bit by bit."""
    N, T = 3, 500
    runner = runner_of("CartPole-v1", N, max_episode_steps=20)
    tape = runner.collect(at_random, T)
    rng = np.random.default_rng(0)
    vector = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make("CartPole-v1", max_episode_steps=20)] * N,
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )
    state, _ = vector.reset(seed=rng.integers(2**31, size=N).tolist())
    for t in range(T):
        action, _ = at_random(state, rng)
        after, reward, terminated, truncated, info = vector.step(action)
        done = terminated | truncated
        s_next = after.copy()
        if done.any():
            s_next[done] = np.stack(list(info["final_obs"][done]))
        np.testing.assert_array_equal(tape.state[t], state)
        np.testing.assert_array_equal(tape.action[t], action)
        np.testing.assert_array_equal(tape.next_state[t], s_next)
        np.testing.assert_array_equal(tape.reward[t], reward)
        np.testing.assert_array_equal(tape.terminated[t], terminated)
        np.testing.assert_array_equal(tape.truncated[t], truncated & ~terminated)
        state = after
    assert tape.terminated.sum() > 20
    assert tape.truncated.sum() > 20
    assert (tape.next_state[:-1][tape.done[:-1]] != tape.state[1:][tape.done[:-1]]).any(axis=-1).all()


def test_ours_and_theirs_give_the_same_rollout_from_the_same_states():
    theirs = runner_of("CartPole-v1", 1)
    ours = Runner(CartPole(), 1, np.random.default_rng(5))
    ours.state = np.array([theirs.copies[0].unwrapped.state])
    plan = np.random.default_rng(1).integers(2, size=(100, 1)).tolist()

    def follow():
        actions = iter(plan)
        return lambda state, rng: (np.array(next(actions)), np.zeros(1))

    a, b = ours.collect(follow(), 100), theirs.collect(follow(), 100)
    last = int(np.flatnonzero(a.done[:, 0])[0])  # the first episode; the next ones start elsewhere
    assert last >= 8
    np.testing.assert_array_equal(a.next_state[: last + 1].astype(np.float32), b.next_state[: last + 1])
    np.testing.assert_array_equal(a.terminated[: last + 1], b.terminated[: last + 1])


def test_scores_are_returns_of_whole_episodes():
    runner = runner_of("CartPole-v1", 2, max_episode_steps=10)
    tape = runner.collect(at_random, 40)
    assert len(runner.scores) == tape.done.sum()
    assert sum(runner.scores) + runner.score.sum() == 80
    assert max(runner.scores) == 10


def test_what_the_algorithm_asks_of_the_environment():
    env = runner_of("CartPole-v1").env
    assert (env.actions.n, env.n_states, env.n_features, env.horizon) == (2, None, 4, 500)
    assert env.observe(np.zeros((7, 5, 4), np.float32)).shape == (7, 5, 4)
    assert env.observe(np.zeros(4, np.float32)).dtype == float


def test_discrete_observations_are_shown_one_hot():
    runner = runner_of("FrozenLake-v1", 4, is_slippery=False)
    tape = runner.collect(lambda s, rng: (np.full(len(s), 2), np.zeros(len(s))), 6)
    assert tape.state.shape == (6, 4)
    assert tape.state.dtype.kind == "i"
    features = runner.env.observe(tape.state)
    assert features.shape == (6, 4, 16)
    np.testing.assert_array_equal(features.argmax(axis=-1), tape.state)
    np.testing.assert_array_equal(features.sum(axis=-1), 1)


class Echo(gymnasium.Env):
    """Shows the action it was given as a matrix; ends by its own truncation after three steps."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1, 2), np.float32)
    action_space = gymnasium.spaces.Box(np.array([-1, -2], np.float32), np.array([1, 2], np.float32))

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.array([[7, 8]], np.float32), {}

    def step(self, action):
        self.steps += 1
        return action[None], 1, False, self.steps == 3, {}


@pytest.fixture
def echo():
    gymnasium.register("rlcore-test/Echo-v0", entry_point=Echo)
    yield runner_of("rlcore-test/Echo-v0", 2)
    del gymnasium.registry["rlcore-test/Echo-v0"]


def test_real_valued_actions_are_kept_as_drawn_and_clipped_on_the_way(echo):
    """A policy's density is that of what it drew; what the environment gets lies in its Box."""
    drawn = np.array([[0.5, 50.0], [-3.0, 1.5]])
    tape = echo.collect(lambda s, rng: (drawn, np.zeros(2)), 2)
    np.testing.assert_array_equal(tape.action, [drawn, drawn])
    np.testing.assert_array_equal(tape.next_state[0, :, 0], [[0.5, 2.0], [-1.0, 1.5]])
    assert tape.next_state.dtype == np.float32


def test_a_matrix_of_observations_is_shown_as_one_vector(echo):
    assert (echo.env.n_features, echo.env.horizon) == (2, None)
    np.testing.assert_array_equal(echo.env.observe(echo.state), [[7.0, 8.0]] * 2)
    assert echo.env.observe(np.zeros((5, 3, 1, 2))).shape == (5, 3, 2)


def test_an_environment_may_truncate_by_itself(echo):
    still = lambda s, rng: (np.zeros((2, 2)), np.zeros(2))
    np.testing.assert_array_equal(evaluate(echo, still)[0], [3, 3])
    echo.restart()
    np.testing.assert_array_equal(echo.collect(still, 7).truncated[:, 0], [0, 0, 1, 0, 0, 1, 0])


def test_the_seed_is_the_learners():
    def collect(seed):
        return runner_of("CartPole-v1", 2, seed).collect(at_random, 50).next_state

    np.testing.assert_array_equal(collect(4), collect(4))
    assert (collect(4) != collect(5)).any()


def test_episodes_do_not_repeat():
    """An environment seeded anew at every reset would always start in the same state."""
    tape = runner_of("CartPole-v1", 2).collect(at_random, 200)
    starts = tape.state[1:][tape.done[:-1]]
    assert len(starts) >= 10
    assert len(np.unique(starts, axis=0)) == len(starts)


def test_evaluate():
    total, discounted = evaluate(runner_of("CartPole-v1", 5, max_episode_steps=4), at_random, gamma=0.5)
    np.testing.assert_array_equal(total, [4] * 5)
    np.testing.assert_array_equal(discounted, [1.875] * 5)


# ---------------------------------------------------------------- doors


def test_a_live_environment_is_asked_for_its_name():
    with pytest.raises(ValueError, match=r'which has one walker.*GymnasiumEnv\("CartPole-v1"\)'):
        make_runner(gymnasium.make("CartPole-v1"), 1, np.random.default_rng(0))


def test_spaces_that_are_neither_box_nor_discrete_are_refused():
    with pytest.raises(ValueError, match=r"observation_space is Tuple.*; it must be a Box, or Discrete"):
        runner_of("Blackjack-v1")


def test_unknown_names_and_wrong_counts_are_refused():
    with pytest.raises(ValueError, match=r"gymnasium.make\('Nonsense-v9'\)"):
        runner_of("Nonsense-v9")
    with pytest.raises(ValueError, match="n is 0"):
        runner_of("CartPole-v1", 0)
    with pytest.raises(ValueError, match="rng is int"):
        GymnasiumRunner(GymnasiumEnv("CartPole-v1"), 2, 7)
