"""Estimates of the policy gradient, one a trajectory: they differ in the weight that a step gets.

    g = sum over t of  gamma^t w_t  d log pi(a_t | s_t) / dtheta          pi = softmax(theta), a table

    w_t = full_return        all that was paid, early or late, brought back to t = 0 (without gamma^t)
        | reward_to_go       what was paid from t on
        | with_baseline      the same, less V(s_t)
        | exact_advantage    Q(s_t, a_t) - V(s_t), from a table
        | gae_advantage      what came, judged by V: from the TD error (lam = 0) to with_baseline (lam = 1)

`walks` is anything with the arrays of a rollout of tables, state, action, reward, next_state, terminated and
done, each (T, N), and with `live` (T, N) bool: whether the step belongs to the episode of the column. So one
function serves `exact.moments`, which says what an estimate is on average and how it scatters, and samples.

    estimator = lambda walks: gradient_estimate(walks, pi, reward_to_go(walks, gamma=0.9), gamma=0.9)
    mean, covariance = moments(mdp, pi, estimator, horizon=6)

Letters: T steps, N trajectories, S states, A actions.
Left out: policies that share parameters between states; the learners differentiate those themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.learning.returns import discounted_return, gae
from rlcore.numerics import Array


def gradient_estimate(walks: Any, pi: Array, weight: Array, gamma: float = 1.0) -> Array:
    """sum_t gamma^t weight_t d log pi(a_t | s_t) / dtheta.   pi (S, A), weight (T, N) -> (N, S, A)

        d log pi(a | s) / dtheta[s, b] = 1[a = b] - pi(b | s)

    [eq:gradient-estimate]  With gamma^t it estimates the gradient of the discounted return. Most programs leave
    the factor out (gamma = 1 here, whatever the weights are): later states then count as much as early ones.
    """
    (S, A), (T, N) = pi.shape, walks.state.shape
    share = np.where(walks.live, gamma ** np.arange(T)[:, None] * weight, 0.0)
    entry = (np.arange(N) * S + walks.state) * A + walks.action
    taken = np.bincount(entry.ravel(), share.ravel(), N * S * A).reshape(N, S, A)
    return np.asarray(taken - pi * taken.sum(axis=-1, keepdims=True))


def full_return(walks: Any, *, gamma: float) -> Array:
    """G_0, the same for every step of a trajectory.   -> (T, N)

    [eq:log-derivative]  It also praises actions for rewards that came before them. Those add nothing on average,
    only variance. To be used without gamma^t: G_0 is brought back to t = 0 already.
    """
    G = reward_to_go(walks, gamma=gamma)
    return np.broadcast_to(G[0], G.shape)


def reward_to_go(walks: Any, *, gamma: float) -> Array:
    """G_t = r_t + gamma r_{t+1} + ...   -> (T, N)   [eq:reward-to-go]"""
    return discounted_return(walks.reward, walks.done, gamma=gamma)


def with_baseline(walks: Any, V: Array, *, gamma: float) -> Array:
    """G_t - V(s_t).   V (S,) -> (T, N)

    [eq:with-baseline]  Any V leaves the mean as it is, since sum_a pi(a|s) d log pi(a|s) = 0.
    """
    return np.asarray(reward_to_go(walks, gamma=gamma) - V[walks.state])


def exact_advantage(walks: Any, advantage: Array) -> Array:
    """A(s_t, a_t) of a table: nothing that comes after the action scatters any more.   (S, A) -> (T, N)"""
    return np.asarray(advantage[walks.state, walks.action])


def gae_advantage(walks: Any, V: Array, *, gamma: float, lam: float) -> Array:
    """Generalised advantage estimates, with a table V (S,) as the critic.   -> (T, N)

    With the policy's own V the mean is right for every lam; with another V only for lam = 1.
    """
    return gae(
        walks.reward, V[walks.state], V[walks.next_state], walks.terminated, walks.done, gamma=gamma, lam=lam
    )
