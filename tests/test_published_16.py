"""Group advantages as estimators, by enumeration: rewards 0 or 1, groups of eight, success with probability p.

The policy is one logit, d log pi(a) / dlogit = a - p, and dp / dlogit = p (1 - p). The expected push of a group,
mean_i A_i (a_i - p), is c times the gradient of p; c says how hard a prompt of that difficulty is pushed.

And the conventions of papers and programs, each a configuration, against a formula written out.
"""

from dataclasses import replace
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest

from rlcore.learning.losses import standardised
from rlcore.learning.returns import group_advantage, rloo_advantage
from rlcore.lm.conventions import CONVENTIONS
from rlcore.lm.grpo import draw_groups, group_gradient
from rlcore.lm.models import mlp_model, token_logp
from rlcore.lm.tasks import preference_task, reference

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


# ---------------------------------------------------------------- who divides by what: the rows of chapter 16

RIGHT = np.array([0, 1, 1, 0, 1, 0, 0, 0.0])
ROWS = {  # what a wrong and a right one of RIGHT get, token's share, unit, clip, beta in the loss, in the reward
    "DeepSeekMath": ((-0.774597, 1.290994), "own length", "token", (0.2, 0.2), 0.04, 0.0),
    "Dr. GRPO": ((-0.375, 0.625), "longest", "token", (0.2, 0.2), 0.0, 0.0),
    "Dr. GRPO, as GRPO": ((-0.724569, 1.207615), "own length", "token", (0.2, 0.2), 0.0, 0.0),
    "TRL": ((-0.724429, 1.207381), "all tokens", "token", (0.2, 0.2), 0.0, 0.0),
    "TRL, RLOO": ((-0.428571, 0.714286), "response", "product", (0.2, 0.2), 0.0, 0.05),
    "verl": ((-0.724567, 1.207612), "all tokens", "token", (0.2, 0.2), 0.0, 0.0),
    "nano-aha-moment": ((-0.774437, 1.290728), "all tokens", "token", None, 0.001, 0.0),
    "DAPO": ((-0.724429, 1.207381), "all tokens", "token", (0.2, 0.28), 0.0, 0.0),
    "GSPO": ((-0.724429, 1.207381), "response", "geometric", (3e-4, 4e-4), 0.0, 0.0),
}
TASK = preference_task()


def speaker(size, seed):
    return mlp_model(TASK.language, np.random.default_rng(seed), hidden=4, last_gain=size)


def token_gradient(name, groups, logp):
    """A row's loss, and its gradient by each token's log-probability, a response and a token at a time."""
    _, share, unit, clip, beta, _ = ROWS[name]
    low, high = clip or (np.inf, np.inf)
    d, loss, tokens, B = np.zeros(logp.shape), 0.0, groups.counts.sum(), len(logp)
    for b in range(B):
        T = groups.counts[b].sum()
        weight = {"own length": 1 / B / T, "longest": 1 / B / 3, "all tokens": 1 / tokens, "response": 1 / B}[
            share
        ]
        A = groups.advantage[b]
        log_r = (logp - groups.logp_old)[b, :T]
        inner = 1 / T if unit == "geometric" else 1.0
        ratios = np.exp(log_r) if unit == "token" else np.exp([inner * log_r.sum()])
        for t, ratio in enumerate(ratios):
            bound = np.clip(ratio, 1 - low, 1 + high)
            loss -= weight * min(ratio * A, bound * A)
            if ratio * A <= bound * A:
                d[b, slice(t, t + 1) if unit == "token" else slice(T)] -= weight * inner * ratio * A
        back = np.exp((groups.logp_ref - logp)[b, :T])
        loss += beta * weight * (back - 1 - np.log(back)).sum()
        d[b, :T] += beta * weight * (1 - back)
    return loss, d


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_pays_for_right_and_wrong_ones(name):
    cfg = replace(CONVENTIONS[name], prompts=1, reward_beta=0.0)
    groups = draw_groups(
        speaker(1.0, 0), reference(TASK.language), lambda x, y: RIGHT, cfg, np.random.default_rng(0)
    )
    wrong, right = ROWS[name][0]
    np.testing.assert_allclose(groups.advantage, np.where(RIGHT, right, wrong), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("fresh", [True, False])
def test_a_row_is_its_formula(name, fresh):
    """Loss and gradient of a configuration, on fresh samples and on old ones. One step has no old ones."""
    if name == "nano-aha-moment" and not fresh:
        assert CONVENTIONS[name].epochs == 1
        return
    cfg, drew = replace(CONVENTIONS[name], prompts=3, group=4), speaker(3.0, 1)
    ref, rng = reference(TASK.language), np.random.default_rng(0)
    groups = draw_groups(drew, ref, TASK.reward, cfg, rng)
    model = drew if fresh else speaker(3.0, 0)
    logp, back = token_logp(model, groups.prompt, groups.response)
    want, d = token_gradient(name, groups, logp)
    row, grads = group_gradient(model, groups, cfg)
    assert row["loss"] == pytest.approx(want, abs=1e-13)
    for key, g in back(d).items():
        np.testing.assert_allclose(grads[key], g, rtol=0, atol=1e-13)
    assert max(np.abs(g).max() for g in grads.values()) > 1e-3


def test_a_price_in_the_reward_is_the_sum_over_tokens():
    cfg = replace(CONVENTIONS["TRL, RLOO"], prompts=3, group=4)
    drew, ref = speaker(3.0, 1), reference(TASK.language)
    groups = draw_groups(drew, ref, TASK.reward, cfg, np.random.default_rng(0))
    paid = (groups.reward - 0.05 * (groups.logp_old - groups.logp_ref).sum(axis=1)).reshape(3, 4)
    others = (paid.sum(axis=1, keepdims=True) - paid) / 3
    np.testing.assert_allclose(groups.advantage, (paid - others).ravel(), atol=1e-13)


def test_the_rows_are_those_of_the_chapter_and_of_the_book():
    """Names, clips and prices, in the table that readers see and in the configurations."""
    assert list(CONVENTIONS) == list(ROWS)
    for name, (_, _, _, clip, beta, in_reward) in ROWS.items():
        cfg = CONVENTIONS[name]
        sides = cfg.clip if isinstance(cfg.clip, tuple) else (cfg.clip, cfg.clip)
        assert clip in (None, sides)
        assert (cfg.beta, cfg.reward_beta) == (beta, in_reward)
    text = (Path(__file__).parents[1] / "chapters" / "ch16_grpo" / "chapter.md").read_text(encoding="utf-8")
    table = [
        line
        for line in text.split("### Who divides by what")[1].split("Wherever")[0].split("\n")
        if line.startswith("| ")
    ][1:]
    assert len(table) == len(ROWS)
    for line, (name, (_, share, _, _, beta, in_reward)) in zip(table, ROWS.items()):
        assert line.startswith(f"| {name}, ")
        price = beta or in_reward
        assert (f"`{price}`" in line.split("|")[4]) == (price > 0)
        assert ("one unit" if share == "response" else share) in line


@pytest.mark.parametrize("n", [2, 5])
def test_programs_of_ppo_divide_by_the_std_of_a_minibatch(n):
    """n - 1 and 1e-8."""
    A = np.arange(n) ** 2.0
    np.testing.assert_allclose(standardised(A), (A - A.mean()) / (A.std(ddof=1) + 1e-8), atol=1e-14)
