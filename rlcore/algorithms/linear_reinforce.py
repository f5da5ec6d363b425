"""REINFORCE with a softmax of linear preferences, for many runs at once: tables, and learners without eyes.

    pi(.|s) = softmax(x(s) @ theta),   v(s) = x(s) @ w                        x(s) = env.observe(s)

    theta <- theta + alpha sum_t gamma^t (G_t - v(s_t)) d log pi(a_t | s_t) / dtheta       after each episode
    w     <- w + alpha_w mean_t (G_t - v(s_t)) x(s_t)

With one-hot features theta is a table of preferences and w one of values; with a `Blindfold`, whose only
feature is 1, theta is one row for all states and w one number. alpha_w = 0: no baseline.

The textbook's box takes a step of theta after each step of the episode. Then the later scores are those of a
policy that did not walk, and after a long episode theta may be thrown far. Here all scores of an episode are
those of the policy that walked it, and their sum is one step along an unbiased gradient.

`rlcore.plain.reinforce` has the loop for one run; on the same random stream the weights are the same.

Letters: N episodes that end together, T their steps, D features, A actions.
Left out: networks; those are `algorithms.reinforce`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.episodes import Episode, Recorder
from rlcore.learning.lanes import Lanes, check_gamma, check_rate
from rlcore.learning.policies import softmax_action
from rlcore.learning.returns import discounted_return
from rlcore.numerics import Array, softmax
from rlcore.problems.env import Discrete


@dataclass(frozen=True, eq=False)
class LinearPolicy:
    """What a learner of preferences leaves behind."""

    theta: Array  # (runs, D, A)
    w: Array  # (runs, D)  weights of the baseline
    returns: Array  # (runs, episodes)  undiscounted
    lengths: Array  # (runs, episodes) int, in steps


def linear_reinforce(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    alpha_w: Any = 0.0,
    theta: Any = 0.0,
) -> LinearPolicy:
    """Learn preferences from returns of whole episodes.   alpha, alpha_w: a number, or one a run

    Williams (1992); Sutton & Barto, sections 13.3 and 13.4. What comes after a time limit does not count.
    theta: the preferences to begin with, (D, A) or a number.   Raises ValueError for arguments out of range,
    and for episodes that need not end.
    """
    check_gamma(gamma)
    alpha, alpha_w = check_rate("alpha", alpha, runs), check_rate("alpha_w", alpha_w, runs)
    theta = _first_theta(env, runs, theta)
    w = np.zeros(theta.shape[:2])

    def act(i: Array, s: Array) -> Array:
        return np.asarray(softmax_action(_rows(env.observe(s), theta[i]), rng))

    lanes, recorder = Lanes(env, episodes=episodes, runs=runs, rng=rng), Recorder(runs)
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        recorder.write(lanes, s, a, reward)
        a_next = act(i, s_next)
        if episode := recorder.ended(lanes):
            n = episode.lane
            d_theta, d_w = _gradients(episode, env.observe(episode.state), theta[n], w[n], gamma)
            theta[n] += alpha[n, None, None] * d_theta
            w[n] += alpha_w[n, None] * d_w
        i, s, a = lanes.go_on(s_next, a_next, act)
    return LinearPolicy(theta, w, lanes.returns, lanes.lengths)


def _gradients(episode: Episode, x: Array, theta: Array, w: Array, gamma: float) -> tuple[Array, Array]:
    """The sum and the mean over the steps of each episode.   -> (N, D, A), (N, D)

    x (T, N, D), theta (N, D, A), w (N, D)
    """
    G = discounted_return(episode.reward, episode.done, gamma=gamma)  # (T, N)
    error = np.where(episode.inside, G - (x * w).sum(axis=-1), 0.0)
    taken = episode.action[..., None] == np.arange(theta.shape[-1])
    push = (gamma ** np.arange(len(x))[:, None] * error)[..., None] * (taken - softmax(_rows(x, theta)))
    return x.transpose(1, 2, 0) @ push.transpose(1, 0, 2), (error[..., None] * x).sum(
        axis=0
    ) / episode.length[:, None]


def _rows(x: Array, theta: Array) -> Array:
    """x @ theta, every lane with its own theta.   (..., N, D), (N, D, A) -> (..., N, A)"""
    return np.asarray((x[..., None, :] @ theta)[..., 0, :])


def _first_theta(env: Any, runs: int, theta: Any) -> Array:
    """The preferences to begin with, for every run; ValueError for what does not fit.   -> (runs, D, A)"""
    if not isinstance(getattr(env, "actions", None), Discrete) or not hasattr(env, "n_features"):
        raise ValueError(f"env is {type(env).__name__}; it must show features and have numbered actions")
    if not np.all(getattr(env, "allowed", True)):
        raise ValueError("env has states in which some actions do not exist; a softmax needs them everywhere")
    shape = env.n_features, env.actions.n
    try:
        table = np.asarray(theta)
    except ValueError:  # lists of different lengths
        raise ValueError(f"theta must be a number or an array {shape}") from None
    if table.shape not in ((), shape) or table.dtype.kind not in "iuf":
        raise ValueError(f"theta is {table.dtype} {table.shape}; it must be a number or {shape}")
    for at in np.argwhere(~np.isfinite(table))[:1]:
        where = f"[{', '.join(map(str, at))}]" if len(at) else ""
        raise ValueError(f"theta{where} is {table[tuple(at)]}; it must be a finite number")
    return np.array(np.broadcast_to(table, (runs, *shape)), float)
