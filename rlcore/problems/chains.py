"""Problems small enough to solve on paper.

    recycling_robot    two states with a meaning: Sutton & Barto, Example 3.3
    two_state          two states with numbers: every action can lead anywhere
    random_walk        left or right by a fair coin: Sutton & Barto, Example 6.2
    big_random_walk    1000 states, and jumps over up to 100 of them: Sutton & Barto, Example 9.1
    MaximizationBias   a bad choice that looks good by chance: Sutton & Barto, Example 6.7
    short_corridor     one state turns left and right about: Sutton & Barto, Example 13.1
    Blindfold          any table, seen by a learner that cannot tell its states apart
    loop               one state, and importance sampling of infinite variance: Sutton & Barto, Example 5.5
    cycle              round and round: how fast a Bellman backup contracts, and in which norm

Letters: S states, A actions.
Left out: chains that need a picture; those are gridworlds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_probability, is_number
from rlcore.problems.mdp import MDP, SparseMDP, Tabular

HIGH, LOW = range(2)  # states of the recycling robot
SEARCH, WAIT, RECHARGE = range(3)  # its actions
LEFT, RIGHT = range(2)  # actions of the short corridor, and of the first state of the maximization bias


def recycling_robot(
    alpha: float = 0.9,
    beta: float = 0.6,
    *,
    r_search: float = 2.0,
    r_wait: float = 1.0,
    r_rescue: float = -3.0,
    gamma: float = 0.9,
) -> MDP:
    """A robot looks for cans on a battery that is high or low: Sutton & Barto, Example 3.3.

    A search leaves a high battery high with probability alpha and a low one low with probability beta;
    else the low one is empty, the robot is carried home, and r_rescue is paid instead of r_search.
    Waiting keeps the battery, recharging fills it. In the state high the book has no recharging; here
    it is the twin of waiting. The book leaves the numbers open; the defaults are ours.
    """
    check_probability("alpha", alpha)
    check_probability("beta", beta)
    P = np.zeros((2, 3, 2))
    R = np.zeros((2, 3, 2))
    P[HIGH, SEARCH] = alpha, 1 - alpha
    R[HIGH, SEARCH] = r_search
    P[LOW, SEARCH] = 1 - beta, beta
    R[LOW, SEARCH] = r_rescue, r_search
    P[HIGH, [WAIT, RECHARGE], HIGH] = P[LOW, WAIT, LOW] = P[LOW, RECHARGE, HIGH] = 1.0
    R[HIGH, [WAIT, RECHARGE]] = R[LOW, WAIT] = r_wait
    return MDP(P, R, gamma, start=np.array([1.0, 0.0]), terminal=np.zeros(2, dtype=bool))


def two_state(gamma: float = 0.9) -> MDP:
    """Two states, two actions, and all that policy-gradient formulas need: no zeros, no symmetry."""
    return MDP(
        P=np.array([[[0.7, 0.3], [0.2, 0.8]], [[0.4, 0.6], [0.9, 0.1]]]),
        R=np.array([[1.0, 0.0], [-1.0, 2.0]]),
        gamma=gamma,
        start=np.array([0.6, 0.4]),
        terminal=np.zeros(2, dtype=bool),
    )


def random_walk(n: int = 5, gamma: float = 1.0, *, left: float = 0.0, right: float = 1.0) -> MDP:
    """n states between two ends, a fair coin, and a start in the middle: Sutton & Barto, Example 6.2.

    S = n + 2, A = 1; the states 0 and n + 1 are terminal, reaching them pays `left` and `right`.
    With gamma = 1,  V(s) = left + (right - left) s / (n + 1).
    """
    check_count("n", n, 1)
    S = n + 2
    inner = np.arange(1, n + 1)
    P = np.zeros((S, 1, S))
    P[inner, 0, inner - 1] = P[inner, 0, inner + 1] = 0.5
    P[[0, -1], 0, [0, -1]] = 1.0
    R = np.zeros((S, 1, S))
    R[1, 0, 0], R[n, 0, n + 1] = left, right
    terminal = np.zeros(S, dtype=bool)
    terminal[[0, -1]] = True
    return MDP(P, R, gamma, start=np.eye(S)[S // 2], terminal=terminal)


def big_random_walk(n: int = 1000, reach: int = 100, gamma: float = 1.0) -> SparseMDP:
    """A walk over n states in jumps of 1 to `reach`, to either side alike: Sutton & Barto, Example 9.1.

    S = n + 2, A = 1, K = 2 reach; the states 0 and n + 1 are terminal and pay -1 and 1. A jump beyond an
    end is a jump to the end. The walk starts in the middle, in state n // 2 (500 of 1000).
    """
    check_count("n", n, 2)
    check_count("reach", reach, 1)
    S = n + 2
    jumps = np.r_[-reach:0, 1 : reach + 1]
    succ = np.clip(np.arange(S)[:, None, None] + jumps, 0, n + 1)  # (S, 1, K)
    succ[0], succ[-1] = 0, n + 1
    terminal = np.zeros(S, dtype=bool)
    terminal[[0, -1]] = True
    reward = 1.0 * (succ == n + 1) - (succ == 0)
    reward[terminal] = 0.0
    prob = np.full(succ.shape, 0.5 / reach)
    return SparseMDP(succ, prob, reward, gamma, start=np.eye(S)[n // 2], terminal=terminal)


class MaximizationBias(Tabular):
    """Right ends at once and pays nothing; left leads to n gambles that lose on average.

    Sutton & Barto, Example 6.7. States: 0 (start), 1 (the gambles), 2 (the end); A = n. In state 0 the
    actions LEFT and RIGHT exist, in state 1 all of them: each ends, and pays normal noise around `mean`.
    One normal number a lane and step, drawn whether it is needed or not. gamma = 1.

    Raises ValueError unless n is a whole number >= 2, mean is finite and std is finite and >= 0.
    """

    horizon = None
    gamma = 1.0

    def __init__(self, n: int = 10, mean: float = -0.1, std: float = 1.0) -> None:
        check_count("n", n, 2)
        for name, x, least in (("mean", mean, -np.inf), ("std", std, 0.0)):
            if not is_number(x) or not np.isfinite(x) or x < least:
                raise ValueError(f"{name} is {x!r}; it must be a finite number" + " >= 0" * (name == "std"))
        self.mean, self.std = float(mean), float(std)
        self.start = np.array([1.0, 0.0, 0.0])
        self.terminal = np.array([False, False, True])
        self.allowed = np.ones((3, n), dtype=bool)  # (S, A)
        self.allowed[0, 2:] = False
        self.expected_reward = np.zeros((3, n))
        self.expected_reward[1] = mean

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """From 0, left leads to 1; all else ends.   (...), (...) -> (...), (...), (...)"""
        noise = rng.standard_normal(np.shape(state))
        s_next = np.where((state == 0) & (action == LEFT), 1, 2)[()]
        reward = np.where(state == 1, self.mean + self.std * noise, 0.0)[()]
        return s_next, reward, self.terminal[s_next]


def short_corridor(gamma: float = 1.0, *, horizon: int | None = None) -> MDP:
    """Three states in a row, an end on the right, and in the middle one the actions are exchanged.

    Sutton & Barto, Example 13.1.   S = 4, A = 2: LEFT, RIGHT; state 0 is the start, with a wall to its left, and
    state 3 the end. Every step costs 1, the last one too (where that one is free, returns are one higher).

    A policy that sees the state goes right, left, right. One that cannot tell states apart must mix: if it
    goes right with probability p and gamma = 1,

        V(0) = (2 p - 4) / (p (1 - p)),      best at p = 2 - sqrt(2), where it is -(6 + 4 sqrt(2))
    """
    P = np.zeros((4, 2, 4))
    P[0, LEFT, 0] = P[0, RIGHT, 1] = 1.0
    P[1, LEFT, 2] = P[1, RIGHT, 0] = 1.0  # exchanged
    P[2, LEFT, 1] = P[2, RIGHT, 3] = 1.0
    P[3, :, 3] = 1.0
    end = np.arange(4) == 3
    R = np.where(end, 0.0, -1.0)[:, None] * np.ones(2)
    return MDP(P, R, gamma, start=np.eye(4)[0], terminal=end, horizon=horizon)


class Blindfold:
    """The same problem for a learner that cannot tell the states apart: all it observes is one feature, 1.

    To the eye there are no states, so it is nothing for learners of tables (n_states is None).
    Raises ValueError unless mdp is an MDP or a SparseMDP.
    """

    n_states = None
    n_features = 1

    def __init__(self, mdp: MDP | SparseMDP) -> None:
        if not isinstance(mdp, (MDP, SparseMDP)):
            raise ValueError(f"mdp is {type(mdp).__name__}; it must be an MDP or a SparseMDP")
        self.mdp = mdp
        self.actions, self.horizon, self.terminal = mdp.actions, mdp.horizon, mdp.terminal
        self.reset, self.step = mdp.reset, mdp.step

    def observe(self, state: Any) -> Array:
        """(...) int -> (..., 1) float"""
        return np.ones((*np.shape(state), 1))

    def everywhere(self, row: Any) -> Array:
        """The policy, or the preferences, that has this row in every state of the mdp.   (A,) -> (S, A)"""
        row = np.asarray(row)
        if row.shape != (self.mdp.n_actions,):
            raise ValueError(
                f"row has shape {row.shape}; it must be ({self.mdp.n_actions},), an entry an action"
            )
        return np.tile(row, (self.mdp.n_states, 1))


def cycle(n: int, gamma: float = 0.9, *, mix: float = 0.0) -> MDP:
    """n states in a ring, one action: on to the next state, or with probability `mix` to any of the n.

    Leaving the last state pays 1. One backup T V = r + gamma P V shrinks the distance of two tables

        by gamma exactly             in the sup norm, where they differ by a constant
        by gamma (1 - mix) exactly   in the span  max - min, whatever they are

    which is why bounds by the span can be so much better. Without mixing,
    V(s) = gamma^(n - 1 - s) / (1 - gamma^n).   S = n, A = 1
    """
    check_count("n", n, 2)
    check_probability("mix", mix)
    P = (1 - mix) * np.roll(np.eye(n), 1, axis=1) + mix / n
    R = np.zeros((n, 1))
    R[-1] = 1.0
    return MDP(P[:, None, :], R, gamma, start=np.eye(n)[0], terminal=np.zeros(n, dtype=bool))


def loop(stay: float = 0.9, gamma: float = 1.0) -> MDP:
    """One state with a way out: Sutton & Barto, Example 5.5.   S = 2, A = 2

    Action 0 (left) stays with probability `stay`, or else ends and pays 1; action 1 (right) ends and pays
    nothing. With gamma = 1 always left is worth 1. Seen from a fair coin that chooses left or right, the
    ratio of a walk has the mean 1 and, for stay >= 1/2, infinite variance.
    """
    check_probability("stay", stay)
    P, R = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    P[0, 0] = stay, 1 - stay
    P[0, 1, 1] = P[1, :, 1] = 1.0
    R[0, 0, 1] = 1.0
    return MDP(P, R, gamma, start=np.array([1.0, 0.0]), terminal=np.array([False, True]))
