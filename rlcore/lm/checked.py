"""Answers that a program checks: demonstrations that are wrong now and then, and what k tries are worth.

    prompt, response = demonstrations(task, 500, 0.5, rng)         half of them right, for a start that is not cold
    pass_at_k(np.array([3]), n=20, k=5)                            from 20 tries of which 3 were right

pass@k is the probability that one of k tries is right: it counts what a model can do, not what it does most of the
time. A model that says one thing only has a pass@k that does not grow with k.

Letters: X prompts, N responses, B demonstrations, k tries.
Left out: checkers that err.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.lm.tasks import Task
from rlcore.lm.tree import Tree
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_kind, check_probability, check_rng


def demonstrations(task: Task, n: int, share: float, rng: Generator) -> tuple[Array, Array]:
    """n prompts at random, each with its answer; but for a share of them the first letter is any.   -> (n,), (n, L)

    A letter at random may be the right one. Of several answers the first of the tree is shown.
    Raises ValueError unless n is a whole number >= 0, share a probability, rng a Generator, and every prompt has an
    answer.
    """
    check_kind(Task, task=task)
    check_count("n", n, 0)
    check_probability("share", share)
    check_rng(rng)
    tree = Tree(task.language)
    table = task.table(tree)
    for x in np.flatnonzero(~(table > 0).any(axis=1))[:1]:
        raise ValueError(f"task has no right answer to prompt {x}, {task.language.prompts[x]!r}")
    prompt = rng.integers(len(table), size=n)
    response = tree.response[table.argmax(axis=1)][prompt]  # a copy
    wrong = rng.random(n) < share
    response[wrong, 0] = rng.integers(task.language.eos, size=wrong.sum())
    return prompt, response


def pass_at_k(right: Any, n: int, k: int) -> Array:
    """P(one of k tries is right), estimated from n tries of which `right` were.   (...) -> (...)

        1 - C(n - right, k) / C(n, k)        = 1 - product over i < k of (n - right - i) / (n - i)

    The share of all choices of k of the n tries that hold a right one, so its mean is 1 - (1 - p)^k for every p.
    1 - (1 - right / n)^k is too low on average: it draws the k with repetition.   [eq:pass-at-k]
    Chen et al. (2021).   Raises ValueError unless 1 <= k <= n and right whole numbers from 0 to n.
    """
    check_count("n", n, 1)
    check_count("k", k, 1, n)
    c = np.asarray(right, float)
    if not ((c >= 0) & (c <= n) & (c == np.floor(c))).all():
        raise ValueError(f"right is {right}; it must be whole numbers from 0 to n = {n}")
    i = np.arange(k)  # with fewer wrong tries than k one factor is 0
    return np.asarray(1 - np.prod((n - c[..., None] - i) / (n - i), axis=-1))
