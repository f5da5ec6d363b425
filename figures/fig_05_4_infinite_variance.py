"""Figure 5.4: ordinary importance sampling that does not settle down (Sutton & Barto, Figure 5.4)."""

import numpy as np

from rlcore.algorithms.monte_carlo import weighed_returns
from rlcore.lab import plots
from rlcore.learning.returns import ordinary_average, weighted_average
from rlcore.problems.chains import loop

RUNS, EPISODES = 10, 100_000


def compute(seeds=(0,)):
    """Running averages of ten runs at 400 places.   (RUNS, K)"""
    left, coin = np.array([[1.0, 0.0], [1.0, 0.0]]), np.full((2, 2), 0.5)
    W, G = weighed_returns(
        loop(),
        left,
        coin,
        episodes=EPISODES,
        gamma=1.0,
        rng=np.random.default_rng(seeds[0]),
        runs=RUNS,
        width=50_000,
    )
    n = np.unique(np.geomspace(1, EPISODES, 400).round().astype(int))
    return {
        "n": n,
        "ordinary": ordinary_average(W, G)[:, n - 1],
        "weighted": weighted_average(W, G)[:, n - 1],
    }


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(11, 5.6)
    for y in data["ordinary"]:
        ax.plot(data["n"], y, color="#0072B2", linewidth=1.2, alpha=0.8, label="_run")
    ax.plot([], [], color="#0072B2", linewidth=1.2, label="ordinary average, ten runs")
    for y in data["weighted"]:
        ax.plot(data["n"], y, color="#D55E00", linewidth=2, linestyle="--", label="_run")
    ax.plot([], [], color="#D55E00", linewidth=2, linestyle="--", label="weighted average, ten runs")
    ax.set(
        xscale="log",
        xlim=(1, EPISODES),
        ylim=(0, 3),
        xlabel="episodes",
        ylabel="estimate of the value, which is 1",
    )
    ax.legend(loc="upper left", framealpha=0.9)
    ax.grid(True, color="#DDDDDD", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_title("One state and a loop: finite mean, infinite variance")
    return figure
