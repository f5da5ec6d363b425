"""Figure 14.4: PPO with the price of leaving, without it, and with its sign turned; the true reward is the score.

Means of 20 seeds with intervals of level 0.95; every number is exact, over all responses of the policy so far.
"""

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.kl import k1
from rlcore.lm.evaluate import as_trie, near_reference, responses
from rlcore.lm.models import trie
from rlcore.lm.priced import KLPrice
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

BETA = 0.2
PRICES = {
    "with its price": KLPrice(BETA),
    "without": KLPrice(0.0),
    "sign turned": KLPrice(BETA, estimate=lambda logp, logp_ref: k1(logp_ref, logp)),
}
MEASURES = {
    "exact_reward": "mean reward E r",
    "exact_kl": "KL(π || ref), nats",
    "performance": "J = E r − 0.2 KL(π || ref)",
}


def world():
    """task, reference, judge; reward, divergence and J of the best policy.   (3,)"""
    task = preference_task()
    tree, ref = Tree(task.language), reference(task.language)
    log_ref, reward = responses(ref, tree), task.table(tree)
    judge = near_reference(tree, log_ref, reward, BETA)
    log_best, V = kl_optimal_policy(log_ref, reward, BETA)
    pi = np.exp(log_best)
    r, kl = (pi * reward).sum(axis=1).mean(), (pi * (log_best - log_ref)).sum(axis=1).mean()
    return task, tree, ref, judge, np.array([r, kl, V.mean()])


def compute(seeds=range(20)):
    """updates (K,), runs (prices, seeds, measures, K), best (measures,)"""
    task, tree, ref, judge, best = world()
    runs = []
    for price in PRICES.values():
        cfg = RLHFConfig(updates=150, every=5, price=price)
        for seed in seeds:
            model, rng = as_trie(ref, tree), np.random.default_rng(seed)
            rows = [judge(model), *rlhf(model, trie(task.language), ref, task.reward, cfg, rng, judge)]
            runs.append([[row[name] for row in rows] for name in MEASURES])
    shape = (len(PRICES), len(seeds), len(MEASURES), -1)
    return {"updates": 5 * np.arange(31), "runs": np.reshape(runs, shape), "best": best}


def check(data):
    """With the price J comes to V; the other two have more reward, on average, and only J tells."""
    best = world()[4]
    np.testing.assert_allclose(data["best"], best, rtol=0, atol=1e-9)
    reward, kl, J = np.moveaxis(data["runs"][..., -1], 2, 0)  # (prices, seeds) each
    assert (data["runs"][:, :, 2] < best[2]).all()
    assert (best[2] - J[0] < 0.02).all()
    assert (J[1:] < best[2] - 0.1).all()
    assert reward[1].min() > reward[0].max() + 0.2
    assert (
        reward[2].mean() > reward[0].mean()
    )  # every seed settles on a few responses, some of them not the best
    assert (kl[1:].mean(axis=1) > kl[0].mean() + 1).all()


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(15, 4.8, columns=3)
    for m, (ax, name) in enumerate(zip(axes, MEASURES.values())):
        for k, price in enumerate(PRICES):
            line = Curve(data["updates"], data["runs"][k, :, m])
            look = {"color": plots.OKABE_ITO[k], "linestyle": plots.DASHES[k]}
            ax.plot(line.x, line.mean, label=price, **look)
            ax.fill_between(line.x, *line.interval, color=look["color"], alpha=0.2, linewidth=0)
        ax.axhline(data["best"][m], color="black", linewidth=1.2, label="_best")
        ax.set(xlabel="updates of 192 responses", ylabel=name)
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    axes[0].set_title("The score: the wrong ones lead")
    axes[1].set_title("They go much further")
    axes[2].set_title("Only J tells")
    axes[0].legend(loc="lower right", frameon=False)
    axes[1].text(150, data["best"][1] - 0.06, "thin: the best policy", ha="right", va="top", fontsize=12)
    return figure
