"""Problems small enough to solve on paper.

    recycling_robot    two states with a meaning: Sutton & Barto, Example 3.3
    two_state          two states with numbers: every action can lead anywhere
    random_walk        left or right by a fair coin: Sutton & Barto, Example 6.2
    cycle              round and round: how fast a Bellman backup contracts, and in which norm

Letters: S states, A actions.
Left out: chains that need a picture; those are gridworlds.
"""

from __future__ import annotations

import numpy as np

from rlcore.problems.doors import check_count, check_probability
from rlcore.problems.mdp import MDP

HIGH, LOW = range(2)  # states of the recycling robot
SEARCH, WAIT, RECHARGE = range(3)  # its actions


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
