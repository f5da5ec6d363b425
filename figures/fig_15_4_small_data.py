"""Figure 15.4: few pairs and many: the loss on the pairs seen and on all, and the reward; means of eight seeds, with
intervals of level 0.95.
"""

import numpy as np

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.dpo import DPOConfig, pair_gradient, population_gradient, reference_logp, train_dpo
from rlcore.lm.evaluate import as_trie, expectation, responses
from rlcore.lm.population import bayes_loss, pair_weights
from rlcore.lm.raters import compare
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

SIZES = (60, 1000, 16_000)
CFG = DPOConfig(steps=1000, every=50)


def compute(seeds=range(8)):
    """seen, all, reward (sizes, seeds, 20): the loss of the pairs it has, of all pairs, and E r;  step (20,), floor"""
    task = preference_task()
    tree, ref = Tree(task.language), reference(task.language)
    reward, log_ref = task.table(tree), responses(ref, tree)
    weight = pair_weights(log_ref, reward)
    out = np.empty((3, len(SIZES), len(seeds), CFG.steps // CFG.every))
    for i, n in enumerate(SIZES):
        for j, seed in enumerate(seeds):
            rng = np.random.default_rng(seed)
            pairs = compare(ref, task.reward, np.arange(n) % 3, rng)
            known = reference_logp(ref, pairs)

            def judge(model, pairs=pairs, known=known):
                return {
                    "seen": pair_gradient(model, pairs, known, CFG)[0]["loss"],
                    "all": population_gradient(model, log_ref, tree, weight, CFG)[0]["loss"],
                    "reward": expectation(responses(model, tree), reward).mean(),
                }

            rows = train_dpo(as_trie(ref, tree), ref, pairs, CFG, rng, judge)
            out[:, i, j] = [[row[key] for row in rows] for key in ("seen", "all", "reward")]
    start = np.array(expectation(log_ref, reward).mean())
    step = np.array([row["step"] for row in rows])
    floor = np.array(bayes_loss(weight, reward))
    return {"seen": out[0], "all": out[1], "reward": out[2], "step": step, "floor": floor, "start": start}


def check(data):
    """What the text says: 60 pairs are learned by heart, 16,000 are not; the loss of all pairs is above its floor."""
    last = {key: data[key][:, :, -1].mean(axis=1) for key in ("seen", "all", "reward")}
    assert last["seen"][0] < data["floor"] - 0.3
    assert last["all"][0] > 2 * data["floor"]
    assert abs(last["seen"][2] - last["all"][2]) < 0.02
    assert (data["all"] > data["floor"]).all()
    assert last["reward"][0] < last["reward"][1] < last["reward"][2]
    np.testing.assert_array_equal(data["step"], 50 * np.arange(1, 21))


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    lines = {}
    for i in (0, 2):
        for key, name in (("seen", "on its own pairs"), ("all", "on all pairs")):
            lines[f"{SIZES[i]:,} pairs, {name}"] = Curve(data["step"], data[key][i])
    plots.plot_curves(lines, xlabel="gradient steps", ylabel="loss", ax=left, legend="upper left")
    for k, (line, band) in enumerate(
        zip(left.lines, left.collections)
    ):  # a colour for each size, as on the right
        line.set(color=plots.OKABE_ITO[k // 2 * 2], linestyle=plots.DASHES[k % 2])
        band.set_facecolor(plots.OKABE_ITO[k // 2 * 2])
    left.legend(loc="upper left", framealpha=0.9)
    left.axhline(data["floor"], color="black", linewidth=1, label="_floor")
    left.text(560, data["floor"] - 0.02, "floor: the raters' own entropy", ha="left", va="top", fontsize=11)
    left.set_ylim(0, 1.75)
    rewards = {f"{n:,} pairs": Curve(data["step"], y) for n, y in zip(SIZES, data["reward"])}
    plots.plot_curves(rewards, xlabel="gradient steps", ylabel="mean reward E r", ax=right)
    right.axhline(data["start"], color="black", linestyle=":", linewidth=1.5, label="_start")
    right.text(560, data["start"] + 0.02, "the reference", ha="left", va="bottom", fontsize=11)
    return figure
