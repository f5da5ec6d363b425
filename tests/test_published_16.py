"""Group advantages as estimators, by enumeration: rewards 0 or 1, groups of eight, success with probability p.

The policy is one logit, d log pi(a) / dlogit = a - p, and dp / dlogit = p (1 - p). The expected push of a group,
mean_i A_i (a_i - p), is c times the gradient of p; c says how hard a prompt of that difficulty is pushed.
"""

from itertools import product
from math import comb

import numpy as np
import pytest

from rlcore.learning.returns import group_advantage, rloo_advantage

G = 8
K = np.arange(G + 1)
GROUPS = (np.arange(G) < K[:, None]).astype(float)  # (K, G) k successes; their order does not matter


def chance(p):
    """P(k successes).   -> (K,)"""
    return np.array([comb(G, k) for k in K]) * p**K * (1 - p) ** (G - K)


def factor(advantage, p):
    """c of E[mean_i A_i (a_i - p)] = c p (1 - p)."""
    push = (advantage(GROUPS) * (GROUPS - p)).mean(axis=1)  # (K,)
    return chance(p) @ push / (p * (1 - p))


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
def test_without_scale_the_gradient_is_too_small_and_leaving_one_out_mends_it(p):
    """(G - 1) / G of the truth for every p, as the mean holds the response's own reward; exactly 1."""
    assert factor(lambda r: group_advantage(r, scale=False), p) == pytest.approx(7 / 8, abs=1e-12)
    assert factor(rloo_advantage, p) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("p", "c"), [(0.01, 2.609), (0.1, 2.32769), (0.5, 1.85566)])
def test_the_standard_deviation_pushes_hard_prompts_more(p, c):
    digits = 5e-4 if p == 0.01 else 6e-6
    got = factor(lambda r: group_advantage(r, eps=0.0, ddof=0), p)
    assert got == pytest.approx(c, abs=digits)
    assert got == pytest.approx(chance(p) @ np.sqrt(K * (G - K)) / (G * p * (1 - p)), abs=1e-12)
    shrunk = factor(lambda r: group_advantage(r, eps=0.0), p)
    assert shrunk == pytest.approx(np.sqrt(7 / 8) * got, abs=1e-12)


@pytest.mark.parametrize(("p", "silent"), [(0.01, 0.923), (0.1, 0.430), (0.5, 0.008)])
def test_groups_that_say_nothing(p, silent):
    quiet = ~group_advantage(GROUPS).any(axis=1)
    np.testing.assert_array_equal(quiet, (K == 0) | (K == G))
    assert chance(p) @ quiet == pytest.approx(silent, abs=5e-4)


def test_with_large_groups_the_objective_is_an_arc_sine():
    """c -> 1 / sqrt(p (1 - p)), the derivative of 2 arcsin sqrt(p)."""
    p, n = 0.3, 2000
    k = np.arange(n + 1)
    log_chance = (
        np.cumsum(np.log(np.append(1.0, (n - k[:-1]) / (k[:-1] + 1))))
        + k * np.log(p)
        + (n - k) * np.log(1 - p)
    )
    c = np.exp(log_chance) @ np.sqrt(k * (n - k)) / (n * p * (1 - p))
    assert c == pytest.approx(1 / np.sqrt(p * (1 - p)), rel=1e-3)
    slope = (np.arcsin(np.sqrt(p + 1e-6)) - np.arcsin(np.sqrt(p - 1e-6))) / 1e-6
    assert c == pytest.approx(slope, rel=1e-3)


def test_with_a_scale_three_arms_are_not_even_pushed_in_parallel():
    """Rewards 0, 1 and 3, groups of three, every group: RLOO has the gradient, the mean alone is parallel to it."""
    p, r = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 3.0])
    draws = np.array(list(product(range(3), repeat=3)))
    weight = p[draws].prod(axis=1)

    def push(advantage):
        A = advantage(r[draws])  # (27, 3)
        score = np.eye(3)[draws] - p  # (27, 3, 3)
        return np.einsum("n,ng,nga->a", weight, A, score) / 3

    true = p * (r - p @ r)
    np.testing.assert_allclose(push(rloo_advantage), true, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        push(lambda x: group_advantage(x, scale=False)), 2 / 3 * true, rtol=0, atol=1e-14
    )
    scaled = push(group_advantage)
    cosine = scaled @ true / np.linalg.norm(scaled) / np.linalg.norm(true)
    assert cosine < 0.99
