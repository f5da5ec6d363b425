"""Figure 12.2: logistic regression on four shards: the loss against what was sent, for several numbers of local steps.

Each line is the geometric mean over four sets of documents, with its interval of level 0.95. Dotted: where it ends.
"""

import numpy as np

from rlcore.algorithms.sharded import (
    alike,
    averaged_descent,
    documents,
    joined,
    loss,
    optimum,
    resting_place,
    skewed,
)
from rlcore.lab import plots
from rlcore.lab.experiments import Curve

SHARDS, LR, L2 = 4, 2.0, 1e-2
LOCAL = (1, 4, 16)
ROUNDS = 100
DEALS = {"Documents dealt out at random": alike, "Documents dealt out by kind": skewed}


def compute(seeds=range(4)):
    """above (deals, local, seeds, rounds + 1), end (deals, local, seeds): excess losses;  bytes (rounds + 1,)"""
    above = np.empty((len(DEALS), len(LOCAL), len(seeds), ROUNDS + 1))
    end = np.empty(above.shape[:3])
    for j, seed in enumerate(seeds):
        for d, deal in enumerate(DEALS.values()):
            rng = np.random.default_rng(seed)
            shards = deal(*documents(400, rng), SHARDS, rng)
            data = joined(shards)
            best = loss(optimum(data, L2), data, L2)[0]
            for i, local in enumerate(LOCAL):
                run = averaged_descent(shards, lr=LR, local=local, rounds=ROUNDS, l2=L2)
                above[d, i, j] = run.loss - best
                end[d, i, j] = loss(resting_place(shards, lr=LR, local=local, l2=L2), data, L2)[0] - best
    return {"above": above, "end": end, "bytes": run.bytes.astype(float)}


@plots.house_style()
def draw(data):
    figure, panels = plots.canvas(12, 4.8, columns=2, sharey=True)
    for ax, title, above, end in zip(panels, DEALS, data["above"], data["end"]):
        for i, local in enumerate(LOCAL):
            look = {"color": plots.OKABE_ITO[i], "linestyle": plots.DASHES[i]}
            line = Curve(data["bytes"] / 1000, np.log10(above[i]))
            name = "1 local step: averaged gradients" if local == 1 else f"{local} local steps"
            ax.plot(line.x, 10**line.mean, label=name, **look)
            ax.fill_between(line.x, *10**line.interval, color=look["color"], alpha=0.15, linewidth=0)
            if local > 1:
                ax.axhline(10 ** np.log10(end[i]).mean(), color=look["color"], linestyle=":", linewidth=1.5)
        ax.set(yscale="log", xlabel="sent so far (kilobytes)", title=title)
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    panels[0].set_ylabel("loss above the lowest")
    panels[1].legend(loc="lower left", frameon=False)
    return figure
