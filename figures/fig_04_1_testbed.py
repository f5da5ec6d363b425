"""Figure 4.1: what the ten arms of one testbed bandit pay (Sutton & Barto, Figure 2.1)."""

import numpy as np

from rlcore.lab import plots
from rlcore.problems.bandits import gaussian_testbed


def compute(seeds=(4,)):
    """The means of one bandit, and 300 rewards of each arm."""
    rng = np.random.default_rng(seeds[0])
    bandit = gaussian_testbed(1, rng=rng)
    return {"mean": bandit.mean[0], "reward": bandit.pay(np.tile(bandit.mean[0], (300, 1)), rng)}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(11, 5.6)
    z = np.linspace(-3.2, 3.2, 121)
    half = 0.42 * np.exp(-(z**2) / 2)  # the normal density, as wide as there is room
    best = data["mean"].argmax()
    for a, mean in enumerate(data["mean"]):
        colour = plots.OKABE_ITO[1 if a == best else 0]
        ax.fill_betweenx(mean + z, a + 1 - half, a + 1 + half, color=colour, alpha=0.3, linewidth=0)
        shift = (
            np.random.default_rng(a).uniform(-1, 1, 300)
            * 0.36
            * np.exp(-((data["reward"][:, a] - mean) ** 2) / 2)
        )
        ax.scatter(a + 1 + shift, data["reward"][:, a], s=3, color=colour, alpha=0.6, linewidths=0)
        ax.hlines(mean, a + 0.62, a + 1.38, color="black", linewidth=2.2)
        ax.annotate(f"{mean:.2f}".replace("-", "\u2212"), (a + 1, mean), (0, 4), textcoords="offset points",
                    ha="center", fontsize=11, fontweight="bold")  # fmt: skip
    ax.axhline(0, color="#999999", linewidth=1, linestyle="--", zorder=0)
    ax.set(xlabel="arm", ylabel="reward", xticks=range(1, 11), ylim=(-5.2, 5.2))
    ax.set_title("Ten arms: their means, and 300 rewards of each; the best arm in orange")
    return figure
