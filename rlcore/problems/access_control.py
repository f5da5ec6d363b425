"""Access control: which customers to serve when the servers are few and no day ever ends.

Customers come one after the other and differ in what they pay. Each is given a free server or turned away;
a server that is busy becomes free with probability `p_free` a step. There is no episode and no discount:
what counts is the average reward a step.

Letters: S = (servers + 1) * (priorities) states, A = 2 actions.
Left out: queues that run empty, customers who wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_probability, is_number
from rlcore.problems.mdp import MDP

REJECT, ACCEPT = range(2)


def access_control(
    servers: int = 10,
    payment: Sequence[float] = (1.0, 2.0, 4.0, 8.0),
    p_free: float = 0.06,
    *,
    horizon: int | None = None,
) -> MDP:
    """Sutton & Barto, Example 10.2: 10 servers, customers who pay 1, 2, 4 or 8, a continuing task.

    State s = free * len(payment) + customer: how many servers are free, and who stands at the head of the
    queue; `V.reshape(servers + 1, -1)` is the picture. All priorities are equally likely. Within a step the
    customer comes first and the servers second, so one who was just served may be done at once. With no
    server free, ACCEPT is the twin of REJECT. gamma is 1: no terminal state, and no sum that converges.

    Raises ValueError unless servers is a whole number >= 1, every payment a finite number and p_free a
    probability.
    """
    check_count("servers", servers, 1)
    check_probability("p_free", p_free)
    paid = [*payment] if np.iterable(payment) else []
    if not paid or not all(is_number(x) and np.isfinite(x) for x in paid):
        raise ValueError(f"payment is {payment!r}; it must be finite numbers, one a priority")
    K = len(paid)
    release = released(servers, p_free)  # (busy, newly free)
    P = np.zeros((servers + 1, K, 2, servers + 1, K))
    R = np.zeros((servers + 1, K, 2))
    for free in range(servers + 1):
        for action in (REJECT, ACCEPT):
            left = free - (action == ACCEPT and free > 0)
            P[free, :, action, left:] = release[servers - left, : servers - left + 1, None] / K
    R[1:, :, ACCEPT] = paid
    S = (servers + 1) * K
    start = np.zeros(S)
    start[-K:] = 1 / K
    return MDP(P.reshape(S, 2, S), R.reshape(S, 2), 1.0, start, np.zeros(S, bool), horizon)


def released(servers: int, p_free: float) -> Array:
    """Entry (n, k) is the chance that k of n busy servers become free: binomial.   -> (servers + 1, servers + 1)"""
    table = np.zeros((servers + 1, servers + 1))
    for n, k in np.argwhere(np.tri(servers + 1)):
        table[n, k] = comb(n, k) * p_free**k * (1 - p_free) ** (n - k)
    return table


def free_and_customer(state: Any, priorities: int = 4) -> tuple[Any, Any]:
    """The number of free servers and the customer's priority, counted from 0, of a state or an array of them."""
    return np.divmod(state, priorities)
