"""UCT: plan for the present state alone, by a tree of what may come of it.

No table and no sweep over states. All that is asked of the world is a simulator, `env.step`, that can be
called from any state. A simulation walks down the tree, adds one node to it, plays on at random, and tells
every node on its way what came of it. Where it walks is a bandit problem in each node.

Letters: A actions.
Left out: actions that exist in some states only; a tree that is kept for the next move; learned values or
policies in the place of random play.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import check_gamma
from rlcore.learning.policies import greedy
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_rng, is_number
from rlcore.problems.env import Discrete

Act = Callable[[Any, Generator], Any]  # state, rng -> action


@dataclass(frozen=True, eq=False)
class Search:
    """What the root has learned."""

    Q: Array  # (A,)  mean return of each action; nan where it was not tried
    visits: Array  # (A,) int


class Node:
    """A state at some depth of the tree: a bandit problem."""

    def __init__(self, A: int) -> None:
        self.Q = np.zeros(A)  # mean returns
        self.visits = np.zeros(A, int)
        self.children: dict[tuple[int, bytes], Node] = {}  # by action and next state


def uct(
    env: Any,
    state: Any,
    *,
    simulations: int,
    depth: int,
    c: float,
    gamma: float,
    rng: Generator,
    rollout: Act | None = None,
) -> Search:
    """Search from `state` for the best return of the next `depth` steps.

    c         how much doubt counts beside the mean, in units of return
    rollout   act(state, rng) -> action plays on below the tree; default: any action
    With more and more simulations, the best Q of the root tends to the best value of `depth` steps, worth 0
    after them. Kocsis & Szepesvari (2006); Sutton & Barto, section 8.11.
    Raises ValueError for arguments out of range.
    """
    _check(env, simulations, depth, c, gamma, rng)
    A = env.actions.n
    root = Node(A)
    for _ in range(simulations):
        node, s, terminated, new = root, state, False, False
        path: list[tuple[Node, int, float]] = []
        while not terminated and not new and len(path) < depth:  # select; expand by one node
            a = int(greedy(upper_bound(node.Q, node.visits, c), rng))
            s, reward, terminated = env.step(s, a, rng)
            path.append((node, a, reward))
            key = a, np.asarray(s).tobytes()
            new = key not in node.children
            node = node.children.setdefault(key, Node(A))
        G = 0.0 if terminated else play(env, s, depth - len(path), gamma, rng, rollout)  # roll out
        for node, a, reward in reversed(path):  # back up
            G = reward + gamma * G
            node.visits[a] += 1
            node.Q[a] += (G - node.Q[a]) / node.visits[a]
    return Search(np.where(root.visits > 0, root.Q, np.nan), root.visits)


def upper_bound(Q: Array, visits: Array, c: float) -> Array:
    """Q(a) + c sqrt(ln N / N(a)), N = sum_a N(a); infinite where N(a) = 0.   (A,), (A,) -> (A,)   [eq:uct]

    UCB1 in every node: Auer, Cesa-Bianchi & Fischer (2002), Kocsis & Szepesvari (2006).
    """
    doubt = np.sqrt(np.log(max(visits.sum(), 1)) / np.maximum(visits, 1))
    return np.asarray(np.where(visits > 0, Q + c * doubt, np.inf))


def play(env: Any, state: Any, steps: int, gamma: float, rng: Generator, act: Act | None = None) -> float:
    """The return of one walk of at most so many steps; of any actions, unless act(state, rng) is given."""
    G, discount = 0.0, 1.0
    for _ in range(steps):
        a = int(rng.integers(env.actions.n)) if act is None else act(state, rng)
        state, reward, terminated = env.step(state, a, rng)
        G += discount * reward
        discount *= gamma
        if terminated:
            break
    return float(G)


def _check(env: Any, simulations: int, depth: int, c: float, gamma: float, rng: Generator) -> None:
    if not isinstance(getattr(env, "actions", None), Discrete):
        raise ValueError(f"env is {type(env).__name__}; a tree needs finitely many actions")
    if not np.all(getattr(env, "allowed", True)):
        raise ValueError(f"env is {type(env).__name__}; in each of its states all actions must be allowed")
    check_count("simulations", simulations, 1)
    check_count("depth", depth, 1)
    check_gamma(gamma)
    check_rng(rng)
    if not is_number(c) or not 0 <= c < np.inf:
        raise ValueError(f"c is {c!r}; it must be a number >= 0")
