"""Generalised advantage estimates against the slow definition, and the identities of their limits."""

import numpy as np
import pytest

from rlcore.learning.returns import discounted_return, gae, lambda_return, td_error


def by_definition(reward, value, next_value, terminated, done, gamma, lam):
    """A_t = sum over k of (gamma lam)^k delta_{t+k}, up to the episode's last step or the arrays'; O(T^2)."""
    T, N = reward.shape
    A = np.zeros((T, N))
    for n in range(N):
        for t in range(T):
            for k in range(t, T):
                after = 0.0 if terminated[k, n] else next_value[k, n]
                A[t, n] += (gamma * lam) ** (k - t) * (reward[k, n] + gamma * after - value[k, n])
                if done[k, n]:
                    break
    return A


def tape(seed, T=40, N=6):
    """Episodes that end and that are cut, several a column; one that never ends; two that last a step; the
    last step cut in column 2 and terminated in column 3. next_value is no neighbour's value where done."""
    rng = np.random.default_rng(seed)
    terminated = rng.random((T, N)) < 0.1
    truncated = (rng.random((T, N)) < 0.1) & ~terminated
    terminated[:, 1] = truncated[:, 1] = False
    terminated[3:5, 0], truncated[3:5, 0] = True, False
    terminated[-1, 2:4], truncated[-1, 2:4] = [False, True], [True, False]
    value = 5 * rng.normal(size=(T, N))
    next_value = np.concatenate([value[1:], rng.normal(size=(1, N))])
    done = terminated | truncated
    next_value = np.where(done, 9 * rng.normal(size=(T, N)), next_value)
    return 3 * rng.normal(size=(T, N)), value, next_value, terminated, done


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(2))
def test_gae_is_its_definition(seed, gamma, lam):
    arrays = tape(seed)
    want = by_definition(*arrays, gamma, lam)
    np.testing.assert_allclose(gae(*arrays, gamma=gamma, lam=lam), want, rtol=0, atol=1e-10)
    alone = gae(*(x[:, 2] for x in arrays), gamma=gamma, lam=lam)
    assert alone.shape == (40,)
    np.testing.assert_allclose(alone, want[:, 2], rtol=0, atol=1e-10)


def test_lambda_0_is_the_td_error():
    reward, value, next_value, terminated, done = tape(3)
    want = td_error(reward, value, next_value, terminated, gamma=0.9)
    got = gae(reward, value, next_value, terminated, done, gamma=0.9, lam=0.0)
    np.testing.assert_array_equal(got, want)


def test_lambda_1_is_return_minus_value():
    reward, value, next_value, terminated, done = tape(4)
    bootstrap = np.where(terminated, 0.0, next_value)
    want = discounted_return(reward, done, gamma=0.9, bootstrap=bootstrap) - value
    got = gae(reward, value, next_value, terminated, done, gamma=0.9, lam=1.0)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.95, 1.0])
def test_advantage_plus_value_is_the_lambda_return(lam):
    """So the target of the value is gae + value, with the advantage as it is: not yet standardised."""
    reward, value, next_value, terminated, done = tape(5)
    target = gae(reward, value, next_value, terminated, done, gamma=0.97, lam=lam) + value
    want = lambda_return(reward, next_value, terminated, done, gamma=0.97, lam=lam)
    np.testing.assert_allclose(target, want, rtol=0, atol=1e-10)


def test_nothing_leaks_into_the_episode_before():
    """An episode without rewards and values, and behind its end a rewarding one."""
    reward, value = np.array([0.0, 0, 0, 10, 10]), np.zeros(5)
    for terminated in (True, False):
        done = np.array([False, False, True, False, False])
        A = gae(reward, value, np.zeros(5), done & terminated, done, gamma=0.9, lam=0.8)
        np.testing.assert_array_equal(A[:3], 0)
        assert A[3] == pytest.approx(10 + 0.72 * 10)


def test_a_cut_keeps_the_value_of_what_it_cut_off():
    """The same walk terminated and truncated: gamma V(successor) apart, and faded by gamma lam further back."""
    reward, value, next_value = np.zeros(3), np.zeros(3), np.array([0.0, 0.0, 7.0])
    done = np.array([False, False, True])
    end = gae(reward, value, next_value, done, done, gamma=0.9, lam=0.5)
    cut = gae(reward, value, next_value, np.zeros(3, bool), done, gamma=0.9, lam=0.5)
    np.testing.assert_array_equal(end, 0)
    np.testing.assert_allclose(cut, 0.9 * 7 * np.array([0.45**2, 0.45, 1]), atol=1e-14)


def test_the_end_of_a_rollout_is_no_end():
    """The last row looks at V of its successor, done or not; only `terminated` takes that away."""
    A = gae(np.ones(1), np.zeros(1), np.full(1, 4.0), [False], [False], gamma=0.5, lam=0.9)
    assert A[0] == 3.0


def test_the_value_behind_a_terminal_step_does_not_count_whatever_it_is():
    done = np.array([False, True])
    A = gae(np.ones(2), np.zeros(2), np.array([2.0, np.nan]), done, done, gamma=1.0, lam=1.0)
    np.testing.assert_array_equal(A, [4, 1])


def test_arguments_are_left_alone():
    arrays = tape(6)
    before = [x.copy() for x in arrays]
    gae(*arrays, gamma=0.9, lam=0.9)
    for x, y in zip(arrays, before):
        np.testing.assert_array_equal(x, y)


def test_float32_in_float32_out():
    reward, value, next_value, terminated, done = tape(7)
    want = gae(reward, value, next_value, terminated, done, gamma=0.9, lam=0.8)
    small = [x.astype(np.float32) for x in (reward, value, next_value)]
    got = gae(*small, terminated, done, gamma=0.9, lam=0.8)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize("wrong", ["value", "next_value", "terminated", "done"])
@pytest.mark.parametrize("shape", [(5, 1), (1,), (4,), (5, 5)])
def test_shapes_that_would_broadcast_are_refused(wrong, shape):
    """Rewards (N,) against a critic's (N, 1)."""
    names = ["value", "next_value", "terminated", "done"]
    arrays = {name: np.zeros(shape if name == wrong else 5) for name in names}
    with pytest.raises(ValueError, match=rf"{wrong} has shape .*; it must be \(5,\), the shape of reward"):
        gae(np.zeros(5), **arrays, gamma=0.9, lam=0.9)
