"""Optimisers: `step(params, grads)` moves the parameters downhill, in place.

Left out: weight decay, schedules; `optimiser.lr` may be set between two steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.nn.layers import Params, flat, unflat
from rlcore.numerics import Array
from rlcore.problems.doors import is_number


class SGD:
    """Gradient descent: w <- w - lr g.   ValueError unless lr > 0."""

    def __init__(self, lr: float) -> None:
        self.lr = _check_positive("lr", lr)

    def step(self, params: Params, grads: Params) -> None:
        """Move every array that has a gradient."""
        for name, g in grads.items():
            params[name] -= self.lr * g


class Momentum:
    """A heavy ball: it gains speed where gradients agree, and steps that zigzag cancel.

        u <- momentum u + g,    w <- w - lr u

    A steady gradient ends in steps of lr g / (1 - momentum).   Polyak (1964), as PyTorch writes it.
    Raises ValueError unless lr > 0 and 0 <= momentum < 1.
    """

    def __init__(self, lr: float, momentum: float = 0.9) -> None:
        self.lr, self.momentum = _check_positive("lr", lr), _check_fraction("momentum", momentum)
        self.u: Params = {}

    def step(self, params: Params, grads: Params) -> None:
        """Move every array that has a gradient."""
        for name, g in grads.items():
            u = self.u.setdefault(name, np.zeros_like(params[name]))
            u *= self.momentum
            u += g
            params[name] -= self.lr * u


class RMSprop:
    """Each coordinate's gradient, divided by its recent size.

        v <- decay v + (1 - decay) g^2,    w <- w - lr g / (sqrt(v) + eps)

    v starts at 0, so the first step is lr / sqrt(1 - decay), ten times lr with the default.
    Tieleman & Hinton (2012), with eps outside the root and v from 0, as in PyTorch.
    Raises ValueError unless lr > 0, eps > 0 and 0 <= decay < 1.
    """

    def __init__(self, lr: float = 1e-2, *, decay: float = 0.99, eps: float = 1e-8) -> None:
        self.lr, self.eps = _check_positive("lr", lr), _check_positive("eps", eps)
        self.decay = _check_fraction("decay", decay)
        self.v: Params = {}

    def step(self, params: Params, grads: Params) -> None:
        """Move every array that has a gradient."""
        for name, g in grads.items():
            v = self.v.setdefault(name, np.zeros_like(params[name]))
            v += (1 - self.decay) * (g * g - v)
            params[name] -= self.lr * g / (np.sqrt(v) + self.eps)


class Adam:
    """Steps of about lr in every coordinate, whatever the size of its gradient.

        m <- beta1 m + (1 - beta1) g                 running mean of the gradient
        v <- beta2 v + (1 - beta2) g^2               and of its square
        w <- w - lr m_hat / (sqrt(v_hat) + eps)      m_hat = m / (1 - beta1^t),  v_hat = v / (1 - beta2^t)

    Kingma & Ba (2015), Algorithm 1; eps is added after the bias is corrected, as PyTorch adds it.
    m and v are one long vector each: a dozen operations a step, not a dozen for each array.
    Raises ValueError unless lr > 0, eps > 0 and both betas are in [0, 1).
    """

    def __init__(
        self, lr: float = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        self.lr, self.eps = _check_positive("lr", lr), _check_positive("eps", eps)
        self.beta1, self.beta2 = _check_fraction("beta1", beta1), _check_fraction("beta2", beta2)
        self.t = 0
        self.m: Array = np.zeros(0)  # as long as all gradients together, from the first step on
        self.v: Array = np.zeros(0)

    def step(self, params: Params, grads: Params) -> None:
        """Move every array that has a gradient, the same ones in each step."""
        moved = {name: array for name, array in params.items() if name in grads}
        if self.t == 0:
            self.m, self.v = np.zeros_like(flat(moved)), np.zeros_like(flat(moved))
        self.t += 1
        rate = self.lr / (1 - self.beta1**self.t)
        unbias = 1 / (1 - self.beta2**self.t)
        g = flat({name: grads[name] for name in moved})
        self.m += (1 - self.beta1) * (g - self.m)
        self.v += (1 - self.beta2) * (g * g - self.v)
        step = rate * self.m / (np.sqrt(unbias * self.v) + self.eps)
        for name, part in unflat(step, moved).items():
            params[name] -= part


def norm(grads: Params) -> float:
    """The length of all gradients as one vector: sqrt(sum of squares)."""
    g = flat(grads)
    return float(np.sqrt(g @ g))


def clip_by_norm(grads: Params, max_norm: float) -> Params:
    """The same direction, no longer than max_norm: g min(1, max_norm / norm).   -> fresh arrays"""
    length = norm(grads)
    factor = max_norm / length if length > max_norm else 1.0
    return {name: factor * g for name, g in grads.items()}


def _check_positive(name: str, x: Any) -> float:
    if not is_number(x) or not 0 < x < np.inf:
        raise ValueError(f"{name} is {x!r}; it must be a finite number > 0")
    return float(x)


def _check_fraction(name: str, x: Any) -> float:
    if not is_number(x) or not 0 <= x < 1:
        raise ValueError(f"{name} is {x!r}; it must be at least 0 and below 1")
    return float(x)
