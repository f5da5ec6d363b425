"""The gambler's problem: Sutton & Barto, Example 4.3.

A gambler with s units of capital stakes some of it on a coin: heads, with probability p_h, wins the
stake, tails loses it. The game ends at 0 or at the goal. Reaching the goal pays 1 and everything
else 0, so that with gamma = 1 the value of a state is the probability of getting there.

    state     the capital, 0 .. goal;  0 and goal are terminal
    action    the stake, 0 .. goal // 2

As in the book a stake of 0 is allowed; it never ends the game, and is worth what the state is worth.
The largest sensible stake is min(s, goal - s): a larger action is its twin.

Left out: debts.
"""

from __future__ import annotations

import numpy as np

from rlcore.problems.doors import check_count, check_probability
from rlcore.problems.mdp import SparseMDP


def gambler(p_h: float = 0.4, goal: int = 100) -> SparseMDP:
    """The probability of heads is p_h; gamma is 1, the start is uniform over the capitals 1 .. goal - 1.

    S = goal + 1, A = goal // 2 + 1, K = 2 (heads, tails). ValueError unless 0 <= p_h <= 1 and goal >= 2.
    """
    check_probability("p_h", p_h)
    check_count("goal", goal, 2)
    capital = np.arange(goal + 1)
    stake = np.minimum(np.arange(goal // 2 + 1), np.minimum(capital, goal - capital)[:, None])  # (S, A)
    succ = np.stack([capital[:, None] + stake, capital[:, None] - stake], axis=2)  # (S, A, 2)
    terminal = (capital == 0) | (capital == goal)
    reward = np.where((succ == goal) & ~terminal[:, None, None], 1.0, 0.0)
    return SparseMDP(
        succ=succ,
        prob=np.broadcast_to([p_h, 1.0 - p_h], succ.shape),
        reward=reward,
        gamma=1.0,
        start=np.where(terminal, 0.0, 1.0 / (goal - 1)),
        terminal=terminal,
    )
