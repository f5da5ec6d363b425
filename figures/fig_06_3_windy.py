"""Figure 6.3: SARSA in the windy gridworld (Sutton & Barto, Example 6.5)."""

import numpy as np

from rlcore.algorithms.dp import greedy
from rlcore.algorithms.td import sarsa
from rlcore.exact.values import optimal_value, policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.policies import epsilon_greedy_probabilities
from rlcore.problems.gridworlds import windy

RUNS, EPISODES, BIN = 100, 400, 5
WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)


def compute(seeds=(0,)):
    """Mean steps of five episodes each, (runs, episodes / 5), and what exploring costs in the end."""
    world = windy()
    steps = sarsa(
        world, episodes=EPISODES, alpha=0.5, epsilon=0.1, gamma=1.0,
        rng=np.random.default_rng(seeds[0]), runs=RUNS,
    ).lengths  # fmt: skip
    Q = world.lookahead(optimal_value(world)).round(9)
    exploring = policy_value(world, epsilon_greedy_probabilities(Q, 0.1))
    return {
        "steps": steps.reshape(RUNS, -1, BIN).mean(axis=2).astype(np.float32),
        "exploring": -exploring[world.start.argmax()],
    }


def shortest_walk(world):
    """The states of a greedy walk from the start."""
    pi, s, path = greedy(world, optimal_value(world)), int(world.start.argmax()), []
    while not world.terminal[s]:
        path.append(s)
        s = int(world.succ[s, pi[s], 0])
    return np.array([*path, s])


def draw_wind(ax, rows):
    """An arrow for each cell of wind, in the row below the world."""
    for column, wind in enumerate(WIND):
        for k in range(wind):
            x = column + 0.3 * (k - (wind - 1) / 2)
            ax.annotate(
                "", (x, rows - 0.4), (x, rows + 0.4), arrowprops={"arrowstyle": "-|>", "color": "#0072B2"}
            )
    ax.set_ylim(rows + 0.5, -0.5)
    ax.set_yticks(range(rows + 1), [*map(str, range(rows)), "wind"])


@plots.house_style()
def draw(data):
    world = windy()
    figure, axes = plots.canvas(13, 5.4, columns=2, width_ratios=(1.1, 1))
    path = shortest_walk(world)
    plots.plot_walk(world, path, ax=axes[0])
    draw_wind(axes[0], world.shape[0])
    axes[0].set_title(f"a shortest way: {len(path) - 1} steps; arrows: cells upwards")
    x = np.arange((BIN + 1) / 2, EPISODES, BIN)
    plots.plot_curves(
        {"SARSA": Curve(x, data["steps"])}, xlabel="episode", ylabel="steps", log=True, ax=axes[1]
    )
    exact = float(data["exploring"])
    for y, place, label in (
        (exact, "bottom", f"shortest way, exploring with $\\epsilon = 0.1$: {exact:.2f}"),
        (len(path) - 1, "top", f"shortest way: {len(path) - 1}"),
    ):
        axes[1].axhline(y, color="black", linestyle=":", linewidth=1.2)
        axes[1].text(0, y * (1.02 if place == "bottom" else 0.98), label, va=place)
    ticks = (10, 15, 25, 50, 100, 200, 500)
    axes[1].set_ylim(10, 600)
    axes[1].set_yticks(ticks, map(str, ticks))
    axes[1].minorticks_off()
    axes[1].set_title("means of 100 runs over five episodes; band: 95% interval")
    return figure
