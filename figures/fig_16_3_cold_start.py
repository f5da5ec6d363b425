"""Figure 16.3: GRPO on answers that a program checks: a cold start, a warm one, and a policy that cannot.

Left: sums, by a network, from nothing and after 400 steps on demonstrations, half of them at random.
Right: parity of three bits, by a network and by a linear policy, with a price on leaving uniform and without.
"""

from dataclasses import replace

import numpy as np

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.checked import demonstrations
from rlcore.lm.evaluate import reward_alone
from rlcore.lm.grpo import GRPO, grpo
from rlcore.lm.linear import linear_model
from rlcore.lm.models import mlp_model
from rlcore.lm.sft import SFTConfig, sft
from rlcore.lm.tasks import addition, parity
from rlcore.lm.tree import Tree

SUMS = replace(GRPO, iterations=300, group=16, beta=0.0, lr=0.02, every=10)
BITS = replace(GRPO, iterations=400, prompts=16, every=10)
PARITY = {  # a network?, beta, rate
    "a network, with a price": (True, 0.05, 0.02),
    "a network, no price": (True, 0.0, 0.02),
    "linear, with a price": (False, 0.05, 0.05),
}


def learn(task, model, ref, cfg, rng):
    """GRPO.   -> (rows, 2): mean over prompts of the probability of a right answer, and of the worst prompt"""
    tree = Tree(task.language)
    judge = reward_alone(tree, task.table(tree))
    start = judge(model)
    rows = grpo(model, ref, task.reward, cfg, rng, judge)
    return [[row["exact_reward"], row["worst"]] for row in (start, *rows)]


def compute(seeds=range(8)):
    """sums (2, seeds, rows, 2): cold and warm;  bits (3, seeds, rows, 2)"""
    adds, word = addition(), parity()
    sums, bits = [[], []], [[] for _ in PARITY]
    for seed in seeds:
        for warm in (False, True):
            rng = np.random.default_rng(seed)
            model = mlp_model(adds.language, rng)
            if warm:
                sft(model, *demonstrations(adds, 500, 0.5, rng), SFTConfig(steps=400), rng)
            sums[warm].append(learn(adds, model, model.frozen(), SUMS, rng))
        for i, (network, beta, lr) in enumerate(PARITY.values()):
            rng = np.random.default_rng(seed)
            model = mlp_model(word.language, rng, last_gain=1.0) if network else linear_model(word.language)
            ref = linear_model(word.language)  # all responses alike
            bits[i].append(learn(word, model, ref, replace(BITS, beta=beta, lr=lr), rng))
    return {"sums": np.array(sums), "bits": np.array(bits)}


def check(data):
    """What the text says: a cold start leaves prompts behind; no linear policy is above six of eight."""
    cold, warm = data["sums"][:, :, -1]
    assert (cold[:, 1] < 0.01).all()
    assert (cold[:, 0] < 0.9).all()
    assert (warm[:, 1] > 0.9).all()
    priced, free, linear = data["bits"][:, :, -1]
    assert (priced[:, 0] > 0.9).all()
    assert free[:, 0].mean() < 0.85
    assert (data["bits"][2, ..., 0] <= 0.75 + 1e-12).all()
    assert (linear[:, 1] <= 0.5).all()


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    lines = {}
    for name, runs in zip(("from nothing", "after demonstrations"), data["sums"]):
        lines[f"{name}: mean"] = Curve(10 * np.arange(runs.shape[1]), runs[..., 0])
        lines[f"{name}: worst sum"] = Curve(10 * np.arange(runs.shape[1]), runs[..., 1])
    plots.plot_curves(
        lines, xlabel="rounds of GRPO", ylabel="probability of a right answer", legend="center right", ax=left
    )
    left.set(title="Sums", ylim=(-0.03, 1.03))
    lines = {
        name: Curve(10 * np.arange(runs.shape[1]), runs[..., 0]) for name, runs in zip(PARITY, data["bits"])
    }
    plots.plot_curves(
        lines, xlabel="rounds of GRPO", ylabel="probability of a right answer", legend="lower right", ax=right
    )
    right.axhline(0.75, color="black", linestyle=":", linewidth=1.5, label="_six of eight")
    right.set(title="Parity of three bits, mean", ylim=(-0.03, 1.03))
    return figure
