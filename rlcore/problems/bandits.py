"""Bandits: k arms, and no state. Pull one, be paid, pull again.

    GaussianBandit     an arm pays its mean plus normal noise
    BernoulliBandit    an arm pays 1 or 0
    DriftingBandit     Gaussian, and the means walk at random: what was best need not stay best
    gaussian_testbed   the ten-armed testbed of Sutton & Barto, section 2.3

One object holds `runs` bandits that are played in lock-step. It owns no state: a player keeps the means,
asks `pay` for a reward and `drift` for the means of the next step.

A bandit is a Markov decision process with one state. `one_state` writes it down as an MDP; `OnePull` is an
environment whose episode is one pull, for learners that know of states.

Letters: k arms, `...` any axes.
Left out: contextual bandits, which have states but no next state; rewards with heavy tails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_rng, is_number
from rlcore.problems.env import Discrete
from rlcore.problems.mdp import MDP


@dataclass(frozen=True, eq=False)
class GaussianBandit:
    """Arm a pays mean[a] + sd * normal noise.

    Raises ValueError unless mean is a finite (runs, k) or (k,) and sd is a finite number >= 0.
    """

    mean: Array  # (runs, k)
    sd: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _table(self.mean))
        _check_spread("sd", self.sd)

    def pay(self, mean: Any, rng: Generator) -> Any:
        """A reward of arms with these means, one normal number each.   (...) -> (...)"""
        return mean + self.sd * rng.standard_normal(np.shape(mean))

    def drift(self, mean: Array, rng: Generator) -> Array:
        """The means after a step: the same.   (...) -> (...)"""
        return mean


@dataclass(frozen=True, eq=False)
class BernoulliBandit:
    """Arm a pays 1 with probability mean[a], else 0.

    Raises ValueError unless mean is (runs, k) or (k,) and every entry a probability.
    """

    mean: Array  # (runs, k)

    def __post_init__(self) -> None:
        mean = _table(self.mean)
        for i in np.argwhere((mean < 0) | (mean > 1))[:1]:
            place = ", ".join(map(str, i))
            raise ValueError(f"mean[{place}] is {mean[tuple(i)]:.12g}; it must be a probability, from 0 to 1")
        object.__setattr__(self, "mean", mean)

    def pay(self, mean: Any, rng: Generator) -> Any:
        """A reward of arms with these means, one uniform number each.   (...) -> (...)"""
        return (rng.random(np.shape(mean)) < mean) * 1.0

    def drift(self, mean: Array, rng: Generator) -> Array:
        """The means after a step: the same.   (...) -> (...)"""
        return mean


@dataclass(frozen=True, eq=False)
class DriftingBandit:
    """A Gaussian bandit whose means take a normal step of size `walk` after every pull, all of them.

    Sutton & Barto, Exercise 2.5, with walk = 0.01.
    Raises ValueError unless mean is a finite (runs, k) or (k,), sd and walk finite numbers >= 0.
    """

    mean: Array  # (runs, k)  before the first pull
    sd: float = 1.0
    walk: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _table(self.mean))
        _check_spread("sd", self.sd)
        _check_spread("walk", self.walk)

    def pay(self, mean: Any, rng: Generator) -> Any:
        """A reward of arms with these means, one normal number each.   (...) -> (...)"""
        return mean + self.sd * rng.standard_normal(np.shape(mean))

    def drift(self, mean: Array, rng: Generator) -> Array:
        """The means after a step, one normal number each.   (...) -> (...)"""
        return np.asarray(mean + self.walk * rng.standard_normal(np.shape(mean)))


Bandit: TypeAlias = GaussianBandit | BernoulliBandit | DriftingBandit


def gaussian_testbed(runs: int, k: int = 10, *, shift: float = 0.0, rng: Generator) -> GaussianBandit:
    """`runs` bandits with means drawn from N(shift, 1) and unit noise: Sutton & Barto, section 2.3."""
    check_count("runs", runs, 1)
    check_count("k", k, 1)
    if not is_number(shift) or not np.isfinite(shift):
        raise ValueError(f"shift is {shift!r}; it must be a finite number")
    check_rng(rng)
    return GaussianBandit(shift + rng.standard_normal((runs, k)))


def expected_best(k: int) -> float:
    """E[max of k standard normal numbers]: what the best arm of the testbed pays on average.

        integral of x k phi(x) Phi(x)^(k-1) dx,   phi and Phi the density and distribution of N(0, 1)

    [eq:best-of-k]  By the trapezoidal rule, which is exact to rounding for so smooth an integrand. k = 10: 1.538753.
    """
    from scipy.special import ndtr

    check_count("k", k, 1)
    x, width = np.linspace(-12.0, 12.0, 2401, retstep=True)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return float((x * k * density * ndtr(x) ** (k - 1)).sum() * width)


# ---------------------------------------------------------------- a bandit among the problems with states


def one_state(mean: Any, gamma: float) -> MDP:
    """The MDP with one state that never ends: every arm leads back and pays its mean.   mean (k,)

    V* = max(mean) / (1 - gamma).   S = 1, A = k.   Raises ValueError for several runs.
    """
    arms, *others = _table(mean)
    if others:
        raise ValueError(f"mean holds {1 + len(others)} runs; one state is one bandit, (k,)")
    return MDP(np.ones((1, len(arms), 1)), arms[None], gamma, np.ones(1), np.zeros(1, dtype=bool))


@dataclass(frozen=True, eq=False)
class OnePull:
    """The environment of one bandit: an episode is one pull, from state 0 to the terminal state 1.

    Raises ValueError unless bandit is one whose means stay (those that drift are a state that nobody sees)
    and holds one run.
    """

    bandit: GaussianBandit | BernoulliBandit

    n_states = n_features = 2
    horizon = None

    def __post_init__(self) -> None:
        if not isinstance(self.bandit, Bandit):
            raise ValueError(f"bandit is {type(self.bandit).__name__}; it must be a bandit of this module")
        if isinstance(self.bandit, DriftingBandit):
            raise ValueError("bandit drifts; an environment of one pull needs means that stay")
        if len(self.bandit.mean) != 1:
            raise ValueError(f"bandit holds {len(self.bandit.mean)} runs; one environment is one bandit")

    @property
    def actions(self) -> Discrete:
        return Discrete(self.bandit.mean.shape[1])

    @property
    def terminal(self) -> Array:
        return np.array([False, True])

    def reset(self, rng: Generator, size: int | None = None) -> Any:
        """State 0.   size -> (size,) int"""
        return 0 if size is None else np.zeros(size, dtype=int)

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """State 1 and the arm's reward; in state 1 nothing is paid any more.   (...) -> (...)"""
        reward = self.bandit.pay(self.bandit.mean[0][action], rng)
        terminated = np.ones(np.shape(state), dtype=bool)[()]
        return terminated * 1, reward * (state == 0), terminated

    def observe(self, state: Any) -> Array:
        """One-hot.   (...) -> (..., 2)"""
        return np.asarray(np.eye(2)[state])


# ---------------------------------------------------------------- doors


def _table(mean: Any) -> Array:
    """The means as (runs, k); a single row may come without its first axis."""
    try:
        table = np.array(mean, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"mean is {mean!r}; it must be numbers, (runs, k) or (k,)") from None
    if table.ndim not in (1, 2) or table.size == 0:
        raise ValueError(f"mean has shape {table.shape}; it must be (runs, k) or (k,), with no axis empty")
    for i in np.argwhere(~np.isfinite(table))[:1]:
        place = ", ".join(map(str, i))
        raise ValueError(f"mean[{place}] is {table[tuple(i)]}; every mean must be finite")
    return np.atleast_2d(table)


def _check_spread(name: str, x: Any) -> None:
    if not is_number(x) or not 0 <= x < np.inf:
        raise ValueError(f"{name} is {x!r}; it must be a finite number >= 0")
