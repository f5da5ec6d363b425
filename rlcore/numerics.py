"""Small array functions that every room of the house needs.

Softmax and its relatives act on the last axis; everything broadcasts over the axes before it.

Letters: K categories, `...` any leading axes.
Left out: other axes and weights; `scipy.special` has them.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def logsumexp(x: Array) -> Array:
    """log sum_k exp(x_k), without overflow.   (..., K) -> (...)

    The largest entry is taken out first; a row of -inf gives -inf.
    """
    top = x.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(x - top).sum(axis=-1)) + top[..., 0])


def log_softmax(logits: Array) -> Array:
    """log p_k = x_k - log sum_j exp(x_j).   (..., K) -> (..., K)

    The largest logit is taken out first, so that large logits do not cost digits. Rows are short, and there are
    many of them: turned on its side, a table is reduced in a few long sweeps.
    """
    x = np.array(logits.reshape(-1, logits.shape[-1]).T, order="C")  # (K, N)
    x = x - x.max(axis=0)
    return np.asarray(x - np.log(np.exp(x).sum(axis=0))).T.reshape(logits.shape)


def softmax(logits: Array) -> Array:
    """p_k = exp(x_k) / sum_j exp(x_j): positive and of sum 1.   (..., K) -> (..., K)

    [eq:softmax-policy]  Adding a constant to every logit changes nothing.
    """
    return np.asarray(np.exp(log_softmax(logits)))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), the softmax of (x, 0) in its first entry.   (...) -> (...)"""
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


def categorical(p: Array, rng: Generator) -> Any:
    """Sample an index from each distribution p[..., :].   (..., K) -> (...) int

    One uniform number a distribution, drawn in C order; an index with p = 0 is never drawn.
    """
    return inverse_cdf(p.cumsum(axis=-1), rng)


def inverse_cdf(cdf: Array, rng: Generator) -> Any:
    """`categorical` from cumulated probabilities, for who draws often: the first index with cdf > u cdf[-1]."""
    u = np.asarray(rng.random(cdf.shape[:-1]) * cdf[..., -1])
    return (cdf <= u[..., None]).argmin(axis=-1)


def pick(table: Array, index: Array) -> Array:
    """table[i, index[i]] for every leading i.   (..., K), (...) -> (...)"""
    rows, index = table.reshape(-1, table.shape[-1]), np.asarray(index)
    return np.asarray(rows[np.arange(len(rows)), index.ravel()]).reshape(index.shape)


def finite_difference(f: Callable[[], float], x: Array, eps: float = 1e-6) -> Array:
    """Central differences of a scalar f with respect to x, which f reads; x is restored.   x's shape

    df/dx_i = (f(x + eps e_i) - f(x - eps e_i)) / (2 eps) + O(eps^2)
    """
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        saved = x[i]
        x[i] = saved + eps
        up = f()
        x[i] = saved - eps
        down = f()
        x[i] = saved
        gradient[i] = (up - down) / (2 * eps)
    return gradient
