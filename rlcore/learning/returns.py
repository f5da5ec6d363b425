"""What a walk was worth: returns, all of them functions of arrays (T, N) or (T,).

Row t holds step t, column n the walk n. `done` marks the last step of an episode, terminated or truncated;
after it the next episode may follow in the same column.

Letters: T steps, N walks.
Left out: streams that are too long to keep.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.learning.shapes import same_shape
from rlcore.numerics import Array


def discounted_return(reward: Array, done: Array, *, gamma: float, bootstrap: Any = 0.0) -> Array:
    """The return from each step on.   (T, N) -> (T, N)

        G_t = r_t + gamma * G_{t+1},    and where done, and at T - 1,    G_t = r_t + gamma * bootstrap_t

    bootstrap = (1 - terminated) V(next_state) puts a value in the place of the future that a time limit cut
    off [eq:cut-return]; with 0 nothing comes after a cut [eq:return-recursion]. The rewards are those *of*
    step t: r_t of the code is r_{t+1} of the text. Raises ValueError where shapes differ.
    """
    reward, done = np.asarray(reward, float), np.asarray(done, bool)
    same_shape(reward=reward, done=done)
    if np.ndim(bootstrap):
        same_shape(reward=reward, bootstrap=bootstrap)
    after = np.broadcast_to(np.asarray(bootstrap, float), reward.shape)
    G = np.empty_like(reward)
    future: Any = after[-1] if len(after) else 0.0
    for t in reversed(range(len(reward))):
        future = np.where(done[t], after[t], future)
        G[t] = future = reward[t] + gamma * future
    return G


# ---------------------------------------------------------------- importance sampling


def importance_ratio(pi: Array, b: Array, state: Array, action: Array, inside: Any = True) -> Array:
    """W_t = product over k = t .. T - 1 of pi(a_k | s_k) / b(a_k | s_k).   (S, A) twice, (T, N) ... -> (T, N)

    [eq:importance-ratio]  How much likelier pi is than b to act as it did from t on; the model cancels.
    inside: which rows belong to the walk (T, N) bool; the others count as 1.
    """
    taken = np.divide(pi[state, action], b[state, action], out=np.ones(state.shape), where=inside)
    return np.asarray(np.cumprod(taken[::-1], axis=0)[::-1])


def ordinary_average(W: Array, G: Array) -> Array:
    """(1 / n) sum_i W_i G_i, after each of the n episodes: unbiased.   (..., n) -> (..., n)

    [eq:ordinary-is]
    """
    return np.asarray((W * G).cumsum(axis=-1) / np.arange(1, G.shape[-1] + 1))


def weighted_average(W: Array, G: Array) -> Array:
    """sum_i W_i G_i / sum_i W_i, after each of the n episodes; 0 while no W is positive.   (..., n) -> (..., n)

    [eq:weighted-is]  Biased, but a mean of returns: it never leaves their range.
    """
    weight = W.cumsum(axis=-1)
    mean = np.divide((W * G).cumsum(axis=-1), weight, out=np.zeros(G.shape), where=weight > 0)
    return np.asarray(mean)


def td_error(reward: Array, value: Array, next_value: Array, terminated: Array, *, gamma: float) -> Array:
    """delta_t = r_t + gamma (1 - terminated_t) V(s_{t+1}) - V(s_t).   all (T, N) -> (T, N)

    Where V is the policy's own, its mean, given state and action, is the advantage [eq:td-advantage].
    Sutton & Barto, equation (6.5).
    """
    same_shape(reward=reward, value=value, next_value=next_value, terminated=terminated)
    return np.asarray(reward + gamma * np.where(terminated, 0.0, next_value) - value)


def n_step_return(
    reward: Array, next_value: Array, terminated: Array, done: Array, *, gamma: float, n: int
) -> Array:
    """n rewards, and the value of what follows.   all (T, N) -> (T, N)

        G_{t:t+n} = r_t + gamma r_{t+1} + ... + gamma^(n-1) r_{t+n-1} + gamma^n V(s_{t+n})

    A window that meets the end of its episode, or of the arrays, ends there. If that end is a cut, the value
    of the state behind it still counts; if it is terminated, nothing does.   [eq:n-step-return]
    n = 1: the target of TD(0);  n >= T: the whole return.  Sutton & Barto, equation (7.1).
    The rewards behind the window are taken off the whole return, so the work does not grow with n.
    """
    same_shape(reward=reward, next_value=next_value, terminated=terminated, done=done)
    end = window_end(done, n)
    t = np.arange(len(reward)).reshape(-1, *[1] * (np.ndim(reward) - 1))
    whole = discounted_return(reward, done, gamma=gamma)
    behind = np.where(window_end(done, 1) == window_end(done, len(done)), 0.0, np.roll(whole, -1, axis=0))
    bootstrap = np.where(terminated, 0.0, next_value) - behind
    return np.asarray(whole + gamma ** (end - t + 1.0) * np.take_along_axis(bootstrap, end, axis=0))


def lambda_return(
    reward: Array, next_value: Array, terminated: Array, done: Array, *, gamma: float, lam: Any
) -> Array:
    """The mean of all n-step returns, the n-th with the weight (1 - lam) lam^(n-1).   all (T, N) -> (T, N)

        G_t = r_t + gamma ((1 - lam) V(s_{t+1}) + lam G_{t+1})

    and at the end of an episode or of the arrays G_t = r_t + gamma V(s_{t+1}); V is 0 where terminated.
    lam: a number, or one a column.   lam = 0: the target of TD(0);  lam = 1: the whole return.
    [eq:lambda-return]  Sutton & Barto, section 12.1.
    """
    same_shape(reward=reward, next_value=next_value, terminated=terminated, done=done)
    after = np.where(terminated, 0.0, next_value)
    G = np.empty(after.shape)
    later: Any = after[-1] if len(after) else 0.0
    for t in reversed(range(len(G))):
        later = np.where(done[t], after[t], (1 - lam) * after[t] + lam * later)
        later = G[t] = reward[t] + gamma * later
    return G


def tree_backup_return(
    reward: Array,
    next_expected: Array,
    next_probability: Array,
    next_value: Array,
    terminated: Array,
    *,
    gamma: float,
) -> Array:
    """The target of tree backup from each step of a window to its last one.   all (T, N) -> (T, N)

        G_t = r_t + gamma (E_{t+1} - p_{t+1} (Q_{t+1} - G_{t+1})),    at T - 1    G_t = r_t + gamma E_{t+1}

    E = sum_a pi(a | s') Q(s', a), the policy's mean; p = pi(a' | s') and Q = Q(s', a') of the action taken, whose
    branch is replaced by what came of it. Only the last step may be terminated: then E counts for nothing.
    [eq:tree-backup]  Precup, Sutton & Singh (2000); Sutton & Barto, equation (7.16).
    """
    same_shape(reward=reward, next_expected=next_expected, next_probability=next_probability)
    same_shape(reward=reward, next_value=next_value, terminated=terminated)
    G = reward + gamma * np.where(terminated, 0.0, next_expected)
    for t in reversed(range(len(G) - 1)):
        G[t] = reward[t] + gamma * (next_expected[t] - next_probability[t] * (next_value[t] - G[t + 1]))
    return np.asarray(G)


def window_ratio(rho: Array, done: Array, *, n: int) -> Array:
    """The product of the ratios of a window: rho_t rho_{t+1} ... to its end.   (T, N) -> (T, N)

    rho_t = pi(a_t | s_t) / b(a_t | s_t). The window ends as that of `n_step_return`.
    [eq:n-step-ratio]  Sutton & Barto, equation (7.10).
    """
    same_shape(rho=rho, done=done)
    end = window_end(done, n)
    t = np.arange(len(rho)).reshape(-1, *[1] * (np.ndim(rho) - 1))
    product = np.ones(np.shape(rho))
    for k in range(int((end - t).max(initial=-1)) + 1):
        ahead = np.minimum(t + k, end)
        product *= np.where(t + k <= end, np.take_along_axis(rho, ahead, axis=0), 1.0)
    return product


def window_end(done: Array, n: int) -> Array:
    """The last step of the n that begin at t: t + n - 1, or the episode's last.   (T, N) -> (T, N) int"""
    T = len(done)
    t = np.arange(T).reshape(-1, *[1] * (np.ndim(done) - 1))
    end = np.minimum.accumulate(np.where(done, t, T - 1)[::-1], axis=0)[::-1]
    return np.asarray(np.minimum(t + n - 1, end))


def gae(
    reward: Array,
    value: Array,
    next_value: Array,
    terminated: Array,
    done: Array,
    *,
    gamma: float,
    lam: float,
) -> Array:
    """Generalised advantage estimates.   all (T, N) -> (T, N), or all (T,) -> (T,)

        delta_t = r_t + gamma (1 - terminated_t) V(s_{t+1}) - V(s_t)
        A_t     = delta_t + gamma lam (1 - done_t) A_{t+1},    and A_t = delta_t at T - 1

    next_value is V of the true successor, also where the time limit cut the episode: `terminated` says what
    the successor is worth, `done` (terminated or truncated) where the sum stops.
    lam = 0: the TD error;  lam = 1: return minus value;  A + value is the lambda-return, the target of the value.
    Raises ValueError where shapes differ.   [eq:gae]  Schulman et al. (2016).
    """
    same_shape(reward=reward, value=value, next_value=next_value, terminated=terminated, done=done)
    A = td_error(reward, value, next_value, terminated, gamma=gamma)
    carry = gamma * lam * np.logical_not(done)
    for t in reversed(range(len(A) - 1)):
        A[t] += carry[t] * A[t + 1]
    return A


# ---------------------------------------------------------------- groups: several answers to one question


def group_advantage(reward: Array, *, eps: float = 1e-4, ddof: int = 1, scale: bool = True) -> Array:
    """How much better a response is than its group, in units of the group's spread.   (B, G) -> (B, G)

        A = (r - mean(r)) / (std(r) + eps);   without scale  A = r - mean(r)

    std divides by G - ddof. A group whose rewards are all equal gets exactly 0: it has nothing to say. The mean
    holds the response's own reward, so the expected gradient without scale is (G - 1) / G of the true one.
    [eq:group-advantage]  Shao et al. (2024), DeepSeekMath; without scale Liu et al. (2025), Dr. GRPO.
    """
    x = _centred(reward)
    if not scale:
        return x
    G = x.shape[-1]
    std = np.sqrt((x * x).sum(axis=-1, keepdims=True) / max(G - ddof, 1))
    return np.asarray(np.divide(x, std + eps, out=np.zeros_like(x), where=std != 0))


def rloo_advantage(reward: Array) -> Array:
    """How much better a response is than the mean of the others.   (B, G) -> (B, G)

        A_i = r_i - sum_{j != i} r_j / (G - 1) = (r_i - mean(r)) G / (G - 1)

    The baseline does not hold the response's own reward, so the gradient is unbiased. Equal rewards give
    exactly 0.   [eq:group-bias]  Kool, van Hoof & Welling (2019); Ahmadian et al. (2024).
    Raises ValueError for groups of one.
    """
    x = _centred(reward)
    G = x.shape[-1]
    if G < 2:
        raise ValueError(f"reward has shape {x.shape}; a group needs two responses or more, (B, G)")
    return np.asarray(x * x.dtype.type(G / (G - 1)))


def _centred(reward: Array) -> Array:
    """r - mean(r) of each group, exactly 0 where all are equal: the first one is taken off before.   (B, G)"""
    r = np.asarray(reward)
    r = r.astype(np.result_type(r, np.float32))
    x = r - r[..., :1]
    return np.asarray(x - x.mean(axis=-1, keepdims=True))
