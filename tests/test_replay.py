"""The replay memory: what it keeps, in which order it forgets, how it draws."""

import numpy as np
import pytest
from scipy.stats import chi2

from rlcore.learning.replay import ReplayBuffer
from rlcore.learning.rollout import Rollout, make_runner
from rlcore.problems.cartpole import CartPole


def tape(first, T, N, *, dtype=float, width=2):
    """Step k of all, counted from `first` on, has state (k, k), next_state (k + 0.5, ...), action k % 3, reward -k."""
    k = first + np.arange(T * N).reshape(T, N)
    state = np.repeat(k[..., None], width, axis=-1).astype(dtype)
    return Rollout(state, k % 3, -k.astype(float), state + 0.5, k % 5 == 0, k % 7 == 0, np.zeros((T, N)))


def held(memory):
    """The numbers of the steps in the memory, sorted."""
    return np.sort(-memory.ring["reward"][: len(memory)]).astype(int).tolist()


def test_the_ring_forgets_the_oldest():
    memory = ReplayBuffer(10)
    assert len(memory) == 0
    memory.add(tape(0, 2, 3))
    assert (len(memory), held(memory)) == (6, list(range(6)))
    memory.add(tape(6, 2, 3))
    assert (len(memory), held(memory)) == (10, list(range(2, 12)))
    memory.add(tape(12, 1, 3))
    assert held(memory) == list(range(5, 15))
    memory.add(tape(15, 9, 3))  # more than fit: the last ten
    assert held(memory) == list(range(32, 42))
    memory.add(tape(42, 1, 1))
    assert held(memory) == list(range(33, 43))


def test_a_full_ring_goes_on_at_the_place_of_the_oldest():
    memory = ReplayBuffer(4)
    for k in range(11):
        memory.add(tape(k, 1, 1))
        assert held(memory) == list(range(max(0, k - 3), k + 1))


def test_the_parts_of_a_step_stay_together():
    memory = ReplayBuffer(50)
    for first in (0, 40, 80):
        memory.add(tape(first, 10, 4))
    batch = memory.sample(500, np.random.default_rng(0))
    k = -batch.reward.astype(int)
    np.testing.assert_array_equal(batch.state, np.stack([k, k], axis=1))
    np.testing.assert_array_equal(batch.next_state, batch.state + 0.5)
    np.testing.assert_array_equal(batch.action, k % 3)
    np.testing.assert_array_equal(batch.terminated, k % 5 == 0)  # and not where it was only truncated
    assert (k % 7 == 0).any()
    assert k.min() >= 70


def test_sampling_is_uniform():
    """40,000 draws from 40 steps; chi-square with 39 degrees of freedom exceeds its limit with probability 1e-6."""
    memory = ReplayBuffer(40)
    memory.add(tape(0, 15, 4))
    k = -memory.sample(40_000, np.random.default_rng(1)).reward.astype(int)
    count = np.bincount(k, minlength=60)[20:]
    assert len(count) == 40
    assert count.sum() == 40_000
    assert ((count - 1000) ** 2 / 1000).sum() < chi2.isf(1e-6, 39)


def test_a_batch_is_a_copy():
    memory = ReplayBuffer(4)
    memory.add(tape(0, 1, 4))
    memory.sample(4, np.random.default_rng(0)).state[:] = 99
    assert memory.ring["state"].max() == 3


def test_successors_are_true_and_never_the_start_of_the_next_episode():
    """CartPole for 5 steps: every successor follows from its state by the equations of motion."""
    env = CartPole(horizon=5)
    runner = make_runner(env, 3, np.random.default_rng(0))
    memory = ReplayBuffer(300)
    memory.add(runner.collect(lambda s, rng: (rng.integers(2, size=len(s)), np.zeros(len(s))), 100))
    batch = memory.sample(2000, np.random.default_rng(1))
    s_next, _, terminated = env.step(batch.state, batch.action, np.random.default_rng(2))
    np.testing.assert_array_equal(batch.next_state, s_next)
    np.testing.assert_array_equal(batch.terminated, terminated)
    assert not batch.terminated.any()  # in 5 steps no pole falls: every end was a truncation


def test_dtypes_are_kept():
    memory = ReplayBuffer(5)
    memory.add(tape(0, 1, 2, dtype=np.float32))
    batch = memory.sample(3, np.random.default_rng(0))
    assert batch.state.dtype == batch.next_state.dtype == np.float32
    assert batch.action.dtype.kind == "i"
    assert batch.terminated.dtype == bool


@pytest.mark.parametrize("capacity", [0, -1, 2.5, float("nan"), None, True])
def test_capacity_is_counted(capacity):
    with pytest.raises(ValueError, match=r"capacity is .*; it must be a whole number >= 1"):
        ReplayBuffer(capacity)


def test_other_shapes_and_dtypes_are_refused_and_nothing_is_stored():
    memory = ReplayBuffer(10)
    memory.add(tape(0, 1, 2))
    with pytest.raises(ValueError, match=r"state is float64 of shape \(3,\) a step; the memory holds"):
        memory.add(tape(2, 1, 2, width=3))
    with pytest.raises(ValueError, match=r"state is float32 of shape .* the memory holds float64"):
        memory.add(tape(2, 1, 2, dtype=np.float32))
    assert (len(memory), held(memory)) == (2, [0, 1])


def test_an_empty_memory_and_an_empty_batch_are_refused():
    memory = ReplayBuffer(3)
    with pytest.raises(ValueError, match="the memory is empty; add a rollout first"):
        memory.sample(1, np.random.default_rng(0))
    memory.add(tape(0, 1, 1))
    for batch in (0, 1.5, None):
        with pytest.raises(ValueError, match=f"batch is {batch!r}; it must be a whole number >= 1"):
            memory.sample(batch, np.random.default_rng(0))
