"""RLHF in rounds: new comparisons mend what one round gets wrong, if the reward model can see it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from rlcore.lm.evaluate import as_trie, expectation, near_reference, responses
from rlcore.lm.iterated import IteratedConfig, audit, iterated_rlhf, together
from rlcore.lm.models import trie
from rlcore.lm.population import accuracy, pair_weights
from rlcore.lm.priced import KLPrice
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import (
    RewardModelConfig,
    comparison_gradient,
    fit_reward_model,
    letter_counts,
    linear_reward,
    mlp_reward,
)
from rlcore.lm.rlhf import RLHFConfig, RLOOConfig, rlhf
from rlcore.lm.sampling import draw_prompts
from rlcore.lm.tasks import coarse_features, preference_task, reference
from rlcore.lm.tree import Tree

TASK = preference_task(4)
TOY, TREE = TASK.language, Tree(TASK.language)
REF, REWARD = reference(TOY), TASK.table(TREE)
LOG_REF = responses(REF, TREE)
BETA = 0.1
JUDGE = near_reference(TREE, LOG_REF, REWARD, BETA)
CFG = IteratedConfig(rlhf=RLHFConfig(updates=60, price=KLPrice(BETA)))
ONCE = replace(CFG, rounds=1, rlhf=replace(CFG.rlhf, updates=300))  # as many updates in all


@cache
def run(kind, seed, cfg):
    """-> history, the policy, the reward model"""
    rng = np.random.default_rng(seed)
    learned = mlp_reward(letter_counts(4, 3), 8, rng) if kind == "bag" else linear_reward(coarse_features, 2)
    model = as_trie(REF, TREE)
    history = iterated_rlhf(model, trie(TOY), REF, learned, TASK.reward, cfg, rng, JUDGE)
    return history, model, learned


def column(kind, name, seeds=range(2)):
    """-> (seeds, rounds)"""
    return np.array([[row[name] for row in run(kind, seed, CFG)[0]] for seed in seeds])


def ends(cfg, seeds):
    """J at the end of each run.   -> (seeds,)"""
    return np.array([run("bag", seed, cfg)[0][-1]["performance"] for seed in seeds])


def test_rounds_mend_what_one_round_gets_wrong():
    """A bag of letters can say most of what raters like; J is 1.73 at best. The first round and the last.

    Eight seeds: 1.03 to 1.55 after one round, mean 1.34; 1.50 to 1.59 after five, mean 1.54.
    """
    J = column("bag", "performance")
    assert J[:, -1].min() > 1.45
    assert J[:, -1].mean() > J[:, 0].mean() + 0.05
    assert J[:, -1].min() > J[:, 0].min() + 0.15


def test_one_round_goes_too_far():
    """As many updates on the reward model of the first 1,000 pairs: what rounds end at, less .05 or more on average.

    Two seeds: 1.37 against 1.54.
    """
    assert ends(ONCE, range(2)).mean() < ends(CFG, range(2)).mean() - 0.05


@pytest.mark.slow
def test_rounds_over_six_seeds():
    """With 5,000 pairs of the reference at once and as many steps of the reward model it is level with rounds: here
    the reference says everything now and then (1.534 against 1.538).
    """
    rounds, seeds = ends(CFG, range(6)), range(6)
    assert rounds.min() > 1.45
    assert ends(ONCE, seeds).mean() < rounds.mean() - 0.05
    many = replace(ONCE, pairs=5_000, fit=RewardModelConfig(steps=1_500))
    assert ends(many, seeds).mean() == pytest.approx(rounds.mean(), abs=0.05)


def test_what_the_features_do_not_show_is_never_mended():
    """Without repeats and ends the favourite is "aaaa": the learned reward is far up, gold below the reference."""
    history, model, _ = run("coarse", 0, replace(CFG, rounds=3))
    for row in history[1:]:
        assert row["learned"] > 1
        assert row["gold"] < -0.2
        assert row["exact_reward"] < expectation(LOG_REF, REWARD).mean() - 0.2
    best = responses(model, TREE).argmax(axis=1)
    assert TOY.texts(TREE.response[best]) == ["aaaa", "bbbb", "cccc"]


def test_agreement_on_new_responses_says_little():
    """About what PPO made of it, it agrees with raters hardly more often than a coin; who knows the reward does
    little better, since the new responses are nearly equally good. On ref's responses it is another matter.
    """
    agreement = column("bag", "agreement")
    assert agreement.shape == (2, 5)
    assert (agreement[:, 1:] < 0.6).all()
    for seed in range(2):
        _, model, _ = run("bag", seed, CFG)
        assert accuracy(pair_weights(responses(model, TREE), REWARD), REWARD) < 0.6
    assert accuracy(pair_weights(LOG_REF, REWARD), REWARD) > 0.68


def test_sampled_columns_beside_exact_ones():
    """3,000 responses of each: 2 columns of 5 rounds of 2 seeds; a standard error is .03 at most."""
    for seed in range(2):
        for row in run("bag", seed, CFG)[0]:
            lead = row["exact_reward"] - expectation(LOG_REF, REWARD).mean()
            assert row["gold"] == pytest.approx(lead, abs=0.08)
            assert row["kl"] == pytest.approx(row["exact_kl"], abs=0.15)


def test_a_constant_a_prompt_does_not_show_in_an_audit():
    """A learned reward is known up to c(x): only what it says beyond the reference's responses counts."""
    _, model, learned = run("bag", 0, CFG)
    c = np.array([5.0, -3.0, 2.0])
    plain, shifted = (
        audit(model, REF, r, TASK.reward, 300, np.random.default_rng(0))
        for r in (learned.reward, lambda x, y: learned.reward(x, y) + c[x])
    )
    assert plain == pytest.approx(shifted, abs=1e-12)
    itself = audit(REF, REF, learned.reward, TASK.reward, 3_000, np.random.default_rng(0))
    assert abs(itself["gold"]) < 0.1
    assert itself["kl"] == pytest.approx(0, abs=1e-12)


def test_rounds_are_made_of_these_parts():
    """The parts, put together once more, by hand: settings unlike the defaults."""
    fit, ppo = RewardModelConfig(steps=3, batch=7, lr=0.1), RLHFConfig(updates=2, batch=20, epochs=1)
    cfg = IteratedConfig(2, pairs=50, tau=0.3, noise=0.4, fit=fit, rlhf=ppo, audit=30)
    models = [(as_trie(REF, TREE), trie(TOY), linear_reward(coarse_features, 2)) for _ in range(2)]
    (model, critic, learned), (hand, values, by_hand) = models
    history = iterated_rlhf(model, critic, REF, learned, TASK.reward, cfg, np.random.default_rng(6))

    pairs, rng = None, np.random.default_rng(6)
    for row in history:
        new = compare(hand, TASK.reward, draw_prompts(TOY, 50, rng), rng, tau=0.3, noise=0.4)
        assert row["agreement"] == comparison_gradient(by_hand, new, fit)[1]
        pairs = together(pairs, new) if pairs else new
        fit_reward_model(by_hand, pairs, fit, rng)
        rlhf(hand, values, REF, by_hand.reward, ppo, rng)
        want = audit(hand, REF, by_hand.reward, TASK.reward, 30, rng)
        assert [row[name] for name in want] == pytest.approx(list(want.values()), abs=1e-9)
    np.testing.assert_allclose(learned.params["W0"], by_hand.params["W0"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.params["theta"], hand.params["theta"], rtol=0, atol=1e-10)


def test_pairs_are_kept():
    assert [row["pairs"] for row in run("bag", 0, CFG)[0]] == [1000, 2000, 3000, 4000, 5000]
    first, second = (compare(REF, TASK.reward, np.arange(k), np.random.default_rng(k)) for k in (2, 3))
    both = together(first, second)
    assert len(both) == 5
    assert both.texts(TOY) == first.texts(TOY) + second.texts(TOY)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": -1}, "rounds is -1"),
        ({"pairs": 0}, "pairs is 0"),
        ({"audit": 0}, "audit is 0"),
        ({"tau": 0.0}, "tau is 0.0"),
        ({"noise": 1.5}, "noise is 1.5"),
        ({"fit": 3}, "fit is 3; it must be RewardModelConfig"),
        ({"rlhf": RLOOConfig()}, "it must be RLHFConfig"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        IteratedConfig(**settings)
