"""What gradient descent does on quadratics when many share the work, to the last digit.

    noisy gradients        their mean over N samples: what a larger batch buys, and when it stops buying
    old gradients          w_{t+1} = w_t - lr curvature w_{t-d}        the gradient was d updates on its way
    averaged parameters    every shard makes `local` steps on its own data, then all take the mean

A quadratic is what every smooth loss looks like near its lowest point, one coordinate for each eigenvector of
its matrix. So what runs away here runs away there.

Letters: D parameters, K shards, N samples in a batch, d delay.
Left out: momentum, noise and delay together, losses that are no quadratics (algorithms/sharded.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import check_count, is_number

# ---------------------------------------------------------------- noisy gradients


def noise_scale(mean: Array, covariance: Array) -> float:
    """The batch whose noise is as long as its gradient: trace(covariance) / |mean|^2, of one sample.

    (...), (D, D) with D = mean.size -> number of samples.   McCandlish et al. (2018)   [eq:noise-scale]
    Raises ValueError where the shapes do not fit, and for a mean of 0, which no batch is large enough for.
    """
    mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
    if covariance.shape != (mean.size, mean.size):
        raise ValueError(f"covariance has shape {covariance.shape}; it must be {(mean.size, mean.size)}")
    length = float((mean**2).sum())
    if not length > 0:
        raise ValueError(f"mean is {mean.ravel()}; it must be longer than 0")
    return float(np.trace(covariance)) / length


def progress(N: Any, scale: float) -> Any:
    """What the best step along a batch's gradient gains, as a part of what the exact gradient's gains.

        1 / (1 + scale / N)        near N / scale for small batches, near 1 for large ones

    On a quadratic of the same curvature c in all directions: a step lr gains lr |g|^2 - lr^2 c / 2 (|g|^2 + tr / N)
    on average; the best lr is 1 / c / (1 + scale / N).   N (...) -> (...)   [eq:progress]
    """
    return 1 / (1 + scale / np.asarray(N, float))


# ---------------------------------------------------------------- old gradients


def delayed_growth(rate: float, delay: int) -> float:
    """By what factor an error is multiplied an update, in the long run: 0 at once, 1 never, above 1 it runs away.

        w_{t+1} = w_t - rate w_{t-d}     ->     the largest |z| with z^(d+1) - z^d + rate = 0

    rate: learning rate times curvature.   d = 0: |1 - rate|.   [eq:delayed-descent]
    Raises ValueError unless rate is a finite number and delay a whole number >= 0.
    """
    check_count("delay", delay, 0)
    if not is_number(rate) or not np.isfinite(rate):
        raise ValueError(f"rate is {rate!r}; it must be a finite number")
    polynomial = np.zeros(delay + 2)
    polynomial[0] = 1.0
    polynomial[1] -= 1.0
    polynomial[-1] += rate
    return float(np.abs(np.roots(polynomial)).max(initial=0.0))


def largest_rate(delay: int) -> float:
    """The rate at which an error neither shrinks nor grows; every larger one runs away.

        2 sin(pi / (2 (2 d + 1)))        2, 1, 0.618, ..., about pi / (2 d + 1)

    There z lies on the unit circle.   Levin & May (1976).   [eq:stale-limit]
    Raises ValueError unless delay is a whole number >= 0.
    """
    check_count("delay", delay, 0)
    return float(2 * np.sin(np.pi / (2 * (2 * delay + 1))))


def best_rate(delay: int) -> tuple[float, float]:
    """The rate whose errors shrink fastest, and their factor an update.

        rate = d^d / (d + 1)^(d + 1),    factor = d / (d + 1)      where two of the z meet

    d = 0: one step, rate 1, to the bottom.   [eq:stale-best]
    """
    check_count("delay", delay, 0)
    return delay**delay / (delay + 1) ** (delay + 1), delay / (delay + 1)


# ---------------------------------------------------------------- averaged parameters


def averaging_limit(A: Any, b: Any, *, lr: float, local: int) -> Array:
    """Where rounds of local steps and averaging end, shard k having the loss w A_k w / 2 - b_k w.

        M_k = (I - lr A_k)^local      what is left of an error after a shard's local steps
        w   = mean_k (w_k + M_k (w - w_k)),    w_k = A_k^-1 b_k

    local = 1: the lowest point of the mean loss, as by averaging gradients. local = infinity: the mean of the w_k.
    The same w where all w_k are one, or all A_k are.   A (K, D, D), b (K, D) -> (D,)   [eq:averaging-limit]
    Raises ValueError for other shapes and what is not finite, local < 1, lr <= 0, and where a shard runs away.
    """
    A, b = np.asarray(A, float), np.asarray(b, float)
    check_count("local", local, 1)
    if A.ndim != 3 or A.shape[1] != A.shape[2] or b.shape != A.shape[:2] or A.size == 0:
        raise ValueError(f"A has shape {A.shape} and b {b.shape}; they must be (K, D, D) and (K, D)")
    for name, x in (("A", A), ("b", b)):
        for at in np.argwhere(~np.isfinite(x))[:1]:
            where = ", ".join(map(str, at))
            raise ValueError(f"{name}[{where}] is {x[tuple(at)]}; it must be a finite number")
    if not is_number(lr) or not 0 < lr < np.inf:
        raise ValueError(f"lr is {lr!r}; it must be a number > 0")
    eye = np.eye(A.shape[1])
    step = eye - lr * A
    for k in np.flatnonzero(np.abs(np.linalg.eigvals(step)).max(axis=1) >= 1)[:1]:
        raise ValueError(
            f"lr is {lr}, and shard {k} runs away or stands still: |eigenvalue| of I - lr A >= 1"
        )
    M = np.linalg.matrix_power(step, local)  # (K, D, D)
    own = np.linalg.solve(A, b[..., None])  # (K, D, 1)
    return np.asarray(np.linalg.solve(eye - M.mean(axis=0), ((eye - M) @ own).mean(axis=0))[:, 0])
