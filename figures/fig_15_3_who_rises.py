"""Figure 15.3: at DPO's optimum, which responses to prompt A have become likelier: those worth more than V."""

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.lab import plots
from rlcore.lm.evaluate import responses
from rlcore.lm.population import pair_weights
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

BETA = 0.2


def compute(seeds=()):
    """Of prompt A: reward, log ref, log pi* and how often a response is chosen, (85,) each; and V."""
    task = preference_task()
    tree = Tree(task.language)
    reward, log_ref = task.table(tree), responses(reference(task.language), tree)
    best, V = kl_optimal_policy(log_ref, reward, BETA)
    chosen = 3 * pair_weights(log_ref, reward)[0].sum(axis=1)
    return {"reward": reward[0], "log_ref": log_ref[0], "best": best[0], "chosen": chosen, "V": V[0]}


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    rise = data["best"] - data["log_ref"]
    V, mean = float(data["V"]), float(data["chosen"] @ data["reward"])
    up = rise > 0
    for some, colour, name in (
        (up, plots.OKABE_ITO[0], "become likelier"),
        (~up, plots.OKABE_ITO[1], "become rarer"),
    ):
        size = 20 + 1500 * np.exp(data["log_ref"][some])
        left.scatter(data["reward"][some], rise[some], size, color=colour, alpha=0.6, label=name, linewidth=0)
    left.axhline(0, color="black", linewidth=1, label="_zero")
    left.axvline(V, color="black", linestyle=":", linewidth=2, label="_V")
    left.axvline(mean, color="#666666", linestyle="--", linewidth=2, label="_mean")
    left.text(V + 0.06, -14, "V(x)", ha="left", va="center")
    left.text(mean - 0.06, -14, "mean of the\nchosen ones", ha="right", va="center")
    left.set(
        xlabel="reward r(x, y)",
        ylabel="log π*(y | x) − log ref(y | x)",
        title="A line of slope 1 / β that is 0 at V",
    )
    left.legend(loc="upper left", frameon=False, markerscale=0.6)
    left.grid(True, color="#DDDDDD", linewidth=0.8)
    before, after = (np.exp(data[key]) for key in ("log_ref", "best"))
    parts = [[p[up].sum(), p[~up].sum()] for p in (before, data["chosen"], after)]
    names = ("said by ref", "chosen by raters", "said by π*")
    for k, (rising, falling) in enumerate(parts):
        right.bar(k, rising, 0.6, color=plots.OKABE_ITO[0])
        right.bar(k, falling, 0.6, bottom=rising, color=plots.OKABE_ITO[1])
        for height, y in ((rising, rising / 2), (falling, rising + falling / 2)):
            if height > 0.05:
                right.text(k, y, f"{height:.0%}", ha="center", va="center", color="white", fontweight="bold")
    right.set(
        xticks=range(3),
        ylabel="share",
        title=f"{up.sum()} responses rise, {(~up).sum()} fall",
        xlabel="whose responses",
    )
    right.set_xticklabels(names)
    return figure
