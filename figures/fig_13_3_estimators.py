"""Figure 13.3: three estimators of KL(pi || ref), exactly: their shape, their error, and where they lead in a loss.

In the middle pi moves from ref = (.4, .3, .2, .1) to its first action and away from its last one; on the right
r = (0, 1, 2, -1).
"""

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy, kl_ref_optimal_policy
from rlcore.lab import plots
from rlcore.learning.kl import k1, k2, k3, kl
from rlcore.numerics import log_softmax

REF = np.array([0.4, 0.3, 0.2, 0.1])
REWARD, BETA = np.array([0.0, 1.0, 2.0, -1.0]), 0.5
KINDS = {"$k_1$": k1, "$k_2$": k2, "$k_3$": k3}
TILT = np.geomspace(0.05, 8, 60)  # how much larger the first two logits are, and the others smaller


def compute(seeds=()):
    """x, shape (3, K): each estimator along the log-ratio;  distance (60,), bias, spread (3, 60): relative to KL;
    end (3, 4): where reward minus BETA times the estimator settles, if k2 or k3 stands in the loss, or k1"""
    x = np.linspace(-2, 2, 81)
    shape = np.array([k(x, np.zeros_like(x)) for k in KINDS.values()])
    log_ref = np.log(REF)
    log_pi = log_softmax(log_ref + np.outer(TILT, [1.0, 0.0, 0.0, -1.0]))
    pi, distance = np.exp(log_pi), kl(log_pi, np.broadcast_to(log_ref, log_pi.shape))
    drawn = np.array([k(log_pi, np.broadcast_to(log_ref, log_pi.shape)) for k in KINDS.values()])
    mean = (pi * drawn).sum(axis=-1)
    spread = np.sqrt((pi * (drawn - mean[..., None]) ** 2).sum(axis=-1))
    end = np.array([REWARD == REWARD.max(), *np.exp(_ends(log_ref))], float)
    relative = {"bias": (mean - distance) / distance, "spread": spread / distance}
    return {"x": x, "shape": shape, "distance": distance, "end": end, **relative}


def _ends(log_ref):
    """log pi where k2 leads, and where k3 does.   -> (2, 4)"""
    return kl_optimal_policy(log_ref, REWARD, BETA)[0], kl_ref_optimal_policy(log_ref, REWARD, BETA)


@plots.house_style()
def draw(data):
    figure, (left, middle, right) = plots.canvas(15, 4.8, columns=3)
    shapes = {name: (data["x"], y) for name, y in zip(KINDS, data["shape"])}
    plots.plot_curves(
        shapes,
        xlabel="$\\log\\pi - \\log\\mathrm{ref}$ of a sample",
        ylabel="value",
        legend="upper center",
        ax=left,
    )
    left.set(title="One sample", ylim=(-2.2, 4.6))
    spreads = {name: (data["distance"], y) for name, y in zip(KINDS, data["spread"])}
    plots.plot_curves(
        spreads,
        xlabel="KL($\\pi$ || ref), nats",
        ylabel="relative to KL",
        log=True,
        legend="upper right",
        ax=middle,
    )
    bias = np.abs(data["bias"][1])
    middle.plot(data["distance"], bias, ":", color=plots.OKABE_ITO[1], label="bias of $k_2$")
    middle.legend(loc="upper left", ncol=2, framealpha=0.9)
    middle.set(xscale="log", ylim=(2e-3, 2e4), title="Standard deviation of a sample")
    names = {"ref": REF, "$k_1$": data["end"][0], "$k_2$": data["end"][1], "$k_3$": data["end"][2]}
    for i, (name, p) in enumerate(names.items()):
        colour = ("#999999", *plots.OKABE_ITO)[i]
        right.bar(np.arange(4) + 0.2 * (i - 1.5), p, 0.2, color=colour, label=name, edgecolor="white")
    right.set_xticks(range(4), [f"{r:g}".replace("-", "\N{MINUS SIGN}") for r in REWARD])
    right.set(xlabel="reward of the action", ylabel="probability", title="Where the loss leads")
    right.legend(loc="upper left", framealpha=0.9)
    return figure
