"""Bandit algorithms: which arm to pull next, when every pull both pays and informs.

    epsilon_greedy_bandit   the best estimate, now and then any arm; with Q1 large: optimism
    ucb_bandit              the best estimate plus a bonus for what is uncertain
    gradient_bandit         no estimates: preferences, moved along the gradient of the expected reward
    thompson_beta           an arm as often as it may be the best, given what was seen; rewards 0 and 1
    thompson_normal         the same for normal rewards

They are one loop: choose an arm, pull it, learn from the reward. Each walks `runs` bandits in lock-step.
Tables stand arms first, (k, runs), so that a step is a few operations on k long rows, which NumPy does fast.
A parameter is a number, or one a run, so a whole figure is one call. `rlcore.plain.bandits` has the
same loops for one bandit; on the same random stream both give the same tables.

Letters: k arms, t the step, counted from 1; `i` the places of the pulled arms in a flat table.
Left out: discounted and sliding-window estimates, the constants of other UCBs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import check_rate
from rlcore.learning.progress import Progress
from rlcore.numerics import Array
from rlcore.problems.bandits import Bandit, BernoulliBandit
from rlcore.problems.doors import check_count, check_rng, is_number


@dataclass(frozen=True, eq=False)
class Pulls:
    """What a player of bandits leaves behind."""

    reward: Array  # (steps, runs) float32
    gap: Array  # (steps, runs) float32  by how much the mean of the arm fell short of the best mean
    estimate: Array  # (runs, k)  of the means; of a gradient bandit its preferences
    count: Array  # (runs, k)  how often each arm was pulled

    @property
    def optimal(self) -> Array:
        """Whether the arm was a best one.   -> (steps, runs) bool"""
        return np.asarray(self.gap == 0)


def regret(pulls: Pulls) -> Array:
    """What not knowing the best arm has cost so far: sum over t of max mean - mean of the arm.

    [eq:regret]  Of the means, so the noise of the rewards is left out.   -> (steps, runs)
    """
    return np.asarray(pulls.gap.cumsum(axis=0, dtype=float))


# ---------------------------------------------------------------- the players


def epsilon_greedy_bandit(
    bandit: Bandit, *, steps: int, epsilon: Any, rng: Generator, alpha: Any = None, Q1: Any = 0.0
) -> Pulls:
    """Pull an arm of largest estimate, with probability epsilon any arm.

        Q(a) <- Q(a) + step * (reward - Q(a)),   step = 1 / N(a) if alpha is None, else alpha

    [eq:incremental]  Sutton & Barto, section 2.4.   epsilon, alpha, Q1: a number, or one a run (runs,).
    epsilon = 0 with Q1 far above the means is the optimistic player of section 2.6.
    """
    play = Play(bandit, steps, rng)
    epsilon = check_rate("epsilon", epsilon, play.runs)
    step = None if alpha is None else check_rate("alpha", alpha, play.runs)
    Q = play.table(_per_run("Q1", Q1, play.runs))  # (k, runs)
    q, n = Q.ravel(), play.count.ravel()  # the same numbers, flat
    for _ in play:
        explore = play.uniform() < epsilon
        arm = one_of((Q == Q.max(axis=0)) | explore, play.uniform())
        i, reward = play.pull(arm)
        q[i] += (1 / n[i] if step is None else step) * (reward - q[i])
    return play.result(Q)


def ucb_bandit(bandit: Bandit, *, steps: int, c: Any, rng: Generator) -> Pulls:
    """Pull each arm once; then an arm of largest upper confidence bound Q(a) + c sqrt(ln t / N(a)).

    [eq:ucb]  Auer, Cesa-Bianchi & Fischer (2002) with c = sqrt(2); Sutton & Barto, section 2.7.
    c: a number >= 0, or one a run (runs,).
    """
    play = Play(bandit, steps, rng)
    c = _per_run("c", c, play.runs, least=0.0)
    Q = play.table(0.0)  # (k, runs)
    N, q, n = play.count, Q.ravel(), play.count.ravel()
    for t in play:
        if t <= len(Q):
            candidates = N == 0
        else:
            bound = Q + c * np.sqrt(math.log(t) / N)
            candidates = bound == bound.max(axis=0)
        i, reward = play.pull(one_of(candidates, play.uniform()))
        q[i] += (reward - q[i]) / n[i]
    return play.result(Q)


def gradient_bandit(bandit: Bandit, *, steps: int, alpha: Any, rng: Generator, baseline: Any = True) -> Pulls:
    """Draw the arm from the softmax pi of preferences, and move them along one sample of the gradient.

        H(a) <- H(a) + alpha (reward - b) (1[a = arm] - pi(a)),      b the mean of the rewards before

    [eq:gradient-bandit]  Sutton & Barto, section 2.8. The first pull sets b and moves nothing. Without a
    baseline b = 0.   alpha >= 0, baseline True or False: one for all, or one a run (runs,).
    """
    play = Play(bandit, steps, rng)
    alpha = _per_run("alpha", alpha, play.runs, least=0.0)
    use = _flags("baseline", baseline, play.runs)
    H, mean = play.table(0.0), np.zeros(play.runs)  # (k, runs), (runs,)
    h = H.ravel()
    for t in play:
        weight = np.exp(H - H.max(axis=0))
        total = running_sum(weight)
        i, reward = play.pull(number_of(total <= play.uniform() * total[-1]))
        if t == 1:
            mean = reward
        move = alpha * (reward - use * mean)
        H -= weight * (move / total[-1])
        h[i] += move
        mean = mean + (reward - mean) / t
    return play.result(H)


def thompson_beta(bandit: Bandit, *, steps: int, rng: Generator) -> Pulls:
    """Draw a mean for each arm from its posterior, pull the arm of the largest.   Rewards 0 and 1

    The prior is uniform, so after w ones and l zeros the posterior is Beta(1 + w, 1 + l).
    [eq:thompson]  Thompson (1933).   estimate: the posterior means.
    """
    if not isinstance(bandit, BernoulliBandit):
        raise ValueError(f"bandit is {type(bandit).__name__}; a Beta posterior needs a BernoulliBandit")
    play = Play(bandit, steps, rng)
    ones, zeros = play.table(1.0), play.table(1.0)  # (k, runs)
    for _ in play:
        draw = rng.beta(ones, zeros)
        i, reward = play.pull(one_of(draw == draw.max(axis=0), play.uniform()))
        ones.ravel()[i] += reward
        zeros.ravel()[i] += 1 - reward
    return play.result(ones / (ones + zeros))


def thompson_normal(
    bandit: Bandit,
    *,
    steps: int,
    rng: Generator,
    sd: float = 1.0,
    prior_mean: float = 0.0,
    prior_sd: float = 1.0,
) -> Pulls:
    """Draw a mean for each arm from its posterior, pull the arm of the largest.   Noise of known sd

    The prior of a mean is N(prior_mean, prior_sd^2); after N rewards of mean Q the posterior is normal with

        precision = 1 / prior_sd^2 + N / sd^2,   mean = (prior_mean / prior_sd^2 + N Q / sd^2) / precision

    [eq:normal-posterior]  estimate: the posterior means.
    """
    play = Play(bandit, steps, rng)
    for name, x in (("sd", sd), ("prior_sd", prior_sd)):
        if not is_number(x) or not 0 < x < np.inf:
            raise ValueError(f"{name} is {x!r}; it must be a finite number > 0")
    if not is_number(prior_mean) or not np.isfinite(prior_mean):
        raise ValueError(f"prior_mean is {prior_mean!r}; it must be a finite number")
    known, seen = 1 / prior_sd**2, 1 / sd**2  # the precision of the prior, and of one reward
    mean, precision = play.table(prior_mean), play.table(known)  # (k, runs)
    m, p = mean.ravel(), precision.ravel()
    for _ in play:
        draw = mean + rng.standard_normal(mean.shape) / np.sqrt(precision)
        i, reward = play.pull(one_of(draw == draw.max(axis=0), play.uniform()))
        p[i] += seen
        m[i] += (reward - m[i]) * seen / p[i]
    return play.result(mean)


# ---------------------------------------------------------------- what they share


class Play:
    """`steps` pulls at `runs` bandits: the means, the counts and the record.

    Raises ValueError unless bandit is one, steps is a whole number >= 1 and rng a Generator.
    """

    def __init__(self, bandit: Bandit, steps: int, rng: Generator) -> None:
        if not isinstance(bandit, Bandit):
            raise ValueError(f"bandit is {type(bandit).__name__}; it must be one of rlcore.problems.bandits")
        check_count("steps", steps, 1)
        check_rng(rng)
        self.bandit, self.rng = bandit, rng
        self.runs, self.k = bandit.mean.shape
        self.mean = np.ascontiguousarray(bandit.mean.T)  # (k, runs)
        self.best = self.mean.max(axis=0)
        self.count = self.table(0.0)
        self.reward, self.gap = np.empty((2, steps, self.runs), np.float32)
        self.lane = np.arange(self.runs)
        self.t = 0

    def __iter__(self) -> Iterator[int]:
        """The steps 1, 2, ..., with a bar beside them."""
        bar = Progress("pulls", len(self.reward))
        for t in range(1, len(self.reward) + 1):
            self.t = t
            yield t
            bar(t)
        bar.close()

    def uniform(self) -> Array:
        """A uniform number for every run.   -> (runs,)"""
        return np.asarray(self.rng.random(self.runs))

    def table(self, first: Any) -> Array:
        """A number for every arm, one for all or one a run.   -> (k, runs)"""
        return np.full((self.k, self.runs), first, dtype=float)

    def pull(self, arm: Array) -> tuple[Array, Array]:
        """Pull one arm in every run.   (runs,) int -> its place in a flat table (runs,), its reward (runs,)"""
        i = arm * self.runs + self.lane
        mean = self.mean.ravel()[i]
        reward = self.bandit.pay(mean, self.rng)
        self.count.ravel()[i] += 1
        self.reward[self.t - 1], self.gap[self.t - 1] = reward, self.best - mean
        after = self.bandit.drift(self.mean, self.rng)
        if after is not self.mean:
            self.mean, self.best = after, after.max(axis=0)
        return i, reward

    def result(self, estimate: Array) -> Pulls:
        return Pulls(self.reward, self.gap, estimate.T.copy(), self.count.T.copy())


def one_of(candidates: Array, u: Array) -> Array:
    """Candidate number floor(u * count) of every column.   (k, runs) bool, (runs,) -> (runs,) int

    As `learning.policies` splits ties, with the arms first.
    """
    rank = running_sum(candidates.astype(np.min_scalar_type(len(candidates))))  # small numbers add fast
    return number_of(rank <= (u * rank[-1]).astype(rank.dtype))


def number_of(true: Array) -> Array:
    """How many entries of each column are True.   (k, runs) bool -> (runs,) int"""
    return np.asarray(true.sum(axis=0, dtype=np.min_scalar_type(len(true))).astype(int))


def running_sum(x: Array) -> Array:
    """Sums from the first row to each.   (k, runs) -> (k, runs)

    Row by row: along the first axis `cumsum` is many times slower.
    """
    total = x.copy()
    for j in range(1, len(x)):
        total[j] += total[j - 1]
    return total


def _per_run(name: str, x: Any, runs: int, least: float = -np.inf) -> Array:
    """A finite number >= least, or one a run.   -> (runs,)"""
    try:
        numbers = np.array(np.broadcast_to(x, (runs,)), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {x!r}; it must be a number, or {runs} of them, one a run") from None
    for i in np.flatnonzero(~(np.isfinite(numbers) & (numbers >= least)))[:1]:
        where = f"[{i}]" if np.ndim(x) else ""
        room = "finite" if least == -np.inf else f"finite and >= {least:g}"
        raise ValueError(f"{name}{where} is {numbers[i]:.12g}; it must be {room}")
    return numbers


def _flags(name: str, x: Any, runs: int) -> Array:
    """True or False, or one a run.   -> (runs,) bool"""
    flags = np.asarray(x)
    if flags.dtype != bool or flags.shape not in ((), (runs,)):
        raise ValueError(f"{name} is {x!r}; it must be True or False, or {runs} of them, one a run")
    return np.array(np.broadcast_to(flags, (runs,)))
