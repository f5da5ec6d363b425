"""Figure 16.5: eight ways to align one model, each with 14,400 responses, over ten seeds: `lm.contest`.

The measures are exact means over all responses at the end; the seconds are the processor's, of one machine.
"""

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.contest import BETA, ENTRANTS, MEASURES, measure, run
from rlcore.lm.evaluate import expectation, responses, win_rate
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

COLUMNS = (*MEASURES, "seconds")
GAP = MEASURES.index("J")
LABELS = ("reward E r", "KL(pi || ref), nats", "win rate", "best J less J", "seconds a run")


def compute(seeds=range(10)):
    """end (entrants, seeds, columns);  least, best (measures,): of the reference and of the policy of largest J"""
    task = preference_task()
    tree, ref = Tree(task.language), reference(task.language)
    log_ref, reward = responses(ref, tree), task.table(tree)
    rows = [[run(entrant, task, seed) for seed in seeds] for entrant in ENTRANTS.values()]
    log_best, J = kl_optimal_policy(log_ref, reward, BETA)
    r, kl = (expectation(log_best, f).mean() for f in (reward, log_best - log_ref))
    return {
        "end": np.array([[[row[key] for key in COLUMNS] for row in of_one] for of_one in rows]),
        "least": np.array([measure(ref, task)[key] for key in MEASURES]),
        "best": np.array([r, kl, win_rate(log_best, log_ref, reward).mean(), np.mean(J)]),
    }


def check(data):
    """What the text says, and no more than it."""
    J = dict(zip(ENTRANTS, data["end"][:, :, 3]))
    mean = dict(zip(ENTRANTS, data["end"].mean(axis=1)))
    best = data["best"]
    assert data["end"].shape[1] == 10
    assert all((j < best[3]).all() for j in J.values())
    assert max(mean, key=lambda name: mean[name][0]) == max(mean, key=lambda name: mean[name][2]) == "GRPO"
    assert mean["GRPO"][0] > best[0]
    assert mean["GRPO"][1] > best[1] + 0.5
    assert J["GRPO"].max() < min(J[name].min() for name in J if name not in ("GRPO", "RRHF"))
    assert abs(J["PPO"].mean() - J["RLOO, 4 steps"].mean()) < 0.002
    assert J["RLOO"].max() < min(J["PPO"].min(), J["RLOO, 4 steps"].min())
    assert J["model, PPO"].min() > J["DPO"].max()
    assert J["RRHF"].max() < J["GRPO"].min()


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(13, 5, columns=len(COLUMNS))
    y = np.arange(len(ENTRANTS))[::-1]
    for m, ax in enumerate(axes):
        for i in range(len(ENTRANTS)):
            each = data["best"][m] - data["end"][i, :, m] if m == GAP else data["end"][i, :, m]
            line = Curve(np.zeros(1), each[:, None])
            low, high = np.array(line.interval)[:, 0]
            ax.plot([low, high], [y[i], y[i]], color=plots.OKABE_ITO[0], linewidth=3, label="_interval")
            ax.plot(each, np.full(len(each), y[i] - 0.25), ".", color="#777777", markersize=4, label="_each")
            ax.plot(line.mean[0], y[i], "o", color=plots.OKABE_ITO[0], markersize=7, label="_mean")
        if m == GAP:
            ax.set_xscale("log")
        elif m < GAP:
            ax.axvline(
                data["best"][m], color=plots.OKABE_ITO[1], linestyle="--", linewidth=1.5, label="_best"
            )
            ax.axvline(data["least"][m], color="#777777", linestyle=":", linewidth=1.5, label="_least")
        else:
            ax.set_xlim(0, None)
        if m != GAP:
            ax.locator_params(axis="x", nbins=4)
        ax.set(xlabel=LABELS[m], ylim=(-0.6, len(ENTRANTS) - 0.4))
        ax.set_ylabel("entrant" if m == 0 else "")
        ax.set_yticks(y, list(ENTRANTS) if m == 0 else [""] * len(ENTRANTS))
    return figure
