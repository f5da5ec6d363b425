"""Figure 8.5: differential SARSA on access control (Sutton & Barto, Figure 10.5), beside the exact answer."""

import numpy as np

from rlcore.algorithms.linear import differential_sarsa
from rlcore.exact.average import average_reward, optimal_average_reward
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.features import one_hot
from rlcore.problems.access_control import access_control

RUNS, STEPS, BLOCK = 30, 40_000, 2000
PAYS = (1, 2, 4, 8)


def compute(seeds=(0,)):
    """Share of runs that accept, best policy, mean reward in blocks of 2,000 steps, and three exact rates."""
    env = access_control()
    run = differential_sarsa(
        env,
        one_hot(44),
        steps=STEPS,
        alpha=0.02,
        beta=0.01,
        epsilon=0.1,
        rng=np.random.default_rng([*seeds, 85]),
        runs=RUNS,
    )
    best, _, pi = optimal_average_reward(env)
    soft = 0.9 * np.eye(2)[pi] + 0.05
    return {
        "accepts": ((1 + np.sign(run.w[:, 1] - run.w[:, 0])) / 2).mean(axis=0).reshape(11, 4),  # a tie: half
        "best_pi": pi.reshape(11, 4),
        "paid": run.reward.reshape(RUNS, STEPS // BLOCK, BLOCK).mean(axis=2),
        "rate": np.sort(run.rate),
        "exact": np.array([best, average_reward(env, soft)[0], average_reward(env, np.ones(44, int))[0]]),
    }


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(14, 5, columns=2)
    shown = left.imshow(
        data["accepts"].T[:, 1:], origin="lower", aspect="auto", cmap=plots.SIGNED, vmin=0, vmax=1
    )
    bar = figure.colorbar(shown, ax=left, ticks=np.linspace(0, 1, 4), label="of 30 runs accept")
    bar.ax.set_yticklabels(["0", "10", "20", "30"])
    best = data["best_pi"].T[:, 1:]
    for action, mark, name in ((1, "o", "accept"), (0, "X", "reject")):
        row, column = np.nonzero(best == action)
        style = {"markerfacecolor": "white", "markeredgecolor": "black", "markersize": 10, "linestyle": ""}
        left.plot(column, row, mark, label=f"best policy: {name}", **style)
    left.set_xticks(range(10), range(1, 11))
    left.set_yticks(range(4), PAYS)
    left.set(xlabel="free servers", ylabel="what the customer pays")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    x = BLOCK * (np.arange(data["paid"].shape[1]) + 1) / 1000
    curve = {"differential SARSA, $\\epsilon$ = 0.1": Curve(x, data["paid"])}
    plots.plot_curves(
        curve,
        xlabel="steps (thousands)",
        ylabel="reward a step, mean of 30 runs",
        legend="lower right",
        ax=right,
    )
    names = ("best policy", "best policy, exploring", "accept everybody")
    for level, name in zip(data["exact"], names):
        right.axhline(level, color="#555555", linewidth=1.3, linestyle=":", label="_")
        right.annotate(
            f"{name}: {level:.2f}",
            (x[0], level),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=plots.SMALL,
        )
    right.set(ylim=(2.0, 2.85), title="what it earns")
    return figure
