"""REINFORCE in the plainest loops: one run, one episode after the other.

What `rlcore.algorithms.linear_reinforce` does for many runs at once; on the same random stream the weights are
the same. It stays slow on purpose, and checks nothing.

Letters: T steps, D features, A actions.
Left out: what the fast one checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import softmax_action
from rlcore.numerics import Array, softmax
from rlcore.plain.monte_carlo import walk


def reinforce(
    env: Any,
    *,
    episodes: int,
    alpha: float,
    gamma: float,
    rng: Generator,
    alpha_w: float = 0.0,
    theta: Array | None = None,
) -> tuple[Array, Array]:
    """Sutton & Barto, sections 13.3 and 13.4, with one step an episode.   -> theta (D, A), w (D,)

    [eq:reinforce]  pi(.|s) = softmax(x(s) @ theta), and the baseline is v(s) = x(s) @ w; it stays 0 where alpha_w is 0.
    """
    theta = np.zeros((env.n_features, env.actions.n)) if theta is None else np.array(theta, float)
    w = np.zeros(env.n_features)

    def act(s: Any) -> Any:
        return softmax_action(env.observe(s) @ theta, rng)

    for _ in range(episodes):
        s = env.reset(rng)
        steps = walk(env, act, s, act(s), rng)
        G, d_theta, d_w = 0.0, np.zeros_like(theta), np.zeros_like(w)
        for t in reversed(range(len(steps))):
            s, a, reward = steps[t]
            G = reward + gamma * G
            x = env.observe(s)
            score = np.outer(x, np.eye(env.actions.n)[a] - softmax(x @ theta))
            d_theta += gamma**t * (G - x @ w) * score
            d_w += (G - x @ w) * x
        theta += alpha * d_theta
        w += alpha_w * d_w / len(steps)
    return theta, w
