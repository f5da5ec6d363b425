"""Figure 12.5: the variance of the likelihood-ratio gradient beside the pathwise one, exactly, with samples."""

import numpy as np

from rlcore.exact.one_step import likelihood_ratio, pathwise, value
from rlcore.lab import plots

STDS = np.geomspace(0.03, 3, 41)
DIMENSIONS = np.arange(1, 41)
SPREAD, DRAWS = 0.5, 20_000
SEEN = {"s": (0.1, 0.5, 2.0), "D": (1, 10, 40)}


def three(D, s):
    """Variance of the first coordinate: likelihood ratio without and with a baseline, pathwise; miss = 1 each."""
    miss = np.ones(D)
    bare, calm = (likelihood_ratio(miss, 1.0, s, b)[1][0] for b in (0.0, value(miss, 1.0, s)))
    return bare, calm, pathwise(miss, 1.0, s)[1][0]


def sampled(D, s, rng):
    z = rng.standard_normal((DRAWS, D))
    Q, b = -((1 + s * z) ** 2).sum(axis=1) / 2, value(np.ones(D), 1.0, s)
    return [g.var() for g in (Q * z[:, 0] / s, (Q - b) * z[:, 0] / s, -(1 + s * z[:, 0]))]


def compute(seeds=(0,)):
    """s (3, stds), D (3, dimensions): exact;  s_seen, D_seen (3, 3): from 20,000 draws"""
    rng = np.random.default_rng(seeds[0])
    return {
        "s": np.transpose([three(1, s) for s in STDS]),
        "D": np.transpose([three(D, SPREAD) for D in DIMENSIONS]),
        "s_seen": np.transpose([sampled(1, s, rng) for s in SEEN["s"]]),
        "D_seen": np.transpose([sampled(D, SPREAD, rng) for D in SEEN["D"]]),
    }


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12, 4.8, columns=2, sharey=True)
    names = ("likelihood ratio", "with the value as baseline", "pathwise")
    for ax, x, which in ((left, STDS, "s"), (right, DIMENSIONS, "D")):
        for i, name in enumerate(names):
            ax.plot(x, data[which][i], label=name, color=plots.OKABE_ITO[i], linestyle=plots.DASHES[i])
            ax.plot(SEEN[which], data[f"{which}_seen"][i], "o", color=plots.OKABE_ITO[i], markersize=7)
        ax.set_yscale("log")
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    left.set(xscale="log", xlabel="standard deviation of the policy", ylabel="variance of the gradient")
    left.set_title("One number in an action")
    right.set(xlabel="numbers in an action")
    right.set_title(f"Standard deviation {SPREAD}")
    right.legend(loc="lower right", frameon=False)
    return figure
