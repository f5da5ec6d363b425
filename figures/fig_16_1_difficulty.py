"""Figure 16.1: how hard a prompt is pushed, and how often not at all, exactly, for rewards 0 and 1."""

from math import comb

import numpy as np

from rlcore.lab import plots
from rlcore.learning.returns import group_advantage, rloo_advantage

P = np.linspace(0.005, 0.995, 199)
GROUP = 8
SIZES = (2, 4, 8, 16)


def compute(seeds=()):
    """factor (3, p): of the gradient of p, for std, mean alone, mean of the others;  silent (sizes, p)"""
    k = np.arange(GROUP + 1)
    groups = (np.arange(GROUP) < k[:, None]).astype(float)  # (k, G): k are right
    likely = np.array([comb(GROUP, j) for j in k]) * P[:, None] ** k * (1 - P[:, None]) ** (GROUP - k)
    factor = []
    for A in (group_advantage(groups, eps=0.0), group_advantage(groups, scale=False), rloo_advantage(groups)):
        push = (A[None] * (groups[None] - P[:, None, None])).mean(axis=2)  # (p, k)
        factor.append((likely * push).sum(axis=1) / (P * (1 - P)))
    silent = np.array([P**n + (1 - P) ** n for n in SIZES])
    return {"factor": np.array(factor), "silent": silent}


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    names = ("divided by the std", "mean alone", "mean of the others")
    lines = {name: (P, y) for name, y in zip(names, data["factor"])}
    plots.plot_curves(
        lines,
        xlabel="p, the probability of a right answer",
        ylabel="factor of the gradient of p",
        legend="upper center",
        ax=left,
    )
    left.set(title=f"How hard a prompt is pushed, groups of {GROUP}", ylim=(0, 3.2))
    lines = {f"groups of {n}": (P, y) for n, y in zip(SIZES, data["silent"])}
    plots.plot_curves(
        lines,
        xlabel="p, the probability of a right answer",
        ylabel="probability that all are equal",
        legend="upper center",
        ax=right,
    )
    right.set(title="Groups that say nothing", ylim=(0, 1.02))
    return figure
