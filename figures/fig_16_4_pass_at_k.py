"""Figure 16.4: what k tries are worth, before GRPO and after.

Left: how many different balanced strings there are among k tries, of eight. Right: the mean over 25 sums of the
probability that one of k tries is right. Exact, of the models of eight seeds each.
"""

from dataclasses import replace

import numpy as np

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.checked import demonstrations
from rlcore.lm.evaluate import expectation, responses
from rlcore.lm.grpo import GRPO, grpo
from rlcore.lm.models import mlp_model, trie
from rlcore.lm.sft import SFTConfig, sft
from rlcore.lm.tasks import addition, brackets
from rlcore.lm.tree import Tree

K = np.unique(np.geomspace(1, 3000, 40).astype(int))
STRINGS = replace(GRPO, iterations=100, prompts=16, lr=0.1, every=100)
SUMS = replace(GRPO, iterations=300, group=16, beta=0.0, lr=0.02, every=300)
PRICES = (0.0, 0.1)


def different(model, task, tree):
    """sum over right strings of 1 - (1 - pi)^k.   -> (K,)"""
    right = np.exp(responses(model, tree))[task.table(tree) > 0]
    return (1 - (1 - right) ** K[:, None]).sum(axis=1)


def passes(model, task, tree):
    """The mean over prompts of 1 - (1 - p)^k.   -> (K,)"""
    p = expectation(responses(model, tree), task.table(tree))
    return (1 - (1 - np.clip(p, 0, 1)) ** K[:, None]).mean(axis=1)


def compute(seeds=range(8)):
    """strings (3, seeds, K): before, no price, a price;  top (2, seeds) share of the likeliest of what is right;
    sums (3, seeds, K): before, from nothing, after demonstrations"""
    task, adds = brackets(), addition()
    tree, all_sums = Tree(task.language), Tree(adds.language)
    strings, sums, top = [[], [], []], [[], [], []], [[], []]
    for seed in seeds:
        strings[0].append(different(trie(task.language), task, tree))
        for i, beta in enumerate(PRICES):
            model, rng = trie(task.language), np.random.default_rng(seed)
            grpo(model, trie(task.language), task.reward, replace(STRINGS, beta=beta), rng)
            strings[i + 1].append(different(model, task, tree))
            right = np.exp(responses(model, tree)) * task.table(tree)
            top[i].append(right.max() / right.sum())
        sums[0].append(passes(mlp_model(adds.language, np.random.default_rng(seed)), adds, all_sums))
        for warm in (0, 1):
            rng = np.random.default_rng(seed)
            model = mlp_model(adds.language, rng)
            if warm:
                sft(model, *demonstrations(adds, 500, 0.5, rng), SFTConfig(steps=400), rng)
            grpo(model, model.frozen(), adds.reward, SUMS, rng)
            sums[warm + 1].append(passes(model, adds, all_sums))
    return {"strings": np.array(strings), "sums": np.array(sums), "top": np.array(top)}


def check(data):
    """What the text says: one string of eight; many tries of the untrained model beat many of the trained one."""
    assert (data["top"][0] > 0.9).all()
    assert (data["top"][1] < data["top"][0]).all()
    before, free, priced = data["strings"].mean(axis=1)
    k = np.searchsorted(K, 100)
    assert free[k] < before[k] < priced[k]
    before, cold, warm = data["sums"]
    assert (cold[:, 0] > 10 * before[:, 0]).all()
    assert (cold[:, -1] < before[:, -1] - 0.05).all()
    assert (warm[:, -1] > 0.999).all()


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    names = ("before: every token alike", "after GRPO, no price", "after GRPO, with a price")
    lines = {name: Curve(K, runs) for name, runs in zip(names, data["strings"])}
    plots.plot_curves(
        lines, xlabel="k, tries", ylabel="different right strings", legend="upper left", ax=left
    )
    left.set(title="Balanced strings", ylim=(0, 8.6), xscale="log")
    names = ("before: a new network", "after GRPO from nothing", "after demonstrations and GRPO")
    lines = {name: Curve(K, runs) for name, runs in zip(names, data["sums"])}
    plots.plot_curves(
        lines, xlabel="k, tries", ylabel="pass@k, mean over sums", legend="lower right", ax=right
    )
    right.set(title="Sums", ylim=(-0.03, 1.05), xscale="log")
    return figure
