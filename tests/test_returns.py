"""Returns against their definitions, summed up the slow way."""

import numpy as np
import pytest

from rlcore.learning.returns import (
    discounted_return,
    importance_ratio,
    ordinary_average,
    weighted_average,
)


def by_definition(reward, done, gamma, bootstrap):
    """G[t, n] = r_t + gamma r_{t+1} + ... to the end of the episode, and the bootstrap behind it; O(T^2)."""
    T, N = reward.shape
    G = np.zeros((T, N))
    for t in range(T):
        for n in range(N):
            for k in range(t, T):
                G[t, n] += gamma ** (k - t) * reward[k, n]
                if done[k, n] or k == T - 1:
                    G[t, n] += gamma ** (k - t + 1) * bootstrap[k, n]
                    break
    return G


def tape(seed, T=40, N=6):
    """Rewards of both signs, several episodes a column, some that end at once, one that never does."""
    rng = np.random.default_rng(seed)
    done = rng.random((T, N)) < 0.15
    done[3:5, 0], done[:, 1] = True, False
    return 3 * rng.normal(size=(T, N)), done, 5 * rng.normal(size=(T, N))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_return_is_its_definition(seed, gamma):
    reward, done, bootstrap = tape(seed)
    want = by_definition(reward, done, gamma, bootstrap)
    got = discounted_return(reward, done, gamma=gamma, bootstrap=bootstrap)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-10)
    assert got.shape == (40, 6)
    one = discounted_return(reward[:, 2], done[:, 2], gamma=gamma, bootstrap=bootstrap[:, 2])
    np.testing.assert_allclose(one, want[:, 2], rtol=0, atol=1e-10)
    nothing = discounted_return(reward, done, gamma=gamma)
    np.testing.assert_allclose(nothing, by_definition(reward, done, gamma, 0 * bootstrap), atol=1e-10)


def test_return_by_hand():
    """Two episodes of 1, 2 and 4, 8; the second is cut, and what comes then is worth 16."""
    G = discounted_return([1, 2, 4, 8], [0, 1, 0, 1], gamma=0.5, bootstrap=[9, 0, 9, 16])
    np.testing.assert_array_equal(G, [2, 2, 12, 16])
    G = discounted_return([1, 2, 4, 8], [0, 0, 0, 0], gamma=1.0, bootstrap=3.0)  # the arrays end
    np.testing.assert_array_equal(G, [18, 17, 15, 11])


def test_return_of_nothing():
    assert discounted_return(np.zeros((0, 3)), np.zeros((0, 3), bool), gamma=0.9).shape == (0, 3)


def test_return_refuses_shapes_that_would_broadcast():
    reward = np.zeros(5)
    with pytest.raises(ValueError, match=r"done has shape \(5, 1\); it must be \(5,\), the shape of reward"):
        discounted_return(reward, np.zeros((5, 1), bool), gamma=1.0)
    with pytest.raises(ValueError, match=r"bootstrap has shape \(5, 1\); it must be \(5,\)"):
        discounted_return(reward, np.zeros(5, bool), gamma=1.0, bootstrap=np.zeros((5, 1)))


def test_importance_ratio_is_its_definition():
    rng = np.random.default_rng(0)
    pi, b = rng.dirichlet(np.ones(3), 4), rng.dirichlet(np.ones(3), 4)
    state, action = rng.integers(0, 4, (9, 5)), rng.integers(0, 3, (9, 5))
    length = np.array([9, 1, 4, 7, 2])
    inside = np.arange(9)[:, None] < length
    W = importance_ratio(pi, b, state, action, inside)
    for t in range(9):
        for n in range(5):
            want = 1.0
            for k in range(t, length[n]):
                want *= pi[state[k, n], action[k, n]] / b[state[k, n], action[k, n]]
            assert W[t, n] == pytest.approx(want, rel=1e-10)


def test_averages_are_their_definitions():
    """Three runs of 20 episodes; the first two weights of a run are 0."""
    rng = np.random.default_rng(1)
    W, G = rng.exponential(size=(3, 20)), rng.normal(size=(3, 20))
    W[1, :2] = 0.0
    ordinary, weighted = ordinary_average(W, G), weighted_average(W, G)
    for i in range(3):
        for n in range(1, 21):
            w, g = W[i, :n], G[i, :n]
            assert ordinary[i, n - 1] == pytest.approx((w * g).sum() / n, rel=1e-10, abs=1e-12)
            want = (w * g).sum() / w.sum() if w.any() else 0.0
            assert weighted[i, n - 1] == pytest.approx(want, rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(weighted_average(1e-9 * W, G), weighted, rtol=1e-10)  # weights have no scale
