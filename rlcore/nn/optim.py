"""Optimisers: `step(params, grads)` moves the parameters downhill, in place.

Left out: momentum, weight decay, schedules; `optimiser.lr` may be set between two steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.nn.layers import Params
from rlcore.problems.doors import is_number


class SGD:
    """Gradient descent: w <- w - lr g.   ValueError unless lr > 0."""

    def __init__(self, lr: float) -> None:
        self.lr = _positive("lr", lr)

    def step(self, params: Params, grads: Params) -> None:
        """Move every array that has a gradient."""
        for name, g in grads.items():
            params[name] -= self.lr * g


class Adam:
    """Steps of about lr in every coordinate, whatever the size of its gradient.

        m <- beta1 m + (1 - beta1) g                 running mean of the gradient
        v <- beta2 v + (1 - beta2) g^2               and of its square
        w <- w - lr m_hat / (sqrt(v_hat) + eps)      m_hat = m / (1 - beta1^t),  v_hat = v / (1 - beta2^t)

    Kingma & Ba (2015), Algorithm 1; eps is added after the bias is corrected, as PyTorch adds it.
    Raises ValueError unless lr > 0, eps > 0 and both betas are in [0, 1).
    """

    def __init__(
        self, lr: float = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        self.lr, self.eps = _positive("lr", lr), _positive("eps", eps)
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not is_number(beta) or not 0 <= beta < 1:
                raise ValueError(f"{name} is {beta!r}; it must be at least 0 and below 1")
        self.beta1, self.beta2 = beta1, beta2
        self.t = 0
        self.m: Params = {}
        self.v: Params = {}

    def step(self, params: Params, grads: Params) -> None:
        """Move every array that has a gradient."""
        self.t += 1
        rate = self.lr / (1 - self.beta1**self.t)
        unbias = 1 / (1 - self.beta2**self.t)
        for name, g in grads.items():
            if name not in self.m:
                self.m[name], self.v[name] = np.zeros_like(params[name]), np.zeros_like(params[name])
            m, v = self.m[name], self.v[name]
            m += (1 - self.beta1) * (g - m)
            v += (1 - self.beta2) * (g * g - v)
            params[name] -= rate * m / (np.sqrt(unbias * v) + self.eps)


def norm(grads: Params) -> float:
    """The length of all gradients as one vector: sqrt(sum of squares)."""
    return float(np.sqrt(sum(np.vdot(g, g) for g in grads.values())))


def clip_by_norm(grads: Params, max_norm: float) -> Params:
    """The same direction, no longer than max_norm: g min(1, max_norm / norm).   -> fresh arrays"""
    length = norm(grads)
    factor = max_norm / length if length > max_norm else 1.0
    return {name: factor * g for name, g in grads.items()}


def _positive(name: str, x: Any) -> float:
    if not is_number(x) or not 0 < x < np.inf:
        raise ValueError(f"{name} is {x!r}; it must be a finite number > 0")
    return float(x)
