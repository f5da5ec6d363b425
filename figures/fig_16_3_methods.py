"""Figure 16.3: PPO, DPO, RRHF and GRPO on the preference task, with the same number of responses, over five seeds.

PPO, RLOO and GRPO see the true reward; DPO sees which of two responses a rater chose; RRHF sees the ranks of
four. Each gets 14,400 responses, and the numbers are exact means over all responses at the end.
"""

from dataclasses import replace

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.dpo import DPOConfig, train_dpo
from rlcore.lm.evaluate import as_trie, near_reference, responses, win_rate
from rlcore.lm.grpo import GRPO, RLOO, by_k2, grpo, of_sums, sum_over_batch
from rlcore.lm.models import trie
from rlcore.lm.raters import compare
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.rrhf import RRHFConfig, train_rrhf
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

BUDGET, BETA = 14_400, 0.2
MEASURES = ("reward", "KL(pi || ref), nats", "win rate", "J")
FEWER = replace(GRPO, iterations=75)
GROUPS = {
    "GRPO": FEWER,
    "GRPO, no std, k2": replace(
        FEWER,
        advantage=RLOO.advantage,
        weight=sum_over_batch,
        ratio=of_sums,
        estimator=by_k2,
        divergence_of=of_sums,
    ),
    "RLOO": replace(RLOO, iterations=75),
}
METHODS = ("PPO", *GROUPS, "DPO", "RRHF")


def train(name, task, ref, tree, rng):
    """A model after BUDGET responses."""
    model = as_trie(ref, tree)
    if name == "PPO":
        rlhf(model, trie(task.language), ref, task.reward, RLHFConfig(updates=75, every=75), rng)
    elif name == "DPO":
        pairs = compare(ref, task.reward, rng.integers(3, size=BUDGET // 2), rng)
        train_dpo(model, ref, pairs, DPOConfig(every=800), rng)
    elif name == "RRHF":
        train_rrhf(model, ref, task.reward, RRHFConfig(steps=150, every=150), rng)
    else:
        grpo(model, ref, task.reward, replace(GROUPS[name], every=75), rng)
    return model


def compute(seeds=range(5)):
    """end (methods, seeds, measures), and those of the reference and of the best policy: least, best (measures,)"""
    task = preference_task()
    tree, ref = Tree(task.language), reference(task.language)
    log_ref, reward = responses(ref, tree), task.table(tree)

    def measure(model, log_pi):
        said = near_reference(tree, log_ref, reward, BETA)(model)
        won = win_rate(log_pi, log_ref, reward).mean()
        return [said["exact_reward"], said["exact_kl"], won, said["performance"]]

    end = np.empty((len(METHODS), len(seeds), len(MEASURES)))
    for i, name in enumerate(METHODS):
        for j, seed in enumerate(seeds):
            model = train(name, task, ref, tree, np.random.default_rng(seed))
            end[i, j] = measure(model, responses(model, tree))
    log_best, J = kl_optimal_policy(log_ref, reward, BETA)
    pi = np.exp(log_best)
    r, kl = (pi * reward).sum(axis=1).mean(), (pi * (log_best - log_ref)).sum(axis=1).mean()
    best = np.array([r, kl, win_rate(log_best, log_ref, reward).mean(), np.mean(J)])
    return {"end": end, "least": np.array(measure(ref.frozen(), log_ref)), "best": best}


def check(data):
    """What the text says, and no more than it."""
    J = dict(zip(METHODS, data["end"][:, :, 3].mean(axis=1)))
    kl = dict(zip(METHODS, data["end"][:, :, 1].mean(axis=1)))
    best = data["best"][3]
    assert (data["end"][:, :, 3] < best).all()
    assert best - J["PPO"] < 0.05
    assert best - J["RLOO"] < 0.05
    assert kl["GRPO"] > data["best"][1] > kl["RRHF"]
    assert min(J["PPO"], J["RLOO"]) > max(J["GRPO"], J["DPO"], J["RRHF"])


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(15, 4.6, columns=4)
    y = np.arange(len(METHODS))[::-1]
    for m, ax in enumerate(axes):
        for i in range(len(METHODS)):
            line = Curve(np.zeros(1), data["end"][i, :, m : m + 1])
            mean, (low, high) = line.mean[0], np.array(line.interval)[:, 0]
            ax.plot([low, high], [y[i], y[i]], color=plots.OKABE_ITO[0], linewidth=3, label="_interval")
            ax.plot(mean, y[i], "o", color=plots.OKABE_ITO[0], markersize=7, label="_mean")
        ax.axvline(data["best"][m], color=plots.OKABE_ITO[1], linestyle="--", linewidth=1.5, label="_best")
        ax.axvline(data["least"][m], color="#777777", linestyle=":", linewidth=1.5, label="_least")
        ax.set(xlabel=MEASURES[m], ylim=(-0.6, len(METHODS) - 0.4))
        ax.set_ylabel("method" if m == 0 else "")
        ax.set_yticks(y, METHODS if m == 0 else [""] * len(METHODS))
    return figure
