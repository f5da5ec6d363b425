"""The mean and covariance of an estimator, over every trajectory that can happen: no sampling, no error bars.

    mean       = sum_n p_n x_n                               x = estimator(trajectories(mdp, pi, horizon))
    covariance = sum_n p_n (x_n - mean) (x_n - mean)^T

An estimator is any function of `Trajectories` that returns a number or an array for each of them, all at
once. The arrays have the names and shapes of a sampled rollout, so one function serves both: what enumeration
says of it can be seen in samples.

    first = lambda walks: walks.reward[0]                    (N,): what the first step pays
    mean, covariance = moments(mdp, pi, first, horizon=1)    r_pi of the start, and its variance

Letters: T steps, N trajectories, S states, A actions, M transitions that can happen, D entries of an estimate.
Left out: problems whose trajectories have more than ten million steps together; those are sampled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.mdp import MDP, SparseMDP, check_policy

MOST = 10_000_000  # steps that `trajectories` is willing to keep: T * N


@dataclass(frozen=True, eq=False)
class Trajectories:
    """N trajectories of at most T steps, one a column.

    A trajectory that ends early stays where it ended: action 0, reward 0, terminated, not `live`.
    """

    state: Array  # (T, N) int
    action: Array  # (T, N) int
    reward: Array  # (T, N)
    next_state: Array  # (T, N) int
    terminated: Array  # (T, N) bool  next_state is terminal, worth 0
    truncated: Array  # (T, N) bool  the horizon cuts here what had not ended
    logp: Array  # (T, N)  log pi(action | state); 0 where not live
    live: Array  # (T, N) bool  the step was taken: the state is not terminal
    probability: Array  # (N,)  positive, of sum 1

    @property
    def done(self) -> Array:
        """Whether the episode has ended with this step or before, for either reason.   (T, N) bool"""
        return np.asarray(self.terminated | self.truncated)


Estimator = Callable[[Trajectories], Array]  # -> (N, ...)


def moments(mdp: MDP | SparseMDP, pi: Any, estimator: Estimator, horizon: int) -> tuple[Array, Array]:
    """The mean and covariance of an estimator over all trajectories of at most `horizon` steps.

    [eq:moments]  estimator: `Trajectories` -> (N, ...), an estimate a trajectory.   -> mean (...), covariance
    (D, D), where D = mean.size and the entries are those of mean.ravel(). The mean of n independent estimates
    has the covariance divided by n.

    Raises ValueError as `trajectories`, and unless the estimator returns N finite estimates.
    """
    walks = trajectories(mdp, pi, horizon)
    x, p = np.asarray(estimator(walks)), walks.probability
    if x.ndim == 0 or len(x) != len(p) or x.dtype.kind not in "fiub":
        raise ValueError(
            f"estimator returned {x.dtype} {x.shape}; it must return numbers ({len(p)}, ...), "
            "an estimate a trajectory"
        )
    flat = x.reshape(len(p), -1).astype(float)  # (N, D)
    for n, i in np.argwhere(~np.isfinite(flat))[:1]:
        raise ValueError(f"estimator returned {flat[n, i]} for trajectory {n}; it must be finite")
    mean = p @ flat
    off = flat - mean
    return mean.reshape(x.shape[1:]), off.T @ (p[:, None] * off)


def trajectories(mdp: MDP | SparseMDP, pi: Any, horizon: int) -> Trajectories:
    """Every trajectory of at most `horizon` steps that has a positive probability.   pi (S,) int or (S, A)

        p = start(s_0) * product over t of pi(a_t | s_t) P(s_{t+1} | s_t, a_t)

    Raises ValueError unless pi is a policy and horizon a whole number >= 1, and where they would have more
    than ten million steps together.
    """
    check_count("horizon", horizon, 1)
    pi = check_policy(mdp, pi)
    model = mdp if isinstance(mdp, MDP) else mdp.dense()
    act = np.eye(model.n_actions)[pi] if pi.ndim == 1 else pi
    act = np.where(model.terminal[:, None], np.eye(model.n_actions)[0], act)  # (S, A); what has ended stays
    together = act[:, :, None] * model.P
    s, a, s_next = together.nonzero()  # (M,) each: the transitions that can happen, sorted by state
    begin = np.flatnonzero(model.start > 0)
    _check_size(begin, s, s_next, model.n_states, horizon)

    taken = _grow(begin, s, s_next, model.n_states, horizon)  # (T, N) which of the M transitions
    terminated = model.terminal[s_next[taken]]
    return Trajectories(
        state=s[taken],
        action=a[taken],
        reward=model.R[s, a, s_next][taken],
        next_state=s_next[taken],
        terminated=terminated,
        truncated=~terminated & (np.arange(horizon) == horizon - 1)[:, None],
        logp=np.log(act[s, a])[taken],
        live=~model.terminal[s[taken]],
        probability=model.start[s[taken[0]]] * together[s, a, s_next][taken].prod(axis=0),
    )


def _grow(begin: Array, s: Array, s_next: Array, S: int, horizon: int) -> Array:
    """Every sequence of `horizon` transitions that fit together and start in a state of `begin`.   -> (T, N)

    A step at a time: each sequence so far is repeated once for every transition that can follow it.
    """
    branches = np.bincount(s, minlength=S)  # (S,) how many transitions leave each state
    first = branches.cumsum() - branches  # (S,) and which is the first of them
    at = begin  # (n,) where each sequence stands
    taken = np.empty((0, len(at)), int)  # (t, n)
    for _ in range(horizon):
        parent = np.repeat(np.arange(len(at)), branches[at])
        rank = np.arange(len(parent)) - np.searchsorted(parent, parent)  # 0, 1, ... among its siblings
        step = first[at[parent]] + rank
        taken = np.vstack([taken[:, parent], step])
        at = s_next[step]
    return taken


def _check_size(begin: Array, s: Array, s_next: Array, S: int, horizon: int) -> None:
    """Count the trajectories without walking them, and refuse too many."""
    count = np.bincount(begin, minlength=S).astype(float)  # (S,) how many stand in each state
    for _ in range(horizon):
        count = np.bincount(s_next, count[s], S)
        if horizon * count.sum() > MOST:
            raise ValueError(
                f"horizon is {horizon}, and the trajectories would have more than {MOST:,} steps together; "
                "take a shorter one, or a smaller problem"
            )
