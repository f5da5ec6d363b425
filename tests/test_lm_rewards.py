"""GRPO and its relatives at work: the published stages, each beside its own exact optimum; rewards by program.

Where a published figure has no interval, the bands are ours, several times the spread of five seeds.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.learning.returns import group_advantage
from rlcore.lm.evaluate import as_trie, expectation, near_reference, responses, reward_alone
from rlcore.lm.grpo import (
    DAPO,
    DR_GRPO,
    GRPO,
    GSPO,
    RLOO,
    Groups,
    by_k2,
    group_gradient,
    grpo,
    mean_of_means,
    of_sums,
    over_longest,
)
from rlcore.lm.models import LanguageModel, mlp_model, one_hot_prompts, token_logp, transformer_model, trie
from rlcore.lm.sampling import sample
from rlcore.lm.sft import SFTConfig, sft
from rlcore.lm.tasks import addition, brackets, parity, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.nn.optim import Adam

TASK = preference_task()
TREE = Tree(TASK.language)
REF = reference(TASK.language)
REWARD, LOG_REF = TASK.table(TREE), responses(REF, TREE)
JUDGE = near_reference(TREE, LOG_REF, REWARD, 0.2)
V = kl_optimal_policy(LOG_REF, REWARD, 0.2)[1].mean()

VARIANTS = {
    "GRPO": GRPO,
    "k3": DR_GRPO,
    "k2": replace(DR_GRPO, estimator=by_k2),
    "k2 of responses": replace(DR_GRPO, estimator=by_k2, divergence_of=of_sums),
    "RLOO": RLOO,
}


def near(got, want, band):
    """Each within its own band."""
    return bool((np.abs(np.subtract(got, want)) <= np.asarray(band)).all())


RELATIVES = {"GRPO": GRPO, "Dr. GRPO": DR_GRPO, "DAPO": DAPO, "GSPO": GSPO, "RLOO": RLOO}


def start():
    """The reference as a model that can become anything."""
    return as_trie(REF, TREE)


@cache
def run(name, seed):
    """300 rounds of 24 groups of 8.   -> (E r, KL(pi || ref), V - J)"""
    cfg = replace(VARIANTS[name], every=300)
    last = grpo(start(), REF, TASK.reward, cfg, np.random.default_rng(seed), JUDGE)[-1]
    return last["exact_reward"], last["exact_kl"], V - last["performance"]


# ---------------------------------------------------------------- the published stages, beta .2

ROWS = {  # E r, KL, V - J; and our bands
    "GRPO": ((1.7192, 2.585, 0.1183), (0.012, 0.06, 0.008)),
    "k3": ((1.4890, 1.188, 0.0691), (0.02, 0.09, 0.005)),
    "k2": ((1.6566, 1.743, 0.0123), (0.02, 0.09, 0.003)),
    "RLOO": ((1.6471, 1.642, 0.0017), (0.006, 0.025, 0.00045)),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_published_stages(name):
    """Means of five seeds. RLOO's V - J: three times the published interval."""
    want, band = ROWS[name]
    got = np.mean([run(name, seed) for seed in range(5)], axis=0)
    assert near(got, want, band), got


@pytest.mark.parametrize("make", [mlp_model, pytest.param(transformer_model, marks=pytest.mark.slow)])
def test_a_network_from_its_own_responses(make):
    """RLOO, fine-tuned to the reference before: of 4 seeds J was 1.308 to 1.312 (network), 1.297 to 1.313."""
    rng, x = np.random.default_rng(0), np.arange(4000) % 3
    model = make(TASK.language, rng)
    sft(model, x, sample(REF, x, rng)[0], SFTConfig(steps=200), rng)
    cfg = replace(RLOO, iterations=100, lr=0.01, every=100)
    last = grpo(model, model.frozen(), TASK.reward, cfg, rng, JUDGE)[-1]
    assert 1.25 < last["performance"] < V


# ---------------------------------------------------------------- where their exact means lead


def flow(cfg, expected_advantage, weight, steps):
    """The mean of `group_gradient` over all responses: Adam, lr .05, then .005.   -> (E r, KL, V - J)"""
    model, (x, y) = start(), TREE.everything()
    counts, ref = TASK.language.counts(y), token_logp(REF, x, y)[0]
    for lr in (0.05, 0.005):
        adam = Adam(lr)
        for _ in range(steps):
            old, log_pi = token_logp(model, x, y)[0], responses(model, TREE)
            share = np.exp(log_pi).reshape(-1, 1) / 3 * len(x)
            A = expected_advantage(log_pi).ravel()
            groups = Groups(x, y, counts, old, ref, REWARD.ravel(), A)
            mean = replace(cfg, weight=lambda c, longest, share=share: share * weight(c, longest))
            adam.step(model.params, group_gradient(model, groups, mean)[1])
    said = JUDGE(model)
    return said["exact_reward"], said["exact_kl"], V - said["performance"]


def above_the_mean(log_pi):
    """Of a group of eight without a scale: the response's own reward is an eighth of the mean."""
    return 7 / 8 * (REWARD - expectation(log_pi, REWARD)[:, None])


class InGroupsOfEight:
    """E[A | response] with the standard deviation, exactly: over all sums and sums of squares of seven others.

    Rewards are tenths, so few such pairs of sums exist; their probabilities are those of a walk of seven steps.
    """

    def __init__(self):
        tenths = np.round(10 * (REWARD - REWARD.min())).astype(int)
        self.level, self.which = np.unique(tenths, return_inverse=True)
        self.which = self.which.reshape(REWARD.shape)
        step = np.stack([self.level, self.level**2], axis=1)
        place, self.walk = np.zeros((1, 2), int), []
        for _ in range(7):
            there = (place[:, None] + step).reshape(-1, 2)
            place, index = np.unique(there, axis=0, return_inverse=True)
            self.walk.append((index.ravel(), len(place)))
        r = self.level[:, None]
        total, square = place[:, 0] + r, place[:, 1] + r * r
        spread = np.sqrt(np.maximum(square - total**2 / 8, 0) / 7)
        self.A = np.where(spread > 1e-9, (r - total / 8) / (spread + 1e-3), 0.0)  # eps 1e-4, in tenths

    def __call__(self, log_pi):
        A = np.empty_like(log_pi)
        for x, p in enumerate(np.exp(log_pi)):
            chance, one = np.ones(1), np.bincount(self.which[x], p, len(self.level))
            for index, n in self.walk:
                chance = np.bincount(index, np.outer(chance, one).ravel(), n)
            A[x] = (self.A @ chance)[self.which[x]]
        return A


def test_the_expected_advantage_of_a_response():
    """Against 200,000 groups, prompt A: |z| <= 4 for each of 85 responses, by the spread 1 of an advantage."""
    p = np.exp(LOG_REF[0])
    drawn = np.random.default_rng(0).choice(85, p=p / p.sum(), size=(200_000, 8))
    A = group_advantage(REWARD[0][drawn])[:, 0]
    n = np.bincount(drawn[:, 0], minlength=85)
    z = (np.bincount(drawn[:, 0], A, 85) - n * InGroupsOfEight()(LOG_REF)[0]) / np.sqrt(np.maximum(n, 1))
    assert np.abs(z).max() < 4


FIXED_POINTS = {
    "GRPO": (mean_of_means, (1.7275, 2.6043, 0.1139)),
    "k3": (over_longest, (1.4847, 1.1662, 0.0690)),
    "k2": (over_longest, (1.6424, 1.6799, 0.0140)),
    "k2 of responses": (over_longest, (1.6137, 1.4776, 0.0023)),
}


@pytest.mark.parametrize("name", FIXED_POINTS)
def test_samples_come_to_the_fixed_point_of_their_own_mean(name):
    """Means of three seeds. A group of eight without a scale sees beta 8 / 7 as dear: another point than beta's."""
    weight, want = FIXED_POINTS[name]
    cfg, scaled = VARIANTS[name], name == "GRPO"
    exact = flow(cfg, InGroupsOfEight() if scaled else above_the_mean, weight, steps=200 if scaled else 500)
    assert near(exact, want, [0.002, 0.01, 0.001]), exact
    got = np.mean([run(name, seed) for seed in range(3)], axis=0)
    assert near(got, exact, [0.03, 0.12, 0.005]), (got, exact)


# ---------------------------------------------------------------- rewards that a program checks


def learn(task, model, rng, **settings):
    """From its reward alone.   -> history, with exact accuracy, worst prompt and entropy"""
    tree = Tree(task.language)
    cfg = replace(GRPO, **{"beta": 0.0, "lr": 0.1, "every": 25, **settings})
    return grpo(model, model.frozen(), task.reward, cfg, rng, reward_alone(tree, task.table(tree)))


def adder():
    """A table that says a digit and an end, mostly: right once in 47 times."""
    model = trie(addition().language)
    model.params["theta"][:, 0, -1], model.params["theta"][:, 1:, -1] = -2, 1
    return model


def by_heart(seed, **settings):
    settings = {"iterations": 150, "prompts": 25, **settings}
    return [r["exact_reward"] for r in learn(addition(), adder(), np.random.default_rng(seed), **settings)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_addition_by_heart(seed):
    """Published: .436 / .952 / .989 / .994 after 25 / 50 / 100 / 150 rounds; here .39 to .42 at 25."""
    got = by_heart(seed)
    after = [got[0], got[1], got[3], got[5]]
    assert near(after, [0.436, 0.952, 0.989, 0.994], [0.1, 0.06, 0.01, 0.005]), after


@pytest.mark.parametrize("name", RELATIVES)
def test_every_relative_adds(name):
    """Four steps a round, so that ratios move and clips have work; 60 rounds, from .02 to .9 and more."""
    cfg = RELATIVES[name]
    rng, task = np.random.default_rng(0), addition()
    tree, model = Tree(task.language), adder()
    cfg = replace(cfg, beta=0.0, reward_beta=0.0, epochs=4, lr=0.1, iterations=60, prompts=25, every=1)
    history = grpo(model, model.frozen(), task.reward, cfg, rng, reward_alone(tree, task.table(tree)))
    assert history[-1]["exact_reward"] > 0.9
    assert max(row["clip_fraction"] for row in history) > 0


def test_a_baseline_is_no_law():
    """The bare reward for an advantage does a little better here. Published: .9967; of 5 seeds .9965 to .9966."""
    bare = by_heart(0, advantage=lambda r: r)[-1]
    assert bare == pytest.approx(0.9967, abs=0.001)
    assert bare > by_heart(0)[-1] + 0.001


def network(seed, steps):
    """A network after some steps of fine-tuning on demonstrations of which half are noise.   -> model, rng"""
    task, rng = addition(), np.random.default_rng(seed)
    model = mlp_model(task.language, rng, last_gain=1.0)
    tree, x = Tree(task.language), np.arange(2000) % 25
    y = tree.response[task.table(tree).argmax(axis=1)][x]
    y[:, 0] = np.where(rng.random(2000) < 0.5, rng.integers(10, size=2000), y[:, 0])
    sft(model, x, y, SFTConfig(steps=steps), rng)
    return model, rng


@pytest.mark.parametrize("seed", range(3))
def test_noisy_demonstrations_teach_half(seed):
    """Published: .38 to .52 right after 200 to 600 steps; of 6 such runs here .37 to .53."""
    task = addition()
    tree = Tree(task.language)
    for steps in (200, 600):
        model, _ = network(seed, steps)
        right = expectation(responses(model, tree), task.table(tree)).mean()
        assert 0.33 < right < 0.57


def as_a_network(seed, steps):
    model, rng = network(seed, steps)
    return learn(addition(), model, rng, iterations=300, prompts=25, group=16, lr=0.02, every=300)[-1]


def test_a_cold_start():
    """From nothing a network stalls: some prompt never had a right answer in its group, so nothing was learned there.

    Published: mean .50, worst 0; after 200 to 600 steps on noisy demonstrations .999, worst >= .994.
    Of 8 runs from nothing the mean was .64 to .88, the worst prompt below 1e-8; of 8 after them .999, worst >= .992.
    """
    last = as_a_network(0, steps=0)
    assert last["worst"] < 0.01
    assert last["exact_reward"] < 0.95
    assert last["silent"] > 0.8
    last = as_a_network(0, steps=200)
    assert last["exact_reward"] > 0.995
    assert last["worst"] > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cold_and_warm_starts(seed):
    assert as_a_network(seed, steps=0)["worst"] < 0.01
    for steps in (200, 600):
        last = as_a_network(seed, steps=steps)
        assert last["exact_reward"] > 0.995
        assert last["worst"] > 0.98


def balance(seed):
    task = brackets()
    model = trie(task.language)
    history = learn(task, model, np.random.default_rng(seed), iterations=100)
    return [row["exact_reward"] for row in history], history[-1], task, model


@pytest.mark.parametrize("seed", range(4))
def test_one_right_answer_of_eight(seed):
    """Published: .963 / .995 / .998 after 25 / 50 / 100 rounds, and all of it one string, "().", in every seed."""
    got, last, task, model = balance(seed)
    assert near([got[0], got[1], got[3]], [0.963, 0.995, 0.998], [0.02, 0.006, 0.004]), got
    p, tree = np.exp(responses(model, Tree(task.language))[0]), Tree(task.language)
    assert task.language.texts(tree.response[[p.argmax()]]) == ["()."]
    assert p.max() > 0.97
    assert last["entropy"] < 0.15
    right = task.table(tree)[0] > 0
    assert (p[right] > 0.01).sum() == 1  # of eight
    many = 1 - (1 - p[right]) ** 64  # each string's chance to be among 64 samples
    assert np.sort(many)[-2] < 0.5


# ---------------------------------------------------------------- parity


def linear_bits(language):
    """Logits linear in the bits, the letter before and the position: what a network is without its bend."""
    about = one_hot_prompts(language)
    shapes = {"bits": about.shape[1], "before": language.n_actions, "place": language.length}
    params = {key: np.zeros((n, language.n_actions)) for key, n in shapes.items()}

    def logits(params, prompt, response):
        before, L = language.before(response), response.shape[1]
        of_prompt = (about @ params["bits"])[prompt]
        y = params["before"][before] + of_prompt[:, None] + params["place"][:L]

        def back(d):
            d_before = np.zeros_like(params["before"])
            np.add.at(d_before, before, d)
            return {"bits": about[prompt].T @ d.sum(axis=1), "before": d_before, "place": d.sum(axis=0)}

        return y, back

    return LanguageModel(params, logits, language)


def test_parity_is_not_linear():
    """Six prompts of eight are the most that a linear model answers; a network, after a warm start, answers all.

    From nothing a network stalled at .75 or below in 9 of 24 runs; after such a start, 8 of 8 came to .999.
    """
    task, rng = parity(), np.random.default_rng(0)
    tree, x = Tree(task.language), np.arange(2000) % 8
    last = learn(task, linear_bits(task.language), rng, iterations=150, prompts=16, group=16, lr=0.05)[-1]
    assert 0.5 < last["exact_reward"] < 0.76
    model = mlp_model(task.language, rng, last_gain=1.0)
    y = tree.response[task.table(tree).argmax(axis=1)][x]
    y[:, 0] = np.where(rng.random(2000) < 0.5, rng.integers(2, size=2000), y[:, 0])
    sft(model, x, y, SFTConfig(steps=200), rng)
    last = learn(task, model, rng, iterations=200, prompts=16, group=16, lr=0.02)[-1]
    assert last["worst"] > 0.99
