"""One step with a real-valued action, where two gradients of the same reward can be compared exactly.

    reward  Q(a) = -c/2 |a - goal|^2,      action  a = m + s z,   z standard normal, D numbers

    likelihood ratio    (Q(a) - b) d log pi(a)/dm = (Q(a) - b) z / s      knows what was paid
    pathwise            dQ/da = -c (a - goal)                             knows the slope of what is paid

Both have the mean -c (m - goal). Their variances are polynomials, because moments of a normal number are:
E z^2 = 1, E z^4 = 3, E z^6 = 15.

Letters: D numbers in an action, c curvature, s standard deviation, b baseline.
Left out: gradients with respect to s; rewards that are no quadratics.
"""

from __future__ import annotations

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import is_number


def likelihood_ratio(miss: Array, c: float, s: float, b: float = 0.0) -> tuple[Array, Array]:
    """Mean and variance of (Q(a) - b) z / s, an entry a coordinate.   miss = m - goal (D,) -> (D,), (D,)

        mean_i     = -c miss_i
        variance_i = c^2 / (4 s^2) E[(sum_j (miss_j + s z_j)^2 + 2 b / c)^2 z_i^2] - mean_i^2

    D = 1, b = 0: c^2 (miss^4 + 14 miss^2 s^2 + 15 s^4) / (4 s^2), without bound as s falls. b = E Q, see
    `value`: c^2 (2 miss^2 + 5/2 s^2), and each further coordinate j adds c^2 (miss_j^2 + s^2 / 2).
    [eq:likelihood-ratio-variance]
    Raises ValueError unless c and s are positive and b is finite.
    """
    _check(c=c, s=s)
    if not is_number(b) or not np.isfinite(b):
        raise ValueError(f"b is {b!r}; it must be a finite number")
    miss = np.asarray(miss, float)
    square = miss**2 + s**2  # E (miss + s z)^2
    scatter = 4 * miss**2 * s**2 + 2 * s**4  # and its variance
    rest, noise = square.sum() - square + 2 * b / c, scatter.sum() - scatter  # of the other coordinates
    own = miss**4 + 18 * miss**2 * s**2 + 15 * s**4  # E (miss + s z)^4 z^2
    second = own + 2 * rest * (miss**2 + 3 * s**2) + rest**2 + noise
    return -c * miss, c**2 / (4 * s**2) * second - (c * miss) ** 2


def pathwise(miss: Array, c: float, s: float) -> tuple[Array, Array]:
    """Mean and variance of dQ/da, an entry a coordinate.   miss = m - goal (D,) -> (D,), (D,)

        mean_i = -c miss_i,    variance_i = c^2 s^2

    The other coordinates do not matter; without noise, s = 0, nothing varies: the deterministic policy gradient.
    [eq:pathwise-variance]
    """
    _check(c=c)
    miss = np.asarray(miss, float)
    return -c * miss, np.full(miss.shape, (c * s) ** 2)


def value(miss: Array, c: float, s: float) -> float:
    """E Q(a) = -c/2 (|miss|^2 + D s^2).   (D,) -> number"""
    _check(c=c)
    miss = np.asarray(miss, float)
    return float(-c / 2 * (miss @ miss + miss.size * s**2))


def clipped_score(m: float, s: float, low: float, high: float) -> float:
    """The mean of (clip(a) - m) / s^2: the score of a clipped action, taken for one that was drawn.

        E clip(a) = low Phi(u) + high (1 - Phi(v)) + m (Phi(v) - Phi(u)) - s (phi(v) - phi(u)),
        u = (low - m) / s,  v = (high - m) / s,  Phi and phi the standard normal distribution and density

    The score of what was drawn has mean 0. This one pushes m into the box, whatever is paid. [eq:clipped-score]
    Raises ValueError unless s > 0 and low < high, both finite.
    """
    from scipy.special import ndtr

    _check(s=s)
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"low is {low!r} and high {high!r}; it needs finite low < high")
    u, v = (low - m) / s, (high - m) / s
    phi_u, phi_v = (np.exp(-x * x / 2) / np.sqrt(2 * np.pi) for x in (u, v))
    mean = low * ndtr(u) + high * ndtr(-v) + m * (ndtr(v) - ndtr(u)) - s * (phi_v - phi_u)
    return float((mean - m) / s**2)


def _check(**numbers: float) -> None:
    for name, x in numbers.items():
        if not is_number(x) or not 0 < x < np.inf:
            raise ValueError(f"{name} is {x!r}; it must be a finite number > 0")
